"""The syntax tree that is evaluated: plain frozen records, times in milliseconds, parentheses already gone."""

from dataclasses import dataclass
from enum import Enum

from simulator.promql.matchers import Matcher


class Kind(Enum):
    SCALAR = "scalar"
    VECTOR = "instant vector"
    MATRIX = "range vector"
    STRING = "string"


class Anchor(Enum):
    """The two names that `@` knows; they mean the whole query's first and last step, inside subqueries too."""

    START = "start"
    END = "end"


class Cardinality(Enum):
    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


At = int | Anchor | None


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    at: At = None


@dataclass(frozen=True, slots=True)
class RangeSelector:
    selector: Selector
    range_ms: int


@dataclass(frozen=True, slots=True)
class Subquery:
    expr: "Node"
    range_ms: int
    step_ms: int | None
    offset_ms: int = 0
    at: At = None


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: tuple["Node", ...]
    returns: Kind


@dataclass(frozen=True, slots=True)
class Aggregation:
    op: str
    expr: "Node"
    param: "Node | None"
    grouping: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Matching:
    cardinality: Cardinality
    on: bool
    labels: tuple[str, ...]
    include: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    lhs: "Node"
    rhs: "Node"
    return_bool: bool
    matching: Matching
    returns: Kind


@dataclass(frozen=True, slots=True)
class Negation:
    expr: "Node"


Node = Number | Text | Selector | RangeSelector | Subquery | Call | Aggregation | Binary | Negation


def kind_of(node: Node) -> Kind:
    match node:
        case Number():
            return Kind.SCALAR
        case Text():
            return Kind.STRING
        case RangeSelector() | Subquery():
            return Kind.MATRIX
        case Selector() | Aggregation():
            return Kind.VECTOR
        case Call() | Binary():
            return node.returns
        case Negation():
            return kind_of(node.expr)
