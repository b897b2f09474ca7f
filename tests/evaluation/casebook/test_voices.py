"""Programs speak like themselves: one logger a program, the driver's own words, nothing left to fill in."""

import json
import re
from datetime import UTC, datetime
from random import Random

import pytest

from tests.evaluation.casebook import voices
from tests.evaluation.casebook.cases import scene_of
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.model import Call, Program, Service

AT = datetime(2024, 5, 2, 10, 11, 12, 345000, tzinfo=UTC)
LANGUAGES = ("go", "java", "python", "node", "dotnet", "nginx")
SERVERS = ("mysql", "postgres", "mongo", "redis", "rabbitmq", "kafka", "nats")
NETWORK = ("refused", "timed_out", "no_such_host", "unavailable", "failed", "slow", "reset")
TLS = ("expired", "unknown_ca", "plain_to_tls", "tls_to_plain")


def program(language: str, name: str = "herd-book", role: str = "service", space: str = "farm") -> Program:
    container = {"name": name, "image": f"{name}:1", "env": [{"name": "STORE_USER", "value": "farm"}]}
    template = {"metadata": {"labels": {}}, "spec": {"containers": [container]}}
    return Program(space, name, "Deployment", role, language, template, {}, 1, AT, 8080)


def call_to(engine: str, role: str = "database") -> Call:
    store = program(engine, "store", role)
    store.service = Service("store", "farm", {}, [{"port": 3306}], "10.96.7.7")
    return Call(store, "env", "STORE_URL", "", "store", 3306, "")


def said(language: str, engine: str, how: str, role: str = "database") -> str:
    return "\n".join(complaint(program(language), call_to(engine, role), how, Random(3))[1])


@pytest.mark.parametrize("language", [*LANGUAGES, *SERVERS])
def test_a_line_keeps_its_text_and_the_lines_below_it(language: str) -> None:
    role = "database" if language in SERVERS else "service"
    for name in ("a", "b", "c", "d", "e", "f", "g"):
        for level in ("INFO", "WARN", "ERROR"):
            made = voices.line(program(language, name, role), AT, level, ["first thing", "second thing"], Random(1), 2)
            assert "first thing" in "\n".join(made)
            assert "second thing" in "\n".join(made)


def test_a_program_keeps_its_logger() -> None:
    made = [voices.line(program("go"), AT, "INFO", [f"number {n}"], Random(n), 0)[0] for n in range(9)]
    assert len({re.sub(r"\d+|[a-z]+/herd-\w*\.go", "", one) for one in made}) == 1


def test_one_language_has_several_loggers() -> None:
    forms = {voices.line(program("java", name), AT, "INFO", ["x"], Random(1), 0)[0][:1] for name in "abcdefgh"}
    assert len(forms) > 1


def test_lines_in_json_can_be_parsed() -> None:
    for name in "abcdefgh":
        for language in ("go", "node", "python", "java", "mongo"):
            for each in voices.line(program(language, name), AT, "ERROR", ['say "no"', "at x"], Random(1), 0):
                if each.startswith("{"):
                    assert json.loads(each)


def test_logs_are_ahead_of_utc_by_the_zone() -> None:
    assert "2024/05/02 18:11:12" in voices.line(program("nginx"), AT, "ERROR", ["x"], Random(1), 8)[0]


def test_raw_lines_are_as_they_are() -> None:
    assert voices.line(program("go"), AT, "RAW", ["panic: x", "", "goroutine 1"], Random(1), 0)[1] == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("how", [*NETWORK, *TLS])
def test_every_language_complains_about_every_way_a_call_fails(language: str, how: str) -> None:
    text = said(language, "go", how, "service")
    assert text
    assert not re.search(r"\{(host|port|ip|me|user|db|table|path|far)\}", text)


@pytest.mark.parametrize("engine", SERVERS)
@pytest.mark.parametrize("how", NETWORK)
@pytest.mark.parametrize("language", LANGUAGES[:5])
def test_every_language_complains_about_every_store(language: str, engine: str, how: str) -> None:
    assert not re.search(r"\{(host|port|ip|me|user|db|table|path|far)\}", said(language, engine, how))


@pytest.mark.parametrize(
    ("language", "engine", "how", "sentence"),
    [
        ("go", "mysql", "denied", "Error 1045 (28000): Access denied for user 'farm'@'10.244."),
        ("python", "mysql", "too_many", 'pymysql.err.OperationalError: (1040, "Too many connections")'),
        ("java", "mysql", "refused", "CommunicationsException: Communications link failure"),
        ("java", "mysql", "too_many", 'message from server: "Too many connections"'),
        ("java", "mysql", "pool", "HikariPool-1 - Connection is not available, request timed out after"),
        ("node", "mysql", "denied", "ER_ACCESS_DENIED_ERROR"),
        ("go", "postgres", "denied", 'FATAL: password authentication failed for user "farm" (SQLSTATE 28P01)'),
        ("python", "postgres", "read_only", "psycopg2.errors.ReadOnlySqlTransaction"),
        ("dotnet", "postgres", "revoked", "42501: permission denied for table"),
        ("node", "mongo", "revoked", "not authorized on farm to execute command"),
        ("java", "redis", "wrongpass", "WRONGPASS invalid username-password pair or user is disabled."),
        ("dotnet", "redis", "noauth", "RedisServerException) NOAUTH Authentication required."),
        ("node", "redis", "refused", "[ioredis] Unhandled error event: Error: connect ECONNREFUSED 10.96.7.7:3306"),
    ],
)
def test_drivers_use_their_own_words(language: str, engine: str, how: str, sentence: str) -> None:
    assert sentence in said(language, engine, how, "cache" if engine == "redis" else "database")


def test_some_applications_speak_chinese() -> None:
    spaces = [f"space-{number}" for number in range(30)]
    told = [
        "\n".join(complaint(program("go", space=space), call_to("mysql"), "refused", Random(1))[1]) for space in spaces
    ]
    chinese = [one for one in told if re.search("[一-鿿]", one)]
    assert 0 < len(chinese) < len(told) / 2


def test_healthy_programs_say_nothing_that_alarms() -> None:
    for seed in range(12):
        for each in scene_of(seed).programs:
            levels = {level for level, _ in [*voices.start(each, Random(seed)), voices.chatter(each, Random(seed))]}
            assert not levels & {"ERROR", "FATAL"}
