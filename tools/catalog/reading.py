"""How every tool reads a cluster: what could be read, what could not and why, and where each thing came from.

A Reading gathers several lists at once. What is refused or fails becomes a Missing entry and the rest goes on; where an account may not
list a whole cluster, the default namespace is read instead and the answer says so. Only when nothing at all could be read is the failure
the answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import FirstmateError, Forbidden, NotFound, Upstream
from core.language import Language, Text, pick
from tools.clients.kubernetes import Cluster, Clusters, Listing
from tools.engines.diagnosis import Window
from tools.engines.objects import Object
from tools.engines.snapshot import Snapshot
from tools.engines.standing import View
from tools.spec import Context, Missing, Source

CLOSE_GAP = Text("grant the permission, or ask for one namespace", "授予该权限，或只查询一个命名空间")
CUT = Text("more than {limit} objects; only the first were read", "对象超过 {limit} 个，只读取了前面的部分")


@dataclass
class Reading:
    cluster: Cluster
    language: Language
    fallback: str
    objects: list[Object] = field(default_factory=list)
    source: list[Source] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    failed: list[FirstmateError] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    @property
    def system(self) -> str:
        return f"Kubernetes {self.cluster.context}".strip()

    async def lists(self, kinds: Sequence[str], namespace: str | None, *, limit: int, **selection: str) -> None:
        """Several kinds at once; the order of the results does not depend on which came first."""
        answers = await asyncio.gather(*(self._tried(kind, namespace, limit, selection) for kind in kinds))
        for kind, answer in zip(kinds, answers, strict=True):
            self._take(kind, answer, limit)
        if not self.read and self.failed:
            raise self.failed[0]

    def of(self, kind: str) -> list[Object]:
        return [obj for obj in self.objects if obj.get("kind") == kind]

    def view(self, now: datetime) -> View:
        window = Window(start=now - timedelta(hours=1), end=now)
        snapshot = Snapshot(objects=self.objects, taken_at=now, window=window, context=self.cluster.context)
        return View(snapshot, now, sayer(self.language))

    def cite(self, request: str) -> None:
        self.source.append(Source(system=self.system, query=request))

    def lacks(self, what: str, error: FirstmateError) -> None:
        how = CLOSE_GAP(self.language) if isinstance(error, Forbidden) else ""
        self.missing.append(Missing(what=what, why=error.sentence, how=how))

    async def _tried(
        self, kind: str, namespace: str | None, limit: int, selection: dict[str, str]
    ) -> Listing | FirstmateError:
        try:
            return await self._listed(kind, namespace, limit, selection)
        except (Forbidden, Upstream, NotFound) as error:
            return error

    def _take(self, kind: str, answer: Listing | FirstmateError, limit: int) -> None:
        if isinstance(answer, FirstmateError):
            self.failed.append(answer)
            self.lacks(kind, answer)
            return
        self.read.add(kind)
        self.objects.extend(answer.items)
        self.cite(answer.request)
        if answer.more:
            self.missing.append(Missing(what=kind, why=CUT(self.language, limit=limit)))

    async def _listed(self, kind: str, namespace: str | None, limit: int, selection: dict[str, str]) -> Listing:
        try:
            return await self.cluster.list(kind, namespace, limit=limit, **selection)
        except Forbidden as error:
            if namespace or not self.fallback or not (await self.cluster.kind(kind)).namespaced:
                raise
            listing = await self.cluster.list(kind, self.fallback, limit=limit, **selection)
            self.lacks(pick(self.language, f"{kind} outside {self.fallback}", f"{self.fallback} 以外的 {kind}"), error)
            return listing


async def begin(clusters: Clusters, ctx: Context, context: str) -> Reading:
    cluster = await clusters.get(context)
    return Reading(cluster, ctx.language, clusters.default_namespace)


def sayer(language: Language) -> Callable[..., str]:
    def say(text: Text, **values: Any) -> str:
        return text(language, **values)

    return say


def age(since: datetime | None, now: datetime) -> str:
    """As kubectl says it: 42s, 5m, 3h, 12d."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size or (unit != "m" and seconds >= size):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
