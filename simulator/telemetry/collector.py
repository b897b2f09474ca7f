"""Everything that is measured, kept as counters that live ticks move and scrapes read.

A tick only remembers the flow and how long it lasted; the counters move when the flow changes or a scrape looks, so a quiet world costs
little. A scrape writes one sample for every series that its target shows now, and a stale marker for every series that it no longer
shows, as Prometheus does. The week before the start is written once, by the same code over arrays of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulator import memory
from simulator.apps import Shop
from simulator.flow import USER, CallFlow, Flow, GroupFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.network import Group, Member, app_label
from simulator.noise import Floats, grain
from simulator.objects import Object
from simulator.promql.tsdb import Labels, Tsdb
from simulator.quantity import resource
from simulator.store import Store
from simulator.telemetry import cadvisor, kube_state, node_exporter, requests
from simulator.telemetry.board import Board
from simulator.telemetry.counters import Counters
from simulator.telemetry.labels import Sample, labelled

EdgeKey = tuple[str, str, str, str]  # client, its namespace, server, its namespace
Times = npt.NDArray[np.int64]


@dataclass
class Meter:
    """The counters of one run of one container."""

    run: PodRun
    container: ContainerRun
    restarts: int
    cgroup: Counters
    has_quota: bool
    gauges: list[Sample]
    memory_labels: list[Labels]
    requests: Counters | None = None
    start_time: Sample | None = None

    @cached_property
    def fixed(self) -> list[Sample]:
        """What does not change while the container runs."""
        return [*self.gauges, *([self.start_time] if self.start_time else [])]

    @cached_property
    def constants(self) -> Floats:
        return np.array([value for _, value in self.fixed])

    @cached_property
    def gauge_labels(self) -> list[Labels]:
        return [*(labels for labels, _ in self.fixed), *self.memory_labels]


class Collector:
    def __init__(self, tsdb: Tsdb, store: Store, shop: Shop, seed: int) -> None:
        self._tsdb = tsdb
        self._store = store
        self._seed = seed
        self._nodes = {node.name: node for node in shop.nodes}
        self._kube_state = kube_state.KubeState(store)
        self._meters: dict[tuple[str, str], Meter] = {}
        self._edges: dict[EdgeKey, Counters] = {}
        self._machines = {node.name: Counters(node_exporter.rows(node)) for node in shop.nodes}
        self._machine_cores: dict[str, Floats] = {}
        self._flow: Flow | None = None
        self._seconds = 0.0
        self._queues: dict[str, float] = {}
        self._board = Board(tsdb)

    def tick(self, flow: Flow, seconds: float) -> None:
        if self._flow is not flow:
            self._settle()
        self._flow = flow
        self._seconds += seconds

    def scrape(self, now_ms: int, runs: list[PodRun], queues: dict[str, float]) -> None:
        self._settle()
        self._queues = queues
        self._meet(runs)
        board = self._board
        board.begin(now_ms)
        for key, made in self._kube_state.made().items():
            board.show(key, made.labels, made.values)
        for key, meter in self._meters.items():
            self._show_meter(board, key, meter)
        for name in self._nodes:
            self._show_machine(board, name, now_ms / 1000)
        for edge, counters in self._edges.items():
            board.show(edge, counters.labels, counters.shown())
        late = [sample for meter in self._meters.values() if meter.requests for sample in meter.requests.late()]
        board.show_loose([*late, *self.targets(runs), *self._queue_samples()])
        board.end()

    def write_history(self, flow: Flow, step: float, runs: list[PodRun], queues: dict[str, float]) -> None:
        """A stretch of the past of a shop that was as it is now: every series over `flow.times`, on from the stretch before."""
        self._queues = queues
        self._meet(runs)
        t_ms = np.round(flow.times * 1000).astype(np.int64)
        for group in flow.groups:
            self._group_history(group, flow.times, t_ms, step)
        for key, calls in _by_edge(flow).items():
            increments = requests.edge_rates(calls) * step
            self._edge(key).write_history(self._tsdb, t_ms, increments)
        self._machine_history(flow, t_ms, step)
        self._constant_history(t_ms, runs, step)
        for labels in self._tsdb.unended_before(int(t_ms[0])):
            self._tsdb.mark_stale(labels, int(t_ms[0]))

    def _settle(self) -> None:
        """Move the counters by the flow that has lasted until now."""
        flow, seconds = self._flow, self._seconds
        self._seconds = 0.0
        if flow is None or not seconds:
            return
        for group in flow.groups:
            cgroup: dict[bool, Floats] = {}
            served = _served_rates(group)
            for member in group.group.members:
                self._move(member, group, served, cgroup, seconds, flow.times)
        for meter in self._meters.values():
            if meter.requests is None and meter.container.image and meter.container.image.app is None:
                meter.cgroup.add(cadvisor.rates(None, has_quota=meter.has_quota)[:, 0] * seconds)
        for key, calls in _by_edge(flow).items():
            self._edge(key).add(requests.edge_rates(calls)[:, 0] * seconds)
        self._machine_cores = _cores_by_node(flow, list(self._nodes))
        for name, node in self._nodes.items():
            rates = node_exporter.rates(node, self._seed, flow.times, self._machine_cores[name])
            self._machines[name].add(rates[:, 0] * seconds)

    def _move(
        self,
        member: Member,
        group: GroupFlow,
        served: Floats | None,
        cgroup: dict[bool, Floats],
        seconds: float,
        times: Floats,
    ) -> None:
        meter = self._meters.get((member.uid, member.container.name))
        if meter is None or meter.restarts != member.container.restarts:
            meter = self._new_meter(member.run, member.container, member.pod)
        if meter.has_quota not in cgroup:
            cgroup[meter.has_quota] = cadvisor.rates(group, has_quota=meter.has_quota)[:, 0]
        factor = float(_own(self._seed, member.run.name, times)[0]) * seconds
        meter.cgroup.add(_shaped(cgroup[meter.has_quota], factor, seconds))
        if meter.requests is not None and served is not None:
            meter.requests.add(served[:, 0] * factor)

    def _meet(self, runs: list[PodRun]) -> None:
        """A meter for every running container, none for any other."""
        alive = set()
        for run in runs:
            for container in run:
                if not container.phase.is_running:
                    continue
                key = (run.uid, container.name)
                alive.add(key)
                known = self._meters.get(key)
                if known is None or known.restarts != container.restarts:
                    pod = self._store.get("Pod", run.namespace, run.name)
                    if pod is not None:
                        self._new_meter(run, container, pod)
        self._meters = {key: meter for key, meter in sorted(self._meters.items()) if key in alive}

    def _new_meter(self, run: PodRun, container: ContainerRun, pod: Object) -> Meter:
        address = self._nodes[run.node].address
        spec = next(each for each in pod["spec"]["containers"] if each["name"] == container.name)
        inside = {**cadvisor.base_labels(run, address), "container": container.name, "image": container.reference}
        has_quota = resource(spec, "limits", "cpu") is not None
        meter = Meter(
            run,
            container,
            container.restarts,
            Counters(cadvisor.rows(run, container, address, has_quota=has_quota)),
            has_quota,
            cadvisor.gauges(run, container, spec, address),
            [labelled(name, inside) for name in cadvisor.MEMORY_METRICS],
        )
        app = container.image.app if container.image else None
        if app is not None:
            base = _target_labels(run, pod, app.port)
            if requests.is_instrumented(app):
                meter.requests = Counters(requests.http_rows(app, base))
            elif app.consumes:
                meter.requests = Counters(requests.job_rows(app, base))
            if container.started_at:
                meter.start_time = labelled("process_start_time_seconds", base), container.started_at.timestamp()
        self._meters[run.uid, container.name] = meter
        return meter

    def _edge(self, key: EdgeKey) -> Counters:
        if key not in self._edges:
            self._edges[key] = Counters(requests.edge_rows(*key))
        return self._edges[key]

    def _show_meter(self, board: Board, key: tuple[str, str], meter: Meter) -> None:
        board.show((*key, "cgroup"), meter.cgroup.labels, meter.cgroup.shown())
        memory_now = cadvisor.memory_values(np.array([meter.container.memory_mib]))
        values = np.concatenate([meter.constants, *memory_now])
        board.show((*key, "gauges"), meter.gauge_labels, values)
        if meter.requests is not None:
            board.show((*key, "requests"), meter.requests.labels, meter.requests.shown())

    def _show_machine(self, board: Board, name: str, now: float) -> None:
        node = self._nodes[name]
        cores = self._machine_cores.get(name, np.zeros(1))
        used = sum(m.container.memory_mib for m in self._meters.values() if m.run.node == name)
        gauges = node_exporter.gauges(node, self._seed, np.array([now]), cores, np.array([used]))
        board.show(("node", name), self._machines[name].labels, self._machines[name].shown())
        board.show(("node gauges", name), [labels for labels, _ in gauges], np.concatenate([v for _, v in gauges]))

    def _queue_samples(self) -> list[Sample]:
        base = {"job": "rabbitmq"}
        return [
            (labelled("rabbitmq_queue_messages_ready", base, queue=name), float(int(n)))
            for name, n in self._queues.items()
        ]

    def targets(self, runs: list[PodRun]) -> list[Sample]:
        """`up` for everything that is scraped."""
        samples = [
            (labelled("up", kube_state.BASE), 1.0),
            (labelled("up", {"job": "tempo", "instance": "tempo:3200"}), 1.0),
        ]
        for node in self._nodes.values():
            kubelet = {"job": "kubelet", "instance": f"{node.address}:10250", "node": node.name}
            samples.append((labelled("up", {**kubelet, "metrics_path": "/metrics/cadvisor"}), 1.0))
            samples.append((labelled("up", node_exporter.base_labels(node)), 1.0))
        for run in runs:
            pod = self._store.get("Pod", run.namespace, run.name)
            port = _metrics_port(pod) if pod else None
            # A pod that never came up is no target: discovery drops the phase Pending.
            if pod and port and run.stops_at is None and pod["status"].get("phase") == "Running":
                is_up = all(each.phase.is_running for each in run)
                samples.append((labelled("up", _target_labels(run, pod, port)), float(is_up)))
        return samples

    def _group_history(self, flow: GroupFlow, times: Floats, t_ms: Times, step: float) -> None:
        served = _served_rates(flow)
        for member in flow.group.members:
            meter = self._meters[member.uid, member.container.name]
            own = _own(self._seed, member.run.name, times)
            cgroup = cadvisor.rates(flow, has_quota=meter.has_quota)
            meter.cgroup.write_history(self._tsdb, t_ms, _shaped(cgroup, own * step, step))
            if meter.requests is not None and served is not None:
                meter.requests.write_history(self._tsdb, t_ms, served * own * step)
            mib = steady(member, flow.group, flow.rate, self._seed, times)
            member.container.memory_mib = float(mib[-1])
            for labels, values in zip(meter.memory_labels, cadvisor.memory_values(mib), strict=True):
                self._tsdb.append_block(labels, t_ms, values)

    def _machine_history(self, flow: Flow, t_ms: Times, step: float) -> None:
        cores = _cores_by_node(flow, list(self._nodes))
        for name, node in self._nodes.items():
            rates = node_exporter.rates(node, self._seed, flow.times, cores[name])
            self._machines[name].write_history(self._tsdb, t_ms, rates * step)
            used = sum(
                (
                    steady(member, group.group, group.rate, self._seed, flow.times)
                    for group in flow.groups
                    for member in group.group.members
                    if member.run.node == name
                ),
                np.zeros_like(flow.times),
            )
            for labels, values in node_exporter.gauges(node, self._seed, flow.times, cores[name], used):
                self._tsdb.append_block(labels, t_ms, values)

    def _constant_history(self, t_ms: Times, runs: list[PodRun], step: float) -> None:
        """What has not changed in all that time: the objects' own metrics, limits, targets, empty queues."""
        samples = [*self.targets(runs), *self._queue_samples()]
        for made in self._kube_state.made().values():
            samples += zip(made.labels, made.values.tolist(), strict=True)
        for meter in self._meters.values():
            samples += meter.fixed
            if meter.container.image and meter.container.image.app is None:
                rates = cadvisor.rates(None, has_quota=meter.has_quota, length=len(t_ms))
                meter.cgroup.write_history(self._tsdb, t_ms, rates * step)
        for labels, value in samples:
            self._tsdb.append_block(labels, t_ms, np.full(len(t_ms), value))


