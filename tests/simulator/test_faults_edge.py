"""Faults of the way in and of trust: the gateway's table, the Ingress, certificates and a mesh."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from simulator.apps import EntryShare, Shop
from simulator.certificates import read, root
from simulator.faults import Component, Place, Refused
from simulator.faults.runtime.database_servers import restarted
from simulator.identities import own_authority, trust_map
from simulator.kubelet.environment import data_of
from simulator.network.handshakes import BUNDLE_FILE
from simulator.shop import CHECKOUT, EDGE_GATEWAY, PAYMENTS, SHOP
from tests.simulator.test_faults_routing import component, delete, share
from tests.simulator.worlds import Watch, grown, small_world, twin


@cache
def till() -> Shop:
    """An edge, the checkout, and payments that speak TLS."""
    paying = next(route for route in EDGE_GATEWAY.routes if route.path == "/checkout")
    charge = next(call for call in CHECKOUT.routes[0].calls if call.app == "payments")
    checkout = replace(CHECKOUT, routes=(replace(CHECKOUT.routes[0], calls=(charge,)),), replicas=1)
    edge = replace(EDGE_GATEWAY, routes=(paying,), replicas=1)
    entries = (EntryShare(edge.name, "/checkout", 0.2),)
    return replace(SHOP, apps=(edge, checkout, PAYMENTS), entries=entries)


def till_watch() -> Watch:
    return Watch(twin(grown(7, till())))


def failing(watch: Watch, client: str, server: str) -> float:
    edge = f'{{client="{client}",server="{server}"}}'
    failed = f"sum(rate(traces_service_graph_request_failed_total{edge}[1m]))"
    return watch.value(f"{failed} / sum(rate(traces_service_graph_request_total{edge}[1m]))")


def edge_state(watch: Watch) -> float:
    flow = watch.world.present_flow()
    return float(
        sum((each.rate * each.failed)[0] for each in flow.entries) / sum(each.rate[0] for each in flow.entries)
    )


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [
        ("wrong-service", "404", "unexpected status 404 Not Found"),
        ("wrong-name", "503", "lookup search-v2 on 10.96.0.10:53: no such host"),
        ("no-route", "404", 'no route matches \\"/search\\"'),
    ],
)
def test_a_misrouted_path_fails_at_the_edge_and_the_old_table_heals_it(mode: str, code: str, said: str) -> None:
    watch = Watch(small_world())
    before = watch.get("ConfigMap", "edge-gateway-config")["data"]
    fault = watch.inject("gateway_misroute", "search", mode=mode)
    watch.after(150)
    assert component(watch) == Component("Deployment", "shop", "search")
    assert share(watch, "edge-gateway", "/search", code) > 0.9
    assert share(watch, "edge-gateway", "/", code) < 0.01
    log = watch.log("edge-gateway")
    assert any(said.replace("\\", "") in line.replace("\\", "") for line in log)
    assert any('"GET /search?q=item' in line and f'HTTP/1.1" {code} ' in line for line in log)
    assert not watch.is_healed(fault)
    config = watch.get("ConfigMap", "edge-gateway-config")
    watch.world.store.update("ConfigMap", {**config, "data": before})
    watch.world.store.update("Deployment", restarted(watch.get("Deployment", "edge-gateway"), "later"))
    watch.world.kick()
    assert watch.after(150).is_healed(fault)
    assert share(watch, "edge-gateway", "/search", code) < 0.01


def test_a_gateway_without_an_upstream_for_a_program_cannot_lose_it() -> None:
    with pytest.raises(Refused, match="has no route to 'shop-db'"):
        Watch(small_world()).inject("gateway_misroute", "shop-db")


def test_customers_of_an_ingress_without_its_service_get_503() -> None:
    watch = Watch(small_world())
    fault = watch.inject("ingress_backend_missing", "edge-gateway")
    watch.after(60)
    assert component(watch) == Component("Ingress", "shop", "shop")
    assert edge_state(watch) > 0.99
    assert watch.value('sum(rate(http_requests_total{service="edge-gateway"}[30s]))') == 0
    assert not watch.is_healed(fault)
    ingress = watch.get("Ingress", "shop")
    path = {**ingress["spec"]["rules"][0]["http"]["paths"][0]}
    path["backend"] = {"service": {"name": "edge-gateway", "port": {"name": "http"}}}
    rules = [{**ingress["spec"]["rules"][0], "http": {"paths": [path]}}]
    watch.world.store.update("Ingress", {**ingress, "spec": {**ingress["spec"], "rules": rules}})
    watch.world.kick()
    assert watch.is_healed(fault)
    assert edge_state(watch.after(30)) < 0.01


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("Ingress", "shop", {"ingressClassName": "other"}),
        ("Ingress", "shop", {"rules": [{"host": "shop.example"}]}),
        ("Service", "edge-gateway", {"selector": {"app": "nobody"}}),
        ("Service", "edge-gateway", {"ports": [{"name": "web", "port": 80, "targetPort": 8080}]}),
    ],
)
def test_whatever_cuts_the_way_in_keeps_all_customers_away(kind: str, name: str, change: dict[str, Any]) -> None:
    watch = Watch(small_world())
    found = watch.get(kind, name)
    watch.world.store.update(kind, {**found, "spec": {**found["spec"], **change}})
    watch.world.kick()
    assert edge_state(watch.after(10)) > 0.99


def test_without_the_ingress_controller_nobody_comes_in() -> None:
    watch = Watch(small_world())
    Watch(watch.world, "ingress-nginx").scale("ingress-nginx-controller", 0)
    assert edge_state(watch.after(10)) > 0.99


def test_an_expired_certificate_keeps_customers_away_until_there_is_a_new_one() -> None:
    watch = Watch(small_world())
    fault = watch.inject("tls_certificate_expired", "edge-gateway")
    watch.after(30)
    assert component(watch) == Component("Ingress", "shop", "shop")
    assert edge_state(watch) > 0.99
    (shown,) = read(data_of("Secret", watch.get("Secret", "shop-example-tls"))["tls.crt"])
    assert shown.not_after < watch.world.clock.now()
    assert not watch.is_healed(fault)
    watch.ledger.remove(fault)
    assert edge_state(watch.after(30)) < 0.01


def test_a_certificate_that_is_valid_for_a_while_fails_when_the_time_has_come() -> None:
    watch = Watch(small_world())
    watch.inject("tls_certificate_expired", "edge-gateway", valid_minutes=2)
    assert edge_state(watch.after(100)) < 0.01
    assert edge_state(watch.after(40)) > 0.99


def test_clients_inside_check_the_dates_too() -> None:
    watch = till_watch()
    fault = Watch(watch.world, "fulfilment").ledger
    entry = fault.inject("tls_certificate_expired", Place("fulfilment", "payments"), {})
    watch.after(120)
    assert entry.component == Component("Deployment", "fulfilment", "payments")
    said = "java.security.cert.CertificateExpiredException: NotAfter: "
    assert any(said in line for line in watch.log("checkout"))
    assert failing(watch, "checkout", "payments") > 0.99
    assert share(watch, "edge-gateway", "/checkout", "502") > 0.9
    fault.remove(entry.id)
    watch.after(120)
    assert failing(watch, "checkout", "payments") < 0.01


def test_a_new_authority_is_trusted_by_nobody_until_it_stands_in_the_bundle() -> None:
    watch = till_watch()
    entry = watch.ledger.inject("certificate_rotated", Place("fulfilment", "payments"), {})
    watch.after(120)
    assert entry.component == Component("Secret", "fulfilment", "payments-tls")
    assert any("unable to find valid certification path to requested target" in line for line in watch.log("checkout"))
    assert failing(watch, "checkout", "payments") > 0.99
    assert not watch.is_healed(entry.id)
    now = watch.world.clock.now()
    bundle = watch.get("ConfigMap", trust_map(watch.world.shop))
    both = bundle["data"][BUNDLE_FILE.strip("/")] + root(
        own_authority(watch.world.shop, "second"), now, now + timedelta(days=9)
    )
    watch.world.store.update("ConfigMap", {**bundle, "data": {BUNDLE_FILE.strip("/"): both}})
    watch.world.store.update("Deployment", restarted(watch.get("Deployment", "checkout"), "later"))
    watch.world.kick()
    assert watch.after(120).is_healed(entry.id)
    assert failing(watch, "checkout", "payments") < 0.01


def test_a_client_without_tls_is_told_so() -> None:
    watch = till_watch()
    watch.replace_in_deployment("checkout", env=[{"name": "PAYMENTS_URL", "value": "http://payments.fulfilment:8443"}])
    assert any("Client sent an HTTP request to an HTTPS server." in line for line in watch.after(90).log("checkout"))


def test_a_strict_mesh_hangs_up_on_callers_outside() -> None:
    watch = Watch(small_world())
    fault = watch.inject("mesh_mtls_mismatch", "search")
    watch.after(150)
    assert component(watch) == Component("PeerAuthentication", "shop", "search-strict")
    assert any("read: connection reset by peer" in line for line in watch.log("edge-gateway"))
    assert share(watch, "edge-gateway", "/search", "503") > 0.9
    assert all(each["ready"] for each in watch.containers("search"))
    assert not watch.is_healed(fault)
    delete("PeerAuthentication", "search-strict")(watch)
    assert watch.is_healed(fault)
    assert share(watch.after(90), "edge-gateway", "/search", "503") < 0.01


@pytest.mark.parametrize("mode", ["PERMISSIVE", "DISABLE", "UNSET"])
def test_a_mesh_that_is_not_strict_lets_everybody_in(mode: str) -> None:
    watch = Watch(small_world())
    watch.inject("mesh_mtls_mismatch", "search")
    policy = watch.after(90).get("PeerAuthentication", "search-strict")
    watch.world.store.update("PeerAuthentication", {**policy, "spec": {**policy["spec"], "mtls": {"mode": mode}}})
    watch.world.kick()
    assert share(watch.after(90), "edge-gateway", "/search", "503") < 0.01


def test_callers_in_the_mesh_come_through_a_strict_one() -> None:
    watch = Watch(small_world())
    fault = watch.inject("mesh_mtls_mismatch", "search")
    deployment = watch.get("Deployment", "edge-gateway")
    template = deployment["spec"]["template"]
    labels = {**template["metadata"]["labels"], "istio.io/dataplane-mode": "ambient"}
    template = {**template, "metadata": {**template["metadata"], "labels": labels}}
    watch.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "template": template}})
    watch.world.kick()
    assert watch.after(120).is_healed(fault)


def at_the_door(watch: Watch) -> list[str]:
    door = Watch(watch.world, "ingress-nginx")
    pods = watch.world.store.list("Pod", "ingress-nginx")
    logs = (door.world.read_log("ingress-nginx", pod["metadata"]["name"], "controller", previous=False) for pod in pods)
    return [line.text for log in logs for line in log or []]


def test_the_ingress_controller_writes_what_customers_ask_and_get() -> None:
    watch = Watch(small_world()).after(60)
    lines = at_the_door(watch)
    assert any(
        '"GET /search?q=item' in line and " 200 " in line and "[shop-edge-gateway-8080]" in line for line in lines
    )
    watch.inject("ingress_backend_missing", "edge-gateway")
    lines = at_the_door(watch.after(60))
    assert any(' HTTP/2.0" 503 ' in line and line.split("] [] ")[1].startswith("- - - - ") for line in lines)
    said = 'Error obtaining Endpoints for Service "shop/edge-gateway-v2": no object matching key'
    assert any(said in line for line in lines)


def test_an_edge_that_does_not_listen_is_an_upstream_that_refuses() -> None:
    watch = Watch(small_world())
    watch.inject("service_port_mapping_mismatch", "edge-gateway")
    lines = at_the_door(watch.after(60))
    assert any("connect() failed (111: Connection refused) while connecting to upstream" in line for line in lines)
    assert any(' HTTP/2.0" 502 ' in line for line in lines)


@pytest.mark.parametrize("fault", ["service_port_mapping_mismatch", "service_protocol_mismatch"])
def test_a_port_of_the_edge_that_leads_nowhere_is_healed_when_customers_come_again(fault: str) -> None:
    watch = Watch(small_world())
    broken = watch.inject(fault, "edge-gateway")
    assert not watch.after(20).is_healed(broken)
    assert edge_state(watch) > 0.99
    (entry,) = watch.ledger.entries()
    watch.ledger.remove(broken)
    watch.after(20)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)
