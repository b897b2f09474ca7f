"""Expressions made by chance from a grammar, the same for the same seed.

Each rule makes an expression of the type that is asked for, so nearly all of them are valid. What would differ for reasons of its own is
not made: what jumps (floor, changes, equality, the resets in a rate) is given raw samples and never computed ones, whose last digit may
differ; nothing asks which of two equal values is the larger. Two faults of Prometheus are kept out: with @ it lets the window of
predict_linear slide along, and takes the wrong sample for timestamp when an offset is there too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RANGES = ("47s", "2m", "3m30s", "5m", "11m", "20m")
OFFSETS = ("30s", "1m", "7m", "-2m", "-45s")
NUMBERS = ("0", "1", "2", "-1.5", "0.25", "100", "1e3", "0x1F", "Inf", "NaN")
PLAIN_NUMBERS = ("2", "-1.5", "0.25", "100", "1e3", "7")
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
SMOOTH_ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
SETS = ("and", "or", "unless")
SMOOTH = ("abs", "sqrt", "exp", "ln", "log2", "log10", "atan", "sinh", "tanh", "asinh", "rad", "deg")
JUMPY = ("ceil", "floor", "round", "sgn", "cos", "sin", "tan")
CALENDAR = ("day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year", "minute", "hour")
RANGED = (
    "delta",
    "idelta",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
)
JUMPY_RANGED = ("changes", "resets", "rate", "increase", "irate")
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
STEPS = ("", "30s", "1m", "77s")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that expressions about one sample set may use."""

    metrics: Sequence[str]
    counters: Sequence[str]
    labels: Sequence[str]
    matchers: Sequence[str]
    buckets: str
    moment: int


