"""Going back to what ran before: the cure, and never the next fault."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from tests.tools.objects import (
    NOW,
    NS,
    Object,
    at,
    container,
    deployment,
    event,
    killed,
    pod,
    replica_set,
    series,
    service,
    snapshot,
    waiting,
)
from tools.engines.changes import last_rollout, was_failing
from tools.engines.explain import diagnose, investigate
from tools.engines.snapshot import Series, Signal

SMALL, ENOUGH = container(memory="116Mi"), container(memory="256Mi")
KILLS = "Back-off restarting failed container app in pod baker-rs7-bcdfg"


def undone(*, back: float = 2, number: int = 8, ready: bool = True) -> list[Object]:
    """Revision 7 was too small for its memory, and revision 6 came back as revision 8."""
    owner = deployment("baker", ENOUGH)
    good = replica_set(owner, number, ENOUGH, ready=2, minutes_ago=600)
    bad = replica_set(owner, 7, SMALL, minutes_ago=10)
    again = event(owner, "ScalingReplicaSet", f"Scaled up replica set baker-rs{number} from 0 to 1", back, "Normal")
    young = pod(good, "young", ready=ready)
    young["metadata"]["creationTimestamp"] = at(back)
    return [owner, good, bad, again, young, service()]


def crashed(objects: Sequence[Object], minutes_ago: float = 3) -> list[Object]:
    gone = pod(objects[2])
    return [*objects, event(gone, "BackOff", KILLS, minutes_ago)]


def worse(signal: Signal = "error_share", high: float = 0.4) -> dict[Signal, list[Series]]:
    who = {"namespace": NS, "service": "baker"}
    return {signal: [series(who, *[0.001] * 25, *[high] * 5, step=120)]}


def faults(*objects: Object, metrics: Mapping[Signal, Sequence[Series]] | None = None) -> list[str]:
    return [one.finding.fault for one in investigate(snapshot(*objects, metrics=metrics))[0].causes]


@pytest.mark.parametrize("back", [0.3, 1.5, 9])
def test_going_back_to_an_earlier_revision_is_no_bad_release_whatever_the_window_still_shows(back: float) -> None:
    assert "bad_rollout" not in faults(*crashed(undone(back=back), back + 1), metrics=worse())
    assert "bad_rollout" not in faults(*undone(back=back), metrics=worse())


def test_the_same_numbers_after_a_release_of_something_new_accuse_it() -> None:
    owner, good, bad, _, young, front = undone(back=9)
    good["metadata"]["creationTimestamp"] = at(9)
    assert "bad_rollout" in faults(owner, good, bad, young, front, metrics=worse())


def test_a_revision_is_recognised_as_the_one_that_came_back_by_its_age() -> None:
    owner, good, bad, again, *_ = undone()
    rollout = last_rollout(snapshot(owner, good, bad, again), owner)
    assert rollout is not None
    assert rollout.is_rollback
    assert rollout.current.at == NOW - timedelta(minutes=2)


def test_a_fault_that_is_brought_in_again_after_it_was_taken_back_is_no_rollback() -> None:
    owner = deployment("baker", SMALL)
    good, bad = replica_set(owner, 3, ENOUGH, minutes_ago=600), replica_set(owner, 4, SMALL, minutes_ago=90)
    rollout = last_rollout(snapshot(owner, good, bad), owner)
    assert rollout is not None
    assert not rollout.is_rollback


def test_nobody_is_sent_back_to_a_revision_that_crashed_to_the_last() -> None:
    owner, good, bad, again, *_ = undone()
    assert last_rollout(snapshot(*crashed([owner, good, bad, again])), owner) is None


def test_a_second_bad_attempt_is_compared_with_the_last_revision_that_worked() -> None:
    owner = deployment("baker", container(memory="64Mi"))
    good, first = replica_set(owner, 6, ENOUGH, minutes_ago=600), replica_set(owner, 7, SMALL, minutes_ago=10)
    second = replica_set(owner, 8, container(memory="64Mi"), minutes_ago=4)
    hurt = pod(second, ready=False, restartCount=2, lastState=killed(1), state=waiting("CrashLoopBackOff"))
    found = snapshot(owner, good, first, second, hurt, event(pod(first), "BackOff", KILLS, 5))
    (cause,) = investigate(found)[0].causes
    assert cause.finding.fault == "oom_killed"
    assert "go back to revision 6" in cause.finding.words("en")


def test_pods_killed_before_the_way_back_is_finished_need_no_second_repair() -> None:
    objects = undone(back=0.5)
    hurt = pod(objects[2], restartCount=1, lastState=killed(1), state={"running": {"startedAt": at(1)}})
    (cause,) = investigate(snapshot(*objects, hurt))[0].causes
    assert cause.finding.fault == "oom_killed"
    assert "Revision 8 already allows 256Mi" in cause.finding.words("en")
    assert cause.finding.remedies == ()
    both = pod(objects[1], "other", restartCount=1, lastState=killed(0.2), state=waiting("CrashLoopBackOff"))
    (cause,) = investigate(snapshot(*objects, hurt, both))[0].causes
    assert "raise_memory_limit" in cause.finding.remedies


def test_a_revision_that_had_trouble_when_it_was_installed_and_ran_well_since_is_one_to_go_back_to() -> None:
    owner, _, bad, *_ = undone()
    revision = last_rollout(snapshot(*undone()), owner)
    assert revision is not None
    long_ago = snapshot(*undone(), event(pod(bad), "BackOff", KILLS, 30))
    assert not was_failing(long_ago, revision.previous, revision.current.at)


def test_a_revision_with_a_pod_that_is_well_did_not_fail() -> None:
    objects = undone()
    well = pod(objects[2], "still")
    revision = last_rollout(snapshot(*objects), objects[0])
    assert revision is not None
    assert not was_failing(snapshot(*crashed(objects), well), revision.previous, revision.current.at)
    ill = pod(objects[2], "still", restartCount=3, lastState=killed(3))
    assert was_failing(snapshot(*objects, ill), revision.previous, revision.current.at)


@pytest.mark.parametrize(("language", "word"), [("en", "rolled back"), ("zh", "已回滚")])
def test_the_timeline_tells_both_the_release_and_that_it_was_rolled_back(language: str, word: str) -> None:
    found = snapshot(*crashed(undone()))
    told = diagnose(found, NS, found.window, found.taken_at, "zh" if language == "zh" else "en")
    changes = [one for one in told.timeline if one.ref.startswith("ReplicaSet")]
    assert [one.ref for one in changes] == ["ReplicaSet baker-rs7", "ReplicaSet baker-rs8"]
    assert [one.at for one in changes] == [NOW - timedelta(minutes=10), NOW - timedelta(minutes=2)]
    assert "256Mi -> 116Mi" in changes[0].what
    assert word in changes[1].what
    assert "116Mi -> 256Mi" in changes[1].what


def test_many_events_do_not_push_a_release_out_of_the_timeline() -> None:
    objects = undone()
    noise = [event(pod(objects[1], f"p{n}"), "Killing", "Stopping container app", 5 - n / 20) for n in range(60)]
    found = snapshot(*objects, *noise)
    told = diagnose(found, NS, found.window, found.taken_at).timeline
    assert len(told) == 40
    assert "rolled out revision 7" in told[0].what
