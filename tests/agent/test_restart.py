"""What survives when the process goes away: a new House on the same files stands for the restart."""

import asyncio
from pathlib import Path

import pytest

from agent.memory import without_marks
from core.errors import Conflict
from tests.agent.fakes import Estate, House


async def test_a_question_that_waits_for_approval_survives_a_restart(tmp_path: Path) -> None:
    async with House(tmp_path) as before:
        asked = await before.ask("Fix ledger in orders")
    async with House(tmp_path) as after:
        assert (await after.agent.run(asked.run_id)).state == "waiting"
        replayed = await after.follow(asked.run_id)
        assert [kind for kind in asked.types() if kind != "token"] == replayed.types()
        after.estate.approved.add("h1")
        await after.agent.decide(asked.run_id, True, by="bob")
        told = await after.follow(asked.run_id, after=asked.events[-1]["seq"])
        everything = await after.follow(asked.run_id)
    assert after.estate.applied == ["p1 by bob"]
    assert told.state == "finished"
    assert "done and verified" in told.text
    assert everything.types().count("run_finished") == 2
    sequence = [event["seq"] for event in everything.events]
    assert sequence == sorted(set(sequence))


async def test_the_operators_messages_survive_a_restart_too(tmp_path: Path) -> None:
    async with House(tmp_path) as before:
        asked = await before.ask("fix ledger in orders", mode="mcp")
        assert asked.state == "waiting"
    async with House(tmp_path) as after:
        after.estate.approved.add("h1")
        await after.agent.decide(asked.run_id, True, by="bob", role="admin")
        told = await after.follow(asked.run_id, after=asked.events[-1]["seq"])
    assert after.estate.calls == [("apply_plan", "bob", "admin")]
    assert told.state == "finished"


async def test_a_refusal_after_a_restart_changes_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as before:
        asked = await before.ask("Fix ledger in orders")
    async with House(tmp_path) as after:
        await after.agent.decide(asked.run_id, False, by="bob")
        told = await after.follow(asked.run_id, after=asked.events[-1]["seq"])
        with pytest.raises(Conflict):
            await after.agent.decide(asked.run_id, True, by="bob")
    assert after.estate.applied == []
    assert "refused by bob" in told.text


async def test_a_finished_run_can_be_read_after_a_restart(tmp_path: Path) -> None:
    async with House(tmp_path) as before:
        asked = await before.ask("why is ledger failing in orders?")
    async with House(tmp_path) as after:
        replayed = await after.follow(asked.run_id, after=2)
        record = await after.agent.run(asked.run_id)
        follow_up = await after.ask("and its logs?", session_id=asked.session)
    assert replayed.one("answer") == asked.one("answer")
    assert record.answer == asked.text
    assert "panic: out of cheese" in follow_up.text


async def test_a_run_that_a_crash_left_in_the_middle_is_marked_failed_with_a_sentence(tmp_path: Path) -> None:
    estate = Estate()
    started = asyncio.Event()

    async def hold() -> None:
        started.set()
        await asyncio.Event().wait()

    async with House(tmp_path, estate=estate) as before:
        first = await before.ask("pods in orders")
        estate.hold = hold
        run = await before.agent.ask("logs of ledger", caller_name="ada", caller_role="viewer")
        await started.wait()
        # A crash says goodbye to nobody: the second house opens while the first still believes to be running.
        async with House(tmp_path) as after:
            await after.agent.recover()
            record = await after.agent.run(run.id)
            told = await after.follow(run.id)
            assert (await after.agent.run(first.run_id)).state == "finished"
    assert record.state == "failed"
    assert "process stopped" in record.error
    assert told.one("error")["kind"] == "interrupted"
    assert told.state == "failed"


def test_marks_of_an_old_answer_do_not_travel_into_the_next_question() -> None:
    assert without_marks("It restarted [e1] twice [e2, e3].") == "It restarted  twice [e2, e3]."


async def test_who_waits_for_a_plan_can_be_asked_before_and_after_a_restart(tmp_path: Path) -> None:
    async with House(tmp_path) as before:
        asked = await before.ask("Fix ledger in orders")
        other = await before.ask("pods in orders")
        assert await before.agent.waiting_for("p1") == [asked.run_id]
        assert await before.agent.asks_about(other.run_id) is None
    async with House(tmp_path) as after:
        assert await after.agent.waiting_for("p1") == [asked.run_id]
        assert await after.agent.asks_about(asked.run_id) == "p1"
        assert await after.agent.waiting_for("p2") == []
        await after.agent.decide(asked.run_id, False, by="bob")
        assert await after.agent.waiting_for("p1") == []


async def test_a_conversation_may_be_named_by_its_owner(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        assert await house.agent.new_session("ada", "monday-night") == "monday-night"
        told = await house.ask("pods in orders", session_id="monday-night")
        assert [session.id for session in await house.agent.sessions("ada")] == ["monday-night"]
    assert told.session == "monday-night"


async def test_a_second_process_that_only_asks_calls_nothing_lost(tmp_path: Path) -> None:
    estate, started = Estate(), asyncio.Event()

    async def hold() -> None:
        started.set()
        await asyncio.Event().wait()

    async with House(tmp_path, estate=estate) as serving:
        estate.hold = hold
        run = await serving.agent.ask("logs of ledger", caller_name="ada", caller_role="viewer")
        await started.wait()
        async with House(tmp_path) as asking:
            assert (await asking.agent.run(run.id)).state == "running"


async def test_a_word_given_the_moment_it_is_asked_for_is_heard(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        run = await house.agent.ask("Fix ledger in orders", caller_name="ada", caller_role="operator")
        async for event in house.agent.events(run.id):
            if event.type == "approval_required":
                await house.agent.decide(run.id, False, by="bob")
                break
        told = await house.follow(run.id)
    assert told.state == "finished"
    assert told.one("approval_recorded")["by"] == "bob"
