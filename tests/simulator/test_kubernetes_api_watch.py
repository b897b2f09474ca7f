"""Watches: what one client sees of the store's log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from simulator.kubernetes_api.call import Call
from simulator.kubernetes_api.resources import RESOURCES_BY_KIND
from simulator.kubernetes_api.watch import Watcher, watcher_of
from simulator.store import RING_SIZE
from tests.simulator.kubernetes_world import World, a_world, client_of, pod

PODS = "/api/v1/namespaces/shop/pods"
Event = dict[str, Any]


@pytest.fixture
def world() -> World:
    return a_world()


def watcher(world: World, query: str = "", namespace: str | None = "shop", accept: str = "application/json") -> Watcher:
    headers = [(b"accept", accept.encode())]
    scope = {"type": "http", "method": "GET", "path": PODS, "query_string": query.encode(), "headers": headers}
    return watcher_of(Call(world.store, world, Request(scope), RESOURCES_BY_KIND["Pod"], namespace, None))


async def told(lines: AsyncIterator[bytes], count: int) -> list[tuple[str, str]]:
    found = []
    for _ in range(count):
        event: Event = orjson.loads(await asyncio.wait_for(anext(lines), 1))
        found.append((event["type"], event["object"]["metadata"]["name"]))
    return found


async def all_of(lines: AsyncIterator[bytes]) -> list[Event]:
    return [orjson.loads(line) async for line in lines]


def relabel(world: World, name: str, app: str) -> None:
    old = world.store.get("Pod", "shop", name)
    assert old is not None
    world.store.update("Pod", {**old, "metadata": {**old["metadata"], "labels": {"app": app}}})


async def test_a_watch_from_a_version_sees_what_came_after_it(world: World) -> None:
    since = world.store.version
    lines = watcher(world).lines(since, seconds=5)
    world.create("Pod", pod("web-2"))
    relabel(world, "web-2", "other")
    world.store.delete("Pod", "shop", "web-2")
    assert await told(lines, 3) == [("ADDED", "web-2"), ("MODIFIED", "web-2"), ("DELETED", "web-2")]


async def test_a_watch_without_a_version_begins_with_what_is_there(world: World) -> None:
    lines = watcher(world).lines(None, seconds=5)
    assert await told(lines, 2) == [("ADDED", "web-0"), ("ADDED", "web-1")]
    world.store.delete("Pod", "shop", "web-1")
    assert await told(lines, 1) == [("DELETED", "web-1")]


async def test_a_waiting_watch_wakes_with_the_write(world: World) -> None:
    lines = watcher(world).lines(world.store.version, seconds=5)
    waiting = asyncio.create_task(told(lines, 1))
    await asyncio.sleep(0)
    world.create("Pod", pod("web-2"))
    assert await asyncio.wait_for(waiting, 1) == [("ADDED", "web-2")]


async def test_other_namespaces_and_kinds_stay_out(world: World) -> None:
    since = world.store.version
    world.create("Pod", pod("ledger-1", namespace="bank"))
    world.create("ConfigMap", {"metadata": {"name": "c", "namespace": "shop"}})
    world.create("Pod", pod("web-2"))
    assert await told(watcher(world).lines(since, seconds=5), 1) == [("ADDED", "web-2")]
    everywhere = watcher(world, namespace=None).lines(since, seconds=5)
    assert await told(everywhere, 2) == [("ADDED", "ledger-1"), ("ADDED", "web-2")]


async def test_entering_a_selector_is_an_addition_and_leaving_it_a_deletion(world: World) -> None:
    since = world.store.version
    relabel(world, "web-0", "other")
    left = str(world.store.version)
    relabel(world, "web-0", "web")
    events = await all_of(watcher(world, "labelSelector=app%3Dweb").lines(since, seconds=0.01))
    assert [(event["type"], event["object"]["metadata"]["labels"]["app"]) for event in events] == [
        ("DELETED", "web"),
        ("ADDED", "web"),
    ]
    assert events[0]["object"]["metadata"]["resourceVersion"] == left


async def test_a_field_selector_watches_one_object(world: World) -> None:
    since = world.store.version
    relabel(world, "web-1", "b")
    relabel(world, "web-0", "a")
    lines = watcher(world, "fieldSelector=metadata.name%3Dweb-0").lines(since, seconds=5)
    assert await told(lines, 1) == [("MODIFIED", "web-0")]


async def test_a_watch_from_before_the_log_is_told_to_list_again(world: World) -> None:
    first = world.store.list("Pod")[0]
    for number in range(RING_SIZE + 20):
        world.store.update("Pod", {**first, "note": number})
    events = await all_of(watcher(world).lines(3, seconds=5))
    assert [event["type"] for event in events] == ["ERROR"]
    status = events[0]["object"]
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"].startswith("too old resource version: 3 (")


async def test_a_slow_reader_that_falls_out_of_the_log_is_told_too(world: World) -> None:
    lines = watcher(world).lines(world.store.version, seconds=5)
    world.create("Pod", pod("web-2"))
    assert await told(lines, 1) == [("ADDED", "web-2")]
    for number in range(RING_SIZE + 20):
        world.store.update("Pod", {**world.store.list("Pod")[0], "note": number})
    assert orjson.loads(await anext(lines))["type"] == "ERROR"


async def test_a_streamed_list_ends_with_its_bookmark(world: World) -> None:
    events = await all_of(watcher(world).lines(None, seconds=0.01, mark_initial=True))
    assert [event["type"] for event in events] == ["ADDED", "ADDED", "BOOKMARK"]
    metadata = events[-1]["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert metadata["resourceVersion"] == str(world.store.version)


async def test_bookmarks_come_to_those_who_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.kubernetes_api.watch.BOOKMARK_SECONDS", 0.005)
    since = world.store.version
    with_marks = await all_of(watcher(world, "allowWatchBookmarks=true").lines(since, seconds=0.02))
    without = await all_of(watcher(world).lines(since, seconds=0.02))
    assert {event["type"] for event in with_marks} == {"BOOKMARK"}
    assert with_marks[0]["object"]["kind"] == "Pod"
    assert without == []


async def test_kubectl_watches_tables(world: World) -> None:
    lines = watcher(world, accept="application/json;as=Table;v=v1;g=meta.k8s.io").lines(None, seconds=5)
    first = orjson.loads(await anext(lines))
    assert first["object"]["kind"] == "Table"
    assert first["object"]["rows"][0]["cells"][0] == "web-0"


async def test_over_http_a_watch_ends_at_its_timeout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.kubernetes_api.watch.MAX_TIMEOUT", 0.02)
    async with client_of(world) as client:
        answer = await client.get(PODS, params={"watch": "true", "timeoutSeconds": "1"})
    assert answer.status_code == 200
    assert [orjson.loads(line)["type"] for line in answer.text.splitlines()] == ["ADDED", "ADDED"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"resourceVersion": "999999"}, 504),
        ({"resourceVersion": "abc"}, 400),
        ({"timeoutSeconds": "soon"}, 400),
        ({"labelSelector": "a=b=c"}, 400),
        ({"sendInitialEvents": "true"}, 400),
    ],
)
async def test_a_watch_that_cannot_be_is_refused(world: World, params: dict[str, str], code: int) -> None:
    async with client_of(world) as client:
        assert (await client.get(PODS, params={"watch": "1", **params})).status_code == code
