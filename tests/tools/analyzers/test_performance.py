"""What is slow or overloaded, and what only looks like it."""

import pytest

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
    autoscaler,
    causes,
    first,
    flat,
    line,
    machines,
    of_call,
    of_pods,
    of_service,
    program,
    pulse,
    ramp,
    seen,
    step,
    verdict,
)
from tests.tools.objects import NS, Object
from tools.engines.snapshot import Series

LATE = step(0.05, 1.2)
TOWN = [*machines(), *program("gate", calls=["baker"]), *program("baker", calls=["mill"], cpu="500m"), *program("mill")]


def calm() -> Metrics:
    return {
        "cpu_usage": [*of_pods("gate", flat(0.1)), *of_pods("baker", flat(0.1)), *of_pods("mill", flat(0.05))],
        "cpu_throttled": of_pods("baker", flat(0.01)),
        "requests": [*of_service("gate", flat(50)), *of_service("baker", flat(50))],
        "latency": [*of_service("gate", flat(0.1)), *of_service("baker", flat(0.05)), *of_service("mill", flat(0.01))],
        "call_latency": [*of_call("gate", "baker", flat(0.05)), *of_call("baker", "mill", flat(0.01))],
        "served_latency": [*of_call("gate", "baker", flat(0.05)), *of_call("baker", "mill", flat(0.01))],
        "calls": [*of_call("gate", "baker", flat(50)), *of_call("baker", "mill", flat(50))],
    }


def changed(**signals: list[Series]) -> Metrics:
    """The calm town with some series in the place of those of the same labels."""
    metrics = calm()
    for signal, series in signals.items():
        new = {tuple(sorted(one.labels.items())): one for one in series}
        kept = [one for one in metrics.get(signal, []) if tuple(sorted(one.labels.items())) not in new]
        metrics[signal] = kept + list(new.values())
    return metrics


def test_a_calm_town_has_no_cause() -> None:
    assert causes(TOWN, calm()) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_cause(seed: int) -> None:
    loud = {
        signal: [line(flat(one.points[0][1]), one.labels, noise=0.15, seed=seed) for one in many]
        for signal, many in calm().items()
    }
    assert causes(TOWN, loud) == []


@pytest.mark.parametrize("shape", [pulse(0.1, 0.49), ramp(0.1, 0.15, 0), step(0.1, 0.16)])
def test_what_passed_and_what_is_small_has_no_cause(shape: Shape) -> None:
    assert causes(TOWN, changed(cpu_usage=of_pods("baker", shape), cpu_throttled=of_pods("baker", flat(0.02)))) == []


def test_usage_that_rose_to_the_limit_is_an_overload_and_its_callers_are_symptoms() -> None:
    metrics = changed(
        cpu_usage=of_pods("baker", step(0.1, 0.49)),
        cpu_throttled=of_pods("baker", step(0.01, 0.7)),
        latency=[*of_service("baker", LATE), *of_service("gate", step(0.1, 1.3))],
        call_latency=of_call("gate", "baker", LATE),
        served_latency=of_call("gate", "baker", LATE),
    )
    found = verdict(seen(TOWN, metrics))
    assert [(one.finding.fault, one.finding.component.name) for one in found.causes] == [("pod_cpu_overload", "baker")]
    assert {one.component.name for one in found.symptoms if one.fault == "slow"} == {"baker", "gate"}


def test_requests_that_rose_as_much_make_it_a_surge() -> None:
    metrics = changed(
        cpu_usage=of_pods("baker", step(0.1, 0.49)),
        cpu_throttled=of_pods("baker", step(0.01, 0.7)),
        requests=of_service("baker", step(50, 250)),
        calls=of_call("gate", "baker", step(50, 250)),
    )
    assert causes(TOWN, metrics)[0] == ("traffic_surge", "baker")


def test_more_requests_that_hurt_nobody_are_no_cause() -> None:
    assert (
        causes(TOWN, changed(requests=[*of_service("gate", step(50, 120)), *of_service("baker", step(50, 120))])) == []
    )


