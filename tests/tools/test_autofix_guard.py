"""What the guard refuses and what it lets pass, rule by rule; what a remedy asks for stays within them."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Forbidden
from core.language import Text
from tests.tools.objects import NS, Object, container, deployment, node, service, snapshot
from tests.tools.objects import series as line
from tools.autofix import remedies
from tools.autofix.guard import Policy, enforce, refusals
from tools.autofix.plan import Step, target_of
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.labels import selects
from tools.engines.quantity import MEBI, cpu, memory, parse
from tools.engines.rank import Ranked
from tools.engines.snapshot import Snapshot

# A machine that many share must not look like a slow test.
quick = settings(max_examples=50, deadline=None)
BAKER = Component(kind="Deployment", namespace=NS, name="baker")


def labelled(**labels: str) -> Object:
    made = deployment("baker", container(memory="64Mi", cpu="500m"))
    made["metadata"]["labels"] = labels
    return made


PLAIN = labelled()
PROTECTED = labelled(**{"firstmate.io/protected": "true"})
TO_FIVE: dict[str, Any] = {"replicas": 5}


def limit(resource: str, amount: str) -> dict[str, Any]:
    return {"container": "app", "resource": resource, "limit": amount}


def refused(policy: Policy, action: str, obj: Object, arguments: dict[str, Any], recent: int = 0) -> list[str]:
    step = Step(action=action, target=target_of("here", obj), arguments=arguments, idempotency_key="k", summary="s")
    return [refusal.rule for refusal in refusals(policy, [(step, obj)], recent, "en")]


@pytest.mark.parametrize(
    ("rule", "strict", "mild", "action", "arguments"),
    [
        ("protected_namespaces", Policy(protected_namespaces=(NS,)), Policy(), "scale", TO_FIVE),
        ("max_replicas", Policy(max_replicas=4), Policy(max_replicas=5), "scale", TO_FIVE),
        ("max_memory", Policy(max_memory=127 * MEBI), Policy(max_memory=128 * MEBI), "set_limit", limit("memory", "128Mi")),
        ("max_cpu", Policy(max_cpu=0.9), Policy(max_cpu=1.0), "set_limit", limit("cpu", "1")),
        ("max_growth", Policy(max_growth=1.9), Policy(max_growth=2.0), "set_limit", limit("cpu", "1")),
        ("changes_per_hour", Policy(changes_per_hour=3), Policy(changes_per_hour=4), "scale", TO_FIVE),
    ],
)  # fmt: skip
def test_a_rule_refuses_right_above_its_bound_and_passes_at_it(
    rule: str, strict: Policy, mild: Policy, action: str, arguments: dict[str, Any]
) -> None:
    assert refused(strict, action, PLAIN, arguments, recent=3) == [rule]
    assert refused(mild, action, PLAIN, arguments, recent=3) == []


def test_the_label_protects_only_when_it_says_so() -> None:
    assert refused(Policy(), "scale", PROTECTED, TO_FIVE) == ["protected_label"]
    assert refused(Policy(), "scale", labelled(**{"firstmate.io/protected": "false"}), TO_FIVE) == []
    assert refused(Policy(protected_label="keep"), "scale", PROTECTED, TO_FIVE) == []


@pytest.mark.parametrize("place", ["kube-system", "kube-public", "kube-node-lease"])
def test_the_systems_own_namespaces_are_protected_unless_policy_says_otherwise(place: str) -> None:
    there = labelled()
    there["metadata"]["namespace"] = place
    assert refused(Policy(), "scale", there, TO_FIVE) == ["protected_namespaces"]
    assert refused(Policy(protected_namespaces=()), "scale", there, TO_FIVE) == []


def test_every_rule_that_refuses_is_told_and_the_first_is_raised() -> None:
    policy = Policy(protected_namespaces=(NS,), max_replicas=2, changes_per_hour=0)
    expected = ["protected_namespaces", "protected_label", "max_replicas", "changes_per_hour"]
    assert refused(policy, "scale", PROTECTED, TO_FIVE) == expected
    step = Step(
        action="scale", target=target_of("here", PROTECTED), arguments=TO_FIVE, idempotency_key="k", summary="s"
    )
    with pytest.raises(Forbidden) as error:
        enforce(refusals(policy, [(step, PROTECTED)], 0, "en"))
    assert error.value.details["rule"] == "protected_namespaces"
    enforce([])


def test_taking_a_limit_away_or_changing_a_selector_demands_nothing() -> None:
    nothing = Policy(max_memory=0, max_cpu=0, max_replicas=0, max_growth=0)
    assert refused(nothing, "set_limit", PLAIN, {**limit("memory", ""), "limit": None}) == []
    assert refused(nothing, "set_selector", service(), {"selector": {"app": "baker"}}) == []


def test_a_first_limit_is_bounded_in_amount_and_grows_from_nothing() -> None:
    bare = deployment("baker", container())
    assert refused(Policy(max_growth=1.0), "set_limit", bare, limit("memory", "1Gi")) == []
    assert refused(Policy(max_memory=MEBI), "set_limit", bare, limit("memory", "1Gi")) == ["max_memory"]


POLICIES = st.builds(
    Policy,
    max_replicas=st.integers(1, 40),
    max_memory=st.floats(MEBI, 64 * 1024 * MEBI),
    max_cpu=st.floats(0.1, 64),
    max_growth=st.floats(1.0, 8.0),
)


@quick
@given(POLICIES, st.floats(0.05, 8), st.floats(0.8, 1.0), st.floats(0.2, 1.0), st.integers(1, 12))
def test_what_is_drafted_for_cpu_is_never_refused_for_its_replicas(
    policy: Policy, cores: float, share: float, held: float, pods: int
) -> None:
    obj = deployment("baker", container(cpu=f"{cores}"), replicas=pods)
    facts = {
        "container": "app",
        "used": share * cores * pods,
        "limit": cores,
        "hot": pods,
        "pods": pods,
        "held_back": held,
    }
    made = remedies.scale_out(case(snapshot(obj), "pod_cpu_overload", policy, **facts))
    if isinstance(made, remedies.Draft):
        assert made.arguments["replicas"] > pods
        assert refused(policy, made.action, obj, made.arguments) == []
    else:
        assert policy.max_replicas <= pods


def drafted_limit(resource: str, policy: Policy, limit: float, **facts: Any) -> tuple[Object, remedies.Draft | Text]:
    obj = deployment("baker", container(**{resource: f"{limit}"}))
    found = {"container": "app", "limit": limit, **facts}
    if resource == "memory":
        return obj, remedies.raise_memory_limit(case(snapshot(obj), "oom_killed", policy, **found))
    return obj, remedies.raise_cpu_limit(case(snapshot(obj), "pod_cpu_overload", policy, **found))


@quick
@given(POLICIES, st.integers(4, 4096), st.integers(0, 8192))
def test_what_is_drafted_for_memory_is_more_than_there_was_and_never_refused(
    policy: Policy, mebibytes: int, peak: int
) -> None:
    obj, made = drafted_limit("memory", policy, mebibytes * MEBI, peak=peak * MEBI)
    if isinstance(made, remedies.Draft):
        assert (parse(made.arguments["limit"]) or 0.0) > mebibytes * MEBI
        assert refused(policy, made.action, obj, made.arguments) == []


@quick
@given(POLICIES, st.integers(50, 8000), st.floats(0.8, 1.0), st.floats(0.2, 1.0))
def test_what_is_drafted_for_a_cpu_limit_is_more_than_there_was_and_never_refused(
    policy: Policy, milli: int, share: float, held: float
) -> None:
    cores = milli / 1000
    obj, made = drafted_limit("cpu", policy, cores, used=share * cores, hot=1, pods=1, held_back=held)
    if isinstance(made, remedies.Draft):
        assert (parse(made.arguments["limit"]) or 0.0) > cores
        assert refused(policy, made.action, obj, made.arguments) == []


@pytest.mark.parametrize(("mebibytes", "limit"), [(64, "128Mi"), (256, "512Mi"), (100, "208Mi")])
def test_a_container_killed_at_its_limit_gets_at_least_twice_as_much(mebibytes: int, limit: str) -> None:
    _, made = drafted_limit("memory", Policy(), mebibytes * MEBI)
    assert isinstance(made, remedies.Draft)
    assert made.arguments["limit"] == limit


def test_a_limit_that_may_not_grow_as_far_as_a_round_number_gets_the_one_below() -> None:
    obj, made = drafted_limit("memory", Policy(max_growth=4), 50 * MEBI, peak=900 * MEBI)
    assert isinstance(made, remedies.Draft)
    assert made.arguments["limit"] == "192Mi"
    assert refused(Policy(max_growth=4), made.action, obj, made.arguments) == []


@quick
@given(st.floats(1, 2**45))
def test_memory_is_written_as_a_quantity_not_smaller_and_hardly_larger(amount: float) -> None:
    written = parse(memory(amount))
    assert written is not None
    assert amount - 2 <= written <= amount + 16 * MEBI


@quick
@given(st.floats(0.001, 4096))
def test_cores_are_written_as_a_quantity_not_smaller_and_hardly_larger(amount: float) -> None:
    written = parse(cpu(amount))
    assert written is not None
    assert amount - 1e-6 <= written <= amount + 0.051


@quick
@given(st.one_of(st.text(max_size=20), st.none(), st.booleans(), st.lists(st.integers())))
def test_no_value_makes_the_parser_of_quantities_fail(value: object) -> None:
    assert parse(value) is None or isinstance(parse(value), float)


WORD = st.sampled_from(["app", "tier", "a", "b"])
LABELS = st.dictionaries(WORD, WORD, max_size=4)


@quick
@given(LABELS, LABELS)
def test_a_selector_means_who_carries_all_its_labels_and_an_empty_one_nobody(
    selector: dict[str, str], labels: dict[str, str]
) -> None:
    assert selects(selector, labels) == (bool(selector) and selector.items() <= labels.items())
    assert selects(selector, {**labels, **selector}) == bool(selector)


def case(snap: Snapshot, fault: str, policy: Policy | None = None, **facts: Any) -> remedies.Case:
    proof = (evidence("metric", "r", "q"),)
    finding = Finding(fault, "performance", BAKER, Text("x", "x"), proof, remedies=("scale_out",), facts=facts)
    return remedies.Case(snap, Graph(snap), Ranked(finding, 0.9), policy or Policy())


def overloaded(used: float, *nodes: Object, policy: Policy | None = None, measured: bool = False) -> remedies.Case:
    """Two pods of one core each, half a core of which is reserved; `used` is what they use together."""
    program = {**container(cpu="1"), "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}}
    reserved = [line({"node": "n1", "resource": "cpu"}, 0.0)] if measured else []
    snap = snapshot(deployment("baker", program), *nodes, metrics={"reserved": reserved})
    facts = {"container": "app", "used": used, "limit": 1.0, "hot": 2, "pods": 2, "held_back": 0.5}
    return case(snap, "pod_cpu_overload", policy, **facts)


def scaled(one: remedies.Case) -> remedies.Draft:
    made = remedies.scale_out(one)
    assert isinstance(made, remedies.Draft)
    return made


def test_doubling_is_a_low_risk_and_more_than_that_a_medium_one() -> None:
    assert [(made.arguments["replicas"], made.risk) for made in (scaled(overloaded(1.6)), scaled(overloaded(2.0)))] == [
        (4, "low"),
        (5, "medium"),
    ]


def test_no_more_pods_are_asked_for_than_the_nodes_could_take() -> None:
    made = scaled(overloaded(2.0, node(cpu="1", memory="8Gi")))
    assert (made.arguments["replicas"], made.risk) == (4, "medium")
    assert "5 would be needed by estimate, and the nodes allow no more" in made.effect("en")
    assert "节点余量" in made.effect("zh")


def test_full_nodes_are_a_reason_not_to_scale() -> None:
    reason = remedies.scale_out(overloaded(2.0, node(cpu="400m", memory="8Gi")))
    assert isinstance(reason, Text)
    assert "no room" in reason("en")


def test_a_bound_of_the_policy_is_told_and_no_full_relief_is_promised() -> None:
    made = scaled(overloaded(2.0, policy=Policy(max_replicas=3)))
    assert "the policy allows no more" in made.effect("en")
    assert "60%" not in made.effect("en")


def test_the_number_is_told_to_be_an_estimate_with_its_reason() -> None:
    assert "held back in 50% of periods" in scaled(overloaded(2.0)).effect("en")
    assert "估算" in scaled(overloaded(2.0)).effect("zh")
    calm = overloaded(2.0)
    free = dataclasses.replace(calm.cause.finding, facts={**calm.cause.finding.facts, "held_back": 0.0})
    assert "estimated" not in scaled(dataclasses.replace(calm, cause=Ranked(free, 0.9))).effect("en")


@pytest.mark.parametrize(
    ("measured", "words"), [(True, "the nodes have room for 16 more."), (False, "room for at most 16 more; pods of")]
)
def test_the_blast_radius_tells_the_room_and_how_surely_it_is_known(measured: bool, words: str) -> None:
    one = overloaded(2.0, node(cpu="8", memory="8Gi"), measured=measured)
    assert words in remedies.blast_radius(one, scaled(one))("en")


def test_the_blast_radius_is_silent_about_room_that_is_not_known() -> None:
    one = overloaded(2.0)
    assert "room" not in remedies.blast_radius(one, scaled(one))("en")
