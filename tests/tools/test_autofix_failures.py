"""API servers that refuse, stall or lose the answer, and processes that die: each step at most once, and what is known is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Conflict, Forbidden, Invalid, Upstream
from tests.tools.cluster import AppliedThen, in_time
from tests.tools.objects import Object
from tests.tools.workshop import ALICE, Killed, Workshop, lost_service, workshop
from tools.autofix.plan import Plan


def said(status: int | None, text: str = "failed") -> Upstream:
    return Upstream("The Kubernetes API server", text, retryable=True, status=status)


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service()) as made:
        made.mends()
        yield made


def selector(shop: Workshop) -> Object:
    found: Object = shop.cluster.find("Service", "baker")["spec"]["selector"]
    return found


@pytest.mark.parametrize(
    "refusal",
    [
        Invalid("spec.selector: Invalid value"),
        Forbidden("You may not patch services.", permission="patch services"),
        said(401, "does not know this token"),
    ],
)
async def test_a_refusal_is_final_and_nothing_was_changed(shop: Workshop, refusal: Exception) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [refusal]  # type: ignore[list-item]
    done = await shop.applied(plan)
    assert done.state == "failed"
    assert "Nothing was changed" in done.state_reason
    assert str(refusal) in done.state_reason
    assert len(shop.cluster.writes) == 1
    assert "step do not_applied" in await shop.rows(plan)


async def test_too_many_requests_is_tried_again_later(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [said(429, "asks to slow down"), said(429, "asks to slow down")]
    assert (await shop.applied(plan)).state == "succeeded"
    assert len(shop.cluster.writes) == 3


async def test_too_many_requests_for_too_long_is_given_up_with_nothing_changed(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [said(429, "asks to slow down")] * 9
    done = await shop.applied(plan)
    assert (done.state, selector(shop)) == ("failed", {"app": "baker-v2"})
    assert "slow down" in done.state_reason


async def test_a_lost_race_with_a_controller_is_run_again(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [Conflict("the object has been modified")]
    assert (await shop.applied(plan)).state == "succeeded"


async def test_a_lost_race_with_a_person_leaves_their_change(shop: Workshop) -> None:
    plan = await shop.approved()
    get = shop.cluster.get

    async def and_then_somebody_edits(kind: str, name: str, namespace: str | None = None) -> Object:
        seen = await get(kind, name, namespace)
        if len(shop.cluster.patch_script) == 1 and (await shop.repairs.get(plan.id)).state == "applying":
            shop.cluster.patch_script = []
            shop.cluster.touch("Service", "baker")["spec"]["selector"] = {"app": "theirs"}
        return seen

    shop.cluster.patch_script = [Conflict("unused")]
    shop.cluster.get = and_then_somebody_edits  # type: ignore[method-assign]
    done = await shop.applied(plan)
    assert (done.state, selector(shop)) == ("superseded", {"app": "theirs"})
    assert "somebody else" in done.state_reason


@pytest.mark.parametrize("error", [said(500), said(None, "did not answer within 8 s"), said(504, "timed out")])
async def test_an_answer_lost_after_the_change_is_found_out_by_reading(shop: Workshop, error: Upstream) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [AppliedThen(error)]
    assert (await shop.applied(plan)).state == "succeeded"
    assert len(shop.cluster.writes) == 1
    assert [row for row in await shop.rows(plan) if row.startswith("step")] == [
        "step do sending",
        "step do in_doubt",
        "step do done",
    ]


async def test_an_answer_lost_before_the_change_is_sent_once_more(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [said(503)]
    assert (await shop.applied(plan)).state == "succeeded"
    assert len(shop.cluster.writes) == 2


async def test_when_nobody_can_know_it_says_so_and_does_nothing_more(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [AppliedThen(said(None, "did not answer within 8 s"))]
    shop.cluster.after_patch = lambda _obj: shop.cluster.read_errors.update({"*": said(None, "refused the connection")})
    done = await shop.applied(plan)
    assert done.state == "failed"
    assert "not known whether" in done.state_reason
    assert len(shop.cluster.writes) == 1
    assert "step do unknown" in await shop.rows(plan)


async def test_what_was_in_doubt_can_be_taken_back_once_it_can_be_read(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [AppliedThen(said(None, "did not answer within 8 s"))]
    shop.cluster.after_patch = lambda _obj: shop.cluster.read_errors.update({"*": said(None)})
    await shop.applied(plan)
    shop.cluster.read_errors = {}
    shop.mends()
    undone = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert (undone.state, selector(shop)) == ("undone", {"app": "baker-v2"})


async def test_there_is_nothing_to_undo_where_nothing_was_done(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [Invalid("no")]
    await shop.applied(plan)
    with pytest.raises(Conflict, match="nothing to undo"):
        await shop.repairs.undo(plan.id, ALICE)


async def test_an_undo_that_is_refused_is_told_and_can_be_asked_again(shop: Workshop) -> None:
    plan = await shop.applied(await shop.approved())
    shop.cluster.patch_script = [Forbidden("You may not patch services.", permission="patch services")]
    failed = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert failed.state == "failed"
    assert "undo did not succeed" in failed.state_reason
    assert (await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))).state == "undone"


async def killed_at(shop: Workshop, plan: Plan, phase: str) -> None:
    """Apply, and die right after the ledger row of that phase was written."""
    store = shop.repairs._store
    note, move = store.note, store.move

    async def dying_note(plan_id: str, kind: str, subject: str, written: str, sentence: str, **detail: Any) -> None:
        await note(plan_id, kind, subject, written, sentence, **detail)
        if written == phase:
            raise Killed

    async def dying_move(plan_id: str, what: str, **more: object) -> Plan:
        moved = await move(plan_id, what, **more)  # type: ignore[arg-type]
        if what == phase:
            raise Killed
        return moved

    store.note, store.move = dying_note, dying_move  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        await in_time(shop.clock, shop.repairs.apply(plan.id, plan.hash, ALICE))


@pytest.mark.parametrize("phase", ["start", "sending", "done", "applied", "held"])
async def test_a_repair_that_died_is_taken_up_from_its_ledger(shop: Workshop, phase: str) -> None:
    plan = await shop.approved()
    await killed_at(shop, plan, phase)
    assert await shop.restarted().resume() == [plan.id]
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "succeeded"
    assert len(shop.cluster.writes) == 1
    assert sum(row == "step do done" for row in await shop.rows(plan)) == 1


async def test_a_repair_that_died_after_the_change_but_before_its_row_does_not_do_it_twice(shop: Workshop) -> None:
    plan = await shop.approved()
    mend = shop.cluster.after_patch

    def die(obj: Object) -> None:
        mend(obj)
        shop.cluster.after_patch = mend
        raise Killed

    shop.cluster.after_patch = die
    with pytest.raises(Killed):
        await in_time(shop.clock, shop.repairs.apply(plan.id, plan.hash, ALICE))
    await shop.restarted().resume()
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "succeeded"
    assert len(shop.cluster.writes) == 1


async def test_an_undo_that_died_is_finished(shop: Workshop) -> None:
    shop.cluster.after_patch = lambda _obj: None
    plan = await shop.approved()
    await killed_at(shop, plan, "undo")
    await shop.restarted().resume()
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "undone"
    assert len(shop.cluster.writes) == 2


async def test_nothing_is_resumed_that_was_not_under_way(shop: Workshop) -> None:
    await shop.approved()
    assert await shop.repairs.resume() == []
