"""Prometheus's HTTP API as the product's client and a person with curl meet it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from simulator.prometheus_api.catalogue import MetricMetadata, Target
from simulator.prometheus_api.parameters import LARGEST_FORM
from simulator.prometheus_api.routes import LARGEST_IMPORT, routes
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_data import labels_of

ZERO_STEP = "zero or negative query resolution step widths are not accepted. Try a positive integer"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
T = int(NOW.timestamp())


class NothingKnown:
    def metadata(self) -> Mapping[str, MetricMetadata]:
        return {}

    def targets(self) -> Sequence[Target]:
        return []


class OneTarget:
    def metadata(self) -> Mapping[str, MetricMetadata]:
        return {
            "up": MetricMetadata("gauge", "Whether the target answers."),
            "cpu_seconds_total": MetricMetadata("counter", "Time on the CPU.", "seconds"),
        }

    def targets(self) -> Sequence[Target]:
        labels = {"job": "api", "instance": "10.0.0.1:80"}
        return [Target("api", "http://10.0.0.1:80/metrics", labels, "down", NOW, "connection refused", 0.25)]


class Ticks:
    """Real time for deadlines: it passes by `step` seconds with each look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def tsdb() -> Tsdb:
    tsdb = Tsdb()
    for minute in range(11):
        moment = (T - 600 + minute * 60) * 1000
        tsdb.append_many(moment, [(labels_of("up", job="api"), 1.0), (labels_of("work", job="api"), minute * 60.0)])
    tsdb.append_many(T * 1000, [(labels_of("up", job="web"), 0.0)])
    return tsdb


@pytest.fixture
async def api(tsdb: Tsdb) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(tsdb) as client:
        yield client


