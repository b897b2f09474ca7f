"""What was decided and what was delivered, in SQL.

A decision to tell, its outbox row and the memory of what the receiver was last told go in with one transaction: after a crash there is
either all of it, and the outbox sends, or none, and the group is looked at again. A quiet decision that repeats itself is one row that
counts, so a steady alert does not fill the table.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.notify.message import Message
from alerts.tables import AlertDeliveryRow, AlertNotificationMemberRow, AlertNotificationRow, AlertNotifyLogRow
from core.database import Database

MAX_SAID = 500
MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What a receiver was last told of a group."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    group_key: str
    receiver: str
    reason: str
    told: bool
    firing: tuple[str, ...]
    resolved: tuple[str, ...]
    at: datetime
    last_at: datetime
    times: int = 1
    kept_back: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "group_key": self.group_key,
            "receiver": self.receiver,
            "reason": self.reason,
            "told": self.told,
            "firing": list(self.firing),
            "resolved": list(self.resolved),
            "at": self.at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "times": self.times,
            "kept_back": self.kept_back,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    id: int
    key: str
    group_key: str
    receiver: str
    reason: str
    status: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    finished_at: datetime | None
    said: str
    message: Message

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "group_key": self.group_key,
            "receiver": self.receiver,
            "reason": self.reason,
            "status": self.status,
            "attempts": self.attempts,
            "created_at": self.created_at.isoformat(),
            "next_attempt_at": self.next_attempt_at.isoformat() if self.status == "pending" else None,
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "said": self.said,
            "alerts": [item.fingerprint for item in self.message.items],
        }


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_told(self, group_key: str, receiver: str) -> Told | None:
        async with self._database.read() as session:
            row = await session.get(AlertNotifyLogRow, (group_key, receiver))
            return Told(frozenset(row.firing), frozenset(row.resolved), row.at) if row else None

    async def believed_firing(self) -> set[str]:
        """Every alert that some receiver still takes for firing."""
        async with self._database.read() as session:
            return {key for firing in await session.scalars(select(AlertNotifyLogRow.firing)) for key in firing}

    async def is_in_delivery(self, group_key: str, receiver: str) -> bool:
        query = select(AlertDeliveryRow.id).where(
            AlertDeliveryRow.status == "pending",
            AlertDeliveryRow.receiver == receiver,
            AlertDeliveryRow.group_key == group_key,
        )
        async with self._database.read() as session:
            return await session.scalar(query.limit(1)) is not None

    async def tell(self, decision: Decision, message: Message) -> None:
        async with self._database.write() as session:
            await _tell(session, decision, message)
            await _remember(session, decision)

    async def tell_once(
        self, decision: Decision, message: Message, marks: Sequence[tuple[Executable, list[dict[str, Any]]]]
    ) -> None:
        """Told beside the groups: what keeps it from being told again are marks of its own, written with it."""
        async with self._database.write() as session:
            for statement, rows in marks:
                await session.execute(statement, rows)
            await _tell(session, decision, message)

    async def tell_if(
        self, decision: Decision, message: Message, mark: Callable[[AsyncSession], Awaitable[bool]]
    ) -> bool:
        """Told only where the mark could be made, in one transaction; False where somebody else was first."""
        async with self._database.write() as session:
            if not await mark(session):
                return False
            await _tell(session, decision, message)
        return True

    async def remember(self, decision: Decision) -> None:
        """What a way would have been told, had it wanted to hear it."""
        async with self._database.write() as session:
            await _remember(session, decision)

    async def stay_quiet(self, decision: Decision) -> None:
        async with self._database.write() as session:
            last = await session.scalar(
                select(AlertNotificationRow)
                .where(AlertNotificationRow.group_key == decision.group_key)
                .where(AlertNotificationRow.receiver == decision.receiver)
                .order_by(AlertNotificationRow.id.desc())
                .limit(1)
            )
            if last is not None and _says_the_same(last, decision):
                last.last_at, last.times = decision.at, last.times + 1
            else:
                await _add(session, decision)

    async def pending(self, receiver: str, limit: int) -> list[Delivery]:
        """The oldest undelivered message of each group, so that a group's messages arrive in order."""
        heads = (
            select(func.min(AlertDeliveryRow.id))
            .where(AlertDeliveryRow.status == "pending", AlertDeliveryRow.receiver == receiver)
            .group_by(AlertDeliveryRow.group_key)
        )
        query = (
            select(AlertDeliveryRow)
            .where(AlertDeliveryRow.id.in_(heads))
            .order_by(AlertDeliveryRow.next_attempt_at, AlertDeliveryRow.id)
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_delivery(row) for row in await session.scalars(query)]

    async def abandon(self, receivers: Iterable[str], said: str, at: datetime) -> int:
        """Close what waits for a receiver that is no longer configured."""
        statement = (
            update(AlertDeliveryRow)
            .where(AlertDeliveryRow.status == "pending", AlertDeliveryRow.receiver.not_in(list(receivers)))
            .values(status="failed", finished_at=at, said=said)
            .returning(AlertDeliveryRow.id)
        )
        async with self._database.write() as session:
            return len((await session.execute(statement)).all())

    async def mark(
        self, delivery: Delivery, status: str, said: str, at: datetime, next_attempt_at: datetime | None = None
    ) -> None:
        values: dict[str, Any] = {"status": status, "said": said[:MAX_SAID], "attempts": delivery.attempts + 1}
        if next_attempt_at is not None:
            values["next_attempt_at"] = next_attempt_at
        else:
            values["finished_at"] = at
        async with self._database.write() as session:
            await session.execute(update(AlertDeliveryRow).where(AlertDeliveryRow.id == delivery.id).values(**values))

    async def hold(self, waiting: Sequence[tuple[Delivery, datetime]], said: str) -> None:
        """These are not tried before their time; that is no attempt."""
        rows = [{"id": delivery.id, "next_attempt_at": at, "said": said[:MAX_SAID]} for delivery, at in waiting]
        async with self._database.write() as session:
            await session.execute(update(AlertDeliveryRow), rows)

    async def decisions_about(self, fingerprint: str, limit: int = MAX_LISTED) -> list[Decision]:
        query = (
            select(AlertNotificationRow)
            .join(AlertNotificationMemberRow, AlertNotificationMemberRow.notification_id == AlertNotificationRow.id)
            .where(AlertNotificationMemberRow.fingerprint == fingerprint)
            .order_by(AlertNotificationRow.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_decision(row) for row in await session.scalars(query)][::-1]

    async def deliveries_about(self, fingerprint: str, limit: int = MAX_LISTED) -> list[Delivery]:
        members = AlertNotificationMemberRow
        query = (
            select(AlertDeliveryRow)
            .join(members, members.notification_id == AlertDeliveryRow.notification_id)
            .where(members.fingerprint == fingerprint)
            .order_by(AlertDeliveryRow.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_delivery(row) for row in await session.scalars(query)][::-1]

    async def latest_deliveries(self) -> dict[str, Delivery]:
        """By receiver, the last message that was to be delivered to it."""
        row = AlertDeliveryRow
        heads = select(func.max(row.id)).group_by(row.receiver)
        async with self._database.read() as session:
            found = await session.scalars(select(row).where(row.id.in_(heads)).limit(MAX_LISTED))
            return {each.receiver: _delivery(each) for each in found}

    async def counts(self, since: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """Decisions by reason and deliveries by status, since then."""
        row, sent = AlertNotificationRow, AlertDeliveryRow
        reasons = select(row.reason, func.sum(row.times)).where(row.last_at >= since).group_by(row.reason)
        statuses = select(sent.status, func.count()).where(sent.created_at >= since).group_by(sent.status)
        async with self._database.read() as session:
            by_reason = {name: int(count) for name, count in (await session.execute(reasons)).all()}
            return by_reason, dict((await session.execute(statuses)).all())


async def _tell(session: AsyncSession, decision: Decision, message: Message) -> None:
    text = f"{decision.group_key}\xff{decision.receiver}\xff{decision.reason}\xff{decision.at.isoformat()}"
    delivery = {
        "key": hashlib.sha256(text.encode()).hexdigest()[:32],
        "group_key": decision.group_key,
        "receiver": decision.receiver,
        "status": "pending",
        "message": message.to_json(),
        "attempts": 0,
        "created_at": decision.at,
        "next_attempt_at": decision.at,
        "said": "",
    }
    delivery["notification_id"] = await _add(session, decision)
    await session.execute(insert(AlertDeliveryRow), [delivery])


async def _add(session: AsyncSession, decision: Decision) -> int:
    row = AlertNotificationRow(
        group_key=decision.group_key,
        receiver=decision.receiver,
        reason=decision.reason,
        told=decision.told,
        firing=list(decision.firing),
        resolved=list(decision.resolved),
        at=decision.at,
        last_at=decision.last_at,
        times=decision.times,
        kept_back=decision.kept_back,
    )
    session.add(row)
    await session.flush()
    about = {*decision.firing, *decision.resolved, *decision.kept_back}
    members = [{"notification_id": row.id, "fingerprint": key} for key in about]
    if members:
        await session.execute(insert(AlertNotificationMemberRow), members)
    return row.id


async def _remember(session: AsyncSession, decision: Decision) -> None:
    make = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = {"firing": list(decision.firing), "resolved": list(decision.resolved), "at": decision.at}
    statement = make(AlertNotifyLogRow).values(group_key=decision.group_key, receiver=decision.receiver, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["group_key", "receiver"], set_=values))


def _says_the_same(row: AlertNotificationRow, decision: Decision) -> bool:
    same_alerts = row.firing == list(decision.firing) and row.resolved == list(decision.resolved)
    return not row.told and row.reason == decision.reason and same_alerts and row.kept_back == decision.kept_back


def _decision(row: AlertNotificationRow) -> Decision:
    return Decision(
        group_key=row.group_key,
        receiver=row.receiver,
        reason=row.reason,
        told=row.told,
        firing=tuple(row.firing),
        resolved=tuple(row.resolved),
        at=row.at,
        last_at=row.last_at,
        times=row.times,
        kept_back=row.kept_back,
    )


def _delivery(row: AlertDeliveryRow) -> Delivery:
    message = Message.from_json(row.message)
    return Delivery(
        id=row.id,
        key=row.key,
        group_key=row.group_key,
        receiver=row.receiver,
        reason=message.reason,
        status=row.status,
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        finished_at=row.finished_at,
        said=row.said,
        message=message,
    )
