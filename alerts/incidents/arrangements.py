"""What people did about incidents: every merge and every split is a row, with where each alert was before, so that it can be taken back.

Only what has not been followed by another arrangement of the same alerts can be taken back: a later one has to go first. An alert that
joined by itself afterwards has no place to go back to, and stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, String, func, insert, or_, select, update
from sqlalchemy import cast as as_type
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.incidents import records
from alerts.incidents.grouping import MAX_MEMBERS
from alerts.incidents.member import Member
from alerts.incidents.tables import IncidentArrangementRow
from core.errors import Conflict, Invalid, NotFound

What = Literal["merge", "split"]
MAX_NOTE = 2000
_ROW = IncidentArrangementRow


@dataclass(frozen=True, slots=True)
class Moved:
    """One firing and where it was before: in which incident, as whose, and put there by whom."""

    fingerprint: str
    episode: str
    incident: str
    origin: str
    moved_by: str


@dataclass(frozen=True, slots=True)
class Arrangement:
    id: int
    what: What
    incident: str
    """What others flowed into, or what was split."""
    others: tuple[str, ...]
    by: str
    at: datetime
    note: str
    moved: tuple[Moved, ...]
    undone_by: str | None = None
    undone_at: datetime | None = None
    undone_note: str = ""

    @property
    def led_to(self) -> str:
        """Where the moved alerts were put."""
        return self.incident if self.what == "merge" else self.others[0]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "what": self.what,
            "incident": self.incident,
            "others": list(self.others),
            "by": self.by,
            "at": self.at.isoformat(),
            "note": self.note,
            "alerts": sorted({one.fingerprint for one in self.moved}),
            "undone_by": self.undone_by,
            "undone_at": self.undone_at.isoformat() if self.undone_at else None,
            "undone_note": self.undone_note,
        }


async def remember(
    session: AsyncSession,
    what: What,
    incident: str,
    others: Sequence[str],
    moved: Sequence[Member],
    *,
    by: str,
    at: datetime,
    note: str,
) -> None:
    before = [
        {
            "fingerprint": one.fingerprint,
            "episode": one.episode,
            "incident": one.incident,
            "origin": one.origin,
            "moved_by": one.moved_by,
        }
        for one in moved
    ]
    values = {"what": what, "incident": incident, "others": list(others), "by": by[:255], "at": at, "note": note}
    await session.execute(insert(_ROW).values(**values, moved=before))


async def standing(session: AsyncSession, incident: str, arrangement: int | None) -> Arrangement:
    """The one that is meant and can be taken back."""
    query = select(_ROW).where(_of(incident)).order_by(_ROW.id.desc()).limit(1)
    query = query.where(_ROW.id == arrangement) if arrangement is not None else query.where(_ROW.undone_by.is_(None))
    row = await session.scalar(query)
    if row is None:
        raise NotFound(f"The incident {incident} has no merge or split by hand that could be undone.")
    if row.undone_by is not None:
        raise Conflict(f"{row.undone_by} has undone it already.", expected="standing", found="undone")
    return _arrangement(row)


async def take_back(session: AsyncSession, one: Arrangement) -> set[str]:
    """Put everything where it was; says which incidents have other members now."""
    there = await records.known(session, [(each.fingerprint, each.episode) for each in one.moved])
    back = [each for each in one.moved if _is_there(there.get((each.fingerprint, each.episode)), one.led_to)]
    if len(back) < len([each for each in one.moved if (each.fingerprint, each.episode) in there]) or not back:
        raise Conflict(
            "Its alerts were moved again since; undo the later merge or split first.",
            expected=one.led_to,
            found="elsewhere",
        )
    await _refuse_overflow(session, one, back)
    groups: dict[tuple[str, str, str], list[Member]] = {}
    for each in back:
        member = there[each.fingerprint, each.episode]
        groups.setdefault((each.incident, each.origin, each.moved_by), []).append(member)
    for (incident, origin, moved_by), members in groups.items():
        await records.move(session, members, incident, origin=origin)
        await records.sign(session, members, moved_by)
    return {one.led_to, *(incident for incident, _, _ in groups)}


async def close(session: AsyncSession, one: Arrangement, *, by: str, at: datetime, note: str) -> Arrangement:
    values = {"undone_by": by[:255], "undone_at": at, "undone_note": note}
    await session.execute(update(_ROW).where(_ROW.id == one.id).values(**values))
    return replace(one, undone_by=by[:255], undone_at=at, undone_note=note)


async def page(session: AsyncSession, incident: str, limit: int, offset: int) -> tuple[list[Arrangement], int]:
    total = await session.scalar(select(func.count()).select_from(_ROW).where(_of(incident)))
    rows = await session.scalars(select(_ROW).where(_of(incident)).order_by(_ROW.id.desc()).limit(limit).offset(offset))
    return [_arrangement(row) for row in rows], int(total or 0)


def _of(incident: str) -> ColumnElement[bool]:
    """It was arranged, or came of it; ids are hexadecimal, so no other's text contains one in quotes."""
    return or_(_ROW.incident == incident, as_type(_ROW.others, String).contains(f'"{incident}"', autoescape=True))


def _is_there(member: Member | None, incident: str) -> bool:
    return member is not None and member.incident == incident


async def _refuse_overflow(session: AsyncSession, one: Arrangement, back: Sequence[Moved]) -> None:
    if one.what == "merge":
        return
    present = (await records.standing(session, [one.incident])).get(one.incident)
    if present and present.size + len(back) > MAX_MEMBERS:
        raise Invalid(f"An incident has at most {MAX_MEMBERS} alerts.", field="incident")


def _arrangement(row: IncidentArrangementRow) -> Arrangement:
    return Arrangement(
        id=row.id,
        what=cast("What", row.what),
        incident=row.incident,
        others=tuple(row.others),
        by=row.by,
        at=row.at,
        note=row.note,
        moved=tuple(Moved(**each) for each in row.moved),
        undone_by=row.undone_by,
        undone_at=row.undone_at,
        undone_note=row.undone_note,
    )
