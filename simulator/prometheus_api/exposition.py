"""Prometheus's text format, line by line: read for the import of histories, written for federation.

A history has few series and many samples, so what stands before the value is read once for each series and remembered.
"""

import re
from array import array
from dataclasses import dataclass, field

from simulator.promql.errors import BadData
from simulator.promql.golang import format_any, quote
from simulator.promql.tsdb import Labels, sorted_labels

MOST_LABELS = 64
LONGEST_LABEL = 4_096
LONGEST_LINE = 65_536
MOST_SERIES = 200_000
MOST_SAMPLES = 20_000_000
LATEST_SECOND = 1e13

_SERIES = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(?P<labels>.*)\})?", re.ASCII | re.DOTALL)
_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"(?P<value>(?:\\.|[^"\\])*)"\s*(?:,|$)', re.ASCII)
_NUMBER = re.compile(r"NaN|[+-]?Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_TIME = re.compile(r"-?\d{1,16}", re.ASCII)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class Collected:
    """The samples of one series in the order in which they came."""

    labels: Labels
    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


class Reader:
    """Takes an exposition in pieces that may end anywhere. Only numbers are kept of it: sixteen bytes a sample.

    Its times are milliseconds, or seconds where it says of itself that it is OpenMetrics.
    """

    def __init__(self, now_ms: int, most_samples: int = MOST_SAMPLES, *, in_seconds: bool = False) -> None:
        self._time = _NUMBER if in_seconds else _TIME
        self._scale = 1000 if in_seconds else 1
        self.series: dict[Labels, Collected] = {}
        self._now_ms = now_ms
        self._room = most_samples
        self._most = most_samples
        self._by_text: dict[str, Collected] = {}
        self._rest = b""
        self._number = 0

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LONGEST_LINE:
            raise BadData(f"line {self._number + 1} is longer than {LONGEST_LINE} bytes")

    def end(self) -> None:
        self._line(self._rest)
        self._rest = b""

    def _line(self, line: bytes) -> None:
        self._number += 1
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as problem:
            raise BadData(f"line {self._number} is not UTF-8") from problem
        if text and text[0] != "#":
            self._sample(text)

    def _sample(self, text: str) -> None:
        head, brace, tail = text.rpartition("}")
        if not brace:
            head, *numbers = text.split()
        else:
            head, numbers = head + "}", tail.split()
        if not head or not 1 <= len(numbers) <= 2 or (len(numbers) == 2 and not self._time.fullmatch(numbers[1])):
            raise BadData(f"line {self._number} is not a sample")
        collected = self._by_text.get(head) or self._opened(head)
        self._room -= 1
        if self._room < 0:
            raise BadData(f"line {self._number}: more than {self._most} samples in one request")
        collected.values.append(self._value(numbers[0]))
        collected.times.append(self._moment(numbers[1]) if len(numbers) == 2 else self._now_ms)

    def _moment(self, text: str) -> int:
        if self._scale == 1:
            return int(text)
        seconds = float(text)
        if not abs(seconds) < LATEST_SECOND:
            raise BadData(f"line {self._number}: {text[:40]!r} is not a time")
        return round(seconds * self._scale)

    def _opened(self, head: str) -> Collected:
        parts = _SERIES.fullmatch(head)
        if parts is None:
            raise BadData(f"line {self._number} is not a sample")
        given = self._labels(parts["labels"] or "")
        if "__name__" in given:
            raise BadData(f"line {self._number}: the label __name__ is given by the metric's name")
        labels = sorted_labels({**given, "__name__": parts["name"]})
        if len(self.series) >= MOST_SERIES and labels not in self.series:
            raise BadData(f"line {self._number}: more than {MOST_SERIES} series in one request")
        return self._by_text.setdefault(head, self.series.setdefault(labels, Collected(labels)))

    def _labels(self, text: str) -> dict[str, str]:
        labels: dict[str, str] = {}
        at = 0
        while at < len(text.rstrip()):
            part = _LABEL.match(text, at)
            if part is None or part["name"] in labels or len(labels) >= MOST_LABELS:
                raise BadData(f"line {self._number}: bad labels at {text[at : at + 40]!r}")
            value = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), part["value"])
            if len(value) > LONGEST_LABEL:
                raise BadData(
                    f"line {self._number}: the value of {part['name']} is longer than {LONGEST_LABEL} characters"
                )
            labels[part["name"]] = value
            at = part.end()
        return labels

    def _value(self, text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise BadData(f"line {self._number}: {text[:40]!r} is not a number")
        return float(text)


def written(labels: Labels, value: float, t_ms: int) -> str:
    """One line of an exposition. Federation wants every sample to have an instance, be it empty."""
    given = dict(labels)
    name = given.pop("__name__", "")
    pairs = [f"{key}={quote(text)}" for key, text in given.items()]
    if "instance" not in given:
        pairs.append('instance=""')
    return f"{name}{{{','.join(pairs)}}} {format_any(value)} {t_ms}\n"
