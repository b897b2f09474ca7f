"""The rest of a long answer: kept for a while under a handle, and read page by page.

A tool shows the rows that matter and leaves the others here; nothing is asked again, so the pages fit together even while the cluster
changes. The memory is bounded in handles and in rows: the oldest handle goes first, and a handle that went says so.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from pydantic import BaseModel, Field

from core.clock import Clock
from core.errors import Invalid, NotFound
from core.language import pick
from tools.spec import AnyTool, Context, Input, Source, Tool, ToolResult

MAX_HANDLES = 200
MAX_ROWS = 20_000
MAX_KEPT = 2_000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    title: str
    rows: Sequence[Row]
    size: int
    source: tuple[Source, ...]
    seen_at: datetime

    @property
    def pages(self) -> int:
        return max(1, ceil(len(self.rows) / self.size))


class Pages:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._rows = 0

    def keep(
        self, title: str, rows: Sequence[BaseModel | Row], size: int, source: Sequence[Source]
    ) -> tuple[str | None, int]:
        """A handle and the number of pages; no handle where the first page is all there is."""
        plain = [row.model_dump(mode="json") if isinstance(row, BaseModel) else row for row in rows[:MAX_KEPT]]
        kept = Kept(title, plain, size, tuple(source), self._clock.now())
        if kept.pages <= 1:
            return None, 1
        handle = secrets.token_hex(6)
        self._kept[handle] = kept
        self._rows += len(plain)
        while len(self._kept) > MAX_HANDLES or (self._rows > MAX_ROWS and len(self._kept) > 1):
            _, gone = self._kept.popitem(last=False)
            self._rows -= len(gone.rows)
        return handle, kept.pages

    def get(self, handle: str) -> Kept:
        if handle not in self._kept:
            raise NotFound(f"The handle {handle} is unknown or was given up; ask the first tool again.")
        return self._kept[handle]


class ReadMore(Input):
    handle: str = Field(max_length=40)
    page: int = Field(default=2, ge=1)


class MoreRows(BaseModel):
    title: str
    page: int
    rows: list[Row]


class PageTools:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "read_more",
                "Read a further page of an earlier answer that gave a handle.",
                ReadMore,
                MoreRows,
                "read",
                self.read_more,
            )
        ]

    async def read_more(self, ctx: Context, ask: ReadMore) -> ToolResult[MoreRows]:
        kept = self._pages.get(ask.handle)
        if ask.page > kept.pages:
            raise Invalid(f"There are {kept.pages} pages.", field="page")
        rows = list(kept.rows[(ask.page - 1) * kept.size : ask.page * kept.size])
        summary = pick(
            ctx.language,
            f"{kept.title}: page {ask.page} of {kept.pages}, {len(rows)} of {len(kept.rows)} rows, "
            f"as read at {kept.seen_at:%H:%M:%SZ}.",
            f"{kept.title}：第 {ask.page}/{kept.pages} 页，{len(kept.rows)} 行中的 {len(rows)} 行，读取于 {kept.seen_at:%H:%M:%SZ}。",
        )
        return ToolResult(
            summary=summary,
            data=MoreRows(title=kept.title, page=ask.page, rows=rows),
            source=list(kept.source),
            seen_at=kept.seen_at,
            handle=ask.handle if kept.pages > 1 else None,
            pages=kept.pages,
        )
