"""Does the right page come first? Measured over the shipped runbooks with the questions of `questions.py`."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from core.clock import SystemClock
from knowledge_base.knowledge import SHIPPED, Knowledge
from tests.knowledge_base.fakes import empty_database, knowledge, pages_of
from tests.knowledge_base.questions import CROSSING, SAME_LANGUAGE, UNANSWERABLE, Question

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shipped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Knowledge]:
    folder: Path = tmp_path_factory.mktemp("shipped")
    database = await empty_database(folder)
    base = knowledge(database, SystemClock(), SHIPPED)
    report = await base.load()
    assert report.problems == []
    yield base
    await database.close()


@dataclass
class Score:
    """Shares of questions whose page came first, and came at all; and those that missed, to be read in a failure."""

    first: float
    among_five: float
    missed: list[str]


async def score(base: Knowledge, questions: Sequence[Question]) -> Score:
    first = among = 0
    missed = []
    for question in questions:
        answer = await base.search(question.text, limit=5, language=question.reads)
        pages = pages_of(answer.hits)
        first += any(map(question.answered_by, pages[:1]))
        among += any(map(question.answered_by, pages))
        if not any(map(question.answered_by, pages[:1])):
            missed.append(f"{question.text!r} wants {question.page}, got {pages or answer.reason}")
    return Score(first / len(questions), among / len(questions), missed)


async def test_the_right_page_comes_first_for_most_questions(shipped: Knowledge) -> None:
    found = await score(shipped, SAME_LANGUAGE)
    assert found.first >= 0.80, found.missed
    assert found.among_five >= 0.95, found.missed


@pytest.mark.parametrize("reads", ["en", "zh"])
async def test_neither_language_is_the_poor_cousin(shipped: Knowledge, reads: str) -> None:
    found = await score(shipped, [question for question in SAME_LANGUAGE if question.reads == reads])
    assert found.first >= 0.80, found.missed
    assert found.among_five >= 0.95, found.missed


async def test_a_question_in_one_language_finds_the_page_in_the_other(shipped: Knowledge) -> None:
    found = await score(shipped, CROSSING)
    assert found.first >= 0.80, found.missed
    assert found.among_five >= 0.95, found.missed


async def test_an_answer_is_in_the_language_that_was_asked_for(shipped: Knowledge) -> None:
    for question in [*SAME_LANGUAGE, *CROSSING]:
        answer = await shipped.search(question.text, language=question.reads)
        assert {hit.language for hit in answer.hits} <= {question.reads}, question.text


async def test_without_a_wish_the_language_is_that_of_the_question(shipped: Knowledge) -> None:
    english = await shipped.search("container killed for memory")
    chinese = await shipped.search("容器内存溢出")
    assert {hit.language for hit in english.hits} == {"en"}
    assert {hit.language for hit in chinese.hits} == {"zh"}


@pytest.mark.parametrize("question", UNANSWERABLE, ids=lambda question: question.text)
async def test_what_no_page_answers_is_refused_with_a_reason(shipped: Knowledge, question: Question) -> None:
    answer = await shipped.search(question.text, language=question.reads)
    assert answer.nothing_found, pages_of(answer.hits)
    assert answer.hits == []
    assert answer.reason


async def test_a_pasted_passage_finds_itself(shipped: Knowledge) -> None:
    hits = [(await shipped.search(question.text, language=question.reads)).hits[0] for question in SAME_LANGUAGE[::6]]
    for hit in hits:
        again = (await shipped.search(hit.text, language=hit.language)).hits[0]
        assert (again.page, again.heading) == (hit.page, hit.heading)


async def test_the_same_question_twice_has_the_same_answer(shipped: Knowledge) -> None:
    for question in SAME_LANGUAGE[::9]:
        first = await shipped.search(question.text)
        second = await shipped.search(question.text)
        assert first.hits == second.hits


async def test_one_page_does_not_fill_the_whole_answer(shipped: Knowledge) -> None:
    answer = await shipped.search("pods restart, the limit of memory is reached, exit code 137", limit=5)
    each = Counter(hit.page for hit in answer.hits)
    assert max(each.values()) <= 3
    assert len({hit.text for hit in answer.hits}) == len(answer.hits)


async def test_a_quote_is_a_statement_of_its_passage(shipped: Knowledge) -> None:
    for question in SAME_LANGUAGE[::5]:
        for hit in (await shipped.search(question.text, language=question.reads)).hits:
            assert hit.quote.rstrip("…") in " ".join(hit.text.split())
            assert len(hit.quote) <= 300
