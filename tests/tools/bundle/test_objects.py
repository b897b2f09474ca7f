"""Objects of a bundle: in whichever form they came they are the same, and what is lost is said."""

import json
from pathlib import Path

import pytest

from tests.tools.bundle.folder import listing, pod, put, snapshot_of, whys
from tools.bundle import items, objects
from tools.bundle.read import read_bundle
from tools.engines.objects import dig, name_of


def test_single_objects_lists_and_yaml_are_read_alike(tmp_path: Path) -> None:
    put(
        tmp_path,
        "objects/town/c.yaml",
        "kind: Service\nmetadata: {name: c, namespace: town}\n---\n---\nkind: Pod\nmetadata: {name: d}\n",
    )
    put(tmp_path, "objects/more.yml", "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: e}\n")
    found = snapshot_of(tmp_path, objects__a=pod("a"), objects__town__b=listing("List", pod("b1"), pod("b2")))
    assert {name_of(one) for one in found.objects} == {"a", "b1", "b2", "c", "d", "e"}


def test_items_without_a_kind_are_of_the_kind_of_their_list(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, objects__x=listing("PodList", {"metadata": {"name": "a"}}))
    assert [one["kind"] for one in found.objects] == ["Pod"]


def test_items_of_a_nameless_list_are_of_the_kind_that_the_file_is_named_for(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, objects__replicasets=[{"metadata": {"name": "a"}}], objects__pvc=listing("List"))
    assert [one["kind"] for one in found.objects] == ["ReplicaSet"]
    assert found.reads("PersistentVolumeClaim")


def test_an_empty_list_of_a_kind_means_that_there_is_none(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, objects__a=listing("SecretList"), objects__pods=listing("List", pod()))
    assert found.reads("Secret")
    assert found.reads("Pod")
    assert not snapshot_of(tmp_path / "b", objects__a=pod()).reads("Pod"), "one object of many"
    part = {**listing("PodList", pod()), "metadata": {"continue": "more"}}
    assert not snapshot_of(tmp_path / "c", objects__a=part).reads("Pod"), "a page"
    assert not found.reads("ConfigMap")


def test_a_list_that_breaks_off_keeps_what_came_before_and_its_kind_is_not_known_in_full(tmp_path: Path) -> None:
    text = json.dumps(listing("PodList", *(pod(f"p{number}") for number in range(9))))
    found = snapshot_of(tmp_path, objects__pods=text[:-200])
    assert 5 <= len(found.objects) < 9
    assert not found.reads("Pod")
    assert whys(found, "objects/pods.json") == [f"it breaks off after {len(found.objects)} items"]


@pytest.mark.parametrize(
    "garbage",
    ["", "{", "null", "[1, 2", '"text"', "[" * 100_000, "\x00\x01", b"\xff\xfe\x00", b"\x80\x81{", '{"kind": "Pod"'],
)
def test_a_file_of_garbage_stops_nothing(tmp_path: Path, garbage: str | bytes) -> None:
    found = snapshot_of(tmp_path, objects__a=garbage, objects__b=pod("b"))
    assert [name_of(one) for one in found.objects] == ["b"]
    assert whys(found, "objects/a.json")


def test_objects_without_metadata_or_with_nonsense_in_its_place_are_kept(tmp_path: Path) -> None:
    strange = [{"kind": "Pod"}, {"kind": "Pod", "metadata": []}, {"kind": 7, "metadata": {"name": None}}, {}]
    found = snapshot_of(tmp_path, objects__a=listing("List", *strange))
    assert len(found.objects) == 4
    assert (found.nameless["Pod"], found.of("Pod"), found.reads("Pod")) == (2, [], False)


def test_text_that_is_no_utf8_is_read_with_replacements(tmp_path: Path) -> None:
    raw = json.dumps(pod("b\u00fcro"), ensure_ascii=False).encode("latin-1")
    assert name_of(snapshot_of(tmp_path, objects__a=raw).objects[0]) == "b\ufffdro"


def test_text_as_a_windows_shell_writes_it_is_read(tmp_path: Path) -> None:
    raw = json.dumps(pod("a")).encode("utf-16")
    assert name_of(snapshot_of(tmp_path, objects__a=raw).objects[0]) == "a"


def test_objects_one_after_the_other_in_one_file_are_all_read(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(pod(name)) for name in ("a", "b"))
    assert [name_of(one) for one in snapshot_of(tmp_path, objects__a=lines).objects] == ["a", "b"]


@pytest.mark.parametrize("whole_file", [100, 10_000])
def test_half_a_character_is_replaced_so_that_what_is_said_can_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_file: int
) -> None:
    monkeypatch.setattr(items, "MAX_WHOLE_FILE", whole_file)
    cut, secret = pod("baker-\ud83d"), {"kind": "Secret", "data": {"k": "\udc00"}, "metadata": {"name": "s\U0001f35e"}}
    found = snapshot_of(tmp_path, objects__a=listing("List", cut, secret))
    assert [name_of(one) for one in found.objects] == ["baker-?", "s\U0001f35e"]


