"""The parts of the network asked alone: names, policies, logins, trust, the rules of the edge, and what clients say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.apps import Engine, Language, Route
from simulator.certificates import Authority, issue, read, root
from simulator.network.dialects import connection_failed
from simulator.network.handshakes import Mesh, doubt
from simulator.network.ingress import Edge, find_rule
from simulator.network.logins import Login, Server, refusal, settings
from simulator.network.names import CLUSTER_DNS, NODE_RESOLVER, resolv_conf, service_of
from simulator.network.policies import End, read_policies
from simulator.network.reasons import Facts, Outcome, Why
from simulator.network.route_table import routes_in
from simulator.network.target import Backend, Obstacle, Target
from simulator.network.words import say

Object = dict[str, Any]
NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
FACTS = Facts("db", 5432, "10.96.0.7", "10.244.1.2:40000", user="shop", database="shop", client="10.244.1.2")


def pod(name: str, namespace: str = "shop", **spec: Any) -> Object:
    containers = [{"name": name, "ports": [{"name": "web", "containerPort": 8080}]}]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": containers, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "servers", "searches", "ndots"),
    [
        ({}, (CLUSTER_DNS,), 3, 5),
        ({"hostNetwork": True}, (NODE_RESOLVER,), 0, 1),
        ({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, (CLUSTER_DNS,), 3, 5),
        ({"dnsPolicy": "Default"}, (NODE_RESOLVER,), 0, 1),
        ({"dnsPolicy": "None"}, (), 0, 1),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["9.9.9.9"], "searches": ["x"]}}, ("9.9.9.9",), 1, 1),
        ({"dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}}, (CLUSTER_DNS,), 3, 2),
        ({"dnsConfig": {"options": [{"name": "ndots", "value": "many"}, {"name": "edns0"}]}}, (CLUSTER_DNS,), 3, 5),
    ],
)
def test_a_pod_gets_the_resolver_of_its_policy(
    spec: Object, servers: tuple[str, ...], searches: int, ndots: int
) -> None:
    conf = resolv_conf(pod("search", **spec))
    assert (conf.nameservers, len(conf.searches), conf.ndots) == (servers, searches, ndots)


@pytest.mark.parametrize(
    ("name", "zone", "found"),
    [
        ("db.shop.svc.cluster.local", "cluster.local", ("shop", "db")),
        ("db-0.db.shop.svc.cluster.local", "cluster.local", ("shop", "db")),
        ("a.db-0.db.shop.svc.cluster.local", "cluster.local", None),
        ("db.svc.cluster.local", "cluster.local", None),
        ("db.other.svc.cluster.local", "cluster.local", None),
        ("db.shop.svc.cluster.local", "cluster.lan", None),
        ("db.shop.svc.", "", None),
    ],
)
def test_only_the_full_name_of_a_service_in_the_zone_is_known(name: str, zone: str, found: object) -> None:
    assert service_of(name, {("shop", "db"): {}}, zone) == found


def allowed(spec: Object, *, port: int = 8080, protocol: str = "TCP", caller: End | None = None) -> bool:
    policy = {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"podSelector": {}, **spec}}
    spaces: list[Object] = [{"metadata": {"name": "shop"}}, {"metadata": {"name": "ops", "labels": {"team": "ops"}}}]
    source = caller or End("10.244.1.2", pod("edge", "ops"))
    return read_policies([policy], spaces).allow(source, End("10.244.2.3", pod("search")), port, protocol)


OPS, EDGE = {"matchLabels": {"team": "ops"}}, {"matchLabels": {"app": "edge"}}


@pytest.mark.parametrize(
    ("spec", "comes_in"),
    [
        ({"policyTypes": ["Egress"]}, True),
        ({}, False),
        ({"podSelector": {"matchLabels": {"app": "cart"}}}, True),
        ({"ingress": [{"from": [{"namespaceSelector": OPS}]}]}, True),
        ({"ingress": [{"from": [{"namespaceSelector": OPS, "podSelector": EDGE}]}]}, True),
        ({"ingress": [{"from": [{"namespaceSelector": OPS, "podSelector": {"matchLabels": {"app": "x"}}}]}]}, False),
        ({"ingress": [{"from": [{"podSelector": EDGE}]}]}, False),
        ({"ingress": [{"from": [{"podSelector": EDGE}, {"namespaceSelector": OPS}]}]}, True),
        ({"ingress": [{"ports": [{"port": "web"}]}]}, True),
        ({"ingress": [{"ports": [{"port": "admin"}]}]}, False),
        ({"ingress": [{"ports": [{}]}]}, True),
        ({"ingress": [{"ports": [{"port": 8000, "endPort": 8079}]}]}, False),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.1.0/24"}}]}]}, True),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.1.0/24"]}}]}]}, False),
    ],
)
def test_a_rule_lets_in_whom_all_its_parts_fit(spec: Object, comes_in: bool) -> None:
    assert allowed(spec) is comes_in


def test_a_selector_of_pods_never_means_an_address_outside() -> None:
    outside = End("203.0.113.7")
    assert not allowed({"ingress": [{"from": [{"podSelector": {}}]}]}, caller=outside)
    assert allowed({"ingress": [{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}]}, caller=outside)


SERVER = Server("postgres", "shop", "pw", 100, is_read_only=False, privileges=frozenset({"ALL"}))
CACHE = Server("redis", "default", "pw", 100, is_read_only=False, privileges=frozenset({"ALL"}))
READ, WRITE = Route("GET", "read", 1, 1), Route("POST", "write", 1, 1, writes=True)


def server(base: Server, **changes: Any) -> Server:
    return Server(**{**vars(base), **changes})


@pytest.mark.parametrize(
    ("asked", "login", "route", "why"),
    [
        (SERVER, Login("shop", "pw"), WRITE, None),
        (SERVER, Login("shop", "old"), READ, Why.BAD_LOGIN),
        (SERVER, Login("root", "pw"), READ, Why.BAD_LOGIN),
        (server(SERVER, is_read_only=True), Login("shop", "pw"), WRITE, Why.READ_ONLY),
        (server(SERVER, is_read_only=True), Login("shop", "pw"), READ, None),
        (server(SERVER, privileges=frozenset({"SELECT"})), Login("shop", "pw"), READ, None),
        (server(SERVER, privileges=frozenset({"SELECT"})), Login("shop", "pw"), WRITE, Why.NO_PERMISSION),
        (server(SERVER, privileges=frozenset()), Login("shop", "pw"), READ, Why.NO_PERMISSION),
        (CACHE, Login("default", ""), READ, Why.NO_LOGIN),
        (CACHE, Login("default", "old"), READ, Why.BAD_LOGIN),
        (server(CACHE, password=""), Login("default", "pw"), READ, Why.NEEDLESS_LOGIN),
        (server(CACHE, password=""), Login("me", ""), READ, None),
    ],
)
def test_a_server_refuses_for_the_first_thing_that_is_wrong(
    asked: Server, login: Login, route: Route, why: Why | None
) -> None:
    assert refusal(asked, login, route) is why


def test_some_places_are_kept_for_administrators_and_none_is_owed() -> None:
    assert [server(SERVER, most=most).places for most in (100, 3, 2)] == [97, 0, 0]
    assert server(CACHE, most=2).places == 2


def test_settings_are_read_from_the_files_of_settings_alone() -> None:
    files = {
        "/etc/a.conf": "max_connections = 20  # few\n\n#port = 1\nmaxclients 7\n",
        "/etc/b.cnf": "[mysqld]\nread_only='ON'\nmax_connections=30\n",
        "/etc/c.yaml": "port = 9",
    }
    assert settings(files) == {"max_connections": "30", "maxclients": "7", "read_only": "ON"}


AUTHORITY, END = Authority("Shop Internal CA", "first"), NOW + timedelta(days=1)
(OWN,) = read(root(AUTHORITY, NOW - timedelta(days=9), END))
(OTHER,) = read(root(Authority("Shop Internal CA", "second"), NOW - timedelta(days=9), END))
(SHOWN,) = read(issue(AUTHORITY, "payments", NOW - timedelta(days=9), END))


@pytest.mark.parametrize(
    ("authorities", "at", "why"),
    [
        ([OWN], NOW, None),
        ([OTHER, OWN], NOW, None),
        ([OTHER], NOW, Why.UNKNOWN_SIGNER),
        ([], NOW, Why.UNKNOWN_SIGNER),
        ([OWN], END + timedelta(seconds=1), Why.EXPIRED),
        ([OTHER], END + timedelta(seconds=1), Why.UNKNOWN_SIGNER),
    ],
)
def test_a_client_doubts_the_signer_before_the_date(authorities: Any, at: datetime, why: Why | None) -> None:
    assert doubt(SHOWN, authorities, at) is why


def authentication(mode: str, namespace: str, selector: Object | None = None) -> Object:
    spec = {"mtls": {"mode": mode}, **({"selector": selector} if selector else {})}
    return {"metadata": {"name": "m", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("policies", "mode"),
    [
        ([], "PERMISSIVE"),
        ([authentication("STRICT", "istio-system")], "STRICT"),
        ([authentication("STRICT", "istio-system"), authentication("DISABLE", "shop")], "DISABLE"),
        (
            [authentication("DISABLE", "shop"), authentication("STRICT", "shop", {"matchLabels": {"app": "a"}})],
            "STRICT",
        ),
        (
            [authentication("DISABLE", "shop"), authentication("STRICT", "shop", {"matchLabels": {"app": "b"}})],
            "DISABLE",
        ),
        ([authentication("UNSET", "shop"), authentication("STRICT", "istio-system")], "STRICT"),
        ([authentication("STRICT", "ops")], "PERMISSIVE"),
    ],
)
def test_the_nearest_policy_of_the_mesh_decides(policies: list[Object], mode: str) -> None:
    assert Mesh(tuple(policies), {}).mode(pod("a")) == mode


def test_a_strict_mesh_refuses_only_those_outside_of_it() -> None:
    mesh = Mesh((authentication("STRICT", "shop"),), {"shop": {"istio.io/dataplane-mode": "ambient"}})
    inside, outside = pod("a"), pod("b", "ops")
    sidecar = pod("c", "ops", containers=[{"name": "istio-proxy"}])
    refused = [mesh.refuses(caller, inside) for caller in (inside, sidecar, outside, None)]
    assert refused == [False, False, True, True]
    assert not mesh.refuses(outside, outside)


def edge(*paths: tuple[str, str]) -> Edge:
    listed = [{"path": path, "pathType": kind, "backend": {"service": {"name": path}}} for path, kind in paths]
    ingress = {"metadata": {"name": "i", "namespace": "shop"}, "spec": {"rules": [{"http": {"paths": listed}}]}}
    return Edge((ingress,), (), {})


@pytest.mark.parametrize(
    ("path", "rule"),
    [("/", "/"), ("/cart", "/cart"), ("/cart/7", "/cart"), ("/carts", "/"), ("/pay", "/pay"), ("/pay/7", "/")],
)
def test_the_longest_path_of_the_edge_that_fits_wins(path: str, rule: str) -> None:
    found = find_rule(edge(("/", "Prefix"), ("/cart", "Prefix"), ("/pay", "Exact")), path)
    assert found is not None
    assert found.service == ("shop", rule)


def test_an_edge_without_a_fitting_path_has_no_rule() -> None:
    assert find_rule(edge(("/cart", "Prefix")), "/") is None
    assert find_rule(edge(), "/cart") is None


def test_the_shares_behind_a_service_make_one_with_what_is_shut() -> None:
    target = Target.behind(Backend(("shop", "a"), {0: 2, 1: 1}, closed=1), FACTS, "no")
    assert (target.shares, target.obstacles) == ({0: 0.5, 1: 0.25}, (Obstacle(Why.REFUSED, "no", 0.25),))
    nobody = Target.behind(Backend(("shop", "a"), {}), FACTS, "no")
    assert (nobody.through, nobody.stopped(Outcome.REFUSED)) == (0, 1)


def test_a_server_has_let_in_even_those_whom_it_then_disappoints() -> None:
    obstacles = tuple(Obstacle(why, "", 0.25) for why in (Why.READ_ONLY, Why.CROWDED, Why.BAD_LOGIN))
    assert Target(FACTS, shares={0: 0.25}, obstacles=obstacles).let_in == 0.75


@pytest.mark.parametrize("table", ["routes: [{path: 2024-13-45}]", "routes: {}", "- /", "", "a: [", "routes: [7]"])
def test_a_table_that_cannot_be_read_has_no_routes(table: str) -> None:
    assert routes_in(table) == []


@pytest.mark.parametrize(
    ("language", "engine", "why", "said"),
    [
        (
            "go",
            "postgres",
            Why.BAD_LOGIN,
            (
                "failed to connect to `user=shop database=shop`: 10.96.0.7:5432 (db): server error: FATAL: "
                'password authentication failed for user "shop" (SQLSTATE 28P01)'
            ),
        ),
        ("go", "postgres", Why.READ_ONLY, "ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)"),
        (
            "python",
            "mysql",
            Why.BAD_LOGIN,
            "pymysql.err.OperationalError: (1045, \"Access denied for user 'shop'@'10.244.1.2' (using password: YES)\")",
        ),
        ("node", "redis", Why.NO_LOGIN, "ReplyError: NOAUTH Authentication required."),
        ("c", "redis", Why.CROWDED, "ERR max number of clients reached"),
        ("node", "", Why.NO_SUCH_PORT, "connect ECONNREFUSED 10.96.0.7:5432"),
        ("node", "", Why.NO_ANSWER, "timeout of 2000ms exceeded"),
        ("go", "redis", Why.SERVER_ERROR, "read tcp 10.244.1.2:40000->10.96.0.7:5432: read: connection reset by peer"),
    ],
)
def test_a_client_says_what_its_library_says(language: Language, engine: Engine, why: Why, said: str) -> None:
    assert say(language, why, Facts(**{**vars(FACTS), "engine": engine})) == said


@pytest.mark.parametrize(
    ("language", "engine", "start"),
    [
        ("java", "postgres", "org.postgresql.util.PSQLException: Connection to db:5432 refused."),
        ("java", "redis", "redis.clients.jedis.exceptions.JedisConnectionException: Failed to connect to db:5432."),
        ("java", "", "dial"),
        ("go", "postgres", "failed to connect to `user=shop database=shop`: 10.96.0.7:5432 (db): dial"),
        ("python", "postgres", "dial"),
    ],
)
def test_a_driver_puts_its_own_words_before_those_of_the_network(
    language: Language, engine: Engine, start: str
) -> None:
    said = connection_failed(language, "dial tcp: refused", Facts(**{**vars(FACTS), "engine": engine}))
    assert said.startswith(start)
    assert said.endswith("dial tcp: refused")
