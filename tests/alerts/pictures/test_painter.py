"""What stands where on the picture, read back from its pixels."""

import io
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alerts.pictures.painter import COLOURS, HEIGHT, SHADE, THRESHOLD, WIDTH, Chart, Line, drawable, paint
from alerts.pictures.scale import Unit, human, time_ticks, value_axis

START, END = 1_772_485_200.0, 1_772_488_800.0
STEP = 15.0
LEFT, RIGHT, TOP, BOTTOM = 132, WIDTH - 132, 118, HEIGHT - 104


def line(*values: float, name: str = "pod-a") -> Line:
    """Values spread evenly over the hour."""
    gap = (END - START) / (len(values) - 1)
    return Line(name, tuple((START + gap * place, value) for place, value in enumerate(values)))


def chart(*lines: Line, **said: Any) -> Chart:
    usual: dict[str, Any] = {"title": "Trouble", "start": START, "end": END, "fired_at": END - 600, "step": 600.0}
    return Chart(lines=lines, **{**usual, **said})


def seen(drawn: Chart) -> Image.Image:
    return Image.open(io.BytesIO(paint(drawn))).convert("RGB")


def close(pixel: Any, colour: str) -> bool:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return all(abs(int(one) - two) <= 24 for one, two in zip(pixel, wanted, strict=True))


def rows(picture: Image.Image, x: int, colour: str) -> list[int]:
    return [y for y in range(TOP - 4, BOTTOM + 4) if close(picture.getpixel((x, y)), colour)]


def middle(of: Sequence[int]) -> float:
    assert of
    return sum(of) / len(of)


def test_it_is_a_png_of_twice_the_size_it_is_shown_in_and_small() -> None:
    noisy = [Line(f"pod-{n}", tuple((START + 15 * at, math.sin(at * n) + n) for at in range(240))) for n in range(1, 6)]
    png = paint(chart(*noisy, step=STEP, threshold=5.0, operator=">"))
    assert png.startswith(b"\x89PNG")
    assert Image.open(io.BytesIO(png)).size == (1600, 640)
    assert len(png) < 60_000


def test_a_line_that_rises_goes_up() -> None:
    picture = seen(chart(line(10, 20, 30, 40, 50, 60, 70, 80, 90)))
    heights = [middle(rows(picture, x, COLOURS[0])) for x in (300, 600, 900, 1_200)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] > 200


def test_the_threshold_stands_at_its_value_in_its_colour() -> None:
    picture = seen(chart(line(0, 100, 0, 0, 0, 0, 0), threshold=50.0, operator=">"))
    dashes = [middle(found) for x in range(400, 1_000) if (found := rows(picture, x, THRESHOLD))]
    assert len(dashes) > 250
    assert all(abs(level - (TOP + BOTTOM) / 2) < 3 for level in dashes)


def test_without_a_threshold_none_is_drawn() -> None:
    picture = seen(chart(line(0, 100, 0, 0, 0, 0, 0)))
    assert not [x for x in range(400, 1_000) if rows(picture, x, THRESHOLD)]


def test_the_time_of_firing_is_shaded_and_the_time_before_is_not() -> None:
    picture = seen(chart(line(1, 1, 1, 1, 1, 1, 1), fired_at=START + 1_800))
    half = (LEFT + RIGHT) // 2
    assert close(picture.getpixel((half + 40, TOP + 30)), SHADE)
    assert close(picture.getpixel((half - 40, TOP + 30)), "#ffffff")


def test_where_samples_are_missing_the_line_is() -> None:
    points = tuple((START + at, 50.0) for at in range(0, 3_600, 15) if not 1_200 < at < 2_400)
    picture = seen(chart(Line("a", ((START, 0.0), *points[1:])), step=STEP))
    in_gap = LEFT + (RIGHT - LEFT) // 2
    assert rows(picture, in_gap, COLOURS[0]) == []
    assert rows(picture, in_gap - 300, COLOURS[0])


def test_at_most_five_lines_are_drawn() -> None:
    many = [line(*[float(n)] * 7, name=f"pod-{n}") for n in range(40)]
    assert paint(chart(*many, more=35)) == paint(chart(*many[:5], more=35))


def test_the_same_chart_is_the_same_picture() -> None:
    drawn = chart(line(1, 2, 3), threshold=2.0)
    assert paint(drawn) == paint(drawn)


@pytest.mark.parametrize("title", ["内存不足", "", "a" * 500, "two\nlines", "<b>&"])
def test_any_name_can_be_painted(title: str) -> None:
    assert paint(chart(line(1, 2, 3), Line(title, ()), title=title))


def test_without_a_number_there_is_nothing_to_draw() -> None:
    assert not drawable(chart())
    assert not drawable(chart(line(math.nan, math.inf)))
    assert not drawable(chart(Line("old", ((START - 60, 1.0),))))
    assert not drawable(chart(line(1.0, 2.0)))
    assert drawable(chart(line(math.nan, 1.0, 2.0, 3.0)))


ANY = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(ANY, min_size=2, max_size=6), st.none() | st.floats(-1e12, 1e12), st.sampled_from(["", "bytes", "seconds"])
)
def test_whatever_is_measured_it_can_be_painted(values: list[float], threshold: float | None, unit: Unit) -> None:
    assert paint(chart(line(*values), threshold=threshold, unit=unit))


@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=5), st.sampled_from(["", "bytes", "seconds", "share"]))
def test_an_axis_holds_every_value_with_a_few_ticks(values: list[float], unit: Unit) -> None:
    axis = value_axis(values, unit)
    room = (axis.high - axis.low) * 1e-6
    assert axis.low - room <= min(values) <= max(values) <= axis.high + room
    assert 2 <= len(axis.ticks) <= 12


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.95, "share", "95%"),
        (93.21, "percent", "93.2%"),
        (13.6 * 2**30, "bytes", "13.6 GiB"),
        (512, "bytes", "512 B"),
        (2_097_152, "bytes/s", "2 MiB/s"),
        (0.5, "seconds", "500 ms"),
        (0, "seconds", "0 s"),
        (90, "seconds", "90 s"),
        (5_400, "seconds", "1.5 h"),
        (1_234_567, "", "1.23M"),
        (0, "", "0"),
        (-4_200, "", "-4.2k"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, unit: Unit, said: str) -> None:
    assert human(value, unit) == said


def test_hours_are_marked_at_round_minutes() -> None:
    ticks = time_ticks(START + 7, END + 7)
    assert len(ticks) <= 7
    assert all(at % 600 == 0 for at in ticks)
