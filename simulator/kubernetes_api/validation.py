"""What a well-shaped object may still get wrong: the 422s with their causes.

The checks are the ones people and programs run into: names, selectors that do not match their template, fields that
may not change, negative counts, ports, duplicate names, limits below requests, keys that nothing may carry. All errors of
an object are reported together, as the real server does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

from simulator.kubernetes_api.quantity import quantity
from simulator.kubernetes_api.selectors import from_spec, labels_match
from simulator.kubernetes_api.status import FieldError, duplicate, forbidden, invalid_value, required, unsupported

Object = dict[str, Any]
Errors = Iterator[FieldError]

_LABEL_RE = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_RE = rf"{_LABEL_RE}(\.{_LABEL_RE})*"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL_RE}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN_RE}')"
)
_DNS_1035_RE = "[a-z]([-a-z0-9]*[a-z0-9])?"
_DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and "
    f"end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{_DNS_1035_RE}')"
)
_LABEL_VALUE_RE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE_RE}')"
)
_NAME_PART_RE = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME_PART_RE}')"
)
_LABEL_NAMED = frozenset({"Namespace"})
_PATH_NAMED = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Event"})
_NOT_NEGATIVE = "must be greater than or equal to 0"
_PORT_RANGE = "must be between 1 and 65535, inclusive"
_IMMUTABLE = "field is immutable"
_MAX_ANNOTATIONS = 262_144
_STATEFUL_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_STATEFUL_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_create(kind: str, obj: Object) -> list[FieldError]:
    return [*_metadata(kind, obj), *_spec(kind, obj)]


def validate_update(kind: str, old: Object, new: Object) -> list[FieldError]:
    change = _CHANGE_CHECKS.get(kind)
    return [*_metadata(kind, new), *_spec(kind, new), *(change(old, new) if change else ())]


def _metadata(kind: str, obj: Object) -> Errors:
    metadata = obj["metadata"]
    name = metadata.get("name") or ""
    if not name and not metadata.get("generateName"):
        yield required("metadata.name", "name or generateName is required")
    if name:
        yield from _name(kind, name)
    for key, value in (metadata.get("labels") or {}).items():
        yield from _label(key, value, "metadata.labels")
    annotations = metadata.get("annotations") or {}
    if sum(len(key) + len(value) for key, value in annotations.items()) > _MAX_ANNOTATIONS:
        yield FieldError(
            "metadata.annotations", "FieldValueTooLong", f"Too long: may not be more than {_MAX_ANNOTATIONS} bytes"
        )


def _name(kind: str, name: str) -> Errors:
    if kind in _PATH_NAMED:
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid_value("metadata.name", name, "may not contain '/' or '%'")
        return
    pattern, text, limit = _SUBDOMAIN_RE, _SUBDOMAIN_TEXT, 253
    if kind in _LABEL_NAMED:
        pattern, text, limit = _LABEL_RE, _LABEL_TEXT, 63
    if kind == "Service":
        pattern, text, limit = _DNS_1035_RE, _DNS_1035_TEXT, 63
    if not re.fullmatch(pattern, name):
        yield invalid_value("metadata.name", name, text)
    if len(name) > limit:
        yield invalid_value("metadata.name", name, f"must be no more than {limit} characters")


def _label(key: str, value: str, field: str) -> Errors:
    prefix, slash, part = key.rpartition("/")
    if not re.fullmatch(_NAME_PART_RE, part) or len(part) > 63:
        yield invalid_value(field, key, _NAME_PART_TEXT)
    if slash and not re.fullmatch(_SUBDOMAIN_RE, prefix):
        yield invalid_value(field, key, f"prefix part {_SUBDOMAIN_TEXT}")
    if not re.fullmatch(_LABEL_VALUE_RE, value):
        yield invalid_value(field, value, _LABEL_VALUE_TEXT)
    if len(value) > 63:
        yield invalid_value(field, value, "must be no more than 63 characters")


def _spec(kind: str, obj: Object) -> Errors:
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(obj)


def _not_negative(values: Object, path: str, *names: str) -> Errors:
    for name in names:
        if values.get(name, 0) < 0:
            yield invalid_value(f"{path}.{name}", values[name], _NOT_NEGATIVE)


def _workload(obj: Object) -> Errors:
    """Deployment, ReplicaSet, StatefulSet and DaemonSet: counts, selector, template."""
    spec = obj.get("spec") or {}
    yield from _not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    selector, template = spec.get("selector"), spec.get("template") or {}
    if selector is None:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value("spec.selector", "{}", "empty selector is invalid for deployment")
    elif not labels_match(from_spec(selector), {"metadata": template.get("metadata") or {}}):
        labels = (template.get("metadata") or {}).get("labels") or {}
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in labels.items()) + "}"
        error = invalid_value("spec.template.metadata.labels", "", "`selector` does not match template `labels`")
        yield FieldError(error.field, error.kind, error.text.replace('""', f"map[string]string{shown}"))
    yield from _template(template, "spec.template", ("Always",))
    yield from _strategy(spec)


def _strategy(spec: Object) -> Errors:
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling:
        yield forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    if strategy.get("type", "RollingUpdate") not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    if rolling and {str(rolling.get("maxSurge")), str(rolling.get("maxUnavailable"))} <= {"0", "0%"}:
        why = "may not be 0 when `maxSurge` is 0"
        yield invalid_value("spec.strategy.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), why)


def _template(template: Object, path: str, restarts: tuple[str, ...]) -> Errors:
    for key, value in ((template.get("metadata") or {}).get("labels") or {}).items():
        yield from _label(key, value, f"{path}.metadata.labels")
    spec = template.get("spec") or {}
    yield from _pod_spec(spec, f"{path}.spec")
    if spec.get("restartPolicy", restarts[0]) not in restarts:
        yield unsupported(f"{path}.spec.restartPolicy", spec["restartPolicy"], restarts)


def _pod(obj: Object) -> Errors:
    return _pod_spec(obj.get("spec") or {}, "spec")


def _pod_spec(spec: Object, path: str) -> Errors:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    yield from _not_negative(spec, path, "terminationGracePeriodSeconds")
    yield from _unique_names(spec.get("volumes") or [], f"{path}.volumes")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for field in ("initContainers", "containers"):
        containers = spec.get(field) or []
        yield from _unique_names(containers, f"{path}.{field}")
        for i, container in enumerate(containers):
            yield from _container(container, f"{path}.{field}[{i}]", volumes)


def _unique_names(items: list[Object], path: str) -> Errors:
    seen: set[str] = set()
    for i, item in enumerate(items):
        name = item.get("name") or ""
        if not name:
            yield required(f"{path}[{i}].name")
        elif not re.fullmatch(_LABEL_RE, name):
            yield invalid_value(f"{path}[{i}].name", name, _LABEL_TEXT)
        elif name in seen:
            yield duplicate(f"{path}[{i}].name", name)
        seen.add(name)


def _container(container: Object, path: str, volumes: set[Any]) -> Errors:
    image = container.get("image") or ""
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
    policies = ("Always", "IfNotPresent", "Never")
    if container.get("imagePullPolicy", "Always") not in policies:
        yield unsupported(f"{path}.imagePullPolicy", container["imagePullPolicy"], policies)
    for i, port in enumerate(container.get("ports") or []):
        yield from _container_port(port, f"{path}.ports[{i}]")
    for i, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield required(f"{path}.env[{i}].name")
    for i, mount in enumerate(container.get("volumeMounts") or []):
        yield from _mount(mount, f"{path}.volumeMounts[{i}]", volumes)
    yield from _resources(container.get("resources") or {}, f"{path}.resources")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from _probe(container[name], f"{path}.{name}")


def _container_port(port: Object, path: str) -> Errors:
    if not port.get("containerPort"):
        yield required(f"{path}.containerPort")
    elif not _is_port(port["containerPort"]):
        yield invalid_value(f"{path}.containerPort", port["containerPort"], _PORT_RANGE)
    yield from _protocol(port, path)


def _mount(mount: Object, path: str, volumes: set[Any]) -> Errors:
    if not mount.get("mountPath"):
        yield required(f"{path}.mountPath")
    if mount.get("name") not in volumes:
        yield FieldError(f"{path}.name", "FieldValueNotFound", f'Not found: "{mount.get("name", "")}"')


def _protocol(port: Object, path: str) -> Errors:
    if port.get("protocol", "TCP") not in ("TCP", "UDP", "SCTP"):
        yield unsupported(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))


def _resources(resources: Object, path: str) -> Errors:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            if quantity(amount) < 0:
                yield invalid_value(f"{path}.{field}[{name}]", amount, _NOT_NEGATIVE)
    for name, amount in requests.items():
        if name in limits and quantity(amount) > quantity(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{path}.requests", amount, why)


def _probe(probe: Object, path: str) -> Errors:
    handlers = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if name in probe]
    if not handlers:
        yield required(path, "must specify a handler type")
    for name in handlers[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    for name in ("httpGet", "tcpSocket"):
        port = (probe.get(name) or {}).get("port")
        if isinstance(port, int) and not _is_port(port):
            yield invalid_value(f"{path}.{name}.port", port, _PORT_RANGE)
    names = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    yield from _not_negative(probe, path, *names)


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and 1 <= value <= 65_535


def _service(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    types = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type", "ClusterIP") not in types:
        yield unsupported("spec.type", spec["type"], types)
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for key, value in (spec.get("selector") or {}).items():
        yield from _label(key, value, "spec.selector")
    ports = spec.get("ports") or []
    names: set[str] = set()
    for i, port in enumerate(ports):
        yield from _service_port(port, f"spec.ports[{i}]", len(ports) > 1)
        if port.get("name") and port["name"] in names:
            yield duplicate(f"spec.ports[{i}].name", port["name"])
        names.add(port.get("name") or "")


def _service_port(port: Object, path: str, named: bool) -> Errors:
    if named and not port.get("name"):
        yield required(f"{path}.name")
    if not _is_port(port.get("port")):
        yield invalid_value(f"{path}.port", port.get("port", 0), _PORT_RANGE)
    target = port.get("targetPort")
    if isinstance(target, int) and not _is_port(target):
        yield invalid_value(f"{path}.targetPort", target, _PORT_RANGE)
    if isinstance(target, str) and not re.fullmatch(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", target):
        yield invalid_value(
            f"{path}.targetPort", target, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        )
    yield from _protocol(port, path)


def _config_map(obj: Object) -> Errors:
    for key in {**(obj.get("data") or {}), **(obj.get("binaryData") or {})}:
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
            why = (
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield invalid_value(f"data[{key}]", key, why)


def _secret(obj: Object) -> Errors:
    yield from _config_map(obj)
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield invalid_value(f"data[{key}]", "<secret contents redacted>", "must be base64")


def _autoscaler(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid_value("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid_value("spec.maxReplicas", most, "must be greater than 0")
    elif most < least:
        yield invalid_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            yield required(f"spec.scaleTargetRef.{name}")


def _budget(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield invalid_value("spec", "PodDisruptionBudgetSpec", "minAvailable and maxUnavailable cannot be both set")


def _job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    yield from _not_negative(spec, "spec", "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds")
    yield from _job_template(spec.get("template") or {}, "spec.template")


def _cron_job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(schedule.split()) != 5:
        why = f"expected exactly 5 fields, found {len(schedule.split())}: [{schedule}]"
        yield invalid_value("spec.schedule", schedule, why)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    yield from _job_template(job.get("template") or {}, "spec.jobTemplate.spec.template")


def _job_template(template: Object, path: str) -> Errors:
    spec = template.get("spec") or {}
    yield from _pod_spec(spec, f"{path}.spec")
    if spec.get("restartPolicy") not in ("OnFailure", "Never"):
        yield required(f"{path}.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _quota(obj: Object) -> Errors:
    for name, amount in ((obj.get("spec") or {}).get("hard") or {}).items():
        if quantity(amount) < 0:
            yield invalid_value(f"spec.hard[{name}]", amount, _NOT_NEGATIVE)


def _binding(obj: Object) -> Errors:
    for name in ("kind", "name"):
        if not (obj.get("roleRef") or {}).get(name):
            yield required(f"roleRef.{name}")


def _volume(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")


def _claim(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield required("spec.resources[storage]")


def _event(obj: Object) -> Errors:
    involved = (obj.get("involvedObject") or {}).get("namespace") or "default"
    namespace = obj["metadata"].get("namespace")
    if involved != namespace:
        yield invalid_value("involvedObject.namespace", involved, "does not match event.namespace")


def _same_selector(old: Object, new: Object) -> Errors:
    before, after = (old.get("spec") or {}).get("selector"), (new.get("spec") or {}).get("selector")
    if before != after and after:
        yield invalid_value("spec.selector", _go_selector(after), _IMMUTABLE)


def _go_selector(selector: Object) -> Any:
    """The selector as Go prints it in this message, without quotes around it."""
    labels = ", ".join(f'"{key}":"{value}"' for key, value in (selector.get("matchLabels") or {}).items())
    return _Bare(
        f"&v1.LabelSelector{{MatchLabels:map[string]string{{{labels}}}, "
        "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}"
    )


class _Bare:
    """A value that an error message shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def _stateful_change(old: Object, new: Object) -> Errors:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    frozen = (before.keys() | after.keys()).difference(_STATEFUL_MUTABLE)
    if any(before.get(name) != after.get(name) for name in frozen):
        yield forbidden("spec", _STATEFUL_TEXT)


