"""What is refused at the door: quotas, accounts, standards, limits and webhooks, each from health to trouble and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.faults import FAULTS, Place
from simulator.objects import condition, labels_of
from tests.simulator.worlds import Watch, small_world

Object = dict[str, Any]
Repair = Callable[[Watch], None]
APP = "search"


def broken(fault: str, **parameters: Any) -> tuple[Watch, str]:
    watch = Watch(small_world())
    entry = watch.inject(fault, APP, **parameters)
    return watch.after(45), entry


def raise_quota(watch: Watch) -> None:
    for quota in watch.world.store.list("ResourceQuota", "shop"):
        hard = {name: ("900Gi" if "memory" in name or "storage" in name else "900") for name in quota["spec"]["hard"]}
        watch.world.store.update("ResourceQuota", {**quota, "spec": {"hard": hard}})
    watch.world.kick()


def create_account(watch: Watch) -> None:
    watch.world.store.create("ServiceAccount", {"metadata": {"name": f"{APP}-runner", "namespace": "shop"}})
    watch.world.kick()


def roll_back(watch: Watch) -> None:
    """To the template of the ReplicaSet that still serves."""
    owned = [each for each in watch.world.store.list("ReplicaSet", "shop") if labels_of(each).get("app") == APP]
    serving = next(each for each in owned if each["status"].get("readyReplicas"))
    template = serving["spec"]["template"]
    labels = {key: value for key, value in labels_of(template).items() if key != "pod-template-hash"}
    deployment = watch.get("Deployment", APP)
    former = {**template, "metadata": {**template["metadata"], "labels": labels}}
    watch.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "template": former}})
    watch.world.kick()


def take_away(kind: str) -> Repair:
    def repair(watch: Watch) -> None:
        for obj in watch.world.store.list(kind):
            watch.world.store.delete(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        watch.world.kick()

    return repair


def scale_back(watch: Watch) -> None:
    watch.scale(APP, 2)


QUOTAS = ("namespace_cpu_quota_exceeded", "namespace_memory_quota_exceeded", "namespace_pod_quota_exceeded")
SENTENCES = {
    "namespace_cpu_quota_exceeded": "is forbidden: exceeded quota: cpu-quota, requested: requests.cpu=",
    "namespace_memory_quota_exceeded": "is forbidden: exceeded quota: memory-quota, requested: requests.memory=",
    "namespace_pod_quota_exceeded": "is forbidden: exceeded quota: pod-quota, requested: pods=1, used: pods=",
    "quota_lowered": "is forbidden: exceeded quota: namespace-quota, requested: pods=1, used: pods=",
    "missing_service_account": (
        'is forbidden: error looking up service account shop/search-runner: serviceaccount "search-runner" not found'
    ),
    "pod_security_rejected": (
        'is forbidden: violates PodSecurity "baseline:latest": privileged (container "search" must not set '
        "securityContext.privileged=true)"
    ),
    "limit_range_violated": "is forbidden: maximum memory usage per Container is ",
    "admission_webhook_denied": (
        'Error creating: admission webhook "pod-policy.example.com" denied the request: label "app.kubernetes.io/part-of" '
        "is required"
    ),
}
ROLLOUTS = ("missing_service_account", "pod_security_rejected", "limit_range_violated", "admission_webhook_denied")


@pytest.mark.parametrize("fault", SENTENCES)
def test_the_refusal_is_told_by_event_and_condition_and_taking_it_back_heals(fault: str) -> None:
    watch, entry = broken(fault)
    events = watch.events("FailedCreate", APP)
    assert events
    assert all(SENTENCES[fault] in event["message"] for event in events)
    failure = condition(watch.get("Deployment", APP), "ReplicaFailure")
    assert failure is not None
    assert failure["reason"] == "FailedCreate"
    assert not watch.is_healed(entry)
    injected = next(each for each in watch.ledger.entries() if each.id == entry)
    injected.fault.undo(watch.world, injected.place, injected.injection)
    watch.world.kick()
    assert watch.after(90).is_healed(entry)


@pytest.mark.parametrize("fault", [*QUOTAS, "quota_lowered"])
def test_a_raised_quota_heals_and_the_namespace_is_what_was_broken(fault: str) -> None:
    watch, entry = broken(fault)
    (quota,) = watch.world.store.list("ResourceQuota", "shop")
    (name,) = quota["spec"]["hard"]
    assert quota["status"]["used"].keys() == {name}
    component = watch.ledger.entries()[0].component
    assert (component.kind, component.name) == ("Namespace", "shop")
    assert watch.get("Deployment", APP)["status"]["replicas"] < watch.get("Deployment", APP)["spec"]["replicas"]
    raise_quota(watch)
    assert watch.after(90).is_healed(entry)


@pytest.mark.parametrize("repair", [scale_back, take_away("ResourceQuota")])
def test_a_quota_is_also_kept_by_wanting_less_or_given_up(repair: Repair) -> None:
    watch, entry = broken("namespace_pod_quota_exceeded")
    repair(watch)
    assert watch.after(90).is_healed(entry)


@pytest.mark.parametrize("fault", ROLLOUTS)
def test_the_old_pods_serve_on_while_the_rollout_stands_and_a_rollback_heals(fault: str) -> None:
    watch, entry = broken(fault)
    status = watch.get("Deployment", APP)["status"]
    assert (status["availableReplicas"], status.get("updatedReplicas", 0)) == (2, 0)
    assert watch.ledger.entries()[0].component.kind == "Deployment"
    roll_back(watch)
    assert watch.after(60).is_healed(entry)


@pytest.mark.parametrize(
    ("fault", "repair"),
    [
        ("missing_service_account", create_account),
        ("limit_range_violated", take_away("LimitRange")),
        ("admission_webhook_denied", take_away("ValidatingWebhookConfiguration")),
    ],
)
def test_giving_what_was_missed_heals_too(fault: str, repair: Repair) -> None:
    watch, entry = broken(fault)
    repair(watch)
    assert watch.after(120).is_healed(entry)


def test_a_webhook_that_nobody_stands_behind_stops_what_restarts() -> None:
    watch, entry = broken("admission_webhook_denied", cause="unreachable")
    told = watch.events("FailedCreate", APP)[0]["message"]
    assert told.endswith(
        'failed calling webhook "pod-policy.example.com": failed to call webhook: Post '
        '"https://pod-policy.kube-system.svc:443/validate?timeout=10s": service "pod-policy" not found'
    )
    assert watch.ledger.entries()[0].component.kind == "ValidatingWebhookConfiguration"
    take_away("ValidatingWebhookConfiguration")(watch)
    assert watch.after(120).is_healed(entry)


def test_a_service_that_is_refused_leaves_its_callers_alone_until_the_quota_is_raised() -> None:
    watch, entry = broken("namespace_service_quota_exceeded")
    told = watch.events("ReconciliationFailed")[0]["message"]
    assert (
        'services "search" is forbidden: exceeded quota: service-quota, requested: services=1, used: services=' in told
    )
    assert watch.world.store.get("Service", "shop", APP) is None
    assert not watch.is_healed(entry)
    assert any("no such host" in line for line in watch.log("edge-gateway"))
    raise_quota(watch)
    assert watch.after(90).is_healed(entry)


def test_a_claim_that_is_refused_is_told_and_delivered_once_there_is_room() -> None:
    watch, entry = broken("namespace_storage_quota_exceeded")
    told = watch.events("ReconciliationFailed")[0]["message"]
    assert "requested: requests.storage=20Gi, used: requests.storage=" in told
    assert not watch.is_healed(entry)
    raise_quota(watch)
    watch.after(90)
    assert watch.world.store.get("PersistentVolumeClaim", "shop", f"{APP}-cache") is not None


@pytest.mark.parametrize("fault", ["namespace_service_quota_exceeded", "namespace_storage_quota_exceeded"])
def test_what_was_delivered_can_be_taken_back(fault: str) -> None:
    watch, entry = broken(fault)
    watch.ledger.remove(entry)
    watch.after(90)
    assert watch.ledger.entries() == []
    assert watch.get("Service", APP)
    assert watch.get("Deployment", APP)["status"]["availableReplicas"] == 2
    assert watch.world.store.list("ResourceQuota") == []


def test_every_program_can_be_chosen_but_what_does_not_exist() -> None:
    watch = Watch(small_world())
    for fault in (*SENTENCES, "namespace_service_quota_exceeded"):
        places = watch.ledger.places(FAULTS[fault])
        assert Place("shop", APP) in places
