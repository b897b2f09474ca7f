"""Equal seeds and equal calls give equal worlds, to the byte."""

from __future__ import annotations

from datetime import timedelta

import orjson

from simulator.clock import epoch_ms
from simulator.logs import LogLine
from simulator.world import World
from tests.simulator.worlds import START, Watch, small_shop, small_world


def fingerprint(world: World) -> bytes:
    kinds = ("Pod", "Deployment", "ReplicaSet", "Service", "Endpoints", "EndpointSlice", "Event", "Node")
    objects = {kind: world.store.list(kind) for kind in kinds}
    samples = [
        (each.labels, each.times.tolist(), each.values.tobytes().hex())
        for each in world.tsdb.select([], 0, epoch_ms(world.clock.now()))
    ]
    return orjson.dumps([objects, samples], option=orjson.OPT_SORT_KEYS)


def lines(world: World) -> list[LogLine]:
    found: list[LogLine] = []
    for run in world.runs():
        for name in run.containers:
            found += world.read_log(run.namespace, run.name, name, previous=False) or []
    return found


def lived(seed: int) -> World:
    watch = Watch(World(seed, START, history_days=0, shop=small_shop()))
    watch.inject("oom_killed", "catalogue")
    watch.after(90)
    watch.inject("service_selector_mismatch", "search")
    return watch.after(75).world


def test_the_same_seed_and_calls_give_the_same_bytes() -> None:
    one, other = lived(7), lived(7)
    assert fingerprint(one) == fingerprint(other)
    assert lines(one) == lines(other)


def test_another_seed_gives_another_world() -> None:
    assert fingerprint(lived(7)) != fingerprint(lived(8))


def test_time_in_one_stride_or_in_many_steps_is_the_same_time() -> None:
    stride, steps = small_world(), small_world()
    stride.advance(START + timedelta(minutes=5))
    for seconds in range(7, 301, 7):
        steps.advance(START + timedelta(seconds=seconds))
    steps.advance(START + timedelta(minutes=5))
    assert fingerprint(stride) == fingerprint(steps)
    assert lines(stride) == lines(steps)


def test_looking_changes_nothing() -> None:
    watched, alone = Watch(small_world()), Watch(small_world())
    for _ in range(20):
        watched.after(3)
        watched.world.present_flow()
        watched.log("search")
        watched.query("up")
        watched.world.kick()
    assert fingerprint(watched.world) == fingerprint(alone.after(60).world)


def test_the_clock_goes_exactly_where_it_is_sent() -> None:
    world = small_world()
    world.advance(START + timedelta(seconds=12.5))
    assert world.clock.now() == START + timedelta(seconds=12.5)
    world.advance(START)
    assert world.clock.now() == START + timedelta(seconds=12.5)


def test_a_shop_at_rest_writes_nothing_but_signs_of_life() -> None:
    world = World(7, START, history_days=0, shop=small_shop())
    before = world.store.version
    world.advance(START + timedelta(seconds=240))
    assert {change.kind for change in world.store.changes_since(before)} == {"Lease"}
    assert world.store.moved <= before
