"""What misleads: things that look like a cause and are none. Each takes the scene after the fault and adds one of them.

Most are old, unused, or somebody else's. None touches the culprit, and none may by itself keep a program from working.
"""

import copy
from collections.abc import Callable
from datetime import timedelta

from tests.evaluation.casebook.cluster import restarted_long_ago
from tests.evaluation.casebook.model import Object, Pod, Program, Revision, Service, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import add_claim
from tests.evaluation.casebook.words import OTHER_TEAMS

Herring = Callable[[Scene, str], None]
"""Of a scene and the name of the culprit's component."""


def bystanders(scene: Scene, culprit: str) -> list[Program]:
    """Programs that nothing happened to."""
    return [
        one
        for one in scene.programs
        if one.name != culprit
        and not one.refused
        and one.pods
        and all(pod.is_ready and not pod.states for pod in one.pods)
    ]


def events_of_pods_that_are_gone(scene: Scene, culprit: str) -> None:
    """A roll-out of an hour ago failed its probes until it was up; the pods of it have been replaced since."""
    for program in bystanders(scene, culprit)[:1]:
        name = f"{program.name}-{scene.letters(10)}-{scene.letters(5)}"
        about = ("Pod", program.namespace, name)
        first = scene.onset - timedelta(minutes=20)
        what = scene.dice.choice(["probe", "schedule", "backoff"])
        if what == "probe":
            scene.event(
                about,
                "Unhealthy",
                f"Readiness probe failed: dial tcp 10.244.1.77:{program.listens}: connect: connection refused",
                count=3,
                first=first,
                last=first + timedelta(seconds=30),
            )
        elif what == "schedule":
            scene.event(
                about,
                "FailedScheduling",
                scene.unschedulable_text({"Insufficient memory": len(scene.nodes)}, 0),
                first=first,
                by="default-scheduler",
            )
        else:
            scene.event(
                about,
                "BackOff",
                f"Back-off restarting failed container {program.main} in pod {name}_{program.namespace}({scene.uid()})",
                count=4,
                first=first,
                last=first + timedelta(minutes=3),
            )


def node_cordoned_long_ago(scene: Scene, culprit: str) -> None:
    """A control-plane node is cordoned by habit, or a spare one has been for weeks; nothing waits for it."""
    for node in scene.nodes:
        if (
            node.is_control_plane
            and node.taints
            and node.name != culprit
            and not any(pod.unschedulable for one in scene.programs for pod in one.pods)
        ):
            node.cordoned = True
            node.taints.append(
                {
                    "key": "node.kubernetes.io/unschedulable",
                    "effect": "NoSchedule",
                    "timeAdded": stamp(scene.ago(days=40)),
                }
            )
            return


def service_nobody_calls(scene: Scene, culprit: str) -> None:  # noqa: ARG001
    name = scene.dice.choice(["old-api", "legacy-metrics", "admin-v1", "debug-proxy", "canary"])
    ip = f"{scene.style.service_cidr.rsplit('.', 2)[0]}.{scene.dice.randrange(1, 250)}.{scene.dice.randrange(2, 250)}"
    ports: list[Object] = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
    scene.loose_services.append(
        Service(name, scene.namespace, {"app": f"{name}-v0"}, ports, ip, created=scene.ago(days=190))
    )


def address_nobody_uses(scene: Scene, culprit: str) -> None:
    for program in bystanders(scene, culprit)[:1]:
        legacy = scene.dice.choice(["LEGACY_SYNC_URL", "OLD_BACKEND_HOST", "FEATURE_X_ENDPOINT"])
        scene.add(
            "ConfigMap", f"{program.name}-unused", program.namespace, data={legacy: "http://decommissioned-sync:8080"}
        )


def policy_that_selects_nothing(scene: Scene, culprit: str) -> None:  # noqa: ARG001
    spec = {"podSelector": {"matchLabels": {"app": "retired-exporter"}}, "policyTypes": ["Ingress", "Egress"]}
    scene.add("NetworkPolicy", "deny-retired-exporter", scene.namespace, api="networking.k8s.io/v1", spec=spec)


def old_memory_kill(scene: Scene, culprit: str) -> None:
    """Killed for memory weeks ago, and well since."""
    for program in bystanders(scene, culprit)[-1:]:
        for pod in program.pods[:1]:
            if scene.taken_at - pod.created > timedelta(days=8):
                restarted_long_ago(scene, pod, 1, days=scene.dice.uniform(5, 20), reason="OOMKilled", code=137)


def loud_victim(scene: Scene, culprit: str) -> None:
    """Somebody's log is full of its ordinary complaints about a partner outside."""
    for program in bystanders(scene, culprit)[:1]:
        for pod in program.pods:
            scene.keeps_saying(
                pod,
                "WARN",
                "partner feed answered 429 Too Many Requests, retry in 30s",
                times=9,
                since=scene.ago(hours=2),
            )


