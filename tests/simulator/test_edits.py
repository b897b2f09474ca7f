"""What a fault changed is taken back where it still stands, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.faults.edits import Edit, add, change, change_with, remove, take_back
from simulator.objects import with_metadata, with_spec
from simulator.store import Store

Object = dict[str, Any]
NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def kept(store: Store, **spec: Any) -> Object:
    return store.create("Deployment", {"metadata": {"namespace": "shop", "name": "web"}, "spec": spec})


def present(store: Store) -> Object:
    found = store.get("Deployment", "shop", "web")
    assert found is not None
    return found


def edited(store: Store, **spec: Any) -> Edit:
    return change_with(store, "Deployment", present(store), lambda obj: with_spec(obj, **spec))


def test_a_field_that_still_has_the_given_value_gets_its_former_one() -> None:
    store = Store(lambda: NOW, 1)
    kept(store, replicas=3)
    edit = edited(store, replicas=0)
    take_back(store, edit)
    assert present(store)["spec"] == {"replicas": 3}


def test_what_a_person_has_mended_meanwhile_stays() -> None:
    store = Store(lambda: NOW, 1)
    kept(store, replicas=3, paused=False)
    edit = edited(store, replicas=0, paused=True)
    edited(store, replicas=5)
    take_back(store, edit)
    assert present(store)["spec"] == {"replicas": 5, "paused": False}


def test_a_field_that_was_added_goes_and_one_that_was_taken_comes_back() -> None:
    store = Store(lambda: NOW, 1)
    kept(store, nodeSelector={"disk": "ssd"})
    obj = present(store)
    edit = change(store, "Deployment", obj, {**obj, "spec": {"priorityClassName": "low"}})
    take_back(store, edit)
    assert present(store)["spec"] == {"nodeSelector": {"disk": "ssd"}}


def test_named_things_are_taken_back_one_by_one() -> None:
    store = Store(lambda: NOW, 1)
    kept(store, containers=[{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}])
    edit = edited(store, containers=[{"name": "a", "image": "a:2"}, {"name": "b", "image": "b:1"}])
    edited(store, containers=[{"name": "a", "image": "a:2"}, {"name": "b", "image": "b:7"}])
    take_back(store, edit)
    assert present(store)["spec"]["containers"] == [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:7"}]


def test_labels_are_taken_back_and_foreign_ones_stay() -> None:
    store = Store(lambda: NOW, 1)
    obj = kept(store, replicas=1)
    edit = change(store, "Deployment", obj, with_metadata(obj, labels={"tier": "none"}))
    now = present(store)
    store.update("Deployment", with_metadata(now, labels={**now["metadata"]["labels"], "team": "blue"}))
    take_back(store, edit)
    assert present(store)["metadata"]["labels"] == {"team": "blue"}


def test_an_added_object_goes_and_a_removed_one_comes_back_as_a_new_one() -> None:
    store = Store(lambda: NOW, 1)
    old = kept(store, replicas=1)
    gone = remove(store, "Deployment", old)
    new = add(store, "ConfigMap", {"metadata": {"namespace": "shop", "name": "more"}, "data": {}})
    take_back(store, gone)
    take_back(store, new)
    assert present(store)["metadata"]["uid"] != old["metadata"]["uid"]
    assert store.get("ConfigMap", "shop", "more") is None


def test_what_somebody_else_has_deleted_stays_deleted() -> None:
    store = Store(lambda: NOW, 1)
    kept(store, replicas=1)
    edit = edited(store, replicas=2)
    store.delete("Deployment", "shop", "web")
    take_back(store, edit)
    assert store.get("Deployment", "shop", "web") is None
