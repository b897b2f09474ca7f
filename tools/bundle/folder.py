"""The files of a bundle and nothing outside it: no link is followed, depth and number are bounded, and only plain files are opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.bundle.limits import MAX_DEPTH, MAX_FILES, MAX_GAPS, MAX_NAMED
from tools.engines.diagnosis import Gap

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class File:
    path: Path
    parts: tuple[str, ...]
    """Below the bundle's root."""
    size: int

    @property
    def name(self) -> str:
        return "/".join(self.parts)

    @property
    def stem(self) -> str:
        return self.parts[-1].rpartition(".")[0]

    @property
    def ending(self) -> str:
        return self.parts[-1].rpartition(".")[2].lower()


@dataclass(slots=True)
class Refusals:
    """What could not be read, by reason, so that ten thousand broken files are one gap with a number and a few names."""

    by_reason: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, why: str) -> None:
        self.by_reason.setdefault(why, []).append(what)

    def gaps(self) -> Iterator[Gap]:
        for why, names in list(self.by_reason.items())[:MAX_GAPS]:
            shown = ", ".join(map(_printable, names[:MAX_NAMED]))
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            yield Gap(what=f"{shown}{more}", why=why, how="collect it again, whole")
        rest = sum(len(names) for names in list(self.by_reason.values())[MAX_GAPS:])
        if rest:
            yield Gap(what=f"{rest} more", why="could not be read either; only the first are named")


def files(root: Path, refusals: Refusals) -> list[File]:
    found: list[File] = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        parts = waiting.pop()
        for entry in _entries(root, parts, refusals):
            below = (*parts, entry.name)
            if entry.is_symlink():
                refusals.add("/".join(below), "a link, which may lead out of the bundle, is not followed")
            elif entry.is_dir(follow_symlinks=False):
                _descend(below, waiting, refusals)
            elif not entry.is_file(follow_symlinks=False):
                refusals.add("/".join(below), "no plain file")
            elif len(found) >= MAX_FILES:
                refusals.add("further files", f"a bundle is read up to {MAX_FILES} files")
                return sorted(found, key=lambda one: one.parts)
            else:
                found.append(
                    File(root.joinpath(*below), tuple(map(_spelled, below)), entry.stat(follow_symlinks=False).st_size)
                )
    return sorted(found, key=lambda one: one.parts)


def _entries(root: Path, parts: tuple[str, ...], refusals: Refusals) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root.joinpath(*parts)) as found:
            return sorted(found, key=lambda one: one.name)
    except OSError as error:
        refusals.add("/".join(parts) or "the bundle", error.strerror or str(error))
        return []


def _descend(below: tuple[str, ...], waiting: list[tuple[str, ...]], refusals: Refusals) -> None:
    if len(below) >= MAX_DEPTH:
        refusals.add("/".join(below), f"folders are read {MAX_DEPTH} deep")
    else:
        waiting.append(below)


def _spelled(name: str) -> str:
    """A name that is no UTF-8 came as half characters, which nothing can write down again."""
    return name.encode("utf-8", errors="replace").decode()


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)[:200]


def text_of(raw: bytes) -> str:
    """Text in whatever it was written; what is no character becomes a replacement and stops nothing."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    return raw.decode("utf-8", errors="replace")
