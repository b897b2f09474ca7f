"""The whole process in memory: the doors under /-/ beside the real Kubernetes and Prometheus paths."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from simulator.app import build, pace, serve
from simulator.control import LARGEST_BODY, Control, kubeconfig
from simulator.faults import FAULTS
from simulator.world import World
from tests.simulator.worlds import START, small_shop, small_world, whole_world

SEARCH = {"namespace": "shop", "name": "search"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with client(small_world()) as made:
        yield made


@pytest.fixture(scope="module")
def standing() -> Starlette:
    """One world for all tests that only look, or are refused."""
    return serve(small_world())


@pytest.fixture
async def still(standing: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with over(standing) as made:
        yield made


def client(world: World) -> httpx.AsyncClient:
    return over(serve(world))


def over(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim")


async def advance(http: httpx.AsyncClient, seconds: float) -> str:
    answer = await http.post("/-/clock", json={"advance": seconds})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["now"])


async def value(http: httpx.AsyncClient, expression: str) -> float:
    answer = await http.get("/prometheus/api/v1/query", params={"query": expression})
    (sample,) = answer.json()["data"]["result"]
    return float(sample["value"][1])


async def healed(http: httpx.AsyncClient) -> list[bool]:
    return [each["healed"] for each in (await http.get("/-/faults")).json()["faults"]]


async def test_it_is_healthy(still: httpx.AsyncClient) -> None:
    assert (await still.get("/-/healthy")).text == "ok\n"


async def test_the_clock_moves_only_when_told(http: httpx.AsyncClient) -> None:
    assert (await http.get("/-/clock")).json() == {"now": "2026-01-14T09:00:00Z", "speed": 0.0}
    assert await advance(http, 90) == "2026-01-14T09:01:30Z"
    assert await advance(http, 0.5) == "2026-01-14T09:01:30.500000Z"


async def test_prometheus_and_kubernetes_tell_the_same_time_and_the_same_pods(http: httpx.AsyncClient) -> None:
    await advance(http, 60)
    assert await value(http, "vector(time())") == START.timestamp() + 60
    pods = (await http.get("/api/v1/namespaces/shop/pods")).json()["items"]
    assert await value(http, 'count(kube_pod_info{namespace="shop"})') == len(pods)


async def test_a_fault_is_injected_seen_mended_through_the_api_and_healed(http: httpx.AsyncClient) -> None:
    answer = await http.post("/-/faults", json={"fault": "incorrect_image_reference", "target": SEARCH})
    assert answer.status_code == 201
    assert answer.json() | {"change": ""} == {
        "id": "f1",
        "fault": "incorrect_image_reference",
        "title": "The image of a Deployment is set to a reference that the registry does not have",
        "target": {"kind": "Deployment", **SEARCH},
        "component": {"kind": "Deployment", **SEARCH},
        "params": {},
        "change": "",
        "injected_at": "2026-01-14T09:00:00Z",
        "healed": False,
    }
    await advance(http, 60)
    assert await value(http, 'count(kube_pod_container_status_waiting_reason{container="search"})') == 1

    path = "/apis/apps/v1/namespaces/shop/deployments/search"
    container = {"name": "search", "image": "registry.shop.example/shop/search:2.4.1"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    patched = await http.patch(path, content=orjson.dumps(patch), headers=headers)
    assert patched.status_code == 200, patched.text
    await advance(http, 60)
    assert await healed(http) == [True]


async def test_scaling_by_the_subresource_heals_an_overload(http: httpx.AsyncClient) -> None:
    await http.post("/-/faults", json={"fault": "pod_cpu_overload", "target": SEARCH})
    await advance(http, 30)
    assert await healed(http) == [False]
    path = "/apis/apps/v1/namespaces/shop/deployments/search/scale"
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await http.patch(path, content=b'{"spec": {"replicas": 4}}', headers=headers)
    assert answer.status_code == 200, answer.text
    await advance(http, 60)
    assert await healed(http) == [True]


async def test_a_dry_run_changes_nothing(http: httpx.AsyncClient) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments/search/scale"
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await http.patch(f"{path}?dryRun=All", content=b'{"spec": {"replicas": 9}}', headers=headers)
    assert answer.json()["spec"]["replicas"] == 9
    await advance(http, 30)
    assert (await http.get(path)).json()["spec"]["replicas"] == 2
    (entry,) = (await http.get("/-/audit")).json()["entries"]
    assert (entry["verb"], entry["dryRun"], entry["status"]) == ("patch", True, 200)


async def test_the_audit_lists_writes_and_no_reads(http: httpx.AsyncClient) -> None:
    pods = (await http.get("/api/v1/namespaces/shop/pods")).json()["items"]
    path = f"/api/v1/namespaces/shop/pods/{pods[0]['metadata']['name']}"
    await http.delete(path, headers={"Authorization": "Bearer operator"})
    (entry,) = (await http.get("/-/audit")).json()["entries"]
    assert (entry["verb"], entry["path"], entry["time"]) == ("delete", path, "2026-01-14T09:00:00Z")


async def test_logs_are_read_through_the_api(still: httpx.AsyncClient) -> None:
    pods = (await still.get("/api/v1/namespaces/shop/pods", params={"labelSelector": "app=catalogue"})).json()["items"]
    path = f"/api/v1/namespaces/shop/pods/{pods[0]['metadata']['name']}/log"
    newest = (await still.get(path, params={"tailLines": 3, "timestamps": "true"})).text.splitlines()
    assert len(newest) == 3
    assert newest[0].startswith("2026-01-14T08:")
    assert newest[0][30] == " "
    assert len((await still.get(path, params={"sinceSeconds": 30})).text) < len((await still.get(path)).text)
    refused = await still.get(path, params={"previous": "true"})
    assert refused.status_code == 400
    assert "previous terminated container" in refused.json()["message"]


async def test_removing_a_fault_puts_the_object_back(http: httpx.AsyncClient) -> None:
    made = await http.post("/-/faults", json={"fault": "service_selector_mismatch", "target": SEARCH})
    removed = await http.delete(f"/-/faults/{made.json()['id']}")
    assert removed.json()["healed"]
    assert (await http.get("/-/faults")).json() == {"faults": []}
    service = (await http.get("/api/v1/namespaces/shop/services/search")).json()
    assert service["spec"]["selector"] == {"app": "search"}
    assert (await http.delete("/-/faults/f1")).status_code == 404


async def test_with_nothing_named_the_simulator_chooses_and_does_not_hit_the_same_place_twice(
    http: httpx.AsyncClient,
) -> None:
    first = (await http.post("/-/faults", json={})).json()
    assert first["fault"] in FAULTS
    second = (await http.post("/-/faults", json={"fault": "oom_killed"})).json()
    assert second["fault"] == "oom_killed"
    assert second["target"]["name"] != first["target"]["name"]
    refused = await http.post("/-/faults", json={"fault": "oom_killed"})
    assert refused.status_code == 422
    assert "name one" in refused.json()["error"]


async def test_the_catalogue_lists_every_fault_with_its_parameters(still: httpx.AsyncClient) -> None:
    listed = {each["id"]: each for each in (await still.get("/-/faults/catalogue")).json()["faults"]}
    assert set(listed) == set(FAULTS)
    assert {each["name"] for each in listed["oom_killed"]["params"]} == {"memory_limit", "cache_mb"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "earthquake", "target": SEARCH}, "fault: 'earthquake' is not known"),
        ({"fault": "oom_killed", "target": SEARCH, "when": "now"}, "when: unknown field"),
        ({"fault": "oom_killed", "target": {**SEARCH, "pod": "x"}}, "target.pod: unknown field"),
        ({"fault": "oom_killed", "target": {"namespace": "shop"}}, "target.name: must be a text"),
        ({"fault": "oom_killed", "target": {"namespace": "shop", "name": "nobody"}}, "there is no Deployment 'nobody'"),
        ({"fault": "oom_killed", "target": SEARCH, "params": {"size": 1}}, "no parameter 'size'"),
        ({"fault": "oom_killed", "target": SEARCH, "params": {"cache_mb": 1.5}}, "cache_mb must be a whole number"),
        ({"fault": "oom_killed", "target": SEARCH, "params": []}, "params: must be a JSON object"),
        ({"fault": 3, "target": SEARCH}, "fault: must be a text"),
        ({"target": SEARCH}, "fault: must be named"),
        ([], "body: must be a JSON object"),
    ],
)
async def test_what_is_wrong_with_a_fault_is_named(still: httpx.AsyncClient, body: Any, said: str) -> None:
    answer = await still.post("/-/faults", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert (await still.get("/-/faults")).json() == {"faults": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "body: is not JSON"),
        (b'{"advance": "much"}', "advance: must be a number"),
        (b'{"advance": -1}', "advance: must be a number"),
        (b'{"advance": 1e9}', "advance: must be a number"),
        (b'{"advance": true}', "advance: must be a number"),
        (b"{}", "advance: must be a number"),
        (b'{"speed": -1}', "speed: must be a number from 0 to 3600"),
        (b'{"speed": 2}', "speed: this world was started without a clock that runs by itself"),
        (b'{"seconds": 1}', "seconds: unknown field"),
        (b" " * (LARGEST_BODY + 1), "body: larger than"),
    ],
)
async def test_what_is_wrong_with_a_clock_move_is_named(still: httpx.AsyncClient, content: bytes, said: str) -> None:
    answer = await still.post("/-/clock", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://sim", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://SIM"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://sim:8080"}, 403),
        ({"Origin": "http://sim.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": ""}, 415),
    ],
)
async def test_a_page_of_another_site_can_change_nothing(
    still: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answer = await still.post("/-/clock", content=b'{"advance": 0}', headers=sent)
    assert answer.status_code == status, answer.text


async def test_a_page_of_another_site_can_remove_nothing(still: httpx.AsyncClient) -> None:
    assert (await still.delete("/-/faults/f9")).status_code == 404
    refused = await still.delete("/-/faults/f9", headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert refused.json()["error"].startswith("origin:")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/namespaces/shop/configmaps?dryRun=All", b'{"metadata": {"name": "brought-along"}}', 201),
        ("/prometheus/api/v1/import/prometheus", b"brought_along 1", 204),
    ],
)
async def test_a_page_of_another_site_comes_in_by_no_other_door(
    still: httpx.AsyncClient, path: str, body: bytes, status: int
) -> None:
    """A browser asks nobody for leave to send these: a body without a type is what any page may post."""
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await still.post(path, content=body, headers=headers)).status_code == 403
    assert (await still.post(path, content=body)).status_code == status


async def test_a_fault_is_offered_where_it_suits(still: httpx.AsyncClient) -> None:
    path = "/-/faults/catalogue/{}/targets"
    selector = (await still.get(path.format("service_selector_mismatch"))).json()["targets"]
    assert {"kind": "Service", "namespace": "shop", "name": "search"} in selector
    assert "kube-system" not in {each["namespace"] for each in selector}
    image = (await still.get(path.format("incorrect_image_reference"))).json()["targets"]
    assert {each["kind"] for each in image} == {"Deployment"}
    unknown = await still.get(path.format("earthquake"))
    assert unknown.status_code == 422
    assert "'earthquake' is not known" in unknown.json()["error"]


async def test_the_state_shows_every_program(still: httpx.AsyncClient) -> None:
    shown = (await still.get("/-/state")).json()
    (search,) = [each for each in shown["services"] if each["name"] == "search"]
    assert search["ready"] == search["wanted"] == 2
    assert search["rps"] > 1
    assert 0 < search["p95_seconds"] < 0.1
    assert shown["edge"]["error_ratio"] < 0.01


async def test_targets_and_metadata_come_from_the_world(still: httpx.AsyncClient) -> None:
    targets = (await still.get("/prometheus/api/v1/targets")).json()["data"]["activeTargets"]
    assert {"kube-state-metrics", "kubelet", "node-exporter", "search"} <= {each["labels"]["job"] for each in targets}
    assert {each["health"] for each in targets} == {"up"}
    metadata = (await still.get("/prometheus/api/v1/metadata", params={"metric": "http_requests_total"})).json()["data"]
    assert metadata["http_requests_total"][0]["type"] == "counter"


async def test_the_kubeconfig_points_at_the_server_that_was_asked(still: httpx.AsyncClient) -> None:
    text = (await still.get("/-/kubeconfig")).text
    assert text == kubeconfig("http://sim")
    assert "server: http://sim" in text


async def test_a_watch_sees_the_controllers_act() -> None:
    async with client(small_world()) as made:
        listed = (await made.get("/apis/apps/v1/namespaces/shop/replicasets")).json()
        version = listed["metadata"]["resourceVersion"]
        await made.post("/-/faults", json={"fault": "incorrect_image_reference", "target": SEARCH})
        params = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "1"}
        answer = await made.get("/apis/apps/v1/namespaces/shop/replicasets", params=params)
        events = [orjson.loads(line) for line in answer.text.splitlines()]
        assert events[0]["type"] == "ADDED"
        assert events[0]["object"]["metadata"]["ownerReferences"][0]["name"] == "search"


async def test_build_reads_a_start_as_text_and_makes_history() -> None:
    app = build(7, "2026-01-14T09:00:00Z", history_days=0.05)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim") as made:
        assert (await made.get("/-/clock")).json()["now"] == "2026-01-14T09:00:00Z"
        assert await value(made, "count(up offset 40m)") > 20


async def test_a_clock_that_runs_by_itself_can_be_stopped_and_sped_up() -> None:
    wall = [100.0]
    world = World(7, START, speed=1, monotonic=lambda: wall[0], history_days=0, shop=small_shop())
    async with client(world) as made:
        wall[0] += 5
        stopped = (await made.post("/-/clock", json={"speed": 0})).json()
        assert stopped == {"now": "2026-01-14T09:00:00Z", "speed": 0.0}
        wall[0] += 60
        assert world.clock.due() == 0
        await made.post("/-/clock", json={"speed": 10, "advance": 30})
        wall[0] += 2
        assert world.clock.due() == 20
        assert (await made.get("/-/clock")).json() == {"now": "2026-01-14T09:00:30Z", "speed": 10.0}


async def test_with_a_speed_the_pacer_moves_the_world() -> None:
    wall = iter([100.0, 112.0, 112.0, 112.0])
    last = 112.0
    world = World(7, START, speed=1000, monotonic=lambda: next(wall, last), history_days=0, shop=small_shop())
    control = Control(world, deque(maxlen=10))
    pacer = asyncio.create_task(pace(world, control))
    async with asyncio.timeout(20):
        while (world.clock.now() - START).total_seconds() < 600:  # noqa: ASYNC110  (the world has no event to wait for)
            await asyncio.sleep(0.01)
    pacer.cancel()
    await asyncio.gather(pacer, return_exceptions=True)
    assert world.clock.now() > START


async def test_nothing_is_measured_while_no_metrics_server_is_ready() -> None:
    world = whole_world()
    async with client(world) as made:
        nodes = "/apis/metrics.k8s.io/v1beta1/nodes"
        assert (await made.get(nodes)).status_code == 200
        scale = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server/scale"
        merge = {"content-type": "application/merge-patch+json"}
        await made.patch(scale, json={"spec": {"replicas": 0}}, headers=merge)
        world.advance(world.clock.now() + timedelta(seconds=60))
        refused = await made.get(nodes)
        assert (refused.status_code, refused.text) == (503, "service unavailable\n")
