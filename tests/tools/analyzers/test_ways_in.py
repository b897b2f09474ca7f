"""Ways that lead nowhere: routes, certificates, policies, meshes and names, each beside what looks like it and is nothing."""

import base64
from typing import Any

import pytest

from tests.tools.objects import NS, Object, at, caller, deployment, meta, pod, replica_set, service, snapshot
from tools.engines.analyzers.certificates import ends
from tools.engines.explain import investigate
from tools.engines.snapshot import LogKey

GUARD = "network_policy_blocked"


def shop() -> list[Object]:
    """A baker whom a shop calls, and a miller."""
    return [
        deployment("baker"),
        service("baker"),
        deployment("miller"),
        service("miller"),
        caller("shop", "http://baker:80"),
    ]


def found(*objects: Object, logs: dict[LogKey, str] | None = None) -> list[tuple[str, str]]:
    causes = investigate(snapshot(*objects, logs=logs))[0].causes
    return [(cause.finding.fault, str(cause.finding.component)) for cause in causes]


def ingress(*backends: tuple[str, str, Any]) -> Object:
    paths = [{"path": path, "backend": {"service": {"name": name, "port": port}}} for path, name, port in backends]
    rule = {"host": "town.example", "http": {"paths": paths}}
    return {
        "kind": "Ingress",
        "metadata": meta("front"),
        "spec": {"tls": [{"secretName": "front-tls"}], "rules": [rule]},
    }


def table(text: str, key: str = "nginx.conf") -> Object:
    return {"kind": "ConfigMap", "metadata": meta("front-table"), "data": {key: text}}


def policy(name: str = "guard", minutes_ago: float = 5, **spec: Any) -> Object:
    selected = {"podSelector": {"matchLabels": {"app": "baker"}}, "policyTypes": ["Ingress"], **spec}
    return {"kind": "NetworkPolicy", "metadata": {**meta(name), "creationTimestamp": at(minutes_ago)}, "spec": selected}


@pytest.mark.parametrize(
    ("name", "port"), [("bakers", {"number": 80}), ("baker", {"number": 81}), ("baker", {"name": "web"})]
)
def test_an_ingress_whose_backend_or_port_is_missing(name: str, port: Object) -> None:
    assert found(*shop(), ingress(("/", name, port))) == [("ingress_backend_missing", f"Ingress {NS}/front")]


def test_an_ingress_is_right_and_a_backend_whose_services_were_not_read_is_unknown() -> None:
    assert found(*shop(), ingress(("/", "baker", {"number": 80}))) == []
    assert found(ingress(("/", "baker", {"number": 80}))) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("location /baker/ { proxy_pass http://miller:80; }\nlocation /miller/ { proxy_pass http://miller:80; }", "nginx.conf"),
        ("routes:\n- path: /baker\n  upstream: http://miller:80\n- path: /miller\n  upstream: http://miller:80\n", "r.yaml"),
        ("routes:\n- uri: http://miller:80\n  predicates: [Path=/baker/**]\n", "a.yml"),
        ("location /baker/ { proxy_pass http://bakerr:80; }", "nginx.conf"),
        ("location /baker/ { proxy_pass http://baker:8099; }", "nginx.conf"),
    ],
)  # fmt: skip
def test_a_table_that_leads_astray_costs_a_program_its_route(text: str, key: str) -> None:
    assert ("gateway_misroute", f"Deployment {NS}/baker") in found(*shop(), table(text, key))


def test_a_table_that_leads_where_its_paths_say_is_right_and_one_path_may_go_by_another_name() -> None:
    right = "location /baker/ { proxy_pass http://baker:80; }\nlocation /flour/ { proxy_pass http://miller:80; }"
    assert found(*shop(), table(right)) == []


