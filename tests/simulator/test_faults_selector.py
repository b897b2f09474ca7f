"""A Service that selects nobody: no endpoints, refused connections, and errors all the way up to the edge."""

from __future__ import annotations

import pytest

from simulator.faults import Refused
from simulator.state import state
from tests.simulator.worlds import Watch, small_world, whole_world


@pytest.fixture(scope="module")
def broken() -> Watch:
    watch = Watch(small_world())
    watch.inject("service_selector_mismatch", "search")
    return watch.after(120)


def test_there_are_no_endpoints_although_all_pods_are_ready(broken: Watch) -> None:
    assert "subsets" not in broken.get("Endpoints", "search")
    assert broken.value('kube_endpoint_address_available{endpoint="search"}') == 0
    assert broken.query('kube_endpoint_address{endpoint="search"}') == {}
    assert all(each["ready"] for each in broken.containers("search"))


def test_callers_are_refused_and_say_so(broken: Watch) -> None:
    refused = [line for line in broken.log("edge-gateway") if "connection refused" in line]
    assert refused
    assert "search:8080" in refused[-1]


def test_the_edge_answers_503_for_that_route_alone(broken: Watch) -> None:
    def ratio(route: str) -> float:
        total = f'sum(rate(http_requests_total{{service="edge-gateway",route="{route}"}}[1m]))'
        bad = f'sum(rate(http_requests_total{{service="edge-gateway",route="{route}",code="503"}}[1m])) or vector(0)'
        return broken.value(f"({bad}) / scalar({total})")

    assert ratio("/search") > 0.95
    assert ratio("/") < 0.01


def test_the_service_graph_shows_the_failing_edge(broken: Watch) -> None:
    edge = '{client="edge-gateway",server="search"}'
    failed = f"rate(traces_service_graph_request_failed_total{edge}[1m])"
    assert broken.value(f"{failed} / rate(traces_service_graph_request_total{edge}[1m])") > 0.95


def test_the_pods_behind_it_get_no_request_and_use_no_cpu(broken: Watch) -> None:
    assert broken.value('sum(rate(http_requests_total{service="search"}[1m]))') == 0
    assert broken.value('max(rate(container_cpu_usage_seconds_total{container="search"}[1m]))') < 0.01


def test_the_right_selector_heals_it_at_once() -> None:
    watch = Watch(small_world())
    fault = watch.inject("service_selector_mismatch", "search")
    service = watch.after(30).get("Service", "search")
    watch.world.store.update("Service", {**service, "spec": {**service["spec"], "selector": {"app": "search"}}})
    watch.world.kick()
    assert watch.is_healed(fault)
    edge = state(watch.after(30).world)["edge"]
    assert edge["error_ratio"] < 0.01


def test_relabelling_the_pods_heals_it_too() -> None:
    watch = Watch(small_world())
    fault = watch.inject("service_selector_mismatch", "search", key="tier", value="backend")
    for pod in watch.after(10).pods("search"):
        labels = {**pod["metadata"]["labels"], "tier": "backend"}
        watch.world.store.update("Pod", {**pod, "metadata": {**pod["metadata"], "labels": labels}})
    watch.world.kick()
    assert watch.is_healed(fault)


def test_undo_puts_the_selector_back() -> None:
    watch = Watch(small_world())
    fault = watch.inject("service_selector_mismatch", "search", value="nobody")
    assert watch.get("Service", "search")["spec"]["selector"] == {"app": "nobody"}
    watch.ledger.remove(fault)
    assert watch.get("Service", "search")["spec"]["selector"] == {"app": "search"}


def test_a_selector_that_still_matches_is_refused() -> None:
    watch = Watch(small_world())
    with pytest.raises(Refused, match="a pod carries"):
        watch.inject("service_selector_mismatch", "search", key="app", value="search")


def test_deep_in_the_graph_the_error_travels_up_through_every_caller() -> None:
    watch = Watch(whole_world())
    watch.inject("service_selector_mismatch", "shop-db")
    services = {each["name"]: each for each in state(watch.after(60).world)["services"]}
    assert services["orders"]["error_ratio"] > 0.99
    assert services["checkout"]["error_ratio"] > 0.99
    assert 0.1 < services["catalogue"]["error_ratio"] < 0.6
    assert services["edge-gateway"]["error_ratio"] > 0.1
    assert services["search"]["error_ratio"] < 0.01
