"""A bundle's folder: nothing outside it is ever read, and what is not there is named."""

import os
from pathlib import Path

import pytest

from tests.tools.bundle.folder import TAKEN, listing, pod, put, snapshot_of, whys
from tools.bundle import folder, limits
from tools.bundle.read import read_bundle
from tools.engines.diagnosis import Gap
from tools.engines.explain import diagnose


def gap_names(gaps: object) -> set[str]:
    return {gap.what for gap in gaps if isinstance(gap, Gap)} if isinstance(gaps, list) else set()


def test_links_out_of_the_bundle_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "secret.json", pod("stolen"))
    (tmp_path / "b" / "objects").mkdir(parents=True)
    (tmp_path / "b" / "objects" / "a.json").symlink_to(outside / "secret.json")
    (tmp_path / "b" / "more").symlink_to(outside)
    found = read_bundle(tmp_path / "b")
    assert not found.objects
    assert whys(found, "objects/a.json") == whys(found, "more") != []


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meta.json")
    assert whys(read_bundle(tmp_path), "meta.json") == ["no plain file"]


def test_folders_are_read_so_deep_and_no_deeper(tmp_path: Path) -> None:
    put(tmp_path, "/".join(["objects", *"abcdefghijklmnop", "pod.json"]), pod())
    found = read_bundle(tmp_path)
    assert not found.objects
    assert whys(found, "objects/a/b") == [f"folders are read {limits.MAX_DEPTH} deep"]


def test_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    for number in range(6):
        put(tmp_path, f"objects/{number}.json", pod(str(number)))
    found = read_bundle(tmp_path)
    assert len(found.objects) == 3
    assert whys(found, "further files")


@pytest.mark.parametrize("place", ["/dev/null", "/no/such/folder"])
def test_what_is_no_folder_is_a_diagnosis_of_nothing(place: str) -> None:
    found = read_bundle(Path(place))
    assert whys(found, place)
    assert diagnose(found, "x", found.window, found.taken_at).healthy is None


def test_an_empty_folder_is_all_gaps_and_not_health(tmp_path: Path) -> None:
    found = read_bundle(tmp_path)
    assert {"objects", "logs", "metrics", "alerts", "probes"} <= gap_names(list(found.gaps))
    assert diagnose(found, "x", found.window, found.taken_at).healthy is None


def test_a_file_of_random_bytes_under_every_name_is_a_diagnosis_of_nothing(tmp_path: Path) -> None:
    names = [
        "meta.json",
        "alerts.json",
        "probes.json",
        "objects/a.json",
        "objects/b.yaml",
        "metrics/m.json",
        "logs/a/b/c.log",
        "a/b/logs.txt",
        "x.bin",
    ]
    for number, name in enumerate(names):
        put(tmp_path, name, bytes((i * 73 + number * 31 + i * i) % 256 for i in range(3000)))
    found = read_bundle(tmp_path)
    assert diagnose(found, "x", found.window, found.taken_at).healthy is None
    assert {"meta.json", "alerts.json", "probes.json"} <= {name for gap in found.gaps for name in gap.what.split(", ")}


def test_kinds_that_decide_are_named_where_there_is_none_of_them(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, objects__a=listing("List", pod()))
    assert any("Node, Service" in gap.what for gap in found.gaps)


def test_a_kind_that_a_program_refers_to_and_of_which_there_is_nothing_is_named(tmp_path: Path) -> None:
    container = {"name": "app", "envFrom": [{"secretRef": {"name": "db"}}]}
    baker = {
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    assert whys(snapshot_of(tmp_path, objects__a=baker), "Secret objects")
    assert not whys(snapshot_of(tmp_path, objects__b=listing("SecretList")), "Secret objects")


def test_a_whole_bundle_of_a_quiet_cluster_has_no_gap(tmp_path: Path) -> None:
    kinds = "Pod Node Service Deployment EndpointSlice Event ConfigMap Secret PersistentVolumeClaim"
    kinds += " ServiceAccount ResourceQuota NetworkPolicy"
    parts = {f"objects__{kind}": listing(f"{kind}List") for kind in kinds.split()}
    put(tmp_path, "logs/town/baker-1/app.log", "2026-03-02T08:59:00Z ready\n")
    found = snapshot_of(tmp_path, **parts, alerts=[], probes=[], metrics__up={"data": {"result": []}})
    assert list(found.gaps) == []


def test_many_broken_files_are_one_gap_with_a_number(tmp_path: Path) -> None:
    for number in range(40):
        put(tmp_path, f"objects/{number:02d}.json", "{")
    found = read_bundle(tmp_path)
    broken = [gap for gap in found.gaps if "objects/00.json" in gap.what]
    assert len(broken) == 1
    assert "and 35 more" in broken[0].what


def test_meta_says_whose_it_is(tmp_path: Path) -> None:
    put(tmp_path, "meta.json", {"taken_at": TAKEN, "cluster": "north", "namespace": "town"})
    found = read_bundle(tmp_path)
    assert (found.context, found.namespace) == ("north", "town")
    assert read_bundle(tmp_path, namespace="hill").namespace == "hill"
