"""Services that lead nowhere and clients that call nobody: found where somebody suffers, left alone where nobody does."""

from typing import Any

import pytest

from tests.tools.objects import (
    NS,
    Object,
    caller,
    container,
    deployment,
    endpoint_slice,
    meta,
    pod,
    replica_set,
    service,
    snapshot,
)
from tools.engines.analyzers import addressed, ports, probed, routing
from tools.engines.explain import diagnose
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.snapshot import LogKey, Probe, Snapshot


def running(name: str, *containers: Object, ready: bool = True) -> list[Object]:
    owner = deployment(name, *containers, available=2 if ready else 0)
    made = replica_set(owner, 1, *containers, ready=2 if ready else 0)
    return [owner, made, pod(made, ready=ready)]


def fronted(target: Any = "http", port: int = 80, *, program: Object | None = None, **more: Any) -> list[Object]:
    """The baker behind a Service with one port."""
    front = service("baker")
    front["spec"]["ports"] = [{"port": port, "targetPort": target, **more}]
    return [*running("baker", program or container()), front, endpoint_slice("baker")]


def calling(address: str, name: str = "shop") -> list[Object]:
    owner = caller(name, address)
    made = replica_set(owner, 1, *owner["spec"]["template"]["spec"]["containers"], ready=2)
    return [owner, made, pod(made)]


def said(name: str, text: str) -> dict[LogKey, str]:
    return {LogKey(NS, f"{name}-rs1-bcdfg", "app"): text}


def found(analyzer: Any, snap: Snapshot) -> list[Finding]:
    return list(analyzer(snap, Graph(snap)))


def causes(snap: Snapshot) -> list[tuple[str, str]]:
    told = diagnose(snap, NS, snap.window, snap.taken_at)
    return [(cause.fault, cause.component.name) for cause in told.causes]


def test_a_target_port_that_no_container_has_and_a_caller_that_is_refused() -> None:
    log = said(
        "shop", "2026-03-02T08:59:30Z error Get http://baker:80/: dial tcp 10.0.0.9:80: connect: connection refused"
    )
    snap = snapshot(*fronted(9999), *calling("http://baker:80"), logs=log)
    assert causes(snap) == [("service_port_mapping_mismatch", "baker")]


def test_a_name_that_no_port_has_is_certain() -> None:
    finding = found(ports.ports_where_nobody_listens, snapshot(*fronted("web"), *calling("http://baker:80")))[0]
    assert finding.evidence[0].weight == ports.DECIDING
    assert finding.facts["meant"] == 8080
    assert "Set targetPort to 8080" in finding.words("en")


@pytest.mark.parametrize("target", ["http", 8080, "8080"])
def test_a_target_port_that_a_container_has_is_right(target: Any) -> None:
    assert found(ports.ports_where_nobody_listens, snapshot(*fronted(target), *calling("http://baker:80"))) == []


def test_a_port_that_is_not_declared_and_that_the_log_knows_is_right() -> None:
    log = said("baker", "2026-03-02T08:10:00Z info Server listening on port 9999")
    assert (
        found(ports.ports_where_nobody_listens, snapshot(*fronted(9999), *calling("http://baker:80"), logs=log)) == []
    )


def test_the_log_that_knows_another_port_makes_it_sure() -> None:
    log = said("baker", "2026-03-02T08:10:00Z info Server listening on port 8080")
    finding = found(ports.ports_where_nobody_listens, snapshot(*fronted(9999), *calling("http://baker:80"), logs=log))[
        0
    ]
    assert {item.source for item in finding.evidence} == {"kubernetes", "log"}


def test_a_program_that_declares_no_port_may_listen_anywhere() -> None:
    silent = container()
    silent["ports"] = []
    assert (
        found(ports.ports_where_nobody_listens, snapshot(*fronted(9999, program=silent), *calling("http://baker:80")))
        == []
    )


def test_a_wrong_service_that_nobody_calls_is_no_cause() -> None:
    left = service("old", {"app": "baker"})
    left["spec"]["ports"] = [{"port": 80, "targetPort": 9999}]
    assert causes(snapshot(*fronted(), left, endpoint_slice("old"))) == []


def test_a_protocol_that_the_container_does_not_speak() -> None:
    snap = snapshot(*fronted("http", protocol="UDP"), *calling("http://baker:80"))
    assert [one.fault for one in found(ports.protocols_that_nobody_speaks, snap)] == ["service_protocol_mismatch"]
    assert found(ports.protocols_that_nobody_speaks, snapshot(*fronted("http", protocol="TCP"))) == []


