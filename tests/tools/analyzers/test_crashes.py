"""Why a program does not start, from its last lines and its template: a variable, a file, a port, an init container."""

import pytest

from tests.tools.analyzers.stores import causes, crashing, log_of, ranked, running, variables
from tests.tools.objects import NS, Object, at, container, deployment, meta, pod, replica_set, snapshot
from tools.engines.snapshot import LogKey

TRACE = ["Traceback (most recent call last):", '  File "/app/main.py", line 3, in <module>', "KeyError: 'QUEUE_URL'"]


def config(name: str, **files: str) -> Object:
    return {
        "kind": "ConfigMap",
        "metadata": meta(name),
        "data": {key.replace("__", "."): text for key, text in files.items()},
    }


def mounting(program: list[Object], name: str) -> list[Object]:
    for obj in program[:1]:
        obj["spec"]["template"]["spec"]["volumes"] = [{"name": "conf", "configMap": {"name": name}}]
    return program


def together(*containers: Object, ready: bool) -> list[Object]:
    owner = deployment("till", *containers, replicas=1, available=int(ready))
    made = replica_set(owner, 1, *containers, ready=int(ready))
    return [owner, made, pod(made, ready=ready)]


def with_init(state: Object, last: Object | None = None) -> list[Object]:
    owner, made, its_pod = running("till", "reg.example/till:1", ready=False)
    owner["spec"]["template"]["spec"]["initContainers"] = [{"name": "prepare", "image": "reg.example/prepare:1"}]
    its_pod["spec"] = owner["spec"]["template"]["spec"]
    its_pod["status"]["phase"] = "Pending"
    its_pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "PodInitializing"}}
    status = {"name": "prepare", "restartCount": 5, "state": state, "lastState": last or {}}
    its_pod["status"]["initContainerStatuses"] = [status]
    return [owner, made, its_pod]


def test_a_missing_variable_is_named_and_explains_the_crash() -> None:
    found = ranked(snapshot(*crashing("till", PORT="8080"), logs=log_of("till", *TRACE, previous=True)))
    assert [one.finding.fault for one in found] == ["missing_env_var"]
    assert found[0].finding.facts == {"variable": "QUEUE_URL"}
    assert found[0].confidence > 0.8


def test_a_variable_that_is_there_after_all_is_doubted() -> None:
    program = crashing("till", QUEUE_URL="amqp://queue")
    found = ranked(snapshot(*program, logs=log_of("till", *TRACE, previous=True)))
    assert all(one.confidence < 0.6 for one in found if one.finding.fault == "missing_env_var")


@pytest.mark.parametrize(
    "line", ["WARN QUEUE_URL is not set, using default amqp://local", "INFO optional variable TRACE_URL is not set"]
)
def test_a_default_that_is_used_accuses_nobody(line: str) -> None:
    found = causes(snapshot(*crashing("till"), logs=log_of("till", line, previous=True)))
    assert found == [("application_crash", "till")]


def test_a_running_program_that_complains_of_a_variable_is_well() -> None:
    assert causes(snapshot(*running("till", "a/till:1"), logs=log_of("till", "TOKEN is not set"))) == []


def test_a_configuration_that_cannot_be_read_is_named_with_its_file() -> None:
    line = "FATAL failed to parse config file /etc/till/config.yaml: yaml: line 3: mapping values are not allowed in this context"
    found = ranked(snapshot(*crashing("till"), logs=log_of("till", line, previous=True)))
    assert [one.finding.fault for one in found] == ["config_parse_error"]
    assert found[0].finding.facts == {"file": "/etc/till/config.yaml"}


@pytest.mark.parametrize(
    ("key", "text"),
    [("app__json", '{"port": 80,}'), ("app__yaml", "server:\n  port: 80\n bad: [1, 2"), ("app__yml", "a: b: c")],
)
def test_a_mounted_file_that_is_not_what_its_ending_says_is_found_without_a_log(key: str, text: str) -> None:
    program = mounting(crashing("till"), "till-conf")
    assert causes(snapshot(*program, config("till-conf", **{key: text})))[0] == ("config_parse_error", "till")


@pytest.mark.parametrize(
    ("key", "text"),
    [("app__json", '{"port": 80}'), ("app__yaml", "a: 1"), ("t__yaml", "{{ .Values.x }}: ["), ("x__txt", "{")],
)
def test_a_mounted_file_that_can_be_read_is_not_blamed_for_a_crash(key: str, text: str) -> None:
    program = mounting(crashing("till"), "till-conf")
    assert causes(snapshot(*program, config("till-conf", **{key: text}))) == [("application_crash", "till")]


def test_a_crash_without_a_reason_stays_a_crash() -> None:
    logs = log_of("till", "panic: runtime error: index out of range [3] with length 3", previous=True)
    assert causes(snapshot(*crashing("till"), logs=logs)) == [("application_crash", "till")]


def test_two_containers_of_one_pod_on_one_port_are_a_conflict_once_the_log_says_so() -> None:
    main, side = container("web"), container("proxy")
    logs = {LogKey(NS, "till-rs1-bcdfg", "proxy", False): f"{at(1)} listen tcp :8080: bind: address already in use"}
    found = ranked(snapshot(*together(main, side, ready=False), logs=logs))
    assert (found[0].finding.fault, found[0].finding.facts) == ("service_sidecar_port_conflict", {"port": 8080})
    assert found[0].confidence > 0.85


