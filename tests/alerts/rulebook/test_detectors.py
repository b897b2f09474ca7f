"""Detectors, judged by Prometheus itself: promtool runs them over made-up samples and must find what is unusual and nothing else."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from alerts.rulebook.definition import Definition
from alerts.rulebook.detectors import Detector
from core.errors import Invalid
from tools.clients.promql import parse

STEP = 5
HOUR = 60 // STEP
DAY = 24 * HOUR


def detector(**said: Any) -> Any:
    return TypeAdapter[Any](Detector).validate_python({"expr": "load", **said})


def firing(folder: Path, expr: str, series: dict[str, list[float | None]]) -> dict[str, bool]:
    """Which pods the expression finds at the last sample, by promtool: it is asked about each pod whether it fires."""
    rule = {"alert": "Unusual", "expr": expr}
    (folder / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "g", "interval": f"{STEP}m", "rules": [rule]}]})
    )
    return {pod: _fires(folder, pod, values) for pod, values in series.items()}


def _fires(folder: Path, pod: str, values: list[float | None]) -> bool:
    last = len(values) - 1
    written = " ".join("_" if value is None else f"{value:g}" for value in values)
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{STEP}m",
        "tests": [
            {
                "interval": f"{STEP}m",
                "input_series": [{"series": f'load{{pod="{pod}"}}', "values": written}],
                "alert_rule_test": [{"eval_time": f"{last * STEP}m", "alertname": "Unusual", "exp_alerts": []}],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 or "exp:" in done.stdout + done.stderr, done.stdout + done.stderr
    return done.returncode != 0


def days(count: int, busy: float = 100, quiet: float = 10) -> list[float | None]:
    """Busy in the second half of each day, with a little life in it."""
    wave = [quiet if turn < DAY // 2 else busy for turn in range(DAY)]
    return [value + (turn % 3) for _ in range(count) for turn, value in enumerate(wave)]


@pytest.mark.real("prometheus")
class TestByPrometheus:
    def test_the_usual_load_of_a_busy_hour_is_not_unusual_and_the_same_load_at_a_quiet_hour_is(
        self, tmp_path: Path
    ) -> None:
        past = days(4)
        at_noon = past + past[: DAY * 3 // 4]
        at_night = [*past, *past[: DAY // 4 - 1], 101]
        expr = detector(kind="baseline", seasons=3, percent=100, direction="above").promql()
        assert firing(tmp_path, expr, {"noon": at_noon, "night": at_night}) == {"noon": False, "night": True}

    def test_by_sigma_what_varies_may_vary(self, tmp_path: Path) -> None:
        steady: list[float | None] = [100 + turn % 2 for turn in range(DAY * 3)]
        lively: list[float | None] = [100 + 40 * (turn % 2) for turn in range(DAY * 3)]
        flat: list[float | None] = [100.0] * (DAY * 3 + 1)
        expr = detector(kind="baseline", seasons=2, sigma=4).promql()
        found = firing(tmp_path, expr, {"steady": [*steady, 130], "lively": [*lively, 130], "flat": flat})
        assert found == {"steady": True, "lively": False, "flat": False}

    def test_below_and_both_look_down(self, tmp_path: Path) -> None:
        dropped = [*days(3), *days(1)[: DAY * 3 // 4], 20]
        for direction, expected in (("below", True), ("both", True), ("above", False)):
            expr = detector(kind="baseline", seasons=2, percent=50, direction=direction).promql()
            assert firing(tmp_path, expr, {"a": dropped}) == {"a": expected}

    def test_a_season_without_samples_is_not_counted(self, tmp_path: Path) -> None:
        young = [*([None] * DAY * 4), *days(1), *days(1)[: DAY // 4], 500]
        expr = detector(kind="baseline", seasons=5, percent=100).promql()
        assert firing(tmp_path, expr, {"young": young}) == {"young": True}

    def test_what_will_be_full_in_hours_is_told_before_and_not_after(self, tmp_path: Path) -> None:
        filling: list[float | None] = [50 + 0.4 * turn for turn in range(HOUR * 8)]
        calm: list[float | None] = [50 + 0.01 * turn for turn in range(HOUR * 8)]
        full: list[float | None] = [60 + 0.5 * turn for turn in range(HOUR * 8)]
        expr = detector(kind="forecast", crosses=100, within="6h", window="4h").promql()
        found = firing(tmp_path, expr, {"filling": filling, "calm": calm, "full": full})
        assert found == {"filling": True, "calm": False, "full": False}

    def test_what_is_gone_is_missed(self, tmp_path: Path) -> None:
        expr = detector(kind="absence", window="10m").promql()
        there: list[float | None] = [1.0] * 12
        assert firing(tmp_path, expr, {"there": there}) == {"there": False}
        # The alert has no pod's name: what is gone has no labels. Asked about nothing else, Prometheus finds it.
        assert firing(tmp_path, expr, {"gone": [*there, *([None] * 12)]}) == {"gone": True}


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "baseline", "percent": 50},
        {"kind": "baseline", "sigma": 3, "season": "week", "seasons": 4, "window": "30m"},
        {"kind": "forecast", "crosses": 0, "direction": "below"},
        {"kind": "absence"},
    ],
)
def test_every_detector_is_valid_promql_also_over_a_sum(said: dict[str, Any]) -> None:
    parse(detector(**{**said, "expr": "sum by (pod) (rate(requests_total[5m]))"}).promql())


def test_a_baseline_is_by_percent_or_by_sigma() -> None:
    for said in ({}, {"percent": 1, "sigma": 1}):
        with pytest.raises(Invalid, match="name one of them"):
            detector(kind="baseline", **said).promql()


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "baseline", "sigma": 1, "expr": "rate("},
        {"kind": "baseline", "sigma": 1, "window": "soon"},
        {"kind": "forecast", "crosses": 1, "within": "0s"},
        {"kind": "telepathy"},
        {"kind": "absence", "colour": "red"},
    ],
)
def test_what_cannot_be_is_refused_when_it_is_written(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Definition(name="a", detector={"expr": "load", **said})
