"""Silences in SQL, and those in force in memory.

Every replica reads them from the database; within one process a change is seen at once, one made elsewhere after FRESH. Expired ones
stay for some days (`alerts.keeping`), so that "why wasn't this sent last night" has an answer in the morning.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from alerts.routing.matchers import Matcher, shown
from alerts.routing.silence import Silence, SilenceState, can_become, checked
from alerts.tables import SilenceRow
from core.clock import Clock
from core.database import Database
from core.errors import Invalid, NotFound
from core.logs import get

FRESH = timedelta(seconds=2)
MAX_SILENCES = 10_000
_log = get(__name__)


class Silences:
    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._current: list[Silence] = []
        self._read_at: datetime | None = None

    async def in_force(self, now: datetime) -> Sequence[Silence]:
        if self._read_at is None or now - self._read_at >= FRESH:
            self._current, self._read_at = await self._unexpired(now), now
        return [one for one in self._current if one.is_in_force(now)]

    async def all(self) -> list[Silence]:
        async with self._database.read() as session:
            rows = await session.scalars(select(SilenceRow).order_by(SilenceRow.ends_at.desc()).limit(MAX_SILENCES))
            return [_silence(row) for row in rows]

    async def page(self, state: SilenceState | None, limit: int, offset: int) -> tuple[list[Silence], int]:
        """Of one state or of all, those that end last before the others, and how many there are."""
        now, row = self._clock.now(), SilenceRow
        conditions = {
            None: (),
            "pending": (row.starts_at > now, row.ends_at > now),
            "active": (row.starts_at <= now, row.ends_at > now),
            "expired": (row.ends_at <= now,),
        }[state]
        query = select(row).where(*conditions).order_by(row.ends_at.desc(), row.id).limit(limit).offset(offset)
        async with self._database.read() as session:
            total = await session.scalar(select(func.count()).select_from(row).where(*conditions))
            return [_silence(each) for each in await session.scalars(query)], int(total or 0)

    async def get(self, silence_id: str) -> Silence:
        async with self._database.read() as session:
            row = await session.get(SilenceRow, silence_id)
        if row is None:
            raise NotFound(f"There is no silence {silence_id[:100]}.")
        return _silence(row)

    async def save(self, wanted: Silence, by: str) -> Silence:
        """A new one where it has no id; else a change, or a new one in its place where the change is too much of one."""
        now = _whole_milliseconds(self._clock.now())
        wanted = replace(
            wanted, updated_at=now, starts_at=max(wanted.starts_at, now) if not wanted.id else wanted.starts_at
        )
        checked(wanted, now)
        before = await self.get(wanted.id) if wanted.id else None
        if before and can_become(before, wanted, now):
            await self._write(wanted)
            _log.info("a silence was changed", silence=wanted.id, by=by, matchers=shown(wanted.matchers))
            return wanted
        made = replace(wanted, id=self._new_id(), starts_at=max(wanted.starts_at, now))
        if before and before.state(now) != "expired":
            await self._write(before.expire(now), made)
        else:
            await self._refuse_too_many(now)
            await self._write(made)
        _log.info(
            "a silence was made", silence=made.id, by=by, matchers=shown(made.matchers), until=made.ends_at.isoformat()
        )
        return made

    async def expire(self, silence_id: str, by: str) -> Silence:
        ended = (await self.get(silence_id)).expire(self._clock.now())
        await self._write(ended)
        _log.info("a silence was ended", silence=ended.id, by=by)
        return ended

    async def _unexpired(self, now: datetime) -> list[Silence]:
        async with self._database.read() as session:
            rows = await session.scalars(select(SilenceRow).where(SilenceRow.ends_at > now))
            return [_silence(row) for row in rows]

    async def _refuse_too_many(self, now: datetime) -> None:
        if len(await self._unexpired(now)) >= MAX_SILENCES:
            raise Invalid(f"There are {MAX_SILENCES} silences already.", field="matchers")

    async def _write(self, *silences: Silence) -> None:
        async with self._database.write() as session:
            for one in silences:
                await session.merge(_row(one))
        self._read_at = None


def _whole_milliseconds(at: datetime) -> datetime:
    """`amtool` reads no finer: a start that it sends back must be the start it was given."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _row(one: Silence) -> SilenceRow:
    return SilenceRow(
        id=one.id,
        matchers=[{"name": each.name, "value": each.value, "op": each.op} for each in one.matchers],
        recurs=dict(one.recurs) if one.recurs is not None else None,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        updated_at=one.updated_at,
        created_by=one.created_by[:255],
        comment=one.comment,
    )


def _silence(row: SilenceRow) -> Silence:
    return Silence(
        id=row.id,
        matchers=tuple(Matcher(each["name"], each["value"], each["op"]) for each in row.matchers),
        recurs=row.recurs,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
        comment=row.comment,
    )
