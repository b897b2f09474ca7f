"""Plain text: which letters it is written in, and which of its lines are headings."""

import pytest

from core.errors import Invalid
from knowledge_base.parse import Page, parse

CHINESE = "支付失败处理手册\n\n先看网关的日志，再看数据库连接数。\n"


def page(text: str | bytes) -> Page:
    return parse(text.encode() if isinstance(text, str) else text, "notes.txt")


def refusal(raw: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        page(raw)
    return refused.value.sentence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_chinese_is_read_however_it_was_saved(encoding: str) -> None:
    mark = "\ufeff" if encoding in {"utf-16-be", "utf-16-le"} else ""
    found = page((mark + CHINESE).encode(encoding))
    assert found.text == f"# {CHINESE}"
    assert found.title == CHINESE.split("\n")[0]
    assert (found.language, found.kind) == ("zh", "text")


def test_utf_16_without_a_mark_is_told_by_its_zeros() -> None:
    assert page("plain words\n".encode("utf-16-le")).text == "plain words\n"
    assert page("plain words\n".encode("utf-16-be")).text == "plain words\n"


@pytest.mark.parametrize(
    "raw",
    [
        "café résumé naïve\n".encode("latin-1"),
        "Ошибка оплаты\n".encode("koi8-r"),
        b"\x80\x81\x82\xfe\xff" * 20,
        b"caf\xe9 and ASCII around it",
    ],
)
def test_letters_that_are_not_known_for_sure_are_refused_and_not_guessed(raw: bytes) -> None:
    assert "neither UTF-8" in refusal(raw)


def test_zero_bytes_are_no_text() -> None:
    assert "NUL" in refusal(b"some \x00 words and \x00\x00\x00 more of them")
    assert "NUL" in refusal("\ufeffa\x00b".encode("utf-16-le"))


def test_a_mark_that_lies_is_refused() -> None:
    assert "UTF-16" in refusal(b"\xff\xfeabc")


def test_underlined_lines_are_headings_and_lose_their_line() -> None:
    found = page("Payments\n========\n\nIntro.\n\nRepair\n------\n\nDo it.\n")
    assert found.text == "# Payments\n\nIntro.\n\n## Repair\n\nDo it.\n"
    assert found.title == "Payments"


def test_numbered_lines_that_stand_alone_are_headings_of_their_depth() -> None:
    found = page("1. Overview\n\nText.\n\n1.2 Details\n\nMore.\n\n第三章 修复\n\n文字。\n\n四、验证\n\n看。\n")
    headings = [line for line in found.text.split("\n") if line.startswith("#")]
    assert headings == ["## 1. Overview", "### 1.2 Details", "## 第三章 修复", "## 四、验证"]


def test_a_list_that_is_set_wide_is_no_row_of_headings() -> None:
    assert "#" not in page("To do:\n\n1. stop it\n\n2. start it\n\nDone so far\nand so on\n").text.replace("## 2.", "")


def test_lines_in_capitals_are_headings_where_they_stand_like_one() -> None:
    found = page("NAME\n    tool - does it\n\nSEE ALSO\n\nother(1)\n\nDO NOT\nshout in prose\n\nSTOP NOW!\n\nend\n")
    assert [line for line in found.text.split("\n") if line.startswith("#")] == ["## NAME", "## SEE ALSO"]


def test_sentences_stay_sentences() -> None:
    text = "It broke.\n\n3 pods were down.\n\nwe saw this\nand that\n-----\nrest\n\n2026 was a year.\n"
    assert page(text).text == text


@pytest.mark.parametrize("first", ["Switch the main database by hand", "\n\n主库宕机手册", "ops-handbook 2026"])
def test_a_first_line_that_stands_alone_is_the_title(first: str) -> None:
    found = page(f"{first}\n\nPromote the standby, then move the address.\n")
    assert (found.title, found.text.split("\n")[0]) == (first.strip(), f"# {first.strip()}")


@pytest.mark.parametrize("first", ["The pool is full.", "- an item", "run this:", "$ kubectl get pods", "12", "x" * 81])
def test_a_first_line_that_is_a_sentence_an_item_or_a_command_is_none(first: str) -> None:
    assert not page(f"{first}\n\nPromote the standby.\n").text.startswith("#")


def test_a_comment_of_a_shell_is_kept_from_passing_for_a_heading() -> None:
    assert (
        page("run this:\n\n# restart it\nkubectl rollout restart\n").text
        == "run this:\n\n    # restart it\nkubectl rollout restart\n"
    )


def test_code_between_fences_is_let_be() -> None:
    text = "run this:\n\n```\n# restart it\n\nSTOP ALL\n\n----\n```\n"
    assert page(text).text == text


def test_characters_that_no_screen_shows_are_left_out() -> None:
    assert page("a\x07b\x0cc\x85d\u2028e\n").text == "ab\nc\nd\ne\n"
