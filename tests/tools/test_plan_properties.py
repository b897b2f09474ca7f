"""What an approval is worth: any change of the deed changes the hash, and no road leads to applying past a person."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import Conflict, FirstmateError, Forbidden
from tests.tools.objects import NOW, NS, endpoint_slice, service
from tests.tools.workshop import ALICE, BOB, Workshop, lost_service, workshop
from tools.autofix.plan import MOVES, OPEN, Check, Move, Plan, Reason, State, Step, Target, deed, next_state, plan_hash
from tools.autofix.tables import ApprovalRow, PlanRow
from tools.engines.diagnosis import Component

# A machine that many share must not look like a slow test.
quick = settings(max_examples=50, deadline=None)
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.one_of(WORDS, st.integers(-5, 5), st.none(), st.dictionaries(WORDS, WORDS, max_size=2))
TARGETS = st.builds(
    Target, context=WORDS, kind=WORDS, namespace=WORDS, name=WORDS, uid=WORDS, resource_version=WORDS, digest=WORDS
)
STEPS = st.builds(
    Step,
    action=WORDS,
    target=TARGETS,
    arguments=st.dictionaries(WORDS, VALUES, max_size=3),
    idempotency_key=WORDS,
    summary=WORDS,
)
CHECKS = st.builds(Check, kind=st.sampled_from(["objects_ready", "alert_cleared", "cause_gone"]), sentence=WORDS)
TIMES = st.integers(0, 10**8).map(lambda seconds: NOW + timedelta(seconds=seconds))
DEEDS = st.fixed_dictionaries(
    {
        "id": WORDS,
        "context": WORDS,
        "steps": st.lists(STEPS, min_size=1, max_size=2),
        "undo": st.lists(STEPS, max_size=2),
        "verify": st.lists(CHECKS, max_size=2),
        "hold_seconds": st.floats(0, 600),
        "expires_at": TIMES,
    }
)


def plan(**deed_of_it: Any) -> Plan:
    place = Component(kind="Service", namespace=NS, name="baker")
    fields: dict[str, Any] = {
        "title": "t",
        "reason": Reason(fault="f", component=place, statement="s", confidence=0.9),
        "namespace": NS,
        "remedy": "r",
        "risk": "low",
        "blast_radius": "b",
        "expected_effect": "e",
        "evidence": [],
        "diff": "",
        "hash": "",
        "language": "en",
        "proposed_by": "alice",
        "created_at": NOW,
    }
    return Plan(**fields, **deed_of_it)


@quick
@given(DEEDS, DEEDS)
def test_two_plans_have_one_hash_only_if_they_would_do_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (plan_hash(plan(**one)) == plan_hash(plan(**other))) == (one == other)


@quick
@given(DEEDS, st.data())
def test_a_change_of_any_one_part_of_the_deed_changes_the_hash(one: dict[str, Any], data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(sorted(one)))
    other = {**one, part: data.draw(DEEDS)[part]}
    assert (plan_hash(plan(**one)) == plan_hash(plan(**other))) == (one[part] == other[part])


@quick
@given(DEEDS, st.sampled_from(sorted(Target.model_fields)), WORDS)
def test_a_change_of_anything_about_the_target_changes_the_hash(one: dict[str, Any], name: str, value: str) -> None:
    first = one["steps"][0]
    target = first.target.model_copy(update={name: value})
    other = {**one, "steps": [first.model_copy(update={"target": target}), *one["steps"][1:]]}
    assert (plan_hash(plan(**one)) == plan_hash(plan(**other))) == (getattr(first.target, name) == value)


@quick
@given(DEEDS)
def test_the_hash_outlives_the_database_and_is_blind_to_state_and_words(one: dict[str, Any]) -> None:
    made = plan(**one)
    stored = Plan.model_validate_json(made.model_dump_json())
    told = stored.model_copy(update={"state": "approved", "state_reason": "by bob", "blast_radius": "another"})
    assert plan_hash(made) == plan_hash(stored) == plan_hash(told)


@quick
@given(st.lists(STEPS, min_size=1, max_size=2), WORDS)
def test_the_deed_is_the_same_in_two_proposals_of_one_repair(steps: list[Step], key: str) -> None:
    again = [step.model_copy(update={"idempotency_key": key, "summary": key}) for step in steps]
    assert deed(steps) == deed(again)


MOVES_IN_TURN = st.lists(st.sampled_from(get_args(Move)), max_size=12)


def walk(moves: list[Move]) -> list[tuple[State, Move, State]]:
    """From a proposal, by those of the moves that are allowed where it stands."""
    state: State = "proposed"
    way = []
    for move in moves:
        try:
            after = next_state(state, move)
        except Conflict:
            continue
        way.append((state, move, after))
        state = after
    return way


@quick
@given(MOVES_IN_TURN)
def test_applying_is_only_reached_through_an_approval_that_nothing_voided(moves: list[Move]) -> None:
    way = walk(moves)
    started = next((place for place, (_, move, _) in enumerate(way) if move == "start"), None)
    touched = [place for place, (_, _, after) in enumerate(way) if after in {"applying", "verifying", "undoing"}]
    if touched:
        assert started == touched[0]
        assert [move for _, move, _ in way[: touched[0] + 1]] == ["approve", "start"]


@quick
@given(MOVES_IN_TURN)
def test_a_plan_is_started_once(moves: list[Move]) -> None:
    assert sum(move == "start" for _, move, _ in walk(moves)) <= 1


@pytest.mark.parametrize("end", ["rejected", "expired", "superseded", "undone"])
def test_no_move_leads_out_of_an_end(end: State) -> None:
    assert not [after for (before, _), after in MOVES.items() if before == end]
    for move in get_args(Move):
        with pytest.raises(Conflict):
            next_state(end, move)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    reached: set[State] = {"proposed"}
    for _ in MOVES:
        reached |= {after for (before, _), after in MOVES.items() if before in reached}
    assert reached == set(get_args(State))
    for state in OPEN:
        onward = {state}
        for _ in MOVES:
            onward |= {after for (before, _), after in MOVES.items() if before in onward}
        assert onward - OPEN


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service()) as made:
        yield made


async def edited(shop: Workshop, plan: Plan, change: Callable[[dict[str, Any]], None]) -> None:
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        body = plan.model_dump(mode="json", exclude={"state", "state_reason", "approval"})
        change(body)
        row.body = body


async def refused(shop: Workshop, plan_id: str, plan_hash: str) -> FirstmateError:
    with pytest.raises(FirstmateError) as error:
        await shop.repairs.apply(plan_id, plan_hash, ALICE)
    assert shop.cluster.writes == []
    return error.value


EDITS: dict[str, Callable[[dict[str, Any]], None]] = {
    "another action": lambda body: body["steps"][0].update(action="scale"),
    "another argument": lambda body: body["steps"][0].update(arguments={"selector": {"app": "thief"}}),
    "another target": lambda body: body["steps"][0]["target"].update(name="vault"),
    "another version": lambda body: body["steps"][0]["target"].update(resource_version="101"),
    "one more step": lambda body: body["steps"].append(body["steps"][0]),
    "no way back": lambda body: body["undo"].clear(),
    "no verification": lambda body: body["verify"].clear(),
    "another cluster": lambda body: body.update(context="elsewhere"),
    "a later expiry": lambda body: body.update(expires_at=(NOW + timedelta(days=9)).isoformat()),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_what_was_edited_after_the_approval_is_not_what_was_approved(shop: Workshop, edit: str) -> None:
    plan = await shop.approved()
    await edited(shop, plan, EDITS[edit])
    assert isinstance(await refused(shop, plan.id, plan.hash), Conflict)


async def test_even_with_its_hash_made_to_fit_an_edited_plan_has_no_approval(shop: Workshop) -> None:
    plan = await shop.approved()
    steps = [plan.steps[0].model_copy(update={"arguments": {"selector": {"app": "thief"}}})]
    thief = plan.model_copy(update={"steps": steps})
    forged = plan_hash(thief)
    await edited(
        shop, plan, lambda body: body.update(hash=forged, steps=[step.model_dump(mode="json") for step in steps])
    )
    assert isinstance(await refused(shop, plan.id, forged), Forbidden)
    assert isinstance(await refused(shop, plan.id, plan.hash), Conflict)


async def test_the_approval_of_one_plan_never_opens_another(shop: Workshop) -> None:
    shop.cluster.objects += [service("miller", {"app": "baker-v3"}), endpoint_slice("miller", 0)]
    one = await shop.approved(name="baker")
    other = one.model_copy(update={"id": "plan-other", "state": "proposed", "approval": None})
    other = other.model_copy(update={"hash": plan_hash(other)})
    await shop.repairs._store.add(other)
    async with shop.database.write() as session:
        given = await session.get(ApprovalRow, one.id)
        stolen = await session.get(PlanRow, other.id)
        assert given is not None
        assert stolen is not None
        stolen.state = "approved"
        copied = {name: getattr(given, name) for name in ("approver", "via", "at", "expires_at", "proof")}
        session.add(ApprovalRow(plan_id=other.id, plan_hash=other.hash, **copied))
    error = await refused(shop, other.id, other.hash)
    assert isinstance(error, Forbidden)
    assert "not for this very plan" in error.sentence


async def test_a_state_set_in_the_database_is_no_approval(shop: Workshop) -> None:
    plan = await shop.proposed()
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        row.state = "approved"
    assert isinstance(await refused(shop, plan.id, plan.hash), Forbidden)


async def test_an_approval_that_was_used_does_not_start_a_plan_again(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.applied(await shop.approved())
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        row.state = "approved"
    shop.cluster.find("Service", "baker").update(as_planned(plan))
    with pytest.raises(FirstmateError):
        await shop.applied(plan)
    assert len(shop.cluster.writes) == 1


def as_planned(plan: Plan) -> dict[str, Any]:
    """The target as the plan was made for."""
    found = service("baker", {"app": "baker-v2"})
    found["metadata"]["resourceVersion"] = plan.steps[0].target.resource_version
    return found


@pytest.mark.parametrize("decision", ["rejected", "expired", "superseded"])
async def test_neither_approval_nor_apply_leads_on_from_a_plan_that_ended(shop: Workshop, decision: str) -> None:
    plan = await shop.approved()
    if decision == "rejected":
        await shop.repairs.reject(plan.id, plan.hash, BOB)
    elif decision == "expired":
        await shop.clock.advance(shop.policy.approval_seconds + 1)
    else:
        shop.cluster.touch("Service", "baker")["metadata"]["labels"] = {"edited": "yes"}
        await shop.proposed()
    assert (await shop.repairs.get(plan.id)).state == decision
    for call in (shop.repairs.approve, shop.repairs.apply, shop.repairs.reject):
        with pytest.raises(Conflict, match=decision):
            await call(plan.id, plan.hash, BOB)
    assert shop.cluster.writes == []
