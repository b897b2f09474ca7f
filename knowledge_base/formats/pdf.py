"""PDF: each page's text under its number, and under the document's own outline where it has one.

A page's number is a heading of the lowest level ("p. 3"), so that a passage can be cited by its page whatever chapter it stands in; the
outline's entries are the headings above it, set where their words stand on the page. The library that reads PDF is lent bytes of
strangers: its work is counted (pages, operators, fonts, bytes unpacked), and whatever it stumbles over means that the file is refused.
"""

import logging
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_TEXT, Facts, Reading, labels, plain, tidy, validated

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_PAGES = 500
MAX_OPERATORS = 1_000_000
"""Of all pages together, forms counted each time that they are drawn."""
MAX_FONT_BYTES = 50_000_000
"""Of the tables that turn glyphs into letters, which the library reads again for each page."""
MAX_FONTS = 200
PAGE_LEVEL = 6
_BOUNDS: dict[str, Any] = {
    "zlib_maximum_output_length": 16_000_000,
    "lzw_maximum_output_length": 16_000_000,
    "run_length_maximum_output_length": 16_000_000,
    "array_based_stream_maximum_output_length": 16_000_000,
    "stream_decoding_work_maximum_length": 64_000_000,
    "stream_parsing_work_maximum_count": 400_000,
    "stream_filters_maximum_length": 4,
    "page_tree_maximum_entries": 5_000,
    "page_tree_maximum_page_entries": 100_000,
    "outline_maximum_entries": 5_000,
    "xform_maximum_invocations_per_extraction": 200,
    "jbig2dec_binary": None,
}
_BULLET = re.compile(r"^\s*[•●▪■◦‣∙·\uf0b7\uf0a7\uf0d8\uf06e]\s+")
_NO_TITLE = re.compile(r"^(?:untitled|microsoft word\b.*|.*\.(?:docx?|pdf|indd|tex|odt))$|^\W*$", re.IGNORECASE)
_Outline = dict[int, list[tuple[int, str]]]
_T = TypeVar("_T")


def read(raw: bytes) -> Reading:
    from pypdf import PdfReader, apply_configuration

    # The library tells of every oddity it steps over, in the words of the file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with apply_configuration(**_BOUNDS):
        reader = _tried(lambda: PdfReader(BytesIO(raw)), "it is broken")
        _opened(reader)
        count = _tried(lambda: len(reader.pages), "its pages are broken")
        if count > MAX_PAGES:
            raise Invalid(f"The PDF has {count} pages; up to {MAX_PAGES} are read.")
        pages = _pages(reader, count)
        if not any(page.strip() for page in pages):
            raise Invalid("The PDF holds no text, only pictures of it; have its letters recognized (OCR) first.")
        text = "\n\n".join(_written(pages, _outline(reader)))
        said = _metadata(reader)
    return Reading(text, _title(said, pages), _facts(said))


def _tried(step: Callable[[], _T], why: str) -> _T:
    try:
        return step()
    except Invalid:
        raise
    except Exception as error:  # noqa: BLE001  # a parser fed with anything fails in any way, and each way means the same
        too_much = type(error).__name__ == "LimitReachedError"
        reason = "it unpacks to more than is read" if too_much else why
        raise Invalid(f"The PDF cannot be read: {reason}.") from None


def _opened(reader: "PdfReader") -> None:
    if not _tried(lambda: reader.is_encrypted, "it is broken"):
        return
    # Many are locked against changes alone, and open for everybody without a password.
    if not _tried(lambda: reader.decrypt(""), "it is encrypted in a way that is not known"):
        raise Invalid("The PDF is encrypted; save it without a password.")


def _pages(reader: "PdfReader", count: int) -> list[str]:
    work = _Work()
    pages: list[str] = []
    size = 0
    for number in range(count):
        text = _tried(lambda number=number: work.text_of(reader.pages[number]), f"its page {number + 1} is broken")  # type: ignore[misc]
        size += len(text)
        if size > MAX_TEXT:
            raise Invalid(f"The text is longer than {MAX_TEXT} characters.")
        pages.append(tidy(text))
    return pages


