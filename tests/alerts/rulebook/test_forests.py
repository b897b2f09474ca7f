"""Several series watched together: learnt beside the watch, judged at every turn, and honest about what is not there."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.evaluator import Evaluator
from alerts.model import Alert, Change
from alerts.rulebook.definition import Definition, group_of, rule_of
from alerts.rulebook.forests import Forests
from alerts.rulebook.hindsight import backtest_forest
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from core.errors import FirstmateError, Invalid, Upstream
from core.metrics import Metrics
from tests.alerts.night import EVENING, Sample

MINUTE = timedelta(minutes=1)
FOREST: dict[str, Any] = {
    "kind": "isolation_forest",
    "series": [{"name": "load", "expr": "load"}, {"name": "errors", "expr": "errors"}],
    "by": ["pod"],
    "train": "8h",
    "step": "5m",
}


def usual(expr: str, pod: str, second: float) -> float | None:
    """A day's life: load moves about 100, errors about 2, never still."""
    wave = math.sin(second / 1_000 + len(pod)) + 0.5 * math.sin(second / 170)
    return 100 + 10 * wave if expr == "load" else 2 + math.cos(second / 300)


@dataclass
class Line:
    labels: dict[str, str]
    points: Sequence[tuple[float, float]]


@dataclass
class World:
    """Answers as Prometheus would, by a function of expression, pod and time."""

    pods: list[str] = field(default_factory=lambda: ["a", "b"])
    value: Callable[[str, str, float], float | None] = usual
    error: FirstmateError | None = None
    ranges: int = 0

    async def query(self, expr: str, at: datetime | None = None) -> Sequence[Sample]:
        assert at is not None
        if self.error:
            raise self.error
        values = {pod: self.value(expr, pod, at.timestamp()) for pod in self.pods}
        return [Sample({"__name__": expr, "pod": pod}, value) for pod, value in values.items() if value is not None]

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Iterable[Line]:
        self.ranges += 1
        if self.error:
            raise self.error
        times = [start.timestamp() + step * turn for turn in range(int((end - start).total_seconds() / step) + 1)]
        return [
            Line({"pod": pod}, [(at, value) for at in times if (value := self.value(expr, pod, at)) is not None])
            for pod in self.pods
        ]


