"""All rules that are in force: those of the files and those that are kept here, given to the evaluator together.

Either side may change while the other stands still, so the last of each is remembered. The evaluator keeps the progress of every rule that
stays.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from alerts.rulebook.book import RuleBook
from alerts.rulebook.definition import group_of
from alerts.rules import Group

Given = Callable[[Sequence[Group]], Awaitable[None]]


class Shelf:
    def __init__(self, files: Sequence[Group], interval: timedelta, given: Given) -> None:
        self._files = tuple(files)
        self._interval = interval
        self._given = given
        self._book: RuleBook | None = None

    def keep(self, book: RuleBook) -> None:
        """The book tells the shelf of its changes, so the shelf is there first."""
        self._book = book

    async def put_files(self, groups: Sequence[Group]) -> None:
        self._files = tuple(groups)
        await self.refresh()

    async def refresh(self) -> None:
        kept = await self._book.enabled() if self._book else []
        ours = [group_of(kept, self._interval)] if kept else []
        await self._given([*self._files, *ours])
