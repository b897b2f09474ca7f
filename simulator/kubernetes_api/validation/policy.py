"""What sets rules for others: webhooks, limit ranges, priority and storage classes, ingresses."""

from __future__ import annotations

import re

from simulator.kubernetes_api.quantity import quantity
from simulator.kubernetes_api.status import forbidden, invalid_value, required, unsupported
from simulator.kubernetes_api.validation.common import SUBDOMAIN_RE, Bare, Errors, Object

HIGHEST_PRIORITY = 1_000_000_000
SYSTEM_PREFIX = "system-"
SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")


def webhooks(obj: Object) -> Errors:
    for i, webhook in enumerate(obj.get("webhooks") or []):
        yield from _webhook(webhook, f"webhooks[{i}]")


def _webhook(webhook: Object, path: str) -> Errors:
    name = webhook.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    elif name.count(".") < 2 or not re.fullmatch(SUBDOMAIN_RE, name):
        yield invalid_value(f"{path}.name", name, "should be a domain with at least three segments separated by dots")
    if not webhook.get("admissionReviewVersions"):
        yield required(f"{path}.admissionReviewVersions", "must specify one of v1, v1beta1")
    if "sideEffects" not in webhook:
        yield required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun")
    elif webhook["sideEffects"] not in ("None", "NoneOnDryRun"):
        yield unsupported(f"{path}.sideEffects", webhook["sideEffects"], ("None", "NoneOnDryRun"))
    if webhook.get("failurePolicy", "Fail") not in ("Fail", "Ignore"):
        yield unsupported(f"{path}.failurePolicy", webhook["failurePolicy"], ("Fail", "Ignore"))
    seconds = webhook.get("timeoutSeconds", 10)
    if not 1 <= seconds <= 30:
        yield invalid_value(f"{path}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds")
    client = webhook.get("clientConfig") or {}
    if ("url" in client) == ("service" in client):
        yield required(f"{path}.clientConfig", "exactly one of url or service is required")


def limit_range(obj: Object) -> Errors:
    for i, item in enumerate((obj.get("spec") or {}).get("limits") or []):
        path = f"spec.limits[{i}]"
        if not item.get("type"):
            yield required(f"{path}.type")
        yield from _in_order(item, path, ("min", "min value"), ("max", "max value"))
        yield from _in_order(
            item, path, ("defaultRequest", "default request value"), ("default", "default limit value")
        )
        yield from _in_order(item, path, ("default", "default value"), ("max", "max value"))


def _in_order(item: Object, path: str, lower: tuple[str, str], upper: tuple[str, str]) -> Errors:
    """Amounts of one field that have to be at most those of another."""
    least, most = item.get(lower[0]) or {}, item.get(upper[0]) or {}
    for name in sorted(least.keys() & most.keys()):
        if quantity(least[name]) > quantity(most[name]):
            why = f"{lower[1]} {least[name]} is greater than {upper[1]} {most[name]}"
            yield invalid_value(f"{path}.{lower[0]}[{name}]", least[name], why)


def priority_class(obj: Object) -> Errors:
    name, value = obj["metadata"].get("name") or "", obj.get("value", 0)
    if name.startswith(SYSTEM_PREFIX):
        if name not in SYSTEM_CLASSES:
            why = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only"
            yield forbidden("metadata.name", f"{why}. error: {name} is not a known system priority class")
    elif value > HIGHEST_PRIORITY:
        yield forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST_PRIORITY}")
    if obj.get("preemptionPolicy", "Never") not in ("PreemptLowerPriority", "Never"):
        yield unsupported("preemptionPolicy", obj["preemptionPolicy"], ("Never", "PreemptLowerPriority"))


def storage_class(obj: Object) -> Errors:
    if not obj.get("provisioner"):
        yield required("provisioner")
    if obj.get("reclaimPolicy", "Delete") not in ("Delete", "Retain"):
        yield unsupported("reclaimPolicy", obj["reclaimPolicy"], ("Delete", "Retain"))
    modes = ("Immediate", "WaitForFirstConsumer")
    if obj.get("volumeBindingMode", "Immediate") not in modes:
        yield unsupported("volumeBindingMode", obj["volumeBindingMode"], modes)


def storage_class_change(old: Object, new: Object) -> Errors:
    for field in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        if old.get(field) != new.get(field):
            yield forbidden(field, f"updates to {field} are forbidden.")


def ingress(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield invalid_value("spec", Bare("null"), "either `defaultBackend` or `rules` must be specified")
    for i, rule in enumerate(spec.get("rules") or []):
        for j, path in enumerate((rule.get("http") or {}).get("paths") or []):
            yield from _ingress_path(path, f"spec.rules[{i}].http.paths[{j}]")


def _ingress_path(path: Object, where: str) -> Errors:
    kinds = ("Exact", "ImplementationSpecific", "Prefix")
    kind = path.get("pathType")
    if kind is None:
        yield required(f"{where}.pathType", "pathType must be specified")
    elif kind not in kinds:
        yield unsupported(f"{where}.pathType", kind, kinds)
    elif kind != "ImplementationSpecific" and not str(path.get("path") or "").startswith("/"):
        yield invalid_value(f"{where}.path", path.get("path") or "", "must be an absolute path")
    backend = path.get("backend") or {}
    if ("service" in backend) == ("resource" in backend):
        yield invalid_value(f"{where}.backend", Bare('""'), "cannot set both resource and service backends")
    elif "service" in backend and not (backend["service"] or {}).get("name"):
        yield required(f"{where}.backend.service.name")


def ingress_class(obj: Object) -> Errors:
    if not (obj.get("spec") or {}).get("controller"):
        yield required("spec.controller")


def runtime_class(obj: Object) -> Errors:
    if not obj.get("handler"):
        yield required("handler")
