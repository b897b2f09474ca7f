"""How requests run through the shop: demand down, answers up.

Demand runs down the call graph from the edge: each Service splits it over its ready endpoints, each group of pods spends CPU on it and
calls its own dependencies. Answers run back up: a refused connection, a timeout or an error below becomes an error and waiting time
above. What the way down has to know of the way up is taken from the tick before, which keeps one pass down and one pass up: how often a
call is not made because an earlier one failed, how often one is made again because it failed, how much longer workers are busy.
A cause and its effect on the other side of the graph are therefore a few passes apart, as they are a few seconds apart in the wild.
"""

from __future__ import annotations

from graphlib import TopologicalSorter

import numpy as np

from simulator import caches, capacity
from simulator.answers import Answers, survival
from simulator.apps import App, Call, Route, Shop
from simulator.conditions import Conditions, Kind, node_place
from simulator.flow import CallFlow, Flow, GroupFlow, NodeFlow
from simulator.links import Links
from simulator.load import LoadCurve
from simulator.network import Group, Target, Topology
from simulator.noise import Floats, drift, grain
from simulator.retries import as_configured, attempts_made

SYSTEM_CORES = 0.09  # what kubelet and the rest of a node need for themselves
SYSTEM_WEIGHT = 0.2


class Solver:
    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop = shop
        self.seed = seed
        self._load = LoadCurve(seed, shop.peak_rps)
        self.order = _order(shop)
        self.edge_apps = {entry.app: shop.app(entry.app) for entry in shop.entries}
        self.nodes = {node.name: float(node.cpu) for node in shop.nodes}

    def solve(self, times: Floats, topology: Topology, conditions: Conditions, before: Flow | None) -> Flow:
        zero = np.zeros_like(times)
        groups = [GroupFlow(group, pool=zero, disk=zero, retransmits=zero) for group in topology.groups]
        flow = Flow(times, groups, [], [], {}, {})
        _Pass(self, flow, topology, conditions, Recall(before, times)).run()
        return flow

    def entry_rates(self, times: Floats, conditions: Conditions) -> dict[tuple[str, str], Floats]:
        total = self._load.at(times)
        rates = {}
        for entry in self._shop.entries:
            wobble = 1 + 0.04 * grain(self.seed, f"entry{entry.route}", times)
            rates[entry.app, entry.route] = (
                total * entry.share * wobble * conditions.factor(Kind.SURGE, entry.route, times)
            )
        return rates

    def cost_wobble(self, app: App, times: Floats) -> Floats:
        return (
            1 + 0.05 * drift(self.seed, f"cost/{app.name}", times) + 0.03 * grain(self.seed, f"cost/{app.name}", times)
        )


def _order(shop: Shop) -> list[str]:
    """Callers before callees; those who fill a queue before those who empty it."""
    graph: dict[str, set[str]] = {app.name: set() for app in (*shop.apps, *shop.guests)}
    for app in shop.apps:
        for call in (call for route in app.routes for call in route.calls):
            graph[call.app].add(app.name)
            for worker in shop.apps:
                if worker.consumes == call.app and worker.name != app.name:
                    graph[worker.name].add(app.name)
    return list(TopologicalSorter(graph).static_order())


CallKey = tuple[str, str, str, str]


def _call_key(group: Group, route: Route, call: Call) -> CallKey:
    return group.namespace, group.app.name, route.path, f"{call.app}{call.route}"


