"""One Markdown file with front matter becomes one Page, or is refused with a sentence that says why.

Front matter is YAML read with safe_load into a strict model: a page written by a colleague may lack it altogether (the title is
then the first heading, the id the file's name, the language what the text is written in), but what it does say must be well formed.
Sizes are bounded here, before anything that costs memory in proportion to the text.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.errors import Invalid
from core.language import Language, detect

MAX_BYTES = 1024 * 1024
MAX_FRONT_MATTER = 16 * 1024
MAX_LINE = 20_000
_FENCE = "---"
_HEADING = re.compile(r"^#\s+(.+?)\s*#*$", re.MULTILINE)
_NOT_AN_ID = re.compile(r"[^a-z0-9_-]+")

Label = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
PageId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]


class FrontMatter(BaseModel):
    """Keys of other tools that keep their own front matter in the same files are let be."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: PageId | None = None
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)] | None = None
    language: Language | None = None
    tags: list[Label] = Field(default_factory=list, max_length=64)
    faults: list[Label] = Field(default_factory=list, max_length=64)
    alerts: list[Label] = Field(default_factory=list, max_length=64)


@dataclass(frozen=True, slots=True)
class Page:
    id: str
    title: str
    language: Language
    tags: tuple[str, ...]
    faults: tuple[str, ...]
    alerts: tuple[str, ...]
    text: str


def parse(raw: bytes, relative: str) -> Page:
    """The page in these bytes; `relative` is the file's path inside its folder and lends a name where the page has none."""
    text = _decoded(raw)
    front, body = _front_matter(text)
    if not body.strip():
        raise Invalid("The page is empty.")
    heading = _HEADING.search(body)
    return Page(
        id=front.id or _id_from(relative),
        title=front.title or (heading.group(1)[:200] if heading else PurePosixPath(relative).stem),
        language=front.language or detect(body[:20_000]),
        tags=tuple(front.tags),
        faults=tuple(front.faults),
        alerts=tuple(front.alerts),
        text=body.strip() + "\n",
    )


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise Invalid(f"The file is larger than {MAX_BYTES // 1024} KiB.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"The file is not UTF-8 text (byte {error.start}).") from None
    if "\x00" in text:
        raise Invalid("The file holds NUL characters; it is not text.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(len(line) > MAX_LINE for line in text.split("\n")):
        raise Invalid(f"A line is longer than {MAX_LINE} characters.")
    return text


def _front_matter(text: str) -> tuple[FrontMatter, str]:
    lines = text.split("\n")
    if lines[0].strip() != _FENCE:
        return FrontMatter(), text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        raise Invalid("The front matter opens with --- and never closes.")
    source = "\n".join(lines[1:end])
    if len(source) > MAX_FRONT_MATTER:
        raise Invalid(f"The front matter is larger than {MAX_FRONT_MATTER // 1024} KiB.")
    return _validated(_loaded(source)), "\n".join(lines[end + 1 :])


def _loaded(source: str) -> Any:
    try:
        return yaml.safe_load(source)
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise Invalid(f"The front matter is not YAML: {said}") from None


def _validated(found: Any) -> FrontMatter:
    if found is None:
        return FrontMatter()
    if not isinstance(found, dict):
        raise Invalid("The front matter is not a mapping of names to values.")
    try:
        return FrontMatter.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"The front matter's {where} is wrong: {first['msg']}.", field=where) from None


def _id_from(relative: str) -> str:
    name = _NOT_AN_ID.sub("-", PurePosixPath(relative).with_suffix("").as_posix().lower()).strip("-_")
    return name[-80:].lstrip("-_") or "page"
