import asyncio
from datetime import timedelta

from core.clock import ManualClock, SystemClock


async def test_sleepers_wake_in_the_order_of_their_deadlines(clock: ManualClock) -> None:
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.create_task(sleeper(name, seconds)) for name, seconds in [("late", 60), ("early", 5), ("middle", 30)]
    ]
    await asyncio.sleep(0)
    await clock.advance(40)
    assert woken == ["early", "middle"]
    await clock.advance(40)
    assert woken == ["early", "middle", "late"]
    await asyncio.gather(*tasks)


async def test_a_loop_that_sleeps_again_is_woken_each_time_within_one_advance(clock: ManualClock) -> None:
    ticks: list[float] = []

    async def loop() -> None:
        while True:
            ticks.append(clock.monotonic())
            await clock.sleep(15)

    task = asyncio.create_task(loop())
    await clock.advance(60)
    task.cancel()
    assert ticks == [0, 15, 30, 45, 60]


async def test_a_cancelled_sleeper_does_not_stop_the_clock(clock: ManualClock) -> None:
    task = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    before = clock.now()
    await clock.advance(20)
    assert clock.now() - before == timedelta(seconds=20)


def test_the_system_clock_has_a_zone() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
