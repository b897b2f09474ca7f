"""Alertmanager's configuration file, read whole and checked whole before any of it is used.

What Alertmanager refuses is refused here, each complaint naming its place, because a route that fails at night is worse than one refused at
noon. Receivers are kept as they are written, one list of settings for each kind of channel: what a kind needs is that channel's own
business, checked by whoever builds it. The file's old forms (`match`, `match_re`, `source_match`, `mute_time_intervals` at the top) are
still read.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from alerts.durations import show_duration
from alerts.fields import duration, expect_fields, listed, mapping, read_text, read_yaml, text, texts
from alerts.routing.inhibition import InhibitRule
from alerts.routing.intervals import TimeInterval, read_time_interval
from alerts.routing.matchers import Matcher, Matchers, parse_matchers
from alerts.routing.tree import ALL_LABELS, Route, path_below
from core.errors import Invalid

MAX_DEPTH = 50
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TOP = ("global", "templates", "route", "inhibit_rules", "receivers", "mute_time_intervals", "time_intervals")
_ROUTE = (
    "receiver",
    "group_by",
    "continue",
    "match",
    "match_re",
    "matchers",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "mute_time_intervals",
    "active_time_intervals",
    "routes",
)
_INHIBIT = (
    "source_match",
    "source_match_re",
    "source_matchers",
    "target_match",
    "target_match_re",
    "target_matchers",
    "equal",
)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One way a receiver is reached: `webhook`, `email`, ..., and what is written below it."""

    kind: str
    values: Mapping[str, Any]
    where: str

    @property
    def send_resolved(self) -> bool | None:
        """None where nothing is said: then it is the kind's own habit."""
        value = self.values.get("send_resolved")
        return value if isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Receiver:
    name: str
    channels: tuple[ChannelSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    route: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, TimeInterval] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """`global`: defaults for the channels, as they are written."""
    templates: tuple[str, ...] = ()
    source: str = ""
    original: str = ""
    folder: str = ""
    """Where the file is: its templates are named from there."""

    @property
    def resolve_timeout(self) -> timedelta:
        return duration(self.settings, "resolve_timeout", self.source, timedelta(minutes=5))

    def is_quiet_time(self, route: Route, now: datetime) -> str:
        """The name of the interval that keeps this route quiet now, `active` for none of those it is active in, else nothing."""
        muted = next((name for name in route.mute_time_intervals if self.time_intervals[name].contains(now)), "")
        if muted or not route.active_time_intervals:
            return muted
        is_active = any(self.time_intervals[name].contains(now) for name in route.active_time_intervals)
        return "" if is_active else "active"


def load_config(path: Path) -> Config:
    return parse_config(read_text(path, "alert configuration"), path.name, str(path.parent))


def parse_config(written: str, source: str, folder: str = "") -> Config:
    read = mapping(read_yaml(written, source), f"{source}:", "a mapping with route and receivers")
    expect_fields(read, _TOP, f"{source}:")
    receivers = _receivers(read.get("receivers"), source)
    intervals = _time_intervals(read, source)
    settings = mapping(read.get("global") or {}, f"{source}, global:", "a mapping")
    route = _root(read.get("route"), source)
    for each in route.walk():
        _refuse_unknown(each, receivers, intervals, source)
    config = Config(
        route=route,
        receivers=receivers,
        inhibit_rules=tuple(
            _inhibit_rule(entry, f"{source}, inhibit_rules[{place}]:")
            for place, entry in enumerate(listed(read.get("inhibit_rules"), f"{source}:", "inhibit_rules"))
        ),
        time_intervals=intervals,
        settings=settings,
        templates=tuple(texts(read.get("templates"), f"{source}:", "templates")),
        source=source,
        original=written,
        folder=folder,
    )
    if config.resolve_timeout <= timedelta(0):
        raise Invalid(f"{source}, global: resolve_timeout must be longer than nothing.", field="resolve_timeout")
    return config


def without_channels(config: Config) -> str:
    read = dict(read_yaml(config.original, config.source))
    kept = {name: value for name, value in read.items() if name not in ("global", "receivers", "templates")}
    timeout = {"resolve_timeout": show_duration(config.resolve_timeout)}
    whole = {"global": timeout, **kept, "receivers": [{"name": name} for name in config.receivers]}
    return "# The receivers' channels are not shown: their addresses are secrets.\n" + yaml.safe_dump(
        whole, sort_keys=False
    )


