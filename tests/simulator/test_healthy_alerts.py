"""A healthy shop raises none of the alerts that the product ships, whatever the hour and the day of the week.

The past week is written by the same code as the present and is there at once, so that all its hours are asked; the present is lived
through for a while at the busiest hour of a weekend.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.clock import epoch_ms
from simulator.promql.engine import Engine, VectorResult
from simulator.world import World

RULES = Path(__file__).parents[2] / "alerts" / "rules"
MINUTE = 60_000
HOUR = 60 * MINUTE
MONDAY = datetime(2026, 1, 19, 0, 30, tzinfo=UTC)
BUSIEST = datetime(2026, 1, 17, 12, 20, tzinfo=UTC)  # a Saturday evening, where the customers are
# Minutes of a day that are asked: each quarter of an hour, and twelve minutes in a row at the busiest and the quietest time.
QUARTERS = [minute * MINUTE for minute in range(0, 24 * 60, 15)]


@dataclass(frozen=True)
class Rule:
    name: str
    expression: str

    def __str__(self) -> str:
        return self.name


def shipped() -> list[Rule]:
    found = []
    for path in sorted(RULES.glob("*.yaml")):
        groups: list[dict[str, Any]] = yaml.safe_load(path.read_text())["groups"]
        found += [Rule(each["alert"], each["expr"]) for group in groups for each in group["rules"] if "alert" in each]
    return found


@pytest.fixture(scope="module")
def week() -> World:
    return World(7, MONDAY, history_days=5.5)


@pytest.fixture(scope="module")
def evening() -> World:
    world = World(11, BUSIEST, history_days=0)
    world.advance(datetime.fromtimestamp(BUSIEST.timestamp() + 600, UTC))
    return world


def raised(world: World, rule: Rule, t_ms: int) -> list[dict[str, str]]:
    result = Engine(world.tsdb).instant(rule.expression, t_ms)
    assert isinstance(result, VectorResult)
    return [dict(labels) for labels in result.labels]


def test_there_are_rules_to_ask() -> None:
    assert len(shipped()) >= 10


@pytest.mark.parametrize("rule", shipped(), ids=str)
@pytest.mark.parametrize("days_ago", [1, 2, 4])
def test_no_hour_of_a_weekday_or_a_weekend_raises_it(week: World, rule: Rule, days_ago: int) -> None:
    midnight = epoch_ms(MONDAY) - days_ago * 24 * HOUR - 30 * MINUTE
    for into in QUARTERS[::4]:
        assert raised(week, rule, midnight + into) == [], f"{into / HOUR:g} h"


@pytest.mark.parametrize("rule", shipped(), ids=str)
def test_no_quarter_of_the_busiest_hours_raises_it(week: World, rule: Rule) -> None:
    midnight = epoch_ms(MONDAY) - 24 * HOUR - 30 * MINUTE
    for into in [each for each in QUARTERS if 11 * HOUR <= each <= 14 * HOUR]:
        assert raised(week, rule, midnight + into) == [], f"{into / HOUR:g} h"


@pytest.mark.parametrize("rule", shipped(), ids=str)
def test_the_present_does_not_raise_it_at_the_busiest_time(evening: World, rule: Rule) -> None:
    now = epoch_ms(evening.clock.now())
    for ago in range(0, 9 * MINUTE, MINUTE):
        assert raised(evening, rule, now - ago) == []


def test_the_past_has_room_between_its_busiest_hour_and_the_limits(week: World) -> None:
    def most(expression: str) -> float:
        result = Engine(week.tsdb).instant(f"max(max_over_time(({expression})[4d:20m]))", epoch_ms(MONDAY))
        assert isinstance(result, VectorResult)
        return float(result.values[0])

    quota = "container_spec_cpu_quota / container_spec_cpu_period"
    assert most(f"rate(container_cpu_usage_seconds_total[5m]) / on (namespace, pod, container) ({quota})") < 0.75
    limit = "(container_spec_memory_limit_bytes > 0)"
    assert most(f"container_memory_working_set_bytes / on (namespace, pod, container) {limit}") < 0.8
