"""The examination itself: complete, the same every time, silent about its answers, and made of clusters that could be real."""

import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.evaluation.casebook.cases import Case, cases, drawn
from tests.evaluation.casebook.model import Object
from tests.evaluation.casebook.objects import objects_of
from tests.evaluation.casebook.run import examine
from tests.evaluation.casebook.table import kept
from tests.evaluation.casebook.writing import write
from tools.engines.catalogue import FAULTS

ALL = cases()
SAMPLE = Random(7).sample(ALL, 40)
PLAYED = 60


def _name(case: Case) -> str:
    return case.id


def test_every_fault_has_five_cases_and_three_that_mislead() -> None:
    single = [case for case in ALL if case.category not in ("control", "removed", "double")]
    count = Counter(case.faults[0] for case in single)
    misleading = Counter(case.faults[0] for case in single if case.herrings)
    assert {fault: count[fault] for fault in FAULTS if count[fault] < 5} == {}
    assert {fault: misleading[fault] for fault in FAULTS if misleading[fault] < 3} == {}


def test_no_case_is_of_a_fault_that_is_none() -> None:
    assert [case.id for case in ALL if case.category != "control" and not set(case.faults) <= FAULTS.keys()] == []


def test_ids_are_unique_and_there_are_enough_of_each_kind() -> None:
    assert len({case.id for case in ALL}) == len(ALL)
    count = Counter(case.category for case in ALL)
    assert count["control"] >= 40
    assert count["removed"] >= 20
    assert count["double"] >= 10


def _bytes(case: Case, folder: Path) -> dict[str, bytes]:
    write(drawn(case).scene, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", SAMPLE[:8], ids=_name)
def test_the_same_seed_gives_the_same_bytes(case: Case, tmp_path: Path) -> None:
    assert _bytes(case, tmp_path / "one") == _bytes(case, tmp_path / "other")


def test_another_seed_gives_other_clusters() -> None:
    one, other = drawn(ALL[0]), drawn(next(case for case in cases(1000) if case.id == ALL[0].id))
    assert one.scene.taken_at != other.scene.taken_at


_TELLING = re.compile("|".join([*FAULTS, "expected answer", "red herring", "casebook", "culprit"]))
# A fault's id may be an ordinary word of Kubernetes or of the metrics.
_ORDINARY = {"cpu_throttled", "memory_leak", "oom_killed", "deadlock"}


@pytest.mark.parametrize("case", SAMPLE, ids=_name)
def test_no_bundle_tells_its_answer(case: Case, tmp_path: Path) -> None:
    for name, content in _bytes(case, tmp_path).items():
        told = set(_TELLING.findall(f"{name} {content.decode()}")) - _ORDINARY
        assert told == set(), name


@pytest.mark.parametrize("case", SAMPLE, ids=_name)
def test_objects_agree_with_each_other(case: Case) -> None:
    objects = objects_of(drawn(case).scene)
    known = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects}
    for one in objects:
        assert json.loads(json.dumps(one)) == one
        for owner in one["metadata"].get("ownerReferences", ()):
            place = None if owner["kind"] == "Node" else one["metadata"].get("namespace")
            assert (owner["kind"], place, owner["name"]) in known, one["metadata"]["name"]
        _agrees(one, objects)


def _agrees(one: Object, objects: list[Object]) -> None:
    if one["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
    if one["kind"] == "ReplicaSet":
        pods = [
            each
            for each in objects
            if each["kind"] == "Pod"
            and _owner(each) == one["metadata"]["name"]
            and each["metadata"]["namespace"] == one["metadata"]["namespace"]
        ]
        here = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        assert one["status"]["replicas"] == len(here)
        assert one["status"].get("readyReplicas", 0) == sum(_is_ready(pod) for pod in here)
    if one["kind"] == "Pod" and "nodeName" in one["spec"]:
        assert any(each["kind"] == "Node" and each["metadata"]["name"] == one["spec"]["nodeName"] for each in objects)


def _owner(pod: Object) -> str:
    return str(pod["metadata"].get("ownerReferences", [{"name": ""}])[0]["name"])


def _is_ready(pod: Object) -> bool:
    return any(row["type"] == "Ready" and row["status"] == "True" for row in pod["status"].get("conditions", ()))


def test_names_are_unique_within_a_kind() -> None:
    for case in SAMPLE:
        places = Counter(
            (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
            for one in objects_of(drawn(case).scene)
        )
        assert [place for place, count in places.items() if count > 1] == [], case.id


def test_kept_verdicts_are_those_of_todays_cases() -> None:
    known = {*kept()["right"], *kept()["wrong"]}
    assert known - {case.id for case in ALL} == set()
    assert len(known) > 0.5 * len(ALL)


@pytest.mark.parametrize("part", range(6))
def test_what_was_judged_right_is_right_again(part: int) -> None:
    """A sample of the cases, spread over all of them; `make score` plays the rest."""
    right = set(kept()["right"])
    step = len(ALL) // PLAYED
    marks = [examine(case) for case in ALL[::step][part::6]]
    assert [mark.case for mark in marks if mark.error] == []
    assert [
        f"{mark.case}: right {mark.expected}, said {mark.said}"
        for mark in marks
        if mark.case in right and not mark.first
    ] == []
