"""What a probe asks of a container, and what is known of the ports that this container has.

Ports come from several places that agree in a healthy program: what the container declares, what its log says that it listens on, what
its environment tells it, what its other probes and the Services in front of it use. A probe is held against all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tools.engines.objects import (
    Object,
    dig,
    is_ready,
    mapping,
    number_in,
    readiness_since,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot

Kind = Literal["liveness", "readiness", "startup"]
KINDS: tuple[Kind, ...] = ("startup", "liveness", "readiness")
LEAST_PORT = 80
_HOW = ("httpGet", "tcpSocket", "grpc", "exec")


@dataclass(frozen=True, slots=True)
class Asked:
    kind: Kind
    program: Program
    container: Object
    probe: Object

    @property
    def name(self) -> str:
        return str(self.container.get("name") or "")

    @property
    def how(self) -> str:
        return next((how for how in _HOW if how in self.probe), "")

    @property
    def port(self) -> Any:
        return dig(self.probe, self.how, "port") if self.how else None

    @property
    def number(self) -> int | None:
        return resolved(self.container, self.port)

    @property
    def scheme(self) -> str:
        return str(dig(self.probe, "httpGet", "scheme") or "HTTP").upper()

    @property
    def budget(self) -> float:
        """Seconds from the start of a container until the probe has given it up."""
        return self._seconds("initialDelaySeconds", 0) + self._seconds("periodSeconds", 10) * self._seconds(
            "failureThreshold", 3
        )

    @property
    def timeout(self) -> float:
        return self._seconds("timeoutSeconds", 1)

    @property
    def ref(self) -> str:
        return f"{self.program.ref}.containers[{self.name}].{self.kind}Probe"

    @property
    def path(self) -> str:
        """As it stands in a comparison of two templates."""
        return f"[{self.name}].{self.kind}Probe"

    def _seconds(self, key: str, default: int) -> float:
        found = whole(self.probe.get(key))
        return float(default if found is None else found)


def asked(program: Program) -> Iterator[Asked]:
    for container in program.containers:
        for kind in KINDS:
            if probe := mapping(container, f"{kind}Probe"):
                yield Asked(kind, program, container, probe)


def resolved(container: Object, port: Any) -> int | None:
    """A port by number; None for a name that the container does not have."""
    if isinstance(port, str) and not port.isdecimal():
        named = (whole(one.get("containerPort")) for one in rows(container, "ports") if one.get("name") == port)
        return next(named, None)
    return number_in(port) if isinstance(port, str) else whole(port)


def declared(container: Object) -> dict[int, Object]:
    found = ((whole(one.get("containerPort")), one) for one in rows(container, "ports"))
    return {number: one for number, one in found if number}


def listened(snapshot: Snapshot, one: Asked) -> set[int]:
    """What its log says that it listens on."""
    return {
        number
        for key, log in snapshot.logs_of(one.program)
        if key.container == one.name
        for said in log.said("listening")
        if (number := number_in(said.target) or 0) >= LEAST_PORT
    }


def told_by_environment(container: Object) -> set[int]:
    """Ports that its own environment gives it: PORT, SERVER_PORT, LISTEN_ADDR; not those of what it calls."""
    found: set[int] = set()
    for variable in rows(container, "env"):
        name, value = str(variable.get("name") or "").upper(), variable.get("value")
        own = name in _OWN_PORTS or name.startswith(("LISTEN", "BIND"))
        if own and isinstance(value, str) and (number := number_in(value.rpartition(":")[2])) is not None:
            found.add(number)
    return found


_OWN_PORTS = {
    "PORT", "SERVER_PORT", "HTTP_PORT", "APP_PORT", "SERVICE_PORT", "GRPC_PORT", "WEB_PORT", "API_PORT", "CONTAINER_PORT",
    "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "SERVER_ADDR", "HTTP_ADDR", "MANAGEMENT_SERVER_PORT", "MANAGEMENT_PORT",
}  # fmt: skip


def served(snapshot: Snapshot, one: Asked) -> set[int]:
    """The ports to which Services in front of it send."""
    services = snapshot.services_of(one.program.obj) if one.program.obj else []
    ports = (row.get("targetPort") or row.get("port") for service in services for row in rows(service, "spec", "ports"))
    return {number for port in ports if (number := resolved(one.container, port))}


def startup_seconds(snapshot: Snapshot, one: Asked) -> tuple[float, str]:
    """How long the program takes before it answers, and where that stands; zero where nothing tells."""
    found = [*_by_log(snapshot, one), *_by_condition(one)]
    return max(found, default=(0.0, ""))


def _by_log(snapshot: Snapshot, one: Asked) -> Iterator[tuple[float, str]]:
    for key, log in snapshot.logs_of(one.program):
        if key.container != one.name:
            continue
        for said in log.said("started"):
            yield parse(said.target) or 0.0, f"{key}: {said.text[:200]}"
        for said in log.said("listening"):
            if said.first and log.first and said.count == 1:
                yield (said.first - log.first).total_seconds(), f"{key}: {said.text[:200]}"


def _by_condition(one: Asked) -> Iterator[tuple[float, str]]:
    """Pods that became ready in peace show how long it takes."""
    for pod in one.program.pods:
        status = next((row for row in statuses(pod) if row.get("name") == one.name), {})
        began = when(dig(status, "state", "running", "startedAt"))
        became = _ready_since(pod)
        if began and became and became > began and not status.get("restartCount"):
            seconds = (became - began).total_seconds()
            if seconds < 900:
                yield (
                    seconds,
                    f"Pod {dig(pod, 'metadata', 'name')} was ready {seconds:.0f} s after its container started",
                )


def _ready_since(pod: Object) -> datetime | None:
    return readiness_since(pod) if is_ready(pod) else None
