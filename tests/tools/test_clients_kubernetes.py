"""The Kubernetes client against a real server on loopback that behaves, and one that does not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import Conflict, Forbidden, Invalid, NotConfigured, NotFound, Upstream
from tests.tools.loopback import DROP, HANG, Answer, Heard, Loopback, Say
from tools.clients.kubernetes import Cluster, Clusters, KubernetesAccess
from tools.clients.transport import Request

Talk = Callable[..., AbstractAsyncContextManager[tuple[Cluster, Loopback]]]


def kubeconfig(path: Path, server: str, token: str = "", **more: str) -> str:
    servers = {"here": server, **more}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
        "users": [{"name": "u", "user": {"token": token or "t0k"}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "u", "namespace": "shop"}} for name in servers
        ],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    @asynccontextmanager
    async def start(answer: Answer, seconds: float = 5.0) -> AsyncIterator[tuple[Cluster, Loopback]]:
        async with Loopback(answer) as server:
            config = kubeconfig(tmp_path / "config", server.url)
            clusters = Clusters(KubernetesAccess(config_path=config, timeout=seconds))
            try:
                yield await clusters.get(), server
            finally:
                await clusters.close()

    return start


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "labels": labels}}


def always(said: Say) -> Answer:
    return lambda _heard: said


def by_path(answers: Mapping[str, Say]) -> Answer:
    return lambda heard: answers.get(heard.path, Say(404, status(404, "not found")))


def status(code: int, message: str, **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message, "code": code, "details": details}


async def test_a_list_gives_each_item_its_kind_and_version_back(talk: Talk) -> None:
    async with talk(always(Say(body={"kind": "PodList", "items": [pod("web-0")]}))) as (cluster, server):
        listing = await cluster.list("po", "shop", labels="app=web", fields="status.phase=Running")
    assert listing.items[0]["kind"] == "Pod"
    assert listing.items[0]["apiVersion"] == "v1"
    assert not listing.more
    assert (
        listing.request
        == "GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dweb&fieldSelector=status.phase%3DRunning"
    )
    heard = server.heard[0]
    assert (heard.path, heard.query["labelSelector"]) == ("/api/v1/namespaces/shop/pods", "app=web")
    assert heard.query["fieldSelector"] == "status.phase=Running"
    assert heard.headers["authorization"] == "Bearer t0k"


@pytest.mark.parametrize(
    ("word", "namespace", "path"),
    [
        ("Deployment", "shop", "/apis/apps/v1/namespaces/shop/deployments"),
        ("deploy", None, "/apis/apps/v1/deployments"),
        ("SVC", "shop", "/api/v1/namespaces/shop/services"),
        ("nodes", "shop", "/api/v1/nodes"),
        ("hpa", "shop", "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"),
    ],
)
async def test_a_kind_answers_to_its_name_plural_and_short_name(
    talk: Talk, word: str, namespace: str | None, path: str
) -> None:
    async with talk(always(Say(body={"items": []}))) as (cluster, server):
        await cluster.list(word, namespace)
    assert server.heard[0].path == path


async def test_a_long_list_is_read_page_by_page_up_to_the_limit(talk: Talk) -> None:
    def pages(heard: Heard) -> Say:
        first = int(heard.query.get("continue", "0"))
        last = first + int(heard.query["limit"])
        items = [pod(f"web-{number}") for number in range(first, min(last, 1_200))]
        left = {"continue": str(last), "remainingItemCount": 1_200 - last} if last < 1_200 else {}
        return Say(body={"metadata": left, "items": items})

    async with talk(pages) as (cluster, server):
        whole = await cluster.list("Pod", "shop", limit=2_000)
        cut = await cluster.list("Pod", "shop", limit=700)
    assert (len(whole.items), whole.more) == (1_200, False)
    assert (len(cut.items), cut.more, cut.remaining) == (700, True, 500)
    assert len(server.heard) == 3 + 2


async def test_a_custom_resource_is_found_although_another_group_is_broken(talk: Talk) -> None:
    answers = {
        "/apis": Say(
            body={
                "groups": [
                    {"name": "metrics.k8s.io", "preferredVersion": {"groupVersion": "metrics.k8s.io/v1beta1"}},
                    {"name": "example.com", "preferredVersion": {"groupVersion": "example.com/v1"}},
                ]
            }
        ),
        "/apis/metrics.k8s.io/v1beta1": Say(503, status(503, "the server is currently unable to handle the request")),
        "/apis/example.com/v1": Say(
            body={
                "groupVersion": "example.com/v1",
                "resources": [
                    {"name": "widgets", "kind": "Widget", "namespaced": True, "shortNames": ["wd"]},
                    {"name": "widgets/status", "kind": "Widget", "namespaced": True},
                ],
            }
        ),
        "/apis/example.com/v1/namespaces/shop/widgets": Say(body={"items": [{"metadata": {"name": "a"}}]}),
    }
    async with talk(by_path(answers)) as (cluster, _):
        listing = await cluster.list("wd", "shop")
        assert listing.items[0]["apiVersion"] == "example.com/v1"
        assert "Widget" in cluster.kinds()
        with pytest.raises(NotFound, match="Did you mean Widget"):
            await cluster.list("Widgot", "shop")


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (Say(500, status(500, "etcd is gone")), Upstream, "answered 500 to list pods in namespace shop: etcd is gone"),
        (Say(503, b"<html>upstream connect error</html>"), Upstream, "answered 503"),
        (Say(429, status(429, "too many requests"), {"Retry-After": "7"}), Upstream, "asks to wait 7 s"),
        (
            Say(403, status(403, 'User "me" cannot list resource "pods"')),
            Forbidden,
            "does not allow to list pods in namespace shop",
        ),
        (Say(409, status(409, "the object has been modified")), Conflict, "the object has been modified"),
        (Say(400, status(400, "unable to parse requirement")), Invalid, "unable to parse requirement"),
        (Say(200, b"this is not json"), Upstream, "not JSON"),
        (Say(200, [1, 2]), Upstream, "not an object"),
        (DROP, Upstream, "broke off"),
    ],
)
async def test_a_refusal_is_an_error_of_the_tree_with_a_sentence(
    talk: Talk, said: Say, error: type[Exception], words: str
) -> None:
    async with talk(always(said)) as (cluster, _):
        with pytest.raises(error, match=words):
            await cluster.list("Pod", "shop")


@pytest.mark.parametrize(("code", "retryable"), [(500, True), (503, True), (429, True), (418, False)])
async def test_an_upstream_error_says_whether_trying_again_can_help(talk: Talk, code: int, retryable: bool) -> None:
    async with talk(always(Say(code, {}))) as (cluster, _):
        with pytest.raises(Upstream) as caught:
            await cluster.version()
    assert (caught.value.retryable, caught.value.status) == (retryable, code)


async def test_a_forbidden_read_names_the_permission(talk: Talk) -> None:
    async with talk(always(Say(403, status(403, "no")))) as (cluster, _):
        with pytest.raises(Forbidden) as caught:
            await cluster.logs("shop", "web-0")
    assert caught.value.details["permission"] == "get pods/log in namespace shop"


async def test_an_invalid_write_names_the_field(talk: Talk) -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "must be >= 0"}]
    async with talk(always(Say(422, status(422, "Deployment is invalid", causes=causes)))) as (cluster, _):
        with pytest.raises(Invalid) as caught:
            await cluster.patch("Deployment", "web", "shop", {"spec": {"replicas": -1}})
    assert caught.value.details["field"] == "spec.replicas"


async def test_a_server_that_hangs_is_given_up_at_the_timeout(talk: Talk) -> None:
    async with talk(always(HANG), seconds=0.1) as (cluster, _):
        with pytest.raises(Upstream, match=r"did not answer within 0\.1 s") as caught:
            await cluster.version()
    assert caught.value.retryable


async def test_a_server_that_sends_a_byte_now_and_then_is_given_up_too(talk: Talk) -> None:
    async with talk(always(Say(body={"gitVersion": "v" * 200}, drip=0.02)), seconds=0.1) as (cluster, _):
        with pytest.raises(Upstream, match="did not answer within"):
            await cluster.version()


async def test_callers_that_wait_for_a_free_place_are_given_up_at_the_timeout_as_well(talk: Talk) -> None:
    async with talk(always(HANG), seconds=1.0) as (cluster, server):
        asked = [asyncio.ensure_future(cluster.version()) for _ in range(40)]
        while server.connections < 16 and not any(one.done() for one in asked):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.005)
        assert server.connections <= 16
        ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), timeout=30)
    assert all(isinstance(one, Upstream) for one in ended)


async def test_a_server_that_refuses_the_connection_is_named(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    clusters = Clusters(KubernetesAccess(config_path=config))
    with pytest.raises(Upstream, match=r"The Kubernetes API server at http://127\.0\.0\.1:1 refused the connection"):
        await (await clusters.get()).version()
    await clusters.close()


async def test_a_name_that_does_not_resolve_is_said_so(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", "http://nowhere.invalid:6443")
    clusters = Clusters(KubernetesAccess(config_path=config))
    with pytest.raises(Upstream, match="does not resolve"):
        await (await clusters.get()).version()
    await clusters.close()


async def test_a_server_that_cannot_prove_who_it_is_gets_no_request(tmp_path: Path) -> None:
    async with Loopback(always(Say(body={"gitVersion": "v1"}))) as server:
        config = kubeconfig(tmp_path / "config", server.url.replace("http:", "https:"))
        clusters = Clusters(KubernetesAccess(config_path=config, timeout=2.0))
        with pytest.raises(Upstream, match="TLS") as caught:
            await (await clusters.get()).version()
        await clusters.close()
    assert not caught.value.retryable
    assert not server.heard


async def test_a_body_larger_than_the_bound_is_refused_and_a_log_is_cut(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.clients.kubernetes.MAX_LOG", 1_000)
    large = Say(body=b"x" * 5_000, headers={"Content-Type": "text/plain"})
    async with talk(always(large)) as (cluster, _):
        assert await cluster.logs("shop", "web-0") == "x" * 1_000


async def test_a_token_that_ran_out_is_read_again_once(tmp_path: Path) -> None:
    def answer(heard: Heard) -> Say:
        fresh = heard.headers["authorization"] == "Bearer new"
        return Say(body={"gitVersion": "v1.31.0"}) if fresh else Say(401, status(401, "Unauthorized"))

    async with Loopback(answer) as server:
        config = kubeconfig(tmp_path / "config", server.url, token="old")
        clusters = Clusters(KubernetesAccess(config_path=config))
        cluster = await clusters.get()
        with pytest.raises(Upstream, match="does not accept the credentials") as caught:
            await cluster.version()
        assert not caught.value.retryable
        kubeconfig(tmp_path / "config", server.url, token="new")
        assert await cluster.version() == "v1.31.0"
        await clusters.close()


async def test_an_unknown_object_names_near_misses(talk: Talk) -> None:
    listed = Say(body={"items": [pod("checkout-7d4b9c6f5-abcde"), pod("cart-1")]})
    async with talk(by_path({"/api/v1/namespaces/shop/pods": listed})) as (cluster, _):
        with pytest.raises(NotFound, match=r"no Pod checkout in namespace shop.*Did you mean checkout-7d4b9c6f5-abcde"):
            await cluster.get("Pod", "checkout", "shop")


async def test_an_object_of_another_namespace_is_pointed_at(talk: Talk) -> None:
    answers = {
        "/api/v1/namespaces/shop/pods": Say(body={"items": []}),
        "/api/v1/namespaces/shop": Say(body={"metadata": {"name": "shop"}}),
        "/api/v1/pods": Say(body={"items": [{"metadata": {"name": "web-0", "namespace": "store"}}]}),
    }
    async with talk(by_path(answers)) as (cluster, _):
        with pytest.raises(NotFound, match="store/web-0"):
            await cluster.get("Pod", "web-0", "shop")


async def test_an_unknown_namespace_is_told_with_near_misses(talk: Talk) -> None:
    answers = {
        "/api/v1/namespaces": Say(body={"items": [{"metadata": {"name": "shop"}}, {"metadata": {"name": "infra"}}]}),
        "/api/v1/namespaces/shopp/pods": Say(body={"items": []}),
    }
    async with talk(by_path(answers)) as (cluster, _):
        with pytest.raises(NotFound, match=r"no Namespace shopp\. Did you mean shop"):
            await cluster.require_namespace("shopp")
        with pytest.raises(NotFound, match=r"no Namespace shopp\. Did you mean shop"):
            await cluster.get("Pod", "web-0", "shopp")


async def test_who_may_not_read_namespaces_may_still_read_in_one(talk: Talk) -> None:
    async with talk(always(Say(403, status(403, "no")))) as (cluster, _):
        await cluster.require_namespace("shop")


@pytest.mark.parametrize("name", ["../secrets/x", "a/b", "", "a b", "x" * 300, "a?b", "%2e%2e"])
async def test_a_name_that_no_object_can_have_never_leaves_the_process(talk: Talk, name: str) -> None:
    async with talk(always(Say(body={}))) as (cluster, server):
        with pytest.raises(Invalid):
            await cluster.get("Pod", name, "shop")
        with pytest.raises(Invalid):
            await cluster.list("Pod", "shop/pods/" + name)
    assert not server.heard


async def test_an_object_of_a_namespace_needs_one(talk: Talk) -> None:
    async with talk(always(Say(body={}))) as (cluster, _):
        with pytest.raises(Invalid, match="lives in a namespace"):
            await cluster.get("Pod", "web-0")


@pytest.mark.parametrize(
    ("how", "content_type"),
    [
        ("strategic", "application/strategic-merge-patch+json"),
        ("merge", "application/merge-patch+json"),
        ("json", "application/json-patch+json"),
        ("apply", "application/apply-patch+yaml"),
    ],
)
async def test_a_patch_travels_as_what_it_is_and_dry_when_asked(talk: Talk, how: Any, content_type: str) -> None:
    body: Any = (
        [{"op": "replace", "path": "/spec/replicas", "value": 2}] if how == "json" else {"spec": {"replicas": 2}}
    )
    async with talk(always(Say(body={"metadata": {"name": "web"}}))) as (cluster, server):
        done = await cluster.patch("Deployment", "web", "shop", body, how=how, dry_run=True)
        await cluster.patch("Deployment", "web", "shop", body, how=how)
    assert done["kind"] == "Deployment"
    dry, wet = server.heard
    assert (dry.method, dry.headers["content-type"], dry.body) == ("PATCH", content_type, body)
    assert dry.query["dryRun"] == "All"
    assert dry.query["fieldManager"] == "firstmate"
    assert ("force" in dry.query) == (how == "apply")
    assert "dryRun" not in wet.query


async def test_a_delete_names_the_very_object_it_means(talk: Talk) -> None:
    async with talk(always(Say(body={"kind": "Status", "status": "Success"}))) as (cluster, server):
        await cluster.delete("Pod", "web-0", "shop", uid="u-1", dry_run=True)
    heard = server.heard[0]
    assert heard.method == "DELETE"
    assert heard.query["dryRun"] == "All"
    assert heard.body["preconditions"] == {"uid": "u-1"}
    assert heard.body["dryRun"] == ["All"]


async def test_an_object_is_created_in_its_namespace(talk: Talk) -> None:
    async with talk(always(Say(201, {"metadata": {"name": "c"}}))) as (cluster, server):
        made = await cluster.create("ConfigMap", {"metadata": {"name": "c"}}, "shop", dry_run=True)
    assert made["kind"] == "ConfigMap"
    assert (server.heard[0].method, server.heard[0].path) == ("POST", "/api/v1/namespaces/shop/configmaps")
    assert server.heard[0].query["dryRun"] == "All"


async def test_a_log_is_read_with_its_options(talk: Talk) -> None:
    async with talk(always(Say(body=b"one\ntwo\n", headers={"Content-Type": "text/plain"}))) as (cluster, server):
        text = await cluster.logs("shop", "web-0", "app", previous=True, tail=50, since_seconds=60, timestamps=True)
    assert text == "one\ntwo\n"
    assert server.heard[0].query == {
        "tailLines": "50",
        "container": "app",
        "previous": "true",
        "timestamps": "true",
        "sinceSeconds": "60",
    }


async def test_connections_are_used_again(talk: Talk) -> None:
    async with talk(always(Say(body={"gitVersion": "v1"}))) as (cluster, server):
        for _ in range(5):
            await cluster.version()
        assert server.connections == 1


async def test_contexts_are_separate_clusters(tmp_path: Path) -> None:
    async with (
        Loopback(always(Say(body={"gitVersion": "a"}))) as one,
        Loopback(always(Say(body={"gitVersion": "b"}))) as two,
    ):
        config = kubeconfig(tmp_path / "config", one.url, staging=two.url)
        clusters = Clusters(KubernetesAccess(config_path=config))
        assert clusters.names() == ["here", "staging"]
        assert clusters.default_namespace == "shop"
        assert await (await clusters.get()).version() == "a"
        assert await (await clusters.get("staging")).version() == "b"
        assert await clusters.get("staging") is await clusters.get("staging")
        with pytest.raises(NotFound, match="Did you mean staging"):
            await clusters.get("stagin")
        await clusters.close()


def test_a_namespace_in_the_settings_wins_over_the_kubeconfig(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    assert Clusters(KubernetesAccess(config_path=config, namespace="web")).default_namespace == "web"


async def test_nothing_set_up_names_the_settings_that_do_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    clusters = Clusters(KubernetesAccess())
    assert not clusters.configured
    assert clusters.names() == []
    with pytest.raises(NotConfigured, match="K8S_CONFIG_PATH"):
        await clusters.get()


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    clusters = Clusters(KubernetesAccess(config_path=str(tmp_path / "gone")))
    with pytest.raises(NotConfigured, match="gone does not exist"):
        await clusters.get()


@pytest.mark.parametrize("text", ["{", "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x", "\x00"])
async def test_a_kubeconfig_that_makes_no_sense_is_a_setting_that_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    clusters = Clusters(KubernetesAccess(config_path=str(tmp_path / "config")))
    with pytest.raises(NotConfigured, match="config"):
        await clusters.get()


async def test_in_a_pod_without_an_account_the_setting_is_named() -> None:
    clusters = Clusters(KubernetesAccess(in_cluster=True))
    assert clusters.names() == ["in-cluster"]
    with pytest.raises(NotConfigured, match="service account"):
        await clusters.get()


async def test_an_answer_beyond_its_bound_is_refused_and_not_kept(talk: Talk) -> None:
    async with talk(always(Say(body={"items": ["x" * 5_000]}))) as (cluster, _):
        with pytest.raises(Upstream, match="more than 1000 bytes") as caught:
            await cluster._transport.send(Request("GET", "/api/v1/pods", limit=1_000))
    assert not caught.value.retryable
