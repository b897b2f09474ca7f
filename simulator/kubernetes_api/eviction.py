"""Eviction: a delete that asks the disruption budgets first, and takes from them what it uses.

A pod that does not serve anyway (still pending, over, or leaving) is nobody's loss. One that should serve and is not ready may go while the
others are enough, or at any time where its budget says so; only a ready one costs a disruption.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.kubernetes_api.call import Call, render
from simulator.kubernetes_api.deletion import DeleteOptions, remove
from simulator.kubernetes_api.reads import existing
from simulator.kubernetes_api.selectors import from_spec, labels_match
from simulator.kubernetes_api.status import Failure, disruption_refused, success
from simulator.store import timestamp

Object = dict[str, Any]
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


async def evict(call: Call) -> Response:
    sent = await call.document()
    options = sent.get("deleteOptions") if isinstance(sent, dict) else None
    options = options if isinstance(options, dict) else {}
    if options.get("dryRun") == ["All"]:
        call.ask_dry_run()
    pod = existing(call)
    if _is_served_by(pod):
        _ask_budgets(call, pod)
    grace = options.get("gracePeriodSeconds")
    remove(call, pod, DeleteOptions(grace=grace if isinstance(grace, int) else None))
    return render({**success({}), "code": 201}, 201)


def _is_served_by(pod: Object) -> bool:
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and (pod.get("status") or {}).get("phase") not in ("Pending", "Succeeded", "Failed")


def _ask_budgets(call: Call, pod: Object) -> None:
    budgets = [each for each in call.store.list("PodDisruptionBudget", call.namespace) if _guards(each, pod)]
    if len(budgets) > 1:
        raise Failure(500, "InternalError", SEVERAL)
    for budget in budgets:
        status = budget.get("status") or {}
        if _may_go_unready(budget, pod):
            continue
        if status.get("disruptionsAllowed", 0) <= 0:
            raise _refusal(budget)
        _take_one(call, budget, pod)


def _guards(budget: Object, pod: Object) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and labels_match(from_spec(selector), pod)


def _may_go_unready(budget: Object, pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = [each for each in conditions if each.get("type") == "Ready"]
    if not ready or ready[0].get("status") == "True":
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)


def _refusal(budget: Object) -> Failure:
    status = budget.get("status") or {}
    desired, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    detail = f"needs {desired} healthy pods and has {healthy} currently"
    return disruption_refused(budget["metadata"]["name"], detail)


def _take_one(call: Call, budget: Object, pod: Object) -> None:
    """Until the controller has seen the pod go, the next eviction must not count on it."""
    status = budget["status"]
    disrupted = {**(status.get("disruptedPods") or {}), pod["metadata"]["name"]: timestamp(call.hooks.now())}
    left = {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1, "disruptedPods": disrupted}
    call.store.update("PodDisruptionBudget", {**budget, "status": left}, dry_run=call.dry_run)
