"""What changed, read from what Kubernetes keeps: the ReplicaSets of a Deployment are its revisions, each with the whole template;
StatefulSets and DaemonSets keep ControllerRevisions.

The newest revision is what is wanted now; the ones before it are what ran before. Their templates are compared field by field, down to
one container's image, limit or variable, so that a cause can say which change brought it and a repair can go back to exactly what worked.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.engines.objects import Object, dig, kind_of, mapping, name_of, number_in, rows, when, whole
from tools.engines.snapshot import Snapshot

REVISION = "deployment.kubernetes.io/revision"
_HASH_LABEL = "pod-template-hash"
_SENSITIVE = ("pass", "secret", "token", "key", "credential")


@dataclass(frozen=True, slots=True)
class FieldChange:
    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.path, self.before)} -> {_shown(self.path, self.after)}"


@dataclass(frozen=True, slots=True)
class Revision:
    number: int
    replica_set: Object
    at: datetime | None

    @property
    def name(self) -> str:
        return name_of(self.replica_set)

    @property
    def template(self) -> dict[str, Any]:
        return clean_template(self.replica_set)

    @property
    def ready(self) -> int:
        return whole(dig(self.replica_set, "status", "readyReplicas")) or 0

    def container(self, name: str) -> dict[str, Any]:
        spec = mapping(self.template, "spec")
        return next((c for c in rows(spec, "containers") + rows(spec, "initContainers") if c.get("name") == name), {})


@dataclass(frozen=True, slots=True)
class Rollout:
    """The last change of a workload's template."""

    current: Revision
    previous: Revision
    fields: tuple[FieldChange, ...]

    def touching(self, *endings: str) -> list[FieldChange]:
        return [change for change in self.fields if change.path.endswith(endings)]


def clean_template(holder: Object) -> dict[str, Any]:
    """The pod template as its author wrote it: without the label that the controller adds to tell revisions apart."""
    template = json.loads(json.dumps(mapping(holder, "spec", "template")))
    metadata = mapping(template, "metadata")
    metadata.pop("creationTimestamp", None)
    mapping(metadata, "labels").pop(_HASH_LABEL, None)
    return dict(template)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def revisions(snapshot: Snapshot, deployment: Object) -> list[Revision]:
    """Newest first."""
    if kind_of(deployment) in {"StatefulSet", "DaemonSet"}:
        return _controller_revisions(snapshot, deployment)
    found = [
        Revision(number, replica_set, _rolled_out_at(snapshot, deployment, replica_set))
        for replica_set in snapshot.owned_by(deployment, "ReplicaSet")
        if (number := _number(replica_set))
    ]
    return sorted(found, key=lambda revision: revision.number, reverse=True)


def _controller_revisions(snapshot: Snapshot, workload: Object) -> list[Revision]:
    """StatefulSets and DaemonSets keep their earlier templates in ControllerRevisions, as a patch that replaces the whole."""
    found = []
    for kept in snapshot.owned_by(workload, "ControllerRevision"):
        template = {k: v for k, v in mapping(kept, "data", "spec", "template").items() if k != "$patch"}
        as_set = {"kind": "ControllerRevision", "metadata": mapping(kept, "metadata"), "spec": {"template": template}}
        at = when(dig(kept, "metadata", "creationTimestamp"))
        if template and (number := whole(kept.get("revision"))):
            found.append(Revision(number, as_set, at))
    return sorted(found, key=lambda revision: revision.number, reverse=True)


def _rolled_out_at(snapshot: Snapshot, deployment: Object, replica_set: Object) -> datetime | None:
    """When a revision came into force: a rollback reuses an old ReplicaSet, and only the scaling event tells the new time."""
    born = when(dig(replica_set, "metadata", "creationTimestamp"))
    started = f"Scaled up replica set {name_of(replica_set)} from 0 "
    times = [event.at for event in snapshot.events_of(deployment) if event.at and event.message.startswith(started)]
    return max((at for at in [born, *times] if at), default=None)


def last_rollout(snapshot: Snapshot, deployment: Object) -> Rollout | None:
    history = revisions(snapshot, deployment)
    if len(history) < 2:
        return None
    current, previous = history[0], history[1]
    return Rollout(current, previous, tuple(compare(previous.template, current.template)))


def rollouts(snapshot: Snapshot) -> list[tuple[Object, Rollout]]:
    found = ((deployment, last_rollout(snapshot, deployment)) for deployment in snapshot.of("Deployment"))
    return [(deployment, rollout) for deployment, rollout in found if rollout]


def compare(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from compare(before.get(key), after.get(key), _joined(path, str(key)))
    elif (_named(before) or not before) and (_named(after) or not after) and before != after and (before or after):
        yield from compare(_by_name(before or []), _by_name(after or []), path)
    elif before != after:
        yield FieldChange(path, before, after)


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path and not key.startswith("[") else path + key


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "name" in item for item in value)


def _by_name(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {f"[{item['name']}]": {key: value for key, value in item.items() if key != "name"} for item in items}


def _number(replica_set: Object) -> int:
    text = str(dig(replica_set, "metadata", "annotations", REVISION) or "")
    return number_in(text) or 0


def _shown(path: str, value: Any) -> str:
    if value is None:
        return "(none)"
    if any(word in path.lower() for word in _SENSITIVE):
        return "(hidden)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"
