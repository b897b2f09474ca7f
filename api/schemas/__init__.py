"""What the HTTP API takes: one model a body, unknown fields refused by name."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        # PostgreSQL cannot keep it, and no text that means anything has it.
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("must not contain the character NUL")
        return value
