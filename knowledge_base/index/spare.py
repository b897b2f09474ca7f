"""An index elsewhere, with one in memory for when it is away.

At the first question that the other one fails, the spare is built from the database and searched from then on; the question waits for
it and is answered. While the other one is away it is not asked, so that an outage slows one question and not all. Now and then it is
tried; once it holds what the database holds, it is searched again and the spare's memory is given back.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from core.errors import Upstream
from core.logs import get
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Candidates, Filters, Index, Passages, Question, Shown

Reread = Callable[[], AbstractAsyncContextManager[tuple[Sequence[Shown], Passages]]]
EVERY = 5
"""Of the calls to keep up, how many pass between two tries: each reads the list of documents."""
_log = get(__name__)


class SparedIndex:
    def __init__(self, first: Index, reread: Reread) -> None:
        self._first = first
        self._reread = reread
        self._spare: LocalIndex | None = None
        self._turn = asyncio.Lock()
        self._waited = 0
        self.trouble = ""
        """Why the other one is not searched; empty while it is."""

    @property
    def name(self) -> str:
        return f"local, because {self._first.name} is away" if self.trouble else self._first.name

    def __len__(self) -> int:
        return len(self._spare) if self.trouble and self._spare is not None else len(self._first)

    async def update(self, shown: Sequence[Shown], read: Passages) -> None:
        async with self._turn:
            if not self.trouble and await self._tried(shown, read):
                return
            if self._spare is None:
                self._spare = LocalIndex()
            await self._spare.update(shown, read)

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        if not self.trouble:
            try:
                return await self._first.candidates(question, filters, count)
            except Upstream as error:
                self._away(error)
        spare = await self._ready()
        return await spare.candidates(question, filters, count)

    async def keep_up(self) -> None:
        if not self.trouble:
            try:
                await self._first.keep_up()
            except Upstream as error:
                self._away(error)
            return
        self._waited += 1
        if self._waited % EVERY:
            return
        async with self._turn, self._reread() as (shown, read):
            await self._tried(shown, read)

    async def close(self) -> None:
        await self._first.close()

    async def _tried(self, shown: Sequence[Shown], read: Passages) -> bool:
        try:
            await self._first.update(shown, read)
        except Upstream as error:
            self._away(error)
            return False
        if self.trouble:
            _log.info("the knowledge index is back", index=self._first.name)
        self.trouble, self._spare = "", None
        return True

    async def _ready(self) -> LocalIndex:
        async with self._turn:
            if self._spare is None:
                spare = LocalIndex()
                async with self._reread() as (shown, read):
                    await spare.update(shown, read)
                self._spare = spare
            return self._spare

    def _away(self, error: Upstream) -> None:
        if not self.trouble:
            _log.warning("the knowledge index is away; the knowledge is searched in memory", why=error.sentence)
        self.trouble = error.sentence