class _Work:
    """What the pages cost together."""

    def __init__(self) -> None:
        self._operators = 0
        self._fonts = 0
        self._sizes: dict[int, int] = {}

    def text_of(self, page: "PageObject") -> str:
        self._count_fonts(page)
        return page.extract_text(visitor_operand_before=self._count)

    def _count(self, *_: object) -> None:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise Invalid(f"The PDF draws more than {MAX_OPERATORS} things.")

    def _count_fonts(self, page: "PageObject") -> None:
        resources: Any = page.get("/Resources")
        fonts = resources.get_object().get("/Font") if resources is not None else None
        held = list(fonts.get_object().values()) if fonts is not None else []
        if len(held) > MAX_FONTS:
            raise Invalid(f"A page of the PDF uses more than {MAX_FONTS} fonts.")
        self._fonts += sum(self._font_bytes(font.get_object()) for font in held)
        if self._fonts > MAX_FONT_BYTES:
            raise Invalid("The PDF's fonts are larger than any text needs.")

    def _font_bytes(self, font: Any) -> int:
        found = font.get("/ToUnicode") if hasattr(font, "get") else None
        table = found.get_object() if found is not None else None
        if table is None or not hasattr(table, "get_data"):
            return 0
        if id(table) not in self._sizes:
            self._sizes[id(table)] = len(table.get_data())
        return self._sizes[id(table)]


def _outline(reader: "PdfReader") -> _Outline:
    """By page, the headings that begin on it with their levels; a document without a readable outline has none."""
    found: _Outline = {}
    try:
        entries = _tried(lambda: list(_flat(reader.outline)), "its outline is broken")
        for level, entry in entries:
            page = _tried(lambda entry=entry: reader.get_destination_page_number(entry), "")  # type: ignore[misc]
            name = " ".join(tidy(str(entry.title)).split())[:200]
            if page is not None and name:
                found.setdefault(page, []).append((level, name))
    except Invalid:
        return {}
    return found


def _flat(outline: list[Any]) -> Iterator[tuple[int, Any]]:
    waiting = [(1, iter(outline))]
    while waiting:
        level, entries = waiting[-1]
        entry = next(entries, None)
        if entry is None:
            waiting.pop()
        elif isinstance(entry, list):
            waiting.append((min(level + 1, PAGE_LEVEL - 1), iter(entry)))
        else:
            yield level, entry


def _written(pages: list[str], outline: _Outline) -> Iterator[str]:
    for number, text in enumerate(pages):
        lines = [_line(line) for line in text.split("\n")]
        here = _placed(lines, outline.get(number, []))
        anchor = f"{'#' * PAGE_LEVEL} p. {number + 1}"
        start = 0
        for place, level, name in here:
            yield from _part(anchor, lines[start:place])
            yield f"{'#' * level} {name}"
            start = place + (_bare(lines[place]) == _bare(name) if place < len(lines) else 0)
        yield from _part(anchor, lines[start:])


def _part(anchor: str, lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield f"{anchor}\n\n{text}"


def _placed(lines: list[str], headings: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """Each heading with the line where its words stand; one whose words stand nowhere begins where the one before it does."""
    placed: list[tuple[int, int, str]] = []
    bare = [_bare(line) for line in lines]
    at = 0
    for level, name in headings:
        wanted = _bare(name)
        at = next((place for place in range(at, len(bare)) if bare[place] == wanted), at)
        placed.append((at, level, name))
    return placed


def _bare(line: str) -> str:
    return "".join(line.split()).casefold()


def _line(line: str) -> str:
    return plain(_BULLET.sub("- ", line.rstrip()))


def _metadata(reader: "PdfReader") -> dict[str, str]:
    try:
        found = _tried(lambda: dict(reader.metadata or {}), "its title is broken")
        return {name: tidy(str(found.get(f"/{name}") or "")) for name in ("Title", "Keywords")}
    except Invalid:
        return {}


def _title(said: dict[str, str], pages: list[str]) -> str:
    title = " ".join(said.get("Title", "").split())
    if not _NO_TITLE.match(title):
        return title[:200]
    lines = (line.strip() for page in pages[:1] for line in page.split("\n"))
    first = next((line for line in lines if line), "")
    return first if len(first) <= 120 else ""


def _facts(said: dict[str, str]) -> Facts:
    return validated({"tags": labels(said.get("Keywords", ""))}, "PDF")
