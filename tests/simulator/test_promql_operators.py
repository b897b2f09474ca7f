"""Operators, vector matching, sets and aggregations."""

import math

import pytest

from simulator.promql.engine import Conditions
from simulator.promql.errors import TOO_MANY_SAMPLES, BadData, ExecutionFailed, TimedOut
from simulator.promql.evaluator import Limits
from tests.simulator.promql_world import World


@pytest.fixture
def world() -> World:
    world = World()
    for pod, cpu in (("a", 1.0), ("b", 4.0), ("c", 2.0)):
        world.series("cpu", [cpu], pod=pod, ns="shop")
    for pod, node in (("a", "n1"), ("b", "n2"), ("c", "n1")):
        world.series("info", [1], pod=pod, node=node)
    return world


def test_arithmetic_drops_the_name_and_comparison_keeps_it(world: World) -> None:
    assert world.at(0, 'cpu{pod="a"} * 3') == {'{ns="shop", pod="a"}': 3}
    assert world.at(0, "cpu > 3") == {'{__name__="cpu", ns="shop", pod="b"}': 4}


def test_bool_answers_for_every_element(world: World) -> None:
    assert list(world.at(0, "cpu > bool 3").values()) == [0, 1, 0]


def test_a_comparison_with_the_number_on_the_left_keeps_the_vectors_value(world: World) -> None:
    assert world.at(0, "3 < cpu") == {'{__name__="cpu", ns="shop", pod="b"}': 4}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("7 % -3", 1),
        ("-7 % 3", -1),
        ("1 / 0", math.inf),
        ("1 == bool 1", 1),
        ("5 - 3 - 1", 1),
        ("2 + 3 * 4", 14),
        ("0x1F", 31),
    ],
)
def test_numbers_follow_gos_arithmetic(query: str, value: float) -> None:
    assert World().number(query) == value


def test_one_to_one_matching_takes_equal_labels(world: World) -> None:
    world.series("limit", [2], pod="b", ns="shop")
    assert world.at(0, "cpu / limit") == {'{ns="shop", pod="b"}': 2}


def test_on_keeps_the_matched_labels_alone(world: World) -> None:
    assert world.at(0, 'cpu{pod="b"} * on (pod) info') == {'{pod="b"}': 4}


def test_group_left_takes_labels_from_the_one_side(world: World) -> None:
    assert world.at(0, 'cpu{pod="b"} * on (pod) group_left (node) info') == {'{node="n2", ns="shop", pod="b"}': 4}


def test_group_right_is_the_same_from_the_other_side(world: World) -> None:
    assert world.at(0, 'sum by (ns) (cpu) / on () group_right () cpu{pod="a"}') == {'{ns="shop", pod="a"}': 7}


def test_two_on_the_one_side_are_named_in_the_error(world: World) -> None:
    with pytest.raises(ExecutionFailed) as caught:
        world.at(0, "cpu * on (ns) group_left info")
    assert str(caught.value) == (
        "found duplicate series for the match group {} on the right hand-side of the operation: "
        '[{__name__="info", node="n1", pod="c"}, {__name__="info", node="n1", pod="a"}]'
        ";many-to-many matching not allowed: matching labels must be unique on one side"
    )


def test_several_on_the_many_side_need_to_be_asked_for(world: World) -> None:
    with pytest.raises(ExecutionFailed, match="many-to-one matching must be explicit"):
        world.at(0, "cpu * on (ns) sum by (ns) (cpu)")


def test_duplicates_that_never_meet_are_no_error(world: World) -> None:
    world.series("cpu", [9], start=3600, pod="a", ns="shop", extra="1")
    assert world.over(0, 3600, 3600, 'cpu{pod="a"} * on (pod) cpu{pod="a"}') == {'{pod="a"}': [(0, 1), (3600, 81)]}


def test_grouping_labels_that_do_not_tell_apart_are_an_error(world: World) -> None:
    with pytest.raises(ExecutionFailed, match="grouping labels must ensure unique matches"):
        world.at(0, 'cpu * on (ns) group_left (pod) sum by (ns) (cpu{pod="a"})')


def test_sets_work_on_match_groups(world: World) -> None:
    assert len(world.at(0, "cpu and on (pod) info")) == 3
    assert world.at(0, 'cpu unless on (pod) info{node="n1"}') == {'{__name__="cpu", ns="shop", pod="b"}': 4}
    assert len(world.at(0, "cpu or info")) == 6
    assert len(world.at(0, "cpu or on (pod) info")) == 3


def test_or_fills_in_step_by_step(world: World) -> None:
    world.series("spare", [5, 5, 5, 5, 5], step=300)
    assert world.over(0, 600, 600, 'sum(cpu{pod="a"}) or sum(spare)') == {"{}": [(0, 1), (600, 5)]}