def _pod_change(old: Object, new: Object) -> Errors:
    if _frozen_pod_spec(old) != _frozen_pod_spec(new):
        yield forbidden("spec", _POD_TEXT)


def _frozen_pod_spec(pod: Object) -> Object:
    mutable = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "ephemeralContainers")
    spec = {name: value for name, value in (pod.get("spec") or {}).items() if name not in mutable}
    for field in ("initContainers", "containers"):
        spec[field] = [{**container, "image": ""} for container in spec.get(field) or []]
    return spec


def _job_change(old: Object, new: Object) -> Errors:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for name in ("completions", "selector", "template"):
        if before.get(name) != after.get(name):
            yield invalid_value(f"spec.{name}", _Bare("..."), _IMMUTABLE)


def _service_change(old: Object, new: Object) -> Errors:
    before, after = (old.get("spec") or {}).get("clusterIP"), (new.get("spec") or {}).get("clusterIP")
    if before and after != before and (new.get("spec") or {}).get("type") != "ExternalName":
        yield invalid_value("spec.clusterIP", after or "", _IMMUTABLE)


def _immutable_data(old: Object, new: Object) -> Errors:
    if not old.get("immutable"):
        return
    if any(old.get(name) != new.get(name) for name in ("data", "binaryData")):
        yield forbidden("data", "field is immutable when `immutable` is set")
    if not new.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")


