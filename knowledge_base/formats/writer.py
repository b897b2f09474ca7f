"""Markdown written from elements that open and close: paragraphs, headings, lists, tables and code, each a block of its own.

Everything gathers in one line of pieces until a block ends. A table gathers rows; when something stands in a cell that no cell of
Markdown can hold (code, a heading, another table), the table was only there for the layout: what it has gathered is written and the
rest goes on as plain blocks. Lists deeper than a few levels are set no further in, or the spaces alone would outgrow any text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_TEXT, fenced, grid, plain

_DEEPEST = 8
_MAX_SPAN = 50
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_LISTS = frozenset({"ul", "ol", "dl", "menu"})
_ITEMS = frozenset({"li", "dt"})
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "html",
        "legend",
        "main",
        "p",
        "section",
        "summary",
    }
)
_SPACE = re.compile(r"[^\S\n]+")
_WHITE = re.compile(r"\s+")
_BREAK = "\x00"
"""A line break that was asked for, against one that only stands in the source."""


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int = 0


@dataclass(slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    span: int = 1


class Writer:
    def __init__(self) -> None:
        self._done: list[str] = []
        self._size = 0
        self._line: list[str] = []
        self._lists: list[_List] = []
        self._bullet = ""
        self._table: _Table | None = None
        self._code: list[str] | None = None
        self._language = ""

    @property
    def lines(self) -> Sequence[str]:
        return self._done

    def here(self) -> int:
        """How many lines are written, with everything that was begun."""
        self._dissolve()
        self._end_block()
        return len(self._done)

    def finished(self) -> str:
        self._end_code()
        self._dissolve()
        self._end_block()
        return "\n".join(self._done)

    def letters(self, text: str) -> None:
        if self._code is not None:
            self._code.append(text)
        elif text:
            self._line.append(_WHITE.sub(" ", text))

    def void(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "br":
            self._append("\n" if self._code is not None else _BREAK)
        elif name == "img" and attributes.get("alt", "").strip():
            self._append(f" {' '.join(attributes['alt'].split())[:300]} ")
        elif name == "hr":
            self._end_block()

    def start(self, name: str, attributes: Mapping[str, str], language: str = "") -> None:
        if self._code is not None:
            self._language = self._language or language
        elif name == "pre":
            self._start_code(language)
        elif name in _HEADINGS:
            self._dissolve()
            self._end_block()
        elif name in _CODE:
            self._line.append("`")
        elif name in _LISTS:
            self._end_block()
            self._lists.append(_List(name == "ol", _whole(attributes.get("start", "1")) - 1))
        elif name in _ITEMS:
            self._start_item()
        elif name in {"table", "tr", "td", "th"}:
            self._start_table_part(name, attributes)
        elif name in _BLOCKS:
            self._end_block()

    def end(self, name: str) -> None:
        if name == "pre":
            self._end_code()
        elif self._code is not None:
            return
        elif name in _HEADINGS:
            self._end_heading(int(name[1]))
        elif name in _CODE:
            self._end_inline_code()
        elif name in _LISTS:
            self._end_list()
        elif name in {"table", "td", "th"}:
            self._end_table_part(name)
        elif name == "caption":
            self._end_caption()
        elif name in _BLOCKS or name in _ITEMS:
            self._end_block()
            self._bullet = "" if name in _ITEMS else self._bullet

    def _append(self, text: str) -> None:
        (self._line if self._code is None else self._code).append(text)

    # Paragraphs, headings and items

    def _end_block(self) -> None:
        """What has gathered becomes a paragraph or an item; in a cell it stays where it is and only keeps its distance."""
        if self._table is not None:
            self._line.append(" ")
            return
        lines = [" ".join(part.split()) for part in "".join(self._line).split(_BREAK)]
        lines = [line for line in lines if line]
        self._line.clear()
        if not lines:
            return
        indent = self._indent()
        if self._bullet:
            first, *rest = lines
            inner = " " * (len(indent) + (3 if self._bullet[0].isdigit() else 2))
            lines = [f"{indent}{self._bullet} {first}", *(inner + plain(line) for line in rest)]
            self._bullet = ""
            self._emit(*lines)
        elif self._lists:
            self._emit(*(f"{indent}   {plain(line)}" for line in lines))
        else:
            self._block(*(plain(line) for line in lines))

    def _indent(self) -> str:
        return "   " * min(max(len(self._lists) - 1, 0), _DEEPEST)

    def _start_item(self) -> None:
        self._end_block()
        if self._table is not None:
            self._line.append("- ")
            return
        here = self._lists[-1] if self._lists else _List(ordered=False)
        here.number += 1
        self._bullet = f"{here.number}." if here.ordered else "-"

    def _end_list(self) -> None:
        self._end_block()
        self._bullet = ""
        if self._lists:
            self._lists.pop()
        if not self._lists and self._table is None:
            self._gap()

    def _end_heading(self, level: int) -> None:
        name = " ".join("".join(self._line).replace(_BREAK, " ").split())
        self._line.clear()
        if name and self._table is None:
            self._bullet = ""
            self._block(f"{'#' * level} {name}")

    def _block(self, *lines: str) -> None:
        self._gap()
        self._emit(*lines)
        self._gap()

    def _gap(self) -> None:
        if self._done and self._done[-1]:
            self._done.append("")

    def _emit(self, *lines: str) -> None:
        self._size += sum(len(line) + 1 for line in lines)
        if self._size > MAX_TEXT:
            raise Invalid(f"The text is longer than {MAX_TEXT} characters.")
        self._done.extend(lines)

    # Code

    def _start_code(self, language: str) -> None:
        self._dissolve()
        self._end_block()
        self._code, self._language = [], language

    def _end_code(self) -> None:
        if self._code is None:
            return
        code = "".join(self._code)
        self._code = None
        if code.strip():
            self._bullet = ""
            self._set_in(fenced(code, self._language).split("\n"))

    def _set_in(self, lines: list[str]) -> None:
        """Lines of a block that stays with its list, if it stands in one."""
        if self._lists:
            self._emit(*(f"   {line}" for line in lines))
        else:
            self._block(*lines)

    def _end_inline_code(self) -> None:
        if self._line and self._line[-1] == "`":
            self._line.pop()
        else:
            self._line.append("`")

    # Tables

    def _start_table_part(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "table":
            self._dissolve()
            self._end_block()
            self._table = _Table()
        elif self._table is None:
            self._end_block()
        elif name == "tr":
            self._end_stray()
            self._table.rows.append([])
        else:
            self._end_stray()
            self._table.span = min(max(_whole(attributes.get("colspan", "1")), 1), _MAX_SPAN)

    def _end_table_part(self, name: str) -> None:
        if name == "table":
            self._dissolve()
        elif self._table is not None:
            self._end_cell()
        else:
            self._end_block()

    def _end_cell(self) -> None:
        if self._table is None:
            return
        text = " ".join("".join(self._line).replace(_BREAK, " ").split())
        self._line.clear()
        if not self._table.rows:
            self._table.rows.append([])
        self._table.rows[-1].extend([text, *[""] * (self._table.span - 1)])
        self._table.span = 1

    def _end_stray(self) -> None:
        """Letters between cells, which no table should hold and none must lose."""
        if "".join(self._line).strip():
            self._end_cell()
        self._line.clear()

    def _end_caption(self) -> None:
        table, self._table = self._table, None
        self._end_block()
        self._table = table

    def _dissolve(self) -> None:
        """The table's rows as they are; what follows is no longer in it."""
        table, self._table = self._table, None
        if table is None:
            return
        rows = [row for row in table.rows if any(row)]
        if len(rows) == 1 and len([cell for cell in rows[0] if cell]) == 1:
            self._line = [*rows[0], " ", *self._line]
            self._end_block()
        elif rows:
            self._set_in(grid(rows).split("\n"))
        self._end_block()


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 1
