"""What the room remembers, in SQL: every read is filtered, counted and paged by the database, never in Python.

Writes are whole: an alert's new state and the transition that led there go in together or not at all. A row keeps its acknowledgement
while its episode lasts, whatever the evaluator writes beside it, because people and the evaluator write to the same alert.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Select, case, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.model import Alert, Change, Status, Transition
from alerts.statistics import Episode
from alerts.tables import AlertGroupRow, AlertRow, AlertTransitionRow
from core.database import Database

MAX_PAGE = 500
MAX_TRANSITIONS = 1000
_ACTIVE = ("pending", "firing")
_STATE_FIRST = {"firing": 0, "pending": 1, "resolved": 2}
_SEVERITY_FIRST = {"critical": 0, "error": 1, "warning": 2, "info": 3}
_ATTENTION = (
    "acknowledged_by",
    "acknowledged_at",
    "acknowledged_note",
    "acknowledged_until",
    "assignee",
    "closed_by",
    "closed_at",
    "closed_reason",
    "incident",
)
"""What people did about an episode and where it belongs: written by them and the book of incidents, and gone with it."""
_NOBODYS: dict[str, Any] = {
    "acknowledged_by": None,
    "acknowledged_at": None,
    "acknowledged_note": "",
    "acknowledged_until": None,
}
_KEY = ("fingerprint", "rule_id")


@dataclass(frozen=True, slots=True)
class Filter:
    state: str | None = None
    severity: str | None = None
    name: str | None = None
    namespace: str | None = None
    status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        query = self._of_status(self._of_time(query))
        # An alert that was pending and went away again is history, not something to list unasked.
        query = query.where(AlertRow.state == self.state if self.state else AlertRow.state != "inactive")
        for column, wanted in (
            (AlertRow.severity, self.severity),
            (AlertRow.name, self.name),
            (AlertRow.namespace, self.namespace),
        ):
            query = query.where(column == wanted) if wanted is not None else query
        return query

    def _of_time(self, query: Select[Any]) -> Select[Any]:
        """Those that were there at some moment between the two."""
        if self.until is not None:
            query = query.where(AlertRow.starts_at <= self.until)
        if self.since is not None:
            query = query.where(or_(AlertRow.resolved_at.is_(None), AlertRow.resolved_at >= self.since))
        return query

    def _of_status(self, query: Select[Any]) -> Select[Any]:
        taken, closed = AlertRow.acknowledged_by.is_not(None), AlertRow.closed_by.is_not(None)
        match self.status:
            case None:
                return query
            case "open":
                return query.where(AlertRow.state == "firing", ~taken, ~closed)
            case "confirmed":
                return query.where(AlertRow.state == "firing", taken, ~closed)
            case "closed":
                return query.where(AlertRow.state == "firing", closed)
            case "pending" | "resolved":
                return query.where(AlertRow.state == self.status)


@dataclass(frozen=True, slots=True)
class Counts:
    by_state: dict[str, int]
    firing_by_severity: dict[str, int]
    firing_by_name: dict[str, int]
    fired_since: int
    resolved_since: int


@dataclass(frozen=True, slots=True)
class Span:
    """When a firing began and ended, as far as its transitions are still kept."""

    fired_at: datetime | None = None
    resolved_at: datetime | None = None


class AlertStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, changes: Sequence[Change]) -> None:
        """The states of one evaluation and the moves that led to them, in one transaction."""
        if not changes:
            return
        moves = [_move(change.alert, change.transition) for change in changes if change.transition]
        async with self._database.write() as session:
            # In their order: of an alert that ended and came back between two commits the later state is the one that stays.
            for begins, run in groupby(changes, key=lambda change: change.begins):
                rows = [_row(change.alert) for change in run]
                await _upsert(session, rows, without=() if begins else _ATTENTION)
            if moves:
                await session.execute(insert(AlertTransitionRow), moves)

    async def active(self) -> list[Alert]:
        async with self._database.read() as session:
            rows = await session.scalars(select(AlertRow).where(AlertRow.state.in_(_ACTIVE)))
            return [_alert(row) for row in rows]

    async def page(self, wanted: Filter, limit: int, offset: int) -> tuple[list[Alert], int]:
        """By state, severity and beginning. Counted shelf by shelf first, so that only those are sorted, by their index, that are shown."""
        row = AlertRow
        found: list[Alert] = []
        async with self._database.read() as session:
            shelves = await _shelves(session, wanted)
            for (state, severity), count in shelves.items():
                if offset < count and len(found) < min(limit, MAX_PAGE):
                    query = wanted.apply(select(row)).where(row.state == state, row.severity == severity)
                    query = query.order_by(row.starts_at.desc(), row.fingerprint.desc(), row.rule_id.desc())
                    rows = await session.scalars(query.limit(min(limit, MAX_PAGE) - len(found)).offset(offset))
                    found += map(_alert, rows)
                offset = max(0, offset - count)
        return found, sum(shelves.values())

    async def starting_with(self, prefix: str, limit: int) -> list[Alert]:
        """Alerts whose fingerprint begins so, the most pressing first; `prefix` is hexadecimal, so it is no pattern."""
        query = (
            select(AlertRow)
            .where(AlertRow.fingerprint.startswith(prefix, autoescape=True))
            .order_by(_case(AlertRow.state, _STATE_FIRST), AlertRow.starts_at.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_alert(row) for row in await session.scalars(query)]

    async def with_fingerprints(self, fingerprints: Iterable[str]) -> list[Alert]:
        found: list[Alert] = []
        wanted = sorted(set(fingerprints))
        async with self._database.read() as session:
            for start in range(0, len(wanted), 500):
                part = AlertRow.fingerprint.in_(wanted[start : start + 500])
                found += [_alert(row) for row in await session.scalars(select(AlertRow).where(part))]
        return found

    async def known(self, limit: int = 200) -> list[Alert]:
        """The latest alerts of any state: what a person who misspelt one may have meant."""
        async with self._database.read() as session:
            rows = await session.scalars(select(AlertRow).order_by(AlertRow.starts_at.desc()).limit(limit))
            return [_alert(row) for row in rows]

    async def acknowledge(self, alert: Alert, by: str, note: str, at: datetime, until: datetime | None = None) -> bool:
        """False when the alert has stopped firing, or somebody else was first."""
        values = {
            "acknowledged_by": by,
            "acknowledged_at": at,
            "acknowledged_note": note,
            "acknowledged_until": until,
        }
        move = Transition("firing", "acknowledged", "acknowledged", at, by=by, note=note)
        return await self._attend(alert, values, move, AlertRow.acknowledged_by.is_(None))

    async def prolong(self, alert: Alert, by: str, note: str, at: datetime, until: datetime | None) -> bool:
        """Who has it says anew for how long; False when it is no longer theirs."""
        move = Transition("firing", "acknowledged", "acknowledged", at, by=by, note=note)
        return await self._attend(alert, {"acknowledged_until": until}, move, AlertRow.acknowledged_by == by)

    async def lapse(self, now: datetime, limit: int) -> list[Alert]:
        """Take from people what they took for a time that is over; the alerts as they are now."""
        row = AlertRow
        due = (row.state == "firing", row.acknowledged_until <= now, row.acknowledged_by.is_not(None))
        async with self._database.read() as session:
            if await session.scalar(select(row.fingerprint).where(*due).limit(1)) is None:
                return []
        async with self._database.write() as session:
            query = select(row).where(*due).order_by(row.acknowledged_until).limit(limit).with_for_update()
            found = [_alert(each) for each in await session.scalars(query)]
            for one in found:
                key = (row.fingerprint == one.fingerprint, row.rule_id == one.rule_id)
                await session.execute(update(row).where(*key).values(**_NOBODYS))
                move = Transition("acknowledged", "lapsed", "lapsed", now, by=one.acknowledged_by or "")
                await session.execute(insert(AlertTransitionRow), [_move(one, move)])
        return [replace(one, **_NOBODYS) for one in found]

    async def assign(self, alert: Alert, to: str | None, by: str, at: datetime) -> bool:
        move = Transition("firing", "assigned", "assigned", at, by=by, note=to or "")
        return await self._attend(alert, {"assignee": to}, move)

    async def close(self, alert: Alert, by: str, reason: str, at: datetime) -> bool:
        values = {"closed_by": by, "closed_at": at, "closed_reason": reason}
        return await self._attend(
            alert,
            values,
            Transition("firing", "closed", "closed", at, by=by, note=reason),
            AlertRow.closed_by.is_(None),
        )

    async def _attend(self, alert: Alert, values: dict[str, Any], move: Transition, *still: Any) -> bool:
        """What a person does about one episode; False when it has ended, or is no longer as it was seen."""
        change = (
            update(AlertRow)
            .where(AlertRow.fingerprint == alert.fingerprint, AlertRow.rule_id == alert.rule_id)
            .where(AlertRow.state == "firing", AlertRow.episode == alert.episode, *still)
            .values(**values)
            .returning(AlertRow.fingerprint)
        )
        async with self._database.write() as session:
            done = (await session.execute(change)).first() is not None
            if done:
                await session.execute(insert(AlertTransitionRow), [_move(alert, move)])
        return done

    async def transitions(self, fingerprint: str, limit: int = MAX_TRANSITIONS) -> list[Transition]:
        """The latest moves, oldest first."""
        query = (
            select(AlertTransitionRow)
            .where(AlertTransitionRow.fingerprint == fingerprint)
            .order_by(AlertTransitionRow.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_transition(row) for row in await session.scalars(query)][::-1]

    async def evaluated(self, group: str, at: datetime) -> None:
        async with self._database.write() as session:
            statement = _insert(session, AlertGroupRow).values(id=group, evaluated_at=at)
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["id"], set_={"evaluated_at": statement.excluded.evaluated_at}
                )
            )

    async def last_evaluations(self) -> dict[str, datetime]:
        async with self._database.read() as session:
            return {row.id: row.evaluated_at for row in await session.scalars(select(AlertGroupRow))}

    async def episodes(self, since: datetime, until: datetime, limit: int) -> list[Episode]:
        """Every episode that fired between the two, with when it was taken and when it ended, the latest first."""
        move, alert = AlertTransitionRow, AlertRow
        fired = (
            select(move.fingerprint, move.rule_id, move.episode, func.min(move.at).label("at"))
            .where(move.after == "firing", move.at >= since, move.at <= until)
            .group_by(move.fingerprint, move.rule_id, move.episode)
            .order_by(func.min(move.at).desc())
            .limit(limit)
            .subquery()
        )
        later = (
            select(
                fired.c.fingerprint,
                fired.c.episode,
                fired.c.at,
                alert.name,
                alert.severity,
                alert.namespace,
                func.min(case((move.after == "acknowledged", move.at))),
                func.min(case((move.after == "closed", move.at))),
                func.min(case((move.after == "resolved", move.at))),
            )
            .join(alert, (alert.fingerprint == fired.c.fingerprint) & (alert.rule_id == fired.c.rule_id))
            .join(move, (move.fingerprint == fired.c.fingerprint) & (move.episode == fired.c.episode))
            .group_by(fired.c.fingerprint, fired.c.episode, fired.c.at, alert.name, alert.severity, alert.namespace)
        )
        async with self._database.read() as session:
            return [Episode(*row) for row in (await session.execute(later)).all()]

    async def spans(self, episodes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Span]:
        """Of these firings (fingerprint, episode), whatever their alerts' rows tell of by now."""
        move = AlertTransitionRow
        query = (
            select(
                move.fingerprint,
                move.episode,
                func.min(case((move.after == "firing", move.at))),
                func.min(case((move.after == "resolved", move.at))),
            )
            .where(tuple_(move.fingerprint, move.episode).in_(episodes))
            .group_by(move.fingerprint, move.episode)
        )
        if not episodes:
            return {}
        async with self._database.read() as session:
            return {(row[0], row[1]): Span(row[2], row[3]) for row in (await session.execute(query)).all()}

    async def counts(self, since: datetime) -> Counts:
        firing = AlertRow.state == "firing"
        by_name = (
            select(AlertRow.name, func.count())
            .where(firing)
            .group_by(AlertRow.name)
            .order_by(func.count().desc())
            .limit(20)
        )
        async with self._database.read() as session:
            return Counts(
                by_state=await _tally(session, select(AlertRow.state, func.count()).group_by(AlertRow.state)),
                firing_by_severity=await _tally(
                    session, select(AlertRow.severity, func.count()).where(firing).group_by(AlertRow.severity)
                ),
                firing_by_name=await _tally(session, by_name),
                fired_since=await _moves_since(session, "firing", since),
                resolved_since=await _moves_since(session, "resolved", since),
            )


