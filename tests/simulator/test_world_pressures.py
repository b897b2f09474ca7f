"""What presses on single pods, nodes, ways and disks, on hand-made topologies: who feels it, and who does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.apps import App
from simulator.caches import USUAL_HITS, hit_share, misses_over_usual
from simulator.conditions import Conditions, Kind, Level, Pressure, node_place, pod_place
from simulator.flow import CallFlow, GroupFlow
from simulator.links import Way, resending
from simulator.network import Group
from simulator.retries import as_configured, attempts_made
from tests.simulator.test_world_flow import NOW, Net, app, call

EDGE = app("edge", call("back"))
BACK = app("back")


def found(net: Net, name: str, passes: int = 3) -> GroupFlow:
    (flow,) = [each for each in net.solve(passes).groups if each.group.app.name == name]
    return flow


def seconds(net: Net, name: str) -> float:
    return float(found(net, name).routes["/"].ok.mean[0])


def the_call(net: Net, passes: int = 3) -> CallFlow:
    (made,) = net.solve(passes).calls
    return made


def on(net: Net, name: str, *places: str, **changes: object) -> Group:
    """Put the pods of a program where something presses."""
    index = next(number for number, each in enumerate(net.groups) if each.app.name == name)
    net.groups[index] = replace(net.groups[index], places=places, **changes)  # type: ignore[arg-type]
    return net.groups[index]


def press(net: Net, kind: Kind, place: str, peak: float) -> None:
    net.conditions.press(Pressure(kind, place), Level(peak))


def test_a_delay_on_a_pods_interface_is_felt_by_its_caller_and_not_measured_by_itself() -> None:
    net = Net(EDGE, BACK)
    before, own = seconds(net, "edge"), seconds(net, "back")
    on(net, "back", pod_place("back-0"))
    press(net, Kind.NETWORK_DELAY, pod_place("back-0"), 0.2)
    assert seconds(net, "edge") == pytest.approx(before + 0.2, abs=0.01)
    assert seconds(net, "back") == pytest.approx(own)
    assert the_call(net).server_latency[0] == pytest.approx(own)


def test_two_pods_of_one_node_do_not_feel_the_nodes_network() -> None:
    net = Net(EDGE, BACK)
    before = seconds(net, "edge")
    press(net, Kind.NETWORK_DELAY, node_place("node-1"), 0.2)
    on(net, "edge", node_place("node-1"))
    on(net, "back", node_place("node-1"))
    assert seconds(net, "edge") == pytest.approx(before, abs=1e-6)
    on(net, "edge")
    assert seconds(net, "edge") > before + 0.15


def test_a_delay_on_one_edge_leaves_the_other_callers_alone() -> None:
    net = Net(app("edge", call("a"), call("b")), app("a", call("back")), app("b", call("back")), BACK)
    press(net, Kind.NETWORK_DELAY, "edge/shop/a/back", 0.3)
    assert seconds(net, "a") > seconds(net, "b") + 0.25


def test_one_slow_pod_of_two_makes_half_of_the_calls_time_out_and_not_all_a_little_slower() -> None:
    net = Net(app("edge", call("back", timeout=1.0)), BACK)
    other = replace(net.groups[1], places=(pod_place("back-1"),), members=list(net.groups[1].members))
    net.groups.append(other)
    net.backends["shop", "back"].shares[2] = 1
    press(net, Kind.NETWORK_DELAY, pod_place("back-1"), 8.0)
    made = the_call(net)
    assert made.timeout[0] == pytest.approx(0.5, abs=0.02)


def test_little_loss_is_slow_and_much_loss_is_time_outs() -> None:
    little, much = (Way(np.zeros(1), np.array([share])) for share in (0.05, 0.5))
    assert 0.02 < little.seconds[0] < 0.1
    assert little.given_up(2.0)[0] < 0.001
    assert much.given_up(2.0)[0] > 0.15
    assert much.resent[0] > 10 * little.resent[0]
    assert resending(np.zeros(1))[0] == 0


def test_lost_packets_are_sent_again_by_both_sides() -> None:
    net = Net(EDGE, BACK)
    on(net, "back", pod_place("back-0"))
    press(net, Kind.NETWORK_LOSS, pod_place("back-0"), 0.2)
    assert found(net, "edge").retransmits[0] == pytest.approx(found(net, "back").retransmits[0]) != 0


def test_jitter_wanders_with_time_and_never_saves_time() -> None:
    net = Net(EDGE, BACK)
    quiet = seconds(net, "edge")
    on(net, "back", pod_place("back-0"))
    press(net, Kind.NETWORK_JITTER, pod_place("back-0"), 0.5)
    times = np.arange(100) * 15.0 + NOW[0]
    flow = net.solver.solve(times, net.topology(), net.conditions, None)
    slow = flow.groups[0].routes["/"].ok.mean
    assert slow.min() > quiet * 0.8
    assert slow.max() > quiet + 0.2


def test_on_a_crowded_node_a_pod_gets_what_its_weight_entitles_it_to() -> None:
    greedy = replace(app("greedy"), routes=())
    net = Net(EDGE, BACK, greedy)
    before = seconds(net, "back")
    weak = {"cpu_request": 0.05}
    on(net, "back", node_place("node-1"), **weak)
    on(net, "greedy", node_place("node-1"), cpu_request=2.0, cpu_limit=8.0, env={"WORKER_THREADS": "8"})
    back = found(net, "back", 6)
    assert back.utilisation[0] > 1.5
    assert back.throttled[0] == 0
    assert seconds(net, "back") > 3 * before
    assert net.flow is not None
    assert net.flow.crowded() == {"node-1"}


def test_a_neighbour_without_a_request_gets_only_what_the_others_leave() -> None:
    greedy = replace(app("greedy"), routes=())
    net = Net(EDGE, BACK, greedy)
    on(net, "back", node_place("node-1"), cpu_request=0.5)
    on(net, "greedy", node_place("node-1"), cpu_limit=8.0, env={"WORKER_THREADS": "8"})
    assert found(net, "back", 6).utilisation[0] < 0.5


def test_stolen_cpu_crowds_a_node() -> None:
    net = Net(EDGE, BACK, rps=150)
    press(net, Kind.CPU_STEAL, node_place("node-1"), 0.9)
    assert net.solve().crowded() == {"node-1"}


def test_a_low_limit_stalls_each_request_long_before_it_is_used_up_on_average() -> None:
    net = Net(EDGE, replace(BACK, routes=(replace(BACK.routes[0], cpu_ms=20.0),)), rps=2)
    before = seconds(net, "back")
    on(net, "back", cpu_limit=0.08)
    back = found(net, "back")
    assert back.utilisation[0] < 0.65
    assert back.throttled[0] > 0.1
    assert seconds(net, "back") > before + 0.1


def test_a_busy_disk_slows_those_who_wait_for_it_and_nobody_else() -> None:
    net = Net(EDGE, replace(BACK, is_durable=True))
    on(net, "back", pod_place("back-0"))
    on(net, "edge", pod_place("back-0"))
    before = seconds(net, "back")
    press(net, Kind.DISK_BUSY, pod_place("back-0"), 0.98)
    assert seconds(net, "back") > before + 0.08
    assert found(net, "edge").utilisation[0] < 0.5


def test_a_slow_dependency_fills_the_worker_pool_of_its_caller() -> None:
    edge = replace(EDGE, concurrency=8)
    net = Net(edge, BACK, app("other"))
    on(net, "back", pod_place("back-0"))
    press(net, Kind.SLOW_ANSWERS, pod_place("back-0"), 0.6)
    flow = found(net, "edge", 8)
    assert flow.pool[0] > 1
    assert flow.routes["/"].share("503")[0] > 0.2
    assert seconds(net, "edge") > 1.2
    assert flow.utilisation[0] < 0.5


def test_a_call_is_made_again_as_often_as_its_attempts_allow() -> None:
    assert attempts_made(np.array([0.0, 0.5, 1.0]), 3).tolist() == [1.0, 1.75, 3.0]
    stubborn = as_configured(call("back"), {"RETRY_ATTEMPTS": "4", "UPSTREAM_TIMEOUT_MS": "250"})
    assert (stubborn.attempts, stubborn.timeout) == (4, 0.25)
    assert as_configured(call("back"), {"RETRY_ATTEMPTS": "many"}) == call("back")


def test_retries_hide_rare_failures_and_cost_requests() -> None:
    edge = app("edge", call("back", attempts=3))
    net = Net(edge, BACK)
    net.backends["shop", "back"].closed = 1
    assert net.errors("edge") == pytest.approx(0.125, abs=0.01)
    assert the_call(net).rate[0] == pytest.approx(1.75 * net.rate("edge"), rel=0.01)


def stubborn_net() -> Net:
    back: App = replace(BACK, routes=(replace(BACK.routes[0], cpu_ms=6.0),))
    return Net(app("edge", call("back", attempts=10, timeout=0.3)), back)


def test_a_retry_storm_outlives_its_cause() -> None:
    net = stubborn_net()
    assert found(net, "back", 8).utilisation[0] < 0.4
    pressure, level = Pressure(Kind.HEAVY_REQUESTS, "shop/back"), Level(2.0)
    net.conditions.press(pressure, level)
    net.solve(8)
    net.conditions.lift(pressure, level)
    assert found(net, "back", 20).utilisation[0] > 1.2
    assert net.errors("edge") > 0.3


def test_a_storm_ends_when_the_client_stops_asking_again() -> None:
    net = stubborn_net()
    level = Level(2.0)
    net.conditions.press(Pressure(Kind.HEAVY_REQUESTS, "shop/back"), level)
    net.solve(8)
    net.conditions.lift(Pressure(Kind.HEAVY_REQUESTS, "shop/back"), level)
    on(net, "edge", env={**net.groups[0].env, "RETRY_ATTEMPTS": "1"})
    assert found(net, "back", 10).utilisation[0] < 0.4
    assert net.errors("edge") < 0.01


@pytest.mark.parametrize(
    ("env", "least", "most"),
    [
        ({}, 0.94, 0.94),
        ({"CACHE_TTL_SECONDS": "3600"}, 0.92, 0.94),
        ({"CACHE_TTL_SECONDS": "1"}, 0.0, 0.05),
        ({"CACHE_MAX_KEYS": "600"}, 0.0, 0.01),
        ({"CACHE_TTL_SECONDS": "long"}, 0.94, 0.94),
    ],
)
def test_a_cache_hits_as_it_is_configured(env: dict[str, str], least: float, most: float) -> None:
    assert least <= hit_share(env) <= most


def test_what_a_cache_misses_falls_through_to_the_database() -> None:
    lookup, query = call("cache", required=False), call("base", per_request=0.06, behind="cache")
    net = Net(app("edge", lookup, query), app("cache"), app("base"))
    assert net.rate("base") == pytest.approx(0.06 * net.rate("edge"), rel=0.02)
    on(net, "cache", env={"CACHE_TTL_SECONDS": "0"})
    assert net.rate("base") == pytest.approx(net.rate("edge"), rel=0.02)
    assert misses_over_usual(np.array([USUAL_HITS]))[0] == pytest.approx(1)


def test_a_cache_that_does_not_answer_hits_nothing() -> None:
    lookup, query = call("cache", required=False), call("base", per_request=0.06, behind="cache")
    net = Net(app("edge", lookup, query), app("cache"), app("base"), cache=0)
    assert net.rate("base") == pytest.approx(net.rate("edge"), rel=0.02)


def test_a_level_that_ends_presses_no_longer() -> None:
    conditions = Conditions()
    conditions.press(Pressure(Kind.CPU_STEAL, "node/a"), Level(0.5, since=10, until=20))
    assert conditions.total(Kind.CPU_STEAL, "node/a", np.array([5.0, 15.0, 25.0])).tolist() == [0, 0.5, 0]
    assert conditions.marks() == {"node/a"}
