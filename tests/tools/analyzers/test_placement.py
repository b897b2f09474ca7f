"""Pods that no node takes: which requirement is to blame, from the objects, from the sentence, and when nobody is."""

from typing import Any

import pytest

from tests.tools.objects import NS, Object, at, container, deployment, event, node, pod, replica_set, service, snapshot
from tools.engines.analyzers.placement import pods_that_no_node_takes
from tools.engines.analyzers.preemption import workloads_that_were_preempted
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.placement import Places, node_matches, requests
from tools.engines.unscheduled import reasons

ROOM: dict[str, Any] = {"cpu": "4", "memory": "8Gi", "pods": "110"}
MASTER = node("cp", taint="node-role.kubernetes.io/control-plane", **ROOM)


def nodes(count: int = 3, **more: Any) -> list[Object]:
    return [MASTER, *(node(f"n{number}", **(ROOM | more)) for number in range(1, count + 1))]


def labelled(one: Object, **labels: str) -> Object:
    one["metadata"]["labels"] |= {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()}
    return one


def tainted(one: Object, key: str, value: str = "", effect: str = "NoSchedule") -> Object:
    one["spec"]["taints"] = [*one["spec"]["taints"], {"key": key, "value": value, "effect": effect}]
    return one


def waiting(name: str = "baker", *, asks: dict[str, str] | None = None, replicas: int = 2, **spec: Any) -> list[Object]:
    """A workload whose pod was made and found no node."""
    program = container()
    program["resources"] = {"requests": asks or {"cpu": "100m"}}
    owner = deployment(name, program, replicas=replicas, available=0)
    owner["spec"]["template"]["spec"] |= spec
    made = replica_set(owner, 1, program)
    one = pod(made, ready=False)
    one["spec"] = {"containers": [program], **spec}
    one["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
    }
    return [owner, made, one]


def placed(name: str, where: str, *, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "kind": "Pod",
        "metadata": {"namespace": NS, "name": name, "labels": labels or {"app": name}, "creationTimestamp": at(600)},
        "spec": {"nodeName": where, "containers": [container()], **spec},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def said(objects: list[Object], message: str) -> Object:
    return event(next(one for one in objects if one["kind"] == "Pod"), "FailedScheduling", message)


def found(*objects: Object) -> list[Finding]:
    facts = snapshot(*objects)
    return list(pods_that_no_node_takes(facts, Graph(facts)))


def faults(*objects: Object) -> list[str]:
    return [finding.fault for finding in found(*objects)]


def wants_labels(*expressions: Object, **fields: Any) -> Object:
    term = {"matchExpressions": list(expressions), **fields}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def keeps_apart(name: str = "baker", key: str = "kubernetes.io/hostname") -> Object:
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_a_pod_that_some_node_would_take_accuses_nobody() -> None:
    assert faults(*nodes(), *waiting()) == []


def test_a_pod_that_a_gate_holds_back_accuses_nobody() -> None:
    assert faults(*nodes(), *waiting(nodeSelector={"a": "b"}, schedulingGates=[{"name": "quota"}])) == []


@pytest.mark.parametrize(
    ("asks", "fault"), [({"cpu": "64"}, "cpu_capacity_mismatch"), ({"memory": "512Gi"}, "memory_capacity_mismatch")]
)
def test_a_request_above_what_any_node_has(asks: dict[str, str], fault: str) -> None:
    (finding,) = found(*nodes(), *waiting(asks=asks))
    assert finding.fault == fault
    assert finding.component.name == "baker"
    assert "largest node has" in finding.words("en")


def test_both_too_large_is_one_finding() -> None:
    assert len(faults(*nodes(), *waiting(asks={"cpu": "64", "memory": "512Gi"}))) == 1


def test_nodes_that_are_full_lack_room_for_a_usual_request() -> None:
    hungry = [placed(f"eater{number}", f"n{number}") for number in (1, 2, 3)]
    for one in hungry:
        one["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3900m"}}
    assert faults(*nodes(), *hungry, *waiting(asks={"cpu": "500m"})) == ["cpu_capacity_mismatch"]


def test_a_request_too_large_is_told_from_a_cordoned_node_beside() -> None:
    cordoned = node("n9", cordoned=True, **ROOM)
    assert faults(*nodes(2), cordoned, *waiting(asks={"cpu": "64"})) == ["cpu_capacity_mismatch"]


