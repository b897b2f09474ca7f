"""A zip archive of a stranger, opened for a few parts that are known by name.

Nothing is ever written to a disk, and still a name that climbs out of its folder is refused: no office program writes one. What an
entry says of its own size is believed only to refuse it; while it is unpacked, the bytes are counted against the bound and against what
they were packed in.
"""

import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath

from core.errors import Invalid

MAX_ENTRIES = 2_000
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 200
_SMALL = 1024 * 1024
"""Below this no ratio is too high: a file of spaces packs well and hurts nobody."""
_CHUNK = 64 * 1024
_ENTRY = b"PK\x01\x02"


class Archive:
    def __init__(self, raw: bytes) -> None:
        if raw.count(_ENTRY) > MAX_ENTRIES:
            raise Invalid(f"The archive holds more than {MAX_ENTRIES} files.")
        try:
            self._zip = zipfile.ZipFile(BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
            raise Invalid(f"The archive is broken: {_said(error)}.") from None
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        for entry in self._entries.values():
            _check(entry)
        if sum(entry.file_size for entry in self._entries.values()) > MAX_UNPACKED:
            raise Invalid(f"The archive unpacks to more than {MAX_UNPACKED // 1024 // 1024} MiB.")

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def part(self, name: str, most: int) -> bytes:
        """The bytes of one entry, up to `most`; nothing where there is no such entry."""
        entry = self._entries.get(name)
        if entry is None:
            return b""
        bound = min(most, max(_SMALL, entry.compress_size * MAX_RATIO))
        taken = bytearray()
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    taken += chunk
                    if len(taken) > bound:
                        raise Invalid(f"The archive's {name} unpacks to more than is read.")
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            NotImplementedError,
            OSError,
            EOFError,
            RuntimeError,
        ) as error:
            raise Invalid(f"The archive's {name} is broken: {_said(error)}.") from None
        return bytes(taken)


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename.split("\x00", 1)[0].replace("\\", "/")
    if name.startswith("/") or ":" in name[:3] or ".." in PurePosixPath(name).parts:
        raise Invalid(f"The archive holds a file named {name[:80]!r}, which leads out of it.")
    if entry.flag_bits & 0x1:
        raise Invalid("The archive is encrypted; save it without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Invalid("The archive is packed in a way that office programs do not use.")
    if entry.file_size > max(_SMALL, entry.compress_size * MAX_RATIO):
        raise Invalid(f"The archive's {name[:80]} would swell more than {MAX_RATIO} times.")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
