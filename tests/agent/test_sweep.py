"""What is not kept: old conversations go, and who waited in vain is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from agent.run import KEEP
from agent.sweep import Swept
from core.clock import ManualClock
from core.errors import Conflict, NotFound
from tests.agent.fakes import NOON, House


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


async def test_a_plan_that_expired_ends_its_run_with_a_sentence(tmp_path: Path, clock: ManualClock) -> None:
    async with House(tmp_path, clock=clock) as house:
        asked = await house.ask("Fix ledger in orders")
        assert await house.agent.sweep() == Swept()
        await clock.advance(31 * 60)
        assert await house.agent.sweep() == Swept(expired=1)
        told = await house.follow(asked.run_id, after=asked.events[-1]["seq"])
        record = await house.agent.run(asked.run_id)
        with pytest.raises(Conflict, match="finished"):
            await house.agent.decide(asked.run_id, True, by="bob")
        assert not await house.agent.waiting_for("p1")
        session = await house.agent.session(asked.session)
    assert told.types() == ["evidence", "answer", "run_finished"]
    assert told.text.startswith("Nobody answered in time: the plan “Roll back ledger” expired at 2026-03-02 12:30 UTC")
    (statement,) = told.one("answer")["statements"]
    assert set(statement["evidence"]) <= {each["id"] for each in told.one("answer")["evidence"]}
    assert (record.state, told.state) == ("finished", "finished")
    assert session.messages[-1].text == told.text
    assert house.estate.applied == []


async def test_a_sweep_after_a_restart_finds_the_same(tmp_path: Path, clock: ManualClock) -> None:
    async with House(tmp_path, clock=clock) as before:
        asked = await before.ask("修复 orders 里的 ledger")
    await clock.advance(31 * 60)
    async with House(tmp_path, clock=clock) as after:
        assert (await after.agent.sweep()).expired == 1
        told = await after.follow(asked.run_id)
        assert (await after.agent.sweep()).expired == 0
    assert told.text.startswith("没有人及时答复：方案“Roll back ledger”已于 2026-03-02 12:30 UTC 过期")
    assert [event["seq"] for event in told.events] == sorted({event["seq"] for event in told.events})


async def test_a_wait_without_its_checkpoint_is_ended_too(tmp_path: Path, clock: ManualClock) -> None:
    async with House(tmp_path, clock=clock) as before:
        asked = await before.ask("Fix ledger in orders")
    (tmp_path / "checkpoints.db").unlink()
    await clock.advance(1)
    async with House(tmp_path, clock=clock) as after:
        assert (await after.agent.sweep()).expired == 1
        told = await after.follow(asked.run_id)
    assert "can no longer be given; nothing was changed" in told.text


async def test_what_is_older_than_a_month_is_deleted_and_nothing_else(tmp_path: Path, clock: ManualClock) -> None:
    async with House(tmp_path, clock=clock) as house:
        old = await house.ask("pods in orders")
        empty = await house.agent.new_session("ada")
        await clock.advance((KEEP - timedelta(days=1)).total_seconds())
        young = await house.ask("pods in orders")
        assert await house.agent.sweep() == Swept()
        await clock.advance(timedelta(days=1, seconds=1).total_seconds())
        assert await house.agent.sweep() == Swept(runs=1, sessions=2)
        for gone in (house.agent.run(old.run_id), house.agent.session(old.session), house.agent.session(empty)):
            with pytest.raises(NotFound):
                await gone
        with pytest.raises(NotFound):
            await house.follow(old.run_id)
        assert (await house.agent.run(young.run_id)).state == "finished"
        assert len((await house.agent.session(young.session)).messages) == 2


async def test_a_conversation_that_goes_on_loses_only_its_old_questions(tmp_path: Path, clock: ManualClock) -> None:
    async with House(tmp_path, clock=clock) as house:
        first = await house.ask("pods in orders")
        await clock.advance((KEEP + timedelta(seconds=1)).total_seconds())
        later = await house.ask("list nodes", session_id=first.session)
        assert await house.agent.sweep() == Swept(runs=1)
        kept = await house.agent.session(first.session)
    assert {message.run_id for message in kept.messages} == {later.run_id}


async def test_one_sweep_takes_no_more_than_its_batches(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.run.BATCH", 1)
    monkeypatch.setattr("agent.run.BATCHES", 2)
    async with House(tmp_path, clock=clock) as house:
        for _ in range(3):
            await house.ask("list nodes")
        await clock.advance((KEEP + timedelta(seconds=1)).total_seconds())
        assert await house.agent.sweep() == Swept(runs=2, sessions=2)
        assert await house.agent.sweep() == Swept(runs=1, sessions=1)
