"""What a program makes of its start, its settings and its checks, each part asked alone and row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.apps import Language, Tool
from simulator.conditions import Kind
from simulator.programs import Exit, Launch, come_up
from simulator.programs.ageing import age
from simulator.programs.answers import AWAITING, Check, Patient, answer, is_late
from simulator.programs.commands import base, missing
from simulator.programs.complaints import complaint
from simulator.programs.configuration import Wrong, wrong
from simulator.programs.defects import Defect
from simulator.programs.last_words import address_in_use, crash, crash_code, missing_variable
from simulator.programs.ports import listening
from simulator.programs.process import MOST_DESCRIPTORS, MOST_THREADS, Process, Trouble
from simulator.programs.shell import is_script, run
from simulator.shop import CATALOGUE, SESSION_CACHE, SHOP_DB

LANGUAGES: tuple[Language, ...] = ("go", "python", "java", "node", "c")
TOOL = Tool("busybox:1.36", programs=("migrate",))
PROGRAM = replace(CATALOGUE, typed=(), required_env=(), routes=(), config_file="", data_dir="")


def launch(*command: str, **given: Any) -> Launch:
    usual: dict[str, Any] = {"app": None, "tool": TOOL, "env": {}, "files": {}, "args": (), "ports_taken": frozenset()}
    return Launch("registry:5000/team/busybox:1.36", command=command, **{**usual, "runs_here": True, **given})


@pytest.mark.parametrize(
    ("image", "name"),
    [("busybox", "busybox"), ("registry:5000/team/search:1.2", "search"), ("shop/search@sha256:ab", "search")],
)
def test_a_program_is_named_by_the_last_part_of_its_image(image: str, name: str) -> None:
    assert base(image) == name


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("sleep", ""),
        ("/bin/sleep", ""),
        ("./migrate", ""),
        ("serve", 'exec: "serve": executable file not found in $PATH'),
        ("/srv/sleep", 'exec: "/srv/sleep": stat /srv/sleep: no such file or directory'),
        ("/app", 'exec: "/app": is a directory'),
        ("/etc/x/", 'exec: "/etc/x/": is a directory'),
        ("/etc/x/run.sh", 'exec: "/etc/x/run.sh": permission denied'),
        (" ", 'exec: " ": executable file not found in $PATH'),
    ],
)
def test_the_runtime_says_why_it_cannot_execute_something(wanted: str, said: str) -> None:
    assert missing(launch(files={"/etc/x/run.sh": "true"}), wanted) == said


@pytest.mark.parametrize(
    ("script", "code", "seconds", "lines"),
    [
        ("true", 0, 0.1, ()),
        ("sleep 3; exit 4; sleep 9", 4, 3.1, ()),
        ("false && echo no", 1, 0.1, ()),
        ("false || echo 'yes'", 0, 0.1, ("yes",)),
        ("true || echo no", 0, 0.1, ()),
        ("false; echo on", 0, 0.1, ("on",)),
        ("set -e; false; echo no", 1, 0.1, ()),
        ("nothing", 127, 0.1, ("sh: nothing: not found",)),
        ("/etc/x/run.sh", 126, 0.1, ("sh: /etc/x/run.sh: Permission denied",)),
        ("A=1; wget http://x", 0, 0.6, ()),
    ],
)
def test_a_script_ends_with_the_code_of_its_last_command(
    script: str, code: int, seconds: float, lines: tuple[str, ...]
) -> None:
    end = run(launch("sh", "-c", script, files={"/etc/x/run.sh": "true"}))
    assert end is not None
    assert (end.code, end.lines) == (code, lines)
    assert end.after == pytest.approx(seconds)


@pytest.mark.parametrize("script", ["sleep infinity", "exec migrate", "sleep 1; migrate up"])
def test_a_script_that_waits_or_becomes_the_program_does_not_end(script: str) -> None:
    assert run(launch("sh", "-c", script)) is None


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        ((), False),
        (("sh", "-c", "true"), True),
        (("/bin/bash", "-ec", "true"), True),
        (("sh", "run.sh"), False),
        (("sleep", "5"), True),
        (("migrate",), False),
    ],
)
def test_a_script_is_what_is_handed_to_a_shell(command: tuple[str, ...], is_one: bool) -> None:
    assert is_script(launch(*command)) is is_one


@pytest.mark.parametrize(
    ("words", "env", "ports"),
    [
        ((), {}, (8080, 9090)),
        (("--port=7000",), {}, (7000, 9090)),
        (("-listen=:7000",), {}, (7000, 9090)),
        (("--web.listen-address=0.0.0.0:7000",), {}, (7000, 9090)),
        (("--portal=7000",), {}, (8080, 9090)),
        ((), {"PORT": "7000"}, (7000, 9090)),
        ((), {"PORT": "http"}, (8080, 9090)),
        (("--port=7000",), {"PORT": "6000"}, (7000, 9090)),
    ],
)
def test_a_flag_goes_before_the_variable_and_both_before_the_usual_port(
    words: tuple[str, ...], env: dict[str, str], ports: tuple[int, ...]
) -> None:
    assert listening(replace(PROGRAM, port=8080, admin_ports=(9090,)), None, words, env) == ports


def test_a_tool_without_ports_does_not_listen_for_the_sake_of_a_variable() -> None:
    assert listening(None, TOOL, (), {"PORT": "7000"}) == ()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("whole number", ("0", "12"), ("", "-1", "1.5", "ten")),
        ("log level", ("info", "WARN"), ("", "verbose")),
        ("switch", ("on", "False", "0"), ("", "maybe", "2")),
        ("duration", ("5s", "250ms", "1h"), ("", "5", "s", "5 s", "1d")),
        ("currency", ("EUR",), ("", "eur", "EURO")),
    ],
)
def test_a_typed_variable_is_read_or_named(kind: Any, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    app = replace(PROGRAM, typed=(("IT", kind),))
    assert [wrong(app, {"IT": value}, {}) for value in good] == [None] * len(good)
    assert [wrong(app, {"IT": value}, {}) for value in bad] == [Wrong("IT", kind, value) for value in bad]
    assert wrong(app, {}, {}) is None


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("x.yaml", "a: 1\nb:\n  - 2\n", None),
        ("x.yaml", "a: 1\nb: c: d\n", 2),
        ("x.yml", "a: 1\n\tb: 2\n", 2),
        ("x.yaml", "day: 2024-13-45\n", 1),
        ("x.json", '{"a": 1}', None),
        ("x.json", '{"a": 1,\n}', 2),
        ("x.conf", "# note\n[part]\na = 1\nmaxmemory 1gb\n", None),
        ("x.conf", "a = 1\nrubbish\n", 2),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_at_its_line(file: str, text: str, line: int | None) -> None:
    app = replace(PROGRAM, config_file=file)
    found = wrong(app, {}, {app.config_path: text})
    assert (found.line if found else None) == line
    assert wrong(app, {}, {}) is None


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"runs_here": False}, 255, "exec format error"),
        ({"app": replace(PROGRAM, required_env=("DB_URL",))}, 1, "DB_URL"),
        ({"app": replace(PROGRAM, typed=(("LEVEL", "switch"),)), "env": {"LEVEL": "up"}}, 1, "LEVEL"),
        ({"app": replace(PROGRAM, data_dir="/data"), "may_write": False}, 1, "permission denied"),
        ({"app": PROGRAM, "ports_taken": frozenset({PROGRAM.port})}, 1, "address already in use"),
        ({"tool": replace(TOOL, seconds=10.0, exit_code=3, lines=("done",))}, 3, "done"),
    ],
)
def test_a_start_fails_for_the_thing_it_lacks(given: dict[str, Any], code: int, said: str) -> None:
    end = come_up(launch(**given))
    assert end is not None
    assert end.code == code
    assert said in repr(end.lines)


def test_a_start_that_lacks_nothing_stays_up() -> None:
    assert come_up(launch(app=PROGRAM)) is None
    assert come_up(launch()) is None


def test_what_is_found_out_first_is_what_is_said() -> None:
    app = replace(PROGRAM, required_env=("DB_URL",), typed=(("LEVEL", "switch"),))
    lacking = launch(app=app, env={"LEVEL": "up"}, ports_taken=frozenset({app.port}))
    assert "DB_URL" in repr(come_up(lacking))
    assert come_up(replace(lacking, runs_here=False)) == Exit(
        255, 0.1, ("exec /usr/local/bin/catalogue: exec format error",)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_dies_in_its_own_manner(language: Language) -> None:
    app = replace(PROGRAM, language=language)
    assert "DB_URL" in repr(missing_variable(app, "DB_URL"))
    assert "7000" in repr(address_in_use(app, 7000))
    assert crash(app)
    assert crash_code(app) == (139 if language == "c" else 2 if language == "go" else 1)


def test_the_last_words_of_the_languages_differ() -> None:
    assert len({repr(crash(replace(PROGRAM, language=each))) for each in LANGUAGES}) == len(LANGUAGES)


def test_servers_have_words_of_their_own() -> None:
    assert "Could not create server TCP listening socket *:6379" in repr(address_in_use(SESSION_CACHE, 6379))
    assert "superuser password is not specified" in repr(missing_variable(SHOP_DB, "POSTGRES_PASSWORD"))


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        ({}, Trouble()),
        ({"defect": Defect(error_share=0.3)}, Trouble(errors=0.3)),
        ({"descriptors": MOST_DESCRIPTORS, "defect": Defect(error_share=0.3)}, Trouble(errors=0.9)),
        ({"threads": MOST_THREADS, "descriptors": MOST_DESCRIPTORS}, Trouble(hangs=0.9)),
        ({"is_stuck": True, "threads": MOST_THREADS}, Trouble(hangs=1.0)),
        ({"threads": MOST_THREADS - 1, "descriptors": MOST_DESCRIPTORS - 1}, Trouble()),
    ],
)
def test_the_worst_trouble_of_a_process_is_the_one_it_has(state: dict[str, Any], trouble: Trouble) -> None:
    assert Process(PROGRAM, None, (8080,), **state).trouble == trouble


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, None),
        ({"is_stuck": True, "threads": MOST_THREADS}, None),
        ({"threads": MOST_THREADS}, "cannot start a worker"),
        ({"descriptors": MOST_DESCRIPTORS}, "cannot accept connection"),
        ({"defect": Defect(error_share=0.3)}, "unhandled error in request"),
    ],
)
def test_a_process_complains_of_what_ails_it(state: dict[str, Any], message: str | None) -> None:
    said = complaint(PROGRAM, Process(PROGRAM, None, (8080,), **state))
    assert (said.message if said else None) == message


def test_losses_of_the_build_and_of_the_process_add_up_by_the_minute() -> None:
    process = Process(PROGRAM, None, (8080,), defect=Defect(leaks_mib=2.0, leaks_threads=100.0))
    pressed = {Kind.LEAKED_MEMORY: 1.0, Kind.LEAKED_DESCRIPTORS: 4.0}
    assert not age(process, 30, 30, lambda kind: pressed.get(kind, 0.0))
    assert (process.leaked_mib, process.threads, process.descriptors) == (1.5, 50.0, 2.0)


@pytest.mark.parametrize(("uptime", "hangs"), [(59.0, False), (60.0, True)])
def test_a_process_hangs_at_its_hour_and_says_that_it_changed(uptime: float, hangs: bool) -> None:
    process = Process(PROGRAM, None, (8080,), defect=Defect(hangs_after=60.0))
    assert age(process, 1, uptime, lambda _kind: 0.0) is hangs
    assert process.is_stuck is hangs
    assert not age(process, 1, uptime, lambda _kind: 0.0)


def asked(process: Process | None, *command: str, dice: float = 0.5) -> Patient:
    return Patient("10.244.1.7", process, launch(*command), dice)


HTTP = Process(replace(PROGRAM, routes=CATALOGUE.routes), None, (8080,), is_listening=True)
CACHE = Process(SESSION_CACHE, None, (6379,), is_listening=True)
GET = 'Get "http://10.244.1.7:8080/healthz": '


@pytest.mark.parametrize(
    ("process", "spec", "said"),
    [
        (HTTP, {"httpGet": {"path": "/healthz"}}, None),
        (HTTP, {"httpGet": {"path": "/healthz?full=1"}}, None),
        (HTTP, {"httpGet": {"path": "/nothing"}}, "HTTP probe failed with statuscode: 404"),
        (None, {"httpGet": {"path": "/healthz"}}, GET + "dial tcp 10.244.1.7:8080: connect: connection refused"),
        (replace(HTTP, lag=1.5), {"httpGet": {"path": "/healthz"}}, GET + AWAITING),
        (
            HTTP,
            {"httpGet": {"path": "/", "scheme": "HTTPS"}},
            'Get "https://10.244.1.7:8080/": http: server gave HTTP response to HTTPS client',
        ),
        (HTTP, {"tcpSocket": {}}, None),
        (replace(HTTP, lag=9.0), {"tcpSocket": {}}, None),
        (None, {"tcpSocket": {"host": "10.0.0.9"}}, "dial tcp 10.0.0.9:8080: connect: connection refused"),
        (
            None,
            {"grpc": {}},
            'timeout: failed to connect service "10.244.1.7:8080" within 1s: context deadline exceeded',
        ),
        (CACHE, {"exec": {"command": ["true"]}}, None),
        (CACHE, {"exec": {"command": ["sh", "-c", "echo no; exit 1"]}}, "no"),
        (CACHE, {"exec": {"command": ["wget", "-q", "localhost"]}}, None),
        (None, {"exec": {"command": ["wget"]}}, "wget: could not connect: Connection refused"),
        (replace(CACHE, lag=2.0), {"exec": {"command": ["wget", "-q"]}}, 'command "wget -q" timed out'),
        (CACHE, {"exec": {}}, None),
        (None, {}, None),
    ],
)
def test_a_check_is_answered_in_the_words_of_who_asks(process: Process | None, spec: Any, said: str | None) -> None:
    assert answer(asked(process), Check(spec, 8080, 1.0)) == said


@pytest.mark.parametrize(
    ("state", "dice", "late"),
    [
        ({}, 0.0, False),
        ({"lag": 1.0}, 0.0, False),
        ({"lag": 1.1}, 0.9, True),
        ({"shed": 0.5}, 0.0, False),
        ({"shed": 0.75}, 0.49, True),
        ({"shed": 0.75}, 0.5, False),
        ({"descriptors": MOST_DESCRIPTORS}, 0.9, True),
        ({"is_stuck": True}, 0.9, False),
    ],
)
def test_a_check_is_late_only_when_the_queue_is_hopeless(state: dict[str, Any], dice: float, late: bool) -> None:
    assert is_late(asked(replace(HTTP, **state), dice=dice), Check({}, 8080, 1.0)) is late
