"""One log, however long, as what a diagnosis needs of it: its size, its last lines, its patterns, and what it says that has a meaning.

A log is read once, line by line, and never held: what is kept is bounded whether it has ten lines or a gigabyte. A sentence with a
meaning (refused, no such host, access denied, out of memory) is counted with its first and last time and what it names, so that an
analyzer asks `said("refused")` and compares the target with what the cluster really offers.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from tools.engines.logpatterns import Entry, Pattern, entries, patterns

TAIL = 40
BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a log says and that has a meaning."""

    meaning: str
    text: str
    """The latest entry that says it, cut to a readable length."""
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None
    target: str = ""
    """What the sentence names: an address, a host, a variable, a key, a file, a user."""


@dataclass(frozen=True, slots=True)
class LogDigest:
    lines: int = 0
    tail: tuple[str, ...] = ()
    patterns: Sequence[Pattern] = ()
    saids: Sequence[Said] = ()
    cut: str = field(default="", compare=False)
    """Why it is not the whole log, if it is not."""

    def said(self, *meanings: str) -> list[Said]:
        """What it says with one of these meanings, the latest last."""
        return [one for one in self.saids if one.meaning in meanings]

    def last_words(self, count: int = 3) -> str:
        return " | ".join(self.tail[-count:])


EMPTY = LogDigest()


def digest(lines: Iterable[str]) -> LogDigest:
    count, tail, said = 0, deque[str](maxlen=TAIL), list[Entry]()
    for batch in _batches(lines):
        count += len(batch)
        tail.extend(line for line in batch if line.strip())
        said = (said + entries("\n".join(batch)))[-BATCH:]
    return LogDigest(count, tuple(tail), patterns(said))


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    held = iter(lines)
    while batch := list(islice(held, BATCH)):
        yield batch
