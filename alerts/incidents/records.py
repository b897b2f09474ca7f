"""Incidents in SQL: what a turn reads and writes inside its one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, bindparam, case, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.incidents.grouping import MemberId, Plan, Standing
from alerts.incidents.incident import SEVERITIES, Incident, State, summed
from alerts.incidents.member import Member, member_of
from alerts.incidents.tables import IncidentMemberRow, IncidentRow
from alerts.model import Alert
from alerts.store import AlertStore
from alerts.tables import AlertRow, AlertTransitionRow

MAX_CANDIDATES = 3_000
_PART = 500
_LOCK = 4_701_215
_MEMBER = IncidentMemberRow.__table__
_ALERT = AlertRow.__table__
_COLUMNS = (
    IncidentMemberRow.fingerprint,
    IncidentMemberRow.rule_id,
    IncidentMemberRow.episode,
    IncidentMemberRow.name,
    IncidentMemberRow.severity,
    IncidentMemberRow.namespace,
    IncidentMemberRow.workload,
    IncidentMemberRow.relations,
    IncidentMemberRow.starts_at,
    IncidentMemberRow.ends_at,
    IncidentMemberRow.incident,
    IncidentMemberRow.origin,
    IncidentMemberRow.why,
    IncidentMemberRow.moved_by,
)
"""What a Member is made of; rows and not objects, because a storm reads thousands of them while others wait to write."""


@dataclass(frozen=True, slots=True)
class Filter:
    state: State | None = None
    severity: str | None = None
    namespace: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """Without a state: those that are still there, which a merged one is not."""
        row = IncidentRow
        query = query.where(row.state == self.state if self.state else row.state != "merged")
        for column, wanted in ((row.severity, self.severity), (row.namespace, self.namespace)):
            query = query.where(column == wanted) if wanted is not None else query
        if self.until is not None:
            query = query.where(row.first_at <= self.until)
        if self.since is not None:
            query = query.where(or_(row.resolved_at.is_(None), row.resolved_at >= self.since))
        return query


async def lock(session: AsyncSession) -> None:
    """One writer of incidents at a time; SQLite has one anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def members_of(session: AsyncSession, ids: Iterable[str]) -> list[Member]:
    return await _members(session, IncidentMemberRow.incident, sorted(set(ids)))


async def known(session: AsyncSession, wanted: Iterable[MemberId]) -> dict[MemberId, Member]:
    ids = set(wanted)
    found = await _members(session, IncidentMemberRow.episode, sorted({episode for _, episode in ids}))
    return {one.id: one for one in found if one.id in ids}


async def in_reach(session: AsyncSession, since: datetime, window: timedelta) -> list[Member]:
    """Members that something which began then may hang on; of too many, the latest."""
    row = IncidentMemberRow
    query = (
        select(*_COLUMNS)
        .where(or_(row.ends_at.is_(None), row.ends_at >= since - window))
        .order_by(row.starts_at.desc(), row.fingerprint)
        .limit(MAX_CANDIDATES)
    )
    return [_member(each) for each in (await session.execute(query)).all()]


async def standing(session: AsyncSession, ids: Iterable[str]) -> dict[str, Standing]:
    return {
        row.id: Standing(row.id, row.first_at, row.size, row.arranged_by is not None)
        for row in await incident_rows(session, ids)
    }


async def incident_rows(session: AsyncSession, ids: Iterable[str]) -> list[IncidentRow]:
    found: list[IncidentRow] = []
    for part in _parts(sorted(set(ids))):
        found += await session.scalars(select(IncidentRow).where(IncidentRow.id.in_(part)))
    return found


async def put_together(session: AsyncSession, plan: Plan, arrivals: Sequence[Member]) -> set[str]:
    """The plan written down; says which incidents have other members now."""
    for gone, into in plan.absorbed.items():
        await flow_into(session, gone, into)
    rows = [_row(member, plan.joins[member.id], plan.why.get(member.id, "")) for member in arrivals]
    if rows:
        await session.execute(insert(IncidentMemberRow), rows)
    await mark(session, ((member, plan.joins[member.id]) for member in arrivals))
    return {*plan.joins.values(), *plan.absorbed.values()}


async def flow_into(session: AsyncSession, gone: str, into: str) -> None:
    member, alert, row = IncidentMemberRow, AlertRow, IncidentRow
    await session.execute(update(member).where(member.incident == gone).values(incident=into))
    await session.execute(update(alert).where(alert.incident == gone).values(incident=into))
    await session.execute(update(row).where(row.id == gone).values(state="merged", merged_into=into))