async def _shelves(session: AsyncSession, wanted: Filter) -> dict[tuple[str, str], int]:
    """How many there are of each state and severity, the most pressing first."""
    row = AlertRow
    columns: tuple[Any, ...] = (row.state, row.severity, func.count())
    query = wanted.apply(select(*columns)).group_by(row.state, row.severity)
    order = (_case(row.state, _STATE_FIRST), _case(row.severity, _SEVERITY_FIRST), row.severity)
    return {(state, severity): count for state, severity, count in await session.execute(query.order_by(*order))}


async def _tally(session: AsyncSession, query: Select[str, int]) -> dict[str, int]:
    return dict((await session.execute(query)).all())


async def _moves_since(session: AsyncSession, after: str, since: datetime) -> int:
    query = select(func.count()).select_from(AlertTransitionRow)
    counted = await session.scalar(query.where(AlertTransitionRow.after == after, AlertTransitionRow.at >= since))
    return int(counted or 0)


async def _upsert(session: AsyncSession, rows: list[dict[str, Any]], without: Sequence[str]) -> None:
    if not rows:
        return
    statement = _insert(session, AlertRow)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in _KEY and name not in without}
    await session.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=changed), rows)


def _insert(session: AsyncSession, table: type[Any]) -> Any:
    # SQLite and PostgreSQL share this form of insert in all but its import.
    return postgresql_insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite_insert(table)


