"""Bodies of the knowledge routes."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, StringConstraints, model_validator

from api.schemas import Body
from core.language import Language
from knowledge_base.formats.reading import Label, PageId
from knowledge_base.sources.kept import MAX_NAME, Said

MAX_CONTENT = 1_000_000
MAX_FILES = 5_000
Note = Annotated[str, StringConstraints(max_length=1_000)]
NoteName = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Labels = Annotated[list[Label], Field(max_length=64)]
Collection = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^/\\\x00-\x1f\x7f]*$", strip_whitespace=True)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
SUFFIX = {"markdown": ".md", "html": ".html", "text": ".txt", "yaml": ".yaml"}


class AddDocument(Body):
    """One document: its words, or the URL of a page to fetch and to follow."""

    content: str = Field(
        default="",
        max_length=MAX_CONTENT,
        validation_alias=AliasChoices("content", "text"),
        description="Markdown, front matter allowed; `text` is its other name",
    )
    url: str = Field(default="", max_length=2_000, description="A page to fetch; fetched again with each refresh")
    format: Literal["markdown", "html", "text", "yaml"] = "markdown"
    id: PageId | None = Field(default=None, description="The page's id; the same id and language again replace it")
    title: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    language: Language | None = Field(default=None, description="null: what the text is written in")
    tags: Labels = Field(default_factory=list)
    faults: Labels = Field(default_factory=list)
    alerts: Labels = Field(default_factory=list)
    metadata: Annotated[dict[NoteName, Note], Field(max_length=32)] = Field(default_factory=dict)
    type: Annotated[str, StringConstraints(max_length=50)] = Field(
        default="", description="Such as solution, case_study, best_practice: kept beside the page"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "AddDocument":
        if bool(self.content.strip()) == bool(self.url):
            raise ValueError("give content (or text) or url: one of them")
        return self

    def said(self) -> Said:
        notes = {**self.metadata, **({"type": self.type} if self.type else {})}
        return Said(
            page=self.id or "",
            title=self.title,
            language=self.language,
            tags=tuple(self.tags),
            faults=tuple(self.faults),
            alerts=tuple(self.alerts),
            notes=notes,
        )


class Sync(Body):
    """What a folder elsewhere holds, by the SHA-256 of its files: the answer says which of them to upload."""

    collection: Collection = ""
    files: Annotated[dict[FileName, Digest], Field(max_length=MAX_FILES)]
    tags: Labels = Field(default_factory=list)
    language: Language | None = None
    remove: bool = Field(default=False, description="Remove what the collection held and the folder holds no more")
