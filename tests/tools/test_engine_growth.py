"""What grows with the square is asked once: counted in work done, because seconds depend on the machine."""

from random import Random
from typing import Any

import pytest

from tests.tools.objects import (
    NS,
    Object,
    at,
    container,
    deployment,
    event,
    node,
    pod,
    replica_set,
    service,
    snapshot,
)
from tools.engines import crowding, placement, shelves
from tools.engines.analyzers import examine, ports, routing
from tools.engines.analyzers.claims import _distance, claims_that_no_volume_fits
from tools.engines.analyzers.placement import pods_that_no_node_takes
from tools.engines.analyzers.preemption import workloads_that_were_preempted
from tools.engines.graph import Graph
from tools.engines.labels import BySelector
from tools.engines.snapshot import Snapshot
from tools.engines.volumes import what_keeps_apart


class Counted:
    """A function that is called as before, with the calls counted."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


def counted(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> Counted:
    counter = Counted(getattr(place, name))
    # A plain function, so that it binds where it stands for a method.
    monkeypatch.setattr(place, name, lambda *arguments: counter(*arguments))
    return counter


def before_one_program(count: int, target: int = 9999, protocol: str = "TCP") -> list[Object]:
    """That many Services which all select the baker."""
    owner = deployment("baker")
    found = [owner, made := replica_set(owner, 1, ready=2), pod(made)]
    for number in range(count):
        front = service(f"door-{number}", {"app": "baker"})
        front["spec"]["ports"] = [{"port": 80, "targetPort": target, "protocol": protocol}]
        found.append(front)
    return found


def found(analyzer: Any, seen: Snapshot) -> list[Any]:
    return list(analyzer(seen, Graph(seen)))


@pytest.mark.parametrize(
    ("analyzer", "target", "protocol"),
    [(ports.ports_where_nobody_listens, 9999, "TCP"), (ports.protocols_that_nobody_speaks, 8080, "UDP")],
)
def test_where_one_program_listens_is_asked_once_for_all_services_before_it(
    analyzer: Any, target: int, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch, ports, "listening")
    assert len(found(analyzer, snapshot(*before_one_program(20, target, protocol)))) == 20
    assert asked.calls == 1


def test_services_of_a_program_are_not_listed_for_each_service_that_selects_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch, BySelector, "picking")
    doors, owners = before_one_program(20), [deployment(f"door-{number}") for number in range(20)]
    assert len(found(routing.selectors_that_match_another, snapshot(*doors, *owners))) == 0
    assert asked.calls == 0


def test_a_service_that_took_the_pods_of_a_program_with_its_own_service_is_still_found() -> None:
    doors = before_one_program(3, target=8080)
    seen = snapshot(*doors, service("baker"), deployment("door-1"))
    assert [str(one.component) for one in found(routing.selectors_that_match_another, seen)] == [
        f"Deployment {NS}/door-1"
    ]


@pytest.mark.parametrize("selector", [{"app": "miller"}, {}])
def test_a_service_of_the_programs_name_that_selects_others_is_not_its_own(selector: dict[str, str]) -> None:
    other = service("baker")
    other["spec"]["selector"] = selector
    seen = snapshot(*before_one_program(3, target=8080), other, deployment("door-1"))
    assert found(routing.selectors_that_match_another, seen) == []


def test_what_an_ingress_leads_to_is_read_once_and_by_both_ways_of_naming_it() -> None:
    paths = [{"backend": {"service": {"name": "new"}}}, {"backend": {"serviceName": "old"}}, {"backend": 7}]
    rules = {"rules": [{"http": {"paths": paths}}], "defaultBackend": {"service": {"name": "rest"}}}
    seen = snapshot({"kind": "Ingress", "metadata": {"name": "gate", "namespace": NS}, "spec": rules})
    assert seen.led_to == {(NS, "new"), (NS, "old"), (NS, "rest")}
    assert seen.led_to is seen.led_to


@pytest.mark.parametrize("code", [["1"], {"code": 1}, "137", None])
def test_an_exit_code_that_is_no_number_ends_no_search(code: Any) -> None:
    asked = container()
    asked["livenessProbe"] = {"httpGet": {"port": 9090, "path": "/"}}
    owner = deployment("baker", asked, available=0)
    made = replica_set(owner, 1, asked)
    ended = {"terminated": {"reason": "Error", "exitCode": code}}
    one = pod(made, ready=False)
    one["status"]["containerStatuses"] = [
        {"name": "app", "ready": False, "restartCount": 5, "state": {"running": {}}, "lastState": ended}
    ]
    told = {"kind": "Event", "metadata": {"name": "e", "namespace": NS}, "type": "Warning", "reason": "Unhealthy",
            "message": "Liveness probe failed: dial tcp 10.0.0.1:9090: connect: connection refused", "count": 9,
            "involvedObject": {"kind": "Pod", "namespace": NS, "name": one["metadata"]["name"]},
            "lastTimestamp": "2026-01-01T00:00:00Z"}  # fmt: skip
    seen = snapshot(owner, made, one, told)
    assert examine(seen, Graph(seen))[1] == []


def lone(name: str, *, cpu: str = "1", where: str = "", priority: int = 0, **spec: Any) -> Object:
    """A pod of its own, which waits unless it is said where it is."""
    asked = container()
    asked["resources"] = {"requests": {"cpu": cpu}}
    placed = {"nodeName": where} if where else {}
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": NS, "name": name, "uid": f"uid-{name}", "creationTimestamp": at(3 if where else 9),
            "labels": {"app": name, "trade": "baker"},
        },
        "spec": {"containers": [asked], "priority": priority, **placed, **spec},
        "status": {"phase": "Running" if where else "Pending"},
    }  # fmt: skip


def machines(count: int, **labels: Any) -> list[Object]:
    found = [node(f"n{number}", cpu="2", memory="8Gi", pods="110") for number in range(count)]
    for one in found:
        one["metadata"]["labels"] |= labels
    return found


def apart_from(label: str, value: str) -> Object:
    rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {label: value}}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}


def test_nodes_are_asked_once_for_all_pods_that_want_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch, placement._Rules, "on")
    seen = snapshot(*machines(5), *(lone(f"w{number}", cpu="3") for number in range(40)))
    assert len(found(pods_that_no_node_takes, seen)) == 40
    assert asked.calls == 5


def test_pods_that_want_different_things_are_told_what_each_of_them_wants() -> None:
    seen = snapshot(*machines(2), lone("three", cpu="3"), lone("four", cpu="4"), lone("one", cpu="1"))
    quotes = {str(one.component.name): one.evidence[0].quote for one in found(pods_that_no_node_takes, seen)}
    assert {name: quote[:15] for name, quote in quotes.items()} == {
        "three": "n0: cpu: 3 aske",
        "four": "n0: cpu: 4 aske",
    }


def test_whom_pods_keep_off_is_found_without_asking_every_pod_about_every_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch, crowding, "matches")
    monkeypatch.setattr(placement, "matches", crowding.matches)
    there = [lone(f"r{n}", where=f"n{n % 5}", affinity=apart_from("app", f"x{n}")) for n in range(60)]
    waits = [lone(f"w{n}", cpu="9", affinity=apart_from("app", f"w{n}")) for n in range(60)]
    assert len(found(pods_that_no_node_takes, snapshot(*machines(5), *there, *waits))) == 60
    assert asked.calls < 5 * 120


def test_what_keeps_pods_apart_is_seen_from_both_sides() -> None:
    away = [lone("r0", where="n0", affinity=apart_from("app", "guest")), lone("r1", where="n1")]
    guest = lone("guest", cpu="0.1", affinity=apart_from("app", "r1"))
    places = placement.Places(snapshot(*machines(3), *away, guest))
    kept = {where: [one.detail for one in row] for where, row in places.obstacles(guest).items()}
    assert kept == {
        "n0": ["r0 is already in kubernetes.io/hostname=n0"],
        "n1": ["r1 is already in kubernetes.io/hostname=n1"],
        "n2": [],
    }


def test_pods_beyond_what_can_be_compared_are_judged_by_what_the_scheduler_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(placement, "MAX_ASKED", 10)
    asked = counted(monkeypatch, placement._Rules, "on")
    waits = [lone(f"w{number}", cpu=f"{3 + number}") for number in range(9)]
    said = [event(one, "FailedScheduling", "0/5 nodes are available: 5 Insufficient cpu.") for one in waits]
    causes = found(pods_that_no_node_takes, snapshot(*machines(5), *waits, *said))
    assert {one.fault for one in causes} == {"cpu_capacity_mismatch"}
    assert len(causes) == 9
    assert asked.calls == 10


def test_who_took_the_room_is_asked_once_for_all_pods_that_want_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch, placement._Rules, "on")
    there = [lone(f"r{number}", cpu="2", where=f"n{number}", priority=100) for number in range(5)]
    seen = snapshot(*machines(5), *there, *(lone(f"w{number}") for number in range(40)))
    causes = found(workloads_that_were_preempted, seen)
    assert len(causes) == 40
    assert asked.calls == 5
    assert {one.facts["taken_by"] for one in causes} == {f"Pod {NS}/r0"}


@pytest.mark.parametrize("by", [f"{NS}/r1", "uid-r1"])
def test_who_preempted_is_found_by_name_and_by_uid(by: str) -> None:
    waits = lone("w", priority=1)
    told = event(waits, "Preempted", f"Preempted by {by} on node n0")
    causes = found(workloads_that_were_preempted, snapshot(*machines(1), lone("r1", where="n0"), waits, told))
    assert [one.facts["taken_by"] for one in causes] == [f"Pod {NS}/r1"]


@pytest.mark.parametrize("garbage", [["a"], {"a": 1}, 7, None])
def test_labels_and_taints_that_are_no_text_end_no_search_for_a_node(garbage: Any) -> None:
    beside = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"trade": "baker"}}}
    rules = {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [beside]}
             for kind in ("podAffinity", "podAntiAffinity")}  # fmt: skip
    there = machines(2, zone=garbage)
    there[0]["spec"]["taints"] = [
        {"key": garbage, "value": garbage, "effect": garbage},
        {"key": "x", "effect": "NoSchedule"},
    ]
    spread = {"topologyKey": "zone", "maxSkew": 1, "labelSelector": {"matchLabels": {"trade": garbage}}}
    tolerated = [{"key": garbage, "operator": garbage, "value": garbage, "effect": garbage}]
    waits = [
        lone("w0", affinity={"podAffinity": rules["podAffinity"]}),
        lone("w1", affinity={"podAntiAffinity": rules["podAntiAffinity"]}),
        lone("w2", topologySpreadConstraints=[spread], tolerations=tolerated, nodeSelector={"zone": garbage}),
    ]
    seen = snapshot(*there, lone("r0", where="n0"), *waits)
    assert examine(seen, Graph(seen), (pods_that_no_node_takes, workloads_that_were_preempted))[1] == []


def claim(name: str, **spec: Any) -> Object:
    asked = {
        "storageClassName": "slow",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
    }
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NS, "name": name},
        "spec": asked | spec,
        "status": {"phase": "Pending"},
    }


def volume(name: str, size: int = 10, **spec: Any) -> Object:
    given = {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": f"{size}Gi"}}
    return {"kind": "PersistentVolume", "metadata": {"name": name, "labels": {"app": name}}, "spec": given | spec}


def mounting(name: str, asked: str) -> Object:
    return lone(name, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": asked}}])


def test_claims_are_compared_with_the_few_volumes_that_may_be_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch, shelves, "what_keeps_apart")
    each = [(mounting(f"w{n}", f"c{n}"), claim(f"c{n}"), volume(f"v{n}", 10 + n)) for n in range(40)]
    causes = found(claims_that_no_volume_fits, snapshot(*(one for row in each for one in row)))
    assert [one.fault for one in causes] == ["pvc_storage_class_mismatch"] * 40
    assert asked.calls <= 3 * 40


def test_claims_of_sets_are_known_by_their_names_and_not_by_going_through_all_sets() -> None:
    owner = deployment("baker")
    owner["kind"] = "StatefulSet"
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    names = ("data-baker-0", "data-baker-12", "data-baker-x", "data-baker", "other-baker-0")
    seen = snapshot(owner, volume("v"), *(claim(name) for name in names))
    assert [one.facts["claim"] for one in found(claims_that_no_volume_fits, seen)] == ["data-baker-0"]
    apart = snapshot(owner, volume("v"), claim("data-baker-x"), claim("other-baker-0"))
    assert found(claims_that_no_volume_fits, apart) == []


def anything(chance: Random, number: int) -> Object:
    held = (
        {"claimRef": {"namespace": NS, "name": chance.choice(["data-mill", "else"])}} if chance.random() < 0.4 else {}
    )
    modes = chance.choice([["ReadWriteOnce"], ["ReadOnlyMany"], ["ReadWriteOnce", "ReadOnlyMany"]])
    kind = chance.choice(["fast", "slow", ""])
    name = chance.choice(["pv-mill", "pv-data", "data-mill", "disk"])
    return volume(f"{name}-{number}", chance.choice([1, 5, 20]), storageClassName=kind, accessModes=modes, **held)


@pytest.mark.parametrize("seed", range(60))
def test_the_few_volumes_compared_hold_the_nearest_of_all(seed: int) -> None:
    chance = Random(seed)
    volumes = [anything(chance, number) for number in range(chance.randint(1, 30))]
    chosen = chance.choice([{}, {"selector": {"matchLabels": {"app": chance.choice(volumes)["metadata"]["name"]}}}])
    asked = claim("data-mill", **chosen)
    everything = [(one, what_keeps_apart(asked, one)) for one in volumes]
    few = shelves.Shelves(snapshot(*volumes)).near(asked)
    nearest = [min(row, key=lambda pair: _distance(asked, *pair))[0] for row in (everything, few)]
    assert nearest[0] is nearest[1]
    assert any(not apart for _, apart in few) == any(not apart for _, apart in everything)


def test_a_service_is_compared_by_ports_without_listing_the_services_of_the_program_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch, BySelector, "picking")
    doors = before_one_program(20, target=8080)
    seen = snapshot(*doors, service("baker"), *(deployment(f"door-{number}") for number in range(20)))
    assert len(found(routing.selectors_that_match_another, seen)) == 20
    assert asked.calls == 20
