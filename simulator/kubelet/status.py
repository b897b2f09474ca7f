"""A pod's status, written from what its node knows: phase, conditions, addresses, and the state of every container."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator.clock import rfc3339
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination
from simulator.objects import Object, condition
from simulator.quantity import resource


def status(pod: Object, run: PodRun, host_ip: str, now: datetime) -> Object:
    is_ready = run.is_ready
    addressed = {"podIP": run.ip, "podIPs": [{"ip": run.ip}]} if run.has_sandbox else {}
    return {
        "phase": "Running" if any(_has_started(each) for each in run) else "Pending",
        "conditions": _conditions(pod, run, is_ready, now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        **addressed,
        "startTime": rfc3339(run.started_at),
        "containerStatuses": [_container(each) for each in run],
        "qosClass": qos_class(pod),
    }


def _has_started(container: ContainerRun) -> bool:
    return container.phase.is_running or container.last is not None or container.phase is Phase.TERMINATED


def _conditions(pod: Object, run: PodRun, is_ready: bool, now: datetime) -> list[Object]:
    unready = [each.name for each in run if each.phase is not Phase.READY]
    reason = (
        {}
        if is_ready
        else {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    )
    sandbox = "True" if run.has_sandbox else "False"
    wanted: list[tuple[str, str, dict[str, str]]] = [
        ("PodReadyToStartContainers", sandbox, {}),
        ("Initialized", "True", {}),
        ("Ready", str(is_ready), reason),
        ("ContainersReady", str(is_ready), reason),
        ("PodScheduled", "True", {}),
    ]
    return [_condition(pod, kind, value, extra, now) for kind, value, extra in wanted]


def _condition(pod: Object, kind: str, value: str, extra: dict[str, str], now: datetime) -> Object:
    known = condition(pod, kind)
    moved = known["lastTransitionTime"] if known and known["status"] == value else rfc3339(now)
    return {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moved, **extra}


def _container(run: ContainerRun) -> Object:
    image = run.image
    before = run.before_last if run.phase is Phase.TERMINATED else run.last
    return {
        "name": run.name,
        "state": _state(run),
        "lastState": _terminated(before) if before else {},
        "ready": run.phase is Phase.READY,
        "restartCount": run.restarts,
        "image": image.reference if image else run.reference,
        "imageID": image.image_id if image else "",
        **({"containerID": run.container_id} if run.container_id else {}),
        "started": run.phase.is_running,
    }


def _state(run: ContainerRun) -> Object:
    if run.phase.is_running and run.started_at:
        return {"running": {"startedAt": rfc3339(run.started_at)}}
    if run.phase is Phase.TERMINATED and run.last:
        return _terminated(run.last)
    if run.phase is Phase.PULL_ERROR:
        return _waiting("ErrImagePull", run.message)
    if run.phase is Phase.PULL_BACKOFF or (run.phase is Phase.PULLING and run.pull_attempts):
        return _waiting("ImagePullBackOff", f'Back-off pulling image "{run.reference}"')
    if run.phase is Phase.CRASH_BACKOFF:
        return _waiting("CrashLoopBackOff", run.message)
    return _waiting("ContainerCreating", "")


def _waiting(reason: str, message: str) -> Object:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _terminated(end: Termination) -> Object:
    return {
        "terminated": {
            "exitCode": end.exit_code,
            "reason": end.reason,
            "startedAt": rfc3339(end.started_at),
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
