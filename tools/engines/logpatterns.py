"""A log as a few patterns with counts, instead of thousands of lines.

Whatever varies from line to line (numbers, ids, addresses, times, quoted values) is masked, and lines with the same mask are one pattern.
A line that continues another (a stack trace's frames, a "Caused by") is folded into the one it belongs to before counting, so that a
trace is one entry and not forty. Patterns that look like trouble come first, the frequent before the rare; of what looks harmless the rare
comes first: what happened once is worth more to a reader than what happens always.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

MAX_LINE = 2_000
MAX_ENTRY = 1_200
MAX_PATTERNS = 2_000
SHOWN_TEMPLATE = 300

_CONTINUES = re.compile(
    r"^(?:\s+\S|\s*Caused by:|\s*\.\.\. \d+ more|\s*Suppressed:|Traceback \(most recent|goroutine \d+ \[|[\w./-]+\.go:\d+)"
)
_OPENS_TRACE = re.compile(r"Traceback \(most recent call last\)|^panic:|^goroutine ")
_FINAL_OF_TRACE = re.compile(r"^[\w.]*(?:Error|Exception|Exit|Interrupt)\b")
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) ?")
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[a-z0-9]+(?:-[a-z0-9]+)*-(?=[a-z]*\d)[a-z0-9]{8,10}-[a-z0-9]{5}\b"), "<pod>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<addr>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,64}\b"), "<id>"),
    # A status or exit code is not a detail: it stays.
    (
        re.compile(
            r"(?i)(?<!status=)(?<!status\":)(?<!status )(?<!code=)(?<!code\":)(?<!code )(?<!http/1\.)(?<![a-z_\d.])[-+]?\d+(?:[.,]\d+)*"
        ),
        "<n>",
    ),
)
_FATAL = re.compile(r"(?i)\b(?:fatal|panic|critical|emerg|oom|out of memory|segfault|segmentation fault)\b|\bF\d{4} ")
_ERROR = re.compile(
    r"(?i)\b(?:error|err|severe|exception|traceback|failed|failure|refused|denied|unauthorized|forbidden|timed out|timeout|unreachable|"
    r"no such host|reset by peer|broken pipe|cannot|could not|unable to|killed)\b|[a-z](?:Error|Exception)\b|\bE\d{4} |\b50[0234]\b"
)
_WARNING = re.compile(r"(?i)\b(?:warn|warning|retry|retrying|deprecated|slow|degraded|throttl\w+)\b|\bW\d{4} ")
_QUIET = re.compile(
    r"(?i)\blevel[\"']?\s*[=:]\s*[\"']?(?:info|debug|trace)\b|^\W{0,3}(?:INFO|DEBUG|TRACE)\b|\s(?:INFO|DEBUG|TRACE)\s"
)

LEVELS = ("fatal", "error", "warning", "info")


@dataclass(slots=True)
class Entry:
    """One thing that was said, its continuation lines included."""

    text: str
    at: datetime | None
    where: str = ""


@dataclass(slots=True)
class Pattern:
    template: str
    level: str
    example: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    where: set[str] = field(default_factory=set)


def entries(text: str, where: str = "") -> list[Entry]:
    """Lines with an optional leading RFC 3339 time; continuation lines join the entry before them."""
    found: list[Entry] = []
    in_trace = False
    for raw in text.splitlines():
        at, line = _split(raw[:MAX_LINE])
        if not line.strip():
            continue
        joins = bool(found) and (bool(_CONTINUES.match(line)) or (in_trace and bool(_FINAL_OF_TRACE.match(line))))
        in_trace = bool(_OPENS_TRACE.search(line)) or (in_trace and joins and not _FINAL_OF_TRACE.match(line))
        if joins:
            found[-1].text = f"{found[-1].text}\n{line}"[:MAX_ENTRY]
        else:
            found.append(Entry(line, at, where))
    return found


def patterns(said: Iterable[Entry]) -> list[Pattern]:
    """Trouble first and there the frequent before the rare; then what looks harmless, the rare before the frequent."""
    found: dict[str, Pattern] = {}
    for entry in said:
        template = mask(entry.text.partition("\n")[0])
        pattern = found.get(template)
        if pattern is None:
            if len(found) >= MAX_PATTERNS:
                continue
            pattern = found[template] = Pattern(template, level(entry.text), entry.text)
        _count(pattern, entry)
    return sorted(found.values(), key=_order)


def mask(line: str) -> str:
    for pattern, name in _MASKS:
        line = pattern.sub(name, line)
    return line[:SHOWN_TEMPLATE]


def level(text: str) -> str:
    """How bad a line looks: by its own level where it names one that is quiet, else by its words."""
    if _FATAL.search(text):
        return "fatal"
    if _QUIET.search(text.partition("\n")[0]):
        return "info"
    if _ERROR.search(text):
        return "error"
    return "warning" if _WARNING.search(text) else "info"


def rarest(said: Sequence[Entry], found: Sequence[Pattern], limit: int) -> Iterator[str]:
    """The last line of each of the harmless patterns that hardly ever occur; those of trouble are shown anyhow."""
    most = max(1, len(said) // 50)
    rare = sorted((one for one in found if one.level == "info" and one.count <= most), key=lambda one: one.count)
    latest = {mask(entry.text.partition("\n")[0]): entry.text for entry in said}
    return (latest[one.template] for one in rare[:limit])


def _order(pattern: Pattern) -> tuple[int, int]:
    harmless = pattern.level == "info"
    return LEVELS.index(pattern.level), pattern.count if harmless else -pattern.count


def _split(line: str) -> tuple[datetime | None, str]:
    stamp = _STAMP.match(line)
    if not stamp:
        return None, line
    # Nanoseconds, as container logs have them, are more than a datetime holds.
    text = re.sub(r"(\.\d{6})\d+", r"\1", stamp.group(1))
    try:
        return datetime.fromisoformat(text), line[stamp.end() :]
    except ValueError:
        return None, line


def _count(pattern: Pattern, entry: Entry) -> None:
    pattern.count += 1
    pattern.last = entry.at or pattern.last
    pattern.first = pattern.first or entry.at
    if entry.where:
        pattern.where.add(entry.where)
