"""What stands around the words of an answer from pages: citations, what speaks against a page, and what is said where no page answers."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from agent.envelope import clip
from agent.grounding import Finding
from agent.passages import Passage
from agent.state import Step
from agent.statements import lines_of
from agent.wording import NOTHING, cite
from core.language import Language, Text

MARK = re.compile(r"\s*\[(\d{1,2}(?:\s*[,，]\s*\d{1,2})*)\](?![(:A-Za-z0-9_])")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
ADD = "firstmate kb add PATH"
_NO_PAGE = Text(
    "No page in the knowledge base answers this. Searched: {pages} pages ({passages} passages) for “{query}”.{reason}",
    "知识库中没有文档能回答这个问题。已检索：{pages} 份文档（{passages} 段），检索内容“{query}”。{reason}",
)
_PERHAPS = Text("Perhaps, but not found to answer it: {titles}.", "也许相关，但不足以作为回答：{titles}。")
_TITLE = Text("“{title}” ({path})", "《{title}》（{path}）")
_ADD = Text(
    "If you know the answer, write it down for the next one: `{command}` (a file, a folder or an address).",
    "如果你知道答案，请写下来留给下一位：`{command}`（可以是文件、文件夹或网址）。",
)
_CHECKS = Text(
    "“{title}” has {count} checks to run: `firstmate tool runbook_checks --page {page} --namespace NS --name WORKLOAD`",
    "《{title}》有 {count} 项可执行的检查：`firstmate tool runbook_checks --page {page} --namespace NS --name WORKLOAD`",
)
_CORRECTED = Text(
    "The model said what no cited page says: {dropped} statements left out, {marked} marked. The answer follows as it may stand.",
    "模型说了引用页面中没有的内容：去掉 {dropped} 句，标注 {marked} 句。以下是核对后的回答。",
)
_BY_PAGES = Text(" Nothing of it could stand, so the pages answer.", "没有一句能成立，改由页面原文回答。")
_EXPIRED = Text(
    "“{title}” was valid until {until} and has expired; check with its owners before you act on it. [{n}]",
    "《{title}》的有效期到 {until}，已过期；照做之前请先向维护者确认。[{n}]",
)


def marks_in(text: str) -> set[int]:
    """The numbers of all passages that the text names."""
    return {int(each) for group in MARK.findall(_CODE.sub("", text)) for each in re.split(r"[,，]", group)}


def cited(text: str, passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """A citation for each passage that the text names, in their order."""
    named = marks_in(text)
    return [one.citation() for one in passages if one.number in named]


def expired(passages: Sequence[Passage], text: str, now: datetime, language: Language) -> list[str]:
    """A line for each page that the text stands on and that is past its date; once a page."""
    named = marks_in(text)
    stale = {one.title: one for one in reversed(passages) if one.number in named and _is_past(one.valid_until, now)}
    return [_EXPIRED(language, title=one.title, until=one.valid_until[:10], n=one.number) for one in stale.values()]


def _is_past(until: str, now: datetime) -> bool:
    """A date holds to its end, everywhere on earth its own day; a moment holds until it comes."""
    if not until:
        return False
    try:
        if len(until) <= len("2026-01-01"):
            return date.fromisoformat(until) < now.date()
        return datetime.fromisoformat(until) <= now
    except (ValueError, TypeError):
        return False


def statements_of(text: str, passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """What the answer says, statement by statement, with the evidence of each."""
    evidence = {one.number: one.evidence for one in passages}
    said = [one for line in lines_of(text) for one in line.statements if one.kind != "frame" and one.marks]
    return [
        {"text": one.text, "evidence": [evidence[mark] for mark in dict.fromkeys(one.marks) if evidence.get(mark)]}
        for one in said
    ]


def correction(findings: Sequence[Finding], language: Language, *, by_pages: bool) -> str:
    dropped = sum(one.dropped for one in findings)
    said = _CORRECTED(language, dropped=dropped, marked=sum(bool(one.why) for one in findings) - dropped)
    return said + (_BY_PAGES(language) if by_pages else "")


def unanswered(step: Step, language: Language) -> list[str]:
    """What was searched, what lies near, and how to close the gap; never a page as an answer."""
    data = step["data"]
    reason = str(data.get("reason") or "").strip()
    said = _NO_PAGE(
        language,
        pages=data.get("pages", 0),
        passages=data.get("passages", 0),
        query=clip(str(step["arguments"].get("query", "")), 120),
        reason=(" " if language == "en" else "") + reason if reason else "",
    )
    near = [_TITLE(language, title=each["title"], path=each["path"]) for each in data.get("nearest") or []]
    perhaps = [_PERHAPS(language, titles=("、" if language == "zh" else ", ").join(near))] if near else []
    return [cite(line, step["evidence"][:1]) for line in [said, *perhaps]] + [_ADD(language, command=ADD)]


def checks(step: Step, language: Language) -> list[str]:
    """How to run what the best page asks, where it asks anything."""
    offered, hits = step["data"].get("checks"), step["data"].get("hits")
    return [_CHECKS(language, title=hits[0]["title"], **offered)] if offered and hits else []


def hint(language: Language) -> str:
    return NOTHING(language)
