"""Between the doors and the knowledge base: what somebody brings, as documents to keep."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request

from api.schemas.knowledge import SUFFIX, AddDocument, Sync
from api.uploads import Part, parts
from core.errors import Invalid
from core.language import Language
from knowledge_base.formats.table import MAX_BYTES
from knowledge_base.knowledge import Knowledge
from knowledge_base.refreshing import refused
from knowledge_base.sources.kept import Fate, Incoming, Said, digest_of, safe_name

MAX_FILES_AT_ONCE = 200
LANGUAGES: dict[str, Language | None] = {"": None, "en": "en", "zh": "zh"}
_NOT_A_NAME = re.compile(r"[^\w-]+")
_NOT_IN_A_COLLECTION = re.compile(r"[/\\\x00-\x1f\x7f]")
Brought = Incoming | Fate


@dataclass(frozen=True, slots=True)
class Given:
    """What is said of all files of one upload."""

    by: str
    collection: str = ""
    tags: tuple[str, ...] = ()
    language: Language | None = None


def written(body: AddDocument, by: str) -> Incoming:
    first = next((line for line in body.content.splitlines() if line.strip(" #-")), "")
    name = body.id or _NOT_A_NAME.sub("-", (body.title or first.strip(" #"))[:80].lower()).strip("-_") or "document"
    suffix = SUFFIX[body.format]
    spoken = f".{body.language}" if body.language else ""
    return Incoming(
        name=f"{name}{spoken}{suffix}",
        raw=body.content.encode(),
        by=by,
        file=f"{name}{suffix}",
        said=body.said(),
    )


async def uploaded(request: Request, given: Given) -> AsyncIterator[Brought]:
    """The files of the body as they arrive, each with its name made safe or refused by it."""
    has_files = False
    async for part in parts(request, max_file=MAX_BYTES, max_parts=MAX_FILES_AT_ONCE + 3):
        if part.file is not None:
            has_files = True
            yield _file(part, given)
        elif has_files:
            raise Invalid(f"The field {part.name} must stand before the files.", field=part.name)
        else:
            given = _field(part, given)


async def compared(knowledge: Knowledge, body: Sync, by: str) -> dict[str, Any]:
    said = Said(tags=tuple(body.tags), language=body.language)
    kept = await knowledge.kept("upload", body.collection)
    wanted = [
        name for name, digest in body.files.items() if name not in kept or kept[name].digest != digest_of(digest, said)
    ]
    gone = {name: known for name, known in kept.items() if name not in body.files}
    if body.remove and gone:
        await knowledge.remove([known.id for known in gone.values()], by)
    return {
        "wanted": wanted,
        "unchanged": len(body.files) - len(wanted),
        "gone": sorted(gone),
        "removed": len(gone) if body.remove else 0,
    }


def _file(part: Part, given: Given) -> Brought:
    shown = (part.file or "")[:300]
    if part.is_too_large:
        return refused(shown, f"The file is larger than {MAX_BYTES // 1024} KiB.")
    try:
        name = safe_name(shown)
    except Invalid as error:
        return refused(shown, error.sentence)
    said = Said(tags=given.tags, language=given.language)
    return Incoming(name=name, raw=bytes(part.data), collection=given.collection, by=given.by, said=said)


def _field(part: Part, given: Given) -> Given:
    text = part.text.strip()
    if part.is_too_large:
        raise Invalid(f"The field {part.name} is too long.", field=part.name)
    if part.name in {"tags", "tag"}:
        tags = tuple(tag.strip()[:80] for tag in text.split(",") if tag.strip())
        return replace(given, tags=(*given.tags, *tags)[:64])
    if part.name == "language" and text in LANGUAGES:
        return replace(given, language=LANGUAGES[text])
    if part.name == "collection" and len(text) <= 100 and not _NOT_IN_A_COLLECTION.search(text):
        return replace(given, collection=text)
    raise Invalid(
        f"The field {part.name} is unknown or its value wrong.",
        field=part.name,
        allowed=["collection", "tags", "language"],
    )
