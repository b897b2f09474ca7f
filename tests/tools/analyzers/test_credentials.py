"""Who is wrong when a database says no: the client with a wrong password, or the database that withdrew what it had given."""

import base64

import pytest

from tests.tools.analyzers.stores import causes, crashing, log_of, ranked, running, store
from tests.tools.objects import Object, at, meta, snapshot

DENIED = "ERROR java.sql.SQLException: Access denied for user 'till'@'10.244.0.9' (using password: YES)"
CALM = [f"order {number} served" for number in range(30)]


def secret(name: str, **values: str) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"kind": "Secret", "metadata": meta(name), "data": data}


def from_secret(client: list[Object], variable: str, name: str, key: str) -> None:
    source = {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
    for obj in client[:1]:
        obj["spec"]["template"]["spec"]["containers"][0]["env"].append(source)


def test_a_client_that_never_got_in_has_a_wrong_password() -> None:
    client = crashing("till", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="wrong")
    found = ranked(snapshot(*client, *store(), logs=log_of("till", "starting", DENIED, previous=True)))
    assert (found[0].finding.fault, found[0].finding.component.name) == ("mysql_invalid_credentials", "till")
    assert found[0].confidence > 0.75
    assert len(found) == 1


def test_a_password_that_differs_from_the_servers_is_told_without_its_value() -> None:
    client = crashing("till", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="tilltill-0")
    server = store(MYSQL_USER="till", MYSQL_PASSWORD="tilltill-1", MYSQL_ROOT_PASSWORD="other")
    found = ranked(snapshot(*client, *server))[0].finding
    assert (found.fault, found.component.name) == ("mysql_invalid_credentials", "till")
    assert "tilltill" not in repr(found.evidence) + found.words.en + found.words.zh
    assert found.facts["path"] == "Deployment town/till spec.template.spec.containers[app].env[DB_PASSWORD]"


def test_a_password_is_followed_into_its_secret() -> None:
    client = crashing("till", DB_HOST="ledger", DB_USER="till")
    from_secret(client, "DB_PASSWORD", "till-db", "password")
    server = store(MYSQL_USER="till", MYSQL_PASSWORD="right")
    wrong, right = secret("till-db", password="wrong"), secret("till-db", password="right")
    assert causes(snapshot(*client, *server, wrong))[0] == ("mysql_invalid_credentials", "till")
    assert "mysql_invalid_credentials" not in {fault for fault, _ in causes(snapshot(*client, *server, right))}


def test_a_password_inside_an_address_is_compared_too() -> None:
    client = crashing("till", DATABASE_URL="postgres://till:nope@ledger:5432/shop")
    server = store(image="postgres:16", port=5432, POSTGRES_USER="till", POSTGRES_PASSWORD="yes")
    assert causes(snapshot(*client, *server))[0] == ("mysql_invalid_credentials", "till")


def test_a_difference_that_harms_nobody_is_no_sure_cause() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="a")
    server = store(MYSQL_USER="till", MYSQL_PASSWORD="b")
    assert all(one.confidence < 0.3 for one in ranked(snapshot(*client, *server)))


def test_a_client_that_had_worked_and_did_not_change_was_locked_out_by_the_database() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="a")
    found = causes(snapshot(*client, *store(), logs=log_of("till", *CALM, DENIED, DENIED)))
    assert found == [("db_auth_revoked", "ledger")]


def test_several_clients_that_are_refused_at_once_mean_the_database() -> None:
    clients = [*crashing("till", DB_HOST="ledger"), *crashing("desk", DB_HOST="ledger")]
    logs = {**log_of("till", DENIED, previous=True), **log_of("desk", DENIED, previous=True)}
    assert causes(snapshot(*clients, *store(), logs=logs)) == [("db_auth_revoked", "ledger")]


@pytest.mark.parametrize(
    "line",
    [
        "ERROR INSERT command denied to user 'till'@'10.244.0.9' for table 'orders'",
        "ERROR Access denied for user 'till'@'%' to database 'shop'",
        "pq: permission denied for table orders",
        'FATAL:  role "till" is not permitted to log in',
    ],
)
def test_a_right_that_is_missing_is_never_a_wrong_password(line: str) -> None:
    client = running("till", "reg.example/till:1", ready=False, DB_HOST="ledger", DB_USER="till", DB_PASSWORD="a")
    assert causes(snapshot(*client, *store(), logs=log_of("till", line))) == [("db_auth_revoked", "ledger")]


