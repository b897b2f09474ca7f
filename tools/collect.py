"""From a live cluster to a Snapshot, in few calls: lists of each kind and a handful of range queries side by side, then logs.

Everything is bounded (objects a kind, neighbours, pods whose logs are read, lines, points), and what fails becomes a gap with its reason
while the rest goes on. What is called from here often lives in another namespace, and so may the cause: the namespaces that addresses and
the service graph name are read too, objects and metrics alike, as far out as the bound allows, and one that was not read is named. Logs
are read only where they can matter: of containers that are not ready or were restarted. Secrets are never listed.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.clock import Clock
from core.errors import FirstmateError, Forbidden, NotConfigured, NotFound, Upstream
from tools.engines.diagnosis import Gap, Window
from tools.engines.logs.digest import LogDigest, digest
from tools.engines.neighbours import Around, Directory, around
from tools.engines.objects import Object, dig, is_ready, name_of, namespace_of, rows, statuses
from tools.engines.snapshot import LogKey, Series, Signal, Snapshot
from tools.ports import Cluster, Clusters, Prometheus, RangeSeries
from tools.queries import QUERIES

KINDS = (
    "Pod",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Service",
    "EndpointSlice",
    "Event",
    "HorizontalPodAutoscaler",
)
CLUSTER_KINDS = ("Node",)
MAX_OBJECTS = 2000
MAX_LOG_PODS = 12
MAX_NEIGHBOURS = 3
MAX_NAMED = 5
NEIGHBOUR_SECONDS = 12.0  # no new turn outwards after this; the asker waits
LOG_LINES = 60
POINTS = 120
LEAST_STEP = 15.0

# Every cluster with pods has these; without them nobody can say that nothing is wrong.
EXPECTED: tuple[Signal, ...] = ("cpu_usage", "memory")
_HOW = {
    "Kubernetes": "check K8S_CONFIG_PATH and that the API server can be reached",
    "Prometheus": "check PROMETHEUS_URL and that it can be reached",
}
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(slots=True)
class _Gathered:
    objects: list[Object] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    logs: dict[LogKey, LogDigest] = field(default_factory=dict)
    metrics: dict[Signal, list[Series]] = field(default_factory=dict)
    services: Directory = field(default_factory=Directory)
    deaf: str = ""  # why Prometheus is not asked any further

    def calls(self) -> list[tuple[str, str]]:
        found = self.metrics.get("calls", ())
        return [(series.labels.get("client", ""), series.labels.get("server", "")) for series in found]


class Collector:
    def __init__(self, clusters: Clusters, prometheus: Prometheus, clock: Clock) -> None:
        self._clusters = clusters
        self._prometheus = prometheus
        self._clock = clock

    async def collect(self, namespace: str | None, context: str = "", since_seconds: int = 3600) -> Snapshot:
        """`namespace` None reads all of them. NotFound for a namespace that does not exist; what cannot be read is a gap."""
        now = self._clock.now()
        window = Window(start=now - timedelta(seconds=since_seconds), end=now)
        found = _Gathered()
        cluster = await self._cluster(context, found)
        await self._read_home(cluster, namespace, window, found)
        if cluster and namespace:
            await self._read_neighbours(cluster, namespace, window, found)
        if cluster:
            await _read_logs(cluster, found, namespace)
        return Snapshot(
            objects=found.objects,
            taken_at=now,
            window=window,
            namespace=namespace,
            context=cluster.context if cluster else context,
            logs=found.logs,
            metrics=found.metrics,
            gaps=found.gaps,
        )

    async def _cluster(self, context: str, found: _Gathered) -> Cluster | None:
        try:
            return await self._clusters.get(context)
        except NotConfigured:
            raise
        except Upstream as error:
            found.gaps.append(_gap("Kubernetes objects", error, "Kubernetes"))
            return None

    async def _read_home(
        self, cluster: Cluster | None, namespace: str | None, window: Window, found: _Gathered
    ) -> None:
        """Side by side, so that a server that hangs costs one time-out and not three."""
        places = [namespace] if namespace else []
        reads: list[Awaitable[None]] = [self._read_metrics(places, window, found)]
        if cluster:
            wanted: list[tuple[str, str | None]] = [(kind, namespace) for kind in KINDS]
            reads.append(_list_all(cluster, [*wanted, *((kind, None) for kind in CLUSTER_KINDS)], found))
        if cluster and namespace:
            reads += [_check_namespace(cluster, namespace), _read_directory(cluster, found)]
        for outcome in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        _note_missing_samples(found, namespace)

    async def _read_neighbours(self, cluster: Cluster, home: str, window: Window, found: _Gathered) -> None:
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

    async def _read_beside(self, cluster: Cluster, places: Sequence[str], window: Window, found: _Gathered) -> None:
        await asyncio.gather(
            self._read_metrics(places, window, found, beside=True),
            *(_list_beside(cluster, place, found) for place in places),
        )
        for place in places:
            _note_missing_samples(found, place, beside=True)

    async def _read_metrics(
        self, places: Sequence[str], window: Window, found: _Gathered, *, beside: bool = False
    ) -> None:
        if not self._prometheus.configured:
            if not beside:
                found.gaps.append(Gap(what="metrics", why="Prometheus is not configured", how="set PROMETHEUS_URL"))
            return
        where = f" in {', '.join(places)}" if beside else ""
        if found.deaf:
            found.gaps.append(Gap(what=f"metrics{where}", why=found.deaf, how=_HOW["Prometheus"], neighbour=beside))
            return
        # What names no namespace spoke of the neighbours already.
        asked = {signal: _expression(text, places) for signal, text in QUERIES.items() if "%s" in text or not beside}
        failed = await self._ask(asked, window, found)
        found.gaps += [
            Gap(what=f"metrics{where} ({', '.join(signals)})", why=why, how=_HOW["Prometheus"], neighbour=beside)
            for why, signals in failed.items()
        ]

    async def _ask(self, asked: Mapping[Signal, str], window: Window, found: _Gathered) -> dict[str, list[str]]:
        """Everything side by side; what failed, by its reason."""
        step = max(LEAST_STEP, (window.end - window.start).total_seconds() / POINTS)
        answers = await asyncio.gather(
            *(_attempt(self._prometheus.query_range(expr, window.start, window.end, step)) for expr in asked.values())
        )
        failed: dict[str, list[str]] = {}
        for (signal, expr), answer in zip(asked.items(), answers, strict=True):
            if isinstance(answer, FirstmateError):
                failed.setdefault(answer.sentence, []).append(signal)
            else:
                found.metrics.setdefault(signal, []).extend(_series(answer, expr))
        if len(failed) and not found.metrics:
            found.deaf = next(iter(failed))
        return failed


def _note_missing_samples(found: _Gathered, namespace: str | None, *, beside: bool = False) -> None:
    if not any(obj.get("kind") == "Pod" and namespace in {None, namespace_of(obj)} for obj in found.objects):
        return
    where = f" in {namespace}" if beside else ""
    for signal in EXPECTED:
        held = found.metrics.get(signal)
        if held is not None and not any(namespace in {None, one.labels.get("namespace")} for one in held):
            why = "Prometheus answered, and has no samples of it for these pods"
            how = "scrape the kubelet's /metrics/cadvisor"
            found.gaps.append(Gap(what=f"metrics{where} ({signal})", why=why, how=how, neighbour=beside))


async def _attempt(call: Awaitable[Sequence[RangeSeries]]) -> Sequence[RangeSeries] | FirstmateError:
    try:
        return await call
    except FirstmateError as error:
        return error


async def _check_namespace(cluster: Cluster, namespace: str) -> None:
    """A namespace that is not there lists as empty; only asking for it tells the difference."""
    try:
        await cluster.get("Namespace", namespace)
    except (Forbidden, Upstream):
        return  # who may not read namespaces may read what is in one; a server that fails is told by the lists


async def _read_directory(cluster: Cluster, found: _Gathered) -> None:
    """Where each Service lives. Nothing is missing without it as long as nothing that is called has to be looked up."""
    try:
        listing = await cluster.list("Service", None, limit=MAX_OBJECTS)
    except FirstmateError as error:
        found.services = Directory(unread=error.sentence)
        return
    cut = f"the cluster has more than {MAX_OBJECTS} Services; only the first were read" if listing.more else ""
    found.services = Directory.of(listing.items, cut)


async def _list_all(cluster: Cluster, wanted: Sequence[tuple[str, str | None]], found: _Gathered) -> None:
    outcomes = await asyncio.gather(*(_list_kind(cluster, kind, namespace, found) for kind, namespace in wanted))
    failed: dict[str, list[str]] = {}
    for (kind, _), why in zip(wanted, outcomes, strict=True):
        if why:
            failed.setdefault(why, []).append(kind)
    found.gaps += [
        Gap(what=f"{', '.join(kinds)} objects", why=why, how=_HOW["Kubernetes"]) for why, kinds in failed.items()
    ]


async def _list_beside(cluster: Cluster, namespace: str, found: _Gathered) -> None:
    """A neighbour that cannot be read is one gap with its name, however many of its kinds are refused."""
    reasons = await asyncio.gather(*(_list_kind(cluster, kind, namespace, found, beside=True) for kind in KINDS))
    failed = {kind: why for kind, why in zip(KINDS, reasons, strict=True) if why}
    if failed:
        what = f"objects in {namespace} ({', '.join(failed)})"
        why = "; ".join(list(dict.fromkeys(failed.values()))[:2])
        how = f"{_HOW['Kubernetes']}, and that {namespace} may be read"
        found.gaps.append(Gap(what=what, why=why, how=how, neighbour=True))


async def _list_kind(
    cluster: Cluster, kind: str, namespace: str | None, found: _Gathered, *, beside: bool = False
) -> str:
    """Why it could not be read, or nothing."""
    try:
        listing = await cluster.list(kind, namespace, limit=MAX_OBJECTS)
    except NotFound:
        return ""  # this cluster serves no such kind: there is nothing of it to read
    except FirstmateError as error:
        return error.sentence
    found.objects.extend(listing.items)
    if listing.more:
        where = f" in {namespace}" if beside else ""
        why = f"there are more than {MAX_OBJECTS}; only the first were read"
        found.gaps.append(Gap(what=f"{kind} objects{where}", why=why, how="ask for one namespace", neighbour=beside))
    return ""


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


async def _read_logs(cluster: Cluster, found: _Gathered, home: str | None) -> None:
    wanted = [key for pod in _troubled(found.objects)[:MAX_LOG_PODS] for key in _logs_of(pod)]

    def refused(key: LogKey, why: str, how: str) -> Gap:
        return Gap(what=str(key), why=why, how=how, neighbour=home not in {None, key.namespace})

    async def one(key: LogKey) -> None:
        try:
            text = await cluster.logs(key.namespace, key.pod, key.container, previous=key.previous, tail=LOG_LINES)
            found.logs[key] = digest(text.splitlines())
        except Forbidden as error:
            found.gaps.append(refused(key, error.sentence, "grant get on pods/log"))
        except Upstream as error:
            found.gaps.append(refused(key, error.sentence, _HOW["Kubernetes"]))
        except FirstmateError:
            return  # the container never ran, or its log was rotated away: the pod's status already says so

    await asyncio.gather(*(one(key) for key in wanted))


def _troubled(objects: Iterable[Object]) -> list[Object]:
    pods = [obj for obj in objects if obj.get("kind") == "Pod" and dig(obj, "status", "phase") != "Succeeded"]
    return [pod for pod in pods if not is_ready(pod) or any(_restarts(status) for status in statuses(pod))]


def _logs_of(pod: Object) -> list[LogKey]:
    place = (namespace_of(pod), name_of(pod))
    keys = []
    for status in rows(pod, "status", "containerStatuses"):
        name = str(status.get("name"))
        if _restarts(status):
            keys.append(LogKey(*place, name, True))
        if dig(status, "state", "running") and not status.get("ready"):
            keys.append(LogKey(*place, name, False))
    return keys


def _restarts(status: Object) -> int:
    count = status.get("restartCount")
    return count if isinstance(count, int) else 0


def _expression(template: str, places: Sequence[str]) -> str:
    if len(places) == 1:
        return template.replace("%s", f",namespace={json.dumps(places[0])}")
    pattern = "|".join(_META.sub(r"\\\1", place) for place in places)
    return template.replace("%s", f",namespace=~{json.dumps(pattern)}" if places else "")


def _series(answer: Sequence[RangeSeries], query: str) -> list[Series]:
    read = [
        Series(dict(one.labels), [(at, value) for at, value in one.points if not math.isnan(value)], query)
        for one in answer
    ]
    return [one for one in read if one.points]


def _gap(what: str, error: FirstmateError, system: str) -> Gap:
    return Gap(what=what, why=error.sentence, how=_HOW[system])
