"""Stand-ins for what is outside: a shelf of objects that answers like an API server, and a Prometheus that says what it is told."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.clock import ManualClock
from core.errors import FirstmateError
from core.language import Language
from tools.clients.kinds import BUILT_IN
from tools.clients.kubernetes import Cluster, Clusters, KubernetesAccess
from tools.clients.prometheus import Answer, MetricHelp, Prometheus, Sample, Series
from tools.clients.transport import Reply, Request
from tools.engines.objects import dig
from tools.spec import Caller, Context

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_KINDS = {kind.plural: kind.name for kind in BUILT_IN}


def ctx(language: Language = "en") -> Context:
    return Context(caller=Caller("ann", "viewer", "test"), clock=ManualClock(NOW), language=language)


def ago(**parts: float) -> str:
    return (NOW - timedelta(**parts)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shelf:
    """An API server's reading half over plain objects; what is in `broken` is answered with that status."""

    base_url = "http://shelf"

    def __init__(self, objects: Sequence[dict[str, Any]], logs: Mapping[str, str], broken: Mapping[str, int]) -> None:
        self.objects = list(objects)
        self.logs = logs
        self.broken = broken
        self.asked: list[str] = []

    async def send(self, request: Request) -> Reply:
        self.asked.append(request.path)
        if request.path == "/version":
            return self._say({"gitVersion": "v1.31.0"})
        kind, namespace, name, log = _parts(request.path)
        if not kind:
            return Reply(404, b"{}")
        query = dict(request.query)
        code = 403 if not namespace and f"{kind} everywhere" in self.broken else self.broken.get(kind)
        if code:
            return Reply(code, json.dumps({"message": f"{kind} is out of reach"}).encode())
        if log:
            return self._log(f"{name}/{query.get('container', '')}" + ("/previous" if "previous" in query else ""))
        there = [one for one in self.objects if one["kind"] == kind and self._in(one, namespace)]
        if name:
            named = [one for one in there if dig(one, "metadata", "name") == name]
            return self._say(named[0]) if named else Reply(404, b"{}")
        return self._say({"items": [one for one in there if _selected(one, query)]})

    async def close(self) -> None:
        return None

    def _in(self, one: dict[str, Any], namespace: str | None) -> bool:
        return not namespace or dig(one, "metadata", "namespace") == namespace

    def _log(self, key: str) -> Reply:
        said = self.logs.get(key)
        return Reply(400, b'{"message": "is waiting to start"}') if said is None else Reply(200, said.encode())

    def _say(self, body: Any) -> Reply:
        return Reply(200, json.dumps(body).encode())


def _parts(path: str) -> tuple[str, str, str, bool]:
    """Kind, namespace and name in a path, and whether it asks for a log."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    kind = _KINDS.get(parts[0], "") if parts else ""
    return kind, namespace, parts[1] if len(parts) > 1 else "", parts[2:] == ["log"]


def _selected(one: dict[str, Any], query: Mapping[str, str]) -> bool:
    labels = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
    fields = dict(part.split("=") for part in query.get("fieldSelector", "").split(",") if part)
    return all((dig(one, "metadata", "labels") or {}).get(key) == value for key, value in labels.items()) and all(
        str(dig(one, *key.split("."))) == value for key, value in fields.items()
    )


class ShelfClusters(Clusters):
    def __init__(
        self, *objects: dict[str, Any], logs: Mapping[str, str] | None = None, broken: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(KubernetesAccess(namespace="shop"))
        self.shelf = Shelf([{"kind": "Namespace", "metadata": {"name": "shop"}}, *objects], logs or {}, broken or {})

    async def get(self, context: str = "") -> Cluster:
        async def dial() -> Shelf:
            return self.shelf

        return Cluster(context or "test", dial, self.shelf)


class ToldPrometheus(Prometheus):
    """Answers each expression with what was told for it; all else has no series."""

    def __init__(
        self,
        instant: Mapping[str, Sequence[Sample]] | None = None,
        ranges: Mapping[str, Sequence[Series]] | None = None,
        known: Mapping[str, MetricHelp] | None = None,
        failing: FirstmateError | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        super().__init__("http://told", clock=ManualClock(NOW))
        self.instant, self.ranges, self.known = instant or {}, ranges or {}, known or {}
        self.failing, self.warned = failing, warnings
        self.asked: list[str] = []

    async def query(self, expr: str, at: datetime | None = None) -> Answer[Sample]:
        self.asked.append(expr if at is None else f"{expr} {at:%H:%M}")
        if self.failing:
            raise self.failing
        return Answer(self.instant.get(expr, ()), self.warned)

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Answer[Series]:
        self.asked.append(f"{expr} {start:%H:%M} {end:%H:%M} {step:g}")
        if self.failing:
            raise self.failing
        first, last = start.timestamp(), end.timestamp()
        held = (
            Series(one.labels, [point for point in one.points if first <= point[0] <= last])
            for one in self.ranges.get(expr, ())
        )
        return Answer([one for one in held if one.points], self.warned)

    async def names(self, match: str | None = None) -> Answer[str]:
        self.asked.append(match or "")
        return Answer(sorted(self.known))

    async def metadata(self) -> dict[str, MetricHelp]:
        if self.failing:
            raise self.failing
        return {name: about for name, about in self.known.items() if about.help}
