"""Incidents as they are written down: through a night, a restart, and people's hands."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from alerts.incidents.book import IncidentBook
from alerts.incidents.incident import Incident
from alerts.incidents.records import Filter
from alerts.incidents.tables import IncidentMemberRow
from alerts.model import Alert, Change, Transition
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound, Upstream
from tests.alerts.incidents.test_grouping import alert
from tests.alerts.night import EVENING, Begin, rules

ALL = Filter()


class Desk:
    """A store with a book beside it, told of alerts as the evaluator would tell."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = AlertStore(database)
        self.clock = ManualClock(EVENING + timedelta(hours=1))
        self.book = IncidentBook(database, self.store, self.clock)

    async def hears(self, *alerts: Alert) -> None:
        for one in alerts:
            move = Transition("inactive" if one.state == "firing" else "firing", one.state, "seen", self.clock.now())
            await self.store.save([Change(one, move)])
            self.book.put(Change(one, move))
        await self.book.tick()

    async def incidents(self, wanted: Filter = ALL) -> list[Incident]:
        return list((await self.book.list(wanted))[0])

    async def partition(self) -> set[frozenset[str]]:
        found = [await self.book.get(each.id) for each in await self.incidents()]
        return {frozenset(member.fingerprint for member in members) for _, members in found}


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


API = alert("CrashLooping", deployment="api", namespace="shop", severity="warning")
MISSING = alert("ReplicasMissing", 2, deployment="api", namespace="shop", severity="critical")
DISK = alert("DiskFull", 1, node="n1", severity="warning")
OTHER = alert("Slow", 3, deployment="web", namespace="bank", severity="info")


async def test_an_incident_says_where_how_bad_and_how_many(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK)
    shop, disk = sorted(await desk.incidents(), key=lambda each: -each.size)
    assert shop.title("en") == "ReplicasMissing in shop/api and 1 more"
    assert shop.title("zh") == "shop/api 的 ReplicasMissing 等 2 条告警"
    assert disk.title("en") == "DiskFull in the cluster"
    assert (shop.state, shop.severity, shop.size, shop.firing) == ("open", "critical", 2, 2)
    assert (shop.first_at, shop.last_at) == (API.starts_at, MISSING.starts_at)
    assert (await desk.store.with_fingerprints([API.fingerprint]))[0].to_json()["incident"] == shop.id


async def test_it_is_resolved_when_all_its_alerts_ended_and_open_again_when_one_comes_back_soon(desk: Desk) -> None:
    await desk.hears(API, MISSING)
    await desk.hears(alert("CrashLooping", 0, ends=4, deployment="api", namespace="shop", severity="warning"))
    assert (await desk.incidents())[0].firing == 1
    await desk.hears(alert("ReplicasMissing", 2, ends=9, deployment="api", namespace="shop", severity="critical"))
    (ended,) = await desk.incidents(Filter(state="resolved"))
    assert ended.resolved_at == EVENING + timedelta(minutes=9)
    await desk.hears(alert("CrashLooping", 12, deployment="api", namespace="shop", severity="warning"))
    (again,) = await desk.incidents()
    assert (again.id, again.state, again.size) == (ended.id, "open", 3)
    assert again.resolved_at is None


async def test_one_that_comes_back_late_begins_another(desk: Desk) -> None:
    await desk.hears(alert("CrashLooping", 0, ends=4, deployment="api", namespace="shop"))
    await desk.hears(alert("CrashLooping", 30, deployment="api", namespace="shop"))
    assert [each.state for each in await desk.incidents()] == ["open", "resolved"]


