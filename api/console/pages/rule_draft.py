"""A rule as it is typed into a form, and the definition that it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from alerts.rulebook.definition import Definition
from api import rulings
from core.errors import Invalid

# A form shows these one by one; whatever else says what is watched is written as it is stored.
_WATCHED = ("conditions", "join", "match_on", "detector", "forest")


@dataclass(frozen=True, slots=True)
class RuleDraft:
    name: str = ""
    watched: str = ""
    """An expression, or where `structured` the conditions or the detector as YAML."""
    structured: bool = False
    hold: str = "5m"
    keep: str = "0s"
    severity: str = "warning"
    description: str = ""
    labels: str = ""
    annotations: str = ""
    channels: str = ""

    def values(self) -> dict[str, Any]:
        """Every field, so that one that was emptied is emptied."""
        said = _mapping(self.watched, "watched") if self.structured else {"expr": self.watched.strip()}
        strange = sorted(set(said) - {"expr", *_WATCHED})
        if strange:
            raise Invalid(f"{strange[0]} does not say what is watched.", field="watched")
        return {
            "name": self.name.strip(),
            "description": self.description.strip(),
            **said,
            "hold": self.hold.strip() or "0s",
            "keep_firing_for": self.keep.strip() or "0s",
            "severity": self.severity.strip(),
            "labels": _texts(self.labels, "labels"),
            "annotations": _texts(self.annotations, "annotations"),
            "notification_channels": tuple(part.strip() for part in self.channels.split(",") if part.strip()),
        }

    def definition(self) -> Definition:
        return rulings.defined(self.values())


def draft_of(definition: Definition) -> RuleDraft:
    stored = definition.model_dump(mode="json", exclude_defaults=True)
    said = {name: stored[name] for name in _WATCHED if name in stored}
    return RuleDraft(
        name=definition.name,
        watched=definition.expr if definition.expr is not None else _written(said),
        structured=definition.expr is None,
        hold=definition.hold,
        keep=definition.keep_firing_for,
        severity=definition.severity,
        description=definition.description,
        labels=_written(definition.labels),
        annotations=_written(definition.annotations),
        channels=", ".join(definition.notification_channels),
    )


def place_of(error: Invalid) -> str:
    """Which field of the form a complaint is about; empty where it is about none of them."""
    named = str(error.details.get("field") or "").split(".")[0]
    return _PLACES.get(named, named)


_PLACES = {
    **dict.fromkeys(("expr", "condition", *_WATCHED), "watched"),
    **dict.fromkeys(("for", "duration"), "hold"),
    "keep_firing_for": "keep",
    "notification_channels": "channels",
}


def _written(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False) if values else ""


def _mapping(text: str, field: str) -> dict[str, Any]:
    try:
        read = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Invalid(f"This is not YAML{where}.", field=field) from None
    if not isinstance(read, dict):
        raise Invalid("Write it as name: value, one a line.", field=field)
    return {str(name): value for name, value in read.items()}


def _texts(text: str, field: str) -> dict[str, str]:
    read = _mapping(text, field)
    deep = [name for name, value in read.items() if isinstance(value, dict | list)]
    if deep:
        raise Invalid(f"{deep[0]} must be one text.", field=field)
    return {name: "" if value is None else str(value) for name, value in read.items()}