async def move(session: AsyncSession, members: Sequence[Member], into: str, *, origin: str | None = None) -> None:
    values = {"incident": into} if origin is None else {"incident": into, "origin": origin}
    where = (_MEMBER.c.fingerprint == bindparam("f"), _MEMBER.c.episode == bindparam("e"))
    rows = [{"f": member.fingerprint, "e": member.episode} for member in members]
    await (await session.connection()).execute(update(IncidentMemberRow).where(*where).values(**values), rows)
    await mark(session, ((member, into) for member in members))


async def sign(session: AsyncSession, members: Sequence[Member], by: str) -> None:
    """Who put these where they are; nobody, where they are by themselves."""
    rows = [{"f": member.fingerprint, "e": member.episode} for member in members]
    if not rows:
        return
    where = (_MEMBER.c.fingerprint == bindparam("f"), _MEMBER.c.episode == bindparam("e"))
    statement = update(IncidentMemberRow).where(*where).values(moved_by=by[:255])
    await (await session.connection()).execute(statement, rows)


async def lay_down_empty(session: AsyncSession, ids: Sequence[str], into: str) -> None:
    """What has no alerts any more is not an incident, but has become a part of another."""
    row, member = IncidentRow, IncidentMemberRow
    held = set(await session.scalars(select(member.incident).where(member.incident.in_(ids)).distinct()))
    for each in set(ids) - held:
        await session.execute(update(row).where(row.id == each).values(state="merged", merged_into=into))


async def mark(session: AsyncSession, belongs: Iterable[tuple[Member, str]]) -> None:
    """The alerts' own rows say it too, as long as they are about the same firing."""
    rows = [{"f": one.fingerprint, "r": one.rule_id, "e": one.episode, "i": incident} for one, incident in belongs]
    if not rows:
        return
    where = (
        _ALERT.c.fingerprint == bindparam("f"),
        _ALERT.c.rule_id == bindparam("r"),
        _ALERT.c.episode == bindparam("e"),
    )
    statement = update(AlertRow).where(*where).values(incident=bindparam("i"))
    await (await session.connection()).execute(statement, rows)


async def end(session: AsyncSession, ended: Mapping[MemberId, datetime]) -> None:
    rows = [{"f": key[0], "e": key[1], "at": at} for key, at in ended.items()]
    if not rows:
        return
    where = (_MEMBER.c.fingerprint == bindparam("f"), _MEMBER.c.episode == bindparam("e"))
    statement = update(IncidentMemberRow).where(*where).values(ends_at=bindparam("at"))
    await (await session.connection()).execute(statement, rows)


async def sum_up(session: AsyncSession, ids: Iterable[str], **arranged: Any) -> None:
    """Write what the members make of their incident, as they are now; counted in SQL, because a storm touches many large ones."""
    wanted = sorted(set(ids))
    there = {row.id for row in await incident_rows(session, wanted)}
    for part in _parts(wanted):
        leads = {row[0]: row[1:] for row in (await session.execute(_leads(part))).all()}
        for each, first, last, ended, size, over in (await session.execute(_sums(part))).all():
            values = {**summed(leads[each], first, last, ended, size, size - over), "merged_into": None, **arranged}
            if each in there:
                await session.execute(update(IncidentRow).where(IncidentRow.id == each).values(**values))
            else:
                await session.execute(insert(IncidentRow).values(id=each, **values))


def _sums(ids: Sequence[str]) -> Any:
    row = IncidentMemberRow
    times = (func.min(row.starts_at), func.max(row.starts_at), func.max(row.ends_at))
    return (
        select(row.incident, *times, func.count(), func.count(row.ends_at))
        .where(row.incident.in_(ids))
        .group_by(row.incident)
        .order_by(row.incident)
    )


def _leads(ids: Sequence[str]) -> Select[Any]:
    """Of each incident the first of its most severe members."""
    row = IncidentMemberRow
    severity = case({name: place for place, name in enumerate(SEVERITIES)}, value=row.severity, else_=len(SEVERITIES))
    number = func.row_number().over(partition_by=row.incident, order_by=(severity, row.starts_at, row.fingerprint))
    told = (row.incident, row.name, row.severity, row.namespace, row.workload)
    numbered = select(*told, number.label("number")).where(row.incident.in_(ids)).subquery()
    return select(*list(numbered.c)[:-1]).where(numbered.c.number == 1)


