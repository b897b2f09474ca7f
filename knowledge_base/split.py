"""A page is cut where its author cut it: at the headings.

Each passage carries the path of headings above it, so that "Repair" still says what is repaired, and the number of its section, so that
an answer can show what stood around it. A section too long for one passage is cut between blocks; a list, a table and a code block are
blocks and stay whole, because half a command is worse than none. Only a block longer than the hard limit is cut inside, where it bears
it best: a table between its rows, each part under the head again; code between its lines, each part fenced again; a list between its
items. Words too few to mean anything alone join what they stand next to, and nothing that is written is left out of all passages.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

WISHED = 1_400
HARD = 4_000
TOO_SHORT = 40
MAX_HEADING = 300
"""A longer one is taken for text: it would be carried by every passage below it."""
_LEVEL = re.compile(r"^(#{1,6})(?=\s)")
_CLOSING = re.compile(r"(?:^|(?<=\s))#+$")
_FENCE = re.compile(r"^(\s{0,3})(`{3,}|~{3,})([^\n]*)$")
_ITEM = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s")
_RULER = frozenset("|-: \t")
_SENTENCE_END = re.compile(r"[.!?]\s|[。！？；]")


@dataclass(frozen=True, slots=True)
class Piece:
    headings: tuple[str, ...]
    text: str
    section: int = 0
    """Which of `sections(page)` it was cut from."""


@dataclass(frozen=True, slots=True)
class Section:
    headings: tuple[str, ...]
    level: int
    """Of its own heading; 0 for what stands before the first."""
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def split(text: str, *, wished: int = WISHED, hard: int = HARD) -> list[Piece]:
    pieces: list[Piece] = []
    found = sections(text)
    bare: list[int] = []
    for number, section in enumerate(found):
        before = len(pieces)
        for passage in _packed(_blocks(section.lines), wished, hard):
            _add(pieces, Piece(section.headings, passage, number))
        deeper = number + 1 < len(found) and found[number + 1].level > section.level
        if len(pieces) == before and section.level and not deeper:
            bare.append(number)
        elif len(pieces) > before:
            _hang(pieces, before, [found[one] for one in bare], hard)
            bare.clear()
    if pieces:
        _hang(pieces, len(pieces), [found[one] for one in bare], hard)
    return pieces


def sections(text: str) -> list[Section]:
    """The page's sections in their order; a passage's `section` is a place in this list."""
    return list(_sections(text.split("\n")))


def surroundings(text: str, section: int) -> str:
    """All that stands in the section that a passage was cut from; nothing where the page has changed meanwhile."""
    found = sections(text)
    return found[section].text if 0 <= section < len(found) else ""


def first_heading(text: str) -> str:
    """The page's name for itself: its first heading of the first level, which no comment in a code block is."""
    return next((one.headings[-1] for one in _sections(text.split("\n")) if one.level == 1), "")


