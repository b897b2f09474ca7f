"""A file's bytes and its name become one Page, or are refused with a sentence that says why.

What the file is written in is `formats`' matter; here its reading gets what a page must have. A page written by a colleague may say
nothing of itself: the title is then its first heading, the id its name, the language what the text is written in. Sizes are bounded
before anything that costs memory in proportion to the text.
"""

import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import PurePosixPath

from core.errors import Invalid
from core.language import Language, detect
from knowledge_base.formats.reading import MAX_TITLE, Kind, tidy
from knowledge_base.formats.table import read
from knowledge_base.split import first_heading

_NOT_AN_ID = re.compile(r"[^a-z0-9_-]+")
_BLANK = re.compile(r"\A(?:[^\S\n]*+\n)+")
"""Lines, and not the spaces before the first words: they may say that it is code."""
_LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class Page:
    id: str
    title: str
    language: Language
    tags: tuple[str, ...]
    faults: tuple[str, ...]
    alerts: tuple[str, ...]
    text: str
    kind: Kind = "markdown"
    valid_from: date | None = None
    valid_until: date | None = None
    """The last day on which the page holds; without one it holds until it is taken away."""


def parse(raw: bytes, relative: str) -> Page:
    """The page in these bytes; `relative` is the file's path inside its folder, tells the format and lends a name."""
    form, reading = read(raw, relative)
    body, facts = reading.text, reading.facts
    if not body.strip():
        raise Invalid("The page is empty.")
    return Page(
        id=facts.id or _id_from(relative, form.kind),
        title=tidy(reading.title or first_heading(body) or PurePosixPath(relative).stem)[:MAX_TITLE],
        language=facts.language or detect(body[:20_000]),
        tags=tuple(facts.tags),
        faults=tuple(facts.faults),
        alerts=tuple(facts.alerts),
        text=_BLANK.sub("", body).rstrip() + "\n",
        kind=form.kind,
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
    )


def _id_from(relative: str, kind: Kind) -> str:
    """The path in small letters; what these letters cannot tell apart (Chinese, very long names) is told apart by a hash."""
    bare = PurePosixPath(relative).with_suffix("").as_posix()
    name = _NOT_AN_ID.sub("-", bare.lower()).strip("-_")
    # A manual kept as .md and as .pdf is two pages, and neither hides the other.
    ending = "" if kind == "markdown" else f"-{kind}"
    if not bare.isascii() or len(name + ending) > _LONGEST_ID:
        ending = f"-{sha256(bare.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}{ending}"
    return (name[-(_LONGEST_ID - len(ending)) :].lstrip("-_") or "page") + ending