def test_an_autoscaler_at_its_end_is_what_keeps_a_busy_program_small() -> None:
    metrics = changed(cpu_usage=of_pods("baker", step(0.1, 0.49)), cpu_throttled=of_pods("baker", step(0.01, 0.7)))
    assert causes([*TOWN, autoscaler("baker", 2, 2)], metrics)[0] == ("hpa_maxed", "baker")
    assert causes([*TOWN, autoscaler("baker", 5, 2)], metrics)[0] == ("pod_cpu_overload", "baker")


def test_an_autoscaler_at_its_end_that_nobody_needs_is_no_cause() -> None:
    assert causes([*TOWN, autoscaler("baker", 2, 2)], calm()) == []


def test_a_limit_below_the_usual_bursts_is_throttling() -> None:
    metrics = changed(cpu_usage=of_pods("baker", flat(0.42)), cpu_throttled=of_pods("baker", flat(0.5)))
    assert causes(TOWN, metrics) == [("cpu_throttled", "baker")]


def test_one_sample_of_the_metrics_api_shows_an_overload() -> None:
    sampled: list[Object] = [
        {
            "kind": "PodMetrics",
            "metadata": {"name": name, "namespace": NS},
            "containers": [{"name": "app", "usage": {"cpu": used, "memory": "80Mi"}}],
        }
        for name, used in (("baker-rs1-bcdfg", "498m"), ("baker-rs1-bcdfh", "12m"))
    ]
    assert causes([*TOWN, *sampled]) == [("pod_cpu_overload", "baker")]


def test_a_share_of_the_limit_is_enough() -> None:
    metrics: Metrics = {
        "cpu_share": [*of_pods("baker", step(0.2, 0.98)), *of_pods("mill", flat(0.2))],
        "latency": of_service("baker", LATE),
    }
    assert causes(TOWN, metrics)[0] == ("pod_cpu_overload", "baker")


def test_a_program_slow_by_itself_is_a_slow_dependency() -> None:
    metrics = changed(
        latency=[*of_service("gate", step(0.1, 1.3)), *of_service("baker", LATE)],
        call_latency=of_call("gate", "baker", LATE),
        served_latency=of_call("gate", "baker", LATE),
    )
    assert causes(TOWN, metrics) == [("slow_dependency", "baker")]


def test_a_slow_callee_makes_its_callers_victims() -> None:
    metrics = changed(
        latency=[*of_service("gate", step(0.1, 1.3)), *of_service("baker", LATE), *of_service("mill", step(0.01, 1.1))],
        call_latency=[*of_call("gate", "baker", LATE), *of_call("baker", "mill", step(0.01, 1.1))],
        served_latency=[*of_call("gate", "baker", LATE), *of_call("baker", "mill", step(0.01, 1.1))],
    )
    assert causes(TOWN, metrics) == [("slow_dependency", "mill")]


def test_ways_that_got_long_in_and_out_are_the_network_of_one_program() -> None:
    metrics = changed(
        latency=[*of_service("gate", step(0.1, 1.3)), *of_service("baker", step(0.05, 0.6))],
        call_latency=[*of_call("gate", "baker", LATE), *of_call("baker", "mill", step(0.01, 0.5))],
        served_latency=of_call("gate", "baker", step(0.05, 0.6)),
    )
    assert causes(TOWN, metrics)[0] == ("pod_network_delay", "baker")


def test_packets_dropped_at_one_program_are_its_loss() -> None:
    drops = [*of_pods("baker", step(0, 20)), *of_pods("gate", step(0, 12)), *of_pods("mill", step(0, 8))]
    metrics = changed(drops=drops, latency=[*of_service("gate", LATE), *of_service("baker", LATE)])
    assert causes(TOWN, metrics)[0] == ("pod_network_loss", "baker")


NEIGHBOURS = [
    *machines("n1", "n2"),
    *program("gate", on=["n2"], calls=["baker", "mill", "well"]),
    *program("baker", on=["n1"]),
    *program("mill", on=["n1"]),
    *program("well", on=["n2"]),
]


def round_trips(**shapes: Shape) -> list[Series]:
    return [
        one
        for name in ("gate", "baker", "mill", "well")
        for one in of_pods(name, shapes.get(name, flat(0.001)), many=1)
    ]


