"""Everything that is measured, kept as counters that live ticks move and scrapes read.

A tick only remembers the flow and how long it lasted; the counters move when the flow changes or a scrape looks, so a quiet world costs
little. A scrape writes one sample for every series that its target shows now, and a stale marker for every series that it no longer
shows, as Prometheus does. The week before the start is written once, by the same code over arrays of times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from simulator import memory
from simulator.apps import NodeSpec, Shop
from simulator.conditions import Conditions, Kind, node_place
from simulator.flow import USER, CallFlow, Flow, GroupFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.network import Group, Member
from simulator.noise import Floats
from simulator.objects import Object
from simulator.promql.tsdb import Labels, Tsdb
from simulator.store import Store
from simulator.telemetry import cadvisor, control_plane, databases, kube_state, node_exporter, requests
from simulator.telemetry.board import Board
from simulator.telemetry.counters import Counters, shown
from simulator.telemetry.edge import EdgeRequests
from simulator.telemetry.labels import Sample, labelled
from simulator.telemetry.meters import Drive, Meter, idle_gauges, is_scraped, new_meter, own_share, target_labels
from simulator.telemetry.node_exporter import Load
from simulator.telemetry.past import Past
from simulator.telemetry.programs import pools

MeterKey = tuple[str, str]  # pod uid, container
EdgeKey = tuple[str, str, str, str]  # client, its namespace, server, its namespace
Pace = tuple[Counters, Floats]
Times = npt.NDArray[np.int64]


class Collector:
    def __init__(self, tsdb: Tsdb, store: Store, shop: Shop, seed: int, conditions: Conditions) -> None:
        self._store = store
        self._seed = seed
        self._conditions = conditions
        self._nodes = {node.name: node for node in shop.nodes}
        self._kube_state = kube_state.KubeState(store)
        self._meters: dict[MeterKey, Meter] = {}
        self._edges: dict[EdgeKey, Counters] = {}
        self._machines = {node.name: Counters(node_exporter.rows(node)) for node in shop.nodes}
        self._machine_gauges = {node.name: node_exporter.gauge_labels(node) for node in shop.nodes}
        self._control_plane = control_plane.counters()
        self._control_plane_gauges = control_plane.gauge_labels(list(shop.nodes))
        self._fixed_targets = _fixed_targets(shop.nodes)
        self._loads: dict[str, Load] = {}
        self._drives: dict[MeterKey, Drive] = {}
        self._flow: Flow | None = None
        self._paced: Flow | None = None
        self._pace: list[Pace] = []
        self._seconds = 0.0
        self._board = Board(tsdb)
        self._edge_requests = EdgeRequests()
        self._past = Past(tsdb)

    def tick(self, flow: Flow, seconds: float) -> None:
        if self._flow is not flow:
            self._settle()
        self._flow = flow
        self._seconds += seconds

    def scrape(self, now_ms: int, runs: list[PodRun]) -> None:
        self._settle()
        self._meet(runs)
        board = self._board
        board.begin(now_ms)
        for key, made in self._kube_state.made().items():
            board.show(key, made.labels, made.values)
        self._show_meters(board)
        for name in self._nodes:
            self._show_machine(board, name, np.array([now_ms / 1000]))
        for edge, counters in self._edges.items():
            board.show(edge, counters.labels, counters.shown())
        counted, gauges = self._control_plane, control_plane.gauges(self._store, list(self._nodes.values()))
        board.show("control plane", counted.labels, counted.shown())
        board.show("control plane gauges", self._control_plane_gauges, gauges)
        late = [sample for meter in self._meters.values() if meter.requests for sample in meter.requests.late()]
        of_databases = databases.samples(self._flow) if self._flow else []
        of_edge = self._edge_requests.samples(self._store)
        board.show_loose([*late, *self.targets(runs), *self._queue_samples(), *of_databases, *of_edge])
        board.end()

    def write_history(self, flow: Flow, step: float, runs: list[PodRun]) -> None:
        """A stretch of the past of a shop that was as it is now: every series over `flow.times`, on from the stretch before."""
        self._meet(runs)
        t_ms = np.round(flow.times * 1000).astype(np.int64)
        used = {name: np.zeros_like(flow.times) for name in self._nodes}
        for group, drive in self._all_drives(flow):
            for member in group.group.members:
                mib = self._member_history(drive, member, flow.times, t_ms, step)
                used[member.run.node] = used[member.run.node] + mib
        for key, calls in _by_edge(flow).items():
            self._edge(key).write_history(self._past, t_ms, requests.edge_rates(calls) * step)
        for name, load in self._all_loads(flow).items():
            node, borne = self._nodes[name], replace(load, mib=used[name])
            self._machines[name].write_history(
                self._past, t_ms, node_exporter.rates(node, self._seed, flow.times, borne) * step
            )
            values = node_exporter.gauges(node, self._seed, flow.times, borne)
            self._write_gauges(self._machine_gauges[name], values, t_ms)
        self._control_plane.write_history(self._past, t_ms, control_plane.rates(self._seed, flow.times) * step)
        self._constant_history(t_ms, runs, step, databases.samples(flow))
        self._past.end_stretch(t_ms)

    def end_history(self) -> None:
        """No stretch follows: the present begins."""
        self._past.write()

    def _settle(self) -> None:
        """Move the counters by the flow that has lasted until now."""
        flow, seconds = self._flow, self._seconds
        self._seconds = 0.0
        if flow is None or not seconds:
            return
        if flow is not self._paced:
            self._pace, self._paced = self._measure(flow), flow
        for counters, rates in self._pace:
            counters.add(rates * seconds)
        self._edge_requests.add(flow, seconds)
        for key, meter in self._meters.items():
            if key not in self._drives:
                meter.cgroup.add(meter.idle * seconds)

    def _measure(self, flow: Flow) -> list[Pace]:
        """By how much each counter grows in a second, as long as the flow lasts."""
        pace: list[Pace] = []
        self._drives = {}
        for group, drive in self._all_drives(flow):
            for member in group.group.members:
                key = member.uid, member.container.name
                meter = self._meter(key, member.run, member.container, member.pod)
                self._drives[key] = drive
                pace += drive.pace(meter, float(own_share(self._seed, member.run.name, flow.times)[0]))
        for edge, calls in _by_edge(flow).items():
            pace.append((self._edge(edge), requests.edge_rates(calls)[:, 0]))
        pace.append((self._control_plane, control_plane.rates(self._seed, flow.times)[:, 0]))
        self._loads = self._all_loads(flow)
        for name, load in self._loads.items():
            rates = node_exporter.rates(self._nodes[name], self._seed, flow.times, load)
            pace.append((self._machines[name], rates[:, 0]))
        return pace

    def _all_drives(self, flow: Flow) -> list[tuple[GroupFlow, Drive]]:
        calls: dict[int, list[CallFlow]] = {index: [] for index in range(len(flow.groups))}
        for made in flow.calls:
            calls[made.group].append(made)
        clients = _clients(flow)
        zero = np.zeros_like(flow.times)
        return [
            (group, Drive(group, calls[index], clients.get(group.group.app.name, zero)))
            for index, group in enumerate(flow.groups)
        ]

    def _all_loads(self, flow: Flow) -> dict[str, Load]:
        zero = np.zeros_like(flow.times)
        loads = {}
        for name in self._nodes:
            node = flow.nodes.get(name)
            offset = self._conditions.total(Kind.CLOCK_OFFSET, node_place(name), flow.times)
            stolen = zero if node is None else node.stolen
            strangers = self._conditions.total(Kind.PIDS_TAKEN, name, flow.times)
            filled = self._conditions.total(Kind.DISK_TAKEN, name, flow.times)
            loads[name] = Load(zero, zero, zero, strangers, stolen, zero, zero, zero, offset, filled)
        for group in flow.groups:
            _bear(loads, group)
        return loads

    def _meter(self, key: MeterKey, run: PodRun, container: ContainerRun, pod: Object) -> Meter:
        known = self._meters.get(key)
        if known is None or not known.is_current:
            known = self._meters[key] = new_meter(run, container, pod, self._nodes[run.node].address)
        return known

    def _meet(self, runs: list[PodRun]) -> None:
        """A meter for every running container, none for any other."""
        alive = set()
        for run in runs:
            if run.node not in self._nodes:
                continue
            for container in (each for each in run if each.phase.is_running):
                pod = self._store.get("Pod", run.namespace, run.name)
                if pod is not None:
                    alive.add((run.uid, container.name))
                    self._meter((run.uid, container.name), run, container, pod)
        self._meters = {key: meter for key, meter in sorted(self._meters.items()) if key in alive}

    def _edge(self, key: EdgeKey) -> Counters:
        if key not in self._edges:
            self._edges[key] = Counters(requests.edge_rows(*key))
        return self._edges[key]

    def _show_meters(self, board: Board) -> None:
        """All counters are rounded in one stroke, and cut up again."""
        counters = [each for meter in self._meters.values() for each in meter.counters]
        values = shown([each.early for each in counters], [each.whole for each in counters])
        start = 0
        for key, meter in self._meters.items():
            stop = start + meter.counted
            board.show((key, "counters"), meter.counter_labels, values[start:stop])
            board.show((key, "gauges"), meter.gauge_labels, self._gauges(key, meter))
            start = stop

    def _gauges(self, key: MeterKey, meter: Meter) -> Floats:
        drive, mib = self._drives.get(key), meter.container.memory_mib
        if drive is not None and drive.flow.group.app is meter.app:
            return np.concatenate([meter.constants, *drive.gauges(meter, np.array([mib]))])
        if meter.at_rest is None or meter.at_rest[0] != mib:
            meter.at_rest = mib, np.concatenate([meter.constants, *idle_gauges(meter, np.array([mib]))])
        return meter.at_rest[1]

    def _show_machine(self, board: Board, name: str, times: Floats) -> None:
        node = self._nodes[name]
        load = self._loads.get(name) or self._all_loads(Flow(times, [], [], [], {}, {}))[name]
        used = sum(meter.container.memory_mib for meter in self._meters.values() if meter.run.node == name)
        taken = self._conditions.total(Kind.MEMORY_TAKEN, name, times)
        borne = replace(load, mib=used + taken)
        counters = self._machines[name]
        board.show(("node", name), counters.labels, counters.shown())
        values = np.concatenate(node_exporter.gauges(node, self._seed, times, borne))
        board.show(("node gauges", name), self._machine_gauges[name], values)

    def _queue_samples(self) -> list[Sample]:
        base = {"job": "rabbitmq"}
        return [
            (labelled("rabbitmq_queue_messages_ready", base, queue=name), float(int(waiting)))
            for name, waiting in self._conditions.backlog.items()
        ]

    def targets(self, runs: list[PodRun]) -> list[Sample]:
        """`up` for everything that is scraped."""
        samples = [(labels, 1.0) for labels in self._fixed_targets]
        for run in runs:
            pod = self._store.get("Pod", run.namespace, run.name)
            port = _metrics_port(pod) if pod else None
            # A pod that never came up is no target: discovery drops the phase Pending.
            if pod and port and run.stops_at is None and pod["status"].get("phase") == "Running":
                is_up = all(each.phase.is_running for each in run)
                samples.append((labelled("up", target_labels(run, pod, port)), float(is_up)))
        return samples

    def _member_history(self, drive: Drive, member: Member, times: Floats, t_ms: Times, step: float) -> Floats:
        """Write the past of one pod; gives how much memory it held."""
        flow, meter = drive.flow, self._meters[member.uid, member.container.name]
        own = own_share(self._seed, member.run.name, times)
        limit = flow.group.cpu_limit
        cgroup = cadvisor.shaped(drive.cgroup(meter), own * step, step, limit, has_quota=meter.has_quota)
        meter.cgroup.write_history(self._past, t_ms, cgroup)
        if meter.requests is not None and drive.served is not None:
            meter.requests.write_history(self._past, t_ms, drive.served * own * step)
        if meter.program is not None:
            meter.program.write_history(self._past, t_ms, drive.program * own * step)
        mib = steady(member, flow.group, flow.rate, self._seed, times)
        member.container.memory_mib = float(mib[-1])
        self._write_gauges([*meter.living, *meter.program_gauges], drive.gauges(meter, mib), t_ms)
        return mib

    def _write_gauges(self, labels: list[Labels], values: list[Floats], t_ms: Times) -> None:
        for each, row in zip(labels, values, strict=True):
            self._past.append_block(each, t_ms, row)

    def _constant_history(self, t_ms: Times, runs: list[PodRun], step: float, more: list[Sample]) -> None:
        """What has not changed in all that time: the objects' own metrics, limits, targets, empty queues."""
        samples = [*self.targets(runs), *self._queue_samples(), *more, *self._edge_requests.samples(self._store)]
        quiet = control_plane.gauges(self._store, list(self._nodes.values())).tolist()
        samples += zip(self._control_plane_gauges, quiet, strict=True)
        for made in self._kube_state.made().values():
            samples += zip(made.labels, made.values.tolist(), strict=True)
        for meter in self._meters.values():
            samples += meter.fixed
            if meter.app is None:
                idle = cadvisor.rates(None, has_quota=meter.has_quota, has_wire=meter.has_wire, length=len(t_ms))
                meter.cgroup.write_history(self._past, t_ms, idle * step)
                mib = np.full(len(t_ms), meter.container.memory_mib)
                self._write_gauges(meter.living, idle_gauges(meter, mib), t_ms)
        # Thousands of series and a few hundred values, most of them zero or one.
        rows = {value: np.full(len(t_ms), value) for value in dict.fromkeys(value for _, value in samples)}
        for labels, value in samples:
            self._past.append_block(labels, t_ms, rows[value])


