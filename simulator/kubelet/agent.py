"""The kubelet, for all nodes at once: a small state machine for every container.

A phase ends at a known time (`due`); `sync` moves every container whose time has come, writes the pods' status where something changed,
and `next_due` tells the world when to come back, so that an idle cluster costs nothing and a busy one is exact to the second. How long a
pull or a start takes comes from the image's size and the container's own name, never from a running random generator.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from simulator.apps import NodeSpec
from simulator.conditions import Conditions, Kind, process_place
from simulator.events import Recorder
from simulator.kubelet.eviction import Evictions
from simulator.kubelet.lifecycle import Lifecycle, Said, Started
from simulator.kubelet.probes import KILLED, Probes
from simulator.kubelet.pulls import Pulls
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination
from simulator.kubelet.setup import Setup
from simulator.kubelet.station import Station, spec_of
from simulator.kubelet.status import status
from simulator.objects import Object, is_deleting, is_finished, name_of, namespace_of, uid_of
from simulator.programs.ageing import LOSSES, age
from simulator.programs.process import TEETHLESS, Process
from simulator.registry import Registry
from simulator.store import Store


class Kubelet:
    """`on_started`, `on_ready` and `on_said` let the log book write what a program says when it comes up, and before it dies."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        events: Recorder,
        registry: Registry,
        nodes: tuple[NodeSpec, ...],
        seed: int,
        conditions: Conditions,
        on_started: Started,
        on_ready: Started,
        on_said: Said,
    ) -> None:
        self._store = store
        self._now = now
        self._nodes = {node.name: node for node in nodes}
        self._conditions = conditions
        self._station = Station(store, now, events, registry, conditions, self._nodes, seed)
        self._pulls = Pulls(self._station)
        self._lifecycle = Lifecycle(self._station, self._pulls, on_started, on_said)
        self._probes = Probes(self._station, self._lifecycle.launch_of)
        self._evictions = Evictions(self._station, self._evict)
        self._setup = Setup(self._station)
        self._on_ready = on_ready
        self._addresses = dict.fromkeys(self._nodes, 1)
        self._seen_version = -1
        self.changes = 0  # of what no object shows
        self.runs: dict[str, PodRun] = {}
        self._steps: dict[Phase, Callable[[Object, PodRun, ContainerRun], None]] = {
            Phase.CREATING: self._pulls.begin,
            Phase.PULLING: self._pulls.end,
            Phase.PULL_ERROR: self._pulls.back_off,
            Phase.PULL_BACKOFF: self._pulls.look_again,
            Phase.PULL_REFUSED: self._pulls.begin,
            Phase.STARTING: self._start,
            Phase.CONFIG_ERROR: self._pulls.begin,
            Phase.BOOTING: self._listen,
            Phase.READY: self._listen,
            Phase.TERMINATED: self._lifecycle.after_exit,
            Phase.CRASH_BACKOFF: self._pulls.begin,
        }

    def next_due(self) -> datetime | None:
        acting = self._acting()
        times = (run.next_due for run in self.runs.values() if run.node in acting)
        return min((each for each in times if each is not None), default=None)

    def sync(self) -> None:
        due = self.next_due()
        if self._store.moved == self._seen_version and (due is None or due > self._now()):
            return
        pods = {uid_of(pod): pod for pod in self._store.list("Pod") if pod["spec"].get("nodeName") in self._nodes}
        for uid in [uid for uid in self.runs if uid not in pods]:
            del self.runs[uid]
        acting = self._acting()
        for uid, pod in pods.items():
            if pod["spec"]["nodeName"] in acting and not (is_finished(pod) and not is_deleting(pod)):
                self._sync_pod(pod, self.runs.get(uid) or self._admit(pod))
        self._seen_version = self._store.moved

    def kill(self, run: PodRun, container: ContainerRun, reason: str, exit_code: int) -> None:
        """A process ends against its will; what follows is the restart policy's business."""
        now = self._now()
        started = container.started_at or now
        self._lifecycle.end(run, container, Termination(reason, exit_code, started, now, container.container_id))
        self._seen_version = -1

    def feel(self, run: PodRun, container: ContainerRun, lag: float, shed: float) -> None:
        """How long requests wait for a program at present, and which share of them in vain."""
        process = container.process
        if process is None:
            return
        changed = (process.lag > TEETHLESS) != (lag > TEETHLESS) or (process.shed > 0) != (shed > 0)
        process.lag, process.shed = lag, shed
        if changed:
            for each in run:
                self._probes.wake(each)

    def look_after_nodes(self) -> None:
        """Compare what the nodes have left with what they need, and let pods go where it is too little."""
        self._evictions.observe(self.runs)

    def strain(self, node: str, condition: str) -> tuple[str, str, str] | None:
        """What a node's agent says of one of its pressure conditions."""
        return self._evictions.said(node, condition)

    def _evict(self, pod: Object, run: PodRun, message: str) -> None:
        self._station.say(pod, "Warning", "Evicted", message)
        run.evicted = message
        for container in run.everyone():
            if container.phase.is_running:
                self._station.say(pod, "Normal", "Killing", f"Stopping container {container.name}", container)
                self.kill(run, container, "Error", KILLED)
            container.wait(Phase.FINISHED, None)
        run.is_dirty = True
        self._seen_version = -1

    def age(self, seconds: float) -> None:
        """Processes lose what they lose; one that answers otherwise then is asked again."""
        losing = {place for kind in LOSSES for place in self._conditions.places(kind)}
        for run in self.runs.values():
            for container in run:
                process = container.process
                is_losing = bool(losing) and process_place(container.container_id) in losing
                if process is not None and (is_losing or not process.defect.is_sound):
                    self._age(container, process, seconds)

    def _age(self, container: ContainerRun, process: Process, seconds: float) -> None:
        now, place = self._now(), process_place(container.container_id)
        times = np.array([now.timestamp()])

        def pressing(kind: Kind) -> float:
            return float(self._conditions.total(kind, place, times)[0])

        if age(process, seconds, (now - (container.started_at or now)).total_seconds(), pressing):
            self.changes += 1
            self._probes.wake(container)

    def _acting(self) -> set[str]:
        """Without its agent, or the agent without its runtime, nothing of a node moves; what runs there runs on."""
        down = (Kind.KUBELET_DOWN, Kind.RUNTIME_DOWN, Kind.NODE_CUT_OFF)
        return set(self._nodes).difference(*(self._conditions.places(kind) for kind in down))

    def _admit(self, pod: Object) -> PodRun:
        node = pod["spec"]["nodeName"]
        self._addresses[node] += 1
        address = self._addresses[node]
        own = f"{self._nodes[node].pod_cidr_prefix}.{2 + address % 250}"
        ip = self._nodes[node].address if pod["spec"].get("hostNetwork") else own
        run = PodRun(uid_of(pod), namespace_of(pod), name_of(pod), node, ip, self._now())
        run.setup_due = self._now() + timedelta(seconds=0.5 + self._station.jitter(run, "sandbox", 0))
        for each in pod["spec"].get("initContainers") or []:
            run.init[each["name"]] = _created(each, "PodInitializing", is_init=True)
        for each in pod["spec"]["containers"]:
            run.containers[each["name"]] = _created(each, "PodInitializing" if run.init else "ContainerCreating")
        self.runs[run.uid] = run
        return run

    def _sync_pod(self, pod: Object, run: PodRun) -> None:
        if is_deleting(pod):
            self._stop(pod, run)
            return
        if run.setup_due and run.setup_due <= self._now():
            self._setup.advance(pod, run)
        for container in run.everyone():
            self._follow_spec(pod, run, container)
            self._move(pod, run, container)
        if run.is_dirty or run.seen_version != pod["metadata"]["resourceVersion"]:
            wanted = status(pod, run, self._nodes[run.node].address, self._now())
            written = self._store.update("Pod", {**pod, "status": wanted})
            run.seen_version = written["metadata"]["resourceVersion"]
            run.is_dirty = False

    def _move(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """Whatever is due; the process may have ended before its phase."""
        now = self._now()
        if container.exit and container.exits_at and container.exits_at <= now:
            self._lifecycle.exit(run, container, container.exit)
            return
        if container.due and container.due <= now:
            self._steps[container.phase](pod, run, container)
            run.is_dirty = True
        self._probes.run_due(pod, run, container)

    def _follow_spec(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """A container's image is the one thing of a running pod that may be changed in place."""
        reference = spec_of(pod, container).get("image", "")
        if reference == container.reference:
            return
        container.reference = reference
        container.pull_attempts = 0
        if container.phase.is_running:
            started = container.started_at or self._now()
            container.last = Termination("Completed", 0, started, self._now(), container.container_id)
            container.exit, container.exits_at = None, None
            container.process, container.probes = None, {}
        if container.phase is not Phase.WAITING:
            container.wait(Phase.CREATING, self._now() + timedelta(seconds=1))
        run.is_dirty = True

    def _stop(self, pod: Object, run: PodRun) -> None:
        now = self._now()
        if run.stops_at is None:
            for container in run.everyone():
                if container.phase.is_running:
                    self._station.say(pod, "Normal", "Killing", f"Stopping container {container.name}", container)
                container.wait(container.phase, None)
                container.exits_at = None
                container.probes = {}
            run.setup_due = None
            run.stops_at = now + timedelta(seconds=1 + 2 * self._station.jitter(run, "stop", 0))
        elif run.stops_at <= now:
            del self.runs[run.uid]
            self._store.delete("Pod", run.namespace, run.name)

    def _start(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        self._lifecycle.start(pod, run, container)
        if container.process is not None:
            self._probes.begin(pod, run, container)

    def _listen(self, _pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The process has come up and opens its ports."""
        container.wait(container.phase, None)
        if container.process is None or (container.exit and not _serves_until_its_end(container)):
            return
        container.process.is_listening = True
        self.changes += 1
        self._on_ready(run, container, container.process.app)


def _created(spec: Object, reason: str, *, is_init: bool = False) -> ContainerRun:
    return ContainerRun(spec["name"], spec.get("image", ""), Phase.WAITING, is_init=is_init, reason=reason)


def _serves_until_its_end(container: ContainerRun) -> bool:
    """A crash that comes later than the start: until then it listens and serves."""
    return container.image is not None and container.image.defect.crashes_after is not None
