import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from mcp_server.server import http_app
from tests.mcp_server.fakes import Desk, server, text_of
from tests.mcp_server.loopback import served

BASE = "http://127.0.0.1:8000"
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def web(desk: Desk | None = None, headers: dict[str, str] | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    built, guard = server(desk, local=None)
    app = http_app(built, guard, public_url=BASE)
    transport = httpx2.ASGITransport(app)
    async with (
        built.session_manager.run(),
        httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http,
    ):
        yield http


@asynccontextmanager
async def connected(token: str, desk: Desk | None = None, **options: Any) -> AsyncIterator[Client]:
    async with (
        web(desk, {"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http), **options) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_over_http_the_token_says_who_calls(mode: Any) -> None:
    async with connected("token-of-vic", mode=mode) as client:
        read = await client.call_tool("list_pods", {})
        write = await client.call_tool("apply_plan", {"plan_id": "p1"})
    assert read.structured_content["summary"] == "1 pod for vic"
    assert "vic is a viewer" in text_of(write)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dmljOnZpYw=="}])
async def test_over_http_without_a_good_token_the_answer_is_401(headers: dict[str, str]) -> None:
    async with web(headers=headers) as http:
        answer = await http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_foreign_host_header_is_turned_away() -> None:
    async with web(headers={"Authorization": "Bearer token-of-ada"}) as http:
        answer = await http.post("http://evil.example/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert answer.status_code == 421


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_over_http_a_human_is_asked_before_a_repair(mode: Any) -> None:
    desk = Desk()
    built, guard = server(desk, local=None)
    app = http_app(built, guard, public_url=BASE)
    headers = {"Authorization": "Bearer token-of-ada"}

    async def human(context: Any, params: Any) -> ElicitResult:  # noqa: ARG001 - the library names them
        return ElicitResult(action="accept", content={"approve": True})

    # An older client is asked in the middle of the call, so this needs a server that streams while it waits.
    async with (
        built.session_manager.run(),
        served(app) as base,
        httpx2.AsyncClient(headers=headers) as http,
        Client(
            streamable_http_client(f"{base}/mcp", http_client=http), elicitation_callback=human, mode=mode
        ) as client,
    ):
        result = await client.call_tool("apply_plan", {"plan_id": "p1"})
    assert not result.is_error
    assert desk.approved == [("p1", "h1", "ada")]


async def test_over_http_progress_arrives() -> None:
    heard: list[str | None] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        heard.append(message)

    async with connected("token-of-ada") as client:
        await client.call_tool("list_pods", {}, progress_callback=listen)
    assert heard == ["reading pods", "counting pods"]


async def test_over_stdio_a_real_process_serves_tools_resources_and_progress() -> None:
    program = StdioServerParameters(
        command=sys.executable, args=["-m", "tests.mcp_server.stdio_program"], cwd=str(ROOT)
    )
    heard: list[str | None] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        heard.append(message)

    async with Client(program) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("list_pods", {}, progress_callback=listen)
        page: Any = (await client.read_resource("firstmate://runbooks/en/oom")).contents[0]
    assert names == ["list_pods", "apply_plan", "undo_plan"]
    assert result.structured_content["summary"] == "1 pod for ada"
    assert heard == ["reading pods", "counting pods"]
    assert page.text == "# oom in en"
