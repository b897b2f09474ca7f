"""How long a program says that its answers took, told from all other times that logs are full of."""

import pytest

from tools.engines.logs.answers import MOST, Times, finder, took
from tools.engines.logs.digest import digest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("handled request in 6 ms status=200", 0.006),
        ("GET /api/v1/plants 200 4ms", 0.004),
        ("GET /api/items 304 1.842 ms - 12", 0.001842),
        ("Completed 200 OK in 31ms (Views: 2.1ms)", 0.031),
        ('[GIN] 2026/03/02 - 08:50:00 | 200 |     1.25ms |  10.0.0.1 | GET  "/x"', 0.00125),
        ('10.0.0.1 - - "GET /x HTTP/1.1" 200 612 request_time=0.052 upstream=10.0.0.2:80', 0.052),
        ("Request finished HTTP/1.1 GET http://baker/x - 200 - application/json 7.5ms", 0.0075),
        ("POST /orders status=201 took=17ms", 0.017),
        ("finished unary call with code OK grpc.method=Bake grpc.time_ms=2.5", 0.0025),
        ("request completed in 2 s", 2.0),
    ],
)
def test_a_line_that_tells_of_an_answer_tells_how_long_it_took(text: str, seconds: float) -> None:
    find = finder(text)
    assert find is not None
    assert took(find, text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "slow query to mill:80 took 765ms",
        "Started Baker in 6.2 seconds",
        "retrying request to mill in 200ms",
        "slow upstream http://mill:80/x 1561ms",
        "GET /x 200",
        "timeout of 3000ms exceeded GET http://mill:80/x",
        "order 200 baked in 5 ms",
    ],
)
def test_times_of_other_things_are_no_answers(text: str) -> None:
    assert finder(text) is None


def test_a_log_keeps_when_it_answered_and_how_long_that_took() -> None:
    lines = [f"2026-03-02T08:{minute:02d}:00Z INFO handled request in {minute} ms status=200" for minute in range(1, 9)]
    answers = digest([*lines, "2026-03-02T08:20:00Z INFO baked a loaf"]).answers
    assert [seconds for _, seconds in answers] == pytest.approx([minute / 1000 for minute in range(1, 9)])
    assert answers[1][0] - answers[0][0] == 60


def test_a_log_without_answers_or_without_times_keeps_none() -> None:
    assert digest(["2026-03-02T08:20:00Z INFO baked a loaf"]).answers == ()
    assert digest(["INFO handled request in 5 ms"]).answers == ()


def test_of_many_answers_a_bounded_number_from_the_whole_time_is_kept() -> None:
    times = Times()
    for number in range(10 * MOST):
        times.take(f"{number}", float(number))
    kept = [seconds for _, seconds in times.kept()]
    assert len(kept) <= MOST
    assert kept[0] < MOST / 10
    assert kept[-1] > 9.5 * MOST
