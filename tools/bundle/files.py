"""The files of a bundle: found without leaving its folder, and read within bounds.

A link is refused, wherever it points, and so is anything that is no plain file: a bundle comes from somebody else. Every refusal and every
file that cannot be understood becomes a gap with its reason; the rest is read.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
import yaml

from tools.bundle.limits import MAX_FILE_BYTES, MAX_GAPS, Budget
from tools.engines.diagnosis import Gap

TEXT = {".json", ".yaml", ".yml"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALIAS = re.compile(rb"(?m)(?:^|[\s\[,:])\*[\w-]+\s*(?:$|[,\]}#])")


class Unreadable(ValueError):
    """Why a file could not be understood, in words for a gap."""


@dataclass(slots=True)
class Notes:
    """The gaps of one bundle; of too many only the count is kept."""

    gaps: list[Gap] = field(default_factory=list)
    more: int = 0

    def add(self, what: str, why: str, how: str = "") -> None:
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(Gap(what=what, why=why, how=how))
        else:
            self.more += 1

    def told(self) -> list[Gap]:
        rest = [Gap(what=f"{self.more} more files", why="could not be read either; only the first are named")]
        return self.gaps + (rest if self.more else [])


def walk(root: Path, notes: Notes, budget: Budget) -> Iterator[PurePosixPath]:
    """Every plain file below the folder, in the order of their names; what is refused is noted."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as held:
                entries = sorted(held, key=lambda entry: entry.name)
        except OSError as error:
            notes.add(folder or ".", reason_of(error))
            continue
        below = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                notes.add(_shown(path), "is a link, and links are not followed")
            elif entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif not entry.is_file(follow_symlinks=False):
                notes.add(_shown(path), "is no plain file")
            elif budget.files <= 0:
                notes.add("the rest of the files", "there are more than a bundle may have", "split the bundle")
                return
            else:
                budget.files -= 1
                yield PurePosixPath(path)
        waiting += reversed(below)


def document(root: Path, path: PurePosixPath, budget: Budget) -> Any:
    """What a JSON or YAML file says; raises Unreadable."""
    raw = content(root, path, budget)
    if path.suffix in {".yaml", ".yml"}:
        return _yaml(raw)
    try:
        return orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        return _mended(raw, str(error))


def content(root: Path, path: PurePosixPath, budget: Budget) -> bytes:
    try:
        size = (root / path).stat(follow_symlinks=False).st_size
        if size > MAX_FILE_BYTES:
            raise Unreadable(f"has {size} bytes, more than the {MAX_FILE_BYTES} that one file may have")
        if size > budget.object_bytes:
            raise Unreadable("does not fit any more into what one bundle may take")
        budget.object_bytes -= size
        return (root / path).read_bytes()
    except OSError as error:
        raise Unreadable(reason_of(error)) from error


def reason_of(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _mended(raw: bytes, why: str) -> Any:
    """Bytes that are no UTF-8 are replaced and tried once more, because one bad log line in an event must not cost all events."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        try:
            return orjson.loads(raw.decode(errors="replace").encode())
        except orjson.JSONDecodeError as error:
            why = str(error)
    raise Unreadable(f"is no JSON: {why}")


def _yaml(raw: bytes) -> Any:
    # Aliases can make a small file expand without end, and no tool writes them into an object.
    if _ALIAS.search(raw):
        raise Unreadable("has YAML aliases, which are not read")
    try:
        found = list(yaml.load_all(raw.decode(errors="replace"), _Loader))  # a safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"is no YAML: {' '.join(str(error).split())[:200]}") from error
    return found[0] if len(found) == 1 else [one for one in found if one is not None]


def _shown(path: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in path)[:200]


def shown(path: PurePosixPath) -> str:
    return _shown(str(path))


def parts_after(path: PurePosixPath, head: str) -> Sequence[str]:
    """The parts of a path behind its first folder, if that is the one."""
    return path.parts[1:] if path.parts and path.parts[0] == head else ()
