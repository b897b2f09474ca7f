"""What a template's names can stand for, each with the fields and methods that Go's type of it has.

Text, numbers, truth, lists and maps are Python's own. A `Record` is a struct: fields by name, in order. A table of methods for each
type is all a template can reach: no attribute of a Python object is ever looked up by a name that somebody wrote.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from alerts.templating.gotime import NANOS, Duration, Month, Time, Weekday

Value: TypeAlias = object
MAX_TEXT = 262_144


class Failed(Exception):
    """A template that cannot be rendered with these values."""


def joined(parts: Iterable[str], between: str = "") -> str:
    """One text of many, unless it gets too long on the way."""
    found: list[str] = []
    length = 0
    for part in parts:
        length += len(part) + len(between)
        if length > MAX_TEXT + len(between):
            raise Failed(f"a text gets longer than {MAX_TEXT} characters")
        found.append(part)
    return between.join(found)


class Markup(str):
    """Text that its author vouches for as HTML."""

    __slots__ = ()


class Address(str):
    """Text that its author vouches for as an address, whatever its scheme."""

    __slots__ = ()


class KV(dict[str, str]):
    """Labels or annotations, with Alertmanager's ways to go through them."""

    def sorted_pairs(self) -> "Pairs":
        """By name, the alert's own first."""
        names = sorted(self, key=lambda name: (name != "alertname", name))
        return Pairs(Record("template.Pair", {"Name": name, "Value": self[name]}) for name in names)

    def remove(self, names: Iterable[Value]) -> "KV":
        gone = set(names)
        return KV({name: value for name, value in self.items() if name not in gone})


class Pairs(list["Record"]):
    def names(self) -> list[Value]:
        return [pair.fields["Name"] for pair in self]

    def values(self) -> list[Value]:
        return [pair.fields["Value"] for pair in self]


class Alerts(list["Record"]):
    def in_state(self, state: str) -> list[Value]:
        return [alert for alert in self if alert.fields["Status"] == state]


@dataclass(frozen=True, slots=True)
class Record:
    kind: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a function wants in one place."""

    name: str
    fits: Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or a method; a method's first value is what it belongs to and is not counted."""

    call: Callable[..., Value]
    takes: tuple[Kind, ...] = ()
    rest: Kind | None = None
    """What it wants any number of after those."""

    def __call__(self, name: str, arguments: list[Value], *belongs_to: Value) -> Value:
        wanted, given = len(self.takes), len(arguments)
        if given < wanted or (given > wanted and self.rest is None):
            least = "at least " if self.rest else ""
            raise Failed(f"wrong number of arguments for {name}: want {least}{wanted} got {given}")
        kinds = [*self.takes, *[self.rest or ANY] * (given - wanted)]
        for kind, argument in zip(kinds, arguments, strict=True):
            if not kind.fits(argument):
                raise Failed(f"{name} wants {kind.name} and was given {kind_of(argument)}")
        try:
            return self.call(*belongs_to, *arguments)
        except (Failed, ValueError, ArithmeticError) as error:
            raise Failed(f"error calling {name}: {error}") from None


def _is_whole(value: Value) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


ANY = Kind("anything", lambda _value: True)
TEXT = Kind("text", lambda value: isinstance(value, str))
TEXTS = Kind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value))
WHOLE = Kind("a whole number", _is_whole)
TIME = Kind("a time", lambda value: isinstance(value, Time))

