"""The lessons as tools: what was seen before that is like this, with the reasons; and telling a new one.

A past case is no evidence of the present cause, and the summary never says so: it tells when it was, what it was, what helped and how
long it took, for a person to compare.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from core.errors import Invalid
from core.language import Language, Text
from knowledge_base.cases.book import CaseBook, Edit, Similar
from knowledge_base.cases.case import Case, Component, Facts, Sighting
from knowledge_base.cases.likening import Asked, reasons
from knowledge_base.cases.masking import template
from tools.spec import AnyTool, Context, Input, Source, Tool, ToolResult

SYSTEM = "Firstmate cases"
MAX_LINES = 20
Short = Annotated[str, StringConstraints(max_length=253, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(max_length=2_000)]
_FOUND = Text("Seen before, {count}:", "以前见过，{count} 次：")
_NOTHING = Text("No past case is like this.", "没有相似的历史案例。")
_LINE = Text(
    "[{number}] {title} ({at}{draft}): cause: {cause} Fix: {fix} {took}Like this by {why} ({score:.0%}).",
    "[{number}] {title}（{at}{draft}）：原因：{cause} 处理：{fix} {took}相似之处：{why}（{score:.0%}）。",
)
_DRAFT = Text(", not confirmed by anybody", "，未经人工确认")
_TOOK = Text("It took {minutes} min. ", "用时 {minutes} 分钟。")
_KEPT = Text("The lesson is kept as the draft {id}: {title}", "已保存为草稿案例 {id}：{title}")


class SimilarIncidents(Input):
    alert: Short = ""
    labels: dict[str, Short] = Field(default_factory=dict, max_length=40)
    namespace: Short = ""
    component: Short = Field(default="", description="workload")
    logs: list[Line] = Field(default_factory=list, max_length=MAX_LINES)
    text: Annotated[str, StringConstraints(max_length=4_000)] = ""
    limit: int = Field(default=3, ge=1, le=10)


class Remember(Input):
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    symptom: Line
    cause: Line = ""
    fix: Line
    alert: Short = ""
    namespace: Short = ""
    component: Short = ""
    logs: list[Line] = Field(default_factory=list, max_length=MAX_LINES)
    tags: list[Short] = Field(default_factory=list, max_length=20)


class SimilarCase(BaseModel):
    id: str
    title: str
    state: str
    at: datetime
    cause: str
    fix: str
    fault: str
    minutes: int | None
    score: float = Field(description="0 to 1")
    why: list[str]
    stars: float | None = None


class SimilarCases(BaseModel):
    cases: list[SimilarCase]


class Remembered(BaseModel):
    id: str
    title: str
    state: str


class CaseTools:
    def __init__(self, book: CaseBook) -> None:
        self._book = book

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "similar_incidents",
                "Past cases like this one, with cause, fix and why they are alike. A hint, never proof of the present cause.",
                SimilarIncidents,
                SimilarCases,
                "read",
                self.similar_incidents,
            ),
            Tool(
                "remember",
                "Keep a lesson that the user tells, as a draft case.",
                Remember,
                Remembered,
                "write",
                self.remember,
            ),
        ]

    async def similar_incidents(self, ctx: Context, ask: SimilarIncidents) -> ToolResult[SimilarCases]:
        asked = Asked(
            alerts=[ask.alert] if ask.alert else [],
            labels=ask.labels,
            namespace=ask.namespace,
            component=ask.component,
            logs=ask.logs,
            text=ask.text,
        )
        if not any((ask.alert, ask.labels, ask.namespace, ask.component, ask.logs, ask.text.strip())):
            raise Invalid("Say what to compare with: an alert, labels, a component, log lines or text.", field="text")
        found = await self._book.similar(asked, ask.limit)
        cases = [shown(one, ctx.language) for one in found]
        return ToolResult(
            summary=_summary(cases, ctx.language),
            data=SimilarCases(cases=cases),
            source=[Source(system=SYSTEM, query=_query(ask))],
            seen_at=ctx.clock.now(),
        )

    async def remember(self, ctx: Context, ask: Remember) -> ToolResult[Remembered]:
        edit = Edit(title=ask.title, symptom=ask.symptom, cause=ask.cause, fix=ask.fix, tags=_tags(ask.tags))
        facts = Facts(
            alerts=[Sighting(name=ask.alert)] if ask.alert else [],
            component=Component(namespace=ask.namespace, name=ask.component),
            logs=list(dict.fromkeys(map(template, ask.logs))),
            people=[ctx.caller.name],
        )
        case = await self._book.remember(edit, facts, ctx.caller.name)
        title = case.body.title(ctx.language)
        return ToolResult(
            summary=_KEPT(ctx.language, id=case.id, title=title),
            data=Remembered(id=case.id, title=title, state=case.state),
            source=[Source(system=SYSTEM, query=f"cases/{case.id}")],
            seen_at=ctx.clock.now(),
        )


def shown(one: Similar, language: Language) -> SimilarCase:
    case, seconds = one.case, one.case.facts.times.seconds
    return SimilarCase(
        id=case.id,
        title=case.body.title(language),
        state=case.state,
        at=case.facts.times.began or case.made_at,
        cause=_first(case.body.cause(language)),
        fix=_first(case.body.fix(language)),
        fault=case.facts.fault,
        minutes=max(1, round(seconds / 60)) if seconds is not None else None,
        score=one.score,
        why=reasons(one.views, _all_said(case, language), language),
        stars=case.stars,
    )


def _all_said(case: Case, language: Language) -> str:
    """The reader's language first."""
    spoken: tuple[Language, Language] = ("zh", "en") if language == "zh" else ("en", "zh")
    texts = (case.body.title, case.body.symptom, case.body.cause)
    return "\n".join([*(text(each) for each in spoken for text in texts), *case.body.tags])


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _summary(cases: list[SimilarCase], language: Language) -> str:
    if not cases:
        return _NOTHING(language)
    lines = [_line(number, case, language) for number, case in enumerate(cases, 1)]
    return "\n".join([_FOUND(language, count=len(cases)), *lines])


def _line(number: int, case: SimilarCase, language: Language) -> str:
    return _LINE(
        language,
        number=number,
        title=case.title,
        at=f"{case.at:%Y-%m-%d}",
        draft="" if case.state == "confirmed" else _DRAFT(language),
        cause=case.cause,
        fix=case.fix,
        took=_TOOK(language, minutes=case.minutes) if case.minutes is not None else "",
        why=("；" if language == "zh" else "; ").join(case.why),
        score=case.score,
    )


def _query(ask: SimilarIncidents) -> str:
    parts = {"alert": ask.alert, "component": "/".join(p for p in (ask.namespace, ask.component) if p)}
    told = "&".join(f"{name}={value}" for name, value in parts.items() if value)
    return f"cases like {told or 'this'}"


def _tags(tags: list[str]) -> list[str]:
    return [tag.replace(" ", "-") for tag in tags if tag]
