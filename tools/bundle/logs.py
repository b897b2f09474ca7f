"""The logs of a bundle, each streamed through the digest and never held.

A bundle may hold a gigabyte of logs of which most are of pods that are well. What is read of all of them together has a bound, which they
share: a log of a pod in trouble, or of a container that ended, takes a larger part, a short log leaves what it does not need to the
others, and of a log longer than its part the beginning and the end are read, where starts and ends are told. That it was cut is a gap.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.bundle.folder import File, Refusals
from tools.bundle.limits import MAX_LINE, MAX_LOG_TEXT, MAX_LOGS
from tools.engines.logs.digest import LogDigest, digest
from tools.engines.objects import Object, is_leaving, is_ready, kind_of, name_of, namespace_of, restarts, statuses
from tools.engines.snapshot import LogKey

TROUBLED = 16.0
UNKNOWN = 4.0
HEAD_SHARE = 0.25
PREVIOUS = ".previous"
CHUNK = 1024 * 1024
_START = re.compile(rb"==== START logs for container (\S{1,253}) of pod (\S{1,253})/(\S{1,253}) ====\r?\n")
_END = b"==== END logs for container "
_MARK = len("==== START logs for container  of pod / ====\r\n") + 3 * 253
_NO_LOG = re.compile(r"(?:Request|Create) log error")


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a container's log stands: in a file of its own, or between marks in one that several share."""

    key: LogKey
    path: Path
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def is_log(file: File) -> bool:
    return file.ending == "log" or (file.ending == "txt" and file.stem == "logs")


def digests(found: Iterable[File], objects: Sequence[Object], refusals: Refusals) -> dict[LogKey, LogDigest]:
    pods = {(namespace_of(one), name_of(one)): one for one in objects if kind_of(one) == "Pod"}
    pieces = _pieces(found, pods, refusals)
    weighed = sorted(((_weight(one.key, pods), one) for one in pieces), key=lambda pair: -pair[0])
    if len(weighed) > MAX_LOGS:
        refusals.add(
            f"{len(weighed) - MAX_LOGS} logs", f"no more than {MAX_LOGS} logs are read, those of pods in trouble first"
        )
    shares = _shares([(weight, one.size) for weight, one in weighed[:MAX_LOGS]], MAX_LOG_TEXT)
    read: dict[LogKey, LogDigest] = {}
    for (_, piece), share in zip(weighed, shares, strict=False):
        cut = f"of {piece.size} bytes the first and the last, {share} together, were read" if share < piece.size else ""
        if cut:
            refusals.add(str(piece.key), "longer than what is read of it; its beginning and its end were read")
        try:
            read[piece.key] = digest(_lines(piece, share), cut=cut)
        except OSError as error:
            refusals.add(str(piece.key), error.strerror or str(error))
    return read


def _pieces(found: Iterable[File], pods: Mapping[tuple[str, str], Object], refusals: Refusals) -> list[Piece]:
    pieces: list[Piece] = []
    for file in found:
        try:
            own = list(_marked(file.path))
        except OSError as error:
            refusals.add(file.name, error.strerror or str(error))
            continue
        key = None if own else _key(file, pods)
        pieces += own or ([Piece(key, file.path, 0, file.size)] if key else [])
        if not own and key is None and file.size:
            refusals.add(file.name, "a log whose container its path does not tell")
    return pieces


def _key(file: File, pods: Mapping[tuple[str, str], Object]) -> LogKey | None:
    """logs/<namespace>/<pod>/<container>[.previous].log; a pod's only log may stand without its container."""
    parts = file.parts[1:] if file.parts[0] == "logs" else file.parts
    previous, stem = file.stem.endswith(PREVIOUS), file.stem.removesuffix(PREVIOUS)
    if len(parts) == 3 and stem != "logs":
        return LogKey(parts[0], parts[1], stem, previous)
    if len(parts) in (2, 3):
        pod = parts[1] if len(parts) == 3 else stem
        known = statuses(pods.get((parts[0], pod), {}))
        return LogKey(parts[0], pod, str(known[0].get("name")) if known else "", previous)
    return None


def _marked(path: Path) -> Iterator[Piece]:
    """The logs that kubectl cluster-info dump writes one after the other into one file."""
    if path.suffix != ".txt":
        return
    key, began = None, 0
    for at, found in _marks(path):
        if key:
            yield Piece(key, path, began, at)
        key, began = None, 0
        if found:
            container, namespace, pod = (part.decode("utf-8", "replace") for part in found.groups())
            key, began = LogKey(namespace, pod, container), at + len(found.group())
    if key:
        yield Piece(key, path, began, path.stat().st_size)


def _marks(path: Path) -> Iterator[tuple[int, re.Match[bytes] | None]]:
    """Where a log begins (with the mark's match) or ends (with None)."""
    with path.open("rb") as file:
        held, base = b"", 0
        while chunk := file.read(CHUNK):
            held += chunk
            is_last = len(chunk) < CHUNK
            limit = len(held) if is_last else max(0, len(held) - _MARK)
            at = held.find(b"==== ", 0, limit)
            while at >= 0:
                found = _START.match(held, at)
                if found or held.startswith(_END, at):
                    yield base + at, found
                at = held.find(b"==== ", at + 5, limit)
            base, held = base + limit, held[limit:]


def _weight(key: LogKey, pods: Mapping[tuple[str, str], Object]) -> float:
    pod = pods.get((key.namespace, key.pod))
    if key.previous or (pod and not is_leaving(pod) and (not is_ready(pod) or any(map(restarts, statuses(pod))))):
        return TROUBLED
    return 1.0 if pod else UNKNOWN


def _shares(wanted: Sequence[tuple[float, int]], room: int) -> list[int]:
    """Everybody gets by weight; who needs less than that leaves the rest to the others."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place][1] / wanted[place][0])
    weights = sum(weight for weight, _ in wanted)
    for place in order:
        weight, size = wanted[place]
        shares[place] = min(size, int(room * weight / weights))
        room, weights = room - shares[place], weights - weight
    return shares


def _lines(piece: Piece, share: int) -> Iterator[str]:
    if share >= piece.size:
        yield from _between(piece.path, piece.start, piece.end)
        return
    head = int(share * HEAD_SHARE)
    yield from _between(piece.path, piece.start, piece.start + head)
    yield from _between(piece.path, piece.end - (share - head), piece.end, is_inside=True)


def _between(path: Path, start: int, end: int, *, is_inside: bool = False) -> Iterator[str]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        if is_inside:  # the line that the beginning falls into is not whole
            left -= len(file.readline(min(MAX_LINE, left)))
        while left > 0 and (raw := file.readline(min(MAX_LINE, left))):
            left -= len(raw)
            line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
            if not _NO_LOG.match(line):
                yield line
