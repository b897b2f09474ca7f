"""More requests than ever: where they come in, and who makes them itself."""

from dataclasses import replace

import pytest

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
    autoscaler,
    causes,
    first,
    flat,
    machines,
    of_call,
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
from tools.engines.metrics.demand import is_exposed, quietly_asked, rises, surge_through, surges
from tools.engines.metrics.scene import Scene
from tools.engines.snapshot import LogKey

NAMES = ("gate", "baker", "mill", "well")
LATE = step(0.05, 1.2)
TOWN = [
    *machines(),
    *program("gate", calls=["baker"]),
    *program("baker", calls=["mill"]),
    *program("mill"),
    *program("well"),
]
UNMAPPED = [*machines(), *(obj for name in NAMES for obj in program(name))]


def asked(*, late: tuple[str, ...] = NAMES[:3], **shapes: Shape) -> Metrics:
    """Requests by program; who is not named gets as many as ever."""
    return {
        "requests": [one for name in NAMES for one in of_service(name, shapes.get(name, flat(50)))],
        "latency": [one for name in NAMES for one in of_service(name, LATE if name in late else flat(0.05))],
    }


def scene_of(objects: list[Object], metrics: Metrics) -> Scene:
    snap = seen(objects, metrics)
    return Scene(snap, Graph(snap))


