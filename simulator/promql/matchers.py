"""Label matchers with Prometheus's meaning: a missing label is the empty string, expressions match the whole value.

Prometheus runs RE2, which takes linear time; Python's engine can take exponential time. Expressions in which a repetition repeats another
one or an alternation too often, or with many open repetitions, are therefore matched by an engine of our own (see the module `linear`).
"""

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from simulator.promql.errors import ParseFailed
from simulator.promql.linear import LinearPattern, TooLarge, compile_linear
from simulator.promql.re2 import NotRe2, to_python

Pattern = re.Pattern[str] | LinearPattern

LONGEST_REGEX = 2_000
LONG_REPEAT = 100
MOST_WAYS = 1_000
MOST_WAYS_IN_ALL = 1e10  # five open repetitions behind one another


class MatchType(Enum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    type: MatchType
    value: str
    pattern: Pattern | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.type in (MatchType.REGEX, MatchType.NOT_REGEX):
            object.__setattr__(self, "pattern", compile_regex(self.value))

    def accepts(self, value: str) -> bool:
        if self.pattern is None:
            return (value == self.value) is (self.type is MatchType.EQUAL)
        return (self.pattern.fullmatch(value) is not None) is (self.type is MatchType.REGEX)

    def accepts_labels(self, labels: Mapping[str, str]) -> bool:
        return self.accepts(labels.get(self.name, ""))


@lru_cache(maxsize=512)
def compile_regex(source: str) -> Pattern:
    if len(source) > LONGEST_REGEX:
        raise ParseFailed(f"regular expression is longer than {LONGEST_REGEX} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            python_source = to_python(source)
            tree = _parser.parse(python_source, re.ASCII)
            if _ways(tree) > MOST_WAYS_IN_ALL:
                return compile_linear(tree)
            return re.compile(python_source, re.ASCII)
    except NotRe2 as problem:
        raise ParseFailed(f"error parsing regexp: {problem}") from problem
    except TooLarge as problem:
        raise ParseFailed(f"error parsing regexp: {problem}: `{source}`") from problem
    except (re.error, OverflowError, RecursionError) as problem:
        raise ParseFailed(f"error parsing regexp: {problem}: `{source}`") from problem


def _ways(tree: Any) -> float:
    """About how many ways there are to match a text here; infinite where repetitions multiply beyond `MOST_WAYS`."""
    return math.prod(_node_ways(op, argument) for op, argument in tree)


def _node_ways(op: Any, argument: Any) -> float:
    if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return _repeat_ways(*argument)
    if op is _constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if op is _constants.SUBPATTERN:
        return _ways(argument[-1])
    return 1


def _repeat_ways(least: int, most: int, body: Any) -> float:
    each = _ways(body)
    if each == 1:
        return min(int(most) - int(least) + 1, LONG_REPEAT)
    if most == 1:
        return each + 1
    multiplied = each ** min(int(most), LONG_REPEAT)
    return multiplied if multiplied <= MOST_WAYS else math.inf
