"""A rule as people write it, and the Prometheus rule it becomes."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from alerts.rulebook.definition import Definition, from_prometheus, rule_of
from alerts.rules import parse_rules
from core.errors import Invalid

DOCUMENTED: dict[str, Any] = {
    "name": "High CPU Usage",
    "description": "Alert when CPU usage is high",
    "condition": "cpu_usage > 80",
    "duration": "5m",
    "severity": "warning",
    "labels": {"service": "training-service"},
    "annotations": {"summary": "High CPU usage detected"},
    "notification_channels": ["email", "dingtalk"],
}


def test_the_documented_body_becomes_a_prometheus_rule() -> None:
    rule = rule_of(Definition.model_validate(DOCUMENTED), "rule-1")
    assert (rule.id, rule.name, rule.expr) == ("rule-1", "High CPU Usage", "cpu_usage > 80")
    assert rule.terms.hold == timedelta(minutes=5)
    assert rule.labels == {
        "severity": "warning",
        "service": "training-service",
        "notification_channels": "email,dingtalk",
    }
    assert rule.annotations == {"description": "Alert when CPU usage is high", "summary": "High CPU usage detected"}


@pytest.mark.parametrize(
    ("said", "promql"),
    [
        ({}, "(a) > 1 and (b) < 2"),
        ({"join": "or"}, "(a) > 1 or (b) < 2"),
        ({"match_on": ["pod"]}, "(a) > 1 and on (pod) (b) < 2"),
        ({"match_on": []}, "(a) > 1 and on () (b) < 2"),
    ],
)
def test_conditions_are_joined(said: dict[str, Any], promql: str) -> None:
    conditions = [{"expr": "a", "op": ">", "value": 1}, {"expr": "b", "op": "<", "value": 2}]
    assert Definition.model_validate({"name": "both", "conditions": conditions, **said}).promql() == promql


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"condition": None}, "in one way"),
        ({"conditions": [{"expr": "up"}]}, "in one way"),
        ({"notification_channels": ["a,b"]}, "comma"),
        ({"colour": "red"}, "colour"),
        ({"condition": None, "conditions": [{"expr": "up", "op": ">"}]}, "belong together"),
    ],
)
def test_what_is_unclear_is_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Definition.model_validate({**DOCUMENTED, **wrong})


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"condition": "cpu_usage >"}, "not valid PromQL"),
        ({"duration": "soon"}, "not a duration"),
        ({"labels": {"alertname": "x"}}, "cannot be set"),
        ({"labels": {"0": "x"}}, "not a valid name"),
        ({"annotations": {"summary": "{{ nonsense }}"}}, "nonsense"),
    ],
)
def test_a_rule_is_checked_as_a_files_is(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        rule_of(Definition.model_validate({**DOCUMENTED, **wrong}), "rule-1")


def test_a_new_way_of_saying_what_is_watched_replaces_the_old_one() -> None:
    before = Definition.model_validate(DOCUMENTED)
    after = before.changed(detector={"kind": "absence", "expr": "cpu_usage"}, severity="critical")
    assert (after.expr, after.severity, after.hold) == (None, "critical", "5m")
    assert before.changed(condition="cpu_usage > 85").promql() == "cpu_usage > 85"


def test_what_is_taken_out_as_a_file_can_be_brought_back() -> None:
    definition = Definition.model_validate(DOCUMENTED)
    text = yaml.safe_dump({"groups": [{"name": "g", "rules": [definition.as_prometheus()]}]})
    ((rule,),) = (group.rules for group in parse_rules(text, "f.yaml"))
    again = from_prometheus(rule)
    assert again.as_prometheus() == definition.as_prometheus()
