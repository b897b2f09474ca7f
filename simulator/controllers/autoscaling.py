"""The horizontal pod autoscaler: as many replicas as bring a metric back to its target.

Every fifteen seconds the usage of the ready pods is set against what they asked for. A tenth more or less is let pass; upwards the rules of
`behavior` bound how fast, downwards the highest recommendation of the last five minutes counts, so that a short calm costs no replica.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.controllers.context import Context
from simulator.controllers.scheduling.board import requests
from simulator.events import EventType, Source
from simulator.kubernetes_api.metrics import is_served
from simulator.objects import (
    Object,
    condition,
    is_deleting,
    is_finished,
    is_ready,
    label_selector_matches,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_spec,
    with_status,
)
from simulator.quantity import quantity

SOURCE = Source("horizontal-pod-autoscaler")
PERIOD = timedelta(seconds=15)
TOLERANCE = 0.1
RESOURCES = {"Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps", "ReplicaSet": "replicasets.apps"}
UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: Object = {
    "stabilizationWindowSeconds": 300,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
NO_METRICS = "unable to get metrics for resource {}: unable to fetch metrics from resource metrics API: "
SILENT = "the server is currently unable to handle the request (get pods.metrics.k8s.io)"
NONE_READY = "did not receive metrics for targeted pods (pods might be unready)"


class NoMetric(Exception):
    """The metric cannot be had; the message is the autoscaler's."""


@dataclass(frozen=True)
class Reading:
    """A metric of the ready pods: what it recommends, how it is named in sentences, and how the status shows it."""

    replicas: int
    name: str
    shown: Object


@dataclass
class Limits:
    """The size that is recommended, after each rule that bounds it, with what the conditions say."""

    size: int
    able: tuple[str, str] = ("ReadyForNewScale", "recommended size matches current size")
    limited: tuple[str, str, str] = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")


def reconcile(ctx: Context) -> None:
    scalers = ctx.store.list("HorizontalPodAutoscaler")
    if not scalers:
        return
    usage = _usage(ctx)
    for scaler in scalers:
        if not is_deleting(scaler):
            _sync(ctx, scaler, usage)
    ctx.call_again(ctx.now() + PERIOD)


Usage = dict[tuple[str, str], dict[str, float]]


def _usage(ctx: Context) -> Usage | None:
    """By pod: cores and bytes; None while the metrics API does not answer."""
    if not is_served(ctx.store):
        return None
    used: Usage = {}
    for each in ctx.usage():
        pod = used.setdefault((each.namespace, each.pod), {"cpu": 0.0, "memory": 0.0})
        pod["cpu"] += each.cores
        pod["memory"] += each.memory_bytes
    return used


