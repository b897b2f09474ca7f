"""Does the right page come first? Measured over the shipped runbooks with the questions of `questions.py`."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from agent.quoting import repair_hit
from core.clock import SystemClock
from core.language import Language
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
            assert "".join(hit.quote.rstrip("…").split()) in "".join(hit.text.split())
            assert len(hit.quote) <= 300


# What the assistant asks after a diagnosis: the fault's id and its words. It leads to the page of that very fault, and there to its repair.
REPAIR = {"en": "repair", "zh": "修复"}
NAMED = re.compile(r"`([a-z_]+)`")
MARK = re.compile(r"^1\. .*[(（]([^()（）]*)[)）]$", re.MULTILINE)


def pages() -> dict[str, list[str]]:
    found = {path.stem: path.read_text("utf-8").split("---\n")[1] for path in sorted(SHIPPED.glob("en/*.md"))}
    return {page: yaml.safe_load(front)["faults"] for page, front in found.items()}


PAGES = pages()


def divided(page: str, language: str) -> dict[str, str]:
    """The part of a page's repair that is meant for each fault, where the page has such parts: their headings, by fault."""
    text = (SHIPPED / language / f"{page}.md").read_text("utf-8")
    parts = re.split(r"^### (.+)$", re.split(r"^## ", text, flags=re.MULTILINE)[4], flags=re.MULTILINE)
    marks = {heading: MARK.search(body) for heading, body in zip(parts[1::2], parts[2::2], strict=True)}
    return {fault: heading for heading, mark in marks.items() if mark for fault in NAMED.findall(mark[1])}


async def cited(base: Knowledge, fault: str, language: Language) -> tuple[str, str]:
    query = f"{fault.replace('_', ' ')} {fault} {REPAIR[language]}"
    hits = (await base.search(query, limit=5, language=language)).hits
    found = [{"page": hit.page, "heading": hit.heading, "text": hit.text} for hit in hits]
    one = found[repair_hit(found, fault)] if found else {"page": "", "heading": ""}
    return one["page"], one["heading"].split(" > ")[-1]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_each_fault_is_told_from_its_own_page(shipped: Knowledge, language: Language) -> None:
    home = {fault: page for page, faults in PAGES.items() for fault in faults}
    told = {fault: (await cited(shipped, fault, language))[0] for fault in home}
    assert {fault: page for fault, page in told.items() if page != home[fault]} == {}


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_where_faults_have_repairs_of_their_own_none_is_told_the_repair_of_another(
    shipped: Knowledge, language: Language
) -> None:
    meant = {fault: heading for page in PAGES for fault, heading in divided(page, language).items()}
    assert len(meant) > 30
    told = {fault: (await cited(shipped, fault, language))[1] for fault in meant}
    assert {fault: told[fault] for fault, heading in meant.items() if told[fault] != heading} == {}


@pytest.mark.parametrize("page", sorted(PAGES))
async def test_a_page_that_divides_its_repair_leaves_no_fault_of_it_without_one(page: str) -> None:
    english, chinese = divided(page, "en"), divided(page, "zh")
    assert english.keys() == chinese.keys()
    assert not english or set(english) == set(PAGES[page])
