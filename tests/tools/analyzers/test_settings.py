"""Changed settings that break programs which go on running, told from settings that somebody changed beside another trouble."""

import pytest

from tests.tools.analyzers.test_change import edited, faults, released
from tests.tools.objects import (
    NS,
    Object,
    at,
    caller,
    container,
    deployment,
    endpoint_slice,
    meta,
    pod,
    replica_set,
    service,
)
from tools.engines.settings import governs, quoted, settings_of
from tools.engines.snapshot import LogKey

LATE = "2026-03-02T08:5{}:00Z ERROR timeout of 3ms exceeded"
DULL = "2026-03-02T08:5{}:00Z ERROR baker.Oven: the bread is burnt"
POOL = "2026-03-02T08:5{}:00Z ERROR sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached"
CALL = 'Get "http://mill:80/x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'


def settings(minutes_ago: float | None, name: str = "tuning", **data: str) -> Object:
    obj = {"kind": "ConfigMap", "metadata": meta(name), "data": data or {"CLIENT_TIMEOUT_MS": "3", "RETRIES": "0"}}
    return obj if minutes_ago is None else edited(obj, minutes_ago)


def reader(started: float = 15, names: tuple[str, ...] = ("tuning",), **more: object) -> list[Object]:
    program = {**container(), "envFrom": [{"configMapRef": {"name": name}} for name in names], **more}
    owner = deployment("baker", program, replicas=1, available=1)
    made = replica_set(owner, 1, program, ready=1)
    return [owner, made, begun(pod(made), started)]


def begun(one: Object, minutes_ago: float) -> Object:
    one["metadata"]["creationTimestamp"] = at(minutes_ago)
    return one


def log(line: str, who: Object, count: int = 8) -> dict[LogKey, str]:
    text = "\n".join(line.format(minute) for minute in range(count))
    return {LogKey(NS, who["metadata"]["name"], "app"): text}


def test_a_value_that_a_complaint_quotes_accuses_the_settings_that_were_edited() -> None:
    town = reader()
    assert faults(*town, settings(16), logs=log(LATE, town[-1])) == ["bad_config_change tuning"]


def test_errors_that_follow_the_edit_are_enough_and_none_are_not() -> None:
    town = reader()
    assert faults(*town, settings(16), logs=log(DULL, town[-1])) == ["bad_config_change tuning"]
    assert faults(*town, settings(16), logs=log("2026-03-02T08:5{}:00Z INFO baked", town[-1])) == []


def test_of_two_that_were_edited_the_one_that_is_spoken_of_comes_first() -> None:
    town = [*reader(names=("colours", "tuning")), settings(15, "colours", ACCENT="teal"), settings(16)]
    assert faults(*town, logs=log(LATE, town[2]))[0] == "bad_config_change tuning"


@pytest.mark.parametrize("edited_ago", [None, 300, 5])
def test_settings_that_nobody_edited_or_nobody_has_read_since_accuse_nobody(edited_ago: float | None) -> None:
    town = reader(started=15)
    assert faults(*town, settings(edited_ago), logs=log(DULL, town[-1])) == []


def test_what_a_program_complained_of_before_the_edit_is_not_its_fault() -> None:
    old, young = reader(started=600), reader()[-1]
    young["metadata"]["name"] = "young"
    said = {**log(DULL, old[-1]), **log(DULL, young)}
    assert "bad_config_change tuning" in faults(*old, young, settings(16), logs=log(DULL, young))
    assert "bad_config_change tuning" not in faults(*old, young, settings(16), logs=said)


def test_a_restart_after_which_a_complaint_quotes_a_setting_accuses_that_object() -> None:
    program = {**container(), "envFrom": [{"configMapRef": {"name": name}} for name in ("tuning", "colours")]}
    owner, old, new, young = released(program, program, new_ready=True)
    for holder in (owner, new):
        holder["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": at(20)}
    files = [settings(None), settings(None, "colours", ACCENT="teal")]
    assert faults(owner, old, new, young, *files, logs=log(LATE, young, 2)) == ["bad_config_change tuning"]


def calling_mill(minutes_ago: float | None) -> tuple[list[Object], dict[LogKey, str]]:
    town = reader(env=[{"name": "MILL", "value": "http://mill:80"}])
    mill = deployment("mill")
    grinds = pod(replica_set(mill, 1, ready=1))
    objects = [*town, settings(minutes_ago), mill, replica_set(mill, 1, ready=1), grinds]
    objects += [service("mill"), endpoint_slice("mill")]
    return objects, log("2026-03-02T08:5{}:00Z ERROR " + CALL, town[-1])


