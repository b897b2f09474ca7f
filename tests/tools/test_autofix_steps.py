"""A repair of two steps against an API server that gives every answer there is, and against a process that dies at every row it writes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotFound, Upstream
from tests.tools.cluster import AppliedThen, in_time
from tests.tools.objects import Object, endpoint_slice
from tests.tools.workshop import ALICE, BOB, Killed, Workshop, lost_service, workshop
from tools.autofix.plan import Plan, Step, plan_hash, target_of

SERVICE, DEPLOYMENT = "Service/baker", "Deployment/baker"
FIRST, SECOND = 0, 1
Answer = FirstmateError | AppliedThen


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service(), verify_seconds=20) as made:
        mends(made)
        yield made


def mends(shop: Workshop) -> None:
    def effect(obj: Object) -> None:
        if obj["kind"] == "Service":
            right = obj["spec"]["selector"] == {"app": "baker"}
            ready = endpoint_slice("baker", 2 if right else 0)["endpoints"]
            shop.cluster.find("EndpointSlice", "baker-x")["endpoints"] = ready
        else:
            pods = obj["spec"]["replicas"]
            obj["status"].update(replicas=pods, updatedReplicas=pods, readyReplicas=pods, availableReplicas=pods)

    shop.cluster.after_patch = effect


async def approved(shop: Workshop) -> Plan:
    """The proposal for the Service, with a second step that scales the Deployment behind it."""
    found = await shop.proposed()
    await shop.repairs.reject(found.id, found.hash, BOB)
    target = target_of("here", shop.cluster.find("Deployment", "baker"))
    both = {"action": "scale", "target": target, "summary": "Scale baker"}
    there = Step(**both, arguments={"replicas": 3}, idempotency_key="plan-two/do/2")
    back = Step(**both, arguments={"replicas": 2}, idempotency_key="plan-two/undo/2")
    parts = {"steps": [*found.steps, there], "undo": [*found.undo, back]}
    made = found.model_copy(update={**parts, "id": "plan-two", "state": "proposed", "state_reason": ""})
    made = await shop.repairs._store.add(made.model_copy(update={"hash": plan_hash(made)}))
    return await shop.repairs.approve(made.id, made.hash, BOB)


def present(shop: Workshop) -> tuple[str, int]:
    selector = shop.cluster.find("Service", "baker")["spec"]["selector"]
    return selector["app"], shop.cluster.find("Deployment", "baker")["spec"]["replicas"]


BEFORE, AFTER = ("baker-v2", 2), ("baker", 3)
DONE = [SERVICE, DEPLOYMENT]
TAKEN_BACK = [SERVICE, DEPLOYMENT, DEPLOYMENT, SERVICE]


async def phases(shop: Workshop, plan: Plan, step: Step) -> list[str]:
    return [row.phase for row in await shop.repairs.ledger(plan.id) if row.subject == step.idempotency_key]


def said(status: int | None, text: str = "failed") -> Upstream:
    return Upstream("The Kubernetes API server", text, retryable=True, status=status)


SURVIVED: dict[str, list[Answer]] = {
    "409 once": [Conflict("the object has been modified")],
    "409 three times": [Conflict("the object has been modified")] * 3,
    "429 once": [said(429, "asks to slow down")],
    "429 three times": [said(429, "asks to slow down")] * 3,
    "500 and not applied": [said(500)],
    "500 after it was applied": [AppliedThen(said(500))],
    "time-out after it was applied": [AppliedThen(said(None, "did not answer within 8 s"))],
    "409, then 429, then a lost answer": [Conflict("x"), said(429), AppliedThen(said(None))],
}
REFUSED: dict[str, list[Answer]] = {
    "401": [said(401, "does not know this token")],
    "403": [Forbidden("You may not patch.", permission="patch")],
    "404": [NotFound("There is none.")],
    "422": [Invalid("spec: Invalid value")],
    "409 for ever": [Conflict("the object has been modified")] * 4,
    "429 for ever": [said(429, "asks to slow down")] * 4,
    "500 for ever": [said(500)] * 4,
}


@pytest.mark.parametrize("place", [FIRST, SECOND])
@pytest.mark.parametrize("answer", SURVIVED)
async def test_what_can_be_tried_again_or_found_out_ends_well(shop: Workshop, answer: str, place: int) -> None:
    plan = await approved(shop)
    shop.cluster.patch_script = [*[None] * place, *SURVIVED[answer]]
    done = await shop.applied(plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("succeeded", AFTER, DONE)
    for step in plan.steps:
        told = await phases(shop, plan, step)
        assert (told[0], told[-1], told.count("done")) == ("sending", "done", 1)


@pytest.mark.parametrize("answer", REFUSED)
async def test_a_refusal_of_the_first_step_changes_nothing_and_says_so(shop: Workshop, answer: str) -> None:
    plan = await approved(shop)
    shop.cluster.patch_script = [*REFUSED[answer]]
    done = await shop.applied(plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("failed", BEFORE, [])
    assert "Nothing was changed" in done.state_reason
    assert (await phases(shop, plan, plan.steps[FIRST]))[-1] == "not_applied"
    assert await phases(shop, plan, plan.steps[SECOND]) == []


@pytest.mark.parametrize("answer", REFUSED)
async def test_a_refusal_of_the_second_step_takes_the_first_back(shop: Workshop, answer: str) -> None:
    plan = await approved(shop)
    shop.cluster.patch_script = [None, *REFUSED[answer]]
    done = await shop.applied(plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("undone", BEFORE, [SERVICE, SERVICE])
    assert "taken back" in done.state_reason
    assert await phases(shop, plan, plan.undo[SECOND]) == []


async def test_not_knowing_about_the_second_step_leaves_both_for_a_person(shop: Workshop) -> None:
    plan = await approved(shop)
    shop.cluster.patch_script = [None, AppliedThen(said(None, "did not answer"))]
    effect = shop.cluster.after_patch

    def and_then_all_is_dark(obj: Object) -> None:
        effect(obj)
        if obj["kind"] == "Deployment":
            shop.cluster.read_errors["*"] = said(None, "refused the connection")

    shop.cluster.after_patch = and_then_all_is_dark
    done = await shop.applied(plan)
    assert (done.state, shop.cluster.stored) == ("failed", DONE)
    assert "not known whether" in done.state_reason
    assert (await phases(shop, plan, plan.steps[SECOND]))[-1] == "unknown"
    shop.cluster.read_errors = {}
    mends(shop)
    undone = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert (undone.state, present(shop)) == ("undone", BEFORE)


async def test_a_second_target_that_somebody_changed_meanwhile_is_left_and_the_first_taken_back(shop: Workshop) -> None:
    plan = await approved(shop)
    effect = shop.cluster.after_patch

    def and_somebody_scales(obj: Object) -> None:
        effect(obj)
        if present(shop) == ("baker", 2):
            shop.cluster.touch("Deployment", "baker")["spec"]["replicas"] = 7

    shop.cluster.after_patch = and_somebody_scales
    done = await shop.applied(plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("undone", ("baker-v2", 7), [SERVICE, SERVICE])


async def test_a_second_target_that_cannot_be_read_is_not_written_and_the_first_taken_back(shop: Workshop) -> None:
    plan = await approved(shop)
    effect = shop.cluster.after_patch

    def and_deployments_are_dark(obj: Object) -> None:
        effect(obj)
        shop.cluster.read_errors["Deployment"] = said(503, "is not available")

    shop.cluster.after_patch = and_deployments_are_dark
    done = await shop.applied(plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("undone", BEFORE, [SERVICE, SERVICE])


@pytest.mark.parametrize("place", [FIRST, SECOND])
@pytest.mark.parametrize("answer", SURVIVED)
async def test_an_undo_survives_what_a_step_survives(shop: Workshop, answer: str, place: int) -> None:
    plan = await shop.applied(await approved(shop))
    shop.cluster.patch_script = [*[None] * place, *SURVIVED[answer]]
    undone = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert (undone.state, present(shop), shop.cluster.stored) == ("undone", BEFORE, TAKEN_BACK)


@pytest.mark.parametrize("place", [FIRST, SECOND])
@pytest.mark.parametrize("answer", REFUSED)
async def test_an_undo_that_is_refused_can_be_asked_for_again(shop: Workshop, answer: str, place: int) -> None:
    plan = await shop.applied(await approved(shop))
    shop.cluster.patch_script = [*[None] * place, *REFUSED[answer]]
    failed = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert failed.state == "failed"
    assert "undo did not succeed" in failed.state_reason
    again = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert (again.state, present(shop), shop.cluster.stored) == ("undone", BEFORE, TAKEN_BACK)


def dies_after(shop: Workshop, rows: int, *, cancelled: bool = False) -> None:
    """The process ends right after so many more rows were written; with `cancelled` it is asked to stop instead."""
    store, left = shop.repairs._store, rows
    note, move = store.note, store.move

    def one_less() -> None:
        nonlocal left
        left -= 1
        task = asyncio.current_task()
        if left == 0 and cancelled and task:
            task.cancel()
        elif left == 0:
            raise Killed

    async def counted_note(*args: Any, **more: Any) -> None:
        await note(*args, **more)
        one_less()

    async def counted_move(*args: Any, **more: Any) -> Plan:
        moved = await move(*args, **more)
        one_less()
        return moved

    store.note, store.move = counted_note, counted_move  # type: ignore[method-assign]


async def resumed(shop: Workshop, plan: Plan) -> Plan:
    assert await shop.restarted().resume() == [plan.id]
    await in_time(shop.clock, shop.repairs.settle())
    return await shop.repairs.get(plan.id)


# start, sending, done, sending, done, applied, held; the eighth row ends the plan.
@pytest.mark.parametrize("cancelled", [False, True], ids=["killed", "stopped"])
@pytest.mark.parametrize("rows", range(1, 8))
async def test_a_process_that_ends_after_any_row_does_each_step_once(
    shop: Workshop, rows: int, cancelled: bool
) -> None:
    plan = await approved(shop)
    dies_after(shop, rows, cancelled=cancelled)
    with pytest.raises((Killed, asyncio.CancelledError)):
        await shop.applied(plan)
    done = await resumed(shop, plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("succeeded", AFTER, DONE)
    for step in plan.steps:
        assert (await phases(shop, plan, step)).count("done") == 1


# As above, and then: not_held, undo, sending, done, sending, done; the thirteenth row ends the plan.
@pytest.mark.parametrize("rows", range(7, 13))
async def test_a_process_that_ends_within_an_undo_takes_each_step_back_once(shop: Workshop, rows: int) -> None:
    plan = await approved(shop)
    shop.cluster.after_patch = lambda _obj: None
    dies_after(shop, rows)
    with pytest.raises(Killed):
        await shop.applied(plan)
    done = await resumed(shop, plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("undone", BEFORE, TAKEN_BACK)


@pytest.mark.parametrize(("first", "then"), [(1, 1), (2, 1), (2, 2), (3, 3), (5, 1), (6, 1)])
async def test_one_that_dies_again_while_it_resumes_is_resumed_again(shop: Workshop, first: int, then: int) -> None:
    plan = await approved(shop)
    dies_after(shop, first)
    with pytest.raises(Killed):
        await shop.applied(plan)
    shop.restarted()
    dies_after(shop, then)
    await shop.repairs.resume()
    await in_time(shop.clock, shop.repairs.settle())
    done = await resumed(shop, plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("succeeded", AFTER, DONE)


@pytest.mark.parametrize("kind", ["Service", "Deployment"])
async def test_a_process_that_dies_between_a_change_and_its_row_finds_the_change(shop: Workshop, kind: str) -> None:
    plan = await approved(shop)
    effect = shop.cluster.after_patch

    def die(obj: Object) -> None:
        effect(obj)
        if obj["kind"] == kind:
            shop.cluster.after_patch = effect
            raise Killed

    shop.cluster.after_patch = die
    with pytest.raises(Killed):
        await shop.applied(plan)
    done = await resumed(shop, plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("succeeded", AFTER, DONE)


async def test_a_change_by_somebody_else_while_the_process_was_away_is_left_alone(shop: Workshop) -> None:
    plan = await approved(shop)
    dies_after(shop, 1)
    with pytest.raises(Killed):
        await shop.applied(plan)
    shop.cluster.touch("Service", "baker")["spec"]["selector"] = {"app": "theirs"}
    done = await resumed(shop, plan)
    assert (done.state, present(shop), shop.cluster.stored) == ("superseded", ("theirs", 2), [])


async def test_an_api_server_that_is_away_at_the_resumption_leaves_it_unknown_and_writes_nothing(
    shop: Workshop,
) -> None:
    plan = await approved(shop)
    dies_after(shop, 2)
    with pytest.raises(Killed):
        await shop.applied(plan)
    shop.cluster.read_errors["*"] = said(None, "refused the connection")
    done = await resumed(shop, plan)
    assert (done.state, shop.cluster.stored) == ("failed", [])
    assert (await phases(shop, plan, plan.steps[FIRST]))[-1] == "unknown"
