"""What looks suspicious and is nobody's trouble: each is left over, unused or on purpose, and none of it is ever the cause.

A good answer does not mention them, or mentions them as what they are. What a herring needs to look old is dated back; everything else
about it is real: the scheduler says its own sentences about the pod that nobody needs.
"""

from __future__ import annotations

from datetime import timedelta

from simulator.clock import rfc3339
from simulator.events import Source
from simulator.faults.base import first_container, with_container
from simulator.kubernetes_api import defaulted
from simulator.objects import Object, name_of, with_annotations, with_spec
from simulator.scenarios.acts import cordon
from simulator.scenarios.scene import Options, Scene, Verb

LEFT_OVER = "legacy-importer"
# The objects that herrings leave; an alert about one of them is true and beside the point.
LEFT_BEHIND = (LEFT_OVER, f"deny-{LEFT_OVER}", "gpu-trial", "catalogue-import-2025", "old-frontend", "report-archive")
IDLE_IMAGE = "docker.io/library/busybox:1.36.1"


def cordoned_node(scene: Scene, options: Options) -> str:
    """Closed for new pods since yesterday, with the reason on it."""
    said = cordon(scene, options)
    node = scene.node(str(options["target"]))
    reason = {"maintenance/reason": "firmware update, see change calendar", "maintenance/by": "platform-team"}
    scene.world.store.update("Node", with_annotations(node, **reason))
    return f"{said} for maintenance"


def forgotten_pod(scene: Scene, options: Options) -> str:
    """A pod that somebody tried out days ago and that no node can take."""
    namespace = scene.names.text(str(options["namespace"]))
    spec = {
        "containers": [
            {"name": "trial", "image": IDLE_IMAGE, "resources": {"requests": {"cpu": "64", "memory": "1Gi"}}}
        ],
        "nodeSelector": {"hardware": "gpu-a100"},
    }
    _old(scene, "Pod", namespace, "gpu-trial", {"spec": spec}, days=9)
    return f"pod gpu-trial in {namespace} waits for a node that is not there, as it has for days"


def unused_service(scene: Scene, options: Options) -> str:
    """A Service whose selector matches nothing and which nobody calls."""
    namespace = scene.names.text(str(options["namespace"]))
    ports = [{"name": "http", "port": 8080, "targetPort": "http"}]
    spec = {"selector": {"app": LEFT_OVER}, "clusterIP": "10.96.213.77", "clusterIPs": ["10.96.213.77"], "ports": ports}
    _old(scene, "Service", namespace, LEFT_OVER, {"spec": spec}, days=140)
    return f"Service {LEFT_OVER} in {namespace} selects nothing, and nobody calls it"


def unused_address(scene: Scene, options: Options) -> str:
    """A variable with an address that no Service has; the program does not read it."""
    kind, workload = scene.workload(str(options["target"]))
    container = first_container(workload)
    address = {"name": "LEGACY_IMPORTER_URL", "value": f"http://{LEFT_OVER}:8080"}
    changed = {**container, "env": [*(container.get("env") or []), address]}
    scene.world.store.update(kind, with_container(workload, changed))
    return f"{name_of(workload)} got the address of {LEFT_OVER}, which it does not read"


def idle_policy(scene: Scene, options: Options) -> str:
    """A NetworkPolicy that forbids everything to pods that do not exist."""
    namespace = scene.names.text(str(options["namespace"]))
    spec = {"podSelector": {"matchLabels": {"app": LEFT_OVER}}, "policyTypes": ["Ingress", "Egress"], "ingress": []}
    _old(scene, "NetworkPolicy", namespace, f"deny-{LEFT_OVER}", {"spec": spec}, days=200)
    return f"NetworkPolicy deny-{LEFT_OVER} in {namespace} selects no pod"


def old_warnings(scene: Scene, options: Options) -> str:
    """Warnings about a pod of yesterday's rollout, which is gone; the events are still kept."""
    kind, workload = scene.workload(str(options["target"]))
    gone = {
        "metadata": {
            "name": f"{name_of(workload)}-5d8c7b9f64-q7x2k",
            "namespace": workload["metadata"]["namespace"],
            "uid": "00000000-0000-4000-8000-5d8c7b9f64aa",
        }
    }
    source = Source("kubelet", name_of(scene.world.store.list("Node")[-1]))
    container = first_container(workload)["name"]
    message = f"Back-off restarting failed container {container} in pod {gone['metadata']['name']}"
    field = f"spec.containers{{{container}}}"
    scene.world.events.record(gone, "Pod", "Warning", "BackOff", message, source, field)
    _date_back(scene, str(gone["metadata"]["uid"]), timedelta(minutes=float(options.get("minutes", 40))))
    return f"warnings of a pod of {name_of(workload)} that no longer exists ({kind})"


