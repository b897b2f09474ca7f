"""The pure parts of a repair: the table of states, hashes, actions, remedies, the guard and the diff."""

import copy
from typing import Any, get_args

import pytest

from core.errors import Conflict, Forbidden, Invalid
from core.language import Text
from core.redact import Redactor
from tests.tools.cluster import _operate
from tests.tools.objects import NS, Object, container, deployment, replica_set, service, snapshot
from tests.tools.test_engine_analyzers import oom
from tools.autofix import remedies
from tools.autofix.actions import action_of, conditional
from tools.autofix.diff import unified
from tools.autofix.guard import Policy, enforce, refusals
from tools.autofix.plan import MOVES, Move, State, Step, next_state, target_of, wish
from tools.engines.analyzers.memory import containers_killed_for_memory
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.quantity import MEBI
from tools.engines.rank import Ranked
from tools.engines.snapshot import Snapshot

BAKER = Component(kind="Deployment", namespace=NS, name="baker")


def step(action: str, obj: Object, **arguments: Any) -> Step:
    return Step(action=action, target=target_of("here", obj), arguments=arguments, idempotency_key="k", summary="s")


def rules(policy: Policy, one: Step, obj: Object, recent: int = 0) -> list[str]:
    return [refusal.rule for refusal in refusals(policy, [(one, obj)], recent, "en")]


def test_a_plan_ends_in_one_of_six_ways_and_only_two_can_be_taken_up_again() -> None:
    ends = {state for state in get_args(State) if not any(before == state for before, _ in MOVES)}
    assert ends == {"undone", "rejected", "expired", "superseded"}
    assert {state for state, move in MOVES if move == "undo"} == {"applying", "verifying", "succeeded", "failed"}


def test_nothing_is_applied_that_was_not_approved() -> None:
    assert {state for state, move in MOVES if move == "start"} == {"approved"}
    assert {state for state, move in MOVES if move == "approve"} == {"proposed"}


def test_every_move_that_is_not_in_the_table_is_a_conflict() -> None:
    for state in get_args(State):
        for move in get_args(Move):
            if (state, move) not in MOVES:
                with pytest.raises(Conflict):
                    next_state(state, move)


def test_status_and_bookkeeping_are_no_part_of_the_wish() -> None:
    one, other = deployment(), deployment(available=0)
    other["metadata"].update(resourceVersion="999", generation=7)
    other["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "9"}
    assert wish(one) == wish(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda obj: obj["spec"].update(replicas=5),
        lambda obj: obj["metadata"].update(labels={"team": "bread"}),
        lambda obj: obj["metadata"].update(annotations={"owner": "helm"}),
    ],
)
def test_what_people_write_is_the_wish(change: Any) -> None:
    before, after = deployment(), deployment()
    change(after)
    assert wish(before) != wish(after)


def applied(obj: Object, operations: list[dict[str, Any]]) -> Object:
    after = copy.deepcopy(obj)
    for operation in operations:
        _operate(after, operation)
    return after


CASES: list[tuple[str, Object, dict[str, Any]]] = [
    ("scale", deployment(), {"replicas": 5}),
    ("set_selector", service(), {"selector": {"app": "other"}}),
    (
        "set_limit",
        deployment("baker", container(memory="64Mi")),
        {"container": "app", "resource": "memory", "limit": "1Gi"},
    ),
    ("set_limit", deployment(), {"container": "app", "resource": "cpu", "limit": "500m"}),
]


@pytest.mark.parametrize(("name", "obj", "arguments"), CASES)
def test_an_action_is_seen_to_be_done_and_its_inverse_restores_the_wish(
    name: str, obj: Object, arguments: dict[str, Any]
) -> None:
    action = action_of(name)
    back = action.inverse(obj, arguments)
    after = applied(obj, conditional(obj, action.operations(obj, arguments, None)))
    assert not action.done(obj, arguments)
    assert action.done(after, arguments)
    again = applied(after, action_of(back.action).operations(after, back.arguments, None))
    assert action_of(back.action).done(again, back.arguments)
    assert again["spec"].get("selector") == obj["spec"].get("selector")
    assert again["spec"].get("replicas") == obj["spec"].get("replicas")


