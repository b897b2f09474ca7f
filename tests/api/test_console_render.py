"""What the console makes of text that others wrote."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from api.console.render import MAX_DIFF_LINES, MAX_TEXT, answer_html, diff_html, line_html, page_html

SAFE_TAGS = {
    *("p", "br", "hr", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "span", "b", "i", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"),
}
SAFE_ATTRIBUTES = {"class", "tabindex", "role", "aria-label", "aria-hidden", "style", "start"}
HOSTILE = [
    "<script>fetch('http://evil.example')</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onmouseover=alert(1)>pod</b>",
    "![see](http://evil.example/pixel.png)",
    "[click](javascript:alert(1))",
    "[click](http://evil.example/)",
    "<http://evil.example/>",
    "[one][ref]\n\n[ref]: http://evil.example/ 'title'",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "```<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n```",
    "`<img src=x onerror=alert(1)>`",
    "| <script>x</script> | ![i](http://evil.example) |\n|---|:-:|\n| <a href='javascript:1'>a</a> | b |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<style>@import 'http://evil.example/x.css'</style>",
    '[e1] <img src="[e1]" onerror=alert(1)>',
    "- <details open ontoggle=alert(1)>\n  1. <math><mtext></table><mglyph><style><img src onerror=1>",
]
EVIDENCE = {
    "e1": {
        "source": "logs <script>alert(1)</script>",
        "ref": 'pod "><img src=x onerror=alert(1)>',
        "quote": "' onfocus='alert(1) \" onfocus=\"alert(1) ![x](http://evil.example)",
    }
}


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for name, value in attrs if name == "style"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_nothing_but_text(text: str) -> None:
    seen = Tags(answer_html(text + " [e1]", EVIDENCE))
    assert seen.tags <= SAFE_TAGS
    assert seen.attributes <= SAFE_ATTRIBUTES
    assert all(value.startswith("text-align:") for value in seen.values)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_diff_becomes_nothing_but_lines(text: str) -> None:
    seen = Tags(diff_html(f"+{text}"))
    assert seen.tags == {"div"}
    assert seen.attributes == {"class"}


@pytest.mark.parametrize("made", [page_html, line_html])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_page_becomes_nothing_but_text(text: str, made: Callable[[str], str]) -> None:
    seen = Tags(made(f"# Title\n\n{text} [e1]\n"))
    assert seen.tags <= SAFE_TAGS
    assert seen.attributes <= SAFE_ATTRIBUTES


def test_a_page_is_shown_without_its_title_and_with_its_paragraphs_whole() -> None:
    html = page_html("\n# Crash loops\n\nOne line\nand its end [e1].\n\n## Repair\n\n# Not the title\n")
    assert "Crash loops" not in html
    assert "<p>One line\nand its end [e1].</p>" in html
    assert html.count("<h1>") == html.count("<h2>") == 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("- **Restarts** climb", "<strong>Restarts</strong> climb"),
        ("3. `kubectl get` first", "<code>kubectl get</code> first"),
        ("| a | b |", "a; b"),
        ("1.5 is a number", "1.5 is a number"),
    ],
)
def test_a_line_of_a_page_stands_without_its_lists_mark(line: str, shown: str) -> None:
    assert line_html(line) == shown


def test_a_link_is_shown_with_its_address_and_cannot_be_followed() -> None:
    seen = Tags(answer_html("see [the page](http://evil.example/)", {}))
    assert "[the page](http://evil.example/)" in seen.text
    assert "a" not in seen.tags


def test_a_reader_still_gets_lists_tables_code_and_emphasis() -> None:
    seen = Tags(answer_html("# Causes\n\n- **one**\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```", {}))
    assert {"h1", "ul", "li", "strong", "code", "table", "td", "pre"} <= seen.tags


def test_every_statement_stands_on_a_line_of_its_own() -> None:
    assert answer_html("First.\nSecond.\n- one\n- two\n", {}).count("<p") == 2


def test_lines_of_code_tables_and_quotes_stay_together() -> None:
    html = answer_html("```\nfirst\nsecond\n```\n> one\n> two\n\n| a |\n|---|\n| 1 |\n| 2 |", {})
    assert "first\nsecond" in html
    assert html.count("<blockquote") == 1
    assert html.count("<td") == 2


def test_a_mark_becomes_a_chip_that_carries_its_evidence() -> None:
    html = answer_html("It was killed. [e2]", {"e2": {"source": "kubernetes", "ref": "Pod shop/cart", "quote": "137"}})
    seen = Tags(html)
    assert "It was killed.2" in seen.text
    assert "e2 · kubernetes" in seen.text
    assert "Pod shop/cart" in seen.text
    assert 'tabindex="0"' in html


def test_several_marks_in_one_pair_of_brackets_are_several_chips() -> None:
    assert answer_html("So. [e1, e2][e3]", {}).count("fm-cite") == 3


def test_a_mark_whose_evidence_is_not_known_promises_nothing() -> None:
    html = answer_html("So. [e9]", {})
    assert "tabindex" not in html
    assert "[e9]" not in html


def test_a_mark_in_code_stays_what_the_code_says() -> None:
    assert "[e1]" in answer_html("`list[e1]`", EVIDENCE)


def test_text_without_end_is_cut() -> None:
    assert len(answer_html("x" * (MAX_TEXT * 3), {})) < MAX_TEXT * 2


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "*a_" * 10_000, "> " * 5_000, "`" * 20_001, "|a" * 10_000, "- " * 9_000]
)
def test_text_made_to_be_slow_is_drawn_all_the_same(text: str) -> None:
    assert answer_html(text, {})


def test_a_diff_tells_apart_what_comes_what_goes_and_what_stays() -> None:
    html = diff_html("--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c")
    kinds = [part.split('"')[0] for part in html.split('class="')[1:]]
    assert kinds == ["file", "file", "hunk", "same", "del", "add"]


def test_a_diff_without_end_says_how_much_is_not_shown() -> None:
    html = diff_html("\n".join(["+x"] * (MAX_DIFF_LINES + 7)))
    assert html.count("<div") == MAX_DIFF_LINES + 1
    assert "+7" in html


def test_a_number_in_brackets_is_a_mark_only_where_there_is_such_a_passage() -> None:
    known = {"1": {"source": "runbook", "ref": "en/oom.md > Repair", "quote": "Raise the limit."}}
    html = answer_html("Raise it [1]. An index [7] stays.", known)
    assert html.count("fm-pop") == 1
    assert "en/oom.md &gt; Repair" in html
    assert "[7]" in html
