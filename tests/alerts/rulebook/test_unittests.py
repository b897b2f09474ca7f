"""Unit tests of kept rules: promtool's verdict and words, bounded, and of no file but the kept rules."""

import stat
from pathlib import Path

import psutil
import pytest

from alerts.rulebook.definition import Definition
from alerts.rulebook.unittests import MAX_SAMPLES, UnitTests
from core.errors import Invalid, NotConfigured, Unready

DOWN = Definition.model_validate(
    {
        "name": "Down",
        "expr": "up == 0",
        "hold": "2m",
        "labels": {"team": "shop"},
        "annotations": {"summary": "{{ $labels.job }} is down"},
    }
)
FOREST = Definition.model_validate({"name": "Odd", "detector": {"kind": "isolation_forest", "series": ["up", "down"]}})
TESTS = """
rule_files: [/etc/passwd]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'up{job="a"}', values: "1 0x9"}]
    alert_rule_test:
      - {eval_time: 2m, alertname: Down}
      - eval_time: 5m
        alertname: Down
        exp_alerts:
          - exp_labels: {job: a, severity: warning, team: shop}
            exp_annotations: {summary: a is down}
"""


@pytest.mark.real("prometheus")
async def test_what_promtool_finds_is_said(tmp_path: Path) -> None:
    passed = await UnitTests().run(TESTS, [DOWN, FOREST])
    assert (passed.passed, passed.left_out) == (True, ("Odd",))
    failed = await UnitTests().run(TESTS.replace("team: shop", "team: ops"), [DOWN])
    assert not failed.passed
    assert 'team="shop"' in failed.said
    assert str(tmp_path.parent) not in failed.said


async def test_without_promtool_it_is_said_where_it_comes_from() -> None:
    with pytest.raises(NotConfigured, match="Debian's package prometheus"):
        await UnitTests(find=lambda _name: None).run(TESTS, [DOWN])


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ("[]", "expected a mapping"),
        ("tests: {}", "must be a list"),
        ("tests: [3]", "expected a mapping"),
        ("tests: [{input_series: [{series: up}]}]", "values"),
        (TESTS.replace("0x9", f"0+1x{MAX_SAMPLES}"), "at most"),
        (TESTS.replace("0x9", "_x99999999999999999999"), "at most"),
        ("a: [", "not valid YAML"),
    ],
)
async def test_what_is_no_test_or_too_large_a_one_is_refused_before_it_runs(tests: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await UnitTests(find=lambda _name: "/nonexistent").run(tests, [DOWN])


async def test_a_run_that_does_not_end_is_ended(tmp_path: Path) -> None:
    slow = tmp_path / "promtool"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec /bin/sleep 60\n")
    slow.chmod(stat.S_IRWXU)
    with pytest.raises(Unready, match="did not end the tests"):
        await UnitTests(find=lambda _name: str(slow), timeout=0.3).run(TESTS, [DOWN])
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
