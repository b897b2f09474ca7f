"""The formulas: capacity, latency, memory; the registry; and the road from an address to a pod."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import capacity
from simulator.answers import survival
from simulator.latency import BUCKETS, LE, TIGHT, Part, below, buckets, mean, merged, quantile
from simulator.memory import extra_mib, steady_mib, towards
from simulator.noise import Floats
from simulator.quantity import quantity, resource
from simulator.registry import Registry, host_of, normal
from simulator.shop import CATALOGUE, SHOP, image
from tests.simulator.worlds import Watch, small_world


def at(*values: float) -> Floats:
    return np.array(values)


def test_a_third_of_the_capacity_costs_next_to_nothing() -> None:
    assert capacity.slowdown(at(0.33))[0] < 1.15
    assert capacity.throttled_share(at(0.33))[0] == 0
    assert capacity.shed_share(at(0.99))[0] == 0


def test_beyond_the_limit_the_rest_is_turned_away_and_the_kernel_holds_back() -> None:
    assert capacity.shed_share(at(2.0))[0] == pytest.approx(0.5)
    assert capacity.throttled_share(at(1.5))[0] == 1
    assert capacity.queueing(at(1.5))[0] == capacity.QUEUE_SECONDS
    assert capacity.used_cores(at(3.0), 0.5)[0] <= 0.5


def test_waiting_never_falls_when_utilisation_rises() -> None:
    busy = np.linspace(0, 2, 400)
    for curve in (capacity.slowdown, capacity.queueing, capacity.shed_share, capacity.throttled_share):
        assert (np.diff(curve(busy)) >= -1e-12).all()


def test_half_of_the_requests_are_faster_than_about_the_mean() -> None:
    assert 0.5 < below(0.1, at(0.1))[0] < 0.7
    assert below(1e9, at(0.1))[0] == pytest.approx(1)


def test_histogram_buckets_are_cumulative_and_end_in_all_requests() -> None:
    parts = [Part(at(0.9), at(0.03)), Part(at(0.1), at(1.5), TIGHT)]
    counted = buckets(at(200.0), parts)[:, 0]
    assert len(counted) == len(LE) == len(BUCKETS) + 1
    assert (np.diff(counted) >= 0).all()
    assert counted[-1] == pytest.approx(200)
    assert mean(parts)[0] == pytest.approx(0.9 * 0.03 + 0.1 * 1.5)


def test_parts_of_one_shape_are_merged_without_moving_the_mean() -> None:
    parts = [Part(at(0.2), at(0.01)), Part(at(0.3), at(0.04)), Part(at(0.5), at(2.0), TIGHT)]
    assert len(merged(parts)) == 2
    assert mean(merged(parts))[0] == pytest.approx(mean(parts)[0])


def test_a_quantile_is_read_from_buckets_as_prometheus_reads_it() -> None:
    counts = buckets(at(1000.0), [Part(at(1.0), at(0.03))])[:, 0].tolist()
    assert 0.05 < (quantile(0.95, counts) or 0) < 0.1
    assert quantile(0.95, [0.0] * len(LE)) is None


def test_a_call_made_less_than_once_cannot_fail_more_often_than_it_is_made() -> None:
    assert survival(at(1.0), at(0.2))[0] == pytest.approx(0.8)
    assert survival(at(1.0), at(1))[0] == 0
    assert survival(at(0.1), at(2))[0] == pytest.approx(0.81)


def test_memory_follows_load_and_cache_and_idles_without_requests() -> None:
    def held(rate: float, env: dict[str, str]) -> float:
        return float(steady_mib(CATALOGUE, at(rate), env, 7, "pod", at(0.0))[0])

    assert held(0, {}) < held(5, {}) < held(50, {}) < held(50, {"LOCAL_CACHE_MB": "100"})
    assert extra_mib({"LOCAL_CACHE_MB": "no"}) == 0


def test_memory_grows_fast_and_shrinks_slowly() -> None:
    grown = towards(50, 150, CATALOGUE, 30) - 50
    assert grown > 40
    assert 150 - towards(150, 50, CATALOGUE, 30) < 10


@pytest.mark.parametrize(
    ("text", "number"), [("250m", 0.25), ("1", 1), ("1.5", 1.5), ("256Mi", 268435456), ("1Gi", 2**30), ("2k", 2000)]
)
def test_quantities_are_read(text: str, number: float) -> None:
    assert quantity(text) == number


def test_a_request_falls_back_to_the_limit() -> None:
    container = {"resources": {"limits": {"cpu": "500m"}}}
    assert resource(container, "requests", "cpu") == 0.5
    assert resource(container, "limits", "memory") is None


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7.2.4", "docker.io/library/redis:7.2.4"),
        ("library/redis:7", "docker.io/library/redis:7"),
        ("ghcr.io/a/b", "ghcr.io/a/b:latest"),
        ("localhost:5000/b:1", "localhost:5000/b:1"),
    ],
)
def test_references_are_completed_as_a_runtime_does(short: str, full: str) -> None:
    assert normal(short) == full


def test_every_version_in_the_shop_can_be_pulled_and_no_other() -> None:
    registry = Registry(SHOP)
    for app in SHOP.apps:
        for version in app.versions:
            found = registry.find(image(app, version))
            assert found is not None
            assert found.app is app
    assert registry.find(image(CATALOGUE, "99.0.0")) is None
    reference = image(CATALOGUE, "99.0.0")
    assert "99.0.0: not found" in (registry.failure(reference, frozenset({host_of(reference)})) or "")


def test_every_call_in_the_shop_leads_to_a_route_that_exists() -> None:
    for app in SHOP.apps:
        for call in (call for route in app.routes for call in route.calls):
            assert SHOP.app(call.app).route(call.route)


def test_the_shop_is_as_large_as_promised() -> None:
    assert len(SHOP.apps) >= 10
    assert [node.is_control_plane for node in SHOP.nodes].count(False) == 3
    assert [node.is_control_plane for node in SHOP.nodes].count(True) == 1
    assert {app.namespace for app in SHOP.apps} == set(SHOP.namespaces)
    assert sum(entry.share for entry in SHOP.entries) == pytest.approx(1)


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(small_world())


def set_address(watch: Watch, address: str) -> Watch:
    container = watch.get("Deployment", "edge-gateway")["spec"]["template"]["spec"]["containers"][0]
    env = [{**each, "value": address} if each["name"] == "SEARCH_URL" else each for each in container["env"]]
    watch.replace_in_deployment("edge-gateway", env=env)
    return watch.after(60)


def search_errors(watch: Watch) -> float:
    return float(watch.flow("edge-gateway").routes["/search"].failed[0])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://serach:8080", "no such host"),
        ("http://search.elsewhere:8080", "no such host"),
        ("", "missing address"),
    ],
)
def test_a_wrong_address_in_the_environment_fails_the_call(watch: Watch, address: str, said: str) -> None:
    set_address(watch, address)
    assert search_errors(watch) > 0.99
    assert any(said in line for line in watch.log("edge-gateway"))


@pytest.mark.parametrize("address", ["http://search.shop:8080", "http://search.shop.svc.cluster.local:8080"])
def test_a_longer_name_of_the_same_service_works(watch: Watch, address: str) -> None:
    assert search_errors(set_address(watch, address)) < 0.01


def test_a_service_that_leads_to_a_closed_port_is_refused() -> None:
    watch = Watch(small_world())
    service = watch.get("Service", "search")
    ports = [{**service["spec"]["ports"][0], "targetPort": 9999}]
    watch.world.store.update("Service", {**service, "spec": {**service["spec"], "ports": ports}})
    watch.world.kick()
    assert search_errors(watch.after(30)) > 0.99
