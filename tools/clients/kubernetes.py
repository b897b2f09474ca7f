"""Clusters: what an API server knows, as plain JSON, and the few ways to change it.

`Clusters` is the settings' view (which contexts there are, which one is meant); `Cluster` is one API server. A request is bounded in
time and size and in how many run at once, and every way it can fail is an error of the tree with a sentence. Where a name is unknown,
the error says what a person may have meant: a namespace that does not exist is never an empty list.

Lists come back complete up to `limit`, page by page, with `kind` and `apiVersion` put back into each item (the server leaves them out),
so that an object is the same wherever it was read.

A kubeconfig is read again only when it changed, and in a thread: `kubectl` writes to it at any moment, and parsing YAML is slow.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import orjson
import yaml

from core.clock import Clock, SystemClock
from core.errors import FirstmateError, Forbidden, Invalid, NotConfigured, NotFound, Upstream, near_misses
from tools.clients.kinds import Kind, KindTable, from_discovery
from tools.clients.refusals import Act, refusal
from tools.clients.transport import SYSTEM, Reply, Request, Transport, connect

Json = dict[str, Any]
Names = list[str]
Operations = list[Json]
How = Literal["strategic", "merge", "json", "apply"]
FIELD_MANAGER = "firstmate"
IN_CLUSTER = "in-cluster"
PAGE = 500
MAX_LOG = 2 * 1024 * 1024
MAX_GROUPS = 100
NEAR_MISS_LIMIT = 500
DISCOVERED_SECONDS = 60.0
_SYSTEM_CLOCK = SystemClock()

_PATCHES: dict[How, str] = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class KubernetesAccess:
    config_path: str = ""
    in_cluster: bool = False
    context: str = ""
    namespace: str = "default"
    timeout: float = 8.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a list; `more` says that the limit cut it, `remaining` how much is left where the server tells."""

    items: list[Json]
    more: bool = False
    remaining: int | None = None
    request: str = ""


