"""The roles a cluster is born with, and the bindings of the two people who may not do everything.

`view`, `edit` and `admin` are gathered from parts by their labels, as in a real cluster, so that a role with the right label adds to them;
the controller of that is `simulator.controllers.roles`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]
READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
BOOTSTRAP = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_RBAC = "rbac.authorization.k8s.io"
_VERSION = f"{_RBAC}/v1"

_SEEN = {
    "": "bindings configmaps endpoints events limitranges namespaces namespaces/status persistentvolumeclaims "
    "persistentvolumeclaims/status pods pods/log pods/status replicationcontrollers replicationcontrollers/scale "
    "replicationcontrollers/status resourcequotas resourcequotas/status serviceaccounts services services/status",
    "apps": "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets "
    "replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    "autoscaling": "horizontalpodautoscalers horizontalpodautoscalers/status",
    "batch": "cronjobs cronjobs/status jobs jobs/status",
    "discovery.k8s.io": "endpointslices",
    "networking.k8s.io": "ingresses ingresses/status networkpolicies",
    "policy": "poddisruptionbudgets poddisruptionbudgets/status",
}
_CHANGED = {
    "": "configmaps events persistentvolumeclaims pods pods/attach pods/exec pods/portforward pods/proxy "
    "replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
    "apps": "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets "
    "statefulsets/scale",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
}


def rule(group: str, resources: str, verbs: Iterable[str]) -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": list(verbs)}


def default_objects(namespaces: Iterable[str]) -> list[tuple[str, Object]]:
    """Roles and bindings; the developer gets the first of the namespaces."""
    return [
        *_cluster_roles(),
        *_cluster_bindings(),
        *(
            _developer(
                next(iter(namespaces)),
            )
            if namespaces
            else ()
        ),
    ]


def _cluster_roles() -> Iterable[tuple[str, Object]]:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    yield _role("cluster-admin", [everything, {"nonResourceURLs": ["*"], "verbs": ["*"]}])
    yield from (_gathered("admin", ("admin",)), _gathered("edit", ("edit",)), _gathered("view", ("view",)))
    edit = {f"{AGGREGATE}admin": "true", f"{AGGREGATE}edit": "true"}
    view = {**edit, f"{AGGREGATE}view": "true"}
    yield _role("system:aggregate-to-admin", _admin_rules(), {f"{AGGREGATE}admin": "true"})
    yield _role("system:aggregate-to-edit", _edit_rules(), edit)
    yield _role("system:aggregate-to-view", [rule(group, names, READ) for group, names in _SEEN.items()], view)
    metrics = [rule("metrics.k8s.io", "nodes pods", READ)]
    yield _role("system:aggregated-metrics-reader", metrics, view)
    yield _role("system:basic-user", _self_rules())
    paths = (
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    )
    yield _role("system:discovery", [{"nonResourceURLs": list(paths), "verbs": ["get"]}])
    public = ("/healthz", "/livez", "/readyz", "/version", "/version/")
    yield _role("system:public-info-viewer", [{"nonResourceURLs": list(public), "verbs": ["get"]}])
    yield _role(
        "on-call-nodes", [rule("", "nodes persistentvolumes", READ), rule("storage.k8s.io", "storageclasses", READ)]
    )


def _admin_rules() -> list[Object]:
    return [
        rule("authorization.k8s.io", "localsubjectaccessreviews", ("create",)),
        rule(
            _RBAC,
            "rolebindings roles",
            ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"),
        ),
    ]


def _edit_rules() -> list[Object]:
    changes = [rule(group, names, WRITE) for group, names in _CHANGED.items()]
    reads = rule("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", READ)
    return [reads, rule("", "pods/eviction serviceaccounts/token", ("create",)), *changes]


def _self_rules() -> list[Object]:
    return [
        rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ("create",)),
        rule("authentication.k8s.io", "selfsubjectreviews", ("create",)),
    ]


def _cluster_bindings() -> Iterable[tuple[str, Object]]:
    groups = {
        "cluster-admin": ("cluster-admin", "system:masters"),
        "system:basic-user": ("system:basic-user", "system:authenticated"),
        "system:discovery": ("system:discovery", "system:authenticated"),
        "system:public-info-viewer": ("system:public-info-viewer", "system:authenticated"),
        "on-call-view": ("view", "on-call"),
        "on-call-nodes": ("on-call-nodes", "on-call"),
    }
    for name, (role, group) in groups.items():
        yield "ClusterRoleBinding", _binding("ClusterRoleBinding", name, role, group)


def _developer(namespace: str) -> tuple[tuple[str, Object], ...]:
    binding = _binding("RoleBinding", "developers-edit", "edit", "developers")
    return (("RoleBinding", {**binding, "metadata": {**binding["metadata"], "namespace": namespace}}),)


def _binding(kind: str, name: str, role: str, group: str) -> Object:
    labels = {"labels": dict(BOOTSTRAP)} if name.startswith(("system:", "cluster-admin")) else {}
    return {
        "apiVersion": _VERSION,
        "kind": kind,
        "metadata": {"name": name, **labels},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group}],
    }


def _role(name: str, rules: list[Object], labels: dict[str, str] | None = None) -> tuple[str, Object]:
    metadata = {"name": name, "labels": {**BOOTSTRAP, **(labels or {})}}
    return "ClusterRole", {"apiVersion": _VERSION, "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _gathered(name: str, parts: Iterable[str]) -> tuple[str, Object]:
    """A role of parts. The parts of `edit` are parts of `admin` too, and so on down, by their labels."""
    labels = {"admin": (), "edit": ("admin",), "view": ("edit", "admin")}[name]
    kind, role = _role(name, [], {f"{AGGREGATE}{each}": "true" for each in labels})
    selectors = [{"matchLabels": {f"{AGGREGATE}{part}": "true"}} for part in parts]
    return kind, {**role, "aggregationRule": {"clusterRoleSelectors": selectors}}
