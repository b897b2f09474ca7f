"""What the kubelet and the scheduler report of pods: phase, conditions and the status of each container."""

from datetime import datetime, timedelta

from tests.evaluation.casebook.heads import owner as owner_of
from tests.evaluation.casebook.model import Object, Pod, State, stamp
from tests.evaluation.casebook.scene import Scene

_TOLERATIONS = [
    {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]


def pod_of(scene: Scene, pod: Pod) -> Object:
    program = pod.program
    labels = dict(pod.template["metadata"]["labels"])
    head: Object = {
        "name": pod.name,
        "namespace": pod.namespace,
        "uid": pod.uid,
        "creationTimestamp": stamp(pod.created),
        "resourceVersion": str(scene.dice.randrange(10**5, 10**8)),
    }
    owner_kind, owner = program.kind, program.name
    if program.kind == "Deployment" and pod.revision:
        labels["pod-template-hash"] = pod.revision.hash
        owner_kind, owner = "ReplicaSet", f"{program.name}-{pod.revision.hash}"
        head["generateName"] = f"{owner}-"
    elif program.kind == "StatefulSet":
        labels |= {
            "statefulset.kubernetes.io/pod-name": pod.name,
            "controller-revision-hash": f"{program.name}-{program.revisions[-1].hash}",
        }
    elif program.kind == "Node" and pod.node:
        owner = pod.node.name
    head["labels"] = labels
    if pod.template["metadata"].get("annotations"):
        head["annotations"] = pod.template["metadata"]["annotations"]
    if program.kind != "Pod":
        head["ownerReferences"] = owner_of(scene, owner_kind, pod.namespace, owner)
    if pod.leaving_since:
        head |= {
            "deletionTimestamp": stamp(pod.leaving_since + timedelta(seconds=30)),
            "deletionGracePeriodSeconds": 30,
        }
    spec: Object = {
        **pod.template["spec"],
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
    }
    spec["tolerations"] = [*pod.template["spec"].get("tolerations", ()), *_TOLERATIONS]
    if program.kind == "StatefulSet":
        claims = [
            {
                "name": one["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": f"{one['metadata']['name']}-{pod.name}"},
            }
            for one in program.spec.get("volumeClaimTemplates", ())
        ]
        spec["volumes"] = [*spec.get("volumes", ()), *claims]
        spec["hostname"], spec["subdomain"] = pod.name, program.name
    if program.kind not in ("Node", "Pod"):
        _with_token(pod, spec)
    if pod.node:
        spec["nodeName"] = pod.node.name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": head,
        "spec": {**spec, **pod.extra},
        "status": _pod_status(scene, pod),
    }


def _with_token(pod: Pod, spec: Object) -> None:
    """The account's token, which the API server mounts into every pod."""
    name = f"kube-api-access-{pod.uid[:5]}"
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {
            "downwardAPI": {
                "items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]
            }
        },
    ]
    mount = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": name, "readOnly": True}
    spec["volumes"] = [*spec.get("volumes", ()), {"name": name, "projected": {"defaultMode": 420, "sources": sources}}]
    for kind in ("containers", "initContainers"):
        if kind in spec:
            spec[kind] = [{**one, "volumeMounts": [*one.get("volumeMounts", ()), mount]} for one in spec[kind]]


def _pod_status(scene: Scene, pod: Pod) -> Object:
    status: Object = {"phase": _phase(pod), "qosClass": _qos(pod.template)}
    for name in ("reason", "message"):
        if getattr(pod, name):
            status[name] = getattr(pod, name)
    if pod.phase == "Failed" and pod.reason == "Evicted":
        return {**status, "startTime": stamp(pod.created)}
    status["conditions"] = _pod_conditions(scene, pod)
    if pod.node is None:
        return status
    status |= {"hostIP": pod.node.ip, "startTime": stamp(pod.created)}
    if pod.ip and not (
        pod.silent and status["phase"] == "Pending" and any(_is_creating(one) for one in pod.states.values())
    ):
        status |= {"podIP": pod.ip, "podIPs": [{"ip": pod.ip}]}
    init = pod.template["spec"].get("initContainers", ())
    if init:
        status["initContainerStatuses"] = [_container_status(scene, pod, one, is_init=True) for one in init]
    status["containerStatuses"] = [_container_status(scene, pod, one) for one in pod.template["spec"]["containers"]]
    return status


def _is_creating(state: State) -> bool:
    return bool(state.now.get("waiting", {}).get("reason") == "ContainerCreating")


