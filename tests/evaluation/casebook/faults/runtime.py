"""Programs that do not stay up: memory, probes, crashes, settings, ports, and nobody left running."""

from datetime import timedelta

from tests.evaluation.casebook.acts import (
    answer,
    availability,
    killed_by_probe,
    last_words,
    lives_with_restarts,
    probe_of,
    refused,
    server,
    suffer,
    unhealthy,
)
from tests.evaluation.casebook.faults import runtime_crashes, runtime_leaks, runtime_ports, runtime_stores
from tests.evaluation.casebook.model import Answer, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

MIB = 1024**2
REST = (runtime_crashes, runtime_leaks, runtime_ports, runtime_stores)
"""The other files of the family, loaded with this one."""


def _memory(program: Program, limit: int) -> None:
    program.container["resources"] = {
        "requests": {"cpu": "100m", "memory": f"{limit}Mi"},
        "limits": {"memory": f"{limit}Mi"},
    }


# --- memory -----------------------------------------------------------------------------------------------------------------------


@way("oom_killed")
def killed_soon_after_its_limit_was_lowered(scene: Scene) -> Answer:
    program = server(scene)
    limit = {"java": 160, "dotnet": 64, "go": 16}.get(program.language, 48)
    for pod in scene.afflict(program, lambda one: _memory(one, limit)):
        scene.crashing(pod, 137, reason="OOMKilled", lived=scene.dice.uniform(3, 15))
        scene.bend(pod, "memory", to=limit * MIB * 0.97)
    suffer(scene, program)
    return answer("oom_killed", program, "objects")


@way("oom_killed")
def killed_now_and_then_under_load(scene: Scene) -> Answer:
    program = server(scene)
    limit = {"java": 512, "dotnet": 256, "go": 64}.get(program.language, 192)
    _memory(program, limit)
    for pod in program.pods:
        lives_with_restarts(scene, pod, scene.dice.randrange(2, 6), 137, "OOMKilled")
        pod.created = min(pod.created, scene.onset - timedelta(hours=2))
        scene.bend(pod, "memory", to=limit * MIB * 0.98, shape="spike")
    scene.bend(program, "requests", times=1.6)
    scene.starve(program, "reset", times=3)
    return answer("oom_killed", program, "objects")


@way("oom_killed", wants=("java",))
def heap_larger_than_the_limit(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)

    def edit(one: Program) -> None:
        _memory(one, 384)
        one.set_env("JAVA_TOOL_OPTIONS", "-Xms256m -Xmx1g -XX:+UseG1GC")

    for pod in scene.afflict(program, edit):
        state = scene.crashing(pod, 137, reason="OOMKilled", lived=40, resting=scene.dice.random() < 0.5)
        scene.say(
            pod,
            "RAW",
            "Picked up JAVA_TOOL_OPTIONS: -Xms256m -Xmx1g -XX:+UseG1GC",
            previous=True,
            at=scene.ago(minutes=4),
        )
        scene.bend(pod, "memory", to=383 * MIB)
        assert state.before
    suffer(scene, program)
    return answer("oom_killed", program, "objects")


# --- probes -----------------------------------------------------------------------------------------------------------------------


@way("liveness_probe_incorrect_port")
def liveness_asks_another_port(scene: Scene) -> Answer:
    program = server(scene)
    wrong = scene.dice.choice([one for one in (8088, 9090, 8081, 3001, 80) if one != program.listens])

    def edit(one: Program) -> None:
        probe_of(one, "liveness")["httpGet"]["port"] = wrong

    for pod in scene.afflict(program, edit):
        path = probe_of(program, "liveness")["httpGet"]["path"]
        killed_by_probe(scene, pod, "liveness", refused(pod, wrong, path))
    suffer(scene, program)
    return answer("liveness_probe_incorrect_port", program, "objects")


@way("liveness_probe_incorrect_port")
def program_moved_to_another_port_and_its_liveness_did_not(scene: Scene) -> Answer:
    """The Service and the readiness probe were moved with it."""
    program = server(scene)
    old, new = program.listens, program.listens + scene.dice.choice([1, 10, 100])

    def edit(one: Program) -> None:
        probe_of(one, "liveness")["httpGet"]["port"] = old
        one.container["ports"][0]["containerPort"] = new
        if "readinessProbe" in one.container:
            probe_of(one, "readiness")["httpGet"]["port"] = new
        one.set_env("PORT", str(new))

    for pod in scene.afflict(program, edit, how=scene.dice.choice(["recreate", "first"])):
        killed_by_probe(scene, pod, "liveness", refused(pod, old, probe_of(program, "liveness")["httpGet"]["path"]))
        scene.say(pod, "INFO", f"listening on port {new}", at=scene.ago(seconds=200))
    program.listens = new
    if program.service and isinstance(program.service.ports[0]["targetPort"], int):
        program.service.ports[0]["targetPort"] = new
    suffer(scene, program)
    return answer("liveness_probe_incorrect_port", program, "objects")


