"""`severity="critical"`, `pod=~"cart-.+"`: conditions on labels, read as Alertmanager reads them.

An absent label is an empty one. A list of matchers holds when all of them hold. The text form is the one that group keys, silences and
`amtool` show, so it is written exactly as Alertmanager writes it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.regexps import compiled
from core.errors import Invalid

MAX_VALUE = 4096
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_FORM = re.compile(
    r'\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)+")\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*?)\s*', re.DOTALL
)
_OPS = ("=", "!=", "=~", "!~")
_GO_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    value: str
    op: str = "="

    def __post_init__(self) -> None:
        if self.op not in _OPS:
            raise Invalid(f"A matcher compares with =, !=, =~ or !~, not {self.op!r}.", field="matchers")
        if len(self.value) > MAX_VALUE:
            raise Invalid(f"The value of a matcher is longer than {MAX_VALUE} characters.", field="matchers")
        if self.is_regex:
            compiled(self.value)

    @property
    def is_regex(self) -> bool:
        return self.op.endswith("~")

    @property
    def is_equal(self) -> bool:
        return not self.op.startswith("!")

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.name, "")
        held = bool(compiled(self.value).fullmatch(value)) if self.is_regex else value == self.value
        return held is self.is_equal

    def __lt__(self, other: "Matcher") -> bool:
        """In Alertmanager's order, which is the order in a group's key."""
        return (self.name, self.value, _OPS.index(self.op)) < (other.name, other.value, _OPS.index(other.op))

    def __str__(self) -> str:
        name = self.name if _NAME.fullmatch(self.name) else f'"{escaped(self.name)}"'
        return f'{name}{self.op}"{escaped(self.value)}"'

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "isRegex": self.is_regex, "isEqual": self.is_equal}


Matchers = tuple[Matcher, ...]


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


def shown(matchers: Iterable[Matcher]) -> str:
    return "{" + ",".join(map(str, matchers)) + "}"


def parse_matcher(text: str) -> Matcher:
    form = _FORM.fullmatch(text)
    if form is None:
        raise Invalid(f'{text!r} is not a matcher; write it as name="value", !=, =~ or !~.', field="matchers")
    name, value = form["name"], form["value"]
    return Matcher(_unquoted(name, text) if name.startswith('"') else name, _value(value, text), form["op"])


def parse_matchers(text: str) -> list[Matcher]:
    """One or several, with commas between, with or without braces around."""
    inner = text.strip()
    if inner.startswith("{") != inner.endswith("}") or inner == "{":
        raise Invalid(f"{text!r}: a brace is opened and not closed, or closed and not opened.", field="matchers")
    inner = inner[1:-1] if inner.startswith("{") else inner
    parts = [part for part in _split(inner) if part.strip()]
    return [parse_matcher(part) for part in parts]


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def quoted(value: str) -> str:
    """As Go's `%q`, which is how a group's key has its labels."""
    return '"' + "".join(char if _is_plain(char) else _escape(char) for char in value) + '"'


def _is_plain(char: str) -> bool:
    return char.isprintable() and char not in ('"', "\\")


def _escape(char: str) -> str:
    code = ord(char)
    if char in _GO_ESCAPES:
        return _GO_ESCAPES[char]
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _split(text: str) -> list[str]:
    """At commas outside quotes."""
    parts, quoted, begin, skip = [], False, 0, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append(text[begin:at])
            begin = at + 1
    return [*parts, text[begin:]]


def _value(value: str, text: str) -> str:
    if value.startswith('"'):
        return _unquoted(value, text)
    if re.search(r'(?<!\\)"', value):
        raise Invalid(f"{text!r}: a quotation mark inside a value must be escaped.", field="matchers")
    return _unescaped(value)


def _unquoted(value: str, text: str) -> str:
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL):
        raise Invalid(f"{text!r}: the value's quotation marks do not match.", field="matchers")
    return _unescaped(value[1:-1])


def _unescaped(value: str) -> str:
    """An escape that is none stays as it is, with its backslash: regular expressions are full of them."""
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[0]), value, flags=re.DOTALL)
