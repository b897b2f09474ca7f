"""The CronJob controller: a Job at every time of a schedule, unless the last one is still at it and may not be joined or replaced.

It looks back from now to the last time it started something and starts the newest missed time only; a time that is longer past than
startingDeadlineSeconds is given up. Finished Jobs beyond the history limits are dropped, the oldest first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulator.clock import parse_rfc3339, rfc3339
from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.controllers.job import finished_as
from simulator.controllers.pods import Maker, say
from simulator.controllers.schedule import Schedule, Unparseable, parse
from simulator.events import Source
from simulator.kubernetes_api import defaulted
from simulator.objects import (
    Object,
    by_controller,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
    with_status,
)

MAKER = Maker("CronJob", "batch/v1", Source("cronjob-controller"))
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MOST_MISSED = 100
FAR_TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"


def reconcile(ctx: Context) -> None:
    owned = by_controller(ctx.store.list("Job"))
    for cron in ctx.store.list("CronJob"):
        if not is_deleting(cron):
            _sync(ctx, cron, owned.get(uid_of(cron), []))


def _sync(ctx: Context, cron: Object, jobs: list[Object]) -> None:
    status = _seen(ctx, cron, jobs)
    _forget(ctx, cron, jobs)
    schedule = None if cron["spec"].get("suspend") else _schedule(ctx, cron)
    if schedule is not None:
        status = _start_due(ctx, cron, schedule, status, jobs)
    ctx.store.update("CronJob", with_status(cron, status))


def _seen(ctx: Context, cron: Object, jobs: list[Object]) -> Object:
    """The status after a look at the Jobs: which still run, which have come to an end since."""
    status = dict(cron.get("status") or {})
    by_uid = {uid_of(job): job for job in jobs}
    active = []
    for reference in status.get("active") or []:
        job = by_uid.get(reference["uid"])
        if job is None:
            say(ctx, MAKER, cron, "Normal", "MissingJob", f"Active job went missing: {reference['name']}")
        elif end := finished_as(job):
            said = f"Saw completed job: {name_of(job)}, condition: {end}"
            say(ctx, MAKER, cron, "Normal", "SawCompletedJob", said)
        else:
            active.append(reference)
    good = [job["status"]["completionTime"] for job in jobs if finished_as(job) == "Complete"]
    if good:
        status["lastSuccessfulTime"] = max([*good, status.get("lastSuccessfulTime", "")])
    return _with_active(status, active)


def _with_active(status: Object, active: list[Object]) -> Object:
    rest = {key: value for key, value in status.items() if key != "active"}
    return {"active": active, **rest} if active else rest


def _forget(ctx: Context, cron: Object, jobs: list[Object]) -> None:
    for end, field, usual in (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)):
        ended = sorted(
            (job for job in jobs if finished_as(job) == end), key=lambda job: str(job["status"].get("startTime"))
        )
        limit = int(cron["spec"].get(field, usual))
        for job in ended[: max(len(ended) - limit, 0)]:
            _drop(ctx, cron, job)


def _drop(ctx: Context, cron: Object, job: Object) -> None:
    delete(ctx, "Job", job)
    say(ctx, MAKER, cron, "Normal", "SuccessfulDelete", f"Deleted job {name_of(job)}")


def _schedule(ctx: Context, cron: Object) -> Schedule | None:
    name, text = cron["spec"].get("timeZone"), str(cron["spec"]["schedule"])
    try:
        zone = ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        say(ctx, MAKER, cron, "Warning", "UnknownTimeZone", f'invalid timeZone: "{name}": unknown time zone {name}')
        return None
    try:
        return parse(text, zone)
    except Unparseable as error:
        say(ctx, MAKER, cron, "Warning", "UnparseableSchedule", f'unparseable schedule: "{text}" : {error}')
        return None


def _start_due(ctx: Context, cron: Object, schedule: Schedule, status: Object, jobs: list[Object]) -> Object:
    now, deadline = ctx.now(), cron["spec"].get("startingDeadlineSeconds")
    since = parse_rfc3339(status.get("lastScheduleTime") or cron["metadata"]["creationTimestamp"])
    if deadline is not None:
        since = max(since, now - timedelta(seconds=int(deadline)))
    missed = schedule.between(since, now, MOST_MISSED + 1)
    following = schedule.next(now)
    if following is not None:
        ctx.call_again(following)
    if not missed:
        return status
    if len(missed) > MOST_MISSED:
        say(ctx, MAKER, cron, "Warning", "TooManyMissedTimes", FAR_TOO_MANY)
    return _start(ctx, cron, _newest(schedule, missed, now), status, jobs)


def _newest(schedule: Schedule, missed: list[datetime], now: datetime) -> datetime:
    if len(missed) <= MOST_MISSED:
        return missed[-1]
    # Too many to count: the newest is found by looking back from now over one usual interval.
    interval = missed[-1] - missed[-2]
    return (schedule.between(now - 2 * interval, now, MOST_MISSED) or missed)[-1]


def _start(ctx: Context, cron: Object, moment: datetime, status: Object, jobs: list[Object]) -> Object:
    policy, active = cron["spec"].get("concurrencyPolicy", "Allow"), status.get("active") or []
    if policy == "Forbid" and active:
        said = "Not starting job because prior execution is running and concurrency policy is Forbid"
        say(ctx, MAKER, cron, "Normal", "JobAlreadyActive", said)
        return status
    if policy == "Replace":
        for job in jobs:
            if uid_of(job) in {each["uid"] for each in active}:
                _drop(ctx, cron, job)
        active = []
    job = _job(cron, moment)
    present = ctx.store.get("Job", namespace_of(cron), name_of(job))
    if present is None:
        present = ctx.store.create("Job", defaulted("Job", job))
        say(ctx, MAKER, cron, "Normal", "SuccessfulCreate", f"Created job {name_of(present)}")
    started = {**status, "lastScheduleTime": rfc3339(moment)}
    return _with_active(started, [*active, _reference(present)])


def _job(cron: Object, moment: datetime) -> Object:
    template: dict[str, Any] = cron["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    zone = ZoneInfo(cron["spec"]["timeZone"]) if cron["spec"].get("timeZone") else UTC
    local = moment.astimezone(zone).isoformat()
    stamp = local.replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name_of(cron)}-{int(moment.timestamp()) // 60}",
            "namespace": namespace_of(cron),
            "labels": dict(metadata.get("labels") or {}),
            "annotations": {**(metadata.get("annotations") or {}), SCHEDULED: stamp},
            "ownerReferences": [owner_reference(cron, "CronJob", "batch/v1")],
        },
        "spec": dict(template["spec"]),
    }


def _reference(job: Object) -> Object:
    return {
        "kind": "Job",
        "namespace": namespace_of(job),
        "name": name_of(job),
        "uid": uid_of(job),
        "apiVersion": "batch/v1",
        "resourceVersion": job["metadata"]["resourceVersion"],
    }