_LENGTH_OF: dict[str, int] = {"Seconds": NANOS, "Minutes": 60 * NANOS, "Hours": 3600 * NANOS}
_METHODS: dict[type, dict[str, Function]] = {
    KV: {
        "SortedPairs": Function(KV.sorted_pairs),
        "Remove": Function(KV.remove, (TEXTS,)),
        "Names": Function(lambda kv: kv.sorted_pairs().names()),
        "Values": Function(lambda kv: kv.sorted_pairs().values()),
    },
    Pairs: {"Names": Function(Pairs.names), "Values": Function(Pairs.values)},
    Alerts: {
        "Firing": Function(lambda alerts: alerts.in_state("firing")),
        "Resolved": Function(lambda alerts: alerts.in_state("resolved")),
    },
    Time: {
        "Format": Function(Time.format, (TEXT,)),
        "String": Function(str),
        "Unix": Function(lambda time: time.unix_nanos // NANOS),
        "UnixMilli": Function(lambda time: time.unix_nanos // 1_000_000),
        "UnixNano": Function(lambda time: time.unix_nanos),
        "UTC": Function(lambda time: time.in_zone("UTC")),
        "Local": Function(Time.local),
        "Add": Function(lambda time, by: time.add(int(by)), (WHOLE,)),
        "AddDate": Function(lambda time, *by: time.add_date(*map(int, by)), (WHOLE, WHOLE, WHOLE)),
        "Sub": Function(Time.sub, (TIME,)),
        "After": Function(lambda time, other: time.unix_nanos > other.unix_nanos, (TIME,)),
        "Before": Function(lambda time, other: time.unix_nanos < other.unix_nanos, (TIME,)),
        "Equal": Function(lambda time, other: time.unix_nanos == other.unix_nanos, (TIME,)),
        "IsZero": Function(lambda time: time.in_zone("UTC").format("2006-01-02T15:04:05.9") == "0001-01-01T00:00:00"),
        "Year": Function(lambda time: time.at.year),
        "Month": Function(lambda time: Month(time.at.month)),
        "Day": Function(lambda time: time.at.day),
        "YearDay": Function(lambda time: time.at.timetuple().tm_yday),
        "Hour": Function(lambda time: time.at.hour),
        "Minute": Function(lambda time: time.at.minute),
        "Second": Function(lambda time: time.at.second),
        "Nanosecond": Function(lambda time: time.nanos),
        "Weekday": Function(lambda time: Weekday(time.at.isoweekday() % 7)),
    },
    Duration: {
        "String": Function(str),
        "Nanoseconds": Function(int),
        "Milliseconds": Function(lambda duration: int(duration / 1_000_000)),
        "Round": Function(lambda duration, to: duration.rounded(int(to)), (WHOLE,)),
        "Truncate": Function(lambda duration, to: duration.cut(int(to)), (WHOLE,)),
        **{name: Function(lambda duration, size=size: int(duration) / size) for name, size in _LENGTH_OF.items()},
    },
    Month: {"String": Function(str)},
    Weekday: {"String": Function(str)},
}
_KINDS: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    Markup: "template.HTML",
    Address: "template.URL",
    KV: "template.KV",
    Alerts: "template.Alerts",
    Pairs: "template.Pairs",
    Time: "time.Time",
    Duration: "time.Duration",
    Month: "time.Month",
    Weekday: "time.Weekday",
    type(None): "<nil>",
}


def method_of(value: Value, name: str) -> Function | None:
    return _METHODS.get(type(value), {}).get(name)


def field_of(value: Value, name: str) -> Value:
    """A struct's field or a map's entry; an entry that is not there is empty, as both Prometheus and Alertmanager have it."""
    if isinstance(value, Record) and name in value.fields:
        return value.fields[name]
    if isinstance(value, dict):
        return value.get(name, "")
    if value is None:
        raise Failed(f"nothing is here to have a field {name}")
    raise Failed(f"can't evaluate field {name} in type {kind_of(value)}")


def kind_of(value: Value) -> str:
    if isinstance(value, Record):
        return value.kind
    if type(value) in _KINDS:
        return _KINDS[type(value)]
    return "map[string]string" if isinstance(value, dict) else "[]string" if _is_texts(value) else "[]template.Alert"


def _is_texts(value: Value) -> bool:
    return isinstance(value, list) and not any(isinstance(each, Record) for each in value)


def is_true(value: Value) -> bool:
    return True if isinstance(value, (Record, Time)) else bool(value)


def is_list(value: Value) -> bool:
    return isinstance(value, list)


def plain(value: Value) -> Any:
    """As JSON has it."""
    if isinstance(value, Record):
        return {f"{name[0].lower()}{name[1:]}": plain(each) for name, each in value.fields.items()}
    if isinstance(value, dict):
        return {name: plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.format("2006-01-02T15:04:05.999999999Z07:00") if isinstance(value, Time) else value
