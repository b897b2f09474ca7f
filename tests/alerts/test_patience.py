"""Waiting that ends, pauses that end early: both by a clock that is passed in."""

import asyncio
from datetime import UTC, datetime

import pytest

from alerts.patience import Bell, together, within
from core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 2, 21, 0, tzinfo=UTC))


async def test_a_pause_ends_by_the_clock_where_nobody_rings(clock: ManualClock) -> None:
    pause = asyncio.create_task(Bell(clock).pause(0.5))
    await clock.advance(0.49)
    assert not pause.done()
    await clock.advance(0.01)
    assert pause.done()


async def test_a_ring_ends_the_pause_while_the_clock_stands_still(clock: ManualClock) -> None:
    bell = Bell(clock)
    pause = asyncio.create_task(bell.pause(0.5))
    await clock.advance(0)
    bell.ring()
    await asyncio.wait_for(pause, 1)
    assert clock.monotonic() == 0


async def test_a_ring_between_two_pauses_ends_the_next_one_and_only_that(clock: ManualClock) -> None:
    bell = Bell(clock)
    bell.ring()
    bell.ring()
    await asyncio.wait_for(bell.pause(0.5), 1)
    second = asyncio.create_task(bell.pause(0.5))
    await clock.advance(0.1)
    assert not second.done()
    await clock.advance(0.4)
    assert second.done()


async def test_work_that_outlasts_its_time_is_cancelled(clock: ManualClock) -> None:
    hanging = asyncio.Event()
    waiting = asyncio.create_task(within(clock, 5, hanging.wait()))
    await clock.advance(5)
    with pytest.raises(TimeoutError):
        await waiting


async def test_cancelled_together_each_comes_to_its_end_before_anyone_goes_on() -> None:
    ended: list[str] = []

    async def quick() -> None:
        await asyncio.Event().wait()

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.005)
            ended.append("tidied")

    works = asyncio.create_task(together([quick(), tidy()]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    works.cancel()
    with pytest.raises(asyncio.CancelledError):
        await works
    assert ended == ["tidied"]


async def test_one_that_fails_is_heard_of_after_the_others_are_done() -> None:
    ended: list[str] = []

    async def failing() -> None:
        raise ZeroDivisionError

    async def slow() -> None:
        await asyncio.sleep(0.005)
        ended.append("done")

    with pytest.raises(ZeroDivisionError):
        await together([failing(), slow()])
    assert ended == ["done"]
