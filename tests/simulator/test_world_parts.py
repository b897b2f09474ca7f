"""The cluster's own parts: static pods that come back, agents on every node, storage that works, and who works when a part is gone."""

from __future__ import annotations

import pytest

from simulator.apps import NodeSpec
from simulator.cluster_parts import CONTROL_PLANE
from simulator.controllers.processes import MANAGER, SCHEDULER
from simulator.objects import is_ready, labels_of, name_of
from tests.simulator.worlds import Object, Watch, whole_world


@pytest.fixture(scope="module")
def whole() -> Watch:
    return Watch(whole_world(), "kube-system")


def control_plane(watch: Watch) -> NodeSpec:
    return next(node for node in watch.world.shop.nodes if node.is_control_plane)


def statuses(watch: Watch, kind: str) -> dict[str, Object]:
    return {name_of(each): each["status"] for each in watch.world.store.list(kind)}


def test_the_control_plane_runs_as_mirror_pods_of_its_node(whole: Watch) -> None:
    node = control_plane(whole).name
    for name in CONTROL_PLANE:
        pod = whole.get("Pod", f"{name}-{node}")
        assert is_ready(pod)
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "Node"
        assert pod["status"]["podIP"] == control_plane(whole).address


def test_nothing_of_the_shop_runs_there(whole: Watch) -> None:
    node = control_plane(whole).name
    there = [pod for pod in whole.world.store.list("Pod") if pod["spec"].get("nodeName") == node]
    assert {pod["metadata"]["namespace"] for pod in there} == {"kube-system", "monitoring"}


def test_every_node_has_its_agents(whole: Watch) -> None:
    for status in statuses(whole, "DaemonSet").values():
        assert status["numberAvailable"] == status["desiredNumberScheduled"] == len(whole.world.shop.nodes)


def test_a_claim_of_the_default_class_has_been_given_a_volume(whole: Watch) -> None:
    assert {each["phase"] for each in statuses(whole, "PersistentVolumeClaim").values()} == {"Bound"}
    assert {each["phase"] for each in statuses(whole, "PersistentVolume").values()} == {"Bound"}


def test_everything_that_is_wanted_is_there(whole: Watch) -> None:
    assert [pod for pod in whole.world.store.list("Pod") if not is_ready(pod)] == []
    assert all(each["readyReplicas"] == each["replicas"] for each in statuses(whole, "StatefulSet").values())


def test_a_mirror_pod_that_is_deleted_comes_back() -> None:
    watch = Watch(whole_world(), "kube-system")
    name = f"kube-scheduler-{control_plane(watch).name}"
    before = watch.get("Pod", name)["metadata"]["uid"]
    watch.world.store.delete("Pod", "kube-system", name)
    again = watch.after(30).get("Pod", name)
    assert again["metadata"]["uid"] != before
    assert is_ready(again)


def test_leaders_say_that_they_are_there(whole: Watch) -> None:
    renewed = {name_of(each): each["spec"]["renewTime"] for each in whole.world.store.list("Lease", "kube-system")}
    assert renewed == dict.fromkeys((MANAGER, SCHEDULER), "2026-01-14T09:00:00.000000Z")


def test_the_node_of_the_control_plane_is_known_by_its_label(whole: Watch) -> None:
    found = whole.world.store.get("Node", None, control_plane(whole).name)
    assert found is not None
    assert "node-role.kubernetes.io/control-plane" in labels_of(found)
    assert found["spec"]["taints"] == [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
