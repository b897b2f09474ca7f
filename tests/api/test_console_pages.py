"""What the pages beside the conversation work out before anything is drawn: silences from forms, charts, bars, reasons."""

import math
import re
from datetime import UTC, datetime, timedelta

import pytest

from alerts.notify.records import Decision
from alerts.routing.silence import Silence
from api.console.frame import WAYS, address
from api.console.pages.chart import MAX_LINES, belongs, drawing, short, watched
from api.console.pages.draft import Draft, Hours, exactly, hours_of, read_matchers
from api.console.pages.spans import span
from api.console.pages.timeline import place
from api.console.pages.why import reason_of
from api.console.words import WORDS
from core.errors import Invalid

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_alert_is_silenced_by_exactly_its_own_labels() -> None:
    text = exactly({"pod": 'a"b', "alertname": "Slow", "notification_channels": "ops"})
    assert text == 'alertname="Slow"\npod="a\\"b"'
    assert all(matcher.matches({"pod": 'a"b', "alertname": "Slow"}) for matcher in read_matchers(text))


def test_matchers_are_read_by_lines_and_by_commas() -> None:
    assert [str(one) for one in read_matchers('b=~"x.+", a="1"\n\n c!="2"')] == ['a="1"', 'b=~"x.+"', 'c!="2"']


@pytest.mark.parametrize("text", ["", " \n ", "nonsense", 'a="1", b', '{a="1"', 'a=~"("'])
def test_what_is_no_matcher_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Invalid):
        read_matchers(text)


def test_a_new_silence_begins_now_under_the_visitors_name() -> None:
    made = Draft('a="1"', " 2h ", " deploy ").silence(NOW, "ann")
    assert (made.id, made.created_by, made.comment) == ("", "ann", "deploy")
    assert (made.starts_at, made.ends_at, made.recurs) == (NOW, NOW + 2 * HOUR, None)


