"""Detectors: conditions that are more than a threshold, written out as PromQL where PromQL can say them.

All but the isolation forest become an expression, so Prometheus does the work where the samples are, the same expression can be tried on
the past, graphed, copied into a rule file, and means the same there. The forest is only said here; `forests` learns and watches it.

What is normal at this hour is read from the same hour of former seasons (days or weeks): each season gives the mean of a window around
that hour, and seasons that have no samples are simply not counted.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from alerts.durations import parse_duration, show_duration
from core.errors import Invalid
from tools.clients.promql import parse

Direction = Literal["above", "below", "both"]
_SEASON = {"day": "1d", "week": "1w"}
_MARK = "firstmate_season"
_SHORTEST_STEP = timedelta(seconds=30)
_SHORTEST_RETRAIN = timedelta(minutes=5)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
MAX_FEATURES = 12
FEWEST = 32
"""A past with fewer moments than this has nothing usual."""
MAX_LEARNT = 2_016


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


class Series(BaseModel):
    """One of several values that are watched together; a name makes it readable in an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expr: str = Field(min_length=1, max_length=2_000)
    name: str = Field(default="", max_length=100)

    _reads = field_validator("expr")(_expression)

    @property
    def shown(self) -> str:
        return self.name or self.expr


def _series(value: Any) -> Any:
    return {"expr": value} if isinstance(value, str) else value


class IsolationForest(BaseModel):
    """Several series together, unlike what they were: learnt anew from the past by a forest of our own, for each thing by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["isolation_forest"]
    series: tuple[Annotated[Series, BeforeValidator(_series)], ...] = Field(min_length=1, max_length=MAX_FEATURES)
    by: tuple[str, ...] = Field(
        default=(), max_length=10, description="Labels that tell one thing from another; without them there is one"
    )
    train: str = Field(default="24h", description="How much of the past is learnt")
    step: str = Field(default="5m", description="The pace at which the past is read")
    retrain: str = Field(default="1h", description="How often it is learnt anew")
    threshold: float = Field(default=0.6, gt=0, lt=1, description="The score from which a moment is told")
    deviation: float = Field(
        default=5.0,
        ge=0,
        le=1_000,
        description="And its oddest series must be this many spreads off; 0: the score alone",
    )

    _durations = field_validator("train", "step", "retrain")(_duration)

    @field_validator("by")
    @classmethod
    def _labels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in names if not _LABEL.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no label's name")
        return names

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        shown = [each.shown for each in self.series]
        if len(set(shown)) < len(shown):
            raise ValueError("two series have one name")
        points = parse_duration(self.train) / parse_duration(self.step)
        if not FEWEST <= points <= MAX_LEARNT:
            raise ValueError(
                f"train holds {points:g} steps; it must hold {FEWEST} to {MAX_LEARNT}: change train or step"
            )
        if parse_duration(self.retrain) < _SHORTEST_RETRAIN:
            raise ValueError("retrain must be at least 5m")
        return self

    def promql(self) -> str:
        raise Invalid(
            "An isolation forest cannot be written as PromQL: Firstmate learns and watches it itself.", field="detector"
        )


Detector = Annotated[Baseline | Forecast | Absence | IsolationForest, Field(discriminator="kind")]


def _beyond(expr: str, limit: float, direction: Direction) -> str:
    match direction:
        case "above":
            return f"{expr} > {limit:g}"
        case "below":
            return f"{expr} < -{limit:g}"
        case "both":
            return f"abs({expr}) > {limit:g}"
