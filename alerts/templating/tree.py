"""A template after reading: nodes that do something, and the expressions inside them. Values without behaviour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    value: object


@dataclass(frozen=True, slots=True)
class Dot:
    pass


@dataclass(frozen=True, slots=True)
class Path:
    """`.A.B`, from the dot."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A.B`."""

    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """`(...).A.B`."""

    inner: "Operand"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A function."""

    name: str


@dataclass(frozen=True, slots=True)
class Pipe:
    commands: tuple[tuple["Operand", ...], ...]
    declares: tuple[str, ...] = ()
    assigns: bool = False


Operand: TypeAlias = Literal | Dot | Path | Variable | Chain | Named | Pipe


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    pipe: Pipe
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """`if`, `with` or `range`."""

    word: str
    pipe: Pipe
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{ template "name" pipe }}`."""

    name: str
    pipe: Pipe | None
    line: int


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue`."""

    word: str


Node: TypeAlias = Words | Action | Block | Call | Leave
Nodes: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One template: what it does, and where it was written."""

    nodes: Nodes
    source: str


Bodies: TypeAlias = Mapping[str, Body]


def calls(nodes: Nodes) -> Iterator[Call]:
    for node in nodes:
        if isinstance(node, Call):
            yield node
        elif isinstance(node, Block):
            yield from calls(node.body)
            yield from calls(node.otherwise)


def is_blank(nodes: Nodes) -> bool:
    return all(isinstance(node, Words) and not node.text.strip() for node in nodes)
