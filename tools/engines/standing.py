"""How one object stands: what to call its state, whether that is unusual, and why.

One judge a kind, each a pure function; a kind without a judge is read by its conditions, which is what conditions are for. The words are
those that kubectl and Kubernetes itself use, so that they can be searched for. `grave` orders a list for a tired reader: TROUBLE needs
somebody, NOTE is worth knowing (scaled to zero, cordoned), FINE is everything else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.language import Text
from tools.engines.objects import (
    Object,
    component,
    dig,
    is_ready,
    kind_of,
    mapping,
    restarts,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot

FINE, NOTE, TROUBLE = 0, 1, 2
RECENT = timedelta(hours=1)
LINGERS = timedelta(minutes=5)
MAX_WHY = 300

_STARTING = {"ContainerCreating", "PodInitializing"}
_OLD_RESTART = {"Completed"}
_BAD_WHEN_FALSE = {
    "Ready",
    "Available",
    "Healthy",
    "Established",
    "Synced",
    "Accepted",
    "Programmed",
    "ScalingActive",
    "AbleToScale",
}
_BAD_WHEN_TRUE = {"Failed", "Degraded", "Stalled", "ReplicaFailure", "FailureTarget"}
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")

NOT_READY = Text("running, but not ready", "在运行，但未就绪")
FEWER = Text("{ready} of {wanted} ready", "{wanted} 个中就绪 {ready} 个")
ROLLING = Text("rolling out: {updated} of {wanted} updated", "正在滚动更新：{wanted} 个中已更新 {updated} 个")
ZERO = Text("scaled to zero", "副本数为零")
NO_ENDPOINTS = Text("no ready endpoints behind it", "后面没有就绪的端点")
AT_MAXIMUM = Text("at its maximum of {most} replicas", "已到最大副本数 {most}")
CORDONED = Text("cordoned: takes no new pods", "已隔离：不接收新 Pod")
LINGERING = Text("terminating since {at}", "自 {at} 起一直在终止")
STILL_STARTING = Text("still being created since {at}", "自 {at} 起仍在创建")
RESTARTED = Text("restarted {count} times, last exit {exit} at {at}", "已重启 {count} 次，上次退出 {exit}，时间 {at}")
FELL = Text(
    "{pods} of {all} pods restarted within the hour, {count} times in all, last exit {exit} at {at}",
    "{all} 个 Pod 中有 {pods} 个在一小时内重启过，累计 {count} 次，上次退出 {exit}，时间 {at}",
)
USED_UP = Text("quota used up: {what}", "配额用尽：{what}")


@dataclass(frozen=True, slots=True)
class Standing:
    status: str
    why: str = ""
    grave: int = FINE
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """What a judge may look at besides the object: its neighbours, the time, the reader's language."""

    snapshot: Snapshot
    now: datetime
    say: Callable[..., str]


Judge = Callable[[Object, View], Standing]


def standing(obj: Object, view: View) -> Standing:
    judged = JUDGES.get(kind_of(obj), _by_conditions)(obj, view)
    if kind_of(obj) != "Pod" and dig(obj, "metadata", "deletionTimestamp"):
        return Standing("Terminating", judged.why, max(NOTE, judged.grave), judged.facts)
    if len(judged.why) <= MAX_WHY:
        return judged
    return Standing(judged.status, judged.why[:MAX_WHY] + " ...", judged.grave, judged.facts)


def _pod(pod: Object, view: View) -> Standing:
    status, why = _pod_state(pod, view)
    begun = when(dig(pod, "metadata", "creationTimestamp"))
    if status in _STARTING and begun and view.now - begun > LINGERS:
        why = view.say(STILL_STARTING, at=_at(begun))
    return Standing(status, why, TROUBLE if why else FINE, _pod_facts(pod))


def _pod_facts(pod: Object) -> dict[str, str | int]:
    running = rows(pod, "status", "containerStatuses")
    facts: dict[str, str | int] = {
        "ready": f"{sum(bool(one.get('ready')) for one in running)}/{len(rows(pod, 'spec', 'containers'))}",
        "restarts": sum(map(restarts, running)),
    }
    node = dig(pod, "spec", "nodeName")
    return facts | ({"node": str(node)} if node else {})


