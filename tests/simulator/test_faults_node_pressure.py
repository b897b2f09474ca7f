"""A node that runs short says so, is tainted, and lets pods go, which come up elsewhere."""

from __future__ import annotations

import pytest

from simulator.objects import condition, is_ready
from tests.simulator.worlds import Object, Watch, small_world


@pytest.fixture
def watch() -> Watch:
    return Watch(small_world())


def strained(watch: Watch, fault: str, seconds: float = 90) -> tuple[str, str]:
    """The fault's id and the node that search's first pod was on."""
    injected = watch.inject(fault, "search")
    node = next(entry for entry in watch.ledger.entries() if entry.id == injected).component.name
    watch.after(seconds)
    return injected, node


def node_of(watch: Watch, name: str) -> Object:
    node = watch.world.store.get("Node", None, name)
    assert node is not None
    return node


def said_of(watch: Watch, node: str) -> set[str]:
    events = [event for event in watch.world.store.list("Event") if event["involvedObject"]["kind"] == "Node"]
    return {event["reason"] for event in events if event["involvedObject"]["name"] == node}


def evicted(watch: Watch) -> list[Object]:
    return [pod for pod in watch.world.store.list("Pod") if pod["status"].get("reason") == "Evicted"]


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "resource", "threshold"),
    [
        ("node_disk_pressure", "DiskPressure", "KubeletHasDiskPressure", "ephemeral-storage", "8589934592"),
        ("node_memory_pressure", "MemoryPressure", "KubeletHasInsufficientMemory", "memory", "100Mi"),
        ("node_pid_pressure", "PIDPressure", "KubeletHasInsufficientPID", "pids", "3276"),
    ],
)
def test_a_node_that_runs_short_evicts_pods(
    watch: Watch, fault: str, kind: str, reason: str, resource: str, threshold: str
) -> None:
    injected, name = strained(watch, fault)
    told = condition(node_of(watch, name), kind) or {}
    assert (told["status"], told["reason"]) == ("True", reason)
    gone = evicted(watch)
    assert gone
    for pod in gone:
        assert pod["spec"]["nodeName"] == name
        assert pod["status"]["phase"] == "Failed"
        start = f"The node was low on resource: {resource}. Threshold quantity: {threshold}, available: "
        assert pod["status"]["message"].startswith(start)
        assert (condition(pod, "DisruptionTarget") or {})["reason"] == "TerminationByKubelet"
    assert "EvictionThresholdMet" in said_of(watch, name)
    taints = {taint["key"] for taint in node_of(watch, name)["spec"].get("taints") or []}
    assert f"node.kubernetes.io/{resource_taint(kind)}" in taints
    assert not watch.is_healed(injected)


def resource_taint(kind: str) -> str:
    return {"DiskPressure": "disk-pressure", "MemoryPressure": "memory-pressure", "PIDPressure": "pid-pressure"}[kind]


def test_evicted_pods_come_up_on_other_nodes(watch: Watch) -> None:
    _, name = strained(watch, "node_disk_pressure", 240)
    alive = [pod for pod in watch.pods("search") if pod["status"]["phase"] == "Running"]
    assert len(alive) == 2
    assert all(is_ready(pod) and pod["spec"]["nodeName"] != name for pod in alive)


def test_the_full_disk_shows_in_the_metrics_and_in_the_kubelets_complaints(watch: Watch) -> None:
    _, name = strained(watch, "node_disk_pressure")
    free = watch.query(f'node_filesystem_avail_bytes{{node="{name}"}} / node_filesystem_size_bytes')
    assert max(free.values()) < 0.1
    assert {"FreeDiskSpaceFailed", "ImageGCFailed", "NodeHasDiskPressure"} <= said_of(watch, name)


def test_the_pressure_is_taken_back_five_minutes_after_the_last_time(watch: Watch) -> None:
    injected, name = strained(watch, "node_disk_pressure")
    entry = watch.ledger.remove(injected)
    assert entry is not None
    assert (condition(node_of(watch.after(240), name), "DiskPressure") or {})["status"] == "True"
    assert (condition(node_of(watch.after(120), name), "DiskPressure") or {})["status"] == "False"
    assert watch.ledger.describe(entry)["healed"]
    assert "NodeHasNoDiskPressure" in said_of(watch, name)


def test_the_parts_of_the_cluster_stay(watch: Watch) -> None:
    strained(watch, "node_memory_pressure", 300)
    assert all(pod["metadata"]["namespace"] != "kube-system" for pod in evicted(watch))


def test_a_node_with_room_lets_nobody_go(watch: Watch) -> None:
    watch.after(120)
    assert not evicted(watch)
