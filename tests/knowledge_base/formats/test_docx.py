"""Word documents: what each paragraph's style says it is; archives and XML made to hurt are refused by name."""

import struct
import zipfile
from io import BytesIO

import pytest

from core.errors import Invalid
from knowledge_base.formats import archive, xml
from knowledge_base.parse import Page, parse
from tests.knowledge_base.formats.making import WORD, docx, p, style, table, zipped

STYLES = (
    style("1", "heading 1")
    + style("2", "标题 2")
    + style("a3", "Own", '<w:basedOn w:val="2"/>')
    + style("lvl", "Odd", '<w:pPr><w:outlineLvl w:val="2"/></w:pPr>')
    + style("T", "Title")
    + style("code", "HTML Preformatted")
    + style("bul", "List Bullet", '<w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr>')
    + style("loop1", "x", '<w:basedOn w:val="loop2"/>')
    + style("loop2", "y", '<w:basedOn w:val="loop1"/>')
)
NUMBERING = (
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num>'
)
EVEN = '<w:rFonts w:ascii="Consolas"/>'


def page(raw: bytes) -> Page:
    return parse(raw, "handbook/pay.docx")


def text(body: str) -> str:
    return page(docx(body, styles=STYLES, numbering=NUMBERING)).text.rstrip("\n")


def refusal(raw: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        page(raw)
    return refused.value.sentence


def test_a_document_says_what_it_is() -> None:
    core = "<dc:title> Refund\nhandbook </dc:title><cp:keywords>pay; 退款</cp:keywords>"
    found = page(docx(p("words"), core=core))
    assert (found.title, found.tags, found.kind, found.id) == (
        "Refund handbook",
        ("pay", "退款"),
        "docx",
        "handbook-pay-docx",
    )


def test_without_a_title_the_first_heading_names_it() -> None:
    assert page(docx(p("The handbook", style="T") + p("words"), styles=STYLES)).title == "The handbook"


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (p("Repair", style="1") + p("do it"), "# Repair\n\ndo it"),
        (p("修复", style="2") + p("重启"), "## 修复\n\n重启"),
        (p("Inherits", style="a3") + p("x"), "## Inherits\n\nx"),
        (p("By level", style="lvl") + p("x"), "### By level\n\nx"),
        (p("circle", style="loop1"), "circle"),
        (p("unknown", style="nobody"), "unknown"),
        (p("a", number="5") + p("b", number="5", depth=1) + p("c", number="5"), "1. a\n   - b\n2. c"),
        (p("a", style="bul") + p("b", style="bul"), "- a\n- b"),
        (p("a", style="bul", number="0"), "a"),
        (p("# all", style="code") + p("kubectl get pods", style="code"), "```\n# all\nkubectl get pods\n```"),
        (p("one", run=EVEN) + p("two", run=EVEN) + p("prose"), "```\none\ntwo\n```\n\nprose"),
        (p("# no heading"), "    # no heading"),
        (p("a") + p("") + p("b"), "a\n\nb"),
    ],
)
def test_paragraphs_become_what_their_style_says(body: str, written: str) -> None:
    assert text(body) == written


def test_breaks_tabs_and_hyphens_inside_a_paragraph_are_kept() -> None:
    run = "<w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>"
    assert text(f"<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>{run}</w:p>") == "a\nb\tc-d"


def test_a_table_becomes_a_table() -> None:
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>' + p("both | of")
    body = table([p("Code"), p("Meaning")], [p("E1"), p("not paid") + p("yet")], [wide])
    assert text(body) == "| Code | Meaning |\n| --- | --- |\n| E1 | not paid yet |\n| both \\| of |  |"


def test_a_table_in_a_table_is_told_in_its_cell() -> None:
    assert text(table([p("a"), table([p("b"), p("c")])], [p("d"), p("e")])) == "| a | b c |\n| --- | --- |\n| d | e |"


def test_a_frame_of_one_cell_is_what_it_holds() -> None:
    assert text(table([p("# restart", style="code") + p("kubectl", style="code")])) == "```\n# restart\nkubectl\n```"


def test_what_was_deleted_hidden_or_drawn_twice_is_left_out() -> None:
    gone = (
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:rPr><w:vanish/></w:rPr><w:t>gone</w:t></w:r>"
        "<w:r><w:instrText>gone</w:instrText></w:r><m:Fallback xmlns:m='urn:m'><w:r><w:t>gone</w:t></w:r></m:Fallback>"
        "<w:ins><w:r><w:t>kept</w:t></w:r></w:ins></w:p>"
    )
    assert text(gone) == "kept"


def test_a_box_of_text_comes_before_the_paragraph_that_it_hangs_on() -> None:
    box = f"<w:txbxContent>{p('in the box')}</w:txbxContent>"
    assert text(f"<w:p><w:r><w:t>out</w:t>{box}<w:t>side</w:t></w:r></w:p>") == "in the box\n\noutside"


