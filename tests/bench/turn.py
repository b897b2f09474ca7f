"""What the agent itself adds to a turn: routing, graph, checkpoints, events, rows and its MCP client, with tools that answer at once.

Every tool is the real declaration; its first answer to a question is kept and given again, so that a turn is asked of the cluster once and
of memory from then on. The offline planner thinks, and its thinking is counted; a language model's time would come on top.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel

from agent.recall import Recall
from agent.run import Agent
from api.doors import McpApprovals, McpResources, agent_for
from api.wiring import House, build
from core.clock import ManualClock, SystemClock
from core.config import Settings
from mcp_server import server as mcp_server
from tests.acceptance.stage import settings_for, simulated_world
from tests.bench.table import Line, spread
from tools.spec import AnyTool, Context, Toolbox, ToolResult

ROUNDS = 40
KEY = "k" * 40
FAULT_SECONDS = 240
QUESTIONS = {
    "knowledge": "What should I do when a container is OOMKilled?",
    "operator": "List the pods in namespace {namespace}",
    "diagnosis": "What is wrong in namespace {namespace}?",
}


async def measure() -> list[Line]:
    async with _agent() as (agent, namespace):
        lines = [await _line(agent, route, text.format(namespace=namespace)) for route, text in QUESTIONS.items()]
        return [*lines, await _told_again(agent)]


async def _told_again(agent: Agent) -> Line:
    """An answer from pages that was given before: the whole turn, and finding it alone."""
    question = QUESTIONS["knowledge"]
    took = [(await _turn(agent, question))[2] for _ in range(ROUNDS)]
    found = await _found_among_many(agent)
    how = f"no tool called, {ROUNDS} turns; finding it among 200 alone: {spread(found, 0.5, 0.95)}"
    return Line("an answer told again, the whole turn", "50 ms at p95", spread(took, 0.5, 0.95), how)


async def _found_among_many(agent: Agent) -> list[float]:
    known, question = agent.recall, QUESTIONS["knowledge"]
    recall = Recall(known._library, known._units, SystemClock())
    kept = next(iter(known._kept.values()))
    for number in range(200):
        await recall.keep(f"{question} in shop-{number}", "bench", kept.answer, recall.edition())
    await recall.keep(question, "bench", kept.answer, recall.edition())
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        if await recall.find(question, "bench", "en") is None:
            raise RuntimeError("an answer that was kept is not found")
        took.append(time.perf_counter() - began)
    return took


async def _line(agent: Agent, route: str, question: str) -> Line:
    taken, calls, _ = await _turn(agent, question)
    if taken != route:
        raise RuntimeError(f"{question!r} went the road of {taken}, not of {route}")
    took = [await _afresh(agent, question) for _ in range(ROUNDS)]
    how = f"offline planner, {calls} tool calls answered from memory over in-process MCP, {ROUNDS} turns"
    return Line(f"agent's own overhead, {route}", "50 ms at p95", spread(took, 0.5, 0.95), how)


async def _afresh(agent: Agent, question: str) -> float:
    agent.recall.clear()
    return (await _turn(agent, question))[2]


async def _turn(agent: Agent, question: str) -> tuple[str, int, float]:
    """The road it took, its tool calls, and the seconds from the question to the last event."""
    began = time.perf_counter()
    run = await agent.ask(question, caller_name="bench", caller_role="operator")
    events = [event async for event in agent.events(run.id)]
    took = time.perf_counter() - began
    await agent.idle()
    ended = events[-1].data.get("state")
    if ended == "failed":
        raise RuntimeError(f"{question!r} failed: {[event.data for event in events if event.type == 'error']}")
    route = next(str(event.data["route"]) for event in events if event.type == "routed")
    return route, sum(1 for event in events if event.type == "tool_finished"), took


@asynccontextmanager
async def _agent() -> AsyncIterator[tuple[Agent, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with simulated_world(folder / "kubeconfig") as world:
            now, namespace = await _with_a_fault(world)
            settings = settings_for(folder, world, folder / "kubeconfig", {"secret_key": KEY})
            async with build(settings, ManualClock(now)) as house:
                agent = _over_memory(house, settings.model_copy(update={"data_dir": folder / "agent"}))
                await agent.start()
                yield agent, namespace
                await agent.close()


async def _with_a_fault(world: str) -> tuple[datetime, str]:
    async with httpx.AsyncClient(base_url=world, timeout=60) as http:
        injected = (await http.post("/-/faults", json={})).raise_for_status().json()
        moved = (await http.post("/-/clock", json={"advance": FAULT_SECONDS})).raise_for_status().json()
        return datetime.fromisoformat(moved["now"]), str(injected["target"]["namespace"])


def _over_memory(house: House, settings: Settings) -> Agent:
    kept: dict[tuple[str, str], ToolResult[Any]] = {}
    toolbox = Toolbox(
        [_remembering(tool, kept) for tool in house.toolbox.all()],
        clock=house.clock,
        redactor=house.redactor,
        metrics=house.metrics,
    )
    server = mcp_server.build(
        toolbox=toolbox,
        resources=McpResources(house.desk, house.knowledge, house.redactor),
        approvals=McpApprovals(house.repairs),
        guard=house.guard,
    )
    return agent_for(settings, server, house.database, house.clock, house.metrics, house.redactor, KEY, house.knowledge)


def _remembering(tool: AnyTool, kept: dict[tuple[str, str], ToolResult[Any]]) -> AnyTool:
    async def handler(context: Context, asked: BaseModel) -> ToolResult[Any]:
        key = (tool.name, asked.model_dump_json())
        if key not in kept:
            kept[key] = await tool.handler(context, asked)
        await asyncio.sleep(0)
        return kept[key]

    return replace(tool, handler=handler)
