"""What grows with the square is asked once: counted in work done, because seconds depend on the machine."""

from typing import Any

import pytest

from tests.tools.objects import NS, Object, container, deployment, pod, replica_set, service, snapshot
from tools.engines.analyzers import examine, ports, routing
from tools.engines.graph import Graph
from tools.engines.labels import BySelector
from tools.engines.snapshot import Snapshot


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
