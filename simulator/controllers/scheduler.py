"""The scheduler: a node for every pod that has none.

Every node is asked by every filter in turn; among those that refuse nothing the one with the most free CPU and memory wins, less
penalties for soft taints, for siblings of the same owner already there and for wishes that it does not meet. Where no node is left,
lesser pods are made to leave, or the pod waits with the sentence that counts each reason by node.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.controllers.node_rules import preference, taints_of, tolerates
from simulator.controllers.scheduling import claims, neighbours
from simulator.controllers.scheduling.board import Board, Spot, survey
from simulator.controllers.scheduling.filters import Refusal, refusal
from simulator.controllers.scheduling.preemption import NOT_HELPFUL, Offer, counted, preempt
from simulator.controllers.scheduling.queue import in_order, picture
from simulator.controllers.volumes import is_bound, reserve
from simulator.events import Source
from simulator.objects import (
    Object,
    condition,
    controller_of,
    is_deleting,
    is_finished,
    name_of,
    namespace_of,
    uid_of,
    with_spec,
    with_status,
)

NAME = "default-scheduler"
SOURCE = Source(NAME)
SIBLING_PENALTY = 0.5
TAINT_PENALTY = 0.2
CROWD_PENALTY = 0.4
WISH = 0.01  # of a weight of one
GATED = "Scheduling is blocked due to non-empty scheduling gates"
BIND_TIMEOUT = timedelta(minutes=10)


def reconcile(ctx: Context) -> None:
    pods = ctx.store.list("Pod")
    waiting = [pod for pod in pods if _waits(pod)]
    ctx.queue.keep_only(waiting)
    if not waiting:
        return
    board = survey(ctx.store, pods)
    for pod in in_order(waiting):
        if pod["spec"].get("schedulingGates"):
            _say_unscheduled(ctx, pod, "SchedulingGated", GATED)
            continue
        seen = picture(board)
        if ctx.queue.due(pod, seen, ctx.now()):
            _schedule(ctx, board, pod, seen)
        else:
            ctx.call_again(ctx.queue.next_try(pod, seen))
        _hold_room(ctx, board, pod)


def _hold_room(ctx: Context, board: Board, pod: Object) -> None:
    """Room that was made for a pod is not given to lesser ones that come after it."""
    present = ctx.store.get("Pod", namespace_of(pod), name_of(pod)) or pod
    spot = board.spot((present.get("status") or {}).get("nominatedNodeName", ""))
    if spot is not None and not present["spec"].get("nodeName"):
        spot.take(present)


def _waits(pod: Object) -> bool:
    return (
        not pod["spec"].get("nodeName")
        and pod["spec"].get("schedulerName", NAME) == NAME
        and not is_deleting(pod)
        and not is_finished(pod)
    )


def _schedule(ctx: Context, board: Board, pod: Object, seen: str) -> None:
    obstacle = claims.obstacle(board, pod)
    refusals = {} if obstacle else _ask(board, pod)
    fitting = [spot for spot in board.spots if spot.name not in refusals]
    if obstacle or not fitting:
        _refuse(ctx, board, pod, obstacle, refusals)
        ctx.queue.failed(pod, seen, ctx.now())
        ctx.call_again(ctx.queue.next_try(pod, seen))
        return
    nominated = (pod.get("status") or {}).get("nominatedNodeName")
    best = max(fitting, key=lambda spot: (spot.name == nominated, _score(board, spot, pod)))
    unbound = [claim for claim in claims.claims(board, pod) if not is_bound(claim)]
    if unbound:
        _await_volumes(ctx, pod, best, unbound)
    else:
        best.take(_bind(ctx, pod, best.name))


def _ask(board: Board, pod: Object) -> dict[str, Refusal]:
    asked = ((spot.name, refusal(board, spot, pod)) for spot in board.spots)
    return {name: refused for name, refused in asked if refused is not None}


def _score(board: Board, spot: Spot, pod: Object) -> float:
    free = sum(spot.free(name) / spot.allocatable[name] for name in ("cpu", "memory") if spot.allocatable.get(name))
    taints = [taint for taint in taints_of(spot.node) if taint["effect"] == "PreferNoSchedule"]
    soft = sum(1 for taint in taints if not tolerates(pod["spec"], taint))
    siblings = sum(_owner(other) == _owner(pod) for other in spot.pods)
    wishes = preference(pod["spec"], spot.node) + neighbours.liking(board, spot, pod)
    crowd = neighbours.crowding(board, spot, pod)
    return free - SIBLING_PENALTY * siblings - TAINT_PENALTY * soft + WISH * wishes - CROWD_PENALTY * crowd


def _owner(pod: Object) -> str:
    owner = controller_of(pod)
    return str(owner["uid"]) if owner else ""


def _await_volumes(ctx: Context, pod: Object, spot: Spot, unbound: list[Object]) -> None:
    """The claims learn for which node they are; the pod is bound when they are, or given up for now."""
    for claim in unbound:
        reserve(ctx, claim, spot.node)
    given_up = ctx.queue.awaits_volumes_since(pod, ctx.now()) + BIND_TIMEOUT
    if ctx.now() >= given_up:
        message = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
        ctx.events.record(pod, "Pod", "Warning", "FailedScheduling", message, SOURCE)
        ctx.queue.gave_up(pod)
        given_up = ctx.now() + BIND_TIMEOUT
    ctx.call_again(given_up)


def _bind(ctx: Context, pod: Object, node: str) -> Object:
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": ctx.stamp()}
    status = {key: value for key, value in (pod.get("status") or {}).items() if key != "nominatedNodeName"}
    bound = with_status(with_spec(pod, nodeName=node), {**status, "conditions": [scheduled]})
    written = ctx.store.update("Pod", bound)
    message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
    ctx.events.record(pod, "Pod", "Normal", "Scheduled", message, SOURCE)
    return written


def _refuse(ctx: Context, board: Board, pod: Object, obstacle: str, refusals: dict[str, Refusal]) -> None:
    head = f"0/{len(board.spots)} nodes are available"
    if obstacle:
        helpless = f"preemption: {head}: {len(board.spots)} {NOT_HELPFUL}."
        _say_waiting(ctx, pod, f"{head}: {obstacle}. {helpless}")
        return
    reasons = Counter(reason for refused in refusals.values() for reason in refused.reasons)
    message = f"{head}: {counted(reasons)}." if reasons else "no nodes available to schedule pods"
    offer, why_not = preempt(board, pod, refusals) if reasons else (None, "")
    if offer is not None:
        _make_room(ctx, pod, offer)
    _say_waiting(ctx, pod, f"{message} {why_not}".strip(), nominated=offer.node if offer else "")


def _make_room(ctx: Context, pod: Object, offer: Offer) -> None:
    for victim in offer.victims:
        disrupted = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{NAME}: preempting to accommodate a higher priority pod",
            "lastProbeTime": None,
            "lastTransitionTime": ctx.stamp(),
        }
        status = victim.get("status") or {}
        conditions = [*(status.get("conditions") or []), disrupted]
        marked = ctx.store.update("Pod", with_status(victim, {**status, "conditions": conditions}))
        message = f"Preempted by pod {uid_of(pod)} on node {offer.node}"
        ctx.events.record(marked, "Pod", "Normal", "Preempted", message, SOURCE)
        delete(ctx, "Pod", marked)


def _say_waiting(ctx: Context, pod: Object, message: str, nominated: str = "") -> None:
    _say_unscheduled(ctx, pod, "Unschedulable", message, nominated)
    ctx.events.record(pod, "Pod", "Warning", "FailedScheduling", message, SOURCE)


def _say_unscheduled(ctx: Context, pod: Object, reason: str, message: str, nominated: str = "") -> None:
    known = condition(pod, "PodScheduled")
    unscheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastProbeTime": None,
        "lastTransitionTime": known["lastTransitionTime"] if known else ctx.stamp(),
    }
    named = {"nominatedNodeName": nominated} if nominated else {}
    status = {**(pod.get("status") or {}), "phase": "Pending", "conditions": [unscheduled], **named}
    ctx.store.update("Pod", with_status(pod, status))
