"""From findings to ranked causes: eliminate what others explain, weigh what is left.

A finding explains another when it sits on the same component and is the deeper of the two (a kill for memory explains a crash loop), or
when the other can be brought about from outside and stands outwards of it in the graph of suffering. What is explained becomes a
symptom, so the Service without endpoints is never a cause beside the selector that emptied it. Confidence multiplies the doubts: each
independent source takes a share of what is still doubtful, a repeated source takes less each time, and evidence against takes away.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tools.engines.catalogue import FAULTS
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding
from tools.engines.graph import Graph

ByComponent = dict[Component, list[Finding]]
HIGHEST = 0.97
LEAST = 0.2
REPEATED = 0.4
UNHARMED = 0.75
UNSEEN = 0.2


@dataclass(slots=True)
class Ranked:
    """A cause that was not eliminated, with everything it explains."""

    finding: Finding
    confidence: float
    explains: list[Finding] = field(default_factory=list)
    affected: list[Component] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    causes: list[Ranked]
    symptoms: list[Finding]


def rank(findings: Sequence[Finding], graph: Graph) -> Verdict:
    suspects = [finding for finding in findings if not finding.symptom]
    by_component = _by_component(suspects)
    eliminated = {id(one) for deep in suspects for one in _explained(deep, by_component, graph)}
    causes = [one for one in suspects if id(one) not in eliminated]
    kept_ids = {id(cause) for cause in causes}
    rest = [finding for finding in findings if id(finding) not in kept_ids]
    by_component = _by_component(rest)
    ranked = [_ranked(cause, by_component, graph) for cause in causes]
    kept = [one for one in ranked if one.confidence >= LEAST]
    kept.sort(key=lambda one: (-one.confidence, -len(one.explains), str(one.finding.component), one.finding.fault))
    return Verdict(kept, rest)


def explains(deep: Finding, shallow: Finding, graph: Graph) -> bool:
    if deep.symptom:
        return False
    if deep.component == shallow.component:
        return shallow.symptom or _deeper(deep, shallow)
    if not (shallow.symptom or shallow.explainable):
        return False
    return shallow.component in deep.harms or graph.suffers(shallow.component, deep.component, *deep.harms)


def confidence(evidence: Iterable[Evidence], against: Iterable[Evidence] = ()) -> float:
    doubt = 1.0
    by_source: dict[str, list[float]] = defaultdict(list)
    for item in evidence:
        by_source[item.source].append(min(item.weight, 0.95))
    for weights in by_source.values():
        for place, weight in enumerate(sorted(weights, reverse=True)):
            doubt *= 1 - weight * REPEATED**place
    believed = 1 - doubt
    for item in against:
        believed *= 1 - min(item.weight, 0.95)
    return round(min(believed, HIGHEST), 3)


def _by_component(findings: Iterable[Finding]) -> ByComponent:
    found: ByComponent = defaultdict(list)
    for finding in findings:
        found[finding.component].append(finding)
    return found


def _explained(deep: Finding, others: ByComponent, graph: Graph) -> list[Finding]:
    """Only where it can reach: hundreds of faults at once must not each be held against every other."""
    places = dict.fromkeys([deep.component, *deep.harms, *graph.suffering(deep.component, *deep.harms)])
    near = (finding for place in places for finding in others.get(place, ()))
    return [finding for finding in near if finding is not deep and explains(deep, finding, graph)]


def _ranked(cause: Finding, rest: ByComponent, graph: Graph) -> Ranked:
    explained = _explained(cause, rest, graph)
    sufferers = {finding.component for finding in explained if finding.component != cause.component}
    near = [one for one in graph.suffering(cause.component, *cause.harms) if one in sufferers]
    affected = [one for one in cause.harms if one != cause.component]
    affected += [one for one in near if one not in affected]
    believed = confidence(cause.evidence, cause.against)
    if not explained:
        # Nothing suffers from it: the Service nobody calls, the address nobody uses.
        believed = round(believed * (UNSEEN if cause.latent else UNHARMED), 3)
    return Ranked(cause, believed, explained, affected)


def _deeper(deep: Finding, shallow: Finding) -> bool:
    if deep.fault == "traffic_surge" and any(item.source == "change" for item in shallow.evidence):
        return False  # more customers do not explain away what a change to the object brought
    return shallow.fault in FAULTS and FAULTS[shallow.fault].gives_way_to(deep.fault)
