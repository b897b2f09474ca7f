"""What of a passage is shown first: the line that answers most, and where in it the question's words stand.

Places are numbers of characters, so that whoever shows the line decides how: no markup is made here, and none has to be trusted.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from core.language import unwrapped
from knowledge_base.segment import Segmenter

MAX_QUOTE = 300
MAX_MARKS = 24
_STARTS_ANEW = re.compile(r"\n(?=\s*(?:[-*+|>#`~]|\d+[.)]\s|\n))")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])\s*")
_KEPT = 512


class Quoter:
    """Remembers what the lines of the passages shown last say: those that are asked for are asked for again."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._said = lru_cache(maxsize=_KEPT)(self._lines)

    def quote(self, text: str, wanted: frozenset[str]) -> str:
        best, _ = max(self._said(text), key=lambda line: len(wanted & line[1]), default=("", frozenset()))
        return best if len(best) <= MAX_QUOTE else best[: MAX_QUOTE - 1] + "…"

    def marks(self, quote: str, wanted: frozenset[str]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for begin, end, unit in self._segmenter.located(quote):
            if wanted.isdisjoint(unit.terms):
                continue
            if found and begin <= found[-1][1] + 1 and not quote[found[-1][1] : begin].strip():
                found[-1] = (found[-1][0], end)
            else:
                found.append((begin, end))
        return found[:MAX_MARKS]

    def _lines(self, text: str) -> tuple[tuple[str, frozenset[str]], ...]:
        lines = [line for line in statements(text) if any(char.isalnum() for char in line)]
        return tuple((line, frozenset(self._segmenter.terms(line))) for line in lines)


def statements(text: str) -> Iterator[str]:
    """List items and table rows as they stand, paragraphs sentence by sentence however their lines were wrapped."""
    for paragraph in _STARTS_ANEW.split(text):
        line = unwrapped(paragraph)
        yield from _SENTENCE_END.split(line) if line and line[0].isalpha() else (line,)
