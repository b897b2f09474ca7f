"""What must be true once all is over, whatever was killed when: of what receivers heard, and of what stands in the records."""

from collections import Counter, defaultdict

from sqlalchemy import func, select

from alerts.escalation.tables import EscalationRow
from alerts.incidents.tables import IncidentMemberRow, IncidentRow
from alerts.tables import AlertDeliveryRow, AlertRow, AlertTransitionRow
from core.database import Database
from tests.alerts.crashing.world import ENDS, Got, Receivers, distinct


def one_key_says_one_thing(got: list[Got]) -> None:
    bodies: dict[str, set[tuple[str, bytes]]] = defaultdict(set)
    for each in got:
        bodies[each.key].add((each.way, each.body))
    differing = {key: said for key, said in bodies.items() if len(said) > 1}
    assert not differing, differing


def every_beginning_then_its_end(receivers: Receivers, told: dict[str, int]) -> None:
    """Each way hears firing, resolved, firing, resolved: no beginning twice, no end first, and none left out."""
    for pod, times in told.items():
        for way in ENDS[pod.partition("-")[0]]:
            heard = _moves(receivers.of(way, pod))
            assert [status for status, _ in heard] == ["firing", "resolved"] * times, (way, pod, heard)
            begun = [began for _, began in heard]
            assert begun[::2] == begun[1::2], (way, pod, heard)
            assert sorted(set(begun[::2])) == begun[::2], (way, pod, heard)


def _moves(heard: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A group says again what still is as it was when another of its alerts has moved: that is no news of this one."""
    return [each for place, each in enumerate(heard) if place == 0 or each != heard[place - 1]]


def alone_in_its_group_it_is_said_once(receivers: Receivers) -> None:
    said = Counter(
        (item["labels"]["pod"], item["status"], item["startsAt"])
        for got in distinct(receivers.got)
        if got.way == "/phone"
        for item in got.said["alerts"]
    )
    doubled = [each for each, times in said.items() if times > 1]
    assert not doubled, doubled


def each_step_once_and_its_end_after_it(receivers: Receivers, told: dict[str, int]) -> None:
    said: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for got in distinct(receivers.got):
        for item in got.said["alerts"] if got.way.startswith("/chief") else ():
            said[got.way, got.said["groupKey"], item["labels"]["pod"], item["startsAt"]].append(item["status"])
    amiss = {step: heard for step, heard in said.items() if heard != ["firing", "resolved"]}
    assert not amiss, amiss
    first_steps = [step for step in said if step[1].endswith("/1")]
    assert len(first_steps) == 2 * sum(times for pod, times in told.items() if pod.startswith("grave"))


async def left_to_do(database: Database) -> int:
    """Undelivered messages, ends that are still owed to whoever was escalated to, and ends that incidents have not heard of."""
    async with database.read() as session:
        waiting = select(func.count()).where(AlertDeliveryRow.status == "pending")
        unended = select(func.count()).where(IncidentMemberRow.ends_at.is_(None))
        owed = select(func.count()).where(EscalationRow.ended_at.is_(None))
        return sum([int(await session.scalar(query) or 0) for query in (waiting, unended, owed)])


async def the_records_agree(database: Database, receivers: Receivers, told: dict[str, int]) -> int:
    """Says how many episodes there were."""
    async with database.read() as session:
        move, member = AlertTransitionRow, IncidentMemberRow
        fired = (await session.execute(select(move.fingerprint, move.episode).where(move.after == "firing"))).all()
        ended = (await session.execute(select(move.fingerprint, move.episode).where(move.after == "resolved"))).all()
        members = (await session.execute(select(member.fingerprint, member.episode))).all()
        of_incidents = dict(
            (await session.execute(select(member.incident, func.count()).group_by(member.incident))).all()
        )
        incidents = {row.id: row for row in await session.scalars(select(IncidentRow)) if row.state != "merged"}
        alerts = list(await session.scalars(select(AlertRow)))
        deliveries = list(await session.scalars(select(AlertDeliveryRow)))
        steps = await session.scalar(select(func.count()).select_from(EscalationRow))
    assert len(set(fired)) == len(fired) == sum(told.values())
    assert sorted(fired) == sorted(ended) == sorted(members)
    assert {each: row.size for each, row in incidents.items()} == of_incidents
    assert {(row.state, row.firing) for row in incidents.values()} == {("resolved", 0)}
    assert {row.state for row in alerts} <= {"resolved", "inactive"}
    assert all(row.incident in incidents for row in alerts)
    assert {row.status for row in deliveries} == {"sent"}
    assert {row.key for row in deliveries} == {got.key for got in receivers.got}
    escalated = [row for row in deliveries if row.group_key.startswith("escalation:")]
    assert 2 * int(steps or 0) == sum(len(row.message["items"]) for row in escalated)
    return len(fired)
