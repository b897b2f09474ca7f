"""Escalations as they are written, and which of their steps an alert has come to.

They have a file of their own: Alertmanager refuses a key that it does not know, and the file of routes must stay one that `amtool` checks.
A step names a receiver of that file, or a rota whose receivers are.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from alerts.escalation.rota import Rota, read_rota
from alerts.fields import duration, expect_fields, listed, mapping, read_text, read_yaml, text, texts
from alerts.model import Alert
from alerts.routing.matchers import Matcher, all_match, parse_matchers
from core.errors import Invalid, near_misses

MAX_STEPS = 20
_STEP = ("after", "receiver", "rota")


@dataclass(frozen=True, slots=True)
class Step:
    number: int
    after: timedelta
    receiver: str = ""
    rota: Rota | None = None

    def whom(self, at: datetime) -> str:
        return self.rota.on_duty(at) if self.rota else self.receiver


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    matchers: tuple[Matcher, ...]
    steps: tuple[Step, ...]
    tell_end: bool = True
    """Whether those who were told of a step are told of the end."""

    def key(self, step: Step) -> str:
        return f"escalation:{self.name}/{step.number}"


@dataclass(frozen=True, slots=True)
class Escalations:
    policies: tuple[Policy, ...] = ()
    rotas: Mapping[str, Rota] = field(default_factory=dict)

    def due(self, alert: Alert, now: datetime) -> Iterator[tuple[Policy, Step]]:
        """Every step whose time has come, the told ones among them; the first policy that matches is the alert's."""
        policy = next((each for each in self.policies if all_match(each.matchers, alert.labels)), None)
        if policy and alert.state == "firing":
            yield from ((policy, step) for step in policy.steps if now - alert.starts_at >= step.after)

    def tells_ends(self, key: str) -> bool:
        """Of a step by its key; of a policy that is gone, as of one that says nothing."""
        return all(policy.tell_end for policy in self.policies if key in map(policy.key, policy.steps))

    def named(self) -> set[str]:
        of_steps = {step.receiver for policy in self.policies for step in policy.steps if step.receiver}
        return of_steps.union(*(rota.named() for rota in self.rotas.values()))


def load_escalations(path: Path, receivers: Collection[str]) -> Escalations:
    return parse_escalations(read_text(path, "file of escalations"), path.name, receivers)


def parse_escalations(written: str, source: str, receivers: Collection[str]) -> Escalations:
    read = mapping(read_yaml(written, source), f"{source}:", "a mapping with escalations and rotas")
    expect_fields(read, ("escalations", "rotas"), f"{source}:")
    rotas = [
        read_rota(entry, f"{source}, rotas[{place}]:")
        for place, entry in enumerate(listed(read.get("rotas"), f"{source}:", "rotas"))
    ]
    by_name = {rota.name: rota for rota in rotas}
    policies = tuple(
        _policy(entry, f"{source}, escalations[{place}]:", by_name)
        for place, entry in enumerate(listed(read.get("escalations"), f"{source}:", "escalations"))
    )
    _refuse_doubled([rota.name for rota in rotas], f"{source}, rotas:")
    _refuse_doubled([policy.name for policy in policies], f"{source}, escalations:")
    found = Escalations(policies, by_name)
    for name in sorted(found.named() - set(receivers)):
        near = near_misses(name, receivers, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Invalid(f"{source}: there is no receiver {name} in the alert configuration.{hint}", field="receiver")
    return found


def _policy(entry: Any, where: str, rotas: Mapping[str, Rota]) -> Policy:
    entry = mapping(entry, where, "an escalation as a mapping")
    expect_fields(entry, ("name", "matchers", "steps", "tell_end"), where)
    name = text(entry.get("name"), where, "name")
    where = f"{where.removesuffix(':')} {name!r}:"
    written = listed(entry.get("steps"), where, "steps")
    if not 1 <= len(written) <= MAX_STEPS:
        raise Invalid(f"{where} steps must be 1 to {MAX_STEPS}.", field="steps")
    steps = tuple(_step(each, place + 1, where, rotas) for place, each in enumerate(written))
    if any(later.after < sooner.after for sooner, later in pairwise(steps)):
        raise Invalid(f"{where} steps must be in the order of their times.", field="steps")
    tell_end = entry.get("tell_end", True)
    if not isinstance(tell_end, bool):
        raise Invalid(f"{where} tell_end must be true or false.", field="tell_end")
    matchers = tuple(m for each in texts(entry.get("matchers"), where, "matchers") for m in parse_matchers(each))
    return Policy(name, matchers, steps, tell_end)


def _step(entry: Any, number: int, where: str, rotas: Mapping[str, Rota]) -> Step:
    where = f"{where.removesuffix(':')} step {number}:"
    entry = mapping(entry, where, "a step as a mapping of after and receiver or rota")
    expect_fields(entry, _STEP, where)
    if "after" not in entry or ("receiver" in entry) == ("rota" in entry):
        raise Invalid(f"{where} it needs after, and either receiver or rota.", field="steps")
    after = duration(entry, "after", where)
    if "receiver" in entry:
        return Step(number, after, receiver=text(entry["receiver"], where, "receiver"))
    name = text(entry["rota"], where, "rota")
    if name not in rotas:
        raise Invalid(f"{where} there is no rota {name}.", field="rota", allowed=rotas)
    return Step(number, after, rota=rotas[name])


def _refuse_doubled(names: Sequence[str], where: str) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise Invalid(f"{where} the name {doubled[0]} is there twice.", field="name")
