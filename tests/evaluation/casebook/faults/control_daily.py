"""Days on which nothing is wrong although numbers move, logs complain and something is renewed, replaced or put to sleep."""

from datetime import timedelta

from tests.evaluation.casebook.acts import probe_of
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.faults.performance_load import counter, hpa
from tests.evaluation.casebook.faults.routing_edge import backend, certificate, domain, ingress, routed
from tests.evaluation.casebook.faults.telling import steady
from tests.evaluation.casebook.herrings import stranger
from tests.evaluation.casebook.model import Answer, Component, Program, Service
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

CALM = Answer("", Component("", ""), frozenset())


def _numbers(scene: Scene, *dialects: str) -> None:
    scene.sources.metrics = list(dialects)


def _client(scene: Scene) -> Program:
    return scene.pick("service", where=lambda one: bool(one.calls) and one.language != "nginx")


@way("control-load")
def wave_of_the_day(scene: Scene) -> Answer:
    """More requests every minute, more processor in proportion, the same latency."""
    for program in scene.programs:
        steady(scene, program)
        if not program.is_data:
            scene.bend(program, "requests", times=1.9, shape="ramp", since=scene.ago(minutes=70))
        for pod in program.pods:
            for role in ("cpu", "rx", "tx"):
                scene.bend(pod, role, times=1.8, shape="ramp", since=scene.ago(minutes=70))
    _numbers(scene, "cadvisor", "app")
    return CALM


@way("control-load")
def burst_of_a_batch_that_hurts_nobody(scene: Scene) -> Answer:
    batch = stranger(scene, "reports", "monthly-report", scene.ago(days=40))
    scene.agents.remove(batch)
    scene.programs.append(batch)
    steady(scene, batch)
    for pod in batch.pods:
        scene.bend(pod, "cpu", to=0.8, shape="spike", since=scene.ago(minutes=40))
    _numbers(scene, "computed", "node")
    return CALM


@way("control-load")
def autoscaler_met_the_load(scene: Scene) -> Answer:
    program = scene.pick("service")
    scene.scale(program, 3, scene.ago(minutes=25))
    hpa(scene, program, least=1, most=8, use=54, limited=False)
    scene.bend(program, "requests", times=2.2)
    _numbers(scene, "cadvisor", "app")
    return CALM


@way("control-blip")
def errors_of_a_deployment_that_are_over(scene: Scene) -> Answer:
    """For half a minute connections were cut while pods were replaced."""
    program = scene.pick("service", where=lambda one: any(caller.language != "nginx" for caller in scene.callers(one)))
    at = scene.ago(minutes=38)
    scene.recreate(program, lambda one: one.set_env("RELEASE", scene.letters(6)), at=at, revise=True)
    for pod in program.pods:
        pod.created = at + timedelta(seconds=scene.dice.uniform(0, 20))
        pod.started = pod.created + timedelta(seconds=6)
    for caller in scene.callers(program):
        for pod in caller.pods:
            level, lines = complaint(caller, caller.call_of(program), "refused", scene.dice)
            scene.say(pod, level, lines, at=at + timedelta(seconds=scene.dice.uniform(4, 26)))
    return CALM


@way("control-blip")
def readiness_flapped_while_pods_started(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: one.language != "nginx")
    at = scene.ago(minutes=22)
    probe_of(program, "readiness")
    scene.recreate(program, lambda one: one.set_env("RELEASE", scene.letters(6)), at=at, revise=True)
    for pod in program.pods:
        pod.created, pod.started = at, at + timedelta(seconds=4)
        scene.event(
            pod,
            "Unhealthy",
            f'Readiness probe failed: Get "http://{pod.ip}:{program.listens}/healthz": dial tcp {pod.ip}:{program.listens}: connect: connection refused',
            count=2,
            first=at + timedelta(seconds=12),
            last=at + timedelta(seconds=22),
            container=program.main,
        )
    return CALM


