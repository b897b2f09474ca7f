"""The book of cases: written by whoever watches incidents, put right and judged by people, asked by anybody.

A case belongs to its incident by the incident's id, which is its own id too: telling the same lesson twice, before or after a crash,
makes one case. What a machine wrote is written anew when its incident goes on and ends again, until a person has touched it. Everything
is redacted before it is stored, whoever wrote it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Invalid
from core.logs import get
from knowledge_base.cases import records
from knowledge_base.cases.case import (
    FEWEST_STARS,
    MACHINE,
    MOST_STARS,
    Body,
    Case,
    Facts,
    State,
    Version,
)
from knowledge_base.cases.lesson import Lesson
from knowledge_base.cases.likening import Asked, Shelf, Terms
from knowledge_base.cases.matching import Corpus, Likeness, View
from knowledge_base.cases.records import Filter, Standing, case_of
from knowledge_base.cases.tables import CaseRow
from knowledge_base.cases.telling import told

MAX_PAGE = 200
MAX_SIMILAR = 20
MAX_CASES = 5_000
MAX_TITLE, MAX_TEXT, MAX_TAGS, MAX_TAG = 200, 8_000, 20, 60
KEPT = timedelta(days=400)
_TEXTS = ("title", "symptom", "cause", "fix", "proof")
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Similar:
    case: Case
    score: float
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a body is to be different; None: stays as it is."""

    title: str | None = None
    symptom: str | None = None
    cause: str | None = None
    fix: str | None = None
    proof: str | None = None
    tags: Sequence[str] | None = None

    def check(self) -> None:
        for name in _TEXTS:
            text, most = getattr(self, name), MAX_TITLE if name == "title" else MAX_TEXT
            if text is not None and len(text) > most:
                raise Invalid(f"The {name} is longer than {most} characters.", field=name)
        if self.title is not None and not self.title.strip():
            raise Invalid("A case needs a title.", field="title")
        tags = self.tags or ()
        if len(tags) > MAX_TAGS or any(not tag or len(tag) > MAX_TAG or len(tag.split()) != 1 for tag in tags):
            raise Invalid(f"Tags are at most {MAX_TAGS} words of at most {MAX_TAG} characters.", field="tags")

    def of(self, body: Body) -> Body:
        values: dict[str, Any] = {
            name: getattr(body, name).replaced(text.strip())
            for name in _TEXTS
            if (text := getattr(self, name)) is not None
        }
        if self.tags is not None:
            values["tags"] = list(dict.fromkeys(self.tags))
        return body.model_copy(update=values)


