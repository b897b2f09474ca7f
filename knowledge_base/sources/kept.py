"""A document that somebody brought: its name, its bytes, and what they said of it beside.

It has no file that could be read again, so its text is kept, and cut anew from there when the recipe changes. Its digest covers the bytes
and what was said of them, so that the same file with another tag is another version, and can be told by a client that sends the file's
own hash and no bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, Literal

import orjson
from pydantic import BaseModel

from core.errors import Invalid
from core.language import Language
from knowledge_base.formats.table import SUFFIXES
from knowledge_base.parse import Page, parse
from knowledge_base.store import Known, Source

MAX_NAME = 300
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]")
Outcome = Literal["added", "changed", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Said:
    """What wins over the document's own words; tags, faults and alerts join them."""

    page: str = ""
    title: str = ""
    language: Language | None = None
    tags: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> "Said":
        """As it was kept: in JSON, which knows no tuples."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Incoming:
    name: str
    """As people know it: a path inside the collection, or a URL."""
    raw: bytes
    source: Source = "upload"
    collection: str = ""
    by: str = ""
    file: str = ""
    """A name that tells the format, where the other does not."""
    said: Said = Said()
    etag: str = ""
    modified: str = ""

    @property
    def shown(self) -> str:
        return f"{self.collection}/{self.name}" if self.collection else self.name

    @property
    def id(self) -> str:
        return kept_id(self.source, self.collection, self.name)

    @property
    def digest(self) -> str:
        return digest_of(sha256(self.raw).hexdigest(), self.said)

    def known(self) -> Known:
        return Known(
            id=self.id,
            folder=self.collection,
            path=self.shown,
            stamp="",
            digest=self.digest,
            recipe="",
            source=self.source,
            added_by=self.by,
            etag=self.etag,
            modified=self.modified,
            said=asdict(self.said),
        )

    def page(self) -> Page:
        file = self.file or self.name
        if PurePosixPath(file).suffix.lower() not in SUFFIXES:
            raise Invalid(f"This kind of file is not read; {', '.join(sorted(SUFFIXES))} are.")
        return worded(parse(self.raw, file), self.said)


class Fate(BaseModel):
    """What became of one document, by its name."""

    name: str
    outcome: Outcome
    why: str = ""
    document: str = ""
    page: str = ""
    language: Language | None = None
    title: str = ""
    passages: int = 0


def kept_id(source: Source, collection: str, name: str) -> str:
    return sha256(f"{source}:{collection}\0{name}".encode()).hexdigest()[:32]


def digest_of(file_digest: str, said: Said) -> str:
    return sha256(file_digest.encode() + orjson.dumps(asdict(said), option=orjson.OPT_SORT_KEYS)).hexdigest()


def worded(page: Page, said: Said) -> Page:
    return replace(
        page,
        id=said.page or page.id,
        title=said.title or page.title,
        language=said.language or page.language,
        tags=_joined(page.tags, said.tags),
        faults=_joined(page.faults, said.faults),
        alerts=_joined(page.alerts, said.alerts),
    )


def safe_name(name: str) -> str:
    """A relative path that leads nowhere but down, or a sentence about why it is none; it is only ever a name here, never opened."""
    parts = PurePosixPath(name).parts
    if not parts or len(name) > MAX_NAME:
        raise Invalid(f"A document's name has from 1 to {MAX_NAME} characters.", field="name")
    if _UNFIT.search(name):
        raise Invalid("The name holds a control character or a backslash.", field="name")
    if name.startswith("/") or ".." in parts or ":" in parts[0]:
        raise Invalid("The name leads out of its folder.", field="name")
    return "/".join(parts)


def _joined(own: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*own, *more)))
