"""One log, however long, as what a diagnosis needs of it: its size, its last lines, its patterns, and what it says that has a meaning.

A log is read once, line by line, and never held: what is kept is bounded whether it has ten lines or a gigabyte. A sentence with a
meaning (refused, no such host, access denied, out of memory: the ids are listed in `meaning`) is counted with its first and last time and
what it names, so that an analyzer asks `said("refused")` and compares the target with what the cluster really offers. Meanings are looked
for once for each outline (an entry without its digits); every further one is only counted.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.engines.logs.answers import Answers, Find, Times, finder, took
from tools.engines.logs.entries import STAMP, Entry, moment, spoken, streamed
from tools.engines.logs.meaning import Reading, again, meanings
from tools.engines.logs.miner import MAX_REMEMBERED, Cluster, Miner, outline
from tools.engines.logs.patterns import Pattern, is_quiet, level, ordered

TAIL = 40
MAX_TEXT = 1_200
MAX_TAIL_LINE = 600
MAX_SAIDS = 400
QUIET_LINES = 40
QUIET_SECONDS = 120.0
QUIET_FOR_GOOD = 600.0
# What a start or a short outage brings, and what is over as soon as it is no longer said; the rest comes and goes.
PASSING = frozenset(
    {
        "refused",
        "timed_out",
        "reset",
        "no_route",
        "unreachable",
        "unavailable",
        "no_such_host",
        "dns_unavailable",
        "upstream_unavailable",
        "communications_link_failure",
        "retries",
        "address_in_use",
    }
)


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
    line: int = 0
    """Which line of the log said it last."""
    level: str = ""
    begun: int = 0
    """Which line said it first."""
    quote: str = ""
    """The one line of the latest entry that says it."""


@dataclass(frozen=True, slots=True)
class LogDigest:
    lines: int = 0
    tail: tuple[str, ...] = ()
    patterns: Sequence[Pattern] = ()
    saids: Sequence[Said] = ()
    cut: str = field(default="", compare=False)
    """Why it is not the whole log, if it is not."""
    first: datetime | None = None
    last: datetime | None = None
    answers: Answers = ()
    """When it says that it answered requests, and how long it took."""

    def said(self, *meanings: str) -> list[Said]:
        """What it says with one of these meanings, the latest last."""
        return [one for one in self.saids if one.meaning in meanings]

    def last_words(self, count: int = 3) -> str:
        return " | ".join(self.tail[-count:])

    def is_over(self, said: Said) -> bool:
        """Whether it stopped saying so and went on well for long enough to tell."""
        if self.last and said.last:
            between = (said.last - said.first).total_seconds() / max(1, said.count - 1) if said.first else 0.0
            quiet = (self.last - said.last).total_seconds()
            least = QUIET_SECONDS if said.meaning in PASSING else QUIET_FOR_GOOD
            return quiet > max(least, 3 * between) and self.lines - said.line >= 3
        return self.lines - said.line > max(QUIET_LINES, 3 * said.line // max(1, said.count))

    def still_said(self, *meanings: str) -> list[Said]:
        """What it says with one of these meanings and has not got over."""
        return [one for one in self.said(*meanings) if not self.is_over(one)]


EMPTY = LogDigest()


def digest(lines: Iterable[str], *, cut: str = "") -> LogDigest:
    gathered = _Gathered()
    for entry in streamed(lines):
        gathered.take(entry)
    return gathered.digest(cut)


@dataclass(slots=True)
class _Heard:
    text: str
    count: int = 0
    first: str = ""
    last: str = ""
    line: int = 0
    level: str = ""
    begun: int = 0
    quote: str = ""


Known = tuple[Cluster, list[Reading], str, Find | None]


class _Gathered:
    def __init__(self) -> None:
        self._miner = Miner()
        self._known: dict[str, Known] = {}
        self._times = Times()
        self._remembered = 0
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._tail: deque[Entry] = deque(maxlen=TAIL)
        self._line = 0
        self._first = self._last = ""

    def take(self, entry: Entry) -> None:
        text, stamp = entry.text, entry.stamp
        if text[0] == "{":
            text, own = spoken(text)
            if own and (not stamp or stamp == entry.text[:STAMP]):
                stamp = own
        shape = outline(text)
        known = self._known.get(shape)
        if known is None:
            known = self._learn(shape, text)
        cluster, readings, example, answered = known
        cluster.take(text, stamp)
        if readings:
            self._hear(readings, text, example, stamp, entry.line, cluster.level)
        if answered and stamp and (seconds := took(answered, text)) is not None:
            self._times.take(stamp, seconds)
        self._first = self._first or stamp
        self._last, self._line = stamp or self._last, entry.line
        self._tail.append(entry)

    def _learn(self, shape: str, text: str) -> Known:
        if self._remembered > MAX_REMEMBERED:
            self._known.clear()
            self._remembered = 0
        cluster = self._miner.cluster(text)
        cluster.level = cluster.level or level(text)
        quiet = "\n" not in text and is_quiet(text)
        known = self._known[shape] = (cluster, meanings(text, quiet=quiet), text, finder(text))
        self._remembered += len(shape) + len(text)
        return known

    def _hear(self, readings: list[Reading], text: str, example: str, stamp: str, line: int, severity: str) -> None:
        for reading in readings:
            said = reading if text == example else again(reading, text)
            named = said.target
            heard = self._heard.get((reading.meaning, named))
            if heard is None:
                if len(self._heard) >= MAX_SAIDS:
                    named = ""
                heard = self._heard.setdefault((reading.meaning, named), _Heard(text, begun=line))
            heard.quote = said.line
            heard.text, heard.last, heard.line, heard.level = text, stamp or heard.last, line, severity
            heard.first = heard.first or stamp
            heard.count += 1

    def digest(self, cut: str) -> LogDigest:
        saids = [
            Said(
                meaning, one.text[:MAX_TEXT], one.count, moment(one.first), moment(one.last), named, one.line, one.level
            )
            for (meaning, named), one in self._heard.items()
        ]
        saids.sort(key=lambda one: one.line)
        tail = [line[:MAX_TAIL_LINE] for entry in self._tail for line in entry.text.splitlines() if line.strip()]
        return LogDigest(
            self._line,
            tuple(tail[-TAIL:]),
            ordered(self._miner.clusters()),
            saids,
            cut,
            moment(self._first),
            moment(self._last),
            tuple((at.timestamp(), took_) for stamp, took_ in self._times.kept() if (at := moment(stamp))),
        )
