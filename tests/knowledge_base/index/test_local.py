"""The local index: what it hands to a search, and that a changed store costs the change and gives what building anew gives."""

import random

import numpy as np

from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Candidates, Filters, best_first
from tests.knowledge_base.index.fakes import Document, document, hold, question

QUEUE = document("queue", "The queue is full; the consumers of the broker are slow.", tags=["kafka", "night"])
DISK = document("disk", "The disk of the node is full; remove old images.", tags=["node", "night"])
DISK_ZH = document("disk", "节点的磁盘已满，请清理旧镜像。", language="zh", tags=["node", "night"])
ALL = Filters()


async def index(*documents: Document) -> LocalIndex:
    made = LocalIndex()
    await hold(made, *documents)
    return made


def measures(found: Candidates) -> list[tuple[str, int, list[float]]]:
    figures = zip(found.keywords, found.similarity, found.passage, found.page, strict=True)
    return [
        (one.document, one.position, [round(float(value), 5) for value in row])
        for one, row in zip(found.entries, figures, strict=True)
    ]


async def test_a_candidate_comes_with_every_measure() -> None:
    found = await (await index(QUEUE, DISK, DISK_ZH)).candidates(question("old images, full"), ALL, 10)
    at = {one.document: place for place, one in enumerate(found.entries)}
    assert found.keywords[at["disk-en"]] > found.keywords[at["queue-en"]] > 0
    assert found.similarity[at["disk-en"]] > found.similarity[at["queue-en"]]
    assert found.page[at["disk-en"]] == found.passage[at["disk-en"]] == 1.0
    assert 0 < found.page[at["queue-en"]] < 1


async def test_vectors_of_another_embedder_are_like_nothing_and_words_are_found() -> None:
    other = Document("disk", DISK.texts, compared=False)
    found = await (await index(QUEUE, other)).candidates(question("old images"), ALL, 10)
    place = [one.document for one in found.entries].index("disk-en")
    assert found.similarity[place] == 0
    assert found.keywords[place] > 0


async def test_a_question_without_a_vector_is_answered_by_words() -> None:
    asked = question("old images")
    mute = type(asked)(asked.text, asked.language, asked.units, np.zeros(0, np.float32))
    found = await (await index(QUEUE, DISK)).candidates(mute, ALL, 10)
    assert [one.document for one in found.entries] == ["disk-en"]


async def test_only_what_changed_is_read_again() -> None:
    made = await index(QUEUE, DISK, DISK_ZH)
    changed = document("disk", "The disk is full of logs.")
    assert await hold(made, QUEUE, changed, DISK_ZH) == ["disk-en"]
    assert await hold(made, QUEUE, changed) == []
    assert len(made) == 2


async def test_a_store_that_changed_many_times_answers_as_one_built_anew() -> None:
    dice = random.Random(4)
    words = [f"{word}{number}" for word in ("disk", "queue", "probe", "quota") for number in range(12)]

    def written(page: int) -> Document:
        texts = tuple(" ".join(dice.sample(words, 6)) for _ in range(dice.randint(1, 4)))
        return Document(f"page-{page:02}", texts, dice.choice(("en", "zh")))

    made, documents = LocalIndex(), {page: written(page) for page in range(20)}
    for _ in range(8):
        documents |= {page: written(page) for page in dice.sample(range(30), 5)}
        del documents[dice.choice(list(documents))]
        shown = [documents[page] for page in sorted(documents)]
        await hold(made, *shown)
        asked = question(" ".join(dice.sample(words, 4)))
        fresh = await (await index(*shown)).candidates(asked, ALL, 5)
        assert measures(await made.candidates(asked, ALL, 5)) == measures(fresh)


async def test_words_that_no_page_holds_any_more_are_let_go_of() -> None:
    made = LocalIndex()
    for number in range(8):
        text = " ".join(f"{chr(97 + number)}word{place}" for place in range(50))
        await hold(made, document("page", text), DISK)
    assert len(made._state.postings.vocabulary) < 300  # of 460 that ever stood there
    found = await made.candidates(question("hword7"), ALL, 5)
    assert [one.page for one, score in zip(found.entries, found.keywords, strict=True) if score] == ["page"]
    assert (await made.candidates(question("dword7"), ALL, 5)).keywords.sum() == 0


async def test_a_search_that_began_before_a_change_ends_on_what_it_began_with() -> None:
    made = await index(QUEUE)
    before = made._state
    await hold(made, DISK)
    assert [one.page for one in before.find(question("queue full"), ALL, 5).entries] == ["queue"]
    assert [one.page for one in made._state.find(question("disk full"), ALL, 5).entries] == ["disk"]


def test_the_best_come_first_and_equals_in_their_order() -> None:
    scores = np.array([0.5, 0.0, 0.9, 0.5, 0.5], np.float32)
    assert list(best_first(scores, 3)) == [2, 0, 3]
    assert list(best_first(np.zeros(4, np.float32), 3)) == []
