"""What the HTTP API takes: one model a body, unknown fields refused by name."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
