"""The simulated world: objects, containers, traffic and measurements, moved through time together.

`advance` walks from instant to instant at which something happens: a container's phase ends, a tick of traffic (every 5 s), a scrape
(every 15 s). At each one the kubelets move, the controllers run until a whole round changes nothing, traffic is computed over what now
stands, and memory that outgrew its limit kills its process. `kick` lets the controllers act at the present instant, after a client's
write. Everything is a function of the seed, the start and the calls made, in their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from simulator import bootstrap, capacity
from simulator.apps import App, Shop
from simulator.clock import SimClock, epoch_ms
from simulator.cluster_parts import StaticPods
from simulator.conditions import Conditions, node_place
from simulator.controllers import Context, Loops
from simulator.events import Recorder
from simulator.flow import Flow, GroupFlow
from simulator.kubelet import ContainerRun, Kubelet, PodRun
from simulator.kubelet.heartbeats import EVERY_SECONDS, Heartbeats
from simulator.kubernetes_api import ContainerUsage
from simulator.life import Life
from simulator.logs import LogBook, LogLine
from simulator.logs.writer import LogWriter
from simulator.memory import towards
from simulator.network import Member, Nowhere, Topology, survey
from simulator.noise import Floats
from simulator.programs.ends import Line
from simulator.promql.tsdb import Tsdb
from simulator.registry import MIB, Registry
from simulator.shop import SHOP
from simulator.solver import Solver
from simulator.store import Store
from simulator.telemetry.cadvisor import IDLE_CORES
from simulator.telemetry.collector import Collector, steady

TICK_SECONDS = 5
SCRAPE_SECONDS = 15
CALM_SECONDS = 30  # for which a flow lasts where nothing is out of order
HOUSEKEEPING_SECONDS = 300
HISTORY_STEP = 60.0
LIVE_BEFORE_START = timedelta(minutes=10)
RESTLESS = 3  # ticks after a change in which the flow is computed anew: failures travel up one pass at a time
YOUTH = timedelta(minutes=20)
ROUND_TO_COME_UP = timedelta(seconds=15)
MAX_ROUNDS_TO_COME_UP = 20


class World:
    def __init__(
        self,
        seed: int,
        start: datetime,
        *,
        speed: float = 0.0,
        monotonic: Callable[[], float] | None = None,
        history_days: float = 7.0,
        shop: Shop = SHOP,
        life: bool = False,
    ) -> None:
        born = start - timedelta(days=history_days) - LIVE_BEFORE_START - YOUTH
        self.seed = seed
        self.shop = shop
        self.clock = SimClock(born, speed, monotonic)
        self.store = Store(self.clock.now, seed)
        self.tsdb = Tsdb()
        self.registry = Registry(shop)
        self.events = Recorder(self.store, self.clock.now)
        self.conditions = Conditions(app.consumes for app in shop.apps if app.consumes)
        self.book = LogBook()
        self._context = Context(self.store, self.clock.now, self.events, usage=self.usage)
        self._loops = Loops(self._context, survives=True)
        self._writer = LogWriter(self.book, seed, self.conditions)
        self._solver = Solver(shop, seed)
        self.collector = Collector(self.tsdb, self.store, shop, seed, self.conditions)
        self.kubelet = Kubelet(
            self.store,
            self.clock.now,
            self.events,
            self.registry,
            shop.nodes,
            seed,
            self.conditions,
            self._say_started,
            self._say_ready,
            self._say,
        )
        self._heartbeats = Heartbeats(
            self.store,
            self.clock.now,
            self.events,
            self.conditions,
            [node.name for node in shop.nodes],
            self.kubelet.strain,
        )
        self._static_pods = StaticPods(self.store, self.clock.now, shop.nodes if shop.has_parts else ())
        self._surveyed_version = -1
        self._surveyed_marks: frozenset[str] = frozenset()
        self._restless_ticks = 0
        self._topology = Topology([], {}, Nowhere())
        self._resets: dict[tuple[str, str], int] = {}
        self._unwritten = 0.0  # from when on there is no history yet
        self.flow: Flow | None = None
        # What each program's memory is on its way to, as long as the flow lasts.
        self._remembered: Flow | None = None
        self._wanted: list[tuple[GroupFlow, Member, float]] = []
        self._life = Life(self) if life else None
        self._grow_up(start, history_days)

    def advance(self, to: datetime) -> None:
        while (stop := self._next_stop()) <= to:
            self.clock.set(stop)
            self._step()
        self.clock.set(max(to, self.clock.now()))

    def kick(self) -> None:
        """Somebody wrote: the controllers and kubelets look at once, traffic follows at the next tick."""
        self._settle()

    def disturb(self) -> None:
        """Somebody changed the conditions outside the objects: the next tick computes the flow anew."""
        self._restless_ticks = RESTLESS
        self._surveyed_version = -1

    def read_log(self, namespace: str, pod: str, container: str, *, previous: bool) -> list[LogLine] | None:
        """A container's lines, oldest first; None when there is no such file on any node."""
        found = self.store.get("Pod", namespace, pod)
        run = self.kubelet.runs.get(found["metadata"]["uid"]) if found else None
        known = run.find(container) if run else None
        if run is None or known is None:
            return None
        return self.book.read(run, known, previous=previous)

    def topology(self) -> Topology:
        seen = self.store.moved + self.kubelet.changes
        crowded = self.flow.crowded() if self.flow else frozenset()
        marks = self.conditions.marks() | {node_place(name) for name in crowded}
        now, good_until = self.clock.now(), self._topology.good_until
        is_over = good_until is not None and now > good_until
        if is_over or (self._surveyed_version, self._surveyed_marks) != (seen, marks):
            self._topology = survey(self.store, self.runs(), self.conditions, marks, now)
            self._surveyed_version, self._surveyed_marks = seen, marks
            self._restless_ticks = RESTLESS
        return self._topology

    def present_flow(self) -> Flow:
        """The flow over what stands at this instant, without moving anything."""
        times = np.array([self.clock.now().timestamp()])
        return self._solve(times, self.flow)

    def _solve(self, times: Floats, before: Flow | None) -> Flow:
        flow = self._solver.solve(times, self.topology(), self.conditions, before)
        if self._life is not None:
            self._life.stray(flow)
        return flow

    def members(self, namespace: str, app: str) -> list[tuple[GroupFlow, Member]]:
        """The running containers of a program with what they do at present."""
        flow = self.present_flow()
        return [
            (group, member)
            for group in flow.groups
            for member in group.group.members
            if group.group.app.name == app and group.group.namespace == namespace
        ]

    def usage(self) -> Iterator[ContainerUsage]:
        """A program that the traffic model knows uses what it computed; any other idles."""
        groups = self.flow.groups if self.flow else ()
        cores = {
            (member.run.uid, member.container.name): float(group.cores[-1])
            for group in groups
            for member in group.group.members
        }
        for run in self.runs():
            for container in run.containers.values():
                if container.phase.is_running:
                    used = cores.get((run.uid, container.name), IDLE_CORES)
                    place = (run.node, run.namespace, run.name, container.name)
                    yield ContainerUsage(*place, used, container.memory_mib * MIB)

    def _grow_up(self, start: datetime, history_days: float) -> None:
        """From nothing to a shop that has been running for a week."""
        bootstrap.create_shop(self._context, self.shop)
        self._static_pods.sync()
        self._settle()
        self._live(self.clock.now() + YOUTH / 4)
        bootstrap.roll_out_present_versions(self._context, self.shop)
        self._settle()
        self._live(self.clock.now() + YOUTH * 3 / 4)
        self.events.forget_warnings()
        live_from = start - LIVE_BEFORE_START
        self._unwritten = math.ceil(self.clock.now().timestamp() / HISTORY_STEP) * HISTORY_STEP
        if self._life is not None:
            self._live_through_the_past(self._life, live_from)
        if history_days > 0:
            self._write_history(live_from)
        self.collector.end_history()
        self._fill_memory()
        self.clock.set(live_from)
        # Whatever fell due in the time that was leapt over is done before the present begins.
        if self._life is not None:
            self._life.act()
        self._show_life(in_full=True)
        self._settle()
        self.events.forget_old()
        self.advance(start)

    def _live_through_the_past(self, life: Life, live_from: datetime) -> None:
        """What has left its traces: history is written up to each of them, with the pods that ran until then."""
        born, nights_are_there = self.clock.now(), False
        for past in life.past(born, live_from):
            if past.happening is None and not nights_are_there:
                life.begin_nights(born)
                nights_are_there = True
            self._write_history(past.at)
            self.clock.set(max(past.at, self.clock.now()))
            self._show_life()
            if past.happening is not None:
                life.do(past.happening)
            self._settle()
            self._live(max(past.settled_at, self.clock.now()))
            self._let_the_last_come_up()
        if not nights_are_there:
            life.begin_nights(born)
        life.wake()

    def _let_the_last_come_up(self) -> None:
        """What an autoscaler added at the last moment would else be on its way in all that is written until the next happening."""
        for _ in range(MAX_ROUNDS_TO_COME_UP):
            if all(_has_come_up(pod.get("status", {})) for pod in self.store.list("Pod")):
                return
            self._live(self.clock.now() + ROUND_TO_COME_UP)

    def _live(self, until: datetime) -> None:
        """Let pods come up before anything is measured, second by second."""
        while (due := self._next_due()) is not None and due <= until:
            self.clock.set(max(datetime.fromtimestamp(math.ceil(due.timestamp()), UTC), self.clock.now()))
            self._show_life()
            self._settle()
        self.clock.set(until)
        self._show_life()

    def _write_history(self, until: datetime) -> None:
        times = np.arange(self._unwritten, until.timestamp() + 1, HISTORY_STEP)
        if not len(times):
            return
        self._unwritten = float(times[-1]) + HISTORY_STEP
        flow = self._solve(times, None)
        self.collector.write_history(flow, HISTORY_STEP, self.runs())

    def _fill_memory(self) -> None:
        flow = self.present_flow()
        for group in flow.groups:
            for member in group.group.members:
                mib = steady(member, group.group, group.rate, self.seed, flow.times)
                member.container.memory_mib = float(mib[-1])

    def runs(self) -> list[PodRun]:
        return sorted(self.kubelet.runs.values(), key=lambda run: (run.namespace, run.name))

    def _next_stop(self) -> datetime:
        now = self.clock.now()
        into = now.timestamp() % TICK_SECONDS
        tick = now + timedelta(seconds=TICK_SECONDS - into)
        dues = (self._next_due(), self._life.next_due() if self._life is not None else None)
        return min([tick, *(max(due, now) for due in dues if due is not None)])

    def _next_due(self) -> datetime | None:
        """When a kubelet or a controller has something to do though nothing changes."""
        dues = (self.kubelet.next_due(), self._loops.next_due())
        return min((due for due in dues if due is not None), default=None)

    def _step(self) -> None:
        seconds = self.clock.now().timestamp()
        is_tick = seconds % TICK_SECONDS == 0
        if seconds % EVERY_SECONDS == 0:
            self._show_life()
        if self._life is not None:
            self._life.act()
        self._settle()
        if not is_tick:
            return
        self._traffic()
        if seconds % SCRAPE_SECONDS == 0:
            self.collector.scrape(epoch_ms(self.clock.now()), self.runs())
        if seconds % HOUSEKEEPING_SECONDS == 0:
            self._keep_house()

    def _show_life(self, *, in_full: bool = False) -> None:
        """Whoever is there says so; the files on a node's disk are seen to."""
        self._static_pods.sync()
        self.kubelet.look_after_nodes()
        self._heartbeats.beat(in_full=in_full)
        self._loops.renew_leases()

    def _settle(self) -> None:
        self.kubelet.sync()
        self._loops.settle(self.kubelet.sync)

    def _traffic(self) -> None:
        topology = self.topology()
        self._apply_resets(topology)
        flow = self.flow
        turn = SCRAPE_SECONDS if flow is None or not flow.is_calm else CALM_SECONDS
        is_turn = self.clock.now().timestamp() % turn == TICK_SECONDS
        times = np.array([self.clock.now().timestamp()])
        if flow is None or self._restless_ticks > 0 or is_turn or self.conditions.is_moving(times[0]):
            flow = self.flow = self._solve(times, flow)
            self._restless_ticks -= 1
            self._feel(flow)
        self._move_queues(flow)
        self.collector.tick(flow, TICK_SECONDS)
        self._writer.tick(flow, self.clock.now(), TICK_SECONDS)
        doors = [each for each in topology.edge.doorways if each.run.is_ready]
        self._writer.at_the_door(flow, doors, self.clock.now(), TICK_SECONDS)
        if self._life is not None:
            self._life.speak(flow, self.clock.now(), TICK_SECONDS)
        self.kubelet.age(TICK_SECONDS)
        self._use_memory(flow)

    def _apply_resets(self, topology: Topology) -> None:
        for key, backend in topology.backends.items():
            count = self._resets.get(key, 0)
            if backend.resets != count:
                backend.resets = count
                self._restless_ticks = max(self._restless_ticks, 2)
        self._resets = {}

    def _feel(self, flow: Flow) -> None:
        """What the load does to the programs, their health checks feel as well."""
        for group in flow.groups:
            lag, shed = capacity.queueing(group.utilisation), capacity.shed_share(group.utilisation)
            for member in group.group.members:
                self.kubelet.feel(member.run, member.container, float(lag[0]), float(shed[0]))

    def _move_queues(self, flow: Flow) -> None:
        for name, waiting in self.conditions.backlog.items():
            put = float(flow.published.get(name, np.zeros(1))[0])
            taken = float(flow.consumed.get(name, np.zeros(1))[0])
            left = max(waiting + (put - taken) * TICK_SECONDS, 0.0)
            # A queue that only trembles around empty is empty.
            self.conditions.backlog[name] = left if left >= 1 or put > taken + 0.2 else 0.0

    def _use_memory(self, flow: Flow) -> None:
        killed = False
        if flow is not self._remembered:
            self._remembered = flow
            self._wanted = [
                (group, member, float(steady(member, group.group, group.rate, self.seed, flow.times)[0]))
                for group in flow.groups
                for member in group.group.members
            ]
        for group, member, target in self._wanted:
            container = member.container
            leaked = container.process.leaked_mib if container.process else 0.0
            container.memory_mib = towards(container.memory_mib, target + leaked, group.group.app, TICK_SECONDS)
            limit = group.group.memory_limit_mib
            if limit is not None and container.memory_mib >= limit and container.phase.is_running:
                self._out_of_memory(group, member)
                killed = True
        if killed:
            self._settle()

    def _out_of_memory(self, group: GroupFlow, member: Member) -> None:
        member.container.oom_kills += 1
        self.kubelet.kill(member.run, member.container, "OOMKilled", 137)
        for key in group.group.services:
            self._resets[key] = self._resets.get(key, 0) + 1

    def _keep_house(self) -> None:
        self.events.forget_old()
        self.book.keep_only(set(self.kubelet.runs))
        self._settle()

    def _say_started(self, run: PodRun, container: ContainerRun, app: App | None) -> None:
        self._writer.started(run, container, app, self.clock.now())

    def _say(self, run: PodRun, container: ContainerRun, lines: Sequence[Line]) -> None:
        self._writer.said(run, container, lines, self.clock.now())

    def _say_ready(self, run: PodRun, container: ContainerRun, app: App | None) -> None:
        self._writer.ready(run, container, app, self.clock.now())


def _has_come_up(status: dict[str, Any]) -> bool:
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions", ()))
    return ready or status.get("phase") in ("Succeeded", "Failed")
