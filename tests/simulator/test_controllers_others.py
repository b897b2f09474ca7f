"""ReplicaSet, scheduler, endpoints and garbage collector."""

from __future__ import annotations

import pytest

from simulator.controllers import CONTROLLERS
from simulator.objects import name_of
from tests.simulator.clusters import Cluster, Object, deployment, node, pod, service


def with_web(replicas: int = 2, nodes: int = 2) -> Cluster:
    cluster = Cluster(nodes)
    cluster.store.create("Deployment", deployment(replicas=replicas))
    cluster.store.create("Service", service())
    return cluster.settle().make_ready()


def addresses(cluster: Cluster, field: str = "addresses", name: str = "web") -> list[Object]:
    subsets: list[Object] = cluster.get("Endpoints", name).get("subsets", [])
    return [address for subset in subsets for address in subset.get(field, [])]


def test_the_loops_are_a_list_that_can_be_printed() -> None:
    assert [controller.name for controller in CONTROLLERS] == [
        "garbage-collector",
        "serviceaccount-controller",
        "clusterrole-aggregation-controller",
        "cronjob-controller",
        "deployment-controller",
        "replicaset-controller",
        "statefulset-controller",
        "daemonset-controller",
        "job-controller",
        "kustomize-controller",
        "horizontal-pod-autoscaler",
        "disruption-controller",
        "node-lifecycle-controller",
        "taint-eviction-controller",
        "resourcequota-controller",
        "persistentvolume-controller",
        "default-scheduler",
        "endpoint-controller",
    ]


def test_a_deleted_pod_is_replaced() -> None:
    cluster = with_web(2)
    cluster.store.delete("Pod", "shop", name_of(cluster.pods()[0]))
    cluster.settle()
    assert len(cluster.pods()) == 2


def test_a_pod_whose_label_is_changed_is_let_go_and_replaced() -> None:
    cluster = with_web(2)
    first = cluster.pods()[0]
    labels = {**first["metadata"]["labels"], "app": "quarantine"}
    cluster.store.update("Pod", {**first, "metadata": {**first["metadata"], "labels": labels}})
    cluster.settle()
    assert cluster.get("Pod", name_of(first))["metadata"]["ownerReferences"] == []
    assert len(cluster.pods()) == 3


