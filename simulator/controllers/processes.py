"""Whether the processes in which the controllers live are at work.

Where the control plane runs as pods of a node, a part of it works while its container runs and has run long enough to be the leader; a
cluster without such a node has its control plane elsewhere, and that one always works. Who works says so with a Lease.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.clock import parse_rfc3339
from simulator.kubelet.heartbeats import renew_lease
from simulator.objects import Object, is_ready, labels_of, name_of
from simulator.store import Store

MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
ROLE = "node-role.kubernetes.io/control-plane"
BECOMES_LEADER_AFTER = timedelta(seconds=2)
LEASE_SECONDS = 15


class Processes:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def works(self, process: str) -> bool:
        nodes = self._homes()
        return not process or not nodes or any(self._leads(self._pod(process, node)) for node in nodes)

    def renew_leases(self) -> None:
        for process in (MANAGER, SCHEDULER):
            homes = self._homes()
            if homes and self.works(process):
                renew_lease(self._store, "kube-system", process, f"{homes[0]}_{process}", self._now(), LEASE_SECONDS)

    def _homes(self) -> list[str]:
        return [name_of(node) for node in self._store.list("Node") if ROLE in labels_of(node)]

    def _pod(self, process: str, node: str) -> Object | None:
        return self._store.get("Pod", "kube-system", f"{process}-{node}")

    def _leads(self, pod: Object | None) -> bool:
        """It runs, and not only since a moment ago: who starts and falls never gets as far as to lead."""
        if pod is None or not is_ready(pod):
            return False
        states = [each.get("state") or {} for each in pod["status"].get("containerStatuses") or []]
        started = [state["running"]["startedAt"] for state in states if "running" in state]
        return bool(started) and self._now() - parse_rfc3339(max(started)) >= BECOMES_LEADER_AFTER
