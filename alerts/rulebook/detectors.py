"""Detectors: conditions that are more than a threshold, written out as PromQL.

Nothing of a detector runs here. It becomes an expression, so Prometheus does the work where the samples are, the same expression can be
tried on the past, graphed, copied into a rule file, and means the same there. What is normal at this hour is read from the same hour of
former seasons (days or weeks): each season gives the mean of a window around that hour, and seasons that have no samples are simply not
counted.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.durations import parse_duration, show_duration
from core.errors import Invalid
from tools.clients.promql import parse

Direction = Literal["above", "below", "both"]
_SEASON = {"day": "1d", "week": "1w"}
_MARK = "firstmate_season"
_SHORTEST_STEP = timedelta(seconds=30)


def _duration(value: str) -> str:
    try:
        if parse_duration(value) <= timedelta(0):
            raise ValueError("must be longer than nothing")
    except Invalid as error:
        raise ValueError(error.sentence) from None
    return value


def _expression(value: str) -> str:
    try:
        parse(value)
    except Invalid as error:
        raise ValueError(error.sentence) from None
    return value.strip()


class _Detector(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    expr: str = Field(min_length=1, max_length=2_000, description="The value that is watched, as PromQL")

    _reads = field_validator("expr")(_expression)


class Baseline(_Detector):
    """Unlike itself at this hour of former days or weeks, by a share or by standard deviations."""

    kind: Literal["baseline"]
    season: Literal["day", "week"] = "day"
    seasons: int = Field(default=7, ge=2, le=14)
    window: str = Field(default="1h", description="How much around this hour is read of each season")
    direction: Direction = "both"
    percent: float | None = Field(default=None, gt=0, le=10_000)
    sigma: float | None = Field(default=None, gt=0, le=100)

    _windows = field_validator("window")(_duration)

    def promql(self) -> str:
        if (self.percent is None) == (self.sigma is None):
            raise Invalid("A baseline is by percent or by sigma: name one of them.", field="percent")
        usual = f"avg without ({_MARK}) ({self._seasons('avg_over_time')})"
        apart = f"({self.expr}) - ({usual})"
        if self.percent is not None:
            return _beyond(f"100 * ({apart}) / abs({usual})", self.percent, self.direction)
        spread = (
            f"sqrt(avg without ({_MARK}) ({self._seasons('stdvar_over_time')})"
            f" + stdvar without ({_MARK}) ({self._seasons('avg_over_time')}))"
        )
        # A value that never moved has no spread: then nothing is unusual by sigma, and the division by zero is taken out.
        return _beyond(f"({apart}) / ({spread} > 0)", self.sigma or 0, self.direction)

    def _seasons(self, over_time: str) -> str:
        width = parse_duration(self.window)
        step = show_duration(max(width / 30, _SHORTEST_STEP))
        half = show_duration(width / 2)
        parts = []
        for number in range(1, self.seasons + 1):
            back = parse_duration(_SEASON[self.season]) * number
            # The window's middle lies on this hour, so it reaches half its width past it.
            offset = show_duration(back - parse_duration(half))
            inner = f"{over_time}(({self.expr})[{self.window}:{step}] offset {offset})"
            parts.append(f'label_replace({inner}, "{_MARK}", "{number}", "", "")')
        return " or ".join(parts)


class Forecast(_Detector):
    """Will cross a limit within a time, if it goes on as it went: `full in 6 h`."""

    kind: Literal["forecast"]
    crosses: float
    direction: Literal["above", "below"] = "above"
    within: str = "6h"
    window: str = Field(default="6h", description="How much of the past the line is drawn through")

    _durations = field_validator("within", "window")(_duration)

    def promql(self) -> str:
        step = show_duration(max(parse_duration(self.window) / 60, _SHORTEST_STEP))
        seconds = parse_duration(self.within).total_seconds()
        sign, present = (">", "<=") if self.direction == "above" else ("<", ">=")
        ahead = f"predict_linear(({self.expr})[{self.window}:{step}], {seconds:g})"
        # What has crossed already is no forecast: another rule says so, and louder.
        return f"({ahead} {sign} {self.crosses:g}) and (({self.expr}) {present} {self.crosses:g})"


class Absence(_Detector):
    """Nothing was seen of it for a time."""

    kind: Literal["absence"]
    window: str = "10m"

    _windows = field_validator("window")(_duration)

    def promql(self) -> str:
        step = show_duration(max(parse_duration(self.window) / 20, _SHORTEST_STEP))
        return f"absent_over_time(({self.expr})[{self.window}:{step}])"


Detector = Annotated[Baseline | Forecast | Absence, Field(discriminator="kind")]


def _beyond(expr: str, limit: float, direction: Direction) -> str:
    match direction:
        case "above":
            return f"{expr} > {limit:g}"
        case "below":
            return f"{expr} < -{limit:g}"
        case "both":
            return f"abs({expr}) > {limit:g}"
