"""Answers that are told again: for the same question, the same reader, and pages that have not changed; for nothing else."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.recall import KEEP, Recall, asked
from core.clock import ManualClock
from core.language import Language
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.segment import Segmenter
from tests.agent.fakes import FINGERPRINT, SEGMENTER, House
from tests.evaluation.repeated import score

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
QUESTION = "how do I handle crash loops?"
ANSWER = {"text": "So. [1]", "citations": [{"page": "oom", "language": "en"}]}


class Pages:
    """Two pages whose content can be changed."""

    embedder = "lexical"

    def __init__(self) -> None:
        self.pages = {"oom": "1", "dns": "1"}
        self.best = "oom"
        self.silent = False

    def edition(self) -> str:
        return str(self.pages)

    def digest(self, page: str, language: Language) -> str:  # noqa: ARG002
        return self.pages.get(page, "")

    def vector(self, text: str) -> Any:
        return [] if self.silent else LexicalEmbedder(SEGMENTER).embed([text])[0]

    async def first(self, question: str, language: Language) -> str:  # noqa: ARG002
        return self.best


class Kept:
    def __init__(self, **options: Any) -> None:
        self.pages = Pages()
        self.clock = ManualClock(NOON)
        self.recall = Recall(self.pages, SEGMENTER.units, self.clock, **options)

    async def keep(self, question: str = "how do I fix OOMKilled?", scope: str = "s", **answer: Any) -> bool:
        return await self.recall.keep(question, scope, {**ANSWER, **answer}, self.pages.edition())

    async def has(self, question: str = "how do I fix OOMKilled?", scope: str = "s") -> bool:
        return await self.recall.find(question, scope, "en") is not None


async def test_the_same_question_in_other_words_is_answered_again_and_another_is_not() -> None:
    kept = Kept()
    assert await kept.keep()
    assert await kept.has("How can I fix OOMKilled")
    assert not await kept.has("how do I prevent OOMKilled?")
    assert not await kept.has("how do I fix OOMKilled?", scope="another")


async def test_a_page_that_changes_or_goes_takes_its_answers_with_it_and_another_page_does_not() -> None:
    for change, stays in (({"oom": "2"}, False), ({"oom": ""}, False), ({"dns": "2"}, True), ({"new": "1"}, True)):
        kept = Kept()
        await kept.keep()
        kept.pages.pages |= change
        assert await kept.has() is stays


async def test_a_new_page_that_answers_better_ends_an_answer() -> None:
    kept = Kept()
    await kept.keep()
    kept.pages.pages["new"], kept.pages.best = "1", "new"
    assert not await kept.has()
    assert kept.recall.stats()["outdated"] == 1


async def test_an_answer_is_told_again_for_some_hours_and_never_past_its_pages_date() -> None:
    kept = Kept()
    await kept.keep()
    await kept.keep("how do I fix DNS?", citations=[{"page": "dns", "language": "en", "valid_until": "2026-03-02"}])
    await kept.clock.advance((KEEP - timedelta(seconds=1)).total_seconds())
    assert await kept.has()
    assert await kept.has("how do I fix DNS?")
    await kept.clock.advance(1)
    assert not await kept.has()
    late = Kept(keep=timedelta(days=2))
    await late.keep("how do I fix DNS?", citations=[{"page": "dns", "language": "en", "valid_until": "2026-03-02"}])
    await late.clock.advance(12 * 3600)
    assert not await late.has("how do I fix DNS?")


async def test_what_cites_no_page_or_a_page_that_changed_meanwhile_is_not_kept() -> None:
    kept = Kept()
    assert not await kept.keep(citations=[])
    assert not await kept.keep(citations=[{"page": "gone", "language": "en"}])
    assert not await kept.recall.keep("q", "s", ANSWER, "an earlier edition")
    kept.pages.silent = True
    assert not await kept.keep()


async def test_the_oldest_answers_give_way() -> None:
    kept = Kept(most=2)
    for name in ("cart-a", "cart-b", "cart-c"):
        await kept.keep(f"how do I fix {name}?")
    assert not await kept.has("how do I fix cart-a?")
    assert await kept.has("how do I fix cart-c?")
    assert kept.recall.stats()["entries"] == 2


async def test_answers_are_forgotten_by_their_words() -> None:
    kept = Kept()
    await kept.keep()
    await kept.keep("how do I fix DNS?")
    assert kept.recall.clear("oom") == 1
    assert kept.recall.clear("*dns?") == 1
    await kept.keep()
    assert kept.recall.clear() == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("restart the cart service", "restart the payment service"),
        ("the node is ready", "the node is not ready"),
        ("exit code 137", "exit code 139"),
        ("raise the limit", "lower the limit"),
        ("fix orders-db", "fix users-db"),
        ("存活探针失败怎么办", "就绪探针失败怎么办"),
    ],
)
def test_what_tells_two_questions_apart_keeps_them_apart(one: str, other: str) -> None:
    units = Segmenter().units
    assert asked(one, units) != asked(other, units)


def test_pairs_that_only_look_alike_are_not_taken_for_the_same() -> None:
    found = score()
    assert found.other >= 60
    assert found.false <= 0.02
    assert found.found >= 0.75


# through the whole agent -----------------------------------------------------------------------------------------------------------


async def test_the_second_asker_is_told_the_same_at_once_and_when_it_was_said(tmp_path: Path) -> None:
    async with House(tmp_path, clock=ManualClock(NOON)) as house:
        first = await house.ask(QUESTION)
        again = await house.ask("How should I handle crash loops")
    assert house.estate.names() == ["search_knowledge"]
    assert again.text.startswith(first.text)
    assert "(Answered before, at 2026-03-02 12:00 UTC, for “how do I handle crash loops?”" in again.text
    assert again.one("answer")["cached"] == {"question": QUESTION, "made_at": NOON.isoformat()}
    assert again.one("answer")["citations"] == first.one("answer")["citations"]
    assert {data["id"] for data in again.all("evidence")} == {"e1", "e2"}
    assert "".join(data["text"] for data in again.all("token")) == again.text


async def test_a_changed_page_is_read_again(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.ask(QUESTION)
        house.estate.page = "Look at the exit code. It tells more than the log."
        again = await house.ask(QUESTION)
    assert house.estate.names() == ["search_knowledge", "search_knowledge"]
    assert "cached" not in again.one("answer")


Ask = Callable[[House], Awaitable[Any]]


@pytest.mark.parametrize(
    "other",
    [
        lambda house: house.ask(QUESTION, role="viewer"),
        lambda house: house.ask(QUESTION, mode="rag"),
        lambda house: house.ask(QUESTION, language="zh"),
        lambda house: house.ask(QUESTION, max_docs=2),
        lambda house: house.ask(QUESTION, alert=FINGERPRINT),
        lambda house: house.ask("how do I handle crash loops of it?"),
    ],
    ids=["role", "mode", "language", "pages", "alert", "pronoun"],
)
async def test_another_role_mode_language_or_context_asks_anew(tmp_path: Path, other: Ask) -> None:
    async with House(tmp_path) as house:
        await house.ask(QUESTION)
        before = len(house.estate.names())
        await other(house)
        assert len(house.estate.names()) > before


async def test_what_was_read_of_the_live_estate_or_found_no_page_is_never_kept(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        for question in ("list the pods in orders", "why is ledger failing in orders?", "how do I change the weather?"):
            await house.ask(question)
            before = len(house.estate.names())
            await house.ask(question)
            assert len(house.estate.names()) > before
        assert house.agent.recall.stats()["entries"] == 0
