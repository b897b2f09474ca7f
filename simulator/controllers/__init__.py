"""The control loops of the simulated cluster, in the order in which they run.

Each one reads the objects, compares what is wanted with what is, and writes the next step; none remembers anything between two calls.
`Loops` runs those whose kinds have changed, again and again until nothing does, so the order decides only how many rounds that takes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.controllers import (
    autoscaling,
    cronjob,
    daemonset,
    delivery,
    deployment,
    disruption,
    endpoints,
    garbage,
    job,
    namespaces,
    node_lifecycle,
    quota,
    replicaset,
    roles,
    scheduler,
    statefulset,
    taint_eviction,
    volumes,
)
from simulator.controllers.context import Context
from simulator.controllers.processes import MANAGER, SCHEDULER, Processes

MAX_ROUNDS = 40
_log = logging.getLogger(__name__)


RETRY = timedelta(seconds=5)


@dataclass(frozen=True)
class Controller:
    name: str
    reconcile: Callable[[Context], None]
    watches: frozenset[str] = frozenset()  # empty: every kind but the quiet ones
    process: str = MANAGER  # the part of the control plane in which it lives; empty: it is no part of that


VOLUMES = frozenset({"PersistentVolume", "PersistentVolumeClaim", "StorageClass"})
CONTROLLERS: tuple[Controller, ...] = (
    Controller("garbage-collector", garbage.reconcile),
    Controller(
        "serviceaccount-controller", namespaces.reconcile, frozenset({"Namespace", "ServiceAccount", "ConfigMap"})
    ),
    Controller("clusterrole-aggregation-controller", roles.reconcile, frozenset({"ClusterRole"})),
    Controller("cronjob-controller", cronjob.reconcile, frozenset({"CronJob", "Job"})),
    Controller("deployment-controller", deployment.reconcile, frozenset({"Deployment", "ReplicaSet"})),
    Controller("replicaset-controller", replicaset.reconcile, frozenset({"ReplicaSet", "Pod"})),
    Controller("statefulset-controller", statefulset.reconcile, frozenset({"StatefulSet", "Pod"})),
    Controller("daemonset-controller", daemonset.reconcile, frozenset({"DaemonSet", "Pod", "Node"})),
    Controller("job-controller", job.reconcile, frozenset({"Job", "Pod"})),
    Controller("kustomize-controller", delivery.reconcile, frozenset({"ConfigMap", *delivery.KINDS}), ""),
    Controller("horizontal-pod-autoscaler", autoscaling.reconcile, frozenset({"HorizontalPodAutoscaler"})),
    Controller(
        "disruption-controller", disruption.reconcile, frozenset({"PodDisruptionBudget", "Pod", *disruption.OWNERS})
    ),
    Controller("node-lifecycle-controller", node_lifecycle.reconcile, frozenset({"Node"})),
    Controller("taint-eviction-controller", taint_eviction.reconcile, frozenset({"Node", "Pod"})),
    Controller("resourcequota-controller", quota.reconcile),
    Controller("persistentvolume-controller", volumes.reconcile, VOLUMES | {"Pod"}),
    Controller("default-scheduler", scheduler.reconcile, VOLUMES | {"Pod", "Node"}, SCHEDULER),
    Controller("endpoint-controller", endpoints.reconcile, frozenset({"Service", "Pod", "Endpoints", "EndpointSlice"})),
)


class Loops:
    """Runs the controllers; remembers for each which version of the world it has seen.

    With `survives` a controller that fails over an object nobody foresaw is reported and tried again after the next change, as a real
    one is: one strange object must not stop the world.
    """

    def __init__(
        self, context: Context, controllers: tuple[Controller, ...] = CONTROLLERS, *, survives: bool = False
    ) -> None:
        self._context = context
        self._processes = Processes(context.store, context.now)
        self._survives = survives
        self._controllers = controllers
        self._seen = dict.fromkeys((each.name for each in controllers), 0)

    def renew_leases(self) -> None:
        """The control plane's own signs of life."""
        self._processes.renew_leases()

    def next_due(self) -> datetime | None:
        """When a controller wants to be called although nothing has changed."""
        return self._context.alarms.next()

    def settle(self, between: Callable[[], None], *, force: bool = False) -> None:
        """Rounds of controllers, and `between` after each, until nothing changes any more.

        Two clients at war with a controller would keep it busy for ever; they are cut off and go on next time. `force` runs every
        controller once although nothing changed.
        """
        store = self._context.store
        for number in range(MAX_ROUNDS):
            before = store.version
            for controller in self._controllers:
                if not ((force and number == 0) or self._concerns(controller)):
                    continue
                if self._processes.works(controller.process):
                    self._seen[controller.name] = store.version
                    self._run(controller)
                else:
                    self._context.alarms.begin(controller.name)
                    self._context.call_again(self._context.now() + RETRY)
            between()
            if store.version == before:
                return

    def _run(self, controller: Controller) -> None:
        self._context.alarms.begin(controller.name)
        try:
            controller.reconcile(self._context)
        except Exception:
            if not self._survives:
                raise
            _log.exception("a controller could not reconcile", extra={"controller": controller.name})

    def _concerns(self, controller: Controller) -> bool:
        if self._context.alarms.is_due(controller.name, self._context.now()):
            return True
        store, seen = self._context.store, self._seen[controller.name]
        return (store.latest(controller.watches) if controller.watches else store.moved) > seen


__all__ = ["CONTROLLERS", "Context", "Controller", "Loops"]
