"""A packed bundle unpacked beside nothing of value: into a folder of its own that goes when the reading ends.

An archive comes from strangers. Names that lead out of the folder, links, devices and members beyond the bounds are refused and named;
what a member claims as its size is not believed, the bytes are counted as they come, so a bomb ends at the bound and not at the disk.
"""

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import Conflict
from tools.bundle.folder import Refusals
from tools.bundle.limits import MAX_DEPTH, MAX_FILES, MAX_MEMBER, MAX_UNPACKED

ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")
_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b"
# Of the other ways to compress, Python unfolds whatever a few bytes stand for at once: a kilobyte may be gigabytes of memory.
_READ_IN_PIECES = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS = (b"L", b"K", b"x", b"g", b"X")
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ENDINGS) and path.is_file()


@contextmanager
def unpacked(path: Path, refusals: Refusals) -> Iterator[Path]:
    """The folder of what was in it; of an archive that breaks off, what came before."""
    with tempfile.TemporaryDirectory(prefix="firstmate-", ignore_cleanup_errors=True) as made:
        root = Path(made)
        unpacking = _Unpacking(root, refusals)
        try:
            if path.name.lower().endswith(".zip"):
                unpacking.zip(path)
            else:
                unpacking.tar(path)
        except _Full as full:
            refusals.add("the rest of the archive", str(full))
        except _BROKEN as error:
            refusals.add(path.name, f"the archive is broken: {error or type(error).__name__}")
        yield _inner(root)


class _Full(Exception):
    """The end of what is read, no error of anybody's."""


class _Member(tarfile.TarInfo):
    """Long names stand in headers that are read whole, so their size is looked at first."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _CHUNK:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]  # the one hook before a header is read
        return found

    def _proc_sparse(self, _: tarfile.TarFile) -> tarfile.TarInfo:
        raise tarfile.ReadError("a sparse file, whose map may have no end")

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("a sparse file, whose map may have no end")


@dataclass(slots=True)
class _Unpacking:
    root: Path
    refusals: Refusals
    written: int = 0
    members: int = 0

    def tar(self, path: Path) -> None:
        with tarfile.open(
            path, "r|gz" if _is_gzip(path) else "r|", tarinfo=_Member
        ) as archive:  # a stream: nothing is sought, and no index of a million members is held
            for member in archive:
                self._count()
                archive.members = []  # type: ignore[attr-defined]  # else it keeps every member it has passed
                if member.isfile():
                    if (source := archive.extractfile(member)) is not None:
                        self._take(member.name, source)
                elif member.issym() or member.islnk():
                    self.refusals.add(member.name, "a link, which may lead out of the bundle, is not followed")
                elif not member.isdir():
                    self.refusals.add(member.name, "no plain file")

    def zip(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                self._count()
                kind = member.external_attr >> 28
                if member.is_dir():
                    continue
                if kind not in (0, 8):
                    self.refusals.add(member.filename, "a link, which may lead out of the bundle, is not followed")
                    continue
                self._take_zipped(archive, member)

    def _take_zipped(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        if member.compress_type not in _READ_IN_PIECES:
            self.refusals.add(member.filename, "of a zip only what is deflated is unpacked")
            return
        try:
            with archive.open(member) as source:
                self._take(member.filename, source)
        except _BROKEN as error:
            self.refusals.add(member.filename, f"it cannot be unpacked: {error or type(error).__name__}")

    def _count(self) -> None:
        self.members += 1
        if self.members > MAX_FILES:
            raise _Full(f"an archive is read up to {MAX_FILES} members")

    def _take(self, name: str, source: IO[bytes]) -> None:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or parts[0].endswith(":") or "\x00" in name:
            self.refusals.add(name, "its name leads out of the bundle")
            return
        if len(parts) > MAX_DEPTH + 1:
            self.refusals.add(name, f"folders are read {MAX_DEPTH} deep")
            return
        place = self.root.joinpath(*parts)
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with place.open("xb") as target:
                whole = self._copy(source, target)
        except OSError as error:
            self.refusals.add(name, error.strerror or str(error))
            return
        if not whole:
            self.refusals.add(name, f"of one file {MAX_MEMBER // _CHUNK} MB are read")

    def _copy(self, source: IO[bytes], target: IO[bytes]) -> bool:
        size = 0
        while chunk := source.read(_CHUNK):
            if size + len(chunk) > MAX_MEMBER:
                return False
            size += len(chunk)
            self.written += len(chunk)
            if self.written > MAX_UNPACKED:
                raise _Full(f"an archive is unpacked up to {MAX_UNPACKED // _CHUNK} MB")
            target.write(chunk)
        return True


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def _inner(root: Path) -> Path:
    """Whoever packs a folder packs its name as well: the folder that holds all else is the bundle."""
    while (
        len(found := list(root.iterdir())) == 1
        and found[0].is_dir()
        and found[0].name not in ("objects", "logs", "metrics")
    ):
        root = found[0]
    return root


@contextmanager
def packing(target: Path) -> Iterator[Path]:
    """The folder to write to: the one that was named, or for a packed bundle one that becomes the archive when the block ends well."""
    if not target.name.lower().endswith((".tar.gz", ".tgz")):
        yield target
        return
    if target.exists() or target.is_symlink():
        raise Conflict(f"{target} exists already, and no bundle is overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".firstmate-", dir=target.parent) as made:
        folder = Path(made) / target.name.partition(".")[0]
        yield folder
        pack(folder, target)


def pack(folder: Path, target: Path) -> None:
    """A folder in one of our own as an archive, which takes its name only when it is whole; for its owner alone."""
    partial = folder.with_name(f".{target.name}.part")  # where nobody else can have put a link of that name
    partial.touch(mode=0o600, exist_ok=False)
    with tarfile.open(partial, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    partial.rename(target)
