"""What several ways do: choose a program that answers requests, let probes fail as the kubelet says it, and let callers suffer."""

from datetime import datetime, timedelta

from tests.evaluation.casebook.model import Alert, Answer, Component, Object, Pod, Program, State, stamp
from tests.evaluation.casebook.scene import Scene


def answer(
    fault: str,
    place: Program | Component,
    *needs: str,
    keeps: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    places: tuple[Component, ...] = (),
) -> Answer:
    component = place.component if isinstance(place, Program) else place
    others = frozenset(str(one) for one in places)
    return Answer(fault, component, frozenset(needs), frozenset(keeps), frozenset(also), others)


def as_it_is(program: Program) -> None:
    """The edit that changes nothing: its pods were only made anew."""


def server(scene: Scene, language: str = "", *, called: bool = True) -> Program:
    """A service of the application that others call by HTTP."""
    return scene.pick("service", language=language, where=lambda one: not called or bool(scene.callers(one)))


def probe_of(program: Program, kind: str) -> Object:
    """Its probe of a kind; it is given one if it has none."""
    known = program.container.get(f"{kind}Probe")
    if known is None:
        known = {
            "httpGet": {"path": "/healthz", "port": program.listens, "scheme": "HTTP"},
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        }
        program.container[f"{kind}Probe"] = known
    if "httpGet" not in known:
        known.pop("tcpSocket", None)
        known["httpGet"] = {"path": "/healthz", "port": program.listens, "scheme": "HTTP"}
    found: Object = known
    return found


def unhealthy(scene: Scene, pod: Pod, kind: str, text: str, count: int = 0) -> None:
    begun = max(scene.onset, pod.created)
    many = count or max(3, int((scene.taken_at - begun).total_seconds() / 12))
    scene.event(
        pod,
        "Unhealthy",
        f"{kind.title()} probe failed: {text}",
        count=many,
        first=scene.later(begun, 12, 30),
        container=pod.program.main,
    )


def refused(pod: Pod, port: object, path: str = "/healthz", scheme: str = "http") -> str:
    return f'Get "{scheme}://{pod.ip}:{port}{path}": dial tcp {pod.ip}:{port}: connect: connection refused'


def killed_by_probe(scene: Scene, pod: Pod, kind: str, text: str, *, lived: float = 35.0, code: int = 0) -> None:
    """Restarted again and again by the kubelet: at the look either running for a moment or in its back-off."""
    unhealthy(scene, pod, kind, text)
    begun = max(scene.onset, pod.created)
    resting = scene.dice.random() < 0.6
    exit_code = code or {"java": 143, "go": 2, "nginx": 0}.get(pod.program.language, scene.dice.choice([137, 143]))
    state = scene.crashing(pod, exit_code, lived=lived, resting=resting)
    scene.event(
        pod,
        "Killing",
        f"Container {pod.program.main} failed {kind} probe, will be restarted",
        type="Normal",
        count=max(1, state.restarts),
        first=scene.later(begun, lived, lived + 5),
        container=pod.program.main,
    )


def lives_with_restarts(
    scene: Scene, pod: Pod, restarts: int, code: int, reason: str, *, last: datetime | None = None
) -> None:
    """Runs and is ready, but was restarted a short while ago, and not for the first time."""
    died = last or scene.ago(seconds=scene.dice.uniform(60, 400))
    died = max(died, pod.created + timedelta(seconds=20))
    before = {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": stamp(max(pod.created, died - timedelta(minutes=9))),
            "finishedAt": stamp(died),
        }
    }
    again = died + timedelta(seconds=3)
    pod.states[pod.program.main] = State({"running": {"startedAt": stamp(again)}}, True, restarts, before)
    pod.started = again


def suffer(scene: Scene, program: Program, how: str = "refused", **more: int) -> None:
    """Callers complain if none of its pods is ready."""
    if not any(pod.is_ready for pod in program.pods):
        scene.starve(program, how, **more)
        availability(scene, program)


def availability(scene: Scene, program: Program) -> None:
    """The alert that most customers have, if they have any."""
    if scene.dice.random() < 0.5:
        text = f"{program.kind} {program.namespace}/{program.name} has not matched the expected number of replicas"
        labels = {"namespace": program.namespace, program.kind.lower(): program.name}
        scene.alerts.append(Alert("KubeDeploymentReplicasMismatch", labels, text, scene.later(scene.onset, 60, 420)))


def last_words(scene: Scene, pod: Pod, level: str, lines: list[str], *, raw: bool = False, start: bool = True) -> None:
    """The end of the log of the container before its last restart, and of the current one where that is the same in its turn."""
    from tests.evaluation.casebook import voices

    at = scene.ago(seconds=scene.dice.uniform(30, 290))
    for previous in (True, False):
        moment = at - timedelta(seconds=5 if not previous else 320)
        if start:
            for level_said, text in voices.start(pod.program, scene.dice)[:-1]:
                moment += timedelta(seconds=scene.dice.uniform(0.05, 0.4))
                scene.say(pod, level_said, text, at=moment, previous=previous)
        scene.say(pod, level, lines, at=moment + timedelta(seconds=0.6), previous=previous, raw=raw)
