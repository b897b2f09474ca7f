"""What finds no node: the pod that waits, the scheduler's words, and that a real repair heals it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.faults import Refused
from simulator.faults.scheduling.placement import HOSTNAME
from simulator.objects import condition, name_of, with_spec
from tests.simulator.worlds import Object, Watch, small_world, whole_world

APP = "search"


@dataclass(frozen=True)
class Case:
    fault: str
    said: str
    claim_reason: str = ""
    claim_said: str = ""


NO_CLASS = ("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
PLACEMENT = [
    Case("cpu_capacity_mismatch", "3 Insufficient cpu."),
    Case("memory_capacity_mismatch", "3 Insufficient memory."),
    Case("gpu_unavailable", "3 Insufficient nvidia.com/gpu."),
    Case("node_selector_mismatch", "3 node(s) didn't match Pod's node affinity/selector."),
    Case("node_affinity_mismatch", "3 node(s) didn't match Pod's node affinity/selector."),
    Case("pod_anti_affinity_conflict", "3 node(s) didn't match pod anti-affinity rules."),
    Case(
        "topology_spread_unsatisfied",
        "3 node(s) didn't match pod topology spread constraints (missing required label).",
    ),
    Case("taint_toleration_mismatch", "1 node(s) had untolerated taint {dedicated: batch}, 2 node(s) didn't match"),
    Case("node_cordon_mismatch", "1 node(s) were unschedulable, 2 node(s) didn't match"),
]
CLAIMS = [
    Case("pv_binding_occupied", UNBOUND, "FailedBinding", "already bound to a different claim."),
    Case("pvc_selector_mismatch", UNBOUND, *NO_CLASS),
    Case("pvc_storage_class_mismatch", UNBOUND, "ProvisioningFailed", "no volume plugin matched"),
    Case("pvc_capacity_mismatch", UNBOUND, *NO_CLASS),
    Case("pvc_access_mode_mismatch", UNBOUND, *NO_CLASS),
    Case("storage_class_missing", UNBOUND, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast-ssd" not found'),
    Case("provisioner_failed", UNBOUND, "ExternalProvisioning", "driver.longhorn.io"),
]
ALL = [*PLACEMENT, *CLAIMS]


def by_fault(case: Case) -> str:
    return case.fault


def roll_back(watch: Watch, before: Object) -> Watch:
    """What `kubectl rollout undo` does."""
    present = watch.get("Deployment", APP)
    watch.world.store.update("Deployment", with_spec(present, template=before["spec"]["template"]))
    watch.world.kick()
    return watch.after(60)


def waiting(watch: Watch) -> list[Object]:
    return [pod for pod in watch.pods(APP) if not pod["spec"].get("nodeName")]


@pytest.mark.parametrize("case", ALL, ids=by_fault)
def test_the_new_pod_waits_with_the_scheduler_s_reasons_until_the_change_is_taken_back(case: Case) -> None:
    watch = Watch(small_world())
    before = watch.get("Deployment", APP)
    fault = watch.inject(case.fault, APP)
    watch.after(30)
    (pod,) = waiting(watch)
    unscheduled = condition(pod, "PodScheduled")
    assert unscheduled is not None
    assert case.said in unscheduled["message"]
    assert any(case.said in event["message"] for event in watch.events("FailedScheduling", APP))
    assert watch.value(f'kube_pod_status_phase{{phase="Pending",pod="{name_of(pod)}"}}') == 1
    assert watch.get("Deployment", APP)["status"]["availableReplicas"] == 2
    assert not watch.is_healed(fault)
    assert roll_back(watch, before).is_healed(fault)


@pytest.mark.parametrize("case", CLAIMS, ids=by_fault)
def test_its_claim_waits_and_says_why(case: Case) -> None:
    watch = Watch(small_world())
    watch.inject(case.fault, APP)
    watch.after(30)
    assert watch.get("PersistentVolumeClaim", f"{APP}-data")["status"]["phase"] == "Pending"
    assert any(case.claim_said in event["message"] for event in watch.events(case.claim_reason, APP))


@pytest.mark.parametrize("case", ALL, ids=by_fault)
def test_undo_heals_and_leaves_nothing_behind(case: Case) -> None:
    watch = Watch(small_world())
    nodes = {name_of(node): node["spec"] for node in watch.world.store.list("Node")}
    fault = watch.inject(case.fault, APP)
    watch.after(30)
    entry = next(each for each in watch.ledger.entries() if each.id == fault)
    watch.ledger.remove(fault)
    watch.after(60)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)
    assert {name_of(node): node["spec"] for node in watch.world.store.list("Node")} == nodes
    for kind in ("PersistentVolumeClaim", "PersistentVolume", "StorageClass"):
        assert watch.world.store.list(kind) == []


def test_an_uncordoned_node_takes_the_pods() -> None:
    watch = Watch(small_world())
    fault = watch.inject("node_cordon_mismatch", APP)
    watch.after(30)
    node = watch.world.store.get("Node", None, "node-3")
    assert node is not None
    watch.world.store.update("Node", with_spec(node, unschedulable=False))
    watch.world.kick()
    assert watch.after(90).is_healed(fault)
    assert {pod["spec"]["nodeName"] for pod in watch.pods(APP)} == {"node-3"}


def test_a_toleration_that_is_mended_lets_the_pods_onto_their_pool() -> None:
    watch = Watch(small_world())
    fault = watch.inject("taint_toleration_mismatch", APP)
    watch.after(30)
    deployment = watch.get("Deployment", APP)
    template = deployment["spec"]["template"]
    spec = {**template["spec"], "tolerations": [{"key": "dedicated", "operator": "Exists"}]}
    watch.world.store.update("Deployment", with_spec(deployment, template={**template, "spec": spec}))
    watch.world.kick()
    assert watch.after(90).is_healed(fault)


def test_a_volume_that_satisfies_the_claim_heals_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pvc_capacity_mismatch", APP)
    watch.after(30)
    spec = {"capacity": {"storage": "200Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": ""}
    watch.world.store.create("PersistentVolume", {"metadata": {"name": "larger"}, "spec": spec})
    watch.world.kick()
    assert watch.after(90).is_healed(fault)


def test_a_class_that_is_created_heals_where_somebody_makes_volumes() -> None:
    watch = Watch(whole_world())
    fault = watch.inject("storage_class_missing", APP)
    watch.after(30)
    watch.world.store.create("StorageClass", {"metadata": {"name": "fast-ssd"}, "provisioner": "driver.longhorn.io"})
    watch.world.kick()
    assert watch.after(120).is_healed(fault)


def test_a_provisioner_that_is_there_says_what_it_does_not_like() -> None:
    watch = Watch(whole_world())
    watch.inject("provisioner_failed", APP)
    watch.after(30)
    (event,) = watch.events("ProvisioningFailed", APP)
    assert "rpc error: code = InvalidArgument" in event["message"]
    assert event["source"]["component"].startswith("driver.longhorn.io_csi-provisioner-")


def test_a_host_port_that_an_agent_has_on_every_node_is_free_nowhere() -> None:
    watch = Watch(whole_world())
    before = watch.get("Deployment", APP)
    fault = watch.inject("host_port_conflict", APP)
    watch.after(30)
    assert any("3 node(s) didn't have free ports" in each["message"] for each in watch.events("FailedScheduling", APP))
    assert not watch.is_healed(fault)
    assert roll_back(watch, before).is_healed(fault)


def test_pods_that_may_be_pushed_aside_are_and_nobody_else_is() -> None:
    watch = Watch(small_world())
    before = watch.get("Deployment", APP)
    fault = watch.inject("priority_preempted", APP)
    watch.after(180)
    preempted = watch.events("Preempted")
    assert preempted
    assert all(event["involvedObject"]["name"].startswith(APP) for event in preempted)
    assert waiting(watch)
    assert "Insufficient cpu" in watch.events("FailedScheduling", APP)[-1]["message"]
    assert not watch.is_healed(fault)
    assert roll_back(watch, before).is_healed(fault)


def test_without_the_import_there_is_room_again() -> None:
    watch = Watch(small_world())
    fault = watch.inject("priority_preempted", APP)
    watch.after(180)
    for deployment in watch.world.store.list("Deployment", "shop"):
        if name_of(deployment).startswith("bulk-import"):
            watch.world.store.delete("Deployment", "shop", name_of(deployment))
    watch.world.kick()
    assert watch.after(120).is_healed(fault)


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("node_selector_mismatch", {"label": HOSTNAME, "value": "node-1"}),
        ("node_affinity_mismatch", {"value": "zone-a"}),
        ("topology_spread_unsatisfied", {"topology_key": HOSTNAME}),
        ("gpu_unavailable", {"resource": "memory"}),
    ],
)
def test_what_some_node_satisfies_is_refused_as_a_fault(fault: str, parameters: dict[str, str]) -> None:
    with pytest.raises(Refused, match="some node"):
        Watch(small_world()).inject(fault, APP, **parameters)
