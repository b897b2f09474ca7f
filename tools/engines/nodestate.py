"""A node as it stands: its conditions with their reasons, whether its agent still writes, and what active checks said of its services.

A node speaks in three ways, and they stop separately: the agent posts its conditions and renews a lease, the machine itself answers
whoever measures it, and its services answer whoever asks them. Which of them fell silent tells what is broken.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import evidence
from tools.engines.metrics.scene import Scene
from tools.engines.objects import Object, dig, name_of, rows, when
from tools.engines.snapshot import Probe, Snapshot

OLD = timedelta(hours=6)
LATE = timedelta(seconds=60)
SILENT_AFTER = 200.0
_HOST_DOWN = re.compile(
    r"(?i)(?:answer|respond|repl)\w{0,3} to (?:icmp |a )?ping|ping fail|\bhost ?(?:is )?down|(?:host|machine|server|instance) (?:is )?"
    r"(?:down|unreachable|offline|powered off)|(?:node|host|instance)Down\b|宕机|主机(?:失联|不可达|离线)|ping 不通"
)
_UNREACHED = re.compile(
    r"(?i)\bssh\b[^\n]{0,80}(?:no route|timed? ?out|unreachable|host is down)|no route to host|host is (?:down|unreachable)|"
    r"network is unreachable|100% packet loss|EHOSTUNREACH|不可达"
)
_EXPORTER = re.compile(r"(?i)node[-_ ]?exporter|windows[-_ ]?exporter")
_ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_SERVICES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("kube-proxy", re.compile(r"(?i)kube-?proxy")),
    ("kube-scheduler", re.compile(r"(?i)scheduler")),
    ("kube-controller-manager", re.compile(r"(?i)controller")),
    ("coredns", re.compile(r"(?i)dns")),
    ("containerd", re.compile(r"(?i)containerd|docker|cri-?o|runtime")),
    ("kubelet", re.compile(r"(?i)kubelet")),
)


@dataclass(frozen=True, slots=True)
class Condition:
    type: str
    status: str
    reason: str
    message: str
    since: datetime | None
    ref: str

    def proof(self, weight: float) -> Evidence:
        return evidence(
            "kubernetes", self.ref, f"{self.status}: {self.reason}: {self.message}", self.since, weight=weight
        )


def conditions(node: Object) -> dict[str, Condition]:
    return {
        str(row.get("type")): Condition(
            type=str(row.get("type")),
            status=str(row.get("status")),
            reason=str(row.get("reason") or ""),
            message=str(row.get("message") or ""),
            since=when(row.get("lastTransitionTime")),
            ref=f"Node {name_of(node)} status.conditions[{row.get('type')}]",
        )
        for row in rows(node, "status", "conditions")
    }


def is_old(snapshot: Snapshot, since: datetime | None) -> bool:
    """Whether it was so long before anybody could mean it."""
    return since is not None and snapshot.window.start - since > OLD


def is_set_aside(snapshot: Snapshot, node: Object) -> bool:
    """Cordoned, and nothing left on it but what runs on every node: somebody works on it, and nobody suffers."""
    if dig(node, "spec", "unschedulable") is not True:
        return False
    return all(snapshot.maker_of(pod).kind in {"DaemonSet", "Node", "Pod"} for pod in snapshot.pods_on(name_of(node)))


def on_it(snapshot: Snapshot, node: str) -> tuple[Component, ...]:
    """The programs that have a pod there."""
    return tuple(dict.fromkeys(snapshot.maker_of(pod) for pod in snapshot.pods_on(node)))


def control_plane(snapshot: Snapshot) -> list[str]:
    """The nodes that say that they run the control plane."""
    found = []
    for node in snapshot.of("Node"):
        labels = dig(node, "metadata", "labels")
        if isinstance(labels, dict) and any(role in labels for role in _ROLES):
            found.append(name_of(node))
    return found


def asked(snapshot: Snapshot) -> dict[str, dict[str, Probe]]:
    """By node and service what the latest check said."""
    found: dict[str, dict[str, Probe]] = {}
    for probe in snapshot.probes:
        service = service_of(probe)
        if service:
            found.setdefault(probe.target.removeprefix("node/"), {})[service] = probe
    return found


def is_unreached(probe: Probe) -> bool:
    """A check that did not come as far as the machine, and so says nothing of the service that it was to ask."""
    return not probe.ok and _UNREACHED.search(probe.detail) is not None


def service_of(probe: Probe) -> str:
    """The service of a node that a check asked, by its usual name; empty for a check of something else."""
    if probe.kind != "node_service":
        return ""
    said = probe.service or probe.detail
    return next((name for name, pattern in _SERVICES if pattern.search(said)), probe.service)


def said(probe: Probe, weight: float) -> Evidence:
    state = "ok" if probe.ok else "failed"
    return evidence("probe", probe.ref, f"{state}: {probe.detail}" if probe.detail else state, probe.at, weight=weight)


def last_renewed(snapshot: Snapshot, namespace: str, name: str) -> tuple[datetime, datetime] | None:
    """When a lease was renewed last, and when the youngest of all was: a clock of the cluster's own to compare with."""
    lease = snapshot.get("Lease", namespace, name)
    own = when(dig(lease, "spec", "renewTime"))
    if own is None:
        return None
    every = (when(dig(one, "spec", "renewTime")) for one in snapshot.of("Lease"))
    return own, max((at for at in every if at), default=own)


def stale_lease(snapshot: Snapshot, namespace: str, name: str, weight: float) -> Iterator[Evidence]:
    renewed = last_renewed(snapshot, namespace, name)
    if renewed and renewed[1] - renewed[0] > LATE:
        late = (renewed[1] - renewed[0]).total_seconds()
        quote = f"renewed last at {renewed[0]:%H:%M:%S}, {late:.0f} s before the youngest lease"
        yield evidence("kubernetes", f"Lease {namespace}/{name} spec.renewTime", quote, renewed[0], weight=weight)


def still_measured(scene: Scene, node: str) -> bool | None:
    """Whether the machine itself is still measured though its agent is silent; None where no machine is measured."""
    answers = [
        one.points[-1][1] for one in scene.at_nodes("up").get(node, ()) if _EXPORTER.search(one.labels.get("job", ""))
    ]
    if answers:
        return max(answers) > 0
    signals = [signal for signal in scene.snapshot.metrics if signal.startswith("node_") and signal != "node_ready"]
    last: dict[str, float] = {}
    for signal in signals:
        for name, many in scene.at_nodes(signal).items():
            last[name] = max(last.get(name, 0.0), *(one.points[-1][0] for one in many))
    if not last:
        return None
    return last.get(node, 0.0) >= max(last.values()) - SILENT_AFTER


def host_is_down(snapshot: Snapshot, node: str) -> Iterator[Evidence]:
    """What alerts say of the machine itself, not of its agent: that it does not answer to whoever pings or measures it."""
    for alert in snapshot.alerts:
        text = f"{alert.name} {' '.join(map(str, alert.annotations.values()))}"
        is_meant = node in {str(value) for value in alert.labels.values()}
        if is_meant and alert.state not in {"resolved", "inactive", "pending"} and _HOST_DOWN.search(text):
            yield evidence("alert", alert.ref, alert.text, alert.starts_at, weight=0.5)


def pod_named(snapshot: Snapshot, namespace: str, head: str) -> list[Object]:
    """The pods of a part of the control plane, by the name that every installer gives them."""
    return [pod for pod in snapshot.of("Pod", namespace) if name_of(pod).startswith(head)]


def first(nodes: Sequence[str]) -> str:
    return nodes[0] if nodes else ""
