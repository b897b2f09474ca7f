"""The single cells of `kubectl get`: how a status becomes one word, and a moment an age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
_SHOWN_ENDPOINTS = 3


def human_duration(span: timedelta) -> str:
    """Two units at most, finer for the young: 95s, 5m12s, 3h7m, 4d2h, 120d."""
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    steps = (
        (seconds < 120, f"{max(seconds, 0)}s"),
        (minutes < 10, _two(minutes, "m", seconds % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _two(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _two(days, "d", hours % 24, "h")),
        (days < 730, f"{days}d"),
        (days < 2920, _two(days // 365, "y", days % 365, "d")),
    )
    return next((text for young, text in steps if young), f"{days // 365}y")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")


def moment(text: Any) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def age(obj: Object, now: datetime) -> str:
    created = moment(obj["metadata"].get("creationTimestamp"))
    return "<unknown>" if created is None else human_duration(now - created)


def since(*path: str, default: str = "<unknown>", fallback: str = "") -> Callable[[Object, datetime], str]:
    def cell(obj: Object, now: datetime) -> str:
        value: Any = obj
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        then = moment(value) or moment(obj.get(fallback))
        return default if then is None else human_duration(now - then)

    return cell


def count(items: Any) -> int:
    return len(items or ())


def joined(labels: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def _statuses(pod: Object, field: str = "containerStatuses") -> list[Object]:
    return (pod.get("status") or {}).get(field) or []


def pod_ready(pod: Object) -> str:
    ready = sum(bool(status.get("ready")) for status in _statuses(pod))
    return f"{ready}/{count((pod.get('spec') or {}).get('containers'))}"


def pod_restarts(pod: Object, now: datetime) -> str:
    statuses = _statuses(pod)
    restarts = sum(int(status.get("restartCount") or 0) for status in statuses)
    ends = [moment(((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt")) for status in statuses]
    last = max((end for end in ends if end is not None), default=None)
    return str(restarts) if not restarts or last is None else f"{restarts} ({human_duration(now - last)} ago)"


def pod_status(pod: Object) -> str:
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    init = _init_reason(pod)
    reason = init or _container_reason(pod, reason)
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _init_reason(pod: Object) -> str:
    """The first init container that has not ended well, or nothing."""
    total = count((pod.get("spec") or {}).get("initContainers"))
    for done, status in enumerate(_statuses(pod, "initContainerStatuses")):
        state = status.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended and ended.get("exitCode") == 0:
            continue
        if ended:
            return f"Init:{ended.get('reason') or _exit_text(ended)}"
        if waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{done}/{total}"
    return ""


def _container_reason(pod: Object, reason: str) -> str:
    running = False
    for status in reversed(_statuses(pod)):
        state = status.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = ended.get("reason") or _exit_text(ended)
        elif status.get("ready") and state.get("running") is not None:
            running = True
    if reason == "Completed" and running:
        return "Running" if _condition(pod, "Ready") == "True" else "NotReady"
    return reason


def _exit_text(ended: Object) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _condition(obj: Object, name: str) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((str(condition.get("status")) for condition in conditions if condition.get("type") == name), "")


def pod_template(obj: Object) -> Object:
    spec = obj.get("spec") or {}
    template: Object = (spec.get("template") or {}).get("spec") or {}
    return template


def container_names(obj: Object) -> str:
    return ",".join(str(container.get("name")) for container in pod_template(obj).get("containers") or [])


def container_images(obj: Object) -> str:
    return ",".join(str(container.get("image")) for container in pod_template(obj).get("containers") or [])


def external_ip(obj: Object) -> str:
    spec = obj.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName"))
    balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    addresses = [str(entry.get("ip") or entry.get("hostname")) for entry in balancer] + (spec.get("externalIPs") or [])
    return ",".join(addresses) or ("<pending>" if spec.get("type") == "LoadBalancer" else "<none>")


def service_ports(service: Object) -> str:
    ports = (service.get("spec") or {}).get("ports") or []
    shown = [
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in ports
    ]
    return ",".join(shown) or "<none>"


def _limited(items: list[str]) -> str:
    more = len(items) - _SHOWN_ENDPOINTS
    return ",".join(items[:_SHOWN_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "") or "<none>"


def endpoints_text(endpoints: Object) -> str:
    shown: list[str] = []
    for subset in endpoints.get("subsets") or []:
        for port in subset.get("ports") or [{}]:
            end = f":{port['port']}" if port.get("port") else ""
            shown += [f"{address.get('ip')}{end}" for address in subset.get("addresses") or []]
    return _limited(shown)


def slice_ports(obj: Object) -> str:
    return _limited([str(port.get("port", "*")) for port in obj.get("ports") or []]).replace("<none>", "<unset>")


def slice_endpoints(obj: Object) -> str:
    addresses = [address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []]
    return _limited(addresses).replace("<none>", "<unset>")


def ingress_hosts(ingress: Object) -> str:
    rules = (ingress.get("spec") or {}).get("rules") or []
    return ",".join(rule.get("host") or "*" for rule in rules) or "*"


def node_status(node: Object) -> str:
    ready = {"True": "Ready", "": "Unknown"}.get(_condition(node, "Ready"), "NotReady")
    return f"{ready},SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else ready


def node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = node["metadata"].get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or "<none>"


def node_address(node: Object, kind: str) -> str:
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((str(address.get("address")) for address in addresses if address.get("type") == kind), "<none>")


def job_status(job: Object) -> str:
    for condition, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if _condition(job, condition) == "True":
            return word
    return "Terminating" if job["metadata"].get("deletionTimestamp") else "Running"


def job_completions(job: Object) -> str:
    spec, done = job.get("spec") or {}, (job.get("status") or {}).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def duration_between(job: Object, now: datetime) -> str:
    status = job.get("status") or {}
    start, end = moment(status.get("startTime")), moment(status.get("completionTime"))
    return "" if start is None else human_duration((end or now) - start)
