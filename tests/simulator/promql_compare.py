"""Asks one expression of two evaluators and says how the answers differ.

The evaluator is asked past HTTP, because the API in front of it is compared request by request elsewhere: so thousands of expressions can
be compared in a minute.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson

from simulator.prometheus_api.rendering import result_data
from simulator.promql.engine import Engine
from simulator.promql.errors import PromqlError
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_data import Span

Answer = dict[str, Any]
Question = tuple[str, dict[str, Any]]

ORDERED = ("sort(", "sort_desc(", "topk(", "bottomk(")
TOLERANCE = 1e-9


class Ours:
    def __init__(self, tsdb: Tsdb) -> None:
        self._engine = Engine(tsdb)

    def get(self, path: str, params: dict[str, Any]) -> tuple[int, Answer]:
        try:
            data = self._asked(path, params)
        except PromqlError as problem:
            return problem.status, {"status": "error", "errorType": problem.kind, "error": str(problem)}
        answer: Answer = orjson.loads(orjson.dumps({"status": "success", "data": data}))
        return 200, answer

    def _asked(self, path: str, params: dict[str, Any]) -> Answer:
        query = params["query"]
        if path.endswith("query"):
            return result_data(self._engine.instant(query, round(params["time"] * 1000)))
        start, end, step = (round(params[name] * 1000) for name in ("start", "end", "step"))
        return result_data(self._engine.range(query, start, end, step))


def questions(expression: str, span: Span) -> Iterator[Question]:
    for moment in span.instants:
        yield "/api/v1/query", {"query": expression, "time": moment / 1000}
    for start, end, step in span.ranges:
        yield (
            "/api/v1/query_range",
            {"query": expression, "start": start / 1000, "end": end / 1000, "step": step / 1000},
        )


def difference(expected: tuple[int, Answer], got: tuple[int, Answer], *, ordered: bool = False) -> str | None:
    """What is unlike, as a sentence; None when nothing is."""
    (expected_status, wanted), (our_status, answered) = expected, got
    if (our_status, answered.get("errorType")) != (expected_status, wanted.get("errorType")):
        return f"{_outcome(answered)} instead of {_outcome(wanted)}"
    if wanted["status"] == "error":
        return _other_sentence(wanted, answered) if wanted["errorType"] == "execution" else None
    if answered["data"]["resultType"] != wanted["data"]["resultType"]:
        return f"a {answered['data']['resultType']} instead of a {wanted['data']['resultType']}"
    return _other_result(wanted["data"], answered["data"], ordered=ordered)


def _outcome(answer: Answer) -> str:
    return f"{answer['errorType']}: {answer['error']}" if answer["status"] == "error" else "an answer"


def _other_sentence(wanted: Answer, answered: Answer) -> str | None:
    one, other = _without_series(wanted["error"]), _without_series(answered["error"])
    return None if one == other else f"{other!r} instead of {one!r}"


def _without_series(sentence: str) -> str:
    """Which two of several duplicates are named is left to chance."""
    return sentence.split(" for the match group")[0] if sentence.startswith("found duplicate series") else sentence


def _other_result(wanted: Answer, answered: Answer, *, ordered: bool) -> str | None:
    if wanted["resultType"] in ("scalar", "string"):
        return _other_points([wanted["result"]], [answered["result"]])
    if ordered and wanted["resultType"] == "vector":
        problem = _other_order([row["value"] for row in wanted["result"]], [row["value"] for row in answered["result"]])
        if problem is not None:
            return problem
    rows, our_rows = sorted(wanted["result"], key=_metric), sorted(answered["result"], key=_metric)
    metrics, our_metrics = [_metric(row) for row in rows], [_metric(row) for row in our_rows]
    if our_metrics != metrics:
        missing, extra = sorted({*metrics} - {*our_metrics}), sorted({*our_metrics} - {*metrics})
        return f"rows missing: {missing[:3]}, rows too many: {extra[:3]}"
    for row, our_row in zip(rows, our_rows, strict=True):
        problem = _other_points(_points(row), _points(our_row))
        if problem is not None:
            return f"{_metric(row)}: {problem}"
    return None


def _other_order(wanted: list[list[Any]], answered: list[list[Any]]) -> str | None:
    """The order of the values; among equal ones it is Prometheus's own affair."""
    problem = _other_points(wanted, answered)
    return None if problem is None else f"in another order: {problem}"


def _metric(row: Answer) -> str:
    return json.dumps(row["metric"], sort_keys=True)


def _points(row: Answer) -> list[list[Any]]:
    return row.get("values") or [row["value"]]


def _other_points(wanted: list[list[Any]], answered: list[list[Any]]) -> str | None:
    times, our_times = [t for t, _ in wanted], [t for t, _ in answered]
    if times != our_times:
        return f"{len(our_times)} points instead of {len(times)}"
    for point, our_point in zip(wanted, answered, strict=True):
        if not _same(point[1], our_point[1]):
            return f"{our_point} instead of {point}"
    return None


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        value, our_value = float(one), float(other)
    except ValueError:
        return False
    return math.isclose(value, our_value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
