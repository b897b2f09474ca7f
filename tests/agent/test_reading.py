from typing import Any

import pytest

from agent.reading import promql, read, window
from agent.routing import forced, judge, route

LEDGER = {"kind": "Deployment", "namespace": "orders", "name": "ledger", "alert": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("why is ledger failing in orders?", {"name": "ledger", "namespace": "orders"}),
        ("pods in orders", {"kind": "Pod", "name": "", "namespace": "orders"}),
        ("logs of ledger-5d8f-x2x9q in namespace orders last 30m", {"name": "ledger-5d8f-x2x9q", "namespace": "orders", "window": "30m"}),
        ("get deployment ledger -n orders", {"kind": "Deployment", "name": "ledger", "namespace": "orders"}),
        ("orders/ledger 怎么了", {"name": "ledger", "namespace": "orders"}),
        ("orders 命名空间的 ledger 为什么一直重启？", {"name": "ledger", "namespace": "orders"}),
        ("列出 orders 里的 pod", {"kind": "Pod", "name": "", "namespace": "orders"}),
        ("诊断一下 orders 命名空间", {"name": "", "namespace": "orders"}),
        ("why is the ledger service slow", {"kind": "Service", "name": "ledger", "namespace": ""}),
        ("ledger 服务的内存使用率最近半小时", {"name": "ledger", "measure": "memory", "window": "30m"}),
        ("cpu usage of deployment ledger in orders", {"name": "ledger", "namespace": "orders", "measure": "cpu"}),
        ("explain alert 0123456789abcdef", {"alert": "0123456789abcdef", "name": ""}),
        ("list nodes", {"kind": "Node", "name": "", "namespace": ""}),
        ("is everything healthy?", {"name": "", "namespace": "", "kind": ""}),
        ("how do I fix OOMKilled?", {"name": "", "namespace": ""}),
        ("有哪些告警？", {"name": "", "namespace": ""}),
    ],
)  # fmt: skip
def test_objects_places_and_windows_are_read_from_the_question(question: str, expected: dict[str, str]) -> None:
    found = read(question)
    assert {field: getattr(found, field) for field in expected} == expected


@pytest.mark.parametrize(
    "question",
    [
        "exceeded quota 怎么处理", "node NotReady 怎么办", "x509: certificate has expired 怎么办",
        "Error: exceeded quota, how do I fix it?", "FATAL: password authentication failed 怎么处理",
        "FailedScheduling 怎么解决", "how do I fix CreateContainerConfigError?", "DiskPressure 怎么处理",
    ],
)  # fmt: skip
def test_a_pasted_error_is_looked_up_in_the_pages_and_names_no_object(question: str) -> None:
    found = route(question, read(question))
    assert (found.route, found.name, found.fix) == ("knowledge", "", False)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("Fix it", "fix"), ("修复", "fix"), ("帮我处理一下", "fix"), ("roll back ledger", "fix"),
        ("why is it slow", "why"), ("它为什么挂了", "why"), ("show me the logs", "logs"), ("看看日志", "logs"),
        ("what alerts are firing", "alerts"), ("有什么告警", "alerts"), ("集群怎么样", "overview"), ("memory usage", "metrics"),
        ("how to drain a node", "howto"), ("如何处理内存溢出", "howto"), ("how many pods", "list"), ("有哪些节点", "list"),
    ],
)  # fmt: skip
def test_intents_are_read_in_both_languages(question: str, intent: str) -> None:
    assert read(question).wants(intent)


@pytest.mark.parametrize("question", ["and its logs?", "它的日志呢？", "show me the logs", "Fix it", "修复", "why?"])
def test_a_question_without_an_object_speaks_of_the_turn_before(question: str) -> None:
    found = read(question, LEDGER)
    assert (found.name, found.namespace, found.alert) == ("ledger", "orders", "0123456789abcdef")
    assert found.follows


@pytest.mark.parametrize(
    "question",
    ["list all nodes", "有哪些告警？", "how to drain a node", "集群概况", "why is gateway down", 'up{job="x"}'],
)
def test_a_question_about_something_else_forgets_the_turn_before(question: str) -> None:
    assert not read(question, LEDGER).follows


