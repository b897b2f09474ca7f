"""A small language for tests of PromQL: series from a list of values, answers as {labels: value}."""

from collections.abc import Sequence

from simulator.promql.engine import Engine, MatrixResult, ScalarResult, VectorResult
from simulator.promql.evaluator import Limits
from simulator.promql.golang import format_labels
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_data import labels_of

MINUTE = 60


class World:
    def __init__(self, limits: Limits | None = None) -> None:
        self.tsdb = Tsdb()
        self.engine = Engine(self.tsdb, limits)

    def series(
        self, name: str, values: Sequence[float | None], *, start: int = 0, step: int = 60, **labels: str
    ) -> None:
        """One value each `step` seconds; None leaves a scrape out."""
        for i, value in enumerate(values):
            if value is not None:
                self.tsdb.append_many((start + i * step) * 1000, [(labels_of(name, **labels), value)])

    def end(self, name: str, seconds: int, **labels: str) -> None:
        self.tsdb.mark_stale(labels_of(name, **labels), seconds * 1000)

    def at(self, seconds: float, query: str) -> dict[str, float]:
        result = self.engine.instant(query, round(seconds * 1000))
        assert isinstance(result, VectorResult)
        return dict(zip([format_labels(labels) for labels in result.labels], result.values, strict=True))

    def number(self, query: str, seconds: float = 0) -> float:
        result = self.engine.instant(query, round(seconds * 1000))
        assert isinstance(result, ScalarResult)
        return result.value

    def over(self, start: int, end: int, step: int, query: str) -> dict[str, list[tuple[int, float]]]:
        result = self.engine.range(query, start * 1000, end * 1000, step * 1000)
        return _points(result)

    def samples(self, seconds: int, query: str) -> dict[str, list[tuple[int, float]]]:
        result = self.engine.instant(query, seconds * 1000)
        assert isinstance(result, MatrixResult)
        return _points(result)


def _points(result: MatrixResult) -> dict[str, list[tuple[int, float]]]:
    return {
        format_labels(row.labels): [
            (t // 1000, v) for t, v in zip(row.times.tolist(), row.values.tolist(), strict=True)
        ]
        for row in result.rows
    }
