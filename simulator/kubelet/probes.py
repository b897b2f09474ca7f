"""The probes of the containers, asked of what their programs really do.

Each probe runs on its own beat from the start of its container on. One that passes, of a program at ease, would pass for ever: it sleeps
until something about the program changes and it is woken. So a healthy cluster costs nothing, and a failing probe fails, speaks and
counts exactly when it would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.kubelet.runs import ContainerRun, Phase, PodRun, ProbeRun
from simulator.kubelet.station import Station, spec_of
from simulator.objects import Object
from simulator.programs import Exit, Note
from simulator.programs.answers import Check, Patient, answer
from simulator.programs.launch import Launch
from simulator.programs.process import Process

KINDS = {"startup": "startupProbe", "readiness": "readinessProbe", "liveness": "livenessProbe"}
TERMINATED, KILLED = 143, 137

LaunchOf = Callable[[Object, PodRun, ContainerRun], Launch]


@dataclass(frozen=True)
class Probes:
    station: Station
    launch_of: LaunchOf

    def begin(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The container has just started."""
        spec = spec_of(pod, container)
        now = self.station.now()
        container.probes = {
            kind: self._probe(run, container, kind, spec[field], now)
            for kind, field in KINDS.items()
            if spec.get(field)
        }
        container.has_begun = "startup" not in container.probes
        if not container.has_begun:
            self._hold(container, "readiness", "liveness")
        container.wait(self._phase(container), container.due)

    def run_due(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        for kind in KINDS:
            probe = container.probes.get(kind)
            if probe and probe.due and probe.due <= self.station.now() and container.phase.is_running:
                self._ask(pod, run, container, kind, probe)

    def wake(self, container: ContainerRun) -> None:
        """Something about the program has changed: all who sleep ask again on their next beat."""
        for kind, probe in container.probes.items():
            is_held = kind != "startup" and not container.has_begun
            if probe.due is None and not is_held and not (kind == "startup" and container.has_begun):
                probe.due = self._next_beat(probe)

    def _probe(self, run: PodRun, container: ContainerRun, kind: str, spec: Object, now: datetime) -> ProbeRun:
        period = float(spec.get("periodSeconds") or 10)
        beat = period * self.station.jitter(run, f"probe/{container.name}/{kind}", container.restarts)
        first = now + timedelta(seconds=float(spec.get("initialDelaySeconds") or 0) + beat)
        return ProbeRun(spec, first, first)

    def _hold(self, container: ContainerRun, *kinds: str) -> None:
        for kind in kinds:
            if kind in container.probes:
                container.probes[kind].due = None

    def _ask(self, pod: Object, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun) -> None:
        said = self._answer(pod, run, container, kind, probe)
        if said is None:
            self._passed(run, container, kind, probe)
        else:
            self._failed(pod, run, container, kind, probe, said)

    def _answer(self, pod: Object, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun) -> str | None:
        port = _port(spec_of(pod, container), probe.spec)
        dice = self.station.jitter(run, f"asked/{kind}", int(self.station.now().timestamp()))
        patient = Patient(run.ip, _listener(run, container, port), self.launch_of(pod, run, container), dice)
        timeout = float(probe.spec.get("timeoutSeconds") or 1)
        if "exec" in probe.spec:
            own = container.process if container.process and container.process.is_listening else None
            patient = Patient(run.ip, own, patient.launch, dice)
        return answer(patient, Check(probe.spec, port, timeout))

    def _passed(self, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun) -> None:
        probe.failures, probe.successes = 0, probe.successes + 1
        if probe.successes >= int(probe.spec.get("successThreshold") or 1):
            self._settle(run, container, kind, probe, passes=True)
        is_over = kind == "startup" and container.has_begun
        sleeps = probe.passes and all(each.process is None or each.process.is_at_ease for each in run)
        probe.due = None if is_over or sleeps else self._next_beat(probe)

    def _failed(self, pod: Object, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun, said: str) -> None:
        probe.successes, probe.failures = 0, probe.failures + 1
        how = "errored" if said.startswith("rpc error") else "failed"
        self.station.say(pod, "Warning", "Unhealthy", f"{kind.capitalize()} probe {how}: {said}", container)
        probe.due = self._next_beat(probe)
        if probe.failures < int(probe.spec.get("failureThreshold") or 3):
            return
        self._settle(run, container, kind, probe, passes=False)
        if kind != "readiness":
            self._kill(pod, run, container, kind, probe)

    def _settle(self, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun, *, passes: bool) -> None:
        probe.passes = passes
        if kind == "startup" and passes:
            container.has_begun = True
            self.wake(container)
        phase = self._phase(container)
        if phase is not container.phase:
            container.wait(phase, container.due)
            run.is_dirty = True

    def _phase(self, container: ContainerRun) -> Phase:
        readiness = container.probes.get("readiness")
        return Phase.READY if container.has_begun and (readiness is None or readiness.passes) else Phase.BOOTING

    def _kill(self, pod: Object, run: PodRun, container: ContainerRun, kind: str, probe: ProbeRun) -> None:
        """The process is asked to go, and made to go when it does not hear."""
        message = f"Container {container.name} failed {kind} probe, will be restarted"
        self.station.say(pod, "Normal", "Killing", message, container)
        self._hold(container, *KINDS)
        grace = (
            probe.spec.get("terminationGracePeriodSeconds") or pod["spec"].get("terminationGracePeriodSeconds") or 30
        )
        deaf = container.process is not None and container.process.is_stuck
        seconds = float(grace) if deaf else 0.6 + self.station.jitter(run, "terminate", container.restarts)
        words = () if deaf else (Note("info", "received signal terminated, shutting down"),)
        container.exit = Exit(KILLED if deaf else TERMINATED, seconds, words)
        container.exits_at = self.station.after(seconds)

    def _next_beat(self, probe: ProbeRun) -> datetime:
        """The first beat after this moment."""
        period = float(probe.spec.get("periodSeconds") or 10)
        passed = (self.station.now() - probe.first).total_seconds() / period
        return probe.first + timedelta(seconds=period * max(math.floor(passed + 1e-6) + 1, 0))


def _port(container: Object, probe: Object) -> int:
    """A port by number, or by the name it has in its container; zero when no port has it."""
    action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
    wanted = action.get("port", 0)
    if str(wanted).isdigit():
        return int(wanted)
    named = (port["containerPort"] for port in container.get("ports") or [] if port.get("name") == wanted)
    return int(next(named, 0))


def _listener(run: PodRun, container: ContainerRun, port: int) -> Process | None:
    """Whoever has the port: all containers of a pod share its address."""
    everyone: tuple[ContainerRun, ...] = (container, *run)
    for each in everyone:
        process = each.process
        if process is None or not process.is_listening or not each.phase.is_running:
            continue
        if port in process.ports or not (process.app or process.ports):
            return process
    return None
