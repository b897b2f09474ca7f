"""Bodies of the incident routes."""

from typing import Annotated

from pydantic import Field

from api.schemas import Body

Note = Annotated[str, Field(max_length=2000, description="Why, for whoever reads it later")]
IncidentKey = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9a-f]+$")]


class Merge(Body):
    incidents: list[IncidentKey] = Field(min_length=1, max_length=100, description="Those that flow into this one")
    note: Note = ""


class Split(Body):
    alerts: list[IncidentKey] = Field(
        min_length=1, max_length=500, description="Fingerprints of the alerts that become an incident of their own"
    )
    note: Note = ""


class Undo(Body):
    arrangement: int | None = Field(None, ge=1, description="Which merge or split; null: the last one that stands")
    note: Note = ""


class Entitle(Body):
    title: str | None = Field(max_length=200, description="null: the title that is made of the alerts")
