"""Who may do what: users by token, roles and bindings, and the API server's words for no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from simulator.controllers import Context, roles
from simulator.events import Recorder
from simulator.kubernetes_api.identity import account_token
from simulator.kubernetes_api.roles import default_objects
from tests.simulator.kubernetes_world import World, a_world, client_of

PODS = "/api/v1/namespaces/shop/pods"
REVIEWS = "/apis/authorization.k8s.io/v1"
Object = dict[str, Any]


@pytest.fixture
def world() -> World:
    world = a_world()
    for kind, obj in default_objects(["shop"]):
        world.create(kind, obj)
    roles.reconcile(Context(world.store, world.now, Recorder(world.store, world.now)))
    return world


@pytest.fixture
async def viewer(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(world, authorization="Bearer viewer") as client:
        yield client


@pytest.fixture
async def developer(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(world, authorization="Bearer developer") as client:
        yield client


@pytest.fixture
async def operator(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(world, authorization="Bearer operator") as client:
        yield client


async def test_a_viewer_reads_everywhere_but_no_secrets(viewer: httpx.AsyncClient) -> None:
    for path in (PODS, "/api/v1/pods", "/apis/apps/v1/deployments", f"{PODS}/web-0/log", "/api/v1/nodes", "/version"):
        assert (await viewer.get(path)).status_code == 200, path
    refused = await viewer.get("/api/v1/namespaces/shop/secrets")
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        'secrets is forbidden: User "viewer" cannot list resource "secrets" in API group "" in the namespace "shop"'
    )


async def test_a_refusal_names_the_object_the_group_and_the_scope(viewer: httpx.AsyncClient, world: World) -> None:
    told = (await viewer.delete(f"{PODS}/web-0")).json()
    assert told["message"] == (
        'pods "web-0" is forbidden: User "viewer" cannot delete resource "pods" in API group "" in the namespace "shop"'
    )
    assert (told["reason"], told["code"], told["details"]) == ("Forbidden", 403, {"name": "web-0", "kind": "pods"})
    scaled = await viewer.patch("/apis/apps/v1/namespaces/shop/deployments/web/scale", json={})
    assert 'cannot patch resource "deployments/scale" in API group "apps"' in scaled.json()["message"]
    bindings = await viewer.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")
    assert bindings.json()["message"].endswith("at the cluster scope")
    assert [(entry["user"], entry["status"]) for entry in world.audited] == [("viewer", 403)] * 2


async def test_a_developer_changes_things_at_home_only(developer: httpx.AsyncClient) -> None:
    scale = "/namespaces/{}/deployments/web/scale"
    merge = {"content-type": "application/merge-patch+json"}
    body = b'{"spec":{"replicas":3}}'
    home = await developer.patch("/apis/apps/v1" + scale.format("shop"), content=body, headers=merge)
    away = await developer.patch("/apis/apps/v1" + scale.format("bank"), content=body, headers=merge)
    assert (home.status_code, away.status_code) == (200, 403)
    assert (await developer.get("/api/v1/pods")).status_code == 403
    assert (await developer.delete(f"{PODS}/web-0")).status_code == 200


async def test_roles_are_gathered_from_parts_and_more_can_be_added(world: World, viewer: httpx.AsyncClient) -> None:
    path = "/apis/security.istio.io/v1/namespaces/shop/peerauthentications"
    assert (await viewer.get(path)).status_code == 403
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    rules = [{"apiGroups": ["security.istio.io"], "resources": ["*"], "verbs": ["list"]}]
    world.create("ClusterRole", {"metadata": {"name": "mesh", "labels": label}, "rules": rules})
    roles.reconcile(Context(world.store, world.now, Recorder(world.store, world.now)))
    assert (await viewer.get(path)).status_code == 200


async def test_a_role_may_be_narrow(world: World) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["web-0"], "verbs": ["get"]}]
    world.create("Role", {"metadata": {"name": "one", "namespace": "shop"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "bank"}
    reference = {"kind": "Role", "name": "one"}
    binding = {"metadata": {"name": "one", "namespace": "shop"}, "roleRef": reference, "subjects": [subject]}
    world.create("RoleBinding", binding)
    async with client_of(world, authorization=f"Bearer {account_token('bank', 'default')}") as client:
        assert (await client.get(f"{PODS}/web-0")).status_code == 200
        told = (await client.get(f"{PODS}/web-1")).json()["message"]
    assert 'User "system:serviceaccount:bank:default" cannot get resource "pods"' in told


async def test_a_binding_to_a_role_that_is_gone_is_told(world: World, developer: httpx.AsyncClient) -> None:
    world.store.delete("ClusterRole", None, "edit")
    told = (await developer.get(PODS)).json()["message"]
    assert told.endswith('in the namespace "shop": RBAC: clusterrole.rbac.authorization.k8s.io "edit" not found')


async def test_paths_that_are_no_resources_need_permission_too(world: World, developer: httpx.AsyncClient) -> None:
    assert (await developer.get("/openapi/v3")).status_code == 200
    world.store.delete("ClusterRoleBinding", None, "system:discovery")
    told = (await developer.get("/openapi/v3")).json()["message"]
    assert told == 'forbidden: User "developer" cannot get path "/openapi/v3"'


async def may(client: httpx.AsyncClient, kind: str, spec: Object) -> Object:
    answer = await client.post(f"{REVIEWS}/{kind}", json={"spec": spec})
    assert answer.status_code == 201, answer.text
    status: Object = answer.json()["status"]
    return status


async def test_reviews_answer_for_oneself_and_for_others(
    viewer: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    attributes = {"verb": "list", "resource": "pods", "namespace": "bank"}
    mine = await may(viewer, "selfsubjectaccessreviews", {"resourceAttributes": attributes})
    assert mine["allowed"]
    assert (
        mine["reason"] == 'RBAC: allowed by ClusterRoleBinding "on-call-view" of ClusterRole "view" to Group "on-call"'
    )
    theirs = {"resourceAttributes": attributes, "user": "developer", "groups": ["developers"]}
    assert await may(operator, "subjectaccessreviews", theirs) == {"allowed": False}
    assert (await viewer.post(f"{REVIEWS}/subjectaccessreviews", json={"spec": theirs})).status_code == 403
    path = {"nonResourceAttributes": {"verb": "get", "path": "/healthz"}}
    assert (await may(viewer, "selfsubjectaccessreviews", path))["allowed"]


async def test_what_one_may_do_can_be_listed(developer: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    home = await may(developer, "selfsubjectrulesreviews", {"namespace": "shop"})
    away = await may(developer, "selfsubjectrulesreviews", {"namespace": "bank"})
    assert any("deployments" in rule["resources"] and "patch" in rule["verbs"] for rule in home["resourceRules"])
    assert not any("deployments" in rule["resources"] for rule in away["resourceRules"])
    everything = await may(operator, "selfsubjectrulesreviews", {"namespace": "shop"})
    assert everything["resourceRules"] == [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


async def test_one_is_told_who_one_is(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={})
    info = answer.json()["status"]["userInfo"]
    assert info == {"username": "viewer", "groups": ["on-call", "system:authenticated"]}


async def test_only_who_may_can_be_somebody_else(operator: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    jane = {"impersonate-user": "jane", "impersonate-group": "on-call"}
    assert (await operator.get(PODS, headers=jane)).status_code == 200
    assert (await operator.delete(f"{PODS}/web-0", headers=jane)).status_code == 403
    told = (await viewer.get(PODS, headers=jane)).json()["message"]
    assert 'users "jane" is forbidden: User "viewer" cannot impersonate resource "users"' in told


async def test_an_account_gets_a_token_that_is_its_own(world: World, operator: httpx.AsyncClient) -> None:
    path = "/api/v1/namespaces/shop/serviceaccounts/default/token"
    answer = await operator.post(path, json={"spec": {"expirationSeconds": 600}})
    token = answer.json()["status"]["token"]
    async with client_of(world, authorization=f"Bearer {token}") as client:
        who = await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={})
    assert who.json()["status"]["userInfo"]["username"] == "system:serviceaccount:shop:default"
    assert (await operator.post(path, json={"spec": {"expirationSeconds": 1}})).status_code == 422


@pytest.mark.parametrize("path", ["selfsubjectaccessreviews", "subjectaccessreviews", "selfsubjectrulesreviews"])
async def test_a_question_can_only_be_asked(operator: httpx.AsyncClient, path: str) -> None:
    assert (await operator.get(f"{REVIEWS}/{path}")).status_code == 405
    assert (await operator.delete(f"{REVIEWS}/{path}/x")).status_code == 405
    assert (await operator.post(f"{REVIEWS}/{path}", json={"spec": {}})).status_code in (400, 422)
