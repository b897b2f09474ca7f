"""Events as the components of a cluster write them.

The same thing said again about the same object within the hour is one Event whose count and lastTimestamp move; what is said in ten
different ways within ten minutes is one too, with the latest words after a remark. Both are what the event correlator of client-go does.
After the hour an Event is forgotten, as the API server forgets it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from simulator.clock import parse_rfc3339, rfc3339
from simulator.store import Store

Object = dict[str, Any]
EventType = Literal["Normal", "Warning"]

TTL = timedelta(hours=1)
SIMILAR_WITHIN = timedelta(minutes=10)
MOST_SIMILAR = 10
COMBINED = "(combined from similar events): "
API_VERSIONS = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), "apps/v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
}


@dataclass(frozen=True)
class Source:
    component: str
    host: str = ""


class Recorder:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        # When each Event was last said, by what makes it similar to others.
        self._similar: dict[str, dict[str, datetime]] = {}

    def record(
        self,
        about: Object,
        kind: str,
        event: EventType,
        reason: str,
        message: str,
        source: Source,
        field: str = "",
        *,
        pause: timedelta = timedelta(0),
    ) -> None:
        """Say something about an object; `field` is a path inside it, such as spec.containers{web}.

        What was said already is not said again before the pause is over.
        """
        involved = _reference(about, kind, field)
        name = _name(involved, event, reason, message, source)
        namespace = involved.get("namespace") or "default"
        family = _name(involved, event, reason, "", source)
        if self._is_one_too_many(family, name):
            name, message = family, f"{COMBINED}{message}"
        known = self._store.get("Event", namespace, name)
        stamp = rfc3339(self._now())
        if known is None:
            self._store.create("Event", _event(name, namespace, involved, event, reason, message, source, stamp))
        elif self._now() >= parse_rfc3339(known["lastTimestamp"]) + pause:
            again = {"count": known["count"] + 1, "lastTimestamp": stamp, "message": message}
            self._store.update("Event", {**known, **again})

    def _is_one_too_many(self, family: str, name: str) -> bool:
        oldest = self._now() - SIMILAR_WITHIN
        recent = {each: at for each, at in self._similar.get(family, {}).items() if at > oldest}
        is_new = name not in recent and len(recent) >= MOST_SIMILAR - 1
        self._similar[family] = recent if is_new else {**recent, name: self._now()}
        return is_new

    def forget_warnings(self) -> None:
        """What went wrong while everything came up at once is no news in a cluster that has been there for long."""
        for event in self._store.list("Event"):
            if event["type"] == "Warning":
                self._store.delete("Event", event["metadata"].get("namespace"), event["metadata"]["name"])

    def forget_old(self) -> None:
        oldest = self._now() - TTL
        self._similar = {family: said for family, said in self._similar.items() if max(said.values()) > oldest}
        for event in self._store.list("Event"):
            last = event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
            if parse_rfc3339(last) < oldest:
                self._store.delete("Event", event["metadata"].get("namespace"), event["metadata"]["name"])


def _reference(about: Object, kind: str, field: str) -> Object:
    metadata = about["metadata"]
    reference = {
        "kind": kind,
        "namespace": metadata.get("namespace"),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": API_VERSIONS.get(kind, "v1"),
        "resourceVersion": metadata.get("resourceVersion"),
        "fieldPath": field,
    }
    return {key: value for key, value in reference.items() if value}


def _name(involved: Object, event: str, reason: str, message: str, source: Source) -> str:
    said = "\0".join(
        (involved["uid"], involved.get("fieldPath", ""), event, reason, message, source.component, source.host)
    )
    return f"{involved['name']}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _event(
    name: str, namespace: str, involved: Object, event: str, reason: str, message: str, source: Source, stamp: str
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "type": event,
        "reason": reason,
        "message": message,
        "source": {"component": source.component, **({"host": source.host} if source.host else {})},
        "reportingComponent": source.component,
        "reportingInstance": source.host,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "eventTime": None,
        "count": 1,
    }
