"""HTML: what a reader sees becomes Markdown, what a reader does not see is left out, and no markup takes long."""

import pytest

from core.errors import Invalid
from knowledge_base.formats import html, writer
from knowledge_base.parse import Page, parse


def page(source: str | bytes) -> Page:
    return parse(source.encode() if isinstance(source, str) else source, "wiki/page.html")


def text(source: str) -> str:
    return page(source).text.rstrip("\n")


def refusal(raw: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        page(raw)
    return refused.value.sentence


def test_a_page_says_what_it_is() -> None:
    found = page(
        "<!DOCTYPE html><html><head><title>Refunds &amp; holds</title>"
        '<meta name="keywords" content="pay, refund; 退款"><meta name="alerts" content="RefundStuck">'
        '<meta name="valid-until" content="2030-01-31"></head><body><h1>Other</h1><p>Text</p></body></html>'
    )
    assert (found.title, found.kind, found.id) == ("Refunds & holds", "html", "wiki-page-html")
    assert (found.tags, found.alerts) == (("pay", "refund", "退款"), ("RefundStuck",))
    assert str(found.valid_until) == "2030-01-31"


def test_without_a_title_the_first_heading_names_it() -> None:
    assert page("<h1>Refunds <em>fail</em></h1><p>text").title == "Refunds fail"


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("<h2>Re\npair</h2>now", "## Re pair\n\nnow"),
        ("<p>one<p>two<br>three", "one\n\ntwo\nthree"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<p>see <a href='javascript:alert(1)'>the page</a> now", "see the page now"),
        ("<p>run <code>kubectl get pods</code> and <kbd></kbd>wait", "run `kubectl get pods` and wait"),
        ("a &lt;pod&gt; &amp; 5 < 6 &eacute; &#x4e2d;", "a <pod> & 5 < 6 é 中"),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", "- a\n- b\n   - c\n- d\n\ne"),
        ("<ol start=3><li><p>a</p><p>more</p><li>b</ol>", "3. a\n   more\n4. b"),
        ("<dl><dt>OOM<dd>out of memory<dt>b<dd>c</dl>", "- OOM\n   out of memory\n- b\n   c"),
        ("<p># no heading<p>```<p>real", "    # no heading\n\n    ```\n\nreal"),
        ("<img src=x alt='a chart'> here", "a chart here"),
        ("a<hr>b", "a\n\nb"),
        ("<![CDATA[kept]]> too", "kept too"),
    ],
)
def test_elements_become_markdown(source: str, written: str) -> None:
    assert text(source) == written


def test_code_is_kept_to_the_letter() -> None:
    source = (
        '<pre><code class="hljs language-bash"># all\nkubectl  get pods\n\n\n\tmore &amp; ``` more</code></pre>after'
    )
    assert text(source) == "````bash\n# all\nkubectl  get pods\n\n\n\tmore & ``` more\n````\n\nafter"


def test_code_in_an_item_stays_with_its_item() -> None:
    assert text("<ol><li>Run<pre>a\nb</pre><li>Look</ol>") == "1. Run\n   ```\n   a\n   b\n   ```\n2. Look"


def test_a_table_becomes_a_table() -> None:
    source = (
        "<table><caption>Codes</caption><thead><tr><th>Code<th colspan=2>Meaning</thead>"
        "<tbody><tr><td>E1<td>a | b<td><ul><li>x<li>y</ul></td></tr><tr></tr><tr><td>E2</table>after"
    )
    expected = "Codes\n\n| Code | Meaning |  |\n| --- | --- | --- |\n| E1 | a \\| b | - x - y |\n| E2 |\n\nafter"
    assert text(source) == expected


def test_a_table_that_only_lays_the_page_out_is_no_table() -> None:
    source = "<table><tr><td>menu<td><h2>Repair</h2><p>text</p><pre>code</pre></table>"
    assert text(source) == "menu\n\n## Repair\n\ntext\n\n```\ncode\n```"


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>document.write('<p>gone</p>')</script>",
        "<SCRIPT type=x>if (a < b) gone()</SCRIPT >",
        "<style>p { content: 'gone' }</style>",
        "<nav><ul><li>gone<nav>gone</nav></ul></nav>",
        "<!-- gone -- gone > gone -->",
        "<p hidden>gone<p>",
        "<div style='color: red; DISPLAY : none'>gone<div>gone</div></div>",
        "<span aria-hidden=true>gone</span>",
        "<template>gone</template><svg><text>gone</text></svg><iframe src=x>gone</iframe>",
        "<noscript>gone</noscript><select><option>gone</select><button onclick=gone()>gone</button>",
        "<img hidden alt=gone><?php gone ?><!ELEMENT gone>",
        "<div role=navigation>gone</div>",
    ],
)
def test_what_nobody_sees_is_left_out(unseen: str) -> None:
    found = text(f"<p>before</p>{unseen}<p>after</p>")
    assert "gone" not in found
    assert found.startswith("before")
    assert found.endswith("after")


