"""A chart as PNG bytes: values in, a picture out, no clock and no network.

Shapes are painted at twice the size and made smaller, which is what smooths their edges; text is painted after that by the font that comes
with Pillow, which has no Chinese, so names with other letters are numbered. Few colours make a small file. Pillow is imported at the first
picture: who sends none does not pay for it.
"""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alerts.pictures.scale import Axis, Unit, clock, human, time_ticks, value_axis

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

MAX_LINES = 5
FEWEST_POINTS = 3
WIDTH, HEIGHT = 1600, 640
COLOURS = ("#2563a8", "#d9700b", "#1f8a5b", "#8a4fbf", "#6b5340")
THRESHOLD, SHADE, ONSET = "#c0271d", "#fbe6e3", "#e39a92"
_PAPER, _GRID, _INK, _FAINT = "#ffffff", "#e6eaee", "#1b2430", "#66717d"
_LEFT, _RIGHT, _TOP, _FOOT = 132, 132, 118, 104
_SMOOTH = 2
MAX_BYTES = 60_000
_PALETTES = (96, 32)
"""The second where the first is too much for the file."""
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    lines: tuple[Line, ...]
    start: float
    end: float
    fired_at: float
    step: float
    unit: Unit = ""
    operator: str = ""
    threshold: float | None = None
    more: int = 0
    """Series that are not drawn."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values and hours lie on the paper."""

    chart: Chart
    axis: Axis

    def x(self, at: float) -> float:
        width = WIDTH - _LEFT - _RIGHT
        return _LEFT + width * (at - self.chart.start) / (self.chart.end - self.chart.start)

    def y(self, value: float) -> float:
        bottom = HEIGHT - _FOOT
        return bottom - (bottom - _TOP) * self.axis.share(value)


def paint(chart: Chart) -> bytes:
    from PIL import Image, ImageDraw

    lines = tuple(_clean(line, chart) for line in chart.lines[:MAX_LINES])
    values = [value for line in lines for _, value in line.points]
    wanted = values if chart.threshold is None else [*values, chart.threshold]
    frame = _Frame(chart, value_axis(wanted, chart.unit))
    large = Image.new("RGB", (WIDTH * _SMOOTH, HEIGHT * _SMOOTH), _PAPER)
    _shapes(_Large(ImageDraw.Draw(large)), frame, lines)
    paper = large.reduce(_SMOOTH)
    _words(_Pen(ImageDraw.Draw(paper)), frame, lines)
    return _packed(paper)


def drawable(chart: Chart) -> bool:
    """Is there a curve? A single dot says nothing that the words beside it do not."""
    return any(len(_clean(line, chart).points) >= FEWEST_POINTS for line in chart.lines[:MAX_LINES])


class _Large:
    """Draws in the paper's measures on a larger sheet."""

    def __init__(self, draw: "ImageDraw.ImageDraw") -> None:
        self._draw = draw

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        self._draw.rectangle([each * _SMOOTH for each in (left, top, right, bottom)], fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        scaled = [(x * _SMOOTH, y * _SMOOTH) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * _SMOOTH), joint="curve")

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        edges = [(x - radius) * _SMOOTH, (y - radius) * _SMOOTH, (x + radius) * _SMOOTH, (y + radius) * _SMOOTH]
        self._draw.ellipse(edges, fill=colour)


class _Pen:
    """Writes text of a size, anchored as Pillow anchors it, and measures it."""

    def __init__(self, draw: "ImageDraw.ImageDraw") -> None:
        self._draw = draw
        self._fonts: dict[int, Any] = {}

    def write(self, x: float, y: float, text: str, size: int, colour: str = _INK, anchor: str = "la") -> None:
        self._draw.text((x, y), text, font=self._font(size), fill=colour, anchor=anchor)

    def write_over(self, x: float, y: float, text: str, size: int, colour: str) -> None:
        """Where lines may pass: with a rim of paper around the letters."""
        self._draw.text(
            (x, y), text, font=self._font(size), fill=colour, anchor="lm", stroke_width=4, stroke_fill=_PAPER
        )

    def swatch(self, x: float, y: float, colour: str) -> None:
        self._draw.rounded_rectangle([x, y - 3, x + 22, y + 3], radius=3, fill=colour)

    def bold(self, x: float, y: float, text: str, size: int) -> None:
        self._draw.text((x, y), text, font=self._font(size), fill=_INK, anchor="la", stroke_width=0.6, stroke_fill=_INK)

    def width(self, text: str, size: int) -> float:
        return float(self._draw.textlength(text, font=self._font(size)))

    def fitting(self, text: str, size: int, room: float) -> str:
        """Cut in its middle: names of one kind begin alike and end in what tells them apart."""
        kept = min(len(text), _LONGEST_NAME)
        shown = text
        while kept > 4 and (len(shown) > _LONGEST_NAME or self.width(shown, size) > room):
            kept -= 1
            shown = f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
        return shown

    def _font(self, size: int) -> Any:
        from PIL import ImageFont

        if size not in self._fonts:
            self._fonts[size] = ImageFont.load_default(size)
        return self._fonts[size]


