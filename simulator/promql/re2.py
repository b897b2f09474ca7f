"""Go's regular expressions, translated for Python's engine; what the two do not share is refused by name.

Most of the syntax is common. Different are the classes (`\\p{L}`, `[[:alpha:]]`, what counts as space), some escapes, quoted stretches,
flags in the middle of an expression, and what `$` and `\\z` mean. Python's own additions, such as backreferences and looking around, do
not exist in Go: they would take exponential time, and Prometheus calls them errors.
"""

import re
import sys
import unicodedata
from functools import lru_cache

MOST_REPEATS = 1_000

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-\/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CLASSES = {"d": "0-9", "s": r"\t\n\f\r ", "w": "0-9A-Za-z_"}
_CATEGORIES = frozenset(
    {unicodedata.category(chr(code)) for code in (*range(0x3000), 0xD800, 0xE000)} | set("CLMNPSZ") | {"Zl", "Zp"}
)
_CONTROLS = {"a": r"\x07", "f": r"\x0c", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\x0b"}
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_GROUP = re.compile(r"\(\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))", re.ASCII)
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]", re.ASCII)
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))", re.ASCII)
_OCTAL = re.compile(r"(?:0[0-7]{0,2}|[1-7][0-7]{1,2})", re.ASCII)
_UNICODE = re.compile(r"[pP](?:\{(\^?)(\w+)\}|([A-Z]))", re.ASCII)


class NotRe2(ValueError):
    """The expression is wrong, or right and not supported here; the sentence says which."""


def to_python(source: str) -> str:
    return _Translation(source).whole()


