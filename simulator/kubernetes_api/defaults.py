"""The values a real API server fills in before it stores an object.

Without them a dry run would show a different object than the real write leaves, and clients that compare a template with
what they sent would see no difference where a cluster shows one. Every function returns a new object; what is set stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {}}
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_LISTS = frozenset({"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
_CONTAINER_STATUS = {"ready": False, "restartCount": 0, "image": "", "imageID": ""}
_ZEROS: dict[str, Object] = {
    "DaemonSet": dict.fromkeys(
        ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0
    ),
    "HorizontalPodAutoscaler": {"currentMetrics": None, "desiredReplicas": 0},
    "PodDisruptionBudget": dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0),
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "StatefulSet": {"replicas": 0},
}
_ROLLING = {"maxUnavailable": "25%", "maxSurge": "25%"}


def defaulted(kind: str, obj: Object) -> Object:
    fill = _BY_KIND.get(kind)
    return obj if fill is None else fill(obj)


def zeroed(kind: str, obj: Object) -> Object:
    """With the fields a real server always writes out, zero or not: typed clients refuse an object without them."""
    zeros, status = _ZEROS.get(kind), obj.get("status")
    if kind == "Pod" and isinstance(status, dict):
        lists = {name: [_filled(entry, _CONTAINER_STATUS) for entry in status[name]] for name in _LISTS & status.keys()}
        return {**obj, "status": {**status, **lists}} if lists else obj
    return obj if zeros is None else {**obj, "status": _filled(status, zeros)}


def _filled(values: Object | None, defaults: Mapping[str, Any]) -> Object:
    return {**defaults, **(values or {})}


def pod_spec(spec: Object | None) -> Object:
    filled = _filled(spec, _POD)
    if "serviceAccountName" in filled:
        filled.setdefault("serviceAccount", filled["serviceAccountName"])
    for name in ("initContainers", "containers"):
        if name in filled:
            filled[name] = [_container(container) for container in filled[name]]
    return filled


def _container(container: Object) -> Object:
    filled = _filled(container, _CONTAINER)
    filled.setdefault("imagePullPolicy", _pull_policy(filled.get("image", "")))
    if "ports" in filled:
        filled["ports"] = [_filled(port, {"protocol": "TCP"}) for port in filled["ports"]]
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in filled:
            filled[name] = _probe(filled[name])
    limits = filled["resources"].get("limits") or {}
    if limits:
        filled["resources"] = {**filled["resources"], "requests": {**limits, **filled["resources"].get("requests", {})}}
    return filled


def _probe(probe: Object) -> Object:
    filled = _filled(probe, _PROBE)
    if "httpGet" in filled:
        filled["httpGet"] = _filled(filled["httpGet"], {"path": "/", "scheme": "HTTP"})
    return filled


def _pull_policy(image: str) -> str:
    name, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if "@" not in name and tag in ("", "latest") else "IfNotPresent"


def _template(template: Object | None) -> Object:
    return {**(template or {}), "spec": pod_spec((template or {}).get("spec"))}


def _with_spec(obj: Object, **defaults: Any) -> Object:
    return {**obj, "spec": _filled(obj.get("spec"), defaults)}


def _templated(obj: Object, **defaults: Any) -> Object:
    filled = _with_spec(obj, **defaults)
    filled["spec"]["template"] = _template(filled["spec"].get("template"))
    return filled


def _pod(obj: Object) -> Object:
    defaults = {"serviceAccountName": "default", "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}
    spec = pod_spec(_filled(obj.get("spec"), defaults))
    return {**obj, "spec": spec, "status": obj.get("status") or {"phase": "Pending"}}


def _deployment(obj: Object) -> Object:
    filled = _templated(obj, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _filled(filled["spec"].get("strategy"), {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate"), _ROLLING)
    filled["spec"]["strategy"] = strategy
    return filled


def _stateful_set(obj: Object) -> Object:
    filled = _templated(obj, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    strategy = _filled(filled["spec"].get("updateStrategy"), {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate"), {"partition": 0})
    filled["spec"]["updateStrategy"] = strategy
    return filled


def _daemon_set(obj: Object) -> Object:
    filled = _templated(obj, revisionHistoryLimit=10)
    strategy = _filled(filled["spec"].get("updateStrategy"), {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _filled(strategy.get("rollingUpdate"), {"maxUnavailable": 1, "maxSurge": 0})
    filled["spec"]["updateStrategy"] = strategy
    return filled


def _job_spec(spec: Object) -> Object:
    defaults = {"backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False}
    filled = _filled(spec, defaults)
    if "completions" not in filled and "parallelism" not in filled:
        filled["completions"] = 1
    filled.setdefault("parallelism", 1)
    return {**filled, "template": _template(filled.get("template"))}


def _job(obj: Object) -> Object:
    return {**obj, "spec": _job_spec(obj.get("spec") or {})}


def _cron_job(obj: Object) -> Object:
    limits = {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}
    filled = _with_spec(obj, concurrencyPolicy="Allow", suspend=False, **limits)
    template = filled["spec"].get("jobTemplate") or {}
    filled["spec"]["jobTemplate"] = {**template, "spec": _job_spec(template.get("spec") or {})}
    return filled


def _service(obj: Object) -> Object:
    filled = _with_spec(obj, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    spec = filled["spec"]
    if spec["type"] == "ExternalName":
        return filled
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    spec["ports"] = [_service_port(port) for port in spec.get("ports") or []]
    filled.setdefault("status", {"loadBalancer": {}})
    return filled


def _service_port(port: Object) -> Object:
    filled = _filled(port, {"protocol": "TCP"})
    if "port" in filled:
        filled.setdefault("targetPort", filled["port"])
    return filled


def _namespace(obj: Object) -> Object:
    metadata = obj["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata.get("name", "")}
    return {
        **obj,
        "metadata": {**metadata, "labels": labels},
        "spec": _filled(obj.get("spec"), {"finalizers": ["kubernetes"]}),
        "status": _filled(obj.get("status"), {"phase": "Active"}),
    }


def _secret(obj: Object) -> Object:
    return _filled(obj, {"type": "Opaque"})


def _claim(obj: Object) -> Object:
    return {**_with_spec(obj, volumeMode="Filesystem"), "status": _filled(obj.get("status"), {"phase": "Pending"})}


def _limit_range(obj: Object) -> Object:
    items = [_limit_range_item(item) for item in (obj.get("spec") or {}).get("limits") or []]
    return _with_spec({**obj, "spec": {**(obj.get("spec") or {}), "limits": items}})


def _limit_range_item(item: Object) -> Object:
    """A container's limit defaults to the most, its request to the limit, or to the least where there is no limit."""
    if item.get("type") != "Container":
        return item
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    filled = {"default": limits, "defaultRequest": requests}
    return {**item, **{name: amounts for name, amounts in filled.items() if amounts}}


def _webhooks(obj: Object) -> Object:
    return {**obj, "webhooks": [_webhook(each) for each in obj.get("webhooks") or []]}


def _webhook(webhook: Object) -> Object:
    matching = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10}
    filled = _filled(webhook, {**matching, "namespaceSelector": {}, "objectSelector": {}})
    filled["rules"] = [_filled(rule, {"scope": "*"}) for rule in filled.get("rules") or []]
    client = filled.get("clientConfig") or {}
    if "service" in client:
        filled["clientConfig"] = {**client, "service": _filled(client["service"], {"port": 443})}
    return filled


_BY_KIND: dict[str, Callable[[Object], Object]] = {
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": lambda obj: _with_spec(obj, minReplicas=1),
    "Job": _job,
    "LimitRange": _limit_range,
    "MutatingWebhookConfiguration": _webhooks,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "ReplicaSet": lambda obj: _templated(obj, replicas=1),
    "ReplicationController": lambda obj: _templated(obj, replicas=1),
    "Secret": _secret,
    "Service": _service,
    "StatefulSet": _stateful_set,
    "ValidatingWebhookConfiguration": _webhooks,
}
