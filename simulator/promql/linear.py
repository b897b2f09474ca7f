"""A matcher whose time grows with the text and never explodes: for expressions that Python's own engine may take forever over.

The expression, as Python's parser reads it, becomes a small program; all ways through it advance together, one character at a time, in the
order in which a backtracking engine would try them, so that the groups of the first way are the ones it would have found.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

MOST_INSTRUCTIONS = 20_000
_IGNORE_CASE, _MULTILINE, _DOTALL = 2, 8, 16
_ENDLESS = 1 << 20

Accepts = Callable[[str], bool]
Holds = Callable[[str, int], bool]
Saved = tuple[int, ...]


class TooLarge(ValueError):
    pass


@dataclass(slots=True)
class Step:
    """One instruction: a character, a condition, a place to save, or up to two ways on; `then` is tried first."""

    accepts: Accepts | None = None
    holds: Holds | None = None
    save: int = -1
    then: int = -1
    other: int = -1


@dataclass(frozen=True, slots=True)
class LinearMatch:
    re: "LinearPattern"
    text: str
    saved: Saved

    def group(self, number: int | str) -> str | None:
        index = self.re.groupindex[number] if isinstance(number, str) else number
        start, end = self.saved[2 * index : 2 * index + 2]
        return None if start < 0 or end < 0 else self.text[start:end]


@dataclass(frozen=True, slots=True)
class LinearPattern:
    groups: int
    groupindex: Mapping[str, int]
    steps: list[Step] = field(repr=False)

    def fullmatch(self, text: str) -> LinearMatch | None:
        last = len(self.steps) - 1
        threads = self._from(0, text, [(0, (-1,) * (2 * self.groups + 2))])
        for at, char in enumerate(text):
            waiting = [
                (self.steps[number].then, saved)
                for number, saved in threads.items()
                if (accepts := self.steps[number].accepts) is not None and accepts(char)
            ]
            if not waiting:
                return None
            threads = self._from(at + 1, text, waiting)
        saved = threads.get(last)
        return None if saved is None else LinearMatch(self, text, (0, len(text), *saved[2:]))

    def _from(self, at: int, text: str, starts: list[tuple[int, Saved]]) -> dict[int, Saved]:
        """Everywhere one can be without taking a character, best first."""
        reached: dict[int, Saved] = {}
        stack = starts[::-1]
        while stack:
            number, saved = stack.pop()
            if number in reached:
                continue
            reached[number] = saved
            step = self.steps[number]
            if step.accepts is not None or (step.holds is not None and not step.holds(text, at)):
                continue
            if step.save >= 0:
                saved = (*saved[: step.save], at, *saved[step.save + 1 :])
            stack.extend((way, saved) for way in (step.other, step.then) if way >= 0)
        return reached


def compile_linear(tree: Any) -> LinearPattern:
    state = tree.state
    steps: list[Step] = []
    _sequence(steps, tree, state.flags)
    steps.append(Step())
    return LinearPattern(state.groups - 1, dict(state.groupdict), steps)


def _add(steps: list[Step], step: Step) -> Step:
    if len(steps) >= MOST_INSTRUCTIONS:
        raise TooLarge("expression is too large")
    step.then = len(steps) + 1
    steps.append(step)
    return step


def _sequence(steps: list[Step], items: Any, flags: int) -> None:
    for op, argument in items:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, body = argument
            _repeat(steps, (int(least), int(most)), body, flags, greedy=op is sre.MAX_REPEAT)
        elif op is sre.BRANCH:
            _branch(steps, argument[1], flags)
        elif op is sre.SUBPATTERN:
            number, add, remove, body = argument
            _group(steps, number, body, (flags | add) & ~remove)
        elif op is sre.AT:
            _add(steps, Step(holds=_condition(argument, flags)))
        else:
            _add(steps, Step(accepts=_character(op, argument, flags)))


def _group(steps: list[Step], number: int | None, body: Any, flags: int) -> None:
    if number is not None:
        _add(steps, Step(save=2 * number))
    _sequence(steps, body, flags)
    if number is not None:
        _add(steps, Step(save=2 * number + 1))


def _branch(steps: list[Step], branches: Any, flags: int) -> None:
    ends = []
    for branch in branches[:-1]:
        fork = _add(steps, Step())
        _sequence(steps, branch, flags)
        ends.append(_add(steps, Step()))
        fork.other = len(steps)
    _sequence(steps, branches[-1], flags)
    for end in ends:
        end.then = len(steps)


def _repeat(steps: list[Step], times: tuple[int, int], body: Any, flags: int, *, greedy: bool) -> None:
    least, most = times
    for _ in range(least):
        _sequence(steps, body, flags)
    if most >= _ENDLESS:
        start = len(steps)
        fork = _add(steps, Step())
        _sequence(steps, body, flags)
        _add(steps, Step()).then = start
        _leave([fork], len(steps), greedy=greedy)
        return
    forks = []
    for _ in range(most - least):
        forks.append(_add(steps, Step()))
        _sequence(steps, body, flags)
    _leave(forks, len(steps), greedy=greedy)


def _leave(forks: list[Step], end: int, *, greedy: bool) -> None:
    for fork in forks:
        fork.then, fork.other = (fork.then, end) if greedy else (end, fork.then)


def _condition(where: Any, flags: int) -> Holds:
    multiline = bool(flags & _MULTILINE)
    conditions: dict[Any, Holds] = {
        sre.AT_BEGINNING: lambda text, at: at == 0 or (multiline and text[at - 1] == "\n"),
        sre.AT_BEGINNING_STRING: lambda _, at: at == 0,
        sre.AT_END: lambda text, at: at == len(text) or (multiline and text[at] == "\n"),
        sre.AT_END_STRING: lambda text, at: at == len(text),
        sre.AT_BOUNDARY: _at_boundary,
        sre.AT_NON_BOUNDARY: lambda text, at: not _at_boundary(text, at),
    }
    return conditions[where]


def _at_boundary(text: str, at: int) -> bool:
    before, after = text[max(at - 1, 0) : at], text[at : at + 1]
    return _is_word(before) != _is_word(after)


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _character(op: Any, argument: Any, flags: int) -> Accepts:
    if op is sre.ANY:
        return (lambda _: True) if flags & _DOTALL else (lambda char: char != "\n")
    if op is sre.IN:
        negated = bool(argument) and argument[0][0] is sre.NEGATE
        ranges = [_range(kind, value) for kind, value in argument[negated:]]
    else:
        negated = op is sre.NOT_LITERAL
        ranges = [(argument, argument)]
    folded = bool(flags & _IGNORE_CASE)

    def accepts(char: str) -> bool:
        codes = {ord(char), *map(ord, (char.lower(), char.upper()) if folded and char.isascii() else ())}
        return any(low <= code <= high for code in codes for low, high in ranges) != negated

    return accepts


def _range(kind: Any, value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if kind is sre.RANGE else (value, value)