class _Translation:
    """One walk over the expression. `_open` holds, for each open group, how many of Python's groups its flags have opened since."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._out: list[str] = []
        self._open: list[list[str]] = [[]]
        self._repeatable = False
        self._repeated = False

    def whole(self) -> str:
        while self._at < len(self._source):
            self._one()
        if len(self._open) > 1:
            raise NotRe2(f"missing closing ): `{self._source}`")
        return "".join(self._out) + self._closing()

    def _one(self) -> None:
        char = self._source[self._at]
        match char:
            case "\\":
                self._escape()
            case "[":
                self._class()
            case "(":
                self._group()
            case ")":
                self._end_of_group()
            case "|":
                self._put(self._closing() + "|" + "".join(self._open[-1]), 1, repeatable=False)
            case "*" | "+" | "?" | "{":
                self._repetition(char)
            case "$":
                self._put("$" if self._is_multiline() else r"\Z", 1)
            case "^" | ".":
                self._put(char, 1)
            case _:
                self._put(_literal(char), 1)

    def _put(self, text: str, length: int, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += length
        self._repeatable, self._repeated = repeatable, False

    def _closing(self) -> str:
        return ")" * len(self._open[-1])

    def _is_multiline(self) -> bool:
        return any("m" in flags.partition("-")[0] for group in self._open for flags in group)

    def _escape(self) -> None:
        rest = self._source[self._at + 1 :]
        if rest.startswith("Q"):
            quoted, end, _ = rest[1:].partition(r"\E")
            self._put("".join(map(_literal, quoted)), 2 + len(quoted) + len(end))
        elif rest[:1] in ("b", "B", "A"):
            self._put("\\" + rest[0], 2)
        elif rest[:1] == "z":
            self._put(r"\Z", 2)
        else:
            text, length, is_class = self._in_class(rest)
            self._put(f"[{text}]" if is_class else text, length + 1)

    def _in_class(self, rest: str) -> tuple[str, int, bool]:
        """What an escape stands for within brackets, its length, and whether it stands for several characters."""
        if rest[:1].lower() in _CLASSES:
            members = _CLASSES[rest[0].lower()]
            return (members if rest[0].islower() else _others(members)), 1, True
        if found := _UNICODE.match(rest):
            return self._category(found), found.end(), True
        if found := _HEX.match(rest):
            return _literal(_char(int(found[1] or found[2], 16), self._source)), found.end(), False
        if found := _OCTAL.match(rest):
            return _literal(chr(int(found[0], 8))), found.end(), False
        if rest[:1] in _CONTROLS:
            return _CONTROLS[rest[0]], 1, False
        if rest and rest[0].isascii() and not rest[0].isalnum():
            return _literal(rest[0]), 1, False
        raise NotRe2(
            f"invalid escape sequence: `\\{rest[:1]}`" if rest else "trailing backslash at end of expression: ``"
        )

    def _category(self, found: re.Match[str]) -> str:
        name = found[2] or found[3]
        if name not in _CATEGORIES and name != "Any":
            raise NotRe2(f"the class \\{found[0]} is not supported here: only general categories are")
        negated = (found[0][0] == "P") != bool(found[1])
        return _members(name, negated=negated)

    def _class(self) -> None:
        at = self._at + 1
        parts = ["["]
        if self._source[at : at + 1] == "^":
            parts.append("^")
            at += 1
        first = at
        while at < len(self._source) and (self._source[at] != "]" or at == first):
            text, length = self._member(at)
            parts.append(text)
            at += length
        if at >= len(self._source):
            raise NotRe2(f"missing closing ]: `{self._source[self._at :]}`")
        self._put("".join(parts) + "]", at + 1 - self._at)

    def _member(self, at: int) -> tuple[str, int]:
        char = self._source[at]
        if found := _POSIX_CLASS.match(self._source, at):
            if found[2] not in _POSIX:
                raise NotRe2(f"invalid character class range: `{found[0]}`")
            return (_others(_POSIX[found[2]]) if found[1] else _POSIX[found[2]]), len(found[0])
        if char == "\\":
            text, length, _ = self._in_class(self._source[at + 1 :])
            return text, length + 1
        return ("-" if char == "-" else _literal(char)), 1

    def _group(self) -> None:
        if not self._source.startswith("(?", self._at):
            self._open.append([])
            self._put("(", 1, repeatable=False)
            return
        found = _GROUP.match(self._source, self._at)
        if found is None:
            raise NotRe2(f"invalid or unsupported Perl syntax: `{self._source[self._at : self._at + 3]}`")
        flags = found["flags"] or ""
        if "i" in flags and not self._source.isascii():
            raise NotRe2(f"the flag i is not supported here beyond ASCII: `{self._source}`")
        if "U" in flags:
            raise NotRe2(f"the flag U is not supported here: `{self._source}`")
        if found["name"] is not None:
            self._open.append([])
            self._put(f"(?P<{found['name']}>", len(found[0]), repeatable=False)
        elif found["end"] == ":":
            self._open.append([])
            self._put(found[0], len(found[0]), repeatable=False)
        else:
            self._open[-1].append(f"(?{flags}:")
            self._put(f"(?{flags}:", len(found[0]), repeatable=False)

    def _end_of_group(self) -> None:
        if len(self._open) == 1:
            raise NotRe2(f"unexpected ): `{self._source}`")
        closing = self._closing()
        self._open.pop()
        self._put(closing + ")", 1)

    def _repetition(self, char: str) -> None:
        text = char
        if char == "{":
            found = _REPEAT.match(self._source, self._at)
            if found is None:
                self._put(r"\{", 1)
                return
            text = found[0]
            if max(int(found[1]), int(found[3] or 0)) > MOST_REPEATS or (found[3] and int(found[3]) < int(found[1])):
                raise NotRe2(f"invalid repeat count: `{text}`")
        if not self._repeatable:
            raise NotRe2(f"missing argument to repetition operator: `{text}`")
        if self._repeated:
            raise NotRe2(f"invalid nested repetition operator: `{text}`")
        lazy = "?" if self._source.startswith("?", self._at + len(text)) else ""
        self._put(text + lazy, len(text) + len(lazy))
        self._repeated = True


def _literal(char: str) -> str:
    return char if char.isalnum() or not char.isascii() or char in "_/" else "\\" + char


def _char(code: int, source: str) -> str:
    if code > sys.maxunicode:
        raise NotRe2(f"invalid escape sequence: `{source}`")
    return chr(code)


@lru_cache(maxsize=64)
def _others(members: str) -> str:
    """The complement of a class of ASCII members, as members."""
    inside = re.compile(f"[{members}]", re.ASCII)
    codes = [code for code in range(128) if inside.match(chr(code)) is None]
    return "".join(f"\\x{code:02x}" for code in codes) + r"\x80-\U0010ffff"


@lru_cache(maxsize=64)
def _members(category: str, *, negated: bool) -> str:
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        within = category == "Any" or unicodedata.category(chr(code)).startswith(category)
        if within == negated:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
