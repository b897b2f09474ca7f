"""What somebody changed a moment before the trouble: a release, a setting, a number of replicas, a certificate, a quota."""

from datetime import timedelta

from tests.evaluation.casebook.acts import answer, availability, last_words, server
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.faults.routing_edge import certificate
from tests.evaluation.casebook.faults.telling import slow, steady
from tests.evaluation.casebook.model import Answer, Component, Object, Program, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way


def _release(program: Program) -> None:
    head, _, tag = program.container["image"].rpartition(":")
    number = tag.split("-")[0].split(".")
    program.container["image"] = f"{head}:{'.'.join([*number[:-1], str(int(number[-1]) + 1)])}"


def _edited(scene: Scene, one: Object, what: str) -> None:
    """Who changed it, when, and which field: as `kubectl get --show-managed-fields` has it."""
    fields: Object = (
        {"f:data": {f"f:{what}": {}}} if one["kind"] in ("ConfigMap", "Secret") else {"f:spec": {f"f:{what}": {}}}
    )
    one["metadata"]["managedFields"] = [
        {
            "manager": "helm",
            "operation": "Update",
            "apiVersion": one["apiVersion"],
            "time": one["metadata"]["creationTimestamp"],
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {}}},
        },
        {
            "manager": scene.dice.choice(["kubectl-edit", "kubectl-client-side-apply", "argocd-controller"]),
            "operation": "Update",
            "apiVersion": one["apiVersion"],
            "time": stamp(scene.onset - timedelta(seconds=20)),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        },
    ]


_BUGS = {
    "go": ["panic recovered: runtime error: index out of range [3] with length 3"],
    "java": [
        "Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception",
        "java.lang.ClassCastException: class java.lang.Integer cannot be cast to class java.lang.String",
        "\tat com.app.rates.RateMapper.map(RateMapper.java:58)",
    ],
    "python": [
        "Internal Server Error: /api/v1/plans",
        "Traceback (most recent call last):",
        '  File "/app/plans.py", line 31, in total',
        "TypeError: unsupported operand type(s) for +: 'NoneType' and 'decimal.Decimal'",
    ],
    "node": ["TypeError: plan.rates.map is not a function", "    at total (/app/dist/plans.js:31:22)"],
    "dotnet": [
        "An unhandled exception has occurred while executing the request.",
        "System.InvalidCastException: Unable to cast object of type 'System.Int64' to type 'System.String'.",
        "   at App.Plans.Total() in /src/Plans.cs:line 31",
    ],
}


@way("bad_rollout")
def release_that_fails_many_requests(scene: Scene) -> Answer:
    """Its pods are up and ready: only the requests fail, since the minute of the release."""
    program = server(scene)
    scene.recreate(program, _release, revise=True)
    for pod in program.pods:
        scene.keeps_saying(pod, "ERROR", _BUGS[program.language], times=12, since=pod.created + timedelta(seconds=20))
    scene.bend(program, "errors", to=scene.dice.uniform(0.3, 0.6))
    scene.starve(program, "failed", times=5)
    return answer("bad_rollout", program, "objects", "logs", keeps=("ReplicaSet",))


@way("bad_rollout")
def release_whose_new_pods_do_not_come_up(scene: Scene) -> Answer:
    """The old ones go on; the update is stuck."""
    program = scene.pick("service", where=lambda one: one.replicas > 1)
    code = 2 if program.language == "go" else 1
    for pod in scene.roll_out(program, _release):
        scene.crashing(pod, code, lived=4)
        last_words(scene, pod, "ERROR", _BUGS[program.language])
    availability(scene, program)
    return answer("bad_rollout", program, "objects", "logs", keeps=("ReplicaSet",), also=("application_crash",))


@way("bad_rollout")
def release_that_made_it_slow(scene: Scene) -> Answer:
    """Measured only: twice the processor for the same requests, and much slower."""
    program = server(scene)
    scene.recreate(program, _release, revise=True)
    for pod in program.pods:
        scene.curve(pod, "cpu").base = scene.dice.uniform(0.25, 0.33)
    slow(scene, program, by=scene.dice.uniform(0.8, 2.5))
    scene.bend(program, "errors", to=0.07)
    scene.sources.metrics = ["computed"]
    return answer("bad_rollout", program, "objects", "metrics", keeps=("ReplicaSet",), also=("slow_dependency",))


