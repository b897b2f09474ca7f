"""The scheduler: every filter with its sentence, each node counted once, wishes, room made for what matters more, and patience."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.objects import condition, name_of
from tests.simulator.clusters import Cluster, Object, node, pod

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


def zoned(name: str, zone: str, **spec: Any) -> Object:
    made = node(name, **spec)
    made["metadata"]["labels"][ZONE] = zone
    return made


def in_zones() -> Cluster:
    """Two nodes in zone a, one in zone b."""
    cluster = Cluster(nodes=0)
    for name, zone in (("node-1", "a"), ("node-2", "a"), ("node-3", "b")):
        cluster.store.create("Node", zoned(name, zone))
    return cluster


def place(cluster: Cluster, name: str = "one", labels: dict[str, str] | None = None, **spec: Any) -> str:
    """The node a pod gets; none when it has to wait."""
    cluster.store.create("Pod", pod(name, labels, **spec))
    cluster.settle()
    return str(cluster.get("Pod", name)["spec"].get("nodeName", ""))


def why(cluster: Cluster) -> str:
    return cluster.messages("FailedScheduling")[-1]


def affinity(operator: str, *values: str, key: str = ZONE) -> Object:
    expression = {"key": key, "operator": operator, **({"values": list(values)} if values else {})}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (affinity("In", "b"), {"node-3"}),
        (affinity("NotIn", "a"), {"node-3"}),
        (affinity("Exists"), {"node-1", "node-2", "node-3"}),
        (affinity("DoesNotExist"), {""}),
        (affinity("Gt", "4", key="cores"), {"node-3"}),
        (affinity("Lt", "4", key="cores"), {""}),
    ],
)
def test_node_affinity_knows_every_operator(rule: Object, fits: set[str]) -> None:
    cluster = in_zones()
    third = cluster.store.get("Node", None, "node-3")
    assert third is not None
    labels = {**third["metadata"]["labels"], "cores": "8"}
    cluster.store.update("Node", {**third, "metadata": {**third["metadata"], "labels": labels}})
    assert place(cluster, affinity=rule) in fits


def test_a_wish_is_followed_when_it_can_be() -> None:
    term = {"weight": 100, "preference": {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["b"]}]}}
    wish = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert place(in_zones(), affinity=wish) == "node-3"


def apart(key: str, app: str = "web") -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def together(key: str, app: str = "web") -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_pods_that_keep_apart_by_zone_find_room_in_each_zone_and_no_more() -> None:
    cluster = in_zones()
    zones = {place(cluster, name, {"app": "web"}, affinity=apart(ZONE)) for name in ("one", "two")}
    assert len({"a" if each in ("node-1", "node-2") else "b" for each in zones}) == 2
    assert place(cluster, "three", {"app": "web"}, affinity=apart(ZONE)) == ""
    assert why(cluster).startswith("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.")


def test_who_is_already_there_may_keep_others_away() -> None:
    cluster = Cluster(nodes=1)
    place(cluster, "hermit", {"app": "hermit"}, affinity=apart(HOST))
    assert place(cluster, "guest", {"app": "web"}) == ""
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules" in why(cluster)


def test_a_pod_goes_where_its_companion_is_and_the_first_of_a_group_may_start_it() -> None:
    cluster = in_zones()
    first = place(cluster, "one", {"app": "web"}, affinity=together(HOST))
    assert place(cluster, "two", {"app": "web"}, affinity=together(HOST)) == first
    assert place(cluster, "lonely", {"app": "other"}, affinity=together(HOST, "nobody")) == ""
    assert "3 node(s) didn't match pod affinity rules" in why(cluster)
    assert why(cluster).endswith("preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.")


def spread(key: str = ZONE, action: str = "DoNotSchedule", skew: int = 1) -> list[Object]:
    selector = {"matchLabels": {"app": "web"}}
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": action, "labelSelector": selector}]


def test_an_even_spread_is_kept_over_zones() -> None:
    cluster = in_zones()
    nodes = [place(cluster, f"web-{n}", {"app": "web"}, topologySpreadConstraints=spread()) for n in range(4)]
    assert nodes.count("node-3") == 2


def test_a_spread_that_no_node_allows_is_said() -> None:
    cluster = in_zones()
    third = cluster.store.get("Node", None, "node-3")
    assert third is not None
    cluster.store.update("Node", {**third, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}})
    assert place(cluster, "one", {"app": "web"}, topologySpreadConstraints=spread())
    assert place(cluster, "two", {"app": "web"}, topologySpreadConstraints=spread()) == ""
    nodes, _, rest = why(cluster).partition(" preemption: ")
    assert nodes == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {k: }, "
        "2 node(s) didn't match pod topology spread constraints."
    )
    assert "1 Preemption is not helpful for scheduling" in rest


def test_a_spread_over_a_label_that_nodes_lack_is_said() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, "one", {"app": "web"}, topologySpreadConstraints=spread("rack")) == ""
    assert "1 node(s) didn't match pod topology spread constraints (missing required label)" in why(cluster)


def with_port(number: int) -> list[Object]:
    return [{"name": "main", "image": "shop/web:1", "ports": [{"containerPort": 80, "hostPort": number}]}]


def test_a_host_port_is_given_once_a_node() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, "one", containers=with_port(80)) == "node-1"
    assert place(cluster, "other", containers=with_port(81)) == "node-1"
    assert place(cluster, "two", containers=with_port(80)) == ""
    assert "1 node(s) didn't have free ports for the requested pod ports" in why(cluster)


def asking(**requests: str) -> list[Object]:
    named = {name.replace("__", ".").replace("_", "/"): value for name, value in requests.items()}
    return [{"name": "main", "image": "shop/web:1", "resources": {"requests": named}}]


def test_several_resources_may_be_short_at_once() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, containers=asking(cpu="10", memory="1Ti")) == ""
    assert why(cluster).startswith("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.")


def test_a_device_that_no_node_has_is_named() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, containers=asking(nvidia__com_gpu="1")) == ""
    assert "1 Insufficient nvidia.com/gpu" in why(cluster)


def test_what_init_containers_need_counts_and_so_does_overhead() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, "init", initContainers=asking(cpu="3900m")) == "node-1"
    assert place(cluster, "other", cpu="200m") == ""
    cluster = Cluster(nodes=1)
    assert place(cluster, "heavy", cpu="1", overhead={"cpu": "3500m"}) == ""


def test_each_node_is_counted_for_the_first_thing_that_speaks_against_it() -> None:
    cluster = Cluster(nodes=1)
    cluster.store.create("Node", node("node-2", unschedulable=True))
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    cluster.store.create("Node", node("node-3", taints=[taint]))
    place(cluster, nodeSelector={"disk": "ssd"})
    assert why(cluster) == (
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 1 node(s) were unschedulable. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def test_another_scheduler_s_pods_are_left_alone_without_a_word() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, schedulerName="batch-scheduler") == ""
    assert cluster.messages("FailedScheduling") == []


def test_a_gated_pod_waits_and_says_so() -> None:
    cluster = Cluster(nodes=1)
    assert place(cluster, schedulingGates=[{"name": "quota"}]) == ""
    known = condition(cluster.get("Pod", "one"), "PodScheduled")
    assert known is not None
    assert known["reason"] == "SchedulingGated"


def with_classes(cluster: Cluster, **values: int) -> Cluster:
    for name, value in values.items():
        cluster.store.create("PriorityClass", {"metadata": {"name": name}, "value": value})
    return cluster


def full(priority: int = 0) -> Cluster:
    """One node that two pods fill."""
    cluster = Cluster(nodes=1)
    for name in ("first", "second"):
        place(cluster, name, cpu="1800m", priority=priority)
        cluster.after(1)
    return cluster


def test_a_pod_that_matters_more_makes_as_few_lesser_ones_leave_as_it_needs() -> None:
    cluster = full()
    assert place(cluster, "urgent", cpu="1", priority=1000) == ""
    urgent = cluster.get("Pod", "urgent")
    assert urgent["status"]["nominatedNodeName"] == "node-1"
    (message,) = cluster.messages("Preempted")
    assert message == f"Preempted by pod {urgent['metadata']['uid']} on node node-1"
    (victim,) = [each for each in cluster.store.list("Pod") if each["metadata"].get("deletionTimestamp")]
    assert name_of(victim) == "second"
    disrupted = condition(victim, "DisruptionTarget")
    assert disrupted is not None
    assert disrupted["reason"] == "PreemptionByScheduler"
    cluster.store.delete("Pod", "shop", "second")
    cluster.after(2).settle()
    assert cluster.get("Pod", "urgent")["spec"]["nodeName"] == "node-1"


def test_room_that_was_made_is_not_taken_by_a_lesser_pod() -> None:
    cluster = full()
    place(cluster, "urgent", cpu="1800m", priority=1000)
    cluster.store.create("Pod", pod("sneaky", cpu="1800m"))
    cluster.store.delete("Pod", "shop", "second")
    cluster.settle()
    assert not cluster.get("Pod", "sneaky")["spec"].get("nodeName")
    cluster.after(11).settle()
    assert cluster.get("Pod", "urgent")["spec"]["nodeName"] == "node-1"


def test_equals_are_not_made_to_leave() -> None:
    cluster = full(priority=1000)
    assert place(cluster, "urgent", cpu="1", priority=1000) == ""
    assert cluster.messages("Preempted") == []
    assert why(cluster).endswith("preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")


def test_where_all_lesser_pods_would_not_be_enough_none_has_to_leave() -> None:
    cluster = full()
    assert place(cluster, "giant", cpu="64", priority=1000) == ""
    assert cluster.messages("Preempted") == []
    assert why(cluster).endswith("preemption: 0/1 nodes are available: 1 Insufficient cpu.")


def test_a_pod_that_may_not_preempt_does_not() -> None:
    cluster = full()
    assert place(cluster, "polite", cpu="1", priority=1000, preemptionPolicy="Never") == ""
    assert why(cluster).endswith("preemption: not eligible due to preemptionPolicy=Never.")


def test_of_two_nodes_the_less_important_pod_leaves() -> None:
    cluster = Cluster(nodes=2)
    place(cluster, "low", cpu="3", priority=10)
    place(cluster, "middle", cpu="3", priority=20)
    place(cluster, "urgent", cpu="3", priority=1000)
    doomed = [name_of(each) for each in cluster.store.list("Pod") if each["metadata"].get("deletionTimestamp")]
    assert doomed == ["low"]


def test_a_waiting_pod_is_not_tried_again_before_something_has_changed() -> None:
    cluster = Cluster(nodes=1)
    place(cluster, "greedy", cpu="64")
    for _ in range(5):
        cluster.after(20).settle()
    (event,) = [each for each in cluster.store.list("Event") if each["reason"] == "FailedScheduling"]
    assert event["count"] == 1
    cluster.after(300).settle()
    (event,) = [each for each in cluster.store.list("Event") if each["reason"] == "FailedScheduling"]
    assert event["count"] == 2


def test_a_new_node_is_tried_at_once_when_the_back_off_is_over() -> None:
    cluster = Cluster(nodes=1)
    place(cluster, "picky", nodeSelector={HOST: "node-2"})
    cluster.after(2)
    cluster.store.create("Node", node("node-2"))
    assert cluster.settle().get("Pod", "picky")["spec"]["nodeName"] == "node-2"
