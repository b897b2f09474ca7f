"""What a picture asks: an expression, over which hours, for whose series. Decided with the message and kept in it.

The question is settled when the notification is, so that a message sent again shows what the first one did: same hours, same series, same
address. Its id is a hash of all of it. To ask only for the series of these alerts and not for a whole cluster's, the expression is joined
with their labels, written out as vectors of their own: that needs no newer PromQL and no change inside the rule's own text.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from alerts.pictures.scale import Unit, clock, human
from core.language import Language, pick

BEFORE = 3600.0
LONGEST = 24 * 3600.0
POINTS = 240
SHORTEST_STEP = 15.0
MAX_SERIES = 5
_FIRST_NAMES = ("namespace", "service", "deployment", "pod", "instance", "node")


class Sample(Protocol):
    @property
    def labels(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Question:
    title: str
    expr: str
    start: float
    end: float
    fired_at: float
    unit: Unit = ""
    operator: str = ""
    threshold: float | None = None
    series: tuple[dict[str, str], ...] = ()
    """The labels of each series that is drawn; without any, the expression is one series."""
    total: int = 1
    """How many alerts fire, drawn or not."""
    whole: str = ""
    """Asked first where it is not known which of an alert's labels are its series': the rule's whole expression."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "Question":
        return cls(**{**read, "series": tuple(read["series"])})

    @property
    def id(self) -> str:
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:32]

    @property
    def step(self) -> float:
        return max(SHORTEST_STEP, -(-(self.end - self.start) // POINTS))

    @property
    def promql(self) -> str:
        names = sorted(self.series[0]) if self.series else []
        if not names:
            return self.expr
        wanted = " or ".join(_vector(labels) for labels in self.series)
        return f"({self.expr}) and on ({', '.join(names)}) ({wanted})"

    def narrowed(self, samples: Iterable[Sample]) -> "Question":
        """For the series that fire and belong to these alerts: a sender adds labels to a series, and takes none away."""
        found = [_nameless(sample.labels) for sample in samples]
        own = [labels for labels in found if any(labels.items() <= alert.items() for alert in self.series)]
        return replace(self, series=alike(own), whole="") if own else self

    def names(self, lines: Iterable[Mapping[str, str]]) -> list[str]:
        """Each line by what tells it apart from the others; a single one by whose it is."""
        found = [_nameless(labels) for labels in lines]
        if len(found) == 1:
            telling = [name for name in _FIRST_NAMES if name in found[0]] or sorted(found[0])[:3]
            return [" / ".join(found[0][name] for name in telling) or self.title]
        telling = sorted({name for labels in found for name in labels if len({one.get(name) for one in found}) > 1})
        return [" / ".join(labels[name] for name in telling if name in labels) for labels in found]

    def caption(self, language: Language) -> str:
        """For whoever cannot see it, and in languages that are not painted."""
        hours = f"{clock(self.start)}-{clock(self.end)} UTC"
        limit = f"{self.operator} {human(self.threshold, self.unit)}" if self.threshold is not None else ""
        said = pick(language, f"Chart of {self.title}, {hours}", f"{self.title} 曲线图, {hours}")
        bound = pick(language, f", fires where {limit}", f", 告警条件 {limit}") if limit else ""
        left = self.total - max(1, len(self.series))
        rest = pick(language, f"; {left} more are not drawn", f"; 另有 {left} 条未画出") if left > 0 else ""
        return f"{said}{bound}{rest}"


def alike(series: Iterable[Mapping[str, str]]) -> tuple[dict[str, str], ...]:
    """Those that have the same labels' names as the first, up to as many as are drawn, none twice."""
    kept: list[dict[str, str]] = []
    for labels in series:
        if labels not in kept and (not kept or kept[0].keys() == labels.keys()):
            kept.append(dict(labels))
    return tuple(kept[:MAX_SERIES])


def _nameless(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _vector(labels: Mapping[str, str]) -> str:
    text = "vector(1)"
    for name, value in sorted(labels.items()):
        # A dollar would be read as a reference to a group of the (empty) pattern.
        text = f'label_replace({text}, "{name}", {json.dumps(value.replace("$", "$$"), ensure_ascii=False)}, "", "")'
    return text
