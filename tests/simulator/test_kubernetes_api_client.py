"""The official asynchronous client against the API, over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import kubernetes.aio
import pytest
import uvicorn

from tests.simulator.kubernetes_world import World, a_world, app_of, deployment, event, pod

k: Any = kubernetes.aio  # its models are generated and say None where the server never does
MERGE = "application/merge-patch+json"


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
async def address(world: World) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app_of(world), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    host, port = listener.getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    server.force_exit = True
    await serving


@pytest.fixture
async def api(address: str) -> AsyncIterator[Any]:
    configuration = k.client.Configuration(host=address)
    async with k.client.ApiClient(configuration) as client:
        yield client


async def test_lists_come_typed_filtered_and_with_a_version(api: Any, world: World) -> None:
    found = await k.client.CoreV1Api(api).list_namespaced_pod("shop", label_selector="app=web")
    assert [item.metadata.name for item in found.items] == ["web-0", "web-1"]
    assert found.metadata.resource_version == str(world.store.version)
    nothing = await k.client.CoreV1Api(api).list_namespaced_pod("shop", label_selector="app=nope")
    assert nothing.items == []


async def test_every_kind_the_world_holds_can_be_listed_typed(api: Any, world: World) -> None:
    world.create("Event", event("web-0.1"))
    world.create("Service", {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}})
    core, apps = k.client.CoreV1Api(api), k.client.AppsV1Api(api)
    assert [item.reason for item in (await core.list_event_for_all_namespaces()).items] == ["BackOff"]
    assert [item.spec.ports[0].port for item in (await core.list_namespaced_service("shop")).items] == [80]
    assert [item.spec.replicas for item in (await apps.list_deployment_for_all_namespaces()).items] == [2]
    assert [item.metadata.name for item in (await core.list_node()).items] == ["node-1"]


async def test_a_missing_object_raises_the_clients_own_error(api: Any) -> None:
    with pytest.raises(k.client.exceptions.ApiException) as refused:
        await k.client.CoreV1Api(api).read_namespaced_pod("ghost", "shop")
    assert refused.value.status == 404
    assert 'pods \\"ghost\\" not found' in str(refused.value.body)


async def test_a_watch_streams_what_happens(api: Any, world: World) -> None:
    core = k.client.CoreV1Api(api)
    seen = []
    async with k.watch.Watch() as watch:
        async for change in watch.stream(core.list_namespaced_pod, "shop", _request_timeout=5):
            seen.append((change["type"], change["object"].metadata.name))
            if len(seen) == 2:
                world.create("Pod", pod("web-2"))
                world.store.delete("Pod", "shop", "web-1")
            if len(seen) == 4:
                break
    assert seen == [("ADDED", "web-0"), ("ADDED", "web-1"), ("ADDED", "web-2"), ("DELETED", "web-1")]


async def test_a_watch_begins_where_a_list_ended(api: Any, world: World) -> None:
    core = k.client.CoreV1Api(api)
    version = (await core.list_namespaced_pod("shop")).metadata.resource_version
    world.create("Pod", pod("web-2"))
    async with k.watch.Watch() as watch:
        stream = watch.stream(core.list_namespaced_pod, "shop", resource_version=version, _request_timeout=5)
        async for change in stream:
            assert (change["type"], change["object"].metadata.name) == ("ADDED", "web-2")
            break


async def test_a_patch_with_dry_run_tells_and_leaves(api: Any, world: World) -> None:
    apps = k.client.AppsV1Api(api)
    body = {"spec": {"replicas": 9}}
    told = await apps.patch_namespaced_deployment("web", "shop", body, dry_run="All", _content_type=MERGE)
    assert told.spec.replicas == 9
    assert (await apps.read_namespaced_deployment("web", "shop")).spec.replicas == 2
    done = await apps.patch_namespaced_deployment("web", "shop", body, _content_type=MERGE)
    assert done.metadata.generation == 2
    assert world.kicks == 1


async def test_a_stale_replacement_conflicts(api: Any) -> None:
    apps = k.client.AppsV1Api(api)
    old = await apps.read_namespaced_deployment("web", "shop")
    await apps.patch_namespaced_deployment("web", "shop", {"spec": {"replicas": 3}}, _content_type=MERGE)
    with pytest.raises(k.client.exceptions.ApiException) as refused:
        await apps.replace_namespaced_deployment("web", "shop", old)
    assert refused.value.status == 409


async def test_scale_is_read_and_patched(api: Any, world: World) -> None:
    apps = k.client.AppsV1Api(api)
    assert (await apps.read_namespaced_deployment_scale("web", "shop")).spec.replicas == 2
    body = {"spec": {"replicas": 4}}
    scaled = await apps.patch_namespaced_deployment_scale("web", "shop", body, _content_type=MERGE)
    assert scaled.spec.replicas == 4
    assert world.store.list("Deployment")[0]["spec"]["replicas"] == 4


async def test_logs_are_text(api: Any) -> None:
    text = await k.client.CoreV1Api(api).read_namespaced_pod_log("web-0", "shop", tail_lines=2)
    assert text == "line 3\nline 4\n"


async def test_server_side_apply_records_its_manager(api: Any) -> None:
    apps = k.client.AppsV1Api(api)
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
    kind = "application/apply-patch+yaml"
    applied = await apps.patch_namespaced_deployment(
        "web", "shop", body, field_manager="agent", force=True, _content_type=kind
    )
    assert [entry.manager for entry in applied.metadata.managed_fields] == ["agent"]


async def test_objects_are_created_evicted_and_deleted(api: Any, world: World) -> None:
    core, apps = k.client.CoreV1Api(api), k.client.AppsV1Api(api)
    made = await apps.create_namespaced_deployment("shop", deployment("api"))
    assert made.spec.strategy.type == "RollingUpdate"
    eviction = k.client.V1Eviction(metadata=k.client.V1ObjectMeta(name="web-0", namespace="shop"))
    await core.create_namespaced_pod_eviction("web-0", "shop", eviction)
    gone = await core.delete_namespaced_pod("web-1", "shop", grace_period_seconds=0)
    assert gone.metadata.name == "web-1"
    assert (await apps.delete_namespaced_deployment("api", "shop"))["status"] == "Success"
    left = world.store.list("Pod", "shop")
    assert [(item["metadata"]["name"], "deletionTimestamp" in item["metadata"]) for item in left] == [("web-0", True)]


async def test_the_dynamic_client_discovers_and_lists(api: Any) -> None:
    dynamic = await k.dynamic.DynamicClient(api)
    deployments = await dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    found = await deployments.get(namespace="shop")
    assert [item.metadata.name for item in found.items] == ["web"]


async def test_the_version_and_the_groups_are_told(api: Any) -> None:
    assert (await k.client.VersionApi(api).get_code()).major == "1"
    groups = await k.client.ApisApi(api).get_api_versions()
    assert "apps" in [group.name for group in groups.groups]


async def test_many_lists_at_once_are_all_answered(api: Any) -> None:
    core = k.client.CoreV1Api(api)
    answers = await asyncio.gather(*(core.list_pod_for_all_namespaces() for _ in range(50)))
    assert {len(answer.items) for answer in answers} == {3}
