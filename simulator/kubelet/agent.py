"""The kubelet, for all nodes at once: a small state machine for every container.

A phase ends at a known time (`due`); `sync` moves every container whose time has come, writes the pods' status where something changed,
and `next_due` tells the world when to come back, so that an idle cluster costs nothing and a busy one is exact to the second. How long a
pull or a start takes comes from the image's size and the container's own name, never from a running random generator.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.apps import App, NodeSpec
from simulator.events import EventType, Recorder, Source
from simulator.kubelet.environment import ConfigError, Surroundings, resolved
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination
from simulator.kubelet.status import status
from simulator.noise import uniform
from simulator.objects import Object, is_deleting, is_finished, name_of, namespace_of, short_hash, uid_of
from simulator.registry import MIB, Registry, normal, pull_failure
from simulator.store import Store

BACKOFF_FIRST = 10.0
BACKOFF_LIMIT = 300.0
CRASHES_FORGOTTEN_AFTER = timedelta(minutes=10)
POD_SYNC_SECONDS = 13.0  # how often a kubelet looks at a pod that waits
PULL_MIB_PER_SECOND = 60.0

Started = Callable[[PodRun, ContainerRun, App | None], None]


class Kubelet:
    """`on_started` and `on_booted` let the log book write what a program says when it comes up."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        events: Recorder,
        registry: Registry,
        nodes: tuple[NodeSpec, ...],
        seed: int,
        on_started: Started,
        on_ready: Started,
    ) -> None:
        self._store = store
        self._now = now
        self._events = events
        self._registry = registry
        self._seed = seed
        self._on_started = on_started
        self._on_ready = on_ready
        self._nodes = {node.name: node for node in nodes}
        self._addresses = dict.fromkeys(self._nodes, 1)
        self._present: set[tuple[str, str]] = set()  # (node, image) already pulled
        self._seen_version = -1
        self.runs: dict[str, PodRun] = {}

    def next_due(self) -> datetime | None:
        times = [each.due for run in self.runs.values() for each in run if each.due]
        times += [run.stops_at for run in self.runs.values() if run.stops_at]
        return min(times, default=None)

    def sync(self) -> None:
        due = self.next_due()
        if self._store.version == self._seen_version and (due is None or due > self._now()):
            return
        pods = {uid_of(pod): pod for pod in self._store.list("Pod") if pod["spec"].get("nodeName") in self._nodes}
        for uid in [uid for uid in self.runs if uid not in pods]:
            del self.runs[uid]
        for uid, pod in pods.items():
            if not is_finished(pod):
                self._sync_pod(pod, self.runs.get(uid) or self._admit(pod))
        self._seen_version = self._store.version

    def kill(self, run: PodRun, container: ContainerRun, reason: str, exit_code: int) -> None:
        """A process ends against its will; what follows is the restart policy's business."""
        now = self._now()
        started = container.started_at or now
        if now - started > CRASHES_FORGOTTEN_AFTER:
            container.crashes = 0
        container.crashes += 1
        container.before_last = container.last
        container.last = Termination(reason, exit_code, started, now, container.container_id)
        container.memory_mib = 0.0
        container.wait(Phase.TERMINATED, now + timedelta(seconds=1 + self._jitter(run, "exit", container.restarts)))
        run.is_dirty = True
        self._seen_version = -1

    def _admit(self, pod: Object) -> PodRun:
        node = pod["spec"]["nodeName"]
        self._addresses[node] += 1
        address = self._addresses[node]
        prefix = self._nodes[node].pod_cidr_prefix
        run = PodRun(uid_of(pod), namespace_of(pod), name_of(pod), node, f"{prefix}.{2 + address % 250}", self._now())
        ready_at = self._now() + timedelta(seconds=0.5 + self._jitter(run, "sandbox", 0))
        for each in pod["spec"]["containers"]:
            run.containers[each["name"]] = ContainerRun(each["name"], each.get("image", ""), Phase.CREATING, ready_at)
        self.runs[run.uid] = run
        return run

    def _sync_pod(self, pod: Object, run: PodRun) -> None:
        if is_deleting(pod):
            self._stop(pod, run)
            return
        for container in run:
            self._follow_spec(pod, run, container)
            if container.due and container.due <= self._now():
                self._step(pod, run, container)
                run.is_dirty = True
        if run.is_dirty or run.seen_version != pod["metadata"]["resourceVersion"]:
            wanted = status(pod, run, self._nodes[run.node].address, self._now())
            written = self._store.update("Pod", {**pod, "status": wanted})
            run.seen_version = written["metadata"]["resourceVersion"]
            run.is_dirty = False

    def _follow_spec(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """A container's image is the one thing of a running pod that may be changed in place."""
        reference = _spec(pod, container.name).get("image", "")
        if reference != container.reference:
            container.reference = reference
            container.pull_attempts = 0
            if container.phase.is_running:
                container.last = Termination(
                    "Completed", 0, container.started_at or self._now(), self._now(), container.container_id
                )
            container.wait(Phase.CREATING, self._now() + timedelta(seconds=1))
            run.is_dirty = True

    def _stop(self, pod: Object, run: PodRun) -> None:
        now = self._now()
        if run.stops_at is None:
            for container in run:
                if container.phase.is_running:
                    self._say(pod, run, "Normal", "Killing", f"Stopping container {container.name}", container)
                container.wait(container.phase, None)
            run.stops_at = now + timedelta(seconds=1 + 2 * self._jitter(run, "stop", 0))
        elif run.stops_at <= now:
            del self.runs[run.uid]
            self._store.delete("Pod", run.namespace, run.name)

    def _step(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The phase's time is over: on to the next one."""
        steps = {
            Phase.CREATING: self._begin,
            Phase.PULLING: self._pulled,
            Phase.PULL_ERROR: self._back_off_pull,
            Phase.PULL_BACKOFF: self._wait_to_pull,
            Phase.STARTING: self._start,
            Phase.BOOTING: self._become_ready,
            Phase.TERMINATED: self._after_exit,
            Phase.CRASH_BACKOFF: self._begin,
        }
        steps[container.phase](pod, run, container)

    def _begin(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """Have the image: it is there already, or a pull begins."""
        reference = container.reference
        always = _spec(pod, container.name).get("imagePullPolicy") == "Always"
        if (run.node, normal(reference)) in self._present and not always:
            message = f'Container image "{reference}" already present on machine'
            self._say(pod, run, "Normal", "Pulled", message, container)
            container.image = self._registry.find(reference)
            container.wait(Phase.STARTING, self._after(0.2 + 0.4 * self._jitter(run, "create", container.restarts)))
            return
        self._say(pod, run, "Normal", "Pulling", f'Pulling image "{reference}"', container)
        container.wait(Phase.PULLING, self._after(self._pull_seconds(run, container)))

    def _pull_seconds(self, run: PodRun, container: ContainerRun) -> float:
        image = self._registry.find(container.reference)
        jitter = self._jitter(run, "pull", container.pull_attempts)
        return (
            0.7 + jitter if image is None else 0.6 + image.size_bytes / MIB / PULL_MIB_PER_SECOND * (0.8 + 0.4 * jitter)
        )

    def _pulled(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        image = self._registry.find(container.reference)
        if image is None:
            self._pull_failed(pod, run, container)
            return
        seconds = f"{self._pull_seconds(run, container):.3f}s"
        message = (
            f'Successfully pulled image "{container.reference}" in {seconds} ({seconds} including waiting). '
            f"Image size: {image.size_bytes} bytes."
        )
        self._say(pod, run, "Normal", "Pulled", message, container)
        self._present.add((run.node, image.reference))
        container.image = image
        container.pull_attempts = 0
        container.wait(Phase.STARTING, self._after(0.2 + 0.4 * self._jitter(run, "create", container.restarts)))

    def _pull_failed(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        container.image = None
        container.pull_attempts += 1
        container.message = pull_failure(container.reference)
        failed = f'Failed to pull image "{container.reference}": {container.message}'
        self._say(pod, run, "Warning", "Failed", failed, container)
        self._say(pod, run, "Warning", "Failed", "Error: ErrImagePull", container)
        container.retry_at = self._after(_backoff(container.pull_attempts))
        container.wait(Phase.PULL_ERROR, self._after(POD_SYNC_SECONDS))

    def _back_off_pull(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        message = f'Back-off pulling image "{container.reference}"'
        self._say(pod, run, "Normal", "BackOff", message, container)
        self._say(pod, run, "Warning", "Failed", "Error: ImagePullBackOff", container)
        container.wait(Phase.PULL_BACKOFF, self._after(POD_SYNC_SECONDS))

    def _wait_to_pull(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The kubelet looks in now and then; the back-off has passed, or it says so again."""
        if container.retry_at and container.retry_at > self._now():
            self._back_off_pull(pod, run, container)
        else:
            self._begin(pod, run, container)

    def _start(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        if container.last is not None:
            container.restarts += 1
        container.started_at = self._now()
        container.env = self._environment(pod, run, container)
        container.container_id = (
            f"containerd://{short_hash([run.uid, container.name, container.restarts], 12)}{run.uid.replace('-', '')}"
        )
        self._say(pod, run, "Normal", "Created", f"Created container {container.name}", container)
        self._say(pod, run, "Normal", "Started", f"Started container {container.name}", container)
        app = container.image.app if container.image else None
        container.memory_mib = app.memory.idle * 0.7 if app else 8.0
        container.wait(Phase.BOOTING, self._after(self._boot_seconds(pod, run, container, app)))
        self._on_started(run, container, app)

    def _environment(self, pod: Object, run: PodRun, container: ContainerRun) -> dict[str, str]:
        around = Surroundings(self._store, pod, run.ip, self._nodes[run.node].address)
        try:
            return resolved(around, _spec(pod, container.name))
        except ConfigError:
            return {}

    def _boot_seconds(self, pod: Object, run: PodRun, container: ContainerRun, app: App | None) -> float:
        """Until the first readiness probe after the program listens; without a probe a container is ready at once."""
        probe = _spec(pod, container.name).get("readinessProbe")
        if probe is None:
            return 0.0
        listens = (app.boot_seconds if app else 0.5) * (0.9 + 0.3 * self._jitter(run, "boot", container.restarts))
        period = float(probe.get("periodSeconds", 10))
        first = float(probe.get("initialDelaySeconds", 0)) + period * self._jitter(run, "probe", container.restarts)
        while first < listens:
            first += period
        return first

    def _become_ready(self, _pod: Object, run: PodRun, container: ContainerRun) -> None:
        container.wait(Phase.READY, None)
        self._on_ready(run, container, container.image.app if container.image else None)

    def _after_exit(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The first crash is answered at once, every further one after a longer pause."""
        if container.crashes <= 1:
            self._begin(pod, run, container)
            return
        pause = _backoff(container.crashes - 1)
        where = f"{run.name}_{run.namespace}({run.uid})"
        container.message = f"back-off {_go_duration(pause)} restarting failed container={container.name} pod={where}"
        message = f"Back-off restarting failed container {container.name} in pod {where}"
        self._say(pod, run, "Warning", "BackOff", message, container)
        container.wait(Phase.CRASH_BACKOFF, self._after(pause))

    def _say(
        self, pod: Object, run: PodRun, kind: EventType, reason: str, message: str, container: ContainerRun
    ) -> None:
        source = Source("kubelet", run.node)
        self._events.record(pod, "Pod", kind, reason, message, source, f"spec.containers{{{container.name}}}")

    def _after(self, seconds: float) -> datetime:
        return self._now() + timedelta(seconds=seconds)

    def _jitter(self, run: PodRun, what: str, attempt: int) -> float:
        return uniform(self._seed, f"{run.uid}/{what}/{attempt}")


def _spec(pod: Object, name: str) -> Object:
    for each in pod["spec"]["containers"]:
        if each["name"] == name:
            return dict(each)
    raise KeyError(f"pod {name_of(pod)} has no container {name!r}")


def _backoff(attempts: int) -> float:
    return float(min(BACKOFF_FIRST * 2 ** (attempts - 1), BACKOFF_LIMIT))


def _go_duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
