"""What makes pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs; and what scales and guards them."""

from __future__ import annotations

from simulator.objects import Object, condition, name_of, namespace_of
from simulator.quantity import quantity
from simulator.telemetry.kube_state.samples import Metrics, conditions, of, owner, time_of


def _numbers(prefix: str, values: Object, fields: dict[str, str], who: dict[str, str]) -> Metrics:
    for field, name in fields.items():
        yield of(f"{prefix}_{name}", values.get(field) or 0, **who)


def _common(prefix: str, obj: Object, who: dict[str, str]) -> Metrics:
    metadata, status = obj["metadata"], obj.get("status") or {}
    yield of(f"{prefix}_metadata_generation", metadata.get("generation", 1), **who)
    yield of(f"{prefix}_status_observed_generation", status.get("observedGeneration", 0), **who)
    yield from time_of(f"{prefix}_created", metadata.get("creationTimestamp"), **who)


def deployment(deployment: Object) -> Metrics:
    who = {"namespace": namespace_of(deployment), "deployment": name_of(deployment)}
    status, spec = deployment.get("status") or {}, deployment["spec"]
    yield of("kube_deployment_spec_replicas", spec.get("replicas", 1), **who)
    yield of("kube_deployment_spec_paused", bool(spec.get("paused")), **who)
    yield from _numbers("kube_deployment_status", status, _DEPLOYMENT, who)
    yield from _common("kube_deployment", deployment, who)
    yield from conditions("kube_deployment_status_condition", status.get("conditions"), **who)


_DEPLOYMENT = {
    "replicas": "replicas",
    "readyReplicas": "replicas_ready",
    "availableReplicas": "replicas_available",
    "unavailableReplicas": "replicas_unavailable",
    "updatedReplicas": "replicas_updated",
}


def replicaset(replicaset: Object) -> Metrics:
    who = {"namespace": namespace_of(replicaset), "replicaset": name_of(replicaset)}
    status = replicaset.get("status") or {}
    yield of("kube_replicaset_spec_replicas", replicaset["spec"].get("replicas", 1), **who)
    yield of("kube_replicaset_status_replicas", status.get("replicas", 0), **who)
    yield of("kube_replicaset_status_ready_replicas", status.get("readyReplicas", 0), **who)
    yield from time_of("kube_replicaset_created", replicaset["metadata"].get("creationTimestamp"), **who)
    yield owner("kube_replicaset_owner", replicaset, **who)


def statefulset(statefulset: Object) -> Metrics:
    who = {"namespace": namespace_of(statefulset), "statefulset": name_of(statefulset)}
    status = statefulset.get("status") or {}
    yield of("kube_statefulset_replicas", statefulset["spec"].get("replicas", 1), **who)
    yield from _numbers("kube_statefulset_status", status, _STATEFULSET, who)
    yield from _common("kube_statefulset", statefulset, who)
    for field, name in (("currentRevision", "current_revision"), ("updateRevision", "update_revision")):
        if status.get(field):
            yield of(f"kube_statefulset_status_{name}", 1, **who, revision=status[field])


_STATEFULSET = {
    "replicas": "replicas",
    "readyReplicas": "replicas_ready",
    "availableReplicas": "replicas_available",
    "currentReplicas": "replicas_current",
    "updatedReplicas": "replicas_updated",
}


def daemonset(daemonset: Object) -> Metrics:
    who = {"namespace": namespace_of(daemonset), "daemonset": name_of(daemonset)}
    yield from _numbers("kube_daemonset_status", daemonset.get("status") or {}, _DAEMONSET, who)
    yield from _common("kube_daemonset", daemonset, who)


_DAEMONSET = {
    "desiredNumberScheduled": "desired_number_scheduled",
    "currentNumberScheduled": "current_number_scheduled",
    "numberMisscheduled": "number_misscheduled",
    "numberReady": "number_ready",
    "numberAvailable": "number_available",
    "numberUnavailable": "number_unavailable",
    "updatedNumberScheduled": "updated_number_scheduled",
}


def job(job: Object) -> Metrics:
    who = {"namespace": namespace_of(job), "job_name": name_of(job)}
    status, spec = job.get("status") or {}, job["spec"]
    yield of("kube_job_info", 1, **who)
    yield owner("kube_job_owner", job, **who)
    yield of("kube_job_spec_parallelism", spec.get("parallelism", 1), **who)
    if spec.get("completions") is not None:
        yield of("kube_job_spec_completions", spec["completions"], **who)
    for field in ("active", "succeeded"):
        yield of(f"kube_job_status_{field}", status.get(field) or 0, **who)
    yield from _ends(job, status, who)
    yield from time_of("kube_job_status_start_time", status.get("startTime"), **who)
    yield from time_of("kube_job_status_completion_time", status.get("completionTime"), **who)
    yield from time_of("kube_job_created", job["metadata"].get("creationTimestamp"), **who)


