"""What a search makes of the figures that an index names: languages, the floor, pasted text, another's ranking, and what it shows."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.language import Language
from knowledge_base.index.port import Candidates, Entry, Question
from knowledge_base.search import SearchAnswer, Standing, answered
from knowledge_base.segment import Segmenter

TEXT = "Drain the machine, replace the disk, and only then let the pods return to it."


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def page(name: str, text: str = TEXT, language: Language = "en", heading: str = "Repair") -> Entry:
    return Entry(name, name.title(), heading, text, language, f"{language}/{name}.md")


def found(*entries: Entry, page: Sequence[float], technical: bool = True) -> Candidates:
    """Candidates that every view puts in the order of their coverage."""
    figures = np.array(page, np.float32)
    return Candidates(entries, figures, figures, figures, figures, np.full(len(entries), technical), len(entries))


def asked(text: str, segmenter: Segmenter, language: Language = "en") -> Question:
    return Question(text, language, tuple(segmenter.units(text)), np.zeros(0, np.float32))


def names(answer: SearchAnswer) -> list[str]:
    return [f"{hit.language}/{hit.page}" for hit in answer.hits]


def test_a_page_of_the_other_language_competes_where_it_is_the_only_one(segmenter: Segmenter) -> None:
    candidates = found(page("disk", language="zh"), page("node"), page=[0.9, 0.6])
    assert names(answered(candidates, asked("disk", segmenter), 5, segmenter)) == ["zh/disk", "en/node"]


def test_a_translation_is_not_shown_beside_the_page_in_the_readers_language(segmenter: Segmenter) -> None:
    candidates = found(page("disk", language="zh"), page("disk"), page=[0.9, 0.6])
    assert names(answered(candidates, asked("disk", segmenter), 5, segmenter)) == ["en/disk"]


def test_nor_where_the_page_in_the_readers_language_is_no_candidate(segmenter: Segmenter) -> None:
    candidates = found(page("disk", language="zh"), page("node"), page=[0.9, 0.6])
    standing = Standing(exists=lambda name, _: name == "disk")
    both = answered(candidates, asked("disk", segmenter), 5, segmenter, standing=standing)
    assert names(both) == ["en/node"]


@pytest.mark.parametrize(("coverage", "technical", "told"), [(0.4, True, 1), (0.4, False, 0), (0.3, True, 0)])
def test_below_the_floor_nothing_is_found_and_plain_words_have_to_cover_more(
    segmenter: Segmenter, coverage: float, technical: bool, told: int
) -> None:
    candidates = found(page("disk"), page=[coverage], technical=technical)
    answer = answered(candidates, asked("disk", segmenter), 5, segmenter)
    assert (len(answer.hits), answer.nothing_found, bool(answer.reason)) == (told, not told, not told)


def test_beside_a_page_that_answers_a_lesser_one_is_shown(segmenter: Segmenter) -> None:
    candidates = found(page("disk"), page("node"), page("dns"), page=[0.5, 0.3, 0.1])
    assert names(answered(candidates, asked("disk", segmenter), 5, segmenter)) == ["en/disk", "en/node"]


def test_text_pasted_from_a_page_leads_however_it_is_wrapped_and_whatever_else_ranks_higher(
    segmenter: Segmenter,
) -> None:
    candidates = found(page("node", "Something else."), page("disk"), page=[0.9, 0.05])
    answer = answered(candidates, asked(TEXT.replace(", ", ",\n  "), segmenter), 5, segmenter)
    assert names(answer)[0] == "en/disk"
    first = answer.hits[0].measured
    assert first is not None
    assert first.pasted


def test_a_page_pasted_whole_leads_to_the_passages_that_it_holds(segmenter: Segmenter) -> None:
    candidates = found(page("node", "Something else."), page("disk"), page=[0.9, 0.05])
    whole = asked(f"# Disks\n\n{TEXT}\n\nAnd more.", segmenter)
    assert names(answered(candidates, whole, 5, segmenter))[0] == "en/disk"


def test_a_few_words_of_a_page_are_a_question_and_no_paste(segmenter: Segmenter) -> None:
    candidates = found(page("node", "Something else."), page("disk"), page=[0.9, 0.4])
    assert names(answered(candidates, asked("replace the disk", segmenter), 5, segmenter))[0] == "en/node"


def test_a_message_that_page_and_translation_quote_is_shown_in_the_readers_language(segmenter: Segmenter) -> None:
    candidates = found(page("disk", language="zh"), page("disk"), page=[0.9, 0.6])
    assert names(answered(candidates, asked(TEXT, segmenter), 5, segmenter)) == ["en/disk"]


def test_a_reranker_orders_what_passed_the_floor_and_nothing_else(segmenter: Segmenter) -> None:
    candidates = found(page("disk"), page("node"), page("dns", "Last."), page=[0.9, 0.8, 0.01])
    seen: list[str] = []

    def later_is_better(_: str, texts: Sequence[str]) -> Sequence[float]:
        seen.extend(texts)
        return [float(place) for place, _ in enumerate(texts)]

    answer = answered(candidates, asked("disk", segmenter), 5, segmenter, rerank=later_is_better)
    assert names(answer) == ["en/node", "en/disk"]
    assert len(seen) == 2
    assert answer.hits[0].score >= answer.hits[1].score


def test_one_page_gives_at_most_half_of_the_answer(segmenter: Segmenter) -> None:
    passages = [page("disk", heading=f"Part {part}") for part in range(8)]
    candidates = found(*passages, page("node"), page=[0.9] * 8 + [0.8])
    assert names(answered(candidates, asked("disk", segmenter), 4, segmenter)) == ["en/disk", "en/disk", "en/node"]


def test_a_hit_says_what_it_was_ranked_by_and_where_the_question_stands_in_its_quote(segmenter: Segmenter) -> None:
    hit = answered(found(page("disk"), page=[0.5]), asked("replace disks", segmenter), 5, segmenter).hits[0]
    assert [hit.quote[begin:end] for begin, end in hit.marks] == ["replace", "disk"]
    assert hit.measured is not None
    assert (hit.measured.keyword, hit.measured.coverage, hit.measured.pasted) == (0.5, 0.5, False)


def test_a_page_that_no_longer_holds_stands_behind_one_that_does_and_says_so(segmenter: Segmenter) -> None:
    candidates = found(page("disk"), page("node"), page("dns"), page=[0.9, 0.7, 0.1])
    standing = Standing(holds=lambda name, _: name != "disk")
    answer = answered(candidates, asked("disk", segmenter), 5, segmenter, standing=standing)
    assert [(hit.page, hit.outdated) for hit in answer.hits] == [("node", False), ("disk", True)]
