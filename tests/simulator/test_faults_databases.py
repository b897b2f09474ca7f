"""Faults of databases and caches: what the client's driver says, what the server writes, which requests fail, and how it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from simulator.apps import EntryShare, Shop
from simulator.faults import FAULTS, Component, Place, Refused
from simulator.faults.runtime.database_servers import restarted, with_option
from simulator.shop import (
    ACCOUNTS,
    ACCOUNTS_DB,
    EDGE_GATEWAY,
    INVENTORY,
    ORDERS,
    ORDERS_QUEUE,
    SESSION_CACHE,
    SHOP,
    SHOP_DB,
)
from simulator.world import World
from tests.simulator.test_faults_routing import Repair, rollback
from tests.simulator.worlds import Watch, grown, twin


@cache
def bank() -> Shop:
    """An edge with accounts on MySQL and orders on PostgreSQL, a cache and a queue."""
    account, checkout = (route for route in EDGE_GATEWAY.routes if route.path in ("/account", "/checkout"))
    order = replace(checkout.calls[0], app="orders", route="/orders", env="ORDERS_URL")
    table = f"{EDGE_GATEWAY.config}- path: /orders\n  upstream: ${{ORDERS_URL}}\n"
    edge = replace(EDGE_GATEWAY, routes=(account, replace(checkout, calls=(order,))), replicas=1, config=table)
    apps = (edge, ACCOUNTS, ORDERS, INVENTORY, SESSION_CACHE, SHOP_DB, ORDERS_QUEUE, ACCOUNTS_DB)
    entries = (EntryShare(edge.name, "/account", 0.2), EntryShare(edge.name, "/checkout", 0.1))
    return replace(SHOP, apps=apps, entries=entries)


def bank_world() -> World:
    return twin(grown(7, bank()))


@dataclass(frozen=True)
class Case:
    fault: str
    target: str
    said: str  # by the client
    component: Component
    repair: Repair
    client: str = "accounts"
    server: str = "accounts-db"
    noted: str = ""  # by the server
    share: tuple[float, float] = (0.9, 1.0)  # of the client's requests that fail, at least and at most
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{self.target}{''.join(f'-{value}' for value in self.parameters)}"


def with_settings(server: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Repair:
    """What a person does: change the ConfigMap, and start the server anew."""

    def repair(watch: Watch) -> None:
        config = watch.get("ConfigMap", f"{server}-config")
        watch.world.store.update("ConfigMap", {**config, "data": change(config["data"])})
        deployment = restarted(watch.get("Deployment", server), "2026-01-14T09:30:00Z")
        watch.world.store.update("Deployment", deployment)
        watch.world.kick()

    return repair


def option(server: str, file: str, name: str, value: str) -> Repair:
    return with_settings(server, lambda data: {**data, file: with_option(data[file], name, value)})


def grant_again(server: str) -> Repair:
    def change(data: dict[str, str]) -> dict[str, str]:
        granted = [line for line in data["grants.sql"].splitlines() if line.startswith("GRANT")]
        return {**data, "grants.sql": "\n".join(granted)}

    return with_settings(server, change)


def without_password(data: dict[str, str]) -> dict[str, str]:
    kept = [line for line in data["redis.conf"].splitlines() if not line.startswith("requirepass")]
    return {**data, "redis.conf": "\n".join(kept)}


def deployment(name: str) -> Component:
    return Component("Deployment", "shop", name)


DENIED = "java.sql.SQLException: Access denied for user 'accounts'@'10.244."
CASES = [
    Case(
        "mysql_invalid_credentials",
        "accounts",
        DENIED,
        deployment("accounts"),
        rollback("accounts"),
        noted="[MY-010926] [Server] Access denied for user 'accounts'@'10.244.",
        share=(0.4, 0.8),
    ),
    Case(
        "mysql_invalid_port",
        "accounts",
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure",
        deployment("accounts"),
        rollback("accounts"),
        share=(0.4, 0.8),
    ),
    Case(
        "db_read_only",
        "accounts-db",
        "The MySQL server is running with the --read-only option so it cannot execute this statement",
        deployment("accounts-db"),
        option("accounts-db", "my.cnf", "read_only", "OFF"),
        share=(0.1, 0.3),
    ),
    Case(
        "db_read_only",
        "shop-db",
        "ERROR: cannot execute INSERT in a read-only transaction",
        deployment("shop-db"),
        option("shop-db", "postgresql.conf", "default_transaction_read_only", "off"),
        client="inventory",
        server="shop-db",
        noted="ERROR:  cannot execute INSERT in a read-only transaction",
        share=(0.4, 0.6),
    ),
    Case(
        "db_connection_exhaustion",
        "accounts-db",
        'Data source rejected establishment of connection,  message from server: "Too many connections"',
        deployment("accounts-db"),
        option("accounts-db", "my.cnf", "max_connections", "151"),
        share=(0.3, 0.7),
    ),
    Case(
        "db_connection_exhaustion",
        "shop-db",
        "server error: FATAL: sorry, too many clients already (SQLSTATE 53300)",
        deployment("shop-db"),
        option("shop-db", "postgresql.conf", "max_connections", "100"),
        client="inventory",
        server="shop-db",
        noted="FATAL:  sorry, too many clients already",
        share=(0.4, 0.8),
    ),
    Case(
        "db_auth_revoked",
        "shop-db",
        "ERROR: permission denied for table inventory (SQLSTATE 42501)",
        deployment("shop-db"),
        grant_again("shop-db"),
        client="inventory",
        server="shop-db",
        noted="ERROR:  permission denied for table inventory",
        share=(0.6, 0.8),
    ),
    Case(
        "db_auth_revoked",
        "accounts",
        "SELECT command denied to user 'accounts'@'10.244.",
        deployment("accounts-db"),
        grant_again("accounts-db"),
        share=(0.4, 0.8),
    ),
    Case(
        "cache_auth_failed",
        "session-cache",
        "WRONGPASS invalid username-password pair or user is disabled.",
        deployment("session-cache"),
        with_settings("session-cache", without_password),
        server="session-cache",
        share=(0.0, 0.05),
    ),
]


def namespace_of(watch: Watch, app: str) -> Watch:
    return Watch(watch.world, watch.world.shop.app(app).namespace)


def failing(watch: Watch, app: str) -> float:
    total = watch.value(f'sum(rate(http_requests_total{{service="{app}"}}[1m]))')
    return watch.value(f'sum(rate(http_requests_total{{service="{app}",code=~"5.."}}[1m])) or vector(0)') / total


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fault_shows_and_its_repair_heals_it(case: Case) -> None:
    watch = Watch(bank_world())
    fault = watch.inject(case.fault, case.target, **case.parameters)
    watch.after(150)
    (entry,) = watch.ledger.entries()
    assert entry.component == case.component
    log = namespace_of(watch, case.client).log(case.client)
    assert any(case.said in line.replace('\\"', '"') for line in log), log[-5:]
    noted = namespace_of(watch, case.server).log(case.server)
    assert not case.noted or any(case.noted in line for line in noted)
    assert case.share[0] <= failing(watch, case.client) <= case.share[1]
    assert not watch.is_healed(fault)
    case.repair(watch)
    watch.after(180)
    assert watch.is_healed(fault)
    assert failing(watch, case.client) < 0.02


@pytest.mark.parametrize("case", {case.fault: case for case in CASES}.values(), ids=str)
def test_taking_the_fault_back_heals_it(case: Case) -> None:
    watch = Watch(bank_world())
    fault = watch.inject(case.fault, case.target, **case.parameters)
    (entry,) = watch.ledger.entries()
    watch.after(60)
    watch.ledger.remove(fault)
    watch.after(120)
    assert entry.fault.is_healed(watch.world, entry.place, entry.injection, entry.injected_at)


def test_a_changed_setting_means_nothing_before_the_server_starts_anew() -> None:
    watch = Watch(bank_world())
    config = watch.get("ConfigMap", "accounts-db-config")
    data = {"my.cnf": with_option(config["data"]["my.cnf"], "read_only", "ON")}
    watch.world.store.update("ConfigMap", {**config, "data": {**config["data"], **data}})
    watch.world.kick()
    assert failing(watch.after(90), "accounts") < 0.01


def test_a_new_password_in_the_secret_reaches_each_side_when_it_starts() -> None:
    watch = Watch(bank_world())
    secret = watch.get("Secret", "accounts-db-credentials")
    watch.world.store.update("Secret", {**secret, "data": {**secret["data"], "password": "bmV3"}})
    watch.world.kick()
    assert failing(watch.after(90), "accounts") < 0.01
    watch.world.store.update("Deployment", restarted(watch.get("Deployment", "accounts-db"), "now"))
    watch.world.kick()
    assert failing(watch.after(120), "accounts") > 0.4
    watch.world.store.update("Deployment", restarted(watch.get("Deployment", "accounts"), "now"))
    watch.world.kick()
    assert failing(watch.after(150), "accounts") < 0.01


def test_reading_goes_on_while_a_database_takes_no_changes() -> None:
    watch = Watch(bank_world())
    watch.inject("db_read_only", "shop-db")
    watch.after(90)
    assert watch.value('sum(rate(http_requests_total{service="inventory",code="200"}[1m]))') > 0
    assert "The MySQL" not in "".join(watch.log("accounts"))


def test_a_fault_of_mysql_does_not_suit_who_has_none() -> None:
    watch = Watch(bank_world())
    place = Place("fulfilment", "orders")
    assert not FAULTS["mysql_invalid_port"].suits(watch.world, place)
    assert FAULTS["db_read_only"].suits(watch.world, place)
    with pytest.raises(Refused, match="no client of a MySQL server"):
        Watch(watch.world, "fulfilment").inject("mysql_invalid_credentials", "orders")


def test_an_option_is_set_where_it_stands_or_added() -> None:
    assert with_option("a = 1\nb = 2\n", "a", "3") == "a = 3\nb = 2\n"
    assert with_option("a = 1\n", "b", "2") == "a = 1\nb = 2\n"