def _case(column: Any, places: dict[str, int]) -> Any:
    return case(places, value=column, else_=len(places))


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "rule_id": alert.rule_id,
        "name": alert.name[:255],
        "severity": alert.severity[:64],
        "namespace": alert.namespace[:255],
        "state": alert.state,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "value": None if math.isnan(alert.value) else alert.value,
        "episode": alert.episode,
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
        "keep_firing_since": alert.keep_firing_since,
        "starts_at": alert.starts_at,
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_note": alert.acknowledged_note,
        "acknowledged_until": alert.acknowledged_until,
        "assignee": alert.assignee,
        "closed_by": alert.closed_by,
        "closed_at": alert.closed_at,
        "closed_reason": alert.closed_reason,
        "expires_at": alert.expires_at,
        "ends_by_timeout": alert.ends_by_timeout,
        "ended_because": alert.ended_because,
        "generator_url": alert.generator_url,
        "incident": alert.incident,
    }


def _alert(row: AlertRow) -> Alert:
    return Alert(
        fingerprint=row.fingerprint,
        rule_id=row.rule_id,
        name=row.name,
        labels=row.labels,
        annotations=row.annotations,
        state=row.state,  # type: ignore[arg-type]
        value=math.nan if row.value is None else row.value,
        episode=row.episode,
        active_at=row.active_at,
        fired_at=row.fired_at,
        resolved_at=row.resolved_at,
        keep_firing_since=row.keep_firing_since,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        acknowledged_note=row.acknowledged_note,
        acknowledged_until=row.acknowledged_until,
        assignee=row.assignee,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        closed_reason=row.closed_reason,
        expires_at=row.expires_at,
        ends_by_timeout=row.ends_by_timeout,
        ended_because=row.ended_because,
        generator_url=row.generator_url,
        incident=row.incident,
    )


def _move(alert: Alert, transition: Transition) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "rule_id": alert.rule_id,
        "episode": alert.episode,
        "before": transition.before,
        "after": transition.after,
        "reason": transition.reason,
        "at": transition.at,
        "by": transition.by[:255],
        "note": transition.note,
    }


def _transition(row: AlertTransitionRow) -> Transition:
    return Transition(
        before=row.before,  # type: ignore[arg-type]
        after=row.after,  # type: ignore[arg-type]
        reason=row.reason,
        at=row.at,
        by=row.by,
        note=row.note,
    )
