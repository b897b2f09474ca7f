"""What rules may call, as Prometheus has it, and what messages may call, as Alertmanager has it.

Alertmanager's newer words (`date`, `tz`, `since`, `trimSpace`, ...) are here beside those of every version. What would ask the metrics
(`query`, `first`, `sortByLabel`) is not: a rule's text is written from what the rule has read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson

from alerts.numbers import humanize, humanize1024, humanize_duration, humanize_percentage, humanize_timestamp
from alerts.templating.basics import BASICS
from alerts.templating.gotime import NANOS, Duration, Time
from alerts.templating.printing import show
from alerts.templating.regexps import matches, replace_all
from alerts.templating.values import (
    ANY,
    TEXT,
    TEXTS,
    TIME,
    Address,
    Failed,
    Function,
    Markup,
    Value,
    joined,
    plain,
)

_WORD = re.compile(r"[^\W\u3040-\u9fff]+(?:(?<=[^\W_])['’.:·](?=[^\W_])[^\W\u3040-\u9fff]+)*")
Vocabulary = Mapping[str, Function]


def _of_number(function: Callable[[float], str]) -> Function:
    return Function(lambda value: function(_number(value)), (ANY,))


def _number(value: Value) -> float:
    if isinstance(value, Duration):
        return int(value) / NANOS
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        if isinstance(value, str):
            return float(value)
    except ValueError:
        pass
    raise Failed(f"{show(value)} is not a number")


def _upper(text: str) -> str:
    """Letter by letter: Go's `ß` stays one letter."""
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in text)


def _lower(text: str) -> str:
    return "".join(lower if len(lower := char.lower()) == 1 else char for char in text)


def _title(text: str) -> str:
    return re.sub(r"\b\w", lambda match: _upper(match[0]), text)


def _headline(text: str) -> str:
    """Alertmanager's title: of each word the first letter large and the others small; signs within a word do not end it."""
    return _WORD.sub(lambda match: _capital(match[0]), text)


def _capital(word: str) -> str:
    place = next((place for place, char in enumerate(word) if char.isalpha()), 0)
    return word[:place] + _upper(word[place : place + 1]) + _lower(word[place + 1 :])


def _strip_port(text: str) -> str:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d*)?", text)
    if bracketed:
        return bracketed[1]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


def _strip_domain(text: str) -> str:
    host, colon, port = text.partition(":")
    is_address = ":" in port or re.fullmatch(r"[\d.]+", host)
    return text if is_address else host.partition(".")[0] + colon + port


def _json(value: Value) -> str:
    written: Any = orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS).decode()
    return str(written).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_WORDS: Vocabulary = {
    "title": Function(_title, (TEXT,)),
    "toUpper": Function(_upper, (TEXT,)),
    "toLower": Function(_lower, (TEXT,)),
    "match": Function(matches, (TEXT, TEXT)),
    "reReplaceAll": Function(replace_all, (TEXT, TEXT, TEXT)),
    "safeHtml": Function(Markup, (TEXT,)),
    "humanizeDuration": _of_number(humanize_duration),
}
FOR_RULES: Vocabulary = {
    **BASICS,
    **_WORDS,
    "humanize": _of_number(humanize),
    "humanize1024": _of_number(humanize1024),
    "humanizePercentage": _of_number(humanize_percentage),
    "humanizeTimestamp": _of_number(humanize_timestamp),
    "stripPort": Function(_strip_port, (TEXT,)),
    "stripDomain": Function(_strip_domain, (TEXT,)),
}


def for_messages(now: Callable[[], Time]) -> Vocabulary:
    return {
        **BASICS,
        **_WORDS,
        "title": Function(_headline, (TEXT,)),
        "join": Function(lambda between, texts: joined(texts, between), (TEXT, TEXTS)),
        "stringSlice": Function(lambda *texts: list(texts), (), TEXT),
        "trimSpace": Function(lambda text: text.strip(" \t\r\n\v\f\x85\xa0"), (TEXT,)),
        "safeUrl": Function(Address, (TEXT,)),
        "urlUnescape": Function(unquote_plus, (TEXT,)),
        "toJson": Function(_json, (ANY,)),
        "date": Function(lambda layout, time: time.format(layout), (TEXT, TIME)),
        "tz": Function(lambda zone, time: time.in_zone(zone), (TEXT, TIME)),
        "since": Function(lambda time: now().sub(time), (TIME,)),
    }
