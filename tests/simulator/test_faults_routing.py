"""Faults of routing: each is seen where an expert looks for it, travels up to the edge, and is over after its repair or its undoing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator.faults import FAULTS, Component, Place, Refused
from simulator.network.landscape import proxies
from tests.simulator.worlds import Watch, small_world, whole_world

Repair = Callable[[Watch], None]


@dataclass(frozen=True)
class Case:
    """A fault in the small shop, what its victim says, and the repair."""

    fault: str
    target: str
    said: str
    code: str
    component: Component
    repair: Repair
    victim: str = "edge-gateway"
    route: str = "/search"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    namespace: str = "shop"

    def __str__(self) -> str:
        return f"{self.fault}{''.join(f'-{value}' for value in self.parameters.values())}"


def service_ports(name: str, *ports: dict[str, Any]) -> Repair:
    def repair(watch: Watch) -> None:
        service = watch.get("Service", name)
        watch.world.store.update("Service", {**service, "spec": {**service["spec"], "ports": list(ports)}})
        watch.world.kick()

    return repair


def rollback(name: str) -> Repair:
    """As `kubectl rollout undo` does: the template of the revision before."""

    def repair(watch: Watch) -> None:
        owned = [each for each in watch.world.store.list("ReplicaSet", watch.namespace) if _is_of(each, name)]
        before = sorted(owned, key=_revision)[-2]["spec"]["template"]
        labels = {key: value for key, value in before["metadata"]["labels"].items() if key != "pod-template-hash"}
        template = {**before, "metadata": {**before["metadata"], "labels": labels}}
        deployment = watch.get("Deployment", name)
        watch.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "template": template}})
        watch.world.kick()

    return repair


def _is_of(replica_set: dict[str, Any], name: str) -> bool:
    return any(owner["name"] == name for owner in replica_set["metadata"].get("ownerReferences", []))


def _revision(replica_set: dict[str, Any]) -> int:
    return int(replica_set["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def delete(kind: str, name: str) -> Repair:
    def repair(watch: Watch) -> None:
        watch.world.store.delete(kind, watch.namespace, name)
        watch.world.kick()

    return repair


HTTP = {"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}
EDGE = Component("Deployment", "shop", "edge-gateway")
SEARCH = Component("Deployment", "shop", "search")
POLICY = Component("NetworkPolicy", "shop", "search-restricted")
REFUSED = "10.96.22.25:8080: connect: connection refused"
NO_HOST = "on 10.96.0.10:53: no such host"
CASES = [
    Case("service_port_mapping_mismatch", "search", REFUSED, "503", SEARCH, service_ports("search", HTTP)),
    Case("service_protocol_mismatch", "search", REFUSED, "503", SEARCH, service_ports("search", HTTP)),
    Case(
        "service_env_var_address_mismatch",
        "edge-gateway",
        f"lookup seacrh {NO_HOST}",
        "503",
        EDGE,
        rollback("edge-gateway"),
        parameters={"variable": "SEARCH_URL"},
    ),
    Case(
        "service_env_var_address_mismatch",
        "edge-gateway",
        "10.96.22.25:9090: connect: connection refused",
        "503",
        EDGE,
        rollback("edge-gateway"),
        parameters={"variable": "SEARCH_URL", "address": "http://search:9090"},
    ),
    Case(
        "network_policy_blocked",
        "search",
        "dial tcp 10.96.22.25:8080: i/o timeout",
        "504",
        POLICY,
        delete("NetworkPolicy", "search-restricted"),
    ),
    Case(
        "network_policy_blocked",
        "edge-gateway",
        "dial tcp 10.96.22.25:8080: i/o timeout",
        "504",
        Component("NetworkPolicy", "shop", "edge-gateway-restricted"),
        delete("NetworkPolicy", "edge-gateway-restricted"),
        parameters={"direction": "Egress"},
    ),
    Case(
        "service_dns_resolution_failure",
        "edge-gateway",
        "lookup search on 192.168.10.1:53: no such host",
        "503",
        EDGE,
        rollback("edge-gateway"),
    ),
    Case(
        "service_dns_resolution_failure",
        "edge-gateway",
        "lookup search on 8.8.8.8:53: no such host",
        "503",
        EDGE,
        rollback("edge-gateway"),
        parameters={"setting": "None"},
    ),
    Case(
        "service_dns_resolution_failure",
        "edge-gateway",
        "->10.96.0.53:53: i/o timeout",
        "504",
        EDGE,
        rollback("edge-gateway"),
        parameters={"setting": "wrong-server"},
    ),
]


def share(watch: Watch, service: str, route: str, code: str) -> float:
    """Of the requests to a route, those that ended with this code."""
    of_route = f'service="{service}",route="{route}"'
    total = watch.value(f"sum(rate(http_requests_total{{{of_route}}}[1m]))")
    bad = watch.value(f'sum(rate(http_requests_total{{{of_route},code="{code}"}}[1m])) or vector(0)')
    return bad / total


def component(watch: Watch) -> Component:
    (entry,) = watch.ledger.entries()
    return entry.component


def break_it(case: Case) -> tuple[Watch, str]:
    watch = Watch(small_world(), case.namespace)
    return watch, watch.inject(case.fault, case.target, **case.parameters)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fault_shows_and_its_repair_heals_it(case: Case) -> None:
    watch, fault = break_it(case)
    watch.after(120)
    assert component(watch) == case.component
    assert any(case.said in line for line in watch.log(case.victim))
    assert share(watch, case.victim, case.route, case.code) > 0.9
    assert not watch.is_healed(fault)
    case.repair(watch)
    watch.after(150)
    assert watch.is_healed(fault)
    assert share(watch, case.victim, case.route, case.code) < 0.01


@pytest.mark.parametrize("case", {case.fault: case for case in CASES}.values(), ids=str)
def test_taking_the_fault_back_heals_it(case: Case) -> None:
    watch, fault = break_it(case)
    (entry,) = watch.ledger.entries()
    watch.after(60)
    watch.ledger.remove(fault)
    watch.after(90)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)


def test_a_port_mapping_that_leads_nowhere_leaves_the_endpoints() -> None:
    watch = Watch(small_world())
    watch.inject("service_port_mapping_mismatch", "search", target_port=9000)
    (subset,) = watch.after(20).get("Endpoints", "search")["subsets"]
    assert subset["ports"][0]["port"] == 9000
    assert len(subset["addresses"]) == 2


def test_a_port_mapping_that_is_right_is_refused() -> None:
    watch = Watch(small_world())
    with pytest.raises(Refused, match="is the right one"):
        watch.inject("service_port_mapping_mismatch", "search", target_port=8080)


def test_a_named_port_is_found_by_its_protocol_too() -> None:
    watch = Watch(small_world())
    service_ports("search", {**HTTP, "protocol": "UDP"})(watch)
    assert "subsets" not in watch.get("Endpoints", "search")


def test_a_policy_shows_no_error_on_the_side_that_is_called() -> None:
    watch = Watch(small_world())
    watch.inject("network_policy_blocked", "search")
    watch.after(90)
    assert watch.value('sum(rate(http_requests_total{service="search"}[1m]))') == 0
    assert all(each["ready"] for each in watch.containers("search"))


def test_without_a_name_server_nobody_is_found_and_scaling_it_up_heals() -> None:
    watch = Watch(small_world())
    fault = watch.inject("coredns_unavailable", "search")
    watch.after(90)
    assert component(watch) == Component("Deployment", "kube-system", "coredns")
    assert not watch.is_healed(fault)
    assert any("read: connection refused" in line and "lookup" in line for line in watch.log("edge-gateway"))
    Watch(watch.world, "kube-system").scale("coredns", 2)
    watch.after(60)
    assert watch.is_healed(fault)


def test_without_kube_proxy_only_the_pods_of_one_node_time_out() -> None:
    watch = Watch(small_world())
    fault = watch.inject("kube_proxy_unavailable", "edge-gateway")
    node = component(watch).name
    assert component(watch).kind == "Node"
    watch.after(90)
    for pod in watch.pods("edge-gateway"):
        lines = watch.world.read_log("shop", pod["metadata"]["name"], "edge-gateway", previous=False) or []
        fails = any("i/o timeout" in line.text for line in lines)
        assert fails == (pod["spec"]["nodeName"] == node)
    assert not watch.is_healed(fault)
    watch.ledger.remove(fault)
    assert share(watch.after(120), "edge-gateway", "/search", "504") < 0.01


@pytest.mark.parametrize("fault", ["network_policy_blocked", "service_dns_resolution_failure"])
def test_a_fault_of_calls_does_not_suit_a_program_without_any(fault: str) -> None:
    watch = Watch(small_world())
    caller_of_nobody, called_by_nobody = Place("shop", "search"), Place("shop", "edge-gateway")
    place = called_by_nobody if fault == "network_policy_blocked" else caller_of_nobody
    assert not FAULTS[fault].suits(watch.world, place)


def test_a_kube_proxy_that_fails_is_seen_and_a_new_pod_writes_the_rules_again() -> None:
    watch = Watch(whole_world())
    fault = watch.inject("kube_proxy_unavailable", "catalogue")
    node = component(watch).name
    (pod,) = [each for each in proxies(watch.world.store) if each["spec"]["nodeName"] == node]
    watch.after(90)
    status = watch.world.store.get("Pod", "kube-system", pod["metadata"]["name"])
    (container,) = (status or {})["status"]["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert not watch.is_healed(fault)
    watch.world.store.delete("Pod", "kube-system", pod["metadata"]["name"])
    watch.world.kick()
    assert watch.after(60).is_healed(fault)
