"""From a live cluster to a Snapshot, in few calls: lists of each kind and a handful of range queries side by side, then logs.

Everything is bounded (objects a kind, pods whose logs are read, lines, points), and what fails becomes a gap with its reason while the rest
goes on. Logs are read only where they can matter: of containers that are not ready or were restarted. Callers often live in another
namespace than what they call, so the namespaces that this one's addresses name are read too. Secrets are never listed.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.clock import Clock
from core.errors import FirstmateError, Forbidden, NotConfigured, NotFound, Upstream
from tools.engines.diagnosis import Gap, Window
from tools.engines.snapshot import (
    LogKey,
    Object,
    Series,
    Signal,
    Snapshot,
    containers,
    dig,
    is_ready,
    name_of,
    namespace_of,
    rows,
    statuses,
)
from tools.ports import Cluster, Clusters, Prometheus, RangeSeries

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
LOG_LINES = 60
POINTS = 120
LEAST_STEP = 15.0

_CONTAINER = 'container!="",container!="POD"'
_BY_CONTAINER = "sum by (namespace, pod, container)"
QUERIES: dict[Signal, str] = {
    "cpu_usage": f"{_BY_CONTAINER} (rate(container_cpu_usage_seconds_total{{{_CONTAINER}%s}}[2m]))",
    "cpu_throttled": (
        f"{_BY_CONTAINER} (rate(container_cpu_cfs_throttled_periods_total{{{_CONTAINER}%s}}[2m]))"
        f" / {_BY_CONTAINER} (rate(container_cpu_cfs_periods_total{{{_CONTAINER}%s}}[2m]))"
    ),
    "memory": f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{_CONTAINER}%s}})",
    "requests": 'sum by (namespace, service) (rate(http_requests_total{service!=""%s}[2m]))',
    "errors": 'sum by (namespace, service) (rate(http_requests_total{code=~"5..",service!=""%s}[2m]))',
    "latency": (
        "histogram_quantile(0.95, sum by (namespace, service, le) "
        '(rate(http_request_duration_seconds_bucket{service!=""%s}[2m])))'
    ),
    "calls": "sum by (client, server) (rate(traces_service_graph_request_total[2m]))",
    "failed_calls": "sum by (client, server) (rate(traces_service_graph_request_failed_total[2m]))",
    "replicas": 'max by (namespace, deployment) (kube_deployment_spec_replicas{deployment!=""%s})',
}
# Every cluster with pods has these; without them nobody can say that nothing is wrong.
EXPECTED: tuple[Signal, ...] = ("cpu_usage", "memory")
_HOW = {
    "Kubernetes": "check K8S_CONFIG_PATH and that the API server can be reached",
    "Prometheus": "check PROMETHEUS_URL and that it can be reached",
}
_ADDRESS = re.compile(r"[a-z0-9-]+\.([a-z0-9-]+)(?:\.svc|[:/]|$)")


@dataclass(slots=True)
class _Gathered:
    objects: list[Object] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    logs: dict[LogKey, str] = field(default_factory=dict)
    metrics: dict[Signal, list[Series]] = field(default_factory=dict)


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
        # Side by side, so that a server that hangs costs one time-out and not three.
        outcomes = await asyncio.gather(
            _check_namespace(cluster, namespace),
            self._read_objects(cluster, namespace, found),
            self._read_metrics(namespace, window, found),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        if cluster:
            await _read_logs(cluster, found)
        self._note_missing_samples(found)
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

    async def _read_objects(self, cluster: Cluster | None, namespace: str | None, found: _Gathered) -> None:
        if cluster is None:
            return
        wanted: list[tuple[str, str | None]] = [(kind, namespace) for kind in KINDS]
        await _list_all(cluster, [*wanted, *((kind, None) for kind in CLUSTER_KINDS)], found)
        for other in _neighbours(found.objects, namespace):
            await _list_all(cluster, [(kind, other) for kind in KINDS], found)

    async def _read_metrics(self, namespace: str | None, window: Window, found: _Gathered) -> None:
        if not self._prometheus.configured:
            found.gaps.append(Gap(what="metrics", why="Prometheus is not configured", how="set PROMETHEUS_URL"))
            return
        step = max(LEAST_STEP, (window.end - window.start).total_seconds() / POINTS)
        asked = {signal: _expression(text, namespace) for signal, text in QUERIES.items()}
        answers = await asyncio.gather(
            *(_attempt(self._prometheus.query_range(expr, window.start, window.end, step)) for expr in asked.values())
        )
        failed: dict[str, list[str]] = {}
        for (signal, expr), answer in zip(asked.items(), answers, strict=True):
            if isinstance(answer, FirstmateError):
                failed.setdefault(answer.sentence, []).append(signal)
            else:
                found.metrics[signal] = _series(answer, expr)
        found.gaps += [
            Gap(what=f"metrics ({', '.join(signals)})", why=why, how=_HOW["Prometheus"])
            for why, signals in failed.items()
        ]

    def _note_missing_samples(self, found: _Gathered) -> None:
        if not any(obj.get("kind") == "Pod" for obj in found.objects):
            return
        for signal in EXPECTED:
            if signal in found.metrics and not found.metrics[signal]:
                why = "Prometheus answered, and has no samples of it for these pods"
                found.gaps.append(
                    Gap(what=f"metrics ({signal})", why=why, how="scrape the kubelet's /metrics/cadvisor")
                )


async def _attempt(call: Awaitable[Sequence[RangeSeries]]) -> Sequence[RangeSeries] | FirstmateError:
    try:
        return await call
    except FirstmateError as error:
        return error


async def _check_namespace(cluster: Cluster | None, namespace: str | None) -> None:
    """A namespace that is not there lists as empty; only asking for it tells the difference."""
    if cluster is None or namespace is None:
        return
    try:
        await cluster.get("Namespace", namespace)
    except (Forbidden, Upstream):
        return  # who may not read namespaces may read what is in one; a server that fails is told by the lists


async def _list_all(cluster: Cluster, wanted: Sequence[tuple[str, str | None]], found: _Gathered) -> None:
    failed: dict[str, list[str]] = {}

    async def one(kind: str, namespace: str | None) -> None:
        try:
            listing = await cluster.list(kind, namespace, limit=MAX_OBJECTS)
        except NotFound:
            return  # this cluster serves no such kind: there is nothing of it to read
        except FirstmateError as error:
            failed.setdefault(error.sentence, []).append(kind)
            return
        found.objects.extend(listing.items)
        if listing.more:
            why = f"there are more than {MAX_OBJECTS}; only the first were read"
            found.gaps.append(Gap(what=f"{kind} objects", why=why, how="ask for one namespace"))

    await asyncio.gather(*(one(kind, namespace) for kind, namespace in wanted))
    found.gaps += [
        Gap(what=f"{', '.join(kinds)} objects", why=why, how=_HOW["Kubernetes"]) for why, kinds in failed.items()
    ]


def _neighbours(objects: Iterable[Object], namespace: str | None) -> list[str]:
    """Other namespaces that addresses in these workloads name, and that may call back."""
    if namespace is None:
        return []
    known: dict[str, None] = {}
    for obj in objects:
        if obj.get("kind") not in {"Deployment", "StatefulSet", "DaemonSet"}:
            continue
        for container in containers(obj):
            for variable in rows(container, "env"):
                value = variable.get("value")
                for place in _ADDRESS.findall(value) if isinstance(value, str) and ":" in value else ():
                    known[place] = None
    known.pop(namespace, None)
    return list(known)[:MAX_NEIGHBOURS]


async def _read_logs(cluster: Cluster, found: _Gathered) -> None:
    wanted = [key for pod in _troubled(found.objects)[:MAX_LOG_PODS] for key in _logs_of(pod)]

    async def one(key: LogKey) -> None:
        try:
            found.logs[key] = await cluster.logs(
                key.namespace, key.pod, key.container, previous=key.previous, tail=LOG_LINES
            )
        except Forbidden as error:
            found.gaps.append(Gap(what=str(key), why=error.sentence, how="grant get on pods/log"))
        except Upstream as error:
            found.gaps.append(_gap(str(key), error, "Kubernetes"))
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


def _expression(template: str, namespace: str | None) -> str:
    return template.replace("%s", f",namespace={json.dumps(namespace)}" if namespace else "")


def _series(answer: Sequence[RangeSeries], query: str) -> list[Series]:
    read = [
        Series(dict(one.labels), [(at, value) for at, value in one.points if not math.isnan(value)], query)
        for one in answer
    ]
    return [one for one in read if one.points]


def _gap(what: str, error: FirstmateError, system: str) -> Gap:
    return Gap(what=what, why=error.sentence, how=_HOW[system])
