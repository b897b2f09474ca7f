"""A load that outgrows an autoscaler: it stands at its maximum, and only a higher one helps."""

from __future__ import annotations

from simulator.objects import condition, with_spec
from tests.simulator.worlds import Watch, small_world


def limited(watch: Watch) -> tuple[str, str]:
    found = condition(watch.get("HorizontalPodAutoscaler", "search"), "ScalingLimited") or {}
    return found["status"], found["reason"]


def test_the_autoscaler_stands_at_its_maximum_and_the_pods_at_their_limits() -> None:
    watch = Watch(small_world())
    fault = watch.inject("hpa_maxed", "search")
    assert not watch.is_healed(fault)
    watch.after(120)
    assert watch.get("Deployment", "search")["spec"]["replicas"] == 3
    assert limited(watch) == ("True", "TooManyReplicas")
    assert watch.events("SuccessfulRescale", "search")
    assert float(watch.flow("search").utilisation[0]) > 1
    assert not watch.is_healed(fault)


def test_a_higher_maximum_heals_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("hpa_maxed", "search")
    watch.after(90)
    scaler = watch.get("HorizontalPodAutoscaler", "search")
    watch.world.store.update("HorizontalPodAutoscaler", with_spec(scaler, maxReplicas=8))
    watch.world.kick()
    watch.after(180)
    assert watch.get("Deployment", "search")["spec"]["replicas"] > 3
    assert watch.is_healed(fault)


def test_undo_takes_the_load_away() -> None:
    watch = Watch(small_world())
    entry = watch.inject("hpa_maxed", "search")
    watch.after(60)
    watch.ledger.remove(entry)
    watch.after(60)
    assert float(watch.flow("search").utilisation[0]) < 0.9
    assert watch.world.store.list("HorizontalPodAutoscaler", "shop") == []
