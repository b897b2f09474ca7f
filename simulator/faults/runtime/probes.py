"""Probes that ask the wrong port, in the wrong protocol, or too early."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from simulator.faults.base import Fault, Injection, Parameter, Parameters, Place, existing, first_container
from simulator.faults.workloads import edit_container, has_probe, is_steady, program
from simulator.objects import Object
from simulator.world import World

HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
SLOW = 3.0  # seconds of start-up below which no probe comes too early


class _Probe(Fault):
    category = "runtime"
    repairs = ("rollback", "patch_workload")
    probe: ClassVar[str]

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_steady(world, place)

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and has_probe(world, place, self.probe)

    def _present(self, world: World, place: Place) -> Object:
        found: Object = first_container(existing(world, "Deployment", place)).get(self.probe) or {}
        return found


def _handler(world: World, place: Place, port: int | str) -> Object:
    if program(world, place).protocol == "tcp":
        return {"tcpSocket": {"port": port}}
    return {"httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"}}


def _timing(probe: Object) -> Object:
    return {field: value for field, value in probe.items() if field not in HANDLERS}


class _WrongPort(_Probe):
    parameters = (Parameter("port", "whole", "the port to ask", "the one after the program's own"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        port = int(parameters.get("port") or program(world, place).port + 1)
        changed = {**_timing(self._present(world, place)), **_handler(world, place, port)}
        return edit_container(world, place, f"{self.probe} set to port {port}", **{self.probe: changed})


class _WrongProtocol(_Probe):
    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        app = program(world, place)
        scheme = "HTTP" if app.protocol == "tcp" else "HTTPS"
        action = {"httpGet": {"path": "/healthz", "port": app.port, "scheme": scheme}}
        changed = {**_timing(self._present(world, place)), **action}
        return edit_container(world, place, f"{self.probe} set to {scheme}", **{self.probe: changed})


class LivenessProbeIncorrectPort(_WrongPort):
    id = "liveness_probe_incorrect_port"
    title = "The liveness probe asks a port on which nothing listens"
    probe = "livenessProbe"


class LivenessProbeIncorrectProtocol(_WrongProtocol):
    id = "liveness_probe_incorrect_protocol"
    title = "The liveness probe speaks a protocol that the program does not"
    probe = "livenessProbe"


class ReadinessProbeIncorrectPort(_WrongPort):
    id = "readiness_probe_incorrect_port"
    title = "The readiness probe asks a port on which nothing listens"
    probe = "readinessProbe"


class ReadinessProbeIncorrectProtocol(_WrongProtocol):
    id = "readiness_probe_incorrect_protocol"
    title = "The readiness probe speaks a protocol that the program does not"
    probe = "readinessProbe"


class _Hasty(_Probe):
    """Two failures in the first seconds and the container is killed, every time."""

    failures: ClassVar[int]

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        port = program(world, place).port
        hasty = {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": self.failures, "successThreshold": 1}
        probes = {**self._others(), self.probe: {**_handler(world, place, port), **hasty}}
        said = f"{self.probe} set to fail after {self.failures} s"
        return edit_container(world, place, said, **probes)

    def _others(self) -> dict[str, Object | None]:
        return {}

    def suits(self, world: World, place: Place) -> bool:
        return Fault.suits(self, world, place) and program(world, place).boot_seconds >= SLOW


class LivenessProbeIncorrectTiming(_Hasty):
    id = "liveness_probe_incorrect_timing"
    title = "The liveness probe gives the program less time than it needs to come up"
    probe = "livenessProbe"
    failures = 1

    def _others(self) -> dict[str, Object | None]:
        return {"startupProbe": None}


class StartupProbeTooShort(_Hasty):
    id = "startup_probe_too_short"
    title = "The startup probe gives up before the program can be up"
    probe = "startupProbe"
    failures = 2


FAULTS: tuple[Fault, ...] = (
    LivenessProbeIncorrectPort(),
    LivenessProbeIncorrectProtocol(),
    LivenessProbeIncorrectTiming(),
    ReadinessProbeIncorrectPort(),
    ReadinessProbeIncorrectProtocol(),
    StartupProbeTooShort(),
)