def _add(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    if last and last.section == piece.section and len(piece.text) < TOO_SHORT:
        pieces[-1] = Piece(last.headings, f"{last.text}\n\n{piece.text}", last.section)
    else:
        pieces.append(piece)


def _hang(pieces: list[Piece], at: int, bare: list[Section], hard: int) -> None:
    """Headings with nothing under them, in the words of the passage before them, or of the one after where there is none."""
    for section in bare:
        place = max(at - 1, 0)
        held = pieces[place]
        line = "\n".join(_unsaid(section, held))
        if len(held.text) + len(line) > hard + MAX_HEADING:
            pieces.insert(at, Piece(section.headings[:-1], line, held.section))
            at += 1
            continue
        text = f"{held.text}\n\n{line}" if at else f"{line}\n\n{held.text}"
        pieces[place] = Piece(held.headings, text, held.section)


def _unsaid(section: Section, held: Piece) -> Iterator[str]:
    """Its heading, under those above it that the passage does not carry."""
    *above, own = section.headings
    for depth, name in enumerate(above):
        if name not in held.headings and name not in held.text:
            yield f"{'#' * max(1, section.level - len(above) + depth)} {name}"
    yield f"{'#' * section.level} {own}"


# Sections


def _sections(lines: list[str]) -> Iterator[Section]:
    path: list[tuple[int, str]] = []
    held: list[str] = []
    fence: str | None = None
    for line in lines:
        fence = _fence_after(line, fence)
        heading = None if fence else _heading(line)
        if heading is None:
            held.append(line)
            continue
        yield _section(path, held)
        held = []
        path = [(above, name) for above, name in path if above < heading[0]]
        path.append(heading)
    yield _section(path, held)


def _section(path: list[tuple[int, str]], held: list[str]) -> Section:
    return Section(tuple(name for _, name in path), path[-1][0] if path else 0, tuple(held))


def _heading(line: str) -> tuple[int, str] | None:
    found = _LEVEL.match(line)
    if found is None or len(line) > MAX_HEADING:
        return None
    name = line[found.end() :].strip()
    name = _CLOSING.sub("", name).rstrip() or name
    return (len(found[1]), name) if name else None


def _fence_after(line: str, fence: str | None) -> str | None:
    """The code fence that is open after this line, if any."""
    found = _FENCE.match(line)
    if not found:
        return fence
    mark = found[2]
    if fence is None:
        # Code between backticks that fills its line opens nothing.
        return None if mark[0] == "`" and "`" in found[3] else mark
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and line.strip() == mark
    return None if closes else fence


# Blocks


def _blocks(lines: tuple[str, ...]) -> Iterator[str]:
    """Runs of lines that belong together; a blank line ends one unless it stands inside a code block or a list."""
    held: list[str] = []
    fence: str | None = None
    in_list = False
    following = _next_lines(lines)
    for line, after in zip(lines, following, strict=True):
        fence = _fence_after(line, fence)
        in_list = in_list or bool(_ITEM.match(line))
        if line.strip() or fence or (in_list and _belongs_to_list(after)):
            held.append(line)
        elif held:
            yield "\n".join(held)
            held, in_list = [], False
    if held:
        yield "\n".join(held)


def _next_lines(lines: tuple[str, ...]) -> list[str]:
    """For each line, the next one that is not blank."""
    following: list[str] = []
    coming = ""
    for line in reversed(lines):
        following.append(coming)
        coming = line if line.strip() else coming
    following.reverse()
    return following


def _belongs_to_list(line: str) -> bool:
    return bool(_ITEM.match(line)) or line.startswith(("  ", "\t"))


def _packed(blocks: Iterator[str], wished: int, hard: int) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for block in _bearable(blocks, wished, hard):
        # A word or two that lead in ("Run this:") stay with what they lead to.
        full = size + len(block) > wished and (size >= TOO_SHORT or size + len(block) > hard)
        if held and full:
            yield "\n\n".join(held)
            held, size = [], 0
        held.append(block.strip("\n"))
        size += len(block) + 2
    if held:
        yield "\n\n".join(held)


def _bearable(blocks: Iterator[str], wished: int, hard: int) -> Iterator[str]:
    for block in blocks:
        lines = block.split("\n")
        if len(block) > hard or (len(block) > wished + wished // 2 and _is_prose(lines)):
            yield from _cut(lines, wished, hard)
        else:
            yield block


# Inside a block


def _is_prose(lines: list[str]) -> bool:
    return not (_fence_after(lines[0], None) or _ITEM.match(lines[0]) or _head_of_table(lines) is not None)


def _head_of_table(lines: list[str]) -> int | None:
    """The place of the line that heads a table, if the block holds one."""
    for place, (line, below) in enumerate(pairwise(lines)):
        if "|" in line and "-" in below and "|" in below and _RULER.issuperset(below):
            return place
    return None


def _cut(lines: list[str], wished: int, hard: int) -> Iterator[str]:
    head = _head_of_table(lines)
    if _fence_after(lines[0], None):
        yield from _cut_code(lines, hard)
    elif _ITEM.match(lines[0]):
        yield from _joined(_items(lines), hard)
    elif head is None:
        yield from _joined(lines, wished)
    else:
        if head:
            yield from _joined(lines[:head], wished)
        yield from _cut_table(lines[head : head + 2], lines[head + 2 :], wished)


def _cut_table(head: list[str], rows: list[str], limit: int) -> Iterator[str]:
    repeated = "\n".join(head)
    if len(repeated) > limit // 2:
        yield from _joined([*head, *rows], limit)
        return
    for part in list(_joined(rows, limit - len(repeated) - 1)) or [""]:
        yield f"{repeated}\n{part}".rstrip("\n")


def _cut_code(lines: list[str], limit: int) -> Iterator[str]:
    opening, mark = lines[0], _FENCE.match(lines[0])
    closing = mark[1] + mark[2] if mark else ""
    end = next(
        (place for place, line in enumerate(lines[1:], 1) if not _fence_after(line, closing.strip())), len(lines)
    )
    if len(opening) > limit // 2:
        yield from _joined(lines, limit)
        return
    for part in list(_joined(lines[1:end], limit - len(opening) - len(closing) - 2)) or [""]:
        yield f"{opening}\n{part}\n{closing}"
    if end + 1 < len(lines):
        yield from _joined(lines[end + 1 :], limit)


def _items(lines: list[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        if held and _ITEM.match(line) and not line[:1].isspace():
            yield "\n".join(held)
            held = []
        held.append(line)
    yield "\n".join(held)


def _joined(parts: Iterable[str], limit: int) -> Iterator[str]:
    """Parts set together up to the limit, and one that is longer by itself cut: between its lines, then its sentences, then anywhere."""
    held: list[str] = []
    size = 0
    for line in (short for part in parts for short in _short(part, limit)):
        if held and size + len(line) > limit:
            yield "\n".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line) + 1
    if held:
        yield "\n".join(held)


def _short(part: str, limit: int) -> Iterator[str]:
    if len(part) <= limit:
        yield part
        return
    for line in part.split("\n"):
        start = 0
        while len(line) - start > limit:
            end = _good_end(line, start, start + limit)
            yield line[start:end]
            start = end
        yield line[start:]


def _good_end(line: str, start: int, end: int) -> int:
    half = (start + end) // 2
    ends = [found.end() for found in _SENTENCE_END.finditer(line, half, end)]
    if ends:
        return ends[-1]
    space = line.rfind(" ", half, end)
    return space + 1 if space > 0 else end