def client_of(tsdb: Tsdb, monotonic: Ticks | None = None) -> httpx.AsyncClient:
    app = Starlette(
        routes=[Mount("/prometheus", routes=list(routes(tsdb, lambda: NOW, OneTarget(), monotonic or Ticks())))]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator/prometheus")


async def data(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "success"
    return response.json()["data"]


async def refusal(client: httpx.AsyncClient, path: str, **params: Any) -> tuple[int, str, str]:
    response = await client.get(path, params=params)
    answer = response.json()
    assert answer["status"] == "error"
    return response.status_code, answer["errorType"], answer["error"]


async def test_an_instant_query_is_about_now_unless_a_time_is_given(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/query", query='up{job="web"}') == {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "up", "job": "web"}, "value": [T, "0"]}],
    }
    earlier = await data(api, "/api/v1/query", query="work", time=T - 60.5)
    assert earlier["result"][0]["value"] == [T - 60.5, "480"]


async def test_a_query_may_come_as_a_form(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query", data={"query": "sum(up)", "time": "2026-03-02T09:00:00Z"})
    assert response.json()["data"]["result"] == [{"metric": {}, "value": [T, "1"]}]


async def test_a_form_counts_before_the_address(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query?query=2", data={"query": "1"})
    assert response.json()["data"]["result"] == [T, "1"]


async def test_a_range_query_answers_with_a_matrix(api: httpx.AsyncClient) -> None:
    answer = await data(api, "/api/v1/query_range", query="rate(work[5m])", start=T - 120, end=T, step="1m")
    assert answer == {
        "resultType": "matrix",
        "result": [{"metric": {"job": "api"}, "values": [[T - 120, "1"], [T - 60, "1"], [T, "1"]]}],
    }


async def test_values_are_text_and_keep_every_digit(api: httpx.AsyncClient) -> None:
    wide = await data(api, "/api/v1/query_range", query="work / 1e9", start=T - 60, end=T, step=60)
    assert wide["result"][0]["values"] == [[T - 60, "5.4e-07"], [T, "6e-07"]]
    special = await data(api, "/api/v1/query_range", query="work / 0 - 1", start=T - 600, end=T, step=300)
    assert [value for _, value in special["result"][0]["values"]] == ["NaN", "+Inf", "+Inf"]


async def test_a_wrong_query_is_told_with_its_parameter(api: httpx.AsyncClient) -> None:
    status, kind, sentence = await refusal(api, "/api/v1/query", query="sum(")
    assert (status, kind) == (400, "bad_data")
    assert sentence.startswith('invalid parameter "query": parse error: ')


async def test_a_query_that_cannot_be_answered_is_an_execution_error(api: httpx.AsyncClient) -> None:
    assert await refusal(api, "/api/v1/query", query='label_replace(up, "job", "", "job", ".*")') == (
        422,
        "execution",
        "vector cannot contain metrics with the same labelset",
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start": "soon"}, 'invalid parameter "start": cannot parse "soon" to a valid timestamp'),
        ({"end": T - 601}, 'invalid parameter "end": end timestamp must not be before start time'),
        ({"step": "often"}, 'invalid parameter "step": cannot parse "often" to a valid duration'),
        (
            {"step": "0"},
            f'invalid parameter "step": {ZERO_STEP}',
        ),
        (
            {"step": "0.01"},
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        ({"timeout": "later"}, 'invalid parameter "timeout": cannot parse "later" to a valid duration'),
        ({"end": "1e999"}, 'invalid parameter "end": cannot parse "1e999" to a valid timestamp'),
    ],
)
async def test_wrong_parameters_are_told_in_prometheus_words(
    api: httpx.AsyncClient, changed: dict[str, Any], sentence: str
) -> None:
    right = {"query": "up", "start": T - 600, "end": T, "step": 60}
    assert await refusal(api, "/api/v1/query_range", **{**right, **changed}) == (400, "bad_data", sentence)


async def test_a_query_that_outlives_its_timeout_ends(tsdb: Tsdb) -> None:
    async with client_of(tsdb, Ticks(step=10)) as client:
        assert await refusal(client, "/api/v1/query", query="sum(up)", timeout="5s") == (
            503,
            "timeout",
            "query timed out in expression evaluation",
        )


async def test_many_queries_at_once_are_all_answered(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(data(api, "/api/v1/query", query=f"vector({n})") for n in range(20)))
    assert [answer["result"][0]["value"][1] for answer in answers] == [str(n) for n in range(20)]


async def test_a_form_that_is_too_large_is_refused(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query", data={"query": "x" * (LARGEST_FORM + 1)})
    assert (response.status_code, response.json()["error"]) == (
        400,
        f"request body is larger than {LARGEST_FORM} bytes",
    )


async def test_series_are_found_by_selectors(api: httpx.AsyncClient) -> None:
    found = await data(api, "/api/v1/series", **{"match[]": ["up", 'work{job="api"}']})
    assert found == [
        {"__name__": "up", "job": "api"},
        {"__name__": "up", "job": "web"},
        {"__name__": "work", "job": "api"},
    ]
    early = await data(api, "/api/v1/series", **{"match[]": "up", "end": T - 300})
    assert early == [{"__name__": "up", "job": "api"}]


async def test_series_need_a_selector(api: httpx.AsyncClient) -> None:
    assert (await refusal(api, "/api/v1/series"))[2] == "no match[] parameter provided"
    status, _, sentence = await refusal(api, "/api/v1/series", **{"match[]": "rate(up[5m])"})
    assert (status, sentence) == (
        400,
        "invalid parameter \"match[]\": parse error: expected a series selector, got 'rate(up[5m])'",
    )


async def test_labels_and_their_values_are_listed(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/labels") == ["__name__", "job"]
    assert await data(api, "/api/v1/label/job/values") == ["api", "web"]
    assert await data(api, "/api/v1/label/job/values", **{"match[]": "work"}) == ["api"]
    assert await data(api, "/api/v1/label/nothing/values") == []


async def test_a_label_name_that_is_none_is_refused(api: httpx.AsyncClient) -> None:
    assert await refusal(api, "/api/v1/label/a-b/values") == (400, "bad_data", 'invalid label name: "a-b"')


async def test_metadata_tells_type_help_and_unit(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/metadata", metric="cpu_seconds_total") == {
        "cpu_seconds_total": [{"type": "counter", "help": "Time on the CPU.", "unit": "seconds"}]
    }
    assert len(await data(api, "/api/v1/metadata", limit=1)) == 1
    assert (await refusal(api, "/api/v1/metadata", limit="x"))[2] == "limit must be a number"


async def test_targets_show_health_and_the_last_error(api: httpx.AsyncClient) -> None:
    answer = await data(api, "/api/v1/targets")
    (target,) = answer["activeTargets"]
    assert (target["health"], target["lastError"]) == ("down", "connection refused")
    assert (target["labels"]["job"], target["lastScrape"]) == ("api", "2026-03-02T09:00:00Z")
    assert answer["droppedTargets"] == []
    assert (await data(api, "/api/v1/targets", state="dropped"))["activeTargets"] == []


async def test_there_are_no_rules_and_no_alerts(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/rules") == {"groups": []}
    assert await data(api, "/api/v1/alerts") == {"alerts": []}


async def test_the_build_and_the_configuration_are_told(api: httpx.AsyncClient) -> None:
    assert (await data(api, "/api/v1/status/buildinfo"))["version"] == "2.45.0"
    assert "scrape_interval: 15s" in (await data(api, "/api/v1/status/config"))["yaml"]


async def test_a_query_is_formatted(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/format_query", query="sum(up)by(job)") == "sum by (job) (up)"
    assert (await refusal(api, "/api/v1/format_query", query="("))[1] == "bad_data"


async def test_health_and_readiness_are_plain_text(api: httpx.AsyncClient) -> None:
    assert (await api.get("/-/healthy")).text == "Prometheus Server is Healthy.\n"
    assert (await api.get("/-/ready")).text == "Prometheus Server is Ready.\n"


async def test_samples_are_imported_from_the_text_format(api: httpx.AsyncClient) -> None:
    body = (
        "# HELP imported something\n# TYPE imported gauge\n"
        f'imported{{b="2",a="x \\"y\\" \\\\ z",}} 1.5 {(T - 60) * 1000}\n'
        f"imported 2e3 {(T - 120) * 1000}\n\nimported +Inf\n"
    )
    assert (await api.post("/api/v1/import/prometheus", content=body)).status_code == 204
    answer = await data(api, "/api/v1/query", query="imported")
    assert answer["result"] == [
        {"metric": {"__name__": "imported"}, "value": [T, "+Inf"]},
        {"metric": {"__name__": "imported", "a": 'x "y" \\ z', "b": "2"}, "value": [T, "1.5"]},
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("imported", "line 2 is not a sample"),
        ("imported{a=1} 1", "line 2: bad labels at 'a=1'"),
        ('imported{a="1" b="2"} 1', "line 2: bad labels"),
        ('imported{a="1",a="2"} 1', "line 2: bad labels"),
        ('imported{__name__="other"} 1', "line 2: the label __name__ is given by the metric's name"),
        ("imported 1_000", "line 2: '1_000' is not a number"),
        ("imported 0x10", "line 2: '0x10' is not a number"),
        ("imported 1 soon", "line 2 is not a sample"),
    ],
)
async def test_a_line_that_is_no_sample_is_named_and_nothing_is_kept(
    api: httpx.AsyncClient, line: str, sentence: str
) -> None:
    response = await api.post("/api/v1/import/prometheus", content=f"kept 1\n{line}\n")
    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert (await data(api, "/api/v1/query", query="kept"))["result"] == []


async def test_an_import_of_older_samples_is_refused(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/import/prometheus", content=f'up{{job="api"}} 5 {(T - 900) * 1000}\n')
    assert response.status_code == 400
    assert "out of order" in response.json()["error"]


async def test_an_import_is_bounded_and_must_be_text(api: httpx.AsyncClient) -> None:
    too_large = await api.post("/api/v1/import/prometheus", content=b"#" * (LARGEST_IMPORT + 1))
    assert too_large.json()["error"] == f"request body is larger than {LARGEST_IMPORT} bytes"
    assert (await api.post("/api/v1/import/prometheus", content=b"\xff")).json()["error"] == "the body is not UTF-8"