def test_a_long_list_is_read_through_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_WHOLE_FILE", 100)
    monkeypatch.setattr(items, "CHUNK", 64)
    found = snapshot_of(tmp_path, objects__a=listing("PodList", *({"metadata": {"name": f"p{i}"}} for i in range(50))))
    assert [name_of(one) for one in found.of("Pod")] == [f"p{i}" for i in range(50)]
    assert not whys(found, "objects/a.json")


def test_one_endless_item_ends_the_file_and_not_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_WHOLE_FILE", 100)
    monkeypatch.setattr(items, "MAX_ITEM", 500)
    monkeypatch.setattr(items, "CHUNK", 64)
    found = snapshot_of(tmp_path, objects__a=listing("PodList", pod("a"), pod("b" * 2000), pod("c")))
    assert [name_of(one) for one in found.objects] == ["a"]
    assert whys(found, "objects/a.json")


def test_of_too_many_events_the_warnings_and_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "MAX_EVENTS", 10)
    events = [
        {
            "kind": "Event",
            "type": "Warning" if i % 20 == 0 else "Normal",
            "lastTimestamp": f"2026-03-02T08:{i % 60:02d}:00Z",
        }
        for i in range(100)
    ]
    found = snapshot_of(tmp_path, objects__events=listing("List", *events))
    assert len(found.of("Event")) == 10
    assert sum(one["type"] == "Warning" for one in found.of("Event")) == 5
    assert whys(found, "90 events")


def test_of_too_many_objects_the_rest_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_OBJECTS", 3)
    found = snapshot_of(tmp_path, objects__a=listing("PodList", *(pod(str(i)) for i in range(8))))
    assert len(found.objects) == 3
    assert whys(found, "5 objects")
    assert not found.reads("Pod")


def test_the_text_of_all_objects_has_a_bound_within_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_WHOLE_FILE", 10)
    monkeypatch.setattr(objects, "MAX_OBJECT_TEXT", 1000)
    found = snapshot_of(tmp_path, objects__a=listing("PodList", *(pod(f"{i}" + "p" * 200) for i in range(20))))
    assert len(found.objects) < 6


def test_a_secret_shows_its_keys_and_which_values_are_equal_and_never_a_value(tmp_path: Path) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}'}
    secret = {
        "kind": "Secret",
        "metadata": {"name": "db", "annotations": applied},
        "data": {"password": "aHVudGVyMg==", "again": "aHVudGVyMg==", "empty": ""},
    }
    kept = snapshot_of(tmp_path, objects__a=secret).objects[0]
    assert "aHVudGVyMg" not in json.dumps(kept)
    assert kept["data"]["password"] == kept["data"]["again"] != ""
    assert kept["data"]["empty"] == ""


def test_of_who_wrote_an_object_it_is_kept_when_and_not_which_fields(tmp_path: Path) -> None:
    noisy = pod("a")
    writers = [{"manager": "kubelet", "time": "2026-03-02T08:00:00Z", "fieldsV1": {"f:status": {}}}, "garbage"]
    noisy["metadata"]["managedFields"] = writers
    kept = snapshot_of(tmp_path, objects__a=noisy).objects[0]["metadata"]["managedFields"]
    assert kept == [{"manager": "kubelet", "time": "2026-03-02T08:00:00Z"}]


def test_times_in_yaml_stay_text(tmp_path: Path) -> None:
    put(tmp_path, "objects/a.yaml", "kind: Pod\nmetadata: {creationTimestamp: 2026-03-02T08:00:00Z}\n")
    assert dig(read_bundle(tmp_path).objects[0], "metadata", "creationTimestamp") == "2026-03-02T08:00:00Z"


def test_yaml_that_unfolds_without_end_is_refused_and_stars_in_text_are_not(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    put(tmp_path, "objects/bomb.yaml", bomb)
    put(tmp_path, "objects/globs.yaml", "kind: ConfigMap\ndata:\n  list: |\n" + "    *.log\n" * 80)
    found = read_bundle(tmp_path)
    assert [one["kind"] for one in found.objects] == ["ConfigMap"]
    assert whys(found, "bomb.yaml") == ["its aliases unfold it without end"]


def test_yaml_whose_writer_repeats_by_alias_is_read_and_one_that_holds_itself_is_not(tmp_path: Path) -> None:
    put(tmp_path, "objects/a.yaml", "kind: Pod\nmetadata: {name: a, labels: &id1 {app: x}}\nspec: {sel: *id1}\n")
    put(tmp_path, "objects/b.yaml", "kind: Pod\nmetadata: &m {name: b, again: *m}\n")
    found = read_bundle(tmp_path)
    assert [dig(one, "spec", "sel", "app") for one in found.objects] == ["x"]
    assert whys(found, "b.yaml")


def test_what_stands_in_two_files_is_one(tmp_path: Path) -> None:
    assert len(snapshot_of(tmp_path, objects__a=pod(), objects__pods=listing("PodList", pod())).objects) == 1


def test_broken_yaml_is_a_gap_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, "objects/a.yaml", "kind: Pod\nmetadata: [\n")
    assert "in line" in whys(read_bundle(tmp_path), "a.yaml")[0]