def _sync(ctx: Context, scaler: Object, usage: Usage | None) -> None:
    memory = ctx.scaling.of(uid_of(scaler))
    if memory.last is not None and ctx.now() < memory.last + PERIOD:
        return
    memory.last = ctx.now()
    reference = scaler["spec"]["scaleTargetRef"]
    target = ctx.store.get(reference["kind"], namespace_of(scaler), reference["name"])
    if target is None:
        _no_target(ctx, scaler, reference)
        return
    current = int(target["spec"].get("replicas", 1))
    if current == 0:
        said = ("False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
        _write(ctx, scaler, 0, 0, [], {"ScalingActive": said, "AbleToScale": _got_scale()})
        return
    try:
        readings = [
            _read(ctx, scaler, target, metric, usage, current) for metric in scaler["spec"].get("metrics") or []
        ]
    except NoMetric as error:
        _no_metric(ctx, scaler, current, str(error))
        return
    if readings:
        _scale(ctx, scaler, target, current, readings)


def _got_scale() -> tuple[str, str, str]:
    return "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale"


def _no_target(ctx: Context, scaler: Object, reference: Object) -> None:
    missing = f'{RESOURCES.get(reference["kind"], reference["kind"].lower())} "{reference["name"]}" not found'
    _say(ctx, scaler, "Warning", "FailedGetScale", missing)
    said = f"the HPA controller was unable to get the target's current scale: {missing}"
    _write(ctx, scaler, None, 0, [], {"AbleToScale": ("False", "FailedGetScale", said)})


def _no_metric(ctx: Context, scaler: Object, current: int, error: str) -> None:
    _say(ctx, scaler, "Warning", "FailedGetResourceMetric", error)
    first = f"invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {error}"
    _say(ctx, scaler, "Warning", "FailedComputeMetricsReplicas", first)
    said = f"the HPA was unable to compute the replica count: {error}"
    inactive = ("False", "FailedGetResourceMetric", said)
    _write(ctx, scaler, current, current, [], {"AbleToScale": _got_scale(), "ScalingActive": inactive})


def _read(ctx: Context, scaler: Object, target: Object, metric: Object, usage: Usage | None, current: int) -> Reading:
    resource = metric.get("resource") or {}
    name, goal = str(resource.get("name", "")), resource.get("target") or {}
    if metric.get("type") != "Resource" or name not in ("cpu", "memory"):
        raise NoMetric(f"unable to get metric {metric.get('type')}: no metrics returned from custom metrics API")
    if usage is None:
        raise NoMetric(f"failed to get {name} utilization: {NO_METRICS.format(name)}{SILENT}")
    pods = [
        pod
        for pod in ctx.store.list("Pod", namespace_of(scaler))
        if label_selector_matches(target["spec"]["selector"], labels_of(pod))
        and not is_deleting(pod)
        and not is_finished(pod)
    ]
    ready = [pod for pod in pods if is_ready(pod) and (namespace_of(pod), name_of(pod)) in usage]
    if not ready:
        raise NoMetric(f"failed to get {name} utilization: {NONE_READY}")
    used = sum(usage[namespace_of(pod), name_of(pod)][name] for pod in ready)
    shown: Object = {"averageValue": _amount(name, used / len(ready))}
    if "averageUtilization" not in goal:
        ratio = used / len(ready) / quantity(goal.get("averageValue", "1"))
        return Reading(_wanted(ratio, len(ready), len(pods), current), f"{name} resource", _shown(name, shown))
    asked = sum(requests(pod).get(name, 0.0) for pod in ready)
    if not asked:
        raise NoMetric(
            f"failed to get {name} utilization: missing request for {name} in container of Pod {name_of(ready[0])}"
        )
    ratio = used / asked * 100 / int(goal["averageUtilization"])
    shown["averageUtilization"] = int(used / asked * 100)
    sentence = f"{name} resource utilization (percentage of request)"
    return Reading(_wanted(ratio, len(ready), len(pods), current), sentence, _shown(name, shown))


def _shown(name: str, current: Object) -> Object:
    return {"type": "Resource", "resource": {"name": name, "current": current}}


def _amount(name: str, value: float) -> str:
    return f"{round(value * 1000)}m" if name == "cpu" else str(round(value))


def _wanted(ratio: float, ready: int, pods: int, current: int) -> int:
    """Pods that are not ready yet are taken to use nothing when more are asked for."""
    if abs(ratio - 1) <= TOLERANCE:
        return current
    if ratio > 1 and pods > ready:
        ratio, ready = ratio * ready / pods, pods
        if ratio <= 1 + TOLERANCE:
            return current
    return math.ceil(ratio * ready)


def _scale(ctx: Context, scaler: Object, target: Object, current: int, readings: list[Reading]) -> None:
    highest = max(readings, key=lambda reading: reading.replicas)
    limits = _limit(ctx, scaler, current, highest.replicas)
    active = (
        "True",
        "ValidMetricFound",
        f"the HPA was able to successfully calculate a replica count from {highest.name}",
    )
    said = {"AbleToScale": ("True", *limits.able), "ScalingActive": active, "ScalingLimited": limits.limited}
    if limits.size != current:
        ctx.scaling.of(uid_of(scaler)).moves.append((ctx.now(), limits.size - current))
        ctx.store.update(scaler["spec"]["scaleTargetRef"]["kind"], with_spec(target, replicas=limits.size))
        why = f"{highest.name} above target" if limits.size > current else "All metrics below target"
        _say(ctx, scaler, "Normal", "SuccessfulRescale", f"New size: {limits.size}; reason: {why}")
        able = f"the HPA controller was able to update the target scale to {limits.size}"
        said["AbleToScale"] = ("True", "SucceededRescale", able)
    shown = [reading.shown for reading in readings]
    _write(ctx, scaler, current, limits.size, shown, said, moved=limits.size != current)


def _limit(ctx: Context, scaler: Object, current: int, recommended: int) -> Limits:
    limits = Limits(recommended)
    for rule in (_stabilise, _bound_speed, _bound_range):
        rule(ctx, scaler, current, limits)
    return limits


def _rules(scaler: Object, direction: str, usual: Object) -> Object:
    return {**usual, **((scaler["spec"].get("behavior") or {}).get(direction) or {})}


def _stabilise(ctx: Context, scaler: Object, current: int, limits: Limits) -> None:
    memory = ctx.scaling.of(uid_of(scaler))
    memory.recommended.append((ctx.now(), limits.size))
    windows = {
        direction: timedelta(seconds=int(_rules(scaler, direction, usual)["stabilizationWindowSeconds"]))
        for direction, usual in (("scaleUp", UP), ("scaleDown", DOWN))
    }
    memory.forget(ctx.now() - max(*windows.values(), PERIOD))
    lowest = min(memory.recent(ctx.now() - windows["scaleUp"]), default=limits.size)
    highest = max(memory.recent(ctx.now() - windows["scaleDown"]), default=limits.size)
    before = limits.size
    limits.size = min(max(current, lowest), highest) if lowest <= highest else before
    if limits.size > before:
        said = "recent recommendations were higher than current one, applying the highest recent recommendation"
        limits.able = ("ScaleDownStabilized", said)
    elif limits.size < before:
        said = "recent recommendations were lower than current one, applying the lowest recent recommendation"
        limits.able = ("ScaleUpStabilized", said)


def _bound_speed(ctx: Context, scaler: Object, current: int, limits: Limits) -> None:
    if limits.size == current:
        return
    is_up = limits.size > current
    rules = _rules(scaler, "scaleUp" if is_up else "scaleDown", UP if is_up else DOWN)
    if rules["selectPolicy"] == "Disabled":
        limits.size = current
        return
    bounds = [_reach(ctx, scaler, current, policy, is_up=is_up) for policy in rules["policies"]]
    furthest: Callable[..., int] = max if is_up == (rules["selectPolicy"] == "Max") else min
    bound = furthest(bounds)
    if (limits.size > bound) if is_up else (limits.size < bound):
        limits.size = max(bound, current) if is_up else min(bound, current)
        word = ("ScaleUpLimit", "increasing") if is_up else ("ScaleDownLimit", "decreasing")
        said = f"the desired replica count is {word[1]} faster than the maximum scale rate"
        limits.limited = ("True", word[0], said)


def _reach(ctx: Context, scaler: Object, current: int, policy: Object, *, is_up: bool) -> int:
    """How far one policy lets the size go, from where it stood when its period began."""
    begin = ctx.now() - timedelta(seconds=int(policy["periodSeconds"]))
    moves = ctx.scaling.of(uid_of(scaler)).moves
    before = current - sum(change for at, change in moves if at > begin and (change > 0) is is_up)
    step = int(policy["value"])
    if policy["type"] == "Pods":
        return before + step if is_up else before - step
    share = before * step / 100
    return math.ceil(before + share) if is_up else math.floor(before - share)


def _bound_range(_ctx: Context, scaler: Object, _current: int, limits: Limits) -> None:
    least, most = int(scaler["spec"].get("minReplicas", 1)), int(scaler["spec"]["maxReplicas"])
    if limits.size > most:
        limits.limited = ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
    elif limits.size < least:
        limits.limited = ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
    limits.size = min(max(limits.size, least), most)


def _write(
    ctx: Context,
    scaler: Object,
    current: int | None,
    desired: int,
    metrics: list[Object],
    said: dict[str, tuple[str, str, str]],
    *,
    moved: bool = False,
) -> None:
    known = {each["type"]: each for each in (scaler.get("status") or {}).get("conditions") or []}
    known |= {kind: _condition(ctx, scaler, kind, said[kind]) for kind in said}
    before = (scaler.get("status") or {}).get("lastScaleTime")
    last = ctx.stamp() if moved else before
    status: dict[str, Any] = {
        "currentReplicas": current or 0,
        "desiredReplicas": desired,
        "currentMetrics": metrics or None,
        "conditions": list(known.values()),
        **({"lastScaleTime": last} if last else {}),
    }
    ctx.store.update("HorizontalPodAutoscaler", with_status(scaler, status))


def _condition(ctx: Context, scaler: Object, kind: str, said: tuple[str, str, str]) -> Object:
    known = condition(scaler, kind)
    since = known["lastTransitionTime"] if known and known["status"] == said[0] else ctx.stamp()
    return {"type": kind, "status": said[0], "reason": said[1], "message": said[2], "lastTransitionTime": since}


def _say(ctx: Context, scaler: Object, event: EventType, reason: str, message: str) -> None:
    ctx.events.record(scaler, "HorizontalPodAutoscaler", event, reason, message, SOURCE)


__all__ = ["NoMetric", "reconcile"]