def test_a_selector_that_no_node_carries_names_the_label_nodes_have() -> None:
    (finding,) = found(*(labelled(one, disktype="hdd") for one in nodes()), *waiting(nodeSelector={"disktype": "ssd"}))
    assert finding.fault == "node_selector_mismatch"
    assert "disktype=hdd" in finding.words("en")


def test_affinity_and_selector_share_a_sentence_and_are_told_apart_by_the_spec() -> None:
    zone = {"key": "zone", "operator": "In", "values": ["z9"]}
    workers = [labelled(one, zone="z1", disktype="ssd") for one in nodes()]
    objects = waiting(affinity=wants_labels(zone), nodeSelector={"disktype": "ssd"})
    told = said(objects, "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector.")
    assert faults(*workers, *objects, told) == ["node_affinity_mismatch"]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ({"key": "zone", "operator": "In", "values": ["z1"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["z1"]}, False),
        ({"key": "rack", "operator": "NotIn", "values": ["r1"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "DoesNotExist"}, False),
        ({"key": "cores", "operator": "Gt", "values": ["7"]}, True),
        ({"key": "cores", "operator": "Lt", "values": ["8"]}, False),
        ({"key": "zone", "operator": "Gt", "values": ["1"]}, False),
    ],
)
def test_every_operator_of_node_affinity(expression: Object, holds: bool) -> None:
    assert node_matches({"matchExpressions": [expression]}, labelled(node(), zone="z1", cores="8")) is holds


def test_a_field_of_a_node_is_its_name() -> None:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert node_matches(term, node("n1"))
    assert not node_matches(term, node("n2"))
    assert not node_matches({}, node("n1"))


def test_a_pod_pinned_to_a_cordoned_node() -> None:
    objects = waiting(nodeSelector={"kubernetes.io/hostname": "n9"})
    (finding,) = found(*nodes(), node("n9", cordoned=True, **ROOM), *objects)
    assert finding.fault == "node_cordon_mismatch"
    assert "n9" in finding.words("en")


def test_all_workers_cordoned() -> None:
    workers = [node(f"n{number}", cordoned=True, **ROOM) for number in (1, 2)]
    assert faults(MASTER, *workers, *waiting()) == ["node_cordon_mismatch"]


def test_a_node_long_cordoned_is_not_why_a_selector_matches_nothing() -> None:
    assert faults(*nodes(2), node("n9", cordoned=True, **ROOM), *waiting(nodeSelector={"tier": "gold"})) == [
        "node_selector_mismatch"
    ]


def test_a_taint_that_is_not_tolerated() -> None:
    workers = [tainted(one, "dedicated", "batch") for one in nodes()[1:]]
    (finding,) = found(MASTER, *workers, *waiting())
    assert finding.fault == "taint_toleration_mismatch"
    assert "dedicated=batch:NoSchedule" in finding.words("en")


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ({"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"}, True),
        ({"key": "dedicated", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "dedicated", "value": "web"}, False),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_tolerations(toleration: Object, fits: bool) -> None:
    workers = [tainted(one, "dedicated", "batch") for one in nodes()[1:]]
    assert faults(MASTER, *workers, *waiting(tolerations=[toleration])) == (
        [] if fits else ["taint_toleration_mismatch"]
    )


def test_a_selector_for_a_tainted_pool_blames_the_taint() -> None:
    pool = tainted(labelled(node("n9", **ROOM), pool="gpu"), "gpu", "yes")
    assert faults(*nodes(), pool, *waiting(nodeSelector={"pool": "gpu"})) == ["taint_toleration_mismatch"]


def test_nodes_that_are_ill_are_somebody_elses_finding() -> None:
    workers = [tainted(one, "node.kubernetes.io/not-ready", effect="NoExecute") for one in nodes()[1:]]
    assert faults(MASTER, *workers, *waiting()) == []


def test_more_replicas_than_nodes_that_keep_each_other_away() -> None:
    there = [placed(f"baker-{number}", f"n{number}", labels={"app": "baker"}) for number in (1, 2, 3)]
    assert faults(*nodes(), *there, *waiting(affinity=keeps_apart(), replicas=4)) == ["pod_anti_affinity_conflict"]


def test_a_pod_is_kept_away_by_the_rule_of_another() -> None:
    there = [placed(f"mill-{number}", f"n{number}", affinity=keeps_apart("baker")) for number in (1, 2, 3)]
    assert faults(*nodes(), *there, *waiting()) == ["pod_anti_affinity_conflict"]


