"""Pods of Jobs that failed: they have ended, but unlike others that ended they are what is left of trouble that nobody has overcome.

A pod that failed is no trouble where its Job came to its end after all, nor where a later run of the same CronJob did. One that its node
put out says nothing about its program.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from tools.engines.objects import Object, dig, namespace_of, rows, when
from tools.engines.program import maker


class Objects(Protocol):
    def of(self, kind: str) -> list[Object]: ...
    def get(self, kind: str, namespace: str | None, name: str) -> Object | None: ...


def failed_attempts(objects: Objects) -> Iterator[Object]:
    overcome = _overcome(objects)
    for pod in objects.of("Pod"):
        job = _job_of(pod, objects) if _failed_by_itself(pod) else None
        if job is not None and not _told(job, "Complete") and not _is_overcome(job, overcome, objects):
            yield pod


def failed_jobs(objects: Objects) -> Iterator[Object]:
    """Jobs that gave up and were not overcome since, whether or not their pods are still there."""
    overcome = _overcome(objects)
    for job in objects.of("Job"):
        if _told(job, "Failed") and not _is_overcome(job, overcome, objects):
            yield job


def _failed_by_itself(pod: Object) -> bool:
    return (
        dig(pod, "status", "phase") == "Failed"
        and not dig(pod, "status", "reason")
        and dig(pod, "metadata", "deletionTimestamp") is None
    )


def _job_of(pod: Object, objects: Objects) -> Object | None:
    owners = (row for row in rows(pod, "metadata", "ownerReferences") if row.get("kind") == "Job")
    return next((objects.get("Job", namespace_of(pod), str(row.get("name"))) for row in owners), None)


def _is_overcome(job: Object, overcome: Mapping[str, datetime], objects: Objects) -> bool:
    later, began = overcome.get(str(maker(job, objects.get))), _began(job)
    return later is not None and began is not None and later >= began


def _overcome(objects: Objects) -> dict[str, datetime]:
    """Of each maker of Jobs, when the newest of those began that came to their end."""
    newest: dict[str, datetime] = {}
    for job in objects.of("Job"):
        began = _began(job)
        if began and _told(job, "Complete"):
            who = str(maker(job, objects.get))
            newest[who] = max(began, newest.get(who, began))
    return newest


def _began(job: Object) -> datetime | None:
    return when(dig(job, "status", "startTime")) or when(dig(job, "metadata", "creationTimestamp"))


def _told(job: Object, condition: str) -> bool:
    return any(
        row.get("type") == condition and row.get("status") == "True" for row in rows(job, "status", "conditions")
    )
