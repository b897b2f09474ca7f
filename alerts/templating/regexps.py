"""Go's regular expressions for templates, by the same means as for matchers: what Go's linear engine does not know is refused.

Unanchored and over longer texts than a matcher sees, so Python's backtracking is bounded as well: an expression with several unbounded
repetitions may only be tried on a text so short that even the worst case ends soon. Go's spellings that Python reads otherwise are
put into Python's: `$` is the very end, `\\z`, POSIX classes, ASCII-only `\\d \\w \\s`.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from alerts.routing.pattern import anchored
from alerts.templating.values import Failed, joined
from core.errors import Invalid

WORST = 30_000_000
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "blank": r"\t ",
    "xdigit": "0-9A-Fa-f",
    "word": "0-9A-Za-z_",
}
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?<(?=[A-Za-z])|\$|.", re.DOTALL)
_UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def matches(pattern: str, text: str) -> bool:
    return _tried(pattern, text).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Go's ReplaceAllString: no empty match right behind another, and `$1x` is the group named 1x."""
    return joined(_replaced(_tried(pattern, text), replacement, text))


def _replaced(pattern: re.Pattern[str], replacement: str, text: str) -> Iterator[str]:
    at, last = 0, -1
    for match in pattern.finditer(text):
        if match.end() == match.start() == last:
            continue
        yield text[at : match.start()]
        yield _expanded(replacement, match)
        at = last = match.end()
    yield text[at:]


def _tried(pattern: str, text: str) -> re.Pattern[str]:
    compiled, repetitions = _compiled(pattern)
    tries = repetitions + 1
    if len(text) ** tries > WORST * math.factorial(tries):
        raise Failed(f"the regular expression {pattern!r} would take too long on a text of {len(text)} characters")
    return compiled


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> tuple[re.Pattern[str], int]:
    try:
        pieces = [_in_python(piece, "(?m" in pattern) for piece in _PIECE.findall(pattern)]
        anchored("".join(pieces))
        compiled = re.compile("".join(pieces), re.ASCII)
    except Invalid as error:
        raise Failed(error.sentence) from None
    except (re.error, OverflowError, RecursionError) as error:
        raise Failed(f"the regular expression {pattern!r} is not valid: {error}") from None
    bare = "".join("x" if piece[0] in "\\[" else piece for piece in pieces)
    return compiled, len(_UNBOUNDED.findall(bare))


def _in_python(piece: str, by_lines: bool) -> str:
    if piece in ("\\z", "$") and not (by_lines and piece == "$"):
        return "\\Z"
    if piece == "(?<":
        return "(?P<"
    if piece == "\\Z":
        raise Invalid("The regular expression has \\Z, which Go does not know.")
    if piece[0] != "[":
        return piece
    return re.sub(r"\[:(\w+):\]", lambda match: _POSIX.get(match[1], match[0]), piece)


def _expanded(replacement: str, match: re.Match[str]) -> str:
    return _REFERENCE.sub(lambda found: "$" if found[1] else _group(match, found[2] or found[3]), replacement)


def _group(match: re.Match[str], name: str) -> str:
    if name.isdigit():
        return (match[int(name)] or "") if int(name[:6]) <= (match.re.groups or 0) else ""
    return (match[name] or "") if name in match.re.groupindex else ""
