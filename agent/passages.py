"""The passages that an answer from the knowledge base may stand on, numbered once for a whole run.

What the search returned comes first; the other sections of the best page follow, because whoever asks about a fault wants its first checks
and its repair even where the question named neither. The numbers are what `[1]` in an answer means, and a passage that is cited becomes
a citation with everything that is needed to find it again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from agent.envelope import clip
from agent.orders import without_orders
from agent.state import Step

Role = Literal["what", "symptom", "checks", "causes", "repair", "verification", "prevention", "other"]
MAX_PASSAGES = 12
MAX_TEXT = 2_400
MAX_QUOTE = 300
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("checks", re.compile(r"\bchecks?\b|diagnos|investigat|triage|troubleshoot|检查|排查|诊断|定位", re.IGNORECASE)),
    ("verification", re.compile(r"verif|validat|验证|确认", re.IGNORECASE)),
    ("prevention", re.compile(r"prevent|avoid|预防|避免|防止", re.IGNORECASE)),
    ("repair", re.compile(r"repair|remed|\bfix|mitigat|resolution|\bsolution|recover|修复|处理|解决|恢复|处置", re.IGNORECASE)),
    ("causes", re.compile(r"\bcauses?\b|\bwhy\b|reason|原因|根因", re.IGNORECASE)),
    ("symptom", re.compile(r"symptom|\bsigns?\b|症状|现象|表现", re.IGNORECASE)),
    ("what", re.compile(r"overview|summary|what (?:it )?is|meaning|description|概述|概览|简介|是什么|含义|说明", re.IGNORECASE)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    number: int
    page: str
    title: str
    heading: str
    path: str
    text: str
    quote: str = ""
    """The line that answers most; empty for a passage that the search did not return."""
    language: str = ""
    score: float | None = None
    updated_at: str = ""
    valid_until: str = ""
    evidence: str = ""
    place: int = 0
    """Of its section on the page, from 1; 0 where that is not known."""

    @property
    def role(self) -> Role:
        return role_of(self.heading, self.title)

    def shown(self) -> dict[str, Any]:
        """As a model or the planner is given it."""
        return {
            "n": self.number,
            "page": self.page,
            "title": self.title,
            "heading": self.heading,
            "path": self.path,
            "quote": self.quote,
            "place": self.place,
            "score": self.score,
            "text": self.text[:MAX_TEXT],
        }

    def citation(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "evidence": self.evidence,
            "page": self.page,
            "title": self.title,
            "heading": self.heading,
            "path": self.path,
            "quote": self.quote or clip(self.text, MAX_QUOTE),
            "language": self.language,
            "score": self.score,
            "updated_at": self.updated_at or None,
            "valid_until": self.valid_until or None,
        }


def role_of(heading: str, title: str = "") -> Role:
    if not heading or heading == title:
        return "what"
    last = heading.split(" > ")[-1]
    return next((role for role, pattern in _ROLES if pattern.search(last)), _outer_role(heading))


def _outer_role(heading: str) -> Role:
    """Of a section inside a section, the role of what is around it."""
    outer = heading.split(" > ")[:-1]
    return next((role for above in reversed(outer) for role, pattern in _ROLES if pattern.search(above)), "other")


def of_step(step: Step) -> list[Passage]:
    """What a search returned, numbered: its hits, then the rest of the best page."""
    data = step["data"]
    hits: Sequence[Mapping[str, Any]] = data.get("hits") or []
    sections: Sequence[Mapping[str, Any]] = data.get("sections") or []
    found = _placed([_of_hit(hit) for hit in hits], sections)
    if found:
        found += _rest_of_page(found, sections)
    ids = list(step["evidence"][1:])
    numbered = [replace(one, number=place) for place, one in enumerate(found[:MAX_PASSAGES], 1)]
    return [replace(one, evidence=ids[place] if place < len(ids) else "") for place, one in enumerate(numbered)]


def _of_hit(hit: Mapping[str, Any]) -> Passage:
    return Passage(
        number=0,
        page=str(hit.get("page", "")),
        title=str(hit.get("title", "")),
        heading=str(hit.get("heading", "")),
        path=str(hit.get("path", "")),
        text=str(hit.get("text") or hit.get("quote") or ""),
        quote=str(hit.get("quote") or ""),
        language=str(hit.get("language") or ""),
        score=hit.get("score"),
        updated_at=str(hit.get("updated_at") or ""),
        valid_until=str(hit.get("valid_until") or ""),
    )


def _rest_of_page(hits: Sequence[Passage], sections: Iterable[Mapping[str, Any]]) -> list[Passage]:
    best = hits[0]
    known = {hit.text.strip() for hit in hits if hit.page == best.page}
    rest = [
        replace(best, heading=str(each["heading"]), text=str(each["text"]), quote="", score=None, place=place)
        for place, each in enumerate(sections, 1)
    ]
    return [one for one in rest if one.text.strip() not in known]


def _placed(hits: Sequence[Passage], sections: Sequence[Mapping[str, Any]]) -> list[Passage]:
    places = {str(each["text"]).strip(): place for place, each in enumerate(sections, 1)}
    return [replace(hit, place=places.get(hit.text.strip(), 0)) for hit in hits]


def sheet(passages: Sequence[Passage], language: str, question: str) -> dict[str, Any]:
    """What is put before whoever words the answer; what a page tells its reader's assistant to do is left out of no page, but marked."""
    return {
        "language": language,
        "asked": list(asked_for(question)),
        "handling": _HANDLING.search(question) is not None,
        "passages": [_marked(one.shown()) for one in passages],
    }


