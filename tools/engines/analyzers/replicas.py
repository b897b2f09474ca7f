"""Workloads scaled to nothing while somebody still calls them.

Zero replicas is a wish like any other, so it is only a cause when somebody misses it: a caller that has its address, an ingress that leads
to it, calls that fail, an alert. What an autoscaler may bring to zero, or a schedule has put to sleep and says so, was asked for; so was a
scale-down of long ago that nobody suffers from. What it had before comes from the event of the scale-down, from what was applied, or from
the history of wanted replicas.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from core.language import Text
from tools.engines.alarms import about, alarms
from tools.engines.diagnosis import Component, Evidence
from tools.engines.edits import applied, last_edit
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.metrics.scene import scene_of
from tools.engines.objects import component, dig, mapping, namespace_of, rows, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

LATELY = timedelta(hours=3)
_SCALED = re.compile(r"Scaled down replica set \S+ (?:to 0 from (\d+)|from (\d+) to 0)|delete Pod \S+ in StatefulSet")
_ASLEEP = re.compile(r"(?i)downscale|idle|sleep|hibernat|scaled-?(down|to-zero)|keda|autoscaling|suspend|off-?hours")
_RUNG = ("errors", "latency", "down", "not_ready")
_FAILED = ("refused", "timed_out", "no_route", "unavailable", "upstream_unavailable", "no_such_host", "unreachable")


def workloads_scaled_to_nothing(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    asleep = [one for one in snapshot.programs if one.wanted == 0 and one.component.kind != "DaemonSet"]
    rung = about(alarms(scene_of(snapshot, graph)), *_RUNG) if snapshot.alerts and asleep else {}
    led_to = _led_to(snapshot) if asleep else set()
    for program in asleep:
        if _was_asked_for(snapshot, program) or program.obj is None:
            continue
        services = [component(service) for service in snapshot.services_of(program.obj)]
        callers = sorted({caller for service in services for caller in graph.callers_of(service)}, key=str)
        before, change = _before(snapshot, program)
        harm = [*_failing(snapshot, services), *_said_by(snapshot, callers, services)]
        harm += [
            evidence("alert", one.alert.ref, one.alert.text, weight=0.4) for one in rung.get(program.component, ())[:1]
        ]
        is_led_to = any((one.namespace, one.name) in led_to for one in services)
        is_missed = bool(callers or is_led_to or harm)
        age = _age(snapshot, program, change)
        if (is_missed and (harm or age is None or age < LATELY)) or (services and change and age and age < LATELY):
            yield _finding(program, callers or services[:1], before, [*change, *harm])


def _was_asked_for(snapshot: Snapshot, program: Program) -> bool:
    annotations = mapping(program.obj, "metadata", "annotations")
    if any(_ASLEEP.search(key) for key in annotations if "last-applied" not in key):
        return True
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for scaler in snapshot.of(kind, program.namespace):
            least = (
                dig(scaler, "spec", "minReplicas") if kind[0] == "H" else dig(scaler, "spec", "minReplicaCount") or 0
            )
            if dig(scaler, "spec", "scaleTargetRef", "name") == program.name and least == 0:
                return True
    return False


def _led_to(snapshot: Snapshot) -> set[tuple[str | None, str]]:
    """The Services that an ingress leads to."""
    found: set[tuple[str | None, str]] = set()
    for ingress in snapshot.of("Ingress"):
        paths = [path for rule in rows(ingress, "spec", "rules") for path in rows(rule, "http", "paths")]
        names = [dig(path, "backend", "service", "name") for path in paths]
        names.append(dig(ingress, "spec", "defaultBackend", "service", "name"))
        found |= {(namespace_of(ingress), str(name)) for name in names if name}
    return found


def _age(snapshot: Snapshot, program: Program, change: list[Evidence]) -> timedelta | None:
    edit = last_edit(program.obj or {}, subresource="scale") or last_edit(program.obj or {})
    times = [item.at for item in change if item.at] + ([edit.at] if edit else [])
    return snapshot.taken_at - max(times) if times else None


def _finding(program: Program, callers: list[Component], before: int, more: list[Evidence]) -> Finding:
    who = ", ".join(str(caller) for caller in callers[:3]) or "others"
    back_en, back_zh = (
        (f" It had {before}; scale it back.", f"此前为 {before} 个副本，请恢复。") if before else ("", "")
    )
    name = program.component
    return Finding(
        fault="deployment_zero_replicas",
        category="runtime",
        component=name,
        words=Text(
            f"{name} is scaled to 0, and {who} still call(s) it.{back_en}",
            f"{name} 的副本数被设为 0，而 {who} 仍在调用它。{back_zh}",
        ),
        evidence=(evidence("kubernetes", f"{name} spec.replicas", f"0, called by {who}", weight=0.7), *more),
        onset=min((item.at for item in more if item.at), default=None),
        remedies=("restore_replicas",),
        facts={"replicas": before},
    )


def _before(snapshot: Snapshot, program: Program) -> tuple[int, list[Evidence]]:
    for event in reversed(snapshot.events_of(program.obj or {})):
        match = _SCALED.search(event.message)
        if match:
            count = int(match.group(1) or match.group(2) or 0)
            return count, [evidence("event", event.ref, event.message, event.at, weight=0.5)]
    for series in snapshot.series("replicas", namespace=program.namespace, deployment=program.name):
        wanted = [(at, value) for at, value in series.points if value > 0]
        if wanted:
            at, count = datetime.fromtimestamp(wanted[-1][0], UTC), int(wanted[-1][1])
            return count, [evidence("metric", series.query, f"{count} wanted until {at:%H:%M:%S} UTC", at, weight=0.4)]
    told = whole(applied(program.obj or {}, "spec", "replicas"))
    if told:
        quote = f"{told} were applied, 0 stand"
        return told, [evidence("change", f"{program.component} spec.replicas", quote, weight=0.4)]
    return 0, []


def _failing(snapshot: Snapshot, services: list[Component]) -> Iterator[Evidence]:
    for service in services:
        for series in snapshot.series("failed_calls", server=service.name):
            if series.last > 0 and snapshot.is_current(series):
                quote = f"calls from {series.labels.get('client')} fail: {series.last:.2f} a second"
                yield evidence("metric", series.query, quote, series.ended, weight=0.5)


def _said_by(snapshot: Snapshot, callers: list[Component], services: list[Component]) -> Iterator[Evidence]:
    """What callers say of it in their logs."""
    names = {service.name for service in services}
    for caller in callers:
        program = snapshot.program(caller)
        for one in heard(snapshot, program, *_FAILED) if program else ():
            if one.said.target.partition(":")[0].partition(".")[0] in names or any(
                name in one.said.text for name in names
            ):
                yield evidence("log", str(one.key), one.said.text, one.said.last, weight=0.5)
                return
