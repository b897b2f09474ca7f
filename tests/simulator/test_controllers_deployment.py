"""The Deployment controller: revisions, the walk of a rolling update, and what the status says on the way."""

from __future__ import annotations

from typing import Any

from simulator.controllers.deployment import REVISION
from tests.simulator.clusters import Cluster, Object, deployment


def running(replicas: int = 3, **spec: Any) -> Cluster:
    cluster = Cluster()
    cluster.store.create("Deployment", deployment(replicas=replicas, **spec))
    return cluster.settle().make_ready()


def condition(cluster: Cluster, kind: str) -> Object:
    conditions: list[Object] = cluster.get("Deployment", "web")["status"]["conditions"]
    return next(each for each in conditions if each["type"] == kind)


def test_a_new_deployment_gets_a_replicaset_of_its_template_with_revision_one() -> None:
    cluster = running()
    (replicaset,) = cluster.store.list("ReplicaSet")
    suffix = replicaset["metadata"]["labels"]["pod-template-hash"]
    assert replicaset["metadata"]["name"] == f"web-{suffix}"
    assert replicaset["metadata"]["annotations"][REVISION] == "1"
    assert cluster.get("Deployment", "web")["metadata"]["annotations"][REVISION] == "1"
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in cluster.pods()} == {suffix}


def test_when_all_pods_are_ready_the_status_says_complete() -> None:
    cluster = running()
    status = cluster.get("Deployment", "web")["status"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (3, 3, 3)
    assert "unavailableReplicas" not in status
    assert condition(cluster, "Available")["status"] == "True"
    assert condition(cluster, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_a_rolling_update_adds_one_pod_and_takes_none_before_the_new_one_is_ready() -> None:
    cluster = running(3)
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    assert cluster.replicasets() == {"shop/web:1": (3, 3), "shop/web:2": (1, 0)}
    assert condition(cluster, "Available")["status"] == "True"
    assert condition(cluster, "Progressing")["reason"] == "ReplicaSetUpdated"


def test_a_rolling_update_ends_with_only_the_new_template() -> None:
    cluster = running(3)
    cluster.set_image("web", "shop/web:2")
    for _ in range(8):
        cluster.settle().make_ready()
    assert cluster.replicasets() == {"shop/web:1": (0, 0), "shop/web:2": (3, 3)}
    assert condition(cluster, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_with_room_to_be_unavailable_old_pods_go_at_once() -> None:
    cluster = running(4)
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    assert cluster.replicasets() == {"shop/web:1": (3, 3), "shop/web:2": (2, 0)}
    assert cluster.get("Deployment", "web")["status"]["unavailableReplicas"] == 2


def test_max_unavailable_of_all_takes_the_service_down_when_the_new_pods_never_come_up() -> None:
    everything = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}}
    cluster = running(3, strategy=everything)
    cluster.set_image("web", "shop/web:broken")
    cluster.settle().settle()
    assert cluster.replicasets() == {"shop/web:1": (0, 0), "shop/web:broken": (3, 0)}


def test_an_old_pod_that_is_broken_goes_before_good_ones() -> None:
    cluster = running(4)
    cluster.set_ready(cluster.pods()[0], ready=False)
    cluster.settle()
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    assert cluster.replicasets()["shop/web:1"] == (3, 3)


def test_going_back_to_an_old_template_uses_its_replicaset_again_under_a_new_revision() -> None:
    cluster = running(1)
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    cluster.set_image("web", "shop/web:1")
    cluster.settle().make_ready()
    assert len(cluster.store.list("ReplicaSet")) == 2
    assert cluster.replicasets() == {"shop/web:1": (1, 1), "shop/web:2": (0, 0)}
    assert cluster.get("Deployment", "web")["metadata"]["annotations"][REVISION] == "3"


def test_a_restart_annotation_on_the_template_rolls_all_pods() -> None:
    cluster = running(2)
    before = {pod["metadata"]["uid"] for pod in cluster.pods()}
    template = cluster.get("Deployment", "web")["spec"]["template"]
    metadata = {**template["metadata"], "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-03-02T12:00:00Z"}}
    cluster.change_spec("Deployment", "web", template={**template, "metadata": metadata})
    for _ in range(6):
        cluster.settle().make_ready()
    assert len(cluster.pods()) == 2
    assert not before & {pod["metadata"]["uid"] for pod in cluster.pods()}


def test_scaling_changes_no_revision_and_says_so_in_an_event() -> None:
    cluster = running(2)
    cluster.change_spec("Deployment", "web", replicas=5)
    cluster.settle()
    assert len(cluster.pods()) == 5
    assert cluster.get("Deployment", "web")["metadata"]["annotations"][REVISION] == "1"
    assert any(message.endswith("from 2 to 5") for message in cluster.messages("ScalingReplicaSet"))


def test_scaling_down_to_zero_leaves_no_pod() -> None:
    cluster = running(2)
    cluster.change_spec("Deployment", "web", replicas=0)
    cluster.settle()
    assert cluster.pods() == []


def test_recreate_empties_the_old_before_it_starts_the_new() -> None:
    cluster = running(2, strategy={"type": "Recreate"})
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    assert cluster.replicasets()["shop/web:1"][0] == 0
    cluster.make_ready().make_ready()
    assert cluster.replicasets() == {"shop/web:1": (0, 0), "shop/web:2": (2, 2)}


def test_a_paused_deployment_starts_no_rollout_but_still_scales() -> None:
    cluster = running(2)
    cluster.change_spec("Deployment", "web", paused=True)
    cluster.set_image("web", "shop/web:2")
    cluster.settle()
    assert list(cluster.replicasets()) == ["shop/web:1"]
    assert condition(cluster, "Progressing")["reason"] == "DeploymentPaused"


def test_after_ten_minutes_without_progress_the_rollout_has_timed_out() -> None:
    cluster = running(3)
    cluster.set_image("web", "shop/web:broken")
    cluster.settle().after(590).settle()
    assert condition(cluster, "Progressing")["status"] == "True"
    cluster.after(20).settle()
    assert condition(cluster, "Progressing")["status"] == "False"
    assert condition(cluster, "Progressing")["reason"] == "ProgressDeadlineExceeded"


def test_a_pod_lost_after_the_rollout_makes_it_unavailable_but_starts_no_rollout() -> None:
    cluster = running(1)
    cluster.set_ready(cluster.pods()[0], ready=False)
    cluster.settle()
    assert condition(cluster, "Available")["reason"] == "MinimumReplicasUnavailable"
    assert condition(cluster, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_only_so_many_old_replicasets_are_kept() -> None:
    cluster = running(1, revisionHistoryLimit=2)
    for number in range(2, 7):
        cluster.set_image("web", f"shop/web:{number}")
        for _ in range(3):
            cluster.settle().make_ready()
    assert sorted(cluster.replicasets()) == ["shop/web:4", "shop/web:5", "shop/web:6"]


def test_the_observed_generation_follows_the_spec() -> None:
    cluster = running(1)
    cluster.change_spec("Deployment", "web", replicas=2)
    cluster.settle()
    written = cluster.get("Deployment", "web")
    assert written["status"]["observedGeneration"] == written["metadata"]["generation"] == 2


def test_a_settled_deployment_is_left_alone() -> None:
    cluster = running(3)
    before = cluster.store.version
    cluster.after(60).settle()
    assert cluster.store.version == before
