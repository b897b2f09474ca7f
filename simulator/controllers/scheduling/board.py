"""What the scheduler sees of the cluster at one moment: for each node what is asked of it and which pods it has.

What a pod asks for is what it will need at most at one time: its containers together, or its hungriest init container, plus the overhead
of its runtime. Init containers that stay (restartPolicy Always) count with the containers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.objects import Object, is_deleting, is_finished, name_of, uid_of
from simulator.quantity import quantity
from simulator.store import Store

SMALL = 1e-9
Port = tuple[str, str, int]  # address, protocol, number


@dataclass
class Spot:
    """A node with its pods and what they have been promised."""

    node: Object
    allocatable: dict[str, float]
    pods: list[Object] = field(default_factory=list)
    promised: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.node)

    def free(self, name: str) -> float:
        return self.allocatable.get(name, 0.0) - self.promised.get(name, 0.0)

    def take(self, pod: Object) -> None:
        self.pods.append(pod)
        for name, amount in requests(pod).items():
            self.promised[name] = self.promised.get(name, 0.0) + amount

    def without(self, gone: Iterable[Object]) -> Spot:
        """The same node as it would be without some of its pods."""
        uids = {uid_of(pod) for pod in gone}
        rest = Spot(self.node, self.allocatable)
        for pod in self.pods:
            if uid_of(pod) not in uids:
                rest.take(pod)
        return rest


@dataclass
class Board:
    store: Store
    spots: list[Spot]

    def spot(self, name: str) -> Spot | None:
        return next((each for each in self.spots if each.name == name), None)

    def with_spot(self, changed: Spot) -> Board:
        return Board(self.store, [changed if each.name == changed.name else each for each in self.spots])


def survey(store: Store, pods: list[Object]) -> Board:
    spots = {}
    for node in store.list("Node"):
        allocatable = (node.get("status") or {}).get("allocatable")
        # A node object that no kubelet has reported on has room for nobody.
        if allocatable and not is_deleting(node):
            spots[name_of(node)] = Spot(node, {name: quantity(value) for name, value in allocatable.items()})
    for pod in pods:
        spot = spots.get(pod["spec"].get("nodeName") or "")
        if spot is not None and not is_finished(pod):
            spot.take(pod)
    return Board(store, list(spots.values()))


def requests(pod: Object) -> dict[str, float]:
    """By resource; a container without a request asks for its limit, as the API server fills it in."""
    spec = pod["spec"]
    total: dict[str, float] = {}
    first: dict[str, float] = {}
    for each in spec.get("initContainers") or []:
        own = _requests_of(each)
        if each.get("restartPolicy") == "Always":
            _add(total, own)
            _at_least(first, total)
        else:
            _at_least(first, {name: total.get(name, 0.0) + own.get(name, 0.0) for name in total.keys() | own.keys()})
    for each in spec.get("containers") or []:
        _add(total, _requests_of(each))
    _at_least(total, first)
    _add(total, {name: quantity(value) for name, value in (spec.get("overhead") or {}).items()})
    return {name: total[name] for name in sorted(total)}


def _requests_of(container: Object) -> dict[str, float]:
    resources = container.get("resources") or {}
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: quantity(value) for name, value in wanted.items()}


def _add(total: dict[str, float], more: dict[str, float]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0.0) + amount


def _at_least(total: dict[str, float], least: dict[str, float]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0.0), amount)


def host_ports(pod: Object) -> list[Port]:
    return [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"), int(port["hostPort"]))  # noqa: S104
        for each in pod["spec"].get("containers") or []
        for port in each.get("ports") or []
        if port.get("hostPort")
    ]


def claims_of(pod: Object) -> list[str]:
    volumes = pod["spec"].get("volumes") or []
    named = [
        str(each["persistentVolumeClaim"].get("claimName", "")) for each in volumes if "persistentVolumeClaim" in each
    ]
    return named + [f"{name_of(pod)}-{each['name']}" for each in volumes if "ephemeral" in each]


def priority(pod: Object) -> int:
    return int(pod["spec"].get("priority") or 0)
