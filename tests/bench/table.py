"""One line of a measurement, the order of many, and a table for a terminal: nothing here measures."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

GAP = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what it is, the mark it has to meet, what this machine gave, and how that was found."""

    figure: str
    mark: str
    measured: str
    how: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that at least this share of them does not exceed; 0.5 is a median that really occurred."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    if not 0 < share <= 1:
        raise ValueError("the share must be above 0 and at most 1")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1e6) // 1_000_000) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def spread(values: Sequence[float], *shares: float) -> str:
    """`p50 3.1 ms, p99 8.0 ms, max 9.2 ms` of durations in seconds."""
    parts = [f"p{share * 100:g} {milliseconds(percentile(values, share))}" for share in shares]
    return ", ".join([*parts, f"max {milliseconds(max(values))}"])


def render(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the last one is left ragged."""
    widths = [max(_width(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(cells, widths) for cells in (heads, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return GAP.join(padded).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
