"""What the knowledge base offers as tools: a search whose every passage names its page and heading, and a page's checks to be run.

The summary is written to be cited from: one numbered line a passage, with title, heading, path and the line that answers most. When
nothing answers, it says so and why, and it names the files that could not be read, because the answer may be in one of them.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, field_validator

from core.errors import Invalid, near_misses
from core.language import Language, Text, detect
from knowledge_base.checks import Check, Section, filled, placeholders
from knowledge_base.knowledge import MAX_QUERY, Knowledge
from knowledge_base.search import Near, Passage, SearchAnswer
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, ToolResult

_MAX_MISSING = 5
_MAX_SECTIONS = 20
_REPAIR = frozenset({"repair", "fix", "remedy", "修复", "处理"})
_FOUND = Text(en="{count} passages answer “{query}”:", zh="“{query}”找到 {count} 段相关内容：")
_ONE = Text(en="One passage answers “{query}”:", zh="“{query}”找到 1 段相关内容：")
_NOTHING = Text(en="Nothing found for “{query}”. {reason}", zh="没有找到“{query}”的相关内容。{reason}")
_CHECKS = Text(
    en="{page} has {count} checks; {ready} can be run as they are:",
    zh="{page} 共有 {count} 项检查，其中 {ready} 项可直接执行：",
)
_NO_CHECKS = Text(en="{page} names no check that could be run.", zh="{page} 中没有可执行的检查。")
_OPEN = Text(en="Still to be named: {names}.", zh="还需要给出：{names}。")
_HOW = Text(en="Mend the file and refresh the knowledge base.", zh="修正该文件后刷新知识库。")


class SearchKnowledge(Input):
    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY, strip_whitespace=True)]
    limit: Annotated[int, Field(ge=1, le=10)] = 5
    language: Language | None = None
    whole: bool = Field(default=False, description="Also the other sections of the best page")
    fault: str = Field(default="", max_length=80, description="A diagnosed fault: the repair on its page comes first")


class DatedPassage(Passage):
    """A passage with what tells whether it still holds."""

    updated_at: datetime | None = None
    valid_until: date | None = None


class PageSection(BaseModel):
    heading: str
    text: str


class Runnable(BaseModel):
    page: str
    count: int


class Passages(BaseModel):
    hits: list[DatedPassage]
    nothing_found: bool
    reason: str = ""
    notices: list[str] = Field(default_factory=list, description="What the search had to do without")
    took_ms: float
    nearest: list[Near] = Field(default_factory=list, description="Pages that do not answer, but lie near")
    sections: list[PageSection] = Field(default_factory=list, description="Of the first hit's page")
    checks: Runnable | None = Field(default=None, description="Of the first hit's page: runbook_checks gives them")
    pages: int = Field(default=0, description="Pages that were searched")
    passages: int = 0


class RunbookChecks(Input):
    page: str = Field(min_length=1, max_length=80, description="A page's id, or a fault's")
    namespace: str = Field(default="", max_length=63)
    name: str = Field(default="", max_length=253, description="The workload")
    values: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="Other placeholders: pod, node, ..."
    )
    language: Language | None = None

    @field_validator("values", mode="before")
    @classmethod
    def _read(cls, given: object) -> object:
        """A command line has no mappings: `pod=cart-0 node=n1` is one, too."""
        if not isinstance(given, str):
            return given
        pairs = [part.partition("=") for part in given.replace(",", " ").split()]
        if not all(name and value for name, _, value in pairs):
            raise ValueError("values are written as pod=NAME,node=NAME")
        return {name: value for name, _, value in pairs}


class AskedOf(BaseModel):
    tool: str
    arguments: dict[str, str]


class CheckRow(BaseModel):
    section: Section
    number: int
    title: str = ""
    calls: list[AskedOf] = Field(default_factory=list)
    commands: list[str] = Field(default_factory=list, description="The same by hand")
    meaning: str = Field(default="", description="What the answer tells")
    open: list[str] = Field(default_factory=list, description="Placeholders that still need a value")


class PageChecks(BaseModel):
    page: str
    language: Language
    checks: list[CheckRow]
    open: list[str] = Field(default_factory=list)


class KnowledgeTools:
    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def all(self) -> list[AnyTool]:
        text = (
            "Search the runbooks for symptoms, causes and repairs; use it before advising, and cite page and heading."
        )
        steps = "A runbook's checks as tool calls, placeholders filled; run those that are ready, in order."
        return [
            Tool("search_knowledge", text, SearchKnowledge, Passages, "read", self.search_knowledge),
            Tool("runbook_checks", steps, RunbookChecks, PageChecks, "read", self.runbook_checks),
        ]

    async def search_knowledge(self, ctx: Context, ask: SearchKnowledge) -> ToolResult[Passages]:
        # A question in Chinese letters wants Chinese pages; Latin letters decide nothing, a Chinese reader pastes them too.
        language = ask.language or ("zh" if detect(ask.query) == "zh" else ctx.language)
        answer = await self._knowledge.search(ask.query, limit=ask.limit, language=language)
        if ask.fault:
            answer = self._led_by(ask.fault, answer, language, ask.limit)
        return ToolResult(
            summary=_summary(ask.query, answer, ctx.language),
            data=self._passages(answer, whole=ask.whole),
            source=[Source(system="knowledge base", query=ask.query)],
            seen_at=ctx.clock.now(),
            missing=self._missing(ctx.language),
        )

    async def runbook_checks(self, ctx: Context, ask: RunbookChecks) -> ToolResult[PageChecks]:
        language = ask.language or ctx.language
        page = self._knowledge.page_for(ask.page) or ask.page
        found = self._knowledge.checks(page, language)
        ready = [filled(check, _values(ask, found)) for check in found]
        rows = PageChecks(
            page=page, language=language, checks=[_row(one) for one in ready], open=[*placeholders(ready)]
        )
        return ToolResult(
            summary=_listed(page, ready, ctx.language),
            data=rows,
            source=[Source(system="knowledge base", query=page)],
            seen_at=ctx.clock.now(),
        )

    def _passages(self, answer: SearchAnswer, *, whole: bool) -> Passages:
        pages, passages = self._knowledge.size
        best = answer.hits[0] if answer.hits and whole else None
        around = self._knowledge.sections(best.page, best.language)[:_MAX_SECTIONS] if best else []
        return Passages(
            **answer.model_dump(exclude={"hits"}),
            hits=[self._dated(hit) for hit in answer.hits],
            sections=[PageSection(heading=heading, text=text) for heading, text in around],
            checks=self._runnable(answer.hits[0]) if answer.hits else None,
            pages=pages,
            passages=passages,
        )

    def _led_by(self, fault: str, answer: SearchAnswer, language: Language, limit: int) -> SearchAnswer:
        """What names a fault needs no ranking: its page is known, and of it the repair is wanted."""
        page = self._knowledge.page_for(fault)
        info = self._knowledge.info(page, language) if page else None
        sections = self._knowledge.sections(info.id, info.language) if info else []
        if not info or not sections:
            return answer
        heading, text = _repair_of(fault, sections)
        found = next((hit for hit in answer.hits if (hit.page, hit.heading) == (info.id, heading)), None)
        best = found or Passage(
            page=info.id,
            title=info.title,
            heading=heading,
            text=text,
            quote=text.strip().split("\n", 1)[0],
            language=info.language,
            score=max((hit.score for hit in answer.hits), default=1.0),
            path=info.path,
        )
        hits = [best, *(hit for hit in answer.hits if hit is not found)][:limit]
        return answer.model_copy(update={"hits": hits, "nothing_found": False, "reason": "", "nearest": []})

    def _runnable(self, best: Passage) -> Runnable | None:
        if self._knowledge.version(best.page, best.language) is None:
            return None  # removed since it was found
        count = sum(check.section == "check" for check in self._knowledge.checks(best.page, best.language))
        return Runnable(page=best.page, count=count) if count else None

    def _dated(self, hit: Passage) -> DatedPassage:
        info = self._knowledge.version(hit.page, hit.language)
        dates = {"updated_at": info.updated_at, "valid_until": info.valid_until} if info else {}
        return DatedPassage(**hit.model_dump(), **dates)

    def _missing(self, language: Language) -> list[Missing]:
        problems = self._knowledge.problems[:_MAX_MISSING]
        return [Missing(what=problem.path, why=problem.why, how=_HOW(language)) for problem in problems]


def _repair_of(fault: str, sections: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The section whose heading names the fault, else the one about repair, else the page's beginning."""
    last = [(one[0].split(" > ")[-1], one) for one in sections]
    named = [one for heading, one in last if re.search(rf"\b{re.escape(fault)}\b", heading)]
    repairs = [one for heading, one in last if heading.casefold() in _REPAIR]
    return next(iter([*named, *repairs, *sections]))


