"""Cores out of metrics whose names tell no unit."""

from collections.abc import Sequence

import pytest

from tests.tools.analyzers.measured import Metrics, flat, line, machines, of_pods, pods_of, program, seen, step
from tests.tools.objects import NS, Object
from tools.engines.graph import Graph
from tools.engines.metrics.cores import limit_of, usage, usage_shift
from tools.engines.metrics.load import loads
from tools.engines.metrics.numbers import rates
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import level
from tools.engines.snapshot import Series

LIMITED = [*machines(), *program("gate", cpu="1"), *program("baker", cpu="500m"), *program("mill", cpu="200m")]
FREE = [*machines(), *program("gate"), *program("baker"), *program("mill")]


def scene_of(objects: Sequence[Object], metrics: Metrics) -> Scene:
    snap = seen(objects, metrics)
    return Scene(snap, Graph(snap))


def levels(gate: float, baker: float, mill: float) -> Metrics:
    return {"cpu_level": [*of_pods("gate", flat(gate)), *of_pods("baker", flat(baker)), *of_pods("mill", flat(mill))]}


def used(scene: Scene) -> dict[str, float]:
    return {who.name: round(level(many[0].points), 1) for who, many in usage(scene).items()}


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ((0.5, 0.4, 0.1), {"gate": 0.5, "baker": 0.4, "mill": 0.1}),
        ((50, 80, 50), {"gate": 0.5, "baker": 0.4, "mill": 0.1}),
        ((500, 400, 100), {"gate": 0.5, "baker": 0.4, "mill": 0.1}),
    ],
    ids=["cores", "hundredths of the limit", "thousandths of a core"],
)
def test_the_limits_tell_the_unit(told: tuple[float, float, float], meant: dict[str, float]) -> None:
    assert used(scene_of(LIMITED, levels(*told))) == meant


def test_one_that_is_above_its_limit_does_not_change_the_unit_of_twenty() -> None:
    names = [f"shop{number}" for number in range(20)]
    town = [*machines(), *(obj for name in names for obj in program(name, on=["n1"], cpu="500m"))]
    strange = [
        line(flat(0.9 if name == "shop0" else 0.2), {"namespace": NS, "pod": pods_of(name)[0]}) for name in names
    ]
    assert used(scene_of(town, {"cpu_level": strange}))["shop1"] == 0.2


def test_small_numbers_without_any_limit_are_cores() -> None:
    assert used(scene_of(FREE, levels(0.1, 3.0, 0.1))) == {"gate": 0.1, "baker": 3.0, "mill": 0.1}


def test_large_numbers_without_any_limit_are_in_nobody_knows_what() -> None:
    assert used(scene_of(FREE, levels(40, 90, 30))) == {}


def test_a_name_that_tells_the_unit_goes_before_one_that_does_not() -> None:
    metrics = {**levels(50, 80, 50), "cpu_usage": of_pods("baker", flat(0.3))}
    assert used(scene_of(LIMITED, metrics))["baker"] == 0.3


def test_all_pods_of_a_program_move_together() -> None:
    scene = scene_of(LIMITED, {"cpu_level": of_pods("baker", step(0.1, 0.4), noise=0.01)})
    (who,) = usage(scene)
    moved = usage_shift(scene, who)
    assert moved is not None
    assert 3.8 < moved.times < 4.2


def test_a_limit_is_read_from_the_pod_and_else_from_its_exporter() -> None:
    told: Metrics = {"cpu_limit": of_pods("baker", flat(0.7), noise=0)}
    for objects, meant in ((LIMITED, 0.5), (FREE, 0.7)):
        scene = scene_of(objects, told)
        baker = next(one for one in scene.snapshot.programs if one.name == "baker")
        assert limit_of(scene, baker, of_pods("baker", flat(0.1))[0]) == meant


def test_a_share_of_the_limit_is_cores_too_where_the_limit_is_known() -> None:
    scene = scene_of(LIMITED, {"cpu_share": of_pods("baker", flat(0.8), noise=0)})
    baker = next(one for one in scene.snapshot.programs if one.name == "baker")
    assert loads(scene, baker)[0].used == pytest.approx(0.4)


def test_a_pod_of_one_container_needs_no_label_to_say_which() -> None:
    bare = [Series({"namespace": NS, "pod": pod}, of_pods("baker", flat(0.4))[0].points) for pod in pods_of("baker")]
    scene = scene_of(LIMITED, {"cpu_usage": bare})
    baker = next(one for one in scene.snapshot.programs if one.name == "baker")
    assert {load.container for load in loads(scene, baker)} == {"app"}


def test_idle_time_that_was_read_a_hair_lower_is_no_restart() -> None:
    falls = [(0.0, 1_000_000.0), (60.0, 1_000_000.0), (120.0, 999_999.9), (180.0, 1_000_000.0)]
    assert max(value for _, value in rates(falls)) < 0.01


def test_what_begins_again_at_nothing_is_a_restart() -> None:
    assert rates([(0.0, 600.0), (60.0, 30.0)]) == [(60.0, 0.5)]
