"""The shipped pages: the same in both languages, complete, one for each fault of the catalogue, and with checks that can be run as they
are written."""

import re
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from alerts.tools import AlertTools
from core.language import detect
from core.redact import Redactor
from knowledge_base.checks import Call, Check, call_in, checks, filled
from knowledge_base.knowledge import SHIPPED
from knowledge_base.parse import Page, parse
from knowledge_base.split import HARD, split
from knowledge_base.tools import KnowledgeTools
from tools.catalog import Services, catalog
from tools.clients.promql import parse as promql
from tools.engines.catalogue import FAULTS
from tools.spec import AnyTool
from tools.spec import parse as parse_input

HEADINGS = {
    "en": [
        "Symptom",
        "First checks in order",
        "Causes and how to tell them apart",
        "Repair",
        "Verification",
        "Prevention",
    ],
    "zh": ["症状", "按顺序检查", "原因与区分", "修复", "验证", "预防"],
}
FILES = sorted(SHIPPED.glob("*/*.md"))
IDS = sorted({path.stem for path in FILES})


def load(path: Path) -> Page:
    return parse(path.read_bytes(), path.name)


def front(page_id: str, language: str = "en") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SHIPPED / language / f"{page_id}.md").read_text("utf-8").split("---\n")[1])
    return found


def calls(page: Page) -> list[Call]:
    spans = re.findall(r"`([^`\n]+)`", page.text)
    return [call for call in map(call_in, spans) if call]


@pytest.fixture(scope="module")
def tools() -> dict[str, AnyTool]:
    any_thing: Any = MagicMock()  # only what the tools are called and asked is looked at
    services = Services(any_thing, any_thing, any_thing, any_thing, any_thing)
    declared = [*catalog(services), *AlertTools(any_thing).all(), *KnowledgeTools(any_thing).all()]
    return {tool.name: tool for tool in declared}


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def page(request: pytest.FixtureRequest) -> Page:
    path: Path = request.param
    found = load(path)
    assert (found.id, found.language) == (path.stem, path.parent.name)
    return found


def sections(page: Page) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page.text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("page_id", IDS)
def test_a_page_and_its_translation_speak_of_the_same_faults_and_alerts(page_id: str) -> None:
    english, chinese = front(page_id), front(page_id, "zh")
    for key in ("id", "faults", "related", "alerts"):
        assert english.get(key) == chinese.get(key), key
    assert english["alerts"]
    assert english["faults"] or english["related"]


@pytest.mark.parametrize("page_id", IDS)
def test_a_translation_has_the_same_checks_with_the_same_calls_and_commands(page_id: str) -> None:
    english, chinese = (checks(load(SHIPPED / language / f"{page_id}.md").text) for language in ("en", "zh"))
    assert [asked(check) for check in english] == [asked(check) for check in chinese]


def asked(check: Check) -> tuple[object, ...]:
    return (check.section, check.number, *map(str, check.calls), *check.commands)


@pytest.mark.parametrize("page_id", IDS)
def test_a_translation_names_the_same_tools_in_the_same_order(page_id: str) -> None:
    english, chinese = (load(SHIPPED / language / f"{page_id}.md") for language in ("en", "zh"))
    assert [call.tool for call in calls(english)] == [call.tool for call in calls(chinese)]


def test_each_fault_of_the_catalogue_has_one_page_and_no_more() -> None:
    named = Counter(fault for page_id in IDS for fault in front(page_id)["faults"])
    assert sorted(set(FAULTS) - set(named)) == []
    assert [fault for fault, pages in named.items() if pages > 1] == []


def test_each_fault_of_a_page_about_several_has_a_repair_of_its_own_and_the_same_in_both_languages() -> None:
    for page_id in IDS:
        faults = front(page_id)["faults"]
        english, chinese = (_marked(load(SHIPPED / language / f"{page_id}.md")) for language in ("en", "zh"))
        assert english == chinese, page_id
        assert len(faults) < 2 or set(faults) <= set().union(*(found for _, found in english)), page_id


