"""Nodes that lost their agent, their container runtime or their network, and nodes that run out of disk, memory or process ids.

The Ready condition says False with the runtime's own words when the agent lives and the runtime does not; it says Unknown when nobody posts
it any more. Then the machine itself decides: one that is still measured has lost its kubelet, one that fell silent altogether is
unreachable. An active check of a node's services beats both. Every program with a pod on the node suffers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.scene import Scene, scene_of
from tools.engines.nodestate import (
    Condition,
    asked,
    conditions,
    host_is_down,
    is_old,
    is_set_aside,
    is_unreached,
    on_it,
    said,
    stale_lease,
    still_measured,
)
from tools.engines.objects import Object, dig, name_of, namespace_of, rows, statuses, when
from tools.engines.snapshot import Probe, Snapshot

RUNTIME = re.compile(
    r"(?i)container runtime (?:is )?(?:down|not ready|status check)|PLEG is not healthy|containerd|docker(?: daemon|\.sock)|cri-?o|"
    r"runtime\.v1|ContainerRuntimeNotReady|ContainerRuntimeUnhealthy"
)
NETWORK = re.compile(r"(?i)NetworkPluginNotReady|cni (?:plugin|config)|network plugin")
SILENT = re.compile(r"(?i)stopped posting|never posted|NodeStatusUnknown|NodeStatusNeverUpdated")
_LOST = {
    "containerd_unavailable": Text(
        "The container runtime of node {node} is down: the kubelet there says so, and nothing can be started or stopped on it. "
        "Restart containerd on the node; drain it if that does not help.",
        "节点 {node} 的容器运行时不可用：该节点的 kubelet 已报告，容器无法启动或停止。请在节点上重启 containerd，仍不恢复则排空该节点。",
    ),
    "kubelet_unavailable": Text(
        "The kubelet of node {node} has stopped: nobody posts the node's status any more, and its pods run on unmanaged. "
        "Restart the kubelet on the node.",
        "节点 {node} 的 kubelet 已停止：节点状态不再上报，其上的 Pod 无人管理。请在节点上重启 kubelet。",
    ),
    "node_unreachable": Text(
        "Node {node} cannot be reached: neither its kubelet nor the machine itself gives any sign. "
        "Check the machine and its network; its pods have to be moved elsewhere.",
        "节点 {node} 失联：kubelet 与机器本身都没有任何信号。请检查机器及其网络，并将 Pod 迁移到其他节点。",
    ),
}  # fmt: skip
_PRESSURES = {
    "DiskPressure": (
        "node_disk_pressure",
        re.compile(r"(?i)ephemeral-storage|disk ?pressure|nodefs|imagefs|inodes"),
        Text(
            "Node {node} is out of disk space and evicts pods. Free space on it (images, logs) or enlarge the disk.",
            "节点 {node} 磁盘空间不足，正在驱逐 Pod。请清理镜像和日志或扩容磁盘。",
        ),
    ),
    "MemoryPressure": (
        "node_memory_pressure",
        re.compile(r"(?i)low on resource: memory|memory ?pressure|memory\.available"),
        Text(
            "Node {node} is short of memory and evicts pods. Move the largest eater away or give its pods limits.",
            "节点 {node} 内存不足，正在驱逐 Pod。请迁走占用最多的负载，或为其设置内存限制。",
        ),
    ),
    "PIDPressure": (
        "node_pid_pressure",
        re.compile(r"(?i)low on resource: pids|pid ?pressure|pid\.available|fork/exec .*resource temporarily unavailable"),
        Text(
            "Node {node} has no process ids left. Find the program that starts processes without end and restart it.",
            "节点 {node} 的进程号已耗尽。请找出不断创建进程的程序并重启它。",
        ),
    ),
}  # fmt: skip
MAX_SHOWN = 4


def nodes_that_are_lost(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene, checks = scene_of(snapshot, graph), asked(snapshot)
    known = {name_of(node): node for node in snapshot.of("Node")}
    for name in dict.fromkeys([*known, *checks]):
        node, services = known.get(name, {}), checks.get(name, {})
        failed = [probe for probe in services.values() if not probe.ok]
        ready = conditions(node).get("Ready")
        found = _lost(scene, name, ready, services)
        if not found:
            continue
        fault, weight = found
        proof = [said(probe, 0.85) for probe in failed]
        proof += [ready.proof(weight)] if ready and ready.status != "True" else []
        proof += [*stale_lease(snapshot, "kube-node-lease", name, 0.4), *_events(snapshot, name)]
        proof += host_is_down(snapshot, name) if fault == "node_unreachable" else ()
        yield Finding(
            fault=fault,
            category="infrastructure",
            component=Component(kind="Node", name=name),
            words=Text(_LOST[fault].en.format(node=name), _LOST[fault].zh.format(node=name)),
            evidence=tuple(proof),
            onset=ready.since if ready and ready.status != "True" else None,
            latent=bool(not failed and ready and (is_old(snapshot, ready.since) or is_set_aside(snapshot, node))),
            harms=on_it(snapshot, name),
        )


def _lost(scene: Scene, node: str, ready: Condition | None, services: Mapping[str, Probe]) -> tuple[str, float] | None:
    """Which fault it is, and how far the condition speaks for it."""
    checked, failed = len(services), {key for key, probe in services.items() if not probe.ok}
    if failed and all(is_unreached(probe) for probe in services.values()):
        return "node_unreachable", 0.6
    down = {key for key in failed & {"kubelet", "containerd", "kube-proxy"} if not is_unreached(services[key])}
    if {"kubelet", "containerd"} <= down and len(failed) == checked >= 3:
        return "node_unreachable", 0.6
    if "containerd" in down:
        return "containerd_unavailable", 0.6
    if "kubelet" in down:
        return "kubelet_unavailable", 0.6
    if ready is None or ready.status == "True":
        return None
    text = f"{ready.reason} {ready.message}"
    if RUNTIME.search(text) and ready.status == "False":
        return "containerd_unavailable", 0.85
    if ready.status == "Unknown" or SILENT.search(text):
        alive = False if any(host_is_down(scene.snapshot, node)) else still_measured(scene, node)
        return ("node_unreachable", 0.7) if alive is False else ("kubelet_unavailable", 0.85 if alive else 0.7)
    if NETWORK.search(text):
        return "containerd_unavailable", 0.3
    return "kubelet_unavailable", 0.4


def _events(snapshot: Snapshot, node: str) -> Iterator[Evidence]:
    for event in reversed(snapshot.events_of({"kind": "Node", "metadata": {"name": node}})):
        if event.reason in {"NodeNotReady", "ContainerGCFailed", "ImageGCFailed", "NodeNotSchedulable"}:
            yield evidence("event", event.ref, f"{event.reason}: {event.message}", event.at, weight=0.25)
            return


def nodes_under_pressure(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    evicted = list(_evictions(snapshot))
    for node in snapshot.of("Node"):
        name, held = name_of(node), conditions(node)
        for kind, (fault, pattern, words) in _PRESSURES.items():
            condition = held.get(kind)
            pressed = condition if condition and condition.status == "True" else None
            thrown = [proof for place, text, proof in evicted if place == name and pattern.search(text)]
            if pressed or (thrown and not is_set_aside(snapshot, node)):
                yield _pressed(snapshot, name, fault, words, pressed, thrown)


def _pressed(
    snapshot: Snapshot, node: str, fault: str, words: Text, pressed: Condition | None, thrown: list[Evidence]
) -> Finding:
    proof = [pressed.proof(0.85)] if pressed else []
    onsets = [item.at for item in thrown if item.at] + ([pressed.since] if pressed and pressed.since else [])
    return Finding(
        fault=fault,
        category="infrastructure",
        component=Component(kind="Node", name=node),
        words=Text(words.en.format(node=node), words.zh.format(node=node)),
        evidence=(*proof, *thrown[:MAX_SHOWN]),
        onset=min(onsets, default=None),
        latent=not thrown and bool(pressed and is_old(snapshot, pressed.since)),
        harms=on_it(snapshot, node),
    )


def _evictions(snapshot: Snapshot) -> Iterator[tuple[str, str, Evidence]]:
    """Node, sentence and proof of every eviction in the window: from the pods that are left behind, and from events."""
    for pod in snapshot.of("Pod"):
        if dig(pod, "status", "reason") == "Evicted" and _left_lately(snapshot, pod):
            text = str(dig(pod, "status", "message") or "")
            ref = f"Pod {namespace_of(pod)}/{name_of(pod)} status"
            yield (
                str(dig(pod, "spec", "nodeName") or ""),
                text,
                evidence("kubernetes", ref, f"Evicted: {text}", weight=0.6),
            )
    for event in snapshot.events:
        if event.reason in {"Evicted", "EvictionThresholdMet", "FreeDiskSpaceFailed", "SystemOOM"} and _is_recent(
            snapshot, event.at
        ):
            node = event.name if event.kind == "Node" else _node_of(snapshot, event.namespace, event.name)
            text = f"{event.reason}: {event.message}"
            yield node, text, evidence("event", event.ref, text, event.at, weight=0.6)


def _left_lately(snapshot: Snapshot, pod: Object) -> bool:
    """Evicted pods are left behind for weeks: one that tells no time of its end is news only if it was young."""
    ended = [when(row.get("lastTransitionTime")) for row in rows(pod, "status", "conditions")]
    ended += [when(dig(status, "state", "terminated", "finishedAt")) for status in statuses(pod)]
    latest = max((at for at in ended if at), default=None) or when(dig(pod, "metadata", "creationTimestamp"))
    return _is_recent(snapshot, latest)


def _is_recent(snapshot: Snapshot, at: datetime | None) -> bool:
    return at is None or at >= snapshot.window.start


def _node_of(snapshot: Snapshot, namespace: str, name: str) -> str:
    pod: Object = snapshot.get("Pod", namespace, name) or {}
    return str(dig(pod, "spec", "nodeName") or "")