def test_a_rollback_copies_from_a_replica_set_and_holds_no_template_itself() -> None:
    owner = deployment("baker", container(image="bad:1"))
    old, new = replica_set(owner, 1, container()), replica_set(owner, 2, container(image="bad:1"))
    draft = rollback_of(owner, old, new)
    action = action_of(draft.action)
    assert action.source(draft.arguments) == ("ReplicaSet", "baker-rs1")
    after = applied(owner, action.operations(owner, draft.arguments, old))
    assert action.done(after, draft.arguments)
    assert after["spec"]["template"]["metadata"]["labels"] == {"app": "baker"}
    back = action.inverse(owner, draft.arguments)
    assert action.source(back.arguments) == ("ReplicaSet", "baker-rs2")
    assert applied(after, action.operations(after, back.arguments, new))["spec"] == owner["spec"]
    assert "image" not in str(draft.arguments)


def test_a_rollback_refuses_a_replica_set_that_changed_meanwhile() -> None:
    owner = deployment("baker", container(image="bad:1"))
    old, new = replica_set(owner, 1, container()), replica_set(owner, 2, container(image="bad:1"))
    draft = rollback_of(owner, old, new)
    with pytest.raises(Conflict):
        action_of(draft.action).operations(owner, draft.arguments, replica_set(owner, 1, container(image="bad:0")))


def test_an_unknown_action_or_container_is_named() -> None:
    with pytest.raises(Invalid):
        action_of("reboot")
    with pytest.raises(Invalid, match="no container oven"):
        action_of("set_limit").operations(deployment(), {"container": "oven", "resource": "cpu", "limit": "1"}, None)


def case(snap: Snapshot, fault: str, remedy: str, policy: Policy | None = None, **facts: Any) -> remedies.Case:
    category = "performance" if "cpu" in fault else "runtime"
    finding = Finding(
        fault, category, BAKER, Text("x", "x"), (evidence("metric", "r", "q"),), remedies=(remedy,), facts=facts
    )
    return remedies.Case(snap, Graph(snap), Ranked(finding, 0.9), policy or Policy())


def drafted(one: remedies.Case) -> remedies.Draft:
    drafts, reasons = remedies.draft(one)
    assert drafts, [reason("en") for reason in reasons]
    return drafts[0]


def refused(one: remedies.Case) -> str:
    drafts, reasons = remedies.draft(one)
    assert not drafts
    return reasons[0]("en")


def rollback_of(*objects: Object) -> remedies.Draft:
    return drafted(
        case(snapshot(*objects), "incorrect_image_reference", "rollback_rollout", container="app", image="bad:1")
    )


def test_a_rollback_skips_revisions_with_the_same_bad_image_and_prefers_one_that_runs() -> None:
    owner = deployment("baker", container(image="bad:1", cpu="2"))
    history = [
        replica_set(owner, 1, container(image="good:1"), ready=2),
        replica_set(owner, 2, container(image="good:2")),
        replica_set(owner, 3, container(image="bad:1")),
        replica_set(owner, 4, container(image="bad:1", cpu="2")),
    ]
    assert rollback_of(owner, *history).arguments["revision"] == 1
    assert rollback_of(owner, *history[1:]).arguments["revision"] == 2


def test_no_earlier_revision_means_no_rollback_and_a_reason() -> None:
    owner = deployment("baker", container(image="bad:1"))
    snap = snapshot(owner, replica_set(owner, 1, container(image="bad:1")))
    assert "no earlier revision" in refused(
        case(snap, "incorrect_image_reference", "rollback_rollout", container="app", image="bad:1")
    )


def memory_case(limit: float, peak: float = 0.0, policy: Policy | None = None) -> remedies.Case:
    snap = snapshot(deployment("baker", container(memory="1Mi")))
    return case(
        snap, "oom_killed", "raise_memory_limit", policy, container="app", limit=limit, peak=peak, life_seconds=50
    )


def test_the_memory_limit_follows_from_what_was_measured() -> None:
    assert drafted(memory_case(100 * MEBI)).arguments["limit"] == "208Mi"
    assert drafted(memory_case(100 * MEBI, peak=200 * MEBI)).arguments["limit"] == "272Mi"
    assert drafted(memory_case(100 * MEBI, policy=Policy(max_memory=128 * MEBI))).arguments["limit"] == "128Mi"


def test_no_limit_or_no_room_is_told_and_not_guessed_over() -> None:
    assert "no memory limit" in refused(memory_case(0.0))
    assert "policy" in refused(memory_case(100 * MEBI, policy=Policy(max_memory=64 * MEBI)))


def test_a_repair_of_what_dies_after_a_while_has_to_outlive_it() -> None:
    assert drafted(memory_case(100 * MEBI)).hold_seconds == pytest.approx(75)
    assert drafted(memory_case(100 * MEBI, policy=Policy(verify_seconds=60))).hold_seconds == pytest.approx(30)


