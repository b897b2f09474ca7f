"""What the roads are walked on: Services with their endpoints, the cluster's name server, policies and nodes, read once for a survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.conditions import Conditions, Kind
from simulator.network.groups import Group, ServiceKey
from simulator.network.handshakes import Mesh
from simulator.network.names import DNS_SERVICE
from simulator.network.policies import Policies, read_policies
from simulator.network.target import Backend
from simulator.objects import Object, is_ready, labels_of, name_of, namespace_of
from simulator.store import Store


@dataclass(frozen=True)
class Endpoint:
    """An address behind a port of a Service; `group` is None where no program of the shop runs."""

    ip: str
    port: int
    uid: str
    group: int | None


@dataclass(frozen=True)
class Landscape:
    services: Mapping[ServiceKey, Object]
    by_ip: Mapping[str, ServiceKey]  # cluster IPs
    endpoints: Mapping[ServiceKey, Object]
    pods: Mapping[str, Object]  # by uid
    groups: list[Group]
    group_of: Mapping[str, int]  # pod uid -> index
    backends: Mapping[ServiceKey, Backend]
    policies: Policies
    unruled: frozenset[str]  # nodes without rules for Services
    zone: str  # that the name server knows
    mesh: Mesh
    now: datetime

    def behind(self, key: ServiceKey, port: Object) -> list[Endpoint]:
        """The ready addresses to which a Service's port leads."""
        found = []
        for subset in (self.endpoints.get(key) or {}).get("subsets") or []:
            numbers = [each["port"] for each in subset.get("ports") or [] if _same_port(each, port)]
            for address in subset.get("addresses") or []:
                uid = (address.get("targetRef") or {}).get("uid", "")
                found += [Endpoint(address["ip"], number, uid, self.group_of.get(uid)) for number in numbers[:1]]
        return found

    def group(self, endpoint: Endpoint) -> Group:
        if endpoint.group is None:
            raise ValueError("nothing of the shop runs at this address")
        return self.groups[endpoint.group]

    def headless(self, key: ServiceKey) -> bool:
        return bool(self.services[key]["spec"].get("clusterIP") == "None")

    def cluster_ip(self, key: ServiceKey) -> str:
        return str(self.services[key]["spec"].get("clusterIP", ""))

    def dns_endpoints(self) -> list[Endpoint]:
        service = self.services.get(DNS_SERVICE)
        ports = [each for each in service["spec"].get("ports") or [] if is_port(each, 53, "UDP")] if service else []
        return self.behind(DNS_SERVICE, ports[0]) if ports else []


def is_port(port: Object, number: int, protocol: str) -> bool:
    return bool(port["port"] == number and port.get("protocol", "TCP") == protocol)


def _same_port(endpoint_port: Object, service_port: Object) -> bool:
    return bool(
        endpoint_port.get("name") == service_port.get("name")
        and endpoint_port.get("protocol", "TCP") == service_port.get("protocol", "TCP")
    )


def read_landscape(
    store: Store,
    conditions: Conditions,
    groups: list[Group],
    group_of: Mapping[str, int],
    backends: Mapping[ServiceKey, Backend],
    now: datetime,
) -> Landscape:
    services = {key_of(each): each for each in store.list("Service")}
    policies = read_policies(store.list("NetworkPolicy"), store.list("Namespace"))
    return Landscape(
        services,
        {str(each["spec"].get("clusterIP", "")): key for key, each in services.items()},
        {key_of(each): each for each in store.list("Endpoints")},
        {each["metadata"]["uid"]: each for each in store.list("Pod")},
        groups,
        group_of,
        backends,
        policies,
        frozenset(unruled_nodes(store, conditions)),
        served_zone(store),
        Mesh(tuple(store.list("PeerAuthentication")), policies.namespaces),
        now,
    )


def key_of(obj: Object) -> ServiceKey:
    return namespace_of(obj), name_of(obj)


def unruled_nodes(store: Store, conditions: Conditions) -> list[str]:
    """Nodes whose rules are lost; a kube-proxy that runs there has written them anew."""
    served = {pod["spec"].get("nodeName") for pod in proxies(store) if is_ready(pod)}
    names = [name_of(node) for node in store.list("Node")]
    return [name for name in names if conditions.holds(Kind.SERVICE_RULES_LOST, name) and name not in served]


def proxies(store: Store) -> list[Object]:
    return [pod for pod in store.list("Pod", "kube-system") if "kube-proxy" in labels_of(pod).values()]


def served_zone(store: Store) -> str:
    """The domain of the Corefile's kubernetes plugin; a cluster without a Corefile has the usual one."""
    corefile = ((store.get("ConfigMap", "kube-system", "coredns") or {}).get("data") or {}).get("Corefile")
    if corefile is None:
        return "cluster.local"
    words = [line.split() for line in str(corefile).splitlines()]
    zones = [line[1] for line in words if len(line) > 1 and line[0] == "kubernetes"]
    return zones[0] if zones else ""
