"""The other systems around the product: a model that fails in every way, PostgreSQL and Redis that are really there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import ManualClock
from tests.acceptance import broken
from tests.acceptance.stage import START, product, settings_for
from tests.acceptance.test_outages import OUTAGES
from tests.services import Postgres

QUESTION = "A pod is OOMKilled: what do I check, in order?"


def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**body, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n"


CUT = chunk({"role": "assistant", "content": "Check the"})
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "delete_everything", "arguments": "{not json"}}
NONSENSE = chunk({"tool_calls": [CALL]}, "tool_calls") + "data: [DONE]\n\n"
MODELS = OUTAGES | {
    "answers 429": lambda: broken.answering(429, '{"error": {"message": "slow down"}}'),
    "is cut in mid-stream": lambda: broken.answering(200, CUT, "text/event-stream"),
    "calls tools that do not exist": lambda: broken.answering(200, NONSENSE, "text/event-stream"),
}


def bare(folder: Path, **more: Any) -> Any:
    """Settings with neither Prometheus nor cluster."""
    return settings_for(folder, "", folder / "none", {"prometheus_url": "", "k8s_config_path": "", **more})


async def ask(http: httpx.AsyncClient, question: str) -> dict[str, Any]:
    answer = await http.post("/api/v1/assistant/query", json={"question": question})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.mark.parametrize("failure", MODELS)
async def test_when_the_model_fails_the_planner_answers_and_says_why(failure: str, tmp_path: Path) -> None:
    async with MODELS[failure]() as url:
        settings = bare(tmp_path, llm_base_url=f"{url}/v1", llm_model="some-model", llm_api_key="k", llm_timeout=1.0)
        async with product(settings, ManualClock(START)) as (_, http), asyncio.timeout(30):
            data = await ask(http, QUESTION)
    assert data["state"] == "finished"
    assert data["sources"]
    assert any("some-model" in warning for warning in data["warnings"]), data["warnings"]


async def test_a_model_that_refuses_our_key_is_told_on_the_health_page(tmp_path: Path) -> None:
    async with broken.answering(401, "{}") as url:
        settings = bare(tmp_path, llm_base_url=f"{url}/v1", llm_model="some-model", llm_api_key="wrong-key")
        async with product(settings, ManualClock(START)) as (house, http):
            await house.health.check()
            report = (await http.get("/api/v1/health/components")).json()["data"]
    assert report["status"] == "degraded"
    assert "refuses the key" in report["components"]["llm_service"]["details"]
    assert "wrong-key" not in str(report)


@pytest.mark.real("postgres")
async def test_everything_is_kept_in_postgresql_when_the_settings_say_so(tmp_path: Path, postgres: Postgres) -> None:
    settings = bare(tmp_path, database_url=postgres.url)
    async with product(settings, ManualClock(START)) as (house, http):
        session = (await ask(http, QUESTION))["session_id"]
        token = await house.doorkeeper.add("visitor", "viewer", None)
        await house.health.check()
        assert "postgresql" in house.health.report()["components"]["database"]["details"]
    async with product(settings, ManualClock(START)) as (house, http):
        remembered = (await http.get(f"/api/v1/assistant/session/{session}")).json()["data"]
        assert [message["role"] for message in remembered["messages"]] == ["user", "assistant"]
        assert (await http.get("/api/v1/alerts", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert not (tmp_path / "data" / "firstmate.db").exists()


@pytest.mark.real("redis")
async def test_redis_is_told_on_the_health_page_when_it_is_there_and_when_it_is_gone(
    tmp_path: Path, redis_url: str
) -> None:
    for url, status in ((redis_url, "healthy"), ("redis://127.0.0.1:1/0", "unhealthy")):
        async with product(bare(tmp_path, redis_url=url), ManualClock(START)) as (house, _):
            await house.health.check()
            assert house.health.report()["components"]["redis"]["status"] == status


async def test_a_conversation_and_a_question_survive_a_restart(tmp_path: Path) -> None:
    settings = bare(tmp_path)
    async with product(settings, ManualClock(START)) as (_, http):
        first = await ask(http, QUESTION)
    async with product(settings, ManualClock(START)) as (_, http):
        events = (await http.get(f"/api/v1/assistant/runs/{first['run_id']}/events")).text
        assert "event: run_finished" in events
        assert first["answer"].splitlines()[0][:40] in events


async def test_a_conversation_is_its_owners(tmp_path: Path) -> None:
    async with product(bare(tmp_path), ManualClock(START)) as (house, http):
        mine = await ask(http, QUESTION)
        token = await house.doorkeeper.add("other", "operator", None)
        headers = {"Authorization": f"Bearer {token}"}
        for path in (f"session/{mine['session_id']}", f"runs/{mine['run_id']}", f"runs/{mine['run_id']}/events"):
            assert (await http.get(f"/api/v1/assistant/{path}", headers=headers)).status_code == 403
        intruding = {"question": "and now?", "session_id": mine["session_id"]}
        assert (await http.post("/api/v1/assistant/query", json=intruding, headers=headers)).status_code == 403


async def test_no_more_pages_are_read_than_were_asked_for(tmp_path: Path) -> None:
    async with product(bare(tmp_path), ManualClock(START)) as (_, http):
        for most in (1, 3):
            body = {"question": QUESTION, "mode": "rag", "max_context_docs": most}
            data = (await http.post("/api/v1/assistant/query", json=body)).json()["data"]
            assert 1 <= len({source["file_path"] for source in data["sources"]}) <= most
