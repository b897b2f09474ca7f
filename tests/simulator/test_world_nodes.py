"""Nodes that fall silent: who notices when, what it says, and what becomes of the pods."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.conditions import Kind, Level, Pressure
from simulator.objects import condition, is_deleting, is_ready, name_of, with_spec
from tests.simulator.worlds import Object, Watch, small_world

NODE = "node-1"


def silenced(kind: Kind = Kind.KUBELET_DOWN) -> tuple[Watch, Level]:
    watch, level = Watch(small_world()), Level(1.0)
    watch.world.conditions.press(Pressure(kind, NODE), level)
    return watch, level


def node(watch: Watch) -> Object:
    found = watch.world.store.get("Node", None, NODE)
    assert found is not None
    return found


def ready(watch: Watch) -> tuple[str, str, str]:
    found = condition(node(watch), "Ready") or {}
    return found["status"], found["reason"], found["message"]


def taints(watch: Watch) -> set[tuple[str, str]]:
    return {(each["key"], each["effect"]) for each in node(watch)["spec"].get("taints", []) if "timeAdded" in each}


def pods_there(watch: Watch) -> list[Object]:
    return [pod for pod in watch.world.store.list("Pod") if pod["spec"].get("nodeName") == NODE]


def said(watch: Watch, reason: str) -> list[dict[str, Any]]:
    return [event for event in watch.world.store.list("Event") if event["reason"] == reason]


def test_a_sound_node_renews_its_lease_every_ten_seconds() -> None:
    watch = Watch(small_world())
    renewed = []
    for _ in range(3):
        lease = watch.after(10).world.store.get("Lease", "kube-node-lease", NODE)
        assert lease is not None
        renewed.append(lease["spec"]["renewTime"])
    assert renewed == [f"2026-01-14T09:00:{second}.000000Z" for second in ("10", "20", "30")]


@pytest.mark.parametrize("kind", [Kind.KUBELET_DOWN, Kind.NODE_CUT_OFF])
def test_a_node_that_gives_no_sign_of_life_is_unknown_after_forty_seconds(kind: Kind) -> None:
    watch, _ = silenced(kind)
    assert ready(watch.after(35))[0] == "True"
    assert ready(watch.after(15)) == ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    assert {each["status"] for each in node(watch)["status"]["conditions"]} == {"Unknown"}
    unreachable = "node.kubernetes.io/unreachable"
    assert taints(watch) == {(unreachable, "NoSchedule"), (unreachable, "NoExecute")}
    assert [event["message"] for event in said(watch, "NodeNotReady") if event["involvedObject"]["kind"] == "Node"] == [
        "Node node-1 status is now: NodeNotReady"
    ]


def test_its_pods_count_as_not_ready_and_leave_their_services() -> None:
    watch, _ = silenced()
    watch.after(60)
    there = pods_there(watch)
    assert there
    assert not any(is_ready(pod) for pod in there)
    addresses = [
        address.get("nodeName")
        for endpoints in watch.world.store.list("Endpoints")
        for subset in endpoints.get("subsets") or []
        for address in subset.get("addresses") or []
    ]
    assert NODE not in addresses


def test_after_five_minutes_its_pods_are_marked_and_stand_while_others_take_over() -> None:
    watch, _ = silenced()
    names = {name_of(pod) for pod in pods_there(watch)}
    watch.after(420)
    marked = {name_of(pod) for pod in pods_there(watch) if is_deleting(pod)}
    assert marked
    assert marked <= names
    assert {event["reason"] for event in said(watch, "TaintManagerEviction")} == {"TaintManagerEviction"}
    search = watch.get("Deployment", "search")["status"]
    assert search["availableReplicas"] == 2


def test_a_node_that_comes_back_is_ready_loses_its_taints_and_lets_the_marked_pods_go() -> None:
    watch, level = silenced()
    watch.after(420)
    watch.world.conditions.lift(Pressure(Kind.KUBELET_DOWN, NODE), level)
    watch.after(30)
    assert ready(watch)[0] == "True"
    assert taints(watch) == set()
    assert not any(is_deleting(pod) for pod in pods_there(watch))
    assert [event["source"]["component"] for event in said(watch, "NodeReady")][-1] == "kubelet"


def test_pods_that_were_only_doubted_are_ready_again_when_their_node_is() -> None:
    watch, level = silenced()
    watch.after(60)
    watch.world.conditions.lift(Pressure(Kind.KUBELET_DOWN, NODE), level)
    watch.after(30)
    assert all(is_ready(pod) for pod in pods_there(watch))


def test_a_runtime_that_does_not_answer_is_told_by_the_node_itself() -> None:
    watch, _ = silenced(Kind.RUNTIME_DOWN)
    watch.after(60)
    assert ready(watch) == ("False", "KubeletNotReady", "container runtime is down")
    assert ("node.kubernetes.io/not-ready", "NoExecute") in taints(watch)
    assert (condition(node(watch), "DiskPressure") or {})["status"] == "False"


def test_a_cordoned_node_carries_the_taint_of_it_until_it_is_uncordoned() -> None:
    watch = Watch(small_world())
    watch.world.store.update("Node", with_spec(node(watch), unschedulable=True))
    assert taints(watch.after(5)) == {("node.kubernetes.io/unschedulable", "NoSchedule")}
    watch.world.store.update("Node", with_spec(node(watch), unschedulable=False))
    assert taints(watch.after(5)) == set()


def test_a_pod_without_patience_leaves_at_once_and_a_daemon_stays() -> None:
    watch = Watch(small_world())
    taint = {"key": "repair", "effect": "NoExecute"}
    found = node(watch)
    watch.world.store.update("Node", with_spec(found, taints=[*found["spec"].get("taints", []), taint]))
    watch.after(30)
    assert [pod for pod in pods_there(watch) if pod["metadata"]["namespace"] == "shop"] == []
