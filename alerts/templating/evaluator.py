"""A template carried out over data, within bounds: so many steps, so much output, so deep, so long, then it is given up.

The walk follows Go's: a value piped in comes last, a method goes before a field, `and` and `or` stop as soon as they know, a template that
is called sees only what it is handed. What is written goes to a sink, which knows whether text or HTML is being made.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from alerts.templating.tree import (
    Action,
    Block,
    Bodies,
    Call,
    Chain,
    Dot,
    Leave,
    Literal,
    Named,
    Node,
    Nodes,
    Operand,
    Path,
    Pipe,
    Variable,
    Words,
)
from alerts.templating.values import Failed, Function, Value, field_of, is_true, kind_of, method_of

_NOTHING = object()
_LAZY = {"and": False, "or": True}


@dataclass(frozen=True, slots=True)
class Limits:
    steps: int = 200_000
    output: int = 262_144
    depth: int = 60
    seconds: float = 2.0


class Sink(Protocol):
    def literal(self, text: str) -> int:
        """What the author wrote; how many characters were added."""
        ...

    def value(self, value: Value) -> int: ...

    def done(self) -> str: ...


class Rendering:
    """One use of one template."""

    def __init__(
        self,
        bodies: Bodies,
        functions: Mapping[str, Function],
        sink: Sink,
        limits: Limits,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bodies = bodies
        self._functions = functions
        self._sink = sink
        self._limits = limits
        self._now = now
        self._until = now() + limits.seconds
        self._steps = 0
        self._written = 0
        self._depth = 0
        self._variables: list[list[Value]] = []
        self._place = ("", 0)

    def run(self, name: str, data: Value, variables: Mapping[str, Value] | None = None) -> str:
        body = self._bodies[name]
        self._variables = [["$", data], *([key, value] for key, value in (variables or {}).items())]
        self._place = (body.source, 1)
        try:
            self._walk(body.nodes, data)
            return self._sink.done()
        except Failed as error:
            raise Failed(f"{self._place[0]}, line {self._place[1]}: {error}") from None

    # Bounds.

    def _step(self) -> None:
        self._steps += 1
        if self._steps > self._limits.steps:
            raise Failed(f"it takes more than {self._limits.steps} steps")
        if not self._steps % 64 and self._now() > self._until:
            raise Failed(f"it takes longer than {self._limits.seconds:g} s")

    def _wrote(self, count: int) -> None:
        self._written += count
        if self._written > self._limits.output:
            raise Failed(f"it writes more than {self._limits.output} characters")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise Failed(f"it calls and nests deeper than {self._limits.depth}")

    # Nodes.

    def _walk(self, nodes: Nodes, dot: Value) -> str:
        """`break` or `continue` if one of them was met."""
        for node in nodes:
            self._step()
            left = self._node(node, dot)
            if left:
                return left
        return ""

    def _node(self, node: Node, dot: Value) -> str:
        if isinstance(node, Words):
            self._wrote(self._sink.literal(node.text))
            return ""
        if isinstance(node, Leave):
            return node.word
        self._place = (self._place[0], node.line)
        if isinstance(node, Action):
            value = self._pipe(node.pipe, dot)
            if not node.pipe.declares:
                self._wrote(self._sink.value(value))
            return ""
        if isinstance(node, Call):
            self._call(node, dot)
            return ""
        return self._block(node, dot)

    def _block(self, block: Block, dot: Value) -> str:
        self._deeper()
        kept = len(self._variables)
        left = ""
        if block.word == "range":
            self._range(block, dot)
        else:
            value = self._pipe(block.pipe, dot)
            holds = is_true(value)
            inner = value if holds and block.word == "with" else dot
            left = self._walk(block.body if holds else block.otherwise, inner)
        del self._variables[kept:]
        self._depth -= 1
        return left

    def _range(self, block: Block, dot: Value) -> None:
        pipe = block.pipe
        over = self._piped(pipe, dot)
        kept = len(self._variables)
        empty = True
        for key, value in self._pairs(over):
            empty = False
            self._bind(pipe, key, value)
            left = self._walk(block.body, value)
            del self._variables[kept:]
            if left == "break":
                break
        if empty:
            self._walk(block.otherwise, dot)

    @staticmethod
    def _pairs(over: Value) -> Iterable[tuple[Value, Value]]:
        if isinstance(over, list):
            return enumerate(over)
        if isinstance(over, dict):
            return [(key, over[key]) for key in sorted(over)]
        if over is None:
            return ()
        raise Failed(f"range can't iterate over {kind_of(over)}")

    def _bind(self, pipe: Pipe, key: Value, value: Value) -> None:
        if not pipe.declares:
            return
        values = (key, value) if len(pipe.declares) == 2 else (value,)
        for name, each in zip(pipe.declares, values, strict=True):
            self._set(name, each, pipe.assigns)

    def _call(self, call: Call, dot: Value) -> None:
        body = self._bodies.get(call.name)
        if body is None:
            raise Failed(f"the template {call.name!r} is not defined")
        handed = self._pipe(call.pipe, dot) if call.pipe else None
        self._deeper()
        kept, place = self._variables, self._place
        self._variables, self._place = [["$", handed]], (body.source, 1)
        self._walk(body.nodes, handed)
        self._variables, self._place = kept, place
        self._depth -= 1

    # Expressions.

    def _pipe(self, pipe: Pipe, dot: Value) -> Value:
        value = self._piped(pipe, dot)
        for name in pipe.declares:
            self._set(name, value, pipe.assigns)
        return value

    def _piped(self, pipe: Pipe, dot: Value) -> Value:
        value: Value = _NOTHING
        for command in pipe.commands:
            self._step()
            value = self._command(command, value, dot)
        return value

    def _set(self, name: str, value: Value, assigns: bool) -> None:
        if not assigns:
            self._variables.append([name, value])
            return
        next(entry for entry in reversed(self._variables) if entry[0] == name)[1] = value

    def _command(self, command: tuple[Operand, ...], piped: Value, dot: Value) -> Value:
        first, rest = command[0], command[1:]
        if isinstance(first, Named):
            return self._function(first.name, rest, piped, dot)
        if not rest and piped is _NOTHING:
            return self._operand(first, dot)
        if isinstance(first, (Path, Variable, Chain)) and (names := first.names):
            arguments = [self._operand(each, dot) for each in rest]
            arguments += [] if piped is _NOTHING else [piped]
            return self._fields(self._start(first, dot), names, arguments)
        raise Failed("something that is not a function is given arguments")

    def _function(self, name: str, rest: tuple[Operand, ...], piped: Value, dot: Value) -> Value:
        if name in _LAZY and (rest or piped is not _NOTHING):
            return self._until_known(_LAZY[name], rest, piped, dot)
        arguments = [self._operand(each, dot) for each in rest]
        arguments += [] if piped is _NOTHING else [piped]
        return self._functions[name](name, arguments)

    def _until_known(self, stops_at: bool, rest: tuple[Operand, ...], piped: Value, dot: Value) -> Value:
        value: Value = None
        for each in rest:
            value = self._operand(each, dot)
            if is_true(value) == stops_at:
                return value
        return value if piped is _NOTHING else piped

    def _operand(self, operand: Operand, dot: Value) -> Value:
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand, Dot):
            return dot
        if isinstance(operand, Named):
            return self._function(operand.name, (), _NOTHING, dot)
        if isinstance(operand, Pipe):
            self._deeper()
            value = self._pipe(operand, dot)
            self._depth -= 1
            return value
        return self._fields(self._start(operand, dot), operand.names, [])

    def _start(self, operand: Path | Variable | Chain, dot: Value) -> Value:
        if isinstance(operand, Path):
            return dot
        if isinstance(operand, Chain):
            return self._operand(operand.inner, dot)
        return next(entry for entry in reversed(self._variables) if entry[0] == operand.name)[1]

    def _fields(self, value: Value, names: tuple[str, ...], arguments: list[Value]) -> Value:
        """Along the names; what was given as arguments is for the last."""
        for place, name in enumerate(names, 1):
            given = arguments if place == len(names) else []
            method = method_of(value, name)
            if method:
                value = method(name, given, value)
                continue
            if given:
                raise Failed(f"{name} is given arguments and is not a method")
            value = field_of(value, name)
        return value
