"""Matchers, patterns, inhibition and silences: the small decisions that routes are made of."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.arriving import Arrival, arrive
from alerts.model import Alert
from alerts.notify.grouping import Groups
from alerts.routing.inhibition import Inhibitor, InhibitRule
from alerts.routing.matchers import Matcher, parse_matcher, parse_matchers, quoted
from alerts.routing.silence import Silence, can_become, checked
from alerts.routing.tree import Route
from core.errors import Conflict, Invalid
from tests.alerts.night import EVENING
from tests.alerts.timelines import alert as labels_of

HOUR = timedelta(hours=1)


def alert(written: str, lasts: timedelta = HOUR) -> Alert:
    change = arrive(None, Arrival(labels_of(written), {}, EVENING, EVENING + lasts), EVENING, HOUR, lambda: written)
    assert change
    return change.alert


def after(minutes: float) -> datetime:
    return EVENING + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('a="b"', Matcher("a", "b")),
        ("a=b", Matcher("a", "b")),
        (' a != "b c" ', Matcher("a", "b c", "!=")),
        ('a=~"b|c"', Matcher("a", "b|c", "=~")),
        ("a!~b.*", Matcher("a", "b.*", "!~")),
        ('a="x\\"y\\\\z\\n"', Matcher("a", 'x"y\\z\n')),
        ('a=~"\\d+"', Matcher("a", "\\d+", "=~")),
        ('a=""', Matcher("a", "")),
        ('"größe in cm"=1', Matcher("größe in cm", "1")),
    ],
)
def test_forms_of_a_matcher(written: str, expected: Matcher) -> None:
    assert parse_matcher(written) == expected


@pytest.mark.parametrize("written", ["a", '1a="b"', 'a="b', 'a=b"c', 'a=~"("', "=b", 'a=="'])
def test_what_is_no_matcher_is_refused(written: str) -> None:
    with pytest.raises(Invalid):
        parse_matcher(written)


def test_several_are_separated_by_commas_outside_of_quotes() -> None:
    assert parse_matchers('{a="b,c",d!="e",}') == [Matcher("a", "b,c"), Matcher("d", "e", "!=")]


@given(st.text(max_size=20), st.sampled_from(["=", "!="]))
def test_a_matcher_that_is_shown_is_read_back(value: str, op: str) -> None:
    assert parse_matcher(str(Matcher("a", value, op))) == Matcher("a", value, op)


def test_matchers_are_ordered_as_in_a_groups_key() -> None:
    read = parse_matchers('b="1",a!~"1",a=~"1",a!="1",a="1"')
    assert [f"{each.name}{each.op}" for each in sorted(read)] == ["a=", "a!=", "a=~", "a!~", "b="]


def test_quoted_is_as_go_quotes() -> None:
    assert quoted('é"\\\t\x01\x7f\u200b\U000e0001') == '"é\\"\\\\\\t\\x01\\x7f\\u200b\\U000e0001"'


def test_an_absent_label_is_an_empty_one() -> None:
    assert Matcher("a", "").matches({})
    assert Matcher("a", ".*", "=~").matches({})
    assert not Matcher("a", ".+", "=~").matches({})
    assert Matcher("a", "b", "!=").matches({})


def test_patterns_are_anchored_at_both_ends() -> None:
    held = [value for value in ("b", "c", "cd", "b\n") if Matcher("x", "b|c", "=~").matches({"x": value})]
    assert held == ["b", "c"]


def test_a_dot_is_no_line_break_as_in_the_original() -> None:
    assert not Matcher("x", "a.c", "=~").matches({"x": "a\nc"})


@pytest.mark.parametrize("source", ["(a|a)*b", "(a+)+b", "(a*)*b", "(web|worker)+b"])
def test_a_pattern_that_takes_other_engines_for_ever_is_an_ordinary_one(source: str) -> None:
    assert not Matcher("x", source, "=~").matches({"x": "a" * 4000})


@pytest.mark.parametrize("source", ["(?=a)", "(a)\\1", "a++", "(", "[b-a]", "\\C", "\\Z", "a" * 5000])
def test_patterns_that_the_original_lacks_are_refused(source: str) -> None:
    with pytest.raises(Invalid):
        Matcher("x", source, "=~")


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule((parse_matcher(source),), (parse_matcher(target),), equal)


def test_a_source_keeps_back_what_agrees_and_absent_agrees_with_absent() -> None:
    inhibitor = Inhibitor([rule("alertname=Dark", "alertname=Lamp", "house")], [alert("Dark house=1"), alert("Dark")])
    kept = [
        written for written in ("Lamp house=1", "Lamp house=2", "Lamp") if inhibitor.inhibits(alert(written), EVENING)
    ]
    assert kept == ["Lamp house=1", "Lamp"]


def test_what_is_source_and_target_at_once_does_not_silence_its_like() -> None:
    inhibitor = Inhibitor([rule("size=~large|huge", "size=~large|small")], [alert("A size=large")])
    assert inhibitor.inhibits(alert("B size=large"), EVENING) is None
    assert inhibitor.inhibits(alert("B size=small"), EVENING)
    inhibitor.put(alert("C size=huge"))
    assert inhibitor.inhibits(alert("B size=large"), EVENING)


def test_a_source_that_ended_or_was_to_end_keeps_nothing_back() -> None:
    dark = alert("Dark", lasts=timedelta(minutes=5))
    inhibitor = Inhibitor([rule("alertname=Dark", "alertname=Lamp")], [dark])
    assert inhibitor.inhibits(alert("Lamp"), after(4.9))
    assert inhibitor.inhibits(alert("Lamp"), after(5)) is None
    inhibitor.put(replace(dark, state="resolved", resolved_at=EVENING))
    assert inhibitor.inhibits(alert("Lamp"), EVENING) is None


def silence(**other: object) -> Silence:
    usual = Silence("s", (Matcher("a", "b"),), after(10), after(60), EVENING, "mei", "works")
    return replace(usual, **other)  # type: ignore[arg-type]


def test_a_silence_is_pending_then_active_then_expired() -> None:
    assert [silence().state(after(minute)) for minute in (9, 10, 59, 60)] == ["pending", "active", "active", "expired"]
    assert silence().silences({"a": "b"}, after(10))
    assert not silence().silences({"a": "c"}, after(10))


def test_one_that_recurs_is_in_force_only_in_its_hours() -> None:
    nightly = silence(ends_at=after(60 * 48), recurs={"times": [{"start_time": "22:00", "end_time": "23:00"}]})
    assert [nightly.is_in_force(after(minute)) for minute in (30, 60, 119, 120, 24 * 60 + 61)] == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_what_may_be_changed_of_a_silence() -> None:
    one = silence()
    assert can_become(one, silence(ends_at=after(90)), after(20))
    assert not can_become(one, silence(starts_at=after(15)), after(20))
    assert can_become(one, silence(starts_at=after(15)), after(5))
    assert not can_become(one, silence(matchers=(Matcher("a", "c"),)), after(5))
    assert not can_become(one, silence(ends_at=after(90)), after(61))


def test_a_silence_expires_once() -> None:
    ended = silence().expire(after(20))
    assert (ended.starts_at, ended.ends_at) == (after(10), after(20))
    with pytest.raises(Conflict):
        ended.expire(after(21))


@pytest.mark.parametrize(
    "wrong",
    [
        {"matchers": ()},
        {"matchers": (Matcher("a", ".*", "=~"),)},
        {"ends_at": after(10)},
        {"starts_at": after(-20), "ends_at": after(-10)},
        {"created_by": ""},
        {"recurs": {"weekdays": ["someday"]}},
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        checked(silence(**wrong), EVENING)


WRITTEN = st.lists(
    st.sampled_from([f"{name} house={house}" for name in "AB" for house in "123"]), unique=True, min_size=1
)
ROUTE = Route(
    "team",
    group_by=("house",),
    children=(Route("lamps", (Matcher("alertname", "A"),), number=1, goes_on=True), Route("rest", number=2)),
)


def grouped(written: list[str]) -> dict[tuple[int, str], set[str]]:
    groups = Groups(ROUTE)
    for each in written:
        groups.put(alert(each), EVENING)
    return {group.id: set(group.members) for group in groups}


@given(WRITTEN)
def test_grouping_drops_no_alert(written: list[str]) -> None:
    members: set[str] = set().union(*grouped(written).values())
    assert members == {alert(each).fingerprint for each in written}


@given(WRITTEN, st.randoms())
def test_the_order_of_arrival_makes_no_other_groups(written: list[str], chance: object) -> None:
    turned = list(written)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert grouped(turned) == grouped(written)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=20))
def test_what_has_resolved_fires_again_only_as_a_new_episode(moments: list[tuple[int, bool]]) -> None:
    known: Alert | None = None
    ended: set[str] = set()
    numbers = iter(range(1000))
    for minute, is_end in sorted(moments):
        now = after(minute)
        said = Arrival({"alertname": "A"}, {}, None, now if is_end else None)
        change = arrive(known, said, now, HOUR, lambda: str(next(numbers)))
        known = change.alert if change else known
        if known and known.state == "resolved":
            ended.add(known.episode)
        assert known is None or known.state == "resolved" or known.episode not in ended
