"""Where Prometheus's own programs are installed: they accept our files, and their rule engine tells the same story as ours.

`promtool test rules` runs Prometheus's AlertingRule over made-up samples. What it must find firing at every turn is computed here by
our own lifecycle and templates: if either differs by one turn or one character, promtool fails.
"""

import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.model import Alert
from alerts.reading import advance, read
from alerts.rules import SHIPPED, parse_rules
from tests.alerts.night import Sample

BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
TURNS = 30
ANNOTATIONS = {
    "value": "{{ $value }} {{ humanize $value }} {{ $value | humanizeDuration }} {{ $value | humanizePercentage }}",
    "binary": "{{ .Value | humanize1024 }} {{ humanizeTimestamp $value }}",
    "printed": '{{ printf "%.2f|%v|%s|%q|%d|%5.1f|%e" $value $value $labels.pod $labels.pod $value $value $value }}',
    "chosen": '{{ if gt $value 1000.0 }}big{{ else if eq $labels.pod "a" }}A{{ else }}small{{ end }} [{{ $labels.nope }}]',
    "text": '{{ reReplaceAll "(.)" "<$1>" $labels.pod }}{{ $labels.pod | toUpper | title }} {{ len "abc" }} {{- " x" -}} {{ $labels }}',
    "ranged": "{{ range $name, $value := $labels }}{{ $name }}={{ $value }};{{ else }}none{{ end }}",
    "with": "{{ with $labels.pod }}<{{ . }}>{{ end }}{{ with $labels.nope }}x{{ else }}{{ $value }}{{ end }}",
    "defined": '{{ define "x" }}[{{ . | toUpper }}]{{ end }}{{ template "x" $labels.pod }}',
    "assigned": "{{ $p := $labels.pod }}{{ $p = print $p 1 }}{{ $p }}",
    "titled": '{{ title "it\'s a wide-open WORLD" }} {{ stripPort "a.b:90" }} {{ index $labels "pod" | printf "%-4s|" }}',
    "compared": '{{ and $labels.pod (ge $value 0.0) }} {{ or "" $labels.nope "z" }} {{ ne $labels.pod "a" }}',
}


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real("prometheus")
def test_prometheus_accepts_the_shipped_rules() -> None:
    promtool("check", "rules", *(str(path) for path in sorted(SHIPPED.glob("*.yaml"))))


@pytest.mark.real("prometheus")
def test_prometheus_tells_the_same_timeline_and_texts(tmp_path: Path) -> None:
    chance = random.Random(11)
    entries, series = [], []
    for number in range(40):
        hold, keep = chance.choice([0, 1, 2, 5]), chance.choice([0, 0, 1, 3])
        entries.append(
            {
                "alert": f"A{number}",
                "expr": f"m{number}",
                "for": f"{hold}m",
                "keep_firing_for": f"{keep}m",
                "labels": {"severity": "page", "who": "{{ $labels.pod }}!"},
                "annotations": ANNOTATIONS,
            }
        )
        series += [(f"m{number}", pod, _samples(chance)) for pod in ("a", "b")]
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "g", "interval": "1m", "rules": entries}]}))
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": f'{name}{{pod="{pod}"}}', "values": _written(values)} for name, pod, values in series
                ],
                "alert_rule_test": _expected(rules.read_text(), series),
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    promtool("test", "rules", str(tmp_path / "test.yaml"))


def _samples(chance: random.Random) -> list[float | None]:
    """Spells of presence and absence; the absence is told by Prometheus's staleness marker."""
    values: list[float | None] = []
    while len(values) < TURNS:
        there = chance.random() < 0.6
        length = chance.randint(1, 8)
        values += [_value(chance) if there else None for _ in range(length)]
    return values[:TURNS]


def _value(chance: random.Random) -> float:
    return chance.choice([1.0, 0.5, 1e6, 123456789.0, 0.0001, 90061.0, 12345678.5, 3.0, 1500.0, 999.5])


def _written(values: list[float | None]) -> str:
    return " ".join("stale" if value is None else f"{value!r}" for value in values)


def _expected(text: str, series: list[tuple[str, str, list[float | None]]]) -> list[dict[str, Any]]:
    """What our engine finds firing at every turn, in promtool's words."""
    found = []
    for rule in parse_rules(text, "rules.yaml")[0].rules:
        active: dict[str, Alert] = {}
        for turn in range(TURNS):
            samples = [
                Sample({"__name__": name, "pod": pod}, value)
                for name, pod, values in series
                if name == rule.expr and (value := values[turn]) is not None
            ]
            now = BEGIN + timedelta(minutes=turn)
            for change in advance(rule, active, read(rule, samples), now, lambda: "e"):
                active[change.alert.fingerprint] = change.alert
            active = {key: alert for key, alert in active.items() if alert.state in ("pending", "firing")}
            found.append({"eval_time": f"{turn}m", "alertname": rule.name, "exp_alerts": _firing(active)})
    return found


def _firing(active: dict[str, Alert]) -> list[dict[str, Any]]:
    return [
        {
            "exp_labels": {name: value for name, value in alert.labels.items() if name != "alertname"},
            "exp_annotations": alert.annotations,
        }
        for alert in active.values()
        if alert.state == "firing"
    ]
