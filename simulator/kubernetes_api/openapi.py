"""The OpenAPI v3 documents, made from the resource table and the schema: what `kubectl explain` and apply read."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.resources import RESOURCES, Resource, resources_of
from simulator.kubernetes_api.schema import SCALARS, TYPES, Field, root_fields

Object = dict[str, Any]
_SCALAR_SCHEMAS: dict[str, Object] = {
    "string": {"type": "string"},
    "int": {"type": "integer", "format": "int32"},
    "bool": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"type": "string"},
    "intstr": {"type": "string", "format": "int-or-string"},
    "any": {"type": "object"},
}
_WRITE_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


def index() -> Object:
    paths = {_group_path(resource) for resource in RESOURCES}
    listed = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"} for path in sorted(paths)}
    return {"paths": listed}


def document(path: str) -> Object | None:
    """The document of one group version, such as `apis/apps/v1`."""
    resources = [resource for resource in RESOURCES if _group_path(resource) == path]
    if not resources:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {url: item for resource in resources for url, item in _paths(resource).items()},
        "components": {"schemas": _schemas(resources_of(resources[0].group, resources[0].version))},
    }


def _group_path(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else "api/v1"


def _paths(resource: Resource) -> dict[str, Object]:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"/{_group_path(resource)}{scope}/{resource.plural}"
    return {
        collection: {"get": _operation(resource, "list"), "post": _operation(resource, "post")},
        f"{collection}/{{name}}": {verb: _operation(resource, verb) for verb in ("get", "put", "patch", "delete")},
    }


def _operation(resource: Resource, verb: str) -> Object:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    operation: Object = {
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": _ref(resource.kind)}}}},
    }
    if verb in ("post", "put", "patch"):
        operation["parameters"] = _WRITE_PARAMETERS
    return operation


def _ref(type_name: str) -> Object:
    return {"$ref": f"#/components/schemas/{type_name}"}


def _schemas(resources: list[Resource]) -> dict[str, Object]:
    schemas = {name: _struct(fields) for name, fields in TYPES.items()}
    for resource in resources:
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        fields = root_fields(resource.kind)
        schema = _struct(fields) if fields is not None else {"type": "object"}
        schemas[resource.kind] = {**schema, "x-kubernetes-group-version-kind": [kind]}
    return schemas


def _struct(fields: dict[str, Field]) -> Object:
    return {"type": "object", "properties": {name: _property(field) for name, field in fields.items()}}


def _property(field: Field) -> Object:
    single = _SCALAR_SCHEMAS[field.type] if field.type in SCALARS else {"allOf": [_ref(field.type)]}
    if field.shape == "map":
        return {"type": "object", "additionalProperties": single}
    if field.shape == "list":
        return {"type": "array", "items": single, **_merging(field)}
    return single


def _merging(field: Field) -> Object:
    if field.key is None:
        return {"x-kubernetes-list-type": "atomic"}
    merging: Object = {"x-kubernetes-patch-strategy": "merge"}
    if field.key:
        merging |= {"x-kubernetes-patch-merge-key": field.key, "x-kubernetes-list-type": "map"}
        merging["x-kubernetes-list-map-keys"] = [field.key]
    return merging