def test_a_mesh_route_to_the_neighbour_is_a_misroute() -> None:
    legs = [("/baker", "miller"), ("/miller", "miller")]
    rules = [
        {"match": [{"uri": {"prefix": path}}], "route": [{"destination": {"host": f"{host}.{NS}.svc.cluster.local"}}]}
        for path, host in legs
    ]
    routed = {"kind": "VirtualService", "metadata": meta("front"), "spec": {"http": rules}}
    assert found(*shop(), routed) == [("gateway_misroute", f"Deployment {NS}/baker")]


def test_a_path_that_was_bent_to_a_neighbour_is_one_even_where_another_way_in_still_leads_right() -> None:
    bent = ingress(("/baker", "miller", {"number": 80}), ("/miller", "miller", {"number": 80}))
    right = table(
        "location /baker/ { proxy_pass http://baker:80; }\nlocation /miller/ { proxy_pass http://miller:80; }"
    )
    assert found(*shop(), bent, right) == [("gateway_misroute", f"Deployment {NS}/baker")]
    alias = ingress(("/baker", "miller", {"number": 80}))
    assert found(*shop(), alias, right) == []


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "guard"}}}]}]},
        {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}]}]},
        {"ingress": [{"ports": [{"port": 9999}]}]},
        {"ingress": [{"ports": [{"port": 8000, "endPort": 8079}]}]},
    ],
)
def test_a_policy_without_a_rule_for_the_caller_blocks_it(rules: Object) -> None:
    assert found(*shop(), policy(**rules)) == [(GUARD, f"NetworkPolicy {NS}/guard")]


@pytest.mark.parametrize(
    "rules",
    [
        {"ingress": [{}]},
        {"ingress": [{"from": [{"podSelector": {}}]}]},
        {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "shop"}}}], "ports": [{"port": "http"}]}]},
        {"ingress": [{"ports": [{"port": 8000, "endPort": 8090}]}]},
        {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "unknown"}}}]}]},
        {"podSelector": {"matchLabels": {"app": "nobody"}}},
    ],
)
def test_a_policy_that_allows_the_caller_or_selects_nobody_accuses_nobody(rules: Object) -> None:
    assert found(*shop(), policy(**rules)) == []


def test_what_one_policy_forbids_another_may_allow_and_an_old_one_that_nobody_complains_of_counts_for_little() -> None:
    assert found(*shop(), policy(), policy("open", ingress=[{}])) == []
    assert found(*shop(), policy(minutes_ago=9_999)) == []


def test_the_way_out_is_closed_to_the_program_and_to_names() -> None:
    out: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "shop"}}, "policyTypes": ["Egress"]}
    assert found(*shop(), policy(**out)) == [(GUARD, f"NetworkPolicy {NS}/guard")]
    only_names = [{"ports": [{"port": 53, "protocol": "UDP"}]}]
    assert found(*shop(), policy(**out, egress=only_names)) == [(GUARD, f"NetworkPolicy {NS}/guard")]
    assert found(*shop(), policy(**out, egress=[{}])) == []


def certificate(minutes_ago: float) -> Object:
    return {
        "kind": "Certificate",
        "metadata": meta("front"),
        "spec": {"secretName": "front-tls"},
        "status": {"notAfter": at(minutes_ago)},
    }


def test_a_certificate_that_ran_out_is_the_fault_of_who_shows_it() -> None:
    way_in = ingress(("/", "baker", {"number": 80}))
    assert found(*shop(), way_in, certificate(30)) == [("tls_certificate_expired", f"Ingress {NS}/front")]
    assert found(*shop(), way_in, certificate(-30)) == []
    assert found(*shop(), certificate(30)) == []


def test_a_client_that_is_shown_an_expired_certificate_accuses_the_server() -> None:
    line = 'ERROR Get "https://baker:80/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    log = {LogKey(NS, "shop-rs1-bcdfg", "app"): line}
    client = caller("shop", "http://baker:80")
    first = replica_set(client, 1)
    objects = [*shop()[:4], client, first, pod(first)]
    assert ("tls_certificate_expired", f"Deployment {NS}/baker") in found(*objects, logs=log)


