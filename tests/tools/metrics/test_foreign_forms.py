"""The same fault in the words of many exporters, windows and steps, with and without a time before it."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from tests.tools.analyzers.measured import Shape, causes, flat, machines, pods_of, program
from tests.tools.objects import NOW, NS
from tools.engines.metrics.recognise import Raw, recognise

NAMES = ("gate", "baker", "mill", "shop", "post", "well")
TOWN = [
    *machines("n1", "n2", "n3"),
    *program("gate", calls=["baker", "shop"], cpu="1"),
    *program("baker", calls=["mill"], cpu="500m"),
    *program("mill", cpu="1"),
    *program("shop", calls=["post"], cpu="500m"),
    *program("post", cpu="400m"),
    *program("well", cpu="300m"),
]
CALLS = (("gate", "baker"), ("gate", "shop"), ("baker", "mill"), ("shop", "post"))
BOUNDS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, float("inf"))


@dataclass(frozen=True)
class Times:
    """A window of minutes, sampled in steps of seconds; the fault begins in its middle, or was there all the time."""

    minutes: int
    step: int
    is_whole: bool = False

    @property
    def at(self) -> list[float]:
        many = self.minutes * 60 // self.step
        return [NOW.timestamp() - self.step * (many - 1 - place) for place in range(many)]

    def when(self, usual: float, wrong: float) -> Shape:
        begins = 0 if self.is_whole else len(self.at) // 2
        return lambda place: wrong if place >= begins else usual

    def gauge(self, name: str, labels: Mapping[str, str], shape: Shape) -> Raw:
        dice = random.Random(f"{name}{sorted(labels.items())}")
        rows = [[at, f"{shape(place) * (1 + dice.gauss(0, 0.04)):.6g}"] for place, at in enumerate(self.at)]
        return name, dict(labels), rows

    def counter(self, name: str, labels: Mapping[str, str], shape: Shape) -> Raw:
        same = sorted(
            (key, value) for key, value in labels.items() if key != "le"
        )  # one request falls into all of its buckets
        dice = random.Random(f"{name}{same}")
        total, rows = dice.uniform(1000, 9000), []
        for place, at in enumerate(self.at):
            total += shape(place) * self.step * (1 + dice.gauss(0, 0.04))
            rows.append([at, f"{total:.6f}"])
        return name, {"__name__": name, **labels}, rows


WINDOWS = [Times(40, 30), Times(20, 60), Times(60, 60), Times(30, 60, is_whole=True), Times(10, 60, is_whole=True)]
windows = pytest.mark.parametrize("times", WINDOWS, ids=str)


def of_cpu(form: str, times: Times, pod: str, name: str, cores: Shape) -> Iterator[Raw]:
    own = {"namespace": NS, "pod": pod}
    total = "container_cpu_usage_seconds_total"
    if form == "cadvisor":
        yield times.counter(
            total, {**own, "container": "app", "cpu": "total", "id": f"/kubepods/{pod}", "node": "n1"}, cores
        )
    elif form == "cadvisor with the pod's total beside it":
        yield times.counter(total, {**own, "container": "app", "id": f"/kubepods/{pod}/a"}, cores)
        yield times.counter(total, {**own, "id": f"/kubepods/{pod}"}, cores)
        yield times.counter(total, {**own, "container": "POD", "id": f"/kubepods/{pod}/p"}, flat(0.0001))
    elif form == "cadvisor of each processor":
        for number in range(4):
            yield times.counter(
                total, {**own, "container": "app", "cpu": f"cpu0{number}"}, lambda place: cores(place) / 4
            )
    elif form == "a counter with a pod only":
        yield times.counter(total, {"pod": pod}, cores)
    elif form == "a recording rule":
        rule = "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate"
        yield times.gauge("x", {"__name__": rule, **own, "container": "app", "node": "n1"}, cores)
    elif form == "an expression":
        yield times.gauge(f"sum(rate({total}[5m])) by (pod)", {"pod": pod}, cores)
    elif form == "millicores":
        yield times.gauge("x", {"__name__": "pod_cpu_usage_millicores", **own}, lambda place: 1000 * cores(place))
    elif form == "hundredths of the limit":
        yield times.gauge("cpu_usage_percent", own, lambda place: 200 * cores(place))
    elif form == "OTel":
        yield times.gauge(
            "x", {"__name__": "k8s_pod_cpu_utilization", "k8s_pod_name": pod, "k8s_namespace_name": NS}, cores
        )
    elif form == "its own process":
        yield times.counter("process_cpu_seconds_total", {**own, "job": name}, cores)
    elif form == "cpu_usage of a pod":
        yield times.gauge("cpu_usage", {"pod": pod}, cores)
    else:
        yield times.gauge("cpu_usage", {"service": name}, cores)


CPU_FORMS = (
    "cadvisor",
    "cadvisor with the pod's total beside it",
    "cadvisor of each processor",
    "a counter with a pod only",
    "a recording rule",
    "an expression",
    "millicores",
    "hundredths of the limit",
    "OTel",
    "its own process",
    "cpu_usage of a pod",
    "cpu_usage of a service",
)


def cpu(form: str, times: Times, busy: str = "") -> list[Raw]:
    usual = {name: 0.03 + 0.02 * place for place, name in enumerate(NAMES)}
    return [
        raw
        for name in NAMES
        for pod in pods_of(name)
        for raw in of_cpu(form, times, pod, name, times.when(usual[name], 0.49 if name == busy else usual[name]))
    ]


def buckets(times: Times, name: str, labels: Mapping[str, str], seconds: Shape) -> Iterator[Raw]:
    for bound in BOUNDS:
        told = {**labels, "le": "+Inf" if bound == float("inf") else f"{bound:g}"}

        def below(place: int, bound: float = bound) -> float:
            return float(20 * (1 - 2.718 ** (-bound / (1000 * seconds(place) / 3))))

        yield times.counter(name, told, below)


def of_latency(form: str, times: Times, name: str, seconds: Shape) -> Iterator[Raw]:
    if form == "a quantile in seconds":
        yield times.gauge("latency_p99", {"service": name, "namespace": NS}, seconds)
    elif form == "milliseconds":
        yield times.gauge("latency_p95_ms", {"service": name}, lambda place: 1000 * seconds(place))
    elif form == "milliseconds that nobody calls so":
        yield times.gauge("latency", {"service": name}, lambda place: 1000 * seconds(place))
    elif form == "of a pod":
        yield from (times.gauge("response_time", {"pod": pod}, seconds) for pod in pods_of(name))
    elif form == "Spring":
        labels = {"application": name, "namespace": NS, "uri": "/api", "method": "GET", "status": "200"}
        yield times.counter("http_server_requests_seconds_count", labels, flat(20))
        yield times.counter("http_server_requests_seconds_sum", labels, lambda place: 20 * seconds(place))
    else:
        yield from buckets(
            times, "http_server_duration_milliseconds_bucket", {"service_name": name, "job": name}, seconds
        )


def of_calls(form: str, times: Times, client: str, server: str, seconds: Shape) -> Iterator[Raw]:
    if form == "Istio":
        host = f"{server}.{NS}.svc.cluster.local"
        labels = {"source_workload": client, "destination_workload": server, "destination_service": host}
        for reporter in ("source", "destination"):
            yield from buckets(
                times, "istio_request_duration_milliseconds_bucket", {**labels, "reporter": reporter}, seconds
            )
    else:
        labels = {"direction": "outbound", "deployment": client, "namespace": NS, "dst_deployment": server}
        yield from buckets(times, "response_latency_ms_bucket", {**labels, "pod": pods_of(client)[0]}, seconds)


LATENCY_FORMS = (
    "a quantile in seconds",
    "milliseconds",
    "milliseconds that nobody calls so",
    "of a pod",
    "Spring",
    "OTel",
)
MESH_FORMS = ("Istio", "Linkerd")


def latency(form: str, times: Times, *late: str) -> list[Raw]:
    def seconds(name: str) -> Shape:
        usual = 0.03 + 0.01 * NAMES.index(name)
        return times.when(usual, 1.3 + 0.01 * len(name) if name in late else usual)

    if form in MESH_FORMS:
        return [raw for client, server in CALLS for raw in of_calls(form, times, client, server, seconds(server))]
    return [raw for name in NAMES for raw in of_latency(form, times, name, seconds(name))]


def of_network(form: str, times: Times, pod: str, wrong: bool) -> Iterator[Raw]:
    own = {"namespace": NS, "pod": pod}
    trip, lost = times.when(0.0008, 0.25 if wrong else 0.0008), times.when(0.0, 0.3 if wrong else 0.0)
    if form == "rtt":
        yield times.gauge("rtt", own, trip)
    elif form == "rtt in milliseconds":
        yield times.gauge("network_rtt_ms", own, lambda place: 1000 * trip(place))
    elif form == "ping":
        yield times.gauge("x", {"__name__": "ping_rtt_mean_seconds", "target": pod}, trip)
    elif form == "dropped packets":
        name = "container_network_receive_packets_dropped_total"
        yield times.counter(name, {**own, "interface": "eth0"}, lambda place: 100 * lost(place))
    elif form == "a share of packets":
        yield times.gauge("packet_loss_ratio", own, lost)
    elif form == "hundredths of packets":
        yield times.gauge("network_packet_loss_percent", own, lambda place: 100 * lost(place))
    else:
        yield times.counter("pod_tcp_retransmits_total", own, lambda place: 50 * lost(place) + 0.01)


DELAYS = ("rtt", "rtt in milliseconds", "ping")
LOSSES = ("dropped packets", "a share of packets", "hundredths of packets", "retransmits")


def network(form: str, times: Times, wrong: Iterable[str]) -> list[Raw]:
    bad = set(wrong)
    return [raw for name in NAMES for pod in pods_of(name) for raw in of_network(form, times, pod, pod in bad)]


def told(*groups: Sequence[Raw]) -> list[tuple[str, str]]:
    return causes(TOWN, recognise(raw for group in groups for raw in group))


@windows
@pytest.mark.parametrize("form", CPU_FORMS)
def test_a_program_at_its_limit_is_found(form: str, times: Times) -> None:
    assert told(cpu(form, times, busy="baker"), latency("a quantile in seconds", times, "baker", "gate"))[0] == (
        "pod_cpu_overload",
        "baker",
    )


@windows
@pytest.mark.parametrize("form", [*LATENCY_FORMS, *MESH_FORMS])
def test_of_a_chain_of_slow_programs_the_innermost_is_found(form: str, times: Times) -> None:
    assert told(cpu("cadvisor", times), latency(form, times, "mill", "baker", "gate"))[0][1] == "mill"


@windows
@pytest.mark.parametrize("form", [*LATENCY_FORMS, *MESH_FORMS])
def test_a_calm_town_has_no_cause(form: str, times: Times) -> None:
    assert told(cpu("cadvisor", times), latency(form, times)) == []


@windows
@pytest.mark.parametrize("form", [*DELAYS, *LOSSES])
@pytest.mark.parametrize("many", [1, 2], ids=["one of its pods", "all of its pods"])
def test_a_bad_network_of_a_program_is_found(form: str, times: Times, many: int) -> None:
    fault = "pod_network_delay" if form in DELAYS else "pod_network_loss"
    assert told(cpu("cadvisor", times), network(form, times, pods_of("baker")[:many]))[0] == (fault, "baker")


@windows
@pytest.mark.parametrize("form", [*DELAYS, *LOSSES])
def test_a_bad_network_of_all_pods_of_a_machine_is_the_machines(form: str, times: Times) -> None:
    fault = "node_network_delay" if form in DELAYS else "node_network_packet_loss"
    on_it = [pods_of(name)[0] for name in NAMES]
    assert told(cpu("cadvisor", times), network(form, times, on_it))[0] == (fault, "n1")


@windows
@pytest.mark.parametrize("form", [*DELAYS, *LOSSES])
def test_a_good_network_is_no_cause(form: str, times: Times) -> None:
    assert told(cpu("cadvisor", times), network(form, times, [])) == []
