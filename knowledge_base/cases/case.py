"""A case: what was seen, what it was, what helped and how that is known.

What people may change (`Body`) stands apart from what was recorded (`Facts`): an edit makes a version of the body and leaves the facts
alone. Every text is held in both languages; what a person wrote is the same in both.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from core.language import Language

State = Literal["open", "draft", "confirmed", "rejected"]
"""`open`: its trouble goes on, and it is nowhere shown. `rejected`: only the mark is left that it is not to be made again."""
SHOWN: tuple[State, ...] = ("draft", "confirmed")
MACHINE = "firstmate"
FEWEST_STARS, MOST_STARS = 1, 5


class Words(BaseModel, frozen=True):
    en: str = ""
    zh: str = ""

    def __call__(self, language: Language) -> str:
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)

    def replaced(self, text: str) -> "Words":
        """By what a person wrote; what was only shown to that person and came back unchanged keeps its other language."""
        return self if text in (self.en, self.zh) else Words(en=text, zh=text)


class Component(BaseModel, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        place = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.kind} {place}".strip()


class Sighting(BaseModel, frozen=True):
    """One alert of the trouble."""

    name: str
    severity: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    summary: Words = Words()


class Quote(BaseModel, frozen=True):
    source: str
    ref: str
    quote: str


class Times(BaseModel, frozen=True):
    began: datetime | None = None
    detected: datetime | None = None
    acknowledged: datetime | None = None
    repaired: datetime | None = None
    closed: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """From its beginning to its end."""
        return (self.closed - self.began).total_seconds() if self.began and self.closed else None


class Facts(BaseModel, frozen=True):
    alerts: list[Sighting] = Field(default_factory=list)
    component: Component = Component()
    fault: str = Field(default="", description="An id of the fault catalogue")
    name: Words = Words()
    statement: Words = Words()
    confidence: float = 0.0
    quotes: list[Quote] = Field(default_factory=list)
    logs: list[str] = Field(default_factory=list, description="Log lines with what varies masked")
    plan: str = Field(default="", description="The repair that was carried out")
    people: list[str] = Field(default_factory=list)
    times: Times = Times()


class Body(BaseModel, frozen=True):
    title: Words = Words()
    symptom: Words = Words()
    cause: Words = Words()
    fix: Words = Words()
    proof: Words = Words()
    tags: list[str] = Field(default_factory=list)


class Case(BaseModel, frozen=True):
    id: str
    incident: str | None
    state: State
    version: int
    body: Body
    facts: Facts
    made_by: str
    made_at: datetime
    changed_at: datetime
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    ratings: int = 0
    stars: float | None = Field(default=None, description="Mean of the ratings, 1 to 5")

    def to_json(self, language: Language) -> dict[str, Any]:
        body = self.body
        told = {name: getattr(body, name)(language) for name in ("title", "symptom", "cause", "fix", "proof")}
        return {
            **self.model_dump(mode="json", exclude={"body"}),
            **told,
            "tags": body.tags,
            "seconds": self.facts.times.seconds,
        }


class Version(BaseModel, frozen=True):
    version: int
    what: str
    by: str
    at: datetime
    body: Body
