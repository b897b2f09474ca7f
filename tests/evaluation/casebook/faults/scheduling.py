"""Pods that find no node: too large, bound to labels, taints, neighbours, ports, or cordoned nodes. Claims are in `storage.py`."""

import copy
from collections.abc import Callable

from tests.evaluation.casebook.faults.aftermath import suffer
from tests.evaluation.casebook.model import Answer, Node, Object, Pod, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

EITHER = frozenset({"objects"})
KEEPS = frozenset({"Node", "ReplicaSet"})
Edit = Callable[[Program], object]
AFFINITY = "node(s) didn't match Pod's node affinity/selector"


def _is_deployment(program: Program) -> bool:
    return program.kind == "Deployment"


def _stuck(
    scene: Scene, program: Program, edit: Edit, reasons: dict[str, int], *, helpless: int | None = None, how: str = ""
) -> list[Pod]:
    """Pods that wait since the edit; the nodes that nobody may use are added to the reasons."""
    pods = scene.afflict(program, edit, how=how)
    _wait(scene, program, pods, reasons, helpless)
    return pods


def _wait(
    scene: Scene, program: Program, pods: list[Pod], reasons: dict[str, int], helpless: int | None = None
) -> None:
    text = scene.unschedulable_text({**scene.taint_reasons(), **reasons}, helpless)
    for pod in pods:
        scene.unscheduled(pod, text)
    suffer(scene, program, pods)


def _open(scene: Scene) -> int:
    return sum(not node.taints and not node.cordoned for node in scene.nodes)


def _closed(scene: Scene) -> int:
    return len(scene.nodes) - _open(scene)


def _right(fault: str, program: Program) -> Answer:
    return Answer(fault, program.component, EITHER, KEEPS)


# --- size ---------------------------------------------------------------------------------------------------------------------


def _size(kind: str, amount: str) -> Edit:
    def edit(one: Program) -> None:
        one.container["resources"] = copy.deepcopy(one.container["resources"])
        one.container["resources"]["requests"][kind] = amount
        if kind in one.container["resources"].get("limits", {}):
            one.container["resources"]["limits"][kind] = amount

    return edit


def _too_large(scene: Scene, kind: str, amount: str, edit: Edit | None = None) -> Answer:
    program = scene.pick(where=_is_deployment)
    beyond = _closed(scene) if scene.style.minor < 32 else None
    _stuck(
        scene,
        program,
        edit or _size(kind, amount),
        {f"Insufficient {kind}": _open(scene)},
        helpless=beyond,
    )
    return _right(f"{kind}_capacity_mismatch", program)


def _sidecar(kind: str, amount: str) -> Edit:
    def edit(one: Program) -> None:
        extra: Object = {
            "name": "log-shipper",
            "image": "fluent/fluent-bit:2.2.2",
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi", kind: amount}},
            "imagePullPolicy": "IfNotPresent",
        }
        one.pod_spec["containers"].append(extra)

    return edit


@way("cpu_capacity_mismatch")
def request_for_cpu_above_any_node(scene: Scene) -> Answer:
    most = max(node.cpu for node in scene.nodes) // 1000
    return _too_large(scene, "cpu", str(most * scene.dice.choice([2, 4, 10])))


@way("cpu_capacity_mismatch")
def milli_was_forgotten(scene: Scene) -> Answer:
    return _too_large(scene, "cpu", str(scene.dice.choice([100, 250, 500])))


