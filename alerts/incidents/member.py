"""One firing of one alert, as incidents see it: where it is, when, and what it says.

What relates it to others is a list of keys, made once. Two firings with a key in common and close in time belong together. The keys are
the topology that labels tell (the workload, the node), that of the service map where it is known (each call to or from the workload, and
what runs on which node), and what is said: the alert's name, or the shape of its summary with all that varies between two of a kind taken
out. A key of a sentence holds within one namespace only. A call is a key of both its ends, so two that call the same third have none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.incidents.servicemap import UNKNOWN, ServiceMap
from alerts.model import Alert

_WORKLOADS = ("deployment", "statefulset", "daemonset", "cronjob", "job_name", "workload", "app")
_NODES = ("node", "nodename", "kubernetes_node")
_POD_ENDS = (re.compile(r"-[a-f0-9]{5,10}-[a-z0-9]{5}$"), re.compile(r"-\d+$"), re.compile(r"-[a-z0-9]{5}$"))
_VARIES = re.compile(r"[^\s]*\d[^\s]*")
LASTING = "workload"
MAX_SHAPE = 200


@dataclass(frozen=True, slots=True)
class Member:
    fingerprint: str
    rule_id: str
    episode: str
    name: str
    severity: str
    namespace: str
    workload: str
    keys: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None = None
    incident: str = ""
    origin: str = ""
    """The incident it was first put into: what a merge remembers, so that a split can give it back."""
    why: str = ""
    """The key by which it came to be there; empty for the one that the incident began with."""
    moved_by: str = ""
    """Who put it where it is, if that was a person."""

    @property
    def id(self) -> tuple[str, str]:
        return self.fingerprint, self.episode

    @property
    def place(self) -> str:
        return "/".join(part for part in (self.namespace, self.workload) if part)


def member_of(alert: Alert, around: ServiceMap = UNKNOWN) -> Member:
    workload = _workload(alert, around)
    return Member(
        fingerprint=alert.fingerprint,
        rule_id=alert.rule_id,
        episode=alert.episode,
        name=alert.name[:255],
        severity=alert.severity[:64],
        namespace=alert.namespace[:255],
        workload=workload[:255],
        keys=_keys(alert, workload, around),
        starts_at=alert.starts_at,
        ends_at=alert.resolved_at,
    )


def _keys(alert: Alert, workload: str, around: ServiceMap) -> tuple[str, ...]:
    labels = alert.labels
    cluster, namespace = labels.get("cluster", ""), alert.namespace
    node = next((labels[name] for name in _NODES if labels.get(name)), "")
    shape = _shape(alert.annotation("summary", "en"), labels)
    found = (
        (LASTING, workload and f"{namespace}/{workload}"),
        ("node", node),
        *(("calls", call) for call in (around.calls_of(namespace, workload) if workload else ())),
        *(("host", host) for host in around.hosts_of(namespace, workload, "" if workload else node)),
        ("name", f"{namespace}/{alert.name}"),
        ("text", shape and f"{namespace}/{shape}"),
    )
    return tuple(f"{kind}:{cluster}/{value}" for kind, value in found if value)


def _workload(alert: Alert, around: ServiceMap) -> str:
    """By its own label, else its pod, else its Service, which may only be where a number came from."""
    labels, namespace = alert.labels, alert.namespace
    named = next((labels[name] for name in _WORKLOADS if labels.get(name)), "")
    if named:
        return named
    if pod := labels.get("pod", ""):
        return around.maker_of(namespace, pod) or _owner(pod)
    service = labels.get("service", "")
    return (around.behind(namespace, service) or service) if service else ""


def _owner(pod: str) -> str:
    """A pod's name without what its controller added."""
    for end in _POD_ENDS:
        if end.search(pod):
            return end.sub("", pod)
    return pod


def _shape(summary: str, labels: Mapping[str, str]) -> str:
    """The sentence without numbers, and without what the labels say of this one alert."""
    for value in sorted(filter(None, labels.values()), key=len, reverse=True):
        summary = summary.replace(value, "*") if len(value) > 2 else summary
    return " ".join(_VARIES.sub("*", summary.lower()).split())[:MAX_SHAPE]
