"""Nodes and parts of the control plane: which of them fell silent, who suffers, and what only looks like it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.tools.objects import NOW, NS, Object, at, deployment, event, node, pod, replica_set, series, snapshot
from tools.engines.analyzers import control_plane, nodes
from tools.engines.diagnosis import Component
from tools.engines.explain import diagnose
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.snapshot import Alert, Probe, Snapshot

SYSTEM = "kube-system"
RUNTIME_DOWN = "[container runtime is down, PLEG is not healthy: pleg was last seen active 6m ago]"


def machine(
    name: str = "n1", *, labels: dict[str, str] | None = None, **conditions: tuple[str, str, str, float]
) -> Object:
    """Conditions by type: status, reason, message, minutes since."""
    made = node(name)
    made["metadata"]["labels"].update(labels or {})
    held = {"Ready": ("True", "KubeletReady", "kubelet is posting ready status", 9000.0), **conditions}
    made["status"]["conditions"] = [
        {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(since)}
        for kind, (status, reason, message, since) in held.items()
    ]
    return made


def silent(name: str = "n1", since: float = 10, **more: Any) -> Object:
    ready = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", since)
    return machine(name, Ready=ready, **more)


def placed(name: str, where: str, *, ready: bool = True, namespace: str = NS, **status: Any) -> list[Object]:
    owner = deployment(name, available=int(ready), replicas=1)
    made = replica_set(owner, 1, ready=int(ready))
    one = pod(made, ready=ready, **status)
    one["spec"] = {**one["spec"], "nodeName": where}
    for obj in (owner, made, one):
        obj["metadata"]["namespace"] = namespace
    return [owner, made, one]


def static(part: str, where: str, *, ready: bool = True, **status: Any) -> Object:
    made = placed(part, where, ready=ready, namespace=SYSTEM, **status)[2]
    made["metadata"].update(
        name=f"{part}-{where}", ownerReferences=[{"kind": "Node", "name": where, "controller": True}]
    )
    return made


def lease(name: str, seconds_ago: float, namespace: str = SYSTEM, holder: str = "") -> Object:
    renewed = (NOW - timedelta(seconds=seconds_ago)).isoformat()
    return {
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"renewTime": renewed, "holderIdentity": holder},
    }


def check(service: str, where: str = "n1", *, ok: bool = False) -> Probe:
    return Probe("node_service", where, ok, service=service, detail="active" if ok else "inactive (dead)")


def with_probes(snap: Snapshot, *probes: Probe) -> Snapshot:
    return Snapshot(snap.objects, snap.taken_at, snap.window, NS, "here", snap.logs, snap.metrics, (), (), probes)


def lost(snap: Snapshot) -> list[Finding]:
    return list(nodes.nodes_that_are_lost(snap, Graph(snap)))


def faults(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.fault, one.component.name) for one in found]


def causes(snap: Snapshot) -> list[tuple[str, str]]:
    found = diagnose(snap, NS, snap.window, snap.taken_at)
    return [(cause.fault, cause.component.name) for cause in found.causes]


def test_a_node_whose_status_nobody_posts_has_lost_its_kubelet() -> None:
    assert faults(lost(snapshot(silent(), machine("n2")))) == [("kubelet_unavailable", "n1")]


def test_the_runtimes_own_words_tell_a_dead_runtime_from_a_dead_kubelet() -> None:
    broken = machine(Ready=("False", "KubeletNotReady", RUNTIME_DOWN, 5))
    assert faults(lost(snapshot(broken))) == [("containerd_unavailable", "n1")]


@pytest.mark.parametrize(("measured", "fault"), [("n1", "kubelet_unavailable"), ("n2", "node_unreachable")])
def test_a_machine_that_is_still_measured_is_reachable(measured: str, fault: str) -> None:
    metrics = {"node_network_in": [series({"node": "n2"}, 1, 2, 3), series({"node": measured}, 1, 2, 3)]}
    assert faults(lost(snapshot(silent(), machine("n2"), metrics=metrics))) == [(fault, "n1")]


@pytest.mark.parametrize(
    ("down", "fault"),
    [
        (["kubelet"], "kubelet_unavailable"),
        (["containerd"], "containerd_unavailable"),
        (["docker.service"], "containerd_unavailable"),
        (["kubelet", "containerd"], "containerd_unavailable"),
        (["kubelet", "containerd", "kube-proxy"], "node_unreachable"),
    ],
)
def test_a_check_of_a_nodes_services_decides(down: list[str], fault: str) -> None:
    everything = ["kubelet", "containerd", "kube-proxy"]
    up = [check(one, ok=True) for one in everything if one not in down and "docker" not in "".join(down)]
    snap = with_probes(snapshot(machine()), *(check(one) for one in down), *up)
    assert faults(lost(snap)) == [(fault, "n1")]


NO_ROUTE = "ssh: connect to host 10.1.12.10 port 22: No route to host"


def test_a_check_that_does_not_reach_the_machine_says_nothing_of_the_service_it_was_to_ask() -> None:
    unreached = [replace(check(one), detail=NO_ROUTE) for one in ("kubelet", "containerd")]
    assert faults(lost(with_probes(snapshot(silent()), *unreached))) == [("node_unreachable", "n1")]
    refused = replace(check("kubelet"), detail="dial tcp 10.1.12.10:10250: connect: connection refused")
    assert faults(lost(with_probes(snapshot(silent()), refused))) == [("kubelet_unavailable", "n1")]
    one_got_there = [unreached[1], check("kubelet")]
    assert faults(lost(with_probes(snapshot(silent()), *one_got_there))) == [("kubelet_unavailable", "n1")]


def test_an_alert_about_the_host_tells_that_the_machine_is_gone_and_one_about_the_agent_does_not() -> None:
    def told(name: str, summary: str) -> Snapshot:
        return replace(snapshot(silent()), alerts=[Alert(name, {"node": "n1"}, {"summary": summary})])

    assert faults(lost(told("NodeDown", "the host does not answer to ping"))) == [("node_unreachable", "n1")]
    assert faults(lost(told("KubeNodeUnreachable", "n1 is unreachable"))) == [("kubelet_unavailable", "n1")]


def test_a_machine_whose_measures_stopped_before_those_of_the_others_is_silent() -> None:
    old, young = series({"node": "n1"}, *range(30)), series({"node": "n2"}, *range(30))
    stopped = replace(old, points=[(at - 300, value) for at, value in old.points])
    metrics = {"node_network_in": [stopped, young]}
    assert faults(lost(snapshot(silent(), machine("n2"), metrics=metrics))) == [("node_unreachable", "n1")]


def test_a_lost_node_explains_what_its_pods_suffer() -> None:
    snap = snapshot(silent(), machine("n2"), *placed("baker", "n1", ready=False))
    found = diagnose(snap, NS, snap.window, snap.taken_at)
    assert [(cause.fault, cause.component.name) for cause in found.causes] == [("kubelet_unavailable", "n1")]
    assert Component(kind="Deployment", namespace=NS, name="baker") in found.causes[0].affected


def test_a_node_that_works_is_no_cause() -> None:
    assert causes(with_probes(snapshot(machine(), *placed("baker", "n1")), check("kubelet", ok=True))) == []


def test_a_node_that_was_lost_days_ago_and_that_nobody_needs_is_no_cause() -> None:
    assert causes(snapshot(silent(since=3 * 24 * 60), machine("n2"), *placed("baker", "n2"))) == []


def test_a_cordoned_node_with_nothing_on_it_is_set_aside() -> None:
    away = silent()
    away["spec"]["unschedulable"] = True
    assert causes(snapshot(away, machine("n2"), *placed("baker", "n2"))) == []


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("DiskPressure", "node_disk_pressure"),
        ("MemoryPressure", "node_memory_pressure"),
        ("PIDPressure", "node_pid_pressure"),
    ],
)
def test_a_pressure_is_read_from_its_condition(kind: str, fault: str) -> None:
    held: dict[str, Any] = {kind: ("True", f"KubeletHas{kind}", "kubelet has it", 5)}
    pressed = machine(**held)
    snap = snapshot(pressed, machine("n2"), *placed("baker", "n1", ready=False))
    assert causes(snap) == [(fault, "n1")]


def test_evictions_alone_tell_of_a_pressure_that_is_over_for_the_moment() -> None:
    gone = placed("baker", "n1")
    gone[2]["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory. Threshold ...",
        "conditions": [{"type": "DisruptionTarget", "status": "True", "lastTransitionTime": at(10)}],
    }
    snap = snapshot(machine(), *gone)
    assert faults(list(nodes.nodes_under_pressure(snap, Graph(snap)))) == [("node_memory_pressure", "n1")]


def test_an_evicted_pod_that_was_left_behind_long_ago_accuses_no_node() -> None:
    gone = placed("baker", "n1")
    gone[2]["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    snap = snapshot(machine(), *gone)
    assert faults(list(nodes.nodes_under_pressure(snap, Graph(snap)))) == []


def test_an_eviction_of_yesterday_accuses_nobody() -> None:
    about = machine()
    about["metadata"]["namespace"] = "default"
    said = event(about, "EvictionThresholdMet", "Attempting to reclaim memory pressure", minutes_ago=24 * 60)
    said["involvedObject"] = {"kind": "Node", "name": "n1"}
    snap = snapshot(machine(), said)
    assert list(nodes.nodes_under_pressure(snap, Graph(snap))) == []


def waiting_pod(name: str = "baker", *, reason: str = "") -> list[Object]:
    made = placed(name, "", ready=False)
    said = {"type": "PodScheduled", "status": "False", "reason": reason}
    made[2]["status"] = {"phase": "Pending", "conditions": [said] if reason else []}
    return made


PLANE = {"node-role.kubernetes.io/control-plane": ""}


def test_pods_that_nobody_speaks_of_and_a_dead_scheduler_are_one_cause_on_its_node() -> None:
    dead = static(
        "kube-scheduler", "cp1", ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=7
    )
    snap = snapshot(machine("cp1", labels=PLANE), machine("n1"), dead, *waiting_pod())
    assert causes(snap) == [("kube_scheduler_unavailable", "cp1")]


@pytest.mark.parametrize("plane", [[], [static("kube-apiserver", "cp1")]], ids=["managed", "its own"])
def test_without_a_word_and_without_a_scheduler_the_control_planes_node_is_named(plane: list[Object]) -> None:
    snap = snapshot(machine("cp1", labels=PLANE), *plane, *waiting_pod())
    assert causes(snap) == [("kube_scheduler_unavailable", "cp1")]


def test_a_lease_that_is_not_renewed_tells_of_the_scheduler() -> None:
    leases = [lease("kube-scheduler", 400, holder="cp1_abc"), lease("kube-controller-manager", 2)]
    snap = snapshot(machine("cp1", labels=PLANE), *leases, *waiting_pod())
    assert causes(snap) == [("kube_scheduler_unavailable", "cp1")]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("kube-scheduler", "kube_scheduler_unavailable"),
        ("kube-controller-manager", "controller_manager_unavailable"),
    ],
)
def test_a_part_of_the_control_plane_that_is_gone_is_told_before_anything_waits_for_it(part: str, fault: str) -> None:
    other = "kube-controller-manager" if part == "kube-scheduler" else "kube-scheduler"
    dead = static(part, "cp1", ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=5)
    leases = [lease(part, 180, holder="cp1_abc"), lease(other, 2)]
    snap = snapshot(machine("cp1", labels=PLANE), machine("n1"), dead, *leases, *placed("baker", "n1"))
    asked = diagnose(snap, "pod", snap.window, snap.taken_at, focus=f"{part}-cp1")
    assert (asked.healthy, [cause.fault for cause in asked.causes]) == (False, [fault])
    assert "nothing that waits for it" in asked.causes[0].statement
    beside = diagnose(snap, "baker", snap.window, snap.taken_at, focus="baker")
    assert (beside.healthy, beside.causes) == (False, [])


def test_one_of_several_schedulers_that_fails_while_another_holds_the_lease_is_no_outage() -> None:
    parts = [static("kube-scheduler", "cp1", ready=False), static("kube-scheduler", "cp2")]
    planes = [machine("cp1", labels=PLANE), machine("cp2", labels=PLANE)]
    snap = snapshot(*planes, *parts, lease("kube-scheduler", 2), lease("kube-controller-manager", 2))
    assert causes(snap) == []


def test_a_pod_that_the_scheduler_spoke_of_does_not_accuse_it() -> None:
    objects = waiting_pod(reason="Unschedulable")
    told = event(objects[2], "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")
    snap = snapshot(machine(), *objects, told)
    assert list(control_plane.schedulers_that_are_silent(snap, Graph(snap))) == []


def test_a_pod_for_a_scheduler_of_its_own_does_not_accuse_the_usual_one() -> None:
    objects = waiting_pod()
    objects[2]["spec"]["schedulerName"] = "batch-scheduler"
    snap = snapshot(machine(), *objects)
    assert list(control_plane.schedulers_that_are_silent(snap, Graph(snap))) == []


def test_wishes_that_nobody_takes_up_accuse_the_controller_manager() -> None:
    objects = placed("baker", "n1")
    objects[0]["metadata"]["generation"] = 4
    dead = static("kube-controller-manager", "cp1", ready=False)
    snap = snapshot(machine("cp1", labels=PLANE), machine("n1"), dead, *objects)
    assert causes(snap) == [("controller_manager_unavailable", "cp1")]


def test_a_wish_that_its_controller_has_seen_says_nothing_where_the_status_was_cut() -> None:
    objects = placed("baker", "n1")
    objects[0]["metadata"]["generation"] = 4
    objects[0]["status"] = {"replicas": 1, "readyReplicas": 1}
    assert causes(snapshot(machine("cp1", labels=PLANE), machine("n1"), *objects)) == []


def dns(ready: bool) -> list[Object]:
    made = placed("coredns", "n1", ready=ready, namespace=SYSTEM)
    for labels in (made[0]["spec"]["template"]["metadata"]["labels"], made[2]["metadata"]["labels"]):
        labels["k8s-app"] = "kube-dns"
    return made


def test_cluster_dns_without_a_ready_pod_is_the_cause() -> None:
    assert causes(snapshot(machine(), *dns(ready=False), *placed("baker", "n1", ready=False)))[0] == (
        "coredns_unavailable",
        "coredns",
    )
    assert causes(snapshot(machine(), *dns(ready=True), *placed("baker", "n1"))) == []


@pytest.mark.parametrize("seen", [0, 1])
def test_cluster_dns_whose_pods_were_not_all_read_is_judged_by_what_its_deployment_counts(seen: int) -> None:
    owner, made, first = dns(ready=False)
    owner["spec"]["replicas"] = 2
    owner["status"] |= {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1}
    cut = snapshot(machine(), owner, made, *[first][:seen], *placed("baker", "n1"))
    assert list(control_plane.dns_that_does_not_answer(cut, Graph(cut))) == []


def test_cluster_dns_whose_deployment_counts_none_ready_is_told_by_that_count() -> None:
    owner, made, _ = dns(ready=False)
    owner["status"] |= {"replicas": 1, "readyReplicas": 0, "availableReplicas": 0}
    snap = snapshot(machine(), owner, made)
    (found,) = control_plane.dns_that_does_not_answer(snap, Graph(snap))
    proof = found.evidence[0]
    assert (proof.ref, proof.quote) == ("Deployment kube-system/coredns status.readyReplicas", "0 of 1 ready")
    del owner["status"]
    unknown = snapshot(machine(), owner, made)
    assert list(control_plane.dns_that_does_not_answer(unknown, Graph(unknown))) == []


def test_what_is_said_of_dns_that_was_counted_by_its_pods_cites_a_pod() -> None:
    snap = snapshot(machine(), *dns(ready=False), read=["Pod"])
    (found,) = control_plane.dns_that_does_not_answer(snap, Graph(snap))
    assert found.evidence[0].ref.startswith("Pod kube-system/coredns")
    assert found.evidence[0].ref.endswith("status.conditions[Ready]")


def test_a_part_that_is_not_among_the_pods_that_happen_to_be_there_is_not_gone() -> None:
    there = [machine("cp1", labels=PLANE), static("kube-apiserver", "cp1")]
    whole = snapshot(*there, read=["Pod"])
    assert len(list(control_plane.managers_that_are_silent(whole, Graph(whole)))) == 1
    cut = snapshot(*there)
    assert list(control_plane.managers_that_are_silent(cut, Graph(cut))) == []


def proxies(*bad: str) -> list[Object]:
    made = []
    for where in ("n1", "n2", "n3"):
        one = static("kube-proxy", where, ready=where not in bad, restartCount=3)
        one["metadata"]["name"] = f"kube-proxy-{where}abc"
        one["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "kube-proxy", "controller": True}]
        made.append(one)
    return made


def test_a_node_whose_kube_proxy_fails_is_named() -> None:
    machines = [machine(name) for name in ("n1", "n2", "n3")]
    snap = snapshot(*machines, *proxies("n2"), *placed("baker", "n2", ready=False))
    assert causes(snap)[0] == ("kube_proxy_unavailable", "n2")


def test_a_kube_proxy_on_a_node_that_is_lost_is_the_nodes_matter() -> None:
    snap = snapshot(silent("n2"), machine("n1"), machine("n3"), *proxies("n2"), *placed("baker", "n2", ready=False))
    assert causes(snap)[0] == ("kubelet_unavailable", "n2")


def test_a_kube_proxy_that_is_missing_on_one_node_of_three_is_seen() -> None:
    machines = [machine(name) for name in ("n1", "n2", "n3")]
    snap = snapshot(*machines, *proxies()[:2], read=["Pod"])
    found = list(control_plane.proxies_that_do_not_work(snap, Graph(snap)))
    assert faults(found) == [("kube_proxy_unavailable", "n3")]
    cut = snapshot(*machines, *proxies()[:2])
    assert list(control_plane.proxies_that_do_not_work(cut, Graph(cut))) == []


def no_proxies(**status: Any) -> Object:
    return {
        "kind": "DaemonSet",
        "metadata": {"namespace": SYSTEM, "name": "kube-proxy"},
        "spec": {"template": {"spec": {"nodeSelector": {"nowhere": "true"}, "containers": [{"name": "kube-proxy"}]}}},
        "status": {"desiredNumberScheduled": 0, "numberReady": 0, **status},
    }


def test_a_kube_proxy_that_runs_nowhere_is_its_daemon_sets_matter_and_latent_until_somebody_suffers() -> None:
    snap = snapshot(machine("n1"), machine("n2"), no_proxies(), *dns(ready=True), read=["Pod"])
    (found,) = control_plane.proxies_that_do_not_work(snap, Graph(snap))
    assert (found.component.kind, found.component.name, found.latent) == ("DaemonSet", "kube-proxy", True)


def test_a_kube_proxy_whose_pods_were_not_read_accuses_nobody() -> None:
    snap = snapshot(machine("n1"), no_proxies(), *placed("baker", "n1"))
    assert list(control_plane.proxies_that_do_not_work(snap, Graph(snap))) == []


def test_a_controller_manager_that_crashes_and_renews_no_lease_is_a_cause_before_anybody_asks_anything_of_it() -> None:
    dead = static("kube-controller-manager", "cp1", ready=False)
    plane, beat = machine("cp1", labels=PLANE), lease("kube-scheduler", 2)
    seen = [plane, machine("n1"), dead, beat, lease("kube-controller-manager", 900, holder="cp1_x")]
    assert causes(snapshot(*seen, *placed("baker", "n1"))) == [("controller_manager_unavailable", "cp1")]
    spare = [*seen[:-1], lease("kube-controller-manager", 3, holder="cp2_x")]
    assert causes(snapshot(*spare, *placed("baker", "n1"))) == []


def test_pods_that_are_gone_and_still_counted_are_what_a_dead_controller_manager_harms() -> None:
    owner, made, _ = placed("baker", "n1")
    made["spec"]["replicas"] = 1
    made["status"] = {"replicas": 1, "readyReplicas": 1}
    dead = static("kube-controller-manager", "cp1", ready=False)
    snap = snapshot(machine("cp1", labels=PLANE), dead, owner, made, read=["Pod"])
    (found,) = control_plane.managers_that_are_silent(snap, Graph(snap))
    assert [one.name for one in found.harms] == ["baker", "kube-controller-manager-cp1"]
    unread = snapshot(machine("cp1", labels=PLANE), dead, owner, made)
    (found,) = control_plane.managers_that_are_silent(unread, Graph(unread))
    assert [one.name for one in found.harms] == ["kube-controller-manager-cp1"]
    unread = snapshot(owner, made)
    assert list(control_plane.managers_that_are_silent(unread, Graph(unread))) == []


@pytest.mark.parametrize(("up", "fault"), [(1.0, "kubelet_unavailable"), (0.0, "node_unreachable")])
def test_the_machines_own_exporter_tells_whether_it_is_reachable(up: float, fault: str) -> None:
    metrics = {
        "up": [
            series({"node": "n1", "job": "node-exporter"}, 1, 1, up),
            series({"node": "n1", "job": "kubelet"}, 1, 1, 0),
        ]
    }
    assert faults(lost(snapshot(silent(), machine("n2"), metrics=metrics))) == [(fault, "n1")]


def test_a_kube_proxy_known_only_by_its_pods_that_are_ready_runs() -> None:
    machines = [machine(name) for name in ("n1", "n2", "n3")]
    snap = snapshot(*machines, *proxies())
    assert list(control_plane.proxies_that_do_not_work(snap, Graph(snap))) == []


@pytest.mark.parametrize(("wishes", "found"), [(1, []), (2, [("controller_manager_unavailable", "cp1")])])
def test_of_a_manager_whose_lease_is_fresh_one_wish_not_taken_up_says_nothing(
    wishes: int, found: list[tuple[str, str]]
) -> None:
    programs = [placed(name, "n1") for name in ("baker", "miller")]
    for objects in programs[:wishes]:
        objects[0]["metadata"]["generation"] = 4
    beat = lease("kube-controller-manager", 2, holder="cp1_x")
    snap = snapshot(machine("cp1", labels=PLANE), machine("n1"), beat, *programs[0], *programs[1])
    said = control_plane.managers_that_are_silent(snap, Graph(snap))
    assert [(one.fault, one.component.name) for one in said] == found