def failed_job(scene: Scene, options: Options) -> str:
    """A one-off Job that failed days ago, whose pod was cleaned up and whose result nobody misses."""
    namespace = scene.names.text(str(options["namespace"]))
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "import", "image": IDLE_IMAGE}]}}
    when = rfc3339(scene.world.clock.now() - timedelta(days=5))
    message = "Job has reached the specified backoff limit"
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": message}
    status = {
        "failed": 1,
        "startTime": when,
        "conditions": [{**failed, "lastProbeTime": when, "lastTransitionTime": when}],
    }
    spec = {"backoffLimit": 0, "template": template}
    _old(scene, "Job", namespace, "catalogue-import-2025", {"spec": spec, "status": status}, days=5)
    return f"Job catalogue-import-2025 in {namespace} failed days ago"


def other_rollout(scene: Scene, options: Options) -> str:
    """Another program is deployed at the same time, and it goes well."""
    kind, workload = scene.workload(str(options["target"]))
    container = first_container(workload)
    others = [each for each in container.get("env") or [] if each["name"] != "FEATURE_WISHLIST"]
    changed = {**container, "env": [*others, {"name": "FEATURE_WISHLIST", "value": "on"}]}
    scene.world.store.update(kind, with_container(workload, changed))
    return f"{name_of(workload)} is deployed with a new feature flag"


def stopped_program(scene: Scene, options: Options) -> str:
    """A Deployment that was put to zero long ago, on purpose."""
    namespace = scene.names.text(str(options["namespace"]))
    labels = {"app": "old-frontend"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": IDLE_IMAGE}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    _old(scene, "Deployment", namespace, "old-frontend", {"spec": spec}, days=300)
    return f"Deployment old-frontend in {namespace} is stopped, as it has been for months"


def spare_claim(scene: Scene, options: Options) -> str:
    """A claim that waits for a first consumer which never came."""
    namespace = scene.names.text(str(options["namespace"]))
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}},
        "storageClassName": "standard",
    }
    _old(scene, "PersistentVolumeClaim", namespace, "report-archive", {"spec": spec}, days=60)
    return f"claim report-archive in {namespace} waits for a first consumer"


def old_annotation(scene: Scene, options: Options) -> str:
    """A note of an incident that is over, still on the workload."""
    kind, workload = scene.workload(str(options["target"]))
    note = {"oncall/note": "2025-11-02: restarted by hand because of slow answers, remove when done"}
    scene.world.store.update(kind, with_annotations(workload, **note))
    return f"{name_of(workload)} carries a note of an incident that is over"


def paused_rollout(scene: Scene, options: Options) -> str:
    """A Deployment that is paused with nothing to roll out."""
    kind, workload = scene.workload(str(options["target"]))
    scene.world.store.update(kind, with_spec(workload, paused=True))
    return f"rollouts of {name_of(workload)} are paused, and there is none"


def _old(scene: Scene, kind: str, namespace: str, name: str, body: Object, *, days: float) -> None:
    """An object that has been there for so long."""
    created = rfc3339(scene.world.clock.now() - timedelta(days=days))
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": created}
    versions = {"Job": "batch/v1", "NetworkPolicy": "networking.k8s.io/v1", "Deployment": "apps/v1"}
    obj = {"apiVersion": versions.get(kind, "v1"), "kind": kind, "metadata": metadata, **body}
    scene.world.store.create(kind, defaulted(kind, obj))


def _date_back(scene: Scene, uid: str, ago: timedelta) -> None:
    stamp = rfc3339(scene.world.clock.now() - ago)
    for event in scene.world.store.list("Event"):
        if event["involvedObject"].get("uid") == uid:
            aged = {**event, "firstTimestamp": stamp, "lastTimestamp": stamp, "count": 14}
            scene.world.store.update("Event", aged)


_IN_NAMESPACE = ("namespace",)
HERRINGS: dict[str, Verb] = {
    "cordoned_node": Verb(cordoned_node, ("target",)),
    "forgotten_pod": Verb(forgotten_pod, _IN_NAMESPACE),
    "unused_service": Verb(unused_service, _IN_NAMESPACE),
    "unused_address": Verb(unused_address, ("target",)),
    "idle_policy": Verb(idle_policy, _IN_NAMESPACE),
    "old_warnings": Verb(old_warnings, ("target",), ("minutes",)),
    "failed_job": Verb(failed_job, _IN_NAMESPACE),
    "other_rollout": Verb(other_rollout, ("target",)),
    "stopped_program": Verb(stopped_program, _IN_NAMESPACE),
    "spare_claim": Verb(spare_claim, _IN_NAMESPACE),
    "old_annotation": Verb(old_annotation, ("target",)),
    "paused_rollout": Verb(paused_rollout, ("target",)),
}
