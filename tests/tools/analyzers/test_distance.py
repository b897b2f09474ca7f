"""A program that is far away, told from one that is slow by its health checks and by what others wait for."""

from copy import deepcopy
from dataclasses import replace

from tests.tools.analyzers.measured import (
    HALF,
    Metrics,
    Shape,
    causes,
    flat,
    line,
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
from tests.tools.objects import NS, Object, at, event
from tools.engines.logs.digest import LogDigest, digest
from tools.engines.metrics.whose import whose
from tools.engines.snapshot import LogKey, Series

LATE = step(0.02, 0.5)
TIMES_OUT = (
    'Readiness probe failed: Get "http://10.0.5.1:80/healthz": '
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
)
TOWN = [
    *machines(),
    *program("gate", calls=["baker", "tailor"]),
    *program("baker", calls=["mill", "well"]),
    *program("tailor", calls=["mill"]),
    *program("mill"),
    *program("well"),
]


def waits(*late: tuple[str, str]) -> Metrics:
    pairs = [("gate", "baker"), ("gate", "tailor"), ("baker", "mill"), ("baker", "well"), ("tailor", "mill")]
    return {
        "call_latency": [one for pair in pairs for one in of_call(*pair, LATE if pair in late else flat(0.02))],
        "cpu_usage": [one for name in ("gate", "baker", "tailor", "mill", "well") for one in of_pods(name, flat(0.1))],
    }


def late_checks(name: str, count: int = 20, minutes_ago: float = 1) -> list[Object]:
    pods = [one for one in TOWN if one["kind"] == "Pod" and one["metadata"]["name"] in pods_of(name)]
    return [{**event(one, "Unhealthy", TIMES_OUT, minutes_ago), "count": count} for one in pods]


def test_who_alone_waits_for_all_that_it_calls_is_far_from_them() -> None:
    found = causes(TOWN, waits(("gate", "baker"), ("baker", "mill"), ("baker", "well")))
    assert found[0] == ("pod_network_delay", "baker")


def test_who_is_waited_for_by_all_its_callers_is_slow_itself() -> None:
    found = causes(TOWN, waits(("gate", "baker"), ("gate", "tailor"), ("baker", "mill"), ("tailor", "mill")))
    assert found == [("slow_dependency", "mill")]


def test_who_waits_alone_for_one_of_those_that_it_calls_may_ask_too_much_of_it() -> None:
    found = causes(TOWN, waits(("gate", "baker"), ("baker", "mill")))
    assert ("pod_network_delay", "baker") not in found


def checks(name: str, shape: object) -> list[Series]:
    return [line(shape, {"namespace": NS, "service": name}, query="probe_duration_seconds")]  # type: ignore[arg-type]


def test_health_checks_that_take_long_as_well_make_it_the_network() -> None:
    slow = {**waits(("gate", "baker"), ("gate", "tailor"), ("baker", "mill"), ("tailor", "mill"))}
    assert causes(TOWN, {**slow, "probe_time": checks("mill", step(0.004, 0.9))}) == [("pod_network_delay", "mill")]
    assert causes(TOWN, {**slow, "probe_time": checks("mill", flat(0.004))}) == [("slow_dependency", "mill")]


def unready(name: str, again: int = 0) -> list[Object]:
    town = deepcopy(TOWN)
    for one in town:
        if one["kind"] == "Pod" and one["metadata"]["name"] == pods_of(name)[0]:
            one["metadata"]["creationTimestamp"] = at(600)
            one["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": at(8)}]
            one["status"]["containerStatuses"][0].update(ready=False, restartCount=again)
    return town


def test_checks_of_the_kubelet_that_find_no_answer_from_pods_that_ran_well_are_their_network() -> None:
    assert causes([*unready("well"), *late_checks("well")]) == [("pod_network_delay", "well")]


def test_checks_that_timed_out_long_ago_or_once_or_now_and_then_are_not_the_network() -> None:
    for late in (late_checks("well", minutes_ago=45), late_checks("well", count=1)):
        assert ("pod_network_delay", "well") not in causes([*unready("well"), *late])
    assert causes([*TOWN, *late_checks("well")]) == []


def test_checks_that_time_out_for_want_of_a_processor_are_an_overload() -> None:
    town = [*machines(), *program("gate", calls=["well"]), *program("well", cpu="500m")]
    metrics: Metrics = {
        "cpu_usage": of_pods("well", step(0.1, 0.498)),
        "cpu_throttled": of_pods("well", step(0.01, 0.9)),
        "latency": of_service("well", LATE),
    }
    assert causes([*town, *late_checks("well")], metrics)[0] == ("pod_cpu_overload", "well")


def test_checks_of_pods_that_were_started_again_say_nothing_of_their_network() -> None:
    assert ("pod_network_delay", "well") not in causes([*unready("well", again=4), *late_checks("well")])


