"""What the server can do, in the two forms clients ask for: one document for everything, or one for each group."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.resources import Resource, groups, resources_of

Object = dict[str, Any]
GIT_VERSION = "v1.31.4"
_SUBRESOURCE_VERBS = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "eviction": ("create",),
    "binding": ("create",),
    "token": ("create",),
    "finalize": ("update",),
}
_ANSWER_KINDS = {
    "scale": ("Scale", "autoscaling", "v1"),
    "eviction": ("Eviction", "policy", "v1"),
    "binding": ("Binding", "", "v1"),
    "token": ("TokenRequest", "authentication.k8s.io", "v1"),
}


def version() -> Object:
    return {
        "major": "1",
        "minor": "31",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2024-12-11T17:05:22Z",
        "goVersion": "go1.22.9",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def core_versions(address: str) -> Object:
    servers = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": servers}


def group_list() -> Object:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in groups()]}


def group(name: str) -> Object | None:
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} if name in groups() else None


def _group(name: str) -> Object:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in groups()[name]]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(group_name: str, group_version: str) -> Object | None:
    resources = resources_of(group_name, group_version)
    if not resources:
        return None
    named = f"{group_name}/{group_version}" if group_name else group_version
    listed = [entry for resource in resources for entry in _entries(resource)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": named, "resources": listed}


def _entries(resource: Resource) -> list[Object]:
    own: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        own["shortNames"] = list(resource.short_names)
    if resource.categories:
        own["categories"] = list(resource.categories)
    return [own, *(_sub_entry(resource, name) for name in resource.subresources)]


def _sub_entry(resource: Resource, name: str) -> Object:
    kind, kind_group, kind_version = _answer_kind(resource, name)
    entry: Object = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": list(_SUBRESOURCE_VERBS[name]),
    }
    if (kind_group, kind_version) != (resource.group, resource.version):
        entry |= {"group": kind_group, "version": kind_version}
    return entry


def _answer_kind(resource: Resource, subresource: str) -> tuple[str, str, str]:
    return _ANSWER_KINDS.get(subresource, (resource.kind, resource.group, resource.version))


def aggregated(core: bool) -> Object:
    """The `APIGroupDiscoveryList` of the core group or of all named groups."""
    names = {"": ["v1"]} if core else groups()
    items = [_aggregated_group(name, versions) for name, versions in names.items()]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_group(name: str, versions: list[str]) -> Object:
    served = [
        {"version": v, "freshness": "Current", "resources": [_aggregated_resource(r) for r in resources_of(name, v)]}
        for v in versions
    ]
    return {"metadata": {"name": name, "creationTimestamp": None} if name else {}, "versions": served}


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [_aggregated_sub(resource, name) for name in resource.subresources]
    return entry


def _aggregated_sub(resource: Resource, name: str) -> Object:
    kind, kind_group, kind_version = _answer_kind(resource, name)
    response = {"group": kind_group, "version": kind_version, "kind": kind}
    return {"subresource": name, "responseKind": response, "verbs": list(_SUBRESOURCE_VERBS[name])}


def paths() -> list[str]:
    """What `/` lists."""
    named = [path for name, versions in groups().items() for path in (name, *(f"{name}/{v}" for v in versions))]
    plain = ["/api", "/api/v1", "/apis", *(f"/apis/{path}" for path in sorted(named))]
    return [*plain, "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
