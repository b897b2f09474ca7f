"""Objects that nobody foresaw must not stop the world."""

from __future__ import annotations

import logging

import pytest

from simulator.controllers import Context, Controller, Loops
from tests.simulator.clusters import Cluster
from tests.simulator.worlds import Object, Watch, small_world


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(small_world())


def deployment(name: str, **spec: object) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx:1.25.4"}]}}
    content = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": content,
    }


STRANGE: list[tuple[str, Object]] = [
    ("Node", {"metadata": {"name": "bare-node"}}),
    (
        "Pod",
        {
            "metadata": {"name": "no-resources", "namespace": "shop"},
            "spec": {"containers": [{"name": "a", "image": "x"}]},
        },
    ),
    ("Pod", {"metadata": {"name": "no-image", "namespace": "shop"}, "spec": {"containers": [{"name": "a"}]}}),
    ("Pod", {"metadata": {"name": "no-namespace"}, "spec": {"containers": [{"name": "a", "image": "nginx:1.25.4"}]}}),
    (
        "Service",
        {
            "metadata": {"name": "headless", "namespace": "shop"},
            "spec": {"clusterIP": "None", "selector": {"app": "search"}},
        },
    ),
    (
        "Service",
        {
            "metadata": {"name": "outside", "namespace": "shop"},
            "spec": {"type": "ExternalName", "externalName": "example.org"},
        },
    ),
    (
        "Endpoints",
        {"metadata": {"name": "by-hand", "namespace": "shop"}, "subsets": [{"addresses": [{"ip": "10.1.2.3"}]}]},
    ),
    ("Deployment", deployment("nothing", replicas=0)),
    ("Deployment", deployment("no-selector", selector={})),
    ("Deployment", deployment("odd-surge", strategy={"rollingUpdate": {"maxSurge": "many"}})),
]


@pytest.mark.parametrize(("kind", "obj"), STRANGE, ids=[obj["metadata"]["name"] for _, obj in STRANGE])
def test_the_world_goes_on(watch: Watch, kind: str, obj: Object) -> None:
    store = watch.world.store
    store.create(kind, obj)
    watch.world.kick()
    watch.after(45)
    assert watch.value('sum(rate(http_requests_total{service="edge-gateway"}[30s]))') > 1
    store.delete(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"])
    watch.world.kick()


def fail(_context: Context) -> None:
    raise ValueError("strange")


def test_a_controller_that_fails_is_reported_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []
    controllers = (Controller("first", fail), Controller("second", lambda _context: ran.append("second")))
    with caplog.at_level(logging.ERROR):
        Loops(Cluster().context, controllers, survives=True).settle(lambda: None)
    assert ran == ["second"]
    assert "strange" in caplog.text


def test_in_tests_of_controllers_a_failure_is_a_failure() -> None:
    with pytest.raises(ValueError, match="strange"):
        Loops(Cluster().context, (Controller("first", fail),)).settle(lambda: None)


def test_two_controllers_at_war_are_cut_off() -> None:
    cluster = Cluster()
    cluster.store.create("ConfigMap", {"metadata": {"name": "bone", "namespace": "shop"}, "data": {"of": "one"}})

    def pull(context: Context) -> None:
        bone = context.store.get("ConfigMap", "shop", "bone") or {}
        owner = "other" if bone["data"]["of"] == "one" else "one"
        context.store.update("ConfigMap", {**bone, "data": {"of": owner}})

    before = cluster.store.version
    Loops(cluster.context, (Controller("dog", pull),)).settle(lambda: None)
    assert 1 < cluster.store.version - before < 100
