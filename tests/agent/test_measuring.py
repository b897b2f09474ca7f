"""A number that is asked for: the metric that exists, the labels that its series have, the query, and the sentence."""

from pathlib import Path
from typing import Any

import pytest

from agent.measuring import pods_of, say
from agent.picking import next_calls
from agent.reading import read
from tests.agent.fakes import House

SCHEMAS: dict[str, Any] = {
    "find_metrics": {"properties": {"regex": {}}},
    "query_metrics": {"properties": {"expr": {}, "last": {}}, "required": ["expr"]},
}
REQUESTS = "http_requests_total"


def found(*names: str) -> dict[str, Any]:
    data = {"metrics": [{"name": name} for name in names]}
    return {"tool": "find_metrics", "ok": True, "arguments": {}, "data": data, "evidence": ["e1"]}


def answered(call: tuple[str, dict[str, Any]], *series: dict[str, Any], summary: str = "") -> dict[str, Any]:
    tool, arguments = call
    data = {"series": list(series)}
    return {
        "tool": tool,
        "ok": True,
        "arguments": arguments,
        "data": data,
        "summary": summary,
        "evidence": ["e9"],
    }


def asked(question: str, outputs: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    (call,) = next_calls(read(question), question, outputs, SCHEMAS)
    return call.tool, call.arguments


def final(question: str, metric: str, labels: dict[str, str]) -> str:
    """The query that gives the number, after one series with these labels was seen."""
    seen = [found(metric)]
    look = asked(question, seen)
    return str(asked(question, [*seen, answered(look, {"labels": labels, "last": 1.0})])[1]["expr"])


@pytest.mark.parametrize(
    ("question", "measure"),
    [
        ("what is the p95 latency of ledger?", "latency"),
        ("ledger 的错误率", "errors"),
        ("error rate of ledger in orders", "errors"),
        ("namespace orders 的 CPU 使用", "cpu"),
        ("how much memory does ledger use?", "memory"),
        ("QPS of ledger", "requests"),
        ("orders 命名空间的流量", "requests"),
        ("restart count of ledger", "restarts"),
        ("what is the error rate?", "errors"),
        ("当前的 CPU 使用", "cpu"),
        ("95th percentile latency of ledger", "latency"),
    ],
)
def test_a_number_of_something_named_is_asked_of_the_metrics(question: str, measure: str) -> None:
    reading = read(question)
    assert (reading.measure, reading.wants("value")) == (measure, True)
    assert asked(question, [])[0] == "find_metrics"


@pytest.mark.parametrize(
    "question",
    [
        "why is the latency of ledger high",
        "how do I lower cpu usage of ledger",
        "什么是 CPU 限流",
        "fix the memory of ledger",
    ],
)
def test_a_reason_a_recipe_or_a_repair_is_no_number(question: str) -> None:
    assert not read(question).wants("value")


def test_requests_are_asked_by_the_label_that_names_the_workload() -> None:
    assert final("QPS of ledger in orders", REQUESTS, {"app": "ledger", "pod": "ledger-0"}) == (
        'topk(10, sum (rate(http_requests_total{namespace="orders",app="ledger"}[5m])))'
    )


def test_a_percentile_may_be_written_out() -> None:
    found = read("99th percentile latency of ledger")
    assert (found.quantile, found.name or found.namespace) == ("99", "ledger")


def test_where_no_label_names_the_workload_its_pods_do() -> None:
    expr = final("QPS of ledger", REQUESTS, {"service": "an-exporter", "pod": "ledger-0"})
    assert f'pod=~"{pods_of("ledger")}"' in expr


def test_an_error_rate_is_zero_where_nothing_failed_and_uses_the_status_label_that_exists() -> None:
    assert final("error rate of ledger", REQUESTS, {"job": "ledger", "status": "200"}) == (
        'topk(10, (sum (rate(http_requests_total{job="ledger",status=~"5.."}[5m])) or '
        '0 * sum (rate(http_requests_total{job="ledger"}[5m]))) / sum (rate(http_requests_total{job="ledger"}[5m])))'
    )


def test_a_namespaces_latency_is_told_by_workload_with_the_asked_quantile() -> None:
    expr = final("p99 latency in namespace orders", "http_request_duration_seconds_bucket", {"service": "ledger"})
    assert "histogram_quantile(0.99, sum by (namespace, service, le)" in expr


def test_containers_are_measured_without_a_look() -> None:
    question = "CPU of pod ledger-0 in orders last 2h"
    tool, arguments = asked(question, [found("container_cpu_usage_seconds_total")])
    assert (tool, arguments["last"]) == ("query_metrics", "2h")
    assert 'container!="",namespace="orders",pod=~"ledger-0-' in arguments["expr"]


def test_a_workloads_pods_are_not_those_of_one_whose_name_begins_alike() -> None:
    import re

    mine = re.compile(pods_of("ledger"))
    assert all(mine.fullmatch(pod) for pod in ("ledger-7d9f5c6b8-abcde", "ledger-abcde", "ledger-0", "ledger"))
    assert not any(
        mine.fullmatch(pod) for pod in ("ledger-db-0", "ledger-db-7d9f5c6b8-abcde", "ledgers-0", "my-ledger-0")
    )


def test_metrics_that_do_not_exist_are_named() -> None:
    reading = read("p95 latency of ledger")
    assert next_calls(reading, "", [found()], SCHEMAS) == []
    (line,) = say(reading, [found()], "en")
    assert line.startswith(
        "p95 latency of ledger cannot be told: Prometheus has none of the metrics http_request_duration"
    )
    assert say(reading, [found()], "zh")[0].startswith("无法给出p95 延迟（ledger）：Prometheus 中没有指标")


def test_series_that_speak_of_something_else_or_have_no_status_are_named() -> None:
    reading = read("error rate of ledger")
    look = asked("error rate of ledger", [found(REQUESTS)])
    nobody = [found(REQUESTS), answered(look)]
    assert next_calls(reading, "", nobody, SCHEMAS) == []
    assert say(reading, nobody, "en") == [
        "Error rate (5xx) of ledger cannot be told: no series of http_requests_total is about it. [e9]"
    ]
    unlabelled = [found(REQUESTS), answered(look, {"labels": {"job": "ledger"}, "last": 1.0})]
    assert "carry no status code" in say(reading, unlabelled, "en")[0]


@pytest.mark.parametrize(
    ("question", "series", "lines"),
    [
        ("error rate of ledger", [{"last": 0.0756}], ["Error rate (5xx) of ledger: 7.56% [e9]"]),
        ("error rate of ledger", [{"last": 0.0}], ["Error rate (5xx) of ledger: 0% [e9]"]),
        ("error rate of ledger", [{"last": None}], ["Error rate (5xx) of ledger: no number now (no requests in the last 5m) [e9]"]),
        ("QPS of ledger", [{"last": 61.538}], ["Request rate of ledger: 61.54 requests/s [e9]"]),
        ("ledger 的 p95 延迟", [{"last": 0.02394}], ["p95 延迟（ledger）：0.0239 秒 [e9]"]),
    ],
)  # fmt: skip
def test_a_number_becomes_a_sentence_with_its_unit(
    question: str, series: list[dict[str, Any]], lines: list[str]
) -> None:
    outputs = [
        found(REQUESTS, "http_request_duration_seconds_bucket"),
        answered(("query_metrics", {"expr": "x"}), *series),
    ]
    assert say(read(question), outputs, "zh" if "延迟" in question else "en") == lines


def test_several_series_are_listed_with_what_tells_them_apart() -> None:
    rows = [{"labels": {"pod": "ledger-1"}, "last": 141.94}, {"labels": {"pod": "ledger-0"}, "last": 90.0}]
    outputs = [found("container_memory_working_set_bytes"), answered(("query_metrics", {"expr": "x"}), *rows)]
    assert say(read("memory of ledger"), outputs, "en") == [
        "Memory use of ledger, highest first: [e9]",
        "- ledger-1: 141.9 MiB [e9]",
        "- ledger-0: 90 MiB [e9]",
    ]


def test_over_a_span_the_course_is_told() -> None:
    outputs = [
        found("container_memory_working_set_bytes"),
        answered(("query_metrics", {"expr": "x"}), {"last": 1.0}, summary="steady around 90"),
    ]
    assert say(read("memory of ledger last 2h"), outputs, "en") == ["Memory use of ledger [MiB]: steady around 90 [e9]"]


async def test_a_number_is_answered_with_its_evidence(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        told = await house.ask("what is the QPS of ledger?")
    assert [tool for tool, _ in house.estate.asked] == ["find_metrics", "query_metrics", "query_metrics"]
    assert told.text.startswith("Request rate of ledger")
    assert told.one("answer")["statements"][0]["evidence"]
    assert told.one("answer")["unsupported"] == []
