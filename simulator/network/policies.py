"""NetworkPolicies: whom a pod may call and who may call it.

A pod that no policy selects for a direction is open in that direction; one that some policy selects is open only to what a rule of one of
them allows. A packet that is not allowed is dropped, so the caller learns nothing until its patience ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from simulator.objects import Object, label_selector_matches, labels_of, namespace_of

Direction = Literal["Ingress", "Egress"]


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, or an address outside the cluster."""

    ip: str
    pod: Object | None = None


@dataclass(frozen=True)
class Policies:
    by_namespace: Mapping[str, tuple[Object, ...]]
    namespaces: Mapping[str, Mapping[str, str]]  # name -> labels

    @property
    def is_empty(self) -> bool:
        return not self.by_namespace

    def allow(self, source: End, target: End, port: int, protocol: str) -> bool:
        return self._open(source, target, target, port, protocol, "Egress") and self._open(
            target, source, target, port, protocol, "Ingress"
        )

    def _open(self, own: End, peer: End, target: End, port: int, protocol: str, way: Direction) -> bool:
        if own.pod is None:
            return True
        chosen = self.selecting(own.pod, way)
        return not chosen or any(self._permits(each, peer, target, port, protocol, way) for each in chosen)

    def selecting(self, pod: Object, way: Direction) -> list[Object]:
        of_namespace = self.by_namespace.get(namespace_of(pod), ())
        return [
            policy
            for policy in of_namespace
            if way in _types(policy["spec"]) and _selects(policy["spec"].get("podSelector"), labels_of(pod))
        ]

    def _permits(self, policy: Object, peer: End, target: End, port: int, protocol: str, way: Direction) -> bool:
        rules, of_peer = ("ingress", "from") if way == "Ingress" else ("egress", "to")
        return any(
            _port_fits(rule.get("ports"), target, port, protocol)
            and self._peer_fits(rule.get(of_peer), peer, namespace_of(policy))
            for rule in policy["spec"].get(rules) or []
        )

    def _peer_fits(self, peers: Iterable[Object] | None, end: End, namespace: str) -> bool:
        return not peers or any(self._is_peer(peer, end, namespace) for peer in peers)

    def _is_peer(self, peer: Object, end: End, namespace: str) -> bool:
        if "ipBlock" in peer:
            return _in_block(peer["ipBlock"], end.ip)
        if end.pod is None:
            return False
        home = namespace_of(end.pod)
        wanted = peer.get("namespaceSelector")
        is_there = home == namespace if wanted is None else _selects(wanted, self.namespaces.get(home, {}))
        return is_there and ("podSelector" not in peer or _selects(peer["podSelector"], labels_of(end.pod)))


def read_policies(policies: Iterable[Object], namespaces: Iterable[Object]) -> Policies:
    found: dict[str, list[Object]] = {}
    for policy in policies:
        found.setdefault(namespace_of(policy), []).append(policy)
    return Policies(
        {name: tuple(each) for name, each in found.items()},
        {each["metadata"]["name"]: _namespace_labels(each) for each in namespaces},
    )


def _namespace_labels(namespace: Object) -> Mapping[str, str]:
    return {"kubernetes.io/metadata.name": namespace["metadata"]["name"], **labels_of(namespace)}


def _selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """As a policy means it: an empty selector is everybody."""
    return not selector or label_selector_matches(selector, labels)


def _types(spec: Object) -> list[str]:
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _in_block(block: Object, ip: str) -> bool:
    address = ip_address(ip)
    return address in ip_network(block["cidr"], strict=False) and not any(
        address in ip_network(each, strict=False) for each in block.get("except") or []
    )


def _port_fits(ports: Iterable[Object] | None, target: End, port: int, protocol: str) -> bool:
    return not ports or any(_is_port(each, target, port, protocol) for each in ports)


def _is_port(rule: Object, target: End, port: int, protocol: str) -> bool:
    if rule.get("protocol", "TCP") != protocol:
        return False
    named = rule.get("port")
    if named is None:
        return True
    if not isinstance(named, int):
        return port in _named_ports(target.pod, str(named))
    return int(named) <= port <= int(rule.get("endPort", named))


def _named_ports(pod: Object | None, name: str) -> list[int]:
    containers = pod["spec"]["containers"] if pod else []
    ports = [port for container in containers for port in container.get("ports") or []]
    return [int(port["containerPort"]) for port in ports if port.get("name") == name]