class CaseBook:
    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        terms: Terms,
        redact: Callable[[Any], Any],
        names: Callable[[], str] = lambda: token_hex(8),
    ) -> None:
        self._database = database
        self._clock = clock
        self._redact = redact
        self._names = names
        self._terms = terms
        self._shelf = Shelf(terms)
        self._turn = asyncio.Lock()
        self._changes = 0

    async def write(self, lesson: Lesson, *, ended: bool) -> Case | None:
        """What is known of an incident by now; None where its case was rejected, or is a person's by now."""
        body, facts = told(Lesson.model_validate(self._redact(lesson.model_dump(mode="json"))))
        try:
            made = await self._written(lesson.incident, "draft" if ended else "open", body, facts)
        except IntegrityError:
            return None  # another replica has just begun it; what it lacks is seen in the next turn
        if made is None:
            return None
        self._changes += 1
        if ended:
            _log.info("a case was made of an incident", case=made.id, version=made.version)
        return made

    async def standing(self, incidents: Sequence[str]) -> dict[str, Standing]:
        """How far the cases of these incidents have come; one that is missing has not begun."""
        async with self._database.read() as session:
            return await records.standing(session, incidents)

    async def of_incident(self, incident: str) -> Case | None:
        """Finished or not; None where there is none, or it was rejected."""
        async with self._database.read() as session:
            row = await records.of_incident(session, incident)
            return case_of(row) if row and row.state != "rejected" else None

    async def release(self, incident: str) -> None:
        async with self._database.write() as session:
            await records.release(session, incident)
        self._changes += 1

    async def remember(self, edit: Edit, facts: Facts, by: str) -> Case:
        """A lesson that a person tells: a draft like any other, until it is confirmed."""
        edit.check()
        if not edit.title:
            raise Invalid("A case needs a title.", field="title")
        body = Body.model_validate(self._redact(edit.of(Body()).model_dump(mode="json")))
        facts = Facts.model_validate(self._redact(facts.model_dump(mode="json")))
        async with self._database.write() as session:
            row = await self._new(session, self._names(), "draft", body, facts, by)
            row.touched = True
            made = case_of(row)
        self._changes += 1
        return made

    async def page(self, wanted: Filter, limit: int = 50, offset: int = 0) -> tuple[Sequence[Case], int]:
        _check_page(limit, offset)
        async with self._database.read() as session:
            return await records.page(session, wanted, limit, offset)

    async def get(self, case_id: str) -> Case:
        async with self._database.read() as session:
            return case_of(await records.row_of(session, case_id))

    async def versions(self, case_id: str, limit: int = 50, offset: int = 0) -> tuple[Sequence[Version], int]:
        _check_page(limit, offset)
        async with self._database.read() as session:
            await records.row_of(session, case_id)
            return await records.versions(session, case_id, limit, offset)

    async def edit(self, case_id: str, edit: Edit, by: str, *, version: int | None = None) -> Case:
        """`version` is the one that the editor saw: where the case has moved on, nothing is overwritten."""
        edit.check()
        async with self._database.write() as session:
            row = await records.row_of(session, case_id, changes=True)
            if version is not None and version != row.version:
                raise Conflict(
                    "The case was changed by somebody else meanwhile.",
                    expected=f"version {version}",
                    found=f"version {row.version}",
                )
            before = Body.model_validate(row.body)
            body = Body.model_validate(self._redact(edit.of(before).model_dump(mode="json")))
            if body != before:
                await self._change(session, row, body, "edited", by)
            made = case_of(row)
        self._changes += 1
        return made

    async def confirm(self, case_id: str, by: str) -> Case:
        async with self._database.write() as session:
            row = await records.row_of(session, case_id, changes=True)
            if row.state != "confirmed":
                row.state, row.confirmed_by, row.confirmed_at = "confirmed", by[:255], self._clock.now()
                await self._change(session, row, Body.model_validate(row.body), "confirmed", by)
            made = case_of(row)
        self._changes += 1
        return made

    async def rate(self, case_id: str, stars: int, by: str) -> Case:
        """One rating a person; the last word counts."""
        if not FEWEST_STARS <= stars <= MOST_STARS:
            raise Invalid(f"A rating is {FEWEST_STARS} to {MOST_STARS} stars.", field="stars")
        async with self._database.write() as session:
            row = await records.row_of(session, case_id, changes=True)
            await records.rate(session, row, by, stars, self._clock.now())
            made = case_of(row)
        self._changes += 1
        return made

    async def rating(self, case_id: str, by: str) -> int | None:
        async with self._database.read() as session:
            return await records.rating(session, case_id, by)

    async def reject(self, case_id: str, by: str) -> None:
        """What it says is deleted, with all versions and ratings; it is not made again of the same incident."""
        async with self._database.write() as session:
            row = await records.row_of(session, case_id, changes=True)
            await records.empty(session, row)
            row.state, row.touched, row.changed_at = "rejected", False, self._clock.now()
        self._changes += 1
        _log.info("a case was rejected", case=case_id, by=by)

    async def similar(self, asked: Asked, limit: int = 5, *, without: str = "") -> list[Similar]:
        """The likest first; `without` leaves one out, as an incident's own case."""
        if not 1 <= limit <= MAX_SIMILAR:
            raise Invalid(f"The limit must be from 1 to {MAX_SIMILAR}.", field="limit")
        corpus = await self._corpus()
        found = await asyncio.to_thread(self._likest, corpus, asked, limit, without)
        async with self._database.read() as session:
            cases = {case.id: case for case in await records.shown_of(session, [one.id for one in found])}
        return [Similar(cases[one.id], one.score, one.views) for one in found if one.id in cases]

    async def sweep(self) -> int:
        """Forget what nobody wanted and what is too much."""
        async with self._database.write() as session:
            return await records.forget(session, self._clock.now() - KEPT, MAX_CASES)

    def _likest(self, corpus: Corpus, asked: Asked, limit: int, without: str) -> list[Likeness]:
        return corpus.similar(asked.traits(self._terms), limit, without)

    async def _corpus(self) -> Corpus:
        """As the database has it: other replicas write cases too."""
        async with self._turn:
            async with self._database.read() as session:
                edition = self._changes, await records.edition(session)
                if self._shelf.is_of(edition):
                    return self._shelf.corpus
                marks = await records.marks(session, MAX_CASES)
                cases = await records.shown_of(session, self._shelf.unread(marks))
            await self._shelf.put_up(marks, cases, edition)
            return self._shelf.corpus

    async def _written(self, incident: str, state: State, body: Body, facts: Facts) -> Case | None:
        async with self._database.write() as session:
            row = await session.get(CaseRow, incident, with_for_update=True)
            if row is None:
                row = await self._new(session, incident, state, body, facts, MACHINE, incident=incident)
            elif row.touched or _is_done(row, ended=state == "draft") or _says(row, body, facts):
                return None
            else:
                await self._again(session, row, state, body, facts)
            return case_of(row)

    async def _new(
        self,
        session: AsyncSession,
        case_id: str,
        state: State,
        body: Body,
        facts: Facts,
        by: str,
        *,
        incident: str | None = None,
    ) -> CaseRow:
        now = self._clock.now()
        row = CaseRow(
            id=case_id, incident=incident, state=state, version=1, touched=False, made_by=by[:255], made_at=now,
            changed_at=now, confirmed_by="", confirmed_at=None, ratings=0, stars=0,
        )  # fmt: skip
        records.write(row, body, facts)
        session.add(row)
        await session.flush()
        if state != "open":
            await records.add_version(session, row, "made", by, now)
        return row

    async def _again(self, session: AsyncSession, row: CaseRow, state: State, body: Body, facts: Facts) -> None:
        """By the machine, over what the machine wrote. While its incident goes on for the first time there are no versions."""
        row.version += row.state == "draft"
        row.state, row.changed_at = state, self._clock.now()
        records.write(row, body, facts)
        if state == "draft":
            await records.add_version(session, row, "made", MACHINE, row.changed_at)

    async def _change(self, session: AsyncSession, row: CaseRow, body: Body, what: str, by: str) -> None:
        row.version += 1
        row.touched, row.changed_at = True, self._clock.now()
        records.write(row, body, Facts.model_validate(row.facts))
        await records.add_version(session, row, what, by, row.changed_at)


def _is_done(row: CaseRow, *, ended: bool) -> bool:
    """An incident that goes on again is told anew when it ends."""
    return row.state == "rejected" or (row.state == "draft" and not ended)


def _says(row: CaseRow, body: Body, facts: Facts) -> bool:
    """The very same already, and as a finished case."""
    same = row.body == body.model_dump(mode="json") and row.facts == facts.model_dump(mode="json")
    return same and row.state == "draft"


def _check_page(limit: int, offset: int) -> None:
    if not 1 <= limit <= MAX_PAGE or offset < 0:
        raise Invalid(f"limit must be 1 to {MAX_PAGE} and offset not negative.", field="limit")
