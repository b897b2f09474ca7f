"""The Job controller: pods that have to come to a good end, so many of them, so many at a time.

A pod that fails is followed by another after a back-off that doubles, until more have failed than backoffLimit; a Job may also run out of
time. A finished Job keeps its pods for whoever wants to read their logs, and goes by itself after ttlSecondsAfterFinished.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.controllers.pods import Maker, claim, create_from, from_template, is_active, remove, say
from simulator.events import Source
from simulator.objects import (
    Object,
    annotations_of,
    by_controller,
    is_deleting,
    is_finished,
    is_ready,
    is_true,
    name_of,
    uid_of,
    with_spec,
    with_status,
)

MAKER = Maker("Job", "batch/v1", Source("job-controller"))
INDEX = "batch.kubernetes.io/job-completion-index"
UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"
BACKOFF_FIRST = 10.0
BACKOFF_LIMIT = 600.0
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
TOO_MANY = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = ("DeadlineExceeded", "Job was active longer than specified deadline")


@dataclass
class Work:
    """One Job with its pods, sorted by how they stand."""

    job: Object
    active: list[Object]
    succeeded: list[Object]
    failed: list[Object]

    @property
    def completions(self) -> int | None:
        wanted = self.job["spec"].get("completions")
        return None if wanted is None else int(wanted)

    @property
    def parallelism(self) -> int:
        return int(self.job["spec"].get("parallelism", 1))

    @property
    def is_suspended(self) -> bool:
        return bool(self.job["spec"].get("suspend"))

    @property
    def is_indexed(self) -> bool:
        return bool(self.job["spec"].get("completionMode") == "Indexed")

    @property
    def status(self) -> Object:
        return self.job.get("status") or {}

    @property
    def done(self) -> int:
        return len({index_of(pod) for pod in self.succeeded}) if self.is_indexed else len(self.succeeded)

    @property
    def is_done(self) -> bool:
        """With completions, when so many have succeeded; without, when one has and no other is left."""
        if self.completions is None:
            return bool(self.succeeded) and not self.active
        return self.done >= self.completions


def reconcile(ctx: Context) -> None:
    pods = by_controller(ctx.store.list("Pod"))
    for job in ctx.store.list("Job"):
        if is_deleting(job):
            continue
        if finished_as(job):
            _expire(ctx, job)
        else:
            labelled = _labelled(ctx, job)
            _sync(ctx, labelled, claim(ctx, MAKER, labelled, pods))


def finished_as(job: Object) -> Literal["Complete", "Failed", ""]:
    if is_true(job, "Complete"):
        return "Complete"
    return "Failed" if is_true(job, "Failed") else ""


def _expire(ctx: Context, job: Object) -> None:
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None:
        return
    ended = max(parse_rfc3339(each["lastTransitionTime"]) for each in job["status"]["conditions"])
    due = ended + timedelta(seconds=int(ttl))
    if due <= ctx.now():
        delete(ctx, "Job", job)
    else:
        ctx.call_again(due)


def _labelled(ctx: Context, job: Object) -> Object:
    """With the selector and labels that the server gives every Job, from its own uid."""
    if job["spec"].get("selector"):
        return job
    uid = uid_of(job)
    labels = {UID_LABEL: uid, NAME_LABEL: name_of(job), "controller-uid": uid, "job-name": name_of(job)}
    template = job["spec"]["template"]
    metadata = template.get("metadata") or {}
    labelled = {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}
    return ctx.store.update("Job", with_spec(job, selector={"matchLabels": {UID_LABEL: uid}}, template=labelled))


def _sync(ctx: Context, job: Object, pods: list[Object]) -> None:
    ended = [pod for pod in pods if is_finished(pod)]
    work = Work(
        job,
        [pod for pod in pods if is_active(pod)],
        [pod for pod in ended if pod["status"]["phase"] == "Succeeded"],
        [pod for pod in ended if pod["status"]["phase"] == "Failed"],
    )
    failure = _failure(ctx, work)
    if failure or work.is_done:
        _finish(ctx, work, failure)
        return
    _suspend_or_resume(ctx, work)
    if not work.is_suspended:
        _balance(ctx, work)
    ctx.store.update("Job", with_status(work.job, _status(ctx, work)))


def _failure(ctx: Context, work: Work) -> tuple[str, str] | None:
    """Why the Job has failed, if it has."""
    limit = int(work.job["spec"].get("backoffLimit", 6))
    if len(work.failed) > limit or _restarts_beyond(work, limit):
        return TOO_MANY
    deadline, start = work.job["spec"].get("activeDeadlineSeconds"), work.status.get("startTime")
    if deadline is None or start is None or work.is_suspended:
        return None
    due = parse_rfc3339(start) + timedelta(seconds=int(deadline))
    if due <= ctx.now():
        return TOO_LONG
    ctx.call_again(due)
    return None


def _restarts_beyond(work: Work, limit: int) -> bool:
    """Where pods restart their containers themselves, each restart is a failure."""
    if work.job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    statuses = [each for pod in work.active for each in (pod.get("status") or {}).get("containerStatuses") or []]
    restarts = sum(int(each.get("restartCount", 0)) for each in statuses)
    return restarts >= max(limit, 1)


def _finish(ctx: Context, work: Work, failure: tuple[str, str] | None) -> None:
    for pod in work.active:
        remove(ctx, MAKER, work.job, pod)
    reason, message = failure or REACHED
    first, last = ("FailureTarget", "Failed") if failure else ("SuccessCriteriaMet", "Complete")
    conditions = [each for each in work.status.get("conditions") or [] if each["type"] != "Suspended"]
    conditions += [_condition(ctx, kind, "True", reason, message) for kind in (first, last)]
    status = {**_counts(work, active=0), "conditions": conditions}
    if not failure:
        status["completionTime"] = ctx.stamp()
    work.active = []
    ctx.store.update("Job", with_status(work.job, status))
    if failure:
        say(ctx, MAKER, work.job, "Warning", reason, message)
    else:
        say(ctx, MAKER, work.job, "Normal", "Completed", "Job completed")


def _condition(ctx: Context, kind: str, value: str, reason: str, message: str) -> Object:
    stamp = ctx.stamp()
    times = {"lastProbeTime": stamp, "lastTransitionTime": stamp}
    return {"type": kind, "status": value, **times, "reason": reason, "message": message}


def _suspend_or_resume(ctx: Context, work: Work) -> None:
    was = is_true(work.job, "Suspended")
    if work.is_suspended == was:
        return
    if work.is_suspended:
        for pod in work.active:
            remove(ctx, MAKER, work.job, pod)
        work.active = []
    said = ("Suspended", "Job suspended") if work.is_suspended else ("Resumed", "Job resumed")
    value = "True" if work.is_suspended else "False"
    rest = [each for each in work.status.get("conditions") or [] if each["type"] != "Suspended"]
    known = _condition(ctx, "Suspended", value, f"Job{said[0]}", said[1])
    started = {} if work.is_suspended else {"startTime": ctx.stamp()}
    status = {key: value for key, value in work.status.items() if key != "startTime"}
    work.job = with_status(work.job, {**status, **started, "conditions": [*rest, known]})
    say(ctx, MAKER, work.job, "Normal", said[0], said[1])


def _balance(ctx: Context, work: Work) -> None:
    """As many pods at work as there may and need be."""
    wanted = _wanted_active(work)
    surplus = sorted(work.active, key=lambda pod: (is_ready(pod), pod["metadata"]["creationTimestamp"]))
    for pod in surplus[: max(len(work.active) - wanted, 0)]:
        remove(ctx, MAKER, work.job, pod)
        work.active.remove(pod)
    missing = wanted - len(work.active)
    if missing <= 0 or _waits(ctx, work):
        return
    for index in _free_indexes(work, missing):
        made = create_from(ctx, MAKER, work.job, _pod(work, index))
        if made is None:
            ctx.call_again(ctx.now() + timedelta(seconds=BACKOFF_FIRST))
            return
        work.active.append(made)


def _wanted_active(work: Work) -> int:
    if work.completions is None:
        return len(work.active) if work.succeeded else work.parallelism
    return min(work.parallelism, work.completions - work.done)


def _waits(ctx: Context, work: Work) -> bool:
    """After a failure the next pod waits, twice as long each time."""
    times = [_ended_at(pod) for pod in work.failed]
    if not times:
        return False
    last_good = max((_ended_at(pod) for pod in work.succeeded), default=datetime.min.replace(tzinfo=times[0].tzinfo))
    in_a_row = sum(1 for each in times if each > last_good)
    if not in_a_row:
        return False
    due = max(times) + timedelta(seconds=min(BACKOFF_FIRST * 2 ** (in_a_row - 1), BACKOFF_LIMIT))
    if due <= ctx.now():
        return False
    ctx.call_again(due)
    return True


def _ended_at(pod: Object) -> datetime:
    ends = [
        each["state"]["terminated"]["finishedAt"]
        for each in (pod.get("status") or {}).get("containerStatuses") or []
        if "terminated" in (each.get("state") or {})
    ]
    return max((parse_rfc3339(each) for each in ends), default=parse_rfc3339(pod["metadata"]["creationTimestamp"]))


def index_of(pod: Object) -> int:
    return int(annotations_of(pod).get(INDEX, "0"))


def _free_indexes(work: Work, missing: int) -> list[int]:
    if not work.is_indexed:
        return [0] * missing
    taken = {index_of(pod) for pod in [*work.active, *work.succeeded]}
    return [index for index in range(work.completions or 0) if index not in taken][:missing]


def _pod(work: Work, index: int) -> Object:
    pod = from_template(MAKER, work.job)
    if not work.is_indexed:
        return pod
    metadata, spec = pod["metadata"], pod["spec"]
    metadata["generateName"] = f"{name_of(work.job)}-{index}-"
    metadata["labels"][INDEX] = str(index)
    metadata["annotations"] = {**metadata.get("annotations", {}), INDEX: str(index)}
    number = {"name": "JOB_COMPLETION_INDEX", "value": str(index)}
    containers = [{**each, "env": [*(each.get("env") or []), number]} for each in spec["containers"]]
    return {**pod, "spec": {**spec, "hostname": f"{name_of(work.job)}-{index}", "containers": containers}}


def _counts(work: Work, active: int) -> Object:
    counts = {"active": active, "succeeded": work.done, "failed": len(work.failed)}
    kept = {key: value for key, value in work.status.items() if key in ("startTime", "conditions")}
    return {
        **kept,
        **{key: count for key, count in counts.items() if count},
        "ready": sum(is_ready(pod) for pod in work.active) if active else 0,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }


def _status(ctx: Context, work: Work) -> Object:
    status = _counts(work, len(work.active))
    if not work.is_suspended:
        status.setdefault("startTime", ctx.stamp())
    return status
