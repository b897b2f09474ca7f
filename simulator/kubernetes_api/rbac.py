"""Who may do what: the roles and bindings of the cluster, asked for every request.

Members of `system:masters` may do everything. For everybody else the rules of a user are gathered once (cluster-wide ones, and those of
each namespace) and kept until a role or a binding changes, so that a request costs a look into a short list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes_api.identity import User
from simulator.kubernetes_api.status import Failure
from simulator.store import Store

Object = dict[str, Any]
KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@dataclass(frozen=True, slots=True)
class Deed:
    """What a user wants to do, to a resource or to a path that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """The rules that one binding gives; or why it gives none."""

    rules: tuple[Object, ...]
    via: str
    trouble: str = ""


class Authorizer:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._grants: dict[tuple[User, str], list[Grant]] = {}

    def judge(self, user: User, deed: Deed) -> Verdict:
        if user.is_master:
            return Verdict(True)
        troubles = []
        for grant in self._all(user, deed.namespace):
            troubles += [grant.trouble] if grant.trouble else []
            if any(covers(rule, deed) for rule in grant.rules):
                return Verdict(True, f"RBAC: allowed by {grant.via}")
        return Verdict(False, f"RBAC: {_listed(troubles)}" if troubles else "")

    def rules(self, user: User, namespace: str) -> list[Object]:
        """All that the user may do in a namespace."""
        if user.is_master:
            everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            return [everything, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
        return [rule for grant in self._all(user, namespace) for rule in grant.rules]

    def _all(self, user: User, namespace: str) -> list[Grant]:
        version = self._store.latest(KINDS)
        if version != self._version:
            self._version, self._grants = version, {}
        key = (user, namespace)
        if key not in self._grants:
            self._grants[key] = list(_grants(self._store, user, namespace))
        return self._grants[key]


def _listed(troubles: list[str]) -> str:
    return troubles[0] if len(troubles) == 1 else f"[{', '.join(troubles)}]"


def _grants(store: Store, user: User, namespace: str) -> Iterator[Grant]:
    for binding in store.list("ClusterRoleBinding"):
        if _names(binding.get("subjects") or (), user, ""):
            yield _grant(store, "ClusterRoleBinding", binding, user)
    for binding in store.list("RoleBinding", namespace) if namespace else ():
        if _names(binding.get("subjects") or (), user, namespace):
            yield _grant(store, "RoleBinding", binding, user)


def _grant(store: Store, kind: str, binding: Object, user: User) -> Grant:
    reference, namespace = binding.get("roleRef") or {}, binding["metadata"].get("namespace")
    role_kind, role_name = reference.get("kind", ""), reference.get("name", "")
    role = store.get(role_kind, namespace if role_kind == "Role" else None, role_name)
    place = f"{binding['metadata']['name']}/{namespace}" if namespace else binding["metadata"]["name"]
    subject = _names(binding.get("subjects") or (), user, namespace or "")
    via = f'{kind} "{place}" of {role_kind} "{role_name}" to {subject}'
    if role is None:
        return Grant((), via, f'{role_kind.lower()}.rbac.authorization.k8s.io "{role_name}" not found')
    return Grant(tuple(role.get("rules") or ()), via)


def _names(subjects: Iterable[Object], user: User, namespace: str) -> str:
    """The subject that means the user, as verdicts name it; empty when none does."""
    for subject in subjects:
        kind, name = subject.get("kind"), str(subject.get("name", ""))
        if (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups):
            return f'{kind} "{name}"'
        where = subject.get("namespace") or namespace
        if kind == "ServiceAccount" and user.name == f"system:serviceaccount:{where}:{name}":
            return f'ServiceAccount "{name}/{where}"'
    return ""


def covers(rule: Object, deed: Deed) -> bool:
    if not _has(rule.get("verbs"), deed.verb):
        return False
    if deed.path:
        return any(_path_fits(pattern, deed.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), deed.group)
        and _resource_fits(rule.get("resources") or (), deed)
        and (not names or deed.name in names)
    )


def _has(allowed: Iterable[str] | None, wanted: str) -> bool:
    return any(each in ("*", wanted) for each in allowed or ())


def _resource_fits(resources: Iterable[str], deed: Deed) -> bool:
    wanted = {"*", deed.full_resource, *((f"*/{deed.subresource}",) if deed.subresource else ())}
    return any(resource in wanted for resource in resources)


def _path_fits(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def forbidden(user: User, deed: Deed, reason: str) -> Failure:
    because = f": {reason}" if reason else ""
    if deed.path:
        return Failure(
            403, "Forbidden", f'forbidden: User "{user.name}" cannot {deed.verb} path "{deed.path}"{because}'
        )
    where = f'in the namespace "{deed.namespace}"' if deed.namespace else "at the cluster scope"
    what = f"{deed.resource}.{deed.group}" if deed.group else deed.resource
    said = f'User "{user.name}" cannot {deed.verb} resource "{deed.full_resource}" in API group "{deed.group}" {where}{because}'
    subject = f'{what} "{deed.name}" is forbidden' if deed.name else f"{what} is forbidden"
    details = {"name": deed.name, "group": deed.group, "kind": deed.resource}
    return Failure(403, "Forbidden", f"{subject}: {said}", {key: value for key, value in details.items() if value})
