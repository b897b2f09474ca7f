"""A name says what a file claims to be, its bytes what it is; both must agree, and whatever comes is a page or a refusal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.errors import Invalid
from knowledge_base.formats.table import FORMATS, MAX_BYTES, SUFFIXES, limit_of, suffix_for
from knowledge_base.parse import Page, parse
from knowledge_base.split import split
from tests.knowledge_base.formats.making import docx, p, pdf, table

TEXTS = [".md", ".markdown", ".html", ".htm", ".xhtml", ".txt", ".text", ".yaml", ".yml"]


def refusal(raw: bytes, name: str) -> str:
    with pytest.raises(Invalid) as refused:
        parse(raw, name)
    return refused.value.sentence


def test_no_suffix_has_two_readers() -> None:
    assert len(SUFFIXES) == sum(len(one.suffixes) for one in FORMATS)
    assert set(TEXTS) <= SUFFIXES


def test_every_format_is_printed_by_its_name_and_bound() -> None:
    assert len({one.kind for one in FORMATS}) == len(FORMATS)
    assert max(limit_of(f"a{suffix}") for suffix in SUFFIXES) == MAX_BYTES


@pytest.mark.parametrize(
    ("raw", "holds"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office document"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x7fELF\x02", "a program"),
        (b"MZ\x90\x00\x03", "a program"),
        (b"{\\rtf1 x}", "an RTF document"),
    ],
)
@pytest.mark.parametrize("suffix", TEXTS)
def test_a_name_that_lies_is_refused_with_what_the_file_holds(raw: bytes, holds: str, suffix: str) -> None:
    assert refusal(raw, f"page{suffix.upper()}") == f"The file is named {suffix}, but holds {holds}."


@pytest.mark.parametrize("name", ["run.exe", "page", "page.md.gz", ".md", "a.b/page"])
def test_a_name_of_no_format_is_refused(name: str) -> None:
    assert "are not read" in refusal(b"text", name)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_fifty_megabytes_in_one_line_are_refused_unread(suffix: str) -> None:
    assert "larger than" in refusal(b"x" * 50_000_000, f"page{suffix}")


@pytest.mark.parametrize("suffix", [".md", ".txt", ".yaml"])
def test_a_line_that_nobody_wrote_is_refused(suffix: str) -> None:
    assert "longer than" in refusal(b"x" * 30_000, f"page{suffix}")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_an_empty_file_is_refused(suffix: str) -> None:
    assert refusal(b"", f"page{suffix}")
    assert refusal(b" \n\t\n", f"page{suffix}")


def test_a_server_s_name_for_a_format_finds_its_suffix() -> None:
    assert suffix_for("text/html; charset=gbk") == ".html"
    assert suffix_for("TEXT/Markdown") == ".md"
    assert suffix_for("image/png") is None


def test_a_manual_in_two_formats_is_two_pages() -> None:
    assert parse(b"# T\n\nbody\n", "manual.md").id == "manual"
    assert parse(b"body\n", "manual.txt").id == "manual-text"


def test_names_in_chinese_are_told_apart() -> None:
    ids = {parse(b"# T\n\nbody\n", name).id for name in ("支付.md", "退款.md", "运维/支付.md", "x" * 200 + ".md")}
    assert len(ids) == 4
    assert all(len(one) <= 80 for one in ids)


SNIPPETS = (
    *(b"<p>", b"</p>", b"<ul><li>", b"<table><tr><td>", b"<pre>", b"<!--", b"<script>", b"&#x;", b"1. a\n", b"====\n"),
    *(b"---\n", b"- a: &a b\n", b"*a", b"kind: Secret\n", b"data: |\n  x\n", b"groups:\n- rules:\n  - alert: A\n"),
    *(b"items:\n", b"{", b"[", b'"', b"'", b": ", b"? ", b"!!int", b"# T\n", b"a b c\n", b"\n", b"\x00"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", "中文".encode(), "中文".encode("gbk"), b"%PDF-1.4\n", b"PK\x03\x04"),
)
WHOLE = (
    pdf("some words", "and more", outline=[("more", 1)], glyphs="x"),
    docx(p("words", style="1") + table([p("a"), p("b")])),
)


@some.composite
def damaged(draw: some.DrawFn) -> bytes:
    """A good document with a few bytes that are not its own."""
    raw = bytearray(draw(some.sampled_from(WHOLE)))
    for _ in range(draw(some.integers(0, 4))):
        place = draw(some.integers(0, len(raw) - 1))
        raw[place : place + draw(some.integers(0, 9))] = draw(some.binary(max_size=9))
    return bytes(raw)


FILES = damaged() | some.binary(max_size=300) | some.lists(some.sampled_from(SNIPPETS), max_size=30).map(b"".join)


def taken(raw: bytes, name: str) -> Page | str:
    try:
        return parse(raw, name)
    except Invalid as refused:
        return refused.sentence


def is_a_page_or_a_refusal(raw: bytes, suffix: str) -> None:
    page = taken(raw, f"page{suffix}")
    if isinstance(page, str):
        assert page.endswith((".", "!", "?"))
        return
    assert page.text.strip()
    assert 0 < len(page.title) <= 200
    assert "\x00" not in page.text
    assert page.text.encode()
    assert all(piece.text.encode() for piece in split(page.text))


@settings(deadline=None)
@given(FILES, some.sampled_from(sorted(SUFFIXES)))
def test_whatever_comes_is_a_page_or_a_refusal(raw: bytes, suffix: str) -> None:
    is_a_page_or_a_refusal(raw, suffix)


@pytest.mark.soak
@settings(deadline=None, max_examples=20_000)
@given(FILES, some.sampled_from(sorted(SUFFIXES)))
def test_whatever_comes_for_long_is_a_page_or_a_refusal(raw: bytes, suffix: str) -> None:
    is_a_page_or_a_refusal(raw, suffix)
