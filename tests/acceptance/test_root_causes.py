"""The root-cause paths of the users' own documents, asked of the whole product with a fault in the world."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.rootcause import _ACTIONS
from tests.acceptance.stage import Stage, stage
from tools.autofix.remedies import REMEDIES

PLACE = "shop"
FAULT = "incorrect_image_reference"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("rca")) as found:
        await found.pass_time(600)
        await found.inject(FAULT)
        await found.pass_time(240)
        yield found


async def analyzed(scene: Stage, language: str = "en", **body: Any) -> dict[str, Any]:
    ask = {"namespace": PLACE, **body}
    headers = {"Accept-Language": language}
    answer = await scene.while_time_passes(scene.http.post("/api/v1/rca/analyze", json=ask, headers=headers))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_an_analysis_has_every_field_that_was_promised(scene: Stage) -> None:
    found = await analyzed(scene, metrics=["cpu_usage", "memory_usage", "qps"])
    promised = "analysis_id namespace time_window analysis_timestamp root_causes correlations summary"
    assert set(promised.split()) <= set(found)
    cause = found["root_causes"][0]
    of_a_cause = "cause_id cause_type title description confidence_score severity affected_resources recommendations supporting_evidence"
    assert set(of_a_cause.split()) <= set(cause)
    assert cause["cause_type"] == FAULT
    assert {"type", "source", "description", "timestamp"} <= set(cause["supporting_evidence"][0])
    assert found["summary"]["total_issues_detected"] >= 1
    assert found["diagnosis"]["causes"][0]["fault"] == FAULT


@pytest.mark.asyncio(loop_scope="module")
async def test_causes_below_the_threshold_are_hidden_and_counted(scene: Stage) -> None:
    found = await analyzed(scene, severity_threshold=1.0)
    assert found["root_causes"] == []
    assert found["summary"]["below_threshold"] == found["summary"]["total_issues_detected"] > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_evidence_of_a_kind_that_was_not_wanted_is_not_shown(scene: Stage) -> None:
    found = await analyzed(scene, include_events=False, include_logs=False)
    kinds = {item["type"] for cause in found["root_causes"] for item in cause["supporting_evidence"]}
    assert kinds
    assert not kinds & {"event", "log"}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_analysis_speaks_the_language_asked(scene: Stage) -> None:
    found = await analyzed(scene, "zh-CN")
    assert found["time_window"] == "1.0小时"
    assert "镜像" in found["root_causes"][0]["title"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_metric_that_is_not_there_is_said_to_be_missing(scene: Stage) -> None:
    found = await analyzed(scene, metrics=["cpu_usage", "no_such_metric"])
    assert any("no_such_metric" in row["what"] and row["why"] == "no samples" for row in found["missing"])


@pytest.mark.parametrize("name", ["a{b}", "x" * 300, 'm"} or vector(1)'])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_that_is_no_metrics_name_is_refused(scene: Stage, name: str) -> None:
    answer = await scene.http.post("/api/v1/rca/analyze", json={"metrics": [name]})
    assert answer.status_code == 422


@pytest.mark.asyncio(loop_scope="module")
async def test_a_quick_diagnosis_says_what_is_critical_and_what_to_do(scene: Stage) -> None:
    found = await scene.while_time_passes(scene.get(f"/rca/quick-diagnosis?namespace={PLACE}"))
    assert found["healthy"] is False
    assert found["critical_issues"]
    assert found["recommendations"][0]["description"]


@pytest.mark.asyncio(loop_scope="module")
async def test_events_are_counted_as_patterns_warnings_first(scene: Stage) -> None:
    found = await scene.while_time_passes(scene.get(f"/rca/event-patterns?namespace={PLACE}&hours=1"))
    rows = found["patterns"]
    assert rows[0]["type"] == "Warning"
    assert any(row["reason"] == "Failed" and row["count"] > 1 for row in rows)
    assert found["count"] >= found["shown"] == len(rows)


@pytest.mark.asyncio(loop_scope="module")
async def test_errors_are_summed_up_by_what_they_say(scene: Stage) -> None:
    found = await scene.while_time_passes(scene.get(f"/rca/error-summary?namespace={PLACE}"))
    assert found["occurrences"] >= found["count"] > 0
    assert all(row["where"] and row["example"] for row in found["errors"])


@pytest.mark.asyncio(loop_scope="module")
async def test_metric_names_and_the_health_of_what_is_read_are_told(scene: Stage) -> None:
    names = await scene.while_time_passes(scene.get("/rca/metrics"))
    assert "container_memory_working_set_bytes" in names["metrics"]
    assert names["count"] == len(names["metrics"])
    assert await scene.get("/rca/health")


def test_every_repair_that_is_recommended_has_words() -> None:
    assert set(_ACTIONS) == set(REMEDIES)
