"""Logs of a bundle, streamed: a file is read in pieces, cut into lines of bounded length, and only its digest is kept.

A log that is longer than one log may be is read at its beginning and at its end, because a program says how it starts at the one and why
it ended at the other; the digest says what was left out. `kubectl cluster-info dump` puts all containers of a pod into one file, with a
line before and after each.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from tools.bundle.files import Notes, Unreadable, reason_of, shown
from tools.bundle.limits import MAX_LOG_BYTES, Budget
from tools.engines.logs.digest import LogDigest, digest
from tools.engines.snapshot import LogKey

PIECE = 2**20
MAX_LINE = 16_384
_START = re.compile(
    r"^==== START logs for container (?P<container>\S+) of pod (?P<namespace>[^/\s]+)/(?P<pod>\S+) ===="
)
_END = re.compile(r"^==== END logs for container ")


def key_of(path: PurePosixPath) -> LogKey | None:
    """logs/<namespace>/<pod>/<container>[.previous].log"""
    parts = path.parts
    if len(parts) != 4 or parts[0] != "logs" or path.suffix != ".log":
        return None
    container, previous = path.stem, False
    if container.endswith(".previous"):
        container, previous = container.removesuffix(".previous"), True
    return LogKey(parts[1], parts[2], container, previous)


def is_dumped(path: PurePosixPath) -> bool:
    return path.name == "logs.txt" and len(path.parts) >= 3


def read_log(root: Path, path: PurePosixPath, notes: Notes, budget: Budget) -> LogDigest | None:
    try:
        return digest(lines_of(root, path, notes, budget))
    except Unreadable as error:
        notes.add(shown(path), str(error))
        return None


def read_dumped(root: Path, path: PurePosixPath, notes: Notes, budget: Budget) -> Iterator[tuple[LogKey, LogDigest]]:
    """Each container's part of a dumped file; what stands before the first mark belongs to nobody that could be named."""
    try:
        lines = lines_of(root, path, notes, budget)
        for line in lines:
            if start := _START.match(line):
                key = LogKey(start["namespace"], start["pod"], start["container"])
                yield key, digest(_until_end(lines))
    except Unreadable as error:
        notes.add(shown(path), str(error))


def _until_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if _END.match(line):
            return
        yield line


def lines_of(root: Path, path: PurePosixPath, notes: Notes, budget: Budget) -> Iterator[str]:
    whole = root / path
    try:
        size = whole.stat(follow_symlinks=False).st_size
        if budget.log_bytes <= 0:
            raise Unreadable("does not fit any more into what may be read of one bundle's logs")
        budget.log_bytes -= min(size, MAX_LOG_BYTES)
        with whole.open("rb") as file:
            if size <= MAX_LOG_BYTES:
                yield from _lines(_pieces(file.read, size))
                return
            notes.add(
                shown(path), f"is {size} bytes long: only its beginning and its end, {MAX_LOG_BYTES} bytes, were read"
            )
            yield from _lines(_pieces(file.read, MAX_LOG_BYTES // 4))
            file.seek(size - MAX_LOG_BYTES * 3 // 4)
            yield from _lines(_pieces(file.read, MAX_LOG_BYTES * 3 // 4))
    except OSError as error:
        raise Unreadable(reason_of(error)) from error


def _pieces(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := read(min(PIECE, size))):
        size -= len(piece)
        yield piece


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Lines without their ends; one that is longer than a line may be is cut, so that a file without any line end is bounded too."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield _text(line)
        rest = rest[:MAX_LINE]
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line[:MAX_LINE].decode(errors="replace").rstrip("\r")
