"""The store: versions, generations, the watch log and its limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.store import AlreadyExists, Conflict, Missing, Store, TooOld

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_store(ring_size: int = 100) -> Store:
    return Store(lambda: NOON, uid_seed=7, ring_size=ring_size)


def deployment(name: str = "web", replicas: int = 2, namespace: str = "shop") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"replicas": replicas}}


def test_a_created_object_gets_the_metadata_a_server_fills() -> None:
    made = a_store().create("Deployment", deployment())
    metadata = made["metadata"]
    assert metadata["creationTimestamp"] == "2026-03-02T12:00:00Z"
    assert metadata["generation"] == 1
    assert metadata["resourceVersion"] == "2"
    assert len(metadata["uid"]) == 36


def test_the_same_seed_gives_the_same_uids() -> None:
    first, second = (store.create("Deployment", deployment())["metadata"]["uid"] for store in (a_store(), a_store()))
    assert first == second


def test_a_pod_carries_no_generation() -> None:
    assert "generation" not in a_store().create("Pod", deployment("web-0"))["metadata"]


def test_generate_name_is_completed() -> None:
    made = a_store().create("Pod", {"metadata": {"generateName": "web-", "namespace": "shop"}})
    assert made["metadata"]["name"].startswith("web-")
    assert len(made["metadata"]["name"]) == len("web-") + 5


def test_the_same_name_twice_in_one_namespace_is_refused_but_not_in_two() -> None:
    store = a_store()
    store.create("Deployment", deployment())
    store.create("Deployment", deployment(namespace="other"))
    with pytest.raises(AlreadyExists):
        store.create("Deployment", deployment())


def test_a_list_that_its_reader_changes_is_whole_for_the_next_and_follows_every_write() -> None:
    store = a_store()
    store.create("Deployment", deployment("a"))
    store.list("Deployment").clear()
    assert len(store.list("Deployment")) == 1
    store.create("Deployment", deployment("b", namespace="bank"))
    store.update("Deployment", deployment("a", replicas=5))
    assert [each["metadata"]["name"] for each in store.list("Deployment")] == ["b", "a"]
    assert [each["spec"]["replicas"] for each in store.list("Deployment", "shop")] == [5]
    store.delete("Deployment", "shop", "a")
    assert store.list("Deployment", "shop") == []


def test_an_object_is_found_by_its_uid_as_long_as_it_is_there() -> None:
    store = a_store()
    uid = store.create("Deployment", deployment())["metadata"]["uid"]
    changed = store.update("Deployment", deployment(replicas=5))
    assert store.with_uid(uid) is changed
    store.delete("Deployment", "shop", "web")
    assert store.with_uid(uid) is None


def test_doomed_is_what_is_marked_for_deletion_until_it_has_gone() -> None:
    store = a_store()
    marks = {"deletionTimestamp": "2026-03-02T12:00:00Z", "finalizers": ["x"]}
    made = store.create("Deployment", deployment())
    assert store.doomed() == []
    marked = store.update("Deployment", {**made, "metadata": {**made["metadata"], **marks}})
    assert store.doomed() == [("Deployment", marked)]
    store.update("Deployment", {**marked, "metadata": {**marked["metadata"], "finalizers": []}})
    assert store.doomed() == []
    assert store.list("Deployment") == []


def test_lists_are_ordered_by_namespace_and_name() -> None:
    store = a_store()
    for namespace, name in (("shop", "b"), ("bank", "z"), ("shop", "a")):
        store.create("Pod", deployment(name, namespace=namespace))
    assert [pod["metadata"]["name"] for pod in store.list("Pod")] == ["z", "a", "b"]
    assert [pod["metadata"]["name"] for pod in store.list("Pod", "shop")] == ["a", "b"]


def test_a_changed_spec_moves_the_generation_and_a_changed_status_does_not() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    scaled = store.update("Deployment", {**made, "spec": {"replicas": 3}})
    reported = store.update("Deployment", {**scaled, "status": {"replicas": 3}})
    assert scaled["metadata"]["generation"] == 2
    assert reported["metadata"]["generation"] == 2


def test_writing_the_same_content_is_no_write() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    again = store.update("Deployment", {**made, "spec": {"replicas": 2}})
    assert again == made
    assert store.version == 2


def test_a_dry_run_fills_the_metadata_and_changes_nothing() -> None:
    store, twin = a_store(), a_store()
    asked = {"metadata": {"generateName": "web-", "namespace": "shop"}, "spec": {"replicas": 1}}
    would_be = store.create("Deployment", asked, dry_run=True)
    assert would_be["metadata"]["uid"]
    assert store.version == 1
    assert store.list("Deployment") == []
    assert store.create("Deployment", asked) == twin.create("Deployment", asked)


def test_a_dry_run_of_an_update_tells_the_next_generation() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    would_be = store.update("Deployment", {**made, "spec": {"replicas": 5}}, dry_run=True)
    assert would_be["metadata"]["generation"] == 2
    assert store.get("Deployment", "shop", "web") == made


def test_an_update_against_an_older_version_conflicts() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    store.update("Deployment", {**made, "spec": {"replicas": 3}})
    with pytest.raises(Conflict):
        store.update("Deployment", {**made, "spec": {"replicas": 4}}, expect_version="2")


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(Missing):
        a_store().update("Deployment", deployment())


def test_an_update_cannot_change_the_uid() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    changed = store.update("Deployment", {"metadata": {**made["metadata"], "uid": "mine"}, "spec": {"replicas": 9}})
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]


def test_every_write_leaves_one_change_with_its_own_version() -> None:
    store = a_store()
    made = store.create("Deployment", deployment())
    store.update("Deployment", {**made, "spec": {"replicas": 3}})
    store.delete("Deployment", "shop", "web")
    changes = store.changes_since(1)
    assert [(change.version, change.type) for change in changes] == [(2, "ADDED"), (3, "MODIFIED"), (4, "DELETED")]
    assert changes[1].previous == made
    assert changes[2].object["metadata"]["resourceVersion"] == "4"
    assert store.changes_since(4) == []


def test_deleting_what_is_not_there_changes_nothing() -> None:
    store = a_store()
    assert store.delete("Pod", "shop", "ghost") is None
    assert store.version == 1


def test_a_version_that_fell_out_of_the_ring_is_too_old() -> None:
    store = a_store(ring_size=3)
    for number in range(5):
        store.create("Pod", deployment(f"web-{number}"))
    assert [change.version for change in store.changes_since(3)] == [4, 5, 6]
    with pytest.raises(TooOld):
        store.changes_since(2)


def test_a_doomed_object_goes_when_its_last_finalizer_goes() -> None:
    store = a_store()
    made = store.create("Deployment", {"metadata": {"name": "web", "namespace": "shop", "finalizers": ["orphan"]}})
    doomed = store.update("Deployment", {**made, "metadata": {**made["metadata"], "deletionTimestamp": "now"}})
    assert store.get("Deployment", "shop", "web") == doomed
    store.update("Deployment", {**doomed, "metadata": {**doomed["metadata"], "finalizers": []}})
    assert store.get("Deployment", "shop", "web") is None
    assert store.changes_since(3)[0].type == "DELETED"


def test_a_doomed_pod_with_grace_stays_until_somebody_deletes_it() -> None:
    store = a_store()
    made = store.create("Pod", deployment("web-0"))
    leaving = {**made["metadata"], "deletionTimestamp": "soon", "deletionGracePeriodSeconds": 30}
    store.update("Pod", {**made, "metadata": leaving})
    assert store.get("Pod", "shop", "web-0") is not None


async def test_waiting_ends_with_the_next_write() -> None:
    store = a_store()
    waiting = asyncio.create_task(store.wait(store.version, timeout=60))
    await asyncio.sleep(0)
    store.create("Pod", deployment("web-0"))
    await asyncio.wait_for(waiting, 30)


async def test_waiting_ends_at_its_timeout() -> None:
    store = a_store()
    await asyncio.wait_for(store.wait(store.version, timeout=0.01), 30)
    assert store.version == 1


async def test_waiting_for_a_version_already_passed_returns_at_once() -> None:
    store = a_store()
    store.create("Pod", deployment("web-0"))
    await asyncio.wait_for(store.wait(1, timeout=60), 30)
