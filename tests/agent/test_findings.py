"""How what was found is said: the most important first, in readable words, one statement a line."""

import re
from pathlib import Path
from typing import Any

import pytest

from agent.envelope import clip
from agent.quoting import brief, repair_hit
from agent.terms import moment, term
from agent.wording import row_lines
from tests.agent.fakes import FINGERPRINT, House

CART = {"kind": "Deployment", "namespace": "orders", "name": "ledger"}
CHECKS = "Deployment orders/ledger is ready; the alert no longer holds"
PLAN: dict[str, Any] = {
    "verify": [{"sentence": "Deployment orders/ledger is ready"}, {"sentence": "the alert no longer holds"}],
    "undo": [{"action": "set back"}],
}


async def lines_of(folder: Path, question: str) -> list[str]:
    async with House(folder) as house:
        house.estate.plan = PLAN
        told = await house.ask(question, alert=FINGERPRINT)
    assert told.one("answer")["unsupported"] == []
    return [re.sub(r" ?\[e\d+\]", "", line) for line in told.text.splitlines()]


async def test_a_first_answer_says_cause_evidence_alert_repair_what_approval_does_page_and_gaps(tmp_path: Path) -> None:
    assert await lines_of(tmp_path, "Explain this alert and propose a repair") == [
        "Most likely cause (87%): ledger crashes at start with exit code 2",
        "Evidence: logs orders/ledger-5d8f-x2x9q says “panic: out of cheese”",
        "Alert PodsNotReady (critical) is firing since 2026-03-02 12:00 UTC: ledger has pods that are not ready",
        "Proposed repair (low risk): Roll back ledger. ledger starts again",
        "Nothing has been changed: the repair is waiting for your approval until 2026-03-02 12:30 UTC.",
        f"On approval it is carried out and verified ({CHECKS}); if it does not help, it is taken back.",
        "Runbook “Crash loops” > Causes: Read the previous log first.",
        "Not read: metrics of orders: Prometheus refused the connection. What helps: check PROMETHEUS_URL.",
    ]


async def test_a_chinese_answer_has_no_machine_words(tmp_path: Path) -> None:
    text = "\n".join(await lines_of(tmp_path, "解释这条告警并修复"))
    assert "告警 PodsNotReady（严重）正在触发，自 2026-03-02 12:00 UTC 起：" in text
    assert "建议的修复（风险：低）：Roll back ledger。" in text
    assert "修复正在等待你的批准" in text
    assert not re.search(r"\b(?:firing|critical|low|medium|succeeded|proposed)\b", text)


async def test_the_outcome_is_said_once_with_each_check_on_its_line(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        asked = await house.ask("Fix ledger in orders")
        house.estate.approved.add("h1")
        house.estate.ends_as = ("succeeded", "It helped: ✓ ledger is ready; ✓ the alert no longer holds")
        await house.agent.decide(asked.run_id, True, by="bob")
        told = await house.follow(asked.run_id, after=asked.events[-1]["seq"])
    assert [re.sub(r" ?\[e\d+\]", "", line) for line in told.text.splitlines()] == [
        "Roll back ledger: done and verified. Approved by bob.",
        "It helped:",
        "- ✓ ledger is ready",
        "- ✓ the alert no longer holds",
    ]
    assert all(re.search(r"\[e\d+\]$", line) for line in told.text.splitlines())


async def test_the_runbook_is_asked_for_by_the_fault_and_not_by_the_statement(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.ask("why is ledger failing in orders?")
        await house.ask("orders 里的 ledger 为什么失败？")
        queries = [asked["query"] for tool, asked in house.estate.asked if tool == "search_knowledge"]
    assert queries == ["application crash application_crash repair", "application crash application_crash 修复"]


@pytest.mark.parametrize(
    ("pages", "chosen"),
    [
        ([("other", "Repair"), ("oom_killed", "Symptom"), ("oom_killed", "Repair")], 2),
        ([("other", "Symptom"), ("other", "修复"), ("third", "Repair")], 1),
        ([("other", "Symptom"), ("third", "Repair")], 0),
        ([], 0),
    ],
)
def test_of_the_passages_the_faults_own_page_and_its_section_about_repair_is_cited(
    pages: list[tuple[str, str]], chosen: int
) -> None:
    assert repair_hit([{"page": page, "heading": heading} for page, heading in pages], "oom_killed") == chosen


def test_of_several_repairs_on_one_page_the_one_that_names_the_fault_is_cited() -> None:
    hits = [
        {"page": "cpu", "heading": "Repair > Repair: a neighbour", "text": "Move it. `noisy_neighbour`"},
        {
            "page": "cpu",
            "heading": "Repair > Repair: the limit",
            "text": "Raise it. The diagnosis calls it `cpu_throttled`.",
        },
    ]
    assert [repair_hit(hits, fault) for fault in ("cpu_throttled", "noisy_neighbour", "cpu")] == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "1. **Scale out.**\n   `propose_fix namespace=<ns> name=<deployment>`\n   The plan adds\n   replicas. Wait.",
            "Scale out. The plan adds replicas.",
        ),
        ("Run `kubectl -n <ns> undo deployment/<name>`, then look.", "Run `kubectl -n orders undo deployment/ledger`, then look."),
        ("Delete <pod> by hand. It comes back.\n\n- Drain the node.", "Drain the node."),
        ("先回滚，再找原因。\n`propose_fix name=<name>` 方案恢复到上一个版本。第三句。", "先回滚，再找原因。方案恢复到上一个版本。"),
        ("`kubectl -n <ns> get pods`", ""),
        ("| a | b |\n| c | d |", ""),
        ("See `half a", ""),
    ],
)  # fmt: skip
def test_a_page_is_quoted_in_whole_sentences_about_this_object(text: str, said: str) -> None:
    assert brief(text, CART) == said