def _ends(job: Object, status: Object, who: dict[str, str]) -> Metrics:
    failure = condition(job, "Failed") or {}
    if not status.get("failed"):
        yield of("kube_job_status_failed", 0, **who)
    for reason in ("BackoffLimitExceeded", "DeadlineExceeded", "Evicted") if status.get("failed") else ():
        yield of("kube_job_status_failed", failure.get("reason") == reason, **who, reason=reason)
    for kind, name in (("Complete", "kube_job_complete"), ("Failed", "kube_job_failed")):
        found = condition(job, kind)
        for state in ("true", "false", "unknown") if found else ():
            yield of(name, (found or {})["status"].lower() == state, **who, condition=state)


def cronjob(cronjob: Object) -> Metrics:
    who = {"namespace": namespace_of(cronjob), "cronjob": name_of(cronjob)}
    status, spec = cronjob.get("status") or {}, cronjob["spec"]
    policy = spec.get("concurrencyPolicy", "Allow")
    yield of("kube_cronjob_info", 1, **who, schedule=spec.get("schedule", ""), concurrency_policy=policy)
    yield of("kube_cronjob_spec_suspend", bool(spec.get("suspend")), **who)
    yield of("kube_cronjob_status_active", len(status.get("active") or []), **who)
    yield from time_of("kube_cronjob_status_last_schedule_time", status.get("lastScheduleTime"), **who)
    yield from time_of("kube_cronjob_status_last_successful_time", status.get("lastSuccessfulTime"), **who)
    yield from time_of("kube_cronjob_created", cronjob["metadata"].get("creationTimestamp"), **who)


def autoscaler(autoscaler: Object) -> Metrics:
    prefix = "kube_horizontalpodautoscaler"
    who = {"namespace": namespace_of(autoscaler), "horizontalpodautoscaler": name_of(autoscaler)}
    status, spec = autoscaler.get("status") or {}, autoscaler["spec"]
    target = spec["scaleTargetRef"]
    named = {"scaletargetref_kind": target["kind"], "scaletargetref_name": target["name"]}
    yield of(f"{prefix}_info", 1, **who, **named)
    yield of(f"{prefix}_spec_min_replicas", spec.get("minReplicas", 1), **who)
    yield of(f"{prefix}_spec_max_replicas", spec["maxReplicas"], **who)
    yield of(f"{prefix}_status_current_replicas", status.get("currentReplicas") or 0, **who)
    yield of(f"{prefix}_status_desired_replicas", status.get("desiredReplicas") or 0, **who)
    yield from _targets(f"{prefix}_spec_target_metric", spec.get("metrics"), "target", who)
    yield from _targets(f"{prefix}_status_target_metric", status.get("currentMetrics"), "current", who)
    yield from conditions(f"{prefix}_status_condition", status.get("conditions"), **who)


def _targets(name: str, metrics: list[Object] | None, field: str, who: dict[str, str]) -> Metrics:
    for each in metrics or []:
        metric = each.get("resource") or {}
        utilisation = (metric.get(field) or {}).get("averageUtilization")
        if utilisation is not None:
            yield of(name, utilisation, **who, metric_name=metric["name"], metric_target_type="utilization")


def disruption_budget(budget: Object) -> Metrics:
    who = {"namespace": namespace_of(budget), "poddisruptionbudget": name_of(budget)}
    yield from _numbers("kube_poddisruptionbudget_status", budget.get("status") or {}, _BUDGET, who)


_BUDGET = {
    "currentHealthy": "current_healthy",
    "desiredHealthy": "desired_healthy",
    "disruptionsAllowed": "pod_disruptions_allowed",
    "expectedPods": "expected_pods",
    "observedGeneration": "observed_generation",
}


def quota(quota: Object) -> Metrics:
    who = {"namespace": namespace_of(quota), "resourcequota": name_of(quota)}
    for kind in ("hard", "used"):
        for name, value in ((quota.get("status") or {}).get(kind) or {}).items():
            yield of("kube_resourcequota", quantity(value), **who, resource=name, type=kind)


def limit_range(limits: Object) -> Metrics:
    who = {"namespace": namespace_of(limits), "limitrange": name_of(limits)}
    for limit in limits["spec"].get("limits") or []:
        for constraint in ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio"):
            for name, value in (limit.get(constraint) or {}).items():
                labels = {"resource": name, "type": limit["type"], "constraint": constraint}
                yield of("kube_limitrange", quantity(value), **who, **labels)
