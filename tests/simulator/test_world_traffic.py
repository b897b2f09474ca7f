"""The whole shop at work: healthy by itself, and hurt where something is missing."""

from __future__ import annotations

import pytest

from simulator.shop import SHOP
from simulator.state import state
from tests.simulator.worlds import Watch, whole_world


@pytest.fixture(scope="module")
def shop() -> Watch:
    return Watch(whole_world())


def services(watch: Watch) -> dict[str, dict[str, float]]:
    return {each["name"]: each for each in state(watch.world)["services"]}


def test_a_healthy_shop_has_all_pods_ready_and_hardly_an_error(shop: Watch) -> None:
    for each in state(shop.world)["services"]:
        assert each["ready"] == each["wanted"]
        assert each["error_ratio"] < 0.01
    assert state(shop.world)["edge"]["error_ratio"] < 0.005


def test_a_healthy_shop_is_far_from_its_limits(shop: Watch) -> None:
    for group in shop.world.present_flow().groups:
        assert group.utilisation[0] < 0.45
        for member in group.group.members:
            assert member.container.memory_mib < 0.7 * (group.group.memory_limit_mib or 1e9)


def test_every_program_gets_requests(shop: Watch) -> None:
    busy = {name for name, each in services(shop).items() if each["rps"] > 1}
    assert busy == {app.name for app in SHOP.apps}


def test_what_the_edge_receives_is_what_the_customers_send(shop: Watch) -> None:
    at_the_edge = shop.value('sum(rate(http_requests_total{service="edge-gateway"}[5m]))')
    sent = shop.value('sum(rate(traces_service_graph_request_total{client="user"}[5m]))')
    assert at_the_edge == pytest.approx(sent, rel=0.05)


def test_a_callee_counts_what_its_callers_send(shop: Watch) -> None:
    received = shop.value('sum(rate(http_requests_total{service="pricing"}[5m]))')
    sent = shop.value('sum(rate(traces_service_graph_request_total{server="pricing"}[5m]))')
    assert received == pytest.approx(sent, rel=0.05)


def test_no_warning_event_and_no_error_line_about_a_dependency(shop: Watch) -> None:
    warnings = [event for event in shop.world.store.list("Event") if event["type"] == "Warning"]
    assert warnings == []
    assert not any("connection refused" in line for line in shop.log("checkout"))


def test_without_its_cache_the_cart_fails_and_the_catalogue_only_warns() -> None:
    watch = Watch(whole_world())
    watch.scale("session-cache", 0)
    watch.after(30)
    found = services(watch)
    assert found["cart"]["error_ratio"] > 0.99
    assert found["catalogue"]["error_ratio"] < 0.01
    assert any('"level": "warn"' in line and "session-cache" in line for line in watch.log("catalogue"))


def test_without_workers_the_queue_grows_and_with_them_it_drains() -> None:
    watch = Watch(whole_world(), "fulfilment")
    watch.scale("shipping-worker", 0)
    watch.after(120)
    waiting = state(watch.world)["queues"]["orders-queue"]
    assert waiting > 300
    assert watch.value("rabbitmq_queue_messages_ready") == pytest.approx(waiting, rel=0.1)
    assert watch.value("sum(increase(jobs_processed_total[1m])) or vector(0)") == 0
    watch.scale("shipping-worker", 2)
    watch.after(300)
    assert state(watch.world)["queues"]["orders-queue"] < waiting / 2


def test_with_no_pod_at_the_edge_every_customer_is_turned_away() -> None:
    watch = Watch(whole_world())
    watch.scale("edge-gateway", 0)
    assert state(watch.after(30).world)["edge"]["error_ratio"] == 1
    assert services(watch)["catalogue"]["rps"] == 0
    failed = 'sum(rate(traces_service_graph_request_failed_total{client="user"}[15s]))'
    assert watch.after(30).query(failed) == {} or watch.value(failed) > 0


def test_a_slow_database_slows_its_callers() -> None:
    watch = Watch(whole_world())
    before = services(watch)["orders"]["p95_seconds"]
    resources = {"requests": {"cpu": "50m", "memory": "768Mi"}, "limits": {"cpu": "170m", "memory": "1Gi"}}
    watch.replace_in_deployment("shop-db", resources=resources)
    watch.after(90)
    assert services(watch)["orders"]["p95_seconds"] > 1.2 * before


def test_a_rolling_update_is_not_felt_by_customers() -> None:
    watch = Watch(whole_world())
    template = watch.get("Deployment", "catalogue")["spec"]["template"]["spec"]["containers"][0]
    watch.replace_in_deployment("catalogue", image=template["image"].rpartition(":")[0] + ":3.7.4")
    worst = 0.0
    for _ in range(12):
        worst = max(worst, state(watch.after(5).world)["edge"]["error_ratio"])
    assert worst < 0.01
    assert {each["image"].rpartition(":")[2] for each in watch.containers("catalogue")} == {"3.7.4"}
