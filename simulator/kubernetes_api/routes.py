"""The doors: URL to resource, method to verb, and every refusal turned into a Status.

Paths are read here rather than spelled out as hundreds of routes, because the resource table already says what exists.
Around each request stand the same things, in this order: whether a page of another site sent it, the token check, the
handler, the audit of writes, which therefore also holds those that the handler refused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.foreign import REFUSED, is_from_elsewhere
from simulator.kubernetes_api import (
    deletion,
    discovery,
    eviction,
    metrics,
    openapi,
    reads,
    reviews,
    subresources,
    watch,
    writes,
)
from simulator.kubernetes_api.call import WRITES, Call, failure_response, render
from simulator.kubernetes_api.hooks import Hooks
from simulator.kubernetes_api.identity import User, bearer, impersonated, token_of
from simulator.kubernetes_api.rbac import Authorizer, Deed, forbidden
from simulator.kubernetes_api.resources import Resource, find_resource
from simulator.kubernetes_api.status import (
    Failure,
    internal_error,
    method_not_allowed,
    not_acceptable,
    not_implemented,
    unauthorized,
)
from simulator.store import Store, timestamp

_log = logging.getLogger(__name__)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_AGGREGATED = "as=apigroupdiscoverylist"
_STREAMS = ("attach", "exec", "portforward")

Handler = Callable[[Call], Response | Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a collection, an object of it, or something below the object."""

    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str

    @property
    def level(self) -> str:
        return self.subresource or ("collection" if self.name is None else "object")


def _list_or_watch(call: Call) -> Response:
    return watch.watch(call) if call.flag("watch") else reads.list_page(call)


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "collection"): _list_or_watch,
    ("POST", "collection"): writes.create,
    ("DELETE", "collection"): deletion.delete_collection,
    ("GET", "object"): reads.get,
    ("PUT", "object"): writes.update,
    ("PATCH", "object"): writes.patch,
    ("DELETE", "object"): deletion.delete,
    ("GET", "status"): reads.get,
    ("PUT", "status"): writes.update,
    ("PATCH", "status"): writes.patch,
    ("GET", "scale"): subresources.read_scale,
    ("PUT", "scale"): subresources.write_scale,
    ("PATCH", "scale"): subresources.write_scale,
    ("GET", "log"): subresources.read_log,
    ("POST", "eviction"): eviction.evict,
    ("POST", "binding"): subresources.bind,
    ("POST", "token"): reviews.token,
    ("PUT", "finalize"): subresources.finalize,
}


def routes(store: Store, hooks: Hooks, tokens: Mapping[str, str] | None = None) -> list[Route]:
    """All of the API. With `tokens` (token to user name) a request must carry one of them."""
    server = Server(store, hooks, dict(tokens) if tokens else None)
    paths: list[tuple[str, Endpoint]] = [
        ("/", server.root),
        ("/version", server.version),
        ("/version/", server.version),
        ("/healthz", server.health),
        ("/livez", server.health),
        ("/readyz", server.health),
        ("/openapi/v2", server.openapi_v2),
        ("/openapi/v3", server.openapi_v3),
        ("/openapi/v3/{path:path}", server.openapi_v3),
        ("/api", server.core),
        ("/api/", server.core),
        ("/apis", server.groups),
        ("/apis/", server.groups),
        ("/api/{path:path}", server.api),
        ("/apis/{path:path}", server.apis),
    ]
    return [Route(path, server.guarded(endpoint), methods=_METHODS) for path, endpoint in paths]


def locate(group: str, version: str, parts: list[str]) -> Target | None:
    """The target of `namespaces/shop/pods/web-0/log`; None when nothing of that name is served."""
    namespace: str | None = None
    within = len(parts) > 2 and parts[0] == "namespaces" and not (not group and parts[2] in ("status", "finalize"))
    if within:
        namespace, parts = parts[1], parts[2:]
    if namespace == "" or not 1 <= len(parts) <= 3 or not all(parts):
        return None
    plural, name, subresource = [*parts, "", ""][:3]
    resource = find_resource(group, version, plural)
    if resource is None or (namespace is not None) > resource.namespaced:
        return None
    if (name and resource.namespaced and namespace is None) or (
        subresource and subresource not in resource.subresources
    ):
        return None
    return Target(resource, namespace, name or None, subresource)


def _refuse_other_sites(request: Request) -> None:
    if is_from_elsewhere(request.method, request.headers):
        raise Failure(403, "Forbidden", f"forbidden: {REFUSED}")


