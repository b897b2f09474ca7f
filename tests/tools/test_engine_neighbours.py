"""Which namespaces lie around one, from addresses and from calls; and how much room the nodes have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.objects import (
    NS,
    Object,
    caller,
    container,
    deployment,
    moved_to,
    node,
    pod,
    replica_set,
    service,
    snapshot,
)
from tests.tools.objects import series as line
from tools.engines.capacity import Room, requests, room
from tools.engines.graph import Graph
from tools.engines.neighbours import Around, Directory, around

# A machine that many share must not look like a slow test.
quick = settings(max_examples=50, deadline=None)
LETTERS = st.sampled_from("abcdefgh")
PAIRS = st.lists(st.tuples(LETTERS, LETTERS), max_size=20)


def one_each(names: str = "abcdefgh") -> list[Object]:
    """A Service a namespace: `a` in ns-a and so on."""
    return [moved_to(f"ns-{name}", service(name))[0] for name in names]


def near(pairs: list[tuple[str, str]], home: str = "a") -> Around:
    return around(moved_to(f"ns-{home}", service(home)), pairs, [f"ns-{home}"], Directory.of(one_each()))


def test_what_is_called_comes_nearest_first() -> None:
    assert near([("c", "d"), ("b", "c"), ("a", "b"), ("a", "e")]).called == ["ns-b", "ns-e", "ns-c", "ns-d"]


def test_who_calls_is_kept_apart_and_only_one_step_away() -> None:
    found = near([("b", "a"), ("c", "b"), ("a", "d")])
    assert (found.called, found.callers) == (["ns-d"], ["ns-b"])


@quick
@given(PAIRS)
def test_circles_end_and_home_is_never_its_own_neighbour(pairs: list[tuple[str, str]]) -> None:
    found = near(pairs)
    everything = [*found.called, *found.callers]
    assert len(everything) == len(set(everything))
    assert "ns-a" not in everything


@quick
@given(PAIRS)
def test_everything_that_can_be_reached_by_calls_is_there_and_nothing_else(pairs: list[tuple[str, str]]) -> None:
    reached, grew = {"a"}, True
    while grew:
        more = {server for client, server in pairs if client in reached} - reached
        reached |= more
        grew = bool(more)
    assert set(near(pairs).called) == {f"ns-{name}" for name in reached - {"a"}}


@quick
@given(PAIRS)
def test_without_a_directory_every_name_that_is_called_is_lost_and_none_is_guessed(
    pairs: list[tuple[str, str]],
) -> None:
    found = around(moved_to("ns-a", service("a")), pairs, ["ns-a"], Directory(unread="not allowed"))
    assert found.called == found.callers == []
    assert set(found.lost) == {place.removeprefix("ns-") for place in near(pairs).called}


@pytest.mark.parametrize(
    ("value", "namespaces"),
    [
        ("http://ledger.ns-b:80/x", ["ns-b"]),
        ("ledger.ns-b.svc.cluster.local:5432", ["ns-b"]),
        ("kafka-0.ns-b.svc:9092,kafka-1.ns-c.svc:9092", ["ns-b", "ns-c"]),
        ("http://ledger:80", []),
        ("https://ns-b.example.com:443/a.ns-b.c", []),
        ("http://ledger.nowhere:80", []),
    ],
)
def test_addresses_of_services_name_namespaces(value: str, namespaces: list[str]) -> None:
    assert around([caller("shopfront", value)], [], [NS], Directory.of(one_each())).called == namespaces


def test_an_address_too_long_to_be_one_is_not_read() -> None:
    assert around([caller("shopfront", "http://x.ns-b:80," * 500)], [], [NS], Directory.of(one_each())).called == []


def test_a_call_by_name_means_the_callers_own_namespace_first() -> None:
    mine, other = [deployment("cache"), service("cache")], moved_to("away", deployment("cache"), service("cache"))
    calls = [line({"client": "front", "server": "cache"}, 1.0)]
    graph = Graph(snapshot(deployment("front"), *mine, *other, metrics={"calls": calls}))
    assert [str(called) for _, called in graph.calls] == [f"Service {NS}/cache"]


def test_a_call_by_a_name_that_two_other_namespaces_bear_is_no_edge() -> None:
    calls = [line({"client": "front", "server": "cache"}, 1.0)]
    twins = [*moved_to("red", service("cache")), *moved_to("blue", service("cache"))]
    assert not Graph(snapshot(deployment("front"), *twins, metrics={"calls": calls})).calls


def asks(cpu: str = "500m", memory: str = "1Gi", **spec: object) -> Object:
    made = deployment("baker", {**container(), "resources": {"requests": {"cpu": cpu, "memory": memory}}})
    made["spec"]["template"]["spec"].update(spec)
    return made


def test_the_scarcest_resource_of_each_node_decides() -> None:
    nodes = [node("n1", cpu="4", memory="2Gi", pods="110"), node("n2", cpu="1", memory="64Gi", pods="110")]
    assert room(snapshot(*nodes), asks()) == Room(4, measured=False)
    assert room(snapshot(node(cpu="64", memory="64Gi", pods="3")), asks()) == Room(3, measured=False)


def test_what_stands_on_a_node_already_is_taken_off() -> None:
    standing = pod(replica_set(deployment(), 1, container(cpu="1", memory="1Gi")))
    standing["spec"] = {**standing["spec"], "nodeName": "n1"}
    assert room(snapshot(node(cpu="2", memory="8Gi"), standing), asks()) == Room(2, measured=False)


def test_what_the_metric_counts_outweighs_the_pods_that_were_read() -> None:
    reserved = [line({"node": "n1", "resource": "cpu"}, 1.5), line({"node": "n1", "resource": "memory"}, 0.0)]
    snap = snapshot(node(cpu="2", memory="8Gi"), metrics={"reserved": reserved})
    assert room(snap, asks()) == Room(1, measured=True)


@pytest.mark.parametrize("closed", [node(cordoned=True), node(ready=False), node(taint="gpu")])
def test_a_node_that_takes_no_pod_gives_no_room(closed: Object) -> None:
    closed["status"]["allocatable"] = {"cpu": "64", "memory": "64Gi"}
    assert room(snapshot(closed), asks()) == Room(0, measured=False)


@pytest.mark.parametrize(
    ("tolerations", "pods"),
    [
        ([{"key": "gpu", "operator": "Exists"}], 2),
        ([{"operator": "Exists"}], 2),
        ([{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}], 0),
        ([{"key": "gpu", "operator": "Equal", "value": "other"}], 0),
    ],
)
def test_a_tainted_node_counts_for_who_tolerates_it(tolerations: list[Object], pods: int) -> None:
    snap = snapshot(node(taint="gpu", cpu="1", memory="8Gi"))
    assert room(snap, asks(tolerations=tolerations)) == Room(pods, measured=False)


def test_a_node_without_the_labels_asked_for_gives_no_room() -> None:
    wanted = asks(nodeSelector={"kubernetes.io/hostname": "n2"})
    nodes = [node("n1", cpu="8", memory="8Gi"), node("n2", cpu="1", memory="8Gi")]
    assert room(snapshot(*nodes), wanted) == Room(2, measured=False)


def test_room_is_unknown_without_nodes_and_without_requests() -> None:
    assert room(snapshot(), asks()) is None
    assert room(snapshot(node(cpu="1")), deployment()) is None


def test_a_limit_without_a_request_is_a_request() -> None:
    assert requests(deployment("x", container(cpu="2"))["spec"]["template"])["cpu"] == 2.0
