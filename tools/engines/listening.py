"""At which ports a program listens, as far as it can be known: by its log, by what it declares, and by what its probes reach.

A declared port is only information to Kubernetes: a program may listen elsewhere, and its log knows better. A probe that succeeds
proves the port that it asks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.engines.objects import Object, dig, is_ready, mapping, number_in, rows, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

_PORT_VARIABLE = re.compile(r"(?i)^(?:(?:server|http|https|listen|app|service|grpc|container)_?)?port$")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


@dataclass(frozen=True, slots=True)
class Listening:
    said: frozenset[int]
    """By the log."""
    declared: frozenset[int]
    named: dict[str, int]
    protocols: dict[int, frozenset[str]]
    reached: frozenset[int]
    """By probes of pods that are ready."""
    told: frozenset[int]
    """By a setting such as PORT."""

    @property
    def known(self) -> frozenset[int]:
        return self.said | self.reached | self.told

    def best(self) -> int | None:
        """The port to point at: what is proven before what is only declared."""
        for ports in (
            self.said & self.declared,
            self.reached & self.declared,
            self.said,
            self.reached,
            self.told,
            self.declared,
        ):
            if ports:
                return min(ports)
        return None


def listening(snapshot: Snapshot, program: Program) -> Listening:
    declared = [port for container in program.containers for port in rows(container, "ports")]
    numbers = {number: port for port in declared if (number := whole(port.get("containerPort")))}
    return Listening(
        said=frozenset(_said(snapshot, program)),
        declared=frozenset(numbers),
        named={str(port["name"]): number for number, port in numbers.items() if port.get("name")},
        protocols={number: _protocols(declared, number) for number in numbers},
        reached=frozenset(_reached(program)),
        told=frozenset(_told(program)),
    )


def _protocols(declared: list[Object], number: int) -> frozenset[str]:
    """One number may be spoken at in two ways, as a resolver does at 53."""
    return frozenset(str(port.get("protocol") or "TCP") for port in declared if port.get("containerPort") == number)


def _said(snapshot: Snapshot, program: Program) -> Iterator[int]:
    for _, log in snapshot.logs_of(program):
        for one in log.said("listening"):
            if (port := number_in(one.target.rpartition(":")[2])) is not None:
                yield port


def _reached(program: Program) -> Iterator[int]:
    if not program.pods or not all(is_ready(pod) for pod in program.pods):
        return
    for container in program.containers:
        for probe in (mapping(container, key) for key in _PROBES):
            for how in ("httpGet", "tcpSocket", "grpc"):
                port = _number(container, dig(probe, how, "port"))
                if port:
                    yield port


def _told(program: Program) -> Iterator[int]:
    for container in program.containers:
        for variable in rows(container, "env"):
            value = variable.get("value")
            number = number_in(value) if isinstance(value, str) else None
            if number is not None and _PORT_VARIABLE.match(str(variable.get("name"))):
                yield number


def _number(container: Object, port: object) -> int | None:
    if isinstance(port, int):
        return port
    return next((whole(one.get("containerPort")) for one in rows(container, "ports") if one.get("name") == port), None)
