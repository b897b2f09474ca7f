"""Claims and volumes: who gets which, who makes one, what is said while a claim waits, and what that means for its pod."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.kubernetes_api import defaulted
from simulator.objects import with_metadata
from tests.simulator.clusters import Cluster, Object, pod

DRIVER = "driver.longhorn.io"


def volume(name: str = "disk", size: str = "10Gi", labels: dict[str, str] | None = None, **spec: Any) -> Object:
    content = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "", **spec}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": content}


def claim(name: str = "data", size: str = "5Gi", **spec: Any) -> Object:
    content = {
        "resources": {"requests": {"storage": size}},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        **spec,
    }
    return defaulted("PersistentVolumeClaim", {"metadata": {"name": name, "namespace": "shop"}, "spec": content})


def storage_class(name: str = "standard", **fields: Any) -> Object:
    return {"metadata": {"name": name}, "provisioner": DRIVER, **fields}


def using(name: str = "data") -> list[Object]:
    return [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]


def with_objects(*objects: Object, nodes: int = 1) -> Cluster:
    cluster = Cluster(nodes)
    for obj in objects:
        spec = obj.get("spec", {})
        kind = (
            "StorageClass"
            if "provisioner" in obj
            else "PersistentVolume"
            if "capacity" in spec
            else "PersistentVolumeClaim"
        )
        cluster.store.create(kind, obj)
    return cluster.settle()


def phase(cluster: Cluster, name: str = "data") -> str:
    return str(cluster.get("PersistentVolumeClaim", name)["status"]["phase"])


def volume_of(cluster: Cluster, name: str = "data") -> str:
    return str(cluster.get("PersistentVolumeClaim", name)["spec"].get("volumeName", ""))


def run_provisioner(cluster: Cluster) -> Cluster:
    cluster.store.create("Pod", pod("provisioner", containers=[{"name": "csi-provisioner", "image": "longhorn:1"}]))
    return cluster.settle().make_ready(only="provisioner").settle()


def test_a_claim_gets_the_smallest_volume_that_is_large_enough() -> None:
    cluster = with_objects(volume("huge", "100Gi"), volume("right", "10Gi"), volume("tiny", "1Gi"), claim())
    assert (phase(cluster), volume_of(cluster)) == ("Bound", "right")
    found = cluster.store.get("PersistentVolume", None, "right")
    assert found is not None
    assert (found["spec"]["claimRef"]["name"], found["status"]["phase"]) == ("data", "Bound")
    free = cluster.store.get("PersistentVolume", None, "huge")
    assert free is not None
    assert free["status"]["phase"] == "Available"


@pytest.mark.parametrize(
    "misfit",
    [
        volume(size="1Gi"),
        volume(storageClassName="fast"),
        volume(accessModes=["ReadOnlyMany"]),
        volume(volumeMode="Block"),
        volume(claimRef={"namespace": "shop", "name": "other", "uid": "x"}),
    ],
)
def test_a_volume_that_lacks_something_is_not_taken(misfit: Object) -> None:
    cluster = with_objects(misfit, claim())
    assert phase(cluster) == "Pending"
    (message,) = cluster.messages("FailedBinding")
    assert message == "no persistent volumes available for this claim and no storage class is set"


def test_a_selector_chooses_by_label() -> None:
    wanted = {"matchLabels": {"tier": "gold"}}
    assert phase(with_objects(volume(), claim(selector=wanted))) == "Pending"
    assert phase(with_objects(volume(labels={"tier": "gold"}), claim(selector=wanted))) == "Bound"


def test_a_volume_that_somebody_else_has_is_said_to_be_bound_already() -> None:
    cluster = with_objects(volume(), claim("first"))
    cluster.store.create("PersistentVolumeClaim", claim("second", volumeName="disk"))
    cluster.settle()
    assert phase(cluster, "second") == "Pending"
    assert cluster.messages("FailedBinding") == ['volume "disk" already bound to a different claim.']


def test_a_named_volume_that_does_not_satisfy_is_said_to_be_so() -> None:
    cluster = with_objects(volume(size="1Gi"), claim(volumeName="disk"))
    assert cluster.messages("VolumeMismatch") == ['Cannot bind to requested volume "disk": requested PV is too small']


def test_a_class_that_does_not_exist_is_named() -> None:
    cluster = with_objects(claim(storageClassName="fast"))
    assert cluster.messages("ProvisioningFailed") == ['storageclass.storage.k8s.io "fast" not found']


def test_while_nobody_makes_volumes_the_claim_says_for_whom_it_waits() -> None:
    cluster = with_objects(storage_class(), claim(storageClassName="standard"))
    assert phase(cluster) == "Pending"
    (message,) = cluster.messages("ExternalProvisioning")
    assert message.startswith(f"Waiting for a volume to be created either by the external provisioner '{DRIVER}'")
    run_provisioner(cluster)
    assert phase(cluster) == "Bound"
    assert volume_of(cluster).startswith("pvc-")
    assert cluster.messages("ProvisioningSucceeded") == [f"Successfully provisioned volume {volume_of(cluster)}"]


def test_parameters_that_the_storage_refuses_are_said_in_its_words() -> None:
    wrong = storage_class(parameters={"numberOfReplicas": "30"})
    cluster = run_provisioner(with_objects(wrong, claim(storageClassName="standard")))
    assert phase(cluster) == "Pending"
    (message,) = cluster.messages("ProvisioningFailed")
    assert message.startswith(
        'failed to provision volume with StorageClass "standard": rpc error: code = InvalidArgument'
    )


def test_a_claim_that_waits_for_its_consumer_is_provisioned_for_the_pod_s_node() -> None:
    late = storage_class(volumeBindingMode="WaitForFirstConsumer")
    cluster = run_provisioner(with_objects(late, claim(storageClassName="standard")))
    assert phase(cluster) == "Pending"
    waiting = "waiting for first consumer to be created before binding"
    assert cluster.messages("WaitForFirstConsumer") == [waiting]
    cluster.store.create("Pod", pod("db", volumes=using()))
    cluster.settle()
    assert phase(cluster) == "Bound"
    assert cluster.get("Pod", "db")["spec"]["nodeName"] == "node-1"
    annotations = cluster.get("PersistentVolumeClaim", "data")["metadata"]["annotations"]
    assert annotations["volume.kubernetes.io/selected-node"] == "node-1"


def test_a_pod_whose_claims_wait_is_not_placed_and_says_why() -> None:
    cluster = with_objects(claim(), nodes=3)
    cluster.store.create("Pod", pod("db", volumes=using()))
    cluster.settle()
    (message,) = cluster.messages("FailedScheduling")
    assert message == (
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    cluster.store.create("PersistentVolume", volume())
    cluster.after(2).settle()
    assert cluster.get("Pod", "db")["spec"]["nodeName"]


def test_a_claim_that_is_not_there_is_named() -> None:
    cluster = Cluster(nodes=1)
    cluster.store.create("Pod", pod("db", volumes=using("nothing")))
    cluster.settle()
    assert 'persistentvolumeclaim "nothing" not found' in cluster.messages("FailedScheduling")[0]


def bound_to(node: str) -> Object:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {"required": {"nodeSelectorTerms": [term]}}


def test_a_pod_goes_where_its_volume_is_or_says_that_it_cannot() -> None:
    cluster = with_objects(volume(nodeAffinity=bound_to("node-2")), claim(), nodes=2)
    cluster.store.create("Pod", pod("db", volumes=using()))
    assert cluster.settle().get("Pod", "db")["spec"]["nodeName"] == "node-2"
    cluster.store.create("Pod", pod("misled", volumes=using(), nodeSelector={"kubernetes.io/hostname": "node-1"}))
    cluster.settle()
    assert "1 node(s) had volume node affinity conflict" in cluster.messages("FailedScheduling")[0]


def test_a_claim_in_use_does_not_go_before_its_pod() -> None:
    cluster = with_objects(volume(), claim())
    cluster.store.create("Pod", pod("db", volumes=using()))
    cluster.settle()
    known = cluster.get("PersistentVolumeClaim", "data")
    doomed = with_metadata(known, deletionTimestamp="2026-03-02T12:00:00Z")
    cluster.store.update("PersistentVolumeClaim", doomed)
    assert cluster.settle().store.list("PersistentVolumeClaim")
    cluster.store.delete("Pod", "shop", "db")
    assert not cluster.settle().store.list("PersistentVolumeClaim")
    left = cluster.store.get("PersistentVolume", None, "disk")
    assert left is not None
    assert left["status"]["phase"] == "Released"


def test_a_provisioned_volume_goes_with_its_claim() -> None:
    cluster = run_provisioner(with_objects(storage_class(), claim(storageClassName="standard")))
    assert cluster.store.list("PersistentVolume")
    cluster.store.delete("PersistentVolumeClaim", "shop", "data")
    assert cluster.settle().store.list("PersistentVolume") == []


def test_a_claim_whose_volume_is_lost_says_so() -> None:
    cluster = with_objects(volume(), claim())
    cluster.store.delete("PersistentVolume", None, "disk")
    assert phase(cluster.settle()) == "Lost"
    assert cluster.messages("ClaimLost")


def test_what_stays_so_is_said_every_quarter_of_a_minute_and_not_at_every_change() -> None:
    cluster = with_objects(claim())
    cluster.store.create("Pod", pod("noise"))
    cluster.settle()
    assert [each["count"] for each in cluster.store.list("Event") if each["reason"] == "FailedBinding"] == [1]
    cluster.after(15).settle()
    assert [each["count"] for each in cluster.store.list("Event") if each["reason"] == "FailedBinding"] == [2]
