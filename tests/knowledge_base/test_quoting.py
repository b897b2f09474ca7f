"""The line shown first, and the places in it that matched."""

from itertools import pairwise

import pytest

from knowledge_base.quoting import MAX_MARKS, MAX_QUOTE, Quoter, statements
from knowledge_base.segment import Segmenter

SEGMENTER = Segmenter()
QUOTER = Quoter(SEGMENTER)


def wanted(question: str) -> frozenset[str]:
    return frozenset(SEGMENTER.terms(question))


def test_the_line_that_holds_most_of_the_question_is_quoted() -> None:
    text = "First a word.\n\n- restart the pod\n- raise the memory limit of the container\n- wait"
    assert QUOTER.quote(text, wanted("memory limit")) == "- raise the memory limit of the container"


def test_a_long_line_is_cut_and_says_so() -> None:
    quote = QUOTER.quote("memory " * 200, wanted("memory"))
    assert (len(quote), quote[-1]) == (MAX_QUOTE, "…")


@pytest.mark.parametrize(
    ("quote", "question", "marked"),
    [
        ("The container ran out of memory.", "内存溢出", ["ran out of memory"]),
        ("容器因内存溢出被杀，退出码 137", "OOM", ["内存溢出", "退出码 137"]),
        ("Set the memory limit higher.", "memory limit", ["memory limit"]),
        ("看 `kubectl get pvc` 的事件", "pvc 事件", ["pvc", "事件"]),
        ("Nothing of the kind.", "certificate", []),
    ],
)
def test_marks_are_places_of_what_was_asked_in_either_language(quote: str, question: str, marked: list[str]) -> None:
    assert [quote[begin:end] for begin, end in QUOTER.marks(quote, wanted(question))] == marked


def test_markup_in_a_page_is_text_like_any_other() -> None:
    quote = "<script>alert('memory')</script>"
    assert [quote[begin:end] for begin, end in QUOTER.marks(quote, wanted("memory"))] == ["memory"]
    assert QUOTER.quote(quote, wanted("memory")) == quote


def test_marks_are_bounded_and_in_order_and_never_overlap() -> None:
    marks = QUOTER.marks("memory and disk, " * 40, wanted("memory disk"))
    assert len(marks) == MAX_MARKS
    assert all(begin < end for begin, end in marks)
    assert all(left[1] <= right[0] for left, right in pairwise(marks))


def test_letters_in_another_form_keep_their_places() -> None:
    quote = "… ＯＯＭ happened"
    assert [quote[begin:end] for begin, end in QUOTER.marks(quote, wanted("OOM"))] == ["ＯＯＭ"]


def test_sentences_are_told_apart_whatever_their_lines() -> None:
    assert [line for line in statements("One is\nhere. Two is there.\n\n第一句。第二句。") if line] == [
        "One is here.",
        "Two is there.",
        "第一句。",
        "第二句。",
    ]


def test_chinese_lines_that_were_broken_for_their_width_are_joined_without_a_blank() -> None:
    text = "仓库同步服务每五分钟把库存写\n入总账，失败时会重试三次，\n之后用\nkubectl 查看\n负责人 张三\n备份 李四"
    assert [*statements(text)] == [
        "仓库同步服务每五分钟把库存写入总账，失败时会重试三次，之后用 kubectl 查看 负责人 张三 备份 李四"
    ]
