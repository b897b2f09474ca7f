"""An IDE's way in: a real MCP client starts `firstmate mcp` and works on an incident over its standard streams, in real time.

The world's clock runs beside ours here, because the process on the other end keeps real time.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, TextResourceContents

from tests.acceptance.stage import simulated_world

VERIFY_SECONDS = "20"
Asked = list[str]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        simulated_world(tmp_path / "kubeconfig", standing=False) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


@asynccontextmanager
async def ide(
    world: httpx.AsyncClient, folder: Path, *, role: str = "operator", answer: bool = True
) -> AsyncIterator[tuple[Client, Asked]]:
    """A client as an IDE has it: it starts the server, and shows its user what the server asks."""
    asked: Asked = []

    async def human(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the library's names
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True}) if answer else ElicitResult(action="decline")

    settings = {
        "PROMETHEUS_URL": f"{str(world.base_url).rstrip('/')}/prometheus",
        "K8S_CONFIG_PATH": str(folder / "kubeconfig"),
        "FIRSTMATE_DATA_DIR": str(folder / "data"),
        "VERIFY_SECONDS": VERIFY_SECONDS,
    }
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from api.cli import main; main()", "mcp", "--role", role],
        env={**os.environ, **settings},
        cwd=Path(__file__).parents[2],
    )
    async with Client(server, elicitation_callback=human) as client:
        yield client, asked


async def broken_service(world: httpx.AsyncClient) -> dict[str, str]:
    answer = await world.post("/-/faults", json={"fault": "service_selector_mismatch"})
    target: dict[str, str] = answer.json()["target"]
    return target


async def healed(world: httpx.AsyncClient) -> bool:
    return bool((await world.get("/-/faults")).json()["faults"][-1]["healed"])


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    found: dict[str, Any] = result.structured_content["data"]
    return found


async def test_an_incident_is_worked_on_from_an_ide(world: httpx.AsyncClient, tmp_path: Path) -> None:
    target = await broken_service(world)
    async with ide(world, tmp_path) as (client, asked):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {
            "cluster_overview",
            "diagnose",
            "propose_fix",
            "apply_plan",
            "undo_plan",
            "search_knowledge",
            "list_alerts",
        } <= set(tools)
        assert tools["diagnose"].annotations is not None
        assert tools["diagnose"].annotations.read_only_hint
        assert tools["apply_plan"].annotations is not None
        assert tools["apply_plan"].annotations.destructive_hint

        diagnosis = data_of(await client.call_tool("diagnose", {"namespace": target["namespace"]}))
        cause = diagnosis["causes"][0]
        assert (cause["fault"], cause["component"]["name"]) == ("service_selector_mismatch", target["name"])

        plan = data_of(
            await client.call_tool("propose_fix", {"namespace": target["namespace"], "name": target["name"]})
        )
        assert asked == []
        applied = data_of(await client.call_tool("apply_plan", {"plan_id": plan["id"], "plan_hash": plan["hash"]}))
        assert applied["state"] == "succeeded"
        assert len(asked) == 1
        assert plan["hash"][:12] in asked[0]
        assert "selector" in asked[0]
    assert await healed(world)


async def test_a_human_who_declines_in_the_ide_stops_the_repair(world: httpx.AsyncClient, tmp_path: Path) -> None:
    target = await broken_service(world)
    async with ide(world, tmp_path, answer=False) as (client, asked):
        plan = data_of(
            await client.call_tool("propose_fix", {"namespace": target["namespace"], "name": target["name"]})
        )
        refused = await client.call_tool("apply_plan", {"plan_id": plan["id"], "plan_hash": plan["hash"]})
        assert refused.is_error
        assert len(asked) == 1
    assert not await healed(world)


async def test_a_viewer_in_an_ide_may_look_and_not_touch(world: httpx.AsyncClient, tmp_path: Path) -> None:
    async with ide(world, tmp_path, role="viewer") as (client, asked):
        overview = await client.call_tool("cluster_overview", {})
        assert not overview.is_error
        refused = await client.call_tool("propose_fix", {"namespace": "default"})
        assert refused.is_error
        assert "operator" in str(refused.content)
        runbooks = [
            resource for resource in (await client.list_resources()).resources if "runbooks" in str(resource.uri)
        ]
        assert len(runbooks) >= 24
        page = (await client.read_resource(runbooks[0].uri)).contents[0]
        assert isinstance(page, TextResourceContents)
        assert page.text.startswith("---") or "#" in page.text
        assert asked == []
