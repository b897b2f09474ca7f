"""A collection written as a bundle and read again: the same diagnosis, no secret, all or nothing."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import Conflict, Invalid
from core.redact import Redactor
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSample, FakeSeries
from tests.tools.objects import NS, Object, deployment, pod, replica_set, service, waiting
from tools.bundle.read import read_bundle
from tools.bundle.write import writing
from tools.collect import Collector, Listener
from tools.engines.diagnosis import Diagnosis
from tools.engines.explain import diagnose
from tools.engines.snapshot import LogKey, Snapshot

SECRET = {"kind": "Secret", "metadata": {"name": "db", "namespace": NS}, "data": {"password": "aHVudGVyMmh1bnRlcjI="}}
REDACTOR = Redactor("a key for tests")


def sick() -> list[Object]:
    owner = deployment("baker", available=0)
    new = replica_set(owner, 1)
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    bad = pod(new, "hjklm", ready=False, restartCount=7, state=waiting("CrashLoopBackOff"), lastState=ended)
    return [owner, new, bad, service(), SECRET]


def signals() -> FakePrometheus:
    labels = {"namespace": NS, "pod": "baker-rs1-hjklm", "container": "app"}
    now = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()
    ranges = {"container_cpu_usage": [FakeSeries(labels, [(now - 60, 0.25), (now, 1e-7)])]}
    return FakePrometheus(ranges=ranges, samples=[FakeSample({"alertname": "Down", "namespace": NS}, now - 300)])


async def collected(clock: ManualClock, folder: Path) -> Snapshot:
    cluster = FakeCluster(*sick())
    cluster.log_text = "starting\nfatal: cannot read /etc/app.conf, password=hunter2hunter2\n"
    with writing(folder, REDACTOR) as bundle:
        listener = Listener(log=bundle.log)
        snapshot = await Collector(FakeClusters(cluster), signals(), clock).collect(NS, listener=listener)
        bundle.snapshot(snapshot)
    return snapshot


def said(snapshot: Snapshot) -> Diagnosis:
    found = diagnose(snapshot, "x", snapshot.window, snapshot.taken_at)
    return Diagnosis.model_validate(REDACTOR.value(found.model_dump(mode="json")))


async def test_what_is_collected_and_read_again_gives_the_same_diagnosis(clock: ManualClock, tmp_path: Path) -> None:
    live = await collected(clock, tmp_path / "b")
    again = read_bundle(tmp_path / "b")
    assert said(again).causes == said(live).causes != []
    assert said(again).symptoms == said(live).symptoms
    assert again.kinds_read == live.kinds_read
    assert (again.taken_at, again.context, again.namespace) == (live.taken_at, live.context, NS)
    assert again.metrics["cpu_usage"] == [replace(one, points=list(one.points)) for one in live.metrics["cpu_usage"]]
    assert again.alerts == live.alerts != []
    assert again.gaps == live.gaps


async def test_no_secret_is_in_any_file_and_every_file_is_its_owners(clock: ManualClock, tmp_path: Path) -> None:
    await collected(clock, tmp_path / "b")
    files = [path for path in (tmp_path / "b").rglob("*") if path.is_file()]
    assert not any(word in path.read_text() for path in files for word in ("hunter2", "aHVudGVyMmh1"))
    assert '"password"' in (tmp_path / "b/objects/Secret.json").read_text()
    assert "cannot read /etc/app.conf" in (tmp_path / f"b/logs/{NS}/baker-rs1-hjklm/app.previous.log").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = [tmp_path / "b", *(path for path in (tmp_path / "b").rglob("*") if path.is_dir())]
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folders[:1])


async def test_an_empty_list_of_a_kind_is_a_file_too(clock: ManualClock, tmp_path: Path) -> None:
    await collected(clock, tmp_path / "b")
    assert json.loads((tmp_path / "b/objects/NetworkPolicy.json").read_text())["items"] == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/mine").write_text("x")
    with pytest.raises(Conflict, match="not empty"), writing(tmp_path / "b", REDACTOR):
        pass
    assert (tmp_path / "b/mine").read_text() == "x"


def test_a_link_or_a_file_is_no_place_for_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(Invalid, match="no folder"), writing(tmp_path / name, REDACTOR):
            pass


def test_a_collection_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> None:
        with writing(tmp_path / "b", REDACTOR) as bundle:
            bundle.log(LogKey("a", "b", "c"), "text")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_names_that_would_lead_out_of_the_folder_do_not(tmp_path: Path) -> None:
    with writing(tmp_path / "b", REDACTOR) as bundle:
        bundle.log(LogKey("..", "../../x", "/etc/passwd"), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert len([path for path in (tmp_path / "b").rglob("*.log") if path.is_file()]) == 1


def test_an_empty_folder_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with writing(tmp_path / "b", REDACTOR) as bundle:
        bundle.log(LogKey("a", "b", "c"), "text")
    assert (tmp_path / "b/logs/a/b/c.log").read_text() == "text"
