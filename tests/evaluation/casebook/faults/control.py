"""Clusters in which nothing is wrong: quiet ones, and those in which something happens that was meant to, or is long over."""

import copy
from datetime import timedelta

from tests.evaluation.casebook.cluster import restarted_long_ago
from tests.evaluation.casebook.herrings import HERRINGS
from tests.evaluation.casebook.model import Answer, Component, Object, Pod, Program, State, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import add_claim
from tests.evaluation.casebook.ways import way

CALM = Answer("", Component("", ""), frozenset())


def _plain(scene: Scene) -> Program:
    return scene.pick(where=lambda one: one.kind == "Deployment")


@way("control-healthy")
def quiet(scene: Scene) -> Answer:
    assert scene.programs
    return CALM


@way("control-healthy")
def everything_is_in_the_bundle(scene: Scene) -> Answer:
    sources = scene.sources
    sources.events = sources.logs = sources.alerts = True
    sources.metrics, sources.without, sources.only_namespace = ["cadvisor", "app", "node", "ksm"], set(), False
    sources.probes = True
    for program in scene.programs:
        if program.service:
            scene.probe(
                "tcp", f"{program.namespace}/{program.service.name}:{program.service.port}", ok=True, detail="connected"
            )
    return CALM


@way("control-rollout")
def rolling_update_in_progress(scene: Scene) -> Answer:
    """New pods are seconds old and not ready yet, as their probes allow."""
    program = scene.pick(where=lambda one: one.kind == "Deployment" and one.replicas > 1)
    at = scene.ago(seconds=scene.dice.uniform(8, 40))
    image = program.container["image"] + "-next"

    def edit(one: Program) -> None:
        one.container["image"] = image
        one.container["readinessProbe"] = {
            "httpGet": {"path": "/ready", "port": one.listens or 8080, "scheme": "HTTP"},
            "initialDelaySeconds": 20,
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        }

    for pod in scene.roll_out(program, edit, at=at):
        scene.unready(pod, since=pod.created)
        if scene.dice.random() < 0.5:
            scene.event(
                pod,
                "Unhealthy",
                f"Readiness probe failed: dial tcp {pod.ip}:{program.listens or 8080}: connect: connection refused",
                first=scene.ago(seconds=3),
            )
    return CALM


@way("control-rollout")
def rollout_done_a_moment_ago(scene: Scene) -> Answer:
    program = _plain(scene)
    scene.recreate(program, lambda one: one.set_env("RELEASE", "42"), at=scene.ago(minutes=4), revise=True)
    return CALM


@way("control-rollout")
def rolled_back_and_well(scene: Scene) -> Answer:
    """A bad release of an hour ago was taken back; its pods are gone, their events are not."""
    program = _plain(scene)
    before = copy.deepcopy(program.template)
    scene.revise(
        program, lambda one: one.container.update(image=f"{one.container['image']}-bad"), scene.ago(minutes=50)
    )
    gone = Pod(
        program,
        f"{program.name}-{program.revisions[-1].hash}-{scene.letters(5)}",
        program.revisions[-1],
        program.template,
        scene.ago(minutes=50),
        scene.workers[0],
        uid=scene.uid(),
    )
    scene.event(
        gone,
        "BackOff",
        f"Back-off restarting failed container {program.main} in pod {gone.name}_{gone.namespace}({gone.uid})",
        count=9,
        first=scene.ago(minutes=49),
        last=scene.ago(minutes=42),
    )
    program.template = before
    scene.recreate(program, lambda one: one.template.update(before), at=scene.ago(minutes=40), revise=True)
    return CALM


@way("control-job")
def job_has_ended(scene: Scene) -> Answer:
    _job(scene, scene.dice.choice(["nightly-report", "reindex", "send-invoices"]), scene.ago(hours=3))
    return CALM


@way("control-job")
def cron_job_and_its_runs(scene: Scene) -> Answer:
    name = scene.dice.choice(["cleanup", "sync-rates", "backup"])
    spec: Object = {
        "schedule": "*/30 * * * *",
        "suspend": False,
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": name, "image": "busybox:1.36"}], "restartPolicy": "OnFailure"}
                }
            }
        },
    }
    scene.add(
        "CronJob",
        name,
        scene.namespace,
        api="batch/v1",
        spec=spec,
        status={"lastScheduleTime": stamp(scene.ago(minutes=20)), "lastSuccessfulTime": stamp(scene.ago(minutes=19))},
    )
    for number in range(3):
        _job(scene, f"{name}-{2848000 + number * 30}", scene.ago(minutes=20 + 30 * number))
    return CALM


