"""The functions a rule's template may call, each as Go and Prometheus define it, over four kinds of value."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from alerts.numbers import (
    go_float,
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
)

Value: TypeAlias = str | float | bool | Mapping[str, str]
Function: TypeAlias = Callable[[list[Value]], Value]

_VERB = re.compile(r"%(?P<flags>[-+ 0#]*)(?P<width>\d{0,3})(?:\.(?P<precision>\d{0,2}))?(?P<verb>[a-zA-Z%])")
_KINDS: dict[type, str] = {bool: "bool", int: "int", float: "float64", str: "string"}
_FITTING: dict[str, tuple[type, ...]] = {
    "d": (int,),
    "f": (float,),
    "F": (float,),
    "e": (float,),
    "g": (float,),
    "s": (str,),
    "q": (str,),
    "x": (str, int),
    "t": (bool,),
}


class Failed(Exception):
    """A template that cannot be rendered with these values; the text of it becomes the annotation."""


def is_true(value: Value) -> bool:
    return bool(value)


def show(value: Value) -> str:
    """Go's %v."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{name}:{value[name]}" for name in sorted(value)) + "]"
    return str(value)


def _number(value: Value) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else _fail(f"{show(value)} is not a number")
    except ValueError:
        return _fail(f"{value!r} is not a number")


def _fail(why: str) -> float:
    raise Failed(why)


def _over_number(name: str, function: Callable[[float], str]) -> Function:
    def call(arguments: list[Value]) -> Value:
        _expect(name, arguments, 1)
        try:
            return function(_number(arguments[0]))
        except ValueError as error:
            raise Failed(str(error)) from None

    return call


def _over_text(name: str, count: int, function: Callable[..., Value]) -> Function:
    def call(arguments: list[Value]) -> Value:
        _expect(name, arguments, count)
        texts = [argument if isinstance(argument, str) else "" for argument in arguments]
        if any(not isinstance(argument, str) for argument in arguments):
            raise Failed(f"{name} needs text")
        try:
            return function(*texts)
        except re.error as error:
            raise Failed(f"{name}: {error}") from None

    return call


def _compared(name: str, holds: Callable[[int], bool], only_equality: bool = False) -> Function:
    def call(arguments: list[Value]) -> Value:
        _expect(name, arguments, 2)
        left, right = arguments
        if type(left) is not type(right):
            raise Failed(f"error calling {name}: incompatible types for comparison")
        if isinstance(left, Mapping) or (isinstance(left, bool) and not only_equality):
            raise Failed(f"error calling {name}: invalid type for comparison")
        return holds((left > right) - (left < right))  # type: ignore[operator]

    return call


def _expect(name: str, arguments: list[Value], count: int) -> None:
    if len(arguments) != count:
        raise Failed(f"wrong number of arguments for {name}: want {count} got {len(arguments)}")


def _and(arguments: list[Value]) -> Value:
    return next((argument for argument in arguments if not is_true(argument)), arguments[-1] if arguments else False)


def _or(arguments: list[Value]) -> Value:
    return next((argument for argument in arguments if is_true(argument)), arguments[-1] if arguments else False)


def _not(arguments: list[Value]) -> Value:
    _expect("not", arguments, 1)
    return not is_true(arguments[0])


def _index(arguments: list[Value]) -> Value:
    _expect("index", arguments, 2)
    table, name = arguments
    if not isinstance(table, Mapping) or not isinstance(name, str):
        raise Failed("index needs labels and a name")
    return table.get(name, "")


def _length(arguments: list[Value]) -> Value:
    _expect("len", arguments, 1)
    value = arguments[0]
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, Mapping) else _fail("len needs text or labels")


def _printf(arguments: list[Value]) -> Value:
    if not arguments or not isinstance(arguments[0], str):
        raise Failed("printf needs a format")
    rest = list(arguments[1:])
    shown = _VERB.sub(lambda match: _formatted(match, rest), arguments[0])
    extra = ", ".join(f"{_kind(value)}={show(value)}" for value in rest)
    return f"{shown}%!(EXTRA {extra})" if extra else shown


def _formatted(match: re.Match[str], rest: list[Value]) -> str:
    verb = match["verb"]
    if verb == "%":
        return "%"
    if not rest:
        return f"%!{verb}(MISSING)"
    value = rest.pop(0)
    if verb == "v":
        return _padded(match, show(value))
    if type(value) not in _FITTING.get(verb, ()):
        return f"%!{verb}({_kind(value)}={show(value)})"
    if verb == "q":
        return _padded(match, '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"')
    if verb == "x" and isinstance(value, str):
        return _padded(match, value.encode().hex())
    if verb == "t":
        return _padded(match, show(value))
    if isinstance(value, float) and not math.isfinite(value):
        return _padded(match, show(value))
    precision = "" if match["precision"] is None else f".{match['precision'] or 0}"
    if verb == "g" and not precision and isinstance(value, float):
        return _padded(match, go_float(value))
    return f"%{match['flags']}{match['width']}{precision}{verb}" % value


def _padded(match: re.Match[str], text: str) -> str:
    width = int(match["width"] or 0)
    return text.ljust(width) if "-" in match["flags"] else text.rjust(width)


def _kind(value: Value) -> str:
    return _KINDS.get(type(value), "map[string]string")


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    # Go writes $1 and ${1} where Python writes \g<1>.
    python = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", replacement.replace("\\", "\\\\"))
    return re.sub(pattern, python, text)


def _strip_port(text: str) -> str:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d*)?", text)
    if bracketed:
        return bracketed[1]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


def _title(text: str) -> str:
    return re.sub(r"\b\w", lambda match: match[0].upper(), text)


FUNCTIONS: dict[str, Function] = {
    "humanize": _over_number("humanize", humanize),
    "humanize1024": _over_number("humanize1024", humanize1024),
    "humanizeDuration": _over_number("humanizeDuration", humanize_duration),
    "humanizePercentage": _over_number("humanizePercentage", humanize_percentage),
    "humanizeTimestamp": _over_number("humanizeTimestamp", humanize_timestamp),
    "printf": _printf,
    "index": _index,
    "len": _length,
    "title": _over_text("title", 1, _title),
    "toUpper": _over_text("toUpper", 1, str.upper),
    "toLower": _over_text("toLower", 1, str.lower),
    "stripPort": _over_text("stripPort", 1, _strip_port),
    "match": _over_text("match", 2, lambda pattern, text: re.search(pattern, text) is not None),
    "reReplaceAll": _over_text("reReplaceAll", 3, _replace_all),
    "and": _and,
    "or": _or,
    "not": _not,
    "eq": _compared("eq", lambda order: order == 0, only_equality=True),
    "ne": _compared("ne", lambda order: order != 0, only_equality=True),
    "lt": _compared("lt", lambda order: order < 0),
    "le": _compared("le", lambda order: order <= 0),
    "gt": _compared("gt", lambda order: order > 0),
    "ge": _compared("ge", lambda order: order >= 0),
}
