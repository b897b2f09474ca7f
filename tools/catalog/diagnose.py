"""The `diagnose` tool: collect a namespace and say what is wrong with it, ranked, with evidence and gaps."""

import asyncio

from pydantic import Field

from core.errors import NotFound, near_misses
from core.language import Language, pick
from tools.collect import QUERIES, Collector
from tools.engines.diagnosis import Diagnosis
from tools.engines.explain import diagnose, is_pod_of
from tools.engines.objects import dig, namespace_of
from tools.engines.snapshot import Snapshot
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, ToolResult

MAX_WINDOW = 24 * 3600


class Diagnose(Input):
    namespace: str = Field(default="", max_length=63, description="Empty: the default one; *: all")
    name: str | None = Field(default=None, max_length=253, description="One workload, Service or pod")
    since_seconds: int = Field(default=3600, ge=300, le=MAX_WINDOW)
    context: str = Field(default="", max_length=253)


class DiagnoseTools:
    def __init__(self, collector: Collector, default_namespace: str = "default") -> None:
        self._collector = collector
        self._default = default_namespace

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "diagnose",
                "Find the root cause of trouble in a namespace or one component: ranked causes with evidence, symptoms, timeline.",
                Diagnose,
                Diagnosis,
                "read",
                self.diagnose,
                timeout=60.0,
            )
        ]

    async def diagnose(self, ctx: Context, ask: Diagnose) -> ToolResult[Diagnosis]:
        namespace = None if ask.namespace == "*" else ask.namespace or self._default
        await ctx.progress(
            pick(ctx.language, "Reading objects, events, metrics and logs", "正在读取对象、事件、指标和日志")
        )
        snapshot = await self._collector.collect(namespace, ask.context, ask.since_seconds)
        subject = "/".join(part for part in (namespace or "*", ask.name) if part)
        _require(snapshot, ask.name)
        began = ctx.clock.monotonic()
        # In a thread: a large namespace takes a second, in which everybody else is to be answered.
        found = await asyncio.to_thread(
            diagnose, snapshot, subject, snapshot.window, snapshot.taken_at, ctx.language, focus=ask.name
        )
        found = found.model_copy(update={"engine_ms": round((ctx.clock.monotonic() - began) * 1000, 2)})
        return ToolResult(
            summary=summary(found, ctx.language),
            data=found,
            source=_sources(snapshot),
            seen_at=snapshot.taken_at,
            missing=[Missing(what=gap.what, why=gap.why, how=gap.how) for gap in found.gaps],
        )


def _require(snapshot: Snapshot, name: str | None) -> None:
    """An object that is not there must not be called healthy; one whose kind could not be read may yet be there."""
    if not name or any(not gap.neighbour for gap in snapshot.gaps):
        return
    known = {str(dig(obj, "metadata", "name")) for obj in snapshot.objects}
    if name in known or any(is_pod_of(name, one) for one in known):
        return
    place = snapshot.namespace or "any namespace"
    raise NotFound(f"There is no object named {name} in {place}.", near=near_misses(name, known))


def summary(found: Diagnosis, language: Language) -> str:
    gaps = _gaps(found, language)
    if found.causes:
        first = found.causes[0]
        sure = pick(language, f" ({first.confidence:.0%} sure)", f"（把握 {first.confidence:.0%}）")
        more = len(found.causes) - 1
        rest = pick(language, f" {more} more cause(s) found.", f"另有 {more} 个原因。") if more else ""
        return first.statement + sure + rest + gaps
    if found.symptoms:
        said = found.symptoms[0].statement
        return pick(language, f"No cause was found. {said}", f"没有找到原因。{said}") + gaps
    if found.healthy:
        return pick(
            language, f"{found.subject} is healthy: everything was read.", f"{found.subject} 正常：所有数据源均已读取。"
        )
    unread = next((gap for gap in found.gaps if "objects" in gap.what and not gap.neighbour), None)
    if unread:
        return pick(
            language,
            f"{found.subject} cannot be judged: {unread.what} could not be read: {unread.why}",
            f"无法判断 {found.subject} 的状况：{unread.what} 读取失败：{unread.why}",
        )
    return pick(language, f"Nothing wrong was seen in {found.subject}.", f"{found.subject} 未发现异常。") + gaps


def _gaps(found: Diagnosis, language: Language) -> str:
    if not found.gaps:
        return ""
    first = found.gaps[0]
    return pick(
        language,
        f" Not everything could be read: {first.what}: {first.why}",
        f"部分数据无法读取：{first.what}：{first.why}",
    )


def _sources(snapshot: Snapshot) -> list[Source]:
    kinds = sorted({str(obj.get("kind")) for obj in snapshot.objects})
    beside = sorted({namespace_of(obj) for obj in snapshot.objects} - {"", snapshot.namespace})
    place = ", ".join([snapshot.namespace, *beside]) if snapshot.namespace else "*"
    found = [Source(system="Kubernetes", query=f"list {', '.join(kinds)} in {place}")] if kinds else []
    if snapshot.metrics:
        found.append(Source(system="Prometheus", query=f"{len(QUERIES)} range queries: {', '.join(snapshot.metrics)}"))
    if snapshot.logs:
        found.append(Source(system="Kubernetes", query=f"logs of {len(snapshot.logs)} container(s)"))
    return found
