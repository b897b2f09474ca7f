import json
from typing import Any

import pytest
from mcp import Client, MCPError

from core.clock import ManualClock
from mcp_server.server import annotations, as_text, without_titles
from tests.mcp_server.fakes import CHINESE, NOON, VIC, note, server, text_of


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tool_is_listed_with_schemas_annotations_and_risk(mode: Any) -> None:
    async with Client(server()[0], mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    pods, apply = tools["list_pods"], tools["apply_plan"]
    assert pods.annotations is not None
    assert pods.annotations.read_only_hint
    assert not pods.annotations.destructive_hint
    assert apply.annotations is not None
    assert apply.annotations.destructive_hint
    assert apply.meta == {"risk": "destructive", "timeout": 300}
    assert pods.input_schema["additionalProperties"] is False
    assert pods.output_schema is not None
    assert {"summary", "data", "source", "seen_at", "missing"} <= set(pods.output_schema["properties"])


def test_a_write_is_neither_read_only_nor_destructive() -> None:
    write = annotations("write")
    assert (write.read_only_hint, write.destructive_hint, write.idempotent_hint) == (False, False, False)


def test_generated_titles_are_dropped_and_a_field_called_title_stays() -> None:
    schema = {"title": "Pods", "properties": {"title": {"title": "Title", "type": "string"}}}
    assert without_titles(schema) == {"properties": {"title": {"type": "string"}}}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_answers_with_the_sentence_first_and_the_whole_result_as_structure(mode: Any) -> None:
    async with Client(server()[0], mode=mode) as client:
        result = await client.call_tool("list_pods", {"namespace": "shop"})
    assert result.structured_content["data"]["names"] == ["web-1"]
    assert result.structured_content["source"] == [{"system": "kubernetes", "query": "GET pods"}]
    sentence, _, data = text_of(result).partition("\n")
    assert sentence == "1 pod for ada"
    assert json.loads(data)["data"]["title"] == "pods"


async def test_the_language_of_the_request_decides_the_sentence() -> None:
    async with Client(server()[0]) as client:
        result = await client.call_tool("list_pods", {}, meta=CHINESE)
    assert result.structured_content["summary"] == "ada 的 1 个 Pod"


async def test_progress_reaches_the_caller_in_order() -> None:
    heard: list[tuple[float, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        heard.append((progress, message))

    async with Client(server()[0]) as client:
        await client.call_tool("list_pods", {}, progress_callback=listen)
    assert heard == [(1, "reading pods"), (2, "counting pods")]


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"namespace": "gone"}, "not_found", "There is no namespace gone. Did you mean gate?"),
        ({"namespace": "down"}, "upstream", "The Kubernetes API server refused the connection"),
        ({"colour": "red"}, "invalid", "Unknown field colour."),
        ({"limit": 0}, "invalid", "The field limit is wrong"),
    ],
)
async def test_an_error_of_the_tree_leaves_as_its_sentence(arguments: dict[str, Any], kind: str, sentence: str) -> None:
    async with Client(server()[0]) as client:
        result = await client.call_tool("list_pods", arguments)
    assert result.is_error
    assert text_of(result).startswith(sentence)
    assert result.meta is not None
    assert result.meta["firstmate/error"]["kind"] == kind


async def test_a_bug_in_a_tool_tells_no_detail() -> None:
    async with Client(server()[0]) as client:
        result = await client.call_tool("list_pods", {"namespace": "broken"})
    assert result.is_error
    assert text_of(result) == "Error executing tool list_pods."
    assert "hidden" not in result.model_dump_json()


async def test_an_unknown_tool_is_an_error_with_near_misses() -> None:
    async with Client(server()[0]) as client:
        result = await client.call_tool("list_pod", {})
    assert result.is_error
    assert "Did you mean list_pods" in text_of(result)


async def test_our_agents_signed_note_says_who_asks() -> None:
    async with Client(server(local=None)[0]) as client:
        result = await client.call_tool("list_pods", {}, meta=note(name="eve", role="viewer"))
    assert result.structured_content["summary"] == "1 pod for eve"


@pytest.mark.parametrize(
    "meta",
    [
        {},
        note(key="another-key-entirely"),
        note(expires_in=-1),
        note(role="emperor"),
        {"firstmate/caller": "not-even-a-note"},
        {"firstmate/caller": "%%%.abc"},
    ],
)
async def test_whoever_proves_nothing_calls_no_tool(meta: Any) -> None:
    async with Client(server(local=None)[0]) as client:
        result = await client.call_tool("list_pods", {}, meta=meta)
        assert result.is_error
        with pytest.raises(MCPError):
            await client.read_resource("firstmate://alerts")


async def test_a_note_that_was_good_expires_with_time() -> None:
    clock = ManualClock(NOON)
    async with Client(server(local=None, clock=clock)[0]) as client:
        assert not (await client.call_tool("list_pods", {}, meta=note())).is_error
        await clock.advance(61)
        assert (await client.call_tool("list_pods", {}, meta=note())).is_error


async def test_a_viewer_may_not_apply_and_is_told_which_role_is_missing() -> None:
    async with Client(server(local=VIC)[0]) as client:
        result = await client.call_tool("apply_plan", {"plan_id": "p1"})
    assert result.is_error
    assert "needs the role operator" in text_of(result)


async def test_alerts_and_runbooks_can_be_read_as_resources() -> None:
    async with Client(server()[0]) as client:
        listed = [str(resource.uri) for resource in (await client.list_resources()).resources]
        templates = (await client.list_resource_templates()).resource_templates
        alerts: Any = (await client.read_resource("firstmate://alerts")).contents[0]
        page: Any = (await client.read_resource("firstmate://runbooks/zh/oom")).contents[0]
    assert listed == ["firstmate://alerts", "firstmate://runbooks/en/oom", "firstmate://runbooks/zh/oom"]
    assert templates[0].uri_template == "firstmate://runbooks/{language}/{id}"
    assert json.loads(alerts.text)[0]["name"] == "PodsNotReady"
    assert page.text == "# oom in zh"


@pytest.mark.parametrize("uri", ["firstmate://runbooks/en/missing", "firstmate://plans/1", "file:///etc/passwd"])
async def test_a_resource_that_is_not_there_is_refused_with_a_sentence(uri: str) -> None:
    async with Client(server()[0]) as client:
        with pytest.raises(MCPError, match="There is no"):
            await client.read_resource(uri)


async def test_the_triage_prompt_speaks_both_languages() -> None:
    async with Client(server()[0]) as client:
        english: Any = (await client.get_prompt("triage", {"alert": "f1"})).messages[0].content
        chinese: Any = (await client.get_prompt("triage", {"alert": "f1", "language": "zh"})).messages[0].content
        with pytest.raises(MCPError, match="argument alert"):
            await client.get_prompt("triage", {})
        with pytest.raises(MCPError, match="no prompt"):
            await client.get_prompt("poem", {"alert": "f1"})
    assert english.text.startswith("Triage the alert f1.")
    assert chinese.text.startswith("分诊告警 f1")


def test_a_huge_result_is_cut_in_the_text_and_says_so() -> None:
    text = as_text({"summary": "many", "data": "x" * 100_000})
    assert len(text) < 61_000
    assert text.endswith("(cut; the structured content is whole)")
