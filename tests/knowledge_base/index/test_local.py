"""What the local index hands to a search: the best of every view in each language, and nothing that the filters keep out."""

from collections.abc import Sequence

import numpy as np

from core.language import Language
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Entry, Filters, best_first
from knowledge_base.search import ask, search
from knowledge_base.segment import Segmenter

SEGMENTER = Segmenter()
EMBEDDER = LexicalEmbedder(SEGMENTER)


def entry(page: str, text: str, language: Language = "en", tags: Sequence[str] = ()) -> Entry:
    return Entry(page, page.title(), page.title(), text, language, f"{page}.md", tags=tuple(tags))


def index(*entries: Entry) -> LocalIndex:
    terms = [SEGMENTER.terms(f"{one.title} {one.text}") for one in entries]
    return LocalIndex(entries, terms, EMBEDDER.embed([f"{one.title} {one.text}" for one in entries]))


QUEUE = entry("queue", "The queue is full; the consumers of the broker are slow.", tags=["kafka", "night"])
DISK = entry("disk", "The disk of the node is full; remove old images.", tags=["node", "night"])
DISK_ZH = entry("disk", "节点的磁盘已满，请清理旧镜像。", "zh", tags=["node", "night"])


async def test_a_candidate_comes_with_every_measure() -> None:
    found = await index(QUEUE, DISK, DISK_ZH).candidates(
        ask("old images, full", None, SEGMENTER, EMBEDDER), Filters(), count=10
    )
    disk, queue = found.entries.index(DISK), found.entries.index(QUEUE)
    assert found.keywords[disk] > found.keywords[queue] > 0
    assert found.similarity[disk] > found.similarity[queue]
    assert found.page[disk] == found.passage[disk] == 1.0
    assert 0 < found.page[queue] < 1
    assert found.among == 3


async def test_a_page_answers_for_its_translation() -> None:
    found = await index(DISK, DISK_ZH).candidates(ask("node images", "zh", SEGMENTER, EMBEDDER), Filters(), count=10)
    assert found.page[found.entries.index(DISK_ZH)] > 0


async def test_each_language_has_its_own_best() -> None:
    many = [entry(f"disk-{number}", f"The disk of node {number} is full.") for number in range(20)]
    found = await index(*many, DISK_ZH).candidates(ask("disk full 磁盘", None, SEGMENTER, EMBEDDER), Filters(), count=2)
    assert DISK_ZH in found.entries
    assert 2 <= sum(one.language == "en" for one in found.entries) <= 6


async def test_filters_let_through_what_bears_every_tag_in_the_language() -> None:
    held = index(QUEUE, DISK, DISK_ZH)
    question = ask("full disk 磁盘", None, SEGMENTER, EMBEDDER)
    node = await held.candidates(question, Filters(tags=frozenset({"node", "night"})), count=10)
    chinese = await held.candidates(question, Filters(language="zh", tags=frozenset({"night"})), count=10)
    assert set(node.entries) == {DISK, DISK_ZH}
    assert chinese.entries == (DISK_ZH,)


async def test_filters_that_nothing_passes_are_told_from_a_question_that_nothing_answers() -> None:
    held = index(QUEUE, DISK)
    question = ask("full disk", None, SEGMENTER, EMBEDDER)
    filtered = await search(held, question, 5, SEGMENTER, Filters(tags=frozenset({"nowhere"})))
    unknown = await search(held, ask("zebra", None, SEGMENTER, EMBEDDER), 5, SEGMENTER)
    assert filtered.nothing_found
    assert "filters" in filtered.reason
    assert "filters" not in unknown.reason


async def test_an_empty_index_says_that_it_is_empty() -> None:
    answer = await search(index(), ask("disk", None, SEGMENTER, EMBEDDER), 5, SEGMENTER)
    assert "no pages" in answer.reason


def test_the_best_come_first_and_equals_in_their_order() -> None:
    scores = np.array([0.5, 0.0, 0.9, 0.5, 0.5], np.float32)
    assert list(best_first(scores, 3)) == [2, 0, 3]
    assert list(best_first(np.zeros(4, np.float32), 3)) == []
