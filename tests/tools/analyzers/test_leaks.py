"""What only grows, what stands still, and what does neither."""

import pytest

from tests.tools.analyzers.measured import (
    HALF,
    SAMPLES,
    Metrics,
    Shape,
    causes,
    first,
    flat,
    machines,
    of_call,
    of_pods,
    of_service,
    program,
    pulse,
    ramp,
    saw,
    seen,
    step,
)
from tests.tools.objects import Object, endpoint_slice, killed, service
from tools.engines.analyzers import examine
from tools.engines.analyzers.leaks import programs_that_stand_still
from tools.engines.graph import Graph
from tools.engines.objects import name_of

MEBI = 2.0**20
TOWN = [
    *machines(),
    *program("gate", calls=["post"]),
    *program("worker", calls=["post"], memory="512Mi"),
    *program("post", image="docker.io/library/rabbitmq:3"),
]
GROWS = [
    ("memory", "memory_leak", 100 * MEBI),
    ("threads", "thread_exhaustion", 40),
    ("open_files", "file_descriptor_exhaustion", 100),
]


@pytest.mark.parametrize(("signal", "fault", "start"), GROWS)
@pytest.mark.parametrize("shape", [ramp, lambda low, high: saw(low, high)])
def test_what_only_grows_is_found_by_its_slope(signal: str, fault: str, start: float, shape: object) -> None:
    grown = shape(start, 4 * start)  # type: ignore[operator]
    assert causes(TOWN, {signal: of_pods("worker", grown, noise=0.004)}) == [(fault, "worker")]


@pytest.mark.parametrize(("signal", "start"), [(signal, start) for signal, _, start in GROWS])
@pytest.mark.parametrize("shape", [flat(1), step(1, 3), pulse(1, 4), ramp(1, 1.1), ramp(3, 1)])
def test_levels_steps_and_noise_are_no_leak(signal: str, start: float, shape: Shape) -> None:
    assert causes(TOWN, {signal: of_pods("worker", lambda place: start * shape(place), noise=0.01)}) == []


def test_memory_that_grows_with_the_requests_is_work() -> None:
    metrics: Metrics = {
        "memory": of_pods("worker", ramp(100 * MEBI, 300 * MEBI, 0), noise=0.004),
        "requests": of_service("worker", ramp(10, 30, 0)),
    }
    assert causes(TOWN, metrics) == []


def test_a_cache_that_fills_is_no_leak() -> None:
    town = [*machines(), *program("shelf", image="docker.io/library/redis:7")]
    assert causes(town, {"memory": of_pods("shelf", ramp(100 * MEBI, 300 * MEBI, 0), noise=0.004)}) == []


def test_kills_for_memory_after_growing_are_a_leak() -> None:
    town = [*machines(), *program("worker", memory="512Mi")]
    for one in town:
        if one["kind"] == "Pod":
            one["status"]["containerStatuses"][0].update({"restartCount": 3, "lastState": killed(12, 1000)})
    leaking = {"memory": of_pods("worker", saw(100 * MEBI, 500 * MEBI), noise=0.004)}
    assert causes(town, leaking)[0] == ("memory_leak", "worker")


def test_the_words_tell_how_much_an_hour() -> None:
    found = first(TOWN, {"memory": of_pods("worker", ramp(100 * MEBI, 400 * MEBI), noise=0.004)})
    assert "an hour" in found.words.en
    assert "每小时" in found.words.zh
    assert found.onset is not None


def test_a_worker_without_cpu_to_whose_broker_work_comes_is_stuck() -> None:
    metrics: Metrics = {
        "cpu_usage": [*of_pods("worker", step(0.2, 0.002)), *of_pods("gate", flat(0.1))],
        "calls": [*of_call("gate", "post", flat(20)), *of_call("worker", "post", step(20, 0.01))],
    }
    assert causes(TOWN, metrics) == [("deadlock", "worker")]


def test_a_worker_without_work_rests() -> None:
    metrics: Metrics = {
        "cpu_usage": [*of_pods("worker", step(0.2, 0.002)), *of_pods("gate", step(0.1, 0.01))],
        "calls": [*of_call("gate", "post", step(20, 0.05)), *of_call("worker", "post", step(20, 0.05))],
    }
    assert causes(TOWN, metrics) == []


def test_a_runtime_that_counts_deadlocked_threads_says_it_outright() -> None:
    assert causes(TOWN, {"threads_deadlocked": of_pods("worker", step(0, 2), 1)}) == [("deadlock", "worker")]


def test_programs_without_measurements_say_nothing() -> None:
    snap = seen(TOWN)
    assert [one for one in examine(snap, Graph(snap))[0] if not one.symptom] == []


SHOP = [
    *machines(),
    *program("gate", calls=["till", "books"]),
    *program("till", calls=["books"]),
    *program("books"),
]


def pointed_elsewhere(town: list[Object], name: str, *, selector: str = "nobody", ready: int = 0) -> list[Object]:
    """The Service of that name picks other labels, and its slice holds so many addresses."""
    others = [
        one for one in town if not (one["kind"] in {"Service", "EndpointSlice"} and name_of(one).startswith(name))
    ]
    return [*others, service(name, {"app": selector}), endpoint_slice(name, ready)]


def stands_still(town: list[Object], metrics: Metrics) -> list[str]:
    snap = seen(town, metrics)
    return [one.component.name for one in programs_that_stand_still(snap, Graph(snap))]


def idle(failed: float, calls: Shape = flat(20)) -> Metrics:
    """A till whose processor has nothing to do, while of its caller's calls so many fail; books is asked as before."""
    return {
        "cpu_usage": [*of_pods("till", step(0.2, 0.002)), *of_pods("gate", flat(0.1)), *of_pods("books", flat(0.1))],
        "calls": [*of_call("gate", "till", calls), *of_call("gate", "books", flat(20))],
        "failed_calls": of_call("gate", "till", step(0, failed)),
    }


def test_a_server_to_which_no_call_comes_any_more_rests() -> None:
    assert stands_still(SHOP, idle(20)) == ["till"]
    assert stands_still(pointed_elsewhere(SHOP, "till"), idle(20)) == []
    unready = pointed_elsewhere(SHOP, "till", selector="till")
    assert stands_still(unready, idle(20)) == []


def test_a_server_whose_calls_come_again_or_have_ceased_rests() -> None:
    over = idle(20)
    over["failed_calls"] = of_call("gate", "till", lambda place: 20.0 if HALF <= place < SAMPLES - 1 else 0.0)
    assert stands_still(SHOP, over) == []
    ceased = idle(0, step(20, 0)) | {"done": of_pods("till", step(5, 0))}
    assert stands_still(SHOP, ceased) == []
    assert stands_still(SHOP, idle(0) | {"done": of_pods("till", step(5, 0))}) == ["till"]
