"""One request to a resource: what it names, what it asks for, and in which form it wants the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from starlette.requests import Request
from starlette.responses import Response

from simulator.kubernetes_api import protobuf, tables
from simulator.kubernetes_api.decode import Malformed, decode, parse_json, parse_yaml, unknown_fields
from simulator.kubernetes_api.defaults import zeroed
from simulator.kubernetes_api.hooks import Hooks
from simulator.kubernetes_api.identity import User
from simulator.kubernetes_api.resources import Resource
from simulator.kubernetes_api.status import (
    BODY_TYPES,
    Failure,
    bad_object,
    bad_request,
    not_acceptable,
    too_large,
    unsupported,
    unsupported_media_type,
)
from simulator.kubernetes_api.status import invalid as invalid_object
from simulator.kubernetes_api.versions import version_of
from simulator.store import Store

Object = dict[str, Any]
MAX_BODY = 3 * 1024 * 1024
WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(slots=True)
class Call:
    store: Store
    hooks: Hooks
    request: Request
    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str = ""

    def __post_init__(self) -> None:
        values = self.request.query_params.getlist("dryRun")
        if any(value not in ("All", "") for value in values):
            error = unsupported("dryRun", values[0][:100], ("All",))
            raise invalid_object(self.resource, self.name or "", [error])
        self.request.state.dry_run = "All" in values
        self.request.state.warnings = []

    @property
    def dry_run(self) -> bool:
        """Kept with the request, where the audit finds it even when the call failed."""
        return bool(self.request.state.dry_run)

    @property
    def warnings(self) -> list[str]:
        """What the answer says beside its content."""
        warnings: list[str] = self.request.state.warnings
        return warnings

    @property
    def user(self) -> User:
        user: User = self.request.state.user
        return user

    def ask_dry_run(self) -> None:
        self.request.state.dry_run = True

    @property
    def wanted_name(self) -> str:
        if self.name is None:
            raise bad_request("name must be provided")
        return self.name

    def param(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def flag(self, name: str) -> bool:
        return self.param(name).lower() in ("true", "1")

    def number(self, name: str) -> int | None:
        """A count from the query; an empty one is none."""
        text = self.param(name)
        if not text:
            return None
        if not (text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12):
            raise bad_request(f'strconv.ParseInt: parsing "{text[:50]}": invalid syntax ({name})')
        return int(text)

    def manager(self) -> str:
        agent = self.request.headers.get("user-agent", "").partition("/")[0]
        return (self.param("fieldManager") or agent or "unknown")[:128]

    async def body(self) -> bytes:
        return await read_body(self.request)

    def media_type(self) -> str:
        return self.request.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def document(self) -> Any:
        """The body of a create or update: JSON, YAML or the binary form."""
        media_type = self.media_type() or "application/json"
        if media_type not in (*BODY_TYPES, protobuf.MEDIA_TYPE):
            raise unsupported_media_type((*BODY_TYPES, protobuf.MEDIA_TYPE))
        body = await self.body()
        if media_type == protobuf.MEDIA_TYPE:
            return protobuf.parse(body)
        return parse_yaml(body) if media_type == "application/yaml" else parse_json(body)

    def typed(self, document: Any) -> Object:
        """The document as an object of the call's kind, in its stored shape."""
        if not isinstance(document, dict):
            raise bad_object(self.resource, f"json: cannot unmarshal into Go value of type {self.resource.kind}")
        named = (document.get("apiVersion") or self.resource.api_version, document.get("kind") or self.resource.kind)
        if named != (self.resource.api_version, self.resource.kind):
            raise bad_request(
                f"the API version in the data ({str(named[0])[:100]}, Kind={str(named[1])[:100]}) does not match the "
                f"expected API version ({self.resource.api_version}, Kind={self.resource.kind})"
            )
        version = version_of(self.resource)
        sent = version.to_stored(document) if version.decodes_stored else document
        try:
            decoded, unknown = decode(version.schema, sent)
        except Malformed as error:
            raise bad_object(self.resource, str(error)) from error
        if unknown and self.param("fieldValidation") == "Strict":
            raise unknown_fields(unknown)
        if self.param("fieldValidation") in ("", "Warn"):
            self.warnings.extend(f'unknown field "{path}"' for path in unknown[:20])
        stored = decoded if version.decodes_stored else version.to_stored(decoded)
        return {**stored, "metadata": self._placed(stored.get("metadata") or {})}

    def _placed(self, metadata: Object) -> Object:
        """Name and namespace from the URL where the body leaves them out; a contradiction is refused."""
        namespace = metadata.get("namespace") or self.namespace
        if namespace != self.namespace:
            raise bad_request(
                f"the namespace of the provided object does not match the namespace sent on the request "
                f"({namespace} != {self.namespace})"
            )
        name = metadata.get("name") or self.name
        if self.name is not None and name != self.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({self.name})")
        placed = {**metadata, "name": name, "namespace": namespace}
        return {key: value for key, value in placed.items() if value is not None}

    def shown(self, obj: Object) -> Object:
        """The stored object as this resource's version of its kind."""
        version = version_of(self.resource)
        return {
            **version.to_shown(zeroed(self.resource.kind, obj)),
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version,
        }

    def answer(self, obj: Object, code: int = 200) -> Response:
        """A single object of the call's kind, as a table where that is what the client prefers."""
        form = accepted_form(self.request)
        if form != "table":
            return render(self.shown(obj), code, form)
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return render(self.table([obj], metadata), code)

    def table(self, objects: list[Object], metadata: Object) -> Object:
        include = self.param("includeObject") or "Metadata"
        return tables.table(self.resource.kind, objects, metadata, self.hooks.now(), include)


async def read_body(request: Request) -> bytes:
    """The body, never more than the limit of it in memory."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise too_large(MAX_BODY)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise too_large(MAX_BODY)
        chunks.append(chunk)
    return b"".join(chunks)


def accepted_form(request: Request) -> str:
    """json, yaml or table: the first of the client's choices that is served here."""
    accept = request.headers.get("accept", "") or "*/*"
    for choice in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in choice.split(";"))
        if media_type in ("application/json", "*/*", "application/*"):
            if "as=table" in parameters:
                return "table"
            if not any(parameter.startswith("as=") for parameter in parameters):
                return "json"
        elif media_type == "application/yaml":
            return "yaml"
    raise not_acceptable()


def render(document: Object, code: int = 200, form: str = "json") -> Response:
    if form == "yaml":
        return Response(yaml.safe_dump(document, sort_keys=False), code, media_type="application/yaml")
    return Response(orjson.dumps(document) + b"\n", code, media_type="application/json")


def failure_response(failure: Failure) -> Response:
    return render(failure.body(), failure.code)