def _marked(page: Page) -> list[tuple[str, set[str]]]:
    """The items among the repairs, in order with their numbers, that say which faults they are for."""
    repair = sections(page)[HEADINGS[page.language][3]]
    items = re.findall(r"^(\d+)\. .*[（(](`[a-z_`, 、]+`)[）)]$", repair, re.MULTILINE)
    return [(number, set(re.findall(r"[a-z_]+", named)) & set(FAULTS)) for number, named in items]


def test_pages_name_no_fault_that_the_catalogue_lacks() -> None:
    for page_id in IDS:
        found = front(page_id)
        own, related = set(found["faults"]), set(found.get("related", []))
        assert (own | related) - set(FAULTS) == set(), page_id
        assert own & related == set(), page_id


def test_every_shipped_alert_that_names_a_runbook_is_named_by_it() -> None:
    files = (Path(__file__).parents[2] / "alerts" / "rules").glob("*.yaml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    named = {rule["alert"]: rule["annotations"].get("runbook") for group in groups for rule in group["rules"]}
    for alert, runbook in named.items():
        if runbook:
            assert alert in load(SHIPPED / "en" / f"{runbook}.md").alerts, f"{alert} names {runbook}"


def test_a_page_has_every_section_in_order_and_none_is_a_stub(page: Page) -> None:
    assert list(sections(page)) == HEADINGS[page.language]
    assert all(len(text) > 90 for text in sections(page).values())
    assert 50 <= page.text.count("\n") <= 120


def test_a_page_is_written_in_its_language(page: Page) -> None:
    assert detect(page.title) == page.language
    prose = [re.sub(r"`[^`\n]+`", "", text) for text in sections(page).values()]
    assert all(detect(text) == page.language for text in prose)


def test_the_first_heading_is_the_title(page: Page) -> None:
    assert page.text.startswith(f"# {page.title}\n")


def test_every_tool_call_could_be_made_as_it_is_written(page: Page, tools: dict[str, AnyTool]) -> None:
    for call in calls(page):
        assert call.tool in tools, call
        assert set(call.arguments) <= set(tools[call.tool].input.model_fields), call


def test_every_check_is_accepted_by_its_tool_once_its_placeholders_are_filled(
    page: Page, tools: dict[str, AnyTool]
) -> None:
    for check in checks(page.text):
        whole = filled(check, dict.fromkeys(check.placeholders, "x1"))
        assert whole.placeholders == ()
        for call in whole.calls:
            assert tools[call.tool].risk == "read", call
            parse_input(tools[call.tool].input, dict(call.arguments))
            if "expr" in call.arguments:
                promql(call.arguments["expr"])


def test_each_check_can_be_made_with_a_tool_or_a_command(page: Page) -> None:
    numbered = re.findall(r"^\d+\. ", sections(page)[HEADINGS[page.language][1]], flags=re.MULTILINE)
    found = [check for check in checks(page.text) if check.section == "check"]
    assert len(numbered) >= 5
    assert [check.number for check in found] == list(range(1, len(numbered) + 1))
    assert all(check.title and check.meaning for check in found)
    assert sum(bool(check.calls) for check in found) >= 4


def test_the_repair_says_what_firstmate_itself_proposes(page: Page) -> None:
    assert "propose_fix" in sections(page)[HEADINGS[page.language][3]]


def test_the_checks_end_in_a_verdict_or_a_log_and_the_proof_is_measurable(page: Page) -> None:
    proof = sections(page)[HEADINGS[page.language][4]]
    assert "query_metrics" in proof or "kubectl" in proof


def test_nothing_in_a_page_looks_like_a_secret(page: Page) -> None:
    assert Redactor("a-key-for-tests-only").text(page.text) == page.text


def test_no_passage_of_a_page_is_too_long_to_be_read(page: Page) -> None:
    pieces = split(page.text)
    assert len(pieces) >= 6
    assert max(len(piece.text) for piece in pieces) <= HARD
