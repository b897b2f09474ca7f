"""A node whose network or clock is wrong: every pod of it suffers, and none of another node."""

from __future__ import annotations

import pytest

from simulator.faults import Component
from simulator.objects import with_spec
from tests.simulator.worlds import Watch, whole_world

FAULTS = ("node_network_delay", "node_network_packet_loss", "node_clock_skew")
RESENT = "sum by (node) (rate(node_netstat_Tcp_RetransSegs[1m]))"


def node_of(watch: Watch, app: str) -> str:
    return str(watch.pods(app)[0]["spec"]["nodeName"])


def drain(watch: Watch, node: str) -> None:
    """Cordon, and evict all of the shop's pods, as `kubectl drain` does."""
    store = watch.world.store
    found = store.get("Node", None, node)
    assert found is not None
    store.update("Node", with_spec(found, unschedulable=True))
    for pod in store.list("Pod"):
        if pod["spec"].get("nodeName") == node and pod["metadata"]["namespace"] in watch.world.shop.namespaces:
            store.delete("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    watch.world.kick()


def own_seconds(watch: Watch, app: str) -> dict[str, float]:
    """By node: how long a request takes there."""
    flow = watch.world.present_flow()
    return {
        member.run.node: max(float(served.ok.mean[0]) for served in group.routes.values())
        for group in flow.groups
        for member in group.group.members
        if group.group.app.name == app and group.routes
    }


def test_only_the_pods_of_the_slow_node_are_slow() -> None:
    watch = Watch(whole_world())
    asked = {node_of(watch, app) for app in ("session-cache", "shop-db")}
    node = next(pod["spec"]["nodeName"] for pod in watch.pods("catalogue") if pod["spec"]["nodeName"] not in asked)
    watch.inject("node_network_delay", node)
    seconds = own_seconds(watch.after(60), "catalogue")
    assert len(seconds) > 1
    others = [value for name, value in seconds.items() if name != node]
    assert seconds[node] > 3 * max(others)
    assert watch.ledger.entries()[0].component == Component("Node", "", node)


def test_lost_packets_are_counted_where_they_are_lost() -> None:
    watch = Watch(whole_world())
    node = node_of(watch, "catalogue")
    watch.inject("node_network_packet_loss", node)
    resent = watch.after(120).query(RESENT)
    assert resent[node] == max(resent.values())
    dropped = watch.query("sum by (node) (rate(node_network_transmit_drop_total[1m]))")
    assert dropped[node] > 1


def test_a_clock_that_is_ahead_makes_tokens_unbelievable_and_shifts_the_times_in_the_logs() -> None:
    watch = Watch(whole_world())
    callers = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in watch.pods("checkout")}
    node = next(iter(callers.values()))
    watch.inject("node_clock_skew", node, seconds=300)
    watch.after(90)
    assert any("token used before issued" in line for line in watch.log("checkout"))
    offsets = watch.query("node_timex_offset_seconds")
    assert len([value for value in offsets.values() if value > 200]) == 1
    name = next(name for name, where in callers.items() if where == node)
    lines = watch.world.read_log("shop", name, "checkout", previous=False)
    assert lines
    last = lines[-1]
    assert last.at.strftime("%H:%M") not in last.text.split()[0]


def test_a_clock_that_is_behind_makes_tokens_expire() -> None:
    watch = Watch(whole_world())
    watch.inject("node_clock_skew", node_of(watch, "checkout"), direction="behind")
    assert any("token is expired" in line for line in watch.after(90).log("checkout"))


@pytest.mark.parametrize("fault", FAULTS)
def test_draining_the_node_heals_and_so_does_taking_it_back(fault: str) -> None:
    watch = Watch(whole_world())
    node = node_of(watch, "catalogue")
    injected = watch.inject(fault, node)
    watch.after(45)
    assert not watch.is_healed(injected)
    drain(watch, node)
    assert watch.after(60).is_healed(injected)


@pytest.mark.parametrize("fault", FAULTS)
def test_named_by_a_program_it_is_the_node_of_its_first_pod(fault: str) -> None:
    watch = Watch(whole_world())
    watch.inject(fault, "catalogue")
    assert watch.ledger.entries()[0].component.kind == "Node"
    watch.ledger.remove("f1")
    assert not watch.world.conditions.marks()