@way("liveness_probe_incorrect_port")
def liveness_by_tcp_on_a_port_nobody_opened(scene: Scene) -> Answer:
    program = scene.pick("database", "cache", "service")
    wrong = program.listens + scene.dice.choice([1, -1, 1000])

    def edit(one: Program) -> None:
        one.container["livenessProbe"] = {
            "tcpSocket": {"port": wrong},
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        }

    for pod in scene.afflict(program, edit, how="roll_out" if program.is_data else ""):
        killed_by_probe(
            scene,
            pod,
            "liveness",
            f"dial tcp {pod.ip}:{wrong}: connect: connection refused",
            code=0 if program.is_data else 137,
        )
    suffer(scene, program)
    return answer("liveness_probe_incorrect_port", program, "objects")


@way("liveness_probe_incorrect_protocol")
def liveness_asks_with_tls_where_there_is_none(scene: Scene) -> Answer:
    program = server(scene)

    def edit(one: Program) -> None:
        probe_of(one, "liveness")["httpGet"] |= {"scheme": "HTTPS", "port": one.listens}

    for pod in scene.afflict(program, edit):
        path = probe_of(program, "liveness")["httpGet"]["path"]
        text = f'Get "https://{pod.ip}:{program.listens}{path}": http: server gave HTTP response to HTTPS client'
        killed_by_probe(scene, pod, "liveness", text)
    suffer(scene, program)
    return answer("liveness_probe_incorrect_protocol", program, "objects")


@way("liveness_probe_incorrect_protocol")
def liveness_by_http_on_a_port_that_speaks_grpc(scene: Scene) -> Answer:
    program = (
        server(scene, "go", called=False)
        if any(one.language == "go" and one.role == "service" for one in scene.programs)
        else server(scene)
    )

    def edit(one: Program) -> None:
        one.container["ports"] = [{"name": "grpc", "containerPort": one.listens, "protocol": "TCP"}]
        probe_of(one, "liveness")["httpGet"] |= {"scheme": "HTTP", "port": one.listens}
        one.container["readinessProbe"] = {
            "grpc": {"port": one.listens},
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        }

    for pod in scene.afflict(program, edit, how=scene.dice.choice(["recreate", "first"])):
        text = f'Get "http://{pod.ip}:{program.listens}/healthz": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00"'
        killed_by_probe(scene, pod, "liveness", text)
        scene.say(pod, "INFO", f"gRPC server listening at [::]:{program.listens}", at=scene.ago(seconds=150))
    if program.service:
        program.service.ports[0] |= {"name": "grpc", "targetPort": program.listens}
    suffer(scene, program)
    return answer("liveness_probe_incorrect_protocol", program, "objects", "events")


@way("liveness_probe_incorrect_protocol")
def liveness_by_plain_http_where_tls_is_served(scene: Scene) -> Answer:
    program = server(scene)

    def edit(one: Program) -> None:
        probe_of(one, "liveness")["httpGet"] |= {"scheme": "HTTP", "port": one.listens}
        if "readinessProbe" in one.container:
            probe_of(one, "readiness")["httpGet"] |= {"scheme": "HTTPS", "port": one.listens}
        one.set_env("TLS_CERT_FILE", "/etc/tls/tls.crt")

    for pod in scene.afflict(program, edit):
        killed_by_probe(scene, pod, "liveness", "HTTP probe failed with statuscode: 400")
        scene.keeps_saying(
            pod,
            "WARN",
            f"http: TLS handshake error from {pod.node.ip if pod.node else ''}:40212: client sent an HTTP request to an HTTPS server",
            times=5,
            since=scene.ago(minutes=3),
        )
        scene.say(pod, "INFO", f"serving HTTPS on :{program.listens}", at=scene.ago(minutes=3, seconds=5))
    suffer(scene, program)
    return answer("liveness_probe_incorrect_protocol", program, "objects", "events", "logs")


