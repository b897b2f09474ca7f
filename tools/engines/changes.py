"""What changed, read from what Kubernetes keeps: the ReplicaSets of a Deployment are its revisions, each with the whole template;
StatefulSets and DaemonSets keep ControllerRevisions.

The newest revision is what is wanted now; the ones before it are what ran before. Their templates are compared field by field, down to
one container's image, limit or variable, so that a cause can say which change brought it and a repair can go back to exactly what worked.

Going back gives an old ReplicaSet the next number: a newest revision that is older than the one before it is a rollback. It is the cure
more often than the fault, and nobody is compared with, or sent to, a revision whose pods were failing when it was replaced.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tools.engines.objects import (
    Object,
    dig,
    is_ready,
    kind_of,
    mapping,
    name_of,
    namespace_of,
    number_in,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.snapshot import Event, Snapshot

REVISION = "deployment.kubernetes.io/revision"
_HASH_LABEL = "pod-template-hash"
_LAST_WORDS = timedelta(minutes=5)
_FAILING = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "RunContainerError")
_ENDED_BY_PROBE = ("failed liveness probe", "failed startup probe")
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
    def born(self) -> datetime | None:
        return when(dig(self.replica_set, "metadata", "creationTimestamp"))

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
    """The last change of a workload's template, from the last one that is not known to have failed."""

    current: Revision
    previous: Revision
    fields: tuple[FieldChange, ...]
    is_rollback: bool = False

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
    times = [event.at for event in snapshot.events_of(deployment) if event.at and started in event.message]
    return max((at for at in [born, *times] if at), default=None)


def last_rollout(snapshot: Snapshot, deployment: Object) -> Rollout | None:
    """None where nothing is known that it could have made worse."""
    history = revisions(snapshot, deployment)
    if len(history) < 2:
        return None
    current = history[0]
    returned = is_rollback(current, history[1])
    earlier = (one for one in history[1:] if not was_failing(snapshot, one, current.at))
    previous = next(earlier, None)
    if previous is None or (returned and previous is not history[1]):
        return None
    return Rollout(current, previous, tuple(compare(previous.template, current.template)), returned)


def is_rollback(current: Revision, before: Revision) -> bool:
    return bool(current.born and before.born and current.born < before.born)


def was_failing(snapshot: Snapshot, revision: Revision, until: datetime | None) -> bool:
    """Whether the pods of a revision were crashing, killed or not startable up to when it was replaced."""
    since = (until or snapshot.taken_at) - _LAST_WORDS
    pods = snapshot.owned_by(revision.replica_set, "Pod")
    if any(is_ready(pod) and not _fell(pod, since) for pod in pods):
        return False
    said = snapshot.events_of_pods_made_by(namespace_of(revision.replica_set), revision.name)
    return any(_fell(pod, since) for pod in pods) or any(
        event.at is not None and event.at >= since and _is_of_failing(event) for event in said
    )


def _fell(pod: Object, since: datetime) -> bool:
    for status in statuses(pod):
        if dig(status, "state", "waiting", "reason") in _FAILING:
            return True
        for state in ("state", "lastState"):
            ended = when(dig(status, state, "terminated", "finishedAt"))
            if ended and ended >= since and dig(status, state, "terminated", "exitCode"):
                return True
    return False


def _is_of_failing(event: Event) -> bool:
    return event.reason in {"BackOff", "Failed"} or any(words in event.message for words in _ENDED_BY_PROBE)


def changes_of(snapshot: Snapshot, deployment: Object) -> Iterator[Rollout]:
    """Every change of the template that is still known, newest first: each against the one that was made before it."""
    history = revisions(snapshot, deployment)
    made = sorted((one for one in history if one.born), key=lambda one: one.born or snapshot.taken_at)
    if len(history) > 1 and is_rollback(history[0], history[1]):
        yield _between(history[1], history[0], is_rollback=True)
    elif len(history) > 1:
        yield _between(history[1], history[0])
    for before, now in reversed(list(pairwise(made))):
        if now is not history[0]:
            yield _between(before, replace(now, at=now.born))


def _between(before: Revision, now: Revision, *, is_rollback: bool = False) -> Rollout:
    return Rollout(now, before, tuple(compare(before.template, now.template)), is_rollback)


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
