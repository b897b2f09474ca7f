"""Server-side apply: who owns which field, conflicts, and what leaves with its owner."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import yaml

from tests.simulator.kubernetes_world import World, a_world, client_of

CONFIG_MAPS = "/api/v1/namespaces/shop/configmaps"
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
MERGE = "application/merge-patch+json"
Object = dict[str, Any]


@pytest.fixture
def client() -> httpx.AsyncClient:
    return client_of(a_world())


async def apply(
    client: httpx.AsyncClient, path: str, config: Object, manager: str = "agent", **params: str
) -> httpx.Response:
    headers = {"content-type": "application/apply-patch+yaml"}
    body = yaml.safe_dump({"metadata": {"name": path.rpartition("/")[2]}, **config})
    return await client.patch(path, content=body, headers=headers, params={"fieldManager": manager, **params})


def owners(answer: httpx.Response) -> dict[tuple[str, str], Object]:
    entries = answer.json()["metadata"]["managedFields"]
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


async def test_applying_what_is_not_there_creates_it(client: httpx.AsyncClient) -> None:
    answer = await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}})
    assert answer.status_code == 201
    assert owners(answer) == {("agent", "Apply"): {"f:data": {"f:a": {}}}}
    assert answer.json()["metadata"]["managedFields"][0]["time"] == "2026-03-02T12:00:00Z"


async def test_applying_merges_and_takes_away_what_is_no_longer_applied(client: httpx.AsyncClient) -> None:
    await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1", "b": "2"}})
    await apply(client, f"{CONFIG_MAPS}/c", {"data": {"z": "26"}}, manager="other")
    answer = await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}})
    assert answer.json()["data"] == {"a": "1", "z": "26"}


async def test_what_two_managers_apply_stays_until_both_let_go(client: httpx.AsyncClient) -> None:
    for manager in ("one", "two"):
        await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}}, manager=manager)
    assert (await apply(client, f"{CONFIG_MAPS}/c", {}, manager="one")).json()["data"] == {"a": "1"}
    assert "data" not in (await apply(client, f"{CONFIG_MAPS}/c", {}, manager="two")).json()


async def test_changing_what_another_owns_is_a_conflict_that_names_them(client: httpx.AsyncClient) -> None:
    await apply(client, WEB, {"spec": {"replicas": 3}}, manager="autoscaler")
    answer = await apply(client, WEB, {"spec": {"replicas": 5}})
    assert answer.status_code == 409
    status = answer.json()
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "autoscaler": .spec.replicas'
    assert status["details"]["causes"][0]["reason"] == "FieldManagerConflict"


async def test_force_takes_the_field_over(client: httpx.AsyncClient) -> None:
    await apply(client, WEB, {"spec": {"replicas": 3}}, manager="autoscaler")
    answer = await apply(client, WEB, {"spec": {"replicas": 5}}, force="true")
    assert answer.json()["spec"]["replicas"] == 5
    assert owners(answer) == {("agent", "Apply"): {"f:spec": {"f:replicas": {}}}}


async def test_the_same_value_is_owned_together(client: httpx.AsyncClient) -> None:
    await apply(client, WEB, {"spec": {"replicas": 3}}, manager="autoscaler")
    answer = await apply(client, WEB, {"spec": {"replicas": 3}})
    assert answer.status_code == 200
    assert set(owners(answer)) == {("agent", "Apply"), ("autoscaler", "Apply")}


async def test_a_patch_is_an_owner_too(client: httpx.AsyncClient) -> None:
    headers = {"content-type": MERGE, "user-agent": "scaler/1.0 (linux)"}
    patched = await client.patch(WEB, json={"spec": {"replicas": 4}}, headers=headers)
    assert owners(patched) == {("scaler", "Update"): {"f:spec": {"f:replicas": {}}}}
    refused = await apply(client, WEB, {"spec": {"replicas": 5}})
    assert 'conflict with "scaler" using apps/v1: .spec.replicas' in refused.json()["message"]


async def test_keyed_list_items_are_owned_one_by_one(client: httpx.AsyncClient) -> None:
    def containers(*items: Object) -> Object:
        return {"spec": {"template": {"spec": {"containers": list(items)}}}}

    await apply(client, WEB, containers({"name": "sidecar", "image": "s:1"}), manager="mesh")
    answer = await apply(client, WEB, containers({"name": "web", "env": [{"name": "A", "value": "1"}]}))
    found = {item["name"]: item for item in answer.json()["spec"]["template"]["spec"]["containers"]}
    assert (found["web"]["image"], found["web"]["env"]) == ("shop/web:1.4", [{"name": "A", "value": "1"}])
    refused = await apply(client, WEB, containers({"name": "sidecar", "image": "s:2"}))
    assert '.spec.template.spec.containers[name="sidecar"].image' in refused.json()["message"]
    left = await apply(client, WEB, {}, manager="mesh")
    assert [item["name"] for item in left.json()["spec"]["template"]["spec"]["containers"]] == ["web"]


async def test_apply_needs_a_manager_and_a_document(client: httpx.AsyncClient) -> None:
    unnamed = await apply(client, WEB, {}, manager="")
    assert unnamed.status_code == 422
    assert "fieldManager: Required value: is required for apply patch" in unnamed.json()["message"]
    headers = {"content-type": "application/apply-patch+yaml"}
    nonsense = await client.patch(WEB, content=b"a: [", headers=headers, params={"fieldManager": "x"})
    assert nonsense.status_code == 400


async def test_a_dry_apply_changes_nothing() -> None:
    world: World = a_world()
    before = world.store.version
    async with client_of(world) as client:
        answer = await apply(client, WEB, {"spec": {"replicas": 8}}, dryRun="All")
        created = await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}}, dryRun="All")
    assert answer.json()["spec"]["replicas"] == 8
    assert created.status_code == 201
    assert world.store.version == before


async def test_applying_again_is_no_write(client: httpx.AsyncClient) -> None:
    first = await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}})
    again = await apply(client, f"{CONFIG_MAPS}/c", {"data": {"a": "1"}})
    assert again.json()["metadata"]["resourceVersion"] == first.json()["metadata"]["resourceVersion"]
