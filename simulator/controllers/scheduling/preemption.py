"""Room for a pod that matters more: which pods that matter less would have to go, and on which node that hurts least.

On each node whose refusal is not final all lesser pods are thought away; if the pod then fits, as many as possible are taken back, the
most important first. The node with the fewest broken disruption budgets, then the least important victims, is chosen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from simulator.controllers.scheduling.board import Board, Spot, priority
from simulator.controllers.scheduling.filters import Refusal, refusal
from simulator.objects import Object, is_deleting, label_selector_matches, labels_of, namespace_of, uid_of

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "preemption: not eligible due to preemptionPolicy=Never."
LEAVING = "preemption: not eligible due to a terminating pod on the nominated node."


@dataclass(frozen=True)
class Offer:
    """A node with those who would have to leave it."""

    node: str
    victims: tuple[Object, ...]
    broken_budgets: int

    @property
    def price(self) -> tuple[int, int, int, int, str]:
        numbers = [priority(victim) for victim in self.victims]
        return self.broken_budgets, max(numbers), sum(numbers), len(numbers), self.node


def preempt(board: Board, pod: Object, refusals: dict[str, Refusal]) -> tuple[Offer | None, str]:
    """The best offer, or the sentence that says why there is none."""
    if pod["spec"].get("preemptionPolicy") == "Never":
        return None, NEVER
    if _is_room_being_made(board, pod):
        return None, LEAVING
    offers: list[Offer] = []
    reasons: Counter[str] = Counter()
    for name, refused in refusals.items():
        spot = board.spot(name)
        found = (NOT_HELPFUL,) if refused.final or spot is None else _offer(board, spot, pod)
        if isinstance(found, Offer):
            offers.append(found)
        else:
            reasons.update(found)
    if offers:
        return min(offers, key=lambda offer: offer.price), ""
    return None, f"preemption: 0/{len(board.spots)} nodes are available: {counted(reasons)}."


def counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))


def _is_room_being_made(board: Board, pod: Object) -> bool:
    spot = board.spot((pod.get("status") or {}).get("nominatedNodeName", ""))
    return spot is not None and any(is_deleting(other) and priority(other) < priority(pod) for other in spot.pods)


def _offer(board: Board, spot: Spot, pod: Object) -> Offer | tuple[str, ...]:
    lesser = [other for other in spot.pods if priority(other) < priority(pod)]
    if not lesser:
        return (NO_VICTIMS,)
    bare = spot.without(lesser)
    refused = refusal(board.with_spot(bare), bare, pod)
    if refused is not None:
        return refused.reasons
    victims = sorted(lesser, key=lambda each: (-priority(each), each["metadata"]["creationTimestamp"], uid_of(each)))
    for other in list(victims):
        fewer = [each for each in victims if each is not other]
        spared = spot.without(fewer)
        if refusal(board.with_spot(spared), spared, pod) is None:
            victims = fewer
    return Offer(spot.name, tuple(victims), _broken_budgets(board, victims))


def _broken_budgets(board: Board, victims: list[Object]) -> int:
    broken = 0
    for budget in board.store.list("PodDisruptionBudget"):
        hit = sum(
            namespace_of(victim) == namespace_of(budget)
            and label_selector_matches(budget["spec"].get("selector"), labels_of(victim))
            for victim in victims
        )
        broken += max(hit - int((budget.get("status") or {}).get("disruptionsAllowed", 0)), 0)
    return broken