def _shapes(sheet: _Large, frame: _Frame, lines: Sequence[Line]) -> None:
    chart, bottom, right = frame.chart, HEIGHT - _FOOT, WIDTH - _RIGHT
    fired = frame.x(min(max(chart.fired_at, chart.start), chart.end))
    sheet.box(fired, _TOP, max(fired + 2, right), bottom, SHADE)
    for tick in frame.axis.ticks:
        sheet.line([(_LEFT, frame.y(tick)), (right, frame.y(tick))], _GRID, 1.5)
    for at in time_ticks(chart.start, chart.end):
        sheet.line([(frame.x(at), bottom), (frame.x(at), bottom + 8)], _FAINT, 1.5)
    sheet.line([(fired, _TOP), (fired, bottom)], ONSET, 2)
    sheet.line([(_LEFT, bottom), (right, bottom)], _FAINT, 2)
    for line, colour in reversed(list(zip(lines, COLOURS, strict=False))):
        _curve(sheet, frame, line, colour)
    if chart.threshold is not None:
        for left in range(_LEFT, right, 22):
            level = frame.y(chart.threshold)
            sheet.line([(left, level), (min(left + 13, right), level)], THRESHOLD, 3)


def _curve(sheet: _Large, frame: _Frame, line: Line, colour: str) -> None:
    for piece in _unbroken(line.points, frame.chart.step):
        placed = [(frame.x(at), frame.y(value)) for at, value in piece]
        if len(placed) == 1:
            sheet.dot(*placed[0], 3, colour)
        else:
            sheet.line(placed, colour, 4)
    if line.points:
        at, value = line.points[-1]
        sheet.dot(frame.x(at), frame.y(value), 8, _PAPER)
        sheet.dot(frame.x(at), frame.y(value), 6, colour)


def _words(pen: _Pen, frame: _Frame, lines: Sequence[Line]) -> None:
    chart, bottom, right = frame.chart, HEIGHT - _FOOT, WIDTH - _RIGHT
    day = f"{datetime.fromtimestamp(chart.fired_at, UTC):%Y-%m-%d}, UTC"
    pen.write(right, 38, day, 25, _FAINT, "ra")
    pen.bold(_LEFT, 28, pen.fitting(_ascii(chart.title) or "Alert", 36, right - _LEFT - 280), 36)
    for tick in frame.axis.ticks:
        pen.write(_LEFT - 16, frame.y(tick), human(tick, chart.unit), 24, _FAINT, "rm")
    for at in time_ticks(chart.start, chart.end):
        pen.write(frame.x(at), bottom + 16, clock(at), 24, _FAINT, "ma")
    fired = frame.x(min(max(chart.fired_at, chart.start), chart.end))
    pen.write(
        min(fired, right), _TOP - 10, f"fired {clock(chart.fired_at)}", 24, THRESHOLD, "rd" if fired > 400 else "ld"
    )
    if chart.threshold is not None:
        said = f"{chart.operator} {human(chart.threshold, chart.unit)}".strip()
        pen.write_over(_LEFT + 8, _beside(frame), said, 25, THRESHOLD)
    _last_values(pen, frame, lines)
    _legend(pen, lines, chart.more)


def _beside(frame: _Frame) -> float:
    """The threshold's words stand above their line, or below where there is no room."""
    level = frame.y(frame.chart.threshold or 0.0)
    return level - 20 if level - 34 > _TOP else level + 20


def _last_values(pen: _Pen, frame: _Frame, lines: Sequence[Line]) -> None:
    """What each line ended at, beside its end; of those that would lie upon each other the first is written."""
    taken: list[float] = []
    for line, colour in zip(lines, COLOURS, strict=False):
        at, value = line.points[-1] if line.points else (0.0, 0.0)
        level = frame.y(value)
        if not line.points or any(abs(level - other) < 26 for other in taken):
            continue
        taken.append(level)
        pen.write(max(frame.x(at), WIDTH - _RIGHT - 4) + 16, level, human(value, frame.chart.unit), 26, colour, "lm")


def _legend(pen: _Pen, lines: Sequence[Line], more: int) -> None:
    level, size, left, end = HEIGHT - 34, 25, float(_LEFT), WIDTH - 24.0
    rest = f"and {more} more" if more else ""
    room = end - left - (pen.width(rest, size) + 24 if rest else 0) - 66 * len(lines)
    names = [_ascii(line.name) or f"series {place + 1}" for place, line in enumerate(lines)]
    widest = _even([pen.width(name, size) for name in names], room)
    for full, colour in zip(names, COLOURS, strict=False):
        name = pen.fitting(full, size, widest)
        pen.swatch(left, level, colour)
        pen.write(left + 32, level, name, size, _INK, "lm")
        left += 32 + pen.width(name, size) + 34
    if rest:
        pen.write(left, level, rest, size, _FAINT, "lm")


def _even(widths: Sequence[float], room: float) -> float:
    """How wide each may be so that all fit: what short ones leave over is for the long ones."""
    left = len(widths)
    for width in sorted(widths):
        if width > room / left:
            return room / left
        room -= width
        left -= 1
    return max(widths, default=room)


def _clean(line: Line, chart: Chart) -> Line:
    """Within the hours of the chart, and only numbers that have a place."""
    kept = tuple(
        (at, v) for at, v in line.points if chart.start <= at <= chart.end and math.isfinite(v) and abs(v) < 1e30
    )
    return Line(line.name, kept)


def _unbroken(points: Sequence[tuple[float, float]], step: float) -> Iterator[list[tuple[float, float]]]:
    """Where samples are missing, the line is: nothing is drawn between the ends of a gap."""
    piece: list[tuple[float, float]] = []
    for point in points:
        if piece and point[0] - piece[-1][0] > 2.5 * step:
            yield piece
            piece = []
        piece.append(point)
    if piece:
        yield piece


def _ascii(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ""


def _packed(paper: "Image.Image") -> bytes:
    from PIL import Image

    for colours in _PALETTES:
        few = paper.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        out = io.BytesIO()
        few.save(out, "PNG", compress_level=9)
        if out.tell() <= MAX_BYTES:
            break
    return out.getvalue()