def _job(scene: Scene, name: str, at: object) -> None:
    from datetime import datetime

    assert isinstance(at, datetime)
    container: Object = {"name": "task", "image": f"{scene.style.registry}/tasks:1.4", "resources": {}}
    template: Object = {
        "metadata": {"labels": {"job-name": name}},
        "spec": {"containers": [container], "restartPolicy": "Never", "dnsPolicy": "ClusterFirst"},
    }
    program = Program(scene.namespace, name, "Job", "agent", "go", template, {"job-name": name}, 1, at)
    done = {
        "type": "Complete",
        "status": "True",
        "lastTransitionTime": stamp(at + timedelta(seconds=70)),
        "lastProbeTime": stamp(at + timedelta(seconds=70)),
    }
    program.status = {
        "succeeded": 1,
        "startTime": stamp(at),
        "completionTime": stamp(at + timedelta(seconds=70)),
        "conditions": [done],
    }
    node = scene.workers[0]
    pod = Pod(
        program,
        f"{name}-{scene.letters(5)}",
        None,
        template,
        at,
        node,
        scene.address(node),
        scene.uid(),
        phase="Succeeded",
    )
    ended: Object = {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": stamp(at),
        "finishedAt": stamp(at + timedelta(seconds=68)),
    }
    pod.states["task"] = State({"terminated": ended}, ready=False)
    program.pods = [pod]
    scene.agents.append(program)


