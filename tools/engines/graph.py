"""Who suffers when something breaks: workload -> the Services in front of it -> the workloads that call them, and so on outwards.

Callers are known in two ways: an address in a container's environment that names a Service, and the call counts of a service graph where
there is one. Either is enough for an edge. The graph is what turns "five components are failing" into "one is, four suffer from it".
"""

import re
from collections import defaultdict, deque
from functools import cached_property

from tools.engines.diagnosis import Component
from tools.engines.snapshot import (
    Object,
    Snapshot,
    component,
    containers,
    kind_of,
    mapping,
    name_of,
    namespace_of,
    rows,
    selects,
    template_labels,
)

_HOST = re.compile(r"(?:^|//|@|[,;\s])([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?=$|[:/,;?\s])")
_ADDRESS_NAME = re.compile(
    r"(?i)(host|addr|address|url|uri|dsn|endpoint|server|servers|service|brokers?|upstream|target)$"
)


class Graph:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _sufferers(self) -> dict[Component, list[Component]]:
        edges: dict[Component, list[Component]] = defaultdict(list)
        for workload in self._snapshot.workloads():
            for service in self._snapshot.services_of(workload):
                edges[component(workload)].append(component(service))
        for caller, called in self.calls:
            edges[called].append(caller)
        return edges

    @cached_property
    def calls(self) -> set[tuple[Component, Component]]:
        """Pairs of a calling workload and a Service that it calls."""
        return self._by_address() | self._by_traffic()

    def callers_of(self, service: Component) -> list[Component]:
        return sorted({caller for caller, called in self.calls if called == service}, key=str)

    def callees_of(self, workload: Component) -> list[Component]:
        return sorted({called for caller, called in self.calls if caller == workload}, key=str)

    def suffering(self, *starts: Component) -> list[Component]:
        """Everything outwards of these, nearest first, without themselves."""
        seen, queue, found = set(starts), deque(starts), []
        while queue:
            for harmed in self._sufferers.get(queue.popleft(), ()):
                if harmed not in seen:
                    seen.add(harmed)
                    found.append(harmed)
                    queue.append(harmed)
        return found

    def workload_of(self, obj: Object) -> Component:
        """The workload that made a pod, as far up as its owners are known; the object itself where it has none."""
        while True:
            owner = next((row for row in rows(obj, "metadata", "ownerReferences") if row.get("controller")), None)
            if owner is None:
                return component(obj)
            parent = self._snapshot.get(str(owner.get("kind")), namespace_of(obj), str(owner.get("name")))
            if parent is None or kind_of(parent) == "Node":
                return Component(kind=str(owner.get("kind")), namespace=namespace_of(obj), name=str(owner.get("name")))
            obj = parent

    def backing(self, service: Object) -> list[Component]:
        """The workloads whose pods a Service's selector means."""
        selector = mapping(service, "spec", "selector")
        return [
            component(workload)
            for workload in self._snapshot.workloads()
            if namespace_of(workload) == namespace_of(service) and selects(selector, template_labels(workload))
        ]

    def _by_address(self) -> set[tuple[Component, Component]]:
        return {
            (component(workload), called)
            for workload in self._snapshot.workloads()
            for container in containers(workload)
            for variable in rows(container, "env")
            for called in self._named_in(variable, namespace_of(workload))
            if component(workload) not in self.backing_of(called)
        }

    def backing_of(self, service: Component) -> list[Component]:
        obj = self._snapshot.get("Service", service.namespace, service.name)
        return self.backing(obj) if obj else []

    def _named_in(self, variable: Object, namespace: str) -> list[Component]:
        value, name = variable.get("value"), str(variable.get("name") or "")
        if not isinstance(value, str) or len(value) > 2000:
            return []
        if "://" not in value and ":" not in value and "." not in value and not _ADDRESS_NAME.search(name):
            return []
        found = (self._service(host, namespace) for host in _HOST.findall(value))
        return [service for service in found if service]

    def _service(self, host: str, namespace: str) -> Component | None:
        labels = host.split(".")
        place = labels[1] if len(labels) > 1 else namespace
        obj = self._snapshot.get("Service", place, labels[0])
        return component(obj) if obj else None

    def _by_traffic(self) -> set[tuple[Component, Component]]:
        pairs = {
            (series.labels.get("client", ""), series.labels.get("server", ""))
            for series in self._snapshot.series("calls")
        }
        named: dict[str, list[Object]] = defaultdict(list)
        for service in self._snapshot.of("Service"):
            named[name_of(service)].append(service)
        edges = set()
        for client, server in pairs:
            for caller in self._program(client, named):
                called = _meant(named.get(server, []), caller.namespace)
                if called and caller not in self.backing(called):
                    edges.add((caller, component(called)))
        return edges

    def _program(self, name: str, services: dict[str, list[Object]]) -> list[Component]:
        behind = [workload for service in services.get(name, ()) for workload in self.backing(service)]
        return behind or [component(workload) for workload in self._snapshot.workloads() if name_of(workload) == name]


def _meant(services: list[Object], namespace: str | None) -> Object | None:
    """A service graph gives names without places: the caller's own namespace first, another only where no two bear the name."""
    own = next((service for service in services if namespace_of(service) == namespace), None)
    return own or (services[0] if len(services) == 1 else None)
