"""Which setting an error speaks of: its name or its value stands in the sentence, or the sentence is about what the setting governs.

A time-out of three milliseconds that a log complains of is the three in `CLIENT_TIMEOUT_MS`. Without a number the subject remains: whoever
made a pool smaller and then finds no connection in it need not look at the database first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.engines.objects import Object, dig, mapping

MAX_TEXT = 100_000
MAX_SETTINGS = 400
LONG_VALUE = 80
_LINE = re.compile(
    r"^[ \t-]{0,40}[\"']?([A-Za-z][\w.-]{1,80})[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?([^\"'\n#]{1,80})", re.MULTILINE
)
_ADDRESS = re.compile(r"^\w*://|^[\w.-]{1,200}:\d{2,5}")
_WORD = re.compile(r"[A-Za-z][a-z]{3,}|[A-Z]{4,}")
_SUBJECTS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meanings)
    for pattern, meanings in (
        (r"pool|max_?conn|connections", ("pool_exhausted", "too_many_connections")),
        (r"time_?out|deadline", ("timed_out", "pool_exhausted")),
        (r"heap|memory|xm[xs]|java_(?:tool_)?opt", ("out_of_memory",)),
        (r"thread|worker", ("thread_exhaustion", "stuck")),
        (r"retr(?:y|ies)", ("retries",)),
        (r"cache", ("cache_miss",)),
    )
)


@dataclass(frozen=True, slots=True)
class Link:
    setting: str
    is_quoted: bool
    """Whether its name or value stands in the sentence."""


def settings_of(obj: Object) -> dict[str, str]:
    """By name what a ConfigMap tells, the lines of its files included; of a Secret only the names."""
    found: dict[str, str] = {}
    hidden = dig(obj, "kind") == "Secret"
    for name, value in list(mapping(obj, "data").items())[:MAX_SETTINGS]:
        text = "" if hidden or not isinstance(value, str) else value
        found[str(name)] = text if len(text) <= LONG_VALUE and "\n" not in text else ""
        if "\n" in text or len(text) > LONG_VALUE:
            for match in _LINE.finditer(text[:MAX_TEXT]):
                if len(found) < MAX_SETTINGS:
                    found[match[1]] = match[2].strip()
    return found


def quoted(settings: Mapping[str, str], text: str) -> Link | None:
    """A setting whose name stands in the sentence, or whose telling value does."""
    low = text.lower()
    for name, value in settings.items():
        if len(name) > 4 and _is_made(name) and name in text:
            return Link(name, is_quoted=True)
        if _is_telling(value) and value in text:
            return Link(name, is_quoted=True)
        if _is_number_of(value, low) and any(word.lower() in low for word in _WORD.findall(name)):
            return Link(name, is_quoted=True)
    return None


def governs(names: Iterable[str], meaning: str) -> Link | None:
    """A setting whose subject a sentence of this meaning is about."""
    for name in names:
        if any(pattern.search(name) and meaning in meanings for pattern, meanings in _SUBJECTS):
            return Link(name, is_quoted=False)
    return None


def changed_settings(paths: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """The variables that a release changed, by the paths of the fields that differ."""
    return dict(_variables(paths))


def _variables(paths: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    for path, after in paths:
        match = re.search(r"\.env\[([^\]]{1,100})\]", path)
        if match:
            yield match[1], str(after) if isinstance(after, str | int | float) else ""


def _is_telling(value: str) -> bool:
    """An address tells nothing here: whoever cannot be reached is named by everybody that calls."""
    return 4 < len(value) < LONG_VALUE and not value.isalpha() and not _ADDRESS.search(value)


def _is_made(name: str) -> bool:
    """A name that no sentence has by chance: of several words, or shouted."""
    return "_" in name or "." in name or "-" in name or name.isupper() or re.search(r"[a-z][A-Z]", name) is not None


def _is_number_of(value: str, text: str) -> bool:
    match = re.fullmatch(r"(\d{1,9})\s{0,2}([a-zA-Z]{0,5})", value)
    return match is not None and re.search(rf"(?<![\w.-]){match[1]}(?!\d|\.\d)", text) is not None
