"""Deleting: at once, with grace, in the foreground, with preconditions, many at a time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simulator.kubernetes_api import DeleteOptions, marked
from tests.simulator.kubernetes_world import NOON, World, a_world, client_of, pod

PODS = "/api/v1/namespaces/shop/pods"
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
def client(world: World) -> httpx.AsyncClient:
    return client_of(world)


async def delete(client: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    return await client.request("DELETE", path, json=options) if options else await client.delete(path)


async def test_a_deployment_goes_at_once_and_the_answer_is_a_status(client: httpx.AsyncClient, world: World) -> None:
    uid = world.store.list("Deployment")[0]["metadata"]["uid"]
    answer = (await delete(client, WEB)).json()
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "web", "group": "apps", "kind": "deployments", "uid": uid}
    assert world.store.list("Deployment") == []
    assert world.kicks == 1


async def test_a_running_pod_is_given_its_grace(client: httpx.AsyncClient, world: World) -> None:
    answer = (await delete(client, f"{PODS}/web-0")).json()
    assert answer["kind"] == "Pod"
    assert answer["metadata"]["deletionTimestamp"] == "2026-03-02T12:00:30Z"
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 30
    assert world.store.get("Pod", "shop", "web-0") is not None


async def test_no_grace_removes_a_pod_at_once(client: httpx.AsyncClient, world: World) -> None:
    assert (await delete(client, f"{PODS}/web-0", gracePeriodSeconds=0)).json()["kind"] == "Pod"
    assert (await client.delete(f"{PODS}/web-1", params={"gracePeriodSeconds": "0"})).status_code == 200
    assert world.store.list("Pod", "shop") == []


async def test_a_second_delete_can_only_shorten_the_grace(client: httpx.AsyncClient, world: World) -> None:
    await delete(client, f"{PODS}/web-0", gracePeriodSeconds=20)
    version = world.store.version
    assert (await delete(client, f"{PODS}/web-0", gracePeriodSeconds=60)).status_code == 200
    assert world.store.version == version
    shorter = await delete(client, f"{PODS}/web-0", gracePeriodSeconds=5)
    assert shorter.json()["metadata"]["deletionGracePeriodSeconds"] == 5
    await delete(client, f"{PODS}/web-0", gracePeriodSeconds=0)
    assert world.store.get("Pod", "shop", "web-0") is None


@pytest.mark.parametrize(("node", "phase"), [("", "Pending"), ("node-1", "Succeeded"), ("node-1", "Failed")])
def test_a_pod_that_runs_nowhere_needs_no_grace(node: str, phase: str) -> None:
    idle = pod("web-9", phase=phase)
    idle["spec"]["nodeName"] = node
    assert marked("Pod", idle, NOON, DeleteOptions()) is None


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_a_propagation_policy_waits_for_the_garbage_collector(
    client: httpx.AsyncClient, world: World, policy: str, finalizer: str
) -> None:
    answer = (await delete(client, WEB, propagationPolicy=policy)).json()
    assert answer["metadata"]["finalizers"] == [finalizer]
    assert answer["metadata"]["deletionTimestamp"] == "2026-03-02T12:00:00Z"
    doomed = world.store.list("Deployment")[0]
    world.store.update("Deployment", {**doomed, "metadata": {**doomed["metadata"], "finalizers": []}})
    assert world.store.list("Deployment") == []


async def test_a_finalizer_holds_an_object_until_a_patch_removes_it(client: httpx.AsyncClient, world: World) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    await client.patch(WEB, json={"metadata": {"finalizers": ["shop/keep"]}}, headers=headers)
    assert (await delete(client, WEB)).json()["metadata"]["finalizers"] == ["shop/keep"]
    assert len(world.store.list("Deployment")) == 1
    await client.patch(WEB, json={"metadata": {"finalizers": None}}, headers=headers)
    assert world.store.list("Deployment") == []


async def test_a_namespace_turns_terminating(client: httpx.AsyncClient, world: World) -> None:
    answer = (await delete(client, "/api/v1/namespaces/shop")).json()
    assert answer["status"]["phase"] == "Terminating"
    assert world.store.get("Namespace", None, "shop") is not None


async def test_a_precondition_that_does_not_hold_is_409(client: httpx.AsyncClient, world: World) -> None:
    answer = await delete(client, WEB, preconditions={"uid": "another"})
    assert answer.status_code == 409
    assert "the UID in the precondition (another) does not match the UID in record" in answer.json()["message"]
    stale = await delete(client, WEB, preconditions={"resourceVersion": "1"})
    assert stale.status_code == 409
    right = world.store.list("Deployment")[0]["metadata"]["uid"]
    assert (await delete(client, WEB, preconditions={"uid": right})).status_code == 200


async def test_a_dry_delete_deletes_nothing(client: httpx.AsyncClient, world: World) -> None:
    before = world.store.version
    assert (await delete(client, WEB, dryRun=["All"])).json()["status"] == "Success"
    assert (await client.delete(f"{PODS}/web-0", params={"dryRun": "All"})).json()["metadata"]["deletionTimestamp"]
    assert (await client.delete(PODS, params={"dryRun": "All"})).status_code == 200
    assert world.store.version == before
    assert [entry["dryRun"] for entry in world.audited] == [True, True, True]


async def test_a_collection_goes_by_its_selector(client: httpx.AsyncClient, world: World) -> None:
    params = {"labelSelector": "app=web", "gracePeriodSeconds": "0"}
    answer = await client.delete("/api/v1/pods", params=params)
    assert answer.json()["kind"] == "PodList"
    assert [found["metadata"]["name"] for found in world.store.list("Pod")] == ["ledger-0"]
    assert world.audited[0]["verb"] == "deletecollection"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"propagationPolicy": "Sideways"}, 422),
        ({"gracePeriodSeconds": "soon"}, 400),
        ({"gracePeriodSeconds": True}, 400),
        ({"preconditions": "none"}, 400),
    ],
)
async def test_options_that_make_no_sense_are_refused(
    client: httpx.AsyncClient, world: World, options: dict[str, Any], code: int
) -> None:
    assert (await delete(client, WEB, **options)).status_code == code
    assert len(world.store.list("Deployment")) == 1


async def test_deleting_what_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    assert (await delete(client, f"{PODS}/ghost")).json()["message"] == 'pods "ghost" not found'