def _root(entry: Any, source: str) -> Route:
    where = f"{source}, route:"
    entry = mapping(entry, where, "a mapping: the root of all routes")
    if not entry.get("receiver"):
        raise Invalid(f"{where} the root must name a receiver.", field="receiver")
    for name in ("match", "match_re", "matchers"):
        if entry.get(name):
            raise Invalid(f"{where} the root takes every alert, so it has no {name}.", field=name)
    for name in ("mute_time_intervals", "active_time_intervals"):
        if entry.get(name):
            raise Invalid(f"{where} the root is never muted, so it has no {name}.", field=name)
    if entry.get("continue"):
        raise Invalid(f"{where} the root has nothing beside it, so it cannot continue.", field="continue")
    numbers = iter(range(1_000_000))
    return _route(entry, Route(receiver=""), where, numbers, 0)


def _route(entry: Any, parent: Route, where: str, numbers: Any, depth: int) -> Route:
    entry = mapping(entry, where, "a route as a mapping")
    expect_fields(entry, _ROUTE, where)
    if depth > MAX_DEPTH:
        raise Invalid(f"{where} routes are nested deeper than {MAX_DEPTH}.", field="routes")
    matchers = _matchers(entry, "match", "match_re", "matchers", where)
    own = Route(
        receiver=_optional(entry, "receiver", where) or parent.receiver,
        matchers=matchers,
        group_by=_group_by(entry, where) or parent.group_by,
        group_wait=duration(entry, "group_wait", where, parent.group_wait),
        group_interval=_longer_than_nothing(entry, "group_interval", where, parent.group_interval),
        repeat_interval=_longer_than_nothing(entry, "repeat_interval", where, parent.repeat_interval),
        mute_time_intervals=tuple(texts(entry.get("mute_time_intervals"), where, "mute_time_intervals")),
        active_time_intervals=tuple(texts(entry.get("active_time_intervals"), where, "active_time_intervals")),
        goes_on=_flag(entry, "continue", where),
        path=path_below(parent.path, matchers) if depth else "{}",
        number=next(numbers),
    )
    children = listed(entry.get("routes"), where, "routes")
    below = f"{where.removesuffix(':')}.routes"
    return replace(
        own,
        children=tuple(
            _route(each, own, f"{below}[{place}]:", numbers, depth + 1) for place, each in enumerate(children)
        ),
    )


def _matchers(entry: Mapping[str, Any], equal: str, regex: str, modern: str, where: str) -> Matchers:
    try:
        found = [
            Matcher(_label(name, where, key), str(value), op)
            for key, op in ((equal, "="), (regex, "=~"))
            for name, value in mapping(entry.get(key) or {}, where, f"{key} as a mapping").items()
        ]
        for line in texts(entry.get(modern), where, modern):
            found += parse_matchers(line)
    except Invalid as error:
        raise Invalid(f"{where} {error.sentence}", field=modern) from None
    return tuple(sorted(found))


