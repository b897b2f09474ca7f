"""A pod's status, written from what its node knows: phase, conditions, addresses, and the state of every container."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.clock import rfc3339
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination
from simulator.objects import Object, condition
from simulator.quantity import resource

NEVER_STARTED = "1970-01-01T00:00:00Z"


def status(pod: Object, run: PodRun, host_ip: str, now: datetime) -> Object:
    addressed = {"podIP": run.ip, "podIPs": [{"ip": run.ip}]} if run.has_sandbox else {}
    init = {"initContainerStatuses": [_container(each) for each in run.init.values()]} if run.init else {}
    return {
        "phase": _phase(run),
        **({"reason": "Evicted", "message": run.evicted} if run.evicted else {}),
        "conditions": _conditions(pod, run, now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        **addressed,
        "startTime": rfc3339(run.started_at),
        **init,
        "containerStatuses": [_container(each) for each in run],
        "qosClass": qos_class(pod),
    }


def _phase(run: PodRun) -> str:
    if run.is_over:
        return "Succeeded" if run.has_succeeded else "Failed"
    return "Running" if run.is_prepared and any(_has_started(each) for each in run) else "Pending"


def _has_started(container: ContainerRun) -> bool:
    return container.phase.is_running or container.last is not None or container.phase is Phase.TERMINATED


def _conditions(pod: Object, run: PodRun, now: datetime) -> list[Object]:
    sandbox = "True" if run.has_sandbox and not run.is_over else "False"
    ready = str(run.is_ready), _unready(run)
    wanted: list[tuple[str, str, dict[str, str]]] = [
        ("PodReadyToStartContainers", sandbox, {}),
        ("Initialized", str(run.is_prepared), _unprepared(run)),
        ("Ready", *ready),
        ("ContainersReady", *ready),
        ("PodScheduled", "True", {}),
    ]
    if run.evicted:
        wanted.insert(0, ("DisruptionTarget", "True", {"reason": "TerminationByKubelet", "message": run.evicted}))
    return [_condition(pod, kind, value, extra, now) for kind, value, extra in wanted]


def _unready(run: PodRun) -> dict[str, str]:
    if run.is_ready:
        return {}
    if run.is_over:
        return {"reason": "PodCompleted" if run.has_succeeded else "PodFailed"}
    return _blame("ContainersNotReady", "unready", (each.name for each in run if each.phase is not Phase.READY))


def _unprepared(run: PodRun) -> dict[str, str]:
    if not run.is_prepared:
        incomplete = (each.name for each in run.init.values() if not each.has_succeeded)
        return _blame("ContainersNotInitialized", "incomplete", incomplete)
    return {"reason": "PodCompleted"} if run.is_over and run.has_succeeded else {}


def _blame(reason: str, what: str, names: Iterable[str]) -> dict[str, str]:
    return {"reason": reason, "message": f"containers with {what} status: [{' '.join(names)}]"}


def _condition(pod: Object, kind: str, value: str, extra: dict[str, str], now: datetime) -> Object:
    known = condition(pod, kind)
    moved = known["lastTransitionTime"] if known and known["status"] == value else rfc3339(now)
    return {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moved, **extra}


def _container(run: ContainerRun) -> Object:
    image = run.image
    is_over = run.phase in (Phase.TERMINATED, Phase.FINISHED)
    before = run.before_last if is_over else run.last
    return {
        "name": run.name,
        "state": _state(run),
        "lastState": _terminated(before) if before else {},
        "ready": run.has_succeeded if run.is_init else run.phase is Phase.READY,
        "restartCount": run.restarts,
        "image": image.reference if image else run.reference,
        "imageID": image.image_id if image else "",
        **({"containerID": run.container_id} if run.container_id else {}),
        "started": run.phase.is_running and run.has_begun,
    }


def _state(run: ContainerRun) -> Object:
    if run.phase.is_running and run.started_at:
        return {"running": {"startedAt": rfc3339(run.started_at)}}
    if run.phase in (Phase.TERMINATED, Phase.FINISHED) and run.last:
        return _terminated(run.last)
    if run.phase is Phase.PULLING and run.pull_attempts:
        return _waiting("ImagePullBackOff", f'Back-off pulling image "{run.reference}"')
    return _waiting(run.reason or "ContainerCreating", run.message)


def _waiting(reason: str, message: str) -> Object:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _terminated(end: Termination) -> Object:
    return {
        "terminated": {
            "exitCode": end.exit_code,
            "reason": end.reason,
            **({"message": end.message} if end.message else {}),
            "startedAt": rfc3339(end.started_at) if end.started_at else NEVER_STARTED,
            "finishedAt": rfc3339(end.finished_at),
            "containerID": end.container_id,
        }
    }


def qos_class(pod: Object) -> str:
    containers: list[dict[str, Any]] = pod["spec"]["containers"]
    limits = [(each, name, resource(each, "limits", name)) for each in containers for name in ("cpu", "memory")]
    if limits and all(limit is not None and resource(each, "requests", name) == limit for each, name, limit in limits):
        return "Guaranteed"
    return "Burstable" if any(each.get("resources") for each in containers) else "BestEffort"
