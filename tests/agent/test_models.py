from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agent.envelope import question_of
from agent.models import PLANNER, Models, Voice, build
from core.metrics import Metrics
from tests.agent.loopback_model import Endpoint
from tests.mcp_server.loopback import served

SCHEMA = {"type": "object", "properties": {"kind": {}}}
TOOL = {"type": "function", "function": {"name": "list_objects", "description": "", "parameters": SCHEMA}}


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, kind: str, data: dict[str, Any]) -> None:
        self.heard.append((kind, data))

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [data for heard, data in self.heard if heard == kind]


def chain(base: str, *names: str, timeout: float = 5.0) -> Models:
    return build(
        base_url=f"{base}/v1", api_key="k", model=names[0], fallbacks=names[1:], timeout=timeout, metrics=Metrics()
    )


async def ask(models: Models, tools: Any = (), **options: Any) -> tuple[AIMessage, Ear]:
    ear = Ear()
    reply = await Voice(models, "en", ear).say(
        [HumanMessage(question_of("pods in orders"))], tools=tools, aloud=True, **options
    )
    return reply, ear


async def test_a_good_model_streams_its_words_and_its_usage_is_counted() -> None:
    endpoint = Endpoint("All is well.")
    async with served(endpoint.app) as base:
        models = chain(base, "good")
        reply, ear = await ask(models)
    assert str(reply.text).strip() == "All is well."
    assert [data["text"] for data in ear.all("token")] == ["All ", "is ", "well. "]
    assert ear.all("usage") == [{"model": "good", "input_tokens": 11, "output_tokens": 5}]
    assert models.metrics.model_tokens.labels("good", "input")._value.get() == 11
    assert ear.all("warning") == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("500", "answered 500"),
        ("429", "answered 429"),
        ("401", "answered 401"),
        ("cut", "was cut off in the middle"),
        ("empty", "answered nothing"),
        ("html", "failed ("),
        ("unknown-tool", "drop_everything"),
        ("bad-json", "bad JSON"),
    ],
)
async def test_a_model_that_fails_gives_way_to_the_next_and_says_so(bad: str, said: str) -> None:
    endpoint = Endpoint("Second opinion.")
    async with served(endpoint.app) as base:
        reply, ear = await ask(chain(base, bad, "good"), tools=[TOOL])
    assert str(reply.text).strip() == "Second opinion."
    warning = ear.all("warning")[0]
    assert said in warning["message"]
    assert warning["message"].endswith("good answers instead.")
    assert endpoint.models == [bad, "good"]


@pytest.mark.parametrize("bad", ["hang", "stuck"])
async def test_a_model_that_hangs_is_left_at_its_timeout(bad: str) -> None:
    endpoint = Endpoint("Second opinion.")
    async with served(endpoint.app) as base:
        _, ear = await ask(chain(base, bad, "good", timeout=0.3))
    assert "did not answer within" in ear.all("warning")[0]["message"]


async def test_when_every_model_fails_the_planner_answers_and_says_so() -> None:
    async with served(Endpoint().app) as base:
        reply, ear = await ask(chain(base, "500", "429"), tools=[TOOL])
    assert [call["name"] for call in reply.tool_calls] == ["list_objects"]
    assert [data["model"] for data in ear.all("warning")] == ["500", "429"]
    assert "the offline planner answers instead" in ear.all("warning")[1]["message"]


async def test_an_endpoint_that_refuses_is_said_to_be_unreachable() -> None:
    _, ear = await ask(chain("http://127.0.0.1:9", "gone"), tools=[TOOL])
    assert "could not be reached" in ear.all("warning")[0]["message"]


async def test_a_model_that_failed_is_not_asked_again_in_the_same_run() -> None:
    endpoint = Endpoint("One.", "Two.")
    async with served(endpoint.app) as base:
        voice = Voice(chain(base, "500", "good"), "zh", Ear())
        for _ in range(2):
            await voice.say([HumanMessage("x")])
    assert endpoint.models == ["500", "good", "good"]
    assert not voice.offline


async def test_a_reply_that_the_caller_cannot_use_counts_as_nonsense() -> None:
    endpoint = Endpoint("Not what was wanted.", "Good.")
    async with served(endpoint.app) as base:
        reply, ear = await ask(chain(base, "a", "b"), judge=lambda said: "" if "Good" in said.text else "no route")
    assert str(reply.text).strip() == "Good."
    assert "no route" in ear.all("warning")[0]["message"]


async def test_the_key_travels_in_the_header_and_retries_are_ours() -> None:
    endpoint = Endpoint()
    async with served(endpoint.app) as base:
        await ask(chain(base, "500"))
    assert endpoint.models == ["500"]
    assert endpoint.asked[0]["stream"] is True
    assert endpoint.asked[0]["stream_options"] == {"include_usage": True}


def test_without_an_endpoint_the_planner_is_the_model() -> None:
    models = build(base_url="", api_key="", model="", metrics=Metrics())
    assert models.names == [PLANNER]
    assert models.offline


def test_the_chain_names_each_model_once_and_ends_with_the_planner() -> None:
    models = build(base_url="http://x/v1", api_key="", model="a", fallbacks=["b", "a"], metrics=Metrics())
    assert models.names == ["a", "b", PLANNER]
    assert not models.offline
