"""What the styles of a Word document say about a paragraph: heading, code, item of a list.

A style is told by its name, because its id is anything at all (a Chinese Word calls the first heading "1"), and inherits from the style
that it is based on.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from knowledge_base.formats.xml import events

_HEADING = re.compile(r"^(?:heading|header|标题|標題|überschrift|titre|título)\s*([1-9])$", re.IGNORECASE)
_TITLE = re.compile(r"^(?:title|标题|標題|文档标题)$", re.IGNORECASE)
_CODE = re.compile(r"\bcode\b|source ?code|preformatted|代码|代碼|源码|等宽", re.IGNORECASE)
_EVEN = re.compile(
    r"mono|courier|consolas|menlo|monaco|lucida console|cascadia|source code|fira code|等宽", re.IGNORECASE
)
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Style:
    level: int = 0
    """Of a heading, 0 for what is none."""
    code: bool = False
    number: str = ""
    depth: int = 0
    name: str = ""
    based: str = ""


class Styles:
    def __init__(self, raw: bytes) -> None:
        self._found: dict[str, Style] = {}
        self._now = ""
        self._resolved = cache(self._resolve)
        events(raw, "styles", self._start, self._end, lambda _: None)

    def of(self, style: str) -> Style:
        return self._resolved(style)

    def is_even(self, font: str) -> bool:
        return bool(_EVEN.search(font[:80]))

    def _resolve(self, style: str) -> Style:
        """The style with what it inherits; a circle of styles ends where it was cut."""
        known = Style()
        for _ in range(_DEEPEST):
            found = self._found.get(style)
            if found is None:
                break
            known = Style(
                known.level or found.level,
                known.code or found.code,
                known.number or found.number,
                known.depth or found.depth,
            )
            style = found.based
        return known

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        value = attributes.get("val", "")
        if name == "style":
            self._now = attributes.get("styleId", "")
            self._found[self._now] = Style()
        elif self._now in self._found:
            self._found[self._now] = self._told(self._found[self._now], name, value, attributes)

    def _end(self, name: str) -> None:
        if name == "style":
            self._now = ""

    def _told(self, style: Style, name: str, value: str, attributes: dict[str, str]) -> Style:
        if name == "name":
            heading = _HEADING.match(value)
            level = min(int(heading[1]), 6) if heading else 1 if _TITLE.match(value) else style.level
            return replace(style, name=value, level=level, code=bool(_CODE.search(value[:80])))
        if name == "basedOn":
            return replace(style, based=value)
        if name == "outlineLvl" and value.isdecimal() and int(value[:3]) < 9:
            return replace(style, level=style.level or min(int(value[:3]) + 1, 6))
        if name == "numId":
            return replace(style, number=value)
        if name == "ilvl" and value.isdecimal():
            return replace(style, depth=int(value[:3]))
        if name == "rFonts" and self.is_even(attributes.get("ascii", "")):
            return replace(style, code=True)
        return style