def cpu_case(policy: Policy | None = None, held_back: float = 0.5, *more: Object) -> remedies.Case:
    facts = {"container": "app", "used": 1.0, "limit": 0.5, "hot": 2, "pods": 2, "held_back": held_back}
    return case(snapshot(deployment(), *more), "pod_cpu_overload", "scale_out", policy, **facts)


def test_replicas_follow_from_usage_and_from_what_was_held_back() -> None:
    assert drafted(cpu_case(held_back=0.0)).arguments == {"replicas": 4}
    assert drafted(cpu_case(held_back=0.5)).arguments == {"replicas": 5}
    assert drafted(cpu_case(Policy(max_replicas=3))).arguments == {"replicas": 3}


def test_scaling_is_not_proposed_beyond_policy_nor_against_an_autoscaler() -> None:
    assert "policy" in refused(cpu_case(Policy(max_replicas=2)))
    scaler = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": NS, "name": "h"},
        "spec": {"scaleTargetRef": {"name": "baker"}},
    }
    assert "autoscaler" in refused(cpu_case(None, 0.5, scaler))


@pytest.mark.parametrize(
    "part",
    [{"strategy": {"type": "Recreate"}}, {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "d"}}]}],
)
def test_what_must_not_run_twice_gets_a_higher_limit_and_no_twin(part: dict[str, Any]) -> None:
    alone = deployment("baker", container(cpu="500m"))
    (alone["spec"] if "strategy" in part else alone["spec"]["template"]["spec"]).update(part)
    facts: dict[str, Any] = {"container": "app", "used": 0.5, "limit": 0.5, "hot": 1, "pods": 1, "held_back": 1.0}
    assert "must not run twice" in refused(case(snapshot(alone), "pod_cpu_overload", "scale_out", **facts))
    draft = drafted(case(snapshot(alone), "pod_cpu_overload", "raise_cpu_limit", **facts))
    assert draft.arguments["limit"] == "1250m"
    assert draft.risk == ("high" if "strategy" in part else "medium")


def test_the_facts_of_a_finding_are_enough_for_its_remedy() -> None:
    snap = snapshot(*oom())
    graph = Graph(snap)
    finding = next(iter(containers_killed_for_memory(snap, graph)))
    draft = drafted(remedies.Case(snap, graph, Ranked(finding, 0.9), Policy()))
    assert (draft.action, draft.arguments["limit"]) == ("set_limit", "208Mi")


@pytest.mark.parametrize(
    ("rule", "policy", "one", "obj"),
    [
        ("protected_namespaces", Policy(protected_namespaces=(NS,)), "scale", deployment()),
        ("max_replicas", Policy(max_replicas=4), "scale", deployment()),
        ("changes_per_hour", Policy(changes_per_hour=0), "scale", deployment()),
    ],
)
def test_each_refusal_names_its_rule(rule: str, policy: Policy, one: str, obj: Object) -> None:
    assert rules(policy, step(one, obj, replicas=5), obj) == [rule]
    with pytest.raises(Forbidden) as refusal:
        enforce(refusals(policy, [(step(one, obj, replicas=5), obj)], 0, "zh"))
    assert refusal.value.details["rule"] == rule


def test_what_policy_allows_is_not_refused() -> None:
    assert rules(Policy(), step("scale", deployment(), replicas=5), deployment(), recent=19) == []
    assert rules(Policy(), step("scale", deployment(), replicas=5), deployment(), recent=20) == ["changes_per_hour"]


def test_resources_are_bounded_in_amount_and_in_growth() -> None:
    obj = deployment("baker", container(memory="64Mi"))
    raised = step("set_limit", obj, container="app", resource="memory", limit="512Mi")
    assert rules(Policy(), raised, obj) == ["max_growth"]
    assert rules(Policy(max_memory=256 * MEBI, max_growth=100), raised, obj) == ["max_memory"]


def test_a_protected_object_is_left_alone() -> None:
    obj = deployment()
    obj["metadata"]["labels"] = {"firstmate.io/protected": "true"}
    assert rules(Policy(), step("scale", obj, replicas=3), obj) == ["protected_label"]


def test_the_diff_shows_the_change_alone_and_hides_secrets() -> None:
    before = deployment()
    before["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": "hunter2"}]
    after = copy.deepcopy(before)
    after["spec"]["replicas"] = 3
    after["metadata"]["resourceVersion"] = "200"
    after["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "hunter3"
    shown = unified(before, after, Redactor("a-key-for-tests-only"))
    assert "-  replicas: 2\n+  replicas: 3" in shown
    assert "hunter" not in shown
    assert "resourceVersion" not in shown
    assert shown.count("<secret:") == 2
