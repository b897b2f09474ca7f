"""The lexicon answers as jieba's own table does, and a text is cut alike with either."""

import logging
from pathlib import Path
from typing import Any

import jieba
import pytest

from knowledge_base.knowledge import SHIPPED
from knowledge_base.lexicon import Lexicon

ENTRIES = "内存 120 n\n内存溢出 3 n\n镜像 40 n\n内 900 f\n"


@pytest.fixture(scope="module")
def whole() -> Any:
    """jieba with the table that it makes for itself."""
    jieba.setLogLevel(logging.ERROR)
    made = jieba.Tokenizer()
    made.FREQ, made.total = made.gen_pfdict(made.get_dict_file())
    made.initialized = True
    return made


@pytest.fixture(scope="module")
def ours() -> Any:
    made = jieba.Tokenizer()
    lexicon = Lexicon(Path(jieba.__file__).with_name("dict.txt").read_text(encoding="utf-8"))
    made.FREQ, made.total, made.initialized = lexicon, lexicon.total, True
    return made


def test_a_word_has_its_frequency_and_a_mere_beginning_has_none() -> None:
    lexicon = Lexicon(ENTRIES)
    assert [lexicon.get(word) for word in ("内存", "内存溢出", "内存溢", "镜", "溢出")] == [120, 3, 0, 0, None]
    assert "内存溢" in lexicon
    assert "溢出" not in lexicon
    assert lexicon.total == 120 + 3 + 40 + 900


def test_entries_of_one_character_need_not_stand_together() -> None:
    assert Lexicon(ENTRIES)["内"] == 900


def test_an_unknown_word_is_no_frequency() -> None:
    lexicon = Lexicon(ENTRIES)
    assert lexicon.get("溢出", 1) == 1
    with pytest.raises(KeyError, match="溢出"):
        lexicon["溢出"]


def test_an_added_word_stands_even_where_it_was_looked_for_before() -> None:
    lexicon = Lexicon(ENTRIES)
    assert lexicon.get("溢出") is None
    lexicon["溢出"], lexicon["镜像"] = 7, 41
    assert [lexicon.get("溢出"), lexicon["镜像"]] == [7, 41]


def test_every_word_and_beginning_of_jieba_is_known_alike(whole: Any, ours: Any) -> None:
    assert ours.total == whole.total
    some = [*whole.FREQ.items()][::29]
    assert len(some) > 10_000
    assert [(word, ours.FREQ.get(word)) for word, _ in some] == some


@pytest.mark.parametrize("page", sorted(SHIPPED.glob("zh/*.md")), ids=lambda page: page.stem)
def test_a_page_is_cut_as_jieba_cuts_it(page: Path, whole: Any, ours: Any) -> None:
    text = page.read_text(encoding="utf-8")
    assert list(ours.cut(text, HMM=False)) == list(whole.cut(text, HMM=False))


def test_an_added_word_changes_the_cut_as_it_does_with_jieba(whole: Any, ours: Any) -> None:
    text = "探针失败后滚动发布卡住"
    for tokenizer in (whole, ours):
        tokenizer.add_word("滚动发布")
    cut = list(ours.cut(text, HMM=False))
    assert "滚动发布" in cut
    assert cut == list(whole.cut(text, HMM=False))
