"""What a pod needs before its first container: its volumes, and a sandbox with an address.

A volume that cannot be mounted is tried again after ever longer pauses, up to two minutes; every two minutes the kubelet says which ones
it is still waiting for. Nothing of the pod is started until everything is there.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from simulator.conditions import Kind
from simulator.events import Source
from simulator.kubelet import mounts
from simulator.kubelet.mounts import Obstacle
from simulator.kubelet.runs import ContainerRun, Phase, PodRun
from simulator.kubelet.station import POD_SYNC_SECONDS, Station
from simulator.objects import Object

FIRST_RETRY = 0.5
LONGEST_RETRY = 122.0
MOUNT_TIMEOUT = timedelta(seconds=123)
ATTACHER = Source("attachdetach-controller")


class Setup:
    def __init__(self, station: Station) -> None:
        self._station = station

    def advance(self, pod: Object, run: PodRun) -> None:
        """Try what is due; once all is there the first containers may begin."""
        missing = mounts.obstacles(self._station.store, pod)
        if missing:
            self._wait_for_volumes(pod, run, missing)
        elif self._station.conditions.holds(Kind.NO_POD_ADDRESSES, run.node):
            self._sandbox_failed(pod, run, self._no_address(run))
        elif pod["spec"].get("runtimeClassName"):
            runtime = pod["spec"]["runtimeClassName"]
            self._sandbox_failed(pod, run, f'failed to get sandbox runtime: no runtime for "{runtime}" is configured')
        else:
            run.setup_due = None
            release(run, self._station)
        run.is_dirty = True

    def _wait_for_volumes(self, pod: Object, run: PodRun, missing: list[Obstacle]) -> None:
        station = self._station
        for each in missing:
            if each.attaching:
                station.events.record(pod, "Pod", "Warning", "FailedAttachVolume", each.message, ATTACHER)
            else:
                station.say(pod, "Warning", "FailedMount", each.message)
        run.waits_since = run.waits_since or station.now()
        if station.now() - run.waits_since >= MOUNT_TIMEOUT:
            station.say(pod, "Warning", "FailedMount", _timed_out(missing))
            run.waits_since = station.now()
        pause = min(FIRST_RETRY * 2 ** min(run.setup_attempts, 10), LONGEST_RETRY)
        run.setup_attempts += 1
        run.setup_due = min(station.after(pause), run.waits_since + MOUNT_TIMEOUT)

    def _sandbox_failed(self, pod: Object, run: PodRun, why: str) -> None:
        run.setup_attempts += 1
        message = f"Failed to create pod sandbox: rpc error: code = Unknown desc = {why}"
        self._station.say(pod, "Warning", "FailedCreatePodSandBox", message)
        run.setup_due = self._station.after(POD_SYNC_SECONDS + self._station.jitter(run, "sandbox", run.setup_attempts))

    def _no_address(self, run: PodRun) -> str:
        sandbox = hashlib.sha256(f"{run.uid}/{run.setup_attempts}".encode()).hexdigest()
        prefix = self._station.nodes[run.node].pod_cidr_prefix
        return (
            f'failed to setup network for sandbox "{sandbox}": plugin type="host-local" failed (add): '
            f"failed to allocate for range 0: no IP addresses available in range set: {prefix}.1-{prefix}.254"
        )


def _timed_out(missing: list[Obstacle]) -> str:
    names = " ".join(dict.fromkeys(each.volume for each in missing))
    return (
        f"Unable to attach or mount volumes: unmounted volumes=[{names}], unattached volumes=[], "
        "failed to process volumes=[]: timed out waiting for the condition"
    )


def release(run: PodRun, station: Station) -> None:
    """Let the next containers begin: the init containers one after the other, then all others at once."""
    for each in run.init.values():
        if each.has_succeeded:
            continue
        _begin(each, station)
        return
    for each in run:
        _begin(each, station)


def _begin(container: ContainerRun, station: Station) -> None:
    if container.phase is Phase.WAITING:
        container.hold(Phase.CREATING, station.now(), "PodInitializing" if container.is_init else container.reason)
