"""Rows that leave out what they have nothing to say about: an empty field costs a model as much to read as a full one."""

from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer


class Terse(BaseModel):
    """Fields that may be left out have a default, so that what is left still fits the schema."""

    @model_serializer(mode="wrap")
    def _without_empty_fields(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in whole(self).items() if value is not None and value not in ("", [], {})}
