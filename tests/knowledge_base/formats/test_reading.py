"""The steps that all formats share: facts in order, tables as wide as they are, no character that cannot be kept."""

from datetime import date

import pytest

from core.errors import Invalid
from knowledge_base.formats.reading import Facts, facts_of, fenced, grid, labels, plain, tidy, validated
from knowledge_base.parse import parse


def refusal(source: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        facts_of(source, "front matter")
    return refused.value


@pytest.mark.parametrize(
    "written", ["2026-05-01", '"2026-05-01"', "2026-05-01T10:00:00Z", "2026-05-01 10:00:00", '" 2026-05-01T10:00 "']
)
def test_a_day_is_read_however_it_is_written(written: str) -> None:
    assert facts_of(f"valid_until: {written}", "front matter").valid_until == date(2026, 5, 1)


@pytest.mark.parametrize("written", ["soon", "20260501x", "7", "[2026-05-01]", "true", '"2026-5-1"', '""'])
def test_what_is_no_day_is_refused_by_the_name_of_the_field(written: str) -> None:
    refused = refusal(f"valid_from: {written}")
    assert "front matter's valid_from is wrong" in refused.sentence
    assert refused.details["field"] == "valid_from"


def test_a_page_that_ends_before_it_begins_is_refused() -> None:
    assert "before valid_from" in refusal("valid_from: 2026-02-01\nvalid_until: 2026-01-31").sentence
    assert facts_of("valid_from: 2026-02-01\nvalid_until: 2026-02-01", "x").valid_until == date(2026, 2, 1)


def test_a_page_may_have_a_first_or_a_last_day_alone() -> None:
    page = parse(b"---\nvalid_from: 2026-02-01\n---\n# T\n\nbody\n", "t.md")
    assert (page.valid_from, page.valid_until) == (date(2026, 2, 1), None)


def test_no_facts_are_no_facts() -> None:
    assert facts_of("", "x") == facts_of("# only a comment", "x") == Facts()


def test_facts_of_others_are_let_be() -> None:
    assert validated({"owner": "somebody", "tags": ["a"]}, "x").tags == ["a"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("a, b;c", ["a", "b", "c"]),
        ("支付，退款；账本、值班", ["支付", "退款", "账本", "值班"]),
        (" ,, ; ", []),
        ("a,a,a", ["a"]),
        ("x" * 200, ["x" * 80]),
    ],
)
def test_keywords_are_told_apart_as_offices_write_them(said: str, found: list[str]) -> None:
    assert labels(said) == found


def test_keywords_without_end_are_cut() -> None:
    assert len(labels(",".join(str(number) for number in range(500)))) == 64


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x0bb\x0cc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
        ("a\x00b\x07c\x1bd\x7f", "abcd"),
        ("a\ud800b\ufffec\uffff", "abc"),
        ("\ufeffa\ufeffb", "ab"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_only_characters_that_can_be_kept_and_shown_are_left(raw: str, kept: str) -> None:
    assert tidy(raw) == kept


@pytest.mark.parametrize("line", ["# a", "   ## a", "###### a", "#", "```", "~~~ x", "  ```sh"])
def test_a_line_that_would_mean_something_to_us_is_set_in(line: str) -> None:
    assert plain(line) == f"    {line.lstrip()}"


@pytest.mark.parametrize("line", ["#hashtag", "####### seven", "a # b", "``x``", "", "    # already"])
def test_any_other_line_is_let_be(line: str) -> None:
    assert plain(line) == line


@pytest.mark.parametrize(
    ("code", "fence"), [("x", "```"), ("a ``` b", "````"), ("`````\n```", "``````"), ("~~~", "```")]
)
def test_a_fence_is_longer_than_any_in_its_code(code: str, fence: str) -> None:
    assert fenced(code, "sh") == f"{fence}sh\n{code}\n{fence}"


def test_a_table_has_its_first_row_for_a_head_and_no_empty_rows() -> None:
    rows = [["", ""], ["Code", "Mean\ning"], ["", " "], ["E|1"], ["a", "b", "c"]]
    assert grid(rows) == "| Code | Mean ing |\n| --- | --- |\n| E\\|1 |\n| a | b | c |"
    assert grid([[""], []]) == ""


def test_one_wide_row_costs_no_more_than_itself() -> None:
    rows = [["x"] * 1_000, *([["y"]] * 1_000)]
    assert len(grid(rows)) < 20_000
