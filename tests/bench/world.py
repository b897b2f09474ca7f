"""What a tick of the simulated world costs: five simulated seconds of the whole shop, with controllers, traffic, logs and scrapes."""

from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

from simulator.world import TICK_SECONDS, World
from tests.bench.table import Line, milliseconds, spread

MINUTES = 30
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def measure() -> list[Line]:
    began = perf_counter()
    world = World(7, START)
    built = perf_counter() - began
    took, worked = [], []
    for tick in range(1, MINUTES * 60 // TICK_SECONDS + 1):
        began, idle = perf_counter(), process_time()
        world.advance(START + timedelta(seconds=tick * TICK_SECONDS))
        took.append(perf_counter() - began)
        worked.append(process_time() - idle)
    pace = f"mean {milliseconds(sum(took) / len(took))}, of which {milliseconds(sum(worked) / len(worked))} the processor's"
    facts = f"{pace}, over {MINUTES} simulated minutes with {len(world.tsdb):,} series"
    return [
        Line("a tick of the simulated world", "5 ms", spread(took, 0.5, 0.95), facts),
        Line(
            "building the world with its week",
            "-",
            f"{built:.1f} s",
            "seven days of history",
        ),
    ]
