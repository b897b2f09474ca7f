"""Writes results as Prometheus's JSON: times as seconds, values as strings in Go's format.

A day of two hundred series is some 300,000 values, so rows are written as text: orjson gives the shortest digits of a whole row
at once, and only rows with exponents or special values take the slow way.
"""

from operator import add
from typing import Any

import orjson

from simulator.promql.chunks import Times, Values
from simulator.promql.engine import MatrixResult, Result, Row, ScalarResult, StringResult, VectorResult
from simulator.promql.golang import format_float, format_point


def result_data(result: Result) -> dict[str, Any]:
    match result:
        case VectorResult():
            moment = seconds(result.time_ms)
            rows = [
                {"metric": dict(labels), "value": [moment, format_point(value)]}
                for labels, value in zip(result.labels, result.values, strict=True)
            ]
            return {"resultType": "vector", "result": rows}
        case MatrixResult():
            return {"resultType": "matrix", "result": _matrix_rows(result.rows)}
        case ScalarResult():
            return {"resultType": "scalar", "result": [seconds(result.time_ms), format_float(result.value)]}
        case StringResult():
            return {"resultType": "string", "result": [seconds(result.time_ms), result.value]}


def seconds(time_ms: int) -> int | float:
    return time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000


def _matrix_rows(rows: list[Row]) -> list[dict[str, Any]]:
    written: dict[int, list[str]] = {}
    data = []
    for row in rows:
        openings = written.get(id(row.times))
        if openings is None:
            openings = written[id(row.times)] = _openings(row.times)
        data.append({"metric": dict(row.labels), "values": _points(openings, row.values)})
    return data


def _openings(times: Times) -> list[str]:
    return [f'{seconds(time)},"' for time in times.tolist()]


def _points(openings: list[str], values: Values) -> orjson.Fragment:
    return orjson.Fragment("[[" + '"],['.join(map(add, openings, _texts(values))) + '"]]')


def _texts(values: Values) -> list[str]:
    text = orjson.dumps(values.tolist()).decode()
    if "e" in text or "n" in text:  # an exponent, or the null that stands for NaN and infinities
        return [format_point(value) for value in values.tolist()]
    return (text[1:-1] + ",").replace(".0,", ",")[:-1].split(",")