def test_a_port_that_speaks_two_protocols_speaks_both() -> None:
    both = {**container(), "ports": [{"containerPort": 53, "protocol": one} for one in ("UDP", "TCP")]}
    for protocol in ("UDP", "TCP"):
        snap = snapshot(*fronted(53, program=both, protocol=protocol), *calling("http://baker:80"))
        assert found(ports.protocols_that_nobody_speaks, snap) == []


def test_a_client_that_calls_a_name_that_no_service_has() -> None:
    log = said("shop", "2026-03-02T08:59:30Z error dial tcp: lookup bakr on 10.96.0.10:53: no such host")
    snap = snapshot(*fronted(), *calling("http://bakr:80"), logs=log)
    told = diagnose(snap, NS, snap.window, snap.taken_at)
    assert [(cause.fault, cause.component.name) for cause in told.causes] == [
        ("service_env_var_address_mismatch", "shop")
    ]
    assert "The nearest is baker" in told.causes[0].statement


def test_a_name_that_lives_in_another_namespace_is_named_with_it() -> None:
    far = service("miller")
    far["metadata"]["namespace"] = "mill"
    finding = found(addressed.addresses_that_nobody_has, snapshot(*fronted(), far, *calling("http://miller:80")))[0]
    assert finding.facts["nearest"] == "miller.mill"


@pytest.mark.parametrize(
    "address", ["http://example.com:80", "https://api.partner.io/v1", "http://localhost:80", "http://10.3.2.1:99"]
)
def test_an_address_outside_the_cluster_is_not_missed(address: str) -> None:
    assert found(addressed.addresses_that_nobody_has, snapshot(*fronted(), *calling(address))) == []


def told_in_file(text: str) -> list[Object]:
    config = {"kind": "ConfigMap", "metadata": meta("shop-config"), "data": {"app.yaml": text}}
    program = {**container(), "env": []}
    owner = deployment("shop", program)
    owner["spec"]["template"]["spec"]["volumes"] = [{"name": "config", "configMap": {"name": "shop-config"}}]
    made = replica_set(owner, 1, ready=0)
    return [config, owner, made, pod(made, ready=False)]


def test_each_section_of_a_file_has_addresses_of_its_own() -> None:
    text = "clients:\n  baker:\n    url: http://baker\n    timeout: 3s\n  mill:\n    url: http://mill:9999\n"
    mill = service("mill")
    snap = snapshot(*fronted(), mill, *told_in_file(text))
    assert [one.facts["address"] for one in found(addressed.ports_that_a_service_does_not_serve, snap)] == ["mill:9999"]
    pairs = "baker:\n  host: baker\n  port: 80\nmill:\n  host: mill\n  port: 9999\n"
    snap = snapshot(*fronted(), mill, *told_in_file(pairs))
    assert [one.facts["address"] for one in found(addressed.ports_that_a_service_does_not_serve, snap)] == ["mill:9999"]


def test_a_namespace_is_known_by_the_services_in_it() -> None:
    snap = snapshot(*fronted(), *calling(f"http://bakr.{NS}:80"))
    assert [one.facts["nearest"] for one in found(addressed.addresses_that_nobody_has, snap)] == ["baker"]
    snap = snapshot(*fronted(), *calling("http://bakr.example:80"))
    assert found(addressed.addresses_that_nobody_has, snap) == []


def with_port(port: str) -> Object:
    variables = [{"name": "BAKER_HOST", "value": "baker"}, {"name": "BAKER_PORT", "value": port}]
    return {**container(), "env": variables}


def test_a_wrong_address_that_a_release_has_just_written_is_used() -> None:
    owner = deployment("shop", with_port("8099"))
    old, new = replica_set(owner, 1, with_port("80")), replica_set(owner, 2, with_port("8099"), ready=2, minutes_ago=9)
    assert causes(snapshot(*fronted(), owner, old, new, pod(new))) == [("service_env_var_address_mismatch", "shop")]
    assert causes(snapshot(*fronted(), owner, new, pod(new))) == []


def released(*, well: bool) -> list[Object]:
    """A release that gave a program an address it did not have before, in the place of none."""
    wrong = {**container(), "env": [{"name": "LEGACY_URL", "value": "http://legacy-importer:8080"}]}
    owner = deployment("shop", wrong, available=2 if well else 0)
    old, new = replica_set(owner, 1), replica_set(owner, 2, wrong, ready=2 if well else 0, minutes_ago=9)
    return [owner, old, new, pod(new, ready=well)]


