"""A meter for each run of each container: its counters, the labels of its gauges, and what moves them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator import caches
from simulator.apps import App
from simulator.flow import CallFlow, GroupFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.network import app_label
from simulator.noise import Floats, grain
from simulator.objects import Object, annotations_of
from simulator.promql.tsdb import Labels
from simulator.quantity import resource
from simulator.telemetry import cadvisor, programs, requests
from simulator.telemetry.counters import Counters
from simulator.telemetry.labels import Sample, labelled


@dataclass
class Meter:
    run: PodRun
    container: ContainerRun
    restarts: int
    app: App | None
    has_quota: bool
    has_wire: bool
    cgroup: Counters
    fixed: list[Sample]
    living: list[Labels]
    requests: Counters | None
    program: Counters | None
    program_gauges: list[Labels]
    # Of a container about which the traffic knows nothing: its memory, and the gauges that go with it.
    at_rest: tuple[float, Floats] | None = None

    @cached_property
    def counters(self) -> list[Counters]:
        return [each for each in (self.cgroup, self.requests, self.program) if each is not None]

    @cached_property
    def counter_labels(self) -> list[Labels]:
        return [labels for each in self.counters for labels in each.labels]

    @cached_property
    def counted(self) -> int:
        return len(self.counter_labels)

    @cached_property
    def gauge_labels(self) -> list[Labels]:
        return [*(labels for labels, _ in self.fixed), *self.living, *self.program_gauges]

    @cached_property
    def constants(self) -> Floats:
        return np.array([value for _, value in self.fixed])

    @cached_property
    def idle(self) -> Floats:
        """Increments a second of a program about which the traffic knows nothing."""
        return cadvisor.rates(None, has_quota=self.has_quota, has_wire=self.has_wire)[:, 0]

    @property
    def is_current(self) -> bool:
        return self.restarts == self.container.restarts


def new_meter(run: PodRun, container: ContainerRun, pod: Object, address: str) -> Meter:
    spec = next(each for each in pod["spec"]["containers"] if each["name"] == container.name)
    app = container.image.app if container.image else None
    has_quota = resource(spec, "limits", "cpu") is not None
    has_wire = container.name == next(iter(run)).name
    own = cadvisor.inside(run, container, address)
    fixed = cadvisor.fixed(run, container, spec, address)
    base = target_labels(run, pod, app.port) if app else {}
    shows = app if is_scraped(pod) else None
    if shows is not None and container.started_at:
        fixed.append((labelled("process_start_time_seconds", base), container.started_at.timestamp()))
    return Meter(
        run,
        container,
        container.restarts,
        app,
        has_quota,
        has_wire,
        Counters(cadvisor.rows(run, container, address, has_quota=has_quota, has_wire=has_wire)),
        fixed,
        [labelled(name, own) for name in cadvisor.LIVING],
        _request_counters(shows, base) if shows else None,
        Counters(programs.counter_rows(shows, base)) if shows else None,
        programs.gauge_labels(shows, base) if shows else [],
    )


def is_scraped(pod: Object) -> bool:
    return annotations_of(pod).get("prometheus.io/scrape") == "true"


def _request_counters(app: App, base: dict[str, str]) -> Counters | None:
    if requests.is_instrumented(app):
        return Counters(requests.http_rows(app, base))
    return Counters(requests.job_rows(app, base)) if app.consumes else None


def target_labels(run: PodRun, pod: Object, port: int) -> dict[str, str]:
    service = app_label(pod)
    return {
        "job": service,
        "service": service,
        "namespace": run.namespace,
        "pod": run.name,
        "instance": f"{run.ip}:{port}",
    }


class Drive:
    """What moves the meters of one group of pods: computed once, given to each with its own share."""

    def __init__(self, flow: GroupFlow, calls: list[CallFlow], clients: Floats) -> None:
        self.flow = flow
        self.use = programs.use(flow, calls)
        self.clients = clients
        self.served = _served_rates(flow)
        self.program = programs.counter_rates(flow)
        self._cgroup: dict[tuple[bool, bool], Floats] = {}

    def cgroup(self, meter: Meter) -> Floats:
        key = meter.has_quota, meter.has_wire
        if key not in self._cgroup:
            self._cgroup[key] = cadvisor.rates(self.flow, has_quota=meter.has_quota, has_wire=meter.has_wire)
        return self._cgroup[key]

    def pace(self, meter: Meter, factor: float) -> list[tuple[Counters, Floats]]:
        """By how much the meter's counters grow in a second in which the pod has its share of the load."""
        limit = self.flow.group.cpu_limit
        cgroup = cadvisor.shaped(self.cgroup(meter)[:, 0], factor, 1.0, limit, has_quota=meter.has_quota)
        pace = [(meter.cgroup, cgroup)]
        if meter.requests is not None and self.served is not None:
            pace.append((meter.requests, self.served[:, 0] * factor))
        if meter.program is not None:
            pace.append((meter.program, self.program[:, 0] * factor))
        return pace

    def gauges(self, meter: Meter, mib: Floats) -> list[Floats]:
        """Values of the meter's living and program gauges."""
        app = self.flow.group.app
        living = cadvisor.living(meter.container, app, self.use.busy, mib)
        if not meter.program_gauges:
            return living
        keys = caches.keys_kept(self.flow.group.env)
        lost = cadvisor.lost(meter.container)
        return [*living, *programs.gauges(app, keys, self.use, living[2], self.clients, lost)]


def idle_gauges(meter: Meter, mib: Floats) -> list[Floats]:
    """Of a container about which the traffic knows nothing: it boots, or is no program of the shop."""
    zero = np.zeros_like(mib)
    living = cadvisor.living(meter.container, meter.app, zero, mib)
    if meter.app is None or not meter.program_gauges:
        return living
    return [*living, *programs.gauges(meter.app, 0.0, programs.Use(zero, {}), living[2], zero)]


def own_share(seed: int, pod: str, times: Floats) -> Floats:
    """No two replicas get exactly the same share."""
    return 1 + 0.03 * grain(seed, f"share/{pod}", times)


def _served_rates(group: GroupFlow) -> Floats | None:
    app = group.group.app
    if app.consumes:
        return requests.job_rates(group)
    return requests.http_rates(group) if requests.is_instrumented(app) else None
