"""The evaluator against a real Prometheus: the same samples, the same requests, answers equal to nine digits.

Beside the expressions that people wrote there are some that chance made (see `promql_generator`): a few hundred always, thousands in the
long runs.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from simulator.prometheus_api.routes import routes
from simulator.promql.tsdb import Tsdb
from tests.simulator.prometheus_server import RealPrometheus, running_prometheus
from tests.simulator.promql_compare import ORDERED, Ours, difference, questions
from tests.simulator.promql_data import SPANS, START_MS, all_series, filled
from tests.simulator.promql_expressions import EXPRESSIONS
from tests.simulator.promql_generator import Generator
from tests.simulator.promql_grammar import GRAMMAR
from tests.simulator.promql_odd_data import ODD_SPANS, odd_series, open_metrics
from tests.simulator.promql_odd_expressions import JOINS, SAMPLES
from tests.simulator.promql_requests import COUNTED, RIGHT, WRONG
from tests.simulator.promql_vocabularies import VOCABULARIES
from tests.simulator.test_prometheus_api import NothingKnown

pytestmark = pytest.mark.real("prometheus")

ALL_SPANS = {**SPANS, **ODD_SPANS}
ALL_EXPRESSIONS = {**EXPRESSIONS, "odd": [*GRAMMAR, *SAMPLES], "fleet": JOINS}
CASES = [(kind, expression) for kind, expressions in ALL_EXPRESSIONS.items() for expression in expressions]
MADE = 120
MADE_IN_SOAK = 4_000


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(folder, all_series(), open_metrics(odd_series())) as server:
        yield server


@pytest.fixture(scope="module")
def tsdb() -> Tsdb:
    return filled([*all_series(), *odd_series()])


@pytest.fixture(scope="module")
def ours(tsdb: Tsdb) -> Ours:
    return Ours(tsdb)


def test_the_comparison_is_wide_enough_to_mean_something() -> None:
    assert len(set(CASES)) >= 400
    assert len(ALL_SPANS) >= 3


@pytest.mark.parametrize(("kind", "expression"), CASES, ids=[expression for _, expression in CASES])
def test_an_expression_is_answered_as_prometheus_answers_it(
    kind: str, expression: str, real: RealPrometheus, ours: Ours
) -> None:
    assert_alike(kind, expression, real, ours)


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_expressions_made_by_chance_are_answered_as_prometheus_answers_them(
    kind: str, real: RealPrometheus, ours: Ours
) -> None:
    generator = Generator(5, VOCABULARIES[kind])
    for _ in range(MADE):
        assert_alike(kind, generator.expression(), real, ours)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", VOCABULARIES)
def test_thousands_of_expressions_made_by_chance_are_answered_as_prometheus_answers_them(
    kind: str, seed: int, real: RealPrometheus, ours: Ours
) -> None:
    generator = Generator(seed, VOCABULARIES[kind])
    for _ in range(MADE_IN_SOAK):
        assert_alike(kind, generator.expression(), real, ours)


@pytest.mark.parametrize(("path", "params"), [*WRONG, *RIGHT], ids=str)
async def test_a_request_is_answered_as_prometheus_answers_it(
    path: str, params: dict[str, Any], real: RealPrometheus, tsdb: Tsdb
) -> None:
    app = Starlette(routes=routes(tsdb, lambda: datetime.fromtimestamp(START_MS / 1000, UTC), NothingKnown()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ours") as client:
        expected_status, expected = real.get(path, params)
        response = await client.get(path, params=params)
    assert (response.status_code, in_order(response.json())) == (expected_status, in_order(expected))


@pytest.mark.parametrize("expression", COUNTED)
async def test_a_query_looks_at_as_many_samples_as_prometheus_does(
    expression: str, real: RealPrometheus, tsdb: Tsdb
) -> None:
    app = Starlette(routes=routes(tsdb, lambda: datetime.fromtimestamp(START_MS / 1000, UTC), NothingKnown()))
    start = START_MS // 1000 + 600
    params: dict[str, Any] = {"query": expression, "start": start, "end": start + 300, "step": 15, "stats": "all"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ours") as client:
        _, expected = real.get("/api/v1/query_range", params)
        answer = (await client.get("/api/v1/query_range", params=params)).json()
    counted = "totalQueryableSamples"
    assert answer["data"]["stats"]["samples"][counted] == expected["data"]["stats"]["samples"][counted]
    assert answer["data"]["stats"]["timings"].keys() == expected["data"]["stats"]["timings"].keys()


def assert_alike(kind: str, expression: str, real: RealPrometheus, ours: Ours) -> None:
    for path, params in questions(expression, ALL_SPANS[kind]):
        ordered = expression.startswith(ORDERED) and path.endswith("query")
        problem = difference(real.get(path, params), ours.get(path, params), ordered=ordered)
        assert problem is None, f"{expression} {params}: {problem}"


def in_order(answer: dict[str, Any]) -> dict[str, Any]:
    """Rows sorted, because their order is Prometheus's own affair."""
    data = answer.get("data")
    rows = data.get("result") if isinstance(data, dict) else data
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
    return answer
