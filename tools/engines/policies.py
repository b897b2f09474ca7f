"""What NetworkPolicies let through, by their own rules: whoever is selected in a direction is closed but for what some policy allows.

What cannot be known from what was read (the labels of a namespace, the address of a pod, the number of a named port) is taken as allowed,
so that only what is certainly blocked accuses.
"""

import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tools.engines.crowding import matches
from tools.engines.objects import (
    Object,
    dig,
    listed,
    mapping,
    namespace_of,
    number_in,
    rows,
    whole,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

Direction = Literal["ingress", "egress"]
_PEERS: dict[Direction, str] = {"ingress": "from", "egress": "to"}
PLACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Port:
    number: int | None
    names: frozenset[str] = frozenset()
    protocol: str = "TCP"


class Policies:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _by_namespace(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = defaultdict(list)
        for policy in self._snapshot.of("NetworkPolicy"):
            found[namespace_of(policy)].append(policy)
        return found

    def closing(self, program: Program, direction: Direction) -> list[Object]:
        """The policies that select a program in a direction."""
        return [
            policy
            for policy in self._by_namespace.get(program.namespace, ())
            if direction in _types(policy) and matches(mapping(policy, "spec", "podSelector"), program.labels)
        ]

    def blocks(self, program: Program, direction: Direction, other: Program, ports: list[Port]) -> list[Object]:
        """The policies that together keep the two apart; none where the way is open."""
        closing = self.closing(program, direction)
        return [] if any(self._lets(policy, direction, other, ports) for policy in closing) else closing

    def _lets(self, policy: Object, direction: Direction, other: Program, ports: list[Port]) -> bool:
        return any(
            _is_open_at(rule, ports) and self._names(policy, rule.get(_PEERS[direction]), other)
            for rule in rows(policy, "spec", direction)
        )

    def _names(self, policy: Object, peers: Any, other: Program) -> bool:
        if not peers:
            return True
        return any(self._is_peer(policy, peer, other) for peer in peers if isinstance(peer, dict))

    def _is_peer(self, policy: Object, peer: Object, other: Program) -> bool:
        if isinstance(peer.get("ipBlock"), dict):
            return _in_block(peer["ipBlock"], other)
        place = peer.get("namespaceSelector")
        if place is None and other.namespace != namespace_of(policy):
            return False
        if isinstance(place, dict) and not self._is_in(place, other.namespace):
            return False
        pods = peer.get("podSelector")
        return not isinstance(pods, dict) or matches(pods, other.labels)

    def _is_in(self, selector: Object, namespace: str) -> bool:
        known = self._snapshot.get("Namespace", None, namespace)
        labels = {PLACE: namespace, **mapping(known, "metadata", "labels")}
        asked = {*mapping(selector, "matchLabels"), *(row.get("key") for row in rows(selector, "matchExpressions"))}
        return matches(selector, labels) or (known is None and not asked <= {PLACE})


def _types(policy: Object) -> set[str]:
    told = dig(policy, "spec", "policyTypes")
    if isinstance(told, list):
        return {str(one).lower() for one in told}
    return {"ingress", "egress"} if rows(policy, "spec", "egress") else {"ingress"}


def _is_open_at(rule: Object, ports: list[Port]) -> bool:
    allowed = rows(rule, "ports")
    return not allowed or not ports or any(_fits(row, port) for row in allowed for port in ports)


def _fits(row: Object, port: Port) -> bool:
    if str(row.get("protocol") or "TCP") != port.protocol:
        return False
    wanted, last = row.get("port"), whole(row.get("endPort"))
    if wanted is None or (port.number is None and not port.names):
        return True
    number = number_in(wanted) if isinstance(wanted, str) else whole(wanted)
    if number is None:
        return wanted in port.names if isinstance(wanted, str) else True
    return port.number is None or number <= port.number <= (last or number)


def _in_block(block: Object, other: Program) -> bool:
    addresses = [dig(pod, "status", "podIP") for pod in other.pods]
    try:
        wide = ipaddress.ip_network(str(block.get("cidr")), strict=False)
        apart = [ipaddress.ip_network(str(one), strict=False) for one in listed(block, "except")]
        found = [ipaddress.ip_address(one) for one in addresses if isinstance(one, str)]
    except (ValueError, TypeError):
        return True
    return not found or any(one in wide and not any(one in part for part in apart) for one in found)


def ports_behind(service: Object, program: Program) -> list[Port]:
    """At which ports of a program's pods a Service's callers arrive."""
    named = {
        str(row.get("name")): whole(row.get("containerPort"))
        for container in program.containers
        for row in rows(container, "ports")
        if row.get("name")
    }
    found = []
    for row in rows(service, "spec", "ports"):
        target = row.get("targetPort") or row.get("port")
        number = (named.get(target) or number_in(target)) if isinstance(target, str) else (whole(target) or 0)
        names = frozenset(name for name, port in named.items() if name == target or (port and port == number))
        found.append(Port(number, names, str(row.get("protocol") or "TCP")))
    return found
