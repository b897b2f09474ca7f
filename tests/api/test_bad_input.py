"""Nonsense at every door: an error that names the field, never a traceback, never a 500."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect

from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for

QUERY = "/api/v1/assistant/query"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as pair:
        yield pair


@pytest.fixture
def http(opened: tuple[House, httpx.AsyncClient]) -> httpx.AsyncClient:
    return opened[1]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (QUERY, {"question": "hi", "colour": "red"}, "colour"),
        (QUERY, {"question": 7}, "question"),
        (QUERY, {"question": ""}, "question"),
        (QUERY, {}, "question"),
        (QUERY, {"question": "x" * 1_000_000}, "question"),
        (QUERY, {"question": "hi", "mode": "telepathy"}, "mode"),
        (QUERY, {"question": "hi", "mode": 9}, "mode"),
        (QUERY, {"question": "hi", "session_id": "../../etc/passwd"}, "session_id"),
        (QUERY, {"question": "hi", "max_context_docs": 10_000}, "max_context_docs"),
        ("/api/v1/tools/list_objects", {"kind": "Pod", "colour": "red"}, "colour"),
        ("/api/v1/tools/list_objects", {"kind": ["Pod"]}, "kind"),
        ("/api/v1/tools/query_metrics", {"expr": "x" * 20_000}, "expr"),
        ("/api/v1/tools/query_metrics", {}, "expr"),
        ("/api/v1/tools/apply_plan", {"plan_id": "nope"}, "plan_hash"),
        ("/api/v1/autofix/plans/nope/approve", {"hash": "short"}, "hash"),
        ("/api/v1/alerts/xyz/acknowledge", {}, "fingerprint"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_by_the_name_of_its_field(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], named: str
) -> None:
    answer = await http.post(path, json=body)
    shown = answer.json()
    assert answer.status_code == 422, shown
    assert shown["code"] != 0
    assert named in shown["message"]
    assert len(answer.text) < 3_000
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/tools/no_such_tool", 404),
        ("GET", "/api/v1/alerts/0123456789abcdef", 404),
        ("GET", "/api/v1/autofix/plans/nope", 404),
        ("GET", "/api/v1/assistant/runs/nope", 404),
        ("GET", "/api/v1/assistant/session/nope", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("DELETE", "/api/v1/alerts", 405),
        ("GET", "/api/v1/alerts?limit=100000", 422),
        ("GET", "/api/v1/alerts?state=angry", 422),
    ],
)
async def test_what_is_not_there_is_said_not_to_be(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] != 0
    assert answer.json()["request_id"]


async def test_a_near_miss_of_a_tools_name_is_offered(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/tools/list_object", json={})
    assert "list_objects" in answer.json()["message"]


@pytest.mark.parametrize(
    "path", ["/api/v1/alerts", "/api/v1/tools", "/api/v1/assistant/info", "/api/v1/autofix/plans", "/mcp"]
)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic YWRtaW46YWRtaW4=", "Bearer"])
async def test_no_door_opens_without_a_token(
    opened: tuple[House, httpx.AsyncClient], path: str, header: str | None
) -> None:
    async with httpx.AsyncClient(base_url=opened[1].base_url) as stranger:
        answer = await stranger.request(
            "POST" if path == "/mcp" else "GET", path, headers={"Authorization": header} if header else {}
        )
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


async def test_a_viewer_may_read_and_not_decide(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, http = opened
    token = await house.doorkeeper.add("visitor", "viewer", None)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await http.get("/api/v1/alerts", headers=headers)).status_code == 200
    verdict = await http.post("/api/v1/autofix/plans/any/approve", json={"hash": "0" * 16}, headers=headers)
    applied = await http.post(
        "/api/v1/tools/apply_plan", json={"plan_id": "any", "plan_hash": "0" * 16}, headers=headers
    )
    assert (verdict.status_code, applied.status_code) == (403, 403)
    assert "operator" in verdict.json()["message"]


async def socket(opened: tuple[House, httpx.AsyncClient], *, token: str | None = None) -> ClientConnection:
    house, http = opened
    url = str(http.base_url).replace("http", "ws") + "/api/v1/assistant/stream"
    return await connect(url, additional_headers={"Authorization": f"Bearer {token or house.admin_token}"})


async def test_a_message_that_is_not_json_is_answered_and_the_connection_stays(
    opened: tuple[House, httpx.AsyncClient],
) -> None:
    async with await socket(opened) as talk:
        assert orjson.loads(await talk.recv())["type"] == "ready"
        nonsense: list[tuple[str | bytes, str]] = [
            ("{not json", "message"),
            ("[1, 2]", "message"),
            ('{"type": "dance", "data": {}}', "type"),
            ('{"type": ["x"], "data": {}}', "type"),
            (b"\x00\x01", "message"),
            ('{"type": "query"}', "data"),
            ('{"type": "query", "data": {"query": "hi", "colour": 1}}', "colour"),
            ('{"type": "decision", "data": {"run_id": "x"}}', "plan_id"),
            ('{"type": "resume", "data": {"run_id": "nope"}}', "nope"),
        ]
        for message, named in nonsense:
            await talk.send(message)
            said = orjson.loads(await talk.recv())
            assert said["type"] == "error"
            assert named in orjson.dumps(said["data"]).decode()
        await talk.send('{"type": "ping"}')
        assert orjson.loads(await talk.recv())["type"] == "pong"


async def test_a_question_over_the_socket_is_answered_with_the_runs_events(
    opened: tuple[House, httpx.AsyncClient],
) -> None:
    async with await socket(opened) as talk:
        await talk.recv()
        await talk.send(
            orjson.dumps(
                {"type": "query", "data": {"query": "How do I debug an ImagePullBackOff?", "session_id": "s-1"}}
            ).decode()
        )
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != "run_finished":
            events.append(orjson.loads(await talk.recv()))
    assert [event["seq"] for event in events] == sorted({event["seq"] for event in events})
    assert {"run_started", "routed", "answer", "run_finished"} <= {event["type"] for event in events}


async def test_a_browser_may_send_its_token_first(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, http = opened
    url = str(http.base_url).replace("http", "ws") + "/api/v1/assistant/stream"
    async with connect(url) as talk:
        await talk.send(orjson.dumps({"type": "auth", "data": {"token": house.admin_token}}).decode())
        assert orjson.loads(await talk.recv())["data"]["role"] == "admin"


async def test_a_socket_without_a_token_is_closed_with_a_reason(opened: tuple[House, httpx.AsyncClient]) -> None:
    async with await socket(opened, token="wrong") as talk:
        assert orjson.loads(await talk.recv())["type"] == "error"
        with pytest.raises(Exception, match="4401"):
            await talk.recv()
