"""What systems and models said, as HTML that can do nothing.

The HTML is built, not cleaned: raw HTML, links and images are not understood at all, so they come out as the characters they are, and the
only tags are those of paragraphs, lists, tables and code. No attribute ever carries foreign text but a label that screen readers read. The
page's content policy and its own sanitiser stand behind this, but nothing here relies on them. A mark like [e2] becomes a small chip that
shows its evidence to whoever points at it or reaches it with the keyboard; so does [2], the number of a page's passage.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MAX_TEXT = 60_000
MAX_PAGE = 400_000
MAX_QUOTE = 400
MAX_DIFF_LINES = 400
_MARK = re.compile(r"\s*\[(e?\d+(?:\s*,\s*e?\d+)*)\]")
_FIRST_HEADING = re.compile(r"\A\s*# [^\n]*\n")
_ITEM = re.compile(r"^(?:[-*+•]|#{1,6}|\d+[.)、])\s+")
_STRUCTURE = re.compile(r"\s{2,}|\t|\s?(?:[-*+>|#]|```|\d+[.)]\s)")
_KINDS = {"+": "add", "-": "del", "@": "hunk"}

Evidence = Mapping[str, Mapping[str, Any]]


def answer_html(text: str, evidence: Evidence) -> str:
    return str(_MARKDOWN.render(_apart(text[:MAX_TEXT]), {"evidence": evidence}))


def page_html(text: str) -> str:
    """A page of the knowledge base. Its first heading is its title, which stands above it already."""
    return str(_PAGES.render(_FIRST_HEADING.sub("", text[:MAX_PAGE], count=1)))


def line_html(text: str) -> str:
    """One line out of a page, without its list's mark and a table's bars."""
    line = text[:MAX_TEXT].strip()
    if line.startswith("|"):
        line = "; ".join(cell.strip() for cell in line.strip("|").split("|") if cell.strip())
    return str(_PAGES.renderInline(_ITEM.sub("", line, count=1)))


def diff_html(text: str) -> str:
    """A unified diff, line by line."""
    lines = text.splitlines()
    shown = "".join(_diff_line(line) for line in lines[:MAX_DIFF_LINES])
    left = len(lines) - MAX_DIFF_LINES
    return shown + (f'<div class="hunk">… +{left}</div>' if left > 0 else "")


def _apart(text: str) -> str:
    """Statements are told one a line; plain lines become paragraphs, while lists, tables and code stay as they are."""
    lines: list[str] = []
    fenced, before = False, ""
    for line in text.splitlines():
        if not fenced and _is_plain(line) and _is_plain(before):
            lines.append("")
        fenced ^= line.lstrip().startswith("```")
        lines.append(line)
        before = line
    return "\n".join(lines)


def _is_plain(line: str) -> bool:
    return bool(line.strip()) and not _STRUCTURE.match(line)


def _diff_line(line: str) -> str:
    kind = "file" if line.startswith(("---", "+++")) else _KINDS.get(line[:1], "same")
    return f'<div class="{kind}">{escape(line) or " "}</div>'


def _text(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, env: MutableMapping[str, Any]
) -> str:
    content, done, html = tokens[index].content, 0, []
    for mark in _MARK.finditer(content):
        html.append(escape(content[done : mark.start()]))
        marks = mark.group(1).split(",") if _is_known(mark, env["evidence"]) else []
        html += [_chip(each.strip(), env["evidence"]) for each in marks] or [escape(mark.group())]
        done = mark.end()
    return "".join([*html, escape(content[done:])])


def _is_known(mark: re.Match[str], evidence: Evidence) -> bool:
    """A bare number in brackets is a mark only where there is such a passage."""
    return mark.group(1).startswith("e") or all(each.strip() in evidence for each in mark.group(1).split(","))


def _chip(mark: str, evidence: Evidence) -> str:
    found = evidence.get(mark)
    if found is None:
        return f'<span class="fm-cite">{mark.removeprefix("e")}</span>'
    source, ref = str(found.get("source", ""))[:MAX_QUOTE], str(found.get("ref", ""))[:MAX_QUOTE]
    quote = str(found.get("quote", ""))[:MAX_QUOTE]
    label = escape(f"{mark}: {source}, {quote}", quote=True)
    shown = f"<b>{mark} · {escape(source)}</b><i>{escape(ref)}</i><span>{escape(quote)}</span>"
    return (
        f'<span class="fm-cite" tabindex="0" role="note" aria-label="{label}">{mark.removeprefix("e")}'
        f'<span class="fm-pop" aria-hidden="true">{shown}</span></span>'
    )


def _understood(*, breaks: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": breaks}).enable("table")
    return made.disable(["link", "image", "autolink", "reference", "html_inline", "html_block"])


_MARKDOWN, _PAGES = _understood(breaks=True), _understood(breaks=False)
_MARKDOWN.add_render_rule("text", _text)
