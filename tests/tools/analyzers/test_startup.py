"""Pods that do not start: each fault from its sentence, from the objects alone, and told apart from what looks alike."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.tools.objects import (
    NS,
    Object,
    at,
    container,
    deployment,
    event,
    meta,
    pod,
    replica_set,
    snapshot,
    waiting,
)
from tools.engines.explain import investigate
from tools.engines.rank import Ranked
from tools.engines.snapshot import LogKey, Snapshot


def causes(*objects: Object, logs: Mapping[LogKey, str] | None = None, reads: tuple[str, ...] = ()) -> list[Ranked]:
    snap = snapshot(*objects, logs=logs)
    return investigate(Snapshot(**{**vars_of(snap), "kinds_read": frozenset(reads)}))[0].causes


def vars_of(snap: Snapshot) -> dict[str, Any]:
    return {name: getattr(snap, name) for name in Snapshot.__dataclass_fields__}


def faults(*objects: Object, logs: Mapping[LogKey, str] | None = None, reads: tuple[str, ...] = ()) -> list[str]:
    return [f"{one.finding.fault} {one.finding.component.name}" for one in causes(*objects, logs=logs, reads=reads)]


def stuck(state: Object, program: Object | None = None, *, name: str = "baker") -> tuple[Object, Object, Object]:
    """A Deployment, its ReplicaSet and the pod of it that waits."""
    program = program or container()
    owner = deployment(name, program, replicas=1, available=0)
    made = replica_set(owner, 1, program)
    return owner, made, pod(made, ready=False, state=state)


def pulling(image: str, sentence: str = "", *others: Object) -> list[str]:
    owner, made, hanging = stuck(waiting("ImagePullBackOff", sentence), container(image=image))
    return faults(owner, made, hanging, *others)


def running(name: str, image: str, *secrets: str) -> list[Object]:
    owner = deployment(name, container(image=image), replicas=1, available=1)
    owner["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": one} for one in secrets]
    made = replica_set(owner, 1, container(image=image), ready=1)
    return [owner, made, pod(made)]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ('failed to pull and unpack image "r.io/a/b:9": r.io/a/b:9: not found', "incorrect_image_reference"),
        ("reading manifest v9 in quay.io/a/b: manifest unknown", "incorrect_image_reference"),
        ("reading manifest 9 in r.io/a/b: artifact a/b:9 not found", "incorrect_image_reference"),
        ("lookup r.io on 10.0.0.10:53: read udp 10.1.1.1:3->10.0.0.10:53: i/o timeout", "image_registry_dns_failure"),
        ('Get "https://r.io/v2/": x509: certificate signed by unknown authority', "image_registry_dns_failure"),
        ("Error response from daemon: no basic auth credentials", "missing_image_pull_secret"),
        ("failed to authorize: failed to fetch oauth token: 401 Unauthorized", "missing_image_pull_secret"),
        ("429 Too Many Requests - Server message: toomanyrequests", "image_pull_rate_limited"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "image_architecture_mismatch"),
        ("choosing image instance: no image found in manifest list for architecture arm64", "image_architecture_mismatch"),
    ],
)  # fmt: skip
def test_what_a_registry_answers_is_told_from_the_waiting_message_alone(sentence: str, fault: str) -> None:
    assert pulling("r.io/a/b:9", sentence) == [f"{fault} baker"]


def test_an_invalid_name_needs_no_registry_to_be_wrong() -> None:
    owner, made, hanging = stuck(waiting("InvalidImageName", "couldn't parse image name"), container(image="A:B:c"))
    assert faults(owner, made, hanging) == ["incorrect_image_reference baker"]


DENIED = "pull access denied, repository does not exist or may require authorization: insufficient_scope"


def test_a_denied_pull_of_a_name_that_is_nearly_another_is_a_slip() -> None:
    assert pulling("r.io/shop/pantrry:1", DENIED, *running("pantry", "r.io/shop/pantry:1")) == [
        "incorrect_image_reference baker"
    ]


def test_a_denied_pull_where_siblings_carry_credentials_lacks_them() -> None:
    others = running("cellar", "r.io/shop/cellar:1", "pull-key")
    assert pulling("r.io/shop/baker:1", DENIED, *others) == ["missing_image_pull_secret baker"]


def test_a_pull_secret_that_is_named_and_not_there_is_why_the_pull_is_denied() -> None:
    owner, made, hanging = stuck(waiting("ErrImagePull", DENIED), container(image="r.io/shop/baker:1"))
    owner["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "pull-kee"}]
    assert faults(owner, made, hanging, reads=("Secret",)) == ["missing_image_pull_secret baker"]


def test_without_any_pod_read_the_events_about_pods_tell_of_their_workload() -> None:
    owner, _, hanging = stuck(waiting("ErrImagePull"))
    hanging["metadata"]["name"] = "baker-7d9f8b6c5d-x2x4z"
    said = event(hanging, "Failed", 'Failed to pull image "r.io/a:9": rpc error: code = NotFound: not found')
    assert faults(owner, said) == ["incorrect_image_reference baker"]
    assert faults(said) == ["incorrect_image_reference baker"]


def test_an_image_for_another_processor_is_told_by_the_programs_only_line() -> None:
    owner, made, hanging = stuck(waiting("CrashLoopBackOff"))
    key = LogKey(NS, hanging["metadata"]["name"], "app", True)
    said = "exec /usr/local/bin/serve: exec format error"
    assert faults(owner, made, hanging, logs={key: said})[0] == "image_architecture_mismatch baker"


def bound(**source: Object) -> Object:
    program = container()
    program["env"] = [{"name": "TOKEN", "valueFrom": source}]
    return program


def config_map(name: str, *keys: str, kind: str = "ConfigMap") -> Object:
    return {"kind": kind, "metadata": meta(name), "data": dict.fromkeys(keys, "x")}


def test_the_kubelet_names_the_secret_that_it_misses() -> None:
    program = bound(secretKeyRef={"name": "pantry-key", "key": "token"})
    objects = stuck(waiting("CreateContainerConfigError", 'secret "pantry-key" not found'), program)
    assert faults(*objects) == ["missing_secret_binding baker"]


def test_a_secret_that_was_created_since_is_not_missing() -> None:
    program = bound(secretKeyRef={"name": "pantry-key", "key": "token"})
    objects = stuck(waiting("CreateContainerConfigError", 'secret "pantry-key" not found'), program)
    assert faults(*objects, config_map("pantry-key", "token", kind="Secret")) == []


def test_a_config_map_of_another_name_is_offered_as_the_one_meant() -> None:
    program = bound(configMapKeyRef={"name": "baker-setings", "key": "token"})
    objects = stuck(waiting("ContainerCreating"), program)
    found = causes(*objects, config_map("baker-settings", "token"))
    assert [one.finding.fault for one in found] == ["missing_config_map"]
    assert "baker-settings" in found[0].finding.words("en")


def test_a_key_that_is_not_there_is_told_from_an_object_that_is_not() -> None:
    program = bound(configMapKeyRef={"name": "settings", "key": "toke"})
    objects = stuck(waiting("CreateContainerConfigError"), program)
    found = causes(*objects, config_map("settings", "token"))
    assert [one.finding.fault for one in found] == ["missing_config_key"]
    assert "token" in found[0].finding.words("en")


def test_a_file_of_a_config_map_that_is_not_there_is_a_missing_key() -> None:
    owner, made, hanging = stuck(waiting("ContainerCreating"))
    said = event(
        hanging, "FailedMount", 'MountVolume.SetUp failed for volume "v" : references non-existent config key: a.yml'
    )
    assert faults(owner, made, hanging, said) == ["missing_config_key baker"]


def test_an_optional_reference_and_a_workload_that_is_well_miss_nothing() -> None:
    optional = bound(secretKeyRef={"name": "gone", "key": "token", "optional": True})
    assert faults(*stuck(waiting("ContainerCreating"), optional), reads=("Secret",)) == []
    needed = bound(secretKeyRef={"name": "gone", "key": "token"})
    owner = deployment("baker", needed, replicas=1, available=1)
    made = replica_set(owner, 1, needed, ready=1)
    assert faults(owner, made, pod(made), reads=("Secret",)) == []


def test_a_secret_that_nobody_looked_for_is_not_called_missing() -> None:
    program = bound(secretKeyRef={"name": "pantry-key", "key": "token"})
    assert faults(*stuck(waiting("ContainerCreating"), program)) == []


def ended(code: int, reason: str = "Error", message: str = "") -> Object:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": at(3)}}


@pytest.mark.parametrize(
    "last",
    [
        ended(128, "StartError", 'exec: "servee": executable file not found in $PATH: unknown'),
        ended(127, "ContainerCannotRun", "OCI runtime create failed"),
        ended(127),
        ended(126),
    ],
)
def test_a_command_that_is_not_there_cannot_be_run(last: Object) -> None:
    owner, made, hanging = stuck(waiting("CrashLoopBackOff"))
    hanging["status"]["containerStatuses"][0]["lastState"] = last
    assert faults(owner, made, hanging) == ["bad_command baker"]


def test_an_interpreter_that_is_given_no_such_file_was_given_a_bad_command() -> None:
    program = {**container(), "command": ["python", "/srv/mian.py"]}
    owner, made, hanging = stuck(waiting("CrashLoopBackOff"), program)
    hanging["status"]["containerStatuses"][0]["lastState"] = ended(2)
    key = LogKey(NS, hanging["metadata"]["name"], "app", True)
    said = "python: can't open file '/srv/mian.py': [Errno 2] No such file or directory"
    assert faults(owner, made, hanging, logs={key: said}) == ["bad_command baker"]


def test_a_program_that_exits_by_itself_has_no_bad_command() -> None:
    owner, made, hanging = stuck(waiting("CrashLoopBackOff"))
    hanging["status"]["containerStatuses"][0]["lastState"] = ended(1)
    assert faults(owner, made, hanging) == ["application_crash baker"]


def with_init(state: Object, *more: Object) -> list[Object]:
    owner, made, hanging = stuck(waiting("PodInitializing"))
    hanging["spec"] = {**hanging["spec"], "initContainers": [container("prepare")]}
    hanging["status"]["initContainerStatuses"] = [{"name": "prepare", "ready": False, "restartCount": 4, **state}]
    return [owner, made, hanging, *more]


def test_an_init_container_that_exits_is_why_nothing_starts() -> None:
    objects = with_init({"state": waiting("CrashLoopBackOff"), "lastState": ended(1)})
    assert faults(*objects) == ["init_container_failed baker"]


def test_an_init_container_without_its_program_has_a_bad_command() -> None:
    last = ended(128, "StartError", 'exec: "migrat": executable file not found in $PATH')
    assert faults(*with_init({"state": waiting("CrashLoopBackOff"), "lastState": last})) == ["bad_command baker"]


def mounted(sentence: str, reason: str = "FailedMount") -> list[str]:
    owner, made, hanging = stuck(waiting("ContainerCreating"))
    hanging["spec"] = {**hanging["spec"], "nodeName": "n2"}
    return faults(owner, made, hanging, event(hanging, reason, sentence))


@pytest.mark.parametrize(
    ("reason", "sentence", "fault"),
    [
        ("FailedAttachVolume", 'Multi-Attach error for volume "pv-1" Volume is already used by pod(s) baker-0', "volume_attach_conflict"),
        ("FailedAttachVolume", "rpc error: VolumeInUse: vol-1 is already attached to an instance", "volume_attach_conflict"),
        ("FailedMount", "MountVolume.SetUp failed: mount.nfs: access denied by server while mounting", "volume_mount_permission_denied"),
        ("FailedMount", "applyFSGroup failed for vol: chown /data/x: operation not permitted", "volume_mount_permission_denied"),
        ("FailedCreatePodSandBox", 'plugin type="calico" failed (add): no IP addresses available in range', "sandbox_failed"),
    ],
)  # fmt: skip
def test_each_sentence_of_mounts_and_sandboxes_has_its_fault(reason: str, sentence: str, fault: str) -> None:
    assert mounted(sentence, reason) == [f"{fault} baker"]


def test_a_sandbox_without_a_runtime_is_the_nodes_trouble() -> None:
    assert mounted("dial unix /run/containerd/containerd.sock: connect: no such file", "FailedCreatePodSandBox") == []


def test_a_sandbox_that_failed_before_the_container_ran_is_over() -> None:
    owner = deployment("baker", replicas=1, available=0)
    made = replica_set(owner, 1)
    young = pod(made, ready=False)
    young["spec"] = {**young["spec"], "nodeName": "n1"}
    said = event(young, "FailedCreatePodSandBox", "failed to set up network")
    assert "sandbox_failed baker" not in faults(owner, made, young, said)


def claimed(name: str, node: str, *, runs: bool) -> Object:
    state = {"running": {"startedAt": at(50)}} if runs else waiting("ContainerCreating")
    made = replica_set(deployment("baker", replicas=2, available=1), 1)
    held = pod(made, name, ready=runs, state=state)
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "flour"}}]
    held["spec"] = {**held["spec"], "nodeName": node, "volumes": volumes}
    return held


def test_a_claim_that_another_pod_holds_on_another_node_needs_no_event() -> None:
    claim = {"kind": "PersistentVolumeClaim", "metadata": meta("flour"), "spec": {"accessModes": ["ReadWriteOnce"]}}
    owner = deployment("baker", replicas=2, available=1)
    made = replica_set(owner, 1)
    holder, waiter = claimed("holdr", "n1", runs=True), claimed("waitr", "n2", runs=False)
    assert faults(owner, made, holder, waiter, claim) == ["volume_attach_conflict baker"]
    shared = {**claim, "spec": {"accessModes": ["ReadWriteMany"]}}
    assert faults(owner, made, holder, waiter, shared) == []


def test_a_log_that_may_not_write_below_a_mount_accuses_the_volume_and_elsewhere_does_not() -> None:
    program = {**container(), "volumeMounts": [{"name": "v", "mountPath": "/var/flour"}]}
    owner, made, hanging = stuck(waiting("CrashLoopBackOff"), program)
    hanging["status"]["containerStatuses"][0]["lastState"] = ended(1)
    key = LogKey(NS, hanging["metadata"]["name"], "app", True)
    for path, fault in (("/var/flour/x", "volume_mount_permission_denied"), ("/usr/x", "application_crash")):
        said = f"2026-03-02T08:58:00Z ERROR open {path}: permission denied"
        assert faults(owner, made, hanging, logs={key: said})[0] == f"{fault} baker"
