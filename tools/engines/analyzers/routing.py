"""Services whose selector means no pod that anybody makes, though a workload that looks meant is there.

"No endpoints" has many reasons: pods not ready, nothing scaled up, a wrong selector. It is the selector when no workload's template carries
these labels. The workload meant is the one nearest by name, by labels and by ports; the nearest label set is named, and how far it stands
ahead of the second is part of the confidence, because pointing a Service at the wrong program would be worse than at none.

Likeness is dear, and an incident may lose hundreds of Services in a namespace of hundreds of workloads. So in a large namespace only
those are compared in full that have the most pairs of letters in common with the Service; the rest could not come near.
"""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.language import Text
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.labels import selects
from tools.engines.objects import (
    Object,
    component,
    containers,
    dig,
    mapping,
    name_of,
    namespace_of,
    rows,
    template_labels,
    when,
    whole,
)
from tools.engines.snapshot import Snapshot
from tools.engines.used import failed_calls, failing, is_used

LIKELY = 0.45
CLEAR = 0.15
MAX_COMPARED = 32
SERVERS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Candidate:
    workload: Object
    score: float


@dataclass(frozen=True, slots=True)
class Program:
    """What a Service is compared with, read out of a workload once."""

    workload: Object
    name: str
    labels: dict[str, Any]
    ports: set[Any]
    alone: bool


