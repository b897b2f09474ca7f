"""Scale, log and eviction."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from tests.simulator.kubernetes_world import World, a_world, client_of, container, pod

SCALE = "/apis/apps/v1/namespaces/shop/deployments/web/scale"
POD = "/api/v1/namespaces/shop/pods/web-0"
Object = dict[str, Any]


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
def client(world: World) -> httpx.AsyncClient:
    return client_of(world)


async def patch_scale(client: httpx.AsyncClient, body: Any, **params: str) -> httpx.Response:
    headers = {"content-type": "application/merge-patch+json"}
    return await client.patch(SCALE, content=orjson.dumps(body), headers=headers, params=params)


def replicas(world: World) -> int:
    wanted: int = world.store.list("Deployment")[0]["spec"]["replicas"]
    return wanted


async def test_a_scale_shows_wanted_and_found_with_the_selector(client: httpx.AsyncClient, world: World) -> None:
    deployment = world.store.list("Deployment")[0]
    world.store.update("Deployment", {**deployment, "status": {"replicas": 1}})
    scale = (await client.get(SCALE)).json()
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 1, "selector": "app=web"}


async def test_a_scale_can_be_patched_and_put(client: httpx.AsyncClient, world: World) -> None:
    answer = await patch_scale(client, {"spec": {"replicas": 5}})
    assert (answer.status_code, answer.json()["spec"], replicas(world)) == (200, {"replicas": 5}, 5)
    scale = answer.json()
    put = await client.put(SCALE, json={**scale, "spec": {"replicas": 1}})
    assert (put.status_code, replicas(world)) == (200, 1)
    stale = await client.put(SCALE, json={**scale, "spec": {"replicas": 8}})
    assert (stale.status_code, replicas(world)) == (409, 1)


async def test_a_dry_scale_scales_nothing(client: httpx.AsyncClient, world: World) -> None:
    answer = await patch_scale(client, {"spec": {"replicas": 5}}, dryRun="All")
    assert (answer.json()["spec"]["replicas"], replicas(world)) == (5, 2)


@pytest.mark.parametrize(
    ("body", "code"),
    [({"spec": {"replicas": -1}}, 422), ({"spec": {"replicas": "many"}}, 400), ({"spec": 3}, 400), ([], 400)],
)
async def test_a_scale_that_is_none_is_refused(client: httpx.AsyncClient, world: World, body: Any, code: int) -> None:
    assert (await patch_scale(client, body)).status_code == code
    assert replicas(world) == 2


async def test_the_log_is_plain_text_with_its_options_passed_on(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.get(f"{POD}/log", params={"tailLines": "2", "sinceSeconds": "60"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "line 3\nline 4\n"
    assert world.asked_log == ("shop", "web-0", "web", False, 2, 60, False)
    stamped = await client.get(f"{POD}/log", params={"tailLines": "1", "timestamps": "true"})
    assert stamped.text == "2026-03-02T11:59:04.000000000Z line 4\n"


async def test_since_a_time_is_since_that_many_seconds(client: httpx.AsyncClient, world: World) -> None:
    await client.get(f"{POD}/log", params={"sinceTime": "2026-03-02T11:59:00Z"})
    assert world.asked_log[5] == 60


async def test_the_log_is_cut_at_the_limit_of_bytes(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{POD}/log", params={"limitBytes": "6"})).text == "line 0"


async def test_the_previous_log_is_there_only_after_a_restart(client: httpx.AsyncClient, world: World) -> None:
    missing = await client.get(f"{POD}/log", params={"previous": "true"})
    assert missing.status_code == 400
    assert missing.json()["message"] == 'previous terminated container "web" in pod "web-0" not found'
    restarted = {"name": "web", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}
    world.create("Pod", pod("web-9", containerStatuses=[restarted]))
    world.logs[("web-9", "web", True)] = ["panic"]
    answer = await client.get(POD.replace("web-0", "web-9") + "/log", params={"previous": "true"})
    assert answer.text == "panic\n"


async def test_a_container_has_to_be_named_where_there_are_several(client: httpx.AsyncClient, world: World) -> None:
    double = pod("double")
    double["spec"] |= {"containers": [container("a"), container("b")], "initContainers": [container("i")]}
    world.create("Pod", double)
    path = POD.replace("web-0", "double") + "/log"
    unnamed = await client.get(path)
    assert unnamed.json()["message"] == (
        "a container name must be specified for pod double, choose one of: [a b] or one of the init containers: [i]"
    )
    unknown = await client.get(path, params={"container": "z"})
    assert (unknown.status_code, unknown.json()["message"]) == (400, "container z is not valid for pod double")
    assert (await client.get(POD.replace("web-0", "ghost") + "/log")).status_code == 404


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("ContainerCreating", "ContainerCreating"),
        ("ImagePullBackOff", "trying and failing to pull image"),
        ("ErrImagePull", "image can't be pulled"),
    ],
)
async def test_a_container_that_never_ran_has_no_log(
    client: httpx.AsyncClient, world: World, reason: str, told: str
) -> None:
    waiting = {"name": "web", "state": {"waiting": {"reason": reason}}}
    world.create("Pod", pod("late", phase="Pending", containerStatuses=[waiting]))
    answer = await client.get(POD.replace("web-0", "late") + "/log")
    assert answer.status_code == 400
    assert answer.json()["message"] == f'container "web" in pod "late" is waiting to start: {told}'


async def test_a_pod_on_no_node_has_an_empty_log(client: httpx.AsyncClient, world: World) -> None:
    unplaced = pod("unplaced", phase="Pending", containerStatuses=[])
    del unplaced["spec"]["nodeName"]
    world.create("Pod", unplaced)
    answer = await client.get(POD.replace("web-0", "unplaced") + "/log")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"tailLines": "-1"}, 422),
        ({"limitBytes": "0"}, 422),
        ({"sinceSeconds": "0"}, 422),
        ({"sinceSeconds": "5", "sinceTime": "2026-03-02T11:59:00Z"}, 400),
        ({"sinceTime": "yesterday"}, 400),
        ({"tailLines": "some"}, 400),
    ],
)
async def test_log_options_that_make_no_sense_are_refused(
    client: httpx.AsyncClient, params: dict[str, str], code: int
) -> None:
    assert (await client.get(f"{POD}/log", params=params)).status_code == code


async def test_following_sends_each_line_once_until_the_pod_goes(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.kubernetes_api.follow.POLL_SECONDS", 0.001)

    async def live_on() -> None:
        await asyncio.sleep(0.005)
        world.logs[("web-0", "web", False)] += ["line 5", "line 6"]
        await asyncio.sleep(0.005)
        world.store.delete("Pod", "shop", "web-0")

    living = asyncio.create_task(live_on())
    answer = await client.get(f"{POD}/log", params={"follow": "true", "tailLines": "2"})
    await living
    assert answer.text.splitlines() == ["line 3", "line 4", "line 5", "line 6"]


def eviction(**options: Any) -> Object:
    return {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "web-0"}, "deleteOptions": options}


async def test_an_eviction_deletes_with_grace(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post(f"{POD}/eviction", json=eviction())
    assert (answer.status_code, answer.json()["status"]) == (201, "Success")
    leaving = world.store.get("Pod", "shop", "web-0")
    assert leaving is not None
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 30


async def test_a_dry_eviction_evicts_nobody(client: httpx.AsyncClient, world: World) -> None:
    before = world.store.version
    assert (await client.post(f"{POD}/eviction", json=eviction(dryRun=["All"]))).status_code == 201
    assert world.store.version == before


async def test_a_budget_without_room_refuses_the_eviction(client: httpx.AsyncClient, world: World) -> None:
    selector = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 2}
    status = {"disruptionsAllowed": 0, "desiredHealthy": 2, "currentHealthy": 2}
    budget = {"metadata": {"name": "web", "namespace": "shop"}, "spec": selector, "status": status}
    world.store.create("PodDisruptionBudget", budget)
    answer = await client.post(f"{POD}/eviction", json=eviction())
    assert answer.status_code == 429
    assert answer.json()["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    cause = answer.json()["details"]["causes"][0]
    assert cause["message"] == "The disruption budget web needs 2 healthy pods and has 2 currently"
