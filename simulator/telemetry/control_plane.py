"""What the cluster's own parts count of themselves: API server, scheduler, controllers, kubelets, name server.

They are not simulated call by call; their counters follow from what the store has seen and from how much traffic asks for names. Written
for the live ticks and for the past alike, at a rate that depends on nothing but the time.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from simulator.apps import NodeSpec
from simulator.noise import Floats, drift
from simulator.objects import condition
from simulator.promql.tsdb import Labels
from simulator.store import Store
from simulator.telemetry.counters import Counters, Row
from simulator.telemetry.labels import labelled

_API = {"job": "apiserver", "instance": "192.168.10.10:6443"}
_SCHEDULER = {"job": "kube-scheduler", "instance": "192.168.10.10:10259"}
_CONTROLLERS = {"job": "kube-controller-manager", "instance": "192.168.10.10:10257"}
_DNS = {"job": "coredns", "instance": "kube-dns:9153", "server": "dns://:53"}

# verb, code, resource, requests a second
_ASKED = (
    ("GET", "200", "pods", 0.9),
    ("LIST", "200", "pods", 0.3),
    ("WATCH", "200", "pods", 0.2),
    ("PUT", "200", "leases", 1.6),
    ("PATCH", "200", "nodes", 0.3),
    ("GET", "404", "configmaps", 0.02),
    ("POST", "201", "events", 0.05),
)
_ANSWERED = (("NOERROR", 0.62), ("NXDOMAIN", 0.38))
_LOOKUPS = 6.5  # a second at rest; connections are kept, so traffic asks little
QUEUES = ("deployment", "replicaset", "endpoint", "endpoint_slice", "node_lifecycle_controller", "namespace")
PENDING = ("active", "backoff", "gated", "unschedulable")


def rows() -> list[Row]:
    api = [
        Row(labelled("apiserver_request_total", _API, verb=verb, code=code, resource=resource))
        for verb, code, resource, _ in _ASKED
    ]
    asked = [Row(labelled("coredns_dns_requests_total", _DNS, type=kind, proto="udp")) for kind in ("A", "AAAA")]
    answered = [Row(labelled("coredns_dns_responses_total", _DNS, rcode=code)) for code, _ in _ANSWERED]
    worked = [Row(labelled("workqueue_adds_total", _CONTROLLERS, name=name)) for name in QUEUES]
    return [*api, *asked, *answered, *worked]


def rates(seed: int, times: Floats) -> Floats:
    """Increments a second of `rows`."""
    sway = 1 + 0.15 * drift(seed, "control plane", times)
    lookups = _LOOKUPS * sway
    api = [rate * sway for *_, rate in _ASKED]
    answered = [2 * lookups * share for _, share in _ANSWERED]
    return np.asarray([*api, lookups, lookups, *answered, *(0.08 * sway for _ in QUEUES)])


def gauge_labels(nodes: list[NodeSpec]) -> list[Labels]:
    pending = [labelled("scheduler_pending_pods", _SCHEDULER, queue=queue) for queue in PENDING]
    depth = [labelled("workqueue_depth", _CONTROLLERS, name=name) for name in QUEUES]
    kubelets = []
    for node in nodes:
        base = {"job": "kubelet", "instance": f"{node.address}:10250", "node": node.name, "metrics_path": "/metrics"}
        kubelets.append(labelled("kubelet_running_pods", base))
        kubelets.append(labelled("kubelet_node_name", base))
    return [*pending, *depth, *kubelets]


def gauges(store: Store, nodes: list[NodeSpec]) -> Floats:
    """Values of `gauge_labels`, as the objects are now."""
    running: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for pod in store.list("Pod"):
        node = pod["spec"].get("nodeName", "")
        running[node] += bool(node) and (pod.get("status") or {}).get("phase") == "Running"
        if not node:
            waiting[_queue(pod)] += 1
    values = [*(waiting[queue] for queue in PENDING), *(0 for _ in QUEUES)]
    for node in nodes:
        values += [running[node.name], 1]
    return np.array(values, dtype=np.float64)


def _queue(pod: dict[str, object]) -> str:
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        return "gated"
    return "unschedulable" if scheduled.get("reason") == "Unschedulable" else "active"


def up() -> list[Labels]:
    return [
        labelled("up", {key: base[key] for key in ("job", "instance")})
        for base in (_API, _SCHEDULER, _CONTROLLERS, _DNS)
    ]


def counters() -> Counters:
    return Counters(rows())
