"""What the documentation of Prometheus 2.45 says each part of the language is worth, computed by hand on a few samples.

The comparison with a real Prometheus is wider; this is what holds where none is installed, and the place to look up what is meant.
"""

import math

import pytest

from tests.simulator.promql_world import World

A, B = '{pod="a"}', '{pod="b"}'


@pytest.fixture(scope="module")
def world() -> World:
    """Ten minutes by the minute: a line, a saw, a constant, a counter that starts anew, two pods, a histogram."""
    world = World()
    world.series("line", [float(minute) for minute in range(11)])
    world.series("saw", [float(minute % 3) for minute in range(11)])
    world.series("flat", [7.0] * 11)
    world.series("restarted", [0, 10, 20, 30, 5, 15, 25, 35, 45, 55, 65])
    world.series("early", [1, 2, 3])
    world.series("late", [None] * 8 + [1.0, 2.0, 3.0])
    for pod, value in (("a", 4.0), ("b", -2.5)):
        world.series("pods", [value] * 11, pod=pod)
        world.series("owner", [1.0] * 11, pod=pod, team=pod * 2)
    for bound, count in (("0.1", 2.0), ("0.5", 6.0), ("1", 8.0), ("+Inf", 10.0)):
        world.series("spent_bucket", [count] * 11, le=bound)
    return world


def alone(world: World, query: str, seconds: float = 600) -> float:
    (value,) = world.at(seconds, query).values()
    return value