def talking(line: str, who: str) -> tuple[list[Object], dict[LogKey, str]]:
    """A shop and a baker, both with pods, and what one of them says."""
    baker, client = deployment("baker"), caller("shop", "http://baker:80")
    sets = [replica_set(baker, 1), replica_set(client, 1)]
    objects = [baker, service("baker"), deployment("miller"), service("miller"), client, *sets, *map(pod, sets)]
    return objects, {LogKey(NS, f"{who}-rs1-bcdfg", "app"): line}


def test_a_client_that_names_nobody_means_the_only_one_that_shows_a_certificate() -> None:
    objects, log = talking("ERROR AxiosError: certificate has expired", "shop")
    assert found(*objects, logs=log) == []
    secret = {"kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta("baker-tls"), "data": {"tls.crt": "x"}}
    objects[0]["spec"]["template"]["spec"]["volumes"] = [{"name": "tls", "secret": {"secretName": "baker-tls"}}]
    assert found(*objects, secret, logs=log) == [("tls_certificate_expired", f"Deployment {NS}/baker")]


@pytest.mark.parametrize(
    "line",
    [
        "WARN Remote host terminated the handshake: certificate_expired",
        "ERROR http: TLS handshake error from 10.0.0.9:5: remote error: tls: expired certificate",
    ],
)
def test_a_server_whose_certificate_was_turned_down_shows_it_itself(line: str) -> None:
    objects, log = talking(line, "baker")
    assert found(*objects, logs=log) == [("tls_certificate_expired", f"Deployment {NS}/baker")]


def test_the_end_of_a_certificate_is_the_second_of_its_times_and_garbage_has_none() -> None:
    body = b"\x17\x0d260101000000Z\x17\x0d260201120000Z".ljust(90, b"x")
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(body) + b"\n-----END CERTIFICATE-----"
    assert str(ends(base64.b64encode(pem).decode())) == "2026-02-01 12:00:00+00:00"
    assert [ends(one) for one in (None, "", "sha256:00ff", "%%%", base64.b64encode(b"no").decode())] == [None] * 5


def strict(**spec: Any) -> Object:
    return {"kind": "PeerAuthentication", "metadata": meta("strict"), "spec": {"mtls": {"mode": "STRICT"}, **spec}}


def in_mesh(workload: Object) -> Object:
    workload["spec"]["template"]["spec"]["containers"].append({"name": "istio-proxy"})
    return workload


def test_a_strict_server_refuses_callers_outside_the_mesh() -> None:
    objects = [in_mesh(deployment("baker")), service("baker"), caller("shop", "http://baker:80")]
    assert found(*objects, strict()) == [("mesh_mtls_mismatch", f"PeerAuthentication {NS}/strict")]
    assert found(*objects, strict(mtls={"mode": "PERMISSIVE"})) == []


def test_a_rule_that_forbids_mutual_tls_is_what_to_change_and_callers_in_the_mesh_are_well() -> None:
    objects = [in_mesh(deployment("baker")), service("baker"), in_mesh(caller("shop", "http://baker:80"))]
    spec = {"host": f"baker.{NS}.svc.cluster.local", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}
    rule = {"kind": "DestinationRule", "metadata": meta("plain"), "spec": spec}
    assert found(*objects, strict(), rule) == [("mesh_mtls_mismatch", f"DestinationRule {NS}/plain")]
    assert found(*objects, strict()) == []


@pytest.mark.parametrize(
    "dns",
    [
        {"dnsPolicy": "Default"},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["8.8.8.8"], "searches": ["town.svc.cluster.local"]}},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"]}},
    ],
)
def test_a_program_with_a_resolver_of_its_own_does_not_find_services(dns: Object) -> None:
    client = caller("shop", "http://baker:80")
    client["spec"]["template"]["spec"].update(dns)
    assert found(*shop()[:4], client) == [("service_dns_resolution_failure", f"Deployment {NS}/shop")]


