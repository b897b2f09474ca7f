"""What a diagnosis says: causes with evidence, symptoms that they explain, and the gaps that keep it honest.

These are the types that every road shows. `healthy` is None unless every source that could contradict it was read: silence from a
system that did not answer is not health. A cause without evidence cannot be built.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

EvidenceSource = Literal["kubernetes", "event", "log", "metric", "probe", "change", "alert"]


class Component(BaseModel, frozen=True):
    """The thing to change (in a cause) or the thing that suffers (in a symptom).

    A workload's Service, claim, probe and template count as the workload's: of a Service that selects nothing it is the workload meant.
    """

    kind: str
    namespace: str | None = None
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


class Evidence(BaseModel):
    source: EvidenceSource
    ref: str = Field(description="Object and field path, log, or query that anyone can read again")
    quote: str
    at: datetime | None = None
    weight: float = Field(default=1.0, ge=0)


class Cause(BaseModel):
    rank: int
    fault: str = Field(description="An id of the fault catalogue")
    category: str
    component: Component
    confidence: float = Field(ge=0, le=1)
    statement: str
    evidence: list[Evidence] = Field(min_length=1)
    against: list[Evidence] = Field(default_factory=list)
    affected: list[Component] = Field(default_factory=list)
    remedies: list[str] = Field(default_factory=list, description="Ids of repairs that the planner knows, best first")


class Symptom(BaseModel):
    component: Component
    statement: str
    evidence: list[Evidence] = Field(default_factory=list)


class Moment(BaseModel):
    at: datetime
    what: str
    ref: str


class Gap(BaseModel):
    what: str
    why: str
    how: str = ""
    neighbour: bool = Field(default=False, description="In another namespace, called from the one asked about")


class Window(BaseModel):
    start: datetime
    end: datetime


class Diagnosis(BaseModel):
    subject: str
    window: Window
    taken_at: datetime
    healthy: bool | None
    causes: list[Cause] = Field(default_factory=list)
    symptoms: list[Symptom] = Field(default_factory=list)
    timeline: list[Moment] = Field(default_factory=list)
    gaps: list[Gap] = Field(default_factory=list)
    engine_ms: float = 0.0
