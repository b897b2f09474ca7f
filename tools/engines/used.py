"""Whether anybody uses a Service, and what is seen of calls to it that fail.

A Service that nobody is told to call and that no edge leads to may be wrong for years without harm. One that is called, by an address in a
setting, by measured traffic or by a route from outside, hurts as soon as it is wrong.
"""

from collections.abc import Iterator

from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import Object, component, dig, name_of, namespace_of
from tools.engines.snapshot import Probe, Snapshot

AWAY = (
    "refused", "timed_out", "unavailable", "upstream_unavailable", "reset", "no_route", "unreachable", "communications_link_failure",
    "protocol_mismatch",
)  # fmt: skip
MAX_CALLERS = 4


def is_used(snapshot: Snapshot, graph: Graph, service: Object) -> bool:
    if graph.callers_of(component(service)) or dig(service, "spec", "type") in ("LoadBalancer", "NodePort"):
        return True
    return (namespace_of(service), name_of(service)) in snapshot.led_to


def failing(snapshot: Snapshot, graph: Graph, service: Object) -> list[Evidence]:
    """What checks, callers' logs and measured calls say of it."""
    found = [
        evidence("probe", probe.ref, f"failed: {probe.detail}", probe.at, weight=0.7)
        for probe in probes_of(snapshot, service)
        if not probe.ok
    ]
    for caller in graph.callers_of(component(service))[:MAX_CALLERS]:
        program = snapshot.program(caller)
        lines = heard(snapshot, program, *AWAY) if program else []
        found += as_evidence([one for one in lines if names(one, service)][:1], 0.5)
    return [*found, *failed_calls(snapshot, service, weight=0.4)]


def failed_calls(snapshot: Snapshot, service: Object, *, weight: float) -> Iterator[Evidence]:
    """Measured calls to it that fail now."""
    for series in snapshot.series("failed_calls", server=name_of(service)):
        if series.last > 0 and snapshot.is_current(series):
            quote = f"calls from {series.labels.get('client')} fail: {series.last:.2f} a second"
            yield evidence("metric", series.query, quote, series.ended, weight=weight)


def names(one: Heard, service: Object) -> bool:
    """Whether what a log says is about this Service: by its name or by its address."""
    host = one.said.target.rpartition(":")[0] or one.said.target
    return host.split(".")[0] == name_of(service) or host == dig(service, "spec", "clusterIP")


def probes_of(snapshot: Snapshot, service: Object) -> list[Probe]:
    return [probe for probe in snapshot.probes if meant_by(snapshot, probe) == component(service)]


def meant_by(snapshot: Snapshot, probe: Probe) -> Component | None:
    """The Service that a check of a connection, a name or a page was made of."""
    if probe.kind == "node_service":
        return None
    scheme, _, rest = probe.target.rpartition("://")
    parts = rest.split("/")
    whose, place = (parts[0], "") if scheme else (parts[-1], parts[0] if len(parts) > 1 else "")
    host = whose.partition(":")[0]
    labels = host.split(".")
    place = labels[1] if len(labels) > 1 else place or snapshot.namespace or ""
    obj = snapshot.get("Service", place, labels[0])
    return component(obj) if obj else None
