"""Who calls whom and what runs where, as plain names: what a snapshot's graph knows, made small enough to be kept.

A place is a namespace and a workload's name. Calls go to the workloads behind a Service; a Service with nothing behind it, which may be
the very trouble, stands for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.engines.diagnosis import Component
from tools.engines.graph import Graph
from tools.engines.objects import component, dig, name_of, namespace_of
from tools.engines.snapshot import Snapshot

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Topology:
    calls: frozenset[tuple[Place, Place]] = frozenset()
    """Pairs of a caller and what it calls."""
    runs_on: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    """The nodes of each workload."""
    makers: Mapping[Place, Place] = field(default_factory=dict)
    """The workload of each pod."""
    behind: Mapping[Place, Place] = field(default_factory=dict)
    """The workload behind each Service that has just one."""
    missing: tuple[str, ...] = ()
    """What could not be read, in sentences."""


def topology_of(snapshot: Snapshot) -> Topology:
    graph = Graph(snapshot)
    services = {
        component(service): [_place(one) for one in graph.backing(service)] for service in snapshot.of("Service")
    }
    makers: dict[Place, Place] = {}
    nodes: dict[Place, set[str]] = {}
    for pod in snapshot.of("Pod"):
        maker = makers[namespace_of(pod), name_of(pod)] = _place(snapshot.maker_of(pod))
        if node := str(dig(pod, "spec", "nodeName") or ""):
            nodes.setdefault(maker, set()).add(node)
    return Topology(
        calls=frozenset(
            (_place(caller), called)
            for caller, service in graph.calls
            for called in services.get(service) or [_place(service)]
            if called != _place(caller)
        ),
        runs_on={place: frozenset(there) for place, there in nodes.items()},
        makers=makers,
        behind={_place(service): there[0] for service, there in services.items() if len(there) == 1},
        missing=tuple(f"{gap.what}: {gap.why}" for gap in snapshot.gaps),
    )


def _place(one: Component) -> Place:
    return one.namespace or "", one.name