@way("bad_config_change")
def setting_that_lets_calls_fail(scene: Scene) -> Answer:
    """A ConfigMap was edited and its workload restarted; the image is the same."""
    program = scene.pick("service", where=lambda one: bool(one.calls) and bool(scene.callers(one)))
    name = f"{program.name}-tuning"
    made = scene.add(
        "ConfigMap", name, program.namespace, data={"CLIENT_TIMEOUT_MS": "3", "POOL_SIZE": "20", "RETRY_LIMIT": "0"}
    )
    _edited(scene, made, "CLIENT_TIMEOUT_MS")
    program.container.setdefault("envFrom", []).append({"configMapRef": {"name": name}})

    def edit(one: Program) -> None:
        notes = one.template["metadata"]["annotations"] = dict(one.template["metadata"].get("annotations", {}))
        notes["kubectl.kubernetes.io/restartedAt"] = stamp(scene.onset)

    scene.recreate(program, edit, revise=True)
    for pod in program.pods:
        for call in program.calls:
            for _ in range(5):
                level, lines = complaint(program, call, "slow", scene.dice)
                scene.say(
                    pod, level, [lines[0].replace("3000ms", "3ms"), *lines[1:]], at=scene.later(pod.created, 20, 900)
                )
        scene.say(pod, "INFO", "client timeout is 3ms (from CLIENT_TIMEOUT_MS)", at=pod.created + timedelta(seconds=6))
    scene.bend(program, "errors", to=0.8)
    scene.starve(program, "failed", times=4)
    return answer(
        "bad_config_change",
        Component("ConfigMap", name, program.namespace),
        "objects",
        "logs",
        keeps=("ConfigMap",),
        places=(program.component,),
    )


@way("bad_config_change")
def variable_of_a_template_was_changed(scene: Scene) -> Answer:
    """Two revisions differ in one value; since then its pool is always empty."""
    program = scene.pick(
        "service",
        where=lambda one: any(call.callee.role == "database" for call in one.calls) and bool(scene.callers(one)),
    )
    call = next(each for each in program.calls if each.callee.role == "database")
    program.set_env("DB_POOL_MAX", "30")
    for revision in program.revisions:
        if not any(one["name"] == "DB_POOL_MAX" for one in revision.template["spec"]["containers"][0]["env"]):
            revision.template["spec"]["containers"][0]["env"].append({"name": "DB_POOL_MAX", "value": "30"})
    scene.recreate(program, lambda one: one.set_env("DB_POOL_MAX", "1"), revise=True)
    for pod in program.pods:
        for _ in range(9):
            level, lines = complaint(program, call, "pool", scene.dice)
            scene.say(
                pod,
                level,
                [one.replace("total=10, active=10", "total=1, active=1") for one in lines],
                at=scene.later(pod.created, 30, 1200),
            )
    scene.bend(program, "errors", to=0.4)
    slow(scene, program, by=1.8)
    scene.starve(program, "failed", times=3)
    return answer("bad_config_change", program, "objects", "logs", keeps=("ReplicaSet",), also=("bad_rollout",))


@way("scaled_down")
def too_few_are_left_for_the_load(scene: Scene) -> Answer:
    program = server(scene)
    before, after = scene.dice.choice([(6, 1), (5, 1), (8, 2), (4, 1)])
    scene.scale(program, before, scene.ago(days=2))
    steady(scene, program)
    scene.scale(program, after, scene.onset)
    revision = f"{program.name}-{program.revisions[-1].hash}"
    scene.event(
        program,
        "ScalingReplicaSet",
        f"Scaled down replica set {revision} to {after} from {before}",
        type="Normal",
        by="deployment-controller",
        first=scene.onset,
    )
    program.container["resources"] = {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }
    for pod in program.pods:
        scene.curve(pod, "cpu").base = 0.09
        scene.bend(pod, "cpu", to=0.49)
        scene.bend(pod, "throttled", to=0.4)
    slow(scene, program, by=scene.dice.uniform(0.8, 2.0))
    scene.starve(program, "slow", times=4)
    scene.sources.metrics = ["computed"] if scene.dice.random() < 0.5 else ["cadvisor", "app", "ksm"]
    return answer("scaled_down", program, "events", "metrics", keeps=("Deployment",))


@way("scaled_down", wants=("worker",))
def workers_were_taken_away_from_a_full_queue(scene: Scene) -> Answer:
    """Told by the alert on the queue and the event: no metrics."""
    program = scene.pick("worker", where=lambda one: one.kind == "Deployment")
    scene.scale(program, 6, scene.ago(days=3))
    steady(scene, program)
    scene.scale(program, 1, scene.onset)
    revision = f"{program.name}-{program.revisions[-1].hash}"
    scene.event(
        program,
        "ScalingReplicaSet",
        f"Scaled down replica set {revision} to 1 from 6",
        type="Normal",
        by="deployment-controller",
        first=scene.onset,
    )
    for pod in program.pods:
        scene.keeps_saying(
            pod,
            "WARN",
            f"queue depth {scene.dice.randrange(9000, 40000)}, oldest message is {scene.dice.randrange(300, 1500)}s old",
            times=8,
        )
    scene.alert(
        "QueueBacklogGrowing",
        f"messages for {program.name} wait longer than 5 minutes",
        namespace=program.namespace,
        deployment=program.name,
    )
    scene.sources.metrics = []
    return answer("scaled_down", program, "events", "logs", "alerts", keeps=("Deployment",))