def test_what_a_changed_program_alone_says_of_another_is_its_own_change() -> None:
    objects, said = calling_mill(16)
    assert faults(*objects, logs=said) == ["bad_config_change tuning"]
    objects, said = calling_mill(None)
    assert faults(*objects, logs=said) == ["slow_dependency mill"]


def test_what_others_say_as_well_stays_the_fault_of_the_one_they_call() -> None:
    objects, said = calling_mill(16)
    eater = caller("eater", "http://mill:80")
    eats = pod(replica_set(eater, 1, ready=1))
    said |= log("2026-03-02T08:5{}:00Z ERROR " + CALL, eats)
    assert "slow_dependency mill" in faults(*objects, eater, replica_set(eater, 1, ready=1), eats, logs=said)


def with_pool(size: str) -> Object:
    database = {"name": "DATABASE_URL", "value": "postgres://oven:80/x"}
    return {**container(), "env": [database, {"name": "DB_POOL_MAX", "value": size}]}


def test_a_pool_that_a_release_made_small_is_told_from_a_database_that_is_full() -> None:
    oven = [deployment("oven", container(image="reg.example/postgres:16"))]
    oven += [pod(replica_set(oven[0], 1, ready=1)), replica_set(oven[0], 1, ready=1), service("oven")]
    smaller = [*released(with_pool("30"), with_pool("1"), new_ready=True), *oven]
    assert faults(*smaller, logs=log(POOL, smaller[3])) == ["bad_config_change baker"]
    same = [*released(with_pool("30"), with_pool("30"), new_ready=True), *oven]
    assert faults(*same, logs=log(POOL, same[3])) == ["db_connection_exhaustion oven"]


def test_code_of_a_new_version_that_fails_in_a_few_requests_accuses_the_version() -> None:
    owner, old, new, young = released(container(), container(image="reg.example/baker:2.0"), new_ready=True)
    fine = "\n".join(f"2026-03-02T08:4{minute % 10}:{minute:02}Z INFO baked {minute}" for minute in range(40))
    key = LogKey(NS, young["metadata"]["name"], "app")
    broken = log("2026-03-02T08:5{}:00Z ERROR TypeError: unsupported operand type(s) for +", young, 4)[key]
    other = log("2026-03-02T08:5{}:00Z ERROR order 7 was not paid", young, 4)[key]
    assert faults(owner, old, new, young, logs={key: f"{fine}\n{broken}"}) == ["bad_rollout baker"]
    assert faults(owner, old, new, young, logs={key: f"{fine}\n{other}"}) == []


def test_a_setting_is_known_by_its_name_its_value_or_its_number_and_not_by_an_address() -> None:
    told = {"CLIENT_TIMEOUT_MS": "3", "mode": "quick-and-dirty", "BROKER_URL": "broker:9092"}
    assert (found := quoted(told, "timeout of 3ms exceeded")) is not None
    assert found.setting == "CLIENT_TIMEOUT_MS"
    assert quoted(told, "CLIENT_TIMEOUT_MS is too low") is not None
    assert quoted(told, "no mode 'quick-and-dirty'") is not None
    for other in ("timeout of 30ms exceeded", "dial broker:9092: refused", "3 loaves are burnt"):
        assert quoted(told, other) is None


def test_settings_stand_in_files_too_and_those_of_secrets_show_only_their_names() -> None:
    file = {"kind": "ConfigMap", "data": {"app.yaml": "client:\n  timeout: 3ms\n  url: http://mill\n"}}
    assert settings_of(file)["timeout"] == "3ms"
    assert settings_of({"kind": "Secret", "data": {"password": "hashed"}}) == {"password": ""}
    assert settings_of({"kind": "ConfigMap", "data": "garbage"}) == {}


def test_what_a_setting_governs() -> None:
    assert governs(["DB_POOL_MAX"], "pool_exhausted") is not None
    assert governs(["DB_POOL_MAX"], "refused") is None
    assert governs(["LOG_LEVEL"], "pool_exhausted") is None


def test_of_what_was_read_at_a_restart_the_object_that_says_it_was_edited_comes_before_one_that_fits_the_words() -> (
    None
):
    program = {**container(), "envFrom": [{"configMapRef": {"name": name}} for name in ("tuning", "colours")]}
    owner, old, new, young = released(program, program, new_ready=True)
    for holder in (owner, new):
        holder["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": at(20)}
    files = [settings(None), settings(21, "colours", ACCENT="teal")]
    assert faults(owner, old, new, young, *files, logs=log(LATE, young))[0] == "bad_config_change colours"
