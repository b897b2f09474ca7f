"""What the knowledge base offers as a tool: a search whose every passage names its page and heading.

The summary is written to be cited from: one numbered line a passage, with title, heading, path and the line that answers most. When
nothing answers, it says so and why, and it names the files that could not be read, because the answer may be in one of them.
"""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from core.language import Language, Text, detect
from knowledge_base.knowledge import MAX_QUERY, Knowledge
from knowledge_base.search import Passage, SearchAnswer
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, ToolResult

_MAX_MISSING = 5
_FOUND = Text(en="{count} passages answer “{query}”:", zh="“{query}”找到 {count} 段相关内容：")
_ONE = Text(en="One passage answers “{query}”:", zh="“{query}”找到 1 段相关内容：")
_NOTHING = Text(en="Nothing found for “{query}”. {reason}", zh="没有找到“{query}”的相关内容。{reason}")
_HOW = Text(en="Mend the file and refresh the knowledge base.", zh="修正该文件后刷新知识库。")


class SearchKnowledge(Input):
    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY, strip_whitespace=True)]
    limit: Annotated[int, Field(ge=1, le=10)] = 5
    language: Language | None = None


class Passages(BaseModel):
    hits: list[Passage]
    nothing_found: bool
    reason: str = ""
    took_ms: float


class KnowledgeTools:
    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def all(self) -> list[AnyTool]:
        text = (
            "Search the runbooks for symptoms, causes and repairs; use it before advising, and cite page and heading."
        )
        return [Tool("search_knowledge", text, SearchKnowledge, Passages, "read", self.search_knowledge)]

    async def search_knowledge(self, ctx: Context, ask: SearchKnowledge) -> ToolResult[Passages]:
        # A question in Chinese letters wants Chinese pages; Latin letters decide nothing, a Chinese reader pastes them too.
        language = ask.language or ("zh" if detect(ask.query) == "zh" else ctx.language)
        answer = await self._knowledge.search(ask.query, limit=ask.limit, language=language)
        return ToolResult(
            summary=_summary(ask.query, answer, ctx.language),
            data=Passages.model_validate(answer, from_attributes=True),
            source=[Source(system="knowledge base", query=ask.query)],
            seen_at=ctx.clock.now(),
            missing=self._missing(ctx.language),
        )

    def _missing(self, language: Language) -> list[Missing]:
        problems = self._knowledge.problems[:_MAX_MISSING]
        return [Missing(what=problem.path, why=problem.why, how=_HOW(language)) for problem in problems]


def _summary(query: str, answer: SearchAnswer, language: Language) -> str:
    shown = query if len(query) <= 120 else query[:117] + "..."
    if answer.nothing_found:
        return _NOTHING(language, query=shown, reason=answer.reason)
    head = (_ONE if len(answer.hits) == 1 else _FOUND)(language, query=shown, count=len(answer.hits))
    return "\n".join([head, *(_cited(number, hit) for number, hit in enumerate(answer.hits, 1))])


def _cited(number: int, hit: Passage) -> str:
    return f"[{number}] {hit.title} > {hit.heading} ({hit.path}): {hit.quote}"
