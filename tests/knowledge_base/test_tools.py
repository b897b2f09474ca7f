"""The tool: a summary that can be cited from, and an honest one where there is nothing to cite."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.clock import ManualClock
from core.errors import Invalid, NotFound
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from knowledge_base.tools import KnowledgeTools, _repair_of
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
    assert {tool.risk for tool in toolbox.all()} == {"read"}


CHECKS = """---
id: {id}
faults: [{faults}]
---
# Refund queue

## First checks in order

1. **Who works?** `get_object kind=Deployment name=<name> namespace=<ns>`
   Ready is not enough.
2. **Where.** `get_object kind=Node name=<node>`
   kubectl: `kubectl describe node <node>`
   Its pressure.

## Repair

1. **Start {id} again.** Then count.

## Verification

- `read_logs name=<workload> namespace=<ns>` is calm.
"""


@pytest_asyncio.fixture
async def checked(tmp_path: Path, clock: ManualClock, redactor: Redactor, metrics: Metrics) -> AsyncIterator[Toolbox]:
    database = await empty_database(tmp_path)
    shelf = tmp_path / "pages"
    shelf.mkdir()
    (shelf / "a.md").write_text(CHECKS.format(id="queue", faults="queue_stuck, worker_lost"), "utf-8")
    (shelf / "b.md").write_text(CHECKS.format(id="worker", faults="worker_lost"), "utf-8")
    (shelf / "c.md").write_text("# Notes\n\nNothing to run.\n", "utf-8")
    base = knowledge(database, clock, shelf)
    await base.load()
    yield Toolbox(KnowledgeTools(base).all(), clock=clock, redactor=redactor, metrics=metrics)
    await database.close()


async def steps(toolbox: Toolbox, **arguments: Any) -> dict[str, Any]:
    return await toolbox.call("runbook_checks", arguments, VIEWER)


async def test_a_runbook_s_checks_come_filled_for_one_workload(checked: Toolbox) -> None:
    result = await steps(checked, page="queue", namespace="shop", name="refunds", values={"node": "n1"})
    assert result["summary"].splitlines() == [
        "queue has 2 checks; 2 can be run as they are:",
        "1. Who works? get_object kind=Deployment name=refunds namespace=shop",
        "2. Where: get_object kind=Node name=n1",
    ]
    first, second, proof = result["data"]["checks"]
    asked = {"kind": "Deployment", "name": "refunds", "namespace": "shop"}
    assert first["calls"] == [{"tool": "get_object", "arguments": asked}]
    assert second["commands"] == ["kubectl describe node n1"]
    assert proof["calls"][0]["arguments"] == {"name": "refunds", "namespace": "shop"}
    assert result["data"]["open"] == []


async def test_what_is_still_to_be_named_is_said(checked: Toolbox) -> None:
    result = await steps(checked, page="queue", namespace="shop")
    assert result["summary"].splitlines()[0] == "queue has 2 checks; 0 can be run as they are:"
    assert result["summary"].splitlines()[-1] == "Still to be named: <name>, <node>, <workload>."
    assert result["data"]["checks"][1]["open"] == ["node"]


async def test_a_fault_leads_to_the_page_that_is_most_about_it(checked: Toolbox) -> None:
    assert (await steps(checked, page="queue_stuck"))["data"]["page"] == "queue"
    assert (await steps(checked, page="worker_lost"))["data"]["page"] == "worker"


async def test_a_page_without_checks_says_so(checked: Toolbox) -> None:
    assert (await steps(checked, page="c"))["summary"] == "c names no check that could be run."


async def test_an_unknown_page_or_placeholder_is_named_with_what_is_near(checked: Toolbox) -> None:
    with pytest.raises(NotFound, match="queeu"):
        await steps(checked, page="queeu")
    with pytest.raises(Invalid, match="<nod>; it has: node"):
        await steps(checked, page="queue", values={"nod": "n1"})


async def test_nothing_but_names_gets_into_a_command(checked: Toolbox) -> None:
    with pytest.raises(Invalid, match="not the name of an object"):
        await steps(checked, page="queue", values={"node": "n1; reboot"})
    with pytest.raises(Invalid, match="not the name of an object"):
        await steps(checked, page="queue", namespace='x"} or {a="')


async def test_a_hit_says_when_its_page_was_written_down_and_the_whole_page_comes_when_asked_for(
    toolbox: Toolbox,
) -> None:
    brief = (await ask(toolbox, query="refund batch fails"))["data"]
    whole = (await ask(toolbox, query="refund batch fails", whole=True))["data"]
    assert brief["hits"][0]["updated_at"]
    assert brief["sections"] == []
    assert whole["sections"] == [{"heading": "Repair", "text": "Replay the refund batch. Then count it."}]
    assert (whole["pages"], whole["passages"]) == (2, 2)


async def test_where_nothing_answers_the_nearest_page_is_named_once_in_the_readers_language(toolbox: Toolbox) -> None:
    found = (await ask(toolbox, "zh", query="退款政策的法律依据和适用范围是什么", language="zh"))["data"]
    assert found["hits"] == []
    assert [(near["page"], near["language"]) for near in found["nearest"]] == [("refund", "zh")]


async def test_a_search_says_how_many_checks_its_best_page_has(checked: Toolbox) -> None:
    found = await checked.call("search_knowledge", {"query": "refund queue pressure"}, VIEWER)
    assert found["data"]["checks"] == {"page": found["data"]["hits"][0]["page"], "count": 2}
    plain = await checked.call("search_knowledge", {"query": "notes nothing to run"}, VIEWER)
    assert (plain["data"]["hits"][0]["page"], plain["data"]["checks"]) == ("c", None)


async def test_a_diagnosed_fault_leads_to_the_repair_of_its_page_whatever_the_words(checked: Toolbox) -> None:
    asked = {"query": "queue notes of the node's pressure", "fault": "worker_lost", "limit": 2}
    found = await checked.call("search_knowledge", asked, VIEWER)
    best, second = found["data"]["hits"]
    assert (best["page"], best["heading"], best["quote"]) == (
        "worker",
        "Repair",
        "1. **Start worker again.** Then count.",
    )
    assert (second["page"], second["heading"]) != ("worker", "Repair")
    assert found["summary"].splitlines()[1].startswith("[1] Refund queue > Repair (pages/b.md)")


def test_of_several_repairs_the_one_that_names_the_fault_is_taken() -> None:
    sections = [("Symptom", "s"), ("Repair", "r"), ("Repair > Repair: threads (worker_lost)", "w")]
    assert _repair_of("worker_lost", sections)[1] == "w"
    assert _repair_of("worker", sections)[1] == "r"
    assert _repair_of("worker", sections[:1])[1] == "s"


async def test_a_page_of_a_fault_is_found_where_the_words_find_nothing(checked: Toolbox) -> None:
    found = await checked.call("search_knowledge", {"query": "zzz", "fault": "queue_stuck", "language": "zh"}, VIEWER)
    assert [(hit["page"], hit["language"]) for hit in found["data"]["hits"]] == [("queue", "en")]
    assert not found["data"]["nothing_found"]


async def test_a_fault_without_a_page_changes_nothing(checked: Toolbox) -> None:
    plain = await checked.call("search_knowledge", {"query": "refund queue"}, VIEWER)
    named = await checked.call("search_knowledge", {"query": "refund queue", "fault": "unheard_of"}, VIEWER)
    assert plain["data"]["hits"] == named["data"]["hits"]


async def test_a_hit_says_until_when_its_page_holds(
    tmp_path: Path, clock: ManualClock, redactor: Redactor, metrics: Metrics
) -> None:
    database = await empty_database(tmp_path)
    write_page(
        tmp_path / "pages", "old.md", "# Refund batch fails\n\nReplay the refund batch.\n", valid_until="2020-01-31"
    )
    base = knowledge(database, clock, tmp_path / "pages")
    await base.load()
    box = Toolbox(KnowledgeTools(base).all(), clock=clock, redactor=redactor, metrics=metrics)
    assert (await ask(box, query="refund batch fails"))["data"]["hits"][0]["valid_until"] == "2020-01-31"
    await database.close()


@pytest.mark.parametrize("written", ["node=n1 name=refunds", "node=n1,name=refunds", {"node": "n1", "name": "refunds"}])
async def test_placeholders_can_be_given_on_a_command_line(checked: Toolbox, written: object) -> None:
    result = await steps(checked, page="queue", values=written)
    assert result["data"]["checks"][1]["commands"] == ["kubectl describe node n1"]
    with pytest.raises(Invalid, match="pod=NAME"):
        await steps(checked, page="queue", values="n1")