def _role_change(old: Object, new: Object) -> Errors:
    if old.get("roleRef") != new.get("roleRef"):
        yield invalid_value("roleRef", _Bare(str(new.get("roleRef"))), "cannot change roleRef")


def _claim_change(old: Object, new: Object) -> Errors:
    before, after = dict(old.get("spec") or {}), dict(new.get("spec") or {})
    for spec in (before, after):
        spec.pop("resources", None)
    if before.pop("volumeName", None) is None:
        after.pop("volumeName", None)
    else:
        before["volumeName"] = (old.get("spec") or {})["volumeName"]
    if before != after:
        why = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        yield forbidden("spec", why)


_CHECKS: dict[str, Callable[[Object], Errors]] = {
    "ClusterRoleBinding": _binding,
    "ConfigMap": _config_map,
    "CronJob": _cron_job,
    "DaemonSet": _workload,
    "Deployment": _workload,
    "Event": _event,
    "HorizontalPodAutoscaler": _autoscaler,
    "Job": _job,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "PodDisruptionBudget": _budget,
    "ReplicaSet": _workload,
    "ResourceQuota": _quota,
    "RoleBinding": _binding,
    "Secret": _secret,
    "Service": _service,
    "StatefulSet": _workload,
}
_CHANGE_CHECKS: dict[str, Callable[[Object, Object], Errors]] = {
    "ClusterRoleBinding": _role_change,
    "ConfigMap": _immutable_data,
    "DaemonSet": _same_selector,
    "Deployment": _same_selector,
    "Job": _job_change,
    "PersistentVolumeClaim": _claim_change,
    "Pod": _pod_change,
    "ReplicaSet": _same_selector,
    "RoleBinding": _role_change,
    "Secret": _immutable_data,
    "Service": _service_change,
    "StatefulSet": _stateful_change,
}