def approximately(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        # selectors: the newest sample of the last five minutes, at another time where that is asked for
        ("line", 10),
        ("line offset 3m", 7),
        ("line offset -1m @ 60", 2),
        ("line @ 120", 2),
        ("line @ end()", 10),
        ("line @ 240 offset 1m", 3),
        ("line offset 1m @ 240", 3),
        # ranges are closed on both ends
        ("count_over_time(line[2m])", 3),
        ("count_over_time(line[2m] offset 30s)", 2),
        ("sum_over_time(line[3m] @ 300)", 2 + 3 + 4 + 5),
        ("count_over_time(line[100y])", 11),
        # subqueries: steps are multiples of the resolution, a minute where none is given
        ("count_over_time(line[5m:1m])", 6),
        ("count_over_time(line[5m:])", 6),
        ("sum_over_time(line[5m:2m])", 6 + 8 + 10),
        ("sum_over_time(line[4m:50s] @ 310)", 1 + 2 + 3 + 4 + 5),
        ("max_over_time(sum_over_time(line[1m])[5m:1m])", 9 + 10),
        ("max_over_time((line * 2)[3m:1m] offset 2m)", 16),
        ("max_over_time(vector(time())[5m:1m])", 600),
        # over time
        ("avg_over_time(line[4m])", 8),
        ("min_over_time(line[4m])", 6),
        ("max_over_time(saw[4m])", 2),
        ("last_over_time(line[4m] offset 1m)", 9),
        ("present_over_time(line[4m])", 1),
        ("stdvar_over_time(line[4m])", 2),
        ("stddev_over_time(line[4m])", math.sqrt(2)),
        ("quantile_over_time(0.5, line[4m])", 8),
        ("quantile_over_time(0.1, line[4m])", 6.4),
        ("quantile_over_time(-1, line[4m])", -math.inf),
        ("quantile_over_time(2, line[4m])", math.inf),
        ("quantile_over_time(NaN, line[4m])", math.nan),
        ("changes(saw[9m])", 9),
        ("changes(flat[9m])", 0),
        ("resets(saw[9m])", 3),
        ("resets(restarted[10m])", 1),
        # counters
        ("increase(line[10m])", 10),
        ("rate(line[10m])", 1 / 60),
        ("irate(line[10m])", 1 / 60),
        ("increase(restarted[10m])", 30 + 65),
        ("irate(restarted[5m] @ 240)", 5 / 60),
        ("delta(restarted[10m])", 65),
        ("delta(line[5m])", 5),
        ("idelta(saw[5m])", 1),
        ("increase(line[90s])", 1.5),
        # trends
        ("deriv(line[10m])", 1 / 60),
        ("deriv(flat[10m])", 0),
        ("predict_linear(line[10m], 600)", 20),
        ("predict_linear(line[5m] offset 5m, 600)", 20),
        ("holt_winters(line[10m], 0.5, 0.5)", 10),
        ("holt_winters(flat[10m], 0.3, 0.9)", 7),
        # histograms
        ("histogram_quantile(0.5, spent_bucket)", 0.1 + 0.4 * 3 / 4),
        ("histogram_quantile(0.1, spent_bucket)", 0.05),
        ("histogram_quantile(0.2, spent_bucket)", 0.1),
        ("histogram_quantile(0.7, spent_bucket)", 0.75),
        ("histogram_quantile(0.95, spent_bucket)", 1),
        ("histogram_quantile(0, spent_bucket)", 0),
        ("histogram_quantile(1.5, spent_bucket)", math.inf),
        ("histogram_quantile(-0.5, spent_bucket)", -math.inf),
        ("histogram_quantile(NaN, spent_bucket)", math.nan),
        ('histogram_quantile(0.5, spent_bucket{le!="+Inf"})', math.nan),
        ("histogram_quantile(0.5, spent_bucket * 0)", math.nan),
        # cell by cell
        ("abs(line - 12)", 2),
        ("ceil(line / 3)", 4),
        ("floor(line / 3)", 3),
        ("round(line / 4)", 3),
        ("round(line / 3, 0.5)", 3.5),
        ("round(-line / 4)", -2),
        ("clamp(line, 0, 5)", 5),
        ("clamp_min(line, 12)", 12),
        ("clamp_max(line, 3)", 3),
        ("exp(line)", math.exp(10)),
        ("ln(line)", math.log(10)),
        ("log2(line - 2)", 3),
        ("log10(line)", 1),
        ("sqrt(line - 1)", 3),
        ("sgn(line - 20)", -1),
        ("ln(line - 11)", math.nan),
        ("sin(line)", math.sin(10)),
        ("sinh(line)", math.sinh(10)),
        ("sinh(-line * 71)", -math.inf),
        ("cosh(line * 71)", math.inf),
        ("cosh(-line * 3)", math.cosh(30)),
        ("acos(line / 10)", 0),
        ("atanh(line / 20)", math.atanh(0.5)),
        ("deg(line * 0 + pi())", 180),
        ("rad(line * 18)", math.pi),
        # arithmetic
        ("line % 4", 2),
        ("-line % 4", -2),
        ("line / 0", math.inf),
        ("line ^ 2 ^ 0.5", 10 ** math.sqrt(2)),
        ("-line ^ 2", -100),
        ("line atan2 flat", math.atan2(10, 7)),
        ("1 - line > bool 0", 0),
        ("2 * line + 1", 21),
        # aggregations
        ("sum(pods)", 1.5),
        ("avg(pods)", 0.75),
        ("min(pods)", -2.5),
        ("max(pods)", 4),
        ("count(pods)", 2),
        ("group(pods)", 1),
        ("stddev(pods)", 3.25),
        ("stdvar(pods)", 3.25**2),
        ("quantile(0.25, pods)", -2.5 + 6.5 / 4),
        ("topk(1, pods)", 4),
        ("bottomk(1, pods)", -2.5),
        # time
        ("timestamp(line offset 90s)", 480),
        ("timestamp(line + 1)", 600),
        ("minute(vector(3 * 60 + 59))", 3),
        ("hour(vector(86400 * 3 - 1))", 23),
        ("day_of_week(vector(0))", 4),
        ("day_of_month(vector(86400 * 31))", 1),
        ("day_of_year(vector(86400 * 31))", 32),
        ("days_in_month(vector(86400 * 31))", 28),
        ("month(vector(86400 * 31))", 2),
        ("year(vector(-1))", 1969),
        # scalars
        ("vector(scalar(line))", 10),
        ("vector(scalar(pods))", math.nan),
        ("vector(time())", 600),
    ],
)
def test_an_expression_is_worth_what_the_documentation_says(world: World, query: str, value: float) -> None:
    assert alone(world, query) == approximately(value)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        # names are kept by what shows a sample as it is, and dropped by what computes another one
        ("pods > 0", {'{__name__="pods", pod="a"}': 4}),
        ("topk(1, pods)", {'{__name__="pods", pod="a"}': 4}),
        ("last_over_time(pods[2m]) > 0", {'{__name__="pods", pod="a"}': 4}),
        ("pods and pods > 0", {'{__name__="pods", pod="a"}': 4}),
        ("pods * 1 > 0", {A: 4}),
        ("pods > bool 0", {A: 1, B: 0}),
        ("-pods", {A: -4, B: 2.5}),
        ("abs(pods)", {A: 4, B: 2.5}),
        ("rate(pods[5m])", {A: 0, B: 0}),
        ("sum by (__name__) (pods)", {'{__name__="pods"}': 1.5}),
        # matching
        ("pods * on (pod) owner", {A: 4, B: -2.5}),
        ("pods * ignoring (team) owner", {A: 4, B: -2.5}),
        (
            "pods * on (pod) group_left (team) owner",
            {'{pod="a", team="aa"}': 4, '{pod="b", team="bb"}': -2.5},
        ),
        (
            "pods * on (pod) group_right owner",
            {'{pod="a", team="aa"}': 4, '{pod="b", team="bb"}': -2.5},
        ),
        ("pods * on () group_left sum(owner)", {A: 8, B: -5}),
        ("pods + flat", {}),
        ("pods > on (pod) owner", {A: 4}),
        ("pods == bool on (pod) owner", {A: 0, B: 0}),
        # sets
        ('pods{pod="a"} or pods{pod="b"} * 1', {'{__name__="pods", pod="a"}': 4, B: -2.5}),
        ("pods unless on (pod) pods > 0", {'{__name__="pods", pod="b"}': -2.5}),
        ("pods and on () vector(1)", {'{__name__="pods", pod="a"}': 4, '{__name__="pods", pod="b"}': -2.5}),
        ("pods and vector(1)", {}),
        ("vector(3) or pods", {"{}": 3, '{__name__="pods", pod="a"}': 4, '{__name__="pods", pod="b"}': -2.5}),
        # labels
        ('label_replace(pods, "node", "n-$1", "pod", "(.)") * 1', {'{node="n-a", pod="a"}': 4, '{node="n-b", pod="b"}': -2.5}),
        ('label_replace(pods, "pod", "z", "pod", "a") * 1', {'{pod="z"}': 4, B: -2.5}),
        ('label_join(owner, "both", "/", "pod", "team", "none") * 2 > 0 and on (pod) pods > 0',
         {'{both="a/aa/", pod="a", team="aa"}': 2}),
        ('count_values("v", pods)', {'{v="4"}': 1, '{v="-2.5"}': 1}),
        ('count_values by (pod) ("v", pods)', {'{pod="a", v="4"}': 1, '{pod="b", v="-2.5"}': 1}),
        ("sum without (team) (owner)", {A: 1, B: 1}),
        ("sum by () (owner)", {"{}": 2}),
        # what is not there
        ('absent(nothing{pod="a", team=~"b.*"})', {'{pod="a"}': 1}),
        ("absent(pods)", {}),
        ("absent(sum(nothing))", {"{}": 1}),
        ('absent_over_time(nothing{pod="a"}[5m])', {'{pod="a"}': 1}),
        ("absent_over_time(early[9m])", {}),
        ("absent_over_time(early[7m])", {"{}": 1}),
        ("early", {}),
        ("sum(nothing)", {}),
        ("clamp(pods, 2, 1)", {}),
        ("topk(0, pods)", {}),
        ("histogram_quantile(0.5, pods)", {}),
        ("histogram_count(pods)", {}),
        ("deriv(early[8m])", {}),
        ("rate(late[90s] @ 480)", {}),
    ],
)  # fmt: skip
def test_an_expression_has_the_labels_that_the_documentation_says(
    world: World, query: str, answer: dict[str, float]
) -> None:
    assert world.at(600, query) == answer


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("line", [(540, 9), (600, 10), (660, 10), (720, 10), (780, 10), (840, 10), (900, 10)]),
        ("line @ start()", [(t, 9) for t in range(540, 1000, 60)][:8]),
        ("sum(late)", [(540, 2), (600, 3), (660, 3), (720, 3), (780, 3), (840, 3), (900, 3)]),
        ("count_over_time(line[1m])", [(540, 2), (600, 2), (660, 1)]),
        ("scalar(line)", [(540, 9), (600, 10), (660, 10), (720, 10), (780, 10), (840, 10), (900, 10), (960, math.nan)]),
        ("line > 9", [(600, 10), (660, 10), (720, 10), (780, 10), (840, 10), (900, 10)]),
    ],
)
def test_each_step_of_a_range_is_an_instant_of_its_own(
    world: World, query: str, points: list[tuple[int, float]]
) -> None:
    """A sample is looked back for five minutes, and is still seen when it is five minutes old to the millisecond."""
    series = world.over(540, 960, 60, query)
    found = next(iter(series.values()))
    assert [t for t, _ in found] == [t for t, _ in points]
    assert [value for _, value in found] == [approximately(value) for _, value in points]


