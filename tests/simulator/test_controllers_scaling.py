"""The autoscaler and the disruption budgets: how many pods there are, and how many may go."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.kubernetes_api import defaulted
from simulator.objects import condition
from tests.simulator.clusters import Cluster, Object, deployment


def scaler(least: int = 2, most: int = 6, percent: int = 50, **spec: Any) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    content = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        **spec,
    }
    return defaulted("HorizontalPodAutoscaler", {"metadata": {"name": "web", "namespace": "shop"}, "spec": content})


def with_web(cores: float, replicas: int = 2, **spec: Any) -> Cluster:
    """Pods that ask for a tenth of a core each and use `cores`."""
    cluster = Cluster()
    cluster.cores = {"web": cores}
    web = deployment(replicas=replicas)
    container = web["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "100m"}}
    cluster.store.create("Deployment", web)
    cluster.settle().make_ready()
    cluster.store.create("HorizontalPodAutoscaler", scaler(**spec))
    return cluster.settle()


def size(cluster: Cluster) -> int:
    return int(cluster.get("Deployment", "web")["spec"]["replicas"])


def said(cluster: Cluster, kind: str) -> tuple[str, str]:
    found = condition(cluster.get("HorizontalPodAutoscaler", "web"), kind) or {}
    return found["status"], found["reason"]


def later(cluster: Cluster, rounds: int) -> Cluster:
    for _ in range(rounds):
        cluster.after(15).settle().make_ready()
    return cluster


def test_a_load_above_the_target_is_given_more_replicas() -> None:
    cluster = with_web(cores=0.1)
    assert size(cluster) == 4
    assert cluster.messages("SuccessfulRescale") == [
        "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    ]
    assert said(cluster, "ScalingActive") == ("True", "ValidMetricFound")
    assert said(cluster, "AbleToScale") == ("True", "SucceededRescale")
    shown = cluster.get("HorizontalPodAutoscaler", "web")["status"]["currentMetrics"][0]["resource"]["current"]
    assert shown == {"averageValue": "100m", "averageUtilization": 100}


def test_a_tenth_more_or_less_is_let_pass() -> None:
    cluster = with_web(cores=0.054)
    assert size(cluster) == 2
    assert said(cluster, "AbleToScale") == ("True", "ReadyForNewScale")


def test_at_the_maximum_the_scaler_says_that_it_would_go_further() -> None:
    cluster = later(with_web(cores=0.5), 3)
    assert size(cluster) == 6
    assert said(cluster, "ScalingLimited") == ("True", "TooManyReplicas")


def test_it_grows_no_faster_than_its_policies_allow() -> None:
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    cluster = with_web(cores=0.5, behavior={"scaleUp": {"policies": policies}})
    assert size(cluster) == 3
    assert said(cluster, "ScalingLimited") == ("True", "ScaleUpLimit")
    assert size(later(cluster, 3)) == 3
    assert size(later(cluster, 1)) == 4


def test_a_calm_takes_replicas_away_only_after_five_minutes() -> None:
    cluster = later(with_web(cores=0.1), 1)
    cluster.cores = {"web": 0.001}
    later(cluster, 4)
    assert size(cluster) == 4
    assert said(cluster, "AbleToScale") == ("True", "ScaleDownStabilized")
    later(cluster, 20)
    assert size(cluster) == 2
    assert "New size: 2; reason: All metrics below target" in cluster.messages("SuccessfulRescale")
    assert said(cluster, "ScalingLimited") == ("True", "TooFewReplicas")


def test_a_target_at_zero_is_left_at_zero() -> None:
    cluster = with_web(cores=0.1, replicas=0)
    assert size(cluster) == 0
    assert said(cluster, "ScalingActive") == ("False", "ScalingDisabled")


def test_without_ready_pods_there_is_no_metric() -> None:
    cluster = with_web(cores=0.1)
    for pod in cluster.pods():
        cluster.set_ready(pod, ready=False)
    cluster.after(15).settle()
    assert said(cluster, "ScalingActive") == ("False", "FailedGetResourceMetric")
    assert cluster.messages("FailedGetResourceMetric") == [
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)"
    ]


def test_a_metrics_server_that_does_not_run_is_said() -> None:
    cluster = with_web(cores=0.05)
    server = deployment("metrics-server", replicas=0)
    server["metadata"]["namespace"] = "kube-system"
    cluster.store.create("Deployment", server)
    cluster.after(15).settle()
    assert "the server is currently unable to handle the request" in cluster.messages("FailedGetResourceMetric")[0]


def test_a_target_that_is_not_there_is_named() -> None:
    cluster = Cluster()
    cluster.store.create("HorizontalPodAutoscaler", scaler())
    cluster.settle()
    assert cluster.messages("FailedGetScale") == ['deployments.apps "web" not found']
    assert said(cluster, "AbleToScale") == ("False", "FailedGetScale")


def budget(**spec: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": selector, **spec}}


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": "75%"}, 3, 1),
        ({"maxUnavailable": 1}, 3, 1),
        ({"maxUnavailable": "30%"}, 2, 2),
        ({"maxUnavailable": 0}, 4, 0),
    ],
)
def test_a_budget_counts_how_many_may_go(spec: Object, desired: int, allowed: int) -> None:
    cluster = Cluster()
    cluster.store.create("Deployment", deployment(replicas=4))
    cluster.store.create("PodDisruptionBudget", budget(**spec))
    cluster.settle().make_ready()
    status = cluster.get("PodDisruptionBudget", "web")["status"]
    assert (status["desiredHealthy"], status["disruptionsAllowed"], status["expectedPods"]) == (desired, allowed, 4)
    assert status["conditions"][0]["reason"] == ("SufficientPods" if allowed else "InsufficientPods")


def test_a_pod_that_is_not_well_uses_the_budget_up() -> None:
    cluster = Cluster()
    cluster.store.create("Deployment", deployment(replicas=4))
    cluster.store.create("PodDisruptionBudget", budget(maxUnavailable=1))
    cluster.settle().make_ready()
    cluster.set_ready(cluster.pods()[0], ready=False)
    cluster.settle()
    assert cluster.get("PodDisruptionBudget", "web")["status"]["disruptionsAllowed"] == 0