def test_an_orphan_that_matches_is_adopted_instead_of_a_new_pod() -> None:
    cluster = with_web(1)
    labels = cluster.pods()[0]["metadata"]["labels"]
    cluster.store.create("Pod", pod("stray", labels))
    cluster.change_spec("Deployment", "web", replicas=2)
    cluster.settle()
    assert len(cluster.pods()) == 2
    assert cluster.get("Pod", "stray")["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"


def test_scaling_down_takes_the_pod_that_is_not_ready() -> None:
    cluster = with_web(3)
    broken = cluster.pods()[1]
    cluster.set_ready(broken, ready=False)
    cluster.change_spec("Deployment", "web", replicas=2)
    cluster.settle()
    assert name_of(broken) not in {name_of(each) for each in cluster.pods()}


def test_pods_spread_over_the_nodes() -> None:
    cluster = with_web(4, nodes=2)
    assert sorted(each["spec"]["nodeName"] for each in cluster.pods()) == ["node-1", "node-1", "node-2", "node-2"]


def test_a_pod_that_fits_nowhere_waits_with_each_reason_counted() -> None:
    cluster = Cluster(nodes=2)
    cluster.store.create("Node", node("node-3", unschedulable=True))
    cluster.store.create("Pod", pod("greedy", cpu="64"))
    cluster.settle()
    status = cluster.get("Pod", "greedy")["status"]
    assert status["conditions"][0]["reason"] == "Unschedulable"
    (message,) = cluster.messages("FailedScheduling")
    nodes, _, preemption = message.partition(" preemption: ")
    assert nodes == "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    assert "2 No preemption victims found for incoming pod" in preemption


def test_a_waiting_pod_is_placed_when_room_is_made() -> None:
    cluster = Cluster(nodes=1)
    cluster.store.create("Pod", pod("first", cpu="3"))
    cluster.store.create("Pod", pod("second", cpu="3"))
    cluster.settle()
    assert not cluster.get("Pod", "second")["spec"].get("nodeName")
    cluster.store.delete("Pod", "shop", "first")
    cluster.after(2).settle()
    assert cluster.get("Pod", "second")["spec"]["nodeName"] == "node-1"


@pytest.mark.parametrize(
    ("toleration", "placed"),
    [
        (None, False),
        ({"key": "dedicated", "operator": "Exists"}, True),
        ({"key": "dedicated", "value": "batch", "effect": "NoSchedule"}, True),
        ({"key": "dedicated", "value": "web", "effect": "NoSchedule"}, False),
        ({"operator": "Exists"}, True),
    ],
)
def test_a_taint_keeps_away_who_does_not_tolerate_it(toleration: Object | None, placed: bool) -> None:
    cluster = Cluster(nodes=0)
    taint = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
    cluster.store.create("Node", node("tainted", taints=[taint]))
    cluster.store.create("Pod", pod("job", tolerations=[toleration] if toleration else []))
    cluster.settle()
    assert bool(cluster.get("Pod", "job")["spec"].get("nodeName")) is placed


def test_a_soft_taint_only_makes_a_node_less_liked() -> None:
    cluster = Cluster(nodes=0)
    soft = {"key": "maintenance", "value": "sunday", "effect": "PreferNoSchedule"}
    cluster.store.create("Node", node("a-soft", taints=[soft]))
    cluster.store.create("Node", node("b-plain"))
    cluster.store.create("Pod", pod("one"))
    cluster.settle()
    assert cluster.get("Pod", "one")["spec"]["nodeName"] == "b-plain"


def test_a_node_selector_that_no_node_has_is_named() -> None:
    cluster = Cluster(nodes=1)
    cluster.store.create("Pod", pod("picky", nodeSelector={"disk": "ssd"}))
    cluster.settle()
    assert "didn't match Pod's node affinity/selector" in cluster.messages("FailedScheduling")[0]


def test_ready_pods_stand_behind_their_service_and_others_wait() -> None:
    cluster = with_web(2)
    cluster.set_ready(cluster.pods()[0], ready=False)
    cluster.settle()
    assert len(addresses(cluster)) == 1
    assert len(addresses(cluster, "notReadyAddresses")) == 1


def test_a_service_whose_selector_matches_nothing_has_no_endpoints() -> None:
    cluster = with_web(2)
    cluster.change_spec("Service", "web", selector={"app": "webb"})
    cluster.settle()
    assert "subsets" not in cluster.get("Endpoints", "web")
    (slice_,) = cluster.store.list("EndpointSlice")
    assert slice_["endpoints"] == []


def test_an_endpointslice_says_the_same_as_the_endpoints() -> None:
    cluster = with_web(2)
    (slice_,) = cluster.store.list("EndpointSlice")
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    assert slice_["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert sorted(each["addresses"][0] for each in slice_["endpoints"]) == sorted(
        each["ip"] for each in addresses(cluster)
    )
    assert all(each["conditions"]["ready"] for each in slice_["endpoints"])


def test_a_target_port_that_no_container_names_leads_nowhere() -> None:
    cluster = with_web(1)
    cluster.change_spec("Service", "web", ports=[{"name": "http", "port": 80, "targetPort": "grpc"}])
    cluster.settle()
    assert "subsets" not in cluster.get("Endpoints", "web")


def test_a_pod_on_its_way_out_is_no_endpoint() -> None:
    cluster = with_web(2)
    first = cluster.pods()[0]
    metadata = {**first["metadata"], "deletionTimestamp": "2026-03-02T12:00:30Z", "deletionGracePeriodSeconds": 30}
    cluster.store.update("Pod", {**first, "metadata": metadata})
    cluster.settle()
    assert len(addresses(cluster)) == 1


def test_more_than_a_hundred_endpoints_take_several_slices() -> None:
    cluster = with_web(105, nodes=3)
    sizes = sorted(len(each["endpoints"]) for each in cluster.store.list("EndpointSlice"))
    assert sizes == [5, 100]
    cluster.change_spec("Deployment", "web", replicas=3)
    cluster.settle().make_ready()
    assert [len(each["endpoints"]) for each in cluster.store.list("EndpointSlice")] == [3]


def test_peers_that_have_to_find_each_other_are_shown_before_they_are_ready() -> None:
    cluster = with_web(1)
    cluster.set_ready(cluster.pods()[0], ready=False)
    cluster.change_spec("Service", "web", publishNotReadyAddresses=True, clusterIP="None")
    cluster.settle()
    assert len(addresses(cluster)) == 1
    (slice_,) = cluster.store.list("EndpointSlice")
    assert slice_["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": False}
    assert "service.kubernetes.io/headless" in slice_["metadata"]["labels"]


def test_a_service_that_is_only_another_name_has_no_endpoints() -> None:
    cluster = Cluster()
    cluster.store.create("Service", service())
    cluster.change_spec("Service", "web", type="ExternalName", externalName="db.example.com")
    assert cluster.settle().store.list("Endpoints") == []


def test_endpoints_go_with_their_service() -> None:
    cluster = with_web(1)
    cluster.store.delete("Service", "shop", "web")
    cluster.settle()
    assert cluster.store.list("Endpoints") == []
    assert cluster.store.list("EndpointSlice") == []


def test_what_a_deployment_owned_goes_with_it() -> None:
    cluster = with_web(2)
    cluster.store.delete("Deployment", "shop", "web")
    cluster.settle()
    assert cluster.store.list("ReplicaSet") == []
    assert cluster.pods() == []


def test_an_orphaning_delete_lets_the_dependents_live() -> None:
    cluster = with_web(2)
    web = cluster.get("Deployment", "web")
    metadata = {**web["metadata"], "deletionTimestamp": "2026-03-02T12:00:00Z", "finalizers": ["orphan"]}
    cluster.store.update("Deployment", {**web, "metadata": metadata})
    cluster.settle()
    assert cluster.store.list("Deployment") == []
    (replicaset,) = cluster.store.list("ReplicaSet")
    assert replicaset["metadata"]["ownerReferences"] == []
    assert len(cluster.pods()) == 2


def test_a_foreground_delete_waits_for_the_dependents() -> None:
    cluster = with_web(1)
    web = cluster.get("Deployment", "web")
    metadata = {**web["metadata"], "deletionTimestamp": "2026-03-02T12:00:00Z", "finalizers": ["foregroundDeletion"]}
    cluster.store.update("Deployment", {**web, "metadata": metadata})
    cluster.settle()
    assert cluster.store.list("ReplicaSet") == []
    assert cluster.store.list("Deployment") == []


def test_a_namespace_is_emptied_before_it_goes() -> None:
    cluster = with_web(1)
    doomed = {"deletionTimestamp": "2026-03-02T12:00:00Z"}
    space = {"kind": "Namespace", "metadata": {"name": "shop", **doomed}, "spec": {"finalizers": ["kubernetes"]}}
    cluster.store.update("Namespace", space)
    cluster.settle()
    assert cluster.store.get("Namespace", None, "shop") is not None
    cluster.make_ready()
    assert cluster.store.get("Namespace", None, "shop") is None
    assert cluster.store.list("Service") == []