class Watch:
    """An evaluator with one forest, on a clock that is turned by hand."""

    def __init__(self, database: Database, world: World, hold: str = "0s", **said: Any) -> None:
        definition = Definition(
            name="Odd",
            detector={**FOREST, **said},
            hold=hold,
            annotations={"summary": "{{ $labels.pod }}: {{ $value }}"},
        )
        self.rule = rule_of(definition, "rule-1")
        self.clock, self.metrics, self.changes = ManualClock(EVENING), Metrics(), list[Change]()
        self.forests = Forests(world, self.clock, self.metrics)
        self.evaluator = Evaluator(
            groups=[group_of([self.rule], MINUTE)],
            prometheus=world,
            store=AlertStore(database),
            clock=self.clock,
            metrics=self.metrics,
            listeners=[self.changes.append],
            forests=self.forests,
        )

    async def turn(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            await self.clock.advance(60)
            await self.evaluator.tick()
            await self.forests.settle()

    @property
    def firing(self) -> list[Alert]:
        return [alert for alert in self.evaluator.active("rule-1") if alert.state == "firing"]

    @property
    def pods(self) -> list[str]:
        return sorted(alert.labels["pod"] for alert in self.firing)

    @property
    def status(self) -> tuple[str, str, str]:
        (status,) = self.evaluator.statuses()
        return status.health, status.error, status.note


def broken(pod: str, since: float, expr: str = "errors", value: float | None = 60.0) -> Callable[..., float | None]:
    def at(asked: str, of: str, second: float) -> float | None:
        return value if (asked, of) == (expr, pod) and second >= since else usual(asked, of, second)

    return at


async def test_until_it_has_learnt_it_says_so_and_then_it_watches_and_is_quiet(database: Database) -> None:
    watch = Watch(database, World())
    await watch.turn()
    assert watch.status[0] == "failing"
    assert "its usual is being learnt from the last 8h" in watch.status[1]
    await watch.turn(10)
    assert (watch.status[0], watch.firing) == ("ok", [])
    assert watch.status[2].startswith("learnt 2026-03-02 21:01 UTC")


async def test_what_is_unlike_its_past_fires_with_its_score_and_names_the_odd_one(database: Database) -> None:
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    world.value = broken("b", watch.clock.now().timestamp())
    await watch.turn()
    (alert,) = watch.firing
    assert (alert.labels["pod"], 0.6 < alert.value < 1) == ("b", True)
    assert alert.annotations["description"] == "errors is 60; usually it is 1 to 3 (as in the last 8h)."
    assert "通常范围为 1 至 3" in alert.annotations["description_zh"]
    assert alert.annotations["summary"].startswith("b: 0.")
    world.value = usual
    await watch.turn()
    assert watch.firing == []


async def test_trouble_that_lasts_is_not_learnt_as_usual(database: Database) -> None:
    world = World()
    watch = Watch(database, world, retrain="10m")
    await watch.turn(2)
    world.value = broken("b", watch.clock.now().timestamp())
    await watch.turn()
    (began,) = watch.firing
    await watch.turn(100)
    assert [alert.episode for alert in watch.firing] == [began.episode]


async def test_for_counts_for_a_forest_too(database: Database) -> None:
    world = World()
    watch = Watch(database, world, hold="2m")
    await watch.turn(2)
    world.value = broken("b", watch.clock.now().timestamp())
    await watch.turn(2)
    assert [alert.state for alert in watch.evaluator.active("rule-1")] == ["pending"]
    await watch.turn()
    assert watch.pods == ["b"]


async def test_a_gap_is_no_anomaly_and_no_recovery_and_is_told(database: Database) -> None:
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    world.value = broken("a", watch.clock.now().timestamp(), value=None)
    await watch.turn()
    assert (watch.firing, "1 of 2 not judged: pod=a no sample of errors" in watch.status[2]) == ([], True)
    world.value = broken("b", watch.clock.now().timestamp())
    await watch.turn()
    assert watch.pods == ["b"]
    world.value = broken("b", watch.clock.now().timestamp(), value=None)
    await watch.turn(3)
    assert watch.pods == ["b"]
    world.pods = ["a"]
    await watch.turn()
    assert watch.firing == []


async def test_nothing_at_all_is_told_in_words(database: Database) -> None:
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    world.pods = []
    await watch.turn()
    assert "no series has a sample now: nothing is judged" in watch.status[2]


async def test_a_thing_that_is_new_is_not_judged_until_it_has_a_past(database: Database) -> None:
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    world.pods = ["a", "b", "new"]
    await watch.turn()
    assert "pod=new too short a past" in watch.status[2]


async def test_it_learns_no_oftener_than_it_was_told_to_and_anew_when_it_is_time(database: Database) -> None:
    world = World()
    watch = Watch(database, world, retrain="30m")
    await watch.turn(20)
    assert world.ranges == 2  # one question a series
    await watch.turn(20)
    assert world.ranges == 4
    assert b'firstmate_forest_lessons_total{outcome="ok"} 2.0' in watch.metrics.exposition()


async def test_a_lesson_that_fails_is_said_and_what_was_learnt_before_still_watches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(error=Upstream("Prometheus", "refused", retryable=True))
    watch = Watch(database, world, retrain="5m")
    await watch.turn(2)
    assert "does not watch yet: Prometheus refused" in watch.status[1]
    world.error = None
    await watch.turn(3)
    assert watch.status[0] == "ok"

    async def refuse(*_: Any) -> Iterable[Line]:
        raise Upstream("Prometheus", "refused", retryable=True)

    monkeypatch.setattr(world, "query_range", refuse)
    await watch.turn(8)
    assert watch.status[0] == "ok"
    assert "it could not be learnt anew: Prometheus refused" in watch.status[2]


async def test_an_outage_resolves_nothing_and_after_a_restart_the_alert_fires_on_while_it_learns(
    database: Database,
) -> None:
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    world.value = broken("b", watch.clock.now().timestamp())
    await watch.turn()
    world.error = Upstream("Prometheus", "refused", retryable=True)
    await watch.turn()
    assert watch.pods == ["b"]
    again = Watch(database, world)
    await again.evaluator.restore()
    await again.turn(2)
    assert again.pods == ["b"]
    world.error = None
    await again.turn(3)
    assert again.pods == ["b"]
    assert len({alert.episode for alert in [*watch.firing, *again.firing]}) == 1


async def test_a_changed_rule_learns_anew_and_one_that_is_gone_makes_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.rulebook.forests.MAX_IN_ALL", 3)
    world = World()
    watch = Watch(database, world)
    await watch.turn(2)
    changed = rule_of(Definition(name="Odd", detector={**FOREST, "threshold": 0.7}), "rule-1")
    await watch.evaluator.reload([group_of([changed], MINUTE)])
    await watch.turn(2)
    assert (world.ranges, watch.status[0]) == (4, "ok")
    other = rule_of(Definition(name="Odd too", detector=FOREST), "rule-2")
    await watch.evaluator.reload([group_of([other], MINUTE)])
    await watch.turn(2)
    assert "2 things are learnt for other rules and this one has 2; at most 3 in all" in watch.status[1]
    await watch.turn(40)
    assert watch.status[0] == "ok"


async def test_too_many_things_and_two_series_for_one_are_refused_with_the_way_out(database: Database) -> None:
    crowd = Watch(database, World(pods=[f"pod-{number}" for number in range(51)]))
    await crowd.turn(2)
    assert "tells 51 things apart; at most 50" in crowd.status[1]
    double = Watch(database, World(), by=[])
    await double.turn(2)
    assert "has several series for the whole. Aggregate it" in double.status[1]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"train": "10m"}, "must hold 32 to 2016"),
        ({"train": "30d"}, "must hold 32 to 2016"),
        ({"series": []}, "at least 1"),
        ({"series": ["a"] * 2}, "one name"),
        ({"series": ["rate("]}, "PromQL"),
        ({"by": ["a-b"]}, "no label's name"),
        ({"retrain": "1s"}, "at least 5m"),
        ({"threshold": 1.5}, "less than 1"),
        ({"expr": "up"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_learnt_is_refused_when_it_is_written(said: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Definition(name="a", detector={**FOREST, **said})


def test_it_has_no_promql_and_says_so() -> None:
    definition = Definition(name="a", detector={"kind": "isolation_forest", "series": ["up", "down"]})
    assert (definition.shown(), rule_of(definition, "r").expr) == ("", "")
    assert Definition.model_validate(definition.model_dump(exclude_defaults=True)) == definition
    with pytest.raises(Invalid, match="cannot be written as PromQL"):
        definition.as_prometheus()


class TestHindsight:
    async def tried(self, world: World, hours: float = 10, **said: Any) -> dict[str, Any]:
        rule = rule_of(Definition(name="Odd", detector={**FOREST, **said}, hold="10m"), "rule-1")
        assert rule.forest is not None
        return (await backtest_forest(rule, rule.forest, world, EVENING, timedelta(hours=hours))).to_json()

    async def test_it_would_have_fired_once_where_it_was_broken_and_never_before(self) -> None:
        began = EVENING - timedelta(hours=2)
        report = await self.tried(World(value=broken("b", began.timestamp())))
        (firing,) = report["firings"]
        assert (firing["labels"]["pod"], firing["began_at"]) == ("b", began.isoformat())
        assert (report["turns"], report["learnt_every_seconds"]) == (121, 3600)

    async def test_a_gap_in_the_middle_of_trouble_does_not_end_it(self) -> None:
        began = EVENING.timestamp() - 7_200

        def value(expr: str, pod: str, second: float) -> float | None:
            if (expr, pod) == ("load", "b") and began + 1_200 <= second <= began + 2_400:
                return None
            return broken("b", began)(expr, pod, second)

        assert (await self.tried(World(value=value)))["would_have_fired"] == 1

    async def test_it_learns_only_from_what_lay_before(self) -> None:
        def young(expr: str, pod: str, second: float) -> float | None:
            return usual(expr, pod, second) if second > EVENING.timestamp() - 3_600 else None

        assert (await self.tried(World(value=young)))["would_have_fired"] == 0

    async def test_many_lessons_are_spread_and_too_long_a_past_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("alerts.rulebook.hindsight.MAX_LESSONS", 4)
        assert (await self.tried(World()))["learnt_every_seconds"] == 61 * 300
        with pytest.raises(Invalid, match="try fewer days"):
            await self.tried(World(), hours=24 * 30, step="1m")
        with pytest.raises(Invalid, match="30 days"):
            await self.tried(World(), hours=24 * 31)