def test_a_cordon_is_to_blame_where_every_replica_had_a_node_of_its_own() -> None:
    there = [placed(f"baker-{number}", f"n{number}", labels={"app": "baker"}) for number in (1, 2)]
    cordoned = node("n3", cordoned=True, **ROOM)
    assert faults(*nodes(2), cordoned, *there, *waiting(affinity=keeps_apart(), replicas=3)) == ["node_cordon_mismatch"]


def test_a_spread_over_a_topology_that_no_node_has() -> None:
    rule = {
        "maxSkew": 1,
        "topologyKey": "rack",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "baker"}},
    }
    assert faults(*nodes(), *waiting(topologySpreadConstraints=[rule])) == ["topology_spread_unsatisfied"]


def test_a_spread_that_is_only_a_wish_keeps_nobody_off() -> None:
    rule = {"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway"}
    assert faults(*nodes(), *waiting(topologySpreadConstraints=[rule])) == []


def test_a_host_port_that_is_taken_everywhere() -> None:
    taken = container()
    taken["ports"] = [{"containerPort": 9100, "hostPort": 9100}]
    there = [placed(f"meter-{number}", f"n{number}") for number in (1, 2, 3)]
    for one in there:
        one["spec"]["containers"] = [taken]
    objects = waiting()
    objects[2]["spec"]["containers"][0]["ports"] = taken["ports"]
    (finding,) = found(*nodes(), *there, *objects)
    assert finding.fault == "host_port_conflict"
    assert "9100/TCP" in finding.words("en")


def test_a_gpu_where_no_node_has_one() -> None:
    assert faults(*nodes(), *waiting(asks={"nvidia.com/gpu": "1"})) == ["gpu_unavailable"]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, 2 Insufficient cpu.", "cpu_capacity_mismatch"),
        ("0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No victims.", "memory_capacity_mismatch"),
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "node_selector_mismatch"),
        ("0/3 nodes are available: 3 node(s) didn't match node selector.", "node_selector_mismatch"),
        ("0/3 nodes are available: 3 node(s) had taint {team: red}, that the pod didn't tolerate.", "taint_toleration_mismatch"),
        ("0/3 nodes are available: 3 node(s) were unschedulable.", "node_cordon_mismatch"),
        ("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.", "pod_anti_affinity_conflict"),
        ("0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.", "topology_spread_unsatisfied"),
        ("0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.", "host_port_conflict"),
        ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", "gpu_unavailable"),
        ("No nodes are available that match all of the predicates: Insufficient cpu (3), MatchNodeSelector (1).", "cpu_capacity_mismatch"),
    ],
)  # fmt: skip
def test_without_nodes_the_sentence_decides(sentence: str, fault: str) -> None:
    objects = waiting(nodeSelector={"tier": "gold"})
    assert faults(*objects, said(objects, sentence)) == [fault]


def test_without_nodes_a_pod_pinned_by_name_blames_the_cordon_and_not_the_label() -> None:
    objects = waiting(nodeSelector={"kubernetes.io/hostname": "n2"})
    told = said(
        objects,
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.",
    )
    assert faults(*objects, told)[0] == "node_cordon_mismatch"


