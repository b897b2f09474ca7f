"""A folder of files becomes a Snapshot: each part by its place, garbage by name, and nothing outside the folder."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tools.bundle.folder import listing, pod, snapshot_of, written
from tools.bundle import folder as folders
from tools.bundle import limits, times
from tools.bundle.read import read_bundle
from tools.bundle.telemetry import alerts, probes, series_in
from tools.engines.snapshot import LogKey, Snapshot

TAKEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
POD = {"kind": "Pod", "metadata": {"name": "baker-1", "namespace": "town"}}


def put(root: Path, path: str, content: Any) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        target.write_bytes(content)
    else:
        target.write_text(content if isinstance(content, str) else json.dumps(content))


def whole(root: Path) -> Path:
    put(root, "meta.json", {"taken_at": TAKEN.isoformat(), "cluster": "harbour", "namespace": "town"})
    put(
        root, "objects/pods.json", {"kind": "PodList", "items": [POD, {"metadata": {"name": "b", "namespace": "town"}}]}
    )
    put(root, "objects/deep/er/service.yaml", "kind: Service\nmetadata: {name: baker, namespace: town}\n")
    put(root, "objects/nodes.json", {"kind": "List", "items": [{"kind": "Node", "metadata": {"name": "n1"}}]})
    put(root, "objects/events.json", {"kind": "EventList", "items": []})
    put(root, "logs/town/baker-1/app.log", "one\ntwo\n")
    put(root, "logs/town/baker-1/app.previous.log", "panic: gone\n")
    matrix = {
        "metric": {
            "__name__": "container_memory_working_set_bytes",
            "namespace": "town",
            "pod": "baker-1",
            "container": "app",
        }
    }
    end = TAKEN.timestamp()
    matrix["values"] = [[end - 60, "1e6"], [end - 30, "2e6"], [end, "3e6"]]  # type: ignore[assignment]  # as JSON has it
    put(root, "metrics/memory.json", {"status": "success", "data": {"resultType": "matrix", "result": [matrix]}})
    put(
        root,
        "alerts.json",
        [{"labels": {"alertname": "Slow"}, "startsAt": TAKEN.isoformat(), "status": {"state": "active"}}],
    )
    put(
        root,
        "probes.json",
        [{"kind": "tcp", "from": None, "target": "town/baker:80", "ok": False, "detail": "refused"}],
    )
    return root


def dump_of(container: str, text: str) -> str:
    about = f"logs for container {container} of pod town/baker-1 ===="
    return f"==== START {about}\n{text}\n==== END {about}\n"


def whys(snapshot: Snapshot) -> str:
    return "\n".join(f"{gap.what}: {gap.why}" for gap in snapshot.gaps)


def test_every_part_of_a_bundle_is_read_and_nothing_is_missing(tmp_path: Path) -> None:
    found = read_bundle(whole(tmp_path))
    assert sorted(obj["kind"] for obj in found.objects) == ["Node", "Pod", "Pod", "Service"]
    assert (found.taken_at, found.context, found.namespace) == (TAKEN, "harbour", "town")
    assert found.logs[LogKey("town", "baker-1", "app", True)].tail == ("panic: gone",)
    assert found.metrics["memory"][0].last == 3e6
    assert [alert.name for alert in found.alerts] == ["Slow"]
    assert [(probe.target, probe.ok) for probe in found.probes] == [("town/baker:80", False)]
    assert found.gaps == []
    assert {"Pod", "Node", "Event"} <= found.kinds_read
    assert "Service" not in found.kinds_read


@pytest.mark.parametrize("part", ["objects", "logs", "metrics", "alerts", "probes"])
def test_a_part_that_is_absent_is_a_gap(tmp_path: Path, part: str) -> None:
    whole(tmp_path)
    for path in [*tmp_path.glob(f"{part}/**/*.*"), *tmp_path.glob(f"{part}.json")]:
        path.unlink()
    assert part in [gap.what for gap in read_bundle(tmp_path).gaps]


def test_a_kind_that_decides_and_is_absent_is_a_gap(tmp_path: Path) -> None:
    (whole(tmp_path) / "objects/events.json").unlink()
    assert "Event objects: the bundle has none" in whys(read_bundle(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("objects/cut.json", '{"kind": "Pod", "meta', "no JSON"),
        ("objects/random.json", bytes(range(256)) * 40, "no JSON"),
        ("objects/odd.yaml", "a: [1, 2", "no YAML"),
        ("objects/bomb.yaml", BOMB, "aliases"),
        ("objects/number.json", "7", "no objects"),
        ("metrics/text.json", '{"status": "error"}', "no answer of Prometheus"),
        ("logs/lonely.log", "hello", "whose container its path does not tell"),
    ],
)
def test_what_cannot_be_understood_is_named_and_the_rest_is_read(
    tmp_path: Path, name: str, content: Any, why: str
) -> None:
    put(whole(tmp_path), name, content)
    found = read_bundle(tmp_path)
    assert len(found.objects) == 4
    assert any(gap.what == name and why in gap.why for gap in found.gaps), whys(found)


def test_one_bad_byte_costs_no_object(tmp_path: Path) -> None:
    put(tmp_path, "objects/pod.json", b'{"kind": "Pod", "metadata": {"name": "a\xff"}}')
    assert [obj["metadata"]["name"] for obj in read_bundle(tmp_path).objects] == ["a�"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_is_refused_wherever_it_points(tmp_path: Path, folder: bool) -> None:
    secret = tmp_path / "elsewhere"
    put(secret, "pod.json", POD)
    root = tmp_path / "bundle"
    (root / "objects").mkdir(parents=True)
    (root / "objects/link.json").symlink_to(secret if folder else secret / "pod.json")
    found = read_bundle(root)
    assert found.objects == []
    assert "objects/link.json: a link" in whys(found)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "objects.json")
    assert "no plain file" in whys(read_bundle(tmp_path))


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_folder_is_a_gap_and_never_healthy(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    found = read_bundle(tmp_path / name)
    assert found.objects == []
    assert found.gaps


def test_the_folder_that_kubectl_dumps_is_read_as_it_is(tmp_path: Path) -> None:
    put(tmp_path, "nodes.json", {"kind": "NodeList", "apiVersion": "v1", "items": [{"metadata": {"name": "n1"}}]})
    put(tmp_path, "town/pods.json", {"kind": "PodList", "apiVersion": "v1", "items": [POD]})
    put(tmp_path, "town/replication-controllers.json", {"kind": "ReplicationControllerList", "items": []})
    dumped = dump_of("app", "up") + dump_of("side", "first\nsecond")
    put(tmp_path, "town/baker-1/logs.txt", dumped)
    found = read_bundle(tmp_path)
    assert [(obj["kind"], obj["metadata"]["name"]) for obj in found.objects] == [("Node", "n1"), ("Pod", "baker-1")]
    assert found.logs[LogKey("town", "baker-1", "app")].tail == ("up",)
    assert found.logs[LogKey("town", "baker-1", "side")].tail == ("first", "second")


def test_a_line_without_an_end_is_cut(tmp_path: Path) -> None:
    put(tmp_path, "logs/town/a/app.log", b"x" * 5_000_000)
    log = read_bundle(tmp_path).logs[LogKey("town", "a", "app")]
    assert len(log.tail[0]) <= limits.MAX_LINE


def test_of_files_broken_in_hundreds_of_ways_some_are_named_and_the_rest_counted() -> None:
    refusals = folders.Refusals()
    for number in range(limits.MAX_GAPS + 20):
        refusals.add(f"{number}.json", f"reason {number}")
    found = list(refusals.gaps())
    assert len(found) == limits.MAX_GAPS + 1
    assert found[-1].what == "20 more"


def test_without_a_time_the_newest_in_the_data_is_taken(tmp_path: Path) -> None:
    event = {"kind": "Event", "metadata": {"name": "e"}, "lastTimestamp": "2026-03-02T08:59:00Z"}
    put(tmp_path, "objects/e.json", event)
    found = read_bundle(tmp_path)
    assert found.taken_at == TAKEN - timedelta(minutes=1)
    assert "meta.json does not say" in whys(found)


def test_clocks_that_differ_are_told(tmp_path: Path) -> None:
    late = {"kind": "Event", "metadata": {"name": "e"}, "lastTimestamp": (TAKEN + timedelta(hours=2)).isoformat()}
    put(whole(tmp_path), "objects/late.json", late)
    assert "later than taken_at" in whys(read_bundle(tmp_path))


@pytest.mark.parametrize(
    "document",
    [
        [{"metric": {"__name__": "up"}, "values": [[1, "1"]]}],
        {"result": [{"metric": {"__name__": "up"}, "values": [[1, "1"]]}]},
        {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": {"__name__": "up"}, "value": [1, "1"]}]},
        },
        {"up": {"data": {"result": [{"metric": {"__name__": "up"}, "values": [[1, "1"]]}]}}},
    ],
)
def test_every_envelope_of_an_answer_is_opened(document: Any) -> None:
    assert [(labels["__name__"], len(points)) for _, labels, points in series_in("x", document)] == [("up", 1)]


@pytest.mark.parametrize(
    "garbage", [None, 7, "x", [], {}, [[]], {"items": 3}, {"alerts": [3]}, {"data": {"alerts": "x"}}]
)
def test_alerts_and_probes_are_read_out_of_anything(garbage: Any) -> None:
    assert alerts(garbage) == []
    assert probes(garbage) == []


def test_logs_ahead_by_a_zone_are_told_and_do_not_forbid_to_say_healthy() -> None:
    taken = datetime(2026, 3, 2, 9, tzinfo=UTC)
    at, (gap,) = times.settled(taken, {"logs": taken + timedelta(hours=7, minutes=30), "objects": taken}, taken)
    assert (at, gap.deciding) == (taken, False)
    assert "local time" in gap.why


@pytest.mark.parametrize(
    "seen", [{"logs": timedelta(hours=20)}, {"logs": timedelta(hours=7), "objects": timedelta(hours=7)}]
)
def test_clocks_that_no_zone_explains_do(seen: dict[str, timedelta]) -> None:
    taken = datetime(2026, 3, 2, 9, tzinfo=UTC)
    _, (gap,) = times.settled(taken, {source: taken + lead for source, lead in seen.items()}, taken)
    assert gap.deciding


def test_a_bundle_without_any_time_is_dated_when_it_is_read(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    found = read_bundle(written(tmp_path, objects__pods=listing("PodList", pod())))
    assert found.taken_at >= began
    assert "time of reading" in whys(found)


def test_alerts_and_probes_tell_again_what_the_rest_tells_and_their_absence_decides_nothing(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, objects__pods=listing("PodList", pod()))
    decides = {gap.what: gap.deciding for gap in found.gaps}
    assert (decides["alerts"], decides["probes"]) == (False, False)
    assert (decides["logs"], decides["metrics"]) == (True, True)


@pytest.mark.parametrize("ready", ["True", "False"])
def test_what_a_ready_program_refers_to_is_there_and_what_another_does_may_not_be(tmp_path: Path, ready: str) -> None:
    spec = {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "keys"}}]}]}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
    found = snapshot_of(tmp_path, objects__pods=listing("PodList", pod(spec=spec, status=status)))
    assert [gap.deciding for gap in found.gaps if gap.what == "Secret objects"] == [ready == "False"]
