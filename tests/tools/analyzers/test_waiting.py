"""Who waits for whom, where not everything is measured."""

from dataclasses import replace

from tests.tools.analyzers.measured import (
    Metrics,
    alert,
    causes,
    flat,
    machines,
    of_pods,
    of_service,
    pods_of,
    program,
    seen,
    step,
    verdict,
)
from tests.tools.objects import NS, Object
from tools.engines.graph import Graph
from tools.engines.logs.digest import digest
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.slow import roots, whom_all_wait_for
from tools.engines.snapshot import LogKey, Snapshot

LATE = step(0.05, 2.0)
NAMES = ("gate", "baker", "mill", "well")
TOWN = [
    *machines("n1", "n2"),
    *program("gate", on=["n1"], calls=["baker", "mill", "well"]),
    *program("baker", on=["n1"], calls=["vault", "shelf"]),
    *program("mill", on=["n1"], calls=["vault", "shelf"]),
    *program("well", on=["n2"]),
    *program("vault", on=["n2"], image="postgres:16"),
    *program("shelf", on=["n2"], image="redis:7"),
]


def measured(*late: str, names: tuple[str, ...] = NAMES) -> Metrics:
    return {
        "latency": [one for name in names for one in of_service(name, LATE if name in late else flat(0.05))],
        "cpu_usage": [one for name in names for one in of_pods(name, flat(0.1), 1)],
    }


def scene_of(objects: list[Object], metrics: Metrics) -> Scene:
    snap = seen(objects, metrics)
    return Scene(snap, Graph(snap))


def with_log(metrics: Metrics, objects: list[Object] = TOWN, **logs: str) -> Snapshot:
    told = {LogKey(NS, pods_of(name, 1)[0], "app"): digest(text.splitlines()) for name, text in logs.items()}
    return replace(seen(objects, metrics), logs=told)


def said(snap: Snapshot) -> list[tuple[str, str]]:
    return [(one.finding.fault, one.finding.component.name) for one in verdict(snap).causes]


def test_several_that_became_slow_wait_for_the_database_that_they_share() -> None:
    assert causes(TOWN, measured("gate", "baker", "mill"))[0] == ("slow_dependency", "vault")


def test_of_two_that_they_share_the_one_that_is_complained_of() -> None:
    errors = "\n".join(f"2026-03-02T08:5{n}:00Z ERROR read tcp: shelf:6379: i/o timeout" for n in range(6))
    assert said(with_log(measured("gate", "baker", "mill"), baker=errors))[0] == ("slow_dependency", "shelf")


def test_one_alone_that_is_slow_waits_for_nobody_that_is_known() -> None:
    assert ("slow_dependency", "vault") not in causes(TOWN, measured("gate", "baker"))


def test_what_a_quick_program_asks_as_well_is_not_slow() -> None:
    town = [*TOWN, *program("post", on=["n2"], calls=["vault"]), *program("shop", on=["n2"], calls=["vault"])]
    names = (*NAMES, "post", "shop")
    scene = scene_of(town, measured("baker", "mill", names=names))
    waiting = [one.component for one in scene.snapshot.programs if one.name in {"baker", "mill"}]
    assert [one.name for one in whom_all_wait_for(scene, waiting)] == ["shelf"]


def test_what_is_measured_and_quick_is_not_what_they_wait_for() -> None:
    metrics = measured("baker", "mill", names=(*NAMES, "vault", "shelf"))
    scene = scene_of(TOWN, metrics)
    waiting = [one.component for one in scene.snapshot.programs if one.name in {"baker", "mill"}]
    assert whom_all_wait_for(scene, waiting) == []


def test_the_machine_under_several_is_not_blamed_where_they_share_a_database() -> None:
    assert "node_network_delay" not in [fault for fault, _ in causes(TOWN, measured("gate", "baker", "mill"))]


def test_through_a_program_that_nobody_times_one_waits_for_the_next() -> None:
    town = [*machines(), *program("gate", calls=["door"]), *program("door", calls=["baker"]), *program("baker")]
    scene = scene_of(town, {"latency": [*of_service("gate", LATE), *of_service("baker", LATE)]})
    slow = [one.component for one in scene.snapshot.programs if one.name in {"gate", "baker"}]
    assert [one.name for one in roots(scene, slow)] == ["baker"]


def test_through_a_program_that_is_quick_nobody_waits() -> None:
    town = [*machines(), *program("gate", calls=["door"]), *program("door", calls=["baker"]), *program("baker")]
    metrics: Metrics = {
        "latency": [*of_service("gate", LATE), *of_service("door", flat(0.05)), *of_service("baker", LATE)]
    }
    scene = scene_of(town, metrics)
    slow = [one.component for one in scene.snapshot.programs if one.name in {"gate", "baker"}]
    assert [one.name for one in roots(scene, slow)] == ["baker", "gate"]


def test_alerts_about_late_answers_point_at_the_innermost_however_far() -> None:
    town = [*machines(), *program("gate", calls=["door"]), *program("door", calls=["baker"]), *program("baker")]
    late = [
        alert("SlowResponses", f"latency of {name} is above 1s", namespace=NS, service=name)
        for name in ("gate", "baker")
    ]
    assert [name for _, name in causes(town, None, late)] == ["baker"]


def test_answers_that_do_not_come_make_the_callee_slow_and_not_its_network() -> None:
    town = [*machines(), *program("gate", calls=["baker"]), *program("baker"), *program("mill")]
    names = ("gate", "baker", "mill")
    metrics = measured("gate", "baker", names=names)
    lines = "\n".join(
        f"2026-03-02T08:5{n}:00Z ERROR TaskCanceledException: configured HttpClient.Timeout of 3 seconds elapsing"
        for n in range(6)
    )
    assert said(with_log(metrics, town))[0] == ("pod_network_delay", "baker")
    assert said(with_log(metrics, town, gate=lines))[0] == ("slow_dependency", "baker")