def test_an_unbound_claim_is_no_matter_of_nodes() -> None:
    objects = waiting()
    assert (
        faults(
            *nodes(),
            *objects,
            said(objects, "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
        )
        == []
    )


def test_the_event_of_a_pod_that_is_gone_accuses_nobody() -> None:
    objects = waiting()
    told = said(objects, "0/3 nodes are available: 3 Insufficient cpu.")
    running = pod(objects[1], "zzzzz")
    running["spec"] = {**running["spec"], "nodeName": "n1"}
    assert faults(*nodes(), objects[0], objects[1], running, told) == []


def test_where_no_pod_was_read_the_event_speaks_for_the_workload() -> None:
    owner = deployment("baker", available=0)
    ghost = {"kind": "Pod", "metadata": {"namespace": NS, "name": "baker-7d9f8b6c5d-x2x4z"}}
    (finding,) = found(owner, event(ghost, "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu."))
    assert (finding.fault, finding.component.name) == ("cpu_capacity_mismatch", "baker")


def test_a_lonely_trial_beside_programs_that_run_is_latent() -> None:
    trial = placed("trial", "")
    trial["spec"] = {"containers": [container()], "nodeSelector": {"tier": "gold"}}
    trial["status"] = {"phase": "Pending"}
    (finding,) = found(*nodes(), deployment("mill"), trial)
    assert finding.latent
    (wanted,) = found(*nodes(), deployment("mill"), trial, service("trial"))
    assert not wanted.latent


def test_what_a_pod_reserves_counts_sidecars_and_the_largest_step_before() -> None:
    spec = {
        "containers": [{"resources": {"requests": {"cpu": "1"}}}],
        "initContainers": [
            {"resources": {"requests": {"cpu": "3"}}},
            {"restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
        ],
        "overhead": {"cpu": "250m"},
    }
    assert requests(spec)["cpu"] == pytest.approx(3.25)


def test_a_bound_volume_holds_its_pod_on_a_node() -> None:
    objects = waiting(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NS, "name": "data"},
        "spec": {"volumeName": "v1"},
        "status": {"phase": "Bound"},
    }
    place = {
        "required": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["gone"]}]}
            ]
        }
    }
    volume = {"kind": "PersistentVolume", "metadata": {"name": "v1"}, "spec": {"nodeAffinity": place}}
    facts = snapshot(*nodes(), *objects, claim, volume)
    assert all(any(one.kind == "volume" for one in row) for row in Places(facts).obstacles(objects[2]).values())


def test_garbage_is_read_as_nothing() -> None:
    broken = {
        "kind": "Pod",
        "metadata": {"namespace": NS, "name": "x"},
        "spec": {"nodeSelector": [], "containers": "no", "affinity": 3},
    }
    assert faults({"kind": "Node"}, {"kind": "Node", "spec": [], "status": {"allocatable": {"cpu": {}}}}, broken) == []
    assert reasons("") == []
    assert reasons("0/0 nodes are available: .") == []


def preempted(*objects: Object) -> list[Finding]:
    facts = snapshot(*objects)
    return list(workloads_that_were_preempted(facts, Graph(facts)))


def test_pods_pushed_off_by_a_higher_priority() -> None:
    objects = waiting()
    ghost = {"kind": "Pod", "metadata": {"namespace": NS, "name": "baker-7d9f8b6c5d-x2x4z"}}
    told = event(ghost, "Preempted", f"Preempted by {NS}/bulk-1 on node n1", type_="Normal")
    (finding,) = preempted(*nodes(), *objects, placed("bulk-1", "n1", priority=1000), told)
    assert (finding.fault, finding.component.name) == ("priority_preempted", "baker")
    assert "bulk-1" in finding.words("en")


def test_a_workload_that_has_all_its_pods_again_was_preempted_in_vain() -> None:
    owner = deployment("baker")
    made = replica_set(owner, 1, ready=2)
    pods = [pod(made, suffix) for suffix in ("bcdfg", "hjklm")]
    for one in pods:
        one["spec"] = {**one["spec"], "nodeName": "n1"}
    made["spec"]["replicas"], made["status"]["replicas"] = 2, 2
    told = event(pods[0], "Preempted", "Preempted by pod 1-2-3 on node n1", type_="Normal")
    assert preempted(*nodes(), owner, made, *pods, told) == []


def test_room_that_younger_pods_of_a_higher_priority_took() -> None:
    objects = waiting(asks={"cpu": "2"})
    taker = placed("bulk", "n1", priority=1000)
    taker["metadata"]["creationTimestamp"] = at(5)
    taker["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
    assert [one.fault for one in preempted(*nodes(1), *objects, taker)] == ["priority_preempted"]


def test_full_nodes_without_priorities_were_not_preempted() -> None:
    objects = waiting(asks={"cpu": "2"})
    eater = placed("bulk", "n1")
    eater["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
    assert preempted(*nodes(1), *objects, eater) == []


def test_where_pods_were_not_read_one_that_waited_says_nothing_of_a_deployment_that_counts_all_of_them_as_ready() -> (
    None
):
    ghost = {"kind": "Pod", "metadata": {"name": "baker-66677dd8b4-xz2lq", "namespace": NS}}
    waited = event(ghost, "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.")
    assert faults(deployment("baker"), waited) == []
    assert faults(deployment("baker", available=1), waited) == ["cpu_capacity_mismatch"]
    surge = deployment("baker")
    surge["status"]["unavailableReplicas"] = 1
    assert faults(surge, waited) == ["cpu_capacity_mismatch"]
