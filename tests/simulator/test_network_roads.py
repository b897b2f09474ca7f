"""The way of a call: each thing that can be wrong on it stops the call there, in the words of the client's library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.apps import Call, Engine, Language, Route
from simulator.conditions import Kind, Level, Pressure
from simulator.network import Facts, Outcome, Target, Why, say
from simulator.network.address import Address, read
from simulator.network.dialects import SENTENCES
from simulator.network.names import CLUSTER_DNS, ResolvConf, candidates, resolv_conf
from tests.simulator.worlds import Watch, small_world

Object = dict[str, Any]
SEARCH_ADDRESS = "10.96.22.25:8080"


@pytest.fixture
def watch() -> Watch:
    return Watch(small_world())


def way(watch: Watch, caller: str = "edge-gateway", callee: str = "search") -> Target:
    """Where the first group of a program goes for one of its dependencies."""
    topology = watch.world.topology()
    group = next(each for each in topology.groups if each.app.name == caller)
    return topology.target(group, call_to(group.app.routes, callee))


def call_to(routes: tuple[Route, ...], callee: str) -> Call:
    return next(call for route in routes for call in route.calls if call.app == callee)


def put(watch: Watch, kind: str, obj: Object) -> None:
    watch.world.store.create(kind, obj)
    watch.world.kick()


def edit_service(watch: Watch, name: str, **spec: Any) -> None:
    service = watch.get("Service", name)
    watch.world.store.update("Service", {**service, "spec": {**service["spec"], **spec}})
    watch.world.kick()


def edit_pod_spec(watch: Watch, name: str, **changes: Any) -> Watch:
    deployment = watch.get("Deployment", name)
    template = deployment["spec"]["template"]
    template = {**template, "spec": {**template["spec"], **changes}}
    watch.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "template": template}})
    watch.world.kick()
    return watch.after(90)


def policy(selected: str, **spec: Any) -> Object:
    chosen = {"matchLabels": {"app": selected}} if selected else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"about-{selected or 'all'}", "namespace": "shop"},
        "spec": {"podSelector": chosen, **spec},
    }


def words(target: Target) -> str:
    (obstacle,) = target.obstacles
    assert obstacle.share == pytest.approx(1)
    return obstacle.words


def test_in_a_healthy_shop_every_call_comes_through(watch: Watch) -> None:
    topology = watch.world.topology()
    for group in topology.groups:
        for route in group.app.routes:
            for call in route.calls:
                target = topology.target(group, call)
                assert target.through == pytest.approx(1), (group.app.name, call.app, target.obstacles)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://search:8080", Address("http", "search", 8080)),
        ("search.shop.svc:80", Address("", "search.shop.svc", 80)),
        ("https://search", Address("https", "search", 443)),
        ("postgres://shop:pw@db:5432/shop", Address("postgres", "db", 5432, "shop", "pw", "/shop")),
        ("jdbc:mysql://accounts-db/accounts", Address("mysql", "accounts-db", 3306, path="/accounts")),
    ],
)
def test_an_address_is_read_as_clients_read_it(text: str, address: Address) -> None:
    assert read(text) == address


@pytest.mark.parametrize("text", ["", "search", "http://", "search:port", "search:99999", "http://a b:80"])
def test_nobody_can_make_sense_of_some_addresses(text: str) -> None:
    assert read(text) is None


def test_a_name_that_no_service_has_is_no_such_host(watch: Watch) -> None:
    watch.replace_in_deployment("edge-gateway", env=[{"name": "SEARCH_URL", "value": "http://serach:8080"}])
    watch.after(60)
    assert words(way(watch)) == "dial tcp: lookup serach on 10.96.0.10:53: no such host"


def test_an_address_comes_from_a_config_map_as_well(watch: Watch) -> None:
    data = {"LOG_LEVEL": "info", "SEARCH_URL": "http://search.elsewhere:8080"}
    settings = watch.get("ConfigMap", "shop-settings")
    watch.world.store.update("ConfigMap", {**settings, "data": data})
    watch.replace_in_deployment("edge-gateway", env=[])
    assert way(watch.after(60)).host == "search.elsewhere"


def test_a_changed_config_map_changes_nothing_before_a_restart(watch: Watch) -> None:
    before = way(watch)
    settings = watch.get("ConfigMap", "shop-settings")
    watch.world.store.update("ConfigMap", {**settings, "data": {"SEARCH_URL": "http://nobody:1"}})
    assert way(watch.after(30)).host == before.host


def test_a_pod_that_asks_the_node_for_names_knows_no_service(watch: Watch) -> None:
    edit_pod_spec(watch, "edge-gateway", dnsPolicy="Default")
    assert words(way(watch)) == "dial tcp: lookup search on 192.168.10.1:53: no such host"


def test_without_search_domains_only_full_names_are_found(watch: Watch) -> None:
    nameserver = {"nameservers": [CLUSTER_DNS]}
    edit_pod_spec(watch, "edge-gateway", dnsPolicy="None", dnsConfig=nameserver)
    assert words(way(watch)).endswith("no such host")
    full = [{"name": "SEARCH_URL", "value": "http://search.shop.svc.cluster.local:8080"}]
    watch.replace_in_deployment("edge-gateway", env=full)
    assert way(watch.after(60)).through == pytest.approx(1)


def test_search_domains_and_dots_are_tried_in_the_order_of_a_resolver() -> None:
    conf = ResolvConf((CLUSTER_DNS,), ("shop.svc.cluster.local", "svc.cluster.local"), 2)
    assert candidates("search", conf) == ["search.shop.svc.cluster.local", "search.svc.cluster.local", "search"]
    assert candidates("a.b.c", conf)[0] == "a.b.c"
    assert candidates("search.", conf) == ["search"]


def test_a_pod_may_add_to_its_resolver() -> None:
    options = [{"name": "ndots", "value": "1"}]
    pod = {"metadata": {"namespace": "shop"}, "spec": {"dnsConfig": {"searches": ["corp"], "options": options}}}
    conf = resolv_conf(pod)
    assert (conf.server, conf.ndots, conf.searches[-1]) == (CLUSTER_DNS, 1, "corp")


def test_without_a_ready_name_server_every_lookup_is_refused(watch: Watch) -> None:
    scaled = watch.world.store.get("Deployment", "kube-system", "coredns") or {}
    watch.world.store.update("Deployment", {**scaled, "spec": {**scaled["spec"], "replicas": 0}})
    watch.world.kick()
    said = words(way(watch.after(15)))
    assert said.startswith("dial tcp: lookup search on 10.96.0.10:53: read udp 10.244.")
    assert said.endswith("->10.96.0.10:53: read: connection refused")


def test_without_a_service_for_the_name_server_lookups_time_out(watch: Watch) -> None:
    watch.world.store.delete("Service", "kube-system", "kube-dns")
    watch.world.kick()
    assert words(way(watch.after(15))).endswith("->10.96.0.10:53: i/o timeout")


def test_a_name_server_that_serves_another_zone_knows_no_service(watch: Watch) -> None:
    corefile = ".:53 {\n    kubernetes cluster.lcoal in-addr.arpa ip6.arpa\n    forward . /etc/resolv.conf\n}\n"
    metadata = {"name": "coredns", "namespace": "kube-system"}
    known = watch.world.store.get("ConfigMap", "kube-system", "coredns")
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": corefile}}
    (watch.world.store.update if known else watch.world.store.create)("ConfigMap", obj)
    assert words(way(watch)).endswith("no such host")


def test_a_port_that_the_service_does_not_have_is_refused(watch: Watch) -> None:
    edit_service(watch, "search", ports=[{"name": "http", "port": 80, "targetPort": "http"}])
    assert words(way(watch)) == f"dial tcp {SEARCH_ADDRESS}: connect: connection refused"


def test_a_service_that_speaks_udp_refuses_tcp(watch: Watch) -> None:
    edit_service(watch, "search", ports=[{"name": "http", "port": 8080, "targetPort": 8080, "protocol": "UDP"}])
    assert way(watch).obstacles[0].why is Why.NO_SUCH_PORT


def test_a_target_port_on_which_nothing_listens_is_refused_although_there_are_endpoints(watch: Watch) -> None:
    edit_service(watch, "search", ports=[{"name": "http", "port": 8080, "targetPort": 9999}])
    assert watch.get("Endpoints", "search")["subsets"][0]["addresses"]
    assert words(way(watch)).endswith("connect: connection refused")


def test_a_service_without_endpoints_is_refused(watch: Watch) -> None:
    edit_service(watch, "search", selector={"app": "nobody"})
    assert words(way(watch)).endswith("connect: connection refused")


def test_a_client_with_tls_is_not_understood_by_a_plain_server(watch: Watch) -> None:
    watch.replace_in_deployment("edge-gateway", env=[{"name": "SEARCH_URL", "value": "https://search:8080"}])
    target = way(watch.after(60))
    assert words(target) == "http: server gave HTTP response to HTTPS client"
    assert target.stopped(Outcome.FAILED) == 1


def test_a_web_client_at_a_database_is_not_understood(watch: Watch) -> None:
    watch.replace_in_deployment("edge-gateway", env=[{"name": "SEARCH_URL", "value": "http://shop-db:5432"}])
    assert way(watch.after(60)).obstacles[0].why is Why.WRONG_PROTOCOL


def test_a_program_that_does_not_know_the_request_answers_404(watch: Watch) -> None:
    watch.replace_in_deployment("edge-gateway", env=[{"name": "SEARCH_URL", "value": "http://catalogue:8080"}])
    target = way(watch.after(60))
    assert words(target) == "unexpected status 404 Not Found"
    edge = watch.flow("edge-gateway").routes["/search"]
    assert edge.share("404")[0] > 0.9


def test_a_policy_that_lets_nobody_in_times_out(watch: Watch) -> None:
    put(watch, "NetworkPolicy", policy("search", policyTypes=["Ingress"]))
    assert words(way(watch)) == f"dial tcp {SEARCH_ADDRESS}: i/o timeout"
    assert watch.flow("edge-gateway").routes["/search"].share("504")[0] > 0.9
    assert way(watch, callee="catalogue").through == pytest.approx(1)


def test_a_policy_that_lets_the_caller_in_stops_nothing(watch: Watch) -> None:
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "edge-gateway"}}}], "ports": [{"port": "http"}]}
    put(watch, "NetworkPolicy", policy("search", ingress=[rule]))
    assert way(watch).through == pytest.approx(1)


@pytest.mark.parametrize(
    "rule",
    [
        {"from": [{"podSelector": {"matchLabels": {"app": "catalogue"}}}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "fulfilment"}}}]},
        {"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.0.0/16"]}}]},
        {"ports": [{"port": 9090}]},
        {"ports": [{"port": 8080, "protocol": "UDP"}]},
    ],
)
def test_a_rule_for_others_does_not_let_the_caller_in(watch: Watch, rule: Object) -> None:
    put(watch, "NetworkPolicy", policy("search", ingress=[rule]))
    assert way(watch).stopped(Outcome.TIMED_OUT) == pytest.approx(1)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"from": [{"namespaceSelector": {}}]},
        {"from": [{"ipBlock": {"cidr": "10.244.0.0/16"}}]},
        {"ports": [{"port": 8000, "endPort": 8100}]},
    ],
)
def test_a_rule_for_all_lets_the_caller_in(watch: Watch, rule: Object) -> None:
    put(watch, "NetworkPolicy", policy("search", ingress=[rule]))
    assert way(watch).through == pytest.approx(1)


def test_a_pod_that_may_call_nobody_cannot_even_look_up_a_name(watch: Watch) -> None:
    put(watch, "NetworkPolicy", policy("edge-gateway", policyTypes=["Egress"]))
    assert words(way(watch)).endswith("->10.96.0.10:53: i/o timeout")


def test_a_pod_that_may_ask_for_names_alone_times_out_at_the_service(watch: Watch) -> None:
    put(watch, "NetworkPolicy", policy("", egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}]))
    assert words(way(watch)) == f"dial tcp {SEARCH_ADDRESS}: i/o timeout"


def test_only_pods_on_a_node_without_service_rules_reach_nobody(watch: Watch) -> None:
    group = next(each for each in watch.world.topology().groups if each.app.name == "edge-gateway")
    node = group.node
    watch.world.conditions.press(Pressure(Kind.SERVICE_RULES_LOST, node), Level(1))
    watch.world.disturb()
    topology = watch.world.topology()
    for group in topology.groups:
        if group.app.name == "edge-gateway":
            target = topology.target(group, call_to(group.app.routes, "search"))
            assert target.stopped(Outcome.TIMED_OUT) == (1 if group.node == node else 0)


LANGUAGES: tuple[Language, ...] = ("go", "java", "python", "node")
OF_SERVERS = (Why.BAD_LOGIN, Why.NO_LOGIN, Why.NEEDLESS_LOGIN, Why.CROWDED, Why.READ_ONLY, Why.NO_PERMISSION)
OF_THE_EDGE = (Why.NO_SERVICE, Why.NO_ENDPOINTS)


def test_every_language_has_words_for_every_reason() -> None:
    facts = Facts("search", 8080, "10.96.0.1", "10.244.0.2:40000", CLUSTER_DNS, "x", "SEARCH_URL", "/search")
    for why in Why:
        if why not in (*OF_SERVERS, *OF_THE_EDGE):
            said = {say(language, why, facts) for language in LANGUAGES}
            assert len(said) == 4, why
            assert not any("{" in each for each in said)


@pytest.mark.parametrize("engine", ["postgres", "mysql", "redis", "rabbitmq"])
def test_only_http_servers_answer_with_a_status_code(engine: Engine) -> None:
    facts = Facts("db", 5432, "10.96.0.1", "10.244.0.2:40000", path="/")
    for language in LANGUAGES:
        assert "500" in say(language, Why.SERVER_ERROR, facts)
        said = say(language, Why.SERVER_ERROR, replace(facts, engine=engine))
        assert "reset" in said.lower()
        assert "500" not in said


@pytest.mark.parametrize("engine", ["postgres", "mysql", "redis", "rabbitmq"])
def test_every_driver_has_words_for_what_its_server_says(engine: Engine) -> None:
    facts = Facts("db", 1, "10.96.0.1", engine=engine, user="me", client="10.244.0.2", table="orders", database="x")
    for why, sentence in SENTENCES[engine].items():
        said = {say(language, why, facts) for language in LANGUAGES}
        assert len(said) >= 3
        assert all(sentence.text.format(**vars(facts)) in each for each in said)


def test_the_callers_log_has_the_words(watch: Watch) -> None:
    put(watch, "NetworkPolicy", policy("search", policyTypes=["Ingress"]))
    assert any("i/o timeout" in line for line in watch.after(20).log("edge-gateway"))
