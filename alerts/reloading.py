"""Files that may change while we watch: read again when they do, and on request; a bad one changes nothing.

Each source is asked for its files every few seconds (a new file in a folder counts) and read again when one of them is not what it was.
What cannot be read whole is not used at all: the old rules or routes stay in force, the complaint names the place, and the health page
shows it until the file is mended. One source that is bad does not keep another from being read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.patience import survive
from core.clock import Clock
from core.errors import FirstmateError, Invalid
from core.logs import get

EVERY = 5.0
Mark = tuple[tuple[str, int, int, int], ...]
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """What is read, from which files, and who is given it."""

    name: str
    files: Callable[[], Sequence[Path]]
    read: Callable[[], Any]
    apply: Callable[[Any], Awaitable[None]]


class Reloader:
    def __init__(self, sources: Sequence[Source], clock: Clock) -> None:
        """The sources have been read once already: what their files are now is what is in force."""
        self._sources = tuple(sources)
        self._clock = clock
        self._marks = {source.name: mark(source.files()) for source in sources}
        self._reading = asyncio.Lock()
        self.complaints: dict[str, str] = {}

    async def run(self) -> None:
        while True:
            await self._clock.sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        for source in self._sources:
            await survive(
                self._look_at(source), None, "a source of settings could not be looked at", source=source.name
            )

    async def reload(self) -> None:
        """Everything again, changed or not; the first complaint is raised once all have been tried."""
        for source in self._sources:
            self._marks[source.name] = await asyncio.to_thread(_mark_of, source)
            await self._read(source)
        for complaint in self.complaints.values():
            raise Invalid(complaint)

    async def _look_at(self, source: Source) -> None:
        seen = await asyncio.to_thread(_mark_of, source)
        if seen != self._marks[source.name]:
            self._marks[source.name] = seen
            await self._read(source)

    async def _read(self, source: Source) -> None:
        async with self._reading:
            try:
                await source.apply(await asyncio.to_thread(source.read))
            except FirstmateError as error:
                self.complaints[source.name] = error.sentence
                _log.error(
                    "a changed file cannot be used; what was read before stays in force",
                    source=source.name,
                    error=error.sentence,
                )
                return
        if self.complaints.pop(source.name, ""):
            _log.info("the file is good again", source=source.name)
        _log.info("read anew", source=source.name)


def _mark_of(source: Source) -> Mark:
    return mark(source.files())


def mark(files: Sequence[Path]) -> Mark:
    """What tells a changed file without reading it. Kubernetes swaps the link to a mounted file, and that changes the inode."""
    return tuple(_one(path) for path in files)


def _one(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_ino, found.st_mtime_ns, found.st_size