@way("cpu_capacity_mismatch")
def sidecar_asks_for_too_much_cpu(scene: Scene) -> Answer:
    return _too_large(scene, "cpu", "", _sidecar("cpu", str(max(node.cpu for node in scene.nodes) // 1000 + 8)))


@way("memory_capacity_mismatch")
def request_for_memory_above_any_node(scene: Scene) -> Answer:
    most = max(node.memory for node in scene.nodes) // 1024**3
    return _too_large(scene, "memory", f"{most * scene.dice.choice([2, 3, 8])}Gi")


@way("memory_capacity_mismatch")
def mebi_became_gibi(scene: Scene) -> Answer:
    return _too_large(scene, "memory", f"{scene.dice.choice([512, 768, 256])}Gi")


@way("memory_capacity_mismatch")
def sidecar_asks_for_too_much_memory(scene: Scene) -> Answer:
    return _too_large(
        scene, "memory", "", _sidecar("memory", f"{max(node.memory for node in scene.nodes) // 1024**3 + 32}Gi")
    )


# --- labels of nodes ----------------------------------------------------------------------------------------------------------


def _affinity(scene: Scene, expression: Object) -> Answer:
    program = scene.pick(where=_is_deployment)

    def edit(one: Program) -> None:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
        one.pod_spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}

    _stuck(scene, program, edit, {AFFINITY: _open(scene)})
    return _right("node_affinity_mismatch", program)


@way("node_affinity_mismatch")
def zone_that_is_none(scene: Scene) -> Answer:
    return _affinity(
        scene,
        {
            "key": "topology.kubernetes.io/zone",
            "operator": "In",
            "values": [scene.dice.choice(["eu-central-1d", "us-west-2a", "zone-x"])],
        },
    )


@way("node_affinity_mismatch")
def pool_that_was_renamed(scene: Scene) -> Answer:
    for node in scene.workers:
        node.labels["node-pool"] = "general-v2"
    return _affinity(scene, {"key": "node-pool", "operator": "In", "values": ["general", "general-v1"]})


@way("node_affinity_mismatch")
def label_must_exist(scene: Scene) -> Answer:
    return _affinity(scene, {"key": f"{scene.style.team}.example/dedicated", "operator": "Exists"})


def _selector(scene: Scene, wanted: dict[str, str], how: str = "") -> Answer:
    program = scene.pick(where=_is_deployment)
    _stuck(
        scene, program, lambda one: one.pod_spec.update(nodeSelector=dict(wanted)), {AFFINITY: _open(scene)}, how=how
    )
    return _right("node_selector_mismatch", program)


@way("node_selector_mismatch")
def label_that_no_node_has(scene: Scene) -> Answer:
    for node in scene.workers:
        node.labels["disktype"] = "ssd"
    return _selector(scene, {"disktype": scene.dice.choice(["sdd", "SSD", "nvme-gen4"])})


@way("node_selector_mismatch")
def label_was_lost_with_a_node(scene: Scene) -> Answer:
    """The node that carried the label was replaced; the program was there before and finds no place now."""
    program = scene.pick(where=_is_deployment)
    wanted = {scene.dice.choice(["role", "workload", "tier"]): scene.dice.choice(["apps", "backend", "batch"])}
    for revision in program.revisions:
        revision.template["spec"]["nodeSelector"] = dict(wanted)
    pods = scene.recreate(program, lambda _: None)
    newest = scene.workers[-1]
    newest.created = scene.onset
    _wait(scene, program, pods, {AFFINITY: _open(scene)})
    return _right("node_selector_mismatch", program)


@way("node_selector_mismatch")
def architecture_that_is_none(scene: Scene) -> Answer:
    return _selector(
        scene, {"kubernetes.io/arch": "arm64"} if scene.dice.random() < 0.5 else {"kubernetes.io/os": "windows"}
    )


# --- neighbours ---------------------------------------------------------------------------------------------------------------


def _anti(match: dict[str, str], key: str = "kubernetes.io/hostname") -> Object:
    term = {"labelSelector": {"matchLabels": dict(match)}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@way("pod_anti_affinity_conflict")
def more_replicas_than_nodes(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    for revision in program.revisions:
        revision.template["spec"]["affinity"] = _anti(program.selector)
    scene.recreate(program, lambda _: None, at=scene.ago(days=4))
    program.pods = []
    for node in scene.workers:
        scene.new_pod(program, scene.ago(days=4), node)
    program.replicas = len(scene.workers) + scene.dice.choice([1, 2])
    pods = [scene.new_pod(program, scene.onset) for _ in range(program.replicas - len(program.pods))]
    _wait(scene, program, pods, {"node(s) didn't match pod anti-affinity rules": _open(scene)}, _closed(scene))
    return _right("pod_anti_affinity_conflict", program)


@way("pod_anti_affinity_conflict")
def keeps_away_from_a_program_that_is_everywhere(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    other = scene.pick(
        where=lambda one: one is not program and _is_deployment(one) and one.namespace == program.namespace
    )
    other.pods = []
    for node in scene.workers:
        scene.new_pod(other, scene.ago(days=3), node)
    other.replicas = len(other.pods)
    _stuck(
        scene,
        program,
        lambda one: one.pod_spec.update(affinity=_anti(other.selector)),
        {"node(s) didn't match pod anti-affinity rules": _open(scene)},
        helpless=_closed(scene),
    )
    return _right("pod_anti_affinity_conflict", program)


@way("pod_anti_affinity_conflict")
def surge_has_no_free_node(scene: Scene) -> Answer:
    """As many replicas as nodes, each on its own: a rolling update cannot place even one more."""
    program = scene.pick(where=_is_deployment)
    for revision in program.revisions:
        revision.template["spec"]["affinity"] = _anti(program.selector)
    program.pods = []
    for node in scene.workers:
        scene.new_pod(program, scene.ago(days=9), node)
    program.replicas = len(program.pods)
    program.spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    scene.revise(program, lambda one: one.set_env("RELEASE", "next"), scene.onset)
    pods = [scene.new_pod(program, scene.onset)]
    _wait(scene, program, pods, {"node(s) didn't match pod anti-affinity rules": _open(scene)}, _closed(scene))
    return _right("pod_anti_affinity_conflict", program)


def _spread(program: Program, key: str) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": dict(program.selector)},
    }


@way("topology_spread_unsatisfied")
def nodes_lack_the_topology_label(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    key = scene.dice.choice(["topology.kubernetes.io/rack", "failure-domain.beta.kubernetes.io/zone", "rack"])
    reason = "node(s) didn't match pod topology spread constraints (missing required label)"
    _stuck(
        scene,
        program,
        lambda one: one.pod_spec.update(topologySpreadConstraints=[_spread(program, key)]),
        {reason: _open(scene)},
    )
    return _right("topology_spread_unsatisfied", program)


@way("topology_spread_unsatisfied")
def one_zone_is_full(scene: Scene) -> Answer:
    """Two zones, and the nodes of one are cordoned: one more pod in the other would be one too many."""
    program = scene.pick(where=_is_deployment)
    nodes = scene.workers
    for number, node in enumerate(nodes):
        node.labels["topology.kubernetes.io/zone"] = f"zone-{'ab'[number % 2]}"
    for revision in program.revisions:
        revision.template["spec"]["topologySpreadConstraints"] = [_spread(program, "topology.kubernetes.io/zone")]
    shut = [node for node in nodes if node.labels["topology.kubernetes.io/zone"] == "zone-b"]
    free = [node for node in nodes if node not in shut]
    program.pods = []
    scene.new_pod(program, scene.ago(days=5), free[0])
    for node in shut:
        node.taints.append({"key": "dedicated", "value": "maintenance", "effect": "NoSchedule"})
    program.replicas = 3
    pods = [scene.new_pod(program, scene.onset, free[0]) for _ in range(2)]
    _wait(
        scene,
        program,
        pods,
        {"node(s) didn't match pod topology spread constraints": len(free)},
        len(scene.nodes) - len(free),
    )
    return Answer(
        "topology_spread_unsatisfied", program.component, EITHER, KEEPS, frozenset({"taint_toleration_mismatch"})
    )


# --- taints and cordons -------------------------------------------------------------------------------------------------------


@way("taint_toleration_mismatch")
def all_nodes_were_tainted(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    taint = scene.dice.choice(
        [
            {"key": "dedicated", "value": "infra", "effect": "NoSchedule"},
            {"key": "workload", "value": "batch", "effect": "NoSchedule"},
        ]
    )
    for node in scene.workers:
        node.taints.append(dict(taint))
    pods = scene.recreate(program, lambda _: None)
    _wait(scene, program, pods, {})
    return _right("taint_toleration_mismatch", program)


@way("taint_toleration_mismatch")
def pool_is_selected_but_not_tolerated(scene: Scene) -> Answer:
    return _pool(scene, [])


@way("taint_toleration_mismatch")
def toleration_has_another_value(scene: Scene) -> Answer:
    toleration = {
        "key": "pool",
        "operator": "Equal",
        "value": scene.dice.choice(["memory", "high-mem", "HighMem"]),
        "effect": "NoSchedule",
    }
    return _pool(scene, [toleration])


def _pool(scene: Scene, tolerations: list[Object]) -> Answer:
    program = scene.pick(where=_is_deployment)
    nodes = scene.workers[: max(1, len(scene.workers) // 3)]
    rest = _open(scene) - len(nodes)
    for node in nodes:
        node.labels["pool"] = "highmem"
        node.taints.append({"key": "pool", "value": "highmem", "effect": "NoSchedule"})
    _leave(scene, nodes)

    def edit(one: Program) -> None:
        one.pod_spec["nodeSelector"] = {"pool": "highmem"}
        if tolerations:
            one.pod_spec["tolerations"] = tolerations

    _stuck(scene, program, edit, {AFFINITY: rest})
    return _right("taint_toleration_mismatch", program)


def _leave(scene: Scene, nodes: list[Node]) -> None:
    """Ordinary pods live on the other nodes."""
    free = [node for node in scene.workers if node not in nodes] or scene.nodes
    for program in scene.programs:
        for pod in program.pods:
            if pod.node in nodes:
                pod.node = scene.dice.choice(free)
                pod.ip = scene.address(pod.node)


@way("node_cordon_mismatch")
def its_pool_is_cordoned(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    nodes = scene.workers[: max(1, len(scene.workers) // 3)]
    rest = _open(scene) - len(nodes)
    for node in nodes:
        node.labels["pool"], node.cordoned = "stateful", True
        scene.event(node, "NodeNotSchedulable", f"Node {node.name} status is now: NodeNotSchedulable", type="Normal")
    _leave(scene, nodes)
    for revision in program.revisions:
        revision.template["spec"]["nodeSelector"] = {"pool": "stateful"}
    pods = scene.recreate(program, lambda _: None)
    _wait(scene, program, pods, {AFFINITY: rest})
    return _right("node_cordon_mismatch", program)


@way("node_cordon_mismatch")
def its_only_node_is_cordoned(scene: Scene) -> Answer:
    """Bound by affinity to one host, which somebody took out for maintenance and forgot."""
    program = scene.pick(where=_is_deployment)
    node = scene.dice.choice(scene.workers)
    rest = _open(scene) - 1
    node.cordoned = True
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}]}
    for revision in program.revisions:
        revision.template["spec"]["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        }
    pods = scene.recreate(program, lambda _: None)
    _wait(scene, program, pods, {AFFINITY: rest})
    return _right("node_cordon_mismatch", program)


@way("node_cordon_mismatch")
def every_node_is_cordoned(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    pods = scene.recreate(program, lambda _: None)
    for node in scene.workers:
        node.cordoned = True
    _wait(scene, program, pods, {})
    return _right("node_cordon_mismatch", program)


# --- priority, ports, devices -------------------------------------------------------------------------------------------------


@way("priority_preempted")
def batch_of_higher_priority_came(scene: Scene) -> Answer:
    return _preempted(scene, "critical-batch", 900000)


@way("priority_preempted")
def lowest_class_gives_way(scene: Scene) -> Answer:
    return _preempted(scene, "platform-high", 1000000)


def _preempted(scene: Scene, klass: str, value: int) -> Answer:
    program = scene.pick(where=_is_deployment)
    scene.add(
        "PriorityClass",
        klass,
        api="scheduling.k8s.io/v1",
        value=value,
        globalDefault=False,
        preemptionPolicy="PreemptLowerPriority",
    )
    scene.add(
        "PriorityClass",
        "best-effort",
        api="scheduling.k8s.io/v1",
        value=-10,
        globalDefault=False,
        preemptionPolicy="Never",
    )
    rival = scene.pick(where=lambda one: one is not program and _is_deployment(one))
    for revision in program.revisions:
        revision.template["spec"].update(priorityClassName="best-effort", priority=-10)
    gone = list(program.pods)
    winners = scene.afflict(rival, lambda one: one.pod_spec.update(priorityClassName=klass), how="recreate")
    for pod in rival.pods:
        pod.extra = {"priority": value, "priorityClassName": klass}
    for one, winner in zip(gone, winners * len(gone), strict=False):
        by = f"{winner.namespace}/{winner.name}" if scene.style.minor < 25 else f"pod {winner.uid}"
        node = one.node.name if one.node else ""
        scene.event(one, "Preempted", f"Preempted by {by} on node {node}", by="default-scheduler")
    pods = scene.recreate(program, lambda _: None, at=scene.later(scene.onset, 5, 9))
    for pod in pods:
        pod.extra = {"priority": -10, "preemptionPolicy": "Never"}
    _wait(scene, program, pods, {"Insufficient cpu": _open(scene)}, _closed(scene))
    return Answer("priority_preempted", program.component, frozenset({"objects", "events"}), KEEPS)


@way("host_port_conflict")
def more_replicas_than_nodes_for_a_host_port(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    port = scene.dice.choice([80, 443, 9100, 8125])
    for revision in program.revisions:
        first = revision.template["spec"]["containers"][0]
        first["ports"] = [{"containerPort": program.listens, "hostPort": port, "protocol": "TCP"}]
    program.pods = []
    for node in scene.workers:
        scene.new_pod(program, scene.ago(days=6), node)
    program.replicas = len(program.pods) + 1
    pods = [scene.new_pod(program, scene.onset)]
    _wait(
        scene,
        program,
        pods,
        {"node(s) didn't have free ports for the requested pod ports": _open(scene)},
        _closed(scene),
    )
    return _right("host_port_conflict", program)


@way("host_port_conflict")
def a_daemon_has_the_port_everywhere(scene: Scene) -> Answer:
    daemon = _daemon(scene, 9100)
    program = scene.pick(where=_is_deployment)

    def edit(one: Program) -> None:
        one.container["ports"] = [
            *one.container.get("ports", ()),
            {"name": "exporter", "containerPort": 9100, "hostPort": 9100, "protocol": "TCP"},
        ]

    _stuck(
        scene,
        program,
        edit,
        {"node(s) didn't have free ports for the requested pod ports": _open(scene)},
        helpless=_closed(scene),
    )
    return Answer(
        "host_port_conflict", program.component, EITHER, KEEPS, frozenset(), frozenset({str(daemon.component)})
    )


def _daemon(scene: Scene, port: int) -> Program:
    from tests.evaluation.casebook.model import Revision

    container: Object = {
        "name": "node-exporter",
        "image": "quay.io/prometheus/node-exporter:v1.7.0",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "metrics", "containerPort": port, "hostPort": port, "protocol": "TCP"}],
        "resources": {},
    }
    spec: Object = {
        "containers": [container],
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
    }
    made = Program(
        "monitoring",
        "node-exporter",
        "DaemonSet",
        "agent",
        "go",
        {"metadata": {"labels": {"app": "node-exporter"}}, "spec": spec},
        {"app": "node-exporter"},
        len(scene.nodes),
        scene.ago(days=80),
        port,
    )
    made.revisions = [Revision(1, scene.letters(10), made.template, made.created)]
    for node in scene.nodes:
        scene.new_pod(made, made.created, node)
    scene.agents.append(made)
    return made


def _wants_gpu(one: Program) -> None:
    one.container["resources"] = copy.deepcopy(one.container["resources"])
    one.container["resources"]["limits"]["nvidia.com/gpu"] = "1"
    one.container["resources"]["requests"]["nvidia.com/gpu"] = "1"


@way("gpu_unavailable")
def no_node_has_a_gpu(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    beyond = _closed(scene) if scene.style.minor < 32 else None
    _stuck(scene, program, _wants_gpu, {"Insufficient nvidia.com/gpu": _open(scene)}, helpless=beyond)
    return _right("gpu_unavailable", program)


@way("gpu_unavailable")
def every_gpu_is_taken(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    other = scene.pick(where=lambda one: one is not program and _is_deployment(one))
    node = scene.dice.choice(scene.workers)
    node.allocatable["nvidia.com/gpu"] = "1"
    for revision in other.revisions:
        revision.template["spec"]["containers"] = [
            {**one, "resources": copy.deepcopy(one.get("resources", {}))}
            for one in revision.template["spec"]["containers"]
        ]
    _wants_gpu(other)
    other.replicas = 1
    other.pods = []
    scene.new_pod(other, scene.ago(days=3), node)
    _stuck(scene, program, _wants_gpu, {"Insufficient nvidia.com/gpu": _open(scene)}, helpless=_closed(scene))
    return _right("gpu_unavailable", program)


@way("gpu_unavailable")
def device_plugin_is_gone(scene: Scene) -> Answer:
    """The node has cards, but offers none: its device plugin does not register them."""
    program = scene.pick(where=_is_deployment)
    node = scene.dice.choice(scene.workers)
    node.labels |= {"nvidia.com/gpu.present": "true", "accelerator": "nvidia-t4"}
    node.allocatable["nvidia.com/gpu"] = "0"

    def edit(one: Program) -> None:
        _wants_gpu(one)
        one.pod_spec["nodeSelector"] = {"accelerator": "nvidia-t4"}

    _stuck(
        scene,
        program,
        edit,
        {"Insufficient nvidia.com/gpu": 1, AFFINITY: _open(scene) - 1},
        helpless=len(scene.nodes) - 1,
    )
    return _right("gpu_unavailable", program)
