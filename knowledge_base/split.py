"""A page is cut where its author cut it: at the headings.

Each passage carries the path of headings above it, so that "Repair" still says what is repaired. A section too long for one passage
is cut between blocks; a list, a table and a code block are blocks and stay whole, because half a command is worse than none. Only a
block longer than the hard limit is cut inside, between its lines. A section too short to mean anything alone joins the one before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

WISHED = 1_400
HARD = 4_000
TOO_SHORT = 40
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    headings: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Section:
    headings: tuple[str, ...]
    lines: tuple[str, ...]


def split(text: str, *, wished: int = WISHED, hard: int = HARD) -> list[Piece]:
    pieces: list[Piece] = []
    for section in _sections(text.split("\n")):
        for passage in _packed(_blocks(section.lines), wished, hard):
            _add(pieces, Piece(section.headings, passage))
    return pieces


def _add(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    if last and last.headings == piece.headings and len(piece.text) < TOO_SHORT:
        pieces[-1] = Piece(last.headings, f"{last.text}\n\n{piece.text}")
    else:
        pieces.append(piece)


def _sections(lines: list[str]) -> Iterator[_Section]:
    path: list[tuple[int, str]] = []
    held: list[str] = []
    fence: str | None = None
    for line in lines:
        fence = _fence_after(line, fence)
        heading = None if fence else _HEADING.match(line)
        if heading is None:
            held.append(line)
            continue
        yield _Section(tuple(name for _, name in path), tuple(held))
        held = []
        level = len(heading.group(1))
        path = [(above, name) for above, name in path if above < level]
        path.append((level, heading.group(2)))
    yield _Section(tuple(name for _, name in path), tuple(held))


def _fence_after(line: str, fence: str | None) -> str | None:
    """The code fence that is open after this line, if any."""
    found = _FENCE.match(line)
    if not found:
        return fence
    mark = found.group(1)
    if fence is None:
        return mark
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and line.strip() == mark
    return None if closes else fence


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
    for block in _bearable(blocks, hard):
        if held and size + len(block) > wished:
            yield "\n\n".join(held)
            held, size = [], 0
        held.append(block.strip("\n"))
        size += len(block) + 2
    if held:
        yield "\n\n".join(held)


def _bearable(blocks: Iterator[str], hard: int) -> Iterator[str]:
    for block in blocks:
        if len(block) <= hard:
            yield block
            continue
        yield from _cut_between_lines(block, hard)


def _cut_between_lines(block: str, hard: int) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for whole in block.split("\n"):
        for line in [whole[start : start + hard] for start in range(0, len(whole), hard)] or [""]:
            if held and size + len(line) > hard:
                yield "\n".join(held)
                held, size = [], 0
            held.append(line)
            size += len(line) + 1
    if held:
        yield "\n".join(held)
