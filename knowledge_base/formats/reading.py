"""What every format hands back, and the few steps that all of them share.

A reading is the file's text as structured Markdown (headings, lists, tables, fenced code), because Markdown is what is cut, searched and
shown; the title the file gives itself; and its facts, the same in every format whatever they are called there. Facts that are written
must be well formed: a date that cannot be read is refused by name, since a page taken for valid for ever would be a lie.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import Invalid
from core.language import Language

MAX_FACTS = 16 * 1024
MAX_TITLE = 200
MAX_LINE = 20_000
MAX_TEXT = 4 * 1024 * 1024
"""Characters of Markdown that one file may become."""
_YAML_FAILS = (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError, OverflowError)
"""What the loader raises for scalars whose tag promises what they are not, besides its own error."""
_NO_CHARACTER = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LIKE_A_MARK = re.compile(r"^\s{0,3}(?:#{1,6}\s|#{1,6}$|```|~~~)")

Kind = Literal["markdown", "html", "text", "yaml", "pdf", "docx"]


def _without_unfit(value: Any) -> Any:
    """YAML can write characters that no database takes."""
    return tidy(value) if isinstance(value, str) else value


_Tidy = BeforeValidator(_without_unfit)
Label = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), _Tidy]
PageId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE, strip_whitespace=True), _Tidy]


def _day(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return date.fromisoformat(value.strip()[:10])
    return value


Day = Annotated[date, BeforeValidator(_day)]


class Facts(BaseModel):
    """Keys of other tools that keep their own facts in the same files are let be."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: PageId | None = None
    title: Title | None = None
    language: Language | None = None
    tags: list[Label] = Field(default_factory=list, max_length=64)
    faults: list[Label] = Field(default_factory=list, max_length=64)
    alerts: list[Label] = Field(default_factory=list, max_length=64)
    valid_from: Day | None = None
    valid_until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Facts":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is before valid_from {self.valid_from}")
        return self


@dataclass(frozen=True, slots=True)
class Reading:
    text: str
    title: str = ""
    facts: Facts = field(default_factory=Facts)


class _Frugal(yaml.SafeLoader):
    """Safe, and without merges: a few lines of merges that merge merges would grow to gigabytes before anyone looks at them."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("merges (<<) are not read here")


def facts_of(source: str, where: str) -> Facts:
    """Facts written in YAML, as in front matter; `where` names the place to a person."""
    if len(source) > MAX_FACTS:
        raise Invalid(f"The {where} is larger than {MAX_FACTS // 1024} KiB.")
    try:
        found = yaml.load(source, Loader=_Frugal)  # noqa: S506  # a SafeLoader
    except _YAML_FAILS as error:
        said = " ".join(str(error).split())[:200]
        raise Invalid(f"The {where} is not YAML: {said}") from None
    if found is None:
        return Facts()
    if not isinstance(found, dict):
        raise Invalid(f"The {where} is not a mapping of names to values.")
    return validated(found, where)


def validated(found: dict[Any, Any], where: str) -> Facts:
    try:
        return Facts.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        name = f"{where}'s {at}" if at else where
        raise Invalid(f"The {name} is wrong: {first['msg']}.", field=at or None) from None


def labels(text: str) -> list[str]:
    """Keywords as offices write them: set apart by commas or semicolons."""
    found = [part.strip()[:80] for part in re.split(r"[,;，；、]", text[:4_000])]
    return [part for part in dict.fromkeys(found) if part][:64]


def tidy(text: str) -> str:
    """One kind of line end, and no character that a database or a screen cannot take."""
    return _NO_CHARACTER.sub("", _LINE_END.sub("\n", text)).replace("\ufeff", "")


def plain(line: str) -> str:
    """A line of a foreign text, set in where it would pass for a heading or a fence of ours; most such lines are code."""
    return f"    {line.lstrip()}" if _LIKE_A_MARK.match(line) else line


def fenced(code: str, language: str = "") -> str:
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def grid(rows: list[list[str]]) -> str:
    """Rows as a Markdown table whose first row is its head; short rows stay short, so that one wide row costs no more than itself."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows if any(cell.strip() for cell in row)]
    if not lines:
        return ""
    first = next(row for row in rows if any(cell.strip() for cell in row))
    return "\n".join([lines[0], "|" + " --- |" * len(first), *lines[1:]])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