class Generator:
    def __init__(self, seed: int, vocabulary: Vocabulary) -> None:
        self._dice = random.Random(seed)
        self._words = vocabulary

    def expression(self) -> str:
        return self._scalar(3) if self._dice.random() < 0.04 else self._vector(3)

    def _one(self, choices: Sequence[str]) -> str:
        return self._dice.choice(choices)

    def _vector(self, depth: int) -> str:
        if depth <= 0:
            return self._selector()
        rules: list[tuple[int, Callable[[int], str]]] = [
            (3, lambda _: self._selector()),
            (5, self._ranged),
            (5, self._aggregated),
            (4, self._with_number),
            (4, self._with_vector),
            (3, self._function),
            (2, self._relabelled),
            (1, self._histogram),
            (1, self._special),
        ]
        rule = self._dice.choices([rule for _, rule in rules], [weight for weight, _ in rules])[0]
        return rule(depth - 1)

    def _selector(self, metrics: Sequence[str] = ()) -> str:
        name = self._one(metrics or self._words.metrics)
        matchers = self._dice.sample(self._words.matchers, self._dice.choice((0, 0, 0, 1, 2)))
        braces = "{" + ",".join(matchers) + "}" if matchers else ""
        return name + braces + self._moved()

    def _moved(self) -> str:
        """Offset and @, seldom and in any order."""
        parts = []
        if self._dice.random() < 0.15:
            parts.append(f"offset {self._one(OFFSETS)}")
        if self._dice.random() < 0.08:
            parts.append(self._one(("@ start()", "@ end()", f"@ {self._words.moment}")))
        self._dice.shuffle(parts)
        return "".join(f" {part}" for part in parts)

    def _matrix(self, depth: int, *, raw: bool = False) -> str:
        if raw or depth <= 0 or self._dice.random() < 0.7:
            name = self._one(self._words.counters if self._dice.random() < 0.5 else self._words.metrics)
            matchers = self._dice.sample(self._words.matchers, self._dice.choice((0, 0, 1)))
            braces = "{" + ",".join(matchers) + "}" if matchers else ""
            return f"{name}{braces}[{self._one(RANGES)}]{self._moved()}"
        return f"({self._vector(depth - 1)})[{self._one(RANGES)}:{self._one(STEPS)}]{self._moved()}"

    def _ranged(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.35:
            return f"{self._one(JUMPY_RANGED)}({self._matrix(depth, raw=True)})"
        if kind < 0.42:
            return f"quantile_over_time({self._quantile()}, {self._matrix(depth)})"
        if kind < 0.47:
            selector = f"{self._one(self._words.metrics)}[{self._one(RANGES)}]"
            return f"predict_linear({selector} offset {self._one(OFFSETS)}, {self._one(PLAIN_NUMBERS)})"
        if kind < 0.52:
            return f"holt_winters({self._matrix(depth, raw=True)}, 0.{self._dice.randrange(1, 10)}, 0.4)"
        if kind < 0.55:
            return f"absent_over_time({self._matrix(depth)})"
        if kind < 0.6:
            return f"(1e3 + deriv({self._matrix(depth)}))"
        return f"{self._one(RANGED)}({self._matrix(depth)})"

    def _quantile(self) -> str:
        return self._one(("0", "0.1", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN"))

    def _grouping(self) -> str:
        labels = ", ".join(self._dice.sample(self._words.labels, self._dice.randrange(3)))
        return self._one(("", f" by ({labels})", f" without ({labels})"))

    def _aggregated(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.1:
            return f"quantile{self._grouping()} ({self._quantile()}, {self._vector(depth)})"
        if kind < 0.16:
            return f'count_values{self._grouping()} ("value", {self._selector()})'
        return f"{self._one(AGGREGATIONS)}{self._grouping()} ({self._vector(depth)})"

    def _with_number(self, depth: int) -> str:
        if self._dice.random() < 0.3:
            bool_ = self._one(("", " bool"))
            return self._in_any_order(self._selector(), f"{self._one(COMPARISONS)}{bool_}", self._one(NUMBERS))
        if self._dice.random() < 0.3:
            return self._in_any_order(self._selector(), self._one(ARITHMETIC), self._one(NUMBERS))
        return self._in_any_order(f"({self._vector(depth)})", self._one(SMOOTH_ARITHMETIC), self._scalar(depth))

    def _in_any_order(self, one: str, op: str, other: str) -> str:
        return f"{one} {op} {other}" if self._dice.random() < 0.6 else f"{other} {op} {one}"

    def _with_vector(self, depth: int) -> str:
        labels = ", ".join(self._dice.sample(self._words.labels, self._dice.randrange(1, 3)))
        matching = self._one(("", "", f" on ({labels})", f" ignoring ({labels})"))
        if self._dice.random() < 0.35:
            return f"({self._vector(depth)}) {self._one(SETS)}{matching} ({self._vector(depth)})"
        op = self._one(COMPARISONS + ARITHMETIC)
        bool_ = " bool" if op in COMPARISONS and self._dice.random() < 0.4 else ""
        side = self._one(("", " group_left", " group_right")) if matching else ""
        include = f" ({self._one(self._words.labels)})" if side and self._dice.random() < 0.3 else ""
        if op in SMOOTH_ARITHMETIC and self._dice.random() < 0.5:
            lhs, rhs = f"({self._vector(depth)})", f"({self._vector(depth)})"
        else:
            lhs, rhs = self._selector(), self._selector()
        return f"{lhs} {op}{bool_}{matching}{side}{include} {rhs}"

    def _function(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.2:
            return f"{self._one(JUMPY)}({self._selector()})"
        if kind < 0.3:
            return f"{self._one(CALENDAR)}({self._selector(self._words.counters)} * 1000)"
        if kind < 0.5:
            low, high = self._one(PLAIN_NUMBERS), self._one(NUMBERS)
            return self._one(
                (
                    f"clamp({self._vector(depth)}, {low}, {high})",
                    f"clamp_min({self._vector(depth)}, {low})",
                    f"clamp_max({self._vector(depth)}, {high})",
                    f"round({self._selector()}, {low})",
                )
            )
        if kind < 0.6:
            return f"timestamp({self._one(self._words.metrics)} offset {self._one(OFFSETS)}) % 1000"
        if kind < 0.65:
            return f"-({self._vector(depth)})"
        return f"{self._one(SMOOTH)}({self._vector(depth)})"

    def _relabelled(self, depth: int) -> str:
        source, target = self._one(self._words.labels), self._one((*self._words.labels, "made"))
        if self._dice.random() < 0.4:
            other = self._one(self._words.labels)
            return f'label_join({self._vector(depth)}, "{target}", "-", "{source}", "{other}")'
        regex, template = self._one(("(.*)", "(.).*", "([a-z]+)-?(.*)", ".+")), self._one(("$1", "x-$1", "${1}y", ""))
        return f'label_replace({self._vector(depth)}, "{target}", "{template}", "{source}", "{regex}")'

    def _histogram(self, _: int) -> str:
        buckets = self._words.buckets
        inner = self._one((buckets, f"rate({buckets}[5m])", f"increase({buckets}[3m] offset 1m)"))
        return f"histogram_quantile({self._quantile()}, {inner})"

    def _special(self, depth: int) -> str:
        return self._one(
            (
                f"absent({self._vector(depth)})",
                f"vector({self._scalar(depth)})",
                f"sort({self._selector()})",
                f"sum(topk({self._dice.randrange(4)}, {self._selector()}))",
                f"max_over_time(sum({self._selector(self._words.counters)})[10m:1m])",
            )
        )

    def _scalar(self, depth: int) -> str:
        kind = self._dice.random()
        if kind < 0.5 or depth <= 0:
            return self._one(PLAIN_NUMBERS)
        if kind < 0.7:
            return f"scalar({self._vector(depth - 1)})"
        if kind < 0.8:
            return self._one(("time()", "pi()"))
        return f"({self._scalar(depth - 1)} {self._one(SMOOTH_ARITHMETIC)} {self._scalar(depth - 1)})"