class Recall:
    """What a pass remembers of the one before. A group that is new is taken for its likes, as far as there are any."""

    def __init__(self, before: Flow | None, times: Floats) -> None:
        self.zero = np.zeros_like(times)
        self._failed: dict[tuple[object, ...], Floats] = {}
        self._groups: dict[tuple[object, ...], GroupFlow] = {}
        self.nodes: dict[str, NodeFlow] = {}
        if before is None:
            return
        self.nodes = before.nodes
        self._groups = {each.group.identity: each for each in before.groups}
        for made in before.calls:
            group = before.groups[made.group].group
            key = _call_key(group, made.route, made.call)
            self._failed[key] = self._failed[group.identity, key] = made.failed

    def failed(self, group: Group, route: Route, call: Call) -> Floats:
        key = _call_key(group, route, call)
        return self._failed.get((group.identity, key), self._failed.get(key, self.zero))

    def pool(self, group: Group) -> Floats:
        known = self._groups.get(group.identity)
        return self.zero if known is None else known.pool + self.zero

    def seconds(self, group: Group, path: str) -> Floats:
        """How long a request of the group took."""
        known = self._groups.get(group.identity)
        served = known.routes.get(path) if known else None
        return self.zero if served is None else served.ok.mean + self.zero


class _Pass:
    """One pass down and one up; lives for a single `solve`."""

    def __init__(self, solver: Solver, flow: Flow, topology: Topology, conditions: Conditions, recall: Recall) -> None:
        self.solver = solver
        self.flow = flow
        self.topology = topology
        self.conditions = conditions
        self.recall = recall
        self.zero = np.zeros_like(flow.times)
        self.by_app: dict[str, list[int]] = {name: [] for name in solver.order}
        for index, group in enumerate(topology.groups):
            self.by_app[group.app.name].append(index)
        self.calls_of: dict[tuple[int, str], list[CallFlow]] = {}
        self.answers = Answers(flow, conditions, Links(conditions, flow.times, solver.seed))

    def run(self) -> None:
        self._enter()
        for name in self.solver.order:
            for index in self.by_app[name]:
                self._load_group(index)
        self._share_nodes()
        for name in reversed(self.solver.order):
            for index in self.by_app[name]:
                calls = {path: self.calls_of.get((index, path), []) for path in self.flow.groups[index].rates}
                self.answers.answer(self.flow.groups[index], calls, self.recall.pool(self.topology.groups[index]))
        for entry in self.flow.entries:
            self.answers.judge(entry)

    def _enter(self) -> None:
        for (name, path), rate in self.solver.entry_rates(self.flow.times, self.conditions).items():
            app = self.solver.edge_apps[name]
            route = app.route(path)
            target = self.topology.entrance(app, path)
            call = Call(name, path, "", timeout=10.0)
            self.flow.entries.append(self._call_flow(-1, route, call, target, rate, self.zero + 1.0))
            self._send(target, path, rate)

    def _call_flow(self, group: int, route: Route, call: Call, target: Target, rate: Floats, times: Floats) -> CallFlow:
        zero = self.zero
        return CallFlow(group, route, call, target, rate, times, zero, zero, zero, zero, zero, zero, zero)

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
        turned_away = capacity.turned_away(flow.utilisation, self.recall.pool(flow.group))
        for route in app.routes:
            reached = (1 - turned_away) * len(flow.group.members) * flow.rates.get(route.path, self.zero)
            for call in route.calls:
                reached = self._make_call(index, route, as_configured(call, flow.group.env), reached)

    def _make_call(self, index: int, route: Route, call: Call, reached: Floats) -> Floats:
        """Send a call for so many requests a second, and say how many of them get over it."""
        group = self.flow.groups[index].group
        target = self.topology.target(group, call)
        failed = self.recall.failed(group, route, call)
        times = self._times(group, route, call)
        rate = reached * times * attempts_made(failed, call.attempts)
        made = self._call_flow(index, route, call, target, rate, times)
        self.flow.calls.append(made)
        self.calls_of.setdefault((index, route.path), []).append(made)
        self._send(target, call.route, rate)
        if call.route == "publish" and target.through:
            self.flow.published[call.app] = self.flow.published.get(call.app, self.zero) + rate * target.through
        return reached * survival(failed**call.attempts, times) if call.required else reached

    def _times(self, group: Group, route: Route, call: Call) -> Floats:
        """How often a request makes a call: more often when the cache before it does not have the answer."""
        if not call.behind:
            return self.zero + call.per_request
        asked = next((each for each in route.calls if each.app == call.behind), None)
        failed = self.zero if asked is None else self.recall.failed(group, route, asked)
        serving = [self.topology.groups[index] for index in self.by_app[call.behind]]
        hits = [caches.hit_share(each.env) for each in serving if each.serves]
        hit = sum(hits) / len(hits) if hits else 0.0
        return call.per_request * caches.misses_over_usual(hit * (1 - failed))

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
        by_cpu = 0.9 * flow.group.cpu_limit / (route.cpu_ms / 1000)
        by_hand = 0.9 * app.concurrency / np.maximum(self.recall.seconds(flow.group, route.path), 1e-3)
        waiting = (
            self.flow.published.get(app.consumes, self.zero) + self.conditions.backlog.get(app.consumes, 0.0) / 30.0
        )
        taken = np.minimum(waiting / workers, np.minimum(by_cpu, by_hand))
        flow.rates[route.path] = taken
        self.flow.consumed[app.consumes] = self.flow.consumed.get(app.consumes, self.zero) + taken * len(
            flow.group.members
        )

    def _spend(self, flow: GroupFlow) -> None:
        app, group = flow.group.app, flow.group
        busy = sum((rate * app.route(path).cpu_ms / 1000 for path, rate in flow.rates.items()), self.zero)
        busy = busy * (1 - group.trouble.hangs) * self.solver.cost_wobble(app, self.flow.times)
        serving = sum(
            len(self.flow.groups[index].group.members)
            for index in self.by_app[app.name]
            if self.flow.groups[index].rates
        )
        if flow.rates and serving:
            heavy = self.conditions.total(Kind.HEAVY_REQUESTS, f"{group.namespace}/{app.name}", self.flow.times)
            busy = busy + heavy / serving
        flow.demand = busy + app.idle_cpu_millis / 1000 + capacity.thread_cores(group.env)
        may_use = self._may_use(flow)
        flow.utilisation = flow.demand / may_use
        flow.cores = capacity.used_cores(flow.demand, may_use)
        flow.throttled = capacity.throttled_share(flow.demand / group.cpu_limit) + self._bursts(flow)

    def _bursts(self, flow: GroupFlow) -> Floats:
        """The share of quota periods that single requests burn up, however idle the program is otherwise."""
        stalls = [
            rate * capacity.stall(flow.group.app.route(path).cpu_ms / 1000, flow.group.cpu_limit)
            for path, rate in flow.rates.items()
        ]
        return np.clip(sum(stalls, self.zero), 0.0, 1.0)

    def _may_use(self, flow: GroupFlow) -> Floats:
        """The cores a pod gets: its limit, or on a crowded node what its weight entitles it to and what others leave."""
        node = self.recall.nodes.get(flow.group.marked_node)
        if node is None or not node.is_crowded:
            return self.zero + flow.group.cpu_limit
        entitled = node.cores * flow.group.cpu_request / node.weight
        left = node.cores - (node.demand - flow.demand)
        return np.clip(np.maximum(entitled, left), 1e-3, flow.group.cpu_limit)

    def _share_nodes(self) -> None:
        for name, cpus in self.solver.nodes.items():
            stolen = self.conditions.total(Kind.CPU_STEAL, node_place(name), self.flow.times)
            cores = cpus * (1 - np.clip(stolen, 0.0, 0.95))
            self.flow.nodes[name] = NodeFlow(cores, self.zero + SYSTEM_CORES, SYSTEM_WEIGHT, self.zero + stolen)
        for each in self.flow.groups:
            wanted = np.minimum(each.demand, each.group.cpu_limit)
            for member in each.group.members:
                node = self.flow.nodes.get(member.run.node)
                if node is not None:
                    node.demand = node.demand + wanted
                    node.weight += each.group.cpu_request
