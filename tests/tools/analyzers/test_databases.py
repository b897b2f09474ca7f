"""Databases that only read, that are full, that are asked at a wrong port; told apart, and silent where nothing is wrong."""

import pytest

from tests.tools.analyzers.stores import causes, crashing, log_of, ranked, running, store
from tests.tools.objects import event, snapshot

LOST = "Communications link failure"
FULL = 'ERROR java.sql.SQLNonTransientConnectionException: Data source rejected establishment, message from server: "Too many connections"'


def test_a_client_that_asks_at_a_port_that_the_service_does_not_have_is_wrong() -> None:
    client = crashing("till", DB_HOST="ledger", DB_PORT="3307")
    found = ranked(snapshot(*client, *store(), logs=log_of("till", f"ERROR {LOST}", previous=True)))
    assert [(one.finding.fault, one.finding.component.name) for one in found] == [("mysql_invalid_port", "till")]
    assert found[0].finding.facts == {
        "asked": 3307,
        "served": [3306],
        "path": "Deployment town/till spec.template.spec.containers[app].env[DB_HOST]",
    }
    assert found[0].confidence > 0.8


def test_the_objects_alone_are_enough_where_the_client_does_not_run() -> None:
    client = crashing("till", SPRING_DATASOURCE_URL="jdbc:mysql://ledger:13306/shop")
    assert causes(snapshot(*client, *store()))[0] == ("mysql_invalid_port", "till")


def test_a_port_of_another_kind_of_database_is_read_as_well() -> None:
    client = crashing("till", DATABASE_URL="postgres://till:x@ledger:5433/shop")
    assert causes(snapshot(*client, *store(image="postgres:16", port=5432)))[0] == ("mysql_invalid_port", "till")


def test_a_wrong_port_that_nobody_is_seen_to_use_is_no_sure_cause() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", DB_PORT="3307")
    assert all(one.confidence < 0.3 for one in ranked(snapshot(*client, *store())))


@pytest.mark.parametrize("address", ["ledger:3306", "ledger.town.svc.cluster.local:3306", "ledger"])
def test_a_right_port_accuses_nobody(address: str) -> None:
    client = running("till", "reg.example/till:1", DATABASE_ADDR=address)
    assert causes(snapshot(*client, *store())) == []


def test_a_dead_database_is_not_a_wrong_port() -> None:
    client = running("till", "reg.example/till:1", ready=False, DB_HOST="ledger", DB_PORT="3306")
    logs = log_of("till", "ERROR dial tcp 10.96.0.9:3306: connect: connection refused")
    assert "mysql_invalid_port" not in {fault for fault, _ in causes(snapshot(*client, *store(), logs=logs))}


@pytest.mark.parametrize(
    "line",
    [
        "ERROR The MySQL server is running with the --super-read-only option so it cannot execute this statement",
        'level=error err="Error 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement"',
        "写入失败: 数据库处于只读模式",
    ],
)
def test_a_database_that_refuses_to_write_is_the_cause_and_its_client_the_victim(line: str) -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", DB_PORT="3306")
    found = ranked(snapshot(*client, *store(), logs=log_of("till", "started", line)))
    assert [(one.finding.fault, one.finding.component.name) for one in found] == [("db_read_only", "ledger")]
    assert found[0].confidence > 0.8


def test_a_cache_that_became_a_replica_is_meant_by_its_own_words() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", REDIS_ADDR="shelf:6379")
    world = [*client, *store(), *store("shelf", "redis:7", 6379)]
    logs = log_of("till", "ERROR READONLY You can't write against a read only replica.")
    assert causes(snapshot(*world, logs=logs)) == [("db_read_only", "shelf")]


def test_of_a_database_outside_the_cluster_the_client_says_so() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="db.far.example", DB_PORT="5432")
    logs = log_of("till", "ERROR: cannot execute INSERT in a read-only transaction")
    assert causes(snapshot(*client, logs=logs)) == [("db_read_only", "till")]


