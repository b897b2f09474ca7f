"""From findings to ranked causes: merge, eliminate what others explain, weigh what is left, set aside what is too doubtful.

A finding explains another when it sits on the same component and is the deeper of the two (a kill for memory explains a crash loop), or
when the other can be brought about from outside and stands outwards of it in the graph of suffering. What is explained becomes a
symptom, so the Service without endpoints is never a cause beside the selector that emptied it. Where two explain each other, the one
with the better evidence stays. Confidence multiplies the doubts: each independent source takes a share of what is still doubtful, a
repeated source takes less each time, evidence against takes away, and so does that nothing is seen to suffer. What is left below LEAST
is no cause; it is kept as a near miss, because a tired reader wants to know what was thought of.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.engines.catalogue import ANY, DONE_FROM_AFAR, FAULTS, SYSTEMIC
from tools.engines.diagnosis import Component, Evidence, Gap
from tools.engines.finding import Finding
from tools.engines.graph import Graph

ByComponent = dict[Component, list[Finding]]
HIGHEST = 0.97
LEAST = 0.2
LEAST_NEAR = 0.08
REPEATED = 0.4
UNHARMED = 0.75
UNSEEN = 0.2
# A suspicion weaker than this explains nothing away that stands on evidence of its own.
EXPLAINS_FROM = 0.35
ABOUT_AS_SURE = 0.6
# So much less sure a cause may be than another and still come first, because users feel it.
FELT = 0.06
_GO_WITHOUT = frozenset({"failing_calls", "errors", "service_without_endpoints"})
FILES = frozenset({"ConfigMap", "Secret"})


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
    near: list[Ranked] = field(default_factory=list)
    gaps: Sequence[Gap] = ()
    """Searches that broke off."""


def rank(findings: Sequence[Finding], graph: Graph) -> Verdict:
    merged = merge(findings)
    suspects = [finding for finding in merged if not finding.symptom]
    eliminated = _eliminated(suspects, graph)
    causes = [one for one in suspects if id(one) not in eliminated]
    kept_ids = {id(cause) for cause in causes}
    rest = [finding for finding in merged if id(finding) not in kept_ids]
    by_component = _by_component(rest)
    effects = {id(cause): _explained(cause, by_component, graph) for cause in causes}
    nearest = _nearest(causes, effects, graph)
    ranked = sorted((_ranked(cause, effects[id(cause)], nearest, graph) for cause in causes), key=_order)
    kept = [one for one in ranked if one.confidence >= LEAST]
    near = [one for one in ranked if LEAST_NEAR <= one.confidence < LEAST]
    return Verdict(kept, rest, near)


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Two analyzers that say the same of one component say it once, with the evidence of both."""
    found: dict[tuple[str, Component, bool], Finding] = {}
    alone: list[Finding] = []
    for finding in findings:
        key = (finding.fault, finding.component, finding.symptom)
        if finding.symptom:
            alone.append(finding)
        elif key in found:
            found[key] = _both(found[key], finding)
        else:
            found[key] = finding
    return [*found.values(), *alone]


def explains(deep: Finding, shallow: Finding, graph: Graph) -> bool:
    if deep.symptom:
        return False
    if deep.component == shallow.component:
        return shallow.symptom or _deeper(deep, shallow)
    if deep.category == "change" and shallow.component in deep.harms and _deeper(deep, shallow):
        return True  # a program that breaks of settings which it shares with others seems to break by itself
    if deep.category == "change" and not deep.explainable and _is_hearsay(shallow, {deep.component, *deep.harms}):
        return True  # it says of others what its own change brought about
    if shallow.component in deep.harms and deep.fault in DONE_FROM_AFAR.get(shallow.fault, ()):
        return True
    if not (shallow.symptom or shallow.explainable):
        return False
    reached = {deep.component, *deep.harms}
    if shallow.called:
        return _stands_behind(deep, shallow, graph)
    return all(one in reached or graph.suffers(one, *reached) for one in _stands_at(shallow))


def _stands_behind(deep: Finding, shallow: Finding, graph: Graph) -> bool:
    """Whether it is what was called, or what that suffers from; or it harms the caller itself, and not for being called by it too."""
    at_call = tuple(one for one in (deep.component, *deep.harms) if one != shallow.component)
    if any(one in at_call or graph.suffers(one, *at_call) for one in shallow.called):
        return True
    return shallow.component in deep.harms and not graph.suffers(shallow.component, deep.component)


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


def _both(one: Finding, other: Finding) -> Finding:
    stronger, weaker = sorted((one, other), key=lambda finding: -confidence(finding.evidence, finding.against))
    quotes = {(item.ref, item.quote) for item in stronger.evidence}
    onsets = [finding.onset for finding in (one, other) if finding.onset]
    return replace(
        stronger,
        evidence=stronger.evidence + tuple(item for item in weaker.evidence if (item.ref, item.quote) not in quotes),
        against=tuple(dict.fromkeys([*stronger.against, *weaker.against])),
        harms=tuple(dict.fromkeys([*stronger.harms, *weaker.harms])),
        remedies=tuple(dict.fromkeys([*stronger.remedies, *weaker.remedies])),
        onset=min(onsets, default=None),
        explainable=one.explainable and other.explainable,
        latent=one.latent and other.latent,
        told_by=tuple(dict.fromkeys([*one.told_by, *other.told_by])) if one.told_by and other.told_by else (),
        facts={**weaker.facts, **stronger.facts},
    )


