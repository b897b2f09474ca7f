"""Pods and the templates of pods."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.quantity import quantity
from simulator.kubernetes_api.status import FieldError, forbidden, invalid_value, required, unsupported
from simulator.kubernetes_api.validation.common import (
    NOT_NEGATIVE,
    PORT_RANGE,
    Errors,
    Object,
    check_label,
    check_protocol,
    is_port,
    not_negative,
    unique_names,
)

POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_template(template: Object, path: str, restarts: tuple[str, ...]) -> Errors:
    for key, value in ((template.get("metadata") or {}).get("labels") or {}).items():
        yield from check_label(key, value, f"{path}.metadata.labels")
    spec = template.get("spec") or {}
    yield from check_pod_spec(spec, f"{path}.spec")
    if spec.get("restartPolicy", restarts[0]) not in restarts:
        yield unsupported(f"{path}.spec.restartPolicy", spec["restartPolicy"], restarts)


def pod(obj: Object) -> Errors:
    return check_pod_spec(obj.get("spec") or {}, "spec")


def check_pod_spec(spec: Object, path: str) -> Errors:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    yield from not_negative(spec, path, "terminationGracePeriodSeconds")
    yield from unique_names(spec.get("volumes") or [], f"{path}.volumes")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for field in ("initContainers", "containers"):
        containers = spec.get(field) or []
        yield from unique_names(containers, f"{path}.{field}")
        for i, container in enumerate(containers):
            yield from check_container(container, f"{path}.{field}[{i}]", volumes)


def check_container(container: Object, path: str, volumes: set[Any]) -> Errors:
    image = container.get("image") or ""
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
    policies = ("Always", "IfNotPresent", "Never")
    if container.get("imagePullPolicy", "Always") not in policies:
        yield unsupported(f"{path}.imagePullPolicy", container["imagePullPolicy"], policies)
    for i, port in enumerate(container.get("ports") or []):
        yield from container_port(port, f"{path}.ports[{i}]")
    for i, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield required(f"{path}.env[{i}].name")
    for i, mount in enumerate(container.get("volumeMounts") or []):
        yield from check_mount(mount, f"{path}.volumeMounts[{i}]", volumes)
    yield from check_resources(container.get("resources") or {}, f"{path}.resources")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from check_probe(container[name], f"{path}.{name}")


def container_port(port: Object, path: str) -> Errors:
    if not port.get("containerPort"):
        yield required(f"{path}.containerPort")
    elif not is_port(port["containerPort"]):
        yield invalid_value(f"{path}.containerPort", port["containerPort"], PORT_RANGE)
    yield from check_protocol(port, path)


def check_mount(mount: Object, path: str, volumes: set[Any]) -> Errors:
    if not mount.get("mountPath"):
        yield required(f"{path}.mountPath")
    if mount.get("name") not in volumes:
        yield FieldError(f"{path}.name", "FieldValueNotFound", f'Not found: "{mount.get("name", "")}"')


def check_resources(resources: Object, path: str) -> Errors:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            if quantity(amount) < 0:
                yield invalid_value(f"{path}.{field}[{name}]", amount, NOT_NEGATIVE)
    for name, amount in requests.items():
        if name in limits and quantity(amount) > quantity(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{path}.requests", amount, why)


def check_probe(probe: Object, path: str) -> Errors:
    handlers = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if name in probe]
    if not handlers:
        yield required(path, "must specify a handler type")
    for name in handlers[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    for name in ("httpGet", "tcpSocket"):
        port = (probe.get(name) or {}).get("port")
        if isinstance(port, int) and not is_port(port):
            yield invalid_value(f"{path}.{name}.port", port, PORT_RANGE)
    names = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    yield from not_negative(probe, path, *names)


def pod_change(old: Object, new: Object) -> Errors:
    if frozen_pod_spec(old) != frozen_pod_spec(new):
        yield forbidden("spec", POD_TEXT)


def frozen_pod_spec(pod: Object) -> Object:
    mutable = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "ephemeralContainers")
    spec = {name: value for name, value in (pod.get("spec") or {}).items() if name not in mutable}
    for field in ("initContainers", "containers"):
        spec[field] = [{**container, "image": ""} for container in spec.get(field) or []]
    return spec
