"""Cutting a page: at headings, never inside a list, a table or a code block that can be borne whole."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from knowledge_base.split import Piece, first_heading, sections, split, surroundings


def test_each_section_carries_the_headings_above_it() -> None:
    pieces = split(
        "# Page\n\nintro text of some length\n\n## Repair\n\nroll back\n\n### By hand\n\nkubectl\n\n## Proof\n\nlook\n"
    )
    assert [piece.headings for piece in pieces] == [
        ("Page",),
        ("Page", "Repair"),
        ("Page", "Repair", "By hand"),
        ("Page", "Proof"),
    ]


def test_text_before_the_first_heading_is_kept() -> None:
    assert split("hello there\n\n# Later\n\nbody\n")[0] == Piece((), "hello there")


def test_a_heading_without_text_makes_no_passage() -> None:
    assert [piece.headings[-1] for piece in split("# A\n\n## B\n\ntext\n")] == ["B"]


def test_a_long_section_is_cut_between_paragraphs() -> None:
    paragraphs = [f"Paragraph {n} " + "word " * 60 for n in range(6)]
    pieces = split("# Long\n\n" + "\n\n".join(paragraphs), wished=700)
    assert len(pieces) == 3
    assert all(piece.headings == ("Long",) for piece in pieces)
    assert [line for piece in pieces for line in piece.text.split("\n\n")] == [text.strip("\n") for text in paragraphs]


def test_a_list_stays_whole_though_it_is_longer_than_wished() -> None:
    steps = "\n".join(f"{n}. step number {n}\n   kubectl: `get pods`" for n in range(1, 30))
    before, after = "Before the list there is a word. " * 3, "After the list there is another. " * 3
    before, after = before.strip(), after.strip()
    pieces = split(f"# Checks\n\n{before}\n\n{steps}\n\n{after}\n", wished=300)
    assert [piece.text for piece in pieces] == [before, steps, after]


def test_a_list_with_blank_lines_between_its_items_stays_whole() -> None:
    steps = "1. first\n\n   more about the first\n\n2. second\n\n3. third"
    assert [piece.text for piece in split(f"# L\n\n{steps}\n", wished=10)] == [steps]


def test_a_table_stays_whole() -> None:
    table = "| a | b |\n| --- | --- |\n" + "\n".join(f"| {n} | value {n} |" for n in range(40))
    intro = "These are the words that introduce it, and more of them."
    assert table in [piece.text for piece in split(f"# T\n\n{intro}\n\n{table}\n", wished=200)]


def test_a_few_words_stay_with_what_they_lead_to() -> None:
    code = "```\n" + "kubectl get pods\n" * 20 + "```"
    assert [piece.text for piece in split(f"# T\n\nRun this:\n\n{code}\n", wished=100)] == [f"Run this:\n\n{code}"]


def test_a_table_too_long_is_cut_between_rows_and_each_part_has_the_head() -> None:
    head, rows = "| code | meaning |\n| --- | --- |", [f"| E{n} | what error {n} means |" for n in range(300)]
    pieces = split("# T\n\n" + "\n".join([head, *rows]), wished=500, hard=1000)
    assert len(pieces) > 10
    assert all(piece.text.startswith(head) and len(piece.text) <= 500 for piece in pieces)
    assert [line for piece in pieces for line in piece.text.split("\n")[2:]] == rows


def test_a_list_too_long_is_cut_between_its_items() -> None:
    items = [f"{n}. step number {n}\n   with a second line" for n in range(100)]
    pieces = split("# T\n\n" + "\n".join(items), wished=100, hard=400)
    assert all(piece.text[0].isdigit() for piece in pieces)
    assert "\n".join(piece.text for piece in pieces) == "\n".join(items)


def test_a_paragraph_too_long_is_cut_after_a_sentence() -> None:
    pieces = split("One sentence of these many here. " * 200, wished=300, hard=600)
    assert all(piece.text.rstrip().endswith("here.") for piece in pieces)
    assert max(len(piece.text) for piece in pieces) <= 300


def test_a_passage_knows_the_section_that_it_stands_in() -> None:
    repair = "\n\n".join(f"paragraph {n} " + "word " * 40 + "end" for n in range(9))
    text = f"# Page\n\n## Repair\n\n{repair}\n\n## Proof\n\nlook\n"
    pieces = split(text, wished=500)
    assert len(pieces) > 2
    assert len({piece.section for piece in pieces}) == 2
    assert all(piece.text in surroundings(text, piece.section) for piece in pieces)
    assert surroundings(text, pieces[-1].section) == "look"
    assert surroundings(text, 99) == ""


def test_a_heading_with_nothing_under_it_is_found_in_the_passage_before() -> None:
    found = split("# A\n\ntext\n\n## Ask the payments team\n")
    assert [piece.text for piece in found] == ["text\n\n## Ask the payments team"]


def test_headings_with_nothing_under_them_say_what_they_stand_under() -> None:
    found = split("# A\n\n## B\n\ntext\n\n## C\n\n### D\n")
    assert [piece.text for piece in found] == ["text\n\n## C\n### D"]


def test_the_first_heading_with_nothing_under_it_is_found_in_the_passage_after() -> None:
    assert [piece.text for piece in split("## Draft\n\n## B\n\ntext\n")] == ["## Draft\n\ntext"]


def test_headings_alone_are_no_passage() -> None:
    assert split("# A\n\n## B\n\n# C\n") == []


def test_a_heading_as_long_as_a_text_is_text() -> None:
    assert split("# " + "long " * 100)[0].headings == ()


def test_a_line_of_code_between_backticks_opens_no_code_block() -> None:
    found = split("```kubectl get pods```\n\n# After\n\nbody\n")
    assert [piece.headings for piece in found] == [(), ("After",)]


def test_a_page_is_named_by_its_first_heading_and_by_no_comment_in_code() -> None:
    assert first_heading("```\n# comment\n```\n\n## Sub\n\n# The name #\n") == "The name"
    assert first_heading("#\n\ntext\n") == ""


@pytest.mark.parametrize(
    "line",
    ["# a" + " " * 19_000 + "b", "# " + "#" * 19_000, "|" + " " * 9_000 + "-" * 9_000 + "x", "- " * 9_000],
)
def test_a_line_made_to_be_looked_at_again_and_again_is_looked_at_once(line: str) -> None:
    assert split("\n".join([line] * 50))


def test_a_code_block_stays_whole_and_its_comments_are_no_headings() -> None:
    code = "```bash\n# not a heading\n\nkubectl get pods\n\n## neither\n```"
    pieces = split(f"# Code\n\n{code}\n", wished=5)
    assert [(piece.headings, piece.text) for piece in pieces] == [(("Code",), code)]


def test_a_fence_is_closed_only_by_its_own_kind() -> None:
    code = "~~~~\n```\n# inside\n~~~\n~~~~"
    assert [piece.text for piece in split(f"{code}\n\n# After\n\nbody\n")] == [code, "body"]


def test_a_block_past_the_hard_limit_is_cut_between_its_lines() -> None:
    code = "```\n" + "\n".join(f"line {n}" for n in range(200)) + "\n```"
    pieces = split(code, wished=100, hard=400)
    assert all(len(piece.text) <= 400 for piece in pieces)
    assert all(piece.text.startswith("```\n") and piece.text.endswith("\n```") for piece in pieces)
    inside = "\n".join(piece.text.removeprefix("```\n").removesuffix("\n```") for piece in pieces)
    assert f"```\n{inside}\n```" == code


def test_a_scrap_joins_the_passage_before_it() -> None:
    table = "| a |\n| --- |\n" + "\n".join(f"| value {n} |" for n in range(30))
    assert [piece.text.endswith("See also.") for piece in split(f"# T\n\n{table}\n\nSee also.\n", wished=200)] == [True]


def letters(text: str) -> list[str]:
    return [char for char in text if not char.isspace()]


def holds_in_order(whole: str, wanted: list[str]) -> bool:
    rest = iter(letters(whole))
    return all(char in rest for char in wanted)


LINES = (
    *("# Top", "## Below", "###### p. 3", "#", "words of a line", "- item", "   more", "1. one", "", "", "```", "~~~~"),
    *("| a | b |", "| - | - |", "|--|", "| long | " + "cell " * 40 + "|", "long " * 60, "没有空格的一段中文。" * 20),
    *("```sh`x", "\t"),
)
PAGES = some.lists(some.sampled_from(LINES), max_size=60).map("\n".join)


@example("#\n# Top\n## Below")
@settings(deadline=None)
@given(PAGES | some.text(alphabet="ab#`|-1. \n~", max_size=400))
def test_every_letter_of_a_page_ends_in_some_passage_in_its_order(text: str) -> None:
    pieces = split(text, wished=50, hard=120)
    for number, section in enumerate(sections(text)):
        here = "\n".join(piece.text for piece in pieces if piece.section == number)
        assert holds_in_order(here, letters(section.text))
    shown = "\n".join(["\n".join((*piece.headings, piece.text)) for piece in pieces])
    assert not pieces or all(heading in shown for section in sections(text) for heading in section.headings)


@settings(deadline=None)
@given(PAGES)
def test_no_passage_is_longer_than_what_can_be_borne(text: str) -> None:
    assert all(len(piece.text) <= 120 + 50 + 300 for piece in split(text, wished=50, hard=120))


def test_any_number_of_blank_lines_in_a_list_is_cut_in_no_time() -> None:
    assert len(split("- a\n" + "\n" * 50_000 + "- b\n")) == 1
