"""Alerts as the only trace of a fault, as symptoms, and as what names the wrong place."""

import pytest

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
    alert,
    alert_with,
    causes,
    first,
    flat,
    machines,
    of_pods,
    of_service,
    program,
    seen,
    step,
    verdict,
)
from tests.tools.objects import NS
from tools.engines.alarms import meaning_of
from tools.engines.snapshot import Alert

POD = "baker-rs1-bcdfg"
TOWN = [
    *machines(),
    *program("gate", on=["n2"], calls=["baker", "mill"]),
    *program("baker", on=["n1"], cpu="500m"),
    *program("mill", on=["n1"]),
]


@pytest.mark.parametrize(
    ("name", "text", "meaning"),
    [
        ("PodHighCPU", "", "cpu"),
        ("HighCpuUsage", "usage above 90%", "cpu"),
        ("CPUThrottlingHigh", "", "throttled"),
        ("KubePodNotReady", "", "not_ready"),
        ("HighRequestLatency", "p99 above 2s", "latency"),
        ("PodNetworkLatencyHigh", "", "network_delay"),
        ("TCPRTTHigh", "", "network_delay"),
        ("Alert", "the round-trip time to the pod is 900ms", "network_delay"),
        ("NodePacketLoss", "", "packet_loss"),
        ("TcpRetransmissionRateHigh", "", "packet_loss"),
        ("NodeClockSkewDetected", "", "clock"),
        ("NodeDiskIOSaturation", "", "disk_io"),
        ("NodeFilesystemAlmostOutOfSpace", "", "disk_space"),
        ("HighErrorRate", "5xx above 5%", "errors"),
        ("KubeHpaMaxedOut", "", "scaler"),
        ("ContainerMemoryUsage", "", "memory"),
        ("内存泄漏", "", "memory_leak"),
        ("容器CPU使用率过高", "", "cpu"),
        ("网络延迟过高", "", "network_delay"),
        ("节点丢包", "", "packet_loss"),
        ("接口响应时间过长", "", "latency"),
        ("Watchdog", "always firing, high latency", ""),
    ],
)
def test_an_alert_is_understood_from_its_words(name: str, text: str, meaning: str) -> None:
    assert meaning_of(alert(name, text)) == meaning


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("PodHighCPU", "pod_cpu_overload"),
        ("PodNetworkLatencyHigh", "pod_network_delay"),
        ("PodPacketLoss", "pod_network_loss"),
        ("PodThreadsExhausted", "thread_exhaustion"),
        ("TooManyOpenFiles", "file_descriptor_exhaustion"),
        ("MemoryKeepsGrowing", "memory_leak"),
    ],
)
def test_one_alert_about_a_pod_names_a_fault_of_its_workload(name: str, fault: str) -> None:
    assert causes(TOWN, alerts=[alert(name, namespace=NS, pod=POD)]) == [(fault, "baker")]


@pytest.mark.parametrize(
    ("name", "labels", "fault"),
    [
        ("NodeNetworkLatencyHigh", {"node": "n1"}, "node_network_delay"),
        ("NodePacketLossHigh", {"instance": "192.168.0.1:9100"}, "node_network_packet_loss"),
        ("NodeClockSkewDetected", {"instance": "192.168.0.1:9100"}, "node_clock_skew"),
    ],
)
def test_an_alert_about_a_machine_names_the_machine(name: str, labels: dict[str, str], fault: str) -> None:
    assert causes(TOWN, alerts=[alert_with(name, labels)]) == [(fault, "n1")]


@pytest.mark.parametrize(
    "text", [f"pod {POD} has a high network latency", "Service baker: RTT 800ms", "服务 baker 的网络延迟过高"]
)
def test_without_labels_the_names_in_the_text_count(text: str) -> None:
    assert causes(TOWN, alerts=[alert("Rule17", text)]) == [("pod_network_delay", "baker")]


def test_alerts_about_the_network_of_all_programs_on_a_machine_are_about_the_machine() -> None:
    both = [alert("PodNetworkLatencyHigh", namespace=NS, pod=f"{name}-rs1-bcdfg") for name in ("baker", "mill")]
    assert causes(TOWN, alerts=both) == [("node_network_delay", "n1")]


def test_several_that_agree_are_believed_more() -> None:
    one = [alert("PodHighCPU", namespace=NS, pod=POD)]
    three = [*one, alert("ContainerCpuUsage", namespace=NS, pod=POD), alert("CpuSaturation", namespace=NS, pod=POD)]
    few, many = verdict(seen(TOWN, alerts=one)), verdict(seen(TOWN, alerts=three))
    assert many.causes[0].confidence > few.causes[0].confidence


