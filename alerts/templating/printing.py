"""What Go's fmt makes of values: Print, Println and Printf with its verbs, flags, and its way of saying what did not fit."""

import math
import re
from collections.abc import Callable, Iterator

from alerts.numbers import go_float
from alerts.templating.gotime import Duration, Month, Time, Weekday
from alerts.templating.values import Failed, Record, Value, joined, kind_of

MAX_WIDTH = 1000
_VERB = re.compile(
    r"%(?P<flags>[-+ 0#]*)(?:\[(?P<first>\d{1,3})\])?(?P<width>\*|\d*)(?P<dot>\.(?P<precision>\*|\d*))?"
    r"(?:\[(?P<which>\d{1,3})\])?(?P<verb>.|\Z)",
    re.DOTALL,
)
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_STRINGERS = (Time, Duration, Month, Weekday)


def show(value: Value) -> str:
    """Go's %v."""
    if type(value) is str:
        return value
    if type(value) is float:
        return go_float(value)
    return _Verb("v").format(value)


def sprint(values: list[Value]) -> str:
    """Spaces only between two values of which neither is text."""
    apart = (
        " " if place and not isinstance(value, str) and not isinstance(values[place - 1], str) else ""
        for place, value in enumerate(values)
    )
    return joined(space + _in_place(value) for space, value in zip(apart, values, strict=True))


def sprintln(values: list[Value]) -> str:
    return joined(map(_in_place, values), " ") + "\n"


def _in_place(value: Value) -> str:
    return "<nil>" if value is None else show(value)


def sprintf(format_: str, values: list[Value]) -> str:
    return _Format(values).fill(format_)


def quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Format:
    """One walk over a format, with the values it has not used yet."""

    def __init__(self, values: list[Value]) -> None:
        self._values = values
        self._at = 0
        self._reordered = False

    def fill(self, format_: str) -> str:
        shown = joined(self._pieces(format_))
        extra = self._values[self._at :]
        if not extra or self._reordered:
            return shown
        return shown + "%!(EXTRA " + ", ".join(f"{kind_of(each)}={_in_place(each)}" for each in extra) + ")"

    def _pieces(self, format_: str) -> Iterator[str]:
        at = 0
        for match in _VERB.finditer(format_):
            yield format_[at : match.start()]
            yield self._one(match)
            at = match.end()
        yield format_[at:]

    def _one(self, match: re.Match[str]) -> str:
        verb = match["verb"]
        if not verb:
            return "%!(NOVERB)"
        self._jump(match["first"])
        flags, width = match["flags"], self._number(match["width"])
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        precision = (self._number(match["precision"]) or 0) if match["dot"] else None
        self._jump(match["which"])
        if verb == "%":
            return "%"
        if self._at >= len(self._values) or self._at < 0:
            return f"%!{verb}(BADINDEX)" if self._reordered else f"%!{verb}(MISSING)"
        value = self._values[self._at]
        self._at += 1
        return _Verb(verb, flags, _bounded(width), _bounded(precision)).format(value)

    def _jump(self, which: str | None) -> None:
        if which is not None:
            self._at, self._reordered = int(which) - 1, True

    def _number(self, written: str | None) -> int | None:
        if written != "*":
            return int(written[:9]) if written else None
        value = self._values[self._at] if self._at < len(self._values) else None
        self._at += 1
        return value if isinstance(value, int) else None


def _bounded(number: int | None) -> int | None:
    if number is not None and number > MAX_WIDTH:
        raise Failed(f"printf: wider than {MAX_WIDTH}")
    return number


class _Verb:
    def __init__(self, verb: str, flags: str = "", width: int | None = None, precision: int | None = None) -> None:
        self.verb = verb
        self.flags = flags
        self.width = width
        self.precision = precision

    def format(self, value: Value) -> str:
        if self.verb == "T":
            return self._padded(kind_of(value))
        if value is None:
            return self._padded("<nil>") if self.verb == "v" else f"%!{self.verb}(<nil>)"
        if isinstance(value, _STRINGERS) and self.verb in "vsqxX":
            return self.of_text(str(value))
        if isinstance(value, Record):
            named = "+" in self.flags and self.verb == "v"
            parts = (f"{name}:" * named + self.format(each) for name, each in value.fields.items())
            return "{" + " ".join(parts) + "}"
        if isinstance(value, dict):
            return "map[" + " ".join(f"{self.format(key)}:{self.format(value[key])}" for key in sorted(value)) + "]"
        if isinstance(value, list):
            return "[" + " ".join(map(self.format, value)) + "]"
        return self._basic(value)

    def _basic(self, value: Value) -> str:
        for kind, verbs, shown in _BASIC:
            if isinstance(value, kind):
                return shown(self, value) if self.verb in verbs else f"%!{self.verb}({kind_of(value)}={show(value)})"
        return self._padded(str(value))

    def of_text(self, value: str) -> str:
        cut = value if self.precision is None else value[: self.precision]
        if self.verb == "q":
            return self._padded(f"`{cut}`" if "#" in self.flags and "`" not in cut else quoted(cut))
        if self.verb in "xX":
            digits = cut.encode().hex(" " if " " in self.flags else "\0").replace("\0", "")
            return self._padded(digits.upper() if self.verb == "X" else digits)
        return self._padded(quoted(cut) if "#" in self.flags and self.verb == "v" else cut)

    def of_truth(self, value: bool) -> str:
        return self._padded("true" if value else "false")

    def of_whole(self, value: int) -> str:
        if self.verb == "c":
            return self._padded(_char(value))
        if self.verb == "q":
            return self._padded("'" + _char(value) + "'")
        if self.verb == "U":
            return self._padded(f"U+{value:04X}")
        if self.verb == "b":
            return self._padded(f"{value:b}")
        verb = "d" if self.verb == "v" else self.verb
        if verb == "o" and "#" in self.flags:
            return self._padded(f"0{value:o}")
        return f"%{self._c_flags()}{self._c_width()}{self._c_precision()}{verb}" % value

    def of_float(self, value: float) -> str:
        if not math.isfinite(value):
            return self._padded(go_float(value) if value < 0 or "+" in self.flags or math.isnan(value) else "+Inf")
        verb = "g" if self.verb == "v" else self.verb
        if verb in "gG" and self.precision is None:
            shown = go_float(value)
            shown = f"+{shown}" if "+" in self.flags and value >= 0 else shown
            return self._zeroed(shown.upper() if verb == "G" else shown)
        return f"%{self._c_flags()}{self._c_width()}{self._c_precision()}{verb}" % value

    def _c_flags(self) -> str:
        return "".join(sorted(set(self.flags)))

    def _c_width(self) -> str:
        return str(self.width or "")

    def _c_precision(self) -> str:
        return "" if self.precision is None else f".{self.precision}"

    def _zeroed(self, text: str) -> str:
        if "0" not in self.flags or "-" in self.flags:
            return self._padded(text)
        return text.zfill(self.width or 0)

    def _padded(self, text: str) -> str:
        width = self.width or 0
        if "-" in self.flags:
            return text.ljust(width)
        return text.rjust(width, "0" if "0" in self.flags else " ")


def _char(code: int) -> str:
    return chr(code) if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


_BASIC: tuple[tuple[type, str, Callable[..., str]], ...] = (
    (bool, "vt", _Verb.of_truth),
    (int, "vdboxXcqU", _Verb.of_whole),
    (float, "veEfFgG", _Verb.of_float),
    (str, "vsqxX", _Verb.of_text),
)
