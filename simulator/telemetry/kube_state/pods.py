"""Pods and their containers."""

from __future__ import annotations

from simulator.objects import Object, controller_of, name_of, namespace_of, uid_of
from simulator.quantity import resource
from simulator.telemetry.kube_state.samples import STATES, Metrics, of, owner, time_of

PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
REASONS = ("Evicted", "NodeAffinity", "NodeLost", "Shutdown", "UnexpectedAdmissionError")
UNITS = {"cpu": "core", "memory": "byte"}


def pod(pod: Object) -> Metrics:
    who = {"namespace": namespace_of(pod), "pod": name_of(pod), "uid": uid_of(pod)}
    status, spec = pod.get("status") or {}, pod["spec"]
    yield _info(pod, who)
    yield owner("kube_pod_owner", pod, **who)
    for phase in PHASES:
        yield of("kube_pod_status_phase", status.get("phase", "Pending") == phase, **who, phase=phase)
    for reason in REASONS:
        yield of("kube_pod_status_reason", status.get("reason") == reason, **who, reason=reason)
    if status.get("qosClass"):
        yield of("kube_pod_status_qos_class", 1, **who, qos_class=status["qosClass"])
    yield from time_of("kube_pod_created", pod["metadata"].get("creationTimestamp"), **who)
    yield from time_of("kube_pod_start_time", status.get("startTime"), **who)
    yield from time_of("kube_pod_deletion_timestamp", pod["metadata"].get("deletionTimestamp"), **who)
    yield from _readiness(status, who)
    for each in spec.get("volumes") or []:
        claim = (each.get("persistentVolumeClaim") or {}).get("claimName")
        if claim:
            labels = {**who, "volume": each["name"], "persistentvolumeclaim": claim}
            yield of("kube_pod_spec_volumes_persistentvolumeclaims_info", 1, **labels)
    for container in spec["containers"]:
        yield from _resources(container, who, spec.get("nodeName", ""))
    for each in status.get("initContainerStatuses") or []:
        yield from _container(each, who, "kube_pod_init_container")
    for each in status.get("containerStatuses") or []:
        yield from _container(each, who, "kube_pod_container")


def _info(pod: Object, who: dict[str, str]) -> tuple[tuple[tuple[str, str], ...], float]:
    status, spec = pod.get("status") or {}, pod["spec"]
    creator = controller_of(pod) or {"kind": "<none>", "name": "<none>"}
    return of(
        "kube_pod_info",
        1,
        **who,
        node=spec.get("nodeName", ""),
        host_ip=status.get("hostIP", ""),
        pod_ip=status.get("podIP", ""),
        created_by_kind=creator["kind"],
        created_by_name=creator["name"],
        priority_class=spec.get("priorityClassName", ""),
        host_network=str(bool(spec.get("hostNetwork"))).lower(),
    )


def _readiness(status: Object, who: dict[str, str]) -> Metrics:
    found = {each["type"]: each for each in status.get("conditions") or []}
    for kind, name in (("Ready", "ready"), ("PodScheduled", "scheduled")):
        for state in STATES if kind in found else ():
            yield of(f"kube_pod_status_{name}", found[kind]["status"].lower() == state, **who, condition=state)
    if found.get("PodScheduled", {}).get("reason") == "Unschedulable":
        yield of("kube_pod_status_unschedulable", 1, **who)


def _resources(container: Object, who: dict[str, str], node: str) -> Metrics:
    for section in ("requests", "limits"):
        for name, unit in UNITS.items():
            value = resource(container, section, name)
            if value is not None:
                labels = {**who, "container": container["name"], "node": node, "resource": name, "unit": unit}
                yield of(f"kube_pod_container_resource_{section}", value, **labels)


def _container(status: Object, who: dict[str, str], prefix: str) -> Metrics:
    labels = {**who, "container": status["name"]}
    state = status.get("state") or {}
    images = {"image": str(status.get("image", "")), "image_id": str(status.get("imageID", ""))}
    yield of(f"{prefix}_info", 1, **labels, **images)
    yield of(f"{prefix}_status_ready", status["ready"], **labels)
    yield of(f"{prefix}_status_restarts_total", status["restartCount"], **labels)
    for name in ("running", "waiting", "terminated"):
        yield of(f"{prefix}_status_{name}", name in state, **labels)
    if "waiting" in state:
        yield of(f"{prefix}_status_waiting_reason", 1, **labels, reason=state["waiting"].get("reason", ""))
    if "terminated" in state:
        yield of(f"{prefix}_status_terminated_reason", 1, **labels, reason=state["terminated"].get("reason", ""))
    yield from time_of(f"{prefix}_state_started", (state.get("running") or {}).get("startedAt"), **labels)
    last = (status.get("lastState") or {}).get("terminated")
    if last:
        yield of(f"{prefix}_status_last_terminated_reason", 1, **labels, reason=last.get("reason", ""))
        yield of(f"{prefix}_status_last_terminated_exitcode", last["exitCode"], **labels)