def steady(member: Member, group: Group, rate: Floats, seed: int, times: Floats) -> Floats:
    return memory.steady_mib(group.app, rate, group.env, seed, member.run.name, times)


def _clients(flow: Flow) -> dict[str, Floats]:
    """By program: the connections that the others keep open to it, some of them in use."""
    found: dict[str, Floats] = {}
    for group in flow.groups:
        for name in pools(group.group.app):
            found[name] = found.get(name, np.zeros_like(flow.times)) + 3.0 * len(group.group.members)
    for made in flow.calls:
        if made.call.app in found:
            took = np.minimum(made.latency, made.call.timeout)
            found[made.call.app] = found[made.call.app] + np.floor(made.rate * took)
    return found


def _bear(loads: dict[str, Load], group: GroupFlow) -> None:
    """Put a group's pods on their nodes."""
    app = group.group.app
    wanted = np.minimum(group.demand, group.group.cpu_limit)
    threads = cadvisor.THREADS[app.language] + np.floor(group.pool * app.concurrency)
    writes = group.rate * (1.0 if app.is_durable else 0.02)
    for member in group.group.members:
        load = loads.get(member.run.node)
        if load is None:
            continue
        loads[member.run.node] = replace(
            load,
            cores=load.cores + group.cores,
            wanted=load.wanted + wanted,
            threads=load.threads + threads,
            disk=np.minimum(np.maximum(load.disk, group.disk) + writes * 0.0006, 0.999),
            writes=load.writes + writes,
            lost=load.lost + group.retransmits,
        )


def _fixed_targets(nodes: Iterable[NodeSpec]) -> list[Labels]:
    """Targets that are there whatever pods come and go."""
    targets = [
        labelled("up", kube_state.BASE),
        labelled("up", {"job": "tempo", "instance": "tempo:3200"}),
        *control_plane.up(),
    ]
    for node in nodes:
        kubelet = {"job": "kubelet", "instance": f"{node.address}:10250", "node": node.name}
        targets.append(labelled("up", {**kubelet, "metrics_path": "/metrics/cadvisor"}))
        targets.append(labelled("up", node_exporter.base_labels(node)))
    return targets


def _metrics_port(pod: Object) -> int | None:
    """A pod that says prometheus.io/scrape is scraped at its first container port."""
    if not is_scraped(pod):
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
