"""A template's text cut into tokens, each with its line: text outside ``{{ }}``, and the words inside.

Go's rules: a trim mark wants a space beside it and takes the white space on its side; a comment stands alone in its braces; a word ends
at a space, a bracket, a comma, a pipe, a colon or a dot.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import Invalid

_SPACE = " \t\r\n"
_LEFT = re.compile(r"\{\{(?P<trim>-(?=[ \t\r\n]))?")
_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/(?P<trim>[ \t\r\n]-)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<right>[ \t\r\n]+-\}\}|\}\})
    |(?P<space>[ \t\r\n]+)
    |(?P<declare>:=)|(?P<assign>=)|(?P<pipe>\|)|(?P<open>\()|(?P<close>\))|(?P<comma>,)
    |(?P<string>"(?:\\.|[^"\\\n])*")
    |(?P<raw>`[^`]*`)
    |(?P<char>'(?:\\.|[^'\\\n])[^'\n]*')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?))
    |(?P<variable>\$\w*)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<dot>\.)
    |(?P<word>[^\W\d]\w*)""",
    re.VERBOSE,
)
_ENDS_WORD = re.compile(r"[ \t\r\n.,|:()]|\}\}|\Z")
_WORDS = frozenset({"variable", "field", "word", "number"})


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int


def tokens(text: str, source: str) -> Iterator[Token]:
    """`text` tokens outside actions; each action ends with a `right`; an `end` comes last."""
    at, line, trims = 0, 1, False
    while match := _LEFT.search(text, at):
        literal = text[at : match.start()]
        yield Token("text", _trimmed(literal, left=trims, right=bool(match["trim"])), line)
        line += literal.count("\n")
        comment = _COMMENT.match(text, match.end()) if _may_be_comment(text, match) else None
        if comment:
            at, trims = comment.end(), bool(comment["trim"])
            line += comment[0].count("\n")
            continue
        for token, end in _inside(text, match.end(), line, source):
            yield token
            at = end
        line += text.count("\n", match.start(), at)
        trims = text[:at].endswith("-}}")
    yield Token("text", _trimmed(text[at:], left=trims, right=False), line)
    yield Token("end", "", line + text.count("\n", at))


def _may_be_comment(text: str, left: re.Match[str]) -> bool:
    """Without a trim mark there is no space before it."""
    return bool(left["trim"]) or text.startswith("/*", left.end())


def _inside(text: str, at: int, line: int, source: str) -> Iterator[tuple[Token, int]]:
    while True:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            rest = text[at : at + 20].splitlines()
            raise Invalid(
                f"{source}, line {line}: "
                + (f"not understood: {rest[0]!r}." if rest else "{{ is opened and not closed.")
            )
        kind, at = match.lastgroup, match.end()
        if kind in _WORDS and not _ENDS_WORD.match(text, at):
            raise Invalid(f"{source}, line {line}: not understood: {match[0] + text[at : at + 5]!r}.")
        line += match[0].count("\n")
        yield Token(kind, match[0], line), at
        if kind == "right":
            return


def _trimmed(literal: str, *, left: bool, right: bool) -> str:
    literal = literal.lstrip(_SPACE) if left else literal
    return literal.rstrip(_SPACE) if right else literal
