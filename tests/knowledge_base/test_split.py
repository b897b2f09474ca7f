"""Cutting a page: at headings, never inside a list, a table or a code block that can be borne whole."""

from hypothesis import given
from hypothesis import strategies as some

from knowledge_base.split import Piece, split


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
    assert table in [piece.text for piece in split(f"# T\n\nintro words here\n\n{table}\n", wished=200)]


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
    assert "\n".join(piece.text for piece in pieces) == code


def test_a_scrap_joins_the_passage_before_it() -> None:
    table = "| a |\n| --- |\n" + "\n".join(f"| value {n} |" for n in range(30))
    assert [piece.text.endswith("See also.") for piece in split(f"# T\n\n{table}\n\nSee also.\n", wished=200)] == [True]


@given(some.text(alphabet="ab#`|-1. \n~", max_size=400))
def test_nothing_but_headings_and_blank_lines_is_ever_lost(text: str) -> None:
    pieces = split(text, wished=50, hard=120)
    kept = sorted(line for piece in pieces for line in piece.text.split("\n") if line.strip())
    headings = {name for piece in pieces for name in piece.headings}
    expected = [line for line in text.split("\n") if line.strip()]
    lost = [line for line in expected if line not in kept and line.strip("# \n") not in headings]
    assert [line for line in lost if not line.lstrip("#").startswith(" ") and len(line) <= 120] == []


def test_a_megabyte_of_blank_lines_in_a_list_is_cut_in_no_time() -> None:
    assert len(split("- a\n" + "\n" * 500_000 + "- b\n")) == 1
