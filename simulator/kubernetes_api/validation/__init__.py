"""What a well-shaped object may still get wrong: the 422s with their causes.

The checks are the ones people and programs run into: names, selectors that do not match their template, fields that
may not change, negative counts, ports, duplicate names, limits below requests, keys that nothing may carry. All errors of
an object are reported together, as the real server does.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.kubernetes_api.status import FieldError
from simulator.kubernetes_api.validation.common import Errors, Object, check_metadata
from simulator.kubernetes_api.validation.data import (
    binding,
    config_map,
    event,
    immutable_data,
    quota,
    role_change,
    secret,
)
from simulator.kubernetes_api.validation.pods import pod, pod_change
from simulator.kubernetes_api.validation.policy import (
    ingress,
    ingress_class,
    limit_range,
    priority_class,
    runtime_class,
    storage_class,
    storage_class_change,
    webhooks,
)
from simulator.kubernetes_api.validation.services import service, service_change
from simulator.kubernetes_api.validation.storage import claim, claim_change, volume
from simulator.kubernetes_api.validation.workloads import (
    autoscaler,
    budget,
    cron_job,
    job,
    job_change,
    same_selector,
    stateful_change,
    workload,
)


def validate_create(kind: str, obj: Object) -> list[FieldError]:
    return [*check_metadata(kind, obj), *_spec(kind, obj)]


def validate_update(kind: str, old: Object, new: Object) -> list[FieldError]:
    change = _CHANGE_CHECKS.get(kind)
    return [*check_metadata(kind, new), *_spec(kind, new), *(change(old, new) if change else ())]


def _spec(kind: str, obj: Object) -> Errors:
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(obj)


_CHECKS: dict[str, Callable[[Object], Errors]] = {
    "ClusterRoleBinding": binding,
    "ConfigMap": config_map,
    "CronJob": cron_job,
    "DaemonSet": workload,
    "Deployment": workload,
    "Event": event,
    "HorizontalPodAutoscaler": autoscaler,
    "Ingress": ingress,
    "IngressClass": ingress_class,
    "Job": job,
    "LimitRange": limit_range,
    "MutatingWebhookConfiguration": webhooks,
    "PersistentVolume": volume,
    "PersistentVolumeClaim": claim,
    "Pod": pod,
    "PodDisruptionBudget": budget,
    "PriorityClass": priority_class,
    "ReplicaSet": workload,
    "ResourceQuota": quota,
    "RoleBinding": binding,
    "RuntimeClass": runtime_class,
    "Secret": secret,
    "Service": service,
    "StatefulSet": workload,
    "StorageClass": storage_class,
    "ValidatingWebhookConfiguration": webhooks,
}
_CHANGE_CHECKS: dict[str, Callable[[Object, Object], Errors]] = {
    "ClusterRoleBinding": role_change,
    "ConfigMap": immutable_data,
    "DaemonSet": same_selector,
    "Deployment": same_selector,
    "Job": job_change,
    "PersistentVolumeClaim": claim_change,
    "Pod": pod_change,
    "ReplicaSet": same_selector,
    "RoleBinding": role_change,
    "Secret": immutable_data,
    "Service": service_change,
    "StatefulSet": stateful_change,
    "StorageClass": storage_class_change,
}
