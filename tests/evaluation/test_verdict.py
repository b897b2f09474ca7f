"""How what was said is held against what is right, on diagnoses written by hand."""

from dataclasses import replace
from typing import Any

import pytest

from tests.evaluation.verdict import Right, Verdict, better, judge, ranked, read_verdict, verb_of, worse

CART = Right("oom_killed", "Deployment shop/cart")
NODE = Right("node_unreachable", "Node node-1")


def cause(fault: str, name: str, confidence: float = 0.9, kind: str = "Deployment", namespace: str = "shop") -> Any:
    return {
        "fault": fault,
        "component": {"kind": kind, "namespace": namespace, "name": name},
        "confidence": confidence,
    }


def diagnosis(*causes: Any, healthy: bool | None = False) -> dict[str, Any]:
    return {"causes": list(causes), "healthy": healthy}


def judged(*diagnoses: Any, right: tuple[Right, ...] = (CART,), never: tuple[str, ...] = ()) -> Verdict:
    verdict = Verdict("a", "runtime", [each.fault for each in right])
    judge(verdict, diagnoses, right, [name for name in never if "_" in name], never)
    return verdict


def test_the_right_fault_on_the_wrong_component_counts_half() -> None:
    found = judged(diagnosis(cause("oom_killed", "search"), cause("memory_leak", "cart", 0.4)))
    assert (found.cause_first, found.component_first, found.component_among_three) == (True, False, True)
    assert found.said == "oom_killed of Deployment shop/search"


def test_a_component_is_its_kind_and_place_and_name_together() -> None:
    assert not judged(diagnosis(cause("oom_killed", "cart", kind="Service"))).component_ranks[0]
    assert not judged(diagnosis(cause("oom_killed", "cart", namespace="other"))).component_ranks[0]
    on_node = diagnosis(cause("node_unreachable", "node-1", kind="Node", namespace=""))
    assert judged(on_node, right=(NODE,)).component_first


def test_the_fourth_place_is_too_late() -> None:
    causes = [cause("x_y", "a", 0.9), cause("x_y", "b", 0.8), cause("x_y", "c", 0.7), cause("oom_killed", "cart", 0.6)]
    found = judged(diagnosis(*causes))
    assert (found.component_ranks, found.component_among_three, found.cause_ranks) == ([4], False, [4])


def test_causes_of_several_places_are_ranked_together_by_how_sure_they_are() -> None:
    told = ranked(
        [diagnosis(cause("a_a", "one", 0.4)), diagnosis(cause("b_b", "two", 0.7), cause("c_c", "three", 0.4))]
    )
    assert [each["fault"] for each in told] == ["b_b", "a_a", "c_c"]


def test_of_two_faults_one_has_to_be_found() -> None:
    both = judged(diagnosis(cause("oom_killed", "cart"), cause("x_y", "z", 0.3)), right=(CART, NODE))
    assert (both.component_ranks, both.component_first, both.component_among_three) == ([1, 0], True, True)


@pytest.mark.parametrize(
    ("said", "healthy"),
    [([True], True), ([True, True], True), ([True, None], None), ([True, False], False), ([], None)],
)
def test_healthy_is_said_only_when_every_place_is(said: list[bool | None], healthy: bool | None) -> None:
    assert judged(*(diagnosis(healthy=each) for each in said)).healthy is healthy


def test_healthy_over_something_broken_is_false_and_over_a_control_it_is_right() -> None:
    assert judged(diagnosis(healthy=True)).falsely_healthy
    assert not judged(diagnosis(healthy=True), right=()).falsely_healthy
    assert judged(diagnosis(cause("x_y", "z")), right=()).falsely_ill


def test_what_must_not_be_said_counts_at_the_first_place_or_when_it_is_said_for_sure() -> None:
    victim, doubt = cause("x_y", "edge", 0.8), cause("x_y", "edge", 0.2)
    assert judged(diagnosis(cause("oom_killed", "cart"), victim), never=("edge",)).violations == [
        "x_y of Deployment shop/edge"
    ]
    assert judged(diagnosis(cause("oom_killed", "cart"), doubt), never=("edge",)).violations == []
    assert judged(diagnosis(doubt), never=("edge",)).violations
    assert judged(diagnosis(cause("memory_leak", "cart")), never=("memory_leak",)).violations


def test_actions_of_plans_are_read_as_repairs() -> None:
    assert [verb_of(action) for action in ("restore_template", "scale", "something_new")] == [
        "rollback",
        "scale",
        "something_new",
    ]


GOOD = Verdict(
    "a",
    "runtime",
    ["oom_killed"],
    detected_after=60,
    component_ranks=[1],
    cause_ranks=[1],
    healthy=False,
    repaired_after=120,
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"detected_after": None}, ["no longer detected"]),
        ({"component_ranks": [2]}, ["no longer component_first"]),
        ({"component_ranks": [4]}, ["no longer component_first", "no longer component_among_three"]),
        ({"cause_ranks": [0]}, ["no longer cause_first", "no longer cause_among_three"]),
        ({"repaired_after": None}, ["no longer repaired"]),
        ({"healthy": True}, ["falsely_healthy"]),
        ({"false_alarms": ["HighLatency"]}, ["false alarm HighLatency"]),
        ({"violations": ["x"]}, ["1 more of what must not be said"]),
        ({"detected_after": 90, "repaired_after": 300}, []),
        ({"said": "something else"}, []),
    ],
)
def test_every_kind_of_fall_is_named(changes: dict[str, Any], said: list[str]) -> None:
    assert worse(replace(GOOD, **changes), GOOD) == said
    assert worse(GOOD, replace(GOOD, **changes)) == []


def test_what_was_worse_is_better_the_other_way_round() -> None:
    assert better(GOOD, replace(GOOD, repaired_after=None)) == ["repaired"]


def test_a_verdict_is_read_as_it_was_written() -> None:
    assert read_verdict(GOOD.to_json()) == GOOD
