"""Log files: what is kept, what a program says, and how each kind of program words it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from simulator.apps import LogStyle
from simulator.kubelet import ContainerRun, Phase, PodRun
from simulator.logs import LogBook
from simulator.logs.book import KEPT_LINES
from simulator.logs.styles import render
from simulator.objects import name_of
from tests.simulator.worlds import Watch, small_world, whole_world

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)


def running() -> tuple[LogBook, PodRun, ContainerRun]:
    container = ContainerRun("web", "shop/web:1", Phase.READY)
    run = PodRun("uid-1", "shop", "web-0", "node-1", "10.0.0.1", NOON, {"web": container})
    book = LogBook()
    book.open(run, container)
    return book, run, container


def texts(book: LogBook, run: PodRun, container: ContainerRun, *, previous: bool) -> list[str] | None:
    lines = book.read(run, container, previous=previous)
    return None if lines is None else [line.text for line in lines]


def test_a_container_that_never_ran_has_no_file() -> None:
    book, run, _ = running()
    assert book.read(run, ContainerRun("other", ""), previous=False) is None


def test_the_file_of_the_run_before_is_kept_beside_the_present_one() -> None:
    book, run, container = running()
    book.write(run, container, NOON, "first life")
    assert texts(book, run, container, previous=True) is None
    book.open(run, container)
    book.write(run, container, NOON, "second life")
    assert texts(book, run, container, previous=True) == ["first life"]
    assert texts(book, run, container, previous=False) == ["second life"]


def test_while_a_crashed_container_waits_its_last_words_are_the_previous_ones() -> None:
    book, run, container = running()
    book.write(run, container, NOON, "last words")
    container.phase = Phase.CRASH_BACKOFF
    assert texts(book, run, container, previous=True) == ["last words"]
    assert texts(book, run, container, previous=False) == ["last words"]


def test_a_file_keeps_only_its_newest_lines() -> None:
    book, run, container = running()
    for number in range(KEPT_LINES + 10):
        book.write(run, container, NOON, str(number))
    kept = texts(book, run, container, previous=False) or []
    assert len(kept) == KEPT_LINES
    assert kept[-1] == str(KEPT_LINES + 9)


def test_files_go_with_their_pod() -> None:
    book, run, container = running()
    book.keep_only({"uid-2"})
    assert book.read(run, container, previous=False) is None


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("logfmt", 'time=2026-03-02T12:00:00.250Z level=error msg="call failed" to=db error="no route"'),
        ("redis", "1:M 02 Mar 2026 12:00:00.250 # call failed"),
        ("postgres", "2026-03-02 12:00:00.250 UTC [1] ERROR:  call failed"),
        ("rabbitmq", "2026-03-02 12:00:00.250000+00:00 [error] <0.200.0> call failed"),
        ("access", "2026/03/02 12:00:00 [error] call failed, to: db, error: no route"),
        ("plain", "2026-03-02 12:00:00,250 ERROR   [worker] call failed to=db error=no route"),
        (
            "spring",
            (
                "2026-03-02T12:00:00.250Z ERROR 1 --- [     nio-exec-1] c.e.web.RequestLog                       : "
                "call failed, to=db, error=no route"
            ),
        ),
        (
            "nested",
            (
                '{"@timestamp": "2026-03-02T12:00:00.250Z", "log": {"level": "error"}, "message": "call failed", '
                '"labels": {"to": "db"}, "error": {"message": "no route"}}'
            ),
        ),
    ],
)
def test_each_kind_of_program_words_a_line_its_own_way(style: LogStyle, line: str) -> None:
    assert render(style, NOON, "error", "call failed", {"to": "db", "error": "no route"}) == line


def test_json_lines_are_json() -> None:
    line = json.loads(render("json", NOON, "info", 'say "hi"', {"status": 200}))
    assert line == {"ts": "2026-03-02T12:00:00.250Z", "level": "info", "message": 'say "hi"', "status": 200}


def test_an_edge_writes_access_lines() -> None:
    fields: dict[str, str | int | float] = {
        "client": "203.0.113.9",
        "method": "GET",
        "path": "/",
        "status": 503,
        "duration_ms": 4,
    }
    line = render("access", NOON, "error", "request", fields)
    assert line == '203.0.113.9 - - [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 503 4ms'


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(small_world()).after(120)


def test_a_program_says_its_version_when_it_starts_and_its_port_when_it_is_ready() -> None:
    watch = Watch(small_world())
    watch.scale("search", 3)
    (new,) = [pod for pod in watch.pods("search") if pod["status"]["phase"] == "Pending"]
    watch.after(40)
    lines = watch.world.read_log("shop", name_of(new), "search", previous=False) or []
    assert 'msg="starting search" version=2.4.1' in lines[0].text
    assert any("listening on :8080" in line.text for line in lines)


def test_lines_are_in_the_order_of_time_and_not_from_the_future(watch: Watch) -> None:
    for pod in watch.pods("catalogue"):
        lines = watch.world.read_log("shop", name_of(pod), "catalogue", previous=False) or []
        moments = [line.at for line in lines]
        assert moments == sorted(moments)
        assert watch.world.clock.now() - timedelta(minutes=2) < moments[-1] <= watch.world.clock.now()


def test_request_lines_have_the_latency_the_metrics_show(watch: Watch) -> None:
    durations = [json.loads(line)["duration_ms"] for line in watch.log("catalogue") if '"status": 200' in line]
    assert len(durations) > 10
    assert 4 < sum(durations) / len(durations) < 20


def test_a_database_writes_housekeeping_not_requests(watch: Watch) -> None:
    assert not any("SELECT" in line for line in watch.log("shop-db"))
    assert any("LOG:  " in line for line in watch.log("shop-db"))


def test_a_pod_that_does_not_exist_has_no_log(watch: Watch) -> None:
    assert watch.world.read_log("shop", "nobody", "search", previous=False) is None


def test_a_java_program_writes_the_exception_with_its_causes_on_lines_of_their_own() -> None:
    error = (
        "com.mysql.cj.X: Communications link failure; nested exception is java.net.ConnectException: Connection refused"
    )
    head, first, *rest = render("spring", NOON, "error", "failed", {"dependency": "db", "error": error}).split("\n")
    assert head.endswith("c.e.client.DependencyClient              : failed, dependency=db")
    assert first == "com.mysql.cj.X: Communications link failure"
    assert "Caused by: java.net.ConnectException: Connection refused" in rest
    assert all(line.startswith(("\tat ", "\t... ", "Caused by: ")) for line in rest)


def test_each_line_of_a_text_is_a_line_of_the_file() -> None:
    book, run, container = running()
    book.write(run, container, NOON, "one\ntwo")
    assert texts(book, run, container, previous=False) == ["one", "two"]


def test_some_teams_write_chinese_and_their_libraries_do_not() -> None:
    watch = Watch(whole_world())
    watch.inject("mysql_invalid_port", "accounts")
    log = watch.after(120).log("accounts")
    assert any("处理请求" in line or "调用依赖服务失败" in line for line in log)
    assert any(line.startswith("Caused by: java.net.ConnectException: Connection refused") for line in log)
    assert any("服务已启动，监听端口 :8080" in line for line in log)
    inventory = Watch(watch.world, "fulfilment").log("inventory")
    assert "处理请求" in {json.loads(line)["message"] for line in inventory if line.startswith("{")}