async def test_merged_by_hand_and_split_again_gives_back_what_was(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK, OTHER)
    before, was = await desk.partition(), {each.id: each for each in await desk.incidents()}
    into, gone = await where(desk, API), await where(desk, DISK)
    merged = await desk.book.merge(into, [gone], "mei")
    assert (merged.size, merged.arranged_by) == (3, "mei")
    assert await where(desk, DISK) == into
    assert (await desk.book.get(gone))[0].merged_into == into
    back = await desk.book.split(into, [DISK.fingerprint], "mei")
    assert await desk.partition() == before
    assert back.id == gone
    assert await where(desk, DISK) == gone
    assert {each.id: each.title("en") for each in await desk.incidents()} == {
        each: one.title("en") for each, one in was.items()
    }


async def where(desk: Desk, one: Alert) -> str:
    (found,) = await desk.store.with_fingerprints([one.fingerprint])
    assert found.incident
    return found.incident


async def test_what_was_split_stays_split_when_the_next_alert_hangs_on_both(desk: Desk) -> None:
    await desk.hears(API, MISSING)
    whole = await where(desk, API)
    part = await desk.book.split(whole, [MISSING.fingerprint], "mei")
    await desk.hears(alert("Slow", 4, deployment="api", namespace="shop"))
    assert {each.id: each.size for each in await desk.incidents()} in ({whole: 2, part.id: 1}, {whole: 1, part.id: 2})


async def test_no_alert_is_in_two_incidents(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK, OTHER)
    await desk.hears(API, MISSING)
    await desk.book.merge(await where(desk, API), [await where(desk, OTHER)], "mei")
    assert sum(each.size for each in await desk.incidents()) == 4
    async with desk.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(IncidentMemberRow)) == 4


async def test_what_cannot_be_done_by_hand_is_said(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK)
    shop, disk = await where(desk, API), await where(desk, DISK)
    with pytest.raises(Invalid, match="must stay"):
        await desk.book.split(shop, [API.fingerprint, MISSING.fingerprint], "mei")
    with pytest.raises(Invalid, match="no alert of this incident"):
        await desk.book.split(shop, [DISK.fingerprint], "mei")
    with pytest.raises(Invalid, match="at least one other"):
        await desk.book.merge(shop, [shop], "mei")
    with pytest.raises(NotFound):
        await desk.book.merge(shop, ["ffff"], "mei")
    await desk.book.merge(shop, [disk], "mei")
    with pytest.raises(Conflict, match="was merged into"):
        await desk.book.merge(disk, [shop], "mei")


async def test_a_title_is_given_and_taken_back(desk: Desk) -> None:
    await desk.hears(API)
    (one,) = await desk.incidents()
    assert (await desk.book.entitle(one.id, " The release of noon ", "mei")).title("zh") == "The release of noon"
    await desk.hears(MISSING)
    assert (await desk.incidents())[0].title("en") == "The release of noon"
    assert (await desk.book.entitle(one.id, None, "mei")).title("en").startswith("ReplicasMissing")
    with pytest.raises(Invalid, match="title"):
        await desk.book.entitle(one.id, "x" * 201, "mei")


async def test_a_list_is_filtered_and_paged_by_the_database(desk: Desk) -> None:
    await desk.hears(API, DISK, OTHER)
    assert (await desk.incidents(Filter(namespace="bank")))[0].name == "Slow"
    assert (await desk.incidents(Filter(severity="info")))[0].name == "Slow"
    assert await desk.incidents(Filter(until=EVENING - timedelta(minutes=1))) == []
    first, total = await desk.book.list(ALL, 2, 0)
    rest, _ = await desk.book.list(ALL, 2, 2)
    assert (len(first), len(rest), total) == (2, 1, 3)
    with pytest.raises(Invalid, match="limit"):
        await desk.book.list(ALL, 501)


async def test_what_could_not_be_written_is_written_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("alerts.incidents.records.sum_up", full)
        with pytest.raises(Upstream):
            await desk.hears(API)
    assert await desk.incidents() == []
    await desk.book.tick()
    assert (await desk.incidents())[0].size == 1


async def full(*_args: object, **_more: object) -> None:
    raise Upstream("The database", "disk is full", retryable=True)