def test_a_rate_is_extrapolated_to_the_edges_of_its_window_unless_they_are_far() -> None:
    world = World()
    world.series("c", [100, 110, 120], start=100, step=10)
    # Samples at 100, 110, 120 in [90, 130]: both edges within 1.1 intervals, so that 20 s become 40 s.
    assert alone(world, "increase(c[40s])", 130) == approximately(20 / 20 * 40)
    # In [60, 160] both edges are farther: half an interval is added on either side.
    assert alone(world, "increase(c[100s])", 160) == approximately(20 / 20 * 30)
    world.series("z", [1, 11, 21], start=100, step=10)
    # A counter was not below zero: at ten a step it was zero one second before its first sample.
    assert alone(world, "increase(z[40s])", 130) == approximately(20 / 20 * (20 + 1 + 10))


def test_a_series_that_ended_is_gone_at_once_and_one_that_is_missed_after_five_minutes() -> None:
    world = World()
    for name in ("ended", "missed"):
        world.series(name, [1.0, 1.0])
    world.end("ended", 90)
    assert list(world.at(90, '{__name__=~"ended|missed"}')) == ['{__name__="missed"}']
    assert alone(world, "count_over_time(ended[5m])", 90) == 2
    assert world.at(360, "missed") == {'{__name__="missed"}': 1}
    assert world.at(360.001, "missed") == {}


def test_a_series_that_begins_again_after_its_end_is_seen_again() -> None:
    world = World()
    world.series("v", [1.0])
    world.end("v", 30)
    world.series("v", [2.0], start=60)
    assert [world.at(t, "v") for t in (29, 45, 60)] == [{'{__name__="v"}': 1}, {}, {'{__name__="v"}': 2}]
