"""From a scene to the objects that `kubectl get -o json` would print: what controllers and the kubelet work out is worked out here.

Because statuses, conditions, replica counts, endpoints and the events of a pod's birth all follow from the same pods, a way cannot make
a cluster that contradicts itself by accident.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.evaluation.casebook.cluster import version
from tests.evaluation.casebook.endpoints import routing
from tests.evaluation.casebook.heads import meta
from tests.evaluation.casebook.model import Happening, Node, Object, Pod, fine, stamp
from tests.evaluation.casebook.pods import pod_of
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.workloads import workload

EVENTS_LIVE = timedelta(hours=1)


def objects_of(scene: Scene) -> list[Object]:
    made = [
        *_namespaces(scene),
        *(_node(scene, one) for one in scene.nodes),
        *(_lease(scene, one) for one in scene.nodes),
    ]
    for program in scene.everyone():
        made += workload(scene, program)
        made += [pod_of(scene, pod) for pod in program.pods]
    services = [one.service for one in scene.everyone() if one.service] + scene.loose_services
    for service in services:
        made += routing(scene, service)
    made += [*scene.extra, *_always(scene)]
    made += [_event(scene, one) for one in [*scene.happenings, *_births(scene)]]
    for hook in scene.hooks:
        hook(made)
    return made


def _always(scene: Scene) -> Iterator[Object]:
    """What every cluster has and nobody looks at."""
    for name, value in (("system-node-critical", 2000001000), ("system-cluster-critical", 2000000000)):
        rest = {"value": value, "globalDefault": False, "preemptionPolicy": "PreemptLowerPriority"}
        yield {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": meta(scene, name, None, scene.nodes[0].created),
            **rest,
        }
    for what in scene.dice.sample(
        ["cert-manager-controller", "ingress-nginx-leader", "csi-resizer", "external-dns"], 2
    ):
        at = scene.ago(minutes=scene.dice.uniform(2, 58))
        text = f"{what}-{scene.letters(5)}_{scene.uid()} became leader"
        yield _event(
            scene,
            Happening("Lease", "kube-system", what, scene.uid(), "Normal", "LeaderElection", text, 1, at, at, what),
        )


def _namespaces(scene: Scene) -> Iterator[Object]:
    known = {one["metadata"]["name"] for one in scene.extra if one["kind"] == "Namespace"}
    names = ["default", "kube-system", *scene.namespaces, *(one.namespace for one in scene.everyone())]
    for name in dict.fromkeys(names):
        if not any(
            one["kind"] == "ServiceAccount"
            and one["metadata"]["name"] == "default"
            and one["metadata"]["namespace"] == name
            for one in scene.extra
        ):
            yield {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": meta(scene, "default", name, scene.nodes[0].created),
            }
        head = meta(scene, "kube-root-ca.crt", name, scene.nodes[0].created)
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": head,
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"},
        }
        if scene.style.helm and name in scene.namespaces:
            release = meta(
                scene,
                f"sh.helm.release.v1.{scene.style.team}.v{scene.style.minor - 20}",
                name,
                scene.ago(days=9),
                labels={"owner": "helm", "status": "deployed"},
            )
            yield {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": release,
                "type": "helm.sh/release.v1",
                "data": {"release": "sha256:0d1c9fe2b5"},
            }
        if name not in known:
            head = meta(scene, name, None, scene.nodes[0].created, labels={"kubernetes.io/metadata.name": name})
            yield {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": head,
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            }


_GOOD = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


def _node(scene: Scene, node: Node) -> Object:
    beat = node.heartbeat or scene.ago(seconds=scene.dice.uniform(5, 280))
    conditions = []
    for kind, (holds, reason, message) in _GOOD.items():
        row = {
            "type": kind,
            "status": holds,
            "reason": reason,
            "message": message,
            "lastTransitionTime": stamp(node.created + timedelta(seconds=40)),
        }
        conditions.append({**row, "lastHeartbeatTime": stamp(beat), **node.conditions.get(kind, {})})
    conditions += [{"type": kind, **row} for kind, row in node.conditions.items() if kind not in _GOOD]
    capacity: Object = {
        "cpu": str(node.cpu // 1000),
        "memory": f"{node.memory // 1024}Ki",
        "pods": str(node.pods_limit),
        "ephemeral-storage": "101430960Ki",
    }
    free: Object = {**capacity, "memory": f"{node.memory // 1024 - 307200}Ki", "ephemeral-storage": "93478772582"}
    if scene.style.flavour == "managed":
        free["cpu"] = f"{node.cpu - 80}m"
    spec: Object = {"podCIDR": node.cidr, "podCIDRs": [node.cidr], "providerID": f"{scene.style.flavour}://{node.name}"}
    taints = list(node.taints)
    if node.cordoned:
        spec["unschedulable"] = True
        if not any(one["key"] == "node.kubernetes.io/unschedulable" for one in taints):
            taints.append(
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": stamp(scene.onset)}
            )
    if taints:
        spec["taints"] = taints
    status: Object = {
        "addresses": [{"type": "InternalIP", "address": node.ip}, {"type": "Hostname", "address": node.name}],
        "capacity": {**capacity, **{k: v for k, v in node.allocatable.items() if k not in capacity}},
        "allocatable": {**free, **node.allocatable},
        "conditions": conditions,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": node.labels.get("kubernetes.io/arch", "amd64"),
            "operatingSystem": "linux",
            "kubeletVersion": version(scene.style),
            "kubeProxyVersion": version(scene.style),
            "containerRuntimeVersion": f"containerd://1.{6 + scene.style.minor % 2}.{scene.style.minor - 20}",
            "osImage": "Ubuntu 22.04.4 LTS",
            "kernelVersion": "5.15.0-105-generic",
            "machineID": f"{abs(len(node.name) * 7919):032x}",
            "bootID": "",
            "systemUUID": "",
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {**meta(scene, node.name, None, node.created, labels=node.labels, annotations=node.annotations)},
        "spec": spec,
        "status": status,
    }


def _lease(scene: Scene, node: Node) -> Object:
    beat = node.heartbeat or scene.ago(seconds=scene.dice.uniform(1, 9))
    spec = {"holderIdentity": node.name, "leaseDurationSeconds": 40, "renewTime": fine(beat)}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": meta(scene, node.name, "kube-node-lease", node.created),
        "spec": spec,
    }


def _event(scene: Scene, what: Happening) -> Object:
    name = f"{what.name}.{scene.dice.getrandbits(60):015x}"
    head: Object = {
        "name": name,
        "namespace": what.namespace or "default",
        "uid": scene.uid(),
        "resourceVersion": str(scene.dice.randrange(10**5, 10**8)),
        "creationTimestamp": stamp(what.first),
    }
    about: Object = {
        "kind": what.kind,
        "name": what.name,
        "uid": what.uid,
        "apiVersion": {"Pod": "v1", "Node": "v1", "Service": "v1", "PersistentVolumeClaim": "v1"}.get(
            what.kind, "apps/v1"
        ),
    }
    about |= {"namespace": what.namespace} if what.namespace else {}
    about |= {"fieldPath": what.path} if what.path else {}
    source = {"component": what.by, **({"host": what.host} if what.host else {})}
    if scene.style.event_api == "events.k8s.io":
        made: Object = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": head,
            "regarding": about,
            "note": what.message,
            "reason": what.reason,
            "type": what.type,
            "eventTime": None,
            "deprecatedSource": source,
            "deprecatedFirstTimestamp": stamp(what.first),
            "deprecatedLastTimestamp": stamp(what.last),
            "deprecatedCount": what.count,
            "reportingController": what.by,
            "reportingInstance": what.host,
        }
        return made
    made = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": head,
        "involvedObject": about,
        "message": what.message,
        "reason": what.reason,
        "type": what.type,
        "reportingComponent": what.by,
        "reportingInstance": what.host,
    }
    if what.by == "default-scheduler":
        made |= {
            "source": {},
            "eventTime": fine(what.first),
            "firstTimestamp": None,
            "lastTimestamp": None,
            "action": "Scheduling",
            "reportingInstance": f"default-scheduler-{scene.nodes[0].name}",
        }
        if what.count > 1:
            made["series"] = {"count": what.count, "lastObservedTime": fine(what.last)}
        return made
    return {
        **made,
        "source": source,
        "eventTime": None,
        "firstTimestamp": stamp(what.first),
        "lastTimestamp": stamp(what.last),
        "count": what.count,
    }


def _births(scene: Scene) -> Iterator[Happening]:
    """The ordinary events of pods that were made within the last hour."""
    for program in scene.everyone():
        for pod in program.pods:
            if not pod.quiet and scene.taken_at - pod.created < EVENTS_LIVE:
                yield from _birth(scene, pod)
        if program.kind == "Deployment" and program.pods:
            newest = program.revisions[-1]
            if scene.taken_at - newest.created < EVENTS_LIVE:
                count = sum(pod.revision is newest for pod in program.pods)
                text = f"Scaled up replica set {program.name}-{newest.hash} {'to' if scene.style.minor < 27 else 'from 0 to'} {count}"
                yield Happening(
                    "Deployment",
                    program.namespace,
                    program.name,
                    scene.uid(),
                    "Normal",
                    "ScalingReplicaSet",
                    text,
                    1,
                    newest.created,
                    newest.created,
                    "deployment-controller",
                )


def _birth(scene: Scene, pod: Pod) -> Iterator[Happening]:
    def told(reason: str, message: str, at: datetime, by: str = "kubelet", path: str = "") -> Happening:
        host = pod.node.name if pod.node and by == "kubelet" else ""
        return Happening("Pod", pod.namespace, pod.name, pod.uid, "Normal", reason, message, 1, at, at, by, host, path)

    program = pod.program
    if program.kind == "Deployment" and pod.revision:
        yield Happening(
            "ReplicaSet",
            pod.namespace,
            f"{program.name}-{pod.revision.hash}",
            scene.uid(),
            "Normal",
            "SuccessfulCreate",
            f"Created pod: {pod.name}",
            1,
            pod.created,
            pod.created,
            "replicaset-controller",
        )
    if pod.node is None:
        return
    yield told(
        "Scheduled",
        f"Successfully assigned {pod.namespace}/{pod.name} to {pod.node.name}",
        pod.created,
        "default-scheduler",
    )
    for container in pod.template["spec"]["containers"]:
        state = pod.states.get(container["name"])
        if pod.silent or (state and "waiting" in state.now and not state.restarts):
            continue
        at, path, name = pod.started or pod.created, f"spec.containers{{{container['name']}}}", container["name"]
        yield told("Pulled", f'Container image "{container["image"]}" already present on machine', at, path=path)
        yield told("Created", f"Created container{': ' if scene.style.minor >= 32 else ' '}{name}", at, path=path)
        yield told("Started", f"Started container {name}", at, path=path)