def test_macros_are_not_looked_at() -> None:
    raw = docx(p("words"), more={"word/vbaProject.bin": b"\xd0\xcf\x11\xe0 Sub AutoOpen()"})
    assert page(raw).text == "words\n"
    assert parse(raw, "x.docm").text == "words\n"


def test_a_document_of_no_words_is_empty() -> None:
    assert "empty" in refusal(docx(""))


@pytest.mark.parametrize(
    ("parts", "holds"),
    [
        ({"xl/workbook.xml": b"x"}, "an Excel workbook"),
        ({"ppt/presentation.xml": b"x"}, "a PowerPoint presentation"),
        ({"content.xml": b"x", "META-INF/manifest.xml": b"x"}, "an OpenDocument file"),
        ({"readme.txt": b"x"}, "a zip archive"),
        ({}, "a zip archive"),
    ],
)
def test_other_archives_are_refused_by_what_they_are(parts: dict[str, bytes], holds: str) -> None:
    assert refusal(zipped(parts)) == f"The file is named .docx, but holds {holds}."


def test_an_archive_under_another_name_is_refused() -> None:
    with pytest.raises(Invalid, match=r"named \.pdf, but holds a zip archive"):
        parse(docx(p("x")), "page.pdf")


def bomb() -> bytes:
    return docx(p("x"), more={"word/media/a.bin": b"\x00" * 30_000_000})


def bomb_that_lies() -> bytes:
    """The text says that it is small and is not."""
    raw = docx(p("x" * 3_000_000))
    with zipfile.ZipFile(BytesIO(raw)) as file:
        size = file.getinfo("word/document.xml").file_size
    return raw.replace(struct.pack("<I", size), struct.pack("<I", 1_000))


def declared(doctype: str, body: str = "") -> bytes:
    document = f'{doctype}<w:document xmlns:w="{WORD}"><w:body>{p(body or "x")}</w:body></w:document>'
    return zipped({"word/document.xml": document})


LAUGHS = (
    "<!DOCTYPE l [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
)
HOSTILE = {
    "swells": (bomb(), "swell more than"),
    "swells and lies": (bomb_that_lies(), "is broken"),
    "laughs": (declared(LAUGHS, "&a11;"), "declares types or entities"),
    "reads files": (declared("<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>", "&f;"), "declares types"),
    "fetches": (declared("<!DOCTYPE d SYSTEM 'http://127.0.0.1/x.dtd'>"), "declares types"),
    "climbs": (docx(p("x"), more={"../../etc/cron.d/x": b"x"}), "leads out of it"),
    "climbs by the root": (docx(p("x"), more={"/etc/passwd": b"x"}), "leads out of it"),
    "climbs backwards": (docx(p("x"), more={"word\\..\\..\\x": b"x"}), "leads out of it"),
    "climbs by the drive": (docx(p("x"), more={"C:/x": b"x"}), "leads out of it"),
    "is nested": (docx("<w:sdt>" * 300 + p("x") + "</w:sdt>" * 300), "nested deeper"),
    "is cut off": (docx(p("x"))[:-40], "is broken"),
    "is cut in the middle": (b"PK\x03\x04" + b"\x00" * 100, "is broken"),
    "is no XML": (zipped({"word/document.xml": b"<w:document"}), "is broken"),
    "is in letters that nobody knows": (
        zipped({"word/document.xml": b'<?xml version="1.0" encoding="rot13"?><a/>'}),
        "is broken",
    ),
    "is packed otherwise": (zipped({"word/document.xml": b"<a/>"}, zipfile.ZIP_BZIP2), "do not use"),
    "has many files": (zipped({f"f{n}": b"" for n in range(2_100)}, zipfile.ZIP_STORED), "more than 2000 files"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_archive_made_to_hurt_is_refused(name: str) -> None:
    raw, said = HOSTILE[name]
    assert said in refusal(raw)


def test_an_archive_with_a_password_is_refused() -> None:
    raw = bytearray(docx(p("x")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(mark)
        while place >= 0:
            raw[place + offset] |= 1
            place = raw.find(mark, place + 4)
    assert "encrypted" in refusal(bytes(raw))


def test_an_office_document_with_a_password_is_no_archive_any_more() -> None:
    assert "old or encrypted Office document" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500)


def test_what_an_archive_unpacks_to_is_counted_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 100)
    assert "unpacks to more than" in refusal(docx(p("x" * 200)))


def test_elements_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_ELEMENTS", 50)
    assert "more than 50 elements" in refusal(docx(p("x") * 30))


def test_tables_nested_as_deep_as_is_allowed_are_read() -> None:
    assert "deep" in text(table([table([table([table([p("deep"), p("a")]), p("b")]), p("c")]), p("d")]))
