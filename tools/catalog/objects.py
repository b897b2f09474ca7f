"""Objects: a list with the unusual members first, and one object trimmed to what matters with its owners, pods and events."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from core.errors import FirstmateError
from core.language import pick
from tools.catalog.events import EventGroup, grouped
from tools.catalog.pages import Pages
from tools.catalog.reading import Reading, age, begin
from tools.catalog.terse import Terse
from tools.catalog.trim import trimmed
from tools.clients.kubernetes import Clusters
from tools.engines.objects import Object, dig, kind_of, mapping, name_of, namespace_of, rows, when
from tools.engines.standing import TROUBLE, Standing, View, standing
from tools.spec import AnyTool, Context, Input, Missing, Tool, ToolResult

MAX_LISTED = 2_000
PAGE = 25
MAX_PODS = 20
MAX_EVENTS = 10
MAX_EVENTS_READ = 500
MAX_OWNERS = 4
_HOLDERS = ("Deployment", "StatefulSet", "DaemonSet")
"""Ready between two crashes is what their own status calls well: their pods tell."""


class ListObjects(Input):
    kind: str = Field(description="Deployment, po, svc, ...", max_length=100)
    namespace: str = Field(default="", description="empty: all", max_length=63)
    labels: str = Field(default="", description="label selector", max_length=1_000)
    name: str = Field(default="", description="part of the name", max_length=253)
    context: str = Field(default="", max_length=253)


class ObjectRow(Terse):
    name: str
    namespace: str | None = None
    status: str = ""
    why: str = Field(default="", description="what is unusual; empty: nothing")
    age: str = ""
    facts: dict[str, str | int] = Field(default_factory=dict)


class Objects(BaseModel):
    kind: str
    total: int
    in_trouble: int
    by_status: dict[str, int]
    rows: list[ObjectRow]


class GetObject(Input):
    kind: str = Field(max_length=100)
    name: str = Field(max_length=253)
    namespace: str = Field(default="", description="empty: the default one", max_length=63)
    context: str = Field(default="", max_length=253)


class ObjectView(Terse):
    status: str = ""
    why: str = ""
    object: dict[str, Any]
    owners: list[str] = Field(default_factory=list, description="nearest first")
    pods: list[ObjectRow] = Field(default_factory=list)
    events: list[EventGroup] = Field(default_factory=list)


class ObjectTools:
    def __init__(self, clusters: Clusters, pages: Pages) -> None:
        self._clusters = clusters
        self._pages = pages

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "list_objects",
                "List Kubernetes objects of one kind, the unusual ones first with the reason.",
                ListObjects,
                Objects,
                "read",
                self.list_objects,
            ),
            Tool(
                "get_object",
                "Read one Kubernetes object with its conditions, owners, pods and recent events; secret values are never shown.",
                GetObject,
                ObjectView,
                "read",
                self.get_object,
            ),
        ]

    async def list_objects(self, ctx: Context, ask: ListObjects) -> ToolResult[Objects]:
        reading = await begin(self._clusters, ctx, ask.context)
        kind = await reading.cluster.kind(ask.kind)
        namespace = ask.namespace if kind.namespaced and ask.namespace else None
        await reading.lists([kind.name], namespace, limit=MAX_LISTED, **({"labels": ask.labels} if ask.labels else {}))
        if namespace and not reading.objects:
            # An empty list is also what a server says about a namespace that does not exist.
            await reading.cluster.require_namespace(namespace)
        chosen = [obj for obj in reading.of(kind.name) if ask.name.lower() in name_of(obj).lower()]
        if kind.name == "Service" and chosen:
            await reading.lists(["EndpointSlice"], namespace, limit=MAX_LISTED)
        if kind.name in _HOLDERS and chosen:
            await reading.lists(["Pod"], namespace, limit=MAX_LISTED)
        listed = unusual_first(chosen, reading.view(ctx.clock.now()))
        return self._answer(ctx, kind.name, namespace, listed, reading)

    async def get_object(self, ctx: Context, ask: GetObject) -> ToolResult[ObjectView]:
        reading = await begin(self._clusters, ctx, ask.context)
        kind = await reading.cluster.kind(ask.kind)
        namespace = (ask.namespace or self._clusters.default_namespace) if kind.namespaced else None
        obj = await reading.cluster.get(kind.name, ask.name, namespace)
        reading.cite(f"GET {kind.path(namespace, ask.name)}")
        reading.objects.append(obj)
        owners, _ = await asyncio.gather(_owners(reading, obj), _surroundings(reading, obj))
        events = await _events(reading, obj, ctx.clock.now())
        view = reading.view(ctx.clock.now())
        stands = standing(obj, view)
        shown, cut = trimmed(obj)
        if cut:
            why = pick(ctx.language, "long parts were cut to fit", "过长的部分已截断")
            reading.missing.append(
                Missing(what=f"{kind.name} {ask.name}", why=why, how=f"kubectl get {kind.plural} {ask.name} -o yaml")
            )
        pods = [row for _, row in unusual_first(reading.of("Pod"), view)] if kind.name != "Pod" else []
        place = f"{kind.name} {namespace}/{ask.name}" if namespace else f"{kind.name} {ask.name}"
        return ToolResult(
            summary=_described(ctx, place, stands, pods, events, _selector(obj)),
            data=ObjectView(
                status=stands.status, why=stands.why, object=shown, owners=owners, pods=pods[:MAX_PODS], events=events
            ),
            source=reading.source,
            seen_at=ctx.clock.now(),
            missing=reading.missing,
        )

    def _answer(
        self, ctx: Context, kind: str, namespace: str | None, listed: list[tuple[int, ObjectRow]], reading: Reading
    ) -> ToolResult[Objects]:
        found = [row for _, row in listed]
        trouble = sum(grave == TROUBLE for grave, _ in listed)
        handle, pages = self._pages.keep(f"{kind} {namespace or ''}".strip(), found, PAGE, reading.source)
        return ToolResult(
            summary=_counted(ctx, kind, namespace, found, trouble),
            data=Objects(kind=kind, total=len(found), in_trouble=trouble, by_status=_tally(found), rows=found[:PAGE]),
            source=reading.source,
            seen_at=ctx.clock.now(),
            missing=reading.missing,
            handle=handle,
            pages=pages,
        )


def unusual_first(objects: Iterable[Object], view: View) -> list[tuple[int, ObjectRow]]:
    """Rows with how grave each is; trouble, then notes, then the rest by name."""
    judged = [(obj, standing(obj, view)) for obj in objects]
    judged.sort(key=lambda pair: (-pair[1].grave, _newest(pair[0]), namespace_of(pair[0]), name_of(pair[0])))
    return [
        (
            stands.grave,
            ObjectRow(
                name=name_of(obj),
                namespace=namespace_of(obj) or None,
                status=stands.status,
                why=stands.why,
                age=age(when(dig(obj, "metadata", "creationTimestamp")), view.now),
                facts={key: value for key, value in stands.facts.items() if value != ""},
            ),
        )
        for obj, stands in judged
    ]


def _newest(obj: Object) -> float:
    """Events are read from the newest, everything else by name."""
    at = when(obj.get("lastTimestamp")) or when(obj.get("eventTime")) if kind_of(obj) == "Event" else None
    return -at.timestamp() if at else 0.0


def _tally(found: Sequence[ObjectRow]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in found:
        counts[row.status] = counts.get(row.status, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1])[:12])


def _counted(ctx: Context, kind: str, namespace: str | None, found: Sequence[ObjectRow], trouble: int) -> str:
    where = pick(ctx.language, f" in {namespace}", f"（{namespace}）") if namespace else ""
    if not found:
        return pick(ctx.language, f"No {kind}{where} matches.", f"没有符合条件的 {kind}{where}。")
    first = "; ".join(f"{row.name}: {row.why}" for row in found[:3] if row.why)
    if not trouble:
        notes = pick(ctx.language, f" Worth knowing: {first}.", f"值得注意：{first}。") if first else ""
        return (
            pick(
                ctx.language,
                f"{len(found)} {kind}{where}, none in trouble.",
                f"{len(found)} 个 {kind}{where}，均无异常。",
            )
            + notes
        )
    return pick(
        ctx.language,
        f"{len(found)} {kind}{where}, {trouble} in trouble: {first}.",
        f"{len(found)} 个 {kind}{where}，{trouble} 个异常：{first}。",
    )


def _described(
    ctx: Context,
    place: str,
    stands: Standing,
    pods: Sequence[ObjectRow],
    events: Sequence[EventGroup],
    selector: dict[str, Any],
) -> str:
    parts = [f"{place}: {stands.status}" + (f" ({stands.why})" if stands.why else "")]
    unwell = [pod for pod in pods if pod.why]
    if pods:
        parts.append(
            pick(
                ctx.language,
                f"{len(unwell)} of its {len(pods)} pods in trouble",
                f"{len(pods)} 个 Pod 中 {len(unwell)} 个异常",
            )
        )
    elif selector:
        labels = _labels(selector)
        parts.append(pick(ctx.language, f"no pod matches its selector {labels}", f"没有 Pod 匹配其选择器 {labels}"))
    warnings = [event for event in events if event.type == "Warning"]
    if warnings:
        # Of the newest ones, the one that says most: "Error: ImagePullBackOff" is the echo of a longer sentence.
        last = max(warnings[:3], key=lambda event: len(event.message))
        parts.append(
            pick(
                ctx.language,
                f"warned {last.reason}: {last.message}",
                f"告警事件 {last.reason}：{last.message}",
            )
        )
    return pick(ctx.language, "; ".join(parts) + ".", "；".join(parts) + "。")


def _selector(obj: Object) -> dict[str, Any]:
    if kind_of(obj) == "Service":
        return mapping(obj, "spec", "selector")
    return mapping(obj, "spec", "selector", "matchLabels")


def _labels(selector: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


async def _owners(reading: Reading, obj: Object) -> list[str]:
    """Who made it, and who made that, up to the one a person wrote."""
    chain: list[str] = []
    while len(chain) < MAX_OWNERS:
        owner = next((one for one in rows(obj, "metadata", "ownerReferences") if one.get("controller")), None)
        if owner is None:
            break
        kind, name = str(owner.get("kind")), str(owner.get("name"))
        chain.append(f"{kind}/{name}")
        try:
            obj = await reading.cluster.get(kind, name, namespace_of(obj) or None)
        except FirstmateError as error:
            reading.lacks(chain[-1], error)
            break
    return chain


async def _events(reading: Reading, obj: Object, now: datetime) -> list[EventGroup]:
    """Its own events, and the warnings about its pods."""
    namespace = namespace_of(obj) or None
    own = f"involvedObject.kind={kind_of(obj)},involvedObject.name={name_of(obj)}"
    pods = {name_of(pod) for pod in reading.of("Pod") if pod is not obj}
    wanted = [reading.cluster.list("Event", namespace, fields=own, limit=MAX_EVENTS_READ)]
    if pods:
        wanted.append(reading.cluster.list("Event", namespace, fields="type=Warning", limit=MAX_EVENTS_READ))
    try:
        listings = await asyncio.gather(*wanted)
    except FirstmateError as error:
        reading.lacks("Event", error)
        return []
    for listing in listings:
        reading.cite(listing.request)
    found = [
        one for one in listings[0].items if dig(one, "involvedObject", "uid") in {None, "", dig(obj, "metadata", "uid")}
    ]
    found += [one for listing in listings[1:] for one in listing.items if dig(one, "involvedObject", "name") in pods]
    return grouped(found, now)[:MAX_EVENTS]


async def _surroundings(reading: Reading, obj: Object) -> None:
    """The pods that an object selects, and a Service's endpoints."""
    selector = _selector(obj)
    namespace = namespace_of(obj)
    if not selector or not namespace or kind_of(obj) == "Pod":
        return
    wanted = [reading.lists(["Pod"], namespace, limit=200, labels=_labels(selector))]
    if kind_of(obj) == "Service":
        behind = f"kubernetes.io/service-name={name_of(obj)}"
        wanted.append(reading.lists(["EndpointSlice"], namespace, limit=200, labels=behind))
    try:
        await asyncio.gather(*wanted)
    except FirstmateError:
        # Already among what is missing; the object itself was read.
        return
