"""How long a program says that its own answers took: the lines that frameworks, servers and proxies write for each request they answered.

Only what tells of an answer counts: a request line with its status and a time beside it, a sentence that a request was handled, or a field
that servers name so. What a call to somebody else or a statement took is another's time. Kept are the answers themselves, thinned out
evenly where there are many, so that a level before and a level after can be compared.
"""

import re
from collections.abc import Callable

Answers = tuple[tuple[float, float], ...]
"""When, in seconds since the epoch, and how many seconds it took."""
Find = Callable[[str], re.Match[str] | None]

MOST = 512
_UNIT = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "milliseconds": 1e-3, "millis": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0}
_TIME = r"(\d{1,9}(?:\.\d{1,9})?) ?(us|µs|ms|milliseconds|millis|sec|seconds|s)\b"
_VERB = r"(?:GET|POST|PUT|PATCH|DELETE|HEAD)"
_CHEAP = ("request", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "ompleted", "call with code")
_SENTENCES: tuple[Find, ...] = tuple(
    re.compile(pattern).search
    for pattern in (
        rf"(?i)\b(?:handled|completed|finished|served|processed|answered) (?:the )?(?:http |grpc |rpc )?requests?\b[^\n]{{0,160}}?{_TIME}",
        rf"(?i)\brequests? (?:was |is )?(?:handled|completed|finished|served|processed|done)\b[^\n]{{0,200}}?{_TIME}",
        rf"\bCompleted \d{{3}}\b[^\n]{{0,40}} in {_TIME}",
        rf"\b{_VERB} /\S{{0,200}}(?: HTTP/[\d.]{{1,3}})?\"? \d{{3}} (?:- )?{_TIME}",
        rf"\| ?\d{{3}} ?\| {{0,12}}{_TIME} ?\|",
        r"\b(?:request_time|request_duration|upstream_rt|rt)[\"']?[=:] ?[\"']?(\d{1,6}\.\d{3,9})\b(?!\w)",
        rf"\b{_VERB} /[^\n]{{0,300}}\b(?:took|elapsed|duration|latency|cost|time_?taken|response_?time)[\"']?[=: ] ?[\"']?{_TIME}",
        r"\b(?:finished|completed) (?:unary|streaming) call with code\b[^\n]{0,300}\btime_(ms)[\"']?[=:] ?(\d{1,9}(?:\.\d{1,6})?)",
    )
)


def finder(text: str) -> Find | None:
    """What reads the time of an answer out of lines of this form, if they tell of one."""
    if not any(word in text for word in _CHEAP):
        return None
    return next((find for find in _SENTENCES if find(text)), None)


def took(find: Find, text: str) -> float | None:
    match = find(text)
    if match is None:
        return None
    caught = [part for part in match.groups() if part]
    number = next((part for part in caught if part[0].isdigit()), "")
    unit = next((part for part in caught if not part[0].isdigit()), "s")
    return float(number) * _UNIT[unit.lower()] if number else None


class Times:
    """The answers of one log, never more than a bounded number: when there are too many, every second one is let go."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, float]] = []
        self._every = 1
        self._seen = 0

    def take(self, stamp: str, seconds: float) -> None:
        self._seen += 1
        if self._seen % self._every:
            return
        self._kept.append((stamp, seconds))
        if len(self._kept) > MOST:
            self._kept = self._kept[1::2]
            self._every *= 2

    def kept(self) -> list[tuple[str, float]]:
        return self._kept