def _pod_state(pod: Object, view: View) -> tuple[str, str]:
    phase = str(dig(pod, "status", "phase") or "Unknown")
    leaving = when(dig(pod, "metadata", "deletionTimestamp"))
    if leaving:
        return "Terminating", view.say(LINGERING, at=_at(leaving)) if view.now - leaving > LINGERS else ""
    if phase == "Succeeded":
        return "Completed", ""
    if phase == "Failed":
        reason = str(dig(pod, "status", "reason") or "Failed")
        return reason, _sentence(reason, dig(pod, "status", "message")) or _exits(pod)
    for one in reversed(statuses(pod)):
        held = _held(one, starting=one not in rows(pod, "status", "containerStatuses"))
        if held:
            return held
    return _unheld(pod, phase, view)


def _unheld(pod: Object, phase: str, view: View) -> tuple[str, str]:
    """No container says what is wrong: the scheduler may, or a restart a short while ago, or readiness."""
    for condition in rows(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return phase, _sentence(condition.get("reason"), condition.get("message"))
    fallen = _recent_restart(pod, view)
    if phase == "Running" and not is_ready(pod):
        return phase, "; ".join(part for part in (view.say(NOT_READY), _unready_reason(pod), fallen) if part)
    return phase, fallen if phase == "Running" else ""


def _held(one: dict[str, Any], *, starting: bool) -> tuple[str, str] | None:
    """A container that waits for something bad, or ended badly, gives the pod its status."""
    prefix = "Init:" if starting else ""
    waiting = mapping(one, "state", "waiting")
    reason = str(waiting.get("reason") or "")
    if reason and reason not in _STARTING:
        ended = mapping(one, "lastState", "terminated")
        if ended:
            # How it ended says more than for how long it is held back.
            return (
                prefix + reason,
                f"{one.get('name')}: {reason} after {one.get('restartCount')} restarts, last exit {_exit(ended)}",
            )
        return prefix + reason, f"{one.get('name')}: {_sentence(reason, waiting.get('message'))}"
    ended = mapping(one, "state", "terminated")
    if ended and ended.get("exitCode") != 0:
        return prefix + str(ended.get("reason") or "Error"), f"{one.get('name')}: exit {_exit(ended)}"
    if reason and not starting:
        return reason, ""
    return None


def _recent_restart(pod: Object, view: View) -> str:
    for one, ended, at in _falls(pod, view):
        said = view.say(RESTARTED, count=one.get("restartCount", 0), exit=_exit(ended), at=_at(at))
        return f"{one.get('name')}: {said}"
    return ""


def _falls(pod: Object, view: View) -> Iterator[tuple[dict[str, Any], dict[str, Any], datetime]]:
    """Its containers that ended badly a short while ago and were started again: each with how and when."""
    for one in rows(pod, "status", "containerStatuses"):
        ended = mapping(one, "lastState", "terminated")
        at = when(ended.get("finishedAt"))
        if at and view.now - at <= RECENT and str(ended.get("reason")) not in _OLD_RESTART:
            yield one, ended, at


def _fallen(workload: Object, view: View) -> str:
    """What its pods went through, where they were read: a workload that is ready between two crashes is not well."""
    program = view.snapshot.program(component(workload))
    pods = program.pods if program else ()
    falls = [(pod, fall) for pod in pods for fall in _falls(pod, view)]
    if not falls:
        return ""
    _, ended, at = max((fall for _, fall in falls), key=lambda fall: fall[2])
    count = sum(restarts(one) for _, (one, _, _) in falls)
    fallen = len({id(pod) for pod, _ in falls})
    return view.say(FELL, pods=fallen, all=len(pods), count=count, exit=_exit(ended), at=_at(at))


def _unready_reason(pod: Object) -> str:
    for condition in rows(pod, "status", "conditions"):
        if condition.get("type") == "Ready" and condition.get("message"):
            return str(condition["message"])
    return ""


def _exits(pod: Object) -> str:
    ended = [mapping(one, "state", "terminated") for one in statuses(pod)]
    return "; ".join(f"exit {_exit(one)}" for one in ended if one) or "failed"


def _exit(ended: dict[str, Any]) -> str:
    code, reason = ended.get("exitCode"), ended.get("reason")
    return f"{code} ({reason})" if reason else str(code)


def _replicated(workload: Object, view: View) -> Standing:
    wanted, ready = wanted_ready(workload)
    status = f"{ready}/{wanted}"
    images = [str(one.get("image")) for one in rows(workload, "spec", "template", "spec", "containers")]
    facts: dict[str, str | int] = {"images": ", ".join(images)} if images else {}
    if wanted == 0:
        return Standing(status, view.say(ZERO), NOTE, facts)
    if ready < wanted:
        said = [view.say(FEWER, ready=ready, wanted=wanted), *_failed_conditions(workload)]
        return Standing(status, "; ".join(said), TROUBLE, facts)
    failed = [*_failed_conditions(workload), *filter(None, [_fallen(workload, view)])]
    if failed:
        return Standing(status, "; ".join(failed), TROUBLE, facts)
    updated = dig(
        workload, "status", "updatedReplicas" if kind_of(workload) != "DaemonSet" else "updatedNumberScheduled"
    )
    if isinstance(updated, int) and updated < wanted and kind_of(workload) != "ReplicaSet":
        return Standing(status, view.say(ROLLING, updated=updated, wanted=wanted), NOTE, facts)
    return Standing(status, "", FINE, facts)


def wanted_ready(workload: Object) -> tuple[int, int]:
    """How many pods a workload wants and how many of them are ready."""
    status = mapping(workload, "status")
    if kind_of(workload) == "DaemonSet":
        return whole(status.get("desiredNumberScheduled")) or 0, whole(status.get("numberReady")) or 0
    wanted = whole(dig(workload, "spec", "replicas"))
    return 1 if wanted is None else wanted, whole(status.get("readyReplicas")) or 0


def _replica_set(owned: Object, view: View) -> Standing:
    if dig(owned, "spec", "replicas") == 0:
        # What a rollout leaves behind, not something that was scaled down.
        return Standing("0/0", "", FINE, _replicated(owned, view).facts)
    return _replicated(owned, view)


def _failed_conditions(obj: Object) -> list[str]:
    return [
        _sentence(condition.get("reason") or condition.get("type"), condition.get("message"))
        for condition in rows(obj, "status", "conditions")
        if (condition.get("type") == "Progressing" and condition.get("status") == "False")
        or (str(condition.get("type")) in _BAD_WHEN_TRUE and condition.get("status") == "True")
    ]


def _job(job: Object, _view: View) -> Standing:
    status = mapping(job, "status")
    facts: dict[str, str | int] = {
        "completions": f"{status.get('succeeded') or 0}/{dig(job, 'spec', 'completions') or 1}"
    }
    failed = _failed_conditions(job)
    if failed:
        return Standing("Failed", "; ".join(failed), TROUBLE, facts)
    complete = any(one.get("type") == "Complete" and one.get("status") == "True" for one in rows(status, "conditions"))
    return Standing("Complete" if complete else "Running", "", FINE, facts)


def _cron_job(job: Object, _view: View) -> Standing:
    suspended = dig(job, "spec", "suspend") is True
    facts: dict[str, str | int] = {"schedule": str(dig(job, "spec", "schedule") or "")}
    return Standing("Suspended", "Suspended", NOTE, facts) if suspended else Standing("Scheduled", "", FINE, facts)


def _node(node: Object, view: View) -> Standing:
    conditions = {str(one.get("type")): one for one in rows(node, "status", "conditions")}
    ready = conditions.get("Ready", {})
    facts: dict[str, str | int] = {
        what: str(dig(node, "status", "allocatable", what))
        for what in ("cpu", "memory")
        if dig(node, "status", "allocatable", what)
    }
    wrong = (
        [] if ready.get("status") == "True" else [_sentence(ready.get("reason") or "NotReady", ready.get("message"))]
    )
    wrong += [
        _sentence(name, conditions[name].get("message"))
        for name in _PRESSURES
        if conditions.get(name, {}).get("status") == "True"
    ]
    cordoned = dig(node, "spec", "unschedulable") is True
    status = ("Ready" if ready.get("status") == "True" else "NotReady") + (",SchedulingDisabled" if cordoned else "")
    if wrong:
        return Standing(status, "; ".join(wrong), TROUBLE, facts)
    return Standing(status, view.say(CORDONED) if cordoned else "", NOTE if cordoned else FINE, facts)


def _service(service: Object, view: View) -> Standing:
    ports = ", ".join(_port(one) for one in rows(service, "spec", "ports"))
    kind = str(dig(service, "spec", "type") or "ClusterIP")
    facts: dict[str, str | int] = {"ports": ports} if ports else {}
    if not mapping(service, "spec", "selector"):
        return Standing(kind, "", FINE, facts)
    addresses = view.snapshot.ready_addresses(service)
    if addresses is None:
        return Standing(kind, "", FINE, facts)
    return Standing(
        kind,
        "" if addresses else view.say(NO_ENDPOINTS),
        FINE if addresses else TROUBLE,
        facts | {"ready_endpoints": addresses},
    )


def _port(port: dict[str, Any]) -> str:
    target = port.get("targetPort")
    return f"{port.get('port')}" + (f"->{target}" if target not in {None, port.get("port")} else "")


def _claim(claim: Object, _view: View) -> Standing:
    phase = str(dig(claim, "status", "phase") or "Unknown")
    facts: dict[str, str | int] = {
        "size": str(dig(claim, "spec", "resources", "requests", "storage") or ""),
        "class": str(dig(claim, "spec", "storageClassName") or ""),
    }
    return Standing(phase, "" if phase == "Bound" else phase, FINE if phase == "Bound" else TROUBLE, facts)


def _volume(volume: Object, _view: View) -> Standing:
    phase = str(dig(volume, "status", "phase") or "Unknown")
    grave = {"Failed": TROUBLE, "Released": NOTE}.get(phase, FINE)
    said = _sentence(phase, dig(volume, "status", "message")) if grave else ""
    return Standing(phase, said, grave, {"size": str(dig(volume, "spec", "capacity", "storage") or "")})


def _autoscaler(scaler: Object, view: View) -> Standing:
    most, current = dig(scaler, "spec", "maxReplicas"), dig(scaler, "status", "currentReplicas")
    facts: dict[str, str | int] = {
        "target": f"{dig(scaler, 'spec', 'scaleTargetRef', 'kind')}/{dig(scaler, 'spec', 'scaleTargetRef', 'name')}",
        "range": f"{dig(scaler, 'spec', 'minReplicas') or 1}-{most}",
    }
    judged = _by_conditions(scaler, view)
    if judged.grave == TROUBLE:
        return Standing(f"{current} replicas", judged.why, TROUBLE, facts)
    full = isinstance(most, int) and isinstance(current, int) and current >= most
    return Standing(
        f"{current} replicas", view.say(AT_MAXIMUM, most=most) if full else "", NOTE if full else FINE, facts
    )


def _quota(quota: Object, view: View) -> Standing:
    hard, used = mapping(quota, "status", "hard"), mapping(quota, "status", "used")
    facts: dict[str, str | int] = {what: f"{used.get(what, 0)}/{most}" for what, most in hard.items()}
    full = [what for what, most in hard.items() if _reached(used.get(what), most)]
    said = view.say(USED_UP, what=", ".join(f"{what} {facts[what]}" for what in full)) if full else ""
    return Standing("full" if full else "ok", said, TROUBLE if full else FINE, facts)


def _reached(used: Any, most: Any) -> bool:
    amount, limit = parse(used), parse(most)
    return amount is not None and limit is not None and amount >= limit > 0


def _event(event: Object, _view: View) -> Standing:
    about = mapping(event, "involvedObject") or mapping(event, "regarding")
    facts: dict[str, str | int] = {
        "about": f"{about.get('kind')}/{about.get('name')}",
        "count": whole(event.get("count")) or 1,
    }
    warns = event.get("type") == "Warning"
    said = str(event.get("message") or event.get("note") or "")
    return Standing(str(event.get("reason") or ""), said if warns else "", TROUBLE if warns else FINE, facts)


def _namespace(namespace: Object, _view: View) -> Standing:
    return Standing(str(dig(namespace, "status", "phase") or "Active"))


def _keys(holder: Object, _view: View) -> Standing:
    held = [*mapping(holder, "data"), *mapping(holder, "binaryData")]
    return Standing(str(holder.get("type") or "ok"), "", FINE, {"keys": ", ".join(sorted(held)[:12])})


def _by_conditions(obj: Object, _view: View) -> Standing:
    conditions = rows(obj, "status", "conditions")
    wrong = [
        _sentence(one.get("reason") or one.get("type"), one.get("message"))
        for one in conditions
        if (str(one.get("type")) in _BAD_WHEN_FALSE and one.get("status") == "False")
        or (str(one.get("type")) in _BAD_WHEN_TRUE and one.get("status") == "True")
    ]
    phase = dig(obj, "status", "phase")
    status = str(phase) if isinstance(phase, str) else "not ready" if wrong else "ok"
    return Standing(status, "; ".join(wrong), TROUBLE if wrong else FINE)


def _sentence(reason: Any, message: Any) -> str:
    said = " ".join(str(message).split()) if message else ""
    return f"{reason}: {said}" if reason and said and str(reason) != said else said or str(reason or "")


def _at(moment: datetime) -> str:
    return moment.strftime("%H:%M:%SZ")


JUDGES: dict[str, Judge] = {
    "Pod": _pod,
    "Deployment": _replicated,
    "StatefulSet": _replicated,
    "DaemonSet": _replicated,
    "ReplicationController": _replicated,
    "ReplicaSet": _replica_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Node": _node,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "HorizontalPodAutoscaler": _autoscaler,
    "ResourceQuota": _quota,
    "Event": _event,
    "Namespace": _namespace,
    "Secret": _keys,
    "ConfigMap": _keys,
}
