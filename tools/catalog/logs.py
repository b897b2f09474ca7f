"""Logs: of a pod, or of all pods of a workload, as patterns with counts instead of lines.

Error-looking patterns come first, then rare ones; the first, last and rarest lines stand beside them as they were written. `previous`
reads the container that ran before the last restart, where the reason of a crash usually is. A container that has not started has no log:
that is said, not shown as an empty one.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from core.errors import FirstmateError, Invalid, NotFound
from core.language import pick
from tools.catalog.pages import Pages
from tools.catalog.reading import Reading, begin
from tools.catalog.terse import Terse
from tools.catalog.when import duration
from tools.clients.kubernetes import Clusters
from tools.engines.logs.patterns import Entry, Pattern, entries, patterns, rarest
from tools.engines.objects import Object, dig, is_ready, mapping, name_of, rows, statuses
from tools.engines.standing import standing
from tools.spec import AnyTool, Context, Input, Missing, Tool, ToolResult

MAX_PODS = 5
MAX_TAIL = 5_000
PAGE = 12
FIRST, LAST, RAREST = 3, 5, 3
MAX_SHOWN = 600
_POD_SUFFIX = re.compile(r"^(?:-[a-f0-9]{6,10}-[a-z0-9]{5}|-[a-z0-9]{5}|-\d+)$")


class ReadLogs(Input):
    name: str = Field(description="pod or workload", max_length=253)
    namespace: str = Field(default="", description="empty: the default one", max_length=63)
    container: str = Field(default="", max_length=253)
    previous: bool = Field(default=False, description="the container before the last restart")
    last: str = Field(default="1h", description="5m, 1h, 2d", max_length=20)
    contains: str = Field(default="", max_length=200)
    tail: int = Field(default=1_000, ge=1, le=MAX_TAIL, description="lines a container")
    context: str = Field(default="", max_length=253)


class LogPattern(Terse):
    level: str
    count: int
    pattern: str
    example: str = Field(default="", description="of what looks like trouble")
    first: datetime | None = None
    last: datetime | None = None
    pods: int


class Logs(Terse):
    read: list[str] = Field(default_factory=list, description="pod/container")
    lines: int
    by_level: dict[str, int] = Field(default_factory=dict)
    patterns: list[LogPattern] = Field(default_factory=list)
    first: list[str] = Field(default_factory=list)
    last: list[str] = Field(default_factory=list)
    rarest: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Target:
    pod: str
    container: str
    previous: bool

    def __str__(self) -> str:
        return f"{self.pod}/{self.container}" + (" (previous)" if self.previous else "")


class LogTools:
    def __init__(self, clusters: Clusters, pages: Pages) -> None:
        self._clusters = clusters
        self._pages = pages

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "read_logs",
                "Read the logs of a pod or a workload as patterns with counts, errors first; previous=true after a crash.",
                ReadLogs,
                Logs,
                "read",
                self.read_logs,
            )
        ]

    async def read_logs(self, ctx: Context, ask: ReadLogs) -> ToolResult[Logs]:
        since = duration(ask.last, "last")
        reading = await begin(self._clusters, ctx, ask.context)
        namespace = ask.namespace or self._clusters.default_namespace
        pods = await _pods(reading, namespace, ask.name, ctx)
        targets = _targets(pods, ask)
        read = await asyncio.gather(*(self._one(reading, namespace, target, ask.tail, since) for target in targets))
        done = [str(target) for target, said in zip(targets, read, strict=True) if said is not None]
        said = sorted(
            (entry for one in read if one for entry in one), key=lambda entry: entry.at.timestamp() if entry.at else 0.0
        )
        if ask.contains:
            said = [entry for entry in said if ask.contains.lower() in entry.text.lower()]
        found = patterns(said)
        shown = [_shown(pattern) for pattern in found]
        handle, pages = self._pages.keep(f"{namespace}/{ask.name}", shown, PAGE, reading.source)
        return ToolResult(
            summary=_summary(ctx, ask, done, said, found),
            data=_logs(done, said, found, shown),
            source=reading.source,
            seen_at=ctx.clock.now(),
            missing=reading.missing,
            handle=handle,
            pages=pages,
        )

    async def _one(
        self, reading: Reading, namespace: str, target: _Target, tail: int, since: timedelta
    ) -> list[Entry] | None:
        seconds = max(1, int(since.total_seconds()))
        try:
            text = await reading.cluster.logs(
                namespace,
                target.pod,
                target.container,
                previous=target.previous,
                tail=tail,
                # What a dead container said last is worth reading however long ago it was.
                since_seconds=None if target.previous else seconds,
                timestamps=True,
            )
        except FirstmateError as error:
            reading.lacks(f"log {target}", error)
            return None
        options = f"container={target.container}&tailLines={tail}" + (
            "&previous=true" if target.previous else f"&sinceSeconds={seconds}"
        )
        reading.cite(f"GET /api/v1/namespaces/{namespace}/pods/{target.pod}/log?{options}")
        return entries(text, target.pod)


async def _pods(reading: Reading, namespace: str, name: str, ctx: Context) -> list[Object]:
    """The pod of that name, or the pods of the workload of that name, those in trouble first."""
    try:
        return [await reading.cluster.get("Pod", name, namespace)]
    except NotFound as error:
        listing = await reading.cluster.list("Pod", namespace, limit=2_000)
        found = [pod for pod in listing.items if _belongs(pod, name)]
        if not found:
            raise error from None
    reading.objects = found
    reading.cite(listing.request)
    view = reading.view(ctx.clock.now())
    found.sort(key=lambda pod: (-standing(pod, view).grave, is_ready(pod), name_of(pod)))
    if len(found) > MAX_PODS:
        left = len(found) - MAX_PODS
        why = pick(ctx.language, f"{left} more pods were not read", f"还有 {left} 个 Pod 未读取")
        reading.missing.append(Missing(what=name, why=why, how=", ".join(name_of(pod) for pod in found[MAX_PODS:][:5])))
    return found[:MAX_PODS]


def _belongs(pod: Object, name: str) -> bool:
    owners = [str(one.get("name")) for one in rows(pod, "metadata", "ownerReferences")]
    return any(
        owner == name or _POD_SUFFIX.match(owner[len(name) :]) is not None or owner.rpartition("-")[0] == name
        for owner in owners
        if owner.startswith(name)
    )


def _targets(pods: Sequence[Object], ask: ReadLogs) -> list[_Target]:
    found = [
        _Target(name_of(pod), container, ask.previous)
        for pod in pods
        for container in _containers(pod, ask.container, ask.previous)
    ]
    if found:
        return found
    if ask.container:
        allowed = sorted({str(one.get("name")) for pod in pods for one in rows(pod, "spec", "containers")})
        raise Invalid(f"There is no container {ask.container} in {ask.name}.", field="container", allowed=allowed)
    raise NotFound(f"No container of {ask.name} has run before; leave out previous.")


def _containers(pod: Object, wanted: str, previous: bool) -> list[str]:
    """Those asked for; else those that are running or have run, and of the ones before a start only those that failed."""
    known = rows(pod, "spec", "containers") + rows(pod, "spec", "initContainers")
    names = [str(one.get("name")) for one in known]
    if wanted:
        return [wanted] if wanted in names else []
    states = {str(one.get("name")): one for one in statuses(pod)}
    if previous:
        return [name for name in names if (states.get(name) or {}).get("restartCount")]
    starting = {str(one.get("name")) for one in rows(pod, "spec", "initContainers")}
    return [name for name in names if name not in starting or _failed(states.get(name) or {})]


def _failed(state: dict[str, Any]) -> bool:
    return bool(mapping(state, "state", "waiting")) or bool(dig(state, "state", "terminated", "exitCode"))


def _logs(read: list[str], said: Sequence[Entry], found: Sequence[Pattern], shown: list[LogPattern]) -> Logs:
    levels: dict[str, int] = {}
    for pattern in found:
        levels[pattern.level] = levels.get(pattern.level, 0) + pattern.count
    return Logs(
        read=read,
        lines=len(said),
        by_level=levels,
        patterns=shown[:PAGE],
        first=[_cut(entry.text) for entry in said[:FIRST]],
        last=[_cut(entry.text) for entry in said[FIRST:][-LAST:]],
        rarest=[_cut(text) for text in rarest(said, found, RAREST)] if len(said) > FIRST + LAST else [],
    )


def _shown(pattern: Pattern) -> LogPattern:
    telling = pattern.level != "info" and pattern.example != pattern.template
    return LogPattern(
        level=pattern.level,
        count=pattern.count,
        pattern=pattern.template,
        example=_cut(pattern.example) if telling else "",
        first=pattern.first,
        last=pattern.last,
        pods=len(pattern.where),
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + " ..."


def _summary(ctx: Context, ask: ReadLogs, read: Sequence[str], said: Sequence[Entry], found: Sequence[Pattern]) -> str:
    if not read:
        return pick(ctx.language, f"No log of {ask.name} could be read.", f"未能读取 {ask.name} 的任何日志。")
    span = "" if ask.previous else pick(ctx.language, f" in the last {ask.last}", f"（最近 {ask.last}）")
    if not said:
        matching = (
            pick(ctx.language, f" containing {ask.contains!r}", f"（包含 {ask.contains!r}）") if ask.contains else ""
        )
        return pick(
            ctx.language, f"{ask.name} wrote no lines{matching}{span}.", f"{ask.name} 没有日志{matching}{span}。"
        )
    bad = [pattern for pattern in found if pattern.level in {"fatal", "error"}]
    counted = pick(
        ctx.language,
        f"{len(said)} lines of {len(read)} containers{span}, {len(found)} patterns",
        f"{len(read)} 个容器的 {len(said)} 行{span}，{len(found)} 种模式",
    )
    if not bad:
        return counted + pick(ctx.language, "; none looks like an error.", "；没有错误样的日志。")
    worst = "; ".join(f"{pattern.count}x {_cut(pattern.example.partition(chr(10))[0])[:200]}" for pattern in bad[:3])
    total = sum(pattern.count for pattern in bad)
    return counted + pick(ctx.language, f"; {total} lines look like errors: {worst}.", f"；{total} 行像错误：{worst}。")