def _marked(shown: dict[str, Any]) -> dict[str, Any]:
    """The quote stays as it is: it is a line of the text, and whoever tells it asks whether it gives orders."""
    return {**shown, **{name: without_orders(shown[name]) for name in ("title", "heading", "text")}}


_ASKED_PATTERNS: dict[Role, str] = {
    "verification": r"\bverif\w*|\bconfirm\w*|\b(?:did|does) it (?:help|work)|\bhow (?:do|can) (?:i|we) know|"
    r"验证|确认|怎么知道|是否已?恢复",
    "prevention": r"\bprevent\w*|\bavoid\w*|\bnever again|预防|避免|防止",
    "checks": r"\bchecks?\b|\bdiagnos\w*|\binvestigat\w*|\btroubleshoot\w*|\bfind out|\blook at|\bin what order|"
    r"检查|排查|诊断|定位|怎么查|先看|先查|查什么|看什么|顺序",
    "repair": r"\bfix\w*|\brepair\w*|\bresolve\w*|\bremed\w*|\bmitigat\w*|\bsolve\w*|\brecover\w*|\bget rid|"
    r"修复|修好|解决|恢复|处置|怎么修",
    "causes": r"\bwhy\b|\bcauses?\b|\breasons?\b|为什么|为何|原因|根因",
    "symptom": r"\bsymptoms?\b|\brecogni[sz]e|\blooks? like|症状|现象|表现",
    "what": r"\bwhat (?:is|are|does)\b|\bmeans?\b|\bmeaning\b|\bexplain|什么是|是什么|什么意思|含义|解释",
}
_HANDLING = re.compile(
    r"\bwhat (?:should|do|can|must|shall) (?:i|we|one|you)(?: \w+)? do\b|\bwhat to do\b|\bhandl\w+|\bdeal with\b|"
    r"怎么办|怎么处理|如何处理|怎样处理|怎么应对|如何应对",
    re.IGNORECASE,
)
_ASKED = {role: re.compile(pattern, re.IGNORECASE) for role, pattern in _ASKED_PATTERNS.items()}


def asked_for(question: str) -> tuple[Role, ...]:
    """Which parts of a page the question names; none when it asks what to do in general."""
    return tuple(role for role, pattern in _ASKED.items() if pattern.search(question))
