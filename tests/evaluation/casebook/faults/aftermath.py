"""What follows from a program that is down or half down, whatever the reason: victims' errors and the usual alerts."""

from tests.evaluation.casebook.model import Pod, Program
from tests.evaluation.casebook.scene import Scene


def suffer(scene: Scene, program: Program, pods: list[Pod] | None = None) -> None:
    """Callers complain if nothing of it is ready; somebody's alert rules fire."""
    if not any(pod.is_ready for pod in program.pods) and program.service:
        scene.starve(program, scene.dice.choice(["refused", "refused", "timed_out"]), times=scene.dice.randrange(3, 9))
        scene.bend(program, "requests", to=0.0)
        if scene.dice.random() < 0.6 and program.service:
            target = f"{program.namespace}/{program.service.name}:{program.service.port}"
            scene.probe("tcp", target, ok=False, detail="connect: connection refused")
    _told(scene, program, pods or [])


def _told(scene: Scene, program: Program, pods: list[Pod]) -> None:
    if program.kind == "Deployment" and scene.dice.random() < 0.7:
        text = f"Deployment {program.namespace}/{program.name} has not matched the expected number of replicas for longer than 15 minutes."
        scene.alert("KubeDeploymentReplicasMismatch", text, namespace=program.namespace, deployment=program.name)
    if program.kind == "StatefulSet" and scene.dice.random() < 0.7:
        text = f"StatefulSet {program.namespace}/{program.name} has not matched the expected number of replicas for longer than 15 minutes."
        scene.alert("KubeStatefulSetReplicasMismatch", text, namespace=program.namespace, statefulset=program.name)
    for pod in pods[:1]:
        if scene.dice.random() < 0.5:
            text = f"Pod {pod.namespace}/{pod.name} has been in a non-ready state for longer than 15 minutes."
            scene.alert("KubePodNotReady", text, namespace=program.namespace, pod=pod.name)


def crash_alert(scene: Scene, pod: Pod) -> None:
    text = f"Pod {pod.namespace}/{pod.name} ({pod.program.main}) is in waiting state (reason: CrashLoopBackOff)."
    scene.alert("KubePodCrashLooping", text, namespace=pod.namespace, pod=pod.name, container=pod.program.main)
