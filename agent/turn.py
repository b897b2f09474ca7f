"""One run as the nodes see it: hands to call tools with, a voice to ask models with, and the stream of events to tell.

Every tool call of the agent passes `use`: it counts against the run's bound, is told as events, and becomes a Step with evidence,
whether it succeeded or not. A refusal is a result too: its sentence is evidence of what could not be read.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agent import precedents
from agent.events import Stream
from agent.grounding import Units
from agent.hands import Hands, ToolFace
from agent.limits import Limits
from agent.models import Voice
from agent.passages import of_step
from agent.picking import fit
from agent.recall import Recall
from agent.state import Evidence, Step
from core.clock import Clock
from core.errors import FirstmateError, Upstream
from core.language import Language, Text

Sign = Callable[[dict[str, str]], str]
Save = Callable[[], Awaitable[None]]
NOTE_SECONDS = 900
MAX_QUOTE = 600
_ENOUGH = Text("the limit of {count} tool calls for one question is reached", "已达到单个问题 {count} 次工具调用的上限")


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: str


@dataclass(slots=True)
class Turn:
    stream: Stream
    hands: Hands
    voice: Voice
    clock: Clock
    limits: Limits
    language: Language
    asker: Person
    sign: Sign
    save: Save
    units: Units
    recall: Recall
    calls: int = 0
    evidence: int = 0
    tools: dict[str, ToolFace] = field(default_factory=dict)

    async def offered(self) -> dict[str, ToolFace]:
        if not self.tools:
            self.tools = await self.hands.tools()
        return self.tools

    async def use(
        self, tool: str, arguments: dict[str, Any], person: Person | None = None
    ) -> tuple[Step, list[Evidence]]:
        """Call one tool and tell it; never raises for a failure that an answer should speak of."""
        self.calls += 1
        identity = f"t{self.calls}"
        self.stream.add("tool_started", {"id": identity, "name": tool, "arguments": arguments})
        started = self.clock.monotonic()
        try:
            result = await self._call(identity, tool, arguments, person or self.asker)
            step = self._succeeded(identity, tool, arguments, result)
        except FirstmateError as error:
            step = self._failed(identity, tool, arguments, error)
        evidence = self._evidence(step)
        self._tell(step, evidence, self.clock.monotonic() - started)
        await self.save()
        return step, evidence

    async def fitted(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """The arguments that this tool knows, or None when the tool is not offered here."""
        face = (await self.offered()).get(tool)
        return None if face is None else fit(arguments, face.schema)

    def next_evidence(self) -> str:
        self.evidence += 1
        return f"e{self.evidence}"

    async def _call(self, identity: str, tool: str, arguments: dict[str, Any], person: Person) -> dict[str, Any]:
        if self.calls > self.limits.tool_calls and person is self.asker:  # an approved plan is always carried out
            raise Upstream(tool, _ENOUGH(self.language, count=self.limits.tool_calls), retryable=False)

        async def tell(message: str) -> None:
            self.stream.add("tool_progress", {"id": identity, "message": message})

        expires = (self.clock.now() + timedelta(seconds=NOTE_SECONDS)).isoformat()
        note = self.sign({"name": person.name, "role": person.role, "via": "agent", "expires": expires})
        return await self.hands.call(tool, arguments, caller_token=note, language=self.language, progress=tell)

    def _succeeded(self, identity: str, tool: str, arguments: dict[str, Any], result: dict[str, Any]) -> Step:
        return Step(
            id=identity,
            tool=tool,
            arguments=arguments,
            ok=True,
            summary=str(result.get("summary", "")),
            data=bounded(result.get("data") or {}, self.limits.step_bytes),
            source=result.get("source") or [],
            seen_at=str(result.get("seen_at", "")),
            missing=result.get("missing") or [],
            error="",
            error_kind="",
            error_system="",
            evidence=[self.next_evidence()],
        )

    def _failed(self, identity: str, tool: str, arguments: dict[str, Any], error: FirstmateError) -> Step:
        return Step(
            id=identity,
            tool=tool,
            arguments=arguments,
            ok=False,
            summary="",
            data={},
            source=[],
            seen_at=self.clock.now().isoformat(),
            missing=[],
            error=error.sentence,
            error_kind=error.kind,
            error_system=str(error.details.get("system") or ""),
            evidence=[self.next_evidence()],
        )

    def _evidence(self, step: Step) -> list[Evidence]:
        own = step["source"][0] if step["source"] else {}
        asked = json.dumps(step["arguments"], ensure_ascii=False)
        first = Evidence(
            id=step["evidence"][0],
            source=own.get("system") or step["error_system"] or step["tool"],
            ref=own.get("query") or f"{step['tool']} {asked}",
            quote=(step["summary"] or step["error"])[:MAX_QUOTE],
            at=step["seen_at"],
        )
        found = [first, *(self._numbered(item) for item in _inner(step))]
        step["evidence"] = [each["id"] for each in found]
        return found

    def _numbered(self, item: dict[str, Any]) -> Evidence:
        numbered = Evidence(
            id=self.next_evidence(),
            source=item["source"],
            ref=item["ref"],
            quote=item["quote"],
            at=item.get("at") or "",
        )
        if passage := item.get("passage"):
            numbered["passage"] = passage
        return numbered

    def _tell(self, step: Step, evidence: list[Evidence], seconds: float) -> None:
        said = step["summary"] if step["ok"] else step["error"]
        told = {"id": step["id"], "name": step["tool"], "summary": said, "ok": step["ok"], "seconds": round(seconds, 3)}
        self.stream.add("tool_finished", {**told, "source": step["source"], "missing": step["missing"]})
        for each in evidence:
            self.stream.add("evidence", dict(each))


def bounded(data: dict[str, Any], limit: int) -> dict[str, Any]:
    """The data, its longest lists cut until it fits; what an answer needs stands first in every list."""
    for most in (200, 50, 20, 5):
        if len(json.dumps(data, ensure_ascii=False, default=str)) <= limit:
            return data
        data = _cut(data, most)
    return data if len(json.dumps(data, ensure_ascii=False, default=str)) <= limit else {"cut": True}


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, list):
        return [_cut(item, most) for item in value[:most]]
    if isinstance(value, dict):
        return {key: _cut(item, most) for key, item in value.items()}
    return value


def _inner(step: Step) -> list[dict[str, Any]]:
    """The pieces inside a result that can be cited on their own: a cause's evidence, a runbook's passage."""
    if step["tool"] == "diagnose":
        causes = step["data"].get("causes", [])
        return [{**item, "at": str(item.get("at") or "")} for cause in causes for item in cause.get("evidence", [])]
    if step["tool"] == precedents.TOOL:
        return [{**each, "quote": each["quote"][:MAX_QUOTE]} for each in precedents.quotes(step)]
    if step["tool"] == "search_knowledge":
        return [
            {
                "source": "runbook",
                "ref": f"{one.path} > {one.heading}",
                "quote": one.text[:MAX_QUOTE],
                "passage": {name: value for name, value in one.citation().items() if name not in ("evidence", "quote")},
            }
            for one in of_step(step)
        ]
    return []
