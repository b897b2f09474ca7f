"""A ReplicaSet whose pods admission refuses: what it says, how the Deployment tells it, and when it tries again."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api import defaulted
from simulator.objects import condition
from tests.simulator.clusters import Cluster, deployment

Object = dict[str, Any]


def with_quota(replicas: int, pods: str) -> Cluster:
    cluster = Cluster()
    cluster.store.create("ResourceQuota", defaulted("ResourceQuota", quota(pods)))
    cluster.store.create("Deployment", deployment(replicas=replicas))
    return cluster.settle().make_ready()


def quota(pods: str) -> Object:
    return {"metadata": {"name": "small", "namespace": "shop"}, "spec": {"hard": {"pods": pods}}}


def failed_tries(cluster: Cluster) -> int:
    return sum(event["count"] for event in cluster.store.list("Event") if event["reason"] == "FailedCreate")


def test_what_the_quota_allows_is_created_and_the_rest_is_told() -> None:
    cluster = with_quota(3, "2")
    assert len(cluster.pods()) == 2
    told = cluster.messages("FailedCreate")
    assert told[0].startswith('Error creating: pods "web-')
    assert told[0].endswith("is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2")
    assert cluster.get("ResourceQuota", "small")["status"] == {"hard": {"pods": "2"}, "used": {"pods": "2"}}


def test_the_deployment_repeats_the_failure_of_its_replicaset() -> None:
    cluster = with_quota(3, "2")
    (replicaset,) = cluster.store.list("ReplicaSet")
    failure = condition(replicaset, "ReplicaFailure")
    repeated = condition(cluster.get("Deployment", "web"), "ReplicaFailure")
    assert failure is not None
    assert repeated is not None
    assert (repeated["reason"], repeated["message"]) == ("FailedCreate", failure["message"])


def test_a_refused_replicaset_waits_longer_each_time_and_never_in_a_circle() -> None:
    cluster = with_quota(3, "2")
    tries = []
    for _ in range(30):
        cluster.after(10).settle()
        tries.append(failed_tries(cluster))
    early, late = tries[5] - tries[0], tries[-1] - tries[-6]
    assert early > late >= 1
    assert tries[-1] < 15


def test_many_failures_become_one_event_with_a_count() -> None:
    cluster = with_quota(3, "2")
    for _ in range(90):
        cluster.after(20).settle()
    told = cluster.messages("FailedCreate")
    assert any(message.startswith("(combined from similar events): Error creating: pods") for message in told)
    assert failed_tries(cluster) > len(told)


def test_a_raised_quota_lets_the_rest_in_and_the_failure_is_forgotten() -> None:
    cluster = with_quota(3, "2")
    cluster.change_spec("ResourceQuota", "small", hard={"pods": "5"})
    cluster.after(70).settle().make_ready()
    assert len(cluster.pods()) == 3
    assert condition(cluster.get("Deployment", "web"), "ReplicaFailure") is None


def test_who_asks_for_something_else_is_answered_at_once() -> None:
    cluster = with_quota(3, "2")
    cluster.after(300).settle()
    before = failed_tries(cluster)
    cluster.change_spec("Deployment", "web", replicas=4)
    cluster.settle()
    assert failed_tries(cluster) == before + 1


def test_a_new_namespace_can_run_pods() -> None:
    cluster = Cluster()
    cluster.store.create("Namespace", defaulted("Namespace", {"metadata": {"name": "lab"}}))
    cluster.settle()
    assert cluster.store.get("ServiceAccount", "lab", "default") is not None
    assert cluster.store.get("ConfigMap", "lab", "kube-root-ca.crt") is not None


def test_a_namespace_that_cannot_be_emptied_says_what_holds_it() -> None:
    cluster = Cluster()
    cluster.store.create("Namespace", defaulted("Namespace", {"metadata": {"name": "lab"}}))
    held = {"name": "kept", "namespace": "lab", "finalizers": ["example.com/hold"]}
    cluster.store.create("ConfigMap", {"metadata": held})
    namespace = cluster.store.get("Namespace", None, "lab")
    assert namespace is not None
    leaving = {**namespace["metadata"], "deletionTimestamp": "2026-03-02T12:00:00Z"}
    cluster.store.update("Namespace", {**namespace, "metadata": leaving})
    cluster.settle()
    told = cluster.store.get("Namespace", None, "lab") or {}
    remaining, finalizers = (
        condition(told, "NamespaceContentRemaining"),
        condition(told, "NamespaceFinalizersRemaining"),
    )
    assert remaining is not None
    assert remaining["message"] == "Some resources are remaining: configmaps. has 1 resource instances"
    assert finalizers is not None
    assert finalizers["reason"] == "SomeFinalizersRemain"
    kept = cluster.store.get("ConfigMap", "lab", "kept") or {}
    cluster.store.update("ConfigMap", {**kept, "metadata": {**kept["metadata"], "finalizers": []}})
    cluster.settle()
    assert cluster.store.get("Namespace", None, "lab") is None