def ingress(backend: str) -> Object:
    path = {"path": "/", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    return {
        "kind": "Ingress",
        "metadata": {"name": "front", "namespace": NS},
        "spec": {"rules": [{"host": "town.example", "http": {"paths": [path]}}]},
    }


def test_of_all_that_a_surge_runs_through_the_outermost_is_named() -> None:
    metrics = asked(gate=step(50, 400), baker=step(50, 380), mill=step(50, 350))
    assert causes(TOWN, metrics) == [("traffic_surge", "gate")]


def test_the_hottest_callee_is_a_sufferer_of_the_surge() -> None:
    town = [*machines(), *program("gate", calls=["baker"]), *program("baker", cpu="500m"), *program("well")]
    metrics = asked(gate=step(50, 400), baker=step(50, 380), late=("gate", "baker"))
    metrics["cpu_usage"] = of_pods("baker", step(0.07, 0.49))
    metrics["cpu_throttled"] = of_pods("baker", step(0.01, 0.6))
    found = first(town, metrics)
    assert (found.fault, found.component.name) == ("traffic_surge", "gate")
    assert "baker" in [one.name for one in found.harms]
    assert "baker gives way first" in found.words("en")


def test_a_surge_that_enters_below_a_quiet_gateway_is_named_where_it_enters() -> None:
    metrics = asked(baker=step(50, 380), mill=step(50, 350), late=("gate", "baker", "mill"))
    metrics["error_share"] = [*of_service("baker", flat(0.0001)), *of_service("mill", flat(0.0001))]
    assert causes(TOWN, metrics)[0] == ("traffic_surge", "baker")


def test_the_same_with_answers_that_began_to_fail_is_the_gateways_retries() -> None:
    metrics = asked(baker=step(50, 380), mill=step(50, 350), late=("gate", "baker", "mill"))
    metrics["error_share"] = of_service("baker", step(0.0001, 0.6))
    assert causes(TOWN, metrics)[0] == ("retry_storm", "gate")


def test_without_a_map_it_comes_in_where_requests_rose_most() -> None:
    metrics = asked(gate=step(50, 300), baker=step(50, 450), mill=step(50, 350))
    assert causes(UNMAPPED, metrics) == [("traffic_surge", "baker")]


def test_without_a_map_an_ingress_tells_where_it_comes_in() -> None:
    metrics = asked(gate=step(50, 400), baker=step(50, 450), mill=step(50, 350))
    assert causes([*UNMAPPED, ingress("gate")], metrics) == [("traffic_surge", "gate")]


def test_more_requests_that_nobody_feels_are_no_fault() -> None:
    assert causes(TOWN, asked(gate=step(50, 400), baker=step(50, 380), mill=step(50, 350), late=())) == []


def test_an_autoscaler_at_its_end_is_what_to_change() -> None:
    town = [*machines(), *program("gate", calls=["baker"]), *program("baker", cpu="500m"), *program("well")]
    metrics = asked(gate=step(50, 400), baker=step(50, 380), late=("gate", "baker"))
    metrics["cpu_usage"] = of_pods("baker", step(0.07, 0.49))
    assert causes([*town, autoscaler("baker", 2, 2)], metrics) == [("hpa_maxed", "baker")]


def test_two_surges_an_hour_apart_are_two() -> None:
    metrics = asked(baker=step(50, 400, 10), well=step(50, 400, 50), late=())
    found = surges(scene_of(UNMAPPED, metrics))
    assert sorted(surge.entry.name for surge in found) == ["baker", "well"]


def test_two_that_rose_together_are_one_surge_through_both() -> None:
    scene = scene_of(UNMAPPED, asked(baker=step(50, 400), well=step(50, 300), late=()))
    assert [surge.entry.name for surge in surges(scene)] == ["baker"]
    well = next(one.component for one in scene.snapshot.programs if one.name == "well")
    through = surge_through(scene, well)
    assert through is not None
    assert through.entry.name == "baker"


def test_a_caller_that_rose_a_little_does_not_account_for_a_callee_that_rose_much() -> None:
    scene = scene_of(TOWN, asked(gate=step(50, 90), baker=step(50, 500), late=()))
    assert "baker" in {surge.entry.name for surge in surges(scene)} | {
        one.name for surge in surges(scene) for one in surge.through[:1]
    }


@pytest.mark.parametrize("shape", [flat(50), step(50, 60), step(0.2, 0.9), step(400, 50)])
def test_what_stays_or_falls_or_is_next_to_nothing_is_no_rise(shape: Shape) -> None:
    assert rises(scene_of(TOWN, asked(gate=shape))) == {}


def test_a_service_of_a_load_balancer_is_asked_from_outside() -> None:
    front = next(dict(obj) for obj in TOWN if obj["kind"] == "Service" and obj["metadata"]["name"] == "gate")
    front["spec"] = {**front["spec"], "type": "LoadBalancer"}
    rest = [
        obj for obj in TOWN if obj is not front and not (obj["kind"] == "Service" and obj["metadata"]["name"] == "gate")
    ]
    scene = scene_of([*rest, front], {})
    exposed = [one.name for one in scene.snapshot.programs if is_exposed(scene, one.component)]
    assert exposed == ["gate"]


def test_callers_that_get_no_more_are_quiet_only_while_none_of_them_gets_more() -> None:
    town = [*TOWN, *program("door", calls=["baker"])]
    calm = scene_of(town, asked(baker=step(50, 400)))
    baker = next(one.component for one in calm.snapshot.programs if one.name == "baker")
    assert [one.name for one in quietly_asked(calm, baker)] == ["gate"]
    assert quietly_asked(scene_of(town, asked(gate=step(50, 400), baker=step(50, 400))), baker) == []


# Retries: which of several clients it is.
TWO = [
    *machines(),
    *program("gate", calls=["mill"]),
    *program("baker", calls=["mill"]),
    *program("mill"),
    *program("well"),
]
FAILING: Metrics = {
    **asked(mill=step(50, 400), late=("gate", "baker", "mill")),
    "error_share": of_service("mill", step(0.0001, 0.5)),
}
AGAIN = "\n".join(
    f"2026-03-02T08:5{number}:00Z WARN attempt {number}/8 to call mill failed, retrying in 20ms: status 503"
    for number in range(1, 9)
)


def with_log(objects: list[Object], metrics: Metrics, **logs: str) -> list[tuple[str, str]]:
    told = {LogKey(NS, pods_of(name, 1)[0], "app"): digest(text.splitlines()) for name, text in logs.items()}
    found = verdict(replace(seen(objects, metrics), logs=told))
    return [(one.finding.fault, one.finding.component.name) for one in found.causes]


def test_of_two_clients_the_one_that_logs_its_attempts_repeats_itself() -> None:
    assert with_log(TWO, FAILING, baker=AGAIN) == [("retry_storm", "baker")]
    assert with_log(TWO, FAILING, gate=AGAIN) == [("retry_storm", "gate")]


def test_of_two_clients_the_one_that_is_set_to_retry_often_repeats_itself() -> None:
    town = [*TWO]
    for obj in town:
        if obj["kind"] == "Deployment" and obj["metadata"]["name"] == "baker":
            box = obj["spec"]["template"]["spec"]["containers"][0]
            box["env"] = [*box["env"], {"name": "HTTP_MAX_RETRIES", "value": "8"}]
    assert causes(town, FAILING)[0] == ("retry_storm", "baker")


def test_of_two_clients_the_one_whose_calls_were_multiplied_repeats_itself() -> None:
    counted = {
        **FAILING,
        "calls": [*of_call("gate", "mill", flat(25)), *of_call("baker", "mill", step(25, 375))],
        "failed_calls": of_call("baker", "mill", step(0, 200)),
    }
    assert causes(TWO, counted)[0] == ("retry_storm", "baker")


def test_a_client_that_is_asked_more_itself_repeats_nothing() -> None:
    metrics = {
        **asked(gate=step(50, 400), baker=step(50, 400), mill=step(50, 400)),
        "error_share": of_service("mill", step(0.0001, 0.5)),
    }
    assert "retry_storm" not in [fault for fault, _ in causes(TWO, metrics)]


def test_the_only_caller_of_a_failing_callee_repeats_itself_even_unmeasured() -> None:
    town = [*machines(), *program("gate", calls=["mill"]), *program("mill"), *program("well")]
    metrics: Metrics = {
        "requests": [*of_service("mill", step(50, 300)), *of_service("well", flat(50))],
        "latency": [*of_service("mill", LATE), *of_service("well", flat(0.05))],
        "error_share": of_service("mill", step(0.0001, 0.5)),
    }
    assert causes(town, metrics)[0] == ("retry_storm", "gate")
    assert causes([*town, ingress("mill")], metrics)[0] == ("traffic_surge", "mill")
    metrics["error_share"] = of_service("mill", flat(0.0001))
    assert causes(town, metrics)[0] == ("traffic_surge", "mill")


# Calls that were counted, without their failures: whoever makes them may say why.
CALLING = "\n".join(
    f"2026-03-02T08:5{number}:00Z WARN retrying call to mill (attempt {number}/10) after 503 Service Unavailable"
    for number in range(1, 9)
)


def multiplied_calls() -> Metrics:
    return {
        "requests": [*of_service("gate", flat(50)), *of_service("baker", flat(50)), *of_service("mill", step(50, 350))],
        "calls": [*of_call("gate", "mill", flat(25)), *of_call("baker", "mill", step(25, 325))],
        "latency": [*of_service("mill", LATE), *of_service("well", flat(0.05))],
    }


def test_a_client_that_says_it_retries_makes_the_load_even_where_no_failure_is_counted() -> None:
    assert with_log(TWO, multiplied_calls(), baker=CALLING)[0] == ("retry_storm", "baker")


def test_retries_that_the_one_client_logs_are_not_the_other_clients() -> None:
    assert ("retry_storm", "gate") not in with_log(TWO, multiplied_calls(), gate=CALLING)


def test_whoever_is_asked_more_itself_may_log_retries_and_is_a_part_of_the_surge() -> None:
    metrics = multiplied_calls()
    metrics["requests"] = [one for name in ("gate", "baker", "mill") for one in of_service(name, step(50, 350))]
    assert "retry_storm" not in [fault for fault, _ in with_log(TWO, metrics, baker=CALLING)]


# The first of a mesh: nobody counts what it gets, only what it sends.
MESH = [
    *machines(),
    *program("gate", calls=["baker", "mill"]),
    *program("baker", calls=["well"]),
    *program("mill"),
    *program("well"),
]


def sent(baker: Shape, mill: Shape, well: Shape) -> Metrics:
    return {
        "requests": [*of_service("baker", baker), *of_service("mill", mill), *of_service("well", well)],
        "calls": [*of_call("gate", "baker", baker), *of_call("gate", "mill", mill), *of_call("baker", "well", well)],
        "latency": [*of_service("baker", LATE), *of_service("mill", flat(0.05)), *of_service("well", flat(0.05))],
    }


def test_whoever_asks_all_of_its_callees_more_got_more_itself() -> None:
    metrics = sent(step(50, 400), step(20, 160), step(50, 400))
    assert causes(MESH, metrics) == [("traffic_surge", "gate")]


def test_whoever_asks_one_of_its_callees_more_got_no_more_itself() -> None:
    scene = scene_of(MESH, sent(step(50, 400), flat(20), step(50, 400)))
    assert [who.name for who in rises(scene)] == ["baker", "well"]


def test_whoever_asks_its_callees_more_by_very_different_times_got_no_more_itself() -> None:
    scene = scene_of(MESH, sent(step(50, 1000), step(20, 40), step(50, 1000)))
    assert "gate" not in [who.name for who in rises(scene)]


def test_calls_as_ever_are_no_rise_of_who_makes_them() -> None:
    assert rises(scene_of(MESH, sent(flat(50), flat(20), flat(50)))) == {}


# An origin behind a cache that answers no more.
SHELVES = [
    *machines(),
    *program("baker", calls=["shelf", "mill"]),
    *program("gate", calls=["mill"]),
    *program("shelf", image="docker.io/library/redis:7"),
    *program("mill", image="docker.io/library/postgres:16"),
]


def origin(hits: Shape, misses: Shape, baker: Shape, gate: Shape) -> Metrics:
    def both(place: int) -> float:
        return baker(place) + gate(place)

    return {
        "requests": of_service("mill", both),
        "calls": [*of_call("baker", "mill", baker), *of_call("gate", "mill", gate)],
        "cache_hits": of_pods("shelf", hits),
        "cache_misses": of_pods("shelf", misses),
        "cpu_usage": of_pods("mill", step(0.1, 0.9)),
        "call_latency": [*of_call("gate", "mill", LATE), *of_call("baker", "mill", LATE)],
    }


def test_an_origin_that_is_asked_past_its_cache_has_no_surge() -> None:
    metrics = origin(step(45, 3), step(5, 47), step(5, 90), flat(50))
    assert causes(SHELVES, metrics)[0] == ("cache_stampede", "shelf")
    assert "traffic_surge" not in [fault for fault, _ in causes(SHELVES, metrics)]


def test_an_origin_that_others_ask_more_has_a_surge_though_a_cache_stands_beside_it() -> None:
    metrics = origin(flat(45), flat(5), flat(5), step(50, 400))
    assert causes(SHELVES, metrics)[0][0] != "cache_stampede"
