"""Pods come up, die and go as on a real node, each step with its status and its event."""

from __future__ import annotations

import re

import pytest

from simulator.objects import condition, is_ready, name_of
from tests.simulator.worlds import Object, Watch, small_world


@pytest.fixture
def watch() -> Watch:
    return Watch(small_world())


def bare_pod(image: str, **spec: object) -> Object:
    container = {"name": "main", "image": image, "resources": {"requests": {"cpu": "50m"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare", "namespace": "shop", "labels": {"app": "bare"}},
        "spec": {"containers": [container], **spec},
        "status": {"phase": "Pending"},
    }


def test_a_new_pod_goes_through_its_phases(watch: Watch) -> None:
    watch.scale("search", 3)
    (new,) = [pod for pod in watch.pods("search") if not is_ready(pod)]
    assert new["spec"]["nodeName"]
    seen: list[tuple[str, str, bool]] = []
    for _ in range(30):
        pod = watch.get("Pod", name_of(new))
        (state,) = pod["status"]["containerStatuses"][0]["state"]
        if (step := (pod["status"]["phase"], state, is_ready(pod))) not in seen:
            seen.append(step)
        watch.after(1)
    assert seen == [("Pending", "waiting", False), ("Running", "running", False), ("Running", "running", True)]


def test_a_pod_that_is_not_ready_says_which_container_is_to_blame(watch: Watch) -> None:
    watch.scale("search", 3)
    (new,) = [pod for pod in watch.pods("search") if not is_ready(pod)]
    ready = condition(new, "Ready") or {}
    assert (ready["reason"], ready["message"]) == ("ContainersNotReady", "containers with unready status: [search]")


def test_its_events_come_in_the_order_of_a_real_start(watch: Watch) -> None:
    watch.scale("search", 3)
    watch.after(30)
    reasons = [
        event["reason"]
        for event in sorted(
            watch.world.store.list("Event", "shop"), key=lambda each: int(each["metadata"]["resourceVersion"])
        )
        if event["involvedObject"]["kind"] == "Pod" and event["lastTimestamp"] >= "2026-01-14T09:00:00Z"
    ]
    known = ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert [reason for reason in known if reason in reasons] == [reason for reason in reasons if reason in known]
    assert {"Scheduled", "Pulled", "Created", "Started"} <= set(reasons)


def test_only_a_ready_pod_gets_requests(watch: Watch) -> None:
    watch.scale("search", 3)
    assert len(watch.after(4).flow("search").group.members) == 2
    assert len(watch.after(30).flow("search").group.members) == 3


def test_a_deleted_pod_stops_within_seconds_and_gets_no_more_requests(watch: Watch) -> None:
    first = watch.pods("search")[0]
    metadata = {**first["metadata"], "deletionTimestamp": "2026-01-14T09:00:30Z", "deletionGracePeriodSeconds": 30}
    watch.world.store.update("Pod", {**first, "metadata": metadata})
    watch.world.kick()
    assert len(watch.get("Endpoints", "search")["subsets"][0]["addresses"]) == 1
    assert watch.after(5).world.store.get("Pod", "shop", name_of(first)) is None
    assert watch.events("Killing", name_of(first))


def test_a_bare_pod_of_a_known_image_runs(watch: Watch) -> None:
    watch.world.store.create("Pod", bare_pod("nginx:1.25.4"))
    watch.world.kick()
    (status,) = watch.after(10).containers("bare")
    assert status["ready"]
    assert status["imageID"].startswith("docker.io/library/nginx@sha256:")


def test_a_second_pod_on_the_node_needs_no_pull(watch: Watch) -> None:
    watch.scale("search", 6)
    messages = [event["message"] for event in watch.after(20).events("Pulled", "search")]
    assert any("already present on machine" in message for message in messages)


def test_pull_policy_always_pulls_again(watch: Watch) -> None:
    pod = bare_pod("redis:7.2.4")
    pod["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    watch.world.store.create("Pod", pod)
    watch.world.kick()
    (event,) = watch.after(20).events("Pulled", "bare")
    assert event["message"].startswith('Successfully pulled image "redis:7.2.4" in ')


def test_changing_the_image_of_a_running_pod_restarts_its_container(watch: Watch) -> None:
    watch.world.store.create("Pod", bare_pod("nginx:1.25.4"))
    watch.world.kick()
    pod = watch.after(10).get("Pod", "bare")
    container = {**pod["spec"]["containers"][0], "image": "nginx:0.0.0"}
    watch.world.store.update("Pod", {**pod, "spec": {**pod["spec"], "containers": [container]}})
    watch.world.kick()
    assert watch.after(10).waiting_reasons("bare") == {"ErrImagePull"}


def test_two_pods_never_share_an_address(watch: Watch) -> None:
    watch.scale("search", 8)
    addresses = [pod["status"]["podIP"] for pod in watch.after(30).world.store.list("Pod")]
    assert len(addresses) == len(set(addresses))


def test_a_pod_on_a_node_that_nobody_runs_stays_pending(watch: Watch) -> None:
    watch.world.store.create("Pod", bare_pod("nginx:1.25.4", nodeName="node-99"))
    watch.world.kick()
    assert watch.after(30).get("Pod", "bare")["status"]["phase"] == "Pending"


def test_qos_follows_requests_and_limits(watch: Watch) -> None:
    assert {pod["status"]["qosClass"] for pod in watch.pods("search")} == {"Burstable"}


def test_nodes_send_heartbeats(watch: Watch) -> None:
    def beat() -> str:
        node = watch.world.store.get("Node", None, "node-1") or {}
        return str(node["status"]["conditions"][0]["lastHeartbeatTime"])

    before = beat()
    watch.after(360)
    assert beat() > before


def test_events_are_forgotten_after_an_hour(watch: Watch) -> None:
    watch.scale("search", 3)
    assert watch.after(60).events("Scheduled", "search")
    watch.after(3900)
    assert not watch.events("Scheduled", "search")


def test_a_container_is_known_by_an_id_of_its_own_as_containerd_writes_it() -> None:
    pods = small_world().store.list("Pod")
    ids = [each["containerID"] for pod in pods for each in pod["status"]["containerStatuses"]]
    assert all(re.fullmatch("containerd://[0-9a-f]{64}", each) for each in ids)
    assert len(set(ids)) == len(ids)
