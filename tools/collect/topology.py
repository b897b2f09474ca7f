"""The whole cluster's topology in one reading: few kinds, all namespaces, and the service graph of the last minutes where there is one.

Each list is bounded, so of a very large cluster a part is read and the rest is named as missing. What cannot be read is named too; only
a cluster of which nothing at all could be read is an error.
"""

import asyncio
from datetime import timedelta

from core.clock import Clock
from core.errors import FirstmateError, NotConfigured, Upstream
from tools.collect.gathered import Gathered, gap
from tools.collect.objects import list_all
from tools.engines.diagnosis import Window
from tools.engines.snapshot import Series, Snapshot
from tools.engines.topology import Topology, topology_of
from tools.ports import Clusters, Prometheus
from tools.queries import QUERIES

KINDS = ("Pod", "Service", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")


async def read_topology(clusters: Clusters, prometheus: Prometheus, clock: Clock) -> Topology:
    if not clusters.configured:
        raise NotConfigured("Kubernetes", "set K8S_CONFIG_PATH.")
    cluster = await clusters.get()
    found = Gathered()
    await asyncio.gather(
        list_all(cluster, [(kind, None) for kind in KINDS], found), _read_calls(prometheus, clock, found)
    )
    if not found.kinds and not found.objects:
        raise Upstream("Kubernetes", found.gaps[0].why if found.gaps else "nothing could be read", retryable=True)
    now = clock.now()
    snapshot = Snapshot(
        objects=found.objects,
        taken_at=now,
        window=Window(start=now - timedelta(minutes=5), end=now),
        metrics=found.metrics,
        gaps=found.gaps,
        kinds_read=frozenset(found.kinds),
    )
    return await asyncio.to_thread(topology_of, snapshot)


async def _read_calls(prometheus: Prometheus, clock: Clock, found: Gathered) -> None:
    if not prometheus.configured:
        return
    try:
        samples = await prometheus.query(QUERIES["calls"])
    except FirstmateError as error:
        found.gaps.append(gap("who calls whom by traffic", error, "Prometheus"))
        return
    at = clock.now().timestamp()
    found.metrics["calls"] = [Series(one.labels, [(at, one.value)]) for one in samples]