class Cluster:
    def __init__(
        self,
        context: str,
        dial: Callable[[], Awaitable[Transport]],
        transport: Transport,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        self.context = context
        self._dial = dial
        self._transport = transport
        self._clock = clock
        self._kinds = KindTable()
        self._dialling = asyncio.Lock()
        self._discovering = asyncio.Lock()
        self._discovered: float | None = None

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    def kinds(self) -> list[str]:
        """The kinds known by name; custom resources join when they are first asked for."""
        return self._kinds.names()

    async def kind(self, word: str) -> Kind:
        """The kind a word means; what is not built in is looked for on the server."""
        known = self._kinds.get(word) or await self._looked_for(word)
        if known is None:
            raise NotFound(f"There is no kind {word}.", near=_near(word, self._kinds.names()))
        return known

    async def list(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Listing:
        """Up to `limit` objects of a namespace, or of all namespaces where none is given."""
        what = await self.kind(kind)
        path = what.path(_checked_namespace(namespace))
        act = Act("list", what.plural, namespace if what.namespaced else None)
        selection = [(key, value) for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value]
        asked = f"GET {path}" + (f"?{urlencode(selection)}" if selection else "")
        items: list[Json] = []
        token = ""
        remaining: int | None = None
        while len(items) < limit:
            query = [*selection, ("limit", str(min(PAGE, limit - len(items))))]
            query += [("continue", token)] if token else []
            page = _object(await self._send(Request("GET", path, tuple(query)), act), path)
            items.extend(_whole(item, what) for item in page.get("items") or ())
            token = str((page.get("metadata") or {}).get("continue") or "")
            remaining = (page.get("metadata") or {}).get("remainingItemCount")
            if not token:
                break
        return Listing(items[:limit], more=bool(token) or len(items) > limit, remaining=remaining, request=asked)

    async def get(self, kind: str, name: str, namespace: str | None = None, *, subresource: str = "") -> Json:
        what = await self.kind(kind)
        path = what.path(self._place(what, namespace), _checked_name(name), subresource)
        act = Act("get", _rbac(what, subresource), namespace if what.namespaced else None, name, what.name)
        try:
            return _whole(_object(await self._send(Request("GET", path), act), path), what)
        except NotFound as error:
            raise NotFound(error.sentence, near=await self._near_objects(what, name, namespace)) from error

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail: int = 200,
        since_seconds: int | None = None,
        timestamps: bool = False,
    ) -> str:
        """The last lines of a container; a body larger than 2 MB is cut."""
        query = [("tailLines", str(tail))]
        query += [("container", _checked_name(container))] if container else []
        query += [("previous", "true")] if previous else []
        query += [("timestamps", "true")] if timestamps else []
        query += [("sinceSeconds", str(since_seconds))] if since_seconds else []
        pods = await self.kind("Pod")
        path = pods.path(_checked_namespace(namespace), _checked_name(pod), "log")
        request = Request(
            "GET", path, tuple(query), accept="text/plain, application/json, */*", limit=MAX_LOG, cut=True
        )
        try:
            reply = await self._send(request, Act("get", "pods/log", namespace, pod, "Pod"))
        except NotFound as error:
            raise NotFound(error.sentence, near=await self._near_objects(pods, pod, namespace)) from error
        return reply.body.decode("utf-8", "replace")

    async def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        body: Json | Operations,
        *,
        how: How = "strategic",
        dry_run: bool = False,
        subresource: str = "",
    ) -> Json:
        what = await self.kind(kind)
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"), *_dry(dry_run)]
        query += [("force", "true")] if how == "apply" else []
        path = what.path(self._place(what, namespace), _checked_name(name), subresource)
        request = Request("PATCH", path, tuple(query), body=body, content_type=_PATCHES[how])
        act = Act("patch", _rbac(what, subresource), namespace if what.namespaced else None, name, what.name)
        return _whole(_object(await self._send(request, act), path), what)

    async def create(self, kind: str, body: Json, namespace: str | None, *, dry_run: bool = False) -> Json:
        what = await self.kind(kind)
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"), *_dry(dry_run)]
        path = what.path(self._place(what, namespace))
        name = str((body.get("metadata") or {}).get("name") or "")
        request = Request("POST", path, tuple(query), body=body)
        act = Act("create", what.plural, namespace if what.namespaced else None, name)
        return _whole(_object(await self._send(request, act), path), what)

    async def delete(
        self, kind: str, name: str, namespace: str | None, *, dry_run: bool = False, uid: str = "", version: str = ""
    ) -> Json:
        """Delete in the background; with `uid` or `version` only that very object as it was seen."""
        what = await self.kind(kind)
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        seen = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        if seen:
            body["preconditions"] = seen
        if dry_run:
            body["dryRun"] = ["All"]
        path = what.path(self._place(what, namespace), _checked_name(name))
        act = Act("delete", what.plural, namespace if what.namespaced else None, name, what.name)
        return _object(await self._send(Request("DELETE", path, tuple(_dry(dry_run)), body=body), act), path)

    async def version(self) -> str:
        read = _object(await self._send(Request("GET", "/version"), Act("get", "/version")), "/version")
        return str(read.get("gitVersion") or "unknown")

    async def require_namespace(self, namespace: str) -> None:
        """Raise NotFound with near misses for a namespace that does not exist; where that cannot be read, go on."""
        try:
            await self.get("Namespace", namespace)
        except Forbidden:
            return

    async def close(self) -> None:
        await self._transport.close()

    def _place(self, what: Kind, namespace: str | None) -> str | None:
        if what.namespaced and not namespace:
            raise Invalid(f"A {what.name} lives in a namespace; name it.", field="namespace")
        return _checked_namespace(namespace)

    async def _send(self, request: Request, act: Act) -> Reply:
        used = self._transport
        reply = await used.send(request)
        if reply.status == 401:
            # A token that ran out is read again once: a request that was refused so had no effect.
            reply = await (await self._redial(used)).send(request)
        if not 200 <= reply.status < 300:
            raise refusal(reply, act)
        return reply

    async def _redial(self, used: Transport) -> Transport:
        async with self._dialling:
            if self._transport is used:
                self._transport = await self._dial()
                await used.close()
            return self._transport

    async def _looked_for(self, word: str) -> Kind | None:
        """Discovery costs a request a group, so what it did not find is not looked for again within a minute."""
        async with self._discovering:
            now = self._clock.monotonic()
            if self._discovered is None or now - self._discovered >= DISCOVERED_SECONDS:
                await self._discover()
                self._discovered = now
            return self._kinds.get(word)

    async def _discover(self) -> None:
        act = Act("get", "/apis")
        groups = _object(await self._send(Request("GET", "/apis"), act), "/apis").get("groups") or []
        preferred = [str((group.get("preferredVersion") or {}).get("groupVersion") or "") for group in groups]
        read = await asyncio.gather(
            *(self._send(Request("GET", f"/apis/{one}"), act) for one in preferred[:MAX_GROUPS] if one),
            return_exceptions=True,
        )
        for one in read:
            # An aggregated group whose own server is down must not hide the others.
            if isinstance(one, Reply):
                for kind in from_discovery(_object(one, "/apis")):
                    self._kinds.add(kind)
            elif not isinstance(one, FirstmateError):
                raise one

    async def _near_objects(self, what: Kind, name: str, namespace: str | None) -> Names:
        """Names a person may have meant: here first, then the same name in another namespace."""
        try:
            here = await self.list(what.name, namespace, limit=NEAR_MISS_LIMIT)
            near = _near(name, (str(item["metadata"]["name"]) for item in here.items))
            if near or not namespace or not what.namespaced:
                return near
            await self.require_namespace(namespace)
            away = await self.list(what.name, fields=f"metadata.name={name}", limit=3)
            return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in away.items]
        except NotFound:
            raise
        except FirstmateError:
            return []


