"""What whoever watches incidents tells of one: the material that a case is worded from.

This is the port: nothing here knows alerts, plans or diagnoses, only what they amounted to.
"""

from datetime import datetime

from pydantic import BaseModel, Field

from knowledge_base.cases.case import Component, Quote, Sighting, Times, Words


class Finding(BaseModel, frozen=True):
    """What a diagnosis said while the trouble went on."""

    fault: str
    name: Words = Words()
    component: Component
    statement: Words
    confidence: float
    quotes: list[Quote] = Field(default_factory=list)
    logs: list[str] = Field(default_factory=list)


class Repair(BaseModel, frozen=True):
    """A plan that was carried out."""

    plan: str
    title: str
    steps: list[str] = Field(default_factory=list)
    helped: bool
    verdict: str = Field(default="", description="What its verification said")
    approved_by: str = ""
    ended_at: datetime | None = None


class Note(BaseModel, frozen=True):
    """What somebody wrote beside an alert of it."""

    by: str
    text: str
    at: datetime


class Ending(BaseModel, frozen=True):
    """How one alert of it ended."""

    alert: str
    at: datetime
    seen: bool = Field(default=True, description="False: nothing speaks for it any more, and nobody saw it end")
    closed_by: str = ""


class Lesson(BaseModel, frozen=True):
    incident: str
    title: Words
    namespace: str = ""
    workload: str = ""
    alerts: list[Sighting] = Field(default_factory=list)
    finding: Finding | None = None
    repair: Repair | None = None
    notes: list[Note] = Field(default_factory=list)
    endings: list[Ending] = Field(default_factory=list)
    people: list[str] = Field(default_factory=list)
    times: Times = Times()
