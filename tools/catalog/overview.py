"""The whole cluster at a glance: nodes, how many of each namespace's workloads are ready, what is in trouble, and what was warned about.

Everything is read at once and judged by the same judges as every other list. "Nothing unusual" is said only when everything that could
contradict it was read; what was not is named.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from core.errors import FirstmateError
from core.language import pick
from tools.catalog.events import EventGroup, grouped
from tools.catalog.objects import ObjectRow, unusual_first
from tools.catalog.pages import Pages
from tools.catalog.reading import Reading, begin
from tools.catalog.terse import Terse
from tools.clients.kubernetes import Clusters
from tools.engines.objects import Object, kind_of, name_of, namespace_of
from tools.engines.standing import TROUBLE, View, standing, wanted_ready
from tools.spec import AnyTool, Context, Input, Tool, ToolResult

MAX_LISTED = 2_000
PAGE = 20
MAX_NODES = 20
MAX_NAMESPACES = 30
MAX_PODS = 15
MAX_WORKLOADS = 25
MAX_EVENTS = 10
EVENTS_SINCE = timedelta(hours=1)
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_OTHERS = ("Service", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "ResourceQuota", "Job")
_WIDE = ("Node", "Namespace")
_READ = (*_WORKLOADS, *_OTHERS, "Pod", "EndpointSlice")


class ClusterOverview(Input):
    namespace: str = Field(default="", description="empty: all", max_length=63)
    context: str = Field(default="", max_length=253)


class NamespaceRow(Terse):
    name: str
    workloads: int
    workloads_ready: int
    pods: int
    pods_in_trouble: int
    ready: dict[str, str] = Field(default_factory=dict, description="workload: ready/wanted, unready first")


class WorkloadRow(ObjectRow):
    kind: str


class Overview(Terse):
    version: str = ""
    nodes: list[ObjectRow] = Field(default_factory=list)
    namespaces: list[NamespaceRow] = Field(default_factory=list)
    unusual: list[WorkloadRow] = Field(
        default_factory=list, description="workloads, services, claims, quotas, worst first"
    )
    pods: list[ObjectRow] = Field(default_factory=list, description="only those in trouble")
    warnings: list[EventGroup] = Field(default_factory=list, description="of the last hour")
    calm: str = Field(default="", description="the summary's word that no object is unusual; alerts may contradict it")


class OverviewTools:
    def __init__(self, clusters: Clusters, pages: Pages) -> None:
        self._clusters = clusters
        self._pages = pages

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "cluster_overview",
                "Start here: nodes, workloads ready and wanted per namespace, everything in trouble, recent warnings.",
                ClusterOverview,
                Overview,
                "read",
                self.cluster_overview,
            )
        ]

    async def cluster_overview(self, ctx: Context, ask: ClusterOverview) -> ToolResult[Overview]:
        reading = await begin(self._clusters, ctx, ask.context)
        namespace = ask.namespace or None
        if namespace:
            await reading.cluster.require_namespace(namespace)
        await reading.lists([*_WIDE, *_READ], namespace, limit=MAX_LISTED)
        events = await _warnings(reading, namespace, ctx.clock.now())
        view = reading.view(ctx.clock.now())
        workloads = _rows(reading, _WORKLOADS, view)
        unusual = [row for row in _rows(reading, (*_WORKLOADS, *_OTHERS), view) if row.why]
        pods = [row for grave, row in unusual_first(reading.of("Pod"), view) if grave == TROUBLE]
        handle, pages = self._pages.keep(pick(ctx.language, "Workloads", "工作负载"), workloads, PAGE, reading.source)
        overview = Overview(
            version=await _version(reading),
            nodes=[row for _, row in unusual_first(reading.of("Node"), view)][:MAX_NODES],
            namespaces=_namespaces(reading, view)[:MAX_NAMESPACES],
            unusual=unusual[:PAGE],
            pods=pods[:MAX_PODS],
            warnings=events[:MAX_EVENTS],
        )
        overview.calm = _calm(ctx, reading, overview)
        return ToolResult(
            summary=_summary(ctx, reading, overview, len(pods), len(events)),
            data=overview,
            source=reading.source,
            seen_at=ctx.clock.now(),
            missing=reading.missing,
            handle=handle,
            pages=pages,
        )


def _rows(reading: Reading, kinds: Sequence[str], view: View) -> list[WorkloadRow]:
    found: list[tuple[int, WorkloadRow]] = []
    for kind in kinds:
        found += [(grave, WorkloadRow(kind=kind, **dict(row))) for grave, row in unusual_first(reading.of(kind), view)]
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def _namespaces(reading: Reading, view: View) -> list[NamespaceRow]:
    """Those with something unready first, then the larger ones; empty ones are left out."""
    groups: dict[str, list[Object]] = {}
    for obj in reading.objects:
        if kind_of(obj) in {*_WORKLOADS, "Pod"}:
            groups.setdefault(namespace_of(obj), []).append(obj)
    found = [_namespace_row(name, members, view) for name, members in groups.items()]
    return sorted(
        found, key=lambda row: (row.workloads_ready - row.workloads, -row.pods_in_trouble, -row.pods, row.name)
    )


def _namespace_row(name: str, members: Sequence[Object], view: View) -> NamespaceRow:
    workloads = [obj for obj in members if kind_of(obj) != "Pod"]
    pods = [obj for obj in members if kind_of(obj) == "Pod"]
    counted = sorted(((obj, wanted_ready(obj)) for obj in workloads), key=lambda pair: pair[1][1] >= pair[1][0])
    return NamespaceRow(
        name=name,
        workloads=len(workloads),
        workloads_ready=sum(ready >= wanted for _, (wanted, ready) in counted),
        pods=len(pods),
        pods_in_trouble=sum(standing(pod, view).grave == TROUBLE for pod in pods),
        ready={name_of(obj): f"{ready}/{wanted}" for obj, (wanted, ready) in counted[:MAX_WORKLOADS]},
    )


async def _warnings(reading: Reading, namespace: str | None, now: datetime) -> list[EventGroup]:
    await reading.lists(["Event"], namespace, limit=MAX_LISTED, fields="type=Warning")
    groups = grouped((event for event in reading.of("Event") if event.get("type") == "Warning"), now)
    return [group for group in groups if group.last_seen is None or now - group.last_seen <= EVENTS_SINCE]


async def _version(reading: Reading) -> str:
    try:
        return await reading.cluster.version()
    except FirstmateError as error:
        reading.lacks("version", error)
        return ""


def _summary(ctx: Context, reading: Reading, overview: Overview, pods: int, events: int) -> str:
    total = sum(row.workloads for row in overview.namespaces)
    ready = sum(row.workloads_ready for row in overview.namespaces)
    sick = _sick(overview)
    parts = [
        pick(
            ctx.language,
            f"{ready} of {total} workloads in {_spaces(overview)} ready",
            f"{len(overview.namespaces)} 个命名空间的 {total} 个工作负载中 {ready} 个就绪",
        ),
        *([_nodes(ctx, overview, sick)] if "Node" in reading.read else []),
    ]
    wrong = [f"{row.kind} {row.namespace}/{row.name}: {row.why}" for row in overview.unusual]
    wrong += [f"Node {row.name}: {row.why}" for row in sick] + [
        f"Pod {row.namespace}/{row.name}: {row.why}" for row in overview.pods
    ]
    if wrong:
        parts.append(pick(ctx.language, "to look at: ", "需要关注：") + "; ".join(wrong[:4]))
    if pods:
        parts.append(pick(ctx.language, f"{pods} pods in trouble", f"{pods} 个 Pod 异常"))
    if events:
        parts.append(
            pick(ctx.language, f"{events} kinds of warnings in the last hour", f"近一小时有 {events} 类告警事件")
        )
    return ". ".join([pick(ctx.language, "; ".join(parts), "；".join(parts)), *_ending(ctx, reading, overview)]) + pick(
        ctx.language, ".", "。"
    )


def _spaces(overview: Overview) -> str:
    one = overview.namespaces[0].name if len(overview.namespaces) == 1 else ""
    return f"namespace {one}" if one else f"{len(overview.namespaces)} namespaces"


def _nodes(ctx: Context, overview: Overview, sick: Sequence[ObjectRow]) -> str:
    well = len(overview.nodes) - len(sick)
    return pick(
        ctx.language, f"{well} of {len(overview.nodes)} nodes ready", f"{len(overview.nodes)} 个节点中 {well} 个就绪"
    )


def _ending(ctx: Context, reading: Reading, overview: Overview) -> list[str]:
    if reading.missing:
        lacking = ", ".join(one.what for one in reading.missing[:5])
        return [pick(ctx.language, f"Not read: {lacking}", f"未能读取：{lacking}")]
    return [overview.calm] if overview.calm else []


def _calm(ctx: Context, reading: Reading, overview: Overview) -> str:
    is_calm = not (reading.missing or overview.unusual or overview.pods or _sick(overview))
    return pick(ctx.language, "Nothing unusual", "未见异常") if is_calm else ""


def _sick(overview: Overview) -> list[ObjectRow]:
    return [row for row in overview.nodes if not row.status.startswith("Ready")]
