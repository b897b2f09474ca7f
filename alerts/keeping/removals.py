"""What may go, table by table, and what must stay however old it is.

An alert that is active keeps its row, the moves of this firing, its incident and the marks of its escalation. A message on its way keeps
everything. The memory of what a receiver was told stays while any alert that it takes for firing is still there to be repeated or ended;
when all have ended and that was told, the memory says what an absent one says, and goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from alerts.escalation.tables import EscalationRow
from alerts.incidents import records as incidents
from alerts.incidents.tables import IncidentArrangementRow, IncidentMemberRow, IncidentRow
from alerts.keeping.keeper import Removal, Terms
from alerts.notify.message import Message
from alerts.notify.records import Records
from alerts.rulebook.book import MAX_VERSIONS
from alerts.tables import (
    AlertDeliveryRow,
    AlertGroupRow,
    AlertNotificationMemberRow,
    AlertNotificationRow,
    AlertNotifyLogRow,
    AlertPostedRow,
    AlertRow,
    AlertTransitionRow,
    ManagedRuleRow,
    ManagedRuleVersionRow,
    SilenceRow,
)
from core.database import Database

MAX_MEMBERS_AT_ONCE = 1_000
_PART = 500
_ACTIVE = ("pending", "firing")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table that are due when one condition holds; it is asked twice, to find them and to remove them."""

    name: str
    database: Database
    key: tuple[Any, ...]
    due: Callable[[datetime], ColumnElement[bool]]
    kept_for: timedelta

    async def __call__(self, now: datetime, most: int) -> int:
        is_due = self.due(now - self.kept_for)
        async with self.database.read() as session:
            found = (await session.execute(select(*self.key).where(is_due).limit(most))).all()
        if not found:
            return 0
        async with self.database.write() as session:
            return await _delete(session, self.key[0].class_, _among(self.key, found), is_due)


class Decisions:
    """With the alerts that they were about and the messages that came of them."""

    name = "decisions"

    def __init__(self, database: Database, kept_for: timedelta) -> None:
        self._database = database
        self._kept_for = kept_for

    async def __call__(self, now: datetime, most: int) -> int:
        row, sent = AlertNotificationRow, AlertDeliveryRow
        before = now - self._kept_for
        on_its_way = exists().where(sent.notification_id == row.id, sent.status == "pending")
        member = AlertNotificationMemberRow
        members = select(func.count()).where(member.notification_id == row.id).scalar_subquery()
        query = select(row.id, members).where(row.at < before, row.last_at < before, ~on_its_way)
        async with self._database.read() as session:
            ids = _first((await session.execute(query.order_by(row.at).limit(most))).all())
        if not ids:
            return 0
        async with self._database.write() as session:
            await _delete(session, sent, sent.notification_id.in_(ids))
            await _delete(session, member, member.notification_id.in_(ids))
            # One that meanwhile counted another turn is gone all the same: the next turn is a row of its own.
            await _delete(session, row, row.id.in_(ids))
        return len(ids)


