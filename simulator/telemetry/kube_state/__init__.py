"""kube-state-metrics: the objects themselves as metrics, with its names and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from simulator.noise import Floats
from simulator.objects import Object, uid_of
from simulator.promql.tsdb import Labels
from simulator.store import Store
from simulator.telemetry.kube_state import cluster, pods, workloads
from simulator.telemetry.kube_state.samples import BASE, Metrics
from simulator.telemetry.labels import Sample

__all__ = ["BASE", "KubeState", "Made"]

COLLECTORS: dict[str, Callable[[Object], Metrics]] = {
    "Pod": pods.pod,
    "Deployment": workloads.deployment,
    "ReplicaSet": workloads.replicaset,
    "StatefulSet": workloads.statefulset,
    "DaemonSet": workloads.daemonset,
    "Job": workloads.job,
    "CronJob": workloads.cronjob,
    "HorizontalPodAutoscaler": workloads.autoscaler,
    "PodDisruptionBudget": workloads.disruption_budget,
    "ResourceQuota": workloads.quota,
    "LimitRange": workloads.limit_range,
    "Service": cluster.service,
    "Endpoints": cluster.endpoints,
    "Node": cluster.node,
    "Namespace": cluster.namespace,
    "PersistentVolumeClaim": cluster.claim,
    "PersistentVolume": cluster.volume,
    "StorageClass": cluster.storage_class,
    "Ingress": cluster.ingress,
    "ConfigMap": cluster.config_map,
    "Secret": cluster.secret,
}


class KubeState:
    """Samples of one object are made again only when that object has a new version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[tuple[str, str], Made] = {}
        self._version = -1

    def made(self) -> dict[tuple[str, str], Made]:
        if self._version == self._store.version:
            return self._made
        made: dict[tuple[str, str], Made] = {}
        for kind, collect in COLLECTORS.items():
            for obj in self._store.list(kind):
                key, version = (kind, uid_of(obj)), obj["metadata"]["resourceVersion"]
                known = self._made.get(key)
                made[key] = known if known and known.version == version else _make(version, collect(obj), known)
        self._made, self._version = made, self._store.version
        return made


@dataclass(frozen=True)
class Made:
    """The samples of one object as it was at a version."""

    version: str
    labels: list[Labels]
    values: Floats


def _make(version: str, samples: Iterable[Sample], before: Made | None) -> Made:
    made = list(samples)
    labels = [each for each, _ in made]
    values = np.array([value for _, value in made])
    return Made(version, before.labels if before and before.labels == labels else labels, values)
