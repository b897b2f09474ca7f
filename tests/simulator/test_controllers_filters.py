"""The scheduler's filters, asked one node at a time: which reason is given first, and whether preemption could help."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.controllers.scheduling.board import Board, Spot, requests
from simulator.controllers.scheduling.filters import refusal
from simulator.objects import Object
from simulator.store import Store

ROOM = {"cpu": 2.0, "memory": 1024.0, "pods": 3.0}


def a_pod(uid: str = "new", cpu: str = "1", **spec: Any) -> Object:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}, **spec.pop("container", {})}
    return {"metadata": {"name": uid, "uid": uid, "namespace": "shop"}, "spec": {"containers": [container], **spec}}


def a_spot(*pods: Object, **spec: Any) -> Spot:
    spot = Spot({"metadata": {"name": "n", "labels": {"disk": "ssd"}}, "spec": spec}, ROOM)
    for each in pods:
        spot.take(each)
    return spot


def refused(spot: Spot, pod: Object) -> tuple[tuple[str, ...], bool]:
    found = refusal(Board(Store(lambda: datetime(2026, 1, 1, tzinfo=UTC), 1), [spot]), spot, pod)
    return (found.reasons, found.final) if found else ((), False)


def listens(address: str, protocol: str = "TCP", number: int = 80) -> Object:
    return {"ports": [{"hostIP": address, "protocol": protocol, "hostPort": number}]}


TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
CHOSEN = ("node(s) didn't match Pod's node affinity/selector",)
PORTS = ("node(s) didn't have free ports for the requested pod ports",)


@pytest.mark.parametrize(
    ("spot", "pod", "reasons", "final"),
    [
        (a_spot(), a_pod(cpu="2"), (), False),
        (a_spot(), a_pod(cpu="2001m"), ("Insufficient cpu",), False),
        (a_spot(a_pod("old")), a_pod(cpu="1500m"), ("Insufficient cpu",), False),
        (
            a_spot(a_pod("o1"), a_pod("o2", "0"), a_pod("o3")),
            a_pod(),
            ("Too many pods", "Insufficient cpu"),
            False,
        ),
        (a_spot(unschedulable=True), a_pod(), ("node(s) were unschedulable",), True),
        (a_spot(taints=[TAINT]), a_pod(), ("node(s) had untolerated taint {dedicated: db}",), True),
        (a_spot(taints=[TAINT]), a_pod(tolerations=[{"key": "dedicated", "operator": "Exists"}]), (), False),
        (a_spot(taints=[TAINT | {"effect": "PreferNoSchedule"}]), a_pod(), (), False),
        (a_spot(), a_pod(nodeSelector={"disk": "ssd"}), (), False),
        (a_spot(), a_pod(nodeSelector={"disk": "hdd"}, cpu="9"), CHOSEN, True),
        (a_spot(a_pod("o", container=listens("10.0.0.1"))), a_pod(container=listens("")), PORTS, False),
        (a_spot(a_pod("o", container=listens("10.0.0.1"))), a_pod(container=listens("10.0.0.2")), (), False),
        (a_spot(a_pod("o", container=listens("", "UDP"))), a_pod(container=listens("")), (), False),
        (a_spot(a_pod("o", container=listens(""))), a_pod(container=listens("", number=81), cpu="0"), (), False),
    ],
)
def test_a_node_says_the_first_thing_that_speaks_against_a_pod(
    spot: Spot, pod: Object, reasons: tuple[str, ...], final: bool
) -> None:
    assert refused(spot, pod) == (reasons, final)


def test_a_node_without_some_of_its_pods_has_their_room_again() -> None:
    old = a_pod("old", "1500m")
    spot = a_spot(old, a_pod("kept", "500m"))
    assert spot.free("cpu") == 0
    assert spot.without([old]).free("cpu") == 1.5
    assert refused(spot, a_pod())[0] == ("Insufficient cpu",)
    assert refused(spot.without([old]), a_pod())[0] == ()


def amounts(cpu: str, **more: Any) -> Object:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [amounts("1"), amounts("500m")]}, 1.5),
        ({"containers": [amounts("1")], "initContainers": [amounts("3"), amounts("2")]}, 3.0),
        ({"containers": [amounts("1")], "initContainers": [amounts("2", restartPolicy="Always")]}, 3.0),
        (
            {
                "containers": [amounts("1")],
                "initContainers": [amounts("2", restartPolicy="Always"), amounts("3")],
            },
            5.0,
        ),
        ({"containers": [amounts("1")], "overhead": {"cpu": "250m"}}, 1.25),
        ({"containers": [{"name": "c", "resources": {"limits": {"cpu": "2"}}}]}, 2.0),
    ],
)
def test_a_pod_asks_for_what_it_needs_at_its_greediest(spec: Object, cpu: float) -> None:
    assert requests({"spec": spec})["cpu"] == pytest.approx(cpu)
