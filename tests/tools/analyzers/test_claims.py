"""Claims that stay pending: what keeps them from the volume that is meant, and pending claims that accuse nobody."""

from typing import Any

import pytest

from tests.tools.objects import NS, Object, container, deployment, event, pod, replica_set, snapshot
from tools.engines.analyzers.claims import (
    claims_that_do_not_exist,
    claims_that_no_volume_fits,
    unbound_claims_without_objects,
)
from tools.engines.explain import diagnose
from tools.engines.finding import Finding
from tools.engines.graph import Graph

EXTERNAL = "driver.example"


def claim(
    name: str = "data",
    *,
    phase: str = "Pending",
    size: str = "5Gi",
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    **spec: Any,
) -> Object:
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NS, "name": name, "uid": f"uid-{name}"},
        "spec": {
            "accessModes": list(modes),
            "resources": {"requests": {"storage": size}},
            "storageClassName": "",
            **spec,
        },
        "status": {"phase": phase},
    }


def volume(
    name: str = "v1", *, size: str = "5Gi", phase: str = "Available", labels: dict[str, str] | None = None, **spec: Any
) -> Object:
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "", **spec},
        "status": {"phase": phase},
    }


def storage_class(name: str, provisioner: str = EXTERNAL, binding: str = "Immediate") -> Object:
    return {
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": binding,
    }


def mounting(name: str = "data") -> list[Object]:
    """A workload whose pod waits for a claim."""
    owner = deployment("baker", available=0)
    owner["spec"]["template"]["spec"]["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": name}}]
    made = replica_set(owner, 1, container())
    one = pod(made, ready=False)
    one["spec"] = owner["spec"]["template"]["spec"]
    one["status"] = {"phase": "Pending"}
    return [owner, made, one]


def found(*objects: Object) -> list[Finding]:
    facts = snapshot(*objects)
    return list(claims_that_no_volume_fits(facts, Graph(facts)))


def fault(*objects: Object) -> str:
    (finding,) = found(*mounting(), *objects)
    assert finding.component.name == "baker"
    return finding.fault


def taken(by: str = "other") -> Object:
    return {"claimRef": {"namespace": NS, "name": by, "uid": f"uid-{by}"}}


def test_a_volume_that_is_held_by_another_claim() -> None:
    assert fault(claim(volumeName="v1"), volume(phase="Bound", **taken())) == "pv_binding_occupied"


def test_a_released_volume_is_still_held_by_its_old_claim() -> None:
    assert fault(claim(), volume(phase="Released", **taken("data-old"))) == "pv_binding_occupied"


def test_a_volume_bound_to_this_very_claim_is_not_taken() -> None:
    assert found(*mounting(), claim(), volume(phase="Bound", **taken("data"))) == []


def test_a_selector_that_no_volume_carries_says_what_the_volume_has() -> None:
    objects = [claim(selector={"matchLabels": {"tier": "gold"}}), volume(labels={"tier": "silver"})]
    (finding,) = found(*mounting(), *objects)
    assert finding.fault == "pvc_selector_mismatch"
    assert "tier=silver" in finding.words("en")


def test_another_class_than_the_volume_has() -> None:
    assert fault(claim(storageClassName="fast"), volume(storageClassName="slow")) == "pvc_storage_class_mismatch"


def test_a_class_without_object_is_missing_where_no_volume_is_near() -> None:
    assert fault(claim(storageClassName="fast"), storage_class("standard")) == "storage_class_missing"


def test_a_class_without_object_is_a_mismatch_where_a_free_volume_fits_but_for_it() -> None:
    objects = [claim(storageClassName="fast"), storage_class("standard"), volume(storageClassName="slow")]
    assert fault(*objects) == "pvc_storage_class_mismatch"


def test_a_volume_that_is_too_small() -> None:
    assert fault(claim(size="100Gi"), volume(size="10Gi")) == "pvc_capacity_mismatch"


def test_sizes_are_compared_as_amounts_and_not_as_text() -> None:
    assert found(*mounting(), claim(size="5120Mi"), volume(size="5Gi")) == []


@pytest.mark.parametrize("other", [{"modes": ("ReadWriteMany",)}, {"volumeMode": "Block"}])
def test_a_mode_that_the_volume_does_not_offer(other: dict[str, Any]) -> None:
    assert fault(claim(**other), volume()) == "pvc_access_mode_mismatch"


def test_volumes_that_a_provisioner_made_for_others_are_not_meant() -> None:
    made = volume("pvc-1", phase="Bound", **taken())
    made["metadata"]["annotations"] = {"pv.kubernetes.io/provisioned-by": EXTERNAL}
    assert fault(claim(size="100Gi"), made, volume("v2", size="10Gi")) == "pvc_capacity_mismatch"


