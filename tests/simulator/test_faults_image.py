"""An image that does not exist: how it shows, and that only a real mend heals it."""

from __future__ import annotations

import pytest

from simulator.faults import Refused
from simulator.shop import SEARCH, image
from tests.simulator.worlds import Watch, small_world


@pytest.fixture(scope="module")
def broken() -> Watch:
    watch = Watch(small_world())
    watch.inject("incorrect_image_reference", "search")
    return watch.after(120)


def test_the_new_pod_cannot_pull_and_backs_off(broken: Watch) -> None:
    assert broken.waiting_reasons("search") <= {"ErrImagePull", "ImagePullBackOff"}
    assert len(broken.waiting_reasons("search")) == 1


def test_events_say_what_the_kubelet_would_say(broken: Watch) -> None:
    failed = {event["message"] for event in broken.events("Failed", "search")}
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= failed
    assert any("failed to resolve reference" in message and message.endswith("not found") for message in failed)
    (back_off,) = broken.events("BackOff", "search")
    assert back_off["count"] > 1
    assert back_off["source"] == {"component": "kubelet", "host": back_off["source"]["host"]}
    assert back_off["firstTimestamp"] < back_off["lastTimestamp"]


def test_the_old_pods_go_on_serving(broken: Watch) -> None:
    status = broken.get("Deployment", "search")["status"]
    assert (status["availableReplicas"], status["unavailableReplicas"], status["updatedReplicas"]) == (2, 1, 1)
    assert broken.flow("search").rate[0] > 1


def test_metrics_show_the_waiting_reason_and_the_missing_replica(broken: Watch) -> None:
    reasons = 'kube_pod_container_status_waiting_reason{container="search"}'
    assert broken.value(f"count({reasons})") == 1
    assert broken.value('kube_deployment_status_replicas_unavailable{deployment="search"}') == 1


def test_its_pod_has_no_log_and_no_target(broken: Watch) -> None:
    assert not any("2.4.2-rc" in line for line in broken.log("search"))
    assert broken.value('count(up{job="search"})') == 2


def test_it_is_not_healed_by_time_or_by_deleting_the_pod() -> None:
    watch = Watch(small_world())
    fault = watch.inject("incorrect_image_reference", "search")
    watch.after(60)
    for pod in watch.pods("search"):
        if pod["status"]["phase"] == "Pending":
            watch.world.store.delete("Pod", "shop", pod["metadata"]["name"])
    watch.world.kick()
    assert not watch.after(60).is_healed(fault)
    assert watch.waiting_reasons("search")


def test_a_tag_that_exists_heals_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("incorrect_image_reference", "search")
    watch.after(60).replace_in_deployment("search", image=image(SEARCH, SEARCH.versions[0]))
    assert not watch.is_healed(fault)
    assert watch.after(60).is_healed(fault)
    assert watch.value('kube_deployment_status_replicas_unavailable{deployment="search"}') == 0


def test_undo_puts_the_image_back() -> None:
    watch = Watch(small_world())
    fault = watch.inject("incorrect_image_reference", "search", tag="2.4.l")
    watch.after(30)
    assert watch.ledger.remove(fault) is not None
    container = watch.get("Deployment", "search")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == image(SEARCH)
    assert not watch.after(30).waiting_reasons("search")


def test_undo_leaves_what_somebody_has_mended_alone() -> None:
    watch = Watch(small_world())
    fault = watch.inject("incorrect_image_reference", "search")
    mended = image(SEARCH, SEARCH.versions[0])
    watch.replace_in_deployment("search", image=mended)
    watch.ledger.remove(fault)
    assert watch.get("Deployment", "search")["spec"]["template"]["spec"]["containers"][0]["image"] == mended


def test_an_image_that_exists_is_refused_as_a_fault() -> None:
    watch = Watch(small_world())
    with pytest.raises(Refused, match="exists"):
        watch.inject("incorrect_image_reference", "search", tag=SEARCH.versions[0])
