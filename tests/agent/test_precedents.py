"""What was seen before is told beside a diagnosis, as the past and never as a proof."""

from pathlib import Path
from typing import Any

from agent import precedents
from tests.agent.fakes import FINGERPRINT, Estate, House

PAST: dict[str, Any] = {
    "id": "a1",
    "title": "Crash of ledger",
    "state": "draft",
    "at": "2026-05-12T12:00:00+00:00",
    "cause": "A release with a wrong flag.",
    "fix": "Roll back ledger.",
    "minutes": 14,
    "why": ["the same alert PodsNotReady", "the same component orders/ledger"],
}


def remembering(*cases: dict[str, Any]) -> Estate:
    estate = Estate()
    estate.cases = list(cases)
    return estate


async def test_a_diagnosis_tells_what_was_seen_before_with_its_own_mark(tmp_path: Path) -> None:
    async with House(tmp_path, estate=remembering(PAST, {**PAST, "id": "a2"}, {**PAST, "id": "a3"})) as house:
        told = await house.ask("Why does this fire?", alert=FINGERPRINT)
    answer = told.one("answer")
    lines = [line for line in told.text.splitlines() if line.startswith("Seen before")]
    assert len(lines) == 2
    assert lines[0].startswith(
        "Seen before, on 2026-05-12 12:00 UTC, a case that nobody has confirmed: Crash of ledger. "
        "Cause then: A release with a wrong flag. What helped then: Roll back ledger. It took 14 min. "
        "Alike: the same alert PodsNotReady; the same component orders/ledger."
    )
    cited = {each["ref"]: each["id"] for each in answer["evidence"] if each["source"] == "case"}
    assert f"[{cited['cases/a1']}]" in lines[0]
    first = told.text.splitlines()[0]
    assert first.startswith("Most likely cause")
    assert not any(f"[{mark}]" in first for mark in cited.values())
    assert answer["unsupported"] == []


async def test_the_past_is_asked_by_the_alert_and_the_causes_component_and_logs(tmp_path: Path) -> None:
    async with House(tmp_path, estate=remembering()) as house:
        told = await house.ask("Why does this fire?", alert=FINGERPRINT)
        (asked,) = [asked for tool, asked in house.estate.asked if tool == "similar_incidents"]
    assert (asked["alert"], asked["namespace"], asked["component"]) == ("PodsNotReady", "orders", "ledger")
    assert asked["logs"] == ["panic: out of cheese"]
    assert asked["labels"]["deployment"] == "ledger"
    assert "ledger crashes at start" in asked["text"]
    assert "Seen before" not in told.text


async def test_a_confirmed_case_is_told_in_chinese(tmp_path: Path) -> None:
    async with House(tmp_path, estate=remembering({**PAST, "state": "confirmed", "minutes": None})) as house:
        told = await house.ask("为什么会触发这条告警？", alert=FINGERPRINT)
    (line,) = [line for line in told.text.splitlines() if line.startswith("以前见过")]
    assert line.startswith("以前见过（2026-05-12 12:00 UTC）：Crash of ledger。当时的原因：")
    assert "用时" not in line


async def test_cases_that_cannot_be_read_do_not_keep_the_diagnosis_back(tmp_path: Path) -> None:
    async with House(tmp_path, estate=remembering()) as house:
        house.estate.down = {"similar_incidents"}
        told = await house.ask("Why does this fire?", alert=FINGERPRINT)
    assert told.text.startswith("Most likely cause")


def test_without_a_cause_and_an_alert_nothing_is_asked() -> None:
    assert precedents.wanted(None, []) is None


def test_what_is_asked_stays_within_what_the_tool_takes() -> None:
    cause = {
        "component": {"namespace": None, "name": "ledger"},
        "statement": "x" * 9_000,
        "evidence": [{"source": "log", "quote": "y" * 9_000}] * 40,
    }
    labels = {"long": "z" * 300} | {f"l{number}": "v" for number in range(60)}
    alert: Any = {"tool": "get_alert", "ok": True, "data": {"alert": {"name": "A", "labels": labels}}}
    asked = precedents.wanted(cause, [alert])
    assert asked is not None
    assert len(asked["text"]) == 4_000
    assert (len(asked["logs"]), len(asked["logs"][0]), len(asked["labels"])) == (10, 2_000, 40)
    assert "long" not in asked["labels"]
    assert "namespace" not in asked
