"""The shipped pages: the same twelve in both languages, complete, and with checks that can be run as they are written."""

import re
from pathlib import Path

import pytest
import yaml

from core.language import detect
from core.redact import Redactor
from knowledge_base.knowledge import SHIPPED
from knowledge_base.parse import Page, parse
from knowledge_base.split import HARD, split

IDS = {
    "incorrect_image_reference",
    "oom_killed",
    "service_selector_mismatch",
    "pod_cpu_overload",
    "application_crash",
    "pending_pod",
    "pvc_pending",
    "node_not_ready",
    "dns_resolution",
    "tls_certificate_expired",
    "database_connections",
    "deployment_rollout_stuck",
}
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
# What each tool that a runbook may name can be asked.
TOOLS = {
    "cluster_overview": {"namespace"},
    "list_objects": {"kind", "namespace", "labels", "name"},
    "get_object": {"kind", "name", "namespace"},
    "read_logs": {"name", "namespace", "container", "previous", "last", "contains", "tail"},
    "query_metrics": {"expr", "last", "start", "end", "step"},
    "diagnose": {"namespace", "name", "since_seconds"},
    "propose_fix": {"namespace", "name", "alert", "fault"},
}
_CALL = re.compile(r"`((?:cluster|list|get|read|query|find|propose|apply|undo|search)_[a-z]+|diagnose)((?: [^`]*)?)`")
_ARGUMENT = re.compile(r"(?:^| )([a-z]+)=")
FILES = sorted(SHIPPED.glob("*/*.md"))


def load(path: Path) -> Page:
    return parse(path.read_bytes(), path.name)


def calls(page: Page) -> list[tuple[str, str]]:
    return [(name, arguments.strip()) for name, arguments in _CALL.findall(page.text)]


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def page(request: pytest.FixtureRequest) -> Page:
    path: Path = request.param
    found = load(path)
    assert (found.id, found.language) == (path.stem, path.parent.name)
    return found


def sections(page: Page) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page.text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_both_languages_have_the_same_twelve_pages() -> None:
    for language in ("en", "zh"):
        assert {path.stem for path in FILES if path.parent.name == language} == IDS


@pytest.mark.parametrize("page_id", sorted(IDS))
def test_a_page_and_its_translation_speak_of_the_same_faults_and_alerts(page_id: str) -> None:
    english, chinese = (load(SHIPPED / language / f"{page_id}.md") for language in ("en", "zh"))
    assert (english.faults, english.alerts) == (chinese.faults, chinese.alerts)
    assert english.faults
    assert english.alerts


@pytest.mark.parametrize("page_id", sorted(IDS))
def test_a_translation_asks_the_same_tools_in_the_same_order(page_id: str) -> None:
    english, chinese = (load(SHIPPED / language / f"{page_id}.md") for language in ("en", "zh"))
    assert [name for name, _ in calls(english)] == [name for name, _ in calls(chinese)]


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
    assert 60 <= page.text.count("\n") <= 120


def test_a_page_is_written_in_its_language(page: Page) -> None:
    assert detect(page.title) == page.language
    assert all(detect(text) == page.language for text in sections(page).values())


def test_the_first_heading_is_the_title(page: Page) -> None:
    assert page.text.startswith(f"# {page.title}\n")


def test_every_tool_call_could_be_made_as_it_is_written(page: Page) -> None:
    for name, arguments in calls(page):
        assert name in TOOLS, name
        given = re.sub(r"expr=.*?(?= last=|$)", "expr=x", arguments)
        assert set(_ARGUMENT.findall(given)) <= TOOLS[name], f"{name} {arguments}"


def test_each_check_can_be_made_with_a_tool_or_a_command(page: Page) -> None:
    checks = re.split(r"^\d+\. ", sections(page)[HEADINGS[page.language][1]], flags=re.MULTILINE)[1:]
    assert len(checks) >= 5
    for check in checks:
        assert "kubectl" in check or _CALL.search(check) or "`openssl" in check or "`systemctl" in check, check


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
