"""Rules of a workload that no node satisfies: sizes, selectors, affinities, taints, spread, ports, devices.

Each changes the pod template as a careless person would; the old pods go on running and the new one waits, with the scheduler's reasons by
node.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import ClassVar

from simulator.controllers.node_rules import taints_of
from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    Repair,
    existing,
    first_container,
    is_fully_available,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import Edit, change
from simulator.objects import Object, labels_of, name_of, with_metadata, with_spec
from simulator.quantity import quantity
from simulator.world import World

HOSTNAME = "kubernetes.io/hostname"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


class Misplaced(Fault):
    category = "scheduling"
    repairs: ClassVar[tuple[Repair, ...]] = ("rollback", "patch_workload")

    @abstractmethod
    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        """The Deployment as it was carelessly changed, and what was done to it."""

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        changed, said = self.misplace(world, deployment, parameters)
        edits = self.around(world, changed)
        return Injection(said, (*edits, change(world.store, "Deployment", deployment, changed)))

    def around(self, world: World, changed: Object) -> tuple[Edit, ...]:  # noqa: ARG002  # most need nothing more
        """What else has to be so."""
        return ()

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)


def workers(world: World) -> list[Object]:
    return [node for node in world.store.list("Node") if CONTROL_PLANE not in labels_of(node)]


def _with_request(deployment: Object, name: str, amount: str) -> Object:
    """A request, and no limit below it."""
    container = first_container(deployment)
    resources = container.get("resources") or {}
    limits = dict(resources.get("limits") or {})
    if name in limits:
        limits[name] = amount
    requests = {**(resources.get("requests") or {}), name: amount}
    return with_container(deployment, {**container, "resources": {**resources, "requests": requests, "limits": limits}})


def _most(world: World, name: str) -> float:
    return max(quantity(node["status"]["allocatable"][name]) for node in workers(world))


class CpuCapacityMismatch(Misplaced):
    id = "cpu_capacity_mismatch"
    title = "A Deployment asks for more CPU than any node has"
    parameters = (Parameter("cpu", "text", "the request to set", "two cores more than the largest node has"),)

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        amount = str(parameters.get("cpu") or int(_most(world, "cpu")) + 3)
        return _with_request(deployment, "cpu", amount), f"CPU request set to {amount}"


class MemoryCapacityMismatch(Misplaced):
    id = "memory_capacity_mismatch"
    title = "A Deployment asks for more memory than any node has"
    parameters = (Parameter("memory", "text", "the request to set", "twice what the largest node has"),)

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        amount = str(parameters.get("memory") or f"{2 * int(_most(world, 'memory') / 2**30)}Gi")
        return _with_request(deployment, "memory", amount), f"memory request set to {amount}"


class GpuUnavailable(Misplaced):
    id = "gpu_unavailable"
    title = "A Deployment asks for a device that no node has"
    parameters = (Parameter("resource", "text", "the device", "nvidia.com/gpu"),)

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        name = str(parameters.get("resource", "nvidia.com/gpu"))
        if any(name in node["status"]["allocatable"] for node in workers(world)):
            raise Refused(f"params: some node has {name!r}")
        container = first_container(deployment)
        resources = container.get("resources") or {}
        asked = {each: {**(resources.get(each) or {}), name: "1"} for each in ("requests", "limits")}
        return with_container(deployment, {**container, "resources": asked}), f"one {name} asked for"


class NodeSelectorMismatch(Misplaced):
    id = "node_selector_mismatch"
    title = "A Deployment's node selector names a label that no node has"
    parameters = (
        Parameter("label", "text", "the label to ask for", "disktype"),
        Parameter("value", "text", "its value", "ssd"),
    )

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        label, value = str(parameters.get("label", "disktype")), str(parameters.get("value", "ssd"))
        if any(labels_of(node).get(label) == value for node in workers(world)):
            raise Refused(f"params: some node has {label}={value}")
        known = deployment["spec"]["template"]["spec"].get("nodeSelector") or {}
        return with_pod_spec(deployment, nodeSelector={**known, label: value}), f"node selector {label}={value} set"


def _with_affinity(deployment: Object, kind: str, rules: Object) -> Object:
    known = deployment["spec"]["template"]["spec"].get("affinity") or {}
    return with_pod_spec(deployment, affinity={**known, kind: rules})


class NodeAffinityMismatch(Misplaced):
    id = "node_affinity_mismatch"
    title = "A Deployment's required node affinity holds on no node"
    parameters = (
        Parameter("label", "text", "the label in question", "topology.kubernetes.io/zone"),
        Parameter("value", "text", "the value that it has to have", "one that no node has"),
    )

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        label = str(parameters.get("label", "topology.kubernetes.io/zone"))
        present = sorted({labels_of(node).get(label, "") for node in workers(world)})
        value = str(parameters.get("value") or f"{present[-1] or 'zone'}-2")
        if value in present:
            raise Refused(f"params: some node has {label}={value}")
        term = {"matchExpressions": [{"key": label, "operator": "In", "values": [value]}]}
        rules = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        return _with_affinity(deployment, "nodeAffinity", rules), f"node affinity to {label} in ({value}) required"


class PodAntiAffinityConflict(Misplaced):
    id = "pod_anti_affinity_conflict"
    title = "A Deployment's pods may not be where any pod of the shop is"

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:  # noqa: ARG002
        label = {"app.kubernetes.io/part-of": world.shop.name}
        term = {"labelSelector": {"matchLabels": label}, "namespaceSelector": {}, "topologyKey": HOSTNAME}
        rules = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        return _with_affinity(
            deployment, "podAntiAffinity", rules
        ), "anti-affinity to every pod of the shop by host required"


class TopologySpreadUnsatisfied(Misplaced):
    id = "topology_spread_unsatisfied"
    title = "A Deployment has to spread over a topology that the nodes do not have"
    parameters = (Parameter("topology_key", "text", "the label of the topology", "topology.kubernetes.io/rack"),)

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:
        key = str(parameters.get("topology_key", "topology.kubernetes.io/rack"))
        if any(key in labels_of(node) for node in workers(world)):
            raise Refused(f"params: some node has the label {key!r}")
        constraint = {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": deployment["spec"]["selector"],
        }
        return with_pod_spec(deployment, topologySpreadConstraints=[constraint]), f"even spread over {key} required"


class HostPortConflict(Misplaced):
    id = "host_port_conflict"
    title = "A Deployment wants a port of the node that something has on every node"

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:  # noqa: ARG002
        taken = _taken_everywhere(world)
        if not taken:
            raise Refused("target: no port is taken on every node")
        container = first_container(deployment)
        ports = [dict(each) for each in container.get("ports") or [{"containerPort": taken[0]}]]
        ports[0]["hostPort"] = taken[0]
        return with_container(deployment, {**container, "ports": ports}), f"host port {taken[0]} asked for"

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and bool(_taken_everywhere(world))


def _taken_everywhere(world: World) -> list[int]:
    taken: dict[int, set[str]] = {}
    for pod in world.store.list("Pod"):
        for container in pod["spec"]["containers"]:
            for port in container.get("ports") or []:
                if port.get("hostPort"):
                    taken.setdefault(int(port["hostPort"]), set()).add(str(pod["spec"].get("nodeName")))
    names = {name_of(node) for node in workers(world)}
    return sorted(port for port, nodes in taken.items() if names <= nodes)


class _OnOneNode(Misplaced):
    """The rule leads to one node, and something keeps the pods away from it."""

    @abstractmethod
    def prepare(self, node: Object) -> Object:
        """The node as it is made unfit."""

    def around(self, world: World, changed: Object) -> tuple[Edit, ...]:
        node = _chosen(world, changed)
        return (change(world.store, "Node", node, self.prepare(node)),)


def _chosen(world: World, deployment: Object) -> Object:
    """A worker that already takes part in the deployment's selector, else the last of them by name."""
    wanted = deployment["spec"]["template"]["spec"]["nodeSelector"].get(HOSTNAME)
    found = [node for node in workers(world) if wanted in (None, name_of(node))]
    return found[-1]


class TaintTolerationMismatch(_OnOneNode):
    id = "taint_toleration_mismatch"
    title = "A Deployment belongs on a pool of nodes and does not tolerate the pool's taint"

    def prepare(self, node: Object) -> Object:
        taint = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
        labelled = with_metadata(node, labels={**labels_of(node), "pool": "batch"})
        return with_spec(labelled, taints=[*taints_of(node), taint])

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:  # noqa: ARG002
        toleration = {"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}
        changed = with_pod_spec(deployment, nodeSelector={"pool": "batch"}, tolerations=[toleration])
        return changed, "sent to the pool batch with a toleration for dedicated=web"


class NodeCordonMismatch(_OnOneNode):
    id = "node_cordon_mismatch"
    title = "A Deployment is tied to a node that is cordoned"
    repairs = ("patch_workload", "rollback", "uncordon")

    def prepare(self, node: Object) -> Object:
        return with_spec(node, unschedulable=True)

    def misplace(self, world: World, deployment: Object, parameters: Parameters) -> tuple[Object, str]:  # noqa: ARG002
        node = name_of(workers(world)[-1])
        return with_pod_spec(deployment, nodeSelector={HOSTNAME: node}), f"tied to {node}, which is cordoned"
