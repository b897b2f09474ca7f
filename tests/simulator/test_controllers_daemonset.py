"""The DaemonSet controller: a pod a node, wherever labels and taints allow it."""

from __future__ import annotations

from typing import Any

from simulator.objects import labels_of, name_of, with_spec
from tests.simulator.clusters import Cluster, Object, daemon_set, node


def with_agent(nodes: int = 3, **spec: Any) -> Cluster:
    cluster = Cluster(nodes)
    cluster.store.create("DaemonSet", daemon_set(**spec))
    return cluster.settle().make_ready()


def where(cluster: Cluster) -> list[str]:
    return sorted(pod["spec"].get("nodeName", "") for pod in cluster.pods())


def status(cluster: Cluster) -> Object:
    found: Object = cluster.get("DaemonSet", "agent")["status"]
    return found


def taint(cluster: Cluster, name: str, effect: str) -> Cluster:
    known = cluster.store.get("Node", None, name)
    assert known is not None
    taints = [{"key": "dedicated", "value": "batch", "effect": effect}]
    cluster.store.update("Node", with_spec(known, taints=taints))
    return cluster.settle()


def test_every_node_has_one_and_the_status_counts_them() -> None:
    cluster = with_agent()
    assert where(cluster) == ["node-1", "node-2", "node-3"]
    assert status(cluster)["desiredNumberScheduled"] == status(cluster)["numberReady"] == 3
    assert "numberUnavailable" not in status(cluster)


def test_a_node_that_joins_gets_one_even_when_it_is_cordoned() -> None:
    cluster = with_agent()
    cluster.store.create("Node", node("node-4", unschedulable=True))
    assert where(cluster.settle()) == ["node-1", "node-2", "node-3", "node-4"]


def test_a_taint_keeps_it_away_and_an_executing_one_drives_it_out() -> None:
    cluster = taint(with_agent(), "node-1", "NoSchedule")
    assert where(cluster) == ["node-1", "node-2", "node-3"]
    assert status(cluster)["numberMisscheduled"] == 1
    cluster = taint(with_agent(), "node-1", "NoExecute")
    assert where(cluster) == ["node-2", "node-3"]


def test_a_tolerated_taint_does_not_matter() -> None:
    cluster = Cluster(0)
    cluster.store.create("Node", node("tainted", taints=[{"key": "a", "effect": "NoSchedule"}]))
    template = daemon_set()["spec"]["template"]
    spec = {**template["spec"], "tolerations": [{"operator": "Exists"}]}
    cluster.store.create("DaemonSet", daemon_set(template={**template, "spec": spec}))
    assert where(cluster.settle()) == ["tainted"]


def test_a_node_selector_chooses_the_nodes() -> None:
    template = daemon_set()["spec"]["template"]
    spec = {**template["spec"], "nodeSelector": {"kubernetes.io/hostname": "node-2"}}
    assert where(with_agent(template={**template, "spec": spec})) == ["node-2"]


def test_an_update_replaces_one_pod_at_a_time() -> None:
    cluster = with_agent()
    owner = cluster.get("DaemonSet", "agent")
    template = owner["spec"]["template"]
    containers = [{**template["spec"]["containers"][0], "image": "shop/web:2"}]
    changed = {**template, "spec": {**template["spec"], "containers": containers}}
    cluster.store.update("DaemonSet", with_spec(owner, template=changed))
    cluster.settle()
    assert len(cluster.pods()) == 2
    cluster.make_all_ready()
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()} == {"shop/web:2"}
    assert status(cluster)["updatedNumberScheduled"] == 3
    assert len({labels_of(pod)["controller-revision-hash"] for pod in cluster.pods()}) == 1
    assert len(cluster.store.list("ControllerRevision")) == 2


def test_a_pod_that_failed_is_said_and_replaced() -> None:
    cluster = with_agent(nodes=1)
    (pod,) = cluster.pods()
    cluster.finish(pod, well=False)
    message = f"Found failed daemon pod shop/{name_of(pod)} on node node-1, will try to kill it"
    assert cluster.messages("FailedDaemonPod") == [message]
    (other,) = cluster.make_ready().pods()
    assert name_of(other) != name_of(pod)


def test_pods_of_nodes_endure_what_happens_to_nodes() -> None:
    (pod,) = with_agent(nodes=1).pods()
    endured = {(each["key"], each["effect"]) for each in pod["spec"]["tolerations"] if "tolerationSeconds" not in each}
    assert ("node.kubernetes.io/unreachable", "NoExecute") in endured
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in endured
