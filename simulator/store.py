"""The objects of the simulated cluster and the log of everything that happened to them.

One writer at a time: the API's handlers and the controllers all run on one event loop, so the store needs no lock.
Every write moves one counter, the resourceVersion, by exactly one and leaves one Change in a bounded ring; lists name
the counter's value and watches read on from it, which is how etcd and the API server give clients a gapless view.
Objects are values: what `get`, `list` and a Change hand out must never be changed in place; to write, build a new one
(parts may be shared with the old one) and pass it to `update`.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Literal

Object = dict[str, Any]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]
Key = tuple[str, str]

RING_SIZE = 10_000
# The letters of generated names: no vowels, so that no word appears by accident.
SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
# The other kinds carry no generation in a real cluster.
KINDS_WITH_GENERATION = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "EndpointSlice",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PriorityClass",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    }
)
# Nobody acts on what was said; a Lease only says that somebody is still there, an autoscaler's status what it measured.
QUIET = frozenset({"Event", "HorizontalPodAutoscaler", "Lease"})
_GENERATION_IGNORES = ("metadata", "status", "apiVersion", "kind")


class StoreError(Exception):
    """Something the store refuses; the subclass says what."""


class AlreadyExists(StoreError):
    pass


class Missing(StoreError):
    pass


class Conflict(StoreError):
    pass


class TooOld(StoreError):
    """The asked version has fallen out of the ring: the reader has to list again."""


@dataclass(frozen=True, slots=True)
class Change:
    version: int
    type: ChangeType
    kind: str
    object: Object
    previous: Object | None  # as it was before; a watch needs it to see an object leave its selector


# Inside Store the word list means its method.
Changes = list[Change]
Kinded = list[tuple[str, Object]]


def timestamp(moment: datetime) -> str:
    """RFC 3339 to the second, as metadata carries it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    def __init__(self, now: Callable[[], datetime], uid_seed: int, ring_size: int = RING_SIZE) -> None:
        self._now = now
        self._ids = random.Random(uid_seed)
        self._objects: dict[str, dict[Key, Object]] = {}
        self._listed: dict[str, list[Object]] = {}  # kind -> its objects in order, as long as none of them changes
        self._by_uid: dict[str, Object] = {}
        self._doomed: dict[tuple[str, Key], Object] = {}
        self._changes: deque[Change] = deque(maxlen=ring_size)
        self._forgotten = 1  # the newest version whose change can no longer be replayed
        self._waiters: set[asyncio.Future[None]] = set()
        self._latest: dict[str, int] = {}  # kind -> the version of its newest change
        self.version = 1

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        return self._objects.get(kind, {}).get((namespace or "", name))

    def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        listed = self._listed.get(kind)
        if listed is None:
            objects = self._objects.get(kind, {})
            listed = self._listed[kind] = [objects[key] for key in sorted(objects)]
        if namespace is None:
            return listed.copy()
        return [each for each in listed if (each["metadata"].get("namespace") or "") == namespace]

    def with_uid(self, uid: str) -> Object | None:
        return self._by_uid.get(uid)

    def doomed(self) -> Kinded:
        """What is marked for deletion and still there, with its kind."""
        return [(kind, obj) for (kind, _), obj in sorted(self._doomed.items(), key=itemgetter(0))]

    def count(self, kind: str) -> int:
        return len(self._objects.get(kind, {}))

    def latest(self, kinds: Iterable[str]) -> int:
        """The version of the newest change to any object of these kinds; zero when there was none."""
        return max((self._latest.get(kind, 0) for kind in kinds), default=0)

    @property
    def moved(self) -> int:
        """The version of the newest change on which anybody acts."""
        return max((version for kind, version in self._latest.items() if kind not in QUIET), default=0)

    def kinds(self) -> frozenset[str]:
        """Those of which there has ever been an object."""
        return frozenset(self._latest)

    def name_of(self, metadata: Object, *, dry_run: bool = False) -> str:
        """The name, or the next generated one; a dry run takes none away."""
        ids = random.Random(0) if dry_run else self._ids
        return str(metadata.get("name") or generated_name(str(metadata.get("generateName", "")), ids))

    def create(self, kind: str, obj: Object, dry_run: bool = False) -> Object:
        """Fill the metadata a server fills (name from generateName too) and keep the object; a dry run only fills."""
        metadata = dict(obj.get("metadata") or {})
        ids = random.Random(0) if dry_run else self._ids
        metadata["name"] = self.name_of(metadata, dry_run=dry_run)
        key = (metadata.get("namespace") or "", metadata["name"])
        if key in self._objects.get(kind, {}):
            raise AlreadyExists(f"{kind} {metadata['name']!r} already exists")
        metadata["uid"] = str(uuid.UUID(int=ids.getrandbits(128), version=4))
        metadata["creationTimestamp"] = metadata.get("creationTimestamp") or timestamp(self._now())
        if kind in KINDS_WITH_GENERATION:
            metadata["generation"] = 1
        if dry_run:
            return {**obj, "metadata": metadata}
        return self._keep("ADDED", kind, key, {**obj, "metadata": metadata}, None)

    def update(self, kind: str, obj: Object, expect_version: str | None = None, dry_run: bool = False) -> Object:
        """Replace the object. The same content is no write; a doomed object without finalizers left is deleted."""
        metadata = dict(obj["metadata"])
        key = (metadata.get("namespace") or "", metadata["name"])
        old = self._objects.get(kind, {}).get(key)
        if old is None:
            raise Missing(f"{kind} {metadata['name']!r} not found")
        before = old["metadata"]
        if expect_version and expect_version != before["resourceVersion"]:
            raise Conflict(f"{kind} {metadata['name']!r} is at version {before['resourceVersion']}")
        for kept in ("uid", "creationTimestamp", "resourceVersion"):
            metadata[kept] = before[kept]
        if kind in KINDS_WITH_GENERATION:
            metadata["generation"] = before["generation"] + _spec_changed(old, obj)
        new = {**obj, "metadata": metadata}
        if dry_run or new == old:
            return new
        if is_released(kind, new):
            return self._drop(kind, key, old, new)
        return self._keep("MODIFIED", kind, key, new, old)

    def delete(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """Remove the object at once, whatever its finalizers say (the polite way is `kubernetes_api.deletion`)."""
        key = (namespace or "", name)
        old = self._objects.get(kind, {}).get(key)
        return None if old is None else self._drop(kind, key, old, old)

    def changes_since(self, version: int) -> Changes:
        if version < self._forgotten:
            raise TooOld(f"too old resource version: {version} ({self._forgotten})")
        recent: Changes = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            recent.append(change)
        recent.reverse()
        return recent

    async def wait(self, version: int, timeout: float) -> None:  # noqa: ASYNC109  (the caller's deadline is a plain return)
        if self.version > version or timeout <= 0:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout)
        finally:
            self._waiters.discard(waiter)

    def _keep(self, change: ChangeType, kind: str, key: Key, obj: Object, old: Object | None) -> Object:
        stamped = self._stamp(obj)
        self._objects.setdefault(kind, {})[key] = stamped
        self._by_uid[stamped["metadata"]["uid"]] = stamped
        if stamped["metadata"].get("deletionTimestamp"):
            self._doomed[kind, key] = stamped
        else:
            self._doomed.pop((kind, key), None)
        self._record(Change(self.version, change, kind, stamped, old))
        return stamped

    def _drop(self, kind: str, key: Key, old: Object, last: Object) -> Object:
        stamped = self._stamp(last)
        del self._objects[kind][key]
        self._by_uid.pop(old["metadata"]["uid"], None)
        self._doomed.pop((kind, key), None)
        self._record(Change(self.version, "DELETED", kind, stamped, old))
        return stamped

    def _stamp(self, obj: Object) -> Object:
        self.version += 1
        return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}

    def _record(self, change: Change) -> None:
        if len(self._changes) == self._changes.maxlen:
            self._forgotten = self._changes[0].version
        self._changes.append(change)
        self._latest[change.kind] = change.version
        self._listed.pop(change.kind, None)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


def generated_name(prefix: str, ids: random.Random) -> str:
    return prefix + "".join(ids.choices(SUFFIX_LETTERS, k=5))


def _spec_changed(old: Object, new: Object) -> bool:
    fields = (old.keys() | new.keys()).difference(_GENERATION_IGNORES)
    return any(old.get(field) != new.get(field) for field in fields)


def is_released(kind: str, obj: Object) -> bool:
    """Doomed, and nobody holds it any more: no finalizer, and no grace left for a kubelet to wait out."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    namespace_finalizers = (obj.get("spec") or {}).get("finalizers") if kind == "Namespace" else None
    return not namespace_finalizers and not metadata.get("deletionGracePeriodSeconds")