def _summary(query: str, answer: SearchAnswer, language: Language) -> str:
    shown = query if len(query) <= 120 else query[:117] + "..."
    if answer.nothing_found:
        return _NOTHING(language, query=shown, reason=answer.reason)
    head = (_ONE if len(answer.hits) == 1 else _FOUND)(language, query=shown, count=len(answer.hits))
    return "\n".join([head, *(_cited(number, hit) for number, hit in enumerate(answer.hits, 1))])


def _cited(number: int, hit: Passage) -> str:
    return f"[{number}] {hit.title} > {hit.heading} ({hit.path}): {hit.quote}"


def _values(ask: RunbookChecks, found: Sequence[Check]) -> dict[str, str]:
    """What the caller named, by the names that pages use for it."""
    known = placeholders(found)
    unknown = next((name for name in ask.values if name not in known), None)
    if unknown is not None:
        near = ", ".join(near_misses(unknown, known) or known[:10])
        raise Invalid(f"The page has no placeholder <{unknown}>; it has: {near}.", field=f"values.{unknown}")
    given = dict.fromkeys(("ns", "namespace"), ask.namespace) | dict.fromkeys(("name", "workload"), ask.name)
    return {name: value for name, value in given.items() if value} | ask.values


def _row(check: Check) -> CheckRow:
    return CheckRow(
        section=check.section,
        number=check.number,
        title=check.title,
        calls=[AskedOf(tool=call.tool, arguments=dict(call.arguments)) for call in check.calls],
        commands=list(check.commands),
        meaning=check.meaning,
        open=list(check.placeholders),
    )


def _listed(page: str, found: Sequence[Check], language: Language) -> str:
    first = [check for check in found if check.section == "check"]
    if not found:
        return _NO_CHECKS(language, page=page)
    head = _CHECKS(language, page=page, count=len(first), ready=sum(check.ready for check in first))
    lines = [
        f"{check.number}. {check.title}{_colon(check)} " + "; ".join([*map(str, check.calls)] or check.commands)
        for check in first
    ]
    wanted = placeholders(found)
    tail = [_OPEN(language, names=", ".join(f"<{name}>" for name in wanted))] if wanted else []
    return "\n".join([head, *lines, *tail])


def _colon(check: Check) -> str:
    return "" if check.title.endswith(("?", "？")) else ":"