async def overlooked(session: AsyncSession, now: datetime) -> dict[MemberId, datetime]:
    """Members that are written down as firing and no longer do: ended while nobody listened."""
    member, alert = IncidentMemberRow, AlertRow
    query = (
        select(member.fingerprint, member.episode, alert.episode, alert.resolved_at, alert.active_at)
        .outerjoin(alert, (alert.fingerprint == member.fingerprint) & (alert.rule_id == member.rule_id))
        .where(member.ends_at.is_(None))
        .where(or_(alert.state.is_(None), alert.state != "firing", alert.episode != member.episode))
    )
    ended: dict[MemberId, datetime] = {}
    for fingerprint, episode, present, resolved_at, active_at in (await session.execute(query)).all():
        ended[fingerprint, episode] = (resolved_at if present == episode else active_at) or now
    return ended


async def unwritten(session: AsyncSession, store: AlertStore, since: datetime, limit: int) -> list[Member]:
    """Firings since then that are in no incident: heard by a process that ended before it wrote them down."""
    move, member = AlertTransitionRow, IncidentMemberRow
    query = (
        select(
            move.fingerprint,
            move.rule_id,
            move.episode,
            func.min(case((move.after == "firing", move.at))),
            func.max(case((move.after == "resolved", move.at))),
        )
        .outerjoin(member, (member.fingerprint == move.fingerprint) & (member.episode == move.episode))
        .where(move.at >= since, move.after.in_(("firing", "resolved")), member.fingerprint.is_(None))
        .group_by(move.fingerprint, move.rule_id, move.episode)
        .having(func.min(case((move.after == "firing", move.at))).is_not(None))
        .order_by(func.min(move.at).desc())
        .limit(limit)
    )
    found = (await session.execute(query)).all()
    alerts = {(one.fingerprint, one.rule_id): one for one in await store.with_fingerprints(row[0] for row in found)}
    missing: list[Member] = []
    for fingerprint, rule_id, episode, fired_at, ended_at in found:
        alert = alerts.get((fingerprint, rule_id))
        if alert and alert.episode != episode:
            # Its row speaks of a later firing by now; what it is called and where it is stayed the same.
            alert = replace(alert, episode=episode, state="resolved", fired_at=fired_at, resolved_at=ended_at)
        missing += [member_of(alert)] if alert and belongs(alert) else []
    return missing


async def page(session: AsyncSession, wanted: Filter, limit: int, offset: int) -> tuple[list[Incident], int]:
    row = IncidentRow
    query = wanted.apply(select(row)).order_by(row.state, row.last_at.desc(), row.id).limit(limit).offset(offset)
    total = await session.scalar(wanted.apply(select(func.count()).select_from(row)))
    return [incident(each) for each in await session.scalars(query)], int(total or 0)


def incident(row: IncidentRow) -> Incident:
    return Incident(
        id=row.id,
        state=cast("State", row.state),
        named=row.title,
        name=row.name,
        severity=row.severity,
        namespace=row.namespace,
        workload=row.workload,
        first_at=row.first_at,
        last_at=row.last_at,
        resolved_at=row.resolved_at,
        size=row.size,
        firing=row.firing,
        merged_into=row.merged_into,
        arranged_by=row.arranged_by,
    )


def belongs(alert: Alert) -> bool:
    return alert.state in ("firing", "resolved") and alert.fired_at is not None


async def _members(session: AsyncSession, column: Any, wanted: Sequence[str]) -> list[Member]:
    found: list[Member] = []
    for part in _parts(wanted):
        rows = (await session.execute(select(*_COLUMNS).where(column.in_(part)))).all()
        found += [_member(row) for row in rows]
    return found


def _parts(wanted: Sequence[str]) -> Iterable[Sequence[str]]:
    return (wanted[start : start + _PART] for start in range(0, len(wanted), _PART))


def _row(member: Member, incident: str, why: str) -> dict[str, Any]:
    return {
        "fingerprint": member.fingerprint,
        "episode": member.episode,
        "rule_id": member.rule_id,
        "incident": incident,
        "origin": incident,
        "name": member.name,
        "severity": member.severity,
        "namespace": member.namespace,
        "workload": member.workload,
        "relations": list(member.keys),
        "starts_at": member.starts_at,
        "ends_at": member.ends_at,
        "why": why,
        "moved_by": "",
    }


def _member(row: Any) -> Member:
    values = dict(zip((column.key for column in _COLUMNS), row, strict=True))
    return Member(keys=tuple(values.pop("relations")), **values)