class Bodies:
    """What messages said. Which alerts they were about, to whom and when, is kept as long as the decision."""

    name = "bodies"

    def __init__(self, database: Database, kept_for: timedelta) -> None:
        self._database = database
        self._kept_for = kept_for

    async def __call__(self, now: datetime, most: int) -> int:
        row = AlertDeliveryRow
        due = (row.finished_at < now - self._kept_for, row.bare_since.is_(None))
        query = select(row.id, row.message).where(*due).order_by(row.finished_at).limit(max(1, most // 5))
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        if not found:
            return 0
        bare = [{"of": one, "left": Message.from_json(message).bare().to_json()} for one, message in found]
        statement = update(row).where(row.__table__.c.id == bindparam("of"))
        left = bindparam("left", type_=row.message.type)
        async with self._database.write() as session:
            connection = await session.connection()
            await connection.execute(statement.values(message=left, bare_since=now), bare)
        return len(found)


class Memories:
    """What receivers were last told."""

    name = "memories"

    def __init__(self, database: Database, kept_for: timedelta, grace: timedelta = timedelta(days=1)) -> None:
        self._database = database
        self._kept_for = kept_for
        self._grace = grace

    async def __call__(self, now: datetime, most: int) -> int:
        row, held = AlertNotifyLogRow, 0
        query = select(row.group_key, row.receiver, row.at, row.firing).where(row.at < now - self._grace)
        query = query.order_by(row.at, row.group_key, row.receiver)
        going: list[Any] = []
        async with self._database.read() as session:
            # Past those that are held, a page at a time, to the first page of which something may go.
            while not going and (page := (await session.execute(query.offset(held).limit(most))).all()):
                going = await self._free(session, page, now)
                held += len(page)
        if not going:
            return 0
        # Asked again: it may have been told something meanwhile.
        same = _among((row.group_key, row.receiver, row.at), [(one.group_key, one.receiver, one.at) for one in going])
        async with self._database.write() as session:
            return await _delete(session, row, same)

    async def _free(self, session: AsyncSession, page: Sequence[Any], now: datetime) -> list[Any]:
        believed = {key for each in page if each.at < now - self._kept_for for key in each.firing}
        active = await _active(session, believed)
        old = now - self._kept_for
        return [each for each in page if not each.firing or (each.at < old and active.isdisjoint(each.firing))]


class Alerts:
    """Those that have ended, once no receiver takes them for firing."""

    name = "alerts"

    def __init__(self, database: Database, kept_for: timedelta) -> None:
        self._database = database
        self._records = Records(database)
        self._kept_for = kept_for

    async def __call__(self, now: datetime, most: int) -> int:
        row, held, before = AlertRow, 0, now - self._kept_for
        due = (row.state.not_in(_ACTIVE), row.resolved_at < before)
        query = select(row.fingerprint, row.rule_id).where(*due).order_by(row.resolved_at, row.fingerprint)
        believed = await self._records.believed_firing()
        going: list[Any] = []
        async with self._database.read() as session:
            while not going and (page := (await session.execute(query.offset(held).limit(most))).all()):
                going = [each for each in page if each.fingerprint not in believed]
                held += len(page)
        if not going:
            return 0
        async with self._database.write() as session:
            # Asked again: it may have come back meanwhile.
            return await _delete(session, row, _among((row.fingerprint, row.rule_id), going), *due)


class Incidents:
    """Those that are over, with their members; and what flowed into one that is gone."""

    name = "incidents"

    def __init__(self, database: Database, kept_for: timedelta) -> None:
        self._database = database
        self._kept_for = kept_for

    async def __call__(self, now: datetime, most: int) -> int:
        row, into = IncidentRow, aliased(IncidentRow)
        over = (row.state == "resolved") & (row.resolved_at < now - self._kept_for)
        led_nowhere = (row.state == "merged") & ~exists().where(into.id == row.merged_into)
        async with self._database.write() as session:
            await incidents.lock(session)
            query = select(row.id, row.size).order_by(row.first_at).limit(most)
            going = _first((await session.execute(query.where(over))).all())
            going = going or _first((await session.execute(query.where(led_nowhere))).all())
            await _delete(session, IncidentMemberRow, IncidentMemberRow.incident.in_(going))
            await _delete(session, row, row.id.in_(going))
        return len(going)


def removals(database: Database, terms: Terms) -> list[Removal]:
    """In this order: who is remembered before what is remembered of them."""
    history = terms.history
    alert, move, step = AlertRow, AlertTransitionRow, EscalationRow
    group, version, silence, deed = AlertGroupRow, ManagedRuleVersionRow, SilenceRow, IncidentArrangementRow
    posted = AlertPostedRow

    def goes_on(of: Any) -> ColumnElement[bool]:
        same = (alert.fingerprint == of.fingerprint, alert.episode == of.episode)
        return exists().where(*same, alert.state.in_(_ACTIVE))

    return [
        Bodies(database, terms.bodies),
        Decisions(database, history),
        Memories(database, history),
        Rows("silences", database, (silence.id,), lambda before: silence.ends_at < before, terms.silences),
        Rows(
            "escalations",
            database,
            (step.fingerprint, step.episode, step.step, step.way),
            lambda before: (step.at < before) & ~goes_on(step),
            history,
        ),
        Incidents(database, history),
        Rows(
            "arrangements",
            database,
            (deed.id,),
            lambda before: (deed.at < before) & ~exists().where(IncidentRow.id == deed.incident),
            history,
        ),
        Rows("transitions", database, (move.id,), lambda before: (move.at < before) & ~goes_on(move), history),
        Alerts(database, history),
        Rows("posted", database, (posted.group_key, posted.receiver), lambda before: posted.at < before, history),
        Rows("groups", database, (group.id,), lambda before: group.evaluated_at < before, history),
        Rows("versions", database, (version.rule_id, version.number), _outlived, history),
    ]


def _outlived(before: datetime) -> ColumnElement[bool]:
    """Of a rule that is here, what is further back than anybody is shown; of one that was removed, everything, in time."""
    version, rule, other = ManagedRuleVersionRow, ManagedRuleRow, aliased(ManagedRuleVersionRow)
    too_many = exists().where(rule.id == version.rule_id, version.number <= rule.version - MAX_VERSIONS)
    latest = select(func.max(other.at)).where(other.rule_id == version.rule_id).scalar_subquery()
    return too_many | (~exists().where(rule.id == version.rule_id) & (latest < before))


async def _active(session: AsyncSession, fingerprints: set[str]) -> set[str]:
    row, wanted, found = AlertRow, sorted(fingerprints), set[str]()
    for start in range(0, len(wanted), _PART):
        among = row.fingerprint.in_(wanted[start : start + _PART])
        found |= set(await session.scalars(select(row.fingerprint).where(among, row.state.in_(_ACTIVE))))
    return found


def _first(found: Sequence[Any]) -> list[Any]:
    """Of things and the number of their members, as many as make one turn: one at least."""
    going: list[Any] = []
    members = 0
    for each, size in found:
        members += size
        if going and members > MAX_MEMBERS_AT_ONCE:
            break
        going.append(each)
    return going


def _among(key: Sequence[Any], rows: Sequence[Any]) -> ColumnElement[bool]:
    if len(key) == 1:
        among: ColumnElement[bool] = key[0].in_([row[0] for row in rows])
        return among
    return tuple_(*key).in_([tuple(row) for row in rows])


async def _delete(session: AsyncSession, table: type[Any], *where: ColumnElement[bool]) -> int:
    statement = delete(table).where(*where).execution_options(synchronize_session=False)
    return int(cast("CursorResult[Any]", await session.execute(statement)).rowcount)
