"""Entries out of lines: what a container runtime put in front is taken off, what belongs together is put together.

A line that continues another (a stack trace's frames of Java, Python, Go, Node, .NET or Ruby, a "Caused by", an indented detail) joins the
entry before it, so that a trace is one entry and not forty. Of a long trace the first frames and every cause are kept. Times are not parsed
here: an entry carries the text that its time stands in, and only the few that somebody asks for are read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_LINE = 2_000
MAX_JSON = 32_000
MAX_ENTRY = 4_000
FRAMES = 12
STAMP = 48

_JOINS = (
    "Caused by:",
    "Suppressed:",
    "Traceback (most recent",
    "goroutine ",
    "... ",
    "--- End of ",
    "During handling of",
    "The above exc",
)
_CLOSING = frozenset({"}", "]", ")", "},", "})", "];", "};"})
_GO_FILE = re.compile(r"[\w./-]{1,200}\.go:\d+")
_OPENS_TRACE = re.compile(
    r"Traceback \(most recent call last\)|^panic: |^fatal error: |^goroutine \d+ \[|^During handling|^The above exc"
)
_IN_TRACE = re.compile(
    r"^(?:[\w./*()\[\]{}-]{1,200}\(|created by |\[signal |exit status |goroutine \d+|runtime[:.]|"
    r"\w[\w.]{0,120}(?:Error|Exception|Exit|Interrupt)\b)"
)
_ENDS_TRACE = re.compile(r"^\w[\w.]{0,120}(?:Error|Exception|Exit|Interrupt)\b")
_TELLING = re.compile(
    r"^\s*(?:Caused by:|Suppressed:|---> |Inner|\w[\w.]{0,120}(?:Error|Exception|Exit)\b|[a-zA-Z]+: )"
)
_CALM = re.compile(r"\{|[^\n]{0,80}\b(?:INFO|DEBUG|TRACE|info|debug|Info)\b")
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07]{0,80}\x07")
_CRI = re.compile(r"(?:stdout|stderr) ([FP]) ?")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_NAMED_MONTH = re.compile(
    r"(\d{1,2})[ /]([A-Z][a-z]{2})[ /](\d{4})[ :](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?([+-]\d{4})?"
)
_EPOCH = re.compile(r"^\D{0,12}(1\d{9})(\d{3})?(?:\.(\d{1,9}))?\b")

_MESSAGE = (
    "msg",
    "message",
    "Message",
    "event",
    "short_message",
    "@message",
    "@m",
    "MESSAGE",
    "RenderedMessage",
    "log",
    "text",
)
_TROUBLE = (
    "error", "err", "exception", "exc_info", "Exception", "cause", "reason", "error_message", "errorMessage", "error.message",
    "exception.message", "stack_trace", "stack", "stacktrace", "error.stack_trace", "detail", "details", "description", "attr", "@x",
)  # fmt: skip
_LEVELS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "Level", "@l", "s")
_TIMES = ("time", "ts", "timestamp", "@timestamp", "Timestamp", "@t", "asctime", "date", "datetime", "t")
_ASIDE = (
    "method",
    "path",
    "uri",
    "url",
    "status",
    "status_code",
    "host",
    "port",
    "addr",
    "address",
    "upstream",
    "response_flags",
    "user",
)
_PINO = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
_LETTERS = {"I": "INFO", "W": "WARN", "E": "ERROR", "F": "FATAL", "D": "DEBUG"}


@dataclass(slots=True)
class Entry:
    """One thing that was said, its continuation lines included."""

    text: str
    stamp: str = ""
    """The text in which its time stands, if it has one."""
    where: str = ""
    line: int = 0
    """Which line of the log it ended at."""

    @property
    def at(self) -> datetime | None:
        return moment(self.stamp)


def entries(text: str, where: str = "") -> list[Entry]:
    return list(streamed(text.splitlines(), where))


def streamed(lines: Iterable[str], where: str = "") -> Iterator[Entry]:
    """Entries as soon as they are whole; never more than one is held."""
    held: Entry | None = None
    frames, in_trace, partial = 0, False, ""
    for number, raw in enumerate(lines, 1):
        stamp, line, ended = _unwrapped(raw)
        if partial or not ended:
            line, partial = (partial + line)[:MAX_JSON], "" if ended else (partial + line)[:MAX_JSON]
            if not ended:
                continue
        if not line or line.isspace():
            continue
        if held is not None and _continues(line, in_trace) and not _begins_anew(line, held.text):
            frames += 1
            if len(held.text) < MAX_ENTRY and (frames <= FRAMES or _TELLING.match(line)):
                held.text = f"{held.text}\n{line[:MAX_LINE]}"[:MAX_ENTRY]
            held.line = number
            in_trace = bool(_OPENS_TRACE.match(line)) or (in_trace and not _ENDS_TRACE.match(line))
            continue
        if held is not None:
            yield held
        held = Entry(line, stamp or _stamp_in(line), where, number)
        frames, in_trace = 0, bool(_OPENS_TRACE.search(line))
    if partial:
        held = held or Entry(partial, _stamp_in(partial), where, 1)
    if held is not None:
        yield held


def spoken(text: str) -> tuple[str, str]:
    """What a JSON line says as a person would write it, and its own time; other text as it is."""
    if text[:1] != "{" or text[-1:] != "}":
        return text, ""
    try:
        said = orjson.loads(text)
    except (orjson.JSONDecodeError, ValueError):
        return text, ""
    if not isinstance(said, dict):
        return text, ""
    parts = [_level_in(said)]
    parts += [str(said[key]) for key in _MESSAGE if isinstance(said.get(key), str)][:1]
    parts += [f"{key}={_plain(said[key])}" for key in _TROUBLE if said.get(key)]
    parts += [f"{key}={said[key]}" for key in _ASIDE if isinstance(said.get(key), str | int)]
    spelled = " ".join(part for part in parts if part)
    return (spelled[:MAX_ENTRY], _time_in(said)) if len(parts) > 1 else (text, _time_in(said))


def moment(stamp: str) -> datetime | None:
    """The time in a stamp, in any of the forms that runtimes and servers write; one without a zone is taken for UTC."""
    try:
        if found := _ISO.search(stamp):
            year, month, day, hour, minute, second, part, zone = found.groups()
            return _time(year, int(month), day, f"{hour}:{minute}:{second}", part, zone)
        if found := _NAMED_MONTH.search(stamp):
            day, name, year, hour, minute, second, part, zone = found.groups()
            return _time(year, _MONTHS.index(name), day, f"{hour}:{minute}:{second}", part, zone)
        if found := _EPOCH.search(stamp):
            return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=_micro(found[2] or found[3]))
    except (ValueError, OverflowError):
        return None
    return None


def _unwrapped(raw: str) -> tuple[str, str, bool]:
    """Its stamp, its text, and whether the line ends here; a runtime cuts long lines into parts."""
    line = raw[:MAX_JSON]
    if line[:1] == "{" and '"log":"' in line and '"stream":"' in line:
        return _of_docker(line)
    stamp, ended = "", True
    if line[10:11] == "T" and line[4:5] == "-" and line[:4].isdigit():
        end = line.find(" ", 18, 40)
        stamp, line = (line[:end], line[end + 1 :]) if end > 0 else (line[:40], line[40:] if len(line) > 40 else "")
        if line[:3] == "std" and (mark := _CRI.match(line)):
            line, ended = line[mark.end() :], mark[1] == "F"
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    line = line.rstrip("\r\n")
    return stamp, line if line[:1] == "{" or not ended else line[:MAX_LINE], ended


def _stamp_in(line: str) -> str:
    return line[:STAMP] if _CLOCK.search(line, 0, STAMP) else ""


def _of_docker(line: str) -> tuple[str, str, bool]:
    try:
        told = orjson.loads(line)
    except (orjson.JSONDecodeError, ValueError):
        return "", line[:MAX_LINE], True
    inner = str(told.get("log", "")) if isinstance(told, dict) else line
    return str(told.get("time", "")) if isinstance(told, dict) else "", inner.rstrip("\r\n"), inner.endswith("\n")


def _continues(line: str, in_trace: bool) -> bool:
    first = line[0]
    if first in " \t" or (first in ".CSTgD-" and line.startswith(_JOINS)):
        return True
    if in_trace and _IN_TRACE.match(line):
        return True
    return line in _CLOSING or (".go:" in line[:200] and bool(_GO_FILE.match(line)))


def _begins_anew(line: str, before: str) -> bool:
    """A Python trace belongs to the error above it, and not to an information that happens to stand there."""
    return line.startswith("Traceback") and _CALM.match(before) is not None


def _level_in(said: dict[str, Any]) -> str:
    for key in _LEVELS:
        value = said.get(key)
        if isinstance(value, str):
            return _LETTERS.get(value, value.upper())[:12]
        if isinstance(value, int):
            return _PINO.get(value, "")
    return ""


def _time_in(said: dict[str, Any]) -> str:
    for key in _TIMES:
        value = said.get(key)
        if isinstance(value, dict):
            value = value.get("$date")
        if isinstance(value, str | int | float):
            return str(value)[:STAMP]
    return ""


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value[:MAX_LINE]
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str).decode()[:MAX_LINE]


def _micro(part: str | None) -> int:
    return int(f"{part or ''}000000"[:6])


def _time(year: str, month: int, day: str, clock: str, part: str | None, zone: str | None) -> datetime:
    offset = f"{zone[:3]}:{zone[-2:]}" if zone and zone[0] in "+-" else "+00:00"
    at = datetime.fromisoformat(f"{year}-{month:02}-{int(day):02}T{clock}{offset}")
    return at.replace(microsecond=_micro(part)).astimezone(UTC)
