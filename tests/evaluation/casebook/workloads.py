"""What controllers make of programs: Deployments with their ReplicaSets, StatefulSets, DaemonSets, Jobs, and the statuses of them."""

from datetime import timedelta

from tests.evaluation.casebook.heads import meta, owner, uid_of
from tests.evaluation.casebook.model import Object, Pod, Program, Revision, stamp
from tests.evaluation.casebook.scene import Scene


def workload(scene: Scene, program: Program) -> list[Object]:
    if program.kind in ("Node", "Pod"):
        return []
    head = meta(
        scene,
        program.name,
        program.namespace,
        program.created,
        labels=program.labels or program.template["metadata"]["labels"],
        annotations=_annotations(scene, program),
    )
    head["uid"] = uid_of(scene, program.kind, program.namespace, program.name)
    if program.parent:
        head["ownerReferences"] = owner(scene, "CronJob", program.namespace, program.parent)
    head["generation"] = (program.revisions[-1].number if program.revisions else 1) + 1
    if program.kind == "Deployment":
        return [_deployment(scene, program, head), *(_replica_set(scene, program, one) for one in program.revisions)]
    if program.kind == "StatefulSet":
        return [_stateful_set(program, head)]
    if program.kind == "DaemonSet":
        return [_daemon_set(program, head)]
    return [_job(program, head)]


def _annotations(scene: Scene, program: Program) -> dict[str, str]:
    found = (
        {"deployment.kubernetes.io/revision": str(program.revisions[-1].number)} if program.kind == "Deployment" else {}
    )
    if scene.style.helm and program.role != "agent":
        found |= {"meta.helm.sh/release-name": scene.style.team, "meta.helm.sh/release-namespace": program.namespace}
    return {**found, **program.annotations}


def _full_template(template: Object) -> Object:
    return {"metadata": {"creationTimestamp": None, **template["metadata"]}, "spec": template["spec"]}


def _deployment(scene: Scene, program: Program, head: Object) -> Object:
    newest = program.revisions[-1]
    fresh = [pod for pod in program.pods if pod.revision is newest and not pod.leaving_since]
    pods = [pod for pod in program.pods if not pod.leaving_since]
    ready = sum(pod.is_ready for pod in pods)
    spec: Object = {
        "replicas": program.replicas,
        "selector": {"matchLabels": program.selector},
        "template": _full_template(program.template),
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    }
    status: Object = {
        "observedGeneration": head["generation"],
        "conditions": _deployment_conditions(scene, program, fresh, ready),
    }
    for name, number in (
        ("replicas", len(pods)),
        ("updatedReplicas", len(fresh)),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
        ("unavailableReplicas", max(0, max(program.replicas, len(pods)) - ready)),
    ):
        if number:
            status[name] = number
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": head,
        "spec": {**spec, **program.spec},
        "status": {**status, **program.status},
    }


