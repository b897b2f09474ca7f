"""Word documents: the paragraphs in their order, each by what its style says it is.

A heading is told by its style's name in English or Chinese or by its outline level, through the styles it is based on; a list by its
numbering; code by a style that says so or by letters of one width. A table of one cell is a frame around what it holds. What was
deleted, hidden or only drawn again for older programs is left out, and macros are bytes that nobody asks for.
"""

import re
from dataclasses import dataclass, field

from core.errors import Invalid
from knowledge_base.formats.archive import Archive
from knowledge_base.formats.pages import Block, Numbering, written
from knowledge_base.formats.reading import Reading, labels, tidy, validated
from knowledge_base.formats.styles import Styles
from knowledge_base.formats.xml import events

MAX_PART = 48 * 1024 * 1024
_MAX_SMALL_PART = 8 * 1024 * 1024
_MAX_SPAN = 50
_BODY = re.compile(r"^word/document\d{0,3}\.xml$")
_PASSED_OVER = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "rPrChange", "pPrChange"})
_OFF = frozenset({"0", "false", "off", "none"})


def read(raw: bytes) -> Reading:
    archive = Archive(raw)
    body = next((name for name in archive.names if _BODY.match(name)), None)
    if body is None:
        raise Invalid(f"The file is named .docx, but holds {_other(archive.names)}.")
    styles = Styles(archive.part("word/styles.xml", _MAX_SMALL_PART))
    numbering = Numbering(archive.part("word/numbering.xml", _MAX_SMALL_PART))
    document = _Document(styles)
    events(archive.part(body, MAX_PART), "text", document.start, document.end, document.letters)
    core = _Core()
    events(archive.part("docProps/core.xml", _MAX_SMALL_PART), "title", core.start, core.end, core.letters)
    title = " ".join(tidy(core.said["title"]).split()) or document.title
    facts = validated({"tags": labels(tidy(core.said["keywords"]))}, "document")
    return Reading(written(document.blocks, numbering), title[:200], facts)


def _other(names: list[str]) -> str:
    for beginning, holds in (("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation")):
        if any(name.startswith(beginning) for name in names):
            return holds
    return "an OpenDocument file" if "META-INF/manifest.xml" in names and "content.xml" in names else "a zip archive"


@dataclass(slots=True)
class _Paragraph:
    style: str = ""
    number: str | None = None
    depth: int | None = None
    outline: int | None = None
    text: list[str] = field(default_factory=list)
    letters: int = 0
    even: int = 0
    """How many of its letters are of one width."""


@dataclass(slots=True)
class _Table:
    rows: list[list[list[Block]]] = field(default_factory=list)


class _Document:
    def __init__(self, styles: Styles) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._styles = styles
        self._paragraphs: list[tuple[_Paragraph, bool]] = []
        self._tables: list[_Table] = []
        self._over = 0
        self._in_run = self._hidden = self._even = self._gathers = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._over or name in _PASSED_OVER:
            self._over += 1
        elif name == "p":
            self._paragraphs.append((_Paragraph(), self._in_run))
            self._in_run = False
        elif name in {"tbl", "tr", "tc", "gridSpan"}:
            self._table_part(name, attributes)
        elif name == "r":
            self._in_run, self._hidden, self._even = True, False, False
        elif self._paragraphs:
            self._mark(name, attributes.get("val", ""), attributes)

    def letters(self, text: str) -> None:
        if self._gathers and not self._over:
            self._add(text)

    def end(self, name: str) -> None:
        if self._over:
            self._over -= 1
        elif name == "t":
            self._gathers = False
        elif name == "r":
            self._in_run = False
        elif name == "p" and self._paragraphs:
            paragraph, self._in_run = self._paragraphs.pop()
            self._place(self._block(paragraph))
        elif name == "tbl" and self._tables:
            self._end_table(self._tables.pop())

    def _mark(self, name: str, value: str, attributes: dict[str, str]) -> None:
        paragraph = self._paragraphs[-1][0]
        if self._in_run:
            self._mark_run(name, value, attributes)
        elif name == "t":
            self._gathers = True
        elif name == "pStyle":
            paragraph.style = value
        elif name == "numId":
            paragraph.number = value
        elif name == "ilvl":
            paragraph.depth = _whole(value)
        elif name == "outlineLvl":
            paragraph.outline = _whole(value)

    def _mark_run(self, name: str, value: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self._gathers = True
        elif name in {"vanish", "webHidden"}:
            self._hidden = value not in _OFF
        elif name == "rFonts":
            self._even = self._styles.is_even(attributes.get("ascii", ""))
        elif name in {"br", "cr"}:
            self._add("\n")
        elif name == "tab":
            self._add("\t")
        elif name == "noBreakHyphen":
            self._add("-")

    def _add(self, text: str) -> None:
        if not self._paragraphs or self._hidden:
            return
        paragraph = self._paragraphs[-1][0]
        paragraph.text.append(text)
        paragraph.letters += len(text.strip())
        paragraph.even += len(text.strip()) if self._even else 0

    def _block(self, paragraph: _Paragraph) -> Block:
        style = self._styles.of(paragraph.style)
        text = tidy("".join(paragraph.text))
        level = (
            style.level if paragraph.outline is None else min(paragraph.outline + 1, 6) if paragraph.outline < 9 else 0
        )
        if level and text.strip():
            self.title = self.title or (" ".join(text.split()) if level == 1 else "")
            return Block("heading", text, level)
        if style.code or (paragraph.even and paragraph.even == paragraph.letters):
            return Block("code", text)
        number = style.number if paragraph.number is None else paragraph.number
        if number and number != "0":
            return Block("item", text, style.depth if paragraph.depth is None else paragraph.depth, number)
        return Block("text", text)

    def _place(self, block: Block) -> None:
        rows = self._tables[-1].rows if self._tables else []
        if rows and rows[-1]:
            rows[-1][-1].append(block)
        else:
            self.blocks.append(block)

    def _table_part(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tbl":
            self._tables.append(_Table())
            return
        rows = self._tables[-1].rows if self._tables else []
        if name == "tr" and self._tables:
            rows.append([])
        elif name == "tc" and rows:
            rows[-1].append([])
        elif name == "gridSpan" and rows and rows[-1]:
            more = min(_whole(attributes.get("val", "1")), _MAX_SPAN) - 1
            # The empty cells go before the one that is being filled, and change places with it when the table ends.
            rows[-1][-1].append(Block("span", "", max(more, 0)))

    def _end_table(self, table: _Table) -> None:
        cells = [cell for row in table.rows for cell in row]
        if len(cells) == 1:
            for block in cells[0]:
                if block.shape != "span":
                    self._place(block)
            return
        rows = tuple(tuple(text for cell in row for text in _cell(cell)) for row in table.rows)
        self._place(Block("table", "", rows=rows))


def _cell(blocks: list[Block]) -> list[str]:
    text = " ".join(block.plain for block in blocks if block.plain.strip())
    return [text, *[""] * sum(block.level for block in blocks if block.shape == "span")]


class _Core:
    """The document's title and keywords."""

    def __init__(self) -> None:
        self.said = {"title": "", "keywords": ""}
        self._now = ""

    def start(self, name: str, _: dict[str, str]) -> None:
        self._now = name

    def end(self, _: str) -> None:
        self._now = ""

    def letters(self, text: str) -> None:
        if self._now in self.said and len(self.said[self._now]) < 4_000:
            self.said[self._now] += text


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
