"""Paragraphs of an office document, each of one shape, and the Markdown that they become together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_TEXT, fenced, grid, plain
from knowledge_base.formats.xml import events

_DEEPEST = 8
_UNORDERED = frozenset({"bullet", "none", ""})


@dataclass(frozen=True, slots=True)
class Block:
    shape: Literal["text", "heading", "item", "code", "table", "span"]
    text: str
    level: int = 0
    """Of a heading or an item; of a span, how many more columns it takes."""
    number: str = ""
    """Which of the document's lists an item belongs to."""
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def plain(self) -> str:
        cells = (cell for row in self.rows for cell in row if cell)
        return " ".join((self.text, *cells)) if self.rows else self.text


class Numbering:
    """Which lists count and which have bullets, and how far each has counted."""

    def __init__(self, raw: bytes) -> None:
        self._formats: dict[tuple[str, int], str] = {}
        self._abstract: dict[str, str] = {}
        self._at: tuple[str, int] = ("", 0)
        self._number = ""
        self._counts: dict[tuple[str, int], int] = {}
        events(raw, "numbering", self._start, lambda _: None, lambda _: None)

    def mark(self, number: str, depth: int) -> str:
        depth = min(depth, _DEEPEST)
        if self._formats.get((self._abstract.get(number, ""), depth), "") in _UNORDERED:
            return "-"
        self._counts[number, depth] = self._counts.get((number, depth), 0) + 1
        for deeper in range(depth + 1, _DEEPEST + 1):
            self._counts.pop((number, deeper), None)
        return f"{self._counts[number, depth]}."

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "abstractNum":
            self._at = (attributes.get("abstractNumId", ""), 0)
        elif name == "lvl" and attributes.get("ilvl", "").isdecimal():
            self._at = (self._at[0], min(int(attributes["ilvl"][:3]), _DEEPEST))
        elif name == "numFmt":
            self._formats.setdefault(self._at, attributes.get("val", ""))
        elif name == "num":
            self._number = attributes.get("numId", "")
        elif name == "abstractNumId":
            self._abstract[self._number] = attributes.get("val", "")


def written(blocks: Iterable[Block], numbering: Numbering) -> str:
    parts: list[str] = []
    size = 0
    for shape, together in groupby(blocks, key=lambda block: block.shape):
        for part in _parts(shape, together, numbering):
            size += len(part) + 2
            if size > MAX_TEXT:
                raise Invalid(f"The text is longer than {MAX_TEXT} characters.")
            parts.append(part)
    return "\n\n".join(parts)


def _parts(shape: str, blocks: Iterable[Block], numbering: Numbering) -> Iterator[str]:
    if shape == "code":
        code = "\n".join(block.text for block in blocks)
        if code.strip():
            yield fenced(code)
    elif shape == "item":
        items = [_item(block, numbering) for block in blocks if block.text.strip()]
        if items:
            yield "\n".join(items)
    else:
        yield from (part for block in blocks if (part := _one(block)))


def _item(block: Block, numbering: Numbering) -> str:
    mark = numbering.mark(block.number, block.level)
    indent = "   " * min(block.level, _DEEPEST)
    first, *rest = [" ".join(line.split()) for line in block.text.strip().split("\n")]
    inner = indent + " " * (len(mark) + 1)
    return "\n".join([f"{indent}{mark} {first}", *(inner + plain(line) for line in rest if line)])


def _one(block: Block) -> str:
    if block.shape == "table":
        return grid([list(row) for row in block.rows])
    if block.shape == "heading":
        return f"{'#' * block.level} {' '.join(block.text.split())}"
    return "\n".join(plain(line.rstrip()) for line in block.text.strip("\n").split("\n") if line.strip())
