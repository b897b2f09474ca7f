"""The `diagnose` tool: collect a namespace and say what is wrong with it, ranked, with evidence and gaps."""

import asyncio

from pydantic import Field

from core.errors import NotFound, near_misses
from core.language import pick
from tools.collect import Collector
from tools.engines.diagnosis import Diagnosis
from tools.engines.explain import diagnose, is_empty, is_pod_of, runs_nothing
from tools.engines.objects import kind_of, name_of, namespace_of
from tools.engines.paragraph import paragraph
from tools.engines.snapshot import Snapshot
from tools.queries import QUERIES
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
        if is_empty(snapshot):
            healthy = None if found.healthy else found.healthy
            found = found.model_copy(update={"healthy": healthy, "gaps": [runs_nothing(snapshot), *found.gaps]})
        found = found.model_copy(update={"engine_ms": round((ctx.clock.monotonic() - began) * 1000, 2)})
        return ToolResult(
            summary=paragraph(found, ctx.language),
            data=found,
            source=_sources(snapshot),
            seen_at=snapshot.taken_at,
            missing=[Missing(what=gap.what, why=gap.why, how=gap.how) for gap in found.gaps],
        )


def _require(snapshot: Snapshot, name: str | None) -> None:
    """An object that is not there must not be called healthy; one whose kind could not be read may yet be there.

    A namespace is no object in itself: where one is called as a workload might be, the workload is still missing.
    """
    if not name or any("objects" in gap.what and not gap.neighbour for gap in snapshot.gaps):
        return
    places = {"", snapshot.namespace}
    known = {
        name_of(obj)
        for obj in snapshot.objects
        if kind_of(obj) != "Namespace" and (snapshot.namespace is None or namespace_of(obj) in places)
    }
    if name in known or any(is_pod_of(name, one) for one in known):
        return
    place = snapshot.namespace or "any namespace"
    raise NotFound(f"There is no object named {name} in {place}.", near=near_misses(name, known))


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
