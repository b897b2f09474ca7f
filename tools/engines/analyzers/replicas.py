"""Workloads scaled to nothing while somebody still calls them.

Zero replicas is a wish like any other, so it is only a cause when there are callers: a Service in front of it that other workloads have
an address of, or calls that fail. What it had before comes from the event of the scale-down or from the history of wanted replicas.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, name_of, namespace_of
from tools.engines.snapshot import Snapshot

_SCALED = re.compile(r"Scaled down replica set \S+ (?:to 0 from (\d+)|from (\d+) to 0)")


def workloads_scaled_to_nothing(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for workload in snapshot.workloads():
        if dig(workload, "spec", "replicas") != 0 or _scaled_by_a_controller(snapshot, workload):
            continue
        services = [component(service) for service in snapshot.services_of(workload)]
        callers = sorted({caller for service in services for caller in graph.callers_of(service)}, key=str)
        if callers:
            yield _finding(snapshot, workload, services, callers)


def _finding(snapshot: Snapshot, workload: Object, services: list[Component], callers: list[Component]) -> Finding:
    name = component(workload)
    before, proof = _before(snapshot, workload)
    who = ", ".join(str(caller) for caller in callers[:3])
    back_en, back_zh = (
        (f" It had {before}; scale it back.", f"此前为 {before} 个副本，请恢复。") if before else ("", "")
    )
    return Finding(
        fault="deployment_zero_replicas",
        category="runtime",
        component=name,
        words=Text(
            f"{name} is scaled to 0, and {who} still call(s) it.{back_en}",
            f"{name} 的副本数被设为 0，而 {who} 仍在调用它。{back_zh}",
        ),
        evidence=(
            evidence("kubernetes", f"{name} spec.replicas", "0", weight=0.6),
            *proof,
            *_failing(snapshot, services),
        ),
        onset=min((item.at for item in proof if item.at), default=None),
        remedies=("restore_replicas",),
        facts={"replicas": before},
    )


def _before(snapshot: Snapshot, workload: Object) -> tuple[int, list[Evidence]]:
    for event in reversed(snapshot.events_of(workload)):
        match = _SCALED.search(event.message)
        if match:
            count = int(match.group(1) or match.group(2))
            return count, [evidence("event", event.ref, event.message, event.at, weight=0.5)]
    for series in snapshot.series("replicas", namespace=namespace_of(workload), deployment=name_of(workload)):
        wanted = [(at, value) for at, value in series.points if value > 0]
        if wanted:
            at, count = datetime.fromtimestamp(wanted[-1][0], UTC), int(wanted[-1][1])
            return count, [evidence("metric", series.query, f"{count} wanted until {at:%H:%M:%S} UTC", at, weight=0.4)]
    return 0, []


def _failing(snapshot: Snapshot, services: list[Component]) -> Iterator[Evidence]:
    for service in services:
        for series in snapshot.series("failed_calls", server=service.name):
            if series.last > 0 and snapshot.is_current(series):
                quote = f"calls from {series.labels.get('client')} fail: {series.last:.2f} a second"
                yield evidence("metric", series.query, quote, series.ended, weight=0.5)


def _scaled_by_a_controller(snapshot: Snapshot, workload: Object) -> bool:
    return any(
        dig(scaler, "spec", "scaleTargetRef", "name") == name_of(workload)
        for scaler in snapshot.of("HorizontalPodAutoscaler", namespace_of(workload))
    )