def test_a_port_in_a_variable_or_an_argument_counts_like_a_declared_one() -> None:
    main = {**container("web"), "ports": [], "env": variables(HTTP_PORT="9000")}
    side = {**container("proxy"), "ports": [], "args": ["--listen-addr=0.0.0.0:9000"]}
    assert causes(snapshot(*together(main, side, ready=False)))[0] == ("service_sidecar_port_conflict", "till")


def test_of_two_containers_on_one_port_the_one_that_falls_is_proof_enough() -> None:
    world = together(container("web"), container("proxy"), ready=False)
    fallen = {"name": "proxy", "ready": False, "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    world[2]["status"]["containerStatuses"][0]["ready"] = True
    world[2]["status"]["containerStatuses"].append(fallen)
    found = ranked(snapshot(*world))
    assert (found[0].finding.fault, found[0].confidence >= 0.8) == ("service_sidecar_port_conflict", True)


def test_a_pod_that_runs_with_a_port_declared_twice_is_no_sure_cause() -> None:
    assert all(
        one.confidence < 0.3 for one in ranked(snapshot(*together(container("web"), container("proxy"), ready=True)))
    )


def test_an_address_in_use_in_a_pod_of_one_container_is_no_conflict_of_containers() -> None:
    logs = log_of("till", "listen tcp :8080: bind: address already in use", previous=True)
    assert "service_sidecar_port_conflict" not in {fault for fault, _ in causes(snapshot(*crashing("till"), logs=logs))}


def test_an_init_container_that_fails_is_named_with_its_exit_code_and_words() -> None:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(2)}}
    logs = {LogKey(NS, "till-rs1-bcdfg", "prepare", False): "copying seeds\nerror: seeds are empty"}
    found = ranked(snapshot(*with_init({"waiting": {"reason": "CrashLoopBackOff"}}, ended), logs=logs))
    assert [one.finding.fault for one in found] == ["init_container_failed"]
    assert found[0].confidence > 0.8
    assert "seeds are empty" in found[0].finding.words.en


def test_an_init_container_that_names_its_reason_gives_way_to_it() -> None:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(2)}}
    logs = {LogKey(NS, "till-rs1-bcdfg", "prepare", False): 'FATAL: password authentication failed for user "till"'}
    found = causes(snapshot(*with_init({"waiting": {"reason": "CrashLoopBackOff"}}, ended), logs=logs))
    assert found == [("mysql_invalid_credentials", "till")]


def test_a_variable_that_an_init_container_lacks_is_the_init_containers_failure() -> None:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(2)}}
    logs = {LogKey(NS, "till-rs1-bcdfg", "prepare", False): "KeyError: 'SEED_URL'"}
    found = causes(snapshot(*with_init({"waiting": {"reason": "CrashLoopBackOff"}}, ended), logs=logs))
    assert found == [("init_container_failed", "till")]


def test_a_program_that_falls_every_few_minutes_crashes_even_while_it_runs() -> None:
    program = running("till", "a/till:1")
    last = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": at(9), "finishedAt": at(4)}}
    program[2]["status"]["containerStatuses"][0].update(restartCount=6, lastState=last)
    assert causes(snapshot(*program)) == [("application_crash", "till")]


def test_restarts_of_a_program_that_has_run_well_since_accuse_nobody() -> None:
    program = running("till", "a/till:1")
    last = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": at(55), "finishedAt": at(50)}}
    program[2]["status"]["containerStatuses"][0].update(restartCount=6, lastState=last)
    assert causes(snapshot(*program)) == []


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CreateContainerConfigError"])
def test_an_init_container_that_never_ran_is_another_fault(reason: str) -> None:
    found = causes(snapshot(*with_init({"waiting": {"reason": reason, "message": "x"}})))
    assert "init_container_failed" not in {fault for fault, _ in found}


def test_an_init_container_that_is_done_accuses_nobody() -> None:
    found = causes(snapshot(*with_init({"terminated": {"exitCode": 0}})))
    assert "init_container_failed" not in {fault for fault, _ in found}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("java.lang.OutOfMemoryError: unable to create native thread", "thread_exhaustion"),
        ("accept4: too many open files; retrying in 1s", "file_descriptor_exhaustion"),
        ("Found one Java-level deadlock:", "deadlock"),
        ("watchdog: no progress for 120 s, worker stuck", "deadlock"),
    ],
)
def test_what_a_program_ran_out_of_is_what_it_says(line: str, fault: str) -> None:
    found = causes(snapshot(*running("till", "a/till:1", ready=False), logs=log_of("till", "started", line, line)))
    assert found[0] == (fault, "till")


def test_a_deadlock_of_transactions_is_the_databases_daily_business() -> None:
    line = "ERROR Deadlock found when trying to get lock; try restarting transaction"
    assert causes(snapshot(*running("till", "a/till:1"), logs=log_of("till", line, "order 1 served"))) == []


def test_calls_that_fail_are_a_symptom_of_the_caller_and_never_a_cause() -> None:
    snap = snapshot(
        *running("till", "a/till:1"), logs=log_of("till", "ERROR dial tcp 10.96.0.3:8080: connect: connection refused")
    )
    assert causes(snap) == []
