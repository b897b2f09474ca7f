"""The StatefulSet controller: names that stay, order, partitions, claims, and updates that halt where a pod does not come up."""

from __future__ import annotations

from typing import Any

from simulator.objects import labels_of, name_of, with_spec
from tests.simulator.clusters import Cluster, Object, stateful_set


def with_db(**spec: Any) -> Cluster:
    cluster = Cluster()
    cluster.store.create("StatefulSet", stateful_set(**spec))
    return cluster.settle()


def set_image(cluster: Cluster, image: str) -> Cluster:
    owner = cluster.get("StatefulSet", "db")
    template = owner["spec"]["template"]
    containers = [{**template["spec"]["containers"][0], "image": image}]
    changed = {**template, "spec": {**template["spec"], "containers": containers}}
    cluster.store.update("StatefulSet", with_spec(owner, template=changed))
    return cluster.settle()


def images(cluster: Cluster) -> dict[str, str]:
    return {name_of(pod): pod["spec"]["containers"][0]["image"] for pod in cluster.pods()}


def status(cluster: Cluster) -> Object:
    found: Object = cluster.get("StatefulSet", "db")["status"]
    return found


def test_the_next_pod_is_made_when_the_one_before_is_ready() -> None:
    cluster = with_db()
    assert cluster.names() == ["db-0"]
    assert cluster.make_ready().names() == ["db-0", "db-1"]
    assert cluster.make_all_ready().names() == ["db-0", "db-1", "db-2"]
    assert status(cluster)["readyReplicas"] == status(cluster)["availableReplicas"] == 3


def test_in_parallel_all_are_made_at_once() -> None:
    assert with_db(podManagementPolicy="Parallel").names() == ["db-0", "db-1", "db-2"]


def test_a_pod_carries_its_name_its_index_and_its_revision() -> None:
    cluster = with_db(replicas=1)
    (pod,) = cluster.pods()
    labels = labels_of(pod)
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert labels["apps.kubernetes.io/pod-index"] == "0"
    assert labels["controller-revision-hash"] == status(cluster)["updateRevision"]
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-0", "db")


def test_a_pod_that_is_deleted_comes_back_under_its_name() -> None:
    cluster = with_db().make_all_ready()
    before = cluster.get("Pod", "db-1")["metadata"]["uid"]
    cluster.store.delete("Pod", "shop", "db-1")
    cluster.settle()
    assert cluster.get("Pod", "db-1")["metadata"]["uid"] != before


def test_scaling_down_takes_the_highest_one_at_a_time() -> None:
    cluster = with_db().make_all_ready()
    cluster.change_spec("StatefulSet", "db", replicas=1)
    assert cluster.settle().names() == ["db-0", "db-1"]
    assert cluster.make_all_ready().names() == ["db-0"]


def test_a_claim_is_made_for_each_pod_and_stays_when_the_pod_goes() -> None:
    template = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster = Cluster()
    for name in ("disk-1", "disk-2"):
        capacity = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
        cluster.store.create("PersistentVolume", {"metadata": {"name": name}, "spec": capacity})
    cluster.store.create("StatefulSet", stateful_set(replicas=2, volumeClaimTemplates=[template]))
    cluster.settle().make_all_ready()
    pod = cluster.get("Pod", "db-1")
    assert pod["spec"]["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}
    assert "create Claim data-db-1 Pod db-1 in StatefulSet db success" in cluster.messages("SuccessfulCreate")
    cluster.change_spec("StatefulSet", "db", replicas=0)
    cluster.settle().make_all_ready()
    assert cluster.names() == []
    assert [name_of(each) for each in cluster.store.list("PersistentVolumeClaim")] == ["data-db-0", "data-db-1"]


def test_an_update_goes_from_the_top_down_and_each_pod_is_waited_for() -> None:
    cluster = set_image(with_db().make_all_ready(), "shop/web:2")
    assert cluster.names() == ["db-0", "db-1"]
    cluster.make_ready(only="db-2")
    assert images(cluster)["db-2"] == "shop/web:2"
    assert images(cluster)["db-1"] == "shop/web:1"
    cluster.make_all_ready()
    assert set(images(cluster).values()) == {"shop/web:2"}
    assert status(cluster)["currentRevision"] == status(cluster)["updateRevision"]
    assert [each["revision"] for each in cluster.store.list("ControllerRevision")] in ([1, 2], [2, 1])


def test_an_update_that_does_not_come_up_halts_at_one_pod() -> None:
    cluster = set_image(with_db().make_all_ready(), "shop/web:broken")
    cluster.store.delete("Pod", "shop", "db-2")
    cluster.settle().settle()
    assert images(cluster) == {"db-0": "shop/web:1", "db-1": "shop/web:1", "db-2": "shop/web:broken"}
    assert status(cluster)["updatedReplicas"] == 1
    assert status(cluster)["currentRevision"] != status(cluster)["updateRevision"]


def test_a_partition_keeps_the_lower_ordinals_as_they_are() -> None:
    cluster = with_db(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}).make_all_ready()
    set_image(cluster, "shop/web:2").make_all_ready()
    assert images(cluster) == {"db-0": "shop/web:1", "db-1": "shop/web:1", "db-2": "shop/web:2"}
    cluster.store.delete("Pod", "shop", "db-0")
    cluster.settle()
    assert images(cluster)["db-0"] == "shop/web:1"


def test_with_on_delete_nothing_is_replaced_until_somebody_deletes_it() -> None:
    cluster = with_db(updateStrategy={"type": "OnDelete"}).make_all_ready()
    set_image(cluster, "shop/web:2").make_all_ready()
    assert set(images(cluster).values()) == {"shop/web:1"}
    cluster.store.delete("Pod", "shop", "db-0")
    assert images(cluster.settle())["db-0"] == "shop/web:2"


def test_a_template_that_comes_back_takes_its_old_revision_with_a_new_number() -> None:
    cluster = set_image(with_db(replicas=1).make_all_ready(), "shop/web:2").make_all_ready()
    set_image(cluster, "shop/web:1").make_all_ready()
    numbers = {
        each["data"]["spec"]["template"]["spec"]["containers"][0]["image"]: each["revision"]
        for each in cluster.store.list("ControllerRevision")
    }
    assert numbers == {"shop/web:1": 3, "shop/web:2": 2}


def test_a_pod_that_failed_is_made_again() -> None:
    cluster = with_db(replicas=1).make_all_ready()
    cluster.finish(cluster.get("Pod", "db-0"), well=False)
    assert cluster.messages("RecreatingFailedPod") == ["StatefulSet shop/db is recreating failed Pod db-0"]
    assert cluster.make_all_ready().get("Pod", "db-0")["status"]["phase"] == "Running"