def _phase(pod: Pod) -> str:
    if pod.phase:
        return pod.phase
    if pod.node is None or pod.unschedulable:
        return "Pending"
    mains = [state for name, state in pod.states.items() if name not in pod.init_names]
    if any("waiting" in state.now and not state.restarts for state in pod.states.values()) and not any(
        "running" in state.now for state in mains
    ):
        return "Pending"
    inits = [state for name, state in pod.states.items() if name in pod.init_names]
    return "Pending" if any(not state.ready for state in inits) else "Running"


def _qos(template: Object) -> str:
    resources = [one.get("resources", {}) for one in template["spec"]["containers"]]
    if not any(resources):
        return "BestEffort"
    same = all(
        one.get("limits")
        and one.get("requests", one["limits"]) == one["limits"]
        and {"cpu", "memory"} <= set(one["limits"])
        for one in resources
    )
    return "Guaranteed" if same else "Burstable"


def _pod_conditions(scene: Scene, pod: Pod) -> list[Object]:
    def row(kind: str, holds: bool, at: datetime, reason: str = "", message: str = "") -> Object:
        made: Object = {"type": kind, "status": str(holds), "lastProbeTime": None, "lastTransitionTime": stamp(at)}
        return {**made, **({"reason": reason, "message": message} if reason.strip("-") else {})}

    if pod.node is None:
        return (
            [row("PodScheduled", False, pod.created, "Unschedulable", pod.unschedulable)] if pod.unschedulable else []
        )
    inits = [
        name
        for name in (one["name"] for one in pod.template["spec"].get("initContainers", ()))
        if name in pod.states and not pod.states[name].ready
    ]
    bad = [name for name, state in pod.states.items() if not state.ready and name not in pod.init_names]
    if inits:
        bad = [one["name"] for one in pod.template["spec"]["containers"]]
    begun = pod.created + timedelta(seconds=1)
    flip = pod.not_ready_since or (pod.started or begun) + timedelta(seconds=12)
    told = f"containers with unready status: [{' '.join(bad)}]" if bad else ""
    if pod.phase == "Succeeded":
        return [
            row("Initialized", True, begun, "PodCompleted"),
            row("Ready", False, flip, "PodCompleted"),
            row("ContainersReady", False, flip, "PodCompleted"),
            row("PodScheduled", True, begun),
        ]
    incomplete = f"containers with incomplete status: [{' '.join(inits)}]"
    rows = [
        row("Initialized", not inits, begun, "ContainersNotInitialized" if inits else "", incomplete if inits else "")
    ]
    ready = not bad and not pod.unready
    rows.append(row("Ready", ready, flip, pod.unready or ("ContainersNotReady" if bad else ""), told))
    rows.append(row("ContainersReady", not bad, flip, "ContainersNotReady" if bad else "", told))
    rows.append(row("PodScheduled", True, begun))
    if scene.style.minor >= 29:
        creating = any(_is_creating(one) for one in pod.states.values())
        rows.insert(0, row("PodReadyToStartContainers", not creating, begun))
    return rows


def _container_status(scene: Scene, pod: Pod, container: Object, *, is_init: bool = False) -> Object:
    state = pod.states.get(container["name"])
    blocked = any(not one.ready for name, one in pod.states.items() if name in pod.init_names) if not is_init else False
    if state is None and blocked:
        state = State({"waiting": {"reason": "PodInitializing"}}, ready=False)
    elif state is None and is_init:
        at = pod.created + timedelta(seconds=3)
        state = State(
            {
                "terminated": {
                    "exitCode": 0,
                    "reason": "Completed",
                    "startedAt": stamp(at),
                    "finishedAt": stamp(at + timedelta(seconds=2)),
                }
            }
        )
    elif state is None and pod.states and all(_is_creating(one) for one in pod.states.values()):
        state = next(iter(pod.states.values()))
    elif state is None:
        state = State({"running": {"startedAt": stamp(pod.started or pod.created)}})
    now = state.now if state.now.keys() & {"waiting", "running", "terminated"} else {"waiting": state.now}
    ran = "running" in now or state.restarts or "terminated" in now
    digest = f"{scene.dice.getrandbits(256):064x}"
    made: Object = {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"{container['image'].rsplit(':', 1)[0]}@sha256:{digest}" if ran else "",
        "ready": state.ready,
        "restartCount": state.restarts,
        "state": now,
        "lastState": state.before,
    }
    if not is_init:
        made["started"] = "running" in now
    if ran:
        made["containerID"] = f"containerd://{digest[::-1]}"
    return made
