"""How an object's metrics are written down: names, labels and the shapes that several kinds share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from simulator.objects import Object, controller_of
from simulator.telemetry.labels import Sample, labelled

BASE = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
STATES = ("true", "false", "unknown")
Metrics = Iterator[Sample]


def of(name: str, value: Any, /, **labels: str) -> Sample:
    return labelled(name, BASE, **labels), float(value)


def time_of(name: str, stamp: Any, /, **labels: str) -> Metrics:
    """A moment as seconds since 1970; nothing where there is none yet."""
    if stamp:
        yield of(name, datetime.fromisoformat(str(stamp).replace("Z", "+00:00")).timestamp(), **labels)


def conditions(name: str, conditions: Iterable[Object] | None, /, **labels: str) -> Metrics:
    for each in conditions or ():
        for state in STATES:
            yield of(name, each["status"].lower() == state, **labels, condition=each["type"], status=state)


def owner(name: str, obj: Object, /, **labels: str) -> Sample:
    found = controller_of(obj)
    if found is None:
        return of(name, 1, **labels, owner_kind="<none>", owner_name="<none>", owner_is_controller="<none>")
    return of(name, 1, **labels, owner_kind=found["kind"], owner_name=found["name"], owner_is_controller="true")