def _hpa(scene: Scene, program: Program, least: int, most: int) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": program.name}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    now = {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 41, "averageValue": "62m"}},
    }
    conditions = [
        {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
        {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
        {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange"},
    ]
    scene.add(
        "HorizontalPodAutoscaler",
        program.name,
        program.namespace,
        api="autoscaling/v2",
        spec={"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": [metric]},
        status={
            "currentReplicas": program.replicas,
            "desiredReplicas": program.replicas,
            "currentMetrics": [now],
            "conditions": conditions,
        },
    )


@way("control-scale")
def autoscaler_scaled_down_after_the_rush(scene: Scene) -> Answer:
    program = scene.pick(where=lambda one: one.kind == "Deployment" and one.replicas > 1)
    at = scene.ago(minutes=12)
    scene.event(
        program,
        "ScalingReplicaSet",
        f"Scaled down replica set {program.name}-{program.revisions[-1].hash} {'to' if scene.style.minor < 27 else f'from {program.replicas + 2} to'} {program.replicas}",
        type="Normal",
        first=at,
        by="deployment-controller",
    )
    scene.event(
        ("HorizontalPodAutoscaler", program.namespace, program.name),
        "SuccessfulRescale",
        f"New size: {program.replicas}; reason: All metrics below target",
        type="Normal",
        first=at,
        by="horizontal-pod-autoscaler",
    )
    _hpa(scene, program, 1, 8)
    return CALM


@way("control-scale")
def worker_sleeps_until_there_is_work(scene: Scene) -> Answer:
    """Scaled to zero by an event-driven autoscaler that says so."""
    owner = (
        scene.pick("service", where=lambda one: one.kind == "Deployment" and not scene.callers(one))
        if any(one.role == "service" and not scene.callers(one) for one in scene.programs)
        else None
    )
    workers = [one for one in scene.programs if one.role == "worker"]
    program = workers[0] if workers else owner
    if program is None:
        return CALM
    trigger = {"type": "rabbitmq", "metadata": {"queueName": "tasks", "value": "20"}}
    scene.add(
        "ScaledObject",
        program.name,
        program.namespace,
        api="keda.sh/v1alpha1",
        spec={
            "scaleTargetRef": {"name": program.name},
            "minReplicaCount": 0,
            "maxReplicaCount": 10,
            "triggers": [trigger],
        },
        status={
            "conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "Active", "status": "False", "reason": "ScalerNotActive"},
            ]
        },
    )
    scene.scale(program, 0, scene.ago(hours=2))
    scene.event(
        program,
        "KEDAScaleTargetDeactivated",
        f"Deactivated apps/v1.Deployment {program.namespace}/{program.name} from 1 to 0",
        type="Normal",
        first=scene.ago(minutes=55),
        by="keda-operator",
    )
    return CALM


@way("control-scale")
def morning_load_was_met(scene: Scene) -> Answer:
    program = _plain(scene)
    scene.scale(program, program.replicas + 2, scene.ago(minutes=25))
    scene.bend(program, "requests", times=1.4)
    _hpa(scene, program, 1, 10)
    return CALM


@way("control-recovered")
def crash_of_an_hour_ago(scene: Scene) -> Answer:
    """It crashed while its database was being restarted, and has run well since."""
    program = _plain(scene)
    for pod in program.pods:
        pod.created = min(pod.created, scene.ago(hours=30))
        died = scene.ago(minutes=scene.dice.uniform(50, 58))
        before: Object = {
            "terminated": {
                "exitCode": 1,
                "reason": "Error",
                "startedAt": stamp(died - timedelta(seconds=4)),
                "finishedAt": stamp(died),
            }
        }
        pod.started = died + timedelta(seconds=21)
        pod.states[program.main] = State({"running": {"startedAt": stamp(pod.started)}}, True, 2, before)
        scene.event(
            pod,
            "BackOff",
            f"Back-off restarting failed container {program.main} in pod {pod.name}_{pod.namespace}({pod.uid})",
            count=3,
            first=died - timedelta(seconds=30),
            last=died,
        )
    return CALM


@way("control-recovered")
def node_was_rebooted(scene: Scene) -> Answer:
    node = scene.dice.choice(scene.workers)
    at = scene.ago(minutes=57)
    scene.event(node, "Rebooted", f"Node {node.name} has been rebooted, boot id: {scene.uid()}", first=at)
    scene.event(
        node, "NodeReady", f"Node {node.name} status is now: NodeReady", type="Normal", first=at + timedelta(seconds=30)
    )
    node.conditions["Ready"] = {
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastTransitionTime": stamp(at + timedelta(seconds=30)),
    }
    for pod in scene.pods_on(node):
        if pod.created < at:
            before: Object = {
                "terminated": {
                    "exitCode": 255,
                    "reason": "Unknown",
                    "startedAt": stamp(pod.created),
                    "finishedAt": stamp(at),
                }
            }
            pod.started = at + timedelta(seconds=40)
            pod.states[pod.program.main] = State({"running": {"startedAt": stamp(pod.started)}}, True, 1, before)
    return CALM


@way("control-recovered")
def image_came_late(scene: Scene) -> Answer:
    """The first pulls failed for a minute; the pod runs now."""
    program = _plain(scene)
    pods = scene.recreate(program, lambda one: one.set_env("RELEASE", "9"), at=scene.ago(minutes=30), revise=True)
    for pod in pods[:1]:
        image = program.container["image"]
        scene.event(
            pod,
            "Failed",
            f'Failed to pull image "{image}": rpc error: code = Unknown desc = failed to pull and unpack image: net/http: TLS handshake timeout',
            count=2,
            first=scene.ago(minutes=29.5),
            last=scene.ago(minutes=29),
        )
        scene.event(
            pod,
            "BackOff",
            f'Back-off pulling image "{image}"',
            type="Normal",
            count=2,
            first=scene.ago(minutes=29.2),
            last=scene.ago(minutes=28.8),
        )
        pod.started = scene.ago(minutes=28)
    return CALM


@way("control-maintenance")
def worker_is_drained(scene: Scene) -> Answer:
    node = scene.workers[-1]
    rest = [one for one in scene.workers if one is not node]
    if not rest:
        return CALM
    node.cordoned = True
    scene.event(
        node,
        "NodeNotSchedulable",
        f"Node {node.name} status is now: NodeNotSchedulable",
        type="Normal",
        first=scene.ago(minutes=33),
    )
    for program in [one for one in scene.programs if one.kind == "Deployment"]:
        for pod in [one for one in program.pods if one.node is node]:
            program.pods.remove(pod)
            scene.new_pod(program, scene.ago(minutes=scene.dice.uniform(25, 32)), scene.dice.choice(rest))
    return CALM


@way("control-maintenance")
def worker_is_cordoned_and_full_of_work(scene: Scene) -> Answer:
    node = scene.workers[0]
    node.cordoned = True
    scene.event(
        node,
        "NodeNotSchedulable",
        f"Node {node.name} status is now: NodeNotSchedulable",
        type="Normal",
        first=scene.ago(minutes=8),
    )
    return CALM


@way("control-config")
def configuration_was_edited_harmlessly(scene: Scene) -> Answer:
    program = _plain(scene)
    scene.add(
        "ConfigMap",
        f"{program.name}-banner",
        program.namespace,
        created=scene.ago(minutes=9),
        data={"text": "maintenance on Sunday", "LOG_LEVEL": "debug"},
    )
    scene.recreate(program, lambda one: one.set_env("LOG_LEVEL", "debug"), at=scene.ago(minutes=9), revise=True)
    return CALM


@way("control-config")
def optional_references_name_nothing(scene: Scene) -> Answer:
    program = _plain(scene)
    for revision in program.revisions:
        first = revision.template["spec"]["containers"][0]
        first["envFrom"] = [*first.get("envFrom", ()), {"configMapRef": {"name": "overrides", "optional": True}}]
        first.setdefault("env", []).append(
            {"name": "FEATURE", "valueFrom": {"secretKeyRef": {"name": "feature-keys", "key": "x", "optional": True}}}
        )
    return CALM


@way("control-clutter")
def years_of_leftovers(scene: Scene) -> Answer:
    for herring in HERRINGS:
        herring(scene, "")
    return CALM


@way("control-clutter")
def claims_and_quotas_that_hurt_nobody(scene: Scene) -> Answer:
    add_claim(scene, "restore-target", scene.namespace, size="100Gi", klass="not-there", bound=False)
    number = str(sum(len(one.pods) for one in scene.programs if one.namespace == scene.namespace))
    scene.add(
        "ResourceQuota",
        "object-counts",
        scene.namespace,
        spec={"hard": {"pods": number}},
        status={"hard": {"pods": number}, "used": {"pods": number}},
    )
    for program in scene.programs[:2]:
        for pod in program.pods[:1]:
            if scene.taken_at - pod.created > timedelta(days=4):
                restarted_long_ago(scene, pod, 3, days=2)
    return CALM
