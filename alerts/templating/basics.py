"""The functions that every Go template has."""

from collections.abc import Callable, Mapping
from urllib.parse import quote_plus

from alerts.templating.gotime import Time
from alerts.templating.printing import sprint, sprintf, sprintln
from alerts.templating.values import ANY, TEXT, Failed, Function, Markup, Record, Value, is_true, kind_of

_HTML = {
    "\0": "\ufffd",
    '"': "&#34;",
    "&": "&amp;",
    "'": "&#39;",
    "<": "&lt;",
    ">": "&gt;",
}
_HTML_TABLE = str.maketrans(_HTML)
_JS_SIGNS = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


def html(values: tuple[Value, ...]) -> str:
    return Markup(_text_of(values).translate(_HTML_TABLE))


def _js(values: tuple[Value, ...]) -> str:
    return "".join(_JS_SIGNS.get(char) or (f"\\u{ord(char):04X}" if char < " " else char) for char in _text_of(values))


def _text_of(values: tuple[Value, ...]) -> str:
    return sprint(list(values))


def _length(value: Value) -> Value:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, (list, dict)):
        return len(value)
    raise Failed(f"len of type {kind_of(value)}")


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        value = _entry(value, key)
    return value


def _entry(value: Value, key: Value) -> Value:
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise Failed(f"labels have names, and {kind_of(key)} is none")
        return value.get(key, "")
    if not isinstance(value, (list, str)):
        raise Failed(f"can't index item of type {kind_of(value)}")
    place = _place(key)
    sequence = value.encode() if isinstance(value, str) else value
    if not 0 <= place < len(sequence):
        raise Failed(f"index out of range: {place}")
    return sequence[place]


def _slice(value: Value, *places: Value) -> Value:
    if not isinstance(value, (list, str)) or len(places) > (2 if isinstance(value, str) else 3):
        raise Failed(f"slice of type {kind_of(value)} with {len(places)} places")
    begin, end = (_place(place) for place in (*places, *(0, _length(value))[len(places) :])[:2])
    if not 0 <= begin <= end <= _place(_length(value)):
        raise Failed(f"{begin}:{end} is out of range")
    if isinstance(value, str):
        return value.encode()[begin:end].decode("utf-8", "replace")
    return type(value)(value[begin:end])


def _place(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Failed(f"cannot index slice/array with type {kind_of(value)}")
    return int(value)


def _basic(value: Value) -> type | None:
    """The kinds that can be compared with their like; a duration is a number, safe HTML is text."""
    if isinstance(value, (bool, str, float)):
        return next(kind for kind in (bool, str, float) if isinstance(value, kind))
    return int if isinstance(value, int) else None


def _equal(one: Value, other: Value) -> bool:
    kinds = _basic(one), _basic(other)
    if kinds == (None, None):
        if isinstance(one, (list, dict, Record)) and isinstance(other, (list, dict, Record)):
            raise Failed(f"non-comparable type {kind_of(one)}")
        return one == other if isinstance(one, Time) == isinstance(other, Time) else False
    if None in (one, other):
        return False
    if kinds[0] is not kinds[1]:
        raise Failed("incompatible types for comparison")
    return one == other


def _equals_any(one: Value, *others: Value) -> Value:
    if not others:
        raise Failed("missing argument for comparison")
    return any(_equal(one, other) for other in others)


def _ordered(holds: Callable[[int], bool]) -> Function:
    def call(one: Value, other: Value) -> Value:
        if _basic(one) in (None, bool):
            raise Failed("invalid type for comparison")
        if _basic(one) is not _basic(other):
            raise Failed("incompatible types for comparison")
        return holds((one > other) - (one < other))  # type: ignore[operator]

    return Function(call, (ANY, ANY))


def _last(*values: Value) -> Value:
    return values[-1]


BASICS: Mapping[str, Function] = {
    # The evaluator asks no further than it must for these two; called with a single value they are that value.
    "and": Function(_last, (ANY,), ANY),
    "or": Function(_last, (ANY,), ANY),
    "not": Function(lambda value: not is_true(value), (ANY,)),
    "len": Function(_length, (ANY,)),
    "index": Function(_index, (ANY,), ANY),
    "slice": Function(_slice, (ANY,), ANY),
    "print": Function(lambda *values: sprint(list(values)), (), ANY),
    "println": Function(lambda *values: sprintln(list(values)), (), ANY),
    "printf": Function(lambda format_, *values: sprintf(format_, list(values)), (TEXT,), ANY),
    "html": Function(lambda *values: html(values), (), ANY),
    "js": Function(lambda *values: _js(values), (), ANY),
    "urlquery": Function(lambda *values: quote_plus(_text_of(values), safe="~"), (), ANY),
    "eq": Function(_equals_any, (ANY,), ANY),
    "ne": Function(lambda one, other: not _equal(one, other), (ANY, ANY)),
    "lt": _ordered(lambda order: order < 0),
    "le": _ordered(lambda order: order <= 0),
    "gt": _ordered(lambda order: order > 0),
    "ge": _ordered(lambda order: order >= 0),
}