def _deployment_conditions(scene: Scene, program: Program, fresh: list[Pod], ready: int) -> list[Object]:
    needed = program.replicas - program.replicas // 4 if program.replicas > 3 else program.replicas
    available = ready >= needed
    since = program.created + timedelta(seconds=40) if available else max(program.created, scene.onset)
    rows: list[Object] = [
        {
            "type": "Available",
            "status": str(available),
            "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
            "message": f"Deployment {'has' if available else 'does not have'} minimum availability.",
            "lastUpdateTime": stamp(since),
            "lastTransitionTime": stamp(since),
        }
    ]
    newest = program.revisions[-1]
    name, begun = f"{program.name}-{newest.hash}", newest.created
    done = sum(pod.is_ready for pod in fresh) >= program.replicas or begun < scene.onset
    late = scene.taken_at - begun > timedelta(minutes=10)
    if done:
        what = ("True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
    elif late:
        what = ("False", "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.')
    else:
        what = ("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    at = begun + timedelta(minutes=10 if what[0] == "False" else 1)
    rows.append(
        {
            "type": "Progressing",
            "status": what[0],
            "reason": what[1],
            "message": what[2],
            "lastUpdateTime": stamp(min(at, scene.taken_at)),
            "lastTransitionTime": stamp(begun),
        }
    )
    if program.refused:
        rows.append(
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": program.refused,
                "lastUpdateTime": stamp(scene.onset),
                "lastTransitionTime": stamp(scene.onset),
            }
        )
    return rows


def _replica_set(scene: Scene, program: Program, revision: Revision) -> Object:
    name = f"{program.name}-{revision.hash}"
    pods = [pod for pod in program.pods if pod.revision is revision and not pod.leaving_since]
    newest = revision is program.revisions[-1]
    older = sum(1 for pod in program.pods if pod.revision is not program.revisions[-1] and not pod.leaving_since)
    # A rolling update that is under way has as many new pods as its surge allows; without old ones all are wanted.
    wanted = (
        len(pods)
        if not newest or (older and not program.refused)
        else max(1 if program.refused else 0, program.replicas - (older if program.refused else 0))
    )
    labels = {**revision.template["metadata"]["labels"], "pod-template-hash": revision.hash}
    template = {
        "metadata": {"creationTimestamp": None, **revision.template["metadata"], "labels": labels},
        "spec": revision.template["spec"],
    }
    ready = sum(pod.is_ready for pod in pods)
    status: Object = {"replicas": len(pods), "observedGeneration": 1}
    if pods:
        status |= {
            "fullyLabeledReplicas": len(pods),
            **({"readyReplicas": ready, "availableReplicas": ready} if ready else {}),
        }
    if newest and program.refused:
        status["conditions"] = [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": program.refused,
                "lastTransitionTime": stamp(program.refused_since or scene.onset),
            }
        ]
    notes = {
        "deployment.kubernetes.io/desired-replicas": str(program.replicas),
        "deployment.kubernetes.io/max-replicas": str(program.replicas + -(-program.replicas // 4)),
        "deployment.kubernetes.io/revision": str(revision.number),
    }
    head = meta(
        scene,
        name,
        program.namespace,
        revision.created,
        labels=labels,
        annotations=notes,
        ownerReferences=owner(scene, "Deployment", program.namespace, program.name),
    )
    head["uid"] = uid_of(scene, "ReplicaSet", program.namespace, name)
    selector = {"matchLabels": {**program.selector, "pod-template-hash": revision.hash}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": head,
        "spec": {"replicas": wanted, "selector": selector, "template": template},
        "status": status,
    }


def _stateful_set(program: Program, head: Object) -> Object:
    ready = sum(pod.is_ready for pod in program.pods)
    revision = f"{program.name}-{program.revisions[-1].hash}"
    status: Object = {
        "replicas": len(program.pods),
        "currentReplicas": len(program.pods),
        "updatedReplicas": len(program.pods),
        "observedGeneration": head["generation"],
        "collisionCount": 0,
        "currentRevision": revision,
        "updateRevision": revision,
        "availableReplicas": ready,
    }
    if ready:
        status["readyReplicas"] = ready
    spec: Object = {
        "replicas": program.replicas,
        "selector": {"matchLabels": program.selector},
        "template": _full_template(program.template),
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "revisionHistoryLimit": 10,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": head,
        "spec": {**spec, **program.spec},
        "status": {**status, **program.status},
    }


def _daemon_set(program: Program, head: Object) -> Object:
    ready = sum(pod.is_ready for pod in program.pods)
    wanted = max(program.replicas, len(program.pods))
    status: Object = {
        "desiredNumberScheduled": wanted,
        "currentNumberScheduled": len(program.pods),
        "numberReady": ready,
        "numberAvailable": ready,
        "updatedNumberScheduled": len(program.pods),
        "numberMisscheduled": 0,
        "observedGeneration": head["generation"],
    }
    if wanted - ready:
        status["numberUnavailable"] = wanted - ready
    spec: Object = {
        "selector": {"matchLabels": program.selector},
        "template": _full_template(program.template),
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "revisionHistoryLimit": 10,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": head,
        "spec": {**spec, **program.spec},
        "status": {**status, **program.status},
    }


def _job(program: Program, head: Object) -> Object:
    spec: Object = {
        "backoffLimit": 6,
        "completions": 1,
        "parallelism": 1,
        "template": _full_template(program.template),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": program.kind,
        "metadata": head,
        "spec": {**spec, **program.spec},
        "status": program.status,
    }