@way("control-blip")
def partner_was_slow_and_is_not_any_more(scene: Scene) -> Answer:
    program = _client(scene)
    for pod in program.pods:
        for minute in range(5):
            scene.say(
                pod,
                "WARN",
                f"external call to https://rates.partner.example/v1 took {scene.dice.randrange(3000, 9000)}ms",
                at=scene.ago(minutes=55 - minute),
            )
        scene.say(
            pod, "INFO", "external call to https://rates.partner.example/v1 back to 71ms", at=scene.ago(minutes=44)
        )
    _numbers(scene, "app")
    return CALM


@way("control-noise")
def collections_of_a_jvm(scene: Scene) -> Answer:
    program = scene.pick("service")
    steady(scene, program)
    for pod in program.pods:
        scene.bend(pod, "memory", times=1.25, shape="spike", since=scene.ago(minutes=70))
        if program.language == "java":
            scene.keeps_saying(
                pod,
                "INFO",
                "[gc] GC(412) Pause Young (Normal) (G1 Evacuation Pause) 312M->201M(512M) 14.220ms",
                times=9,
                since=scene.ago(minutes=50),
            )
    _numbers(scene, "cadvisor", "spring")
    return CALM


@way("control-noise", wants=("mysql",))
def transactions_that_were_tried_again(scene: Scene) -> Answer:
    program = _client(scene)
    for pod in program.pods:
        for _ in range(2):
            at = scene.ago(minutes=scene.dice.uniform(5, 50))
            scene.say(
                pod, "WARN", "Deadlock found when trying to get lock; try restarting transaction, retrying (1/3)", at=at
            )
            scene.say(pod, "INFO", "transaction committed on attempt 2", at=at + timedelta(seconds=1))
    return CALM


@way("control-noise", wants=("mysql",))
def somebody_knocks_at_the_database(scene: Scene) -> Answer:
    """A scanner of the security team tries root without a password; no client is concerned."""
    store = scene.pick("database", where=lambda one: one.language == "mysql")
    for pod in store.pods:
        scene.keeps_saying(
            pod,
            "INFO",
            "[MY-010926] [Server] Access denied for user 'root'@'10.9.0.4' (using password: NO)",
            times=3,
            since=scene.ago(minutes=45),
        )
    return CALM


@way("control-noise")
def a_call_that_was_repeated_with_success(scene: Scene) -> Answer:
    program = _client(scene)
    call = program.calls[0]
    for pod in program.pods[:1]:
        at = scene.ago(minutes=scene.dice.uniform(12, 50))
        _, lines = complaint(program, call, "reset", scene.dice)
        scene.say(pod, "WARN", f"retrying after: {lines[0]}", at=at)
        scene.say(pod, "INFO", f"call to {call.callee.name} succeeded on attempt 2", at=at + timedelta(seconds=0.4))
    return CALM


@way("control-noise", wants=("cache",))
def cache_was_cold_after_its_restart(scene: Scene) -> Answer:
    """Half an hour ago; its hits have come back."""
    cache = scene.pick("cache")
    at = scene.ago(minutes=65)
    scene.recreate(cache, lambda one: one.set_env("RELEASE", "7.2.5"), at=at, revise=True)
    for pod in cache.pods:
        pod.created, pod.started = at, at + timedelta(seconds=3)
    counter(scene, cache, "redis_keyspace_hits_total", 400, 400)
    counter(scene, cache, "redis_keyspace_misses_total", 60, 18)
    _numbers(scene, "cadvisor")
    return CALM


@way("control-sleep")
def asleep_by_night_on_purpose(scene: Scene) -> Answer:
    """A tool scales it to zero by a timetable and says so; nobody calls it then."""
    program = stranger(
        scene, scene.namespace, scene.dice.choice(["review-app", "backoffice", "training-portal"]), scene.ago(days=80)
    )
    scene.agents.remove(program)
    scene.programs.append(program)
    program.annotations |= scene.dice.choice(
        [
            {"downscaler/uptime": "Mon-Fri 07:00-19:00 Europe/Berlin", "downscaler/original-replicas": "2"},
            {"kube-green.stratio.com/sleep": "true", "original-replicas": "2"},
        ]
    )
    scene.scale(program, 0, scene.ago(hours=4))
    return CALM


