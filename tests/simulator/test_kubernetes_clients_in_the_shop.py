"""The official Python client, sync and aio, as the three people that the cluster knows, in a shop that lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import kubernetes.aio
import kubernetes.client
import kubernetes.config
import kubernetes.watch
import pytest

from tests.simulator.running_world import RunningWorld, running_world

sync: Any = kubernetes.client
aio: Any = kubernetes.aio
watch: Any = kubernetes.watch
config: Any = kubernetes.config


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    with running_world(tmp_path_factory.mktemp("home")) as running:
        yield running


def client_of(shop: RunningWorld, who: str = "simulated") -> Any:
    configuration = sync.Configuration()
    config.load_kube_config(str(shop.kubeconfig), context=who, client_configuration=configuration)
    return sync.ApiClient(configuration)


@pytest.fixture
def core(shop: RunningWorld) -> Any:
    return sync.CoreV1Api(client_of(shop))


def pods_of(core: Any, app: str) -> list[Any]:
    found: list[Any] = core.list_namespaced_pod("shop", label_selector=f"app={app}").items
    return found


def test_lists_come_typed_and_in_pages(core: Any) -> None:
    first = core.list_namespaced_pod("shop", limit=2)
    assert len(first.items) == 2
    names = [pod.metadata.name for pod in first.items]
    token = first.metadata._continue
    while token:
        page = core.list_namespaced_pod("shop", limit=2, _continue=token)
        names += [pod.metadata.name for pod in page.items]
        token = page.metadata._continue
    assert len(names) == len(set(names)) == len(core.list_namespaced_pod("shop").items)


def test_logs_are_text_from_the_end_and_since_a_moment(core: Any) -> None:
    name = pods_of(core, "edge-gateway")[0].metadata.name
    assert len(core.read_namespaced_pod_log(name, "shop", tail_lines=3).splitlines()) == 3
    assert len(core.read_namespaced_pod_log(name, "shop", limit_bytes=20)) == 20
    with pytest.raises(sync.ApiException) as refused:
        core.read_namespaced_pod_log(name, "shop", previous=True)
    assert refused.value.status == 400


def test_a_watch_sees_what_another_client_does(core: Any) -> None:
    version = core.list_namespaced_config_map("shop").metadata.resource_version
    made = {"metadata": {"name": "seen"}, "data": {"a": "b"}}
    timer = threading.Timer(0.2, core.create_namespaced_config_map, args=("shop", made))
    timer.start()
    watching = watch.Watch()
    stream = watching.stream(core.list_namespaced_config_map, "shop", resource_version=version, timeout_seconds=5)
    event = next(iter(stream))
    watching.stop()
    timer.join()
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "seen")


def test_server_side_apply_tells_conflicts_and_can_be_forced(shop: RunningWorld) -> None:
    api = sync.AppsV1Api(client_of(shop))
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "search"}, "spec": {"replicas": 2}}

    def apply(manager: str, replicas: int, **options: Any) -> Any:
        wanted = {**body, "spec": {"replicas": replicas}}
        content = {"_content_type": "application/apply-patch+yaml", "field_manager": manager, **options}
        return api.patch_namespaced_deployment("search", "shop", wanted, **content)

    apply("one", 2, force=True)
    with pytest.raises(sync.ApiException) as conflict:
        apply("two", 3)
    assert conflict.value.status == 409
    assert 'conflict with \\"one\\": .spec.replicas' in conflict.value.body
    assert apply("two", 3, force=True, dry_run="All").spec.replicas == 3
    assert api.read_namespaced_deployment("search", "shop").spec.replicas == 2


def test_an_eviction_replaces_a_pod(shop: RunningWorld, core: Any) -> None:
    name = pods_of(core, "search")[0].metadata.name
    core.create_namespaced_pod_eviction(name, "shop", {"metadata": {"name": name, "namespace": "shop"}})
    shop.advance(60)
    names = [pod.metadata.name for pod in pods_of(core, "search")]
    assert name not in names
    assert len(names) == 2


def test_each_person_may_do_what_the_roles_say(shop: RunningWorld) -> None:
    viewer = sync.CoreV1Api(client_of(shop, "simulated-viewer"))
    assert viewer.list_namespaced_pod("shop").items
    with pytest.raises(sync.ApiException) as refused:
        viewer.list_namespaced_secret("shop")
    assert refused.value.status == 403
    developer = client_of(shop, "simulated-developer")
    review = {"spec": {"resourceAttributes": {"verb": "delete", "resource": "pods", "namespace": "shop"}}}
    answer = sync.AuthorizationV1Api(developer).create_self_subject_access_review(review)
    assert answer.status.allowed
    who = sync.AuthenticationV1Api(developer).create_self_subject_review({})
    assert who.status.user_info.username == "developer"


def test_what_is_used_is_read_as_a_custom_object(shop: RunningWorld) -> None:
    shop.advance(15)
    api = sync.CustomObjectsApi(client_of(shop))
    found = api.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "shop", "pods")
    assert all(item["containers"][0]["usage"]["cpu"].endswith("n") for item in found["items"])
    assert api.list_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes")["items"]


async def test_the_asynchronous_client_does_the_same(shop: RunningWorld) -> None:
    configuration = aio.client.Configuration()
    await aio.config.load_kube_config(str(shop.kubeconfig), client_configuration=configuration)
    async with aio.client.ApiClient(configuration) as api:
        core, apps = aio.client.CoreV1Api(api), aio.client.AppsV1Api(api)
        pods = (await core.list_namespaced_pod("shop", label_selector="app=catalogue")).items
        log = await core.read_namespaced_pod_log(pods[0].metadata.name, "shop", tail_lines=1)
        assert log.count("\n") == 1
        quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
        await core.create_namespaced_resource_quota("shop", quota)
        lone = {"metadata": {"name": "lone"}, "spec": {"containers": [{"name": "a", "image": "busybox"}]}}
        with pytest.raises(aio.client.exceptions.ApiException) as refused:
            await core.create_namespaced_pod("shop", lone)
        assert "exceeded quota: full, requested: pods=1" in str(refused.value.body)
        await core.delete_namespaced_resource_quota("full", "shop")
        scale = await apps.patch_namespaced_deployment_scale(
            "catalogue", "shop", {"spec": {"replicas": 4}}, dry_run="All"
        )
        assert scale.spec.replicas == 4
        async with aio.watch.Watch() as watching:
            async for event in watching.stream(core.list_namespaced_pod, "shop", timeout_seconds=1):
                assert event["type"] == "ADDED"
                break
