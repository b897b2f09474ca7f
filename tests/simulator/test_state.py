"""The shop at a glance: what the page and the tests are told, healthy and broken."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from simulator.events import Source
from simulator.objects import with_metadata
from simulator.state import state
from simulator.state.cluster import NEWEST_WARNINGS
from tests.simulator.worlds import Watch, small_world, whole_world

Told = dict[str, Any]


@cache
def healthy() -> Told:
    return state(whole_world())


def service(told: Told, name: str) -> Told:
    return next(each for each in told["services"] if each["name"] == name)


def call(told: Told, caller: str, callee: str) -> Told:
    return next(each for each in told["calls"] if (each["from"]["name"], each["to"]["name"]) == (caller, callee))


def pods(told: Told) -> dict[str, Told]:
    return {pod["name"]: pod for node in told["nodes"] for pod in node["pods"]}


def test_what_goes_in_at_the_edge_is_what_its_gateway_serves() -> None:
    told = healthy()
    assert told["edge"]["rps"] == pytest.approx(service(told, "edge-gateway")["rps"], rel=0.01)
    assert 0 < told["edge"]["p95_seconds"] < 0.3
    assert told["edge"]["error_ratio"] < 0.01


def test_calls_add_up_to_what_the_callee_serves() -> None:
    told = healthy()
    into_pricing = sum(each["rps"] for each in told["calls"] if each["to"]["name"] == "pricing")
    assert into_pricing == pytest.approx(service(told, "pricing")["rps"], rel=0.01)
    assert call(told, "orders", "shop-db")["from"]["namespace"] == "fulfilment"


def test_every_pod_is_on_the_node_where_it_runs() -> None:
    told = healthy()
    assert [each["name"] for each in told["nodes"]][-3:] == ["node-1", "node-2", "node-3"]
    wanted = sum(each["wanted"] for each in told["services"])
    assert len(pods(told)) >= wanted
    workers = [each for each in told["nodes"] if each["name"].startswith("node-")]
    assert all(each["ready"] and all(one["good"] for one in each["conditions"]) for each in workers)
    assert workers[-1]["taints"] == ["maintenance=sunday:PreferNoSchedule"]


def test_a_pod_that_cannot_start_says_why_and_its_service_lacks_it() -> None:
    watch = Watch(small_world())
    watch.inject("incorrect_image_reference", "search")
    told = state(watch.after(60).world)
    sick = [pod for pod in pods(told).values() if pod["ready"] < pod["containers"]]
    assert [pod["says"] for pod in sick] == ["ImagePullBackOff"] or [pod["says"] for pod in sick] == ["ErrImagePull"]
    assert "Failed" in {each["reason"] for each in told["events"]}
    assert told["events"] == sorted(told["events"], key=lambda each: each["at"], reverse=True)


def test_a_call_that_finds_nobody_fails_and_its_line_stays() -> None:
    watch = Watch(small_world())
    before = [(each["from"], each["to"]) for each in state(watch.world)["calls"]]
    watch.inject("service_selector_mismatch", "search")
    told = state(watch.after(30).world)
    assert call(told, "edge-gateway", "search")["error_ratio"] == 1
    assert told["edge"]["error_ratio"] > 0.1
    watch.scale("edge-gateway", 0)
    gone = state(watch.after(30).world)
    assert [(each["from"], each["to"]) for each in gone["calls"]] == before
    assert service(gone, "edge-gateway")["wanted"] == 0


def test_a_cordoned_node_and_a_pod_without_a_node_are_shown() -> None:
    world = small_world()
    for node in world.store.list("Node"):
        world.store.update("Node", {**node, "spec": {**node["spec"], "unschedulable": True}})
    watch = Watch(world)
    watch.scale("search", 3)
    told = state(watch.after(10).world)
    assert all(each["cordoned"] for each in told["nodes"] if each["name"])
    (homeless,) = [each for each in told["nodes"] if not each["name"]]
    assert [pod["says"] for pod in homeless["pods"]] == ["Pending"]
    assert "FailedScheduling" in {each["reason"] for each in told["events"]}


def test_only_the_newest_warnings_are_told() -> None:
    world = small_world()
    node = world.store.list("Node")[0]
    for index in range(NEWEST_WARNINGS + 5):
        each = with_metadata(node, name=f"node-{index}", uid=f"uid-{index}")
        world.events.record(each, "Node", "Warning", "Rebooted", "boot", Source("kubelet", f"node-{index}"))
    assert len(state(world)["events"]) == NEWEST_WARNINGS


def test_looking_at_the_state_changes_nothing() -> None:
    world = small_world()
    before = world.store.version
    assert state(world) == state(world)
    assert world.store.version == before