def test_a_page_of_nothing_but_script_is_empty() -> None:
    assert "empty" in refusal(b"<html><script>alert(1)</script><!-- x --></html>")


def test_a_page_that_says_which_part_is_its_own_is_that_part() -> None:
    words = "Replay the ledger. " * 20
    page = f"<div>Menu<table><tr><td>Search<main><h1>Refunds</h1><div><p>{words}</div></main>Footer</table></div>End"
    assert text(page) == f"# Refunds\n\n{words.strip()}"
    assert text(page.replace("<main>", "<div role=main>").replace("</main>", "</div>")).startswith("# Refunds")
    assert text(f"Menu<main><h1>Refunds</h1><p>{words}").startswith("# Refunds")


@pytest.mark.parametrize("main", ["<main></main>", "<main hidden>x</main>", "<main><p>Loading</main>"])
def test_a_main_part_that_says_nothing_is_not_the_page(main: str) -> None:
    found = text(f"<h1>Refunds</h1>{main}<p>Replay the ledger.")
    assert found.startswith("# Refunds")
    assert found.endswith("Replay the ledger.")


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="gb2312">', "gb18030"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=GBK">', "gbk"),
        ('<?xml version="1.0" encoding="Big5"?>', "big5"),
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
    ],
)
def test_letters_are_read_as_the_page_says(head: str, encoding: str) -> None:
    assert page(f"{head}<p>中文內容</p>".encode(encoding)).text == "中文內容\n"


@pytest.mark.parametrize("name", ["rot13", "zlib", "unicode_escape", "punycode", "utf-7", "nonsense"])
def test_an_encoding_that_is_none_of_the_web_is_refused_by_name(name: str) -> None:
    assert name in refusal(f'<meta charset="{name}"><p>x'.encode())


def test_letters_that_are_not_what_the_page_says_are_refused() -> None:
    assert "not UTF-8 text (byte 3)" in refusal(b"<p>\xff\xfe")
    assert "NUL" in refusal(b"<p>a\x00b")


HOSTILE = {
    "tags that open and never close": "<ul><li>" * 5_000 + "deep",
    "lists nested a thousand deep": "<ul><li>" * 1_000 + "deep" + "</li></ul>" * 1_000,
    "end tags that close nothing": "<b>" * 5_000 + "deep" + "</i>" * 5_000,
    "tags that never end": "deep" + "<a " * 50_000,
    "quotes that never end": "deep" + "<a x=\"' " * 50_000,
    "comments that never end": "deep" + "<!--" * 50_000,
    "scripts that never end": "deep" + "<script>" * 50_000,
    "tables in tables": "<table><tr><td>" * 5_000 + "deep",
    "one row that is very wide": "<table><tr>" + "<td colspan=99999>a" * 2_000 + "<tr><td>deep" * 2_000 + "</table>",
    "quotes in quotes": "<blockquote>" * 5_000 + "deep",
    "entities without end": "deep" + "&" * 50_000 + "&#" + "9" * 5_000 + ";&#x" + "f" * 5_000 + ";",
    "attributes without end": "<p " + "a = " * 50_000 + ">deep",
    "spaces without end": "<p" + " " * 100_000 + ">deep" + " " * 100_000,
    "code that never closes": "deep" + "<pre>" * 5_000,
    "code in lines": "deep" + "<code>" * 5_000,
    "letters that are none": "deep &#xD800; &#0; &#x110000;",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_made_to_hurt_is_read_as_far_as_it_says_anything(name: str) -> None:
    found = page(HOSTILE[name])
    assert "deep" in found.text
    assert len(found.text) < 20 * len(HOSTILE[name]) + 100
    assert found.text.encode()


def test_more_tags_than_any_page_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_TOKENS", 100)
    assert "more than 100 tags" in refusal(b"<b>x</b>" * 50)


def test_a_text_that_swells_past_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_TEXT", 1_000)
    # Each paragraph deep in a list is set in by more spaces than it has letters to show.
    assert "longer than" in refusal(("<ul>" * 12 + "<p>a" * 100).encode())
