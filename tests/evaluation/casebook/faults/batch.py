"""Faults of programs that are no Deployment: runs of a CronJob, and agents that a DaemonSet puts on every node. Of the startup family."""

from collections.abc import Callable
from datetime import timedelta

from tests.evaluation.casebook.faults.images import cannot_pull
from tests.evaluation.casebook.model import Answer, Component, Object, Pod, Program, Revision, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

KEEPS = frozenset({"ConfigMap", "Secret", "CronJob", "Job", "DaemonSet"})


def cron_run(scene: Scene, name: str, edit: Callable[[Object], object]) -> tuple[Component, Pod]:
    """A CronJob whose last run waits: the CronJob made a Job, the Job a pod."""
    image = f"{scene.style.registry}/{name}:1.{scene.dice.randrange(20)}"
    container: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    spec: Object = {
        "containers": [container],
        "restartPolicy": "OnFailure",
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
    }
    edit(container)
    job = f"{name}-{28480000 + scene.dice.randrange(9999)}"
    template: Object = {"metadata": {"labels": {"job-name": job, "app": name}}, "spec": spec}
    program = Program(
        scene.namespace, job, "Job", "job", "go", template, {"job-name": job}, 1, scene.onset, parent=name
    )
    program.status = {"active": 1, "ready": 0, "startTime": stamp(scene.onset)}
    scene.programs.append(program)
    body: Object = {
        "schedule": "15 * * * *",
        "suspend": False,
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"template": {"spec": spec}}},
    }
    active = [{"apiVersion": "batch/v1", "kind": "Job", "name": job, "namespace": scene.namespace}]
    scene.add(
        "CronJob",
        name,
        scene.namespace,
        api="batch/v1",
        spec=body,
        status={"lastScheduleTime": stamp(scene.onset), "active": active},
    )
    about = ("CronJob", scene.namespace, name)
    scene.event(
        about, "SuccessfulCreate", f"Created job {job}", type="Normal", first=scene.onset, by="cronjob-controller"
    )
    return Component("CronJob", name, scene.namespace), scene.new_pod(program, scene.onset + timedelta(seconds=1))


@way("incorrect_image_reference")
def image_of_a_cron_job(scene: Scene) -> Answer:
    name = scene.dice.choice(["nightly-settlement", "purge-sessions", "export-ledger"])
    wrong = f"{scene.style.registry}/{name}:stabel"
    component, pod = cron_run(scene, name, lambda container: container.update(image=wrong))
    cannot_pull(scene, pod, wrong, f'failed to resolve reference "{wrong}": {wrong}: not found', kind="NotFound")
    return Answer("incorrect_image_reference", component, frozenset({"objects", "events"}), KEEPS)


@way("missing_secret_binding")
def secret_of_a_cron_job(scene: Scene) -> Answer:
    name = scene.dice.choice(["send-reminders", "backup-offsite", "rotate-reports"])
    holder = f"{name}-credentials"
    env = {"name": "TARGET_KEY", "valueFrom": {"secretKeyRef": {"name": holder, "key": "key"}}}
    component, pod = cron_run(scene, name, lambda container: container["env"].append(env))
    told = f'secret "{holder}" not found'
    scene.waiting(pod, "CreateContainerConfigError", told)
    scene.event(pod, "Failed", f"Error: {told}", count=20, first=scene.later(pod.created, 1, 4), container=name)
    return Answer("missing_secret_binding", component, frozenset({"objects"}), KEEPS)


@way("missing_config_map")
def settings_of_an_agent_on_every_node(scene: Scene) -> Answer:
    """A node agent in the application's namespace was installed without its settings."""
    name = scene.dice.choice(["log-forwarder", "disk-sweeper", "edge-agent"])
    holder = f"{name}-settings"
    volume = {"name": "settings", "configMap": {"name": holder, "defaultMode": 420}}
    container: Object = {
        "name": name,
        "image": f"{scene.style.registry}/{name}:0.9.2",
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/agent"}],
    }
    template: Object = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [container],
            "volumes": [volume],
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
        },
    }
    program = Program(
        scene.namespace, name, "DaemonSet", "job", "go", template, {"app": name}, len(scene.workers), scene.onset
    )
    program.revisions = [Revision(1, scene.letters(10), template, scene.onset)]
    scene.programs.append(program)
    for node in scene.workers:
        pod = scene.new_pod(program, scene.later(scene.onset, 1, 3), node)
        scene.waiting(pod, "ContainerCreating")
        scene.event(
            pod,
            "FailedMount",
            f'MountVolume.SetUp failed for volume "settings" : configmap "{holder}" not found',
            count=8,
            first=scene.later(pod.created, 1, 3),
        )
    return Answer("missing_config_map", program.component, frozenset({"objects"}), KEEPS)
