"""One message about one group of alerts: what every channel is handed, and Alertmanager's webhook body (version 4).

A message is made once, when it is decided, and stored as it is: sent again after a crash it says the same thing, not what has become true
since. The body has Alertmanager's fields in Alertmanager's order and nothing else, because receivers for it exist already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cmp_to_key
from typing import Any, Literal

from alerts.model import Alert
from alerts.pictures.question import Question
from core.language import Language, pick

MAX_ALERTS = 200
NO_TIME = "0001-01-01T00:00:00Z"
Status = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a receiver sees it."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str
    fingerprint: str
    ended_because: str = ""

    def text(self, name: str, language: Language) -> str:
        chinese = self.annotations.get(f"{name}_zh", "") if language == "zh" else ""
        return chinese or self.annotations.get(name, "")


@dataclass(frozen=True, slots=True)
class Said:
    """A message in the user's words, field by field; where a template failed, what it was."""

    fields: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    receiver: str
    status: str
    reason: str
    group_key: str
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    common_annotations: dict[str, str]
    external_url: str
    items: tuple[Item, ...]
    truncated: int = 0
    taken_by: str = ""
    """Who has acknowledged or closed what still fires, where that is what the message tells."""
    said: Said = Said()
    """Made anew whenever it is sent, by the templates of then; not a part of what is kept."""
    question: Question | None = None
    """What its picture shows, settled with the rest of it."""

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "said"}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "Message":
        asked = read.get("question")
        return cls(
            **{
                **read,
                "items": tuple(Item(**item) for item in read["items"]),
                "question": Question.from_json(asked) if asked else None,
            }
        )

    def bare(self) -> "Message":
        """About which alerts it was and why, without a word of what it said."""
        items = (Item(one.status, {}, {}, one.starts_at, one.ends_at, "", one.fingerprint) for one in self.items)
        return replace(
            self, group_labels={}, common_labels={}, common_annotations={}, items=tuple(items), question=None
        )

    def webhook_body(self) -> dict[str, Any]:
        return {
            "receiver": self.receiver,
            "status": self.status,
            "alerts": [_webhook_item(item) for item in self.items],
            "groupLabels": self.group_labels,
            "commonLabels": self.common_labels,
            "commonAnnotations": self.common_annotations,
            "externalURL": self.external_url,
            "version": "4",
            "groupKey": self.group_key,
            "truncatedAlerts": self.truncated,
        }

    def line(self, language: Language) -> str:
        """The whole message in one line: state, how many, the name, and what the first alert says."""
        state = self._state(language)
        count = sum(1 for item in self.items if item.status == self.status) + self.truncated
        name = self.group_labels.get("alertname") or self.common_labels.get("alertname", "")
        first = next((item for item in self.items if item.status == self.status), None)
        said = first.text("summary", language) if first else ""
        return f"[{state}:{count}] {name}" + (f" - {said}" if said else "")

    def _state(self, language: Language) -> str:
        if self.taken_by:
            return pick(language, f"TAKEN by {self.taken_by}", f"{self.taken_by} 已处理")
        if self.status == "firing":
            return pick(language, "FIRING", "告警中")
        if any(item.ended_because for item in self.items):
            return pick(language, "ENDED", "已结束")
        return pick(language, "RESOLVED", "已恢复")


def compose(
    *,
    receiver: str,
    reason: str,
    group_key: str,
    group_labels: dict[str, str],
    alerts: Sequence[Alert],
    external_url: str,
    question: Question | None = None,
) -> Message:
    """In Alertmanager's order (job, instance, then the other labels); of too many, the firing ones are kept and the rest counted."""
    ordered = sorted(alerts, key=lambda alert: _place(alert.labels))
    if len(ordered) > MAX_ALERTS:
        kept = sorted(ordered, key=lambda alert: alert.state != "firing")[:MAX_ALERTS]
        ordered = sorted(kept, key=lambda alert: _place(alert.labels))
    return Message(
        receiver=receiver,
        status="firing" if any(alert.state == "firing" for alert in alerts) else "resolved",
        reason=reason,
        group_key=group_key,
        group_labels=group_labels,
        common_labels=_common([alert.labels for alert in alerts]),
        common_annotations=_common([alert.annotations for alert in alerts]),
        external_url=external_url,
        items=tuple(_item(alert, external_url) for alert in ordered),
        truncated=len(alerts) - len(ordered),
        question=question,
    )


def _before(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """Of two label sets of one size, the one that lacks the first label in which they differ goes before."""
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            return -1 if name not in one or (name in other and one[name] < other[name]) else 1
    return 0


_in_order = cmp_to_key(_before)


def _place(labels: Mapping[str, str]) -> tuple[Any, ...]:
    named = [(name not in labels, labels.get(name, "")) for name in ("job", "instance")]
    return (*named, len(labels), _in_order(labels))


def _item(alert: Alert, external_url: str) -> Item:
    return Item(
        status="firing" if alert.state == "firing" else "resolved",
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=_rfc3339(alert.starts_at),
        ends_at=_rfc3339(alert.resolved_at) if alert.resolved_at else NO_TIME,
        generator_url=f"{external_url}/alerts/{alert.fingerprint}" if external_url else "",
        fingerprint=alert.fingerprint,
        ended_because=alert.ended_because if alert.state != "firing" else "",
    )


def _webhook_item(item: Item) -> dict[str, Any]:
    return {
        "status": item.status,
        "labels": item.labels,
        "annotations": item.annotations,
        "startsAt": item.starts_at,
        "endsAt": item.ends_at,
        "generatorURL": item.generator_url,
        "fingerprint": item.fingerprint,
    }


def _common(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not tables:
        return {}
    first, *others = tables
    return {name: value for name, value in sorted(first.items()) if all(other.get(name) == value for other in others)}


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