def test_aggregations_reduce_their_groups(world: World) -> None:
    expected = {"sum": 7, "avg": 7 / 3, "min": 1, "max": 4, "count": 3, "group": 1, "stdvar": 14 / 9}
    for op, value in expected.items():
        assert world.at(0, f"{op} by (ns) (cpu)") == {'{ns="shop"}': pytest.approx(value)}
    assert world.at(0, "quantile(0.5, cpu)") == {"{}": 2}


def test_without_drops_labels_and_the_name(world: World) -> None:
    assert world.at(0, "sum without (pod) (cpu)") == {'{ns="shop"}': 7}


def test_topk_keeps_whole_series_in_order(world: World) -> None:
    assert list(world.at(0, "topk(2, cpu)")) == [
        '{__name__="cpu", ns="shop", pod="b"}',
        '{__name__="cpu", ns="shop", pod="c"}',
    ]
    assert list(world.at(0, "bottomk(1, cpu)").values()) == [1]
    assert world.at(0, "topk(0, cpu)") == {}


def test_topk_takes_nan_only_when_nothing_else_is_left() -> None:
    world = World()
    world.series("x", [math.nan], n="1")
    world.series("x", [-math.inf], n="2")
    assert list(world.at(0, "topk(1, x)")) == list(world.at(0, "bottomk(1, x)")) == ['{__name__="x", n="2"}']


def test_values_are_counted_as_text(world: World) -> None:
    world.series("cpu", [4.0], pod="d", ns="other")
    assert world.at(0, 'count_values("v", cpu)') == {'{v="1"}': 1, '{v="2"}': 1, '{v="4"}': 2}
    assert world.at(0, 'count_values by (ns) ("v", cpu)')['{ns="other", v="4"}'] == 1


def test_an_aggregation_of_nothing_is_nothing(world: World) -> None:
    assert world.at(0, "sum(nothing)") == {}


def test_a_query_over_too_many_samples_ends_with_prometheus_own_words() -> None:
    small = World(Limits(most_samples=10))
    small.series("x", list(range(11)))
    with pytest.raises(ExecutionFailed, match=TOO_MANY_SAMPLES):
        small.at(600, "sum_over_time(x[1h])")
    assert small.at(300, "sum_over_time(x[2m])") == {"{}": 12}


def test_an_endless_subquery_costs_nothing_before_it_is_refused(world: World) -> None:
    with pytest.raises(ExecutionFailed, match=TOO_MANY_SAMPLES):
        world.at(0, "count_over_time(vector(1)[1000y:1ms])")


def test_a_query_that_is_out_of_time_ends(world: World) -> None:
    with pytest.raises(TimedOut, match="query timed out in expression evaluation"):
        world.engine.instant("sum(cpu)", 0, Conditions(lambda: True))


def test_a_range_query_of_a_range_is_refused(world: World) -> None:
    with pytest.raises(BadData, match='invalid expression type "range vector" for range query'):
        world.over(0, 60, 60, "cpu[5m]")


def test_of_two_errors_the_one_that_comes_first_in_time_is_told() -> None:
    world = World()
    world.series("many", [1, 1], pod="a", ns="x")
    world.series("many", [1, 1], pod="b", ns="x")
    world.series("one", [1, None], ns="x")
    world.series("one", [None, 1], ns="x", zone="1")
    world.series("one", [None, 1], ns="x", zone="2")
    with pytest.raises(ExecutionFailed, match="many-to-one matching must be explicit"):
        world.over(0, 60, 60, "many * on (ns) one")
    with pytest.raises(ExecutionFailed, match="found duplicate series"):
        world.at(60, "many * on (ns) one")


def test_zero_and_minus_zero_are_two_values_to_count() -> None:
    world = World()
    for pod, value in (("a", 0.0), ("b", -0.0), ("c", 0.0), ("d", math.nan)):
        world.series("v", [value], pod=pod)
    assert world.at(0, 'count_values("value", v)') == {'{value="0"}': 2, '{value="-0"}': 1, '{value="NaN"}': 1}


def test_one_value_alone_deviates_by_nothing_whatever_it_is() -> None:
    world = World()
    world.series("v", [math.nan])
    world.series("w", [1e9], pod="a")
    world.series("w", [1e9], pod="b")
    assert world.at(0, "stdvar(v)") == {"{}": 0}
    assert world.at(0, "stddev(w / 3)") == {"{}": 0}


def test_a_chain_of_a_thousand_operators_is_evaluated_from_the_left(world: World) -> None:
    assert world.number("1024" + " / 2" * 10 + " + 1" * 900) == 901
    assert world.at(0, "cpu" + " or cpu" * 500) == world.at(0, "cpu")
    assert world.number("2 - 3 - 4") == -5
    assert world.number("2 ^ 3 ^ 2 - 1") == 511


def test_a_deadline_ends_a_long_chain(world: World) -> None:
    looks = iter([False] * 50 + [True] * 5_000)
    with pytest.raises(TimedOut):
        world.engine.instant("cpu" + " or cpu" * 500, 0, Conditions(lambda: next(looks)))
