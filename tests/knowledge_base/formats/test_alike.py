"""One handbook in every format: what people find in it is the same, whichever program wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from knowledge_base.parse import Page, parse
from knowledge_base.split import Piece, split
from tests.knowledge_base.formats.making import docx, p, pdf, style, table

MARKDOWN = """# Refunds

A refund waits in the ledger.

## Repair

1. Stop the batch
2. Replay the export

```
kubectl rollout restart deploy/refund
# then wait
```

## Codes

| Code | Meaning |
| --- | --- |
| E1 | not paid |
| E2 | paid twice |
"""
HTML = """<!DOCTYPE html><html><head><title>Refunds</title><script>track()</script></head><body>
<nav><a href="/">Home</a></nav><h1>Refunds</h1><p>A refund waits
in the <a href="/ledger">ledger</a>.</p><h2>Repair</h2><ol><li>Stop the batch</li><li>Replay the export</li></ol>
<pre>kubectl rollout restart deploy/refund
# then wait</pre><h2>Codes</h2><table><tr><th>Code</th><th>Meaning</th></tr><tr><td>E1</td><td>not paid</td></tr>
<tr><td>E2</td><td>paid twice</td></tr></table></body></html>"""
WORD_STYLES = style("h1", "heading 1") + style("h2", "标题 2") + style("c", "Source Code")
WORD_LISTS = (
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
)
WORD = (
    p("Refunds", style="h1")
    + p("A refund waits in the ledger.")
    + p("Repair", style="h2")
    + p("Stop the batch", number="1")
    + p("Replay the export", number="1")
    + p("kubectl rollout restart deploy/refund", style="c")
    + p("# then wait", style="c")
    + p("Codes", style="h2")
    + table([p("Code"), p("Meaning")], [p("E1"), p("not paid")], [p("E2"), p("paid twice")])
)
TEXT = """Refunds
=======

A refund waits in the ledger.

Repair
------

1. Stop the batch
2. Replay the export

```
kubectl rollout restart deploy/refund
# then wait
```

Codes
-----

| Code | Meaning |
| --- | --- |
| E1 | not paid |
| E2 | paid twice |
"""
HANDBOOKS = {
    "handbook.md": MARKDOWN.encode(),
    "handbook.html": HTML.encode(),
    "handbook.docx": docx(WORD, styles=WORD_STYLES, numbering=WORD_LISTS),
    "handbook.txt": TEXT.encode(),
    "handbook-in-windows.txt": TEXT.replace("\n", "\r\n").encode("utf-16"),
}


def handbook(name: str) -> Page:
    return parse(HANDBOOKS[name], name)


def under(pieces: list[Piece], heading: str) -> str:
    return "\n\n".join(piece.text for piece in pieces if piece.headings[-1:] == (heading,))


@pytest.mark.parametrize("name", HANDBOOKS)
def test_the_text_is_the_same_to_the_letter(name: str) -> None:
    assert handbook(name).text == MARKDOWN


@pytest.mark.parametrize("name", HANDBOOKS)
def test_title_and_language_are_the_same(name: str) -> None:
    found = handbook(name)
    assert (found.title, found.language) == ("Refunds", "en")


@pytest.mark.parametrize("name", HANDBOOKS)
def test_passages_stand_under_the_same_headings(name: str) -> None:
    pieces = split(handbook(name).text)
    assert [piece.headings for piece in pieces] == [("Refunds",), ("Refunds", "Repair"), ("Refunds", "Codes")]
    assert "# then wait" in under(pieces, "Repair")
    assert under(pieces, "Codes").count("\n") == 3


def test_a_pdf_of_it_has_the_same_words_under_the_same_headings() -> None:
    lines = "Refunds\nA refund waits in the ledger.\nRepair\n1. Stop the batch\n2. Replay the export"
    rest = "kubectl rollout restart deploy/refund\nCodes\nE1 not paid\nE2 paid twice"
    raw = pdf(lines, rest, outline=[("Refunds", 0), ("Repair", 0), ("Codes", 1)], info={"Title": "Refunds"})
    found = parse(raw, "handbook.pdf")
    pieces = split(found.text)
    assert found.title == "Refunds"
    assert [piece.headings for piece in pieces] == [
        ("Refunds", "p. 1"),
        ("Repair", "p. 1"),
        ("Repair", "p. 2"),
        ("Codes", "p. 2"),
    ]
    assert pieces[1].text == "1. Stop the batch\n2. Replay the export"


WORDS = some.text(alphabet="abcdefgh付款", min_size=1, max_size=8)
PARAGRAPHS = some.lists(some.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=8)


def words_of(text: str) -> list[str]:
    return [word for word in text.split() if word.strip("#-|`.0123456789")]


@settings(deadline=None)
@given(PARAGRAPHS, some.data())
def test_no_word_of_an_html_page_is_lost_or_moved(paragraphs: list[str], data: some.DataObject) -> None:
    names = some.sampled_from(
        ["p", "div", "h2", "h5", "li", "blockquote", "pre", "td", "dd", "span", "b", "section", "ul"]
    )
    opened = [data.draw(names) for _ in paragraphs]
    closed = [data.draw(some.booleans()) for _ in paragraphs]
    parts = zip(opened, paragraphs, closed, strict=True)
    source = "".join(f"<{name}> {text} " + (f"</{name}>" if ends else "") for name, text, ends in parts)
    found = parse(source.encode(), "page.html").text
    assert words_of(found) == [word for text in paragraphs for word in text.split()]


@settings(deadline=None)
@given(PARAGRAPHS, some.data())
def test_no_word_of_a_word_document_is_lost_or_moved(paragraphs: list[str], data: some.DataObject) -> None:
    looks = some.sampled_from(
        [
            lambda text: p(text),
            lambda text: p(text, style="h1"),
            lambda text: p(text, style="c"),
            lambda text: p(text, number="1"),
            lambda text: table([p(text)]),
            lambda text: table([p(text), p("")], [p("")]),
        ]
    )
    body = "".join(data.draw(looks)(text) for text in paragraphs)
    found = parse(docx(body, styles=WORD_STYLES, numbering=WORD_LISTS), "page.docx").text
    assert words_of(found) == [word for text in paragraphs for word in text.split()]


@settings(deadline=None)
@given(some.lists(some.text(alphabet="abc ()\\#=-", min_size=1, max_size=20), min_size=1, max_size=8))
def test_no_letter_of_a_pdf_page_is_lost(lines: list[str]) -> None:
    raw = pdf("start", *lines)
    found = parse(raw, "page.pdf").text
    wanted = "".join("start" + "".join(lines)).replace(" ", "")
    shown = "".join(line for line in found.split("\n") if not line.startswith("###### p. "))
    assert "".join(shown.split()) == wanted


@settings(deadline=None)
@given(
    some.dictionaries(WORDS, some.one_of(WORDS, some.lists(WORDS, max_size=3)), min_size=1, max_size=6), some.booleans()
)
def test_no_line_of_a_yaml_file_is_lost(values: dict[str, object], several: bool) -> None:
    lines = [f"{name}: {value if isinstance(value, str) else list(value)}  # why" for name, value in values.items()]  # type: ignore[call-overload]
    source = ("\n---\n" if several else "\n").join(lines)
    found = parse(source.encode(), "page.yaml").text
    assert [line for line in found.split("\n") if line.endswith("# why")] == lines
