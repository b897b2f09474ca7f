"""One of several replicas keeps the watch: a lease on a row that all of them see.

The holder counts the row up every few seconds. The others only look: when the count has not moved for the lease's whole length,
measured by their own clock, one of them takes the row over, in one statement that only one of them can win. No two machines' clocks are
ever compared. A holder that cannot renew stops acting well before the others may take over, so for a moment nobody acts rather than
two.
"""

from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from api.tables import LeaseRow
from core.clock import Clock
from core.database import Database
from core.errors import FirstmateError

LENGTH = 15.0
"""Seconds without a sign of life before another may take over."""
RENEW = 4.0
GIVE_UP = 9.0
"""Seconds without a renewal before the holder stops acting: less than LENGTH by more than one turn of work may take."""


@dataclass(frozen=True, slots=True)
class _Seen:
    holder: str
    count: int
    at: float


class Lease:
    def __init__(self, database: Database, name: str, holder: str, clock: Clock) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._clock = clock
        self._seen: _Seen | None = None
        self._renewed_at = 0.0
        self.is_held = False

    async def look(self) -> bool:
        """Renew it or try to take it; says whether it is ours. Call it every RENEW seconds."""
        now = self._clock.monotonic()
        try:
            self.is_held = await (self._renew(now) if self.is_held else self._take(now))
        except FirstmateError:
            # The database does not answer: we act on for as long as nobody else can have taken over.
            self.is_held = self.is_held and now - self._renewed_at < GIVE_UP
        return self.is_held

    async def release(self) -> None:
        """So that another need not wait for the whole length."""
        if self.is_held:
            self.is_held = False
            await self._move(self._holder, None, "")

    async def _renew(self, now: float) -> bool:
        kept = await self._move(self._holder, None, self._holder)
        self._renewed_at = now if kept else self._renewed_at
        return kept

    async def _take(self, now: float) -> bool:
        row = await self._row()
        if row is None:
            return False
        seen = self._seen
        if seen is None or (seen.holder, seen.count) != row:
            self._seen = seen = _Seen(*row, at=now)
        is_free = not seen.holder or now - seen.at >= LENGTH
        if not is_free or not await self._move(seen.holder, seen.count, self._holder):
            return False
        self._seen, self._renewed_at = None, now
        return True

    async def _row(self) -> tuple[str, int] | None:
        async with self._database.write() as session:
            make = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
            new = make(LeaseRow).values(name=self._name, holder="", count=0)
            await session.execute(new.on_conflict_do_nothing(index_elements=["name"]))
            row = await session.get(LeaseRow, self._name)
            return (row.holder, row.count) if row else None

    async def _move(self, holder: str, count: int | None, to: str) -> bool:
        """From this holder (and this count, where it matters) to that one: of many who try, one succeeds."""
        change = update(LeaseRow).where(LeaseRow.name == self._name, LeaseRow.holder == holder)
        change = change.where(LeaseRow.count == count) if count is not None else change
        async with self._database.write() as session:
            done = await session.execute(change.values(holder=to, count=LeaseRow.count + 1).returning(LeaseRow.name))
            return done.first() is not None
