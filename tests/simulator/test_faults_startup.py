"""Workloads that do not come up, each for its own reason: how it shows, and that mending it heals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator.faults import FAULTS, Place
from simulator.objects import annotations_of, controller_of
from tests.simulator.worlds import Object, Watch, small_world


@dataclass(frozen=True)
class Case:
    fault: str
    target: str
    waiting: str  # the reason that a container's status gives
    event: str
    said: str  # in a message of that event, or in the last container's log
    parameters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.fault, self.target, *map(str, self.parameters.values())][:3])


CASES = [
    Case("image_registry_dns_failure", "catalogue", "ImagePullBackOff", "Failed", "on 192.168.10.1:53: no such host"),
    Case("missing_image_pull_secret", "catalogue", "ImagePullBackOff", "Failed", ": 401 Unauthorized"),
    Case("image_pull_rate_limited", "session-cache", "ImagePullBackOff", "Failed", "429 Too Many Requests"),
    Case("image_architecture_mismatch", "catalogue", "CrashLoopBackOff", "log", "exec format error"),
    Case(
        "missing_config_map",
        "catalogue",
        "CreateContainerConfigError",
        "Failed",
        'configmap "shop-settings-v2" not found',
    ),
    Case(
        "missing_config_map",
        "catalogue",
        "ContainerCreating",
        "FailedMount",
        'MountVolume.SetUp failed for volume "config" : configmap "catalogue-config-v2" not found',
        {"how": "volume"},
    ),
    Case(
        "missing_secret_binding",
        "shop-db",
        "CreateContainerConfigError",
        "Failed",
        'secret "shop-db-credentials-v2" not found',
    ),
    Case(
        "missing_secret_binding",
        "search",
        "CreateContainerConfigError",
        "Failed",
        'secret "search-credentials" not found',
    ),
    Case(
        "missing_secret_binding",
        "search",
        "ContainerCreating",
        "FailedMount",
        'MountVolume.SetUp failed for volume "tls" : secret "search-tls" not found',
        {"how": "volume"},
    ),
    Case(
        "missing_config_key",
        "catalogue",
        "CreateContainerConfigError",
        "Failed",
        "couldn't find key LOG_FORMAT in ConfigMap shop/shop-settings",
    ),
    Case(
        "volume_mount_permission_denied", "search", "CrashLoopBackOff", "log", "/var/lib/index/LOCK: permission denied"
    ),
    Case("volume_mount_permission_denied", "session-cache", "CrashLoopBackOff", "log", "Permission denied"),
    Case(
        "volume_attach_conflict",
        "search",
        "ContainerCreating",
        "FailedAttachVolume",
        'Multi-Attach error for volume "pvc-search-data"',
    ),
    Case(
        "init_container_failed", "catalogue", "PodInitializing", "BackOff", "restarting failed container migrate in pod"
    ),
    Case(
        "bad_command",
        "catalogue",
        "CrashLoopBackOff",
        "Failed",
        "stat /usr/local/bin/catalogue-server: no such file or directory",
    ),
    Case("bad_command", "catalogue", "CrashLoopBackOff", "log", "sh: serve-it: not found", {"shell": "serve-it --all"}),
    Case(
        "sandbox_failed",
        "catalogue",
        "ContainerCreating",
        "FailedCreatePodSandBox",
        'no runtime for "gvisor" is configured',
    ),
]


def roll_back(watch: Watch, name: str) -> None:
    """`kubectl rollout undo`: the template of the revision before."""
    deployment = watch.get("Deployment", name)
    owned = [
        each
        for each in watch.world.store.list("ReplicaSet", watch.namespace)
        if (controller_of(each) or {}).get("name") == name
    ]
    by_revision = sorted(owned, key=lambda each: int(annotations_of(each)["deployment.kubernetes.io/revision"]))
    before = by_revision[-2]["spec"]["template"]
    labels = {key: value for key, value in before["metadata"]["labels"].items() if key != "pod-template-hash"}
    template = {**before, "metadata": {**before["metadata"], "labels": labels}}
    watch.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "template": template}})
    watch.world.kick()


def last_words(watch: Watch, app: str) -> list[str]:
    return watch.log(app) + watch.log(app, previous=True)


def is_said(watch: Watch, case: Case) -> bool:
    if case.event == "log":
        return any(case.said in line for line in last_words(watch, case.target))
    return any(case.said in event["message"] for event in watch.events(case.event, case.target))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fault_shows_and_its_repair_heals_it(case: Case) -> None:
    watch = Watch(small_world())
    fault = watch.inject(case.fault, case.target, **case.parameters)
    assert not watch.is_healed(fault)
    watch.after(150)
    assert case.waiting in watch.waiting_reasons(case.target)
    assert is_said(watch, case)
    assert not watch.is_healed(fault)
    roll_back(watch, case.target)
    assert watch.after(240).is_healed(fault)


@pytest.mark.parametrize("case", {case.fault: case for case in CASES}.values(), ids=str)
def test_taking_it_back_heals_it(case: Case) -> None:
    watch = Watch(small_world())
    fault = watch.inject(case.fault, case.target, **case.parameters)
    entry = watch.after(60).ledger.remove(fault)
    assert entry is not None
    assert watch.after(240).ledger.describe(entry)["healed"]


Mend = Callable[[Watch], None]


def create(kind: str, **obj: Any) -> Mend:
    def mend(watch: Watch) -> None:
        metadata = {"name": obj["name"], "namespace": "shop"}
        made: Object = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": obj["data"]}
        watch.world.store.create(kind, made)
        watch.world.kick()

    return mend


@pytest.mark.parametrize(
    ("fault", "target", "mend"),
    [
        ("missing_secret_binding", "search", create("Secret", name="search-credentials", data={"token": "eA=="})),
        ("missing_config_map", "catalogue", create("ConfigMap", name="shop-settings-v2", data={"LOG_LEVEL": "info"})),
    ],
)
def test_whoever_creates_what_is_missing_heals_it_as_well(fault: str, target: str, mend: Mend) -> None:
    watch = Watch(small_world())
    injected = watch.inject(fault, target)
    mend(watch.after(60))
    assert watch.after(240).is_healed(injected)


@pytest.mark.parametrize(
    ("fault", "target"),
    [
        ("missing_image_pull_secret", "session-cache"),  # comes from a public registry
        ("image_pull_rate_limited", "catalogue"),  # comes with a login
        ("volume_attach_conflict", "shop-db"),  # is one pod
        ("volume_mount_permission_denied", "catalogue"),  # keeps nothing
    ],
)
def test_it_is_not_tried_where_it_would_not_hurt(fault: str, target: str) -> None:
    world = small_world()
    assert not FAULTS[fault].suits(world, Place("shop", target))
