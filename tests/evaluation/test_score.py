"""What the score counts, on outcomes written by hand."""

import httpx
import pytest

from tests.evaluation.score import Case, Outcome, rank, search_score, summary
from tests.evaluation.targets import choose

CART = Case("oom_killed", "Deployment", "shop", "cart", "Deployment shop/cart")
FRONT = Case("service_selector_mismatch", "Service", "shop", "front", "Deployment shop/web")


def healed(case: Case, alerted: float = 60, repaired: float = 120) -> Outcome:
    return Outcome(case, "Alarm", alerted, case.fault, case.component, repaired)


def test_the_right_fault_on_the_wrong_component_counts_half() -> None:
    found = Outcome(CART, "Alarm", 60, "oom_killed", "Deployment shop/search")
    assert found.right_fault
    assert not found.right_component
    assert found.row()[4:8] == ("yes", "no: Deployment shop/search", "no", "-")


def test_an_incident_that_raised_no_alert_is_shown_with_its_reason() -> None:
    row = Outcome(CART, trouble="no alert within 900 s").row()
    assert row == (
        "oom_killed",
        "Deployment shop/cart",
        "none",
        "-",
        "no: none",
        "no: none",
        "no",
        "-",
        "no alert within 900 s",
    )


def test_the_summary_has_a_row_for_each_fault_and_one_for_all() -> None:
    rows = summary([healed(CART), Outcome(CART, "Alarm", 90, "pod_cpu_overload"), healed(FRONT, repaired=200)])
    assert [row[0] for row in rows] == ["oom_killed", "service_selector_mismatch", "all"]
    assert rows[0][1:5] == ("2", "2/2 (100%)", "median 75 s, max 90 s", "1/2 (50%)")
    assert rows[2][6:] == ("2/3 (67%)", "median 160 s, max 200 s")


def test_a_fault_that_was_never_repaired_has_no_time_to_repair() -> None:
    assert summary([Outcome(CART)])[0][2:] == ("0/1 (0%)", "-", "0/1 (0%)", "0/1 (0%)", "0/1 (0%)", "-")


def test_ranks_become_recall_and_mean_reciprocal_rank() -> None:
    assert [rank(page, ["a", "b", "c"]) for page in ("a", "c", "z", None)] == [1, 3, 0, 0]
    found = search_score([1, 1, 2, 0], [True, False])
    assert (found.recall_at_1, found.recall_at_5, found.mrr, found.refused) == (0.5, 0.75, 0.625, 0.5)


def test_without_questions_there_is_no_score() -> None:
    with pytest.raises(ValueError, match="nothing"):
        search_score([], [])


def deployment(name: str) -> dict[str, object]:
    labels = {"app": name}
    return {"metadata": {"namespace": "shop", "name": name}, "spec": {"template": {"metadata": {"labels": labels}}}}


def world(*names: str, idle: str = "") -> httpx.AsyncClient:
    busy = [
        {"namespace": "shop", "name": name, "rps": 0 if name == idle else 5, "ready": 1, "wanted": 1} for name in names
    ]
    services = [
        {"metadata": {"namespace": "shop", "name": name}, "spec": {"selector": {"app": name}}} for name in names
    ]
    answers = {
        "/-/state": {"services": busy},
        "/apis/apps/v1/deployments": {"items": [deployment(name) for name in names]},
        "/api/v1/services": {"items": services},
        "/-/faults/catalogue": {
            "faults": [
                {"id": "oom_killed", "target": "Deployment"},
                {"id": "service_selector_mismatch", "target": "Service"},
            ]
        },
    }
    return httpx.AsyncClient(
        base_url="http://world",
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path])),
    )


async def test_targets_differ_as_long_as_there_are_workloads_left() -> None:
    chosen = await choose(world("a", "b", "c", "d"), 2, seed=1)
    assert [case.fault for case in chosen] == ["oom_killed"] * 2 + ["service_selector_mismatch"] * 2
    assert {case.name for case in chosen} == {"a", "b", "c", "d"}


async def test_a_broken_service_is_to_be_told_by_the_workload_behind_it() -> None:
    chosen = await choose(world("a", "b"), 2, seed=1)
    assert {(case.kind, case.component) for case in chosen if case.kind == "Service"} == {
        ("Service", "Deployment shop/a"),
        ("Service", "Deployment shop/b"),
    }


async def test_the_same_seed_chooses_the_same_targets() -> None:
    first, second = await choose(world("a", "b", "c"), 2, seed=5), await choose(world("a", "b", "c"), 2, seed=5)
    assert first == second


async def test_what_serves_nobody_is_not_broken() -> None:
    chosen = await choose(world("a", "b", idle="b"), 2, seed=1)
    assert {case.name for case in chosen} == {"a"}
