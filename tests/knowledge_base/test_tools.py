"""The tool: a summary that can be cited from, and an honest one where there is nothing to cite."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.clock import ManualClock
from core.errors import Invalid
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from knowledge_base.tools import KnowledgeTools
from tests.knowledge_base.fakes import empty_database, knowledge, write_page
from tools.spec import Caller, Toolbox

VIEWER = Caller(name="ann", role="viewer", via="test")


@pytest_asyncio.fixture
async def toolbox(tmp_path: Path, clock: ManualClock, redactor: Redactor, metrics: Metrics) -> AsyncIterator[Toolbox]:
    database = await empty_database(tmp_path)
    shelf = tmp_path / "pages"
    write_page(shelf, "refund.md", "# Refund batch fails\n\n## Repair\n\nReplay the refund batch. Then count it.\n")
    write_page(shelf, "refund-zh.md", "# 退款批次失败\n\n## 修复\n\n重放退款批次。\n", id="refund")
    write_page(shelf, "broken.md", "---\nid: [\n---\nx\n")
    base = knowledge(database, clock, shelf)
    await base.load()
    yield Toolbox(KnowledgeTools(base).all(), clock=clock, redactor=redactor, metrics=metrics)
    await database.close()


async def ask(toolbox: Toolbox, reader: Language = "en", **arguments: Any) -> dict[str, Any]:
    return await toolbox.call("search_knowledge", arguments, VIEWER, reader)


async def test_the_summary_cites_page_heading_and_file(toolbox: Toolbox) -> None:
    result = await ask(toolbox, query="refund batch fails")
    assert result["summary"].splitlines() == [
        "One passage answers “refund batch fails”:",
        "[1] Refund batch fails > Repair (pages/refund.md): Replay the refund batch.",
    ]
    assert result["data"]["hits"][0]["heading"] == "Repair"
    assert result["source"] == [{"system": "knowledge base", "query": "refund batch fails"}]


async def test_a_chinese_question_is_answered_from_the_chinese_page(toolbox: Toolbox) -> None:
    result = await ask(toolbox, "zh", query="退款批次失败")
    assert result["summary"].startswith("“退款批次失败”找到 1 段相关内容：")
    assert result["data"]["hits"][0]["language"] == "zh"


async def test_chinese_letters_want_chinese_pages_whoever_calls(toolbox: Toolbox) -> None:
    result = await ask(toolbox, "en", query="退款批次失败")
    assert result["data"]["hits"][0]["language"] == "zh"


async def test_a_wished_language_is_granted(toolbox: Toolbox) -> None:
    result = await ask(toolbox, "en", query="refund batch fails", language="zh")
    assert result["data"]["hits"][0]["language"] == "zh"


async def test_nothing_found_is_said_with_the_reason_and_with_what_could_not_be_read(toolbox: Toolbox) -> None:
    result = await ask(toolbox, query="sourdough bread")
    assert result["data"]["nothing_found"] is True
    assert result["summary"] == "Nothing found for “sourdough bread”. No page holds any of the words asked for."
    assert [missing["what"] for missing in result["missing"]] == ["pages/broken.md"]


async def test_the_number_of_passages_is_bounded_by_the_limit(toolbox: Toolbox) -> None:
    assert len((await ask(toolbox, query="refund batch", limit=1))["data"]["hits"]) == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": "x" * 5_000}, "query"),
        ({"query": "x", "limit": 0}, "limit"),
        ({"query": "x", "language": "fr"}, "language"),
        ({"query": "x", "page": "y"}, "page"),
        ({}, "query"),
    ],
)
async def test_bad_input_is_refused_by_the_name_of_the_field(
    toolbox: Toolbox, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(toolbox, **arguments)
    assert refused.value.details["field"] == field


def test_searching_needs_no_right_to_change_anything(toolbox: Toolbox) -> None:
    assert [tool.risk for tool in toolbox.all()] == ["read"]
