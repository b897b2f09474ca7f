"""The parts of a kubelet asked alone: pauses, environments, volumes, statuses, and who has to go first."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.conditions import Conditions
from simulator.events import Recorder
from simulator.kubelet.environment import ConfigError, Surroundings, resolved
from simulator.kubelet.eviction import SIGNALS, _is_critical, _message, _rank
from simulator.kubelet.mounts import files, may_write, obstacles
from simulator.kubelet.probes import _listener, _port
from simulator.kubelet.pulls import backoff
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, ProbeRun, Termination
from simulator.kubelet.setup import Setup
from simulator.kubelet.station import Station, go_duration
from simulator.kubelet.status import qos_class, status
from simulator.programs.process import Process
from simulator.registry import Registry
from simulator.shop import SHOP
from simulator.store import Store

Object = dict[str, Any]
NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
MIB = 2**20


def pod(*containers: Object, name: str = "one", **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"app": "x"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": "worker-1", "containers": [*containers], **spec},
    }


def store(*objects: tuple[str, str, Object]) -> Store:
    filled = Store(lambda: NOW, 7)
    for kind, name, body in objects:
        filled.create(kind, {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **body})
    return filled


def run_of(*phases: Phase, **given: Any) -> PodRun:
    containers = {f"c{index}": ContainerRun(f"c{index}", "x:1", phase) for index, phase in enumerate(phases)}
    return PodRun("uid-one", "shop", "one", "worker-1", "10.244.1.7", NOW, containers, **given)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 10), (2, 20), (5, 160), (6, 300), (7, 300), (5_000, 300)])
def test_pauses_double_up_to_five_minutes_and_stay_there_for_ever(attempts: int, seconds: float) -> None:
    assert backoff(attempts) == seconds


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 0.5), (3, 4.0), (7, 64.0), (8, 122.0), (5_000, 122.0)])
def test_the_retries_of_a_mount_become_rare_and_never_end(attempts: int, seconds: float) -> None:
    objects = store()
    station = Station(objects, lambda: NOW, Recorder(objects, lambda: NOW), Registry(SHOP), Conditions(), {}, 7)
    run = run_of(Phase.WAITING, setup_attempts=attempts)
    Setup(station).advance(pod(volumes=[{"name": "v", "configMap": {"name": "none"}}]), run)
    assert (run.setup_due, run.setup_attempts) == (NOW + timedelta(seconds=seconds), attempts + 1)


@pytest.mark.parametrize(("seconds", "written"), [(0, "0s"), (10, "10s"), (80, "1m20s"), (300.9, "5m0s")])
def test_a_pause_is_written_as_go_writes_it(seconds: float, written: str) -> None:
    assert go_duration(seconds) == written


CONFIG = ("ConfigMap", "settings", {"data": {"LEVEL": "info", "N": 7}})
SECRET = ("Secret", "keys", {"data": {"TOKEN": base64.b64encode(b"s3cret").decode()}})


def environment(container: Object) -> dict[str, str]:
    return resolved(Surroundings(store(CONFIG, SECRET), pod(container), "10.244.1.7", "192.168.10.11"), container)


def reference(kind: str, name: str, key: str, **more: Any) -> Object:
    return {"name": "IT", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **more}}}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ({"name": "IT", "value": "plain"}, "plain"),
        ({"name": "IT"}, ""),
        ({"name": "IT", "value": "$(LATER) $(bad name)"}, "$(LATER) $(bad name)"),
        (reference("configMap", "settings", "N"), "7"),
        (reference("secret", "keys", "TOKEN"), "s3cret"),
        (reference("secret", "none", "TOKEN", optional=True), None),
        (reference("secret", "keys", "none", optional=True), None),
        ({"name": "IT", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.244.1.7"),
        ({"name": "IT", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}, "192.168.10.11"),
        ({"name": "IT", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}, "x"),
        ({"name": "IT", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['none']"}}}, ""),
        ({"name": "IT", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}, "2"),
        ({"name": "IT", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory"}}}, "0"),
    ],
)
def test_a_variable_is_looked_up_where_it_says(variable: Object, value: str | None) -> None:
    container = {"name": "c0", "env": [variable], "resources": {"limits": {"cpu": "1500m"}}}
    assert environment(container).get("IT") == value


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (reference("configMap", "none", "N"), 'configmap "none" not found'),
        (reference("secret", "none", "N"), 'secret "none" not found'),
        (reference("configMap", "settings", "X"), "couldn't find key X in ConfigMap shop/settings"),
        (reference("secret", "keys", "X"), "couldn't find key X in Secret shop/keys"),
    ],
)
def test_a_variable_that_refers_to_nothing_keeps_the_container_from_being_made(variable: Object, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        environment({"name": "c0", "env": [variable]})
    assert str(raised.value) == said


def test_a_later_source_and_then_a_variable_of_its_own_win() -> None:
    sources = [{"configMapRef": {"name": "settings"}}, {"prefix": "K_", "secretRef": {"name": "keys"}}]
    env = environment({"name": "c0", "envFrom": sources, "env": [{"name": "LEVEL", "value": "not $(LEVEL)"}]})
    assert env == {"LEVEL": "not info", "N": "7", "K_TOKEN": "s3cret"}


def claim(phase: str, *modes: str) -> tuple[str, str, Object]:
    spec = {"accessModes": list(modes), "volumeName": "pv-1"}
    return "PersistentVolumeClaim", "disk", {"spec": spec, "status": {"phase": phase}}


DISK = {"persistentVolumeClaim": {"claimName": "disk"}}
SETUP = 'MountVolume.SetUp failed for volume "v" : '


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"emptyDir": {}}, []),
        ({"configMap": {"name": "settings"}}, []),
        ({"configMap": {"name": "none"}}, [SETUP + 'configmap "none" not found']),
        ({"configMap": {"name": "none", "optional": True}}, []),
        ({"secret": {"secretName": "none"}}, [SETUP + 'secret "none" not found']),
        (
            {"configMap": {"name": "settings", "items": [{"key": "X", "path": "x"}]}},
            [SETUP + "references non-existent config key: X"],
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "keys", "items": [{"key": "X", "path": "x"}]}}]}},
            [SETUP + "references non-existent secret key: X"],
        ),
        ({"hostPath": {"path": "/var/log", "type": "Directory"}}, []),
        ({"hostPath": {"path": "/data", "type": ""}}, []),
        (
            {"hostPath": {"path": "/data", "type": "Directory"}},
            [SETUP + "hostPath type check failed: /data is not a directory"],
        ),
        (DISK, ['error processing PVC shop/disk: persistentvolumeclaim "disk" not found']),
    ],
)
def test_a_volume_says_what_it_lacks(volume: Object, said: list[str]) -> None:
    found = obstacles(store(CONFIG, SECRET), pod(volumes=[{"name": "v", **volume}]))
    assert [each.message for each in found] == said


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (claim("Pending", "ReadWriteOnce"), ["error processing PVC shop/disk: PVC is not bound"]),
        (
            claim("Bound", "ReadWriteOnce"),
            ['Multi-Attach error for volume "pv-1" Volume is already used by pod(s) other'],
        ),
        (claim("Bound", "ReadWriteMany"), []),
    ],
)
def test_a_disk_for_one_node_is_not_given_to_a_second(kept: Any, said: list[str]) -> None:
    volumes = [{"name": "v", **DISK}]
    other = pod(name="other", volumes=volumes, nodeName="worker-2")
    holding = {"spec": other["spec"], "status": {"containerStatuses": [{"containerID": "containerd://a"}]}}
    found = obstacles(store(kept, ("Pod", "other", holding)), pod(volumes=volumes))
    assert [each.message for each in found] == said


@pytest.mark.parametrize(
    ("volume", "mount", "found"),
    [
        ({"configMap": {"name": "settings"}}, {"mountPath": "/etc/x/"}, {"/etc/x/LEVEL": "info", "/etc/x/N": "7"}),
        (
            {"configMap": {"name": "settings", "items": [{"key": "LEVEL", "path": "a/level"}]}},
            {"mountPath": "/etc/x"},
            {"/etc/x/a/level": "info"},
        ),
        ({"secret": {"secretName": "keys"}}, {"mountPath": "/k/t", "subPath": "TOKEN"}, {"/k/t": "s3cret"}),
        ({"secret": {"secretName": "keys"}}, {"mountPath": "/k/t", "subPath": "none"}, {}),
        ({"emptyDir": {}}, {"mountPath": "/tmp"}, {}),  # noqa: S108
    ],
)
def test_a_container_finds_the_files_of_its_volumes(volume: Object, mount: Object, found: dict[str, str]) -> None:
    container = {"name": "c0", "volumeMounts": [{"name": "v", **mount}]}
    assert files(store(CONFIG, SECRET), pod(container, volumes=[{"name": "v", **volume}]), container) == found


@pytest.mark.parametrize(
    ("volume", "mount", "general", "own", "may"),
    [
        (DISK, {}, {}, {}, True),
        (DISK, {"readOnly": True}, {}, {}, False),
        (DISK, {}, {"runAsUser": 999}, {}, False),
        (DISK, {}, {"runAsUser": 999}, {"runAsUser": 0}, True),
        (DISK, {}, {"runAsUser": 999, "fsGroup": 999}, {}, True),
        ({"hostPath": {"path": "/data"}}, {}, {"runAsUser": 999, "fsGroup": 999}, {}, False),
        ({"emptyDir": {}}, {}, {"runAsUser": 999}, {}, True),
    ],
)
def test_who_may_write_to_a_disk(volume: Object, mount: Object, general: Object, own: Object, may: bool) -> None:
    mounted = {"name": "v", "mountPath": "/data/", **mount}
    container = {"name": "c0", "securityContext": own, "volumeMounts": [mounted]}
    around = pod(container, volumes=[{"name": "v", **volume}], securityContext=general)
    assert may_write(around, container, "/data") is may
    assert may_write(around, container, "/elsewhere")


FULL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ([{}], "BestEffort"),
        ([{"limits": FULL, "requests": FULL}], "Guaranteed"),
        ([{"limits": FULL, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": FULL, "requests": {"cpu": "1", "memory": "1Mi"}}], "Burstable"),
        ([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], "Burstable"),
        ([{"requests": FULL}], "Burstable"),
        ([{"limits": FULL, "requests": FULL}, {}], "Burstable"),
    ],
)
def test_only_limits_that_are_asked_for_in_full_are_guaranteed(resources: list[Object], qos: str) -> None:
    assert qos_class(pod(*({"name": f"c{index}", "resources": each} for index, each in enumerate(resources)))) == qos


DONE = Termination("Completed", 0, NOW, NOW, "containerd://a")
DEAD = Termination("Error", 1, NOW, NOW, "containerd://a")


def ended(end: Termination) -> ContainerRun:
    return ContainerRun("c0", "x:1", Phase.FINISHED, last=end)


@pytest.mark.parametrize(
    ("run", "phase", "ready"),
    [
        (run_of(Phase.WAITING), "Pending", "ContainersNotReady"),
        (run_of(Phase.BOOTING), "Running", "ContainersNotReady"),
        (run_of(Phase.READY), "Running", None),
        (run_of(Phase.READY, Phase.PULLING), "Running", "ContainersNotReady"),
        (run_of(Phase.WAITING, init={"i": ContainerRun("i", "x:1", Phase.BOOTING)}), "Pending", "ContainersNotReady"),
        (PodRun("u", "shop", "one", "n", "ip", NOW, {"c0": ended(DONE)}), "Succeeded", "PodCompleted"),
        (PodRun("u", "shop", "one", "n", "ip", NOW, {"c0": ended(DEAD)}), "Failed", "PodFailed"),
        (run_of(Phase.WAITING, init={"i": ended(DEAD)}), "Failed", "PodFailed"),
    ],
)
def test_a_pod_has_the_phase_of_what_runs_in_it(run: PodRun, phase: str, ready: str | None) -> None:
    said = status(pod(), run, "192.168.10.11", NOW)
    conditions = {each["type"]: each for each in said["conditions"]}
    assert (said["phase"], conditions["Ready"].get("reason")) == (phase, ready)
    assert conditions["ContainersReady"]["status"] == conditions["Ready"]["status"] == str(run.is_ready)


def test_a_condition_that_stays_keeps_its_time() -> None:
    early = status(pod(), run_of(Phase.BOOTING), "", NOW)
    later = status({**pod(), "status": early}, run_of(Phase.READY), "", NOW + timedelta(minutes=1))
    times = {each["type"]: each["lastTransitionTime"] for each in later["conditions"]}
    assert (times["PodScheduled"], times["Ready"]) == ("2026-01-14T09:00:00Z", "2026-01-14T09:01:00Z")


def test_whatever_comes_first_is_due_next() -> None:
    soon, later = NOW + timedelta(seconds=5), NOW + timedelta(seconds=9)
    run = run_of(Phase.BOOTING, Phase.READY)
    assert run.next_due is None
    run.containers["c0"].due = later
    run.containers["c1"].probes["readiness"] = ProbeRun({}, soon, soon)
    assert run.next_due == soon
    run.containers["c0"].exits_at = NOW
    assert run.next_due == NOW
    run.stops_at = NOW - timedelta(seconds=1)
    assert run.next_due == run.stops_at


@pytest.mark.parametrize(
    ("probe", "port"),
    [
        ({"httpGet": {"port": 8080}}, 8080),
        ({"httpGet": {"port": "8080"}}, 8080),
        ({"tcpSocket": {"port": "web"}}, 9000),
        ({"grpc": {"port": 50}}, 50),
        ({"httpGet": {"port": "none"}}, 0),
        ({"exec": {"command": ["true"]}}, 0),
    ],
)
def test_a_probe_means_a_port_by_number_or_by_name(probe: Object, port: int) -> None:
    assert (
        _port({"ports": [{"name": "other", "containerPort": 1}, {"name": "web", "containerPort": 9000}]}, probe) == port
    )


def test_a_probe_finds_whoever_of_the_pod_has_the_port() -> None:
    run = run_of(Phase.READY, Phase.READY, Phase.TERMINATED)
    one, other, gone = run
    one.process = Process(None, None, (80,), is_listening=True)
    other.process = Process(None, None, (81,), is_listening=True)
    gone.process = Process(None, None, (82,), is_listening=True)
    assert [_listener(run, one, port) for port in (80, 81, 82, 83)] == [one.process, other.process, None, None]
    other.process.is_listening = False
    assert _listener(run, one, 81) is None


MEMORY, STORAGE, PIDS = SIGNALS


def using(name: str, mib: float, request: str = "", priority: int = 0) -> tuple[Object, PodRun]:
    resources = {"requests": {"memory": request}} if request else {}
    run = PodRun(f"uid-{name}", "shop", name, "worker-1", "", NOW, {"c0": ContainerRun("c0", "x:1", memory_mib=mib)})
    return pod({"name": "c0", "resources": resources}, name=name, priority=priority), run


def test_who_is_above_its_request_goes_first_then_the_humble_then_the_greedy() -> None:
    many = [
        using("within", 90, "100Mi"),
        using("proud", 500, "100Mi", priority=9),
        using("greedy", 400, "100Mi"),
        using("modest", 200, "100Mi"),
    ]
    ranked = sorted(many, key=lambda each: _rank(MEMORY, *each))
    assert [run.name for _, run in ranked] == ["greedy", "modest", "proud", "within"]


def test_an_eviction_names_the_containers_above_their_requests() -> None:
    said = _message(MEMORY, 50 * MIB, *using("one", 200, "100Mi"))
    assert said.startswith("The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. ")
    assert "Container c0 was using 204800Ki, request is 100Mi, has larger consumption of memory. " in said
    assert "Container" not in _message(MEMORY, 50 * MIB, *using("one", 50, "100Mi"))
    assert "request is 0," in _message(STORAGE, 50 * MIB, *using("one", 50))
    assert "available: 12. " in _message(PIDS, 12, *using("one", 50))


@pytest.mark.parametrize(
    ("changes", "spec", "critical"),
    [
        ({}, {}, False),
        ({"namespace": "kube-system"}, {}, True),
        ({"ownerReferences": [{"kind": "Node"}]}, {}, True),
        ({"ownerReferences": [{"kind": "ReplicaSet"}]}, {}, False),
        ({}, {"priority": 2_000_000_000}, True),
        ({}, {"priority": 1_999_999_999}, False),
    ],
)
def test_what_the_cluster_lives_on_is_never_evicted(changes: Object, spec: Object, critical: bool) -> None:
    found = pod(**spec)
    assert _is_critical({**found, "metadata": {**found["metadata"], **changes}}) is critical
