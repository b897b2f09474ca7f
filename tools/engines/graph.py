"""Who suffers when something breaks: workload -> the Services in front of it -> the workloads that call them, and so on outwards.

Callers are known in four ways: an address in a container's environment that names a Service, the call counts of a service graph where there
is one, a log that names the Service whose calls fail, and a driver that complains and names its kind of server where there is but one. Each
is enough for an edge. The graph is what turns "five components are failing" into "one is, four suffer from it".
"""

from collections import defaultdict, deque
from functools import cached_property

from tools.engines.addresses import Address, addresses, meant
from tools.engines.diagnosis import Component
from tools.engines.drivers import ports_of_drivers
from tools.engines.objects import (
    Object,
    component,
    dig,
    name_of,
    namespace_of,
    rows,
    whole,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

# Sentences of a log that name who was called.
CALLS = (
    "refused",
    "timed_out",
    "reset",
    "no_route",
    "unreachable",
    "unavailable",
    "upstream_unavailable",
    "no_such_host",
    "dns_unavailable",
)
# And of drivers, which often do not.
DRIVEN = ("communications_link_failure", "too_many_connections", "pool_exhausted", "lock_wait", "slow_query")


class Graph:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._addresses: dict[Component, list[Address]] = {}
        self._reach: dict[tuple[Component, ...], dict[Component, int]] = {}

    @cached_property
    def _sufferers(self) -> dict[Component, list[Component]]:
        edges: dict[Component, list[Component]] = defaultdict(list)
        for service in self._snapshot.of("Service"):
            for program in self._snapshot.programs_behind(service):
                edges[program.component].append(component(service))
        for caller, called in self.calls:
            edges[called].append(caller)
        return edges

    @cached_property
    def calls(self) -> set[tuple[Component, Component]]:
        """Pairs of a calling workload and a Service that it calls."""
        return self._by_address() | self._by_traffic() | self._by_logs() | self._by_drivers()

    @cached_property
    def _callers(self) -> dict[Component, list[Component]]:
        found: dict[Component, list[Component]] = defaultdict(list)
        for caller, called in sorted(self.calls, key=str):
            found[called].append(caller)
        return found

    @cached_property
    def _calls_by_name(self) -> dict[tuple[str, str], list[Component]]:
        found: dict[tuple[str, str], list[Component]] = defaultdict(list)
        for caller, called in sorted(self.calls, key=str):
            found[(caller.name, called.name)].append(caller)
        return found

    def callers_of(self, service: Component) -> list[Component]:
        return sorted(self._callers.get(service, ()), key=str)

    def callers_named(self, client: str, server: str) -> list[Component]:
        """A service graph's names: the workloads called `client` that call a Service called `server`."""
        return self._calls_by_name.get((client, server), [])

    def called_as(self, caller: Component, server: str) -> Component | None:
        """The Service of that name that a workload calls."""
        return self._called.get((caller, server))

    @cached_property
    def _called(self) -> dict[tuple[Component, str], Component]:
        return {(caller, called.name): called for caller, called in sorted(self.calls, key=str)}

    def suffering(self, *starts: Component) -> list[Component]:
        """Everything outwards of these, nearest first, without themselves."""
        return list(self._outwards(starts))

    def suffers(self, one: Component, *starts: Component) -> bool:
        """Whether it stands outwards of these."""
        return one in self._outwards(starts)

    def steps(self, one: Component, *starts: Component) -> int | None:
        """How many steps outwards of these it stands; 0 for one of them, None where it does not suffer from them."""
        return 0 if one in starts else self._outwards(starts).get(one)

    def _outwards(self, starts: tuple[Component, ...]) -> dict[Component, int]:
        """With the number of steps to each."""
        # Asked for one cause as often as there are symptoms, so each answer is worked out once.
        if starts not in self._reach:
            seen, queue = dict.fromkeys(starts, 0), deque(starts)
            while queue:
                one = queue.popleft()
                for harmed in self._sufferers.get(one, ()):
                    if harmed not in seen:
                        seen[harmed] = seen[one] + 1
                        queue.append(harmed)
            self._reach[starts] = {one: steps for one, steps in seen.items() if one not in starts}
        return self._reach[starts]

    def workload_of(self, pod: Object) -> Component:
        """The workload that made a pod, as far up as its owners are known; the pod itself where it has none."""
        return self._snapshot.maker_of(pod)

    def backing(self, service: Object) -> list[Component]:
        """The workloads whose pods a Service's selector means."""
        return [program.component for program in self._snapshot.programs_behind(service)]

    def _by_address(self) -> set[tuple[Component, Component]]:
        return {
            (program.component, component(target.service))
            for program in self._snapshot.programs
            for address in self.addresses_of(program)
            if (target := meant(self._snapshot, address, program.namespace)).service
            and program not in self._snapshot.programs_behind(target.service)
        }

    def _by_logs(self) -> set[tuple[Component, Component]]:
        """What a program's log names as called, wherever it was told to."""
        addresses = {str(dig(one, "spec", "clusterIP")): one for one in self._snapshot.of("Service")}
        found = set()
        for program in self._snapshot.speakers:
            hosts = {
                one.target.rpartition(":")[0] or one.target
                for _, log in self._snapshot.logs_of(program)
                for one in log.said(*CALLS)
            }
            for host in hosts - {""}:
                named = Address(host, None, "")
                service = addresses.get(host) or (
                    None if host[0].isdigit() else meant(self._snapshot, named, program.namespace).service
                )
                if service and program not in self._snapshot.programs_behind(service):
                    found.add((program.component, component(service)))
        return found

    def _by_drivers(self) -> set[tuple[Component, Component]]:
        """A driver that complains names its kind of server; where there is one of that kind, it is meant."""
        found = set()
        for program in self._snapshot.speakers:
            texts = (one.text for _, log in self._snapshot.logs_of(program) for one in log.said(*CALLS, *DRIVEN))
            for port in dict.fromkeys(port for text in texts for port in ports_of_drivers(text)):
                service = self._only_server(port, program.namespace)
                if service and program not in self._snapshot.programs_behind(service):
                    found.add((program.component, component(service)))
        return found

    def _only_server(self, port: int, namespace: str) -> Object | None:
        """The one program that serves a port, in the namespace or else anywhere, by one of its Services."""
        every = self._by_port.get(port, [])
        for services in ([one for one in every if namespace_of(one) == namespace], every):
            behind = {one.component for service in services for one in self._snapshot.programs_behind(service)}
            if behind:
                return services[0] if len(behind) == 1 else None
        return None

    @cached_property
    def _by_port(self) -> dict[int, list[Object]]:
        found: dict[int, list[Object]] = defaultdict(list)
        for service in self._snapshot.of("Service"):
            for port in dict.fromkeys(whole(row.get("port")) for row in rows(service, "spec", "ports")):
                if port is not None and self._snapshot.programs_behind(service):
                    found[port].append(service)
        return found

    def addresses_of(self, program: Program) -> list[Address]:
        """Where a program is told to call; read once, because files are long and many ask."""
        if program.component not in self._addresses:
            self._addresses[program.component] = addresses(self._snapshot, program)
        return self._addresses[program.component]

    def backing_of(self, service: Component) -> list[Component]:
        obj = self._snapshot.get("Service", service.namespace, service.name)
        return self.backing(obj) if obj else []

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
        return behind or self._named.get(name, [])

    @cached_property
    def _named(self) -> dict[str, list[Component]]:
        found: dict[str, list[Component]] = defaultdict(list)
        for program in self._snapshot.programs:
            found[program.name].append(program.component)
        return found


def _meant(services: list[Object], namespace: str | None) -> Object | None:
    """A service graph gives names without places: the caller's own namespace first, another only where no two bear the name."""
    own = next((service for service in services if namespace_of(service) == namespace), None)
    return own or (services[0] if len(services) == 1 else None)
