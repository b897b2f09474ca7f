"""From YAML to a Scenario, strictly: a field that nobody knows, or that is missing or of another type, is refused by its path.

A misspelt field that was quietly ignored would make an easier examination than the one that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml

from simulator.apps import App
from simulator.faults.base import Repair
from simulator.scenarios.acts import ACTS
from simulator.scenarios.herrings import HERRINGS
from simulator.scenarios.scenario import (
    WEEKDAYS,
    Act,
    Answer,
    Category,
    Deed,
    Herring,
    Inject,
    Scenario,
    Setting,
    Step,
    Traffic,
    Undo,
)

T = TypeVar("T")
LONGEST = 4 * 3600
PROGRAM_FIELDS = {"replicas", "boot_seconds", "idle_cpu_millis"}
DEEDS = ("inject", "undo", "herring", "change", "traffic")


class Unreadable(ValueError):
    """A scenario that cannot be read; the message names the file and the path in it."""


class Node:
    """A value of the file with the path that leads to it."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def refuse(self, why: str) -> Unreadable:
        return Unreadable(f"{self.path}: {why}")

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """The fields of a mapping; exactly these."""
        if not isinstance(self.value, dict):
            raise self.refuse("must be a mapping")
        needed, known = set(required), {*required, *optional}
        for name in self.value:
            if name not in known:
                raise Unreadable(f"{self._under(name)}: unknown field; known are {', '.join(sorted(known))}")
        for name in sorted(needed):
            if name not in self.value:
                raise Unreadable(f"{self._under(name)}: is missing")
        return {str(name): Node(value, self._under(name)) for name, value in self.value.items()}

    def items(self) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.refuse("must be a list")
        return [Node(value, f"{self.path}[{number}]") for number, value in enumerate(self.value)]

    def text(self, allowed: Iterable[str] = ()) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refuse("must be a text")
        listed = list(allowed)
        if listed and self.value not in listed:
            raise self.refuse(f"{self.value!r} is none of {', '.join(listed)}")
        return self.value

    def texts(self, allowed: Iterable[str] = ()) -> tuple[str, ...]:
        listed = list(allowed)
        return tuple(each.text(listed) for each in self.items())

    def number(self, low: float, high: float) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.refuse("must be a number")
        if not low <= self.value <= high:
            raise self.refuse(f"must be from {low:g} to {high:g}")
        return float(self.value)

    def truth(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refuse("must be true or false")
        return self.value

    def _under(self, name: object) -> str:
        return f"{self.path}{'' if self.path.endswith(': ') else '.'}{name}"


def read(path: Path) -> Scenario:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Unreadable(f"{path.name}: is not YAML: {' '.join(str(error).split())}") from error
    scenario = parse(loaded, path.name)
    if scenario.id != path.stem:
        raise Unreadable(f"{path.name}: id: must be the file's name, {path.stem!r}")
    return scenario


def parse(loaded: Any, file: str) -> Scenario:
    required = ("id", "title", "category", "world", "steps", "lasts", "answer")
    found = Node(loaded, f"{file}: ").fields(required, ("acceptable_repairs", "must_not_say"))
    answers = _answers(found["answer"])
    never = found["must_not_say"].fields((), ("faults", "components")) if "must_not_say" in found else {}
    scenario = Scenario(
        id=found["id"].text(),
        title={name: node.text() for name, node in found["title"].fields(("en", "zh")).items()},
        category=found["category"].text(get_args(Category)),  # type: ignore[arg-type]  # it is one of them
        setting=_setting(found["world"]),
        steps=tuple(_step(node) for node in found["steps"].items()),
        lasts=found["lasts"].number(60, LONGEST),
        answers=answers,
        acceptable_repairs=_optional(found, "acceptable_repairs", lambda node: node.texts(get_args(Repair)), ()),
        never_faults=_optional(never, "faults", Node.texts, ()),
        never_components=_optional(never, "components", Node.texts, ()),
    )
    _check(scenario, file)
    return scenario


def _check(scenario: Scenario, file: str) -> None:
    times = [step.at for step in scenario.steps]
    if times != sorted(times):
        raise Unreadable(f"{file}: steps: must stand in the order of their times")
    if times and times[-1] > scenario.lasts:
        raise Unreadable(f"{file}: steps: the last one is after the end, {scenario.lasts:g}")
    if scenario.answers and not scenario.acceptable_repairs:
        raise Unreadable(f"{file}: acceptable_repairs: is missing")
    if scenario.is_control != (scenario.category == "control"):
        raise Unreadable(f"{file}: category: a healthy answer and the category control go together")
    labels = [step.deed.label for step in scenario.steps if isinstance(step.deed, (Inject, Traffic))]
    for step in scenario.steps:
        if isinstance(step.deed, Undo) and step.deed.label not in labels:
            raise Unreadable(f"{file}: steps: undo: nothing is called {step.deed.label!r}")


def _optional(found: dict[str, Node], name: str, of: Callable[[Node], T], otherwise: T) -> T:
    return of(found[name]) if name in found else otherwise


def _setting(node: Node) -> Setting:
    found = node.fields(("seed", "hour", "weekday"), ("variant", "peak_rps", "life", "programs"))
    return Setting(
        seed=int(found["seed"].number(1, 1_000_000)),
        hour=found["hour"].number(0, 23.99),
        weekday=found["weekday"].text(WEEKDAYS),
        variant=_optional(found, "variant", lambda each: int(each.number(0, 1_000_000)), 0),
        peak_rps=_optional(found, "peak_rps", lambda each: each.number(1, 1000), None),
        life=_optional(found, "life", Node.truth, False),
        programs=_optional(found, "programs", _programs, {}),
    )


def _programs(node: Node) -> dict[str, dict[str, Any]]:
    if not isinstance(node.value, dict):
        raise node.refuse("must be a mapping")
    whole = {each.name for each in fields(App) if each.type == "int"}
    changed: dict[str, dict[str, Any]] = {}
    for role, value in node.value.items():
        found = Node(value, f"{node.path}.{role}").fields((), PROGRAM_FIELDS)
        changed[str(role)] = {
            name: int(each.number(1, 50)) if name in whole else each.number(0, 3600) for name, each in found.items()
        }
    return changed


def _step(node: Node) -> Step:
    found = node.fields(("at",), DEEDS)
    deeds = [name for name in DEEDS if name in found]
    if len(deeds) != 1:
        raise node.refuse(f"must have exactly one of {', '.join(DEEDS)}")
    return Step(found["at"].number(0, LONGEST), _DEED_OF[deeds[0]](found[deeds[0]]))


def _inject(node: Node) -> Deed:
    found = node.fields(("fault", "target"), ("params", "as"))
    fault = found["fault"].text()
    parameters = found["params"].value if "params" in found else {}
    if not isinstance(parameters, dict):
        raise found["params"].refuse("must be a mapping")
    return Inject(fault, found["target"].text(), parameters, _optional(found, "as", Node.text, fault))


def _undo(node: Node) -> Deed:
    return Undo(node.text())


def _herring(node: Node) -> Deed:
    kind, options = _verb(node, HERRINGS)
    return Herring(kind, options)


def _act(node: Node) -> Deed:
    verb, options = _verb(node, ACTS)
    return Act(verb, options)


def _verb(node: Node, known: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """`{scale: {target: cart, replicas: 2}}`: one verb, with the options that it takes."""
    found = node.fields((), known)
    if len(found) != 1:
        raise node.refuse(f"must have exactly one of {', '.join(sorted(known))}")
    [(verb, options)] = found.items()
    taken = known[verb]
    return verb, {name: each.value for name, each in options.fields(taken.required, taken.optional).items()}


def _traffic(node: Node) -> Deed:
    found = node.fields(("factor",), ("routes", "rise_seconds", "as"))
    return Traffic(
        found["factor"].number(0, 20),
        _optional(found, "routes", Node.texts, ()),
        _optional(found, "rise_seconds", lambda each: each.number(0, LONGEST), 0.0),
        _optional(found, "as", Node.text, "traffic"),
    )


_DEED_OF: dict[str, Callable[[Node], Deed]] = {
    "inject": _inject,
    "undo": _undo,
    "herring": _herring,
    "change": _act,
    "traffic": _traffic,
}


def _answers(node: Node) -> tuple[Answer, ...]:
    if isinstance(node.value, dict) and "healthy" in node.value:
        if node.fields(("healthy",))["healthy"].value is not True:
            raise node.refuse("healthy: must be true, or name the faults")
        return ()
    nodes = node.items() if isinstance(node.value, list) else [node]
    if not nodes:
        raise node.refuse("must name a fault, or say healthy: true")
    return tuple(_answer(each) for each in nodes)


def _answer(node: Node) -> Answer:
    found = node.fields(("fault", "component"))
    component = found["component"].fields(("kind", "name"), ("namespace",))
    namespace = _optional(component, "namespace", Node.text, "")
    return Answer(found["fault"].text(), component["kind"].text(), namespace, component["name"].text())
