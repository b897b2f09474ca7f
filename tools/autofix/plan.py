"""What a repair is: the exact steps, what they were computed from, how success is measured and how they are taken back.

A Plan never changes after it was proposed; only its state does, and every move is looked up in one table. The hash covers everything that
would be done (steps with their targets as they were, arguments, checks, undo, expiry) and what a person is shown of it (title, risk,
diffs), so an approval that names the hash names the deed as it was read. A target is remembered by uid, resourceVersion and a digest of
what its author wrote: status moves the version many times a minute in an incident, and must not void an approval, while any change of the
wish itself must.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import Conflict
from core.language import Language
from tools.engines.changes import digest
from tools.engines.diagnosis import Component, Evidence
from tools.engines.objects import Object, dig, mapping

State = Literal[
    "proposed", "approved", "applying", "verifying", "undoing",
    "succeeded", "undone", "failed", "rejected", "expired", "superseded",
]  # fmt: skip
Move = Literal["approve", "reject", "expire", "supersede", "start", "applied", "hold", "undo", "undone", "stop"]
Risk = Literal["low", "medium", "high"]
CheckKind = Literal["objects_ready", "alert_cleared", "cause_gone"]
OPEN: frozenset[State] = frozenset({"proposed", "approved", "applying", "verifying", "undoing"})
RUNNING: frozenset[State] = frozenset({"applying", "verifying", "undoing"})
UNDOABLE: frozenset[State] = frozenset({"succeeded", "failed"})

MOVES: dict[tuple[State, Move], State] = {
    ("proposed", "approve"): "approved",
    ("proposed", "reject"): "rejected",
    ("proposed", "expire"): "expired",
    ("proposed", "supersede"): "superseded",
    ("approved", "reject"): "rejected",
    ("approved", "expire"): "expired",
    ("approved", "supersede"): "superseded",
    ("approved", "start"): "applying",
    ("applying", "applied"): "verifying",
    ("applying", "supersede"): "superseded",
    ("applying", "undo"): "undoing",
    ("applying", "stop"): "failed",
    ("verifying", "hold"): "succeeded",
    ("verifying", "undo"): "undoing",
    ("verifying", "stop"): "failed",
    ("undoing", "undone"): "undone",
    ("undoing", "stop"): "failed",
    ("succeeded", "undo"): "undoing",
    ("failed", "undo"): "undoing",
}
_CONTROLLERS_OWN = "deployment.kubernetes.io/"
_DEED = {"id", "context", "steps", "undo", "verify", "hold_seconds", "expires_at"}
_SHOWN = {"title", "risk", "diff", "undo_diff"}


def next_state(state: State, move: Move) -> State:
    if (state, move) not in MOVES:
        raise Conflict(f"A plan that is {state} cannot go through '{move}'.", expected=move, found=state)
    return MOVES[(state, move)]


class Target(BaseModel, frozen=True):
    context: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    digest: str = Field(description="Of labels, annotations and spec: what somebody wished, without status")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Step(BaseModel, frozen=True):
    action: str
    target: Target
    arguments: dict[str, Any]
    idempotency_key: str
    summary: str


class Check(BaseModel, frozen=True):
    kind: CheckKind
    sentence: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Reason(BaseModel, frozen=True):
    """What the plan is for: the cause it removes, and the alert that asked, if one did."""

    fault: str
    component: Component
    statement: str
    confidence: float
    alert: str | None = None


class Approval(BaseModel, frozen=True):
    plan_hash: str
    approver: str
    via: str
    note: str
    at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    proof: str = Field(default="", exclude=True, description="Keyed hash: a row written past the API proves nothing")


class Plan(BaseModel):
    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    id: str
    title: str
    reason: Reason = Field(alias="for")
    context: str
    namespace: str
    remedy: str
    steps: list[Step]
    undo: list[Step]
    verify: list[Check]
    hold_seconds: float = Field(description="How long all checks must hold together")
    risk: Risk
    blast_radius: str
    expected_effect: str
    evidence: list[Evidence]
    diff: str
    undo_diff: str = Field(default="", description="What taking it back would change")
    hash: str
    language: Language
    proposed_by: str
    created_at: datetime
    expires_at: datetime
    state: State = "proposed"
    state_reason: str = ""
    approval: Approval | None = None


class LedgerEntry(BaseModel, frozen=True):
    """One row: a move of the plan, or a step or check before and after it."""

    seq: int
    at: datetime
    kind: Literal["transition", "step", "check"]
    subject: str = Field(description="State moved to, the step's key, or the check")
    phase: str
    sentence: str
    by: str
    detail: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What verification needs of an alert: the question that raised it."""

    fingerprint: str
    name: str
    expr: str
    labels: dict[str, str]


def wish(obj: Object) -> str:
    """A digest of what people decide about an object; what controllers write into it does not count."""
    annotations = mapping(obj, "metadata", "annotations")
    own = {key: value for key, value in annotations.items() if not key.startswith(_CONTROLLERS_OWN)}
    return digest({"labels": mapping(obj, "metadata", "labels"), "annotations": own, "spec": mapping(obj, "spec")})


def target_of(context: str, obj: Object) -> Target:
    return Target(
        context=context,
        kind=str(obj.get("kind")),
        namespace=str(dig(obj, "metadata", "namespace") or ""),
        name=str(dig(obj, "metadata", "name")),
        uid=str(dig(obj, "metadata", "uid")),
        resource_version=str(dig(obj, "metadata", "resourceVersion")),
        digest=wish(obj),
    )


def plan_hash(plan: Plan) -> str:
    return digest(plan.model_dump(mode="json", include=_DEED | _SHOWN))


def deed(steps: list[Step]) -> str:
    """A digest of what is done to what, the same for two proposals of one repair."""
    return digest([[step.action, step.target.uid, step.target.digest, step.arguments] for step in steps])
