"""Timelines that Alertmanager and we are told alike: a tree of routes, and what happens at which second.

Things happen at whole seconds and groups are looked at between them (a wait of half a second too much), so that no timer of a busy
machine turns the order round. Names of receivers, intervals and silences are a timeline's own; each becomes a branch `timeline="N"` of one
configuration, so that one Alertmanager plays all of them at once.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

LENGTH = 27
WAIT, INTERVAL, REPEAT = 1.5, 3, 7
RESOLVE_TIMEOUT = 5
HOUR = 3600
Kind = Literal["fires", "ends", "silence", "unsilence"]


@dataclass(frozen=True, slots=True)
class Event:
    at: float
    kind: Kind
    labels: Mapping[str, str]
    lasts: float | None = HOUR
    """How long from now it is said to fire; None says nothing, and leaves it to `resolve_timeout`."""
    since: float = 0.0
    """How long before now it began."""
    name: str = ""
    matchers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    says: str
    route: Mapping[str, Any]
    events: tuple[Event, ...]
    inhibits: tuple[Mapping[str, Any], ...] = ()
    intervals: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    silent_ends: frozenset[str] = frozenset()
    ways: int = 1


def alert(written: str) -> dict[str, str]:
    """`Lamp house=1` is the alert Lamp in house 1."""
    name, *others = written.split()
    return {"alertname": name} | dict(each.split("=", 1) for each in others)


def fires(at: float, *alerts: str, lasts: float | None = HOUR, since: float = 0.0) -> tuple[Event, ...]:
    return tuple(Event(at, "fires", alert(each), lasts, since) for each in alerts)


def ends(at: float, *alerts: str) -> tuple[Event, ...]:
    return tuple(Event(at, "ends", alert(each)) for each in alerts)


def silence(at: float, name: str, *matchers: str, lasts: float = HOUR) -> tuple[Event, ...]:
    return (Event(at, "silence", {}, lasts, name=name, matchers=matchers),)


def unsilence(at: float, name: str) -> tuple[Event, ...]:
    return (Event(at, "unsilence", {}, name=name),)


def route(receiver: str = "team", *below: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "group_by": ["alertname"],
        "group_wait": f"{WAIT * 1000:.0f}ms",
        "group_interval": f"{INTERVAL}s",
        "repeat_interval": f"{REPEAT}s",
    }
    return usual | {"receiver": receiver} | options | ({"routes": list(below)} if below else {})


def child(matcher: str, receiver: str | None = None, *below: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    told = {"receiver": receiver} if receiver else {}
    return {"matchers": [matcher]} | told | options | ({"routes": list(below)} if below else {})


_DARK = {"source_matchers": ['alertname="Dark"'], "target_matchers": ['alertname="Lamp"']}
_LARGE = {"source_matchers": ['severity="large"'], "target_matchers": ['severity=~"large|small"'], "equal": ["house"]}

ON: dict[str, Any] = {"continue": True}
GROUPING = (
    Timeline("one alert fires and ends", route(), (*fires(0, "Lamp house=1"), *ends(9, "Lamp house=1"))),
    Timeline("alerts of one name are one message", route(), fires(0, "Lamp house=1", "Lamp house=2", "Door house=1")),
    Timeline("one that joins waits for the next turn", route(), (*fires(0, "Lamp house=1"), *fires(3, "Lamp house=2"))),
    Timeline("one of two ends", route(), (*fires(0, "Lamp house=1", "Lamp house=2"), *ends(5, "Lamp house=1"))),
    Timeline(
        "they end one after the other",
        route(),
        (*fires(0, "Lamp house=1", "Lamp house=2"), *ends(5, "Lamp house=1"), *ends(12, "Lamp house=2")),
    ),
    Timeline("it ends before anyone was told", route(), (*fires(0, "Lamp house=1"), *ends(1, "Lamp house=1"))),
    Timeline(
        "one ends before anyone was told, the other goes on",
        route(),
        (*fires(0, "Lamp house=1", "Lamp house=2"), *ends(1, "Lamp house=1")),
    ),
    Timeline(
        "it ends and comes back between two turns",
        route(),
        (*fires(0, "Lamp house=1"), *ends(2, "Lamp house=1"), *fires(3, "Lamp house=1")),
    ),
    Timeline(
        "it comes back while the group still has another",
        route(),
        (
            *fires(0, "Lamp house=1", "Lamp house=2"),
            *ends(3, "Lamp house=1"),
            *fires(9, "Lamp house=1"),
        ),
    ),
    Timeline(
        "it comes back into a group that was empty",
        route(),
        (*fires(0, "Lamp house=1"), *ends(3, "Lamp house=1"), *fires(9, "Lamp house=1")),
    ),
    Timeline("all labels make the group", route(group_by=["..."]), fires(0, "Lamp house=1", "Lamp house=2")),
    Timeline("no labels make one group", route(group_by=[]), fires(0, "Lamp house=1", "Door house=2")),
    Timeline("by a label that some lack", route(group_by=["house"]), fires(0, "Lamp house=1", "Lamp", "Door")),
    Timeline(
        "by several labels", route(group_by=["house", "alertname"]), fires(0, "B house=2", "A house=2", "A house=1")
    ),
    Timeline("what has fired for long is told at once", route(), fires(2, "Lamp house=1", since=600)),
    Timeline(
        "what has fired for long hurries the group",
        route(),
        (*fires(0, "Lamp house=1"), *fires(1, "Lamp house=2", since=600)),
    ),
    Timeline(
        "the order is job, instance, then the other labels",
        route(),
        fires(
            0,
            "Lamp z=1 b=2",
            "Lamp a=1 c=1",
            "Lamp b=1 c=1",
            "Lamp instance=2",
            "Lamp job=b instance=1",
            "Lamp job=a",
            "Lamp job=a instance=9",
        ),
    ),
    Timeline(
        "values that must be quoted",
        route(group_by=["alertname", "path"]),
        fires(0, 'Lamp path=C:\\x"y"', "Lamp path=größe\u200b\x07"),
    ),
    Timeline("it is repeated", route(repeat_interval="4s"), fires(0, "Lamp house=1")),
    Timeline(
        "it is repeated by the group's turns",
        route(group_interval="2s", repeat_interval="5s"),
        fires(0, "Lamp house=1"),
    ),
    Timeline(
        "news put off the repeat", route(repeat_interval="8s"), (*fires(0, "Lamp house=1"), *fires(6, "Lamp house=2"))
    ),
    Timeline(
        "a changed annotation is no news",
        route(repeat_interval="1h"),
        (*fires(0, "Lamp house=1"), *fires(3, "Lamp house=1"), *fires(6, "Lamp house=1")),
    ),
)

ROUTES = (
    Timeline(
        "the first child that matches takes it",
        route("team", child('house="1"', "first"), child('alertname="Lamp"', "second")),
        fires(0, "Lamp house=1", "Lamp house=2", "Door house=2"),
    ),
    Timeline(
        "continue asks the next child too",
        route("team", child('house="1"', "first", **ON), child('alertname="Lamp"', "second")),
        (*fires(0, "Lamp house=1", "Lamp house=2", "Door house=1"), *ends(6, "Lamp house=1")),
    ),
    Timeline(
        "two routes to one receiver are two groups",
        route("team", child('house="1"', **ON), child('house=~"1|2"', group_by=["house"])),
        fires(0, "Lamp house=1", "Lamp house=2"),
    ),
    Timeline(
        "children inherit and overrule",
        route(
            "team",
            child('house="1"', None, child('floor="1"', "first", group_by=["floor"]), group_wait="3500ms"),
            child('house="2"', "second", group_by=["..."], repeat_interval="4s"),
        ),
        fires(0, "Lamp house=1 floor=1", "Lamp house=1 floor=2", "Lamp house=2 floor=1", "Lamp house=2 floor=2"),
    ),
    Timeline(
        "a child below a parent that groups by all labels",
        route(
            "team",
            child('house="1"', None, group_by=["alertname"]),
            child('house="2"', None, group_by=[]),
            group_by=["..."],
        ),
        fires(0, "Lamp house=1 floor=1", "Lamp house=1 floor=2", "Lamp house=2 floor=1", "Lamp house=2 floor=2"),
    ),
    Timeline(
        "a child of no labels below a parent of some",
        route("team", child('house="1"', None, group_by=[])),
        fires(0, "Lamp house=1", "Door house=1"),
    ),
    Timeline(
        "all four comparisons, and an absent label is empty",
        route(
            "team",
            child('house!="1"', "first", **ON),
            child('house=~"[12]"', "second", **ON),
            child('house!~"1|"', "third", **ON),
            child('house=""', "fourth"),
        ),
        fires(0, "Lamp house=1", "Lamp house=2", "Lamp house=3", "Lamp"),
    ),
    Timeline(
        "a receiver of two ways that hears no ends",
        route("quiet"),
        (
            *fires(0, "Lamp house=1", "Lamp house=2"),
            *ends(3, "Lamp house=1"),
            *ends(9, "Lamp house=2"),
            *fires(12, "Lamp house=3"),
        ),
        silent_ends=frozenset({"quiet"}),
        ways=2,
    ),
)

INHIBITION = (
    Timeline(
        "a larger alert keeps it back until it ends",
        route(),
        (*fires(0, "Dark"), *fires(1, "Lamp house=1"), *ends(8, "Dark")),
        inhibits=(_DARK,),
    ),
    Timeline(
        "it is told first, then kept back, and its end is not told",
        route(),
        (*fires(0, "Lamp house=1"), *fires(3, "Dark"), *ends(6, "Lamp house=1"), *ends(12, "Dark")),
        inhibits=(_DARK,),
    ),
    Timeline(
        "only where the labels agree, absent ones too",
        route(),
        fires(0, "Dark house=1", "Dark street=2", "Lamp house=1", "Lamp house=2", "Lamp street=2", "Lamp"),
        inhibits=({**_DARK, "equal": ["house", "street"]},),
    ),
    Timeline(
        "source and target at once",
        route(),
        fires(
            0,
            "A severity=large house=1",
            "B severity=large house=1",
            "C severity=small house=1",
            "D severity=small house=2",
        ),
        inhibits=(_LARGE,),
    ),
    Timeline(
        "what falls silent keeps nothing back any more",
        route(),
        (*fires(0, "Dark", lasts=None), *fires(0, "Lamp house=1")),
        inhibits=(_DARK,),
    ),
)

SILENCES = (
    Timeline(
        "a silence from the beginning until it runs out",
        route(),
        (*silence(0, "s", 'house="1"', lasts=8), *fires(0, "Lamp house=1", "Lamp house=2")),
    ),
    Timeline(
        "a silence that is ended early",
        route(),
        (*silence(0, "s", 'alertname=~"L.*"'), *fires(0, "Lamp house=1"), *unsilence(6, "s")),
    ),
    Timeline(
        "its end is not told while it is silenced",
        route(),
        (*fires(0, "Lamp house=1", "Lamp house=2"), *silence(3, "s", 'house="1"', lasts=9), *ends(6, "Lamp house=1")),
    ),
    Timeline(
        "what ended in silence and comes back is no news until the repeat",
        route(group_by=[]),
        (
            *fires(0, "Lamp house=1", "Door"),
            *silence(2, "s", 'house="1"', lasts=5),
            *ends(3, "Lamp house=1"),
            *fires(8, "Lamp house=1"),
        ),
    ),
    Timeline(
        "two matchers must both hold",
        route(group_by=["..."]),
        (*silence(0, "s", 'house="1"', 'alertname!="Door"'), *fires(0, "Lamp house=1", "Lamp house=2", "Door house=1")),
    ),
)

EXPIRY = (
    Timeline("a sender that falls silent", route(), fires(0, "Lamp house=1", lasts=None)),
    Timeline(
        "a sender that repeats, then falls silent",
        route(),
        (
            *fires(0, "Lamp house=1", lasts=None),
            *fires(4, "Lamp house=1", lasts=None),
            *fires(8, "Lamp house=1", lasts=None),
        ),
    ),
    Timeline("an end that is told beforehand", route(), fires(0, "Lamp house=1", "Lamp house=2", lasts=8)),
    Timeline(
        "an end that is put off",
        route(),
        (*fires(0, "Lamp house=1", lasts=5), *fires(3, "Lamp house=1", lasts=7), *fires(6, "Lamp house=1", lasts=11)),
    ),
    Timeline(
        "one falls silent, the other goes on",
        route(),
        (*fires(0, "Lamp house=1", lasts=None), *fires(0, "Lamp house=2")),
    ),
)


def hours(now: datetime) -> tuple[Timeline, ...]:
    """Intervals are told in minutes: `now` ends at the next full one, `next` begins there."""
    minute = now.hour * 60 + now.minute
    intervals: dict[str, list[dict[str, Any]]] = {
        "now": [{"times": [_span(minute, 1)]}],
        "next": [{"times": [_span((minute + 1) % 1440, 5)]}],
        "never": [{"years": ["1999"]}],
        "today": [{"weekdays": [now.strftime("%A").lower()], "months": [str(now.month)]}, {"years": ["1999"]}],
    }
    mutes = [
        Timeline(
            f"muted {' and '.join(muted) or 'at no time'}, active {' and '.join(active) or 'at all times'}",
            route(
                "team",
                child('alertname="Lamp"', "first", **_times(muted, active), **ON),
                child('house="1"', "second"),
            ),
            (*fires(0, "Lamp house=1", "Door house=1"), *ends(14, "Lamp house=1"), *fires(15, "Lamp house=2")),
            intervals=intervals,
        )
        for muted, active in (
            (["now"], []),
            (["next"], []),
            (["never"], []),
            (["never", "today"], []),
            ([], ["now"]),
            ([], ["next"]),
            ([], ["never", "today"]),
            (["next"], ["today"]),
        )
    ]
    return tuple(mutes)


def _times(muted: list[str], active: list[str]) -> dict[str, list[str]]:
    return ({"mute_time_intervals": muted} if muted else {}) | ({"active_time_intervals": active} if active else {})


def _span(minute: int, length: int) -> dict[str, str]:
    begin, end = (f"{at // 60:02d}:{at % 60:02d}" for at in (minute, min(minute + length, 1440)))
    return {"start_time": begin, "end_time": end}


def drawn(seed: int) -> Timeline:
    """A timeline by chance: any tree, any stream, now and then an inhibition or a silence."""
    chance = random.Random(seed)
    events: list[Event] = []
    for name in chance.sample(["A", "B", "C"], chance.randint(1, 3)):
        for house in chance.sample(["1", "2", "3"], chance.randint(1, 3)):
            events += _life(chance, f"{name} house={house} floor={chance.choice('12')}")
    if chance.random() < 0.4:
        matcher = chance.choice(['house="1"', 'house=~"2|3"', 'alertname!="A"', 'floor="1"'])
        events += silence(chance.randint(0, 12), "s", matcher, lasts=chance.randint(3, 12))
    inhibits = (
        {
            "source_matchers": [chance.choice(['alertname="A"', 'floor="1"'])],
            "target_matchers": [chance.choice(['alertname=~"B|C"', 'floor=~".+"'])],
            "equal": chance.choice([[], ["house"], ["floor"]]),
        },
    )
    return Timeline(
        f"drawn by {seed}",
        tree(chance),
        tuple(sorted(events, key=lambda event: event.at)),
        inhibits=inhibits if chance.random() < 0.4 else (),
        silent_ends=frozenset(chance.sample(["team", "first", "second"], chance.choice([0, 0, 1]))),
    )


def tree(chance: random.Random) -> dict[str, Any]:
    def options() -> dict[str, Any]:
        found: dict[str, Any] = {}
        if chance.random() < 0.5:
            found["group_by"] = chance.choice([["alertname"], ["house"], ["..."], ["floor", "house"], []])
        if chance.random() < 0.3:
            found["group_wait"] = chance.choice(["500ms", "2500ms"])
        if chance.random() < 0.5:
            found["repeat_interval"] = chance.choice(["4s", "7s", "1h"])
        if chance.random() < 0.4:
            found["continue"] = True
        return found

    matchers = ['house="1"', 'house!="1"', 'alertname=~"A|B"', 'floor="2"', 'alertname!~"B"', 'house=~".*"']
    below = [
        child(chance.choice(matchers), receiver, *_grandchildren(chance, matchers, options), **options())
        for receiver in chance.sample(["first", "second"], chance.randint(0, 2))
    ]
    usual = {name: value for name, value in options().items() if name != "continue"}
    return route("team", *below, **usual)


def _grandchildren(chance: random.Random, matchers: list[str], options: Any) -> list[dict[str, Any]]:
    """Of different matchers: two groups of one key and receiver race in Alertmanager, which tells once or twice; we tell once."""
    return [child(matcher, "third", **options()) for matcher in chance.sample(matchers, chance.choice([0, 0, 1, 2]))]


def _life(chance: random.Random, written: str) -> list[Event]:
    """Spells one after the other; a spell ends by word, or by silence, or not at all.

    Nothing has fired for long already: that would be told at a whole second, when other things happen. A sender keeps its manner within a
    spell and says the end once. What Alertmanager makes of senders that contradict themselves is the
    intake's business.
    """
    at = chance.randint(0, 6)
    events: list[Event] = list(fires(at, written))
    while at < LENGTH - 8:
        at += chance.randint(2, 7)
        if chance.random() < 0.7:
            events += ends(at, written)
            at, spell = _silent_spell(chance, at + chance.randint(2, 6), written)
            events += spell
        events += fires(at, written)
    return events


def _silent_spell(chance: random.Random, at: int, written: str) -> tuple[int, list[Event]]:
    """Now and then a spell that nobody ends; and when it is over."""
    if chance.random() < 0.6:
        return at, []
    lasts = chance.choice([None, 3, 6])
    repeated = at + chance.randint(1, 2)
    over = repeated + (lasts or RESOLVE_TIMEOUT)
    spell = [*fires(at, written, lasts=lasts), *fires(repeated, written, lasts=lasts)]
    return over + chance.randint(1, 4), spell


def moments(timelines: Sequence[Timeline]) -> list[float]:
    return sorted({event.at for timeline in timelines for event in timeline.events})


def after(start: datetime, seconds: float) -> datetime:
    return start + timedelta(seconds=seconds)
