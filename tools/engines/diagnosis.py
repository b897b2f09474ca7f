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


class Evidence(BaseModel, frozen=True):
    source: EvidenceSource
    ref: str = Field(description="Object and field path, log, or query that anyone can read again")
    quote: str
    at: datetime | None = None
    weight: float = Field(default=1.0, ge=0)
    points: tuple[float, ...] = Field(
        default=(), description="Of a metric: its course over the window, at most 24 values"
    )


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
    onset: datetime | None = None
    remedies: list[str] = Field(default_factory=list, description="Ids of repairs that the planner knows, best first")


class NearMiss(BaseModel):
    """Thought of, and not believed enough to be called a cause."""

    fault: str
    component: Component
    confidence: float = Field(ge=0, le=1)
    statement: str
    decide: str = Field(default="", description="What would tell")


class Symptom(BaseModel):
    component: Component
    statement: str
    caused_by: int | None = Field(default=None, description="Rank of the cause that explains it")
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
    deciding: bool = Field(default=True, description="Whether what is missing could have contradicted that all is well")


class Window(BaseModel):
    start: datetime
    end: datetime


class Diagnosis(BaseModel):
    subject: str
    window: Window
    taken_at: datetime
    healthy: bool | None
    causes: list[Cause] = Field(default_factory=list)
    near_misses: list[NearMiss] = Field(default_factory=list)
    symptoms: list[Symptom] = Field(default_factory=list)
    timeline: list[Moment] = Field(default_factory=list)
    gaps: list[Gap] = Field(default_factory=list)
    engine_ms: float = 0.0
