"""Rule files: what is read, and how what is wrong is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.rules import load_rules, parse_rules
from core.errors import Invalid

FULL = """
groups:
  - name: pods
    interval: 30s
    limit: 10
    query_offset: 1m
    labels: {team: shop}
    rules:
      - alert: Restarts
        expr: increase(restarts[5m]) > 3
        for: 5m
        keep_firing_for: 10m
        labels: {severity: critical, level: 3}
        annotations: {summary: "{{ $labels.pod }} restarts"}
"""


def one(body: str) -> str:
    return f"groups: [{{name: g, rules: [{{{body}}}]}}]"


def test_every_field_of_a_rule_is_read() -> None:
    (group,) = parse_rules(FULL, "pods.yaml")
    (rule,) = group.rules
    assert (group.name, group.interval, group.limit, group.query_offset) == (
        "pods",
        timedelta(seconds=30),
        10,
        timedelta(minutes=1),
    )
    assert (rule.name, rule.expr) == ("Restarts", "increase(restarts[5m]) > 3")
    assert (rule.terms.hold, rule.terms.keep_firing) == (timedelta(minutes=5), timedelta(minutes=10))
    assert rule.labels == {"team": "shop", "severity": "critical", "level": "3"}


def test_a_group_without_an_interval_takes_the_default() -> None:
    (group,) = parse_rules("groups: [{name: g}]", "g.yaml", interval=42)
    assert group.interval == timedelta(seconds=42)


@pytest.mark.parametrize("text", ["", "groups:", "groups: []", "{}"])
def test_a_file_without_rules_is_no_mistake(text: str) -> None:
    assert parse_rules(text, "empty.yaml") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "r.yaml: expected a mapping with groups."),
        ("groups: 5", "r.yaml: groups must be a list."),
        ("group: []", "r.yaml: unknown field group. Did you mean groups?"),
        ("groups: [{rules: []}]", "r.yaml: a group has no name."),
        ("groups: [{name: g}, {name: g}]", "r.yaml: the group 'g' is there twice."),
        (
            "groups: [{name: g, interval: 5}]",
            "r.yaml, group 'g': interval: '5' is not a duration; write it as 30s, 5m or 1h30m.",
        ),
        ("groups: [{name: g, limit: -1}]", "r.yaml, group 'g': limit must be a whole number, 0 for none."),
        ("groups: [{name: g, rules: [{expr: up}]}]", "r.yaml, group 'g': a rule has no alert name."),
        (one("alert: A, expr: up, form: 5m"), "r.yaml, group 'g', rule 'A': unknown field form. Did you mean for?"),
        (one("alert: A"), "r.yaml, group 'g', rule 'A': expr is missing."),
        (
            one('alert: A, expr: "sum("'),
            "r.yaml, group 'g', rule 'A': The field expr is not valid PromQL: unclosed left parenthesis.",
        ),
        (
            one("alert: A, expr: up, labels: {alertname: B}"),
            "r.yaml, group 'g', rule 'A': the label alertname cannot be set by a rule.",
        ),
        (
            one("alert: A, expr: up, labels: {a-b: c}"),
            "r.yaml, group 'g', rule 'A': 'a-b' in labels is not a valid name.",
        ),
        (one("alert: A, expr: up, labels: {a: [c]}"), "r.yaml, group 'g', rule 'A': a in labels must be text."),
        (
            one('alert: A, expr: up, annotations: {a: "{{ nope }}"}'),
            "r.yaml, group 'g', rule 'A': the template, line 1: the function nope is not known",
        ),
        (one("alert: A, alert: B, expr: up"), "r.yaml, line 1: not valid YAML: alert is there twice."),
        ("groups: [", "r.yaml, line 1: not valid YAML: "),
    ],
)
def test_what_is_wrong_is_said_with_file_group_and_rule(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_rules(text, "r.yaml")
    assert refused.value.sentence.startswith(says)


def test_a_recording_rule_is_refused_with_the_way_out() -> None:
    with pytest.raises(Invalid, match=r"recording rule 'a:b' is refused.*Leave it to Prometheus"):
        parse_rules(one("record: a:b, expr: up"), "r.yaml")


def test_rules_of_one_name_and_different_labels_are_different_rules() -> None:
    text = """groups: [{name: g, rules: [
        {alert: A, expr: up, labels: {severity: warning}},
        {alert: A, expr: up, labels: {severity: critical}},
        {alert: A, expr: up, labels: {severity: critical}}]}]"""
    (group,) = parse_rules(text, "r.yaml")
    assert len({rule.id for rule in group.rules}) == 3


def test_a_rules_labels_win_over_the_series_and_empty_ones_go(tmp_path: Path) -> None:
    from alerts.templates import Facts

    del tmp_path
    text = one('alert: A, expr: up, labels: {severity: "{{ $labels.level }}", zone: ""}')
    rule = parse_rules(text, "r.yaml")[0].rules[0]
    sample = {"__name__": "up", "severity": "x", "level": "high", "zone": "z", "pod": "p"}
    assert rule.labels_of(sample, Facts(sample, 1.0, {})) == {
        "alertname": "A",
        "severity": "high",
        "level": "high",
        "pod": "p",
    }


def test_files_are_read_and_the_same_rule_in_two_of_them_is_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(FULL)
    assert len(load_rules([first])) == 1
    second.write_text(FULL)
    with pytest.raises(Invalid, match=r"b\.yaml.*the same rule is in a\.yaml"):
        load_rules([first, second])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"gone\.yaml cannot be read: No such file"):
        load_rules([tmp_path / "gone.yaml"])
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(Invalid, match="not UTF-8"):
        load_rules([tmp_path / "latin.yaml"])


def test_a_groups_turns_lie_on_its_own_grid() -> None:
    (group,) = parse_rules("groups: [{name: g}]", "g.yaml")
    now = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
    slot = group.slot(now)
    assert now - group.interval < slot <= now
    assert group.slot(slot) == slot
    assert group.slot(slot + group.interval) == slot + group.interval
    assert group.slot(slot - timedelta(microseconds=1)) == slot - group.interval
