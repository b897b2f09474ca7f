"""The sign of life of each node's agent: a Lease every ten seconds, its node's conditions when they change or every five minutes.

A node whose agent does not run, or that is cut off, gives none; what others make of that is their business. A container runtime that does
not answer is told by the agent itself after half a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from simulator.clock import parse_rfc3339, rfc3339
from simulator.conditions import Conditions, Kind
from simulator.events import Recorder, Source
from simulator.objects import Object, condition, with_status
from simulator.store import Store

EVERY_SECONDS = 10
STATUS_AFTER = timedelta(minutes=5)
RUNTIME_PATIENCE = timedelta(seconds=30)
LEASES = "kube-node-lease"
LEASE_SECONDS = 40
SOUND = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}
RUNTIME_DOWN = ("False", "KubeletNotReady", "container runtime is down")
SILENT = (Kind.KUBELET_DOWN, Kind.NODE_CUT_OFF)


def node_conditions(stamp: str) -> list[Object]:
    """Those of a node that has just come up."""
    return [_condition(kind, SOUND[kind], stamp, stamp) for kind in SOUND]


def _condition(kind: str, said: tuple[str, str, str], stamp: str, since: str) -> Object:
    value, reason, message = said
    times = {"lastHeartbeatTime": stamp, "lastTransitionTime": since}
    return {"type": kind, "status": value, "reason": reason, "message": message, **times}


# What the agent says of a pressure on its node; None where it has none to tell of.
Strain = Callable[[str, str], tuple[str, str, str] | None]


class Heartbeats:
    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        events: Recorder,
        conditions: Conditions,
        nodes: Iterable[str],
        strain: Strain,
    ) -> None:
        self._strain = strain
        self._store = store
        self._now = now
        self._events = events
        self._conditions = conditions
        self._nodes = tuple(nodes)
        self._silent_runtime: dict[str, datetime] = {}

    def beat(self, *, in_full: bool = False) -> None:
        """Renew the leases, and post the conditions where it is time to; `in_full`: post them all."""
        for name in self._nodes:
            node = self._store.get("Node", None, name)
            if node is not None and not any(self._conditions.holds(kind, name) for kind in SILENT):
                renew_lease(self._store, LEASES, name, name, self._now(), LEASE_SECONDS)
                self._post(node, name, in_full=in_full)

    def _post(self, node: Object, name: str, *, in_full: bool) -> None:
        known = {each["type"]: each for each in node["status"].get("conditions") or []}
        wanted = [self._as_is(name, kind, known.get(kind)) for kind in dict.fromkeys((*known, *SOUND))]
        before = known.get("Ready", {})
        last = before.get("lastHeartbeatTime")
        moved = any(each["status"] != known.get(each["type"], {}).get("status") for each in wanted)
        if not (moved or in_full) and last and self._now() < parse_rfc3339(last) + STATUS_AFTER:
            return
        written = self._store.update("Node", with_status(node, {**node["status"], "conditions": wanted}))
        ready = condition(written, "Ready") or {}
        if before.get("status") != ready["status"]:
            word = "NodeReady" if ready["status"] == "True" else "NodeNotReady"
            message = f"Node {name} status is now: {word}"
            self._events.record(written, "Node", "Normal", word, message, Source("kubelet", name))

    def _as_is(self, name: str, kind: str, known: Object | None) -> Object:
        """The condition as the agent sees it; what it does not watch itself it leaves as it finds it."""
        stamp = rfc3339(self._now())
        strained = self._strain(name, kind)
        said = self._readiness(name) if kind == "Ready" else strained or SOUND.get(kind)
        is_own = kind == "Ready" or strained is not None or known is None or known["status"] == "Unknown"
        if said is None or not is_own:
            return {**(known or {}), "lastHeartbeatTime": stamp}
        since = known["lastTransitionTime"] if known and known["status"] == said[0] else stamp
        return _condition(kind, said, stamp, since)

    def _readiness(self, name: str) -> tuple[str, str, str]:
        if not self._conditions.holds(Kind.RUNTIME_DOWN, name):
            self._silent_runtime.pop(name, None)
            return SOUND["Ready"]
        since = self._silent_runtime.setdefault(name, self._now())
        return RUNTIME_DOWN if self._now() - since >= RUNTIME_PATIENCE else SOUND["Ready"]


def renew_lease(store: Store, namespace: str, name: str, holder: str, now: datetime, seconds: int) -> None:
    """The way everybody says that they are still there."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    known = store.get("Lease", namespace, name)
    if known is not None:
        store.update("Lease", {**known, "spec": {**known["spec"], "renewTime": stamp}})
        return
    spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": stamp}
    metadata = {"name": name, "namespace": namespace}
    store.create("Lease", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})
