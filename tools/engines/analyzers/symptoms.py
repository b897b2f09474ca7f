"""What hurts, without saying why: too few pods, a Service with nobody behind it, answers that are errors, calls that fail.

These are never causes. They are what a cause is measured by (a fault that explains four of them outranks one that explains none), and
what is left over when no cause was found, so that "no cause" is not read as "no trouble". A young pod still starting is not a symptom.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from core.language import Text
from tools.engines.attempts import failed_jobs
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import (
    Object,
    component,
    dig,
    is_unready,
    kind_of,
    mapping,
    name_of,
    namespace_of,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.program import maker
from tools.engines.shortage import misses_pods
from tools.engines.snapshot import Series, Snapshot

PATIENCE = timedelta(seconds=120)
ERROR_SHARE = 0.05
LEAST_RATE = 0.05


def workloads_without_enough_pods(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for workload in snapshot.workloads():
        if not mapping(workload, "status") and not any(mapping(pod, "status") for pod in snapshot.pods_of(workload)):
            continue
        wanted = _wanted(workload)
        available = _available(workload)
        stuck = [pod for pod in snapshot.pods_of(workload) if _is_stuck(snapshot, pod)]
        short = wanted > available or _never_created(snapshot, workload)
        if stuck or (short and _is_stale(snapshot, workload)):
            yield _short_of_pods(workload, stuck, available, wanted)


def jobs_that_gave_up(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    """Of late, or nobody knows when: what gave up long ago is clutter."""
    for job in failed_jobs(snapshot):
        told = next(row for row in rows(job, "status", "conditions") if row.get("type") == "Failed")
        since = when(told.get("lastTransitionTime"))
        if since is None or since >= snapshot.window.start:
            said = ": ".join(str(told[key]) for key in ("reason", "message") if told.get(key)) or "Failed"
            name = component(job)
            yield _symptom(
                "job_failed",
                maker(job, snapshot.get),
                Text(f"{name} gave up ({said}).", f"{name} 已失败（{said}）。"),
                f"{name} status.conditions[Failed]",
                said,
            )


def _available(workload: Object) -> int:
    """A StatefulSet's status did not always count those available; ready ones are, where no time is asked of them."""
    status = mapping(workload, "status")
    told = whole(status.get("availableReplicas")) or whole(status.get("numberAvailable")) or 0
    if told or kind_of(workload) != "StatefulSet" or "availableReplicas" in status:
        return told
    return 0 if dig(workload, "spec", "minReadySeconds") else whole(status.get("readyReplicas")) or 0


def _short_of_pods(workload: Object, stuck: list[Object], available: int, wanted: int) -> Finding:
    name, reasons = component(workload), sorted({reason for pod in stuck for reason in _reasons(pod)})
    why = f" ({', '.join(reasons)})" if reasons else ""
    told = _symptom(
        "workload_unavailable",
        name,
        Text(
            f"{name}: {available} of {wanted} pods available, {len(stuck)} stuck{why}.",
            f"{name}：可用 Pod {available}/{wanted}，{len(stuck)} 个未就绪{why}。",
        ),
        f"{name} status.availableReplicas",
        f"{available} of {wanted} available, {len(stuck)} stuck{why}",
    )
    return replace(told, facts={"available": available})


def services_without_addresses(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for service in snapshot.of("Service"):
        name = component(service)
        used = bool(graph.backing(service)) or bool(graph.callers_of(name))
        if mapping(service, "spec", "selector") and used and snapshot.ready_addresses(service) == 0:
            yield _symptom(
                "service_without_endpoints",
                name,
                Text(f"{name} has no ready address behind it.", f"{name} 没有就绪的后端地址。"),
                f"EndpointSlice {namespace_of(service)}/{name_of(service)}",
                "no ready addresses",
            )


def services_that_answer_with_errors(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for errors in snapshot.series("errors"):
        who = {"namespace": errors.labels.get("namespace", ""), "service": errors.labels.get("service", "")}
        share = _share(snapshot, errors, snapshot.series("requests", **who))
        service = snapshot.get("Service", who["namespace"], who["service"])
        if share is None or service is None:
            continue
        for victim in graph.backing(service) or [component(service)]:
            yield _symptom(
                "errors",
                victim,
                Text(
                    f"{share:.0%} of the requests to {who['service']} are answered with an error.",
                    f"{who['service']} 有 {share:.0%} 的请求返回错误。",
                ),
                errors.query,
                f"{share:.0%} errors, {errors.last:.2f} a second",
                "metric",
            )


def calls_that_fail(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for failed in snapshot.series("failed_calls"):
        client, server = failed.labels.get("client", ""), failed.labels.get("server", "")
        share = _share(snapshot, failed, snapshot.series("calls", client=client, server=server))
        if share is None:
            continue
        for caller in graph.callers_named(client, server):
            told = _symptom(
                "failing_calls",
                caller,
                Text(
                    f"{share:.0%} of the calls from {client} to {server} fail.",
                    f"{client} 对 {server} 的调用有 {share:.0%} 失败。",
                ),
                failed.query,
                f"{share:.0%} of the calls to {server} fail, {failed.last:.2f} a second",
                "metric",
            )
            called = graph.called_as(caller, server)
            yield replace(told, called=(called,) if called else ())


def _symptom(fault: str, victim: Component, words: Text, ref: str, quote: str, source: str = "kubernetes") -> Finding:
    proof = evidence("metric" if source == "metric" else "kubernetes", ref, quote)
    return Finding(fault, "symptom", victim, words, (proof,), symptom=True)


def _wanted(workload: Object) -> int:
    if kind_of(workload) == "DaemonSet":
        return whole(dig(workload, "status", "desiredNumberScheduled")) or 0
    replicas = whole(dig(workload, "spec", "replicas"))
    return 1 if replicas is None else replicas


def _never_created(snapshot: Snapshot, workload: Object) -> bool:
    """A new version whose pods are refused suffers, though the old ones still answer."""
    program = snapshot.program(component(workload))
    return program is not None and misses_pods(snapshot, program)


def _is_stuck(snapshot: Snapshot, pod: Object) -> bool:
    if not is_unready(pod):
        return False
    return bool(_reasons(pod)) or _age(snapshot, pod) > PATIENCE


def _is_stale(snapshot: Snapshot, workload: Object) -> bool:
    """Missing pods are news only after a while: a rollout that moves updates its conditions."""
    moved = [when(row.get("lastUpdateTime")) for row in rows(workload, "status", "conditions")]
    latest = max((at for at in moved if at), default=None) or when(dig(workload, "metadata", "creationTimestamp"))
    return latest is None or snapshot.taken_at - latest > PATIENCE


def _age(snapshot: Snapshot, pod: Object) -> timedelta:
    for condition in rows(pod, "status", "conditions"):
        since = when(condition.get("lastTransitionTime"))
        if condition.get("type") == "Ready" and since:
            return snapshot.taken_at - since
    born = when(dig(pod, "metadata", "creationTimestamp"))
    return snapshot.taken_at - born if born else PATIENCE * 2


def _reasons(pod: Object) -> list[str]:
    waiting = [dig(status, "state", "waiting", "reason") for status in statuses(pod)]
    return [str(reason) for reason in waiting if reason and reason not in {"ContainerCreating", "PodInitializing"}]


def _share(snapshot: Snapshot, failed: Series, total: list[Series]) -> float | None:
    if not total or not snapshot.is_current(failed) or failed.last < LEAST_RATE or total[0].last <= 0:
        return None
    share = min(1.0, failed.last / total[0].last)
    return share if share >= ERROR_SHARE else None