def test_late_answers_accuse_only_the_one_that_others_wait_for() -> None:
    late = [alert("HighLatency", namespace=NS, service=name) for name in ("gate", "baker")]
    assert causes(TOWN, alerts=late) == [("pod_network_delay", "baker")]


def test_errors_and_restarts_accuse_nobody_but_are_told() -> None:
    found = verdict(
        seen(
            TOWN,
            alerts=[alert("HighErrorRate", namespace=NS, service="gate"), alert("PodRestarts", namespace=NS, pod=POD)],
        )
    )
    assert not found.causes
    assert {one.component.name for one in found.symptoms} == {"gate", "baker"}


def test_what_measurements_contradict_is_dropped() -> None:
    metrics: Metrics = {"cpu_usage": of_pods("baker", flat(0.05), 1)}
    assert causes(TOWN, metrics, [alert("PodHighCPU", namespace=NS, pod=POD)]) == []


def test_an_alert_of_last_week_is_hardly_believed() -> None:
    assert causes(TOWN, alerts=[alert("PodHighCPU", namespace=NS, pod=POD, minutes_ago=7 * 24 * 60)]) == []


@pytest.mark.parametrize(
    "labels", [{}, {"pod": "gone-1"}, {"namespace": "elsewhere", "pod": POD}, {"service": "nobody"}]
)
def test_an_alert_about_nobody_known_accuses_nobody(labels: dict[str, str]) -> None:
    assert causes(TOWN, alerts=[alert_with("PodHighCPU", labels)]) == []


def test_a_resolved_alert_says_nothing() -> None:
    fired = alert("PodHighCPU", namespace=NS, pod=POD)
    over = Alert(fired.name, fired.labels, fired.annotations, "resolved", fired.starts_at, fired.starts_at)
    assert causes(TOWN, alerts=[over]) == []


def test_the_words_name_the_alert() -> None:
    found = first(TOWN, alerts=[alert("PodHighCPU", namespace=NS, pod=POD)])
    assert "PodHighCPU" in found.words.en
    assert "PodHighCPU" in found.words.zh


def test_a_program_that_fills_its_machine_while_others_answer_late_is_a_noisy_neighbour() -> None:
    told = [
        alert("PodCpuHog", namespace=NS, pod=POD),
        alert("NodeCpuHigh", node="n1"),
        alert("HighLatency", namespace=NS, service="mill"),
    ]
    assert causes(TOWN, alerts=told)[0] == ("noisy_neighbour", "baker")


def test_an_unusual_rate_of_requests_is_a_surge_and_not_a_slow_network() -> None:
    told = [
        alert("RequestRateAnomaly", "request rate of baker is 9 times its usual value", namespace=NS, service="baker"),
        alert("HighLatency", namespace=NS, service="gate"),
    ]
    assert causes(TOWN, alerts=told) == [("traffic_surge", "baker")]


def test_a_cache_that_is_told_to_miss_is_passed_by() -> None:
    town = [*machines(), *program("baker", calls=["shelf"]), *program("shelf", image="docker.io/library/redis:7")]
    assert causes(town, alerts=[alert("CacheHitRatioLow", namespace=NS, service="shelf")]) == [
        ("cache_stampede", "shelf")
    ]


def test_late_answers_of_two_that_wait_for_one_are_not_their_machines() -> None:
    town = [
        *machines(),
        *program("gate", on=["n1"], calls=["vault"]),
        *program("baker", on=["n1"], calls=["vault"]),
        *program("vault"),
    ]
    late = [alert("HighLatency", namespace=NS, service=name) for name in ("gate", "baker")]
    assert causes(town, alerts=late) == []


def held_back(used: Shape) -> list[tuple[str, str]]:
    metrics: Metrics = {
        "cpu_usage": of_pods("baker", used, 1),
        "cpu_throttled": of_pods("baker", step(0.01, 0.9), 1),
        "latency": of_service("baker", step(0.02, 0.4)),
    }
    return causes(TOWN, metrics, [alert("CPUThrottlingHigh", namespace=NS, pod=POD)])


def test_whoever_began_to_burn_many_times_as_much_is_overloaded_whatever_an_alert_calls_it() -> None:
    assert held_back(step(0.07, 0.498))[0] == ("pod_cpu_overload", "baker")


def test_whoever_is_held_back_at_its_usual_work_is_throttled() -> None:
    assert held_back(flat(0.44))[0] == ("cpu_throttled", "baker")
