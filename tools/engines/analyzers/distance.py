"""What tells a program that is far away from one that is slow: its health checks, which wait for nobody else, take long as well.

A program that waits for something inside still answers a check of its health at once, while a bad network delays everything that goes to
and from its pods: the checks of a prober, those of the kubelet, and its own calls to callees that are quick for everybody else. Programs
without processor time answer their checks late too, so they are not meant.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median

from core.language import Text
from tools.engines.analyzers.overload import is_short_of_cpu
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import shift
from tools.engines.metrics.slow import callees, latencies, waits_alone
from tools.engines.objects import dig, is_ready, mapping, restarts, statuses, when
from tools.engines.program import Program
from tools.engines.snapshot import Event, Snapshot

SLOWER = 3.0
LEAST_SECONDS = 0.05
OFTEN = 5
LEAST_ANSWERS = 8
SOME_ANSWERS = 3
STALE = 600.0
LEVEL = 1.3
FRESH = timedelta(minutes=10)
SETTLED = timedelta(minutes=30)
_NO_ANSWER = re.compile(
    r"Client\.Timeout exceeded|context deadline exceeded|i/o timeout|timeout: failed to connect", re.I
)


def signs_of_distance(scene: Scene, who: Component) -> list[Evidence]:
    return [
        *_measured_checks(scene, who),
        *_late_checks(scene, who),
        *_waits_alone(scene, who),
        *_answers_as_ever(scene, who),
    ]


def programs_whose_checks_find_no_answer(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """Where nobody measured its answers: pods that have run well for long, are not busy, and are not reached in time any more."""
    scene = scene_of(snapshot, graph)
    measured, alone = latencies(scene), _checked_late_alone(scene)
    for program in snapshot.programs:
        who = program.component
        if who in measured:
            continue
        proof = list(_late_checks(scene, who)) if _stopped_answering(snapshot, program) else []
        proof += alone.get(who, [])
        if proof and not is_short_of_cpu(scene, program):
            yield Finding(
                "pod_network_delay",
                "performance",
                who,
                Text(
                    f"Checks of the health of {who} take long or time out, though its pods run without a restart and are not short of CPU: "
                    "the way to them is slow. Measure round-trip times to the pods (ping, tc qdisc show).",
                    f"对 {who} 的健康检查变慢或超时，而其 Pod 未重启、CPU 也不紧张：最可能是其 Pod 网络延迟。"
                    "请测量到这些 Pod 的往返时延（ping、tc qdisc show）。",
                ),
                tuple(proof),
                onset=min((item.at for item in proof if item.at), default=None),
                explainable=True,
            )


def _measured_checks(scene: Scene, who: Component) -> Iterator[Evidence]:
    for series in scene.of("probe_time").get(who, ())[:1]:
        moved = shift(series.points, scene.onset)
        if moved and moved.rose(SLOWER, LEAST_SECONDS):
            quote = f"checks of its health take {moved.before * 1000:.0f} -> {moved.after * 1000:.0f} ms"
            yield evidence("metric", series.query, quote, moment(moved.onset), weight=0.5)


def _checked_late_alone(scene: Scene) -> dict[Component, list[Evidence]]:
    """The one program of several whose checks of health take long now; where many do, something that they share is the reason."""
    every = scene.of("probe_time")
    late = {who: proof for who in every if (proof := list(_measured_checks(scene, who)))}
    first = [who for who in late if not callees(scene).get(who, set()) & set(late)]
    return {first[0]: late[first[0]]} if len(first) == 1 and 2 * len(late) <= len(every) else {}


def _late_checks(scene: Scene, who: Component) -> Iterator[Evidence]:
    program = scene.program(who)
    late = [event for pod in (program.pods if program else ()) for event in _unanswered(scene.snapshot, pod)]
    if sum(max(1, event.count) for event in late) >= OFTEN:
        last = max(late, key=lambda event: event.at or scene.snapshot.taken_at)
        yield evidence("event", last.ref, f"{last.message} (x{max(1, last.count)})", last.at, weight=0.45)


def _unanswered(snapshot: Snapshot, pod: dict[str, object]) -> Iterator[Event]:
    for event in snapshot.events_of(pod):
        is_fresh = event.at is not None and snapshot.taken_at - event.at <= FRESH
        if event.reason == "Unhealthy" and is_fresh and _NO_ANSWER.search(event.message):
            yield event


def _waits_alone(scene: Scene, who: Component) -> Iterator[Evidence]:
    for way in waits_alone(scene).get(who, ())[:2]:
        took = f"{way.waited.before * 1000:.0f} -> {way.waited.after * 1000:.0f} ms"
        quote = f"waits for {way.server.name}, whose other callers do not: {took}"
        yield evidence("metric", way.series.query, quote, moment(way.waited.onset), weight=0.5)


def _answers_as_ever(scene: Scene, who: Component) -> Iterator[Evidence]:
    """Only its callers time it, and wait longer, while its own log says that its answers take no longer than before."""
    slow = next((one for one in latencies(scene).get(who, ()) if one.series.labels.get("client")), None)
    program = scene.program(who)
    logs = scene.snapshot.logs_of(program) if program and slow and not scene.of("latency").get(who) else ()
    told = [(str(key), answer) for key, log in logs if not key.previous for answer in log.answers]
    answers = sorted(answer for _, answer in told)
    if slow is None or len(answers) < LEAST_ANSWERS or scene.newest - answers[-1][0] > STALE:
        return
    before = [took for at, took in answers if at < slow.moved.onset]
    after = [took for at, took in answers if at >= slow.moved.onset]
    if len(before) >= SOME_ANSWERS and len(after) >= SOME_ANSWERS and median(after) <= LEVEL * median(before):
        quote = f"says that its answers take {median(before) * 1000:.3g} -> {median(after) * 1000:.3g} ms, its callers wait {slow.took}"
        yield evidence("log", told[0][0], quote, moment(answers[-1][0]), weight=0.5)


def _stopped_answering(snapshot: Snapshot, program: Program) -> bool:
    """Its pods are past their start and none was started again, but one is not ready: a check that fails now and then does not count."""
    for pod in program.pods:
        born = when(dig(pod, "metadata", "creationTimestamp"))
        again = any(restarts(one) or "running" not in mapping(one, "state") for one in statuses(pod))
        if born is None or snapshot.taken_at - born < SETTLED or again:
            return False
    return any(not is_ready(pod) for pod in program.pods)
