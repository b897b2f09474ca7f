"""What a picture asks: taken from a rule's expression, for the alerts of the message, over hours that are settled with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import orjson
import pytest

from alerts.arriving import INTAKE
from alerts.model import Alert, fingerprint
from alerts.notify.message import Message, compose
from alerts.pictures.asking import Asker, expression_at
from alerts.pictures.question import MAX_SERIES, Question
from alerts.pictures.splitting import split
from alerts.rules import Rule, load_rules
from core.errors import FirstmateError
from tests.alerts.night import EVENING
from tools.clients.promql import parse

PROMETHEUS = "http://prometheus:9090"
RULE = Rule("r", "Busy", "g", "sum by (pod) (rate(work_total[5m])) > 5", labels={"severity": "warning"})


def firing(pod: str = "a", minutes: float = 10, rule: str = "r", name: str = "Busy", **said: str) -> Alert:
    labels = {"alertname": name, "severity": "warning", "pod": pod, **said}
    at = EVENING - timedelta(minutes=minutes)
    url = f"{PROMETHEUS}/graph?g0.expr={quote(RULE.expr)}&g0.tab=1" if rule == INTAKE else ""
    return Alert(fingerprint(labels), rule, name, labels, {}, "firing", 9.0, "e", at, fired_at=at, generator_url=url)


def asker(rule: Rule | None = RULE) -> Asker:
    return Asker(lambda _id: rule, PROMETHEUS)


async def asked(*alerts: Alert, rule: Rule | None = RULE) -> Question:
    question = await asker(rule)(alerts, EVENING)
    assert question is not None
    return question


@pytest.mark.parametrize(
    ("expr", "measured", "operator", "threshold"),
    [
        ("a > 5", "a{}", ">", 5),
        ("5 < a", "a{}", ">", 5),
        ("(a) <= -0.5", "(a{})", "<=", -0.5),
        ("(a > 5) and on (pod) b > 1", "a{}", ">", 5),
        ("a != 1 unless b", "a{}", "!=", 1),
        ("100 * a / b >= 90", "100 * a{} / b{}", ">=", 90),
        ('a{x="> 5"} == 0', 'a{x="> 5"}', "==", 0),
        ("a < on (pod) b", "a{}", "", None),
        ("a > 5 or b > 6", "a > 5 or b > 6", "", None),
        ("a > bool 5", "a > bool 5", "", None),
        ("absent(a)", "absent(a)", "", None),
        ('{"a.b"="c"} > 1', '{"a.b"="c"} > 1', "", None),
    ],
)
def test_an_expression_is_split_into_what_it_measures_and_its_limit(
    expr: str, measured: str, operator: str, threshold: float | None
) -> None:
    found = split(expr)
    assert (found.expr, found.operator, found.threshold) == (measured, operator, threshold)


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        ("mem_bytes > 5", "bytes"),
        ("rate(net_bytes_total[5m]) > 5", "bytes/s"),
        ("a_bytes / b_bytes > 0.9", "share"),
        ("rate(errors_total[5m]) / rate(requests_total[5m]) > 0.05", "share"),
        ("rate(errors_total[5m]) / rate(requests_total[5m]) > 20", ""),
        ("100 * a / b > 90", "percent"),
        ("100 * a_bytes / b_bytes > 90", "percent"),
        ("histogram_quantile(0.9, sum by (le) (rate(t_seconds_bucket[5m]))) > 1", "seconds"),
        ("time() - last_seconds > 60", "seconds"),
        ("rate(cpu_seconds_total[5m]) > 2", ""),
        ("count(a_bytes) > 2", ""),
        ("up == 0", ""),
    ],
)
def test_the_unit_is_read_from_the_names(expr: str, unit: str) -> None:
    assert split(expr).unit == unit


def test_every_shipped_rule_can_be_asked_about() -> None:
    shipped = [rule for group in load_rules() for rule in group.rules]
    limits = {rule.name: split(rule.expr) for rule in shipped}
    assert len(limits) >= 19
    for found in limits.values():
        parse(found.expr)
        parse(f"({found.expr}) and on (pod) (vector(1))")
    # Those that compare with a number show it; the others compare two series, or hold where something is missing.
    assert sum(found.threshold is not None for found in limits.values()) >= 14
    assert (limits["ContainerMemoryNearLimit"].threshold, limits["ContainerMemoryNearLimit"].unit) == (0.95, "share")
    assert limits["HighLatency"].unit == "seconds"


async def test_only_the_series_of_the_alerts_are_asked_for_over_the_hour_before() -> None:
    question = await asked(firing("a"), firing("b", 5))
    assert question.promql == (
        '(sum by (pod)(rate(work_total{}[5m]))) and on (pod) (label_replace(vector(1), "pod", "b", "", "")'
        ' or label_replace(vector(1), "pod", "a", "", ""))'
    )
    assert (question.end, question.fired_at) == (EVENING.timestamp(), EVENING.timestamp() - 600)
    assert question.start == EVENING.timestamp() - 4_200
    assert (question.operator, question.threshold, question.total) == (">", 5.0, 2)


async def test_of_many_alerts_five_are_drawn_and_the_rest_counted() -> None:
    question = await asked(*(firing(f"pod-{number}") for number in range(40)))
    assert len(question.series) == MAX_SERIES
    assert question.caption("en").endswith("; 35 more are not drawn")
    assert "另有 35 条未画出" in question.caption("zh")


async def test_a_label_cannot_break_out_of_the_question() -> None:
    question = await asked(firing('a"}) or vector(1) #\\', odd="$1\n"))
    parse(question.promql)
    assert "$$1\\n" in question.promql
    assert 'a\\"}) or vector(1) #\\\\' in question.promql


async def test_of_a_long_trouble_the_last_day_is_drawn() -> None:
    question = await asked(firing(minutes=60 * 24 * 30))
    assert question.end - question.start == 24 * 3_600
    assert (question.end - question.start) / question.step <= 240


async def test_an_alert_that_begins_in_the_future_is_drawn_until_now() -> None:
    question = await asked(firing(minutes=-60))
    assert question.start < question.fired_at <= question.end == EVENING.timestamp()


async def test_what_is_over_and_what_has_no_rule_has_no_picture() -> None:
    assert await asker()([], EVENING) is None
    assert await asker(None)([firing()], EVENING) is None
    assert await asker(Rule("r", "Own", "g", ""))([firing()], EVENING) is None
    assert await asker(Rule("r", "Bad", "g", "sum("))([firing()], EVENING) is None


async def test_a_question_is_the_same_after_it_was_stored_with_its_message() -> None:
    question = await asked(firing())
    sent = compose(
        receiver="r",
        reason="first",
        group_key="g",
        group_labels={},
        alerts=[firing()],
        external_url="",
        question=question,
    )
    back = Message.from_json(orjson.loads(orjson.dumps(sent.to_json())))
    assert back == sent
    assert back.question is not None
    assert back.question.id == question.id
    # A row that an older version wrote has no question.
    assert Message.from_json({k: v for k, v in sent.to_json().items() if k != "question"}).question is None


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0"),
        ("http://PROMETHEUS:9090/graph?g0.expr=up", "up"),
        ("http://other:9090/graph?g0.expr=up", ""),
        ("https://prometheus:9090/graph?g0.expr=up", ""),
        ("http://prometheus/graph?g0.expr=up", ""),
        ("http://prometheus:9090/other?g0.expr=up", ""),
        ("http://prometheus:9090@evil/graph?g0.expr=up", ""),
        ("http://prometheus:99999999/graph?g0.expr=up", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_foreign_link_to_a_graph_is_not_believed(link: str, found: str) -> None:
    assert expression_at(link, PROMETHEUS) == found
    assert expression_at(link, "") == ""


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]


async def test_an_alert_from_our_own_prometheus_is_drawn_by_the_series_that_it_names() -> None:
    question = await asked(firing("a", rule=INTAKE, cluster="east"), rule=None)
    assert question.whole == RULE.expr
    narrowed = question.narrowed([Sample({"__name__": "x", "pod": "z"}), Sample({"pod": "a"})])
    assert narrowed.series == ({"pod": "a"},)
    assert question.narrowed([Sample({"pod": "z"})]) is question


def test_lines_are_named_by_what_tells_them_apart() -> None:
    question = Question("Busy", "x", 0, 60, 30)
    two = [{"namespace": "shop", "pod": "a", "__name__": "x"}, {"namespace": "shop", "pod": "b", "__name__": "x"}]
    assert question.names(two) == ["a", "b"]
    assert question.names(two[:1]) == ["shop / a"]
    assert question.names([{}]) == ["Busy"]


def test_a_detectors_expression_never_stops_a_message() -> None:
    with pytest.raises(FirstmateError):
        split("(" * 5_000)
