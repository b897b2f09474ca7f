"""What people and pipelines do through the cluster's API, by the names of kubectl's verbs.

Every one writes what a client's request would leave in the store; the controllers do the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.clock import rfc3339
from simulator.faults.base import Refused, first_container, with_container
from simulator.kubernetes_api import DeleteOptions, defaulted, marked
from simulator.kubernetes_api.patches import merge_patch
from simulator.objects import Object, is_deleting, name_of, namespace_of, owner_reference, with_annotations, with_spec
from simulator.scenarios.scene import Options, Scene, Verb
from simulator.shop import image

RESTARTED = "kubectl.kubernetes.io/restartedAt"


def scale(scene: Scene, options: Options) -> str:
    kind, workload = scene.workload(str(options["target"]))
    before, wanted = workload["spec"].get("replicas", 1), int(options["replicas"])
    scene.world.store.update(kind, with_spec(workload, replicas=wanted))
    return f"{name_of(workload)} scaled from {before} to {wanted}"


def set_version(scene: Scene, options: Options) -> str:
    """Roll out the version before the present one, or the newest."""
    kind, workload = scene.workload(str(options["target"]))
    app = scene.world.shop.app(name_of(workload))
    wanted = image(app, app.versions[0] if options["version"] == "previous" else app.versions[-1])
    container = {**first_container(workload), "image": wanted}
    scene.world.store.update(kind, with_container(workload, container))
    return f"image of {name_of(workload)} set to {wanted}"


def set_env(scene: Scene, options: Options) -> str:
    kind, workload = scene.workload(str(options["target"]))
    name, value = scene.names.text(str(options["name"])), scene.names.text(str(options["value"]))
    container = first_container(workload)
    others = [each for each in container.get("env") or [] if each["name"] != name]
    changed = {**container, "env": [*others, {"name": name, "value": value}]}
    scene.world.store.update(kind, with_container(workload, changed))
    return f"{name} of {name_of(workload)} set to {value}"


def restart(scene: Scene, options: Options) -> str:
    kind, workload = scene.workload(str(options["target"]))
    template = workload["spec"]["template"]
    metadata = dict(template.get("metadata") or {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), RESTARTED: rfc3339(scene.world.clock.now())}
    scene.world.store.update(kind, with_spec(workload, template={**template, "metadata": metadata}))
    return f"{name_of(workload)} restarted"


def delete_pod(scene: Scene, options: Options) -> str:
    pods = [pod for pod in scene.pods(str(options["target"])) if not is_deleting(pod)]
    if not pods:
        raise Refused(f"target: {options['target']!r} has no pod")
    _remove(scene, "Pod", pods[0])
    return f"pod {name_of(pods[0])} deleted"


def cordon(scene: Scene, options: Options) -> str:
    node = scene.node(str(options["target"]))
    scene.world.store.update("Node", with_spec(node, unschedulable=True))
    return f"node {name_of(node)} cordoned"


def uncordon(scene: Scene, options: Options) -> str:
    node = scene.node(str(options["target"]))
    spec = {key: value for key, value in node["spec"].items() if key != "unschedulable"}
    scene.world.store.update("Node", {**node, "spec": spec})
    return f"node {name_of(node)} uncordoned"


def drain(scene: Scene, options: Options) -> str:
    """Cordon, then evict what a Deployment or the like will make anew elsewhere; DaemonSets' pods and mirror pods stay."""
    said = cordon(scene, options)
    name = name_of(scene.node(str(options["target"])))
    evicted = [pod for pod in scene.world.store.list("Pod") if pod["spec"].get("nodeName") == name and _is_movable(pod)]
    for pod in evicted:
        _remove(scene, "Pod", pod)
    return f"{said} and drained of {len(evicted)} pods"


def _is_movable(pod: Object) -> bool:
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or []}
    return not is_deleting(pod) and not owners & {"DaemonSet", "Node"}


def apply(scene: Scene, options: Options) -> str:
    """Create an object, or merge into the one that is there."""
    wanted: Object = scene.names.anywhere(options["object"])
    kind, metadata = str(wanted["kind"]), wanted["metadata"]
    known = scene.world.store.get(kind, metadata.get("namespace"), metadata["name"])
    if known is None:
        scene.world.store.create(kind, defaulted(kind, wanted))
    else:
        scene.world.store.update(kind, defaulted(kind, merge_patch(known, wanted)))
    return f"{kind} {metadata['name']} applied"


def patch(scene: Scene, options: Options) -> str:
    """A merge patch of whatever object bears the target's name."""
    kind, place = str(options["kind"]), scene.place(str(options["target"]))
    known = scene.world.store.get(kind, *place)
    if known is None:
        raise Refused(f"target: there is no {kind} {place.name!r}")
    scene.world.store.update(kind, defaulted(kind, merge_patch(known, scene.names.anywhere(options["patch"]))))
    return f"{kind} {place.name} patched"


def delete(scene: Scene, options: Options) -> str:
    kind, place = str(options["kind"]), scene.place(str(options["target"]))
    known = scene.world.store.get(kind, *place)
    if known is None:
        raise Refused(f"target: there is no {kind} {place.name!r}")
    _remove(scene, kind, known)
    return f"{kind} {place.name} deleted"


def run_job(scene: Scene, options: Options) -> str:
    """Start a CronJob's next Job by hand, as `kubectl create job --from` does."""
    place = scene.place(str(options["target"]))
    cron_job = scene.world.store.get("CronJob", *place)
    if cron_job is None:
        raise Refused(f"target: there is no CronJob {place.name!r}")
    spec = cron_job["spec"]["jobTemplate"]["spec"]
    metadata = {
        "name": f"{place.name}-manual",
        "namespace": place.namespace,
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [owner_reference(cron_job, "CronJob", "batch/v1")],
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    scene.world.store.create("Job", defaulted("Job", job))
    return f"a Job of {place.name} started by hand"


def annotate_node(scene: Scene, options: Options) -> str:
    node = scene.node(str(options["target"]))
    said = {str(key): str(value) for key, value in options["annotations"].items()}
    scene.world.store.update("Node", with_annotations(node, **said))
    return f"node {name_of(node)} annotated with {', '.join(sorted(said))}"


def _remove(scene: Scene, kind: str, obj: Object) -> None:
    doomed = marked(kind, obj, scene.world.clock.now(), DeleteOptions())
    if doomed is None:
        scene.world.store.delete(kind, namespace_of(obj), name_of(obj))
    else:
        scene.world.store.update(kind, doomed)


def _targeted(do: Callable[[Scene, Options], str], *more: Any) -> Verb:
    return Verb(do, ("target", *more))


ACTS: dict[str, Verb] = {
    "scale": _targeted(scale, "replicas"),
    "set_version": _targeted(set_version, "version"),
    "set_env": _targeted(set_env, "name", "value"),
    "restart": _targeted(restart),
    "delete_pod": _targeted(delete_pod),
    "cordon": _targeted(cordon),
    "uncordon": _targeted(uncordon),
    "drain": _targeted(drain),
    "patch": _targeted(patch, "kind", "patch"),
    "delete": _targeted(delete, "kind"),
    "apply": Verb(apply, ("object",)),
    "run_job": _targeted(run_job),
    "annotate_node": _targeted(annotate_node, "annotations"),
}