@way("control-edge")
def certificate_was_renewed_in_time(scene: Scene) -> Answer:
    host, name = domain(scene), "www-tls"
    ingress(scene, "public", host, {f"/{one.name}": backend(one) for one in routed(scene)}, tls=name)
    scene.add(
        "Secret", name, scene.namespace, type="kubernetes.io/tls", data={"tls.crt": "sha256:aa", "tls.key": "sha256:bb"}
    )
    certificate(scene, name, host, expired=False)
    scene.event(
        ("Certificate", scene.namespace, name),
        "Issuing",
        "The certificate has been successfully issued",
        type="Normal",
        by="cert-manager-certificates-issuing",
        first=scene.ago(minutes=33),
    )
    return CALM


@way("control-edge")
def policy_that_lets_the_callers_in(scene: Scene) -> Answer:
    program = scene.called("service", "database", "cache")
    peers = [
        {
            "podSelector": {"matchLabels": dict(caller.selector)},
            **({} if caller.namespace == program.namespace else {"namespaceSelector": {}}),
        }
        for caller in scene.callers(program)
    ]
    spec = {
        "podSelector": {"matchLabels": dict(program.selector)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": peers, "ports": [{"protocol": "TCP", "port": program.listens}]}],
    }
    scene.add("NetworkPolicy", f"{program.name}-clients", program.namespace, api="networking.k8s.io/v1", spec=spec)
    return CALM


@way("control-edge")
def policy_by_default_with_its_exceptions(scene: Scene) -> Answer:
    """Deny all, then allow within the namespaces of the application."""
    for space in scene.namespaces:
        scene.add(
            "NetworkPolicy",
            "default-deny",
            space,
            api="networking.k8s.io/v1",
            spec={"podSelector": {}, "policyTypes": ["Ingress"]},
        )
        scene.add(
            "NetworkPolicy",
            "allow-inside",
            space,
            api="networking.k8s.io/v1",
            spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {}}]}]},
        )
    return CALM


@way("control-edge")
def mesh_that_lets_both_kinds_in(scene: Scene) -> Answer:
    scene.add(
        "PeerAuthentication",
        "default",
        scene.namespace,
        api="security.istio.io/v1beta1",
        spec={"mtls": {"mode": "PERMISSIVE"}},
    )
    return CALM


@way("control-edge")
def addresses_outside_the_cluster(scene: Scene) -> Answer:
    """A partner's host in a variable, and a Service that is only another name for one."""
    program = _client(scene)
    for template in [one.template for one in program.revisions]:
        template["spec"]["containers"][0].setdefault("env", []).append(
            {"name": "PARTNER_URL", "value": "https://api.partner-rates.example/v2"}
        )
    made = Service(
        "partner",
        program.namespace,
        {},
        [{"port": 443, "protocol": "TCP", "targetPort": 443}],
        "",
        "ExternalName",
        extra={"externalName": "api.partner-rates.example"},
    )
    scene.loose_services.append(made)
    return CALM


@way("control-probes")
def health_on_a_port_of_its_own(scene: Scene) -> Answer:
    """The management port is another than the service's, and open."""
    program = scene.pick("service")
    for template in [one.template for one in program.revisions]:
        container = template["spec"]["containers"][0]
        container["ports"] = [
            *container.get("ports", []),
            {"name": "management", "containerPort": 8099, "protocol": "TCP"},
        ]
        for kind in ("readinessProbe", "livenessProbe"):
            container[kind] = {
                "httpGet": {"path": "/health", "port": "management", "scheme": "HTTP"},
                "initialDelaySeconds": 20,
                "periodSeconds": 10,
                "timeoutSeconds": 2,
                "successThreshold": 1,
                "failureThreshold": 3,
            }
    return CALM


@way("control-probes")
def one_slow_answer_to_a_probe(scene: Scene) -> Answer:
    program = scene.pick("service")
    pod = program.pods[0]
    scene.event(
        pod,
        "Unhealthy",
        f'Liveness probe failed: Get "http://{pod.ip}:{program.listens}/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
        first=scene.ago(minutes=48),
        container=program.main,
    )
    return CALM
