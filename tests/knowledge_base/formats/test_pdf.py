"""PDF: text under its page's number and its chapter's name; what is locked, broken, empty or endless is refused by name."""

import zlib

import pytest

from core.errors import Invalid
from knowledge_base.formats import pdf as reader
from knowledge_base.parse import Page, parse
from knowledge_base.split import split
from tests.knowledge_base.formats.making import locked, pdf, pdf_of


def page(raw: bytes) -> Page:
    return parse(raw, "manuals/pay.pdf")


def refusal(raw: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        page(raw)
    return refused.value.sentence


def test_each_page_is_a_passage_with_its_number() -> None:
    found = page(pdf("Refunds fail\nLook at the ledger.", "Then replay it."))
    assert [(piece.headings, piece.text) for piece in split(found.text)] == [
        (("p. 1",), "Refunds fail\nLook at the ledger."),
        (("p. 2",), "Then replay it."),
    ]
    assert (found.kind, found.id, found.title) == ("pdf", "manuals-pay-pdf", "Refunds fail")


def test_the_outline_gives_the_headings_and_the_page_stays_with_them() -> None:
    raw = pdf(
        "Before\nRepair\nDo it.", "still repair\nProof  of it\nLook.", outline=[("Repair", 0), ("Proof of it", 1)]
    )
    assert [(piece.headings, piece.text) for piece in split(page(raw).text)] == [
        (("p. 1",), "Before"),
        (("Repair", "p. 1"), "Do it."),
        (("Repair", "p. 2"), "still repair"),
        (("Proof of it", "p. 2"), "Look."),
    ]


def test_a_heading_whose_words_stand_nowhere_begins_its_page() -> None:
    raw = pdf("one", "two", outline=[("Annex", 1)])
    assert [piece.headings for piece in split(page(raw).text)] == [("p. 1",), ("Annex", "p. 2")]


def test_title_and_keywords_come_from_the_document_where_they_say_something() -> None:
    told = page(pdf("First line", info={"Title": "Refund handbook", "Keywords": "pay; refund"}))
    assert (told.title, told.tags) == ("Refund handbook", ("pay", "refund"))
    assert page(pdf("First line", info={"Title": "Microsoft Word - final2.docx"})).title == "First line"


def test_chinese_letters_are_read_through_the_font_s_own_table() -> None:
    found = page(pdf("abcd", glyphs="支付失败"))
    assert found.text.endswith("支付失败\n")
    assert found.language == "zh"


def test_bullets_become_items_and_marks_of_ours_are_kept_from_meaning_anything() -> None:
    assert page(pdf("a b\n# stop it", glyphs="•x")).text.endswith("- x\n    # stop it\n")


def test_a_page_without_text_among_others_is_passed_over() -> None:
    assert [piece.headings for piece in split(page(pdf("one", "", "three")).text)] == [("p. 1",), ("p. 3",)]


def test_a_document_that_is_locked_against_changes_alone_is_read() -> None:
    assert "one" in page(locked(pdf("one"), user="", owner="boss")).text


def test_a_document_that_is_locked_is_refused() -> None:
    assert (
        refusal(locked(pdf("one"), user="secret", owner="boss")) == "The PDF is encrypted; save it without a password."
    )


def test_pictures_of_text_are_refused_with_what_to_do() -> None:
    assert "OCR" in refusal(pdf_of(["0 0 m 10 10 l S"]))


def test_more_pages_than_are_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_PAGES", 2)
    assert refusal(pdf("a", "b", "c")) == "The PDF has 3 pages; up to 2 are read."


def test_a_table_of_objects_that_points_nowhere_is_mended_or_refused() -> None:
    whole = pdf("one")
    assert "one" in page(whole.replace(b"startxref\n", b"startxref\n9")).text


@pytest.mark.parametrize(
    "raw",
    [
        b"%PDF-1.4\n",
        b"%PDF-1.4\n%%EOF",
        pdf("one")[:200],
        pdf("one").replace(b"/Kids", b"/Dogs"),
        pdf("one").replace(b"/Pages 2 0 R", b"/Pages 9 0 R"),
        pdf("one").replace(b"/Parent 2 0 R", b"/Parent 5 0 R").replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
        b"%PDF-1.7" + b"\x00\xff" * 5_000,
        b"%PDF-1.7\n" + b"1 0 obj\n<<" * 2_000,
        b"%PDF-1.7\n1 0 obj " + b"[" * 50_000,
    ],
)
def test_what_is_broken_is_refused(raw: bytes) -> None:
    assert refusal(raw).startswith("The PDF ")


def test_a_page_that_unpacks_without_end_is_refused() -> None:
    swollen = zlib.compress(b" " * 20_000_000).decode("latin-1")
    raw = pdf_of(["BT ET"]).decode("latin-1")
    packed = f"<< /Filter /FlateDecode /Length {len(swollen)} >>\nstream\n{swollen}\nendstream"
    start = raw.index("<< /Length 5 >>")
    raw = raw[:start] + packed + raw[raw.index("endstream") + len("endstream") :]
    assert "unpacks to more" in refusal(raw.encode("latin-1"))


def test_forms_that_draw_forms_that_draw_forms_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_OPERATORS", 100)
    forms = []
    for number in range(4, 16):
        names = f"<< /XObject << /N {number + 1} 0 R >> /Font << /F 3 0 R >> >>"
        content = "/N Do " * 10 if number < 15 else "BT /F 9 Tf (ha) Tj ET"
        head = f"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources {names} /Length {len(content)} >>"
        forms.append(f"{head}\nstream\n{content}\nendstream")
    raw = pdf_of(["/N Do " * 10], resources="/XObject << /N 4 0 R >>", more=forms)
    assert refusal(raw) == "The PDF draws more than 100 things."


def test_fonts_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_FONT_BYTES", 150)
    assert "fonts" in refusal(pdf("a", "a", glyphs="付"))


def test_a_text_longer_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TEXT", 20)
    assert "longer than 20" in refusal(pdf("some words", "and some more words"))
