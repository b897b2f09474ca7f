"""Reading over HTTP: discovery, get, list, pages, tables, and the refusals a client may meet."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import yaml

from simulator.kubernetes_api import RESOURCES
from tests.simulator.kubernetes_world import World, a_world, client_of, event, pod

PODS = "/api/v1/namespaces/shop/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
def client(world: World) -> httpx.AsyncClient:
    return client_of(world)


async def names(client: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


async def test_health_and_version_answer(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/livez", "/readyz"):
        assert (await client.get(path)).text == "ok"
    for path in ("/version", "/version/"):
        assert (await client.get(path)).json()["gitVersion"].startswith("v1.")


async def test_every_resource_is_discovered_in_both_forms(client: httpx.AsyncClient) -> None:
    found = set()
    groups = (await client.get("/apis")).json()["groups"]
    paths = ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
    for path in paths:
        answer = (await client.get(path)).json()
        found |= {(answer["groupVersion"], entry["name"]) for entry in answer["resources"] if "/" not in entry["name"]}
    assert found == {(resource.api_version, resource.plural) for resource in RESOURCES}
    aggregated = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
    served = (await client.get("/apis", headers=aggregated)).json()
    assert served["kind"] == "APIGroupDiscoveryList"
    assert [item["metadata"]["name"] for item in served["items"]] == [group["name"] for group in groups]


async def test_the_core_group_lists_its_version_and_subresources(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api")).json()["versions"] == ["v1"]
    listed = [entry["name"] for entry in (await client.get("/api/v1")).json()["resources"]]
    assert {"pods/log", "pods/status", "pods/eviction"} <= set(listed)
    scale = next(e for e in (await client.get("/apis/apps/v1")).json()["resources"] if e["name"] == "deployments/scale")
    assert (scale["kind"], scale["group"], scale["version"]) == ("Scale", "autoscaling", "v1")


async def test_a_group_tells_its_versions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/apis/apps")).json()["preferredVersion"]["groupVersion"] == "apps/v1"


async def test_the_openapi_index_leads_to_documents_with_schemas(client: httpx.AsyncClient) -> None:
    index = (await client.get("/openapi/v3")).json()["paths"]
    document = (await client.get(index["apis/apps/v1"]["serverRelativeURL"])).json()
    assert "replicas" in document["components"]["schemas"]["DeploymentSpec"]["properties"]
    assert (await client.get("/openapi/v3/apis/none/v1")).status_code == 404


async def test_an_object_is_read_with_its_kind(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/apis/apps/v1/namespaces/shop/deployments/web")).json()
    assert (answer["kind"], answer["apiVersion"], answer["metadata"]["name"]) == ("Deployment", "apps/v1", "web")


async def test_a_missing_object_is_told_as_the_server_tells_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/apis/apps/v1/namespaces/shop/deployments/ghost")
    assert answer.status_code == 404
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "ghost" not found',
        "reason": "NotFound",
        "details": {"name": "ghost", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


async def test_a_list_has_a_kind_a_version_and_items_without_kinds(client: httpx.AsyncClient, world: World) -> None:
    answer = (await client.get(PODS)).json()
    assert (answer["kind"], answer["apiVersion"]) == ("PodList", "v1")
    assert answer["metadata"] == {"resourceVersion": str(world.store.version)}
    assert all("kind" not in item for item in answer["items"])


async def test_a_list_covers_one_namespace_or_all(client: httpx.AsyncClient) -> None:
    assert await names(client, PODS) == ["web-0", "web-1"]
    assert await names(client, "/api/v1/pods") == ["ledger-0", "web-0", "web-1"]
    assert await names(client, "/api/v1/namespaces/nowhere/pods") == []
    assert await names(client, "/api/v1/namespaces") == ["bank", "shop"]


async def test_selectors_narrow_a_list(client: httpx.AsyncClient) -> None:
    assert await names(client, "/api/v1/pods", labelSelector="app in (ledger,api)") == ["ledger-0"]
    assert await names(client, "/api/v1/pods", labelSelector="app=nope") == []
    assert await names(client, PODS, fieldSelector="metadata.name=web-1,status.phase=Running") == ["web-1"]


async def test_bad_selectors_are_refused(client: httpx.AsyncClient) -> None:
    refused = await client.get(PODS, params={"fieldSelector": "spec.image=x"})
    assert (refused.status_code, refused.json()["message"]) == (400, "field label not supported: spec.image")
    assert (await client.get(PODS, params={"labelSelector": "a=b=c"})).status_code == 400


async def test_pages_walk_through_one_snapshot_although_objects_come_and_go(
    client: httpx.AsyncClient, world: World
) -> None:
    first = (await client.get("/api/v1/pods", params={"limit": "1"})).json()
    assert first["metadata"]["remainingItemCount"] == 2
    world.store.delete("Pod", "shop", "web-0")
    world.create("Pod", pod("web-2"))
    params = {"limit": "5", "continue": first["metadata"]["continue"]}
    second = (await client.get("/api/v1/pods", params=params)).json()
    seen = [item["metadata"]["name"] for item in (*first["items"], *second["items"])]
    assert seen == ["ledger-0", "web-0", "web-1"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in second["metadata"]


@pytest.mark.parametrize("token", ["zzz", "e30", "eyJydiI6IngiLCJzdGFydCI6WzEsMl19", "é"])
async def test_a_made_up_continue_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    refused = await client.get(PODS, params={"continue": token})
    assert (refused.status_code, refused.json()["message"]) == (400, "continue key is not valid")


async def test_a_continue_token_from_before_the_log_has_expired(client: httpx.AsyncClient, world: World) -> None:
    token = (await client.get("/api/v1/pods", params={"limit": "1"})).json()["metadata"]["continue"]
    for number in range(10_010):
        world.store.update("Pod", {**world.store.list("Pod")[0], "note": number})
    expired = await client.get("/api/v1/pods", params={"limit": "1", "continue": token})
    assert (expired.status_code, expired.json()["reason"]) == (410, "Expired")


async def test_an_exact_version_shows_the_past_and_a_future_one_is_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    then = str(world.store.version)
    world.store.delete("Pod", "shop", "web-0")
    assert await names(client, PODS, resourceVersion=then, resourceVersionMatch="Exact") == ["web-0", "web-1"]
    refused = await client.get(PODS, params={"resourceVersion": "999999"})
    assert refused.status_code == 504
    assert "Too large resource version: 999999" in refused.json()["message"]
    assert (await client.get(PODS, params={"resourceVersion": "x"})).status_code == 400


async def test_kubectl_gets_a_table_of_pods(client: httpx.AsyncClient) -> None:
    answer = (await client.get(PODS, headers={"accept": TABLE})).json()
    assert (answer["kind"], answer["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [c["name"] for c in answer["columnDefinitions"]][:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert answer["rows"][0]["cells"][:5] == ["web-0", "1/1", "Running", "0", "5h"]
    assert answer["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_every_kind_has_a_table_even_for_a_bare_object(client: httpx.AsyncClient, world: World) -> None:
    for resource in RESOURCES:
        bare: dict[str, Any] = {"metadata": {"name": "bare"}, "spec": {}, "status": {}}
        if resource.namespaced:
            bare["metadata"]["namespace"] = "shop"
        bare |= _needed(resource.kind)
        if world.store.get(resource.kind, "shop" if resource.namespaced else None, "bare") is None:
            world.store.create(resource.kind, bare)
        base = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        answer = await client.get(f"{base}/{resource.plural}", headers={"accept": TABLE})
        if "list" not in resource.verbs:
            assert answer.status_code == 405
            continue
        assert answer.status_code == 200, (resource.kind, answer.text)
        table = answer.json()
        assert all(len(row["cells"]) == len(table["columnDefinitions"]) for row in table["rows"])


def _needed(kind: str) -> dict[str, Any]:
    """The parts that a stored object of the kind always has, because its creation checks them."""
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        return {"roleRef": {"kind": "Role", "name": "r"}}
    if kind == "HorizontalPodAutoscaler":
        return {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}}
    return {"spec": {"template": {"spec": {}}}} if kind == "DaemonSet" else {}


async def test_fields_a_server_always_writes_are_there_although_nobody_set_them(
    client: httpx.AsyncClient, world: World
) -> None:
    world.create("Pod", pod("bare", containerStatuses=[{"name": "web"}]))
    status = (await client.get(f"{PODS}/bare")).json()["status"]["containerStatuses"][0]
    assert status == {"name": "web", "ready": False, "restartCount": 0, "image": "", "imageID": ""}
    world.store.create("PodDisruptionBudget", {"metadata": {"name": "b", "namespace": "shop"}, "spec": {}})
    budget = (await client.get("/apis/policy/v1/namespaces/shop/poddisruptionbudgets/b")).json()
    assert budget["status"]["disruptionsAllowed"] == 0


async def test_events_are_one_store_in_two_shapes(client: httpx.AsyncClient, world: World) -> None:
    world.create("Event", event("web-0.1"))
    core = (await client.get("/api/v1/namespaces/shop/events")).json()["items"][0]
    newer = (await client.get("/apis/events.k8s.io/v1/namespaces/shop/events")).json()["items"][0]
    assert core["message"] == newer["note"]
    assert core["involvedObject"] == newer["regarding"]
    assert (newer["deprecatedCount"], "message" in newer) == (4, False)
    params = {"fieldSelector": "regarding.name=web-0"}
    assert len((await client.get("/apis/events.k8s.io/v1/events", params=params)).json()["items"]) == 1


async def test_yaml_is_served_to_who_wants_it(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{PODS}/web-0", headers={"accept": "application/yaml"})
    assert yaml.safe_load(answer.text)["metadata"]["name"] == "web-0"


async def test_a_form_that_is_not_served_is_406(client: httpx.AsyncClient) -> None:
    refused = await client.get(PODS, headers={"accept": "application/vnd.kubernetes.protobuf"})
    assert (refused.status_code, refused.json()["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/unicorns",
        "/api/v2/pods",
        "/apis/apps/v1/pods",
        "/apis/none",
        "/apis/apps/v9",
        "/api/v1/pods/web-0",
        "/api/v1/namespaces/shop/nodes",
        "/api/v1/namespaces/shop/pods/web-0/teapot",
        "/api/v1/namespaces/shop/pods/web-0/log/more",
        "/apis/apps/v1/namespaces/shop/daemonsets/x/scale",
        "/api/v1/namespaces//pods",
    ],
)
async def test_a_path_that_leads_nowhere_is_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", PODS),
        ("POST", f"{PODS}/web-0"),
        ("POST", "/api/v1/pods"),
        ("DELETE", "/version"),
        ("PUT", f"{PODS}/web-0/log"),
    ],
)
async def test_a_method_that_makes_no_sense_is_405(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["reason"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("params", [{"limit": "x"}, {"limit": "-1"}, {"limit": "9" * 30}])
async def test_a_limit_that_is_no_count_is_400(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await client.get(PODS, params=params)).status_code == 400


async def test_with_tokens_only_their_bearers_come_in(world: World) -> None:
    tokens = {"s3cret": "firstmate"}
    async with client_of(world, tokens) as stranger:
        refused = await stranger.get(PODS)
        assert (refused.status_code, refused.json()["message"]) == (401, "Unauthorized")
    async with client_of(world, tokens, authorization="Bearer s3cret") as known:
        assert (await known.get(PODS)).status_code == 200


async def test_who_is_let_in_may_do_everything_and_is_told_so(client: httpx.AsyncClient) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    spec = {"resourceAttributes": {"verb": "patch", "resource": "deployments"}}
    answer = await client.post(path, json={"spec": spec})
    assert (answer.status_code, answer.json()["status"]) == (201, {"allowed": True})
    assert (await client.post(path, json={"spec": 3})).status_code == 400
    binary = await client.post(path, content=b"k8s", headers={"content-type": "application/vnd.kubernetes.protobuf"})
    assert binary.status_code == 400
    assert (await client.get(path)).status_code == 405
