"""A small town of programs on two machines with measurements that are drawn from a seed, for tests of what numbers show."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.tools.objects import (
    NOW,
    NS,
    Object,
    at,
    container,
    deployment,
    node,
    pod,
    replica_set,
    service,
    snapshot,
)
from tools.engines.analyzers import examine
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.rank import Verdict, rank
from tools.engines.snapshot import Alert, Series, Signal, Snapshot

SAMPLES, STEP = 60, 60.0
HALF = SAMPLES // 2
Shape = Callable[[int], float]
Metrics = dict[Signal, list[Series]]


def flat(level: float) -> Shape:
    return lambda _: level


def step(before: float, after: float, begins: int = HALF) -> Shape:
    return lambda place: after if place >= begins else before


def ramp(before: float, after: float, begins: int = HALF) -> Shape:
    return lambda place: before + (after - before) * max(0.0, place - begins) / (SAMPLES - 1 - begins)


def saw(low: float, high: float, teeth: int = 3) -> Shape:
    size = SAMPLES // teeth
    return lambda place: low + (high - low) * (place % size) / (size - 1)


def pulse(level: float, peak: float) -> Shape:
    return lambda place: peak if 20 <= place < 32 else level


def line(
    shape: Shape, labels: Mapping[str, str], *, noise: float = 0.03, seed: int = 7, query: str = "a query"
) -> Series:
    dice = random.Random(f"{seed}{sorted(labels.items())}{query}")
    end = NOW.timestamp()
    points = [
        (end - STEP * (SAMPLES - 1 - place), max(0.0, shape(place) * (1 + dice.gauss(0, noise))))
        for place in range(SAMPLES)
    ]
    return Series(dict(labels), points, query)


def program(
    name: str, *, on: Sequence[str] = ("n1", "n2"), calls: Sequence[str] = (), image: str = "", **limits: str
) -> list[Object]:
    box = container("app", image or f"reg.example/{name}:1.0", **limits)
    box["env"] = [{"name": f"{callee.upper()}_URL", "value": f"http://{callee}:80"} for callee in calls]
    owner = deployment(name, box, replicas=len(on))
    revision = replica_set(owner, 1, box, ready=len(on))
    pods = []
    for number, machine in enumerate(on):
        one = pod(revision, f"bcdf{'ghjkl'[number]}")
        one["spec"] = {**one["spec"], "nodeName": machine}
        one["status"]["podIP"] = f"10.0.{len(name)}.{number}"
        pods.append(one)
    return [owner, revision, *pods, service(name)]


def machines(*names: str) -> list[Object]:
    found = []
    for number, name in enumerate(names or ("n1", "n2")):
        one = node(name, cpu="8", memory="32Gi")
        one["status"]["addresses"] = [{"type": "InternalIP", "address": f"192.168.0.{number + 1}"}]
        found.append(one)
    return found


def pods_of(name: str, many: int = 2) -> list[str]:
    return [f"{name}-rs1-bcdf{'ghjkl'[number]}" for number in range(many)]


def of_pods(name: str, shape: Shape, many: int = 2, **more: Any) -> list[Series]:
    return [line(shape, {"namespace": NS, "pod": one, "container": "app"}, **more) for one in pods_of(name, many)]


def of_service(name: str, shape: Shape, **more: Any) -> list[Series]:
    return [line(shape, {"namespace": NS, "service": name}, **more)]


def of_call(client: str, server: str, shape: Shape, **more: Any) -> list[Series]:
    return [line(shape, {"client": client, "server": server}, **more)]


def alert(name: str, text: str = "", minutes_ago: float = 10, **labels: str) -> Alert:
    told = {"description": text} if text else {}
    return Alert(name, {"alertname": name, **labels}, told, "active", NOW - timedelta(minutes=minutes_ago))


def alert_with(name: str, labels: Mapping[str, str]) -> Alert:
    return replace(alert(name), labels={"alertname": name, **labels})


def seen(
    objects: Sequence[Object], metrics: Mapping[Signal, Sequence[Series]] | None = None, alerts: Sequence[Alert] = ()
) -> Snapshot:
    return replace(snapshot(*objects, metrics=metrics), alerts=alerts)


def verdict(snap: Snapshot) -> Verdict:
    graph = Graph(snap)
    findings, broken = examine(snap, graph)
    assert not broken
    return rank(findings, graph)


def causes(
    objects: Sequence[Object], metrics: Mapping[Signal, Sequence[Series]] | None = None, alerts: Sequence[Alert] = ()
) -> list[tuple[str, str]]:
    found = verdict(seen(objects, metrics, alerts))
    return [(one.finding.fault, one.finding.component.name) for one in found.causes]


def first(
    objects: Sequence[Object], metrics: Mapping[Signal, Sequence[Series]] | None = None, alerts: Sequence[Alert] = ()
) -> Finding:
    return verdict(seen(objects, metrics, alerts)).causes[0].finding


def autoscaler(name: str, most: int, now: int) -> Object:
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": NS, "creationTimestamp": at(600)},
        "spec": {"maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": name}},
        "status": {"currentReplicas": now, "desiredReplicas": now},
    }
