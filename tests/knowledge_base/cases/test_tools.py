"""The tools of the lessons: what was seen before, said as a hint; and a lesson told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Forbidden, Invalid
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from knowledge_base.cases.book import CaseBook
from knowledge_base.cases.tools import CaseTools
from tests.knowledge_base.cases.fakes import book_on, database_in, lesson
from tools.spec import Caller, Toolbox

VIEWER, OPERATOR = Caller("eve", "viewer", "test"), Caller("ann", "operator", "test")


@pytest.fixture
async def book(tmp_path: Path, clock: ManualClock) -> AsyncIterator[CaseBook]:
    database = await database_in(tmp_path)
    yield book_on(database, clock)
    await database.close()


@pytest.fixture
def toolbox(book: CaseBook, clock: ManualClock, redactor: Redactor, metrics: Metrics) -> Toolbox:
    return Toolbox(CaseTools(book).all(), clock=clock, redactor=redactor, metrics=metrics)


async def seen(toolbox: Toolbox, language: Language = "en", **asked: Any) -> dict[str, Any]:
    return await toolbox.call("similar_incidents", asked, VIEWER, language)


async def test_what_was_seen_before_is_told_with_cause_fix_length_and_why(book: CaseBook, toolbox: Toolbox) -> None:
    await book.write(lesson(), ended=True)
    told = await seen(
        toolbox, alert="ContainerOOM", namespace="shop", component="cart", logs=["cannot allocate 99 bytes"]
    )
    (case,) = told["data"]["cases"]
    assert (case["id"], case["minutes"], case["state"], case["fault"]) == ("a1", 14, "draft", "oom_killed")
    assert set(case["why"]) == {
        "the same log line “cannot allocate * bytes”",
        "the same component shop/cart",
        "the same alert ContainerOOM",
    }
    said = told["summary"]
    assert said.startswith("Seen before, 1:\n[1] OOM in shop/cart (2026-05-12, not confirmed by anybody): cause: ")
    assert "It took 14 min. Like this by " in said


async def test_shared_words_are_told_as_the_case_has_them(book: CaseBook, toolbox: Toolbox) -> None:
    await book.write(lesson(), ended=True)
    told = await seen(toolbox, text="CONTAINER wants more memory than allowed")
    (reason,) = told["data"]["cases"][0]["why"]
    assert reason.startswith("the same words: ")
    assert {"container", "memory", "more"} <= set(reason.partition(": ")[2].split(", "))


async def test_in_chinese_it_is_told_in_chinese(book: CaseBook, toolbox: Toolbox) -> None:
    await book.write(lesson(), ended=True)
    await book.confirm("a1", "ann")
    told = await seen(toolbox, "zh", alert="ContainerOOM")
    assert told["summary"].startswith(
        "以前见过，1 次：\n[1] shop/cart 的 OOM（2026-05-12）：原因：容器所需内存超过限制。"
    )
    assert told["data"]["cases"][0]["why"] == ["同一告警 ContainerOOM"]


async def test_where_nothing_is_alike_it_says_so(book: CaseBook, toolbox: Toolbox) -> None:
    await book.write(lesson(), ended=True)
    told = await seen(toolbox, alert="CertExpires", text="certificate")
    assert (told["summary"], told["data"]["cases"]) == ("No past case is like this.", [])


async def test_with_nothing_to_compare_it_asks_for_something(toolbox: Toolbox) -> None:
    with pytest.raises(Invalid):
        await seen(toolbox)


@pytest.mark.parametrize("asked", [{"logs": ["x"] * 21}, {"text": "x" * 4_001}, {"limit": 11}, {"fault": "oom_killed"}])
async def test_what_is_too_much_or_unknown_is_refused(toolbox: Toolbox, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await seen(toolbox, **asked)


async def test_a_told_lesson_is_kept_as_the_callers_draft(book: CaseBook, toolbox: Toolbox) -> None:
    told = {
        "title": "DNS after the upgrade",
        "symptom": "lookups time out",
        "fix": "Restart CoreDNS",
        "tags": ["two words"],
    }
    kept = await toolbox.call("remember", {**told, "component": "coredns", "logs": ["i/o timeout 5s"]}, OPERATOR)
    case = await book.get(kept["data"]["id"])
    assert (case.state, case.made_by, case.facts.people) == ("draft", "ann", ["ann"])
    assert (case.body.tags, case.facts.logs) == (["two-words"], ["i/o timeout *"])
    assert kept["summary"] == f"The lesson is kept as the draft {case.id}: DNS after the upgrade"
    found = await seen(toolbox, component="coredns")
    assert found["data"]["cases"][0]["id"] == case.id


async def test_who_may_only_look_may_not_tell(toolbox: Toolbox) -> None:
    with pytest.raises(Forbidden):
        await toolbox.call("remember", {"title": "x", "symptom": "y", "fix": "z"}, VIEWER)