def test_a_cache_that_refuses_a_clients_password_is_the_clients_fault() -> None:
    client = crashing("till", REDIS_HOST="shelf", REDIS_PORT="6379", REDIS_PASSWORD="old")
    logs = log_of("till", "redis: WRONGPASS invalid username-password pair or user is disabled.", previous=True)
    assert causes(snapshot(*client, *store("shelf", "redis:7", 6379), logs=logs)) == [("cache_auth_failed", "till")]


def test_a_cache_that_refuses_everybody_changed_its_own_password() -> None:
    clients = [
        *running("till", "a/till:1", REDIS_ADDR="shelf:6379"),
        *running("desk", "a/desk:1", REDIS_ADDR="shelf:6379"),
    ]
    line = "ERROR NOAUTH Authentication required."
    logs = {**log_of("till", *CALM, line), **log_of("desk", *CALM, line)}
    found = causes(snapshot(*clients, *store("shelf", "redis:7", 6379), logs=logs))
    assert found == [("cache_auth_failed", "shelf")]


def test_a_refusal_that_was_overcome_accuses_nobody() -> None:
    client = running("till", "reg.example/till:1", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="a")
    assert causes(snapshot(*client, *store(), logs=log_of("till", DENIED, *CALM))) == []


def test_a_log_without_any_object_still_names_the_fault() -> None:
    found = causes(snapshot(logs=log_of("till", DENIED)))
    assert found[0][0] == "mysql_invalid_credentials"


def test_a_client_with_another_user_than_all_others_is_the_wrong_one_however_long_it_ran() -> None:
    others = [
        obj for name in ("desk", "shop") for obj in running(name, f"a/{name}:1", DB_HOST="ledger", DB_USER="town")
    ]
    client = running("till", "a/till:1", DB_HOST="ledger", DB_USER="tilt")
    found = ranked(snapshot(*client, *others, *store(), logs=log_of("till", *CALM, DENIED)))
    assert [(one.finding.fault, one.finding.component.name) for one in found] == [("mysql_invalid_credentials", "till")]
    assert found[0].finding.facts["path"] == "Deployment town/till spec.template.spec.containers[app].env[DB_USER]"


def test_a_cache_that_was_started_after_its_only_client_brought_the_new_password() -> None:
    client = running("till", "a/till:1", REDIS_ADDR="shelf:6379", REDIS_PASSWORD="old")
    cache = store("shelf", "redis:7", 6379, REDIS_PASSWORD="new")
    cache[2]["metadata"]["creationTimestamp"] = at(20)
    logs = log_of("till", "ERROR WRONGPASS invalid username-password pair or user is disabled.")
    assert causes(snapshot(*client, *cache, logs=logs)) == [("cache_auth_failed", "shelf")]


def test_a_client_that_was_started_after_the_cache_brought_the_wrong_password() -> None:
    client = running("till", "a/till:1", REDIS_ADDR="shelf:6379", REDIS_PASSWORD="old")
    client[2]["metadata"]["creationTimestamp"] = at(20)
    cache = store("shelf", "redis:7", 6379, REDIS_PASSWORD="new")
    logs = log_of("till", "ERROR WRONGPASS invalid username-password pair or user is disabled.")
    assert causes(snapshot(*client, *cache, logs=logs)) == [("cache_auth_failed", "till")]


def test_the_only_password_of_a_client_of_two_stores_is_not_taken_for_the_other_stores() -> None:
    client = crashing("till", DB_HOST="ledger", DB_USER="till", DB_PASSWORD="a", REDIS_ADDR="shelf:6379")
    cache = store("shelf", "redis:7", 6379, REDIS_PASSWORD="b")
    server = store(MYSQL_USER="till", MYSQL_PASSWORD="a")
    assert "cache_auth_failed" not in {fault for fault, _ in causes(snapshot(*client, *server, *cache))}
