"""What belongs together, decided without a database."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents.grouping import MAX_MEMBERS, Standing, assign, incident_id
from alerts.incidents.member import Member, member_of
from alerts.model import Alert, fingerprint
from tests.alerts.night import EVENING


def alert(
    name: str = "Trouble", minute: float = 0, summary: str = "", ends: float | None = None, **labels: str
) -> Alert:
    labels = {"alertname": name, **labels}
    begins = EVENING + timedelta(minutes=minute)
    return Alert(
        fingerprint=fingerprint(labels),
        rule_id="r",
        name=name,
        labels=labels,
        annotations={"summary": summary},
        state="firing" if ends is None else "resolved",
        value=1,
        episode=f"e{minute}",
        active_at=begins,
        fired_at=begins,
        resolved_at=None if ends is None else EVENING + timedelta(minutes=ends),
    )


def grouped(*alerts: Alert) -> list[set[str]]:
    return partition([[member_of(each) for each in alerts]])


def partition(batches: Sequence[Sequence[Member]], by_hand: frozenset[str] = frozenset()) -> list[set[str]]:
    """Play batches one after the other and say who ended up together, by episode and fingerprint."""
    there: list[Member] = []
    for batch in batches:
        incidents = standing(there, by_hand)
        plan = assign(batch, there, incidents)
        there = [replace(one, incident=plan.absorbed.get(one.incident, one.incident)) for one in there]
        there += [replace(one, incident=plan.joins[one.id]) for one in batch]
    found: dict[str, set[str]] = {}
    for one in there:
        found.setdefault(one.incident, set()).add("/".join(one.id))
    return sorted(found.values(), key=sorted)


def standing(there: Sequence[Member], by_hand: frozenset[str] = frozenset()) -> dict[str, Standing]:
    return {
        each: Standing(each, min(one.starts_at for one in mine), len(mine), each in by_hand)
        for each in {one.incident for one in there}
        for mine in [[one for one in there if one.incident == each]]
    }


def are_one(*alerts: Alert) -> bool:
    return len(grouped(*alerts)) == 1


def test_two_alerts_of_one_workload_are_one_incident_whichever_way_it_is_named() -> None:
    assert are_one(
        alert("CrashLooping", pod="api-7d9f8b6c5-x2x4z", namespace="shop"),
        alert("ReplicasMissing", 4, deployment="api", namespace="shop"),
    )
    assert are_one(
        alert("DiskFull", pod="db-0", namespace="shop"), alert("Slow", 1, statefulset="db", namespace="shop")
    )


def test_the_same_name_elsewhere_is_another_workload() -> None:
    here = alert("CrashLooping", deployment="api", namespace="shop")
    assert not are_one(here, alert("Slow", deployment="api", namespace="bank"))
    assert not are_one(here, alert("Slow", deployment="api", namespace="shop", cluster="other"))


def test_what_fires_on_one_node_at_one_time_is_one_incident() -> None:
    node = alert("NodeDown", node="n1")
    assert are_one(node, alert("PodGone", 4, node="n1", namespace="shop", pod="api-0"))
    assert not are_one(node, alert("PodGone", 4, node="n2", namespace="shop", pod="api-0"))
    assert not are_one(node, alert("PodGone", 6, node="n1", namespace="shop", pod="api-0"))


def test_sentences_that_differ_in_their_names_and_numbers_say_the_same() -> None:
    one = alert("A", summary="api cannot reach db-0 since 12 s", deployment="api", namespace="shop")
    two = alert("B", summary="web cannot reach db-1 since 40 s", deployment="web", namespace="shop")
    assert are_one(one, two)
    assert not are_one(one, alert("C", summary="web is out of memory", deployment="web", namespace="shop"))


def test_a_workload_that_stays_broken_holds_what_comes_hours_later_and_one_that_was_mended_does_not() -> None:
    later = alert("ReplicasMissing", 200, deployment="api", namespace="shop")
    assert are_one(alert("CrashLooping", deployment="api", namespace="shop"), later)
    assert are_one(alert("CrashLooping", ends=197, deployment="api", namespace="shop"), later)
    assert not are_one(alert("CrashLooping", ends=190, deployment="api", namespace="shop"), later)


def test_one_that_hangs_on_two_incidents_makes_them_one_with_the_older_ones_name() -> None:
    first = member_of(alert("NodeDown", 0, node="n1"))
    second = member_of(alert("Slow", 2, deployment="api", namespace="shop"))
    bridge = member_of(alert("CrashLooping", 3, deployment="api", namespace="shop", node="n1"))
    there = [replace(first, incident="a"), replace(second, incident="b")]
    plan = assign([bridge], there, standing(there))
    assert plan.joins == {bridge.id: "a"}
    assert plan.absorbed == {"b": "a"}


def test_what_people_have_arranged_is_not_merged_and_what_hangs_on_both_goes_to_one() -> None:
    there = [
        replace(member_of(alert("NodeDown", 0, node="n1")), incident="a"),
        replace(member_of(alert("Slow", 2, deployment="api", namespace="shop")), incident="b"),
    ]
    bridge = member_of(alert("CrashLooping", 3, deployment="api", namespace="shop", node="n1"))
    plan = assign([bridge], there, standing(there, frozenset({"b"})))
    assert plan.absorbed == {}
    assert plan.joins == {bridge.id: "b"}  # the workload's relation is the stronger one


def test_no_incident_grows_beyond_its_bound() -> None:
    storm = [alert(pod=f"job{number}", namespace="shop") for number in range(MAX_MEMBERS + 20)]
    sizes = sorted(len(each) for each in grouped(*storm))
    assert max(sizes) == MAX_MEMBERS
    assert sum(sizes) == MAX_MEMBERS + 20


def test_an_incident_is_named_after_whom_it_began_with() -> None:
    assert incident_id([("f", "e"), ("g", "e")]) == incident_id([("g", "e"), ("f", "e")])
    assert incident_id([("f", "e")]) != incident_id([("f", "e2")])


alerts_anywhere = st.lists(
    st.builds(
        lambda name, minute, lasts, place, node, pod: alert(
            name,
            minute,
            f"{place} is in trouble",
            minute + lasts if lasts else None,
            namespace=place,
            node=node,
            pod=pod,
        ),
        name=st.sampled_from(["A", "B", "C"]),
        minute=st.integers(0, 40),
        lasts=st.sampled_from([0, 1, 8]),
        place=st.sampled_from(["shop", "bank", "mail"]),
        node=st.sampled_from(["", "n1", "n2"]),
        pod=st.sampled_from(["api-0", "api-1", "web-0", ""]),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda one: (one.fingerprint, one.episode),
)


@settings(max_examples=300, deadline=None)
@given(alerts_anywhere, st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_change_who_is_together(alerts: list[Alert], seed: int) -> None:
    members = [member_of(each) for each in alerts]
    together = partition([members])
    chance = random.Random(seed)
    chance.shuffle(members)
    cuts = sorted(chance.sample(range(len(members) + 1), min(3, len(members))))
    batches = [members[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(members)], strict=True)]
    assert partition(batches) == together
    assert partition([[each] for each in members]) == together


@settings(max_examples=100, deadline=None)
@given(alerts_anywhere)
def test_every_alert_is_in_exactly_one(alerts: list[Alert]) -> None:
    found = grouped(*alerts)
    assert sorted(each for group in found for each in group) == sorted("/".join(member_of(one).id) for one in alerts)
