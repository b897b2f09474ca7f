import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from agent.hands import Hands
from core.clock import ManualClock, SystemClock
from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Upstream
from core.secrets import sign
from mcp_server.server import http_app
from tests.agent.fakes import KEY, Estate, hands_for
from tests.mcp_server.fakes import NOON, server
from tests.mcp_server.loopback import served


def note(role: str = "operator") -> str:
    expires = (SystemClock().now() + timedelta(minutes=1)).isoformat()
    return sign(KEY, {"name": "ada", "role": role, "via": "agent", "expires": expires})


@asynccontextmanager
async def hands(estate: Estate) -> AsyncIterator[Hands]:
    opened = hands_for(estate, SystemClock())
    await opened.start()
    yield opened
    await opened.close()


async def call(opened: Hands, tool: str, role: str = "operator", **arguments: Any) -> dict[str, Any]:
    return await opened.call(tool, arguments, caller_token=note(role), language="zh")


async def test_tools_are_known_with_risk_and_timeout() -> None:
    async with hands(Estate()) as opened:
        known = await opened.tools()
    assert known["apply_plan"].risk == "destructive"
    assert known["apply_plan"].timeout == 300
    assert "namespace" in known["list_objects"].properties()


async def test_a_call_is_made_in_the_callers_name_and_language() -> None:
    estate = Estate()
    async with hands(estate) as opened:
        result = await call(opened, "cluster_overview")
    assert estate.calls == [("cluster_overview", "ada", "operator")]
    assert result["summary"].startswith("2 个命名空间")


@pytest.mark.parametrize(
    ("tool", "arguments", "error", "sentence"),
    [
        ("get_object", {"kind": "Pod", "name": "x"}, NotFound, "Did you mean ledger?"),
        ("get_object", {"kind": "Pod", "name": "x", "colour": 1}, Invalid, "Unknown field colour"),
        ("no_such_tool", {}, NotFound, "There is no tool"),
    ],
)
async def test_a_refusal_comes_back_as_the_error_it_was(
    tool: str, arguments: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    async with hands(Estate()) as opened:
        with pytest.raises(error, match=sentence):
            await call(opened, tool, **arguments)


async def test_a_system_that_failed_is_named_and_may_be_tried_again() -> None:
    estate = Estate()
    estate.down = {"query_metrics"}
    async with hands(estate) as opened:
        with pytest.raises(Upstream) as caught:
            await call(opened, "query_metrics", expr="up")
    assert (caught.value.system, caught.value.retryable) == ("Prometheus", True)
    assert caught.value.sentence == "Prometheus refused the connection"


async def test_a_role_that_may_not_is_forbidden_and_a_forged_note_is_nobody() -> None:
    async with hands(Estate()) as opened:
        with pytest.raises(Forbidden):
            await call(opened, "propose_fix", role="viewer", namespace="orders")
        with pytest.raises(Unauthenticated):
            await opened.call("cluster_overview", {}, caller_token="forged", language="en")


async def test_a_server_that_is_not_there_is_said_within_the_timeout() -> None:
    async def make(stack: AsyncExitStack) -> Client:
        http = await stack.enter_async_context(httpx2.AsyncClient())
        return Client(streamable_http_client("http://127.0.0.1:9/mcp", http_client=http))

    opened = Hands(make, timeout=0.2)
    await opened.start()
    with pytest.raises(Upstream, match="is not reachable"):
        await opened.tools()
    assert opened.state.startswith("down")
    await opened.close()


async def test_the_connection_comes_back_after_the_server_did() -> None:
    """The trap: a transport that dies cancels the task that entered it; the owner survives and connects again."""
    addresses: list[str] = []

    async def make(stack: AsyncExitStack) -> Client:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers={"Authorization": "Bearer token-of-ada"}))
        return Client(streamable_http_client(f"{addresses[-1]}/mcp", http_client=http))

    opened = Hands(make, timeout=60)
    async with web() as address:
        addresses.append(address)
        await opened.start()
        assert "list_pods" in await opened.tools()
        first = await opened.call("list_pods", {}, caller_token=pods_note(), language="en")
    with pytest.raises(Upstream):
        async with asyncio.timeout(30):
            await opened.call("list_pods", {}, caller_token=pods_note(), language="en")
    async with web() as address:
        addresses.append(address)
        second = await _until_it_works(opened)
        await opened.close()
    assert first["summary"] == second["summary"]


async def _until_it_works(opened: Hands) -> dict[str, Any]:
    for _ in range(20):
        try:
            return await opened.call("list_pods", {}, caller_token=pods_note(), language="en")
        except Upstream:
            await asyncio.sleep(0.05)
    raise AssertionError(f"never came back: {opened.state}")


@asynccontextmanager
async def web() -> AsyncIterator[str]:
    built, guard = server(local=None, clock=ManualClock(NOON))
    app = http_app(built, guard, public_url="http://127.0.0.1:8000")
    async with built.session_manager.run(), served(app) as base:
        yield base


def pods_note() -> str:
    expires = (NOON + timedelta(minutes=1)).isoformat()
    return sign(KEY, {"name": "ada", "role": "operator", "via": "agent", "expires": expires})


async def test_closing_twice_or_before_starting_is_no_error() -> None:
    opened = hands_for(Estate(), SystemClock())
    await opened.close()
    await opened.close()