def selectors_that_match_nothing(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    programs: dict[str, Programs] = {}
    for service in snapshot.of("Service"):
        selector = mapping(service, "spec", "selector")
        if not selector or dig(service, "spec", "type") == "ExternalName":
            continue
        if not snapshot.selected_by(service) and not graph.backing(service):
            place = namespace_of(service)
            programs[place] = programs.get(place) or Programs(snapshot, place)
            finding = _finding(snapshot, graph, service, programs[place].like(service))
            if finding:
                yield finding


def selectors_that_match_another(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """A Service that took another program's pods, while the program that it is named and numbered for has none."""
    for service in snapshot.of("Service"):
        left = left_without(snapshot, service)
        if left is not None:
            yield _taken(snapshot, graph, service, left)


def left_without(snapshot: Snapshot, service: Object) -> Object | None:
    """The program of the Service's own name and ports, which nothing selects while the Service selects one that has a Service already."""
    selector, place = mapping(service, "spec", "selector"), namespace_of(service)
    behind = snapshot.programs_behind(service) if selector else []
    if len(behind) != 1 or behind[0].obj is None or behind[0].component.name == name_of(service):
        return None
    taken = behind[0].obj
    own = next((one for one in (snapshot.get(kind, place, name_of(service)) for kind in SERVERS) if one), None)
    if own is None or not _has_its_own(snapshot, taken) or snapshot.services_of(own):
        return None
    fits = _ports_fit(service, _ports(own)) and dig(own, "spec", "replicas") != 0
    return own if fits and meant_selector(selector, own) else None


def _has_its_own(snapshot: Snapshot, workload: Object) -> bool:
    """Whether the Service of its own name selects it: asked of that one, because any number of others may."""
    namesake = snapshot.get("Service", namespace_of(workload), name_of(workload))
    return namesake is not None and selects(mapping(namesake, "spec", "selector"), template_labels(workload))


def _taken(snapshot: Snapshot, graph: Graph, service: Object, left: Object) -> Finding:
    name, who, taken = component(service), component(left), snapshot.programs_behind(service)[0]
    selector = mapping(service, "spec", "selector")
    meant = meant_selector(selector, left)
    fits = taken.obj is not None and _ports_fit(service, _ports(taken.obj))
    calls = failing(snapshot, graph, service)
    return Finding(
        fault="service_selector_mismatch",
        category="service routing",
        component=who,
        words=Text(
            f"{name} sends to the pods of {taken.component}: it selects {_text(selector)}, and no Service selects {who}. "
            f"Set its selector to {_text(meant)}.",
            f"{name} 把请求发给了 {taken.component} 的 Pod：它的选择器是 {_text(selector)}，而没有任何 Service 选中 {who}。"
            f"请把选择器改为 {_text(meant)}。",
        ),
        evidence=(
            evidence("kubernetes", f"{name} spec.selector", _text(selector), _changed_at(service), weight=0.85),
            evidence("kubernetes", f"{who} spec.template.metadata.labels", f"{_text(meant)}; no Service selects it", weight=0.5),
            *calls,
        ),
        onset=_changed_at(service),
        latent=fits and not calls,
        harms=(name, *graph.callers_of(name)),
        remedies=("set_service_selector",),
        facts={"service": name_of(service), "selector": selector, "meant": meant, "lead": 1.0},
    )  # fmt: skip


def meant_selector(selector: dict[str, Any], workload: Object) -> dict[str, str]:
    """The smallest correction: the same keys with the values that the pods carry, else what the workload itself selects by."""
    labels = template_labels(workload)
    same_keys = {key: str(labels[key]) for key in selector if key in labels}
    if len(same_keys) == len(selector):
        return same_keys
    own = {key: str(value) for key, value in mapping(workload, "spec", "selector", "matchLabels").items()}
    return own if own and all(labels.get(key) == value for key, value in own.items()) else same_keys


class Programs:
    """The workloads of one namespace, to be asked which of them a Service was meant for."""

    def __init__(self, snapshot: Snapshot, namespace: str) -> None:
        self._all = [_program(snapshot, workload) for workload in snapshot.workloads(namespace)]
        self._with_pair: dict[str, list[int]] = defaultdict(list)
        for place, program in enumerate(self._all):
            for pair in _pairs(program.name, program.labels):
                self._with_pair[pair].append(place)

    def like(self, service: Object, compared: int = MAX_COMPARED) -> list[Candidate]:
        """Nearest first."""
        found = [Candidate(program.workload, _likeness(service, program)) for program in self._near(service, compared)]
        return sorted(found, key=lambda candidate: candidate.score, reverse=True)

    def _near(self, service: Object, most: int) -> list[Program]:
        if len(self._all) <= most:
            return self._all
        shared: Counter[int] = Counter()
        for pair in _pairs(name_of(service), mapping(service, "spec", "selector")):
            shared.update(self._with_pair.get(pair, ()))
        return [self._all[place] for place in sorted(place for place, _ in shared.most_common(most))]


def _finding(snapshot: Snapshot, graph: Graph, service: Object, ranked: list[Candidate]) -> Finding | None:
    if not ranked or ranked[0].score < LIKELY:
        return None
    best = ranked[0]
    lead = best.score - (ranked[1].score if len(ranked) > 1 else 0.0)
    selector, meant = (
        mapping(service, "spec", "selector"),
        meant_selector(mapping(service, "spec", "selector"), best.workload),
    )
    if not meant or not _means_only(graph, service, meant, best.workload):
        return None
    workload, name = component(best.workload), component(service)
    proof = [
        *_labels(service, best, lead),
        *_addresses(snapshot, service),
        *failed_calls(snapshot, service, weight=0.5),
    ]
    return Finding(
        fault="service_selector_mismatch",
        category="service routing",
        component=workload,
        words=Text(
            f"{name} reaches no pod: it selects {_text(selector)}, but the pods of {workload} carry {_text(meant)}. "
            f"Set the Service's selector to {_text(meant)}.",
            f"{name} 没有任何后端：它的选择器是 {_text(selector)}，而 {workload} 的 Pod 标签是 {_text(meant)}。"
            f"请把 Service 的选择器改为 {_text(meant)}。",
        ),
        evidence=tuple(proof),
        onset=_changed_at(service),
        latent=_is_left_over(snapshot, graph, service, best.workload) and all(item.source != "metric" for item in proof),
        harms=(name, *graph.callers_of(name)),
        remedies=("set_service_selector",),
        facts={"service": name_of(service), "selector": selector, "meant": meant, "lead": lead},
    )  # fmt: skip


def _is_left_over(snapshot: Snapshot, graph: Graph, service: Object, workload: Object) -> bool:
    """Called by nobody that is known, and not the only Service that could be this workload's own."""
    own = name_of(service) == name_of(workload) and not snapshot.services_of(workload)
    return not own and not is_used(snapshot, graph, service)


def _program(snapshot: Snapshot, workload: Object) -> Program:
    return Program(
        workload=workload,
        name=name_of(workload),
        labels=template_labels(workload),
        ports=_ports(workload),
        alone=not snapshot.services_of(workload),
    )


def _ports(workload: Object) -> set[Any]:
    ports = [port for container in containers(workload) for port in rows(container, "ports")]
    return {whole(port.get("containerPort")) for port in ports} | {str(port.get("name") or "") for port in ports}


def _pairs(name: str, labels: dict[str, Any]) -> set[str]:
    words = [name, *(str(value) for value in labels.values())]
    return {word[place : place + 2] for word in words for place in range(max(1, len(word) - 1))}


def _likeness(service: Object, program: Program) -> float:
    mine, theirs = name_of(service), program.name
    name = 0.5 if mine == theirs else 0.4 * difflib.SequenceMatcher(None, mine, theirs).ratio()
    selector = mapping(service, "spec", "selector")
    alike = [_alike(str(value), str(program.labels.get(key, ""))) for key, value in selector.items()]
    label = 0.3 * sum(alike) / len(alike) if alike else 0.0
    alone = 0.1 if program.alone else 0.0
    return round(name + label + 0.1 * _ports_fit(service, program.ports) + alone, 3)


def _alike(wanted: str, carried: str) -> float:
    return 1.0 if wanted == carried else difflib.SequenceMatcher(None, wanted, carried).ratio() * 0.8


def _ports_fit(service: Object, ports: set[Any]) -> bool:
    wanted = [port.get("targetPort", port.get("port")) for port in rows(service, "spec", "ports")]
    return bool(wanted) and all(isinstance(port, int | str) and port in ports for port in wanted)


def _means_only(graph: Graph, service: Object, meant: dict[str, str], workload: Object) -> bool:
    corrected = {"metadata": mapping(service, "metadata"), "spec": {"selector": meant}}
    return graph.backing(corrected) == [component(workload)]


def _labels(service: Object, best: Candidate, lead: float) -> Iterator[Evidence]:
    selector, labels = mapping(service, "spec", "selector"), template_labels(best.workload)
    weight = 0.75 if lead >= CLEAR else 0.45
    yield evidence(
        "kubernetes", f"{component(service)} spec.selector", _text(selector), _changed_at(service), weight=weight
    )
    ref = f"{component(best.workload)} spec.template.metadata.labels"
    yield evidence("kubernetes", ref, f"{_text(labels)} (nearest of the workloads here)", weight=0.5)


def _addresses(snapshot: Snapshot, service: Object) -> Iterator[Evidence]:
    if snapshot.ready_addresses(service) == 0:
        ref = f"EndpointSlice {namespace_of(service)}/{name_of(service)}"
        yield evidence("kubernetes", ref, "no addresses", weight=0.5)


def _changed_at(service: Object) -> datetime | None:
    times = [when(row.get("time")) for row in rows(service, "metadata", "managedFields")]
    return max((time for time in times if time), default=None)


def _text(labels: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
