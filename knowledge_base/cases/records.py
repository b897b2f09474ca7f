"""Cases in SQL: what the book reads and writes inside its transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from knowledge_base.cases.case import SHOWN, Body, Case, Facts, State, Version
from knowledge_base.cases.tables import CaseRatingRow, CaseRow, CaseVersionRow

_TEXTS = ("title", "symptom", "cause", "fix", "proof")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases of the list are wanted; without a state, those that are shown at all."""

    state: State | None = None
    tag: str = ""
    alert: str = ""
    namespace: str = ""
    text: str = ""

    def apply(self, query: Select[Any]) -> Select[Any]:
        row = CaseRow
        query = query.where(row.state == self.state if self.state else row.state.in_(SHOWN))
        for column, word in ((row.tags, self.tag), (row.alerts, self.alert)):
            query = query.where(column.contains(f" {word} ", autoescape=True)) if word else query
        for word in self.text.lower().split()[:10]:
            query = query.where(row.wording.contains(word, autoescape=True))
        return query.where(row.namespace == self.namespace) if self.namespace else query


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an incident's case has come."""

    state: State
    is_machines: bool
    """A draft as it was made: no person has touched it."""
    closed: datetime | None
    confidence: float


async def page(session: AsyncSession, wanted: Filter, limit: int, offset: int) -> tuple[list[Case], int]:
    row = CaseRow
    query = wanted.apply(select(row)).order_by(row.changed_at.desc(), row.id).limit(limit).offset(offset)
    total = await session.scalar(wanted.apply(select(func.count()).select_from(row)))
    return [case_of(each) for each in await session.scalars(query)], int(total or 0)


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether a case must be read again, and what people think of it."""

    id: str
    version: int
    confirmed: bool
    ratings: int
    stars: float | None


async def marks(session: AsyncSession, limit: int) -> list[Mark]:
    """Of those that can be found, the latest."""
    row = CaseRow
    columns = (row.id, row.version, row.state, row.ratings, row.stars)
    query = select(*columns).where(row.state.in_(SHOWN)).order_by(row.changed_at.desc(), row.id).limit(limit)
    return [
        Mark(each.id, each.version, each.state == "confirmed", each.ratings, _mean(each.stars, each.ratings))
        for each in (await session.execute(query)).all()
    ]


async def shown_of(session: AsyncSession, ids: Sequence[str]) -> list[Case]:
    found: list[Case] = []
    for start in range(0, len(ids), _AT_ONCE):
        part = CaseRow.id.in_(ids[start : start + _AT_ONCE])
        query = select(CaseRow).where(CaseRow.state.in_(SHOWN), part)
        found += [case_of(row) for row in await session.scalars(query)]
    return found


async def edition(session: AsyncSession) -> tuple[Any, ...]:
    """Changes whenever something does that a comparison depends on."""
    row = CaseRow
    columns = (
        func.count(),
        func.max(row.changed_at),
        func.sum(row.version),
        func.sum(row.stars),
        func.sum(row.ratings),
    )
    return tuple((await session.execute(select(*columns).where(row.state.in_(SHOWN)))).one())


async def row_of(session: AsyncSession, case_id: str, *, changes: bool = False) -> CaseRow:
    """A case that is shown; whoever changes it holds it to the end, so that nobody counts or writes beside."""
    row = await session.get(CaseRow, case_id, populate_existing=True, with_for_update=changes or None)
    if row is None or row.state not in SHOWN:
        raise NotFound(f"There is no case {case_id[:100]}.")
    return row


async def of_incident(session: AsyncSession, incident: str) -> CaseRow | None:
    found: CaseRow | None = await session.scalar(select(CaseRow).where(CaseRow.incident == incident))
    return found


async def standing(session: AsyncSession, incidents: Sequence[str]) -> dict[str, Standing]:
    row = CaseRow
    query = select(row.incident, row.state, row.touched, row.facts).where(row.incident.in_(incidents))
    found: dict[str, Standing] = {}
    for incident, state, touched, written in (await session.execute(query)).all():
        facts = Facts.model_validate(written)
        is_machines = state == "draft" and not touched
        found[incident] = Standing(cast("State", state), is_machines, facts.times.closed, facts.confidence)
    return found


def write(row: CaseRow, body: Body, facts: Facts) -> None:
    row.body = body.model_dump(mode="json")
    row.facts = facts.model_dump(mode="json")
    row.alerts = _spaced(one.name for one in facts.alerts)
    row.namespace = facts.component.namespace[:255]
    row.tags = _spaced(body.tags)
    texts = [getattr(body, name) for name in _TEXTS]
    said = [*(text.en for text in texts), *(text.zh for text in texts), *body.tags, *facts.logs, row.alerts]
    row.wording = "\n".join(said).lower()


async def add_version(session: AsyncSession, row: CaseRow, what: str, by: str, at: datetime) -> None:
    session.add(CaseVersionRow(case_id=row.id, version=row.version, what=what, by=by[:255], at=at, body=row.body))
    await session.flush()


async def versions(session: AsyncSession, case_id: str, limit: int, offset: int) -> tuple[list[Version], int]:
    row = CaseVersionRow
    query = select(row).where(row.case_id == case_id).order_by(row.version.desc()).limit(limit).offset(offset)
    total = await session.scalar(select(func.count()).select_from(row).where(row.case_id == case_id))
    found = [
        Version(version=each.version, what=each.what, by=each.by, at=each.at, body=Body.model_validate(each.body))
        for each in await session.scalars(query)
    ]
    return found, int(total or 0)


async def rate(session: AsyncSession, row: CaseRow, by: str, stars: int, at: datetime) -> None:
    """One rating a person; the sums are counted anew, so that they cannot drift."""
    mine = await session.get(CaseRatingRow, (row.id, by[:255]))
    if mine is None:
        session.add(CaseRatingRow(case_id=row.id, by=by[:255], stars=stars, at=at))
    else:
        mine.stars, mine.at = stars, at
    await session.flush()
    each = CaseRatingRow
    sums = select(func.count(), func.sum(each.stars)).where(each.case_id == row.id)
    count, total = (await session.execute(sums)).one()
    row.ratings, row.stars = int(count), int(total)


async def rating(session: AsyncSession, case_id: str, by: str) -> int | None:
    found = await session.get(CaseRatingRow, (case_id, by[:255]))
    return found.stars if found else None


async def empty(session: AsyncSession, row: CaseRow) -> None:
    """What it said is gone, everywhere; the mark stays."""
    for table in (CaseVersionRow, CaseRatingRow):
        await session.execute(delete(table).where(table.case_id == row.id))
    write(row, Body(), Facts())
    row.ratings = row.stars = 0


async def forget(session: AsyncSession, before: datetime, most: int) -> int:
    """Drafts that nobody looked at and marks of rejected cases, past their time; and of too many the oldest drafts."""
    row = CaseRow
    idle = row.state.in_(("draft", "rejected", "open")) & row.touched.is_(False) & (row.ratings == 0)
    old = list(await session.scalars(select(row.id).where(idle, row.changed_at < before).limit(_AT_ONCE)))
    total = await session.scalar(select(func.count()).select_from(row)) or 0
    over = min(max(0, total - len(old) - most), _AT_ONCE)
    if over:
        query = select(row.id).where(idle, row.state != "open", row.id.not_in(old)).order_by(row.changed_at).limit(over)
        old += await session.scalars(query)
    for table, column in ((CaseVersionRow, CaseVersionRow.case_id), (CaseRatingRow, CaseRatingRow.case_id)):
        await session.execute(delete(table).where(column.in_(old)))
    await session.execute(delete(row).where(row.id.in_(old)))
    return len(old)


_AT_ONCE = 400


async def release(session: AsyncSession, incident: str) -> None:
    """Of an incident that is a part of another now: its case goes, unless it is a person's by now."""
    row = await of_incident(session, incident)
    if row is None or row.touched or row.ratings or row.state not in ("open", "draft"):
        return
    await session.execute(delete(CaseVersionRow).where(CaseVersionRow.case_id == row.id))
    await session.delete(row)


def case_of(row: CaseRow) -> Case:
    return Case(
        id=row.id,
        incident=row.incident,
        state=cast("State", row.state),
        version=row.version,
        body=Body.model_validate(row.body),
        facts=Facts.model_validate(row.facts),
        made_by=row.made_by,
        made_at=row.made_at,
        changed_at=row.changed_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        ratings=row.ratings,
        stars=_mean(row.stars, row.ratings),
    )


def _mean(stars: int, ratings: int) -> float | None:
    return round(stars / ratings, 2) if ratings else None


def _spaced(words: Any) -> str:
    """Each word between blanks, so that a whole one can be looked for."""
    return f" {' '.join(dict.fromkeys(words))} "