def test_segments_that_one_program_always_sends_again_many_times_more_often_than_all_others_are_its_loss() -> None:
    again = [one for name in ("gate", "baker", "tailor", "mill") for one in of_pods(name, flat(0.05))]
    assert causes(TOWN, {"retransmits": [*again, *of_pods("well", flat(18))]}) == [("pod_network_loss", "well")]
    assert causes(TOWN, {"retransmits": [*again, *of_pods("well", flat(1))]}) == []


def timed(name: str, query: str) -> Metrics:
    quick = [one for other in ("gate", "baker", "tailor") for one in of_service(other, flat(0.02))]
    answers = [*quick, *of_service(name, LATE, query=query)]
    return {"latency": answers, "cpu_usage": of_pods(name, flat(0.1))}


def test_who_asks_nobody_and_is_late_by_its_own_clock_is_slow_inside() -> None:
    assert causes(TOWN, timed("well", "http_server_requests_seconds")) == [("slow_dependency", "well")]
    assert causes(TOWN, timed("well", "latency_p95")) == [("pod_network_delay", "well")]


def test_a_prober_names_whom_it_asked_as_its_instance() -> None:
    told = whose({"instance": "http://mill.town.svc:8080/healthz", "job": "blackbox", "namespace": "monitoring"})
    assert (told["service"], told["namespace"]) == ("mill", "town")
    assert "service" not in whose({"instance": "10.0.0.1:9100", "job": "node-exporter"})


def checks_of(**shapes: Shape) -> Metrics:
    names = ("gate", "baker", "tailor", "mill", "well")
    told = [one for name in names for one in checks(name, shapes.get(name, flat(0.004)))]
    return {"probe_time": told, "cpu_usage": [one for name in names for one in of_pods(name, flat(0.1))]}


def test_checks_of_health_that_take_long_for_one_program_alone_are_its_network_though_nobody_timed_an_answer() -> None:
    assert causes(TOWN, checks_of(well=step(0.004, 1.4))) == [("pod_network_delay", "well")]
    assert causes(TOWN, checks_of()) == []


def test_checks_that_take_long_all_the_way_up_begin_at_the_last_of_the_way() -> None:
    late = checks_of(mill=step(0.004, 1.4), tailor=step(0.004, 1.5))
    assert causes(TOWN, late)[0] == ("pod_network_delay", "mill")


def test_checks_that_take_long_for_most_programs_are_nobodys_own_network() -> None:
    late = checks_of(mill=step(0.004, 1.4), well=step(0.004, 1.4), tailor=step(0.004, 1.4))
    assert "pod_network_delay" not in [fault for fault, _ in causes(TOWN, late)]


def answering(name: str, before: int, after: int) -> dict[LogKey, LogDigest]:
    """What a program logs of its answers each minute of the hour, in milliseconds."""
    lines = [
        f"{at(59 - minute)} INFO handled request in {before if minute < HALF else after} ms status=200"
        for minute in range(60)
    ]
    return {LogKey(NS, pod, "app"): digest(lines) for pod in pods_of(name)}


def with_logs(logs: dict[LogKey, LogDigest]) -> list[tuple[str, str]]:
    metrics = waits(("gate", "baker"), ("gate", "tailor"), ("baker", "mill"), ("tailor", "mill"))
    found = verdict(replace(seen(TOWN, metrics), logs=logs))
    return [(one.finding.fault, one.finding.component.name) for one in found.causes]


def test_whom_others_wait_for_while_its_own_log_says_that_it_answered_as_quickly_as_ever_is_far_away() -> None:
    assert with_logs(answering("mill", 6, 6))[0] == ("pod_network_delay", "mill")


def test_whom_others_wait_for_while_its_own_log_says_that_it_took_longer_is_slow_itself() -> None:
    assert with_logs(answering("mill", 6, 200)) == [("slow_dependency", "mill")]
    assert with_logs(answering("mill", 6, 20)) == [("slow_dependency", "mill")]


def test_a_log_that_tells_of_few_answers_is_no_measure() -> None:
    few = {key: digest([f"{at(9)} INFO handled request in 6 ms"] * 4) for key in answering("mill", 6, 6)}
    few.popitem()
    assert with_logs(few) == [("slow_dependency", "mill")]


def test_who_does_no_work_any_more_speaks_against_its_network() -> None:
    """A deadlock answers late, too, and its health checks find no answer."""
    late = {"latency": of_service("well", step(0.05, 9.0))}
    busy, still = (
        verdict(seen([*unready("well"), *late_checks("well")], {**late, "cpu_usage": of_pods("well", shape)})).causes[0]
        for shape in (flat(0.15), step(0.15, 0.001))
    )
    assert (busy.finding.fault, still.finding.fault) == ("pod_network_delay", "pod_network_delay")
    assert still.confidence < busy.confidence
    assert "does no work any more" in still.finding.against[0].quote