def steady(member: Member, group: Group, rate: Floats, seed: int, times: Floats) -> Floats:
    return memory.steady_mib(group.app, rate, group.env, seed, member.run.name, times)


def _own(seed: int, pod: str, times: Floats) -> Floats:
    """No two replicas get exactly the same share."""
    return 1 + 0.03 * grain(seed, f"share/{pod}", times)


def _shaped(rates: Floats, factor: Floats | float, seconds: float) -> Floats:
    """A pod's share moves what requests cost, but not the clock: quota periods tick evenly for all."""
    moved = rates * factor
    if len(rates) > 3:
        moved[3] = rates[3] * seconds
        moved[4] = np.minimum(moved[4], moved[3])
    return moved


def _served_rates(group: GroupFlow) -> Floats | None:
    app = group.group.app
    if app.consumes:
        return requests.job_rates(group)
    return requests.http_rates(group) if requests.is_instrumented(app) else None


def _target_labels(run: PodRun, pod: Object, port: int) -> dict[str, str]:
    service = app_label(pod)
    return {
        "job": service,
        "service": service,
        "namespace": run.namespace,
        "pod": run.name,
        "instance": f"{run.ip}:{port}",
    }


def _metrics_port(pod: Object) -> int | None:
    """A pod that says prometheus.io/scrape is scraped at its first container port."""
    if (pod["metadata"].get("annotations") or {}).get("prometheus.io/scrape") != "true":
        return None
    ports = [port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or []]
    return int(ports[0]) if ports else None


def _by_edge(flow: Flow) -> dict[EdgeKey, list[CallFlow]]:
    edges: dict[EdgeKey, list[CallFlow]] = {}
    for call in [*flow.entries, *flow.calls]:
        edges.setdefault(_edge_key(flow, call), []).append(call)
    return edges


def _edge_key(flow: Flow, call: CallFlow) -> EdgeKey:
    group = flow.groups[call.group].group if call.group >= 0 else None
    backend = call.target.backend
    namespace, server = backend.key if backend else ("", call.target.host.partition(".")[0] or call.call.app)
    return (group.app.name, group.namespace, server, namespace) if group else (USER, "", server, namespace)


def _cores_by_node(flow: Flow, nodes: list[str]) -> dict[str, Floats]:
    cores = {name: np.zeros_like(flow.times) for name in nodes}
    for group in flow.groups:
        for member in group.group.members:
            cores[member.run.node] = cores[member.run.node] + group.cores
    return cores
