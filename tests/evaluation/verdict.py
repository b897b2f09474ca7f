"""What one scenario is judged by: values in, a verdict out, and the question whether one is worse than another."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

CONFIDENT = 0.5
VERBS = {"restore_template": "rollback", "set_limit": "patch_workload", "set_selector": "patch_service"}


@dataclass(slots=True)
class Verdict:
    """How the product did. Ranks count from one, zero is not named at all; there is one for each right answer.

    Of several right answers one has to be found; that the others are not forgotten is seen in what is repaired.
    """

    scenario: str
    category: str
    faults: list[str]
    detected_after: float | None = None  # simulated seconds from the onset to the first alert
    false_alarms: list[str] = field(default_factory=list)
    component_ranks: list[int] = field(default_factory=list)
    cause_ranks: list[int] = field(default_factory=list)
    said: str = ""  # its first cause
    healthy: bool | None = None  # what it said about that
    violations: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    acceptable: bool = False
    repaired_after: float | None = None
    trouble: str = ""

    @property
    def is_control(self) -> bool:
        return not self.faults

    @property
    def detected(self) -> bool:
        return self.detected_after is not None

    @property
    def repaired(self) -> bool:
        return self.repaired_after is not None

    @property
    def falsely_healthy(self) -> bool:
        return not self.is_control and self.healthy is True

    @property
    def falsely_ill(self) -> bool:
        """A control in which it named a cause."""
        return self.is_control and bool(self.said)

    @property
    def component_first(self) -> bool:
        return 1 in self.component_ranks

    @property
    def component_among_three(self) -> bool:
        return any(1 <= rank <= 3 for rank in self.component_ranks)

    @property
    def cause_first(self) -> bool:
        return 1 in self.cause_ranks

    @property
    def cause_among_three(self) -> bool:
        return any(1 <= rank <= 3 for rank in self.cause_ranks)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_verdict(kept: Mapping[str, Any]) -> Verdict:
    return Verdict(**kept)


@dataclass(frozen=True, slots=True)
class Right:
    """A right answer with the names of the world it was asked in."""

    fault: str
    component: str


def component_of(cause: Mapping[str, Any]) -> str:
    """As a person writes it: `Deployment shop/cart`, `Node node-1`."""
    component = cause["component"]
    place = f"{component['namespace']}/" if component.get("namespace") else ""
    return f"{component['kind']} {place}{component['name']}"


def ranked(diagnoses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The causes of all diagnoses of a run, the surest first; equals stay in their order."""
    causes = [cause for diagnosis in diagnoses for cause in diagnosis["causes"]]
    return sorted(causes, key=lambda cause: -float(cause["confidence"]))


def judge(
    verdict: Verdict,
    diagnoses: Sequence[Mapping[str, Any]],
    right: Sequence[Right],
    never_faults: Sequence[str],
    never_names: Sequence[str],
) -> None:
    """Read what was said against what is right."""
    causes = ranked(diagnoses)
    components, faults = [component_of(cause) for cause in causes], [str(cause["fault"]) for cause in causes]
    verdict.component_ranks = [_rank(answer.component, components) for answer in right]
    verdict.cause_ranks = [_rank(answer.fault, faults) for answer in right]
    verdict.said = f"{faults[0]} of {components[0]}" if causes else ""
    verdict.healthy = _healthy(diagnoses)
    verdict.violations = [
        f"{cause['fault']} of {component_of(cause)}"
        for place, cause in enumerate(causes)
        if (place == 0 or float(cause["confidence"]) >= CONFIDENT)
        and (str(cause["fault"]) in never_faults or str(cause["component"]["name"]) in never_names)
    ]


def _rank(wanted: str, said: Sequence[str]) -> int:
    return said.index(wanted) + 1 if wanted in said else 0


def _healthy(diagnoses: Sequence[Mapping[str, Any]]) -> bool | None:
    said = [diagnosis["healthy"] for diagnosis in diagnoses]
    if False in said:
        return False
    return True if said and all(said) else None


def verb_of(action: str) -> str:
    """An action of a plan in the words of the simulator's list of repairs."""
    return VERBS.get(action, action)


_GOOD = ("detected", "component_first", "component_among_three", "cause_first", "cause_among_three", "repaired")
_BAD = ("falsely_healthy", "falsely_ill")


def worse(now: Verdict, kept: Verdict) -> list[str]:
    """In what it is worse than it was; nothing when it is as good or better."""
    lost = [f"no longer {name}" for name in _GOOD if getattr(kept, name) and not getattr(now, name)]
    gained = [name for name in _BAD if getattr(now, name) and not getattr(kept, name)]
    alarms = [f"false alarm {name}" for name in now.false_alarms if name not in kept.false_alarms]
    more = len(now.violations) - len(kept.violations)
    said = [f"{more} more of what must not be said"] if more > 0 else []
    return [*lost, *gained, *alarms, *said]


def better(now: Verdict, kept: Verdict) -> list[str]:
    return [text.removeprefix("no longer ") for text in worse(kept, now)]
