"""The evaluator against a real Prometheus: the same samples, the same requests, answers equal to nine digits."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from simulator.prometheus_api.routes import routes
from tests.simulator.prometheus_server import RealPrometheus, running_prometheus
from tests.simulator.promql_data import SPANS, START_MS, all_series, filled
from tests.simulator.promql_expressions import EXPRESSIONS
from tests.simulator.promql_requests import RIGHT, WRONG
from tests.simulator.test_prometheus_api import NothingKnown

pytestmark = pytest.mark.real("prometheus")

CASES = [(kind, expression) for kind, expressions in EXPRESSIONS.items() for expression in expressions]
ORDERED = ("sort(", "sort_desc(", "topk(", "bottomk(")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), all_series()) as server:
        yield server


@pytest.fixture(scope="module")
def ours() -> Starlette:
    tsdb = filled(all_series())
    return Starlette(routes=routes(tsdb, lambda: datetime.fromtimestamp(START_MS / 1000, UTC), NothingKnown()))


@pytest.mark.parametrize(("kind", "expression"), CASES, ids=[expression for _, expression in CASES])
async def test_an_expression_is_answered_as_prometheus_answers_it(
    kind: str, expression: str, real: RealPrometheus, ours: Starlette
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=ours), base_url="http://ours") as client:
        for path, params in _requests(kind, expression):
            expected_status, expected = real.get(path, params)
            response = await client.get(path, params=params)
            assert_same(expected, response.json(), ordered=expression.startswith(ORDERED) and path.endswith("query"))
            assert response.status_code == expected_status


@pytest.mark.parametrize(("path", "params"), [*WRONG, *RIGHT], ids=str)
async def test_a_request_is_answered_as_prometheus_answers_it(
    path: str, params: dict[str, Any], real: RealPrometheus, ours: Starlette
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=ours), base_url="http://ours") as client:
        expected_status, expected = real.get(path, params)
        response = await client.get(path, params=params)
    assert (response.status_code, in_order(response.json())) == (expected_status, in_order(expected))


def in_order(answer: dict[str, Any]) -> dict[str, Any]:
    """Rows sorted, because their order is Prometheus's own affair."""
    data = answer.get("data")
    rows = data.get("result") if isinstance(data, dict) else data
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
    return answer


def _requests(kind: str, expression: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for moment in SPANS[kind].instants:
        yield "/api/v1/query", {"query": expression, "time": moment / 1000}
    for start, end, step in SPANS[kind].ranges:
        yield (
            "/api/v1/query_range",
            {"query": expression, "start": start / 1000, "end": end / 1000, "step": step / 1000},
        )


def assert_same(expected: dict[str, Any], got: dict[str, Any], *, ordered: bool) -> None:
    assert (got["status"], got.get("errorType")) == (expected["status"], expected.get("errorType")), (expected, got)
    if expected["status"] == "error":
        if expected["errorType"] == "execution":
            assert _without_series(got["error"]) == _without_series(expected["error"])
        return
    assert got["data"]["resultType"] == expected["data"]["resultType"]
    wanted, answered = expected["data"]["result"], got["data"]["result"]
    if expected["data"]["resultType"] in ("scalar", "string"):
        assert_same_point(wanted, answered)
        return
    key = None if ordered else (lambda row: json.dumps(row["metric"], sort_keys=True))
    wanted, answered = (wanted, answered) if key is None else (sorted(wanted, key=key), sorted(answered, key=key))
    assert [row["metric"] for row in answered] == [row["metric"] for row in wanted]
    for one, other in zip(wanted, answered, strict=True):
        points, our_points = one.get("values") or [one["value"]], other.get("values") or [other["value"]]
        assert [t for t, _ in our_points] == [t for t, _ in points], one["metric"]
        for point, our_point in zip(points, our_points, strict=True):
            assert_same_point(point, our_point)


def assert_same_point(wanted: list[Any], got: list[Any]) -> None:
    one, other = float(wanted[1]), float(got[1])
    both_nan = math.isnan(one) and math.isnan(other)
    assert both_nan or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9), (wanted, got)


def _without_series(sentence: str) -> str:
    """Which two of several duplicates are named is left to chance."""
    return sentence.split(" for the match group")[0] if sentence.startswith("found duplicate series") else sentence