class Server:
    def __init__(self, store: Store, hooks: Hooks, tokens: dict[str, str] | None) -> None:
        self._store = store
        self._hooks = hooks
        self._tokens = tokens
        self._authorizer = Authorizer(store)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                _refuse_other_sites(request)
                self._authenticate(request)
                return await endpoint(request)
            except Failure as failure:
                return failure_response(failure)
            except (HTTPException, ClientDisconnect):
                raise
            except Exception:  # noqa: BLE001  (the last boundary: the client gets a Status, the log the traceback)
                _log.exception("a request could not be handled", extra={"path": request.url.path})
                return failure_response(internal_error())

        return answer

    def _authenticate(self, request: Request) -> None:
        """Who asks, kept with the request; the user that the request asks to be, when this one may be that one."""
        user = bearer(token_of(request), self._tokens)
        if user is None:
            raise unauthorized()
        wanted = impersonated(request)
        if wanted is not None and wanted.name != user.name:
            self._check(user, Deed("impersonate", resource="users", name=wanted.name))
            for group in request.headers.getlist("impersonate-group"):
                self._check(user, Deed("impersonate", resource="groups", name=group))
            user = wanted
        request.state.user, request.state.authorizer = user, self._authorizer

    def _check(self, user: User, deed: Deed) -> None:
        verdict = self._authorizer.judge(user, deed)
        if not verdict.allowed:
            raise forbidden(user, deed, verdict.reason)

    def _may_read(self, request: Request) -> None:
        """For the paths that are no resources."""
        _only_get(request)
        self._check(request.state.user, Deed("get", path=request.url.path))

    async def root(self, request: Request) -> Response:
        self._may_read(request)
        return render({"paths": discovery.paths()})

    async def version(self, request: Request) -> Response:
        self._may_read(request)
        return render(discovery.version())

    async def health(self, request: Request) -> Response:
        self._may_read(request)
        if "verbose" not in request.query_params:
            return PlainTextResponse("ok")
        return PlainTextResponse(f"[+]ping ok\n[+]store ok\n{request.url.path.strip('/')} check passed\n")

    async def openapi_v2(self, request: Request) -> Response:
        """Only ever asked for in the binary form by programs that then do without it."""
        self._may_read(request)
        raise not_acceptable()

    async def openapi_v3(self, request: Request) -> Response:
        self._may_read(request)
        path = request.path_params.get("path", "")
        document = openapi.document(path) if path else openapi.index()
        return _unknown_path() if document is None else render(document)

    async def core(self, request: Request) -> Response:
        self._may_read(request)
        if _wants_aggregated(request):
            return _aggregated_answer(core=True)
        return render(discovery.core_versions(request.url.netloc))

    async def groups(self, request: Request) -> Response:
        self._may_read(request)
        return _aggregated_answer(core=False) if _wants_aggregated(request) else render(discovery.group_list())

    async def api(self, request: Request) -> Response:
        version, *parts = request.path_params["path"].rstrip("/").split("/")
        return await self._resource(request, "", version, parts)

    async def apis(self, request: Request) -> Response:
        group, *rest = request.path_params["path"].rstrip("/").split("/")
        if not rest:
            self._may_read(request)
            found = discovery.group(group)
            return _unknown_path() if found is None else render(found)
        return await self._resource(request, group, rest[0], rest[1:])

    async def _resource(self, request: Request, group: str, version: str, parts: list[str]) -> Response:
        if not parts:
            self._may_read(request)
            listed = discovery.resource_list(group, version)
            return _unknown_path() if listed is None else render(listed)
        target = locate(group, version, parts)
        if target is None:
            _no_streams(group, parts)
            return _unknown_path()
        if request.method not in WRITES:
            self._check(request.state.user, _deed(request, target))
            return await self._run(request, target)
        return await self._write(request, target)

    async def _write(self, request: Request, target: Target) -> Response:
        """A write that changed the store wakes the controllers; refused or not, it is in the audit."""
        before, code = self._store.version, 500
        try:
            self._check(request.state.user, _deed(request, target))
            response = await self._run(request, target)
            code = response.status_code
        except Failure as failure:
            code = failure.code
            raise
        finally:
            self._hooks.audit(self._entry(request, target, code))
        if self._store.version != before:
            self._hooks.kick()
        return response

    async def _run(self, request: Request, target: Target) -> Response:
        handler = _handler(request.method if request.method != "HEAD" else "GET", target)
        if handler is None or (request.method == "POST" and target.resource.namespaced and target.namespace is None):
            raise method_not_allowed()
        place = (target.resource, target.namespace, target.name, target.subresource)
        call = Call(self._store, self._hooks, request, *place)
        result = handler(call)
        response = result if isinstance(result, Response) else await result
        for warning in call.warnings:
            response.headers.append(
                "Warning", f'299 - "{warning.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
            )
        return response

    def _entry(self, request: Request, target: Target, code: int) -> dict[str, Any]:
        return {
            "time": timestamp(self._hooks.now()),
            "verb": _verb(request, target),
            "path": request.url.path,
            "user": request.state.user.name,
            "dryRun": bool(getattr(request.state, "dry_run", False)),
            "status": code,
        }


def _handler(method: str, target: Target) -> Handler | None:
    if target.resource.kind in reviews.KINDS:
        return reviews.ask if (method, target.level) == ("POST", "collection") else None
    if target.resource.group == metrics.GROUP:
        return metrics.read
    return HANDLERS.get((method, target.level))


def _deed(request: Request, target: Target) -> Deed:
    resource = target.resource
    place = (target.namespace or "", target.name or "")
    return Deed(_verb(request, target), resource.group, resource.plural, target.subresource, *place)


def _verb(request: Request, target: Target) -> str:
    if request.method in WRITES:
        verb = WRITES[request.method]
        return "deletecollection" if verb == "delete" and target.name is None else verb
    if target.name is not None:
        return "get"
    return "watch" if request.query_params.get("watch", "").lower() in ("true", "1") else "list"


def _only_get(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed()


def _wants_aggregated(request: Request) -> bool:
    accept = request.headers.get("accept", "").lower().replace(" ", "")
    return _AGGREGATED in accept and "v=v2;" in f"{accept.split(',')[0]};"


def _aggregated_answer(core: bool) -> Response:
    response = render(discovery.aggregated(core))
    response.headers["content-type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    return response


def _no_streams(group: str, parts: list[str]) -> None:
    """A container here is a state machine: there is nothing in it to talk to, and whoever tries is told so."""
    if not group and parts[2:3] == ["pods"] and len(parts) == 5 and parts[4] in _STREAMS:
        raise not_implemented(f"{parts[4]}: the containers of this cluster are simulated, nothing runs in them")


def _unknown_path() -> Response:
    return PlainTextResponse("404 page not found\n", 404)
