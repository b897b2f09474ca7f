"""The formats, one line each, and how a file comes to its reader: its name says what it claims to be, its first bytes what it is.

A name that claims what the bytes are not is refused with both named, never guessed around: a program under the name of a page is not
something to look into. Print FORMATS to see what is taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import Invalid
from knowledge_base.formats import docx, html, markdown, pdf, text, yaml
from knowledge_base.formats.reading import MAX_TEXT, Kind, Reading

_KIB = 1024
_MIB = 1024 * _KIB
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Format:
    kind: Kind
    suffixes: tuple[str, ...]
    media: tuple[str, ...]
    """As servers name it, the usual name first."""
    max_bytes: int
    holds: str
    """What its bytes must be found to hold, of the names in `signature`."""
    read: Callable[[bytes], Reading]


FORMATS: tuple[Format, ...] = (
    Format("markdown", (".md", ".markdown"), ("text/markdown", "text/x-markdown"), _MIB, "text", markdown.read),
    Format("html", (".html", ".htm", ".xhtml"), ("text/html", "application/xhtml+xml"), 4 * _MIB, "text", html.read),
    Format("text", (".txt", ".text"), ("text/plain",), 4 * _MIB, "text", text.read),
    Format("yaml", (".yaml", ".yml"), ("application/yaml", "application/x-yaml", "text/yaml"), _MIB, "text", yaml.read),
    Format("pdf", (".pdf",), ("application/pdf",), 20 * _MIB, "a PDF document", pdf.read),
    Format("docx", (".docx", ".docm"), (_WORD,), 20 * _MIB, "a zip archive", docx.read),
)
SUFFIXES = frozenset(suffix for one in FORMATS for suffix in one.suffixes)
MAX_BYTES = max(one.max_bytes for one in FORMATS)
_BY_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"SQLite format 3\x00", "a database"),
)


def format_of(name: str) -> Format:
    suffix = PurePosixPath(name).suffix.lower()
    found = _BY_SUFFIX.get(suffix)
    if found is None:
        raise Invalid(f"Files named {suffix or 'without a suffix'} are not read.", allowed=sorted(SUFFIXES))
    return found


def limit_of(name: str) -> int:
    """How many bytes a file of this name may hold."""
    return format_of(name).max_bytes


def suffix_for(media: str) -> str | None:
    """The suffix of what a server calls by this type ("text/html; charset=utf-8"), or None for a type that is not read."""
    plain = media.split(";", 1)[0].strip().lower()
    return next((one.suffixes[0] for one in FORMATS if plain in one.media), None)


def signature(raw: bytes) -> str:
    """What the first bytes say that this is; "text" where they say nothing else."""
    for mark, holds in SIGNATURES:
        if raw.startswith(mark):
            return holds
    if raw[:2] == b"MZ" and b"\x00" in raw[:64]:
        return "a program"
    return "text"


def read(raw: bytes, name: str) -> tuple[Format, Reading]:
    """Bytes and a name to the format and what it read, or Invalid with a sentence that says why not."""
    found = format_of(name)
    if len(raw) > found.max_bytes:
        raise Invalid(f"The file is larger than {size(found.max_bytes)}.")
    holds = signature(raw)
    if raw and holds != found.holds:
        raise Invalid(f"The file is named {PurePosixPath(name).suffix.lower()}, but holds {_shown(holds, raw)}.")
    reading = found.read(raw)
    if len(reading.text) > MAX_TEXT:
        raise Invalid(f"The text is longer than {MAX_TEXT} characters.")
    return found, reading


def size(count: int) -> str:
    return f"{count // _MIB} MiB" if count >= _MIB else f"{count // _KIB} KiB"


def _shown(holds: str, raw: bytes) -> str:
    return ("plain text" if raw[:64].isascii() else "nothing that is known") if holds == "text" else holds
