"""Two containers of one pod that want the same port."""

from tests.evaluation.casebook.acts import answer, server, suffer
from tests.evaluation.casebook.faults.runtime_crashes import crash
from tests.evaluation.casebook.model import Answer, Object, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

_TAKEN: dict[str, tuple[int, list[str]]] = {
    "go": (1, ["listen tcp :{port}: bind: address already in use"]),
    "java": (
        1,
        [
            "***************************",
            "APPLICATION FAILED TO START",
            "***************************",
            "",
            "Description:",
            "",
            "Web server failed to start. Port {port} was already in use.",
        ],
    ),
    "python": (
        1,
        ["ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', {port}): address already in use"],
    ),
    "node": (
        1,
        [
            "Error: listen EADDRINUSE: address already in use 0.0.0.0:{port}",
            "    at Server.setupListenHandle [as _listen2] (node:net:1817:16)",
        ],
    ),
    "dotnet": (
        134,
        [
            "Unhandled exception. System.IO.IOException: Failed to bind to address http://[::]:{port}: address already in use."
        ],
    ),
}


def _sidecar(name: str, image: str, port: int, declares: bool) -> Object:
    made: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
    }
    if declares:
        made["ports"] = [{"containerPort": port, "protocol": "TCP"}]
    return made


@way("service_sidecar_port_conflict")
def program_finds_its_port_taken_by_a_sidecar(scene: Scene) -> Answer:
    program = server(scene)
    image = scene.dice.choice(
        ["nginx:1.25-alpine", "envoyproxy/envoy:v1.29.2", "quay.io/oauth2-proxy/oauth2-proxy:v7.6.0"]
    )
    name = image.split("/")[-1].split(":")[0]
    code, lines = _TAKEN[program.language]
    for pod in scene.afflict(
        program, lambda one: one.pod_spec["containers"].append(_sidecar(name, image, one.listens, True))
    ):
        crash(scene, pod, code, [one.format(port=program.listens) for one in lines], lived=2)
    suffer(scene, program)
    return answer("service_sidecar_port_conflict", program, "objects")


@way("service_sidecar_port_conflict")
def sidecar_finds_its_port_taken_by_the_program(scene: Scene) -> Answer:
    program = server(scene)
    port = program.listens
    image, name, said = scene.dice.choice(
        [
            (
                "nginx:1.25-alpine",
                "tls-proxy",
                f"nginx: [emerg] bind() to 0.0.0.0:{port} failed (98: Address already in use)",
            ),
            (
                "fluent/fluent-bit:2.2",
                "log-shipper",
                f"[error] [http_server] could not bind address 0.0.0.0:{port}: Address already in use",
            ),
            (
                "prom/statsd-exporter:v0.26.0",
                "exporter",
                f'ts=2024-05-02T10:00:00Z caller=main.go:511 level=error msg="listen tcp :{port}: bind: address already in use"',
            ),
        ]
    )
    for pod in scene.afflict(program, lambda one: one.pod_spec["containers"].append(_sidecar(name, image, port, True))):
        scene.crashing(pod, 1, container=name, lived=2)
        for previous in (True, False):
            scene.say(pod, "RAW", said, at=scene.ago(seconds=60), container=name, previous=previous, raw=True)
    suffer(scene, program)
    return answer("service_sidecar_port_conflict", program, "objects")


@way("service_sidecar_port_conflict")
def two_of_one_image_on_their_default_port(scene: Scene) -> Answer:
    """Nothing is declared; only the log says which port."""
    program = server(scene, called=False)
    port = program.listens
    code, lines = _TAKEN[program.language]

    def edit(one: Program) -> None:
        twin = _sidecar("admin", one.container["image"], port, False)
        twin["args"] = ["--mode=admin"]
        one.pod_spec["containers"].append(twin)

    for pod in scene.afflict(program, edit):
        scene.crashing(pod, code, container="admin", lived=3)
        for previous in (True, False):
            scene.say(
                pod,
                "RAW",
                [one.format(port=port) for one in lines],
                at=scene.ago(seconds=80),
                container="admin",
                previous=previous,
            )
    suffer(scene, program)
    return answer("service_sidecar_port_conflict", program, "objects", "logs")
