"""The requests of one moment (or of a week of moments) through the shop.

Demand runs down the call graph from the edge: each Service splits it over its ready endpoints, each group of pods spends CPU on it and
calls its own dependencies. Answers run back up: a refused connection, a timeout or an error below becomes an error and waiting time
above. All quantities are arrays over time, so a live tick (one moment) and the history (ten thousand) are the same code. How often a
call further down is not made because an earlier one failed is taken from the tick before, which keeps one pass down and one pass up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter

import numpy as np

from simulator import capacity
from simulator.apps import App, Call, Route, Shop
from simulator.conditions import Conditions, Kind
from simulator.latency import TIGHT, Part, below, merged
from simulator.load import LoadCurve
from simulator.network import Facts, Group, Outcome, ServiceKey, Target, Topology
from simulator.noise import Floats, drift, grain

BASE_ERRORS = 0.0004  # bugs and broken clients: no service is without
CONNECT_SECONDS = 0.002  # how fast a closed door says no
RESET_SHARE = 0.4  # of a tick's requests at a process that was killed in it
USER = "user"


@dataclass
class CallFlow:
    """One dependency of one route of one group, for all its pods together."""

    group: int
    route: Route
    call: Call
    target: Target
    rate: Floats
    refused: Floats
    timeout: Floats
    error: Floats
    missing: Floats
    latency: Floats
    error_latency: Floats

    @property
    def failed(self) -> Floats:
        return np.minimum(self.refused + self.timeout + self.error + self.missing, 1.0)


@dataclass
class RouteFlow:
    """One route of one pod of a group."""

    route: Route
    rate: Floats
    ok: Part
    failures: dict[str, list[Part]] = field(default_factory=dict)  # status code -> parts

    @property
    def parts(self) -> list[Part]:
        return [self.ok, *merged([part for parts in self.failures.values() for part in parts])]

    def share(self, code: str) -> Floats:
        return sum((part.share for part in self.failures.get(code, [])), np.zeros_like(self.rate))

    @cached_property
    def failed(self) -> Floats:
        return 1 - self.ok.share

    @cached_property
    def failure_latency(self) -> Floats:
        parts = [part for parts in self.failures.values() for part in parts]
        total = sum((part.share for part in parts), np.zeros_like(self.rate))
        weighted = sum((part.share * part.mean for part in parts), np.zeros_like(self.rate))
        return weighted / np.maximum(total, 1e-12)


@dataclass
class GroupFlow:
    """What one pod of a group does."""

    group: Group
    routes: dict[str, RouteFlow] = field(default_factory=dict)
    rates: dict[str, Floats] = field(default_factory=dict)
    utilisation: Floats = field(default_factory=lambda: np.zeros(1))
    cores: Floats = field(default_factory=lambda: np.zeros(1))

    @property
    def rate(self) -> Floats:
        return sum(self.rates.values(), np.zeros_like(self.cores))


@dataclass
class Answer:
    """What a call gets that comes through, averaged over those it may come to."""

    latency: Floats
    error: Floats
    error_latency: Floats
    reset: float


@dataclass
class Flow:
    times: Floats
    groups: list[GroupFlow]
    calls: list[CallFlow]
    entries: list[CallFlow]
    published: dict[str, Floats]  # queue's app -> messages put in a second
    consumed: dict[str, Floats]


class Solver:
    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop = shop
        self._seed = seed
        self._load = LoadCurve(seed, shop.peak_rps)
        self._order = _order(shop)
        self._edge = {entry.app: shop.app(entry.app) for entry in shop.entries}

    def solve(self, times: Floats, topology: Topology, conditions: Conditions, before: Flow | None) -> Flow:
        flow = Flow(times, [GroupFlow(group) for group in topology.groups], [], [], {}, {})
        _Pass(self, flow, topology, conditions, _failures(before)).run()
        return flow

    def entry_rates(self, times: Floats, conditions: Conditions) -> dict[tuple[str, str], Floats]:
        total = self._load.at(times)
        rates = {}
        for entry in self._shop.entries:
            wobble = 1 + 0.04 * grain(self._seed, f"entry{entry.route}", times)
            rates[entry.app, entry.route] = (
                total * entry.share * wobble * conditions.factor(Kind.SURGE, entry.route, times)
            )
        return rates

    def cost_wobble(self, app: App, times: Floats) -> Floats:
        return (
            1
            + 0.05 * drift(self._seed, f"cost/{app.name}", times)
            + 0.03 * grain(self._seed, f"cost/{app.name}", times)
        )

    @property
    def order(self) -> list[str]:
        return self._order

    @property
    def edge_apps(self) -> dict[str, App]:
        return self._edge


def _order(shop: Shop) -> list[str]:
    """Callers before callees; those who fill a queue before those who empty it."""
    graph: dict[str, set[str]] = {app.name: set() for app in shop.apps}
    for app in shop.apps:
        for call in (call for route in app.routes for call in route.calls):
            graph[call.app].add(app.name)
            for worker in shop.apps:
                if worker.consumes == call.app and worker.name != app.name:
                    graph[worker.name].add(app.name)
    return list(TopologicalSorter(graph).static_order())


CallKey = tuple[str, str, str, str]
AnswerKey = tuple[ServiceKey, str, tuple[tuple[int, float], ...]]


def _call_key(group: Group, route: Route, call: Call) -> CallKey:
    return group.namespace, group.app.name, route.path, f"{call.app}{call.route}"


def _failures(before: Flow | None) -> dict[CallKey, Floats]:
    if before is None:
        return {}
    return {_call_key(before.groups[each.group].group, each.route, each.call): each.failed for each in before.calls}


class _Pass:
    """One pass down and one up; lives for a single `solve`."""

    def __init__(
        self, solver: Solver, flow: Flow, topology: Topology, conditions: Conditions, failures: dict[CallKey, Floats]
    ) -> None:
        self.solver = solver
        self.flow = flow
        self.topology = topology
        self.conditions = conditions
        self.failures = failures
        self.zero = np.zeros_like(flow.times)
        self.by_app: dict[str, list[int]] = {name: [] for name in solver.order}
        for index, group in enumerate(topology.groups):
            self.by_app[group.app.name].append(index)
        self.calls_of: dict[tuple[int, str], list[CallFlow]] = {}
        self.answers: dict[AnswerKey, Answer] = {}

    def run(self) -> None:
        self._enter()
        for name in self.solver.order:
            for index in self.by_app[name]:
                self._load_group(index)
        for name in reversed(self.solver.order):
            for index in self.by_app[name]:
                self._answer_group(index)
        for entry in self.flow.entries:
            self._judge(entry)

    def _enter(self) -> None:
        for (name, path), rate in self.solver.entry_rates(self.flow.times, self.conditions).items():
            app = self.solver.edge_apps[name]
            route = app.route(path)
            backend = self.topology.backends.get((app.namespace, name))
            facts = Facts(name, app.port)
            target = Target.behind(backend, facts, "connection refused") if backend else Target.nowhere(facts)
            call = Call(name, path, "", timeout=10.0)
            self.flow.entries.append(self._call_flow(-1, route, call, target, rate))
            self._send(target, path, rate)

    def _call_flow(self, group: int, route: Route, call: Call, target: Target, rate: Floats) -> CallFlow:
        zero = self.zero
        return CallFlow(group, route, call, target, rate, zero, zero, zero, zero, zero, zero)

    def _send(self, target: Target, path: str, rate: Floats) -> None:
        """Split what comes through over the pods that may get it."""
        for index, share in target.shares.items():
            flow = self.flow.groups[index]
            flow.rates[path] = flow.rates.get(path, self.zero) + rate * share / len(flow.group.members)

    def _load_group(self, index: int) -> None:
        flow = self.flow.groups[index]
        app = flow.group.app
        if app.consumes:
            self._take_jobs(flow)
        self._spend(flow)
        served = 1 - capacity.shed_share(flow.utilisation)
        for route in app.routes:
            reached = served * len(flow.group.members) * flow.rates.get(route.path, self.zero)
            for call in route.calls:
                self._make_call(index, route, call, reached * call.per_request)
                failed = self.failures.get(_call_key(flow.group, route, call), self.zero)
                if call.required:
                    reached = reached * survival(failed, call.per_request)

    def _make_call(self, index: int, route: Route, call: Call, rate: Floats) -> None:
        target = self.topology.target(self.flow.groups[index].group, call)
        made = self._call_flow(index, route, call, target, rate)
        self.flow.calls.append(made)
        self.calls_of.setdefault((index, route.path), []).append(made)
        self._send(target, call.route, rate)
        if call.route == "publish" and target.through:
            self.flow.published[call.app] = self.flow.published.get(call.app, self.zero) + rate * target.through

    def _take_jobs(self, flow: GroupFlow) -> None:
        """Workers take what has been put into their queue, and what waits there, as fast as they can."""
        app = flow.group.app
        workers = sum(
            len(self.topology.groups[index].members)
            for index in self.by_app[app.name]
            if self.topology.groups[index].members[0].run.is_ready
        )
        route = app.routes[0]
        if not flow.group.members[0].run.is_ready or not workers:
            return
        fastest = 0.9 * flow.group.cpu_limit / (route.cpu_ms / 1000)
        waiting = (
            self.flow.published.get(app.consumes, self.zero) + self.conditions.backlog.get(app.consumes, 0.0) / 30.0
        )
        taken = np.minimum(waiting / workers, fastest)
        flow.rates[route.path] = taken
        self.flow.consumed[app.consumes] = self.flow.consumed.get(app.consumes, self.zero) + taken * len(
            flow.group.members
        )

    def _spend(self, flow: GroupFlow) -> None:
        app, group = flow.group.app, flow.group
        busy = sum((rate * app.route(path).cpu_ms / 1000 for path, rate in flow.rates.items()), self.zero)
        busy = busy * self.solver.cost_wobble(app, self.flow.times)
        serving = sum(
            len(self.flow.groups[index].group.members)
            for index in self.by_app[app.name]
            if self.flow.groups[index].rates
        )
        if flow.rates and serving:
            heavy = self.conditions.total(Kind.HEAVY_REQUESTS, f"{group.namespace}/{app.name}", self.flow.times)
            busy = busy + heavy / serving
        demand = busy + app.idle_cpu_millis / 1000
        flow.utilisation = demand / group.cpu_limit
        flow.cores = capacity.used_cores(demand, group.cpu_limit)

    def _answer_group(self, index: int) -> None:
        flow = self.flow.groups[index]
        for path, rate in flow.rates.items():
            route = flow.group.app.route(path)
            flow.routes[path] = self._serve(flow, route, rate, self.calls_of.get((index, path), []))

    def _serve(self, flow: GroupFlow, route: Route, rate: Floats, calls: list[CallFlow]) -> RouteFlow:
        """What becomes of the requests of one route at one pod."""
        shed = capacity.shed_share(flow.utilisation)
        queued = capacity.queueing(flow.utilisation)
        elapsed = route.cpu_ms / 1000 * capacity.slowdown(flow.utilisation) + route.wait_ms / 1000 + queued
        served = RouteFlow(route, rate, Part(self.zero, self.zero))
        broken = (1 - shed) * BASE_ERRORS
        _add(served, "500", broken, elapsed)
        _add(served, "503", shed, self.zero + capacity.SHED_SECONDS, TIGHT)
        alive = 1 - shed - broken
        for made in calls:
            self._judge(made)
            times = made.call.per_request
            if made.call.required:
                alive = _fail(served, flow.group.app, made, alive, elapsed)
            elapsed = elapsed + times * np.minimum(made.latency, made.call.timeout)
        served.ok = Part(np.maximum(alive, 0.0), elapsed)
        return served

    def _judge(self, made: CallFlow) -> None:
        """How a call ends, seen from its caller: on its way, or by what it gets from those it comes to."""
        target = made.target
        made.refused = self.zero + target.stopped(Outcome.REFUSED)
        made.timeout = self.zero + target.stopped(Outcome.TIMED_OUT)
        made.error = self.zero + target.stopped(Outcome.FAILED)
        made.missing = self.zero + target.stopped(Outcome.MISSING)
        made.latency = made.error_latency = self.zero + CONNECT_SECONDS
        if target.through:
            self._take_answer(made, self._answer(target, made.call.route), target.through)

    def _take_answer(self, made: CallFlow, answer: Answer, through: float) -> None:
        late = 1 - below(made.call.timeout, answer.latency)
        late_errors = np.where(answer.error_latency > made.call.timeout, answer.error, 0.0)
        fine = np.maximum(1 - answer.reset - answer.error, 0.0)
        made.refused = made.refused + through * answer.reset
        made.timeout = made.timeout + through * (fine * late + late_errors)
        made.error = made.error + through * (answer.error - late_errors)
        made.latency = answer.latency
        made.error_latency = answer.error_latency

    def _answer(self, target: Target, path: str) -> Answer:
        key = (target.backend.key if target.backend else ("", ""), path, tuple(target.shares.items()))
        if key not in self.answers:
            self.answers[key] = self._average(target, path)
        return self.answers[key]

    def _average(self, target: Target, path: str) -> Answer:
        total = target.through
        good, latency, error, slow = self.zero, self.zero, self.zero, self.zero
        for index, share in target.shares.items():
            weight = share / total
            route = self.flow.groups[index].routes.get(path)
            if route is None:
                error = error + weight
                continue
            good = good + route.ok.share * weight
            latency = latency + route.ok.share * route.ok.mean * weight
            error = error + route.failed * weight
            slow = slow + route.failed * route.failure_latency * weight
        reset = _reset_share(target)
        return Answer(
            np.where(good > 0, latency / np.maximum(good, 1e-9), CONNECT_SECONDS),
            np.clip(error * (1 - reset), 0.0, 1.0),
            slow / np.maximum(error, 1e-9),
            reset,
        )


def _reset_share(target: Target) -> float:
    backend = target.backend
    return RESET_SHARE * backend.resets / (backend.addresses + backend.resets) if backend and backend.resets else 0.0


def _add(served: RouteFlow, code: str, share: Floats, latency: Floats, spread: float | None = None) -> None:
    part = Part(share, latency) if spread is None else Part(share, latency, spread)
    served.failures.setdefault(code, []).append(part)


def survival(failed: Floats, times: float) -> Floats:
    """The share of requests that get over a call they make so many times; less than once means only some make it."""
    good: Floats = 1 - np.minimum(failed, 1.0)
    return good**times if times >= 1 else 1 - times * (1 - good)


def _fail(served: RouteFlow, app: App, made: CallFlow, alive: Floats, elapsed: Floats) -> Floats:
    """A required call that fails ends the request; an edge says so with its own codes."""
    failed = made.failed
    lost = alive * (1 - survival(failed, made.call.per_request))
    per_failure = lost / np.maximum(failed, 1e-12)
    refused, timeout, error, missing = ("503", "504", "502", "404") if app.is_edge else ("500", "504", "500", "500")
    _add(served, refused, per_failure * made.refused, elapsed + CONNECT_SECONDS)
    _add(served, timeout, per_failure * made.timeout, elapsed + made.call.timeout, TIGHT)
    _add(served, error, per_failure * made.error, elapsed + made.error_latency)
    _add(served, missing, per_failure * made.missing, elapsed + CONNECT_SECONDS)
    return alive - lost