def test_round_trips_of_one_program_are_its_network() -> None:
    assert causes(NEIGHBOURS, {"rtt": round_trips(baker=step(0.001, 0.3))}) == [("pod_network_delay", "baker")]


def test_round_trips_of_all_programs_of_one_machine_are_the_machines_network() -> None:
    metrics: Metrics = {"rtt": round_trips(baker=step(0.001, 0.3), mill=step(0.001, 0.3))}
    found = first(NEIGHBOURS, metrics)
    assert (found.fault, str(found.component)) == ("node_network_delay", "Node n1")


def test_packets_lost_by_all_programs_of_one_machine_are_the_machines_loss() -> None:
    metrics: Metrics = {"packet_loss": [
        one for name, shape in (("gate", flat(0)), ("baker", step(0, 0.2)), ("mill", step(0, 0.2)), ("well", flat(0)))
        for one in of_pods(name, shape, many=1)
    ]}  # fmt: skip
    found = first(NEIGHBOURS, metrics)
    assert (found.fault, found.component.name) == ("node_network_packet_loss", "n1")


def test_a_round_trip_that_was_always_long_for_one_of_many_without_a_time_before_is_told() -> None:
    metrics: Metrics = {"rtt": [Series(one.labels, one.points[-1:], one.query) for one in round_trips(baker=flat(0.4))]}
    assert causes(NEIGHBOURS, metrics) == [("pod_network_delay", "baker")]


def test_latencies_alone_of_unrelated_programs_on_one_machine_point_at_it() -> None:
    shapes = {"gate": flat(0.1), "baker": LATE, "mill": LATE, "well": flat(0.02)}
    metrics: Metrics = {"latency": [one for name, shape in shapes.items() for one in of_service(name, shape)]}
    found = first(NEIGHBOURS, metrics)
    assert (found.fault, found.component.name) == ("node_network_delay", "n1")


def test_a_clock_that_is_wrong_on_one_machine() -> None:
    def clocks(*offsets: float) -> Metrics:
        rows = [line(flat(value), {"instance": f"192.168.0.{number + 1}:9100"}) for number, value in enumerate(offsets)]
        return {"node_clock_offset": rows}

    assert causes(NEIGHBOURS, clocks(0.0001, 12.0)) == [("node_clock_skew", "n2")]
    assert causes(NEIGHBOURS, clocks(0.0001, 0.02)) == []


def test_retries_multiply_what_nobody_asked_for() -> None:
    metrics = changed(
        calls=of_call("baker", "mill", step(50, 400)),
        failed_calls=of_call("baker", "mill", step(0, 320)),
        cpu_usage=of_pods("mill", step(0.05, 0.9)),
        latency=of_service("mill", LATE),
    )
    assert causes(TOWN, metrics)[0] == ("retry_storm", "baker")


def test_a_cache_that_answers_nothing_sends_everybody_to_the_origin() -> None:
    town = [
        *machines(),
        *program("baker", calls=["shelf", "mill"]),
        *program("shelf", image="docker.io/library/redis:7"),
        *program("mill"),
    ]
    metrics: Metrics = {
        "requests": of_service("baker", flat(50)),
        "calls": [*of_call("baker", "mill", step(5, 50)), *of_call("baker", "shelf", flat(50))],
        "cache_hits": of_pods("shelf", step(45, 3)),
        "cache_misses": of_pods("shelf", step(5, 47)),
        "latency": of_service("mill", LATE),
    }
    assert causes(town, metrics)[0] == ("cache_stampede", "shelf")


def test_a_neighbour_without_a_limit_takes_the_machine() -> None:
    town = [*machines(), *program("baker", on=["n1"]), *program("batch", on=["n1"])]
    metrics: Metrics = {
        "node_cpu": [line(step(0.3, 0.99), {"node": "n1"}, noise=0.002), line(flat(0.2), {"node": "n2"})],
        "cpu_usage": [*of_pods("batch", step(0.1, 7), 1), *of_pods("baker", step(0.3, 0.2), 1)],
        "latency": of_service("baker", LATE),
    }
    assert causes(town, metrics)[0] == ("noisy_neighbour", "batch")


