"""Who calls whom and what runs where, read from a cluster and its traffic."""

from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Forbidden, NotConfigured, Upstream
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSample
from tests.tools.objects import NOW, NS, Object, container, deployment, pod, replica_set, service
from tools.collect.topology import read_topology
from tools.engines.topology import Topology


def program(name: str, node: str = "", **env: str) -> list[Object]:
    """A deployment with one pod and a Service in front of it."""
    box = {**container(), "env": [{"name": key, "value": value} for key, value in env.items()]}
    owner = deployment(name, box)
    owner["spec"]["selector"] = {"matchLabels": {"app": name}}
    owner["spec"]["template"]["metadata"]["labels"] = {"app": name}
    rs = replica_set(owner, 1, box)
    one = pod(rs)
    one["spec"]["nodeName"] = node
    return [owner, rs, one, service(name)]


async def read(*objects: Object, prometheus: FakePrometheus | None = None) -> Topology:
    return await read_topology(FakeClusters(FakeCluster(*objects)), prometheus or FakePrometheus(), ManualClock(NOW))


def of(name: str) -> tuple[str, str]:
    return NS, name


async def test_an_address_in_the_environment_is_a_call() -> None:
    found = await read(*program("api", DB=f"http://db.{NS}.svc:80"), *program("db"))
    assert found.calls == {(of("api"), of("db"))}


async def test_a_service_graphs_traffic_is_a_call() -> None:
    traffic = FakePrometheus(samples=[FakeSample({"client": "web", "server": "api"})])
    found = await read(*program("web"), *program("api"), prometheus=traffic)
    assert found.calls == {(of("web"), of("api"))}
    assert found.missing == ()


async def test_a_service_that_means_nobody_stands_for_itself() -> None:
    objects = program("api", DB="http://db:80")
    found = await read(*objects, service("db", {"app": "gone"}))
    assert found.calls == {(of("api"), of("db"))}
    assert of("db") not in found.behind


async def test_pods_have_makers_and_makers_have_nodes() -> None:
    found = await read(*program("api", "n1"), *program("db", "n2"))
    assert found.runs_on == {of("api"): {"n1"}, of("db"): {"n2"}}
    assert set(found.makers.values()) == {of("api"), of("db")}
    assert found.behind == {of("api"): of("api"), of("db"): of("db")}


async def test_what_could_not_be_read_is_named_and_the_rest_is_there() -> None:
    deaf = FakePrometheus(error=Upstream("Prometheus", "refused the connection", retryable=True))
    found = await read(*program("api", DB="http://db:80"), *program("db"), prometheus=deaf)
    assert found.calls == {(of("api"), of("db"))}
    assert "refused the connection" in found.missing[0]


async def test_a_kind_that_may_not_be_listed_is_named() -> None:
    cluster = FakeCluster(*program("api", DB="http://db:80"), *program("db"))
    cluster.read_errors["Pod"] = Forbidden("Pods may not be listed.")
    found = await read_topology(FakeClusters(cluster), FakePrometheus(), ManualClock(NOW))
    assert any("Pod" in each for each in found.missing)


@pytest.mark.parametrize(("clusters", "error"), [({"configured": False}, NotConfigured), ({"error": None}, Upstream)])
async def test_without_a_cluster_there_is_no_map(clusters: dict[str, Any], error: type[Exception]) -> None:
    down = Upstream("Kubernetes", "refused the connection", retryable=True)
    with pytest.raises(error):
        await read_topology(
            FakeClusters(FakeCluster(), **({"error": down} if "error" in clusters else clusters)),
            FakePrometheus(),
            ManualClock(NOW),
        )