@pytest.mark.parametrize(
    ("lasts", "comment", "field"), [("soon", "x", "lasts"), ("0s", "x", "lasts"), ("2h", "  ", "comment")]
)
def test_a_silence_says_how_long_and_why(lasts: str, comment: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Draft('a="1"', lasts, comment).silence(NOW, "ann")
    assert refused.value.details["field"] == field


def kept(starts: timedelta, ends: timedelta) -> Silence:
    return Silence("one", read_matchers('a="1"'), NOW + starts, NOW + ends, NOW, "bob", "before")


def test_a_change_keeps_the_silence_and_when_it_began() -> None:
    changed = Draft('a="1"', "1h", "longer", of=kept(-HOUR, HOUR)).silence(NOW, "ann")
    assert (changed.id, changed.starts_at, changed.ends_at) == ("one", NOW - HOUR, NOW + HOUR)


def test_one_that_has_yet_to_begin_lasts_from_its_beginning() -> None:
    changed = Draft('a="1"', "1h", "later", of=kept(HOUR, 3 * HOUR)).silence(NOW, "ann")
    assert (changed.starts_at, changed.ends_at) == (NOW + HOUR, NOW + 2 * HOUR)


def test_one_that_has_ended_begins_anew() -> None:
    assert Draft('a="1"', "1h", "again", of=kept(-3 * HOUR, -HOUR)).silence(NOW, "ann").starts_at == NOW


def test_hours_over_midnight_are_two_ranges_of_one_day() -> None:
    hours = Hours(("sunday",), "23:00", "01:00", "Europe/Berlin").written()
    assert hours["times"] == [
        {"start_time": "23:00", "end_time": "24:00"},
        {"start_time": "00:00", "end_time": "01:00"},
    ]
    assert (hours["weekdays"], hours["location"]) == (["sunday"], "Europe/Berlin")


def test_hours_that_the_form_wrote_come_back_into_the_form() -> None:
    hours = Hours(["monday"], "02:00", "04:00", "Asia/Shanghai")
    assert hours_of(hours.written()) == hours


@pytest.mark.parametrize(
    "recurs", [None, {"months": ["may"]}, {"weekdays": ["monday:friday"]}, {"times": [{"a": 1}, {"b": 2}]}]
)
def test_hours_that_the_form_cannot_show_are_left_alone(recurs: dict[str, object] | None) -> None:
    assert hours_of(recurs) is None


@pytest.mark.parametrize(
    ("expr", "left", "limit"),
    [
        ("up == 0", "up", 0.0),
        ("sum by (pod) (rate(x[5m])) > 0.5", "sum by (pod) (rate(x[5m]))", 0.5),
        ("a / b >= 1e3", "a / b", 1000.0),
        ("(a > 1) * 2 < -4", "(a > 1) * 2", -4.0),
        ('x{name="a > b and c"} > 3', 'x{name="a > b and c"}', 3.0),
    ],
)
def test_what_stands_before_the_last_comparison_is_drawn(expr: str, left: str, limit: float) -> None:
    found = watched(expr)
    assert (found.expr, found.limit) == (left, limit)


@pytest.mark.parametrize("expr", ["absent(up)", "a > b", "a > 1 and b > 2", "a > 1 > 2", "(a > 1", "vector(1)"])
def test_where_the_comparison_is_not_about_all_of_it_the_whole_is_drawn(expr: str) -> None:
    assert watched(expr).expr == expr
    assert watched(expr).limit is None


def test_a_series_is_the_alerts_own_when_the_alert_has_all_its_labels() -> None:
    labels = {"pod": "a", "alertname": "x"}
    assert belongs({"__name__": "up", "pod": "a"}, labels)
    assert not belongs({"pod": "b"}, labels)
    assert not belongs({"pod": "a", "node": "n"}, labels)


def test_a_chart_is_numbers_and_nothing_else() -> None:
    at = NOW.timestamp()
    lines = [[(at + 60 * step, float(step)) for step in range(60)], [(at, math.nan), (at + 60, math.inf)]]
    html = drawing(lines, 30.0, NOW, NOW + HOUR, NOW + HOUR / 2)
    assert set(re.findall(r"</?([a-z]+)", html)) <= {"div", "svg", "line", "path", "span"}
    assert "nan" not in html
    assert "inf" not in html
    assert ">09:00<" in html
    assert ">10:00<" in html
    assert html.count('class="limit"') == html.count('class="mark"') == 1


def test_a_line_is_broken_where_samples_are_missing() -> None:
    at = NOW.timestamp()
    line = [(at + 60 * step, 1.0) for step in (0, 1, 2, 30, 31)]
    assert drawing([line], None, NOW, NOW + HOUR, None).count("M") == 2


def test_a_chart_of_nothing_and_of_too_much_is_still_a_chart() -> None:
    assert "<path" not in drawing([], None, NOW, NOW + HOUR, None)
    many = [[(NOW.timestamp(), 1.0)]] * (MAX_LINES + 5)
    assert drawing(many, None, NOW, NOW + HOUR, None).count("<path") == MAX_LINES


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (1234, "1.23k"), (-5e6, "-5M"), (0.00123, "0.00123"), (2e9, "2G")]
)
def test_a_number_is_short(value: float, said: str) -> None:
    assert short(value) == said


def test_a_bar_lies_where_its_time_is_and_never_outside() -> None:
    assert place(NOW, NOW + 4 * HOUR, NOW + HOUR, NOW + 2 * HOUR) == (25.0, 25.0)
    assert place(NOW, NOW, NOW, NOW) == (0.0, 100.0)
    left, width = place(NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 9 * HOUR)
    assert 0 <= left <= 100
    assert left + width <= 100


def test_an_alerts_reason_is_its_own_and_not_its_groups() -> None:
    decision = Decision("g", "ops/log", "first", True, ("b",), (), NOW, NOW, kept_back={"a": "silenced: id-1, id-2"})
    assert reason_of(decision, "a") == ("silenced", "id-1, id-2")
    assert reason_of(decision, "b") == ("first", "")


def test_a_stretch_names_its_day_once() -> None:
    assert span(NOW, NOW + HOUR, "en") == "2026-03-02 Monday 09:00 – 10:00"
    assert span(NOW, NOW + 24 * HOUR, "zh") == "2026-03-02 星期一 09:00 – 2026-03-03 09:00"


def test_every_page_has_a_name_in_both_languages_and_an_address_below_the_console() -> None:
    assert all(WORDS[word].en and WORDS[word].zh for word in WAYS)
    assert address("alerts", "ab12") == "/console/alerts/ab12"
    assert address("conversation") == "/console/"
