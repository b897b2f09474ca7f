"""Bodies of the case routes."""

from typing import Annotated

from pydantic import Field, model_validator

from api.schemas import Body
from knowledge_base.cases.book import MAX_TAG, MAX_TAGS, MAX_TEXT, MAX_TITLE, Edit
from knowledge_base.cases.case import FEWEST_STARS, MOST_STARS

Said = Annotated[str, Field(max_length=MAX_TEXT)]
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG, pattern=r"^\S+$")]


class Change(Body):
    """What is left out stays as it is."""

    version: int = Field(ge=1, description="The version that was read; a later one is not overwritten")
    title: str | None = Field(None, min_length=1, max_length=MAX_TITLE)
    symptom: Said | None = None
    cause: Said | None = None
    fix: Said | None = None
    proof: Said | None = None
    tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)

    def edit(self) -> Edit:
        return Edit(**self.model_dump(exclude={"version"}))


class Rate(Body):
    stars: int | None = Field(None, ge=FEWEST_STARS, le=MOST_STARS)
    helpful: bool | None = Field(None, description="In place of stars: true is all of them, false the fewest")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Rate":
        if (self.stars is None) == (self.helpful is None):
            raise ValueError("give stars or helpful")
        return self

    @property
    def given(self) -> int:
        return self.stars if self.stars is not None else MOST_STARS if self.helpful else FEWEST_STARS