def test_the_clusters_own_resolver_with_a_search_list_is_right() -> None:
    client = caller("shop", "http://baker:80")
    right = {"nameservers": ["10.96.0.10"], "searches": ["town.svc.cluster.local"]}
    client["spec"]["template"]["spec"].update({"dnsPolicy": "None", "dnsConfig": right})
    assert found(*shop()[:4], client) == []


COREFILE = ".:53 {\n    errors\n    kubernetes ZONE in-addr.arpa ip6.arpa {\n    }\n    forward . /etc/resolv.conf\n}\n"


def resolved(corefile: str, *missing: str) -> tuple[list[Object], dict[LogKey, str]]:
    """A cluster's resolver with its configuration, and which names the shop and the miller do not find."""
    server = deployment("coredns", labels={"k8s-app": "kube-dns"})
    made = replica_set(server, 1, ready=1)
    config = {"kind": "ConfigMap", "metadata": meta("coredns"), "data": {"Corefile": corefile}}
    system = [server, made, pod(made), config]
    for obj in system:
        obj["metadata"]["namespace"] = "kube-system"
    clients = [caller("shop", "http://baker:80"), caller("eater", "http://miller:80")]
    sets = [replica_set(one, 1) for one in clients]
    line = "ERROR dial tcp: lookup {} on 10.96.0.10:53: no such host"
    said = "\n".join(line.format(name) for name in missing)
    logs = {LogKey(NS, f"{one}-rs1-bcdfg", "app"): said for one in ("shop", "eater")} if missing else {}
    return [*shop()[:4], *clients, *sets, *map(pod, sets), *system], logs


@pytest.mark.parametrize("corefile", [COREFILE.replace("ZONE", "k8s.internal"), ".:53 {\n    forward . 8.8.8.8\n}\n"])
def test_a_resolver_that_was_told_another_zone_denies_what_exists(corefile: str) -> None:
    objects, logs = resolved(corefile, "baker")
    assert found(*objects, logs=logs)[0] == ("service_dns_resolution_failure", "Deployment kube-system/coredns")


def test_a_resolver_that_denies_several_names_to_several_programs_is_wrong_whatever_its_file_says() -> None:
    objects, logs = resolved(COREFILE.replace("ZONE", "cluster.local"), "baker", "miller")
    assert found(*objects, logs=logs) == [("service_dns_resolution_failure", "Deployment kube-system/coredns")]


def test_a_resolver_with_the_right_zone_or_a_cluster_of_another_domain_is_no_cause() -> None:
    assert found(*resolved(COREFILE.replace("ZONE", "cluster.local"))[0]) == []
    objects, _ = resolved(COREFILE.replace("ZONE", "k8s.internal"))
    assert found(*objects, caller("other", f"http://baker.{NS}.svc.k8s.internal:80")) == []


def bootstrap(host: str) -> Object:
    """One cluster behind the root, as a proxy reads it at its start."""
    address = f"{{socket_address: {{address: {host}, port_value: 80}}}}"
    return table(
        "static_resources:\n"
        "  listeners:\n"
        "  - filter_chains:\n"
        "    - filters:\n"
        "      - typed_config:\n"
        "          route_config:\n"
        "            virtual_hosts:\n"
        "            - routes: [{match: {prefix: /}, route: {cluster: front}}]\n"
        "  clusters:\n"
        "  - name: front\n"
        f"    load_assignment: {{endpoints: [{{lb_endpoints: [{{endpoint: {{address: {address}}}}}]}}]}}\n",
        "proxy.yaml",
    )


def test_the_root_is_a_path_too_however_deep_it_stands() -> None:
    assert ("gateway_misroute", f"Deployment {NS}/baker") in found(*shop(), bootstrap("bakr"))
    assert found(*shop(), bootstrap("baker")) == []