@way("liveness_probe_incorrect_timing", wants=("java",))
def liveness_does_not_wait_for_a_slow_start(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)
    took = scene.dice.uniform(48, 95)

    def edit(one: Program) -> None:
        probe_of(one, "liveness").update(
            {"initialDelaySeconds": 5, "periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 1}
        )

    for pod in scene.afflict(program, edit):
        killed_by_probe(scene, pod, "liveness", refused(pod, program.listens, "/actuator/health"), lived=17, code=143)
        last_words(scene, pod, "INFO", ["Initializing Spring embedded WebApplicationContext"])
    for pod in program.pods:
        if pod.is_ready:
            scene.say(
                pod,
                "INFO",
                f"Started Application in {took:.3f} seconds (process running for {took + 2:.3f})",
                at=pod.created + timedelta(seconds=took),
            )
    suffer(scene, program)
    return answer("liveness_probe_incorrect_timing", program, "objects", "events")


@way("liveness_probe_incorrect_timing")
def liveness_has_no_patience_with_a_slow_answer(scene: Scene) -> Answer:
    program = server(scene)

    def edit(one: Program) -> None:
        probe_of(one, "liveness").update(
            {"initialDelaySeconds": 0, "periodSeconds": 2, "failureThreshold": 1, "timeoutSeconds": 1}
        )

    for pod in scene.afflict(program, edit, how=scene.dice.choice(["recreate", "roll_out"])):
        path = probe_of(program, "liveness")["httpGet"]["path"]
        text = f'Get "http://{pod.ip}:{program.listens}{path}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        killed_by_probe(scene, pod, "liveness", scene.dice.choice([text, refused(pod, program.listens, path)]), lived=8)
        last_words(scene, pod, "INFO", ["warming up caches before serving, this takes about 25s"])
    suffer(scene, program)
    return answer("liveness_probe_incorrect_timing", program, "objects", "events")


@way("readiness_probe_incorrect_port")
def readiness_asks_another_port(scene: Scene) -> Answer:
    program = server(scene)
    wrong = scene.dice.choice([one for one in (8088, 9090, 8081, 3001, 80) if one != program.listens])

    def edit(one: Program) -> None:
        probe_of(one, "readiness")["httpGet"]["port"] = wrong

    for pod in scene.afflict(program, edit):
        scene.unready(pod)
        unhealthy(scene, pod, "readiness", refused(pod, wrong, probe_of(program, "readiness")["httpGet"]["path"]))
    suffer(scene, program)
    return answer("readiness_probe_incorrect_port", program, "objects")


@way("readiness_probe_incorrect_port")
def readiness_by_tcp_on_a_wrong_port_of_a_store(scene: Scene) -> Answer:
    program = scene.pick("database", "cache", where=lambda one: bool(scene.callers(one)))
    wrong = program.listens + scene.dice.choice([1, 10, -1])

    def edit(one: Program) -> None:
        one.container["readinessProbe"]["tcpSocket"] = {"port": wrong}

    for pod in scene.afflict(program, edit, how="roll_out" if program.kind == "StatefulSet" else "recreate"):
        scene.unready(pod)
        unhealthy(scene, pod, "readiness", f"dial tcp {pod.ip}:{wrong}: connect: connection refused")
    suffer(scene, program)
    return answer("readiness_probe_incorrect_port", program, "objects")


@way("readiness_probe_incorrect_port")
def readiness_names_a_port_that_is_not_there(scene: Scene) -> Answer:
    program = server(scene)
    name = scene.dice.choice(["admin", "management", "health", "web-http"])

    def edit(one: Program) -> None:
        probe_of(one, "readiness")["httpGet"]["port"] = name

    for pod in scene.afflict(program, edit):
        scene.unready(pod)
        scene.event(
            pod,
            "Unhealthy",
            f'Readiness probe errored: strconv.Atoi: parsing "{name}": invalid syntax',
            count=40,
            container=program.main,
        )
    suffer(scene, program)
    return answer("readiness_probe_incorrect_port", program, "objects")


@way("readiness_probe_incorrect_protocol")
def readiness_asks_with_tls_where_there_is_none(scene: Scene) -> Answer:
    program = server(scene)

    def edit(one: Program) -> None:
        probe_of(one, "readiness")["httpGet"] |= {"scheme": "HTTPS", "port": one.listens}

    for pod in scene.afflict(program, edit):
        path = probe_of(program, "readiness")["httpGet"]["path"]
        scene.unready(pod)
        unhealthy(
            scene,
            pod,
            "readiness",
            f'Get "https://{pod.ip}:{program.listens}{path}": http: server gave HTTP response to HTTPS client',
        )
    suffer(scene, program)
    return answer("readiness_probe_incorrect_protocol", program, "objects")


@way("readiness_probe_incorrect_protocol")
def readiness_by_http_on_a_store(scene: Scene) -> Answer:
    program = scene.pick("database", "cache", where=lambda one: bool(scene.callers(one)))

    def edit(one: Program) -> None:
        one.container["readinessProbe"].pop("tcpSocket", None)
        one.container["readinessProbe"]["httpGet"] = {"path": "/", "port": one.listens, "scheme": "HTTP"}

    for pod in scene.afflict(program, edit, how="roll_out" if program.kind == "StatefulSet" else "recreate"):
        scene.unready(pod)
        url = f'Get "http://{pod.ip}:{program.listens}/"'
        text = (
            f'{url}: net/http: HTTP/1.x transport connection broken: malformed HTTP response "J\\x00\\x00\\x00"'
            if program.language == "mysql"
            else f"{url}: EOF"
        )
        if program.language == "mongo":
            text = f'{url}: net/http: HTTP/1.x transport connection broken: malformed HTTP status code "looks"'
        unhealthy(scene, pod, "readiness", text)
        if program.language == "redis":
            scene.keeps_saying(
                pod,
                "WARN",
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. Connection aborted.",
                times=5,
            )
        if program.language == "postgres":
            scene.keeps_saying(pod, "INFO", "invalid length of startup packet", times=9)
    suffer(scene, program)
    return answer("readiness_probe_incorrect_protocol", program, "objects", "events")


@way("startup_probe_too_short", wants=("java",))
def startup_probe_gives_up_before_the_program_is_up(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)

    def edit(one: Program) -> None:
        path = probe_of(one, "readiness")["httpGet"]["path"]
        one.container["startupProbe"] = {
            "httpGet": {"path": path, "port": one.listens, "scheme": "HTTP"},
            "periodSeconds": 5,
            "failureThreshold": 3,
            "timeoutSeconds": 1,
            "successThreshold": 1,
        }

    for pod in scene.afflict(program, edit):
        killed_by_probe(scene, pod, "startup", refused(pod, program.listens, "/actuator/health"), lived=16, code=143)
        last_words(scene, pod, "INFO", ["HHH000204: Processing PersistenceUnitInfo [name: default]"])
    suffer(scene, program)
    return answer("startup_probe_too_short", program, "objects", "events")


@way("startup_probe_too_short")
def startup_probe_shorter_than_loading_a_model(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: one.language in ("python", "go", "node", "dotnet"))

    def edit(one: Program) -> None:
        one.container["startupProbe"] = {
            "tcpSocket": {"port": one.listens},
            "periodSeconds": 2,
            "failureThreshold": 5,
            "timeoutSeconds": 1,
            "successThreshold": 1,
        }

    for pod in scene.afflict(program, edit):
        killed_by_probe(
            scene,
            pod,
            "startup",
            f"dial tcp {pod.ip}:{program.listens}: connect: connection refused",
            lived=12,
            code=137,
        )
        told = scene.dice.choice(
            [
                "loading 41822 rules from store",
                "loading index segments (3 of 17)",
                "running migrations",
                "downloading model weights 18%",
            ]
        )
        last_words(scene, pod, "INFO", [told])
    suffer(scene, program)
    return answer("startup_probe_too_short", program, "objects", "events")


# --- nobody left running ----------------------------------------------------------------------------------------------------------


@way("deployment_zero_replicas")
def scaled_to_nothing_a_moment_ago(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: bool(scene.callers(one)) and bool(one.replicas))
    count = program.replicas
    scene.scale(program, 0, scene.onset)
    revision = f"{program.name}-{program.revisions[-1].hash}"
    scene.event(
        program,
        "ScalingReplicaSet",
        f"Scaled down replica set {revision} to 0 from {count}",
        type="Normal",
        by="deployment-controller",
        first=scene.onset,
    )
    suffer(scene, program)
    return answer("deployment_zero_replicas", program, "objects", keeps=("Deployment",))


@way("deployment_zero_replicas")
def deployed_with_no_replicas(scene: Scene) -> Answer:
    """Since its last release, longer ago than events live."""
    program = server(scene)
    scene.onset = scene.ago(minutes=70)
    scene.scale(program, 0, scene.onset)
    scene.starve(program, "refused", times=9)
    availability(scene, program)
    return answer("deployment_zero_replicas", program, "objects", keeps=("Deployment",))


@way("deployment_zero_replicas")
def store_scaled_to_nothing(scene: Scene) -> Answer:
    program = scene.pick("database", "cache", "queue", where=lambda one: bool(scene.callers(one)))
    scene.scale(program, 0, scene.onset)
    if program.kind == "StatefulSet":
        scene.event(
            program,
            "SuccessfulDelete",
            f"delete Pod {program.name}-0 in StatefulSet {program.name} successful",
            type="Normal",
            by="statefulset-controller",
            first=scene.onset,
        )
    suffer(scene, program)
    return answer("deployment_zero_replicas", program, "objects", keeps=(program.kind,))