async def test_a_restart_finds_what_fired_and_what_ended_unheard(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", "b")
    await night.until(0)
    assert (await night.desk.incidents.list(ALL))[0][0].size == 2
    night.at(15).sees("a", "c")
    await night.clock.advance(15)
    night._play()
    await night.evaluator.tick()  # and is killed before the book's turn
    await night.restart()
    await night.incidents.tick()
    (one,), _ = await night.desk.incidents.list(ALL)
    assert (one.size, one.firing) == (3, 2)
    (found, _), _ = await night.desk.list("firing")
    assert found.incident == one.id


async def test_what_fired_and_ended_before_it_was_written_down_is_found_after_a_restart(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(15).sees()
    night.at(30).sees("a")
    for _ in range(3):
        night._play()
        await night.evaluator.tick()
        await night.clock.advance(15)
    for _ in range(2):  # killed before the book's turn, and the next one knows no more than it needs to
        await night.restart()
        await night.incidents.tick()
    (one,), _ = await night.desk.incidents.list(ALL)
    _, members = await night.incidents.get(one.id)
    seconds = [(one.starts_at - night.start).total_seconds() for one in members]
    assert (one.size, one.firing, seconds) == (2, 1, [0, 30])
    assert [bool(one.ends_at) for one in members] == [True, False]


async def test_a_new_firing_of_the_same_alert_is_another_member(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(30).sees()
    night.at(60).sees("a")
    await night.until(90)
    (one,), _ = await night.desk.incidents.list(ALL)
    assert (one.size, one.firing, one.state) == (2, 1, "open")
    assert await night.desk.incidents.of_alert(next(iter(night.latest))) == one


async def test_every_merge_and_split_is_a_row_with_who_when_and_why(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK)
    shop, disk = await where(desk, API), await where(desk, DISK)
    await desk.book.merge(shop, [disk], "mei", "one release")
    await desk.clock.advance(60)
    await desk.book.split(shop, [MISSING.fingerprint], "tom", "no, not this")
    rows, total = await desk.book.arrangements(shop)
    told = [(row.what, row.by, row.note, row.at - EVENING, len(row.moved)) for row in rows]
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    assert told == [("split", "tom", "no, not this", hour + minute, 1), ("merge", "mei", "one release", hour, 1)]
    assert total == 2
    assert [row.what for row in (await desk.book.arrangements(disk))[0]] == ["merge"]
    assert [row.id for row in (await desk.book.arrangements(shop, 1, 1))[0]] == [rows[1].id]
    assert rows[0].to_json()["alerts"] == [MISSING.fingerprint]


async def test_a_merge_is_undone_and_everything_is_where_it_was(desk: Desk) -> None:
    await desk.hears(API, MISSING, DISK, OTHER)
    before = await desk.partition()
    shop, disk, bank = [await where(desk, each) for each in (API, DISK, OTHER)]
    await desk.book.merge(shop, [disk, bank], "mei")
    undone = await desk.book.undo(shop, None, "tom", "my mistake")
    assert (undone.by, undone.undone_by, undone.undone_note) == ("mei", "tom", "my mistake")
    assert await desk.partition() == before
    assert [await where(desk, each) for each in (API, DISK, OTHER)] == [shop, disk, bank]
    assert {each.state for each in await desk.incidents()} == {"open"}
    assert {member.moved_by for member in (await desk.book.get(disk))[1]} == {""}
    with pytest.raises(NotFound, match="could be undone"):
        await desk.book.undo(shop, None, "tom")
    with pytest.raises(Conflict, match="tom has undone it already"):
        await desk.book.undo(shop, undone.id, "tom")


async def test_a_split_is_undone_and_what_it_made_is_no_incident_any_more(desk: Desk) -> None:
    await desk.hears(API, MISSING)
    whole = await where(desk, API)
    part = await desk.book.split(whole, [MISSING.fingerprint], "mei")
    await desk.book.undo(part.id, None, "mei")  # asked of either of the two
    assert {each.id: each.size for each in await desk.incidents()} == {whole: 2}
    assert (await desk.book.get(part.id))[0].merged_into == whole


async def test_who_joined_after_a_merge_stays_when_it_is_undone(desk: Desk) -> None:
    await desk.hears(API, DISK)
    shop, disk = await where(desk, API), await where(desk, DISK)
    await desk.book.merge(shop, [disk], "mei")
    late = alert("InodesFull", 2, node="n1")
    await desk.hears(late)
    assert await where(desk, late) == shop
    await desk.book.undo(shop, None, "mei")
    assert [await where(desk, each) for each in (API, DISK, late)] == [shop, disk, shop]


async def test_what_was_undone_by_hand_is_not_put_together_again_by_a_later_alert(desk: Desk) -> None:
    await desk.hears(API, DISK)
    shop, disk = await where(desk, API), await where(desk, DISK)
    await desk.book.merge(shop, [disk], "mei")
    await desk.book.undo(shop, None, "mei")
    await desk.hears(alert("CrashLooping", 3, deployment="api", namespace="shop", node="n1"))
    assert await where(desk, API) != await where(desk, DISK)


async def test_the_later_arrangement_has_to_be_undone_first(desk: Desk) -> None:
    await desk.hears(API, DISK, OTHER)
    shop, disk, bank = [await where(desk, each) for each in (API, DISK, OTHER)]
    await desk.book.merge(disk, [shop], "mei")
    await desk.book.merge(bank, [disk], "mei")
    first = (await desk.book.arrangements(shop))[0][0]
    with pytest.raises(Conflict, match="undo the later"):
        await desk.book.undo(shop, first.id, "mei")
    await desk.book.undo(bank, None, "mei")
    await desk.book.undo(disk, None, "mei")
    assert [await where(desk, each) for each in (API, DISK, OTHER)] == [shop, disk, bank]


async def test_a_note_has_a_bound(desk: Desk) -> None:
    await desk.hears(API, DISK)
    shop, disk = await where(desk, API), await where(desk, DISK)
    with pytest.raises(Invalid, match="note"):
        await desk.book.merge(shop, [disk], "mei", "x" * 2001)
    with pytest.raises(Invalid, match="limit"):
        await desk.book.arrangements(shop, 0)
    assert len(await desk.incidents()) == 2


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_people_do_no_alert_is_lost_or_doubled_and_undoing_it_all_gives_back_what_was(
    desk: Desk, seed: int
) -> None:
    chance = random.Random(seed)
    alerts = [alert(f"A{number}", number * 10, deployment=f"w{number % 4}", namespace="shop") for number in range(8)]
    await desk.hears(*alerts)
    before = await desk.partition()
    done: list[str] = []
    for _ in range(12):
        done += await something(desk, chance)
        parts = await desk.partition()
        assert sorted(key for part in parts for key in part) == sorted(one.fingerprint for one in alerts)
        assert sum(each.size for each in await desk.incidents()) == len(alerts)
    for incident in reversed(done):
        await desk.book.undo(incident, None, "mei")
    assert await desk.partition() == before


async def something(desk: Desk, chance: random.Random) -> list[str]:
    """A merge or a split, whichever is possible; says of which incident."""
    present = sorted(await desk.incidents(), key=lambda each: each.id)
    large = [each for each in present if each.size > 1]
    if len(present) > 1 and (not large or chance.random() < 0.5):
        into, other = chance.sample(present, 2)
        await desk.book.merge(into.id, [other.id], "mei")
        return [into.id]
    chosen = chance.choice(large)
    members = (await desk.book.get(chosen.id))[1]
    parted = chance.sample([member.fingerprint for member in members], chance.randint(1, len(members) - 1))
    await desk.book.split(chosen.id, parted, "mei")
    return [chosen.id]
