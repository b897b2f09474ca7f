"""Active checks that failed, as symptoms of what was asked. They say that something cannot be reached, and never why."""

from collections.abc import Iterable

from core.language import Text
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.snapshot import Snapshot
from tools.engines.used import meant_by


def checks_that_failed(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for probe in snapshot.probes:
        service = None if probe.ok else meant_by(snapshot, probe)
        if service is None:
            continue
        for victim in dict.fromkeys([service, *graph.backing_of(service)]):
            yield _symptom(victim, probe.ref, probe.detail)


def _symptom(victim: Component, ref: str, detail: str) -> Finding:
    return Finding(
        fault="check_failed",
        category="symptom",
        component=victim,
        words=Text(f"A check of {victim} failed: {detail}.", f"对 {victim} 的检查失败：{detail}。"),
        evidence=(evidence("probe", ref, f"failed: {detail}"),),
        symptom=True,
    )