def _group_by(entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """An empty list says nothing, as an absent one does."""
    names = [
        name if name == ALL_LABELS else _label(name, where, "group_by") for name in _names(entry, "group_by", where)
    ]
    if ALL_LABELS in names and len(names) > 1:
        raise Invalid(f"{where} group_by has '...' for all labels, so it can have no others.", field="group_by")
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise Invalid(f"{where} group_by has {doubled[0]} twice.", field="group_by")
    return tuple(names)


def _names(entry: Mapping[str, Any], field: str, where: str) -> list[str]:
    return texts(entry.get(field), where, field)


def _label(name: Any, where: str, field: str) -> str:
    if not _LABEL.fullmatch(str(name)):
        raise Invalid(f"{where} {str(name)[:100]!r} in {field} is not the name of a label.", field=field)
    return str(name)


def _longer_than_nothing(entry: Mapping[str, Any], name: str, where: str, default: timedelta) -> timedelta:
    found = duration(entry, name, where, default)
    if found <= timedelta(0):
        raise Invalid(f"{where} {name} must be longer than nothing.", field=name)
    return found


def _optional(entry: Mapping[str, Any], name: str, where: str) -> str:
    return text(entry[name], where, name) if entry.get(name) is not None else ""


def _flag(entry: Mapping[str, Any], name: str, where: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise Invalid(f"{where} {name} must be true or false.", field=name)
    return value


def _inhibit_rule(entry: Any, where: str) -> InhibitRule:
    entry = mapping(entry, where, "a rule as a mapping")
    expect_fields(entry, _INHIBIT, where)
    return InhibitRule(
        source=_matchers(entry, "source_match", "source_match_re", "source_matchers", where),
        target=_matchers(entry, "target_match", "target_match_re", "target_matchers", where),
        equal=tuple(_label(name, where, "equal") for name in _names(entry, "equal", where)),
    )


def _receivers(entries: Any, source: str) -> dict[str, Receiver]:
    found = [
        _receiver(entry, f"{source}, receivers[{place}]:")
        for place, entry in enumerate(listed(entries, f"{source}:", "receivers"))
    ]
    _refuse_doubles((receiver.name for receiver in found), f"{source}: the receiver")
    return {receiver.name: receiver for receiver in found}


def _receiver(entry: Any, where: str) -> Receiver:
    entry = mapping(entry, where, "a receiver as a mapping")
    name = text(entry.get("name"), where, "name")
    where = f"{where.removesuffix(':')} {name!r}:"
    channels = []
    for key, settings in entry.items():
        if key == "name":
            continue
        if not str(key).endswith("_configs"):
            raise Invalid(
                f"{where} unknown field {key}; channels are written as webhook_configs, email_configs, ...", field=key
            )
        kind = str(key).removesuffix("_configs")
        for place, each in enumerate(listed(settings, where, str(key))):
            inside = f"{where.removesuffix(':')}, {key}[{place}]:"
            channels.append(ChannelSettings(kind, mapping(each, inside, "settings as a mapping"), inside))
            _flag(channels[-1].values, "send_resolved", inside)
    return Receiver(name, tuple(channels))


def _time_intervals(read: Mapping[str, Any], source: str) -> dict[str, TimeInterval]:
    found = [
        read_time_interval(entry, f"{source}, {name}[{place}]:")
        for name in ("mute_time_intervals", "time_intervals")
        for place, entry in enumerate(listed(read.get(name), f"{source}:", name))
    ]
    _refuse_doubles((interval.name for interval in found), f"{source}: the time interval")
    return {interval.name: interval for interval in found}


def _refuse_doubles(names: Iterable[str], what: str) -> None:
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise Invalid(f"{what} {doubled[0]!r} is there twice.", field="name")


def _refuse_unknown(route: Route, receivers: Mapping[str, Any], intervals: Mapping[str, Any], source: str) -> None:
    if route.receiver not in receivers:
        raise Invalid(f"{source}: a route names the receiver {route.receiver!r}, which is not there.", field="receiver")
    names: Sequence[str] = (*route.mute_time_intervals, *route.active_time_intervals)
    for name in names:
        if name not in intervals:
            raise Invalid(
                f"{source}: a route names the time interval {name!r}, which is not there.", field="time_intervals"
            )


def built_in(
    *,
    webhooks: Sequence[str] = (),
    feishu: str = "",
    group_wait: float = 10,
    group_interval: float = 60,
    repeat_interval: float = 14_400,
) -> Config:
    """What holds where no file is named: everything to one receiver, which is the log and the addresses given."""
    channels: dict[str, list[dict[str, str]]] = {
        "log_configs": [{}],
        "webhook_configs": [{"url": address} for address in webhooks],
        "feishu_configs": [{"url": feishu}] if feishu else [],
    }
    written = {
        "route": {
            "receiver": "default",
            "group_by": ["alertname", "namespace"],
            "group_wait": f"{group_wait * 1000:.0f}ms",
            "group_interval": f"{group_interval * 1000:.0f}ms",
            "repeat_interval": f"{repeat_interval * 1000:.0f}ms",
        },
        "receivers": [{"name": "default", **channels}],
    }
    return parse_config(yaml.safe_dump(written, sort_keys=False), "the built-in configuration")
