"""The solver on hand-made topologies: demand runs down, answers run up, and no pod needs to exist for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator.answers import BASE_ERRORS
from simulator.apps import App, Call, EntryShare, Memory, NodeSpec, Resources, Route, Shop
from simulator.conditions import Conditions, Kind, Level, Pressure
from simulator.flow import Flow
from simulator.kubelet import ContainerRun, Phase, PodRun
from simulator.network import Backend, Facts, Group, Member, ServiceKey, Target, Topology
from simulator.noise import Floats
from simulator.solver import Solver

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW: Floats = np.array([NOON.timestamp()])


def app(name: str, *calls: Call, cpu_ms: float = 5.0) -> App:
    return App(
        name=name,
        namespace="shop",
        port=8080,
        routes=(Route("GET", "/", cpu_ms, 2.0, calls),),
        memory=Memory(10, 20),
        resources=Resources("100m", "1", "32Mi", "64Mi"),
        replicas=1,
        versions=("1",),
        concurrency=256 if name == "edge" else 32,
        is_edge=name == "edge",
    )


def call(to: str, **changes: object) -> Call:
    return replace(Call(to, "/", f"{to.upper()}_URL"), **changes)  # type: ignore[arg-type]


@dataclass
class Straight:
    """Every call goes to the Service of that name."""

    backends: dict[ServiceKey, Backend]

    def target(self, caller: Group, call: Call) -> Target:
        return Target.behind(self.backends[caller.namespace, call.app], Facts(call.app), "connection refused")

    def entrance(self, app: App, path: str) -> Target:
        return Target.behind(self.backends[app.namespace, app.name], Facts(app.name, path=path), "connection refused")


class Net:
    """Programs with so many pods each; zero pods is a Service that nobody stands behind."""

    def __init__(self, *apps: App, rps: float = 50.0, **pods: int) -> None:
        nodes = (NodeSpec("node-1", 4, 1024, "10.244.1", "10.0.0.1", "a"),)
        shop = Shop(apps, (EntryShare(apps[0].name, "/", 1.0),), nodes, ("shop",), rps)
        env = {f"{each.name.upper()}_URL": f"http://{each.name}:8080" for each in apps}
        self.groups: list[Group] = []
        self.backends: dict[ServiceKey, Backend] = {}
        for each in apps:
            count = pods.get(each.name, 1)
            key = ("shop", each.name)
            self.backends[key] = Backend(key, {len(self.groups): count} if count else {})
            if count:
                members = [_member(f"{each.name}-{number}") for number in range(count)]
                self.groups.append(Group(each, "shop", 1.0, 64.0, env, (key,), members))
        self.solver = Solver(shop, 7)
        self.conditions = Conditions()
        self.flow: Flow | None = None

    def topology(self) -> Topology:
        return Topology(self.groups, self.backends, Straight(self.backends))

    def solve(self, passes: int = 3) -> Flow:
        """Failures travel one pass behind the requests they prevent."""
        for _ in range(passes):
            self.flow = self.solver.solve(NOW, self.topology(), self.conditions, self.flow)
        if self.flow is None:
            raise ValueError("no pass was made")
        return self.flow

    def rate(self, name: str) -> float:
        flow = self.solve()
        return sum(float(each.rate[0]) * len(each.group.members) for each in flow.groups if each.group.app.name == name)

    def errors(self, name: str) -> float:
        (found,) = [each for each in self.solve().groups if each.group.app.name == name]
        return float(found.routes["/"].failed[0])


def _member(name: str) -> Member:
    container = ContainerRun("main", "", Phase.READY)
    run = PodRun(name, "shop", name, "node-1", "10.0.0.1", NOON, {"main": container})
    return Member(run, container, {})


def test_demand_is_shared_by_the_pods() -> None:
    net = Net(app("edge"), edge=4)
    (group,) = net.solve().groups
    total = sum(float(entry.rate[0]) for entry in net.solve().entries)
    assert group.rate[0] == pytest.approx(total / 4)


def test_a_healthy_chain_makes_only_the_base_errors() -> None:
    net = Net(app("edge", call("middle")), app("middle", call("back")), app("back"))
    assert net.errors("back") == pytest.approx(BASE_ERRORS)
    assert net.errors("edge") == pytest.approx(3 * BASE_ERRORS, rel=0.05)


def test_latency_adds_up_along_the_chain() -> None:
    net = Net(app("edge", call("back", per_request=2.0)), app("back"))
    edge, back = (group.routes["/"].ok.mean[0] for group in net.solve().groups)
    assert edge > 2 * back


def test_a_required_callee_that_is_gone_fails_every_caller_above() -> None:
    net = Net(app("edge", call("middle")), app("middle", call("back")), app("back"), back=0)
    assert net.errors("middle") == pytest.approx(1)
    assert net.errors("edge") == pytest.approx(1)


def test_the_edge_says_by_its_code_what_happened_below() -> None:
    refused = Net(app("edge", call("back")), app("back"), back=0).solve().groups[0].routes["/"]
    assert refused.share("503")[0] > 0.99
    broken = (
        Net(app("edge", call("middle")), app("middle", call("back")), app("back"), back=0).solve().groups[0].routes["/"]
    )
    assert broken.share("502")[0] > 0.99


def test_an_optional_callee_that_is_gone_fails_nobody() -> None:
    net = Net(app("edge", call("cache", required=False)), app("cache"), cache=0)
    assert net.errors("edge") < 0.01


def test_a_call_after_a_failed_one_is_not_made() -> None:
    net = Net(app("edge", call("first"), call("second")), app("first"), app("second"), first=0)
    assert net.rate("second") == pytest.approx(0, abs=0.01)


def test_with_half_of_the_addresses_closed_half_of_the_requests_fail() -> None:
    net = Net(app("edge", call("back")), app("back"))
    net.backends["shop", "back"].closed = 1
    assert net.errors("edge") == pytest.approx(0.5, abs=0.01)


def test_a_process_killed_a_moment_ago_breaks_the_requests_it_had() -> None:
    net = Net(app("edge", call("back")), app("back"), back=3)
    net.backends["shop", "back"].resets = 1
    assert 0.05 < net.errors("edge") < 0.15


def test_beyond_its_capacity_a_program_serves_what_it_can_and_shields_those_below() -> None:
    net = Net(app("edge", call("slow")), app("slow", call("back"), cpu_ms=40.0), app("back"), rps=60)
    arriving = net.rate("slow")
    assert net.errors("slow") == pytest.approx(1 - 1 / (arriving * 0.04), abs=0.05)
    assert net.rate("back") < 0.75 * arriving


def test_a_callee_slower_than_the_callers_patience_times_out() -> None:
    net = Net(app("edge", call("slow", timeout=0.05)), app("slow"))
    slow = net.groups[1]
    net.groups[1] = replace(slow, app=replace(slow.app, routes=(replace(slow.app.routes[0], wait_ms=400.0),)))
    edge = net.solve().groups[0].routes["/"]
    assert edge.share("504")[0] > 0.95


def test_heavier_requests_are_shared_by_those_who_serve() -> None:
    light, heavy = Net(app("edge"), edge=2), Net(app("edge"), edge=2)
    heavy.conditions.press(Pressure(Kind.HEAVY_REQUESTS, "shop/edge"), Level(1.0))
    more = heavy.solve().groups[0].utilisation[0] - light.solve().groups[0].utilisation[0]
    assert more == pytest.approx(0.5)


def test_many_moments_at_once_are_the_same_as_one_by_one() -> None:
    net = Net(app("edge", call("back")), app("back"))
    topology = Topology(net.groups, net.backends, Straight(net.backends))
    times = NOW[0] + np.arange(5.0) * 3600
    together = net.solver.solve(times, topology, net.conditions, None).groups[1].routes["/"]
    for index, moment in enumerate(times):
        alone = net.solver.solve(np.array([moment]), topology, net.conditions, None).groups[1].routes["/"]
        assert alone.rate[0] == pytest.approx(together.rate[index])
        assert alone.ok.mean[0] == pytest.approx(together.ok.mean[index])
