"""When a system that we depend on is down: one clear sentence that names it, the rest works, nothing hangs, nothing is invented."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.wiring import House
from core.clock import ManualClock
from tests.acceptance import broken
from tests.acceptance.stage import START, product, settings_for

TIMEOUT = 0.5
PATIENCE = 15.0
Outage = Callable[[], AbstractAsyncContextManager[str]]
OUTAGES: dict[str, Outage] = {
    "refuses": broken.refusing,
    "hangs": broken.hanging,
    "answers 500": lambda: broken.answering(500, "upstream connect error"),
    "answers 403": lambda: broken.answering(403, "forbidden"),
    "talks nonsense": lambda: broken.answering(200, "<html>welcome to the proxy</html>", "text/html"),
}


class Desk:
    """One product with one broken system, and how it is asked."""

    def __init__(self, house: House, http: httpx.AsyncClient) -> None:
        self.house = house
        self.http = http

    async def tool(self, name: str, **arguments: Any) -> httpx.Response:
        return await self.http.post(f"/api/v1/tools/{name}", json=arguments)

    async def ask(self, question: str) -> dict[str, Any]:
        answer = await self.http.post("/api/v1/assistant/query", json={"question": question})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def component(self, name: str) -> dict[str, Any]:
        await self.house.health.check()
        parts = (await self.http.get("/api/v1/health/components")).json()["data"]["components"]
        found: dict[str, Any] = parts[name]
        return found


@pytest.fixture(params=OUTAGES)
async def prometheus_down(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    async with OUTAGES[request.param]() as url:
        settings = settings_for(
            tmp_path,
            url,
            tmp_path / "none",
            {"prometheus_url": url, "prometheus_timeout": TIMEOUT, "k8s_config_path": ""},
        )
        async with product(settings, ManualClock(START)) as (house, http):
            yield Desk(house, http)


@pytest.fixture(params=OUTAGES)
async def cluster_down(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    async with OUTAGES[request.param]() as url:
        config = broken.kubeconfig(tmp_path, url)
        settings = settings_for(tmp_path, url, config, {"prometheus_url": "", "k8s_timeout": TIMEOUT})
        async with product(settings, ManualClock(START)) as (house, http):
            yield Desk(house, http)


async def test_a_query_names_prometheus_as_what_failed(prometheus_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        answer = await prometheus_down.tool("query_metrics", expr="up")
    assert answer.status_code in {403, 502}
    assert "Prometheus" in answer.json()["message"]


async def test_the_health_page_tells_that_prometheus_is_down_and_the_database_is_not(prometheus_down: Desk) -> None:
    assert (await prometheus_down.component("prometheus"))["status"] == "unhealthy"
    assert (await prometheus_down.component("database"))["status"] == "healthy"


async def test_without_prometheus_knowledge_still_answers(prometheus_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        data = await prometheus_down.ask("A pod is OOMKilled: what do I check, in order?")
    assert data["state"] == "finished"
    assert data["sources"]


async def test_without_prometheus_the_answer_says_so_and_shows_no_number(prometheus_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        data = await prometheus_down.ask("query sum(rate(http_requests_total[5m])) over the last hour")
    assert "Prometheus" in data["answer"]
    # The failed reading is itself the evidence that it failed; nothing else may stand beside it, and no figure.
    assert {one["source"] for one in data["evidence"]} <= {"Prometheus"}
    assert not any(
        char.isdigit() for char in data["answer"].replace(data["evidence"][0]["quote"], "").replace("e1", "")
    )


async def test_without_prometheus_no_alert_resolves_and_the_outage_is_an_alert_of_its_own(
    prometheus_down: Desk,
) -> None:
    evaluator = prometheus_down.house.alerts.evaluator
    clock = prometheus_down.house.clock
    assert isinstance(clock, ManualClock)
    for _ in range(8):
        # Time stands while a query is on its way, so a hanging server is left by the clock's own steps.
        turn = asyncio.create_task(evaluator.tick())
        for _ in range(20):
            await asyncio.sleep(0.05)
            if turn.done():
                break
            await clock.advance(TIMEOUT)
        await turn
        await clock.advance(15)
    firing = (await prometheus_down.http.get("/api/v1/alerts?state=firing")).json()["data"]["alerts"]
    assert [alert["name"] for alert in firing] == ["PrometheusUnreachable"]


async def test_a_list_names_the_api_server_as_what_failed(cluster_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        answer = await cluster_down.tool("list_objects", kind="Pod", namespace="default")
    assert answer.status_code in {403, 502}
    assert "Kubernetes" in answer.json()["message"]


async def test_a_diagnosis_of_a_cluster_that_cannot_be_read_is_not_called_healthy(cluster_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        answer = await cluster_down.tool("diagnose", namespace="default")
    body = answer.json()
    if answer.status_code == 200:
        assert body["data"]["data"]["healthy"] is None
        assert body["data"]["data"]["gaps"]
    else:
        assert "Kubernetes" in body["message"]


async def test_the_health_page_tells_that_the_cluster_is_down(cluster_down: Desk) -> None:
    assert (await cluster_down.component("kubernetes"))["status"] == "unhealthy"


async def test_an_answer_about_a_cluster_that_cannot_be_read_says_which_system_failed(cluster_down: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        data = await cluster_down.ask("How is the cluster?")
    assert "Kubernetes" in data["answer"]


async def test_liveness_answers_while_other_requests_hang(tmp_path: Path) -> None:
    async with broken.hanging() as url:
        config = broken.kubeconfig(tmp_path, url)
        settings = settings_for(tmp_path, url, config, {"prometheus_timeout": PATIENCE, "k8s_timeout": PATIENCE})
        async with product(settings, ManualClock(START)) as (house, http):
            desk = Desk(house, http)
            stuck = [asyncio.create_task(desk.tool("query_metrics", expr="up")) for _ in range(10)]
            stuck += [
                asyncio.create_task(desk.tool("list_objects", kind="Pod", namespace="default")) for _ in range(10)
            ]
            await asyncio.sleep(0.1)
            for _ in range(20):
                assert (await http.get("/api/v1/health/live")).status_code == 200
            assert not any(task.done() for task in stuck)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)


async def test_nothing_configured_is_said_with_the_setting_that_mends_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as (house, http):
        desk = Desk(house, http)
        metrics = await desk.tool("query_metrics", expr="up")
        objects = await desk.tool("list_objects", kind="Pod", namespace="default")
    assert (metrics.status_code, objects.status_code) == (503, 503)
    assert "PROMETHEUS_URL" in metrics.json()["message"]
    assert "K8S_CONFIG_PATH" in objects.json()["message"]