def test_a_disk_without_time_under_a_slow_store() -> None:
    town = [
        *machines(),
        *program("gate", calls=["vault"]),
        *program("vault", on=["n1"], image="mysql:8"),
        *program("mill"),
    ]
    metrics: Metrics = {
        "node_disk_busy": [line(step(0.05, 0.99), {"node": "n1"}, noise=0.001), line(flat(0.05), {"node": "n2"})],
        "call_latency": of_call("gate", "vault", LATE),
        "served_latency": of_call("gate", "vault", LATE),
    }
    assert causes(town, metrics)[0] == ("disk_io_saturated", "vault")


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_the_scale_of_latency_in_any_unit_does_not_change_its_root(factor: float) -> None:
    base = changed(
        latency=[
            *of_service("gate", step(100, 1300)),
            *of_service("baker", step(50, 1200)),
            *of_service("mill", flat(20)),
        ]
    )
    scaled = {
        **base,
        "latency": [Series(one.labels, [(at, value * factor) for at, value in one.points]) for one in base["latency"]],
    }
    assert causes(TOWN, scaled)[0][1] == "baker"


def test_the_order_of_series_and_objects_does_not_matter() -> None:
    metrics = changed(cpu_usage=of_pods("baker", step(0.1, 0.49)), cpu_throttled=of_pods("baker", step(0.01, 0.7)))
    turned = {signal: list(reversed(many)) for signal, many in reversed(metrics.items())}
    assert causes(TOWN, metrics) == causes(list(reversed(TOWN)), turned)


def test_a_handful_of_samples_claims_little() -> None:
    few = {
        signal: [Series(one.labels, one.points[-3:], one.query) for one in many]
        for signal, many in changed(latency=of_service("baker", LATE)).items()
    }
    assert causes(TOWN, few) == []


def test_a_surge_comes_in_at_the_outermost_that_gets_more() -> None:
    metrics = changed(
        requests=[*of_service("gate", step(50, 300)), *of_service("baker", step(50, 300))],
        latency=[*of_service("gate", step(0.1, 0.9)), *of_service("baker", step(0.05, 0.7))],
        call_latency=[],
        served_latency=[],
        cpu_usage=[*of_pods("baker", step(0.1, 0.49)), *of_pods("gate", step(0.1, 0.49))],
        cpu_throttled=[*of_pods("baker", step(0.01, 0.7)), *of_pods("gate", step(0.01, 0.7))],
    )
    assert causes([*TOWN, *program("gate", calls=["baker"], cpu="500m")], metrics)[0] == ("traffic_surge", "gate")


def test_more_requests_from_a_caller_that_gets_no_more_are_its_retries() -> None:
    metrics = changed(
        requests=of_service("baker", step(50, 300)),
        latency=of_service("baker", step(0.05, 0.7)),
        calls=of_call("gate", "baker", flat(50)),
        cpu_usage=of_pods("baker", step(0.1, 0.49)),
        cpu_throttled=of_pods("baker", step(0.01, 0.7)),
    )
    assert causes(TOWN, metrics)[0] == ("retry_storm", "gate")


def test_who_writes_most_on_a_busy_disk_is_the_cause() -> None:
    metrics: Metrics = {
        "node_disk_busy": [line(step(0.05, 0.97), {"node": "n1"}, noise=0.01), line(flat(0.05), {"node": "n2"})],
        "disk_written": [*of_pods("mill", step(5e4, 4e8), 1), *of_pods("baker", flat(5e4), 1)],
        "latency": [*of_service("mill", LATE), *of_service("baker", LATE)],
    }
    assert causes(NEIGHBOURS, metrics)[0] == ("disk_io_saturated", "mill")


def test_a_limit_just_below_what_others_use_is_what_is_unusual() -> None:
    town = [*machines(), *program("baker", cpu="60m"), *program("gate"), *program("mill"), *program("well")]
    metrics: Metrics = {
        "cpu_usage": [
            *of_pods("baker", flat(0.058)),
            *(one for name in ("gate", "mill", "well") for one in of_pods(name, flat(0.06))),
        ],
        "cpu_throttled": of_pods("baker", flat(0.8)),
    }
    assert causes(town, metrics)[0] == ("cpu_throttled", "baker")


