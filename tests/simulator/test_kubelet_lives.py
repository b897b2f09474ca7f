"""How pods live and end: restart policies, init containers, environments, volumes and commands, seen in status, events and logs."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.conditions import Kind, Level, Pressure
from simulator.objects import condition
from tests.simulator.worlds import Object, Watch, small_world

BUSYBOX = "busybox:1.36.1"


@pytest.fixture
def watch() -> Watch:
    return Watch(small_world())


def run(watch: Watch, *containers: Object, seconds: float = 20, **spec: Any) -> Object:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": "shop", "labels": {"app": "one"}},
        "spec": {"containers": list(containers), "restartPolicy": "Always", **spec},
        "status": {"phase": "Pending"},
    }
    watch.world.store.create("Pod", pod)
    watch.world.kick()
    return watch.after(seconds).get("Pod", "one")


def box(script: str = "sleep infinity", name: str = "main", **more: Any) -> Object:
    return {"name": name, "image": BUSYBOX, "command": ["sh", "-c", script], **more}


def state(pod: Object, which: str = "containerStatuses") -> Object:
    (status,) = pod["status"][which]
    found: Object = status["state"]
    return found


def messages(watch: Watch, reason: str) -> list[str]:
    return [event["message"] for event in watch.events(reason, "one")]


@pytest.mark.parametrize(
    ("policy", "script", "phase", "reason", "code"),
    [
        ("Never", "echo done", "Succeeded", "Completed", 0),
        ("Never", "echo no; exit 3", "Failed", "Error", 3),
        ("OnFailure", "sleep 2", "Succeeded", "Completed", 0),
    ],
)
def test_a_pod_that_is_done_is_finished(
    watch: Watch, policy: str, script: str, phase: str, reason: str, code: int
) -> None:
    pod = run(watch, box(script), restartPolicy=policy)
    end = state(pod)["terminated"]
    assert (pod["status"]["phase"], end["reason"], end["exitCode"]) == (phase, reason, code)
    assert (condition(pod, "Ready") or {})["status"] == "False"
    assert (condition(pod, "Ready") or {})["reason"] == ("PodCompleted" if code == 0 else "PodFailed")


def test_what_a_finished_container_wrote_can_still_be_read(watch: Watch) -> None:
    run(watch, box("echo hello world; exit 1"), restartPolicy="Never")
    read = watch.world.read_log("shop", "one", "main", previous=False) or []
    assert [line.text for line in read] == ["hello world"]


@pytest.mark.parametrize(("policy", "script"), [("Always", "true"), ("Always", "exit 1"), ("OnFailure", "exit 1")])
def test_a_container_that_ends_too_often_is_held_back(watch: Watch, policy: str, script: str) -> None:
    pod = run(watch, box(script), restartPolicy=policy, seconds=60)
    assert pod["status"]["phase"] == "Running"
    assert state(pod)["waiting"]["reason"] == "CrashLoopBackOff"
    assert pod["status"]["containerStatuses"][0]["restartCount"] >= 2
    assert messages(watch, "BackOff")[0].startswith("Back-off restarting failed container main in pod one_shop(")


def test_init_containers_go_one_after_the_other(watch: Watch) -> None:
    prepared = [box("sleep 5", "first"), box("sleep 5", "second")]
    pod = run(watch, box(), initContainers=prepared, seconds=4)
    first, second = pod["status"]["initContainerStatuses"]
    assert "running" in first["state"]
    assert second["state"]["waiting"]["reason"] == "PodInitializing"
    assert state(pod)["waiting"]["reason"] == "PodInitializing"
    initialized = condition(pod, "Initialized") or {}
    assert initialized["message"] == "containers with incomplete status: [first second]"
    pod = watch.after(20).get("Pod", "one")
    assert [each["state"]["terminated"]["reason"] for each in pod["status"]["initContainerStatuses"]] == [
        "Completed",
        "Completed",
    ]
    assert "running" in state(pod)
    assert pod["status"]["phase"] == "Running"


def test_an_init_container_that_fails_keeps_the_pod_pending(watch: Watch) -> None:
    pod = run(watch, box(), initContainers=[box("echo no schema; exit 1", "migrate")], seconds=60)
    assert pod["status"]["phase"] == "Pending"
    assert state(pod, "initContainerStatuses")["waiting"]["reason"] == "CrashLoopBackOff"
    assert pod["status"]["initContainerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1
    log = watch.world.read_log("shop", "one", "migrate", previous=True) or []
    assert [line.text for line in log] == ["no schema"]


def test_an_init_container_that_fails_for_good_fails_the_pod(watch: Watch) -> None:
    pod = run(watch, box(), initContainers=[box("exit 1", "migrate")], restartPolicy="Never")
    assert pod["status"]["phase"] == "Failed"


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "shop-settings", "key": "no"}}}]},
            "couldn't find key no in ConfigMap shop/shop-settings",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "shop-db-credentials", "key": "no"}}}]},
            "couldn't find key no in Secret shop/shop-db-credentials",
        ),
    ],
)
def test_a_reference_to_nothing_is_a_config_error(watch: Watch, container: Object, message: str) -> None:
    pod = run(watch, box(**container), seconds=30)
    assert state(pod)["waiting"] == {"reason": "CreateContainerConfigError", "message": message}
    assert pod["status"]["phase"] == "Pending"
    assert f"Error: {message}" in messages(watch, "Failed")
    counts = {
        event["reason"]: event["count"]
        for event in watch.world.store.list("Event", "shop")
        if "one" in event["involvedObject"]["name"]
    }
    assert counts["Failed"] >= 2


def test_a_config_error_is_over_once_the_thing_is_there(watch: Watch) -> None:
    run(watch, box(envFrom=[{"configMapRef": {"name": "late"}}]), seconds=30)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "shop"}, "data": {}}
    watch.world.store.create("ConfigMap", config)
    assert "running" in state(watch.after(30).get("Pod", "one"))


def test_the_environment_is_put_together_from_everywhere(watch: Watch) -> None:
    field = {"fieldRef": {"fieldPath": "metadata.name"}}
    env = [
        {"name": "ME", "valueFrom": field},
        {"name": "HELLO", "value": "I am $(ME) in $(S_CURRENCY) and $(NOTHING)"},
        {"name": "MAYBE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "none", "optional": True}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
    ]
    source = [{"prefix": "S_", "configMapRef": {"name": "shop-settings"}}]
    limited = {"limits": {"memory": "64Mi"}}
    pod = run(watch, box(env=env, envFrom=source, resources=limited))
    got = watch.world.kubelet.runs[pod["metadata"]["uid"]].containers["main"].env
    assert got["HELLO"] == "I am one in EUR and $(NOTHING)"
    assert got["LIMIT"] == str(64 * 2**20)
    assert "MAYBE" not in got


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'MountVolume.SetUp failed for volume "v" : configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'MountVolume.SetUp failed for volume "v" : secret "none" not found'),
        (
            {"configMap": {"name": "shop-settings", "items": [{"key": "no", "path": "no"}]}},
            'MountVolume.SetUp failed for volume "v" : references non-existent config key: no',
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "none"}}]}},
            'MountVolume.SetUp failed for volume "v" : secret "none" not found',
        ),
        (
            {"hostPath": {"path": "/srv/data", "type": "Directory"}},
            'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /srv/data is not a directory',
        ),
    ],
)
def test_a_volume_of_nothing_is_not_mounted(watch: Watch, volume: Object, message: str) -> None:
    pod = run(watch, box(), volumes=[{"name": "v", **volume}], seconds=130)
    assert state(pod)["waiting"] == {"reason": "ContainerCreating"}
    assert message in messages(watch, "FailedMount")
    late = "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[]: "
    assert f"{late}timed out waiting for the condition" in messages(watch, "FailedMount")


def test_the_retries_of_a_mount_become_rare(watch: Watch) -> None:
    run(watch, box(), volumes=[{"name": "v", "configMap": {"name": "none"}}], seconds=600)
    (count,) = [event["count"] for event in watch.events("FailedMount", "one") if "SetUp" in event["message"]]
    assert 11 <= count <= 16


def test_a_node_without_addresses_makes_no_sandbox(watch: Watch) -> None:
    for node in ("node-1", "node-2", "node-3"):
        watch.world.conditions.press(Pressure(Kind.NO_POD_ADDRESSES, node), Level(1.0))
    pod = run(watch, box(), seconds=60)
    assert "podIP" not in pod["status"]
    assert "no IP addresses available in range set: 10.244." in messages(watch, "FailedCreatePodSandBox")[0]


RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: exec: "
)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["serve-all"], 128, f'{RUNC}"serve-all": executable file not found in $PATH: unknown'),
        (["/app/serve"], 128, f'{RUNC}"/app/serve": stat /app/serve: no such file or directory: unknown'),
        (["/app"], 128, f'{RUNC}"/app": is a directory: unknown'),
    ],
)
def test_a_command_that_is_not_there_cannot_be_started(watch: Watch, command: list[str], code: int, said: str) -> None:
    pod = run(watch, {"name": "main", "image": BUSYBOX, "command": command}, seconds=50)
    assert state(pod)["waiting"]["reason"] == "CrashLoopBackOff"
    end = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (end["reason"], end["exitCode"], end["message"]) == ("StartError", code, said)
    assert f"Error: {said}" in messages(watch, "Failed")


@pytest.mark.parametrize(("script", "code"), [("migrat --all", 127), ("set -e; false; echo never", 1)])
def test_a_script_ends_as_a_shell_ends(watch: Watch, script: str, code: int) -> None:
    pod = run(watch, box(script), restartPolicy="Never")
    assert state(pod)["terminated"]["exitCode"] == code


def test_a_deleted_pod_that_was_finished_goes_away(watch: Watch) -> None:
    pod = run(watch, box("true"), restartPolicy="Never")
    metadata = {**pod["metadata"], "deletionTimestamp": "2026-01-14T09:00:30Z", "deletionGracePeriodSeconds": 30}
    watch.world.store.update("Pod", {**pod, "metadata": metadata})
    watch.world.kick()
    assert watch.after(5).world.store.get("Pod", "shop", "one") is None
