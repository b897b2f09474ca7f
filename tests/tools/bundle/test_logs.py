"""Logs of a bundle: found where two tools put them, streamed, shared out, and cut at both ends where they are long."""

from pathlib import Path

import pytest

from tests.tools.bundle.folder import pod, put, snapshot_of, whys
from tools.bundle import logs
from tools.bundle.read import read_bundle
from tools.engines.snapshot import LogKey

APP = LogKey("town", "baker-1", "app")


def test_current_and_previous_logs_are_found_by_their_path(tmp_path: Path) -> None:
    put(tmp_path, "logs/town/baker-1/app.log", "one\ntwo\n")
    put(tmp_path, "logs/town/baker-1/app.previous.log", "panic: no\n")
    found = snapshot_of(tmp_path, objects__a=pod()).logs
    assert found[APP].lines == 2
    assert found[LogKey("town", "baker-1", "app", True)].tail == ("panic: no",)


def test_a_dump_of_kubectl_holds_the_logs_of_all_containers_in_one_file(tmp_path: Path) -> None:
    text = (
        "==== START logs for container init of pod town/baker-1 ====\nset up\n"
        "==== END logs for container init of pod town/baker-1 ====\n"
        "==== START logs for container app of pod town/baker-1 ====\nready\nserving\n"
        "==== END logs for container app of pod town/baker-1 ====\n"
        "==== START logs for container side of pod town/baker-1 ====\n"
        'Request log error: container "side" in pod "baker-1" is waiting to start\n'
        "==== END logs for container side of pod town/baker-1 ====\n"
    )
    put(tmp_path, "town/baker-1/logs.txt", text)
    found = read_bundle(tmp_path).logs
    assert found[LogKey("town", "baker-1", "init")].tail == ("set up",)
    assert found[APP].tail == ("ready", "serving")
    assert found[LogKey("town", "baker-1", "side")].lines == 0


def test_marks_across_the_edge_of_what_is_read_at_once_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "CHUNK", 1000)
    part = "==== START logs for container c{0} of pod town/p ====\nline {0}\n==== END logs for container c{0} of pod town/p ====\n"
    put(tmp_path, "town/p/logs.txt", "".join(part.format(number) for number in range(60)))
    found = read_bundle(tmp_path).logs
    assert [found[LogKey("town", "p", f"c{number}")].tail for number in range(60)] == [
        (f"line {number}",) for number in range(60)
    ]


def test_a_long_log_is_read_at_its_beginning_and_its_end_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_TEXT", 4000)
    put(tmp_path, "logs/town/baker-1/app.log", "FATAL first\n" + "nothing happens here\n" * 2000 + "FATAL last\n")
    found = read_bundle(tmp_path)
    log = found.logs[APP]
    assert log.lines < 300
    assert log.tail[-1] == "FATAL last"
    assert "4000 together" in log.cut
    assert any("FATAL first" in str(pattern) for pattern in log.patterns)
    assert whys(found, str(APP))


def test_who_is_in_trouble_gets_a_larger_share_and_who_says_little_leaves_its_own() -> None:
    assert (
        logs._shares([(16.0, 1000), (1.0, 1000), (1.0, 10)], 500) == [461, 28, 10]
        or sum(logs._shares([(16.0, 1000), (1.0, 1000), (1.0, 10)], 500)) <= 500
    )
    shares = logs._shares([(16.0, 1000), (1.0, 1000), (1.0, 10)], 500)
    assert shares[0] > 10 * shares[1]
    assert shares[2] == 10
    assert logs._shares([(1.0, 5), (1.0, 7)], 500) == [5, 7]


def test_the_log_of_a_pod_in_trouble_is_whole_beside_many_that_are_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_TEXT", 20_000)
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    pods = [pod("sick"), *(pod(f"well-{number}", status=ready) for number in range(20))]
    for one in pods:
        put(tmp_path, f"logs/town/{one['metadata']['name']}/app.log", "a line of a log\n" * 500)
    found = snapshot_of(tmp_path, objects__pods=pods).logs
    assert not found[LogKey("town", "sick", "app")].cut
    assert found[LogKey("town", "well-3", "app")].cut


def test_a_line_without_end_and_bytes_that_are_no_text_are_read(tmp_path: Path) -> None:
    put(tmp_path, "logs/town/baker-1/app.log", b"x" * 100_000 + b"\n\xff\xfe\x00 odd\r\n\n\n")
    assert read_bundle(tmp_path).logs[APP].lines > 1


def test_a_log_directly_under_its_pod_belongs_to_the_only_container(tmp_path: Path) -> None:
    put(tmp_path, "logs/town/baker-1.log", "hello\n")
    known = pod(status={"containerStatuses": [{"name": "app"}]})
    assert APP in snapshot_of(tmp_path, objects__a=known).logs


def test_a_log_of_nobody_is_a_gap(tmp_path: Path) -> None:
    put(tmp_path, "logs/stray.log", "hello\n")
    assert whys(read_bundle(tmp_path), "logs/stray.log")