def test_another_namespace_is_another_subject() -> None:
    assert read("and its pods in quiet?", LEDGER).name != "ledger"


@pytest.mark.parametrize(
    ("question", "expr"),
    [
        ('run `rate(x_total{job="a"}[5m])` please', 'rate(x_total{job="a"}[5m])'),
        ("what is sum(rate(x_total[5m])) by (pod) > 0.5 in the last 2 hours?", "sum(rate(x_total[5m])) by (pod) > 0.5"),
        ("查询 sum by (pod) (up) 最近一小时", "sum by (pod) (up)"),
        ('up{job="x"} 是多少', 'up{job="x"}'),
        ("show container_memory_working_set_bytes", "container_memory_working_set_bytes"),
        ("sum(rate(x[5m])", "sum(rate(x[5m])"),
        ("why is ledger slow", ""),
    ],
)  # fmt: skip
def test_pasted_promql_is_found_whole_and_left_as_it_was_written(question: str, expr: str) -> None:
    assert promql(question) == expr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last 15 minutes", "15m"), ("past 2h", "2h"), ("in the last hour", "1h"), ("最近30分钟", "30m"),
        ("过去 2 个小时", "2h"), ("最近半小时", "30m"), ("前三天", ""), ("last 7 days", "7d"), ("no time", ""), ("最近一周", "1w"),
    ],
)  # fmt: skip
def test_a_span_is_written_as_prometheus_writes_it(text: str, expected: str) -> None:
    assert window(text) == expected


@pytest.mark.parametrize(
    ("question", "road", "fix"),
    [
        ("why is ledger failing?", "diagnosis", False),
        ("fix the ledger deployment", "diagnosis", True),
        ("修复 ledger", "diagnosis", True),
        ("how do I fix OOMKilled?", "knowledge", False),
        ("how do I handle crash loops?", "knowledge", False),
        ("内存溢出怎么处理？", "knowledge", False),
        ("什么是 CrashLoopBackOff", "knowledge", False),
        ("A pod is OOMKilled: what do I check, in order?", "knowledge", False),
        ("Pod 被 OOMKilled 了，先查什么？", "knowledge", False),
        ("hello", "knowledge", False),
        ("logs of ledger", "operator", False),
        ("what alerts are firing?", "operator", False),
        ("集群怎么样", "operator", False),
        ("explain alert 0123456789abcdef", "diagnosis", False),
        ("what is rate(x_total[5m])?", "operator", False),
        ("how do I fix deployment ledger-api?", "diagnosis", True),
        ("What is wrong in namespace orders, and how do we repair it?", "diagnosis", True),
    ],
)
def test_the_road_follows_from_what_is_asked(question: str, road: str, fix: bool) -> None:
    found = route(question, read(question))
    assert (found.route, found.fix) == (road, fix)
    assert found.reason


def test_a_forced_mode_keeps_the_subject_and_changes_the_road() -> None:
    question = "why is ledger failing in orders?"
    assert forced("rag", question, read(question)).route == "knowledge"
    operator = forced("mcp", question, read(question))
    assert (operator.route, operator.name, operator.namespace) == ("operator", "ledger", "orders")


@pytest.mark.parametrize(("given", "good"), [({"route": "operator"}, True), ({"route": "moon"}, False), ({}, False)])
def test_a_models_route_is_judged(given: dict[str, Any], good: bool) -> None:
    assert (judge(given) == "") is good


@pytest.mark.parametrize(
    ("question", "road"),
    [
        ("What is firing right now?", "operator"),
        ("What is firing? Explain it and fix it.", "diagnosis"),
        ("What's firing?", "operator"),
        ("What is failing?", "diagnosis"),
        ("What is the state of the cluster?", "operator"),
        ("What is a CrashLoopBackOff?", "knowledge"),
        ("集群状态如何？", "operator"),
        ("集群现在怎么样？", "operator"),
        ("Pod 被 OOMKilled，应按什么顺序排查？", "knowledge"),
        ("镜像拉取失败怎么排查？", "knowledge"),
        ("What are liveness probes for?", "knowledge"),
    ],
)
def test_what_is_may_ask_for_the_present_or_for_a_meaning(question: str, road: str) -> None:
    assert route(question, read(question)).route == road
