"""One stored Event, two shapes: core/v1 as it is kept, events.k8s.io/v1 as newer clients read and write it."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_RENAMED = {
    "message": "note",
    "involvedObject": "regarding",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {newer: core for core, newer in _RENAMED.items()}


def to_newer(event: Object) -> Object:
    newer = {_RENAMED.get(name, name): value for name, value in event.items()}
    newer.setdefault("eventTime", None)
    return newer


def to_core(event: Object) -> Object:
    return {_BACK.get(name, name): value for name, value in event.items()}
