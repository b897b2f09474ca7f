"""The files of a knowledge folder, and only those: nothing outside it is ever opened.

A link is followed when it ends inside the folder (a mounted ConfigMap is made of such links) and refused by name when it leads out.
Hidden entries are passed over, which also passes over a ConfigMap's own bookkeeping. A stamp of size and times tells an untouched
file without reading it; whether a touched one really changed is decided by its content hash.
"""

import os
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from core.errors import Invalid
from knowledge_base.formats.table import SUFFIXES, limit_of, size

MAX_FILES = 5_000
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not go in, by name and with the reason."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    id: str
    path: str
    """As people read it: the folder's name and the path inside it, never the machine's own layout."""
    relative: str
    real: Path
    stamp: str


@dataclass(slots=True)
class Listing:
    files: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Ids of files that are there but could not be taken: they are in trouble, not deleted."""
    unreadable: list[Path] = field(default_factory=list)


def document_id(folder: Path, relative: str) -> str:
    return sha256(f"{folder_key(folder)}\0{relative}".encode()).hexdigest()[:32]


def folder_key(folder: Path) -> str:
    return str(folder.absolute())


def scan(folder: Path) -> Listing:
    listing = Listing()
    try:
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise NotADirectoryError(f"{folder} is not a folder")
    except (OSError, RuntimeError) as error:
        listing.problems.append(Problem(str(folder), f"The folder cannot be read: {_reason(error)}."))
        listing.unreadable.append(folder)
        return listing
    _walk(folder, root, root, listing)
    listing.files.sort(key=lambda found: found.relative)
    return listing


def read(found: Found) -> bytes:
    """The file's bytes; raises Invalid where it is no plain file of a bearable size any more."""
    # Opened without following a last link and without waiting: what was a file at the scan may be a pipe or a link out by now.
    try:
        handle = os.open(found.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Invalid(f"The file cannot be opened: {_reason(error)}.") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Invalid("This is not a plain file.")
        raw = file.read(limit_of(found.relative) + 1)
    if len(raw) > limit_of(found.relative):
        raise Invalid(f"The file is larger than {size(limit_of(found.relative))}.")
    return raw


def _walk(folder: Path, root: Path, here: Path, listing: Listing, depth: int = 0) -> None:
    try:
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    except OSError as error:
        listing.problems.append(Problem(_shown(folder, root, here), f"The folder cannot be read: {_reason(error)}."))
        listing.unreadable.append(here)
        return
    for entry in entries:
        if len(listing.files) >= MAX_FILES:
            _overfull(folder, here, listing)
            return
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        if not _is_text(entry.name):
            problem = Problem(_shown(folder, root, path), "The name is not UTF-8; give it another.")
            listing.problems.append(problem)
        elif entry.is_dir(follow_symlinks=False):
            _descend(folder, root, path, listing, depth)
        elif entry.is_symlink() or path.suffix.lower() in SUFFIXES:
            _take(folder, root, path, listing)


def _overfull(folder: Path, here: Path, listing: Listing) -> None:
    # What was not looked at must not pass for deleted.
    if here not in listing.unreadable:
        listing.unreadable.append(here)
    problem = Problem(folder.name, f"The folder holds more than {MAX_FILES} pages; the rest is left out.")
    if problem not in listing.problems:
        listing.problems.append(problem)


def _descend(folder: Path, root: Path, path: Path, listing: Listing, depth: int) -> None:
    if depth >= MAX_DEPTH:
        why = f"Folders are nested deeper than {MAX_DEPTH} levels."
        listing.problems.append(Problem(_shown(folder, root, path), why))
        return
    _walk(folder, root, path, listing, depth + 1)


def _take(folder: Path, root: Path, path: Path, listing: Listing) -> None:
    relative = path.relative_to(root).as_posix()
    shown = _shown(folder, root, path)
    try:
        found = _found(folder, root, path, relative, shown)
    except Invalid as error:
        listing.problems.append(Problem(shown, error.sentence))
        listing.refused.add(document_id(folder, relative))
        return
    if found is not None:
        listing.files.append(found)


def _found(folder: Path, root: Path, path: Path, relative: str, shown: str) -> Found | None:
    try:
        real = path.resolve(strict=True)
        seen = real.stat()
    except (OSError, RuntimeError) as error:
        raise Invalid(f"The file cannot be read: {_reason(error)}.") from None
    if not real.is_relative_to(root):
        raise Invalid("The link leads out of the folder and is not followed.")
    if stat.S_ISDIR(seen.st_mode) or path.suffix.lower() not in SUFFIXES:
        return None  # a link to a folder inside: its files are met where they are
    if not stat.S_ISREG(seen.st_mode):
        raise Invalid("This is not a plain file.")
    if seen.st_size > limit_of(path.name):
        raise Invalid(f"The file is larger than {size(limit_of(path.name))}.")
    stamp = f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ctime_ns}"
    return Found(id=document_id(folder, relative), path=shown, relative=relative, real=real, stamp=stamp)


def _is_text(name: str) -> bool:
    return name == _spelled(name)


def _spelled(name: str) -> str:
    """Bytes that are no letters, which nothing can store or show, as their numbers."""
    return name.encode(errors="backslashreplace").decode()


def _shown(folder: Path, root: Path, path: Path) -> str:
    inside = _spelled(path.relative_to(root).as_posix())
    return folder.name if inside == "." else f"{folder.name}/{inside}"


def _reason(error: OSError | RuntimeError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else "links run in a circle"
