"""What databases and the edge show of themselves, in health and out of it."""

from __future__ import annotations

from tests.simulator.test_faults_databases import bank_world
from tests.simulator.worlds import Watch, small_world


def bank() -> Watch:
    return Watch(bank_world()).after(60)


def test_a_server_shows_its_settings_and_its_clients() -> None:
    watch = bank()
    assert watch.value("pg_settings_max_connections") == 100
    assert watch.value("pg_stat_activity_count") == 4 + 4 * 5
    assert watch.value("mysql_global_variables_max_connections") == 151
    assert watch.value("mysql_global_status_threads_connected") == 1 + 2 * 5
    assert watch.value("mysql_global_variables_read_only") == 0
    assert watch.value("rabbitmq_connections") == 2 * 5
    assert watch.value("pg_up") == watch.value("mysql_up") == 1


def test_what_clients_may_open_fits_what_the_server_takes() -> None:
    watch = bank()
    wanted = watch.value('sum(db_client_connections_max{pool_name="shop-db"})')
    assert wanted < watch.value("pg_settings_max_connections")


def test_a_read_only_database_shows_it() -> None:
    watch = bank()
    watch.inject("db_read_only", "accounts-db")
    assert watch.after(60).value("mysql_global_variables_read_only") == 1


def test_a_crowded_database_has_no_place_left() -> None:
    watch = bank()
    watch.inject("db_connection_exhaustion", "accounts-db", max_connections=4)
    watch.after(90)
    assert watch.value("mysql_global_variables_max_connections") == 4
    assert watch.value("mysql_global_status_threads_connected") >= 4


def test_clients_that_are_turned_away_hold_no_connection() -> None:
    watch = bank()
    watch.inject("mysql_invalid_credentials", "accounts")
    assert watch.after(150).value("mysql_global_status_threads_connected") == 1


def test_the_edge_counts_what_customers_get() -> None:
    watch = Watch(small_world()).after(120)
    rate = "sum by (status) (rate(nginx_ingress_controller_requests[1m]))"
    healthy = watch.query(rate)
    assert healthy["200"] > 10
    watch.inject("ingress_backend_missing", "edge-gateway")
    watch.after(120)
    assert watch.query(rate)["503"] > 0.9 * healthy["200"]
    assert watch.value("probe_success") == 0


def test_customers_without_a_valid_certificate_get_no_answer_at_all() -> None:
    watch = Watch(small_world()).after(60)
    now = watch.world.clock.now().timestamp()
    assert watch.value("probe_ssl_earliest_cert_expiry") - now > 14 * 86_400
    assert watch.value("min(certmanager_certificate_expiration_timestamp_seconds)") > now
    watch.inject("tls_certificate_expired", "edge-gateway")
    watch.after(120)
    assert watch.value("probe_ssl_earliest_cert_expiry") < watch.world.clock.now().timestamp()
    assert watch.value("nginx_ingress_controller_ssl_expire_time_seconds") < watch.world.clock.now().timestamp()
    assert watch.value("sum(rate(nginx_ingress_controller_requests[1m]))") == 0
