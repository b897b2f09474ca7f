"""A rule tried on the past: the same episodes that the evaluator would have made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.rulebook import backtest as module
from alerts.rulebook.backtest import backtest
from alerts.rules import Rule
from core.errors import Invalid
from tests.alerts.night import EVENING, Begin, rules

MINUTE = timedelta(minutes=1)


@dataclass
class Line:
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass
class Past:
    """One pod that is in trouble in these minutes before now, and answers only the piece that was asked for."""

    minutes_ago: set[int]
    asked: list[tuple[datetime, datetime, float]] = field(default_factory=list)

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Iterable[Line]:
        assert expr == "trouble"
        self.asked.append((start, end, step))
        times = [EVENING - ago * MINUTE for ago in sorted(self.minutes_ago, reverse=True)]
        on_grid = [at for at in times if start <= at <= end and (at - start).total_seconds() % step == 0]
        return [Line({"__name__": "trouble", "pod": "a"}, [(at.timestamp(), 1.0) for at in on_grid])] if on_grid else []


def rule(hold: str = "0s", extra: str = "") -> Rule:
    return rules(hold=hold, extra=extra)[0].rules[0]


async def tried(past: Past, tested: Rule, hours: float = 2) -> dict[str, Any]:
    return (await backtest(tested, past, EVENING, timedelta(hours=hours), MINUTE)).to_json()


async def test_each_spell_is_one_firing_with_its_times() -> None:
    report = await tried(Past({*range(60, 50, -1), *range(30, 25, -1)}), rule())
    assert report["would_have_fired"] == 2
    (first, second) = report["firings"]
    assert first["fired_at"] == (EVENING - 60 * MINUTE).isoformat()
    assert first["ended_at"] == (EVENING - 50 * MINUTE).isoformat()
    assert second["labels"]["pod"] == "a"
    assert report["firing_seconds"] == 15 * 60


async def test_a_spell_too_short_for_the_rule_is_counted_apart() -> None:
    report = await tried(Past({*range(60, 50, -1), 30}), rule(hold="5m"))
    assert (report["would_have_fired"], report["held_too_short"]) == (1, 1)


async def test_what_still_fires_has_no_end() -> None:
    report = await tried(Past(set(range(10, -1, -1))), rule())
    assert [one["ended_at"] for one in report["firings"]] == [None]


async def test_the_past_is_asked_in_pieces_without_losing_or_doubling_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURNS_A_PIECE", 7)
    past = Past(set(range(100, 20, -1)))
    report = await tried(past, rule())
    assert len(past.asked) == 18
    assert report["turns"] == 121
    assert report["would_have_fired"] == 1


async def test_too_many_turns_are_spread_further_apart_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TURNS", 50)
    report = await tried(Past(set()), rule())
    assert report["coarser_than_rule"] is True
    assert report["step_seconds"] == 180


async def test_too_many_samples_are_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SAMPLES", 5)
    with pytest.raises(Invalid, match="try fewer days"):
        await tried(Past(set(range(10))), rule())


async def test_no_more_than_a_month_is_tried() -> None:
    with pytest.raises(Invalid, match="30 days"):
        await tried(Past(set()), rule(), hours=24 * 31)


async def test_it_tells_what_the_evaluator_then_does(begin: Begin) -> None:
    spells = {*range(60, 50, -1), *range(48, 46, -1), *range(30, 10, -1)}
    extra = "keep_firing_for: 3m"
    report = await tried(Past(spells), rule("2m", extra), hours=1)
    night = await begin(rules(hold="2m", extra=extra, interval="1m"))
    for ago in range(60, -1, -1):
        night.at((60 - ago) * 60).sees(*(["a"] if ago in spells else []))
    await night.until(3600)
    fired = [second for second, move in night.moves() if "> firing" in move]
    replayed = [datetime.fromisoformat(one["fired_at"]) for one in report["firings"]]
    assert fired == [(at - (EVENING - 60 * MINUTE)).total_seconds() for at in replayed]