def test_a_database_without_free_connections_is_the_cause_however_many_clients_suffer() -> None:
    clients = [
        *running("till", "reg.example/till:1", DB_HOST="ledger"),
        *running("desk", "reg.example/desk:1", DB_HOST="ledger"),
    ]
    logs = {**log_of("till", "ok", FULL), **log_of("desk", "ok", FULL)}
    assert causes(snapshot(*clients, *store(), logs=logs)) == [("db_connection_exhaustion", "ledger")]


def test_a_database_may_say_itself_that_it_is_full() -> None:
    logs = log_of("ledger", "FATAL:  sorry, too many clients already")
    assert causes(snapshot(*store(image="postgres:16", port=5432), logs=logs)) == [
        ("db_connection_exhaustion", "ledger")
    ]


def test_what_stopped_being_said_accuses_nobody() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger")
    lines = [FULL, FULL, *(f"order {number} served" for number in range(30))]
    assert causes(snapshot(*client, *store(), logs=log_of("till", *lines))) == []


def test_an_exporter_of_a_database_is_no_database() -> None:
    client = running("till", "prom/mysqld-exporter:1", DB_HOST="ledger", DB_PORT="3306")
    logs = log_of("till", 'level=error msg="Error 1040: Too many connections"')
    assert causes(snapshot(*client, *store(), logs=logs)) == [("db_connection_exhaustion", "ledger")]


def test_a_client_of_which_no_address_is_known_means_the_only_database_that_speaks_so() -> None:
    client = running("till", "reg.example/till:1")
    logs = log_of("till", "com.mysql.cj.jdbc.exceptions.MySQLException: running with the --read-only option")
    world = [*client, *store(), *store("shelf", "redis:7", 6379)]
    assert causes(snapshot(*world, logs=logs)) == [("db_read_only", "ledger")]


def test_of_two_databases_that_could_be_meant_neither_is_accused() -> None:
    client = running("till", "reg.example/till:1")
    logs = log_of("till", "com.mysql.cj.jdbc.exceptions.MySQLException: running with the --read-only option")
    assert causes(snapshot(*client, *store(), *store("annex"), logs=logs)) == [("db_read_only", "till")]


def test_a_pool_that_runs_dry_is_a_weak_hint_of_a_full_database() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger")
    logs = log_of("till", "ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms.")
    found = ranked(snapshot(*client, *store(), logs=logs))
    assert [(one.finding.fault, one.finding.component.name) for one in found] == [
        ("db_connection_exhaustion", "ledger")
    ]
    assert found[0].confidence < 0.5


def test_a_pool_of_a_client_that_is_not_reached_itself_says_nothing_of_the_database() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger")
    late = "Readiness probe failed: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    told = {**event(client[2], "Unhealthy", late, 1), "count": 20}
    logs = log_of("till", "ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms.")
    assert ("db_connection_exhaustion", "ledger") not in causes(snapshot(*client, *store(), told, logs=logs))


def test_a_log_that_names_the_address_is_enough_where_the_settings_were_not_read() -> None:
    client, server = crashing("till"), store()
    server[3]["spec"]["clusterIP"] = "10.96.0.9"
    logs = log_of("till", "ERROR dial tcp 10.96.0.9:3307: connect: connection refused", previous=True)
    assert causes(snapshot(*client, *server, logs=logs)) == [("mysql_invalid_port", "till")]


def test_a_variable_named_after_a_database_tells_which_of_two_is_meant() -> None:
    client = running("till", "reg.example/till:1", ANNEX_USER="till")
    logs = log_of("till", "com.mysql.cj.jdbc.exceptions.MySQLException: running with the --read-only option")
    assert causes(snapshot(*client, *store(), *store("annex"), logs=logs)) == [("db_read_only", "annex")]


def test_of_two_databases_the_one_that_says_so_itself_is_full() -> None:
    client = running("till", "reg.example/till:1")
    logs = {**log_of("till", FULL), **log_of("annex", "0 [Warning] [MY-010055] [Server] Too many connections")}
    assert causes(snapshot(*client, *store(), *store("annex"), logs=logs)) == [("db_connection_exhaustion", "annex")]
