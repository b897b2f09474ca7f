"""Rules as they are typed into a form, and labels as they are typed into the tester of routes."""

from typing import Any

import pytest
from pydantic import ValidationError

from alerts.rulebook.definition import Definition, rule_of
from api import rulings
from api.console.pages.labels import read_labels
from api.console.pages.rule_draft import RuleDraft, draft_of, place_of
from api.console.pages.rules import place_of as where
from api.console.pages.rules import standing, stands
from core.errors import Invalid

DEFINITIONS: list[dict[str, Any]] = [
    {"name": "Down", "expr": "up == 0"},
    {
        "name": "慢",
        "expr": "latency > 1",
        "hold": "5m",
        "keep_firing_for": "1m",
        "severity": "critical",
        "description": "Slow: see {{ $labels.pod }}",
        "labels": {"team": "shop"},
        "annotations": {"summary": "It is: slow", "summary_zh": "慢了"},
        "notification_channels": ["ops", "night"],
    },
    {
        "name": "Both",
        "conditions": [{"expr": "a", "op": ">", "value": 1}, {"expr": "b"}],
        "join": "or",
        "match_on": ["pod"],
    },
    {"name": "Odd", "detector": {"kind": "baseline", "expr": "rate(x[5m])", "sigma": 3}},
]


@pytest.mark.parametrize("values", DEFINITIONS)
def test_a_rule_that_is_opened_and_saved_is_the_same_rule(values: dict[str, Any]) -> None:
    definition = Definition.model_validate(values)
    assert draft_of(definition).definition() == definition


def test_a_field_that_was_emptied_is_emptied_in_the_rule() -> None:
    before = Definition.model_validate(DEFINITIONS[1])
    after = before.changed(**RuleDraft(name="慢", watched="latency > 1", hold="").values())
    assert (after.hold, after.labels, after.annotations, after.notification_channels) == ("0s", {}, {}, ())


@pytest.mark.parametrize(
    ("draft", "place"),
    [
        (RuleDraft(name="", watched="up"), "name"),
        (RuleDraft(name="a", watched="  "), "watched"),
        (RuleDraft(name="a", watched="[1, 2", structured=True), "watched"),
        (RuleDraft(name="a", watched="just words", structured=True), "watched"),
        (RuleDraft(name="a", watched="name: b", structured=True), "watched"),
        (RuleDraft(name="a", watched="detector: {kind: crystal-ball}", structured=True), "watched"),
        (RuleDraft(name="a", watched="up", labels="x"), "labels"),
        (RuleDraft(name="a", watched="up", annotations="a: [1]"), "annotations"),
        (RuleDraft(name="a", watched="up", severity=""), "severity"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(draft: RuleDraft, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        rule_of(draft.definition(), "tried")
    assert place_of(refused.value) == place


def test_a_complaint_of_a_model_becomes_a_sentence_with_its_place() -> None:
    with pytest.raises(ValidationError) as wrong:
        Definition.model_validate({"name": "a", "expr": "up", "labels": {"x": 1}})
    told = rulings.invalid(wrong.value)
    assert told.details["field"] == "labels.x"
    assert place_of(told) == "labels"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"status": "disabled", "state": "firing"}, "disabled"),
        ({"health": "failing", "state": "firing"}, "failing"),
        ({"health": "ok", "state": "pending"}, "pending"),
        ({}, "inactive"),
    ],
)
def test_a_rule_stands_as_its_worst_word_says(row: dict[str, Any], said: str) -> None:
    assert standing(row) == said
    assert stands(row, "")
    assert stands(row, said)
    assert not stands(row, "another")


def test_a_rule_says_where_it_is_written() -> None:
    assert where({"version": 3}, "here") == "here · v3"
    assert where({"file": "a.yaml", "group": "g"}, "here") == "a.yaml · g"


def test_labels_are_typed_with_quotes_or_without() -> None:
    assert read_labels('a="1", b=2\n\nc="x, y"') == {"a": "1", "b": "2", "c": "x, y"}
    assert read_labels(" \n") == {}


@pytest.mark.parametrize("text", ['a!="1"', 'a=~"x.+"', "a", '{a="1"'])
def test_an_alert_has_labels_and_no_conditions(text: str) -> None:
    with pytest.raises(Invalid):
        read_labels(text)
