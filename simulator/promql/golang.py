"""The few ways in which Prometheus's answers show Go's formatting: floats, quoted strings, label sets, regex templates."""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from simulator.promql.linear import LinearMatch
from simulator.promql.tsdb import Labels

_GROUP = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_QUOTED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def format_float(value: float) -> str:
    """strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back, never an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def format_point(value: float, smallest: float = 1e-6) -> str:
    """As a sample's value is written in JSON: an exponent below 1e-6 and from 1e21 on."""
    if math.isfinite(value) and value != 0 and not smallest <= abs(value) < 1e21:
        return repr(value)  # at these sizes repr has the exponent, with two digits as Go writes it
    return format_float(value)


def format_any(value: float) -> str:
    """Go's %v of a float64."""
    return format_point(value, smallest=1e-4)


def quote(text: str) -> str:
    return '"' + "".join(_QUOTED.get(char, char) for char in text) + '"'


def format_labels(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"


def expand_template(template: str, match: re.Match[str] | LinearMatch) -> str:
    """regexp.Expand: `$1`, `${1}`, `$name`; an unknown group is empty, `$$` is a dollar."""
    return _GROUP.sub(_group_of(match), template)


def _group_of(match: re.Match[str] | LinearMatch) -> Callable[[re.Match[str]], str]:
    def value(reference: re.Match[str]) -> str:
        name = reference.group(1) or reference.group(2)
        if name is None:
            return "$"
        if name.isdecimal():
            return (match.group(int(name)) or "") if int(name) <= (match.re.groups) else ""
        return (match.group(name) or "") if name in match.re.groupindex else ""

    return value
