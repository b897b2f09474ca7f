"""What is settled on a query's text before the parser sees it.

promql-parser recurses once per operator and per parenthesis and ends the whole process when its stack is used up, so the text is measured
first. Raw strings in backquotes, which it reads with escapes, become quoted ones. It panics at moments before 1970, so the number behind
an `@` is read here and handed on shifted into the future. And it takes a duration where only a number may stand, and the other way round,
as the newest servers do and the one followed here does not.
"""

import math
import re

from simulator.promql.errors import ParseFailed
from simulator.promql.golang import quote

LONGEST_QUERY = 50_000
MOST_TOKENS = 1_500
FARTHEST_MS = 10_000_000_000_000  # the year 2286: beyond it there are no samples, wherever it is
SHIFT_MS = 2 * FARTHEST_MS

_NUMBER = r"(?:0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)(?![\w.])"
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+(?![\w.])"
_TOKEN = re.compile(
    rf"""(?P<raw>`[^`]*`)|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<comment>\#[^\n]*)
    |(?P<range>\[[^\]\["'`]*\])
    |(?P<moment>@\s*(?P<seconds>[-+]?\s*{_NUMBER}))
    |(?P<offset>\boffset\s*-?\s*(?:{_DURATION}|(?P<plain>{_NUMBER})))
    |(?P<duration>(?<![\w.:]){_DURATION})
    |(?P<brace>[{{}}])
    |(?P<weight>[-+*/%^<>=!(\[@]|\b(?:and|or|unless|atan2)\b)""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_OPENS = ("", *"([,+-*/%^=<>!")
_OPERATOR_BEFORE = re.compile(r"\b(?:and|or|unless|atan2|bool)\s*$", re.ASCII | re.IGNORECASE)
_UNITLESS = re.compile(r"[\[:]\s*-?\d+\s*[\]:]", re.ASCII)
_WEIGHTY = ("weight", "range", "moment", "brace")
_SHIFTED = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|@ (?P<seconds>\d{11})\.(?P<rest>\d{3})""", re.ASCII
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def prepared(query: str) -> str:
    if len(query) > LONGEST_QUERY:
        raise ParseFailed(f"parse error: query is longer than {LONGEST_QUERY} characters")
    if "\0" in query:
        raise ParseFailed("parse error: query holds a zero byte")
    weight = sum(1 for token in _TOKEN.finditer(query) if token.lastgroup in _WEIGHTY)
    if weight > MOST_TOKENS:
        raise ParseFailed(f"parse error: query has more than {MOST_TOKENS} operators and brackets")
    _refuse_quoted_names(query)
    return _TOKEN.sub(_rewritten, query)


def with_minus_for_plus(text: str) -> str | None:
    """The text with each sign a minus, if a plus is among them: the parser forgets a plus, and what it may not stand before."""
    changed = _TOKEN.sub(lambda token: "-" if token.group() == "+" and _is_sign(token) else token.group(), text)
    return changed if changed != text else None


def _is_sign(token: re.Match[str]) -> bool:
    return _before(token) in _OPENS or _OPERATOR_BEFORE.search(token.string, 0, token.start()) is not None


def unshifted(moment_ms: int) -> int:
    return moment_ms - SHIFT_MS


def with_moments(text: str) -> str:
    """A text that the parser has written, with the moments as the author of the query gave them."""
    return _SHIFTED.sub(_moment_again, text)


def _refuse_quoted_names(query: str) -> None:
    """Only the newest servers take a label's name as a string."""
    braces = 0
    for token in _TOKEN.finditer(query):
        if token.lastgroup == "brace":
            braces += 1 if token.group() == "{" else -1
        elif token.lastgroup in ("string", "raw"):
            before = _before(token)
            if braces > 0 and before in ("{", ","):
                shown = quote(token.group())
                raise ParseFailed(
                    f'parse error: unexpected string {shown} in label matching, expected identifier or "}}"'
                )


def _before(token: re.Match[str]) -> str:
    return token.string[: token.start()].rstrip()[-1:]


def _rewritten(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "raw":
            return '"' + "".join(_ESCAPES.get(char, char) for char in token.group()[1:-1]) + '"'
        case "moment":
            shifted = _moment_ms(token["seconds"]) + SHIFT_MS
            return f"@ {shifted // 1000}.{shifted % 1000:03d}"
        case "range" if _UNITLESS.search(token.group()):
            raise ParseFailed("parse error: missing unit character in duration")
        case "duration":
            raise ParseFailed(f'parse error: unexpected duration "{token.group()}"')
        case "offset" if token["plain"] is not None:
            raise ParseFailed(f'parse error: unexpected number "{token["plain"]}" in offset, expected duration')
        case "offset" if _before(token) in _OPENS:  # a metric of that name, from which a duration is taken
            raise ParseFailed(f"parse error: unexpected duration in {quote(token.group())}")
        case _:
            return token.group()


def _moment_ms(text: str) -> int:
    compact = "".join(text.split()).lower()
    seconds = float(int(compact, 16)) if "0x" in compact else float(compact)
    if not abs(seconds) < 2.0**63 / 1000:
        raise ParseFailed(f"parse error: timestamp out of bounds for @ modifier: {seconds:f}")
    return min(max(math.floor(abs(seconds) * 1000 + 0.5) * (-1 if seconds < 0 else 1), -FARTHEST_MS), FARTHEST_MS)


def _moment_again(found: re.Match[str]) -> str:
    if found["string"] is not None:
        return found.group()
    moment = unshifted(int(found["seconds"]) * 1000 + int(found["rest"]))
    return f"@ {'-' if moment < 0 else ''}{abs(moment) // 1000}.{abs(moment) % 1000:03d}"
