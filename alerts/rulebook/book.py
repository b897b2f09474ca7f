"""The rules that are kept here, in SQL, with every version there was.

A change is made on the version that its author saw; if another was made meanwhile, the change is refused and both are named, so that
two people at one alert do not undo each other. Nothing is lost by a change: every version stays, with who made it and when, and any of
them can be taken up again, which is a new version. After each change the evaluator is given the rules anew.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from alerts.rulebook.definition import Definition, rule_of
from alerts.rules import Rule
from alerts.tables import ManagedRuleRow, ManagedRuleVersionRow
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound, near_misses
from core.logs import get

MAX_RULES = 2_000
MAX_VERSIONS = 200
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """One rule as it is now."""

    id: str
    definition: Definition
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime
    updated_by: str

    @property
    def rule(self) -> Rule:
        return rule_of(self.definition, self.id)

    def to_json(self) -> dict[str, Any]:
        return {
            "rule_id": self.id,
            "name": self.definition.name,
            "status": "enabled" if self.enabled else "disabled",
            "version": self.version,
            "expr": self.definition.shown(),
            "definition": self.definition.model_dump(mode="json", exclude_defaults=True),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "updated_by": self.updated_by,
        }


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    definition: Definition
    enabled: bool
    at: datetime
    by: str
    what: str

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.number,
            "status": "enabled" if self.enabled else "disabled",
            "definition": self.definition.model_dump(mode="json", exclude_defaults=True),
            "at": self.at.isoformat(),
            "by": self.by,
            "what": self.what,
        }


class RuleBook:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: Callable[[], str],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        """`changed` is called after every change, with what is kept on disk already."""
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._changed = changed

    async def all(self) -> list[Kept]:
        async with self._database.read() as session:
            return [_kept(row) for row in await session.scalars(select(ManagedRuleRow).order_by(ManagedRuleRow.name))]

    async def enabled(self) -> list[Rule]:
        return [kept.rule for kept in await self.all() if kept.enabled]

    async def get(self, rule_id: str) -> Kept:
        async with self._database.read() as session:
            row = await session.get(ManagedRuleRow, rule_id)
        if row is None:
            known = {kept.id: kept.definition.name for kept in await self.all()}
            near = near_misses(rule_id, [*known, *known.values()])
            raise NotFound(f"There is no rule {rule_id[:100]} that is kept here.", near=near)
        return _kept(row)

    async def add(self, definition: Definition, by: str) -> Kept:
        return (await self.add_all([definition], by))[0]

    async def add_all(self, definitions: Sequence[Definition], by: str) -> list[Kept]:
        """All of them or none."""
        now = self._clock.now()
        made = [Kept(self._new_id(), each, True, 1, now, now, by) for each in definitions]
        _ = [kept.rule for kept in made]  # each is checked before any is written
        async with self._database.write() as session:
            count = await session.scalar(select(func.count()).select_from(ManagedRuleRow))
            if int(count or 0) + len(made) > MAX_RULES:
                raise Invalid(f"More than {MAX_RULES} rules cannot be kept here; use rule files.", field="rules")
            for kept in made:
                session.add(_row(kept))
                session.add(_version_row(kept, "made"))
        await self._tell("made", by, *made)
        return made

    async def change(self, rule_id: str, by: str, *, seen: int | None = None, **values: Any) -> Kept:
        before = await self.get(rule_id)
        return await self._replace(before, before.definition.changed(**values), before.enabled, by, seen, "changed")

    async def enable(self, rule_id: str, by: str, *, enabled: bool) -> Kept:
        before = await self.get(rule_id)
        if before.enabled is enabled:
            return before
        return await self._replace(before, before.definition, enabled, by, None, "enabled" if enabled else "disabled")

    async def restore(self, rule_id: str, number: int, by: str) -> Kept:
        before = await self.get(rule_id)
        versions = {version.number: version for version in await self.versions(rule_id)}
        if number not in versions:
            raise NotFound(f"The rule {before.definition.name} has no version {number}.")
        return await self._replace(
            before, versions[number].definition, before.enabled, by, None, f"as in version {number}"
        )

    async def remove(self, rule_id: str, by: str) -> None:
        gone = await self.get(rule_id)
        async with self._database.write() as session:
            await session.execute(delete(ManagedRuleRow).where(ManagedRuleRow.id == rule_id))
            last = replace(gone, version=gone.version + 1, updated_at=self._clock.now(), updated_by=by)
            session.add(_version_row(last, "removed"))
        await self._tell("removed", by, gone)

    async def versions(self, rule_id: str) -> list[Version]:
        """The latest first; those of a rule that was removed are still there."""
        query = (
            select(ManagedRuleVersionRow)
            .where(ManagedRuleVersionRow.rule_id == rule_id)
            .order_by(ManagedRuleVersionRow.number.desc())
            .limit(MAX_VERSIONS)
        )
        async with self._database.read() as session:
            return [_version(row) for row in await session.scalars(query)]

    async def _replace(
        self, before: Kept, definition: Definition, enabled: bool, by: str, seen: int | None, what: str
    ) -> Kept:
        if seen is not None and seen != before.version:
            raise _overtaken(before, seen)
        after = Kept(before.id, definition, enabled, before.version + 1, before.created_at, self._clock.now(), by)
        _ = after.rule
        async with self._database.write() as session:
            row = await session.get(ManagedRuleRow, before.id, with_for_update=True)
            if row is None or row.version != before.version:
                raise _overtaken(_kept(row) if row else before, before.version)
            await session.merge(_row(after))
            session.add(_version_row(after, what))
        await self._tell(what, by, after)
        return after

    async def _tell(self, what: str, by: str, *rules: Kept) -> None:
        for kept in rules:
            _log.info(f"a rule was {what}", rule=kept.definition.name, id=kept.id, version=kept.version, by=by)
        await self._changed()


def _overtaken(present: Kept, seen: int) -> Conflict:
    return Conflict(
        f"The rule {present.definition.name} is at version {present.version} now, changed by {present.updated_by}; "
        f"you changed version {seen}.",
        expected=str(seen),
        found=str(present.version),
    )


def _row(kept: Kept) -> ManagedRuleRow:
    return ManagedRuleRow(
        id=kept.id,
        name=kept.definition.name,
        definition=kept.definition.model_dump(mode="json", exclude_defaults=True),
        enabled=kept.enabled,
        version=kept.version,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        updated_by=kept.updated_by[:255],
    )


def _version_row(kept: Kept, what: str) -> ManagedRuleVersionRow:
    return ManagedRuleVersionRow(
        rule_id=kept.id,
        number=kept.version,
        definition=kept.definition.model_dump(mode="json", exclude_defaults=True),
        enabled=kept.enabled,
        at=kept.updated_at,
        by=kept.updated_by[:255],
        what=what,
    )


def _kept(row: ManagedRuleRow) -> Kept:
    return Kept(
        id=row.id,
        definition=Definition.model_validate(row.definition),
        enabled=row.enabled,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def _version(row: ManagedRuleVersionRow) -> Version:
    return Version(row.number, Definition.model_validate(row.definition), row.enabled, row.at, row.by, row.what)