def test_a_wrong_address_that_a_release_added_need_not_be_used() -> None:
    assert causes(snapshot(*fronted(), *released(well=True))) == []


def test_a_program_that_is_unwell_since_it_was_given_an_address_is_held_to_it() -> None:
    assert ("service_env_var_address_mismatch", "shop") in causes(snapshot(*fronted(), *released(well=False)))


def test_a_wrong_address_that_nobody_is_seen_to_use_is_no_cause() -> None:
    assert causes(snapshot(*fronted(), *calling("http://bakr:80"))) == []


def test_without_services_nobody_can_say_that_one_is_missing() -> None:
    assert found(addressed.addresses_that_nobody_has, snapshot(*calling("http://bakr:80"))) == []


def test_one_client_with_a_wrong_port_has_a_wrong_address() -> None:
    log = said("shop", "2026-03-02T08:59:30Z error dial tcp baker:81: connect: connection refused")
    snap = snapshot(*fronted(), *calling("http://baker:81"), *calling("http://baker:80", "cafe"), logs=log)
    assert causes(snap) == [("service_env_var_address_mismatch", "shop")]


def test_where_all_clients_ask_at_one_other_port_the_service_moved() -> None:
    snap = snapshot(*fronted(port=81), *calling("http://baker:80"), *calling("http://baker:80", "cafe"))
    finding = found(addressed.ports_that_a_service_does_not_serve, snap)[0]
    assert (finding.fault, finding.component.name) == ("service_port_mapping_mismatch", "baker")


def test_an_address_without_a_port_says_nothing_about_ports() -> None:
    assert (
        found(addressed.ports_that_a_service_does_not_serve, snapshot(*fronted(port=81), *calling("http://baker")))
        == []
    )


def test_a_failed_check_is_a_symptom_of_what_was_asked_and_a_good_one_is_none() -> None:
    base = snapshot(*fronted())
    asked = f"{NS}/baker:80"
    checks = (
        Probe("tcp", asked, False, detail="refused"),
        Probe("tcp", asked, True),
        Probe("node_service", "n1", False),
    )
    snap = Snapshot(base.objects, base.taken_at, base.window, NS, probes=checks)
    assert [one.component.kind for one in found(probed.checks_that_failed, snap)] == ["Service", "Deployment"]


@pytest.mark.parametrize(
    "target", [f"{NS}/baker:80", "baker:80", f"baker.{NS}.svc:80", f"baker.{NS}.svc.cluster.local", "http://baker:80/x"]
)
def test_a_check_is_understood_however_its_target_is_written(target: str) -> None:
    base = snapshot(*fronted())
    snap = Snapshot(base.objects, base.taken_at, base.window, NS, probes=(Probe("tcp", target, False),))
    assert found(probed.checks_that_failed, snap)


def taken(selector: str, port: int = 9090) -> list[Object]:
    """A miller who has a Service, and a baker, who listens elsewhere and whose Service selects as it is told."""
    baker = {**container(), "ports": [{"containerPort": port}]}
    front = service("baker", {"app": selector})
    front["spec"]["ports"] = [{"port": 80, "targetPort": port}]
    return [*running("baker", baker), front, *running("miller"), service("miller")]


def test_a_service_that_selects_the_pods_of_another_has_a_wrong_selector_and_no_wrong_port() -> None:
    assert causes(snapshot(*taken("miller"), *calling("http://baker:80"))) == [("service_selector_mismatch", "baker")]
    assert causes(snapshot(*taken("baker"), *calling("http://baker:80"))) == []


def test_where_the_ports_are_alike_only_a_call_that_fails_tells_a_wrong_selector_from_a_wanted_one() -> None:
    refused = "2026-03-02T08:59:30Z error dial tcp baker:80: connect: connection refused"
    quiet, loud = (
        snapshot(*taken("miller", 8080), *calling("http://baker:80"), logs=log) for log in ({}, said("shop", refused))
    )
    assert found(routing.selectors_that_match_another, quiet)[0].latent
    assert not found(routing.selectors_that_match_another, loud)[0].latent


def test_a_service_may_choose_the_release_that_it_sends_to() -> None:
    objects = [one for one in taken("miller") if one["metadata"]["name"] != "miller" or one["kind"] != "Service"]
    assert found(routing.selectors_that_match_another, snapshot(*objects)) == []