class Clusters:
    def __init__(self, access: KubernetesAccess, clock: Clock = _SYSTEM_CLOCK) -> None:
        self._access = access
        self._clock = clock
        self._parsed: dict[Path, tuple[tuple[int, int], Json]] = {}
        self._open: dict[str, Cluster] = {}
        self._opening = asyncio.Lock()

    @property
    def configured(self) -> bool:
        return self._access.in_cluster or bool(self._files())

    @property
    def default_namespace(self) -> str:
        if self._access.namespace != "default" or self._access.in_cluster:
            return self._access.namespace
        try:
            meant = self._contexts().get(self._default_context()) or {}
        except NotConfigured:
            # Told where the cluster itself is asked for.
            meant = {}
        return str(meant.get("namespace") or self._access.namespace)

    def names(self) -> list[str]:
        return [IN_CLUSTER] if self._access.in_cluster else list(self._contexts())

    async def get(self, context: str = "") -> Cluster:
        name = context or await asyncio.to_thread(self._default_context)
        if name in self._open:
            return self._open[name]
        async with self._opening:
            if name not in self._open:
                self._open[name] = await self._connect(name)
            return self._open[name]

    async def close(self) -> None:
        clusters, self._open = list(self._open.values()), {}
        for cluster in clusters:
            await cluster.close()

    async def _connect(self, name: str) -> Cluster:
        await asyncio.to_thread(self._must_know, name)
        files, access = ":".join(str(path) for path in self._files()), self._access

        async def dial() -> Transport:
            return await connect(files, name, access.in_cluster, access.timeout)

        return Cluster(name, dial, await dial(), self._clock)

    def _must_know(self, name: str) -> None:
        if not self.configured:
            path = self._access.config_path
            absent = f"the kubeconfig {path} does not exist; " if path else ""
            raise NotConfigured(
                SYSTEM, f"{absent}set K8S_CONFIG_PATH to a kubeconfig, or K8S_IN_CLUSTER=true in a pod."
            )
        known = self.names()
        if name not in known:
            raise NotFound(
                f"There is no kubeconfig context {name or '(current)'}.", near=_near(name, known) or known[:5]
            )

    def _default_context(self) -> str:
        if self._access.in_cluster:
            return IN_CLUSTER
        return self._access.context or next(
            (str(c["current-context"]) for c in self._read() if c.get("current-context")), ""
        )

    def _contexts(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for config in self._read():
            for entry in config.get("contexts") or ():
                found.setdefault(str(entry.get("name")), entry.get("context") or {})
        return found

    def _files(self) -> list[Path]:
        """K8S_CONFIG_PATH may list several files, as KUBECONFIG does."""
        paths = self._access.config_path.split(":") if self._access.config_path else ["~/.kube/config"]
        return [path for path in (Path(part).expanduser() for part in paths if part) if path.is_file()]

    def _read(self) -> Iterable[Json]:
        for path in self._files():
            try:
                stat = path.stat()
                version = (stat.st_mtime_ns, stat.st_size)
                known = self._parsed.get(path)
                if known is None or known[0] != version:
                    read = yaml.safe_load(path.read_text())
                    known = self._parsed[path] = (version, read if isinstance(read, dict) else {})
            except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
                raise NotConfigured(SYSTEM, f"the kubeconfig {path} cannot be read ({error}).") from error
            yield known[1]


def _near(wanted: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Near misses, and before them the names that contain what was asked for (a workload's pods)."""
    names = list(known)
    containing = [name for name in names if wanted and wanted.lower() in name.lower()]
    return list(dict.fromkeys([*containing[:limit], *near_misses(wanted, names, limit)]))[:limit]


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name[:80]!r} is not a name an object can have.", field="name")
    return name


def _checked_namespace(namespace: str | None) -> str | None:
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise Invalid(f"{namespace[:80]!r} is not a name a namespace can have.", field="namespace")
    return namespace or None


def _rbac(kind: Kind, subresource: str) -> str:
    return f"{kind.plural}/{subresource}" if subresource else kind.plural


def _dry(dry_run: bool) -> list[tuple[str, str]]:
    return [("dryRun", "All")] if dry_run else []


def _whole(item: Json, kind: Kind) -> Json:
    item.setdefault("kind", kind.name)
    item.setdefault("apiVersion", kind.api_version)
    return item


def _object(reply: Reply, path: str) -> Json:
    try:
        read = orjson.loads(reply.body)
    except ValueError as error:
        raise Upstream(SYSTEM, f"answered {path} with something that is not JSON", retryable=True) from error
    if not isinstance(read, dict):
        raise Upstream(SYSTEM, f"answered {path} with something that is not an object", retryable=True)
    return read
