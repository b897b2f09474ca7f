"""Drivers that complain name their kind of server, and so an edge of the map of calls."""

import pytest

from tests.tools.analyzers.measured import pods_of, program
from tests.tools.objects import NS, Object, moved_to, snapshot
from tools.engines.drivers import ports_of_drivers
from tools.engines.graph import Graph
from tools.engines.snapshot import LogKey

PG = "ERROR org.postgresql.util.PSQLException: The connection attempt failed. Caused by: java.net.SocketTimeoutException: connect timed out"


def store(name: str, port: int) -> list[Object]:
    objects = program(name)
    objects[-1]["spec"] = {**objects[-1]["spec"], "ports": [{"port": port, "targetPort": port}]}
    return objects


def edges(objects: list[Object], text: str) -> set[tuple[str, str]]:
    log = {LogKey(NS, pods_of("baker", 1)[0], "app"): text}
    return {(caller.name, called.name) for caller, called in Graph(snapshot(*objects, logs=log)).calls}


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("psycopg2.OperationalError: could not connect", 5432),
        ("com.mysql.cj.jdbc.exceptions.CommunicationsException", 3306),
        ("pymongo.errors.ServerSelectionTimeoutError: timed out", 27017),
        ("redis.exceptions.ConnectionError: Error 111", 6379),
        ("StackExchange.Redis.RedisConnectionException", 6379),
        ("pika.exceptions.AMQPConnectionError", 5672),
    ],
)
def test_a_driver_is_known_by_its_errors(text: str, port: int) -> None:
    assert list(ports_of_drivers(text)) == [port]


def test_words_that_are_no_driver_name_no_port() -> None:
    assert list(ports_of_drivers("GET /redis-guide 200; page mongo; upgrade of mysql docs")) == []


def test_who_complains_through_a_driver_calls_the_only_server_of_its_kind() -> None:
    assert edges([*program("baker"), *store("vault", 5432), *store("shelf", 6379)], PG) == {("baker", "vault")}


def test_of_two_servers_of_a_kind_none_is_guessed() -> None:
    assert edges([*program("baker"), *store("vault", 5432), *store("cellar", 5432)], PG) == set()


def test_the_one_of_the_own_namespace_goes_before_one_elsewhere() -> None:
    town = [*program("baker"), *store("vault", 5432), *moved_to("elsewhere", *store("cellar", 5432))]
    assert edges(town, PG) == {("baker", "vault")}


def test_a_driver_that_complains_of_nothing_makes_no_edge() -> None:
    assert edges([*program("baker"), *store("vault", 5432)], "INFO org.postgresql.Driver loaded") == set()