@way("certificate_rotated")
def server_has_a_certificate_nobody_trusts_yet(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: any(caller.language != "nginx" for caller in scene.callers(one)))
    name = f"{program.name}-tls"
    program.pod_spec.setdefault("volumes", []).append(
        {"name": "tls", "secret": {"secretName": name, "defaultMode": 420}}
    )
    program.container.setdefault("volumeMounts", []).append({"name": "tls", "mountPath": "/etc/tls", "readOnly": True})
    made = scene.add(
        "Secret",
        name,
        program.namespace,
        type="kubernetes.io/tls",
        created=scene.ago(days=120),
        data={"tls.crt": "sha256:9a41", "tls.key": "sha256:c0de", "ca.crt": "sha256:11aa"},
    )
    _edited(scene, made, "tls.crt")
    if scene.dice.random() < 0.6:
        certificate(scene, name, f"{program.name}.{program.namespace}.svc", expired=False)
        scene.event(
            ("Certificate", program.namespace, name),
            "Issuing",
            "The certificate has been successfully issued",
            type="Normal",
            by="cert-manager-certificates-issuing",
            first=scene.onset,
        )
    for caller in scene.callers(program):
        for pod in caller.pods:
            for _ in range(6):
                level, lines = complaint(caller, caller.call_of(program), "unknown_ca", scene.dice)
                scene.say(pod, level, lines, at=scene.later(scene.onset, 5, 900))
        scene.bend(caller, "errors", to=0.5)
    scene.bend(program, "requests", times=0.02)
    return answer(
        "certificate_rotated",
        Component("Secret", name, program.namespace),
        "objects",
        "logs",
        keeps=("Secret",),
        places=(program.component, Component("Certificate", name, program.namespace)),
    )


@way("certificate_rotated")
def trust_bundle_of_a_client_was_replaced(scene: Scene) -> Answer:
    """Servers kept their certificates; one client lost the authority that signed them."""
    caller = scene.pick("service", where=lambda one: any(not call.callee.is_data for call in one.calls))
    name = f"{caller.name}-ca-bundle"
    made = scene.add(
        "ConfigMap",
        name,
        caller.namespace,
        data={"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAKexample\n-----END CERTIFICATE-----\n"},
    )
    _edited(scene, made, "ca.crt")
    caller.pod_spec.setdefault("volumes", []).append({"name": "ca", "configMap": {"name": name, "defaultMode": 420}})
    caller.container.setdefault("volumeMounts", []).append(
        {"name": "ca", "mountPath": "/etc/ssl/internal", "readOnly": True}
    )
    for call in (one for one in caller.calls if not one.callee.is_data):
        for pod in caller.pods:
            for _ in range(6):
                level, lines = complaint(caller, call, "unknown_ca", scene.dice)
                scene.say(pod, level, lines, at=scene.later(scene.onset, 5, 900))
    scene.bend(caller, "errors", to=0.8)
    scene.starve(caller, "failed", times=3)
    return answer(
        "certificate_rotated",
        Component("ConfigMap", name, caller.namespace),
        "objects",
        "logs",
        keeps=("ConfigMap",),
        places=(caller.component,),
    )


@way("quota_lowered")
def quota_below_what_is_in_use(scene: Scene) -> Answer:
    """More is used than is allowed, which no admission would have let in: the quota was there first, and higher."""
    program = scene.pick("service", where=lambda one: bool(scene.callers(one)))
    resource, used, hard, exceeded = scene.dice.choice(
        [
            ("requests.cpu", "3600m", "2", "namespace_cpu_quota_exceeded"),
            ("requests.memory", "9Gi", "4Gi", "namespace_memory_quota_exceeded"),
            ("pods", str(sum(len(one.pods) for one in scene.programs)), "5", "namespace_pod_quota_exceeded"),
        ]
    )
    name = scene.dice.choice(["team-quota", "compute", f"{scene.namespace}-quota"])
    made = scene.add(
        "ResourceQuota",
        name,
        program.namespace,
        created=scene.ago(days=150),
        spec={"hard": {resource: hard}},
        status={"hard": {resource: hard}, "used": {resource: used}},
    )
    _edited(scene, made, "hard")
    asked = {"requests.cpu": "100m", "requests.memory": "256Mi", "pods": "1"}[resource]
    keep = len(program.pods) - 1
    text = f'pods "{program.name}-{program.revisions[-1].hash}-{scene.letters(5)}" is forbidden: exceeded quota: {name}, requested: {resource}={asked}, used: {resource}={used}, limited: {resource}={hard}'
    scene.refuse(program, text, keep=keep)
    if not keep:
        scene.starve(program, "refused", times=4)
    place = Component("ResourceQuota", name, program.namespace)
    return answer(
        "quota_lowered",
        Component("Namespace", program.namespace),
        "objects",
        keeps=("ResourceQuota",),
        also=(exceeded,),
        places=(place,),
    )
