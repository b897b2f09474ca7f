"""From a live cluster to a Snapshot: lists of each kind and a handful of range queries side by side, then logs.

What is called from a namespace often lives in another one, and so may the cause: the namespaces that addresses and the service graph name
are read too, objects and metrics alike, as far out as the bound allows, and one that was not read is named. The system's own namespaces
are read with whichever was asked about.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import timedelta

from core.clock import Clock
from core.errors import NotConfigured, Upstream
from tools.collect.gathered import Gathered, Listener, gap
from tools.collect.kinds import CLUSTER_KINDS, KINDS, LEASES, SYSTEM, SYSTEM_KINDS
from tools.collect.logs import read_logs
from tools.collect.metrics import note_missing_samples, read_alerts, read_metrics
from tools.collect.objects import check_namespace, list_all, list_beside, read_directory
from tools.engines.diagnosis import Gap, Window
from tools.engines.metrics.derive import derived
from tools.engines.neighbours import Around, around
from tools.engines.snapshot import Snapshot
from tools.ports import Cluster, Clusters, Prometheus

MAX_NEIGHBOURS = 3
MAX_NAMED = 5
NEIGHBOUR_SECONDS = 12.0  # no new turn outwards after this; the asker waits


class Collector:
    def __init__(self, clusters: Clusters, prometheus: Prometheus, clock: Clock) -> None:
        self._clusters = clusters
        self._prometheus = prometheus
        self._clock = clock

    async def collect(
        self, namespace: str | None, context: str = "", since_seconds: int = 3600, listener: Listener | None = None
    ) -> Snapshot:
        """`namespace` None reads all of them. NotFound for a namespace that does not exist; what cannot be read is a gap."""
        now = self._clock.now()
        window = Window(start=now - timedelta(seconds=since_seconds), end=now)
        found = Gathered(listener or Listener())
        cluster = await self._cluster(context, found)
        await self._read_home(cluster, namespace, window, found)
        if cluster and namespace:
            await self._read_neighbours(cluster, namespace, window, found)
        seen = Snapshot(
            objects=found.objects,
            taken_at=now,
            window=window,
            namespace=namespace,
            context=cluster.context if cluster else context,
            logs=found.logs,
            metrics={**found.metrics, **derived(dict(found.metrics))},
            gaps=found.gaps,
            alerts=found.alerts,
            kinds_read=frozenset(found.kinds),
        )
        if cluster:
            await read_logs(cluster, seen, found)
        # Made anew, because the one before has indexed the logs that were not there yet.
        return replace(seen)

    async def _cluster(self, context: str, found: Gathered) -> Cluster | None:
        try:
            return await self._clusters.get(context)
        except NotConfigured:
            raise
        except Upstream as error:
            found.gaps.append(gap("Kubernetes objects", error, "Kubernetes"))
            return None

    async def _read_home(self, cluster: Cluster | None, namespace: str | None, window: Window, found: Gathered) -> None:
        """Side by side, so that a server that hangs costs one time-out and not three."""
        reads: list[Awaitable[None]] = []
        if cluster:
            wanted: list[tuple[str, str | None]] = [(kind, namespace) for kind in KINDS]
            reads += [list_all(cluster, [*wanted, *((kind, None) for kind in CLUSTER_KINDS)], found)]
            reads += [list_beside(cluster, place, found, ["Lease"], is_quiet=True) for place in LEASES]
        if cluster and namespace:
            reads += [check_namespace(cluster, namespace), read_directory(cluster, found)]
        if cluster and namespace not in {None, SYSTEM}:
            reads.append(list_beside(cluster, SYSTEM, found, SYSTEM_KINDS, is_quiet=True))
        reads.append(self._read_signals(namespace, window, found))
        for outcome in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        note_missing_samples(found, namespace)

    async def _read_signals(self, namespace: str | None, window: Window, found: Gathered) -> None:
        await read_metrics(self._prometheus, [namespace] if namespace else [], window, found)
        await read_alerts(self._prometheus, found)

    async def _read_neighbours(self, cluster: Cluster, home: str, window: Window, found: Gathered) -> None:
        """Outwards, turn by turn: what was read names what comes next. Callers only where room is left."""
        read, began = [home], self._clock.monotonic()
        near = around(found.objects, found.calls(), read, found.services)
        while wanted := near.called[: MAX_NEIGHBOURS + 1 - len(read)]:
            if self._clock.monotonic() - began > NEIGHBOUR_SECONDS:
                break
            await self._read_beside(cluster, wanted, window, found)
            read += wanted
            near = around(found.objects, found.calls(), read, found.services)
        found.gaps += _unread(near)
        if not near.called and (callers := near.callers[: MAX_NEIGHBOURS + 1 - len(read)]):
            await self._read_beside(cluster, callers, window, found)

    async def _read_beside(self, cluster: Cluster, places: Sequence[str], window: Window, found: Gathered) -> None:
        await asyncio.gather(
            read_metrics(self._prometheus, places, window, found, beside=True),
            *(list_beside(cluster, place, found) for place in places),
        )
        for place in places:
            note_missing_samples(found, place, beside=True)


def _unread(near: Around) -> list[Gap]:
    gaps = []
    if near.called:
        shown = ", ".join(near.called[:MAX_NAMED])
        why = f"called from here, but at most {MAX_NEIGHBOURS} neighbours are read at a time, and no longer than {NEIGHBOUR_SECONDS:.0f} s"
        gaps.append(Gap(what=f"namespaces {shown}", why=why, how="ask about one of them", neighbour=True))
    by_reason: dict[str, list[str]] = {}
    for name, why in near.lost.items():
        by_reason.setdefault(why, []).append(name)
    how = "ask about its namespace, or allow listing services in all namespaces"
    return gaps + [
        Gap(what=f"what is called as {', '.join(names[:MAX_NAMED])}", why=why, how=how, neighbour=True)
        for why, names in by_reason.items()
    ]
