"""Single rules of a role against single deeds, and the words in which a deed is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.kubernetes_api.identity import User
from simulator.kubernetes_api.rbac import Authorizer, Deed, Verdict, covers, forbidden
from simulator.store import Store

Object = dict[str, Any]
PODS: Object = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
GET = Deed("get", resource="pods", namespace="shop", name="a")
LOG = Deed("get", resource="pods", subresource="log", namespace="shop", name="a")


@pytest.mark.parametrize(
    ("changes", "deed", "allowed"),
    [
        ({}, GET, True),
        ({}, Deed("delete", resource="pods"), False),
        ({"verbs": ["*"]}, Deed("delete", resource="pods"), True),
        ({}, Deed("get", group="apps", resource="pods"), False),
        ({"apiGroups": ["*"]}, Deed("get", group="apps", resource="pods"), True),
        ({"apiGroups": None}, GET, False),
        ({}, LOG, False),
        ({"resources": ["pods/log"]}, LOG, True),
        ({"resources": ["pods/log"]}, GET, False),
        ({"resources": ["*/log"]}, LOG, True),
        ({"resources": ["*/log"]}, GET, False),
        ({"resources": ["*"]}, LOG, True),
        ({"resources": ["pods/*"]}, LOG, False),
        ({"resourceNames": ["a", "b"]}, GET, True),
        ({"resourceNames": ["b"]}, GET, False),
        ({"resourceNames": ["a"]}, Deed("list", resource="pods"), False),
        ({"resourceNames": []}, Deed("list", resource="pods"), True),
        ({}, Deed("get", path="/metrics"), False),
        ({"resources": ["*"]}, Deed("get", path="/metrics"), False),
        ({"nonResourceURLs": ["/metrics"]}, Deed("get", path="/metrics"), True),
        ({"nonResourceURLs": ["/metrics"]}, Deed("get", path="/metrics/x"), False),
        ({"nonResourceURLs": ["/healthz/*"]}, Deed("get", path="/healthz/etcd"), True),
        ({"nonResourceURLs": ["/healthz/*"]}, Deed("get", path="/healthz"), False),
        ({"nonResourceURLs": ["*"]}, Deed("get", path="/anything"), True),
        ({"nonResourceURLs": ["*"]}, Deed("put", path="/anything"), False),
    ],
)
def test_a_rule_covers_what_it_names_and_nothing_else(changes: Object, deed: Deed, allowed: bool) -> None:
    assert covers(PODS | changes, deed) is allowed


ANN = User("ann", ("dev",))
BOT = User("system:serviceaccount:shop:bot")


@pytest.mark.parametrize(
    ("subject", "user", "via"),
    [
        ({"kind": "User", "name": "ann"}, ANN, 'User "ann"'),
        ({"kind": "Group", "name": "dev"}, ANN, 'Group "dev"'),
        ({"kind": "User", "name": "dev"}, ANN, ""),
        ({"kind": "Group", "name": "ann"}, ANN, ""),
        ({"kind": "ServiceAccount", "name": "bot"}, BOT, 'ServiceAccount "bot/shop"'),
        ({"kind": "ServiceAccount", "name": "bot", "namespace": "bank"}, BOT, ""),
        ({"kind": "ServiceAccount", "name": "ann"}, ANN, ""),
    ],
)
def test_a_binding_means_only_its_subjects_in_its_own_namespace(subject: Object, user: User, via: str) -> None:
    store = Store(lambda: datetime(2026, 1, 1, tzinfo=UTC), 1)
    store.create("ClusterRole", {"metadata": {"name": "reader"}, "rules": [PODS]})
    binding: Object = {"roleRef": {"kind": "ClusterRole", "name": "reader"}, "subjects": [subject]}
    store.create("RoleBinding", {"metadata": {"name": "b", "namespace": "shop"}, **binding})
    authorizer = Authorizer(store)
    said = f'RBAC: allowed by RoleBinding "b/shop" of ClusterRole "reader" to {via}'
    assert authorizer.judge(user, GET) == (Verdict(True, said) if via else Verdict(False))
    assert authorizer.judge(user, Deed("get", resource="pods", namespace="bank")) == Verdict(False)
    assert authorizer.judge(user, Deed("list", resource="pods")) == Verdict(False)


@pytest.mark.parametrize(
    ("deed", "reason", "told"),
    [
        (
            Deed("delete", "apps", "deployments", namespace="shop", name="web"),
            "",
            (
                'deployments.apps "web" is forbidden: User "ann" cannot delete resource "deployments" in API group "apps" '
                'in the namespace "shop"'
            ),
        ),
        (
            Deed("list", resource="nodes"),
            "",
            'nodes is forbidden: User "ann" cannot list resource "nodes" in API group "" at the cluster scope',
        ),
        (
            LOG,
            "RBAC: x",
            (
                'pods "a" is forbidden: User "ann" cannot get resource "pods/log" in API group "" '
                'in the namespace "shop": RBAC: x'
            ),
        ),
        (Deed("get", path="/metrics"), "", 'forbidden: User "ann" cannot get path "/metrics"'),
    ],
)
def test_a_refusal_says_who_may_not_do_what_and_where(deed: Deed, reason: str, told: str) -> None:
    refused = forbidden(ANN, deed, reason)
    assert (refused.code, refused.message) == (403, told)
