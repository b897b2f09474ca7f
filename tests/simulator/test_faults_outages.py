"""Nodes and parts of the control plane that fail, and Deployments that were made smaller: who notices, and what heals it."""

from __future__ import annotations

import pytest

from simulator.faults import Component
from simulator.objects import condition, is_deleting, name_of, with_spec
from tests.simulator.worlds import Watch, small_world, whole_world

NODE_FAULTS = {
    "kubelet_unavailable": ("Unknown", "NodeStatusUnknown"),
    "node_unreachable": ("Unknown", "NodeStatusUnknown"),
    "containerd_unavailable": ("False", "KubeletNotReady"),
}
PARTS = {"kube_scheduler_unavailable": "kube-scheduler", "controller_manager_unavailable": "kube-controller-manager"}


def component(watch: Watch) -> Component:
    return watch.ledger.entries()[-1].component


def roll_out(watch: Watch) -> None:
    deployment = watch.get("Deployment", "search")
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "annotations": {**template["metadata"]["annotations"], "restarted": "now"}}
    watch.world.store.update("Deployment", with_spec(deployment, template={**template, "metadata": metadata}))
    watch.world.kick()


@pytest.mark.parametrize(("fault", "ready"), NODE_FAULTS.items(), ids=list(NODE_FAULTS))
def test_a_node_that_fails_is_the_component_and_says_how(fault: str, ready: tuple[str, str]) -> None:
    watch = Watch(small_world())
    entry = watch.inject(fault, "search")
    node = component(watch)
    assert node.kind == "Node"
    assert not watch.is_healed(entry)
    watch.after(70)
    found = watch.world.store.get("Node", None, node.name)
    assert found is not None
    known = condition(found, "Ready")
    assert known is not None
    assert (known["status"], known["reason"]) == ready
    status = "unknown" if ready[0] == "Unknown" else "false"
    metric = f'kube_node_status_condition{{node="{node.name}",condition="Ready",status="{status}"}}'
    assert watch.value(metric) == 1
    assert not watch.is_healed(entry)


@pytest.mark.parametrize("fault", NODE_FAULTS)
def test_a_node_that_comes_back_is_healed(fault: str) -> None:
    watch = Watch(small_world())
    watch.inject(fault, "search")
    entry = watch.ledger.entries()[-1]
    watch.after(70)
    watch.ledger.remove(entry.id)
    watch.after(40)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)


def test_calls_to_a_node_that_is_cut_off_fail_until_its_pods_are_taken_out() -> None:
    watch = Watch(small_world())
    watch.inject("node_unreachable", "node-3")
    watch.after(20)
    failing = watch.world.present_flow()
    assert max(float(call.failed[0]) for call in failing.calls if call.call.app == "search") > 0.1
    watch.after(60)
    calm = watch.world.present_flow()
    assert max(float(call.failed[0]) for call in calm.calls if call.call.app == "search") < 0.1


def test_without_a_scheduler_new_pods_wait_and_nobody_says_why() -> None:
    watch = Watch(whole_world())
    entry = watch.inject("kube_scheduler_unavailable", "search")
    assert component(watch) == Component("Node", "", "control-1")
    watch.after(10)
    roll_out(watch)
    watch.after(120)
    (pod,) = [each for each in watch.pods("search") if not each["spec"].get("nodeName")]
    assert condition(pod, "PodScheduled") is None
    assert [
        event for event in watch.events("FailedScheduling") if event["involvedObject"]["name"] == name_of(pod)
    ] == []
    lease = watch.world.store.get("Lease", "kube-system", "kube-scheduler")
    assert lease is not None
    assert lease["spec"]["renewTime"] < "2026-01-14T09:00:30"
    assert not watch.is_healed(entry)


def test_without_a_controller_manager_no_rollout_moves_and_no_pod_is_replaced() -> None:
    watch = Watch(whole_world())
    entry = watch.inject("controller_manager_unavailable", "search")
    watch.after(10)
    roll_out(watch)
    gone = name_of(watch.pods("catalogue")[0])
    watch.world.store.delete("Pod", "shop", gone)
    watch.after(120)
    deployment = watch.get("Deployment", "search")
    assert deployment["status"]["observedGeneration"] < deployment["metadata"]["generation"]
    assert len(watch.pods("catalogue")) == 2
    assert not watch.is_healed(entry)


@pytest.mark.parametrize(("fault", "part"), PARTS.items(), ids=list(PARTS))
def test_a_part_that_fails_is_in_a_crash_loop_and_goes_on_once_its_file_is_right(fault: str, part: str) -> None:
    watch = Watch(whole_world())
    watch.inject(fault, "search")
    entry = watch.ledger.entries()[-1]
    watch.after(60)
    pod = watch.world.store.get("Pod", "kube-system", f"{part}-control-1")
    assert pod is not None
    (status,) = pod["status"]["containerStatuses"]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    roll_out(watch)
    watch.ledger.remove(entry.id)
    watch.after(240)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)
    assert watch.get("Deployment", "search")["status"]["updatedReplicas"] == 2
    assert all(each["spec"].get("nodeName") for each in watch.pods("search") if not is_deleting(each))


def test_a_deployment_that_was_scaled_to_nothing_answers_nobody_and_looks_well() -> None:
    watch = Watch(small_world())
    fault = watch.inject("deployment_zero_replicas", "search")
    watch.after(60)
    available = condition(watch.get("Deployment", "search"), "Available")
    assert available is not None
    assert available["status"] == "True"
    assert watch.value('kube_deployment_spec_replicas{deployment="search"}') == 0
    assert "subsets" not in watch.get("Endpoints", "search")
    assert not watch.is_healed(fault)
    watch.scale("search", 1)
    assert watch.after(60).is_healed(fault)


def test_a_deployment_that_was_scaled_down_works_harder_until_it_has_its_replicas_again() -> None:
    watch = Watch(small_world())
    before = float(watch.flow("catalogue").utilisation[0])
    fault = watch.inject("scaled_down", "catalogue")
    watch.after(60)
    assert float(watch.flow("catalogue").utilisation[0]) > 2 * before
    assert not watch.is_healed(fault)
    watch.scale("catalogue", 2)
    assert not watch.after(60).is_healed(fault)
    watch.scale("catalogue", 3)
    assert watch.after(60).is_healed(fault)


@pytest.mark.parametrize("fault", ["scaled_down", "deployment_zero_replicas"])
def test_undo_gives_the_replicas_back(fault: str) -> None:
    watch = Watch(small_world())
    entry = watch.inject(fault, "catalogue")
    watch.after(30)
    watch.ledger.remove(entry)
    assert watch.after(60).get("Deployment", "catalogue")["status"]["availableReplicas"] == 3