def test_the_sentence_of_a_failed_provisioner() -> None:
    waiting = claim(storageClassName="fast")
    told = event(
        waiting, "ProvisioningFailed", 'failed to provision volume with StorageClass "fast": rpc error: quota reached'
    )
    assert fault(waiting, storage_class("fast"), told) == "provisioner_failed"


def test_a_provisioner_that_never_answers() -> None:
    waiting = claim(storageClassName="fast")
    told = event(
        waiting,
        "ExternalProvisioning",
        "Waiting for a volume to be created by the external provisioner",
        type_="Normal",
    )
    assert fault(waiting, storage_class("fast"), told) == "provisioner_failed"


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("claim Selector is not supported", "pvc_selector_mismatch"),
        ("NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes", "pvc_access_mode_mismatch"),
    ],
)
def test_a_provisioner_that_refuses_what_the_claim_asks_for(sentence: str, meant: str) -> None:
    waiting = claim(storageClassName="fast")
    assert fault(waiting, storage_class("fast"), event(waiting, "ProvisioningFailed", sentence)) == meant


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ('volume "v1" already bound to a different claim.', "pv_binding_occupied"),
        ('Cannot bind to requested volume "v1": requested PV is too small', "pvc_capacity_mismatch"),
        ('Cannot bind to requested volume "v1": storageClassName does not match', "pvc_storage_class_mismatch"),
        ('Cannot bind to requested volume "v1": incompatible accessMode', "pvc_access_mode_mismatch"),
        ('storageclass.storage.k8s.io "fast" not found', "storage_class_missing"),
    ],
)
def test_without_volumes_the_sentence_decides(sentence: str, meant: str) -> None:
    waiting = claim(volumeName="v1")
    assert fault(waiting, event(waiting, "FailedBinding", sentence)) == meant


def test_a_claim_that_waits_for_its_first_consumer_is_well() -> None:
    waiting = claim(storageClassName="local")
    told = event(
        waiting, "WaitForFirstConsumer", "waiting for first consumer to be created before binding", type_="Normal"
    )
    assert found(*mounting(), waiting, storage_class("local", binding="WaitForFirstConsumer"), told) == []


def test_a_claim_nobody_mounts_accuses_nobody() -> None:
    assert found(deployment("mill"), claim("forgotten", size="100Gi"), volume(size="1Gi")) == []


def test_a_bound_claim_accuses_nobody() -> None:
    assert found(*mounting(), claim(phase="Bound", volumeName="v1"), volume(phase="Bound", **taken())) == []


def test_a_claim_of_a_stateful_set_belongs_to_it() -> None:
    owner = deployment("store", available=0)
    owner["kind"] = "StatefulSet"
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    (finding,) = found(owner, claim("data-store-0", size="100Gi"), volume(size="1Gi"))
    assert (finding.fault, finding.component.kind, finding.component.name) == (
        "pvc_capacity_mismatch",
        "StatefulSet",
        "store",
    )


def test_a_claim_that_was_never_made_is_said_quietly() -> None:
    objects = mounting("nowhere")
    facts = snapshot(*objects, event(objects[2], "FailedScheduling", 'persistentvolumeclaim "nowhere" not found'))
    (finding,) = claims_that_do_not_exist(facts, Graph(facts))
    assert "nowhere" in finding.words("en")
    assert finding.explainable


def test_of_a_claim_that_was_not_read_little_can_be_said() -> None:
    objects = mounting()
    told = event(
        objects[2], "FailedScheduling", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    )
    facts = snapshot(*objects, told)
    (finding,) = unbound_claims_without_objects(facts, Graph(facts))
    assert finding.evidence[0].weight <= 0.3
    assert found(*objects, claim(), volume(), told) == []


def test_garbage_is_read_as_nothing() -> None:
    assert (
        found(*mounting(), {"kind": "PersistentVolumeClaim", "metadata": {"namespace": NS, "name": "data"}, "spec": []})
        == []
    )


def test_who_asks_about_the_claim_is_told_what_keeps_it_from_a_volume() -> None:
    snap = snapshot(*mounting(), claim(size="100Gi"), volume(size="10Gi"))
    found = diagnose(snap, "claim", snap.window, snap.taken_at, focus="data")
    assert [cause.fault for cause in found.causes] == ["pvc_capacity_mismatch"]
    assert found.healthy is False


def test_who_asks_about_another_claim_is_not() -> None:
    snap = snapshot(*mounting(), claim(size="100Gi"), volume(size="10Gi"))
    assert diagnose(snap, "claim", snap.window, snap.taken_at, focus="logs").causes == []
