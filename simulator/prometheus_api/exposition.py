"""Reads samples in Prometheus's text format, for the import of histories: name, labels, value, and a time in milliseconds."""

import re
from collections.abc import Iterator

from simulator.promql.errors import BadData
from simulator.promql.tsdb import Labels, sorted_labels

MOST_LABELS = 64

_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+(?P<time>-?\d{1,16}))?\s*",
    re.ASCII,
)
_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"(?P<value>(?:\\.|[^"\\])*)"\s*(?:,|$)', re.ASCII)
_NUMBER = re.compile(r"NaN|[+-]?Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


def read_exposition(text: str, now_ms: int) -> Iterator[tuple[Labels, int, float]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _sample(line.strip(), number, now_ms)


def _sample(line: str, number: int, now_ms: int) -> tuple[Labels, int, float]:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise BadData(f"line {number} is not a sample")
    labels = _labels(parts["labels"] or "", number)
    if "__name__" in labels:
        raise BadData(f"line {number}: the label __name__ is given by the metric's name")
    labels["__name__"] = parts["name"]
    return sorted_labels(labels), int(parts["time"] or now_ms), _value(parts["value"], number)


def _labels(text: str, number: int) -> dict[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip()):
        part = _LABEL.match(text, at)
        if part is None or part["name"] in labels or len(labels) >= MOST_LABELS:
            raise BadData(f"line {number}: bad labels at {text[at : at + 40]!r}")
        labels[part["name"]] = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), part["value"])
        at = part.end()
    return labels


def _value(text: str, number: int) -> float:
    if not _NUMBER.fullmatch(text):
        raise BadData(f"line {number}: {text[:40]!r} is not a number")
    return float(text)