def alert_that_names_a_victim(scene: Scene, culprit: str) -> None:
    victims = [one for one in scene.programs if one.name != culprit and one.calls]
    if victims:
        victim = scene.dice.choice(victims)
        scene.alert(
            "HighErrorRate",
            f"{victim.name} answers more than 5% of requests with an error",
            namespace=victim.namespace,
            service=victim.name,
        )


def other_teams_rollout(scene: Scene, culprit: str) -> None:  # noqa: ARG001
    """Another team in another namespace has just rolled out, and all is well with it."""
    program = stranger(scene, scene.dice.choice(OTHER_TEAMS), "site", scene.ago(days=90))
    newest = Revision(7, scene.letters(10), copy.deepcopy(program.template), scene.onset - timedelta(minutes=4))
    program.revisions[-1].number = 6
    newest.template["spec"]["containers"][0]["image"] += ".1"
    program.template = newest.template
    program.revisions.append(newest)
    program.pods = []
    for _ in range(program.replicas):
        scene.new_pod(program, newest.created + timedelta(seconds=5))


def stranger(scene: Scene, namespace: str, name: str, created: object) -> Program:
    """A small healthy program of somebody else's."""
    container: Object = {
        "name": name,
        "image": f"{scene.style.registry}/{namespace}-{name}:2.{scene.dice.randrange(9)}",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    template: Object = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [container],
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
        },
    }
    born = scene.ago(days=scene.dice.uniform(30, 120)) if not hasattr(created, "year") else created
    program = Program(namespace, name, "Deployment", "agent", "go", template, {"app": name}, 2, born, 8080)  # type: ignore[arg-type]
    program.revisions = [Revision(1, scene.letters(10), template, program.created)]
    for _ in range(2):
        scene.new_pod(program, program.created + timedelta(seconds=9))
    scene.agents.append(program)
    return program


def job_that_failed_long_ago(scene: Scene, culprit: str) -> None:  # noqa: ARG001
    name = scene.dice.choice(["seed-demo-data", "migrate-2019", "import-archive", "rotate-keys"])
    created = scene.ago(days=scene.dice.uniform(9, 60))
    container: Object = {"name": "job", "image": "busybox:1.36", "command": ["sh", "-c", "exit 1"], "resources": {}}
    template: Object = {
        "metadata": {"labels": {"job-name": name}},
        "spec": {"containers": [container], "restartPolicy": "Never", "dnsPolicy": "ClusterFirst"},
    }
    ended = stamp(created + timedelta(minutes=8))
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": "BackoffLimitExceeded",
        "message": "Job has reached the specified backoff limit",
        "lastTransitionTime": ended,
        "lastProbeTime": ended,
    }
    program = Program(scene.namespace, name, "Job", "agent", "go", template, {"job-name": name}, 1, created)
    program.status = {"failed": 7, "startTime": stamp(created), "conditions": [condition]}
    if scene.dice.random() < 0.6:
        from tests.evaluation.casebook.model import State

        pod = Pod(
            program,
            f"{name}-{scene.letters(5)}",
            None,
            template,
            created,
            scene.workers[0],
            scene.address(scene.workers[0]),
            scene.uid(),
            phase="Failed",
        )
        pod.states["job"] = State(
            {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": stamp(created), "finishedAt": ended}},
            ready=False,
        )
        program.pods = [pod]
    scene.agents.append(program)


def claim_nobody_mounts(scene: Scene, culprit: str) -> None:  # noqa: ARG001
    add_claim(
        scene,
        scene.dice.choice(["scratch", "old-export", "tmp-restore"]),
        scene.namespace,
        size="5Gi",
        klass="retired-class",
        bound=False,
    )


def evicted_pods_left_behind(scene: Scene, culprit: str) -> None:
    for program in bystanders(scene, culprit)[:1]:
        if program.kind != "Deployment":
            return
        for _ in range(scene.dice.randrange(1, 4)):
            pod = scene.new_pod(program, scene.ago(days=scene.dice.uniform(4, 30)))
            pod.phase, pod.reason, pod.ip = "Failed", "Evicted", ""
            pod.message = (
                "The node was low on resource: ephemeral-storage. Threshold quantity: 10120387530, available: 9210Mi. "
            )
            pod.silent = True


HERRINGS: list[Herring] = [
    events_of_pods_that_are_gone,
    node_cordoned_long_ago,
    service_nobody_calls,
    address_nobody_uses,
    policy_that_selects_nothing,
    old_memory_kill,
    loud_victim,
    alert_that_names_a_victim,
    other_teams_rollout,
    job_that_failed_long_ago,
    claim_nobody_mounts,
    evicted_pods_left_behind,
]
