"""The autoscaler's arithmetic: what a ratio recommends, and each rule that bounds the recommendation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from simulator.controllers import autoscaling
from simulator.controllers.context import Context
from simulator.controllers.scaling_memory import ScalingMemory
from simulator.objects import Object

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def limited(
    current: int, recommended: int, past: list[tuple[int, int]] | None = None, moves: int = 0, **spec: Any
) -> tuple[int, str, str]:
    """The size and the reasons; `past` are recommendations by their age in seconds, `moves` what was added ten seconds ago."""
    memory = ScalingMemory()
    memory.of("u").recommended = [(NOON - timedelta(seconds=age), size) for age, size in past or []]
    memory.of("u").moves = [(NOON - timedelta(seconds=10), moves)] if moves else []
    ctx = cast("Context", SimpleNamespace(now=lambda: NOON, scaling=memory))
    scaler: Object = {"metadata": {"uid": "u"}, "spec": {"minReplicas": 2, "maxReplicas": 50, **spec}}
    found = autoscaling._limit(ctx, scaler, current, recommended)
    return found.size, found.able[0], found.limited[1]


@pytest.mark.parametrize(
    ("ratio", "ready", "pods", "current", "wanted"),
    [
        (1.0, 4, 4, 4, 4),
        (1.09, 4, 4, 4, 4),
        (1.11, 4, 4, 4, 5),
        (0.9, 4, 4, 4, 4),
        (0.74, 4, 4, 4, 3),
        (0.01, 4, 4, 4, 1),
        (2.0, 3, 4, 4, 6),  # the fourth is taken to use nothing
        (1.3, 3, 4, 4, 4),
        (2.0, 2, 4, 4, 4),
        (0.5, 2, 4, 4, 1),
    ],
)
def test_a_ratio_recommends_a_size(ratio: float, ready: int, pods: int, current: int, wanted: int) -> None:
    assert autoscaling._wanted(ratio, ready, pods, current) == wanted


READY, WITHIN = "ReadyForNewScale", "DesiredWithinRange"
SLOW = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}


@pytest.mark.parametrize(
    ("current", "recommended", "more", "wanted"),
    [
        (4, 4, {}, (4, READY, WITHIN)),
        (4, 7, {}, (7, READY, WITHIN)),
        (4, 30, {}, (8, READY, "ScaleUpLimit")),
        (20, 49, {}, (40, READY, "ScaleUpLimit")),
        (6, 30, {"moves": 4}, (6, READY, "ScaleUpLimit")),
        (4, 6, {"maxReplicas": 5}, (5, READY, "TooManyReplicas")),
        (4, 1, {}, (2, READY, "TooFewReplicas")),
        (4, 3, {"past": [(200, 4)]}, (4, "ScaleDownStabilized", WITHIN)),
        (4, 3, {"past": [(301, 4)]}, (3, READY, WITHIN)),
        (9, 3, {"past": [(100, 5)]}, (5, "ScaleDownStabilized", WITHIN)),
        (9, 3, {"behavior": {"scaleDown": SLOW}}, (8, READY, "ScaleDownLimit")),
        (9, 3, {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}, (9, READY, WITHIN)),
        (
            4,
            7,
            {"past": [(30, 5)], "behavior": {"scaleUp": {"stabilizationWindowSeconds": 60}}},
            (5, "ScaleUpStabilized", WITHIN),
        ),
        (20, 49, {"behavior": {"scaleUp": {"selectPolicy": "Min"}}}, (24, READY, "ScaleUpLimit")),
    ],
)
def test_each_rule_bounds_the_size_and_says_so(
    current: int, recommended: int, more: dict[str, Any], wanted: tuple[int, str, str]
) -> None:
    assert limited(current, recommended, **more) == wanted


def test_a_resource_is_shown_in_its_own_unit() -> None:
    assert autoscaling._amount("cpu", 0.2504) == "250m"
    assert autoscaling._amount("memory", 1048576.4) == "1048576"