def _eliminated(suspects: list[Finding], graph: Graph) -> set[int]:
    by_component = _by_component(suspects)
    belief = {id(one): confidence(one.evidence, one.against) for one in suspects}
    gone: set[int] = set()
    for deep in sorted(suspects, key=lambda one: -belief[id(one)]):
        if belief[id(deep)] < EXPLAINS_FROM:
            continue
        for shallow in _explained(deep, by_component, graph):
            if (
                shallow.category == "change"
                and deep.component == shallow.component
                and deep.category == "performance"
                and belief[id(deep)] < belief[id(shallow)]
            ):
                continue  # a shape in the numbers that is less sure than the change does not explain it away
            if belief[id(deep)] < belief[id(shallow)] and _is_hearsay(shallow, {deep.component, *deep.harms}):
                continue
            if _only_stands_beside(deep, shallow) and belief[id(deep)] < ABOUT_AS_SURE * belief[id(shallow)]:
                continue
            # Of two that explain each other the one with the better evidence, which comes first, stays.
            if not (id(deep) in gone and explains(shallow, deep, graph)):
                gone.add(id(shallow))
    return gone


def _by_component(findings: Iterable[Finding]) -> ByComponent:
    """By where a finding stands, and by those on whose word it does."""
    found: ByComponent = defaultdict(list)
    for finding in findings:
        for place in dict.fromkeys((finding.component, *_stands_at(finding), *finding.told_by)):
            found[place].append(finding)
    return found


def _stands_at(finding: Finding) -> tuple[Component, ...]:
    """Where it is felt: settings and certificates call nobody, whoever reads them does."""
    return finding.harms if finding.component.kind in FILES and finding.harms else (finding.component,)


def _explained(deep: Finding, others: ByComponent, graph: Graph) -> list[Finding]:
    """Only where it can reach: hundreds of faults at once must not each be held against every other."""
    places = dict.fromkeys([deep.component, *deep.harms, *graph.suffering(deep.component, *deep.harms)])
    near = {id(finding): finding for place in places for finding in others.get(place, ())}
    return [finding for finding in near.values() if finding is not deep and explains(deep, finding, graph)]


def _nearest(causes: list[Finding], effects: Mapping[int, list[Finding]], graph: Graph) -> dict[int, int]:
    """How near to a failed call its nearest cause stands: one that is further away has less to do with it."""
    near: dict[int, int] = {}
    for cause in causes:
        if confidence(cause.evidence, cause.against) >= EXPLAINS_FROM:
            for effect in effects[id(cause)]:
                steps = _steps(cause, effect, graph)
                if steps is not None:
                    near[id(effect)] = min(steps, near.get(id(effect), steps))
    return near


def _steps(cause: Finding, effect: Finding, graph: Graph) -> int | None:
    """From a cause to what was called; None where the caller itself is to blame, or where nobody knows."""
    if cause.component == effect.component:
        return None
    at_call = tuple(one for one in (cause.component, *cause.harms) if one != effect.component)
    told = [steps for one in effect.called if (steps := graph.steps(one, *at_call)) is not None]
    return min(told, default=None)


def _ranked(cause: Finding, effects: list[Finding], nearest: Mapping[int, int], graph: Graph) -> Ranked:
    explained = [
        effect
        for effect in effects
        if (steps := _steps(cause, effect, graph)) is None or steps <= nearest.get(id(effect), steps)
    ]
    sufferers = {finding.component for finding in explained if finding.component != cause.component}
    near = [one for one in graph.suffering(cause.component, *cause.harms) if one in sufferers]
    affected = [one for one in cause.harms if one != cause.component]
    affected += [one for one in near if one not in affected]
    believed = confidence(cause.evidence, cause.against)
    if not effects:
        # Nothing suffers from it: the Service nobody calls, the address nobody uses.
        believed = round(believed * (UNSEEN if cause.latent else UNHARMED), 3)
    return Ranked(cause, believed, explained, affected)


def _only_stands_beside(deep: Finding, shallow: Finding) -> bool:
    """It gives way to any other on its component: no particular link, so a doubtful one does not take its place."""
    at_home = deep.component == shallow.component and shallow.fault in FAULTS
    return at_home and FAULTS[shallow.fault].yields_to == ANY and deep.fault not in SYSTEMIC


def _is_hearsay(finding: Finding, changed: set[Component]) -> bool:
    return bool(finding.told_by) and changed.issuperset(finding.told_by)


def _order(one: Ranked) -> tuple[float, int, str, str]:
    return -one.confidence - FELT * _is_felt(one), -len(one.explains), str(one.finding.component), one.finding.fault


def _is_felt(one: Ranked) -> bool:
    """Whether somebody goes without: calls to it fail, or nothing of it is ready. Beside it, what merely does not get on can wait."""
    return any(
        effect.fault in _GO_WITHOUT or (effect.fault == "workload_unavailable" and effect.facts.get("available") == 0)
        for effect in one.explains
        if effect.symptom
    )


def _deeper(deep: Finding, shallow: Finding) -> bool:
    if deep.fault == "traffic_surge" and any(item.source == "change" for item in shallow.evidence):
        return False  # more customers do not explain away what a change to the object brought
    return shallow.fault in FAULTS and FAULTS[shallow.fault].gives_way_to(deep.fault)
