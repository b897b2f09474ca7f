"""Pictures made when they are first asked for, and kept: the same question has the same picture, also after a crash, also if it is none.

A message waits for its picture for a few seconds at most and then goes without, for good. Whatever ails Prometheus is not made worse: few
questions at once, none for a minute after one that failed, and only so many a minute, for in a storm nobody looks at hundreds of charts.
Painting goes on in a thread of its own. The pictures kept are bounded in age and number.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from alerts.patience import survive, within
from alerts.pictures.links import LASTS, Links
from alerts.pictures.painter import Chart, Line, drawable, paint
from alerts.pictures.picture import Picture
from alerts.pictures.question import MAX_SERIES, Question, Sample
from alerts.pictures.tables import PictureRow
from core.clock import Clock
from core.database import Database
from core.errors import FirstmateError
from core.logs import get

DEADLINE = 5.0
AT_ONCE = 2
REST = 60.0
MAX_A_MINUTE = 60
MAX_KEPT = 1_000
MAX_PNG = 200_000
NONE = b""
_log = get(__name__)


class Series(Protocol):
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def points(self) -> Sequence[tuple[float, float]]: ...


class Numbers(Protocol):
    """Whoever answers PromQL."""

    async def query(self, expr: str, at: datetime | None = None) -> Iterable[Sample]: ...
    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Iterable[Series]: ...


class Gallery:
    def __init__(
        self,
        *,
        database: Database,
        prometheus: Numbers,
        clock: Clock,
        links: Links,
        redact: Callable[[Any], Any] = lambda text: text,
    ) -> None:
        self._database = database
        self._prometheus = prometheus
        self._clock = clock
        self._links = links
        self._redact = redact
        self._bound = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._begun: deque[float] = deque(maxlen=MAX_A_MINUTE)
        self._rests_until = float("-inf")

    async def show(self, question: Question | None) -> Picture | None:
        if question is None:
            return None
        png = await survive(self._png(question), NONE, "a picture could not be looked up")
        return Picture(question.id, png, question, self._links.url(question.id, question.end)) if png else None

    async def fetch(self, token: str) -> bytes | None:
        """What a signed address leads to."""
        found = self._links.read(token, self._clock.now())
        return (await self._kept(found) or None) if found else None

    async def close(self) -> None:
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _png(self, question: Question) -> bytes:
        kept = await self._kept(question.id)
        if kept is not None:
            return kept
        # Several ways of one group ask at the same time, and one that is stopped must not stop the others.
        task = self._making.get(question.id)
        if task is None:
            task = self._making[question.id] = asyncio.create_task(self._make(question))
            task.add_done_callback(lambda _: self._making.pop(question.id, None))
        return await asyncio.shield(task)

    async def _make(self, question: Question) -> bytes:
        made = await survive(self._in_time(question), NONE, "a picture could not be painted", rule=question.title)
        return await self._keep(question.id, made if len(made) <= MAX_PNG else NONE)

    async def _in_time(self, question: Question) -> bytes:
        try:
            return await within(self._clock, DEADLINE, self._made(question))
        except (TimeoutError, FirstmateError) as error:
            said = error.sentence if isinstance(error, FirstmateError) else f"it took longer than {DEADLINE:g} s"
            _log.warning("a message goes without its picture", rule=question.title, reason=said)
            self._rests_until = self._clock.monotonic() + REST
            return NONE

    async def _made(self, question: Question) -> bytes:
        if not self._may_begin():
            return NONE
        async with self._bound:
            chart = await self._chart(question)
            if not drawable(chart):
                return NONE
            return await asyncio.get_running_loop().run_in_executor(self._threads, paint, chart)

    def _may_begin(self) -> bool:
        now = self._clock.monotonic()
        full = len(self._begun) == MAX_A_MINUTE and now - self._begun[0] < 60
        if full or now < self._rests_until:
            return False
        self._begun.append(now)
        return True

    async def _chart(self, asked: Question) -> Chart:
        question = asked
        start, end = (datetime.fromtimestamp(at, UTC) for at in (asked.start, asked.end))
        if asked.whole:
            question = asked.narrowed(await self._prometheus.query(asked.whole, end))
            if question is asked:
                return _nothing(asked)
        found = await self._prometheus.query_range(question.promql, start, end, question.step)
        series = sorted(found, key=lambda each: _place(question, each.labels))[:MAX_SERIES]
        names = question.names([each.labels for each in series]) if series else []
        lines = [Line(str(self._redact(n)), tuple(each.points)) for n, each in zip(names, series, strict=True)]
        return Chart(
            title=str(self._redact(question.title)),
            lines=tuple(lines),
            start=question.start,
            end=question.end,
            fired_at=question.fired_at,
            step=question.step,
            unit=question.unit,
            operator=question.operator,
            threshold=question.threshold,
            more=max(0, question.total - max(1, len(lines))),
        )

    async def _kept(self, id: str) -> bytes | None:  # noqa: A002 - a picture's own word
        async with self._database.read() as session:
            return await session.scalar(select(PictureRow.png).where(PictureRow.id == id))

    async def _keep(self, id: str, png: bytes) -> bytes:  # noqa: A002 - the same
        """The first answer stays; whoever comes second, in another process perhaps, is given that."""
        now, row = self._clock.now(), PictureRow
        newest = select(row.id).order_by(row.at.desc(), row.id).limit(MAX_KEPT)
        async with self._database.write() as session:
            make = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
            await session.execute(make(row).values(id=id, png=png, at=now).on_conflict_do_nothing())
            await session.execute(delete(row).where(row.at < now - timedelta(seconds=LASTS)))
            await session.execute(delete(row).where(row.id.not_in(newest)))
            return await session.scalar(select(row.png).where(row.id == id)) or NONE


def _nothing(question: Question) -> Chart:
    return Chart(question.title, (), question.start, question.end, question.fired_at, question.step)


def _place(question: Question, labels: Mapping[str, str]) -> tuple[int, list[tuple[str, str]]]:
    """In the order of the alerts: the newest is the first colour."""
    own = next((at for at, wanted in enumerate(question.series) if wanted.items() <= labels.items()), MAX_SERIES)
    return own, sorted(labels.items())
