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
