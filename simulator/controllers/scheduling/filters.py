"""Why a node cannot take a pod, in the order and the words of the scheduler's plugins.

A node is asked plugin by plugin and counted for the first that refuses; only resources may give several reasons at once. A refusal that
would stand even if every other pod left the node is `final`: preemption does not help there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.controllers.node_rules import UNSCHEDULABLE, allows, tolerates, untolerated
from simulator.controllers.scheduling import claims, neighbours
from simulator.controllers.scheduling.board import SMALL, Board, Port, Spot, host_ports, requests
from simulator.objects import Object

UNITS = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True)
class Refusal:
    reasons: tuple[str, ...]
    final: bool = False


Filter = Callable[[Board, Spot, Object], Refusal | None]


def refusal(board: Board, spot: Spot, pod: Object) -> Refusal | None:
    for plugin in FILTERS:
        refused = plugin(board, spot, pod)
        if refused is not None:
            return refused
    return None


def _final(*reasons: str) -> Refusal:
    return Refusal(reasons, final=True)


def _pinned(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    """A rule on the node's name (that of daemon pods) narrows the nodes before any other plugin is asked."""
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get(neighbours.REQUIRED) or {}).get("nodeSelectorTerms") or []
    if not terms or not all(term.get("matchFields") for term in terms):
        return None
    names = {name for term in terms for field in term["matchFields"] for name in field.get("values") or []}
    return None if spot.name in names else _final("node(s) didn't satisfy plugin(s) [NodeAffinity]")


def _unschedulable(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    is_cordoned = bool((spot.node.get("spec") or {}).get("unschedulable"))
    return _final("node(s) were unschedulable") if is_cordoned and not tolerates(pod["spec"], UNSCHEDULABLE) else None


def _tainted(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    taint = untolerated(pod["spec"], spot.node)
    if taint is None:
        return None
    return _final(f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}")


def _not_chosen(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    return None if allows(pod["spec"], spot.node) else _final("node(s) didn't match Pod's node affinity/selector")


def _ports_taken(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    taken = [port for other in spot.pods for port in host_ports(other)]
    if any(_collide(port, other) for port in host_ports(pod) for other in taken):
        return Refusal(("node(s) didn't have free ports for the requested pod ports",))
    return None


def _collide(one: Port, other: Port) -> bool:
    anywhere = "0.0.0.0"  # noqa: S104
    return one[1:] == other[1:] and (one[0] == other[0] or anywhere in (one[0], other[0]))


def _too_full(_board: Board, spot: Spot, pod: Object) -> Refusal | None:
    wanted = requests(pod)
    others = sorted(name for name in wanted if name not in UNITS)
    short = [name for name in (*UNITS, *others) if wanted.get(name, 0.0) > max(spot.free(name), 0.0) + SMALL]
    reasons = [f"Insufficient {name}" for name in short]
    if len(spot.pods) + 1 > spot.allocatable.get("pods", 0):
        reasons.insert(0, "Too many pods")
    return Refusal(tuple(reasons)) if reasons else None


def _claim_taken(board: Board, _spot: Spot, pod: Object) -> Refusal | None:
    return Refusal((claims.IN_USE,)) if claims.is_taken(board, pod) else None


def _volumes_elsewhere(board: Board, spot: Spot, pod: Object) -> Refusal | None:
    reason = claims.refusal(board, spot, pod)
    return _final(reason) if reason else None


def _uneven(board: Board, spot: Spot, pod: Object) -> Refusal | None:
    if neighbours.lacks_spread_label(spot, pod):
        return _final("node(s) didn't match pod topology spread constraints (missing required label)")
    if neighbours.breaks_spread(board, spot, pod):
        return Refusal(("node(s) didn't match pod topology spread constraints",))
    return None


def _bad_company(board: Board, spot: Spot, pod: Object) -> Refusal | None:
    if neighbours.misses_affinity(board, spot, pod):
        return _final("node(s) didn't match pod affinity rules")
    if neighbours.meets_enemy(board, spot, pod):
        return Refusal(("node(s) didn't match pod anti-affinity rules",))
    if neighbours.is_enemy(board, spot, pod):
        return Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",))
    return None


FILTERS: tuple[Filter, ...] = (
    _pinned,
    _unschedulable,
    _tainted,
    _not_chosen,
    _ports_taken,
    _too_full,
    _claim_taken,
    _volumes_elsewhere,
    _uneven,
    _bad_company,
)
