"""Pods in which a Job failed have ended, and are judged all the same; what was overcome since accuses nobody."""

from typing import Any

import pytest

from tests.tools.objects import Object, at, meta, snapshot, template
from tools.engines.explain import diagnose

WRONG = 'exec: "/bin/sumz": stat /bin/sumz: no such file or directory: unknown'
FAILED = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
COMPLETE = {"type": "Complete", "status": "True"}


def shape() -> Object:
    made = template({"job": "sums"}, {"name": "app", "image": "reg.example/sums:1", "command": ["/bin/sumz"]})
    made["spec"]["restartPolicy"] = "Never"
    return made


def cron_job() -> Object:
    spec = {"schedule": "*/10 * * * *", "jobTemplate": {"spec": {"template": shape()}}}
    return {"kind": "CronJob", "metadata": meta("sums"), "spec": spec}


def job(name: str = "sums-1", *conditions: Object, minutes_ago: float = 10, of_cron: bool = False) -> Object:
    owner = ("CronJob", "sums") if of_cron else None
    status = {"startTime": at(minutes_ago), "conditions": list(conditions)}
    return {"kind": "Job", "metadata": meta(name, owner=owner), "spec": {"template": shape()}, "status": status}


def attempt(of: str = "sums-1", code: int = 1, reason: str = "Error", message: str = "", **status: Any) -> Object:
    ended = {"exitCode": code, "reason": reason, "message": message, "startedAt": at(9), "finishedAt": at(8)}
    container = {"name": "app", "ready": False, "restartCount": 0, "state": {"terminated": ended}}
    told = {"phase": "Failed", "containerStatuses": [container], **status}
    owned = meta(f"{of}-bcdfg", owner=("Job", of), creationTimestamp=at(9))
    return {"kind": "Pod", "metadata": owned, "spec": shape()["spec"], "status": told}


def causes(*objects: Object) -> list[tuple[str, str]]:
    seen = snapshot(*objects)
    found = diagnose(seen, "town", seen.window, seen.taken_at)
    return [(one.fault, str(one.component)) for one in found.causes]


@pytest.mark.parametrize(
    ("pod", "fault"),
    [
        (attempt(code=128, reason="StartError", message=WRONG), "bad_command"),
        (attempt(), "application_crash"),
        (attempt(code=137, reason="OOMKilled"), "oom_killed"),
    ],
)
def test_why_a_job_failed_is_found(pod: Object, fault: str) -> None:
    assert causes(job("sums-1", FAILED), pod) == [(fault, "Job town/sums-1")]
    assert causes(cron_job(), job("sums-1", FAILED, of_cron=True), pod) == [(fault, "CronJob town/sums")]


def test_a_job_that_still_tries_is_judged_too() -> None:
    assert causes(job(), attempt()) == [("application_crash", "Job town/sums-1")]


def test_a_job_that_came_to_its_end_after_all_accuses_nobody() -> None:
    assert causes(job("sums-1", COMPLETE), attempt()) == []


@pytest.mark.parametrize(("minutes_ago", "left"), [(5, 0), (20, 1)])
def test_only_a_later_run_that_succeeded_overcomes_one_that_failed(minutes_ago: float, left: int) -> None:
    failed = job("sums-1", FAILED, of_cron=True)
    good = job("sums-2", COMPLETE, minutes_ago=minutes_ago, of_cron=True)
    assert len(causes(cron_job(), failed, good, attempt())) == left


def test_a_pod_that_its_node_put_out_says_nothing_about_its_program() -> None:
    evicted = attempt()
    evicted["status"]["reason"] = "Evicted"
    assert causes(job(), evicted) == []


def test_a_pod_whose_job_was_not_read_or_is_gone_accuses_nobody() -> None:
    assert causes(attempt()) == []


def symptoms(*objects: Object) -> list[tuple[str, str]]:
    seen = snapshot(*objects)
    found = diagnose(seen, "town", seen.window, seen.taken_at)
    return [(str(one.component), one.statement) for one in found.symptoms]


def gave_up(minutes_ago: float = 5) -> Object:
    return {**FAILED, "message": "Job has reached the specified backoff limit", "lastTransitionTime": at(minutes_ago)}


def test_a_job_that_gave_up_and_has_no_pods_left_is_not_called_healthy() -> None:
    said = "Job town/sums-1 gave up (BackoffLimitExceeded: Job has reached the specified backoff limit)."
    assert symptoms(job("sums-1", gave_up())) == [("Job town/sums-1", said)]


def test_it_is_told_of_the_cron_job_that_made_it() -> None:
    assert [who for who, _ in symptoms(cron_job(), job("sums-1", gave_up(), of_cron=True))] == ["CronJob town/sums"]


def test_a_job_that_gave_up_long_ago_or_was_overcome_is_clutter() -> None:
    assert symptoms(job("sums-1", gave_up(60 * 24))) == []
    later = job("sums-2", COMPLETE, minutes_ago=3, of_cron=True)
    assert symptoms(cron_job(), job("sums-1", gave_up(), of_cron=True), later) == []
    assert symptoms(job("sums-1", COMPLETE)) == []
