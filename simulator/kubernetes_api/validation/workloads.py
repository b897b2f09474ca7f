"""What makes pods and counts them: Deployments and their kin, Jobs, autoscalers, budgets."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.selectors import from_spec, labels_match
from simulator.kubernetes_api.status import FieldError, forbidden, invalid_value, required, unsupported
from simulator.kubernetes_api.validation.common import IMMUTABLE, Bare, Errors, Object, not_negative
from simulator.kubernetes_api.validation.pods import check_pod_spec, check_template

STATEFUL_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
STATEFUL_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def workload(obj: Object) -> Errors:
    """Deployment, ReplicaSet, StatefulSet and DaemonSet: counts, selector, template."""
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
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
    yield from check_template(template, "spec.template", ("Always",))
    yield from check_strategy(spec)


def check_strategy(spec: Object) -> Errors:
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling:
        yield forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    if strategy.get("type", "RollingUpdate") not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    if rolling and {str(rolling.get("maxSurge")), str(rolling.get("maxUnavailable"))} <= {"0", "0%"}:
        why = "may not be 0 when `maxSurge` is 0"
        yield invalid_value("spec.strategy.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), why)


def autoscaler(obj: Object) -> Errors:
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


def budget(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield invalid_value("spec", "PodDisruptionBudgetSpec", "minAvailable and maxUnavailable cannot be both set")


def job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "spec", "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds")
    yield from job_template(spec.get("template") or {}, "spec.template")


def cron_job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(schedule.split()) != 5:
        why = f"expected exactly 5 fields, found {len(schedule.split())}: [{schedule}]"
        yield invalid_value("spec.schedule", schedule, why)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    yield from job_template(job.get("template") or {}, "spec.jobTemplate.spec.template")


def job_template(template: Object, path: str) -> Errors:
    spec = template.get("spec") or {}
    yield from check_pod_spec(spec, f"{path}.spec")
    if spec.get("restartPolicy") not in ("OnFailure", "Never"):
        yield required(f"{path}.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def same_selector(old: Object, new: Object) -> Errors:
    before, after = (old.get("spec") or {}).get("selector"), (new.get("spec") or {}).get("selector")
    if before != after and after:
        yield invalid_value("spec.selector", go_selector(after), IMMUTABLE)


def go_selector(selector: Object) -> Any:
    """The selector as Go prints it in this message, without quotes around it."""
    labels = ", ".join(f'"{key}":"{value}"' for key, value in (selector.get("matchLabels") or {}).items())
    return Bare(
        f"&v1.LabelSelector{{MatchLabels:map[string]string{{{labels}}}, "
        "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}"
    )


def stateful_change(old: Object, new: Object) -> Errors:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    frozen = (before.keys() | after.keys()).difference(STATEFUL_MUTABLE)
    if any(before.get(name) != after.get(name) for name in frozen):
        yield forbidden("spec", STATEFUL_TEXT)


def job_change(old: Object, new: Object) -> Errors:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for name in ("completions", "selector", "template"):
        if before.get(name) != after.get(name):
            yield invalid_value(f"spec.{name}", Bare("..."), IMMUTABLE)
