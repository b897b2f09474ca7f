"""A written answer taken apart into statements: sentences, list items, rows and lines of code, each with the numbers it cites.

Code and the marks themselves never end a sentence. A mark that stands alone after a full stop belongs to the sentence before it; a sentence
without any takes the marks that come next on its line, and a line of code those of the line before or after its block.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["prose", "code", "frame"]
_MARKS = re.compile(r"\[\d{1,2}(?:\s*[,，]\s*\d{1,2})*\](?![(:A-Za-z0-9_])")
_NUMBER = re.compile(r"\d+")
_SPAN = re.compile(r"`[^`\n]*`")
_PREFIX = re.compile(r"^\s*(?:(?:[-*+•>]|\d+[.)、])\s+)*(?:\[[ x]\]\s+)?")
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|\*\*[^*]+\*\*\s*[:：]?\s*$)")
_END = re.compile(r"[。！？]+[”’」』）)]?|[.!?]+[”’\")]?(?=\s|$)")
_RULE = re.compile(r"^\s*(?:\|?[\s:|-]+\|?|[-*_]{3,})\s*$")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|no|cf)\.$", re.IGNORECASE)


@dataclass(slots=True)
class Statement:
    text: str
    """Without its marks."""
    kind: Kind
    marks: list[int] = field(default_factory=list)
    raw: str = ""
    """As it stood, with the white space before it."""
    own: bool = True
    """Whether the marks are its own, or a neighbour's that count for it, too."""


@dataclass(slots=True)
class Line:
    prefix: str
    statements: list[Statement]


def lines_of(text: str) -> list[Line]:
    lines: list[Line] = []
    fenced = False
    for raw in text.split("\n"):
        if raw.lstrip().startswith("```"):
            fenced = not fenced
            lines.append(Line(raw, []))
        elif fenced:
            lines.append(_code(raw))
        else:
            lines.append(_prose(raw))
    _lend(lines)
    return lines


def marks_of(text: str) -> list[int]:
    return [int(number) for group in _MARKS.findall(_hidden(text)) for number in _NUMBER.findall(group)]


def without_marks(text: str) -> str:
    hidden = _hidden(text)
    kept, done = "", 0
    for found in _MARKS.finditer(hidden):
        kept += text[done : found.start()].rstrip(" ")
        done = found.end()
    return (kept + text[done:]).strip()


def _code(raw: str) -> Line:
    bare = raw.strip()
    is_said = bool(bare) and not bare.startswith("#")
    return Line("" if is_said else raw, [Statement(bare, "code", raw=raw, own=False)] if is_said else [])


def _prose(raw: str) -> Line:
    if not raw.strip() or _RULE.match(raw):
        return Line(raw, [])
    prefix = _PREFIX.match(raw)
    before = prefix.group() if prefix and not _HEADING.match(raw) else ""
    rest = raw[len(before) :]
    if _HEADING.match(raw):
        return Line("", [Statement(without_marks(rest).strip("#* "), "frame", marks_of(rest), rest)])
    pieces = list(_sentences(rest))
    statements = [Statement(without_marks(piece), "prose", marks_of(piece), piece) for piece in pieces]
    later: list[int] = []
    for statement in reversed(statements):
        if statement.marks:
            later = statement.marks
        else:
            statement.marks, statement.own = list(later), False
    return Line(before, statements)


def _sentences(text: str) -> Iterator[str]:
    hidden = _hidden(text)
    start = 0
    for end in _END.finditer(hidden):
        if end.end() <= start or _ABBREVIATION.search(hidden[: end.end()]):
            continue
        stop = end.end()
        while orphan := re.match(r"\s*" + _MARKS.pattern, hidden[stop:]):
            stop += orphan.end()
        yield text[start:stop]
        start = stop
    if text[start:].strip():
        yield text[start:]


def _hidden(text: str) -> str:
    """The same length, with what stands in code put out of sight."""
    return _SPAN.sub(lambda found: "`" + "x" * (len(found.group()) - 2) + "`", text)


def _lend(lines: Sequence[Line]) -> None:
    """Code without marks takes those of the prose next to its block, the one before it first."""
    before: list[int] = []
    waiting: list[Statement] = []
    for line in lines:
        for statement in line.statements:
            if statement.kind == "code":
                statement.marks = list(before)
                waiting += [statement] if not before else []
                continue
            before = statement.marks or ([] if statement.kind == "frame" else before)
            for code in waiting if statement.marks else ():
                code.marks = list(statement.marks)
            waiting = [] if statement.marks else waiting