UNDO = "It began with a rollout: `kubectl -n <ns> rollout undo deployment/<name>`. It is quick.\n\nRaise the limit."


def test_where_no_release_is_to_blame_no_page_tells_to_take_one_back() -> None:
    assert brief(UNDO, CART, may_undo=False) == "Raise the limit."
    assert "rollout undo deployment/ledger" in brief(UNDO, CART)


def test_a_node_fills_the_blanks_of_a_node_and_never_those_of_a_deployment() -> None:
    node = {"kind": "Node", "name": "worker-2"}
    text = "Keep new pods away: `kubectl cordon <node>`.\n\nScale `deployment/<name>` down.\n\nReplace the machine."
    assert brief(text, node) == "Keep new pods away: `kubectl cordon worker-2`. Replace the machine."
    assert "<node>" not in brief(text, CART)
    policy = {"kind": "NetworkPolicy", "namespace": "shop", "name": "closed"}
    text = "Save it first: `kubectl -n <ns> get networkpolicy <policy>`.\n\nPoint `<service>` elsewhere."
    assert brief(text, policy) == "Save it first: `kubectl -n shop get networkpolicy closed`."


@pytest.mark.parametrize(
    ("question", "care"),
    [
        ("Is ledger healthy? Diagnose ledger and fix it.", "rollout history"),
        ("诊断 ledger 并修复", "先看 `kubectl rollout history`"),
    ],
)
async def test_an_undo_is_quoted_only_for_a_bad_release_and_with_what_to_read_first(
    tmp_path: Path, question: str, care: str
) -> None:
    async with House(tmp_path) as house:
        house.estate.page = UNDO
        spared = await house.ask(question)
        house.estate.remedies = ["rollback_rollout"]
        careful = await house.ask(question)
    assert "Raise the limit." in spared.text
    assert "rollout undo" not in spared.text
    assert "rollout undo deployment/ledger" in careful.text
    assert care in careful.text
    assert careful.one("answer")["unsupported"] == []


def test_a_quote_is_short_however_long_the_page() -> None:
    assert len(brief("This sentence is one of very many. " * 100, CART)) < 320


@pytest.mark.parametrize(
    ("word", "english", "chinese"),
    [("firing", "firing", "正在触发"), ("medium", "medium", "中"), ("succeeded", "done and verified", "已完成并通过验证"),
     ("superseded", "void, because things changed meanwhile", "已作废（情况已变化）"),
     ("CrashLoopBackOff", "CrashLoopBackOff", "CrashLoopBackOff")],
)  # fmt: skip
def test_machine_words_are_said_in_the_readers_language(word: str, english: str, chinese: str) -> None:
    assert (term(word, "en"), term(word, "zh")) == (english, chinese)


def test_rows_speak_the_readers_language() -> None:
    row = {"name": "PodsNotReady", "severity": "critical", "state": "firing"}
    assert row_lines({"alerts": [row]}, "zh") == ["- PodsNotReady: 严重, 正在触发"]


def test_times_are_told_to_the_minute() -> None:
    assert moment("2026-03-02T09:02:24.655599Z") == "2026-03-02 09:02 UTC"
    assert moment("soon") == "soon"


def test_what_is_cut_ends_at_a_word_with_an_ellipsis() -> None:
    assert clip("one two  three\nfour", 100) == "one two three four"
    assert clip("one two three four", 14) == "one two three…"
    assert len(clip("字" * 200, 50)) == 50


MARKED = """1. **Taint:** tolerate it. (`taint_toleration_mismatch`)
   Ask first.
2. **Cordon:** uncordon the node. (`node_cordon_mismatch`, `node_unreachable`)
3. **Any:** look at `status` first.
"""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("taint_toleration_mismatch", "Taint: tolerate it. Ask first."),
        ("node_cordon_mismatch", "Cordon: uncordon the node."),
        ("node_unreachable", "Cordon: uncordon the node."),
        ("host_port_conflict", "Taint: tolerate it. Ask first."),
        ("", "Taint: tolerate it. Ask first."),
    ],
)
def test_of_a_page_about_several_faults_the_diagnosed_one_s_repair_is_said(fault: str, said: str) -> None:
    assert brief(MARKED, CART, fault=fault) == said


def test_a_chinese_page_marks_its_repairs_too_and_a_setting_in_brackets_is_no_mark() -> None:
    page = "1. **污点：** 加容忍。（`node_x`）\n2. **封锁：** 先问人，再解除节点的封锁。（`node_cordon_mismatch`）\n"
    assert brief(page, CART, fault="node_cordon_mismatch") == "封锁：先问人，再解除节点的封锁。"
    assert brief("Raise the limit (`max_connections`) now.", CART) == "Raise the limit (`max_connections`) now."
