"""Jobs and CronJobs: pods that come to an end, again after failures, and by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.controllers.schedule import Unparseable, parse
from simulator.objects import condition, name_of
from tests.simulator.clusters import NOON, Cluster, Object, cron_job, job


def with_job(**spec: Any) -> Cluster:
    cluster = Cluster()
    cluster.store.create("Job", job(**spec))
    return cluster.settle()


def status(cluster: Cluster) -> Object:
    found: Object = cluster.get("Job", "report")["status"]
    return found


def live(cluster: Cluster) -> list[Object]:
    return [pod for pod in cluster.pods() if pod["status"]["phase"] not in ("Succeeded", "Failed")]


def test_a_job_is_complete_when_its_pod_has_succeeded_and_keeps_the_pod() -> None:
    cluster = with_job()
    (pod,) = cluster.pods()
    assert status(cluster)["active"] == 1
    cluster.after(40).finish(pod)
    complete = condition(cluster.get("Job", "report"), "Complete")
    assert complete is not None
    assert complete["message"] == "Reached expected number of succeeded pods"
    assert (status(cluster)["succeeded"], status(cluster)["completionTime"]) == (1, "2026-03-02T12:00:40Z")
    assert "active" not in status(cluster)
    assert cluster.messages("Completed") == ["Job completed"]
    assert cluster.names() == [name_of(pod)]


def test_so_many_completions_so_many_at_a_time() -> None:
    cluster = with_job(completions=3, parallelism=2)
    assert len(live(cluster)) == 2
    cluster.finish(live(cluster)[0])
    assert len(live(cluster)) == 2
    cluster.finish(live(cluster)[0])
    assert len(live(cluster)) == 1
    cluster.finish(live(cluster)[0])
    assert status(cluster)["succeeded"] == 3


def test_an_indexed_job_has_a_pod_for_each_index() -> None:
    cluster = with_job(completions=2, parallelism=2, completionMode="Indexed")
    indexes = [pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] for pod in cluster.pods()]
    assert sorted(indexes) == ["0", "1"]
    env = cluster.pods()[0]["spec"]["containers"][0]["env"]
    assert env[-1]["name"] == "JOB_COMPLETION_INDEX"


def test_a_failed_pod_is_followed_by_another_after_a_pause_until_the_limit() -> None:
    cluster = with_job(backoffLimit=1)
    cluster.finish(live(cluster)[0], well=False)
    assert live(cluster) == []
    cluster.after(11).settle()
    cluster.finish(live(cluster)[0], well=False)
    failed = condition(cluster.get("Job", "report"), "Failed")
    assert failed is not None
    assert (failed["reason"], status(cluster)["failed"]) == ("BackoffLimitExceeded", 2)
    assert cluster.messages("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]
    assert live(cluster.after(60).settle()) == []


def test_a_job_that_runs_too_long_is_ended() -> None:
    cluster = with_job(activeDeadlineSeconds=30).make_ready()
    cluster.after(31).settle()
    failed = condition(cluster.get("Job", "report"), "Failed")
    assert failed is not None
    assert failed["reason"] == "DeadlineExceeded"
    assert cluster.make_ready().pods() == []


def test_a_suspended_job_has_no_pods_until_it_is_resumed() -> None:
    cluster = with_job(suspend=True)
    assert cluster.pods() == []
    assert cluster.messages("Suspended") == ["Job suspended"]
    cluster.change_spec("Job", "report", suspend=False)
    assert len(cluster.settle().pods()) == 1
    assert cluster.messages("Resumed") == ["Job resumed"]


def test_a_finished_job_goes_after_its_time_to_live() -> None:
    cluster = with_job(ttlSecondsAfterFinished=60)
    cluster.finish(live(cluster)[0])
    assert cluster.after(59).settle().store.list("Job")
    assert not cluster.after(2).settle().store.list("Job")
    assert cluster.settle().pods() == []


def with_cron(**spec: Any) -> Cluster:
    cluster = Cluster()
    cluster.store.create("CronJob", cron_job(**spec))
    return cluster.settle()


def jobs(cluster: Cluster) -> list[str]:
    return [name_of(each) for each in cluster.store.list("Job")]


def run_to_the_end(cluster: Cluster) -> Cluster:
    for pod in live(cluster):
        cluster.finish(pod)
    return cluster


def test_a_job_is_started_at_its_time_and_its_end_is_seen() -> None:
    cluster = with_cron()
    assert jobs(cluster) == []
    cluster.after(301).settle()
    minute = int((NOON + timedelta(minutes=5)).timestamp()) // 60
    assert jobs(cluster) == [f"nightly-{minute}"]
    assert cluster.get("CronJob", "nightly")["status"]["active"][0]["name"] == f"nightly-{minute}"
    run_to_the_end(cluster)
    assert cluster.messages("SawCompletedJob") == [f"Saw completed job: nightly-{minute}, condition: Complete"]
    after = cluster.get("CronJob", "nightly")["status"]
    assert after["lastScheduleTime"] == "2026-03-02T12:05:00Z"
    assert after["lastSuccessfulTime"] == "2026-03-02T12:05:01Z"
    assert "active" not in after


def test_only_the_last_few_jobs_are_kept() -> None:
    cluster = with_cron()
    for _ in range(5):
        run_to_the_end(cluster.after(300).settle())
    assert len(jobs(cluster)) == 3
    assert len(cluster.messages("SuccessfulDelete")) == 2


@pytest.mark.parametrize(("policy", "kept"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_what_happens_when_the_last_one_still_runs(policy: str, kept: int) -> None:
    cluster = with_cron(concurrencyPolicy=policy).after(300).settle()
    first = jobs(cluster)
    cluster.after(300).settle()
    assert len(jobs(cluster)) == kept
    assert (jobs(cluster) == first) is (policy == "Forbid")
    assert bool(cluster.messages("JobAlreadyActive")) is (policy == "Forbid")


def test_of_several_missed_times_only_the_newest_is_made_up_for() -> None:
    cluster = with_cron().after(1000).settle()
    assert jobs(cluster) == [f"nightly-{int((NOON + timedelta(minutes=15)).timestamp()) // 60}"]


def test_a_time_that_is_too_long_past_is_given_up() -> None:
    assert jobs(with_cron(startingDeadlineSeconds=10).after(330).settle()) == []


def test_a_suspended_cron_job_starts_nothing() -> None:
    assert jobs(with_cron(suspend=True).after(1000).settle()) == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"schedule": "61 * * * *"}, "UnparseableSchedule"), ({"timeZone": "Mars/North"}, "UnknownTimeZone")],
)
def test_nonsense_is_said_and_starts_nothing(spec: Object, reason: str) -> None:
    cluster = with_cron(**spec).after(1000).settle()
    assert cluster.messages(reason)
    assert jobs(cluster) == []


MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("*/15 * * * *", "2026-03-02T12:15"),
        ("0 2 * * *", "2026-03-03T02:00"),
        ("30 9-17/4 * * MON-FRI", "2026-03-02T13:30"),
        ("0 0 1,15 * *", "2026-03-15T00:00"),
        ("0 0 13 * FRI", "2026-03-06T00:00"),
        ("0 6 * * 7", "2026-03-08T06:00"),
        ("5 4 * jan *", "2027-01-01T04:05"),
        ("@hourly", "2026-03-02T13:00"),
        ("@every 90s", "2026-03-02T12:01"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
    ],
)
def test_a_schedule_says_when_it_comes_next(schedule: str, following: str) -> None:
    found = parse(schedule).next(MONDAY)
    assert found is not None
    assert found.isoformat().startswith(following)


def test_a_schedule_in_a_time_zone_follows_its_clock() -> None:
    found = parse("0 2 * * *", ZoneInfo("Asia/Shanghai")).next(MONDAY)
    assert found == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "x * * * *", "@often"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(Unparseable):
        parse(text)


def test_a_day_that_never_comes_never_comes() -> None:
    assert parse("0 0 30 2 *").next(MONDAY) is None