def test_a_few_samples_without_a_time_before_are_held_against_the_peers() -> None:
    names = ("gate", "mill", "well", "post", "shop")
    town = [*machines(), *program("baker"), *(one for name in names for one in program(name))]
    whole: Metrics = {
        "cpu_level": [*of_pods("baker", flat(2.4)), *(one for name in names for one in of_pods(name, flat(0.06)))],
        "latency": [*of_service("baker", flat(1.2)), *(one for name in names for one in of_service(name, flat(0.08)))],
    }
    few = {signal: [Series(one.labels, one.points[-6:], one.query) for one in many] for signal, many in whole.items()}
    assert causes(town, few) == [("pod_cpu_overload", "baker")]


def test_new_pods_that_use_all_they_may_where_the_old_ones_used_little_are_overloaded() -> None:
    """Since they began they show no rise of their own: what the pods before them used is the measure."""
    town = [*TOWN, *program("kiln"), *program("oven")]
    young = [Series(one.labels, one.points[-9:], one.query) for one in of_pods("baker", flat(0.499))]
    gone = [
        Series({**one.labels, "pod": f"baker-bcdfg24567-{ending}"}, one.points[:-5], one.query)
        for one, ending in zip(of_pods("baker", flat(0.1)), ("npqrs", "tvwxz"), strict=True)
    ]
    others = [*of_pods("gate", flat(0.25)), *of_pods("kiln", flat(0.25)), *of_pods("oven", flat(0.25))]
    throttled = of_pods("baker", flat(0.98))
    late = of_service("baker", LATE)
    metrics = changed(cpu_usage=[*young, *others], cpu_throttled=throttled, latency=late)
    metrics["cpu_usage"] = [
        one for one in metrics["cpu_usage"] if len(one.points) < 10 or "baker" not in str(one.labels)
    ]
    assert causes(town, metrics)[0] == ("cpu_throttled", "baker")
    metrics["cpu_usage"] += gone
    assert causes(town, metrics)[0] == ("pod_cpu_overload", "baker")


def test_one_pod_at_its_limit_of_which_the_siblings_do_nothing_is_overloaded() -> None:
    first_pod, second = of_pods("baker", flat(0.49)), of_pods("baker", flat(0.03))
    few = {
        "cpu_usage": [
            Series(one.labels, one.points[-3:], one.query)
            for one in (first_pod[0], second[1], *of_pods("gate", flat(0.1)), *of_pods("mill", flat(0.1)))
        ]
    }
    assert causes(TOWN, few) == [("pod_cpu_overload", "baker")]


def test_what_doubled_below_a_limit_far_lower_than_others_have_is_held_back_by_it() -> None:
    names = ("gate", "mill", "well")
    town = [*machines(), *program("baker", cpu="80m"), *(one for name in names for one in program(name, cpu="400m"))]
    metrics: Metrics = {
        "cpu_usage": [
            *of_pods("baker", step(0.04, 0.078)),
            *(one for name in names for one in of_pods(name, flat(0.05))),
        ],
        "cpu_throttled": of_pods("baker", step(0.01, 0.7)),
        "latency": of_service("baker", LATE),
    }
    assert causes(town, metrics)[0] == ("cpu_throttled", "baker")
    metrics["cpu_usage"] = [
        *of_pods("baker", step(0.005, 0.078)),
        *(one for name in names for one in of_pods(name, flat(0.05))),
    ]
    assert causes(town, metrics)[0] == ("pod_cpu_overload", "baker")


def test_a_program_that_was_held_back_all_its_life_is_not_slow_for_that() -> None:
    metrics = changed(
        cpu_usage=of_pods("baker", flat(0.2)),
        cpu_throttled=of_pods("baker", flat(0.3)),
        latency=of_service("baker", LATE),
    )
    assert "cpu_throttled" not in [fault for fault, _ in causes(TOWN, metrics)]
    metrics["cpu_throttled"] = of_pods("baker", step(0.01, 0.3))
    assert causes(TOWN, metrics)[0] == ("cpu_throttled", "baker")
