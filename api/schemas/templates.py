"""A notification template to be tried."""

from typing import Any, Literal

from pydantic import Field

from api.schemas import Body


class Render(Body):
    text: str = Field(max_length=65_536, description="The template; it may call those of the configuration in force")
    type: Literal["text", "html"] = "text"
    language: Literal["en", "zh"] | None = Field(default=None, description="Whose standard templates it may call")
    data: dict[str, Any] | None = Field(default=None, description="A message as a webhook receives it; null: a sample")
