"""The book of rules: versions, rivals, and the evaluator told of each change."""

import itertools

import pytest

from alerts.rulebook import book as module
from alerts.rulebook.book import RuleBook
from alerts.rulebook.definition import Definition
from alerts.rulebook.shelf import Shelf
from alerts.rules import Group
from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from tests.alerts.night import EVENING, Begin, rules

CPU = Definition(name="HighCpu", expr="cpu > 80")


class Desk:
    def __init__(self, database: Database) -> None:
        numbers = itertools.count(1)
        self.told = 0
        self.book = RuleBook(database, ManualClock(EVENING), lambda: f"rule-{next(numbers)}", self.tell)

    async def tell(self) -> None:
        self.told += 1

    @property
    async def expressions(self) -> list[str]:
        return [rule.expr for rule in await self.book.enabled()]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_a_rule_is_kept_changed_and_every_version_stays(desk: Desk) -> None:
    kept = await desk.book.add(CPU, "mei")
    await desk.book.change(kept.id, "tom", condition="cpu > 85")
    await desk.book.restore(kept.id, 1, "mei")
    versions = await desk.book.versions(kept.id)
    assert [(one.number, one.by, one.what) for one in versions] == [
        (3, "mei", "as in version 1"),
        (2, "tom", "changed"),
        (1, "mei", "made"),
    ]
    assert await desk.expressions == ["cpu > 80"]
    assert desk.told == 3


async def test_a_change_of_what_has_changed_meanwhile_is_refused_with_both_versions(desk: Desk) -> None:
    kept = await desk.book.add(CPU, "mei")
    await desk.book.change(kept.id, "tom", seen=1, severity="critical")
    with pytest.raises(Conflict, match="at version 2 now, changed by tom; you changed version 1"):
        await desk.book.change(kept.id, "mei", seen=1, condition="cpu > 90")


async def test_a_disabled_rule_rests_and_keeps_what_it_is(desk: Desk) -> None:
    kept = await desk.book.add(CPU, "mei")
    await desk.book.enable(kept.id, "mei", enabled=False)
    assert await desk.expressions == []
    assert (await desk.book.get(kept.id)).definition == CPU
    again = await desk.book.enable(kept.id, "mei", enabled=True)
    assert (await desk.book.enable(kept.id, "mei", enabled=True)).version == again.version


async def test_a_removed_rule_is_gone_and_its_history_is_not(desk: Desk) -> None:
    kept = await desk.book.add(CPU, "mei")
    await desk.book.remove(kept.id, "mei")
    with pytest.raises(NotFound):
        await desk.book.get(kept.id)
    assert [(one.number, one.what) for one in await desk.book.versions(kept.id)] == [(2, "removed"), (1, "made")]


async def test_of_many_rules_one_that_is_wrong_keeps_all_out(desk: Desk) -> None:
    with pytest.raises(Invalid, match="not valid PromQL"):
        await desk.book.add_all([CPU, Definition(name="Wrong", expr="cpu >")], "mei")
    assert await desk.expressions == []
    assert desk.told == 0


async def test_a_wrong_change_is_no_change(desk: Desk) -> None:
    kept = await desk.book.add(CPU, "mei")
    with pytest.raises(Invalid):
        await desk.book.change(kept.id, "mei", condition="cpu >")
    assert (await desk.book.get(kept.id)).version == 1


async def test_there_is_an_end_to_what_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RULES", 1)
    await desk.book.add(CPU, "mei")
    with pytest.raises(Invalid, match="rule files"):
        await desk.book.add(CPU, "mei")


async def test_who_misspells_a_rule_is_told_what_was_meant(desk: Desk) -> None:
    await desk.book.add(CPU, "mei")
    with pytest.raises(NotFound, match="HighCpu"):
        await desk.book.get("HighCpuu")


async def test_a_rule_kept_here_fires_like_one_from_a_file_and_both_stand_side_by_side(
    begin: Begin, database: Database
) -> None:
    night = await begin(rules())
    shelf = Shelf(night.groups, night.groups[0].interval, night.evaluator.reload)
    book = RuleBook(database, night.clock, lambda: "rule-1", shelf.refresh)
    shelf.keep(book)
    night.at(0).sees("a")
    await book.add(Definition(name="Also", expr="trouble", severity="critical"), "mei")
    await night.until(15)
    assert sorted(alert.name for alert in night.latest.values()) == ["Also", "Trouble"]
    other: list[Group] = []
    await shelf.put_files(other)
    assert [alert.name for alert in await night.store.active()] == ["Also"]
    await book.enable("rule-1", "mei", enabled=False)
    assert await night.store.active() == []
