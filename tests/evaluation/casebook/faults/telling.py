"""How slowness is told: who waits for whom, and whether the bundle has whole series, the last points of them, or alerts only."""

from tests.evaluation.casebook.model import Alert, Program
from tests.evaluation.casebook.scene import Scene

Cause = tuple[str, str, dict[str, str]]


def steady(scene: Scene, program: Program) -> None:
    """Its pods were there before the window."""
    for pod in program.pods:
        pod.created = min(pod.created, scene.ago(hours=5))
        if pod.started and pod.started < pod.created:
            pod.started = pod.created


def slow(scene: Scene, program: Program, *, by: float, depth: int = 3) -> None:
    """So many seconds more for it, and nearly as many for all that wait for it: in their own terms often more than for itself."""
    if not program.is_data:
        curve = scene.curve(program, "latency")
        scene.bend(program, "latency", to=max(curve.after or 0.0, curve.base + by))
    if depth:
        for caller in scene.callers(program):
            slow(scene, caller, by=by * scene.dice.uniform(0.75, 1.0), depth=depth - 1)


def told(
    scene: Scene, cause: Cause, *, dialects: tuple[str, ...] = ("computed", "cadvisor"), more: tuple[str, ...] = ()
) -> str:
    """Choose the form; the word for what is needed. Victims' alerts are in all of them, and come first."""
    _victims_alarm(scene)
    form = scene.dice.choice(["full", "full", "short", "alerts", "alerts"])
    if form == "alerts":
        name, summary, labels = cause
        scene.alerts.append(Alert(name, labels, summary, scene.later(scene.onset, 120, 400)))
        scene.sources.metrics, scene.series = [], []
        scene.sources.alerts = True
        return "alerts"
    dialect = scene.dice.choice(dialects)
    latency = [] if dialect == "computed" else [scene.dice.choice(["app", "istio"])]
    scene.sources.metrics = [dialect, *latency, *more]
    if form == "short":
        scene.sources.points = scene.dice.randrange(3, 9)
        scene.sources.points = min(
            scene.sources.points, max(3, int((scene.taken_at - scene.onset).total_seconds() // 60) - 1)
        )
    return "metrics"


def _victims_alarm(scene: Scene) -> None:
    """Latency alerts of those who wait: the edge is nearly always among them."""
    hurt = [
        one
        for one in scene.programs
        if not one.is_data and (one.name, "latency") in scene.curves and scene.curves[one.name, "latency"].after
    ]
    for one in hurt[:2]:
        if scene.dice.random() < 0.6:
            labels = {"namespace": one.namespace, "service": one.name}
            text = f"95th percentile latency of {one.name} is above {scene.dice.choice(['500ms', '1s', '2s'])}"
            scene.alerts.append(
                Alert(
                    scene.dice.choice(["HighRequestLatency", "LatencySLOBurn", "SlowResponses"]),
                    labels,
                    text,
                    scene.later(scene.onset, 60, 200),
                )
            )
