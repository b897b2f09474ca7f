import asyncio
from datetime import timedelta

from agent.events import RunEvent, Stream
from agent.findings import of_run
from agent.memory import focus_after
from agent.turn import bounded
from core.clock import ManualClock


async def test_a_reader_follows_as_events_come_and_ends_with_the_run(clock: ManualClock) -> None:
    stream = Stream("r", clock)
    stream.active = True
    reader = asyncio.create_task(_all(stream))
    await asyncio.sleep(0)
    stream.add("run_started", {})
    await asyncio.sleep(0)
    stream.add("run_finished", {"state": "finished"})
    stream.close()
    assert [event.type for event in await reader] == ["run_started", "run_finished"]


async def test_single_tokens_are_followed_but_not_stored(clock: ManualClock) -> None:
    stream = Stream("r", clock)
    for kind in ("run_started", "token", "answer"):
        stream.add(kind, {})
    assert [event.type for event in stream.unstored()] == ["run_started", "answer"]
    assert stream.unstored() == []
    assert len(await _all(stream)) == 3


async def test_tokens_beyond_the_bound_are_left_out_and_the_answer_is_not(clock: ManualClock) -> None:
    stream = Stream("r", clock, most=2)
    for kind in ("token", "token", "token", "answer"):
        stream.add(kind, {})
    assert [event.type for event in await _all(stream)] == ["token", "token", "answer"]


async def test_a_stream_that_is_taken_up_again_goes_on_counting(clock: ManualClock) -> None:
    earlier = RunEvent("run_started", "r", 7, clock.now() - timedelta(minutes=5), {})
    stream = Stream("r", clock, [earlier])
    stream.add("answer", {})
    assert [event.seq for event in await _all(stream)] == [7, 8]
    assert [event.seq for event in stream.unstored()] == [8]


async def _all(stream: Stream) -> list[RunEvent]:
    return [event async for event in stream.follow()]


def test_a_huge_result_is_cut_list_by_list_until_it_fits() -> None:
    cut = bounded({"rows": [{"name": "x" * 50} for _ in range(1000)], "total": 1000}, 5000)
    assert cut["total"] == 1000
    assert 0 < len(cut["rows"]) <= 50
    assert bounded({"text": "x" * 10_000}, 100) == {"cut": True}


def test_the_focus_stays_when_a_turn_was_about_nothing_in_particular() -> None:
    focus = {"namespace": "orders", "name": "ledger"}
    assert focus_after({"focus": focus, "route": {"route": "knowledge"}, "steps": []}) == focus


def test_nothing_found_gives_no_findings() -> None:
    assert of_run({"route": {"route": "operator"}, "steps": [], "evidence": []}, "en") == []
