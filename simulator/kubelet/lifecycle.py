"""The life of a container's process: created, started, ended, and started again as the pod's restart policy wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from simulator.apps import App
from simulator.conditions import Kind
from simulator.kubelet import environment, mounts
from simulator.kubelet.environment import ConfigError, Surroundings
from simulator.kubelet.pulls import Pulls, backoff
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination
from simulator.kubelet.setup import release
from simulator.kubelet.station import POD_SYNC_SECONDS, Station, go_duration, spec_of
from simulator.objects import Object
from simulator.programs import Exit, Launch, Refusal, come_up, refusal
from simulator.programs.defects import SOUND
from simulator.programs.ends import Line
from simulator.programs.last_words import crash, crash_code
from simulator.programs.ports import listening
from simulator.programs.process import Process
from simulator.quantity import resource
from simulator.registry import ARCHITECTURE, MIB

CRASHES_FORGOTTEN_AFTER = timedelta(minutes=10)

OOM_KILLED = 137

Started = Callable[[PodRun, ContainerRun, App | None], None]
Said = Callable[[PodRun, ContainerRun, Sequence[Line]], None]


class Lifecycle:
    def __init__(self, station: Station, pulls: Pulls, on_started: Started, on_said: Said) -> None:
        self._station = station
        self._pulls = pulls
        self._on_started = on_started
        self._on_said = on_said

    def start(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """Create the container and start its process, if its environment can be put together."""
        spec = spec_of(pod, container)
        host = self._station.nodes[run.node].address
        try:
            container.env = environment.resolved(Surroundings(self._station.store, pod, run.ip, host), spec)
        except ConfigError as error:
            self._cannot_be_created(pod, container, str(error))
            return
        launch = self.launch_of(pod, run, container)
        self._number(run, container)
        self._station.say(pod, "Normal", "Created", f"Created container {container.name}", container)
        refused = refusal(launch)
        if refused is not None:
            self._start_failed(pod, run, container, refused)
            return
        self._station.say(pod, "Normal", "Started", f"Started container {container.name}", container)
        self._live(run, container, launch, resource(spec, "limits", "memory"))

    def end(self, run: PodRun, container: ContainerRun, end: Termination) -> None:
        """The process is gone; what follows is the restart policy's business."""
        now = self._station.now()
        if end.started_at and now - end.started_at > CRASHES_FORGOTTEN_AFTER:
            container.crashes = 0
        container.crashes += 1
        container.before_last = container.last
        container.last = end
        container.memory_mib = 0.0
        container.exit, container.exits_at = None, None
        container.process = None
        container.probes = {}
        container.wait(Phase.TERMINATED, self._station.after(1 + self._station.jitter(run, "exit", container.restarts)))
        run.is_dirty = True

    def exit(self, run: PodRun, container: ContainerRun, end: Exit) -> None:
        """The process ends by itself."""
        self._on_said(run, container, end.lines)
        started = container.started_at or self._station.now()
        container.oom_kills += end.out_of_memory
        self.end(run, container, self._termination(container, end.reason, end.code, started))

    def after_exit(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The first end is answered at once, every further one after a longer pause; or it is the last one."""
        if self._is_final(pod, container):
            container.wait(Phase.FINISHED, None)
            if container.is_init and container.has_succeeded:
                release(run, self._station)
            return
        if container.crashes <= 1:
            self._pulls.begin(pod, run, container)
            return
        pause = backoff(container.crashes - 1)
        where = f"{run.name}_{run.namespace}({run.uid})"
        said = f"back-off {go_duration(pause)} restarting failed container={container.name} pod={where}"
        message = f"Back-off restarting failed container {container.name} in pod {where}"
        self._station.say(pod, "Warning", "BackOff", message, container)
        container.hold(Phase.CRASH_BACKOFF, self._station.after(pause), "CrashLoopBackOff", said)

    def _is_final(self, pod: Object, container: ContainerRun) -> bool:
        policy = pod["spec"].get("restartPolicy") or "Always"
        succeeded = container.last is not None and container.last.exit_code == 0
        if container.is_init:
            return succeeded or policy == "Never"
        return policy == "Never" or (policy == "OnFailure" and succeeded)

    def _cannot_be_created(self, pod: Object, container: ContainerRun, message: str) -> None:
        self._station.say(pod, "Warning", "Failed", f"Error: {message}", container)
        look = self._station.after(POD_SYNC_SECONDS)
        container.hold(Phase.CONFIG_ERROR, look, "CreateContainerConfigError", message)

    def launch_of(self, pod: Object, run: PodRun, container: ContainerRun) -> Launch:
        image, spec = container.image, spec_of(pod, container)
        return Launch(
            container.reference,
            image.app if image else None,
            image.tool if image else None,
            container.env,
            mounts.files(self._station.store, pod, spec),
            tuple(spec.get("command") or ()),
            tuple(spec.get("args") or ()),
            frozenset(port for each in run if each is not container for port in each.ports),
            runs_here=image is None or image.architecture == ARCHITECTURE,
            may_write=mounts.may_write(pod, spec, image.app.data_dir if image and image.app else ""),
            dice=self._station.jitter(run, f"launch/{container.name}", container.restarts),
        )

    def _number(self, run: PodRun, container: ContainerRun) -> None:
        if container.last is not None:
            container.restarts += 1
        parts = f"{run.uid}/{container.name}/{container.restarts}"
        container.container_id = f"containerd://{hashlib.sha256(parts.encode()).hexdigest()}"

    def _start_failed(self, pod: Object, run: PodRun, container: ContainerRun, refused: Refusal) -> None:
        self._station.say(pod, "Warning", "Failed", f"Error: {refused.message}", container)
        container.started_at = None
        end = self._termination(container, "StartError", refused.exit_code, None, refused.message)
        self.end(run, container, end)

    def _live(self, run: PodRun, container: ContainerRun, launch: Launch, limit: float | None) -> None:
        container.started_at = self._station.now()
        container.reason, container.message = "", ""
        container.memory_mib = needed_mib(launch.app)
        ends = (self._misled(run, container), come_up(launch), _starved(launch, limit), _doomed(launch, container))
        container.exit = next((end for end in ends if end is not None), None)
        container.exits_at = self._station.after(container.exit.after) if container.exit else None
        container.files = launch.files
        ports = listening(launch.app, launch.tool, launch.words, launch.env)
        defect = container.image.defect if container.image else SOUND
        container.process = Process(launch.app, launch.tool, ports, defect)
        container.wait(Phase.BOOTING, self._station.after(self._boot_seconds(run, container, launch.app)))
        self._on_started(run, container, launch.app)

    def _boot_seconds(self, run: PodRun, container: ContainerRun, app: App | None) -> float:
        """Until the program listens."""
        jitter = self._station.jitter(run, f"boot/{container.name}", container.restarts)
        return (app.boot_seconds if app else 0.5) * (0.9 + 0.3 * jitter)

    def _misled(self, run: PodRun, container: ContainerRun) -> Exit | None:
        """Something on the node's disk that the process cannot start with: a flag it does not know, a tool that is gone."""
        if not self._station.conditions.holds(Kind.PROCESS_FAILS, f"{run.namespace}/{run.name}"):
            return None
        said = NO_TABLES if container.name == "kube-proxy" else "Error: unknown flag: --leader-elect-lease-durations"
        return Exit(1, 0.4, (said,))

    def _termination(
        self, container: ContainerRun, reason: str, code: int, started: datetime | None, message: str = ""
    ) -> Termination:
        return Termination(reason, code, started, self._station.now(), container.container_id, message)


NO_TABLES = (
    'Error: unable to create proxier: could not run nftables binary: exec: "nft": executable file not found in $PATH'
)


def needed_mib(app: App | None) -> float:
    """What a program holds when it has just come up."""
    return app.memory.idle * 0.7 if app else 8.0


def _doomed(launch: Launch, container: ContainerRun) -> Exit | None:
    """A bug of the build comes to light after some time."""
    after = container.image.defect.crashes_after if container.image else None
    if launch.app is None or after is None:
        return None
    return Exit(crash_code(launch.app), after * (0.8 + 0.4 * launch.dice), crash(launch.app))


def _starved(launch: Launch, limit: float | None) -> Exit | None:
    """The limit is below what the program needs to come up."""
    if launch.app is None or limit is None or needed_mib(launch.app) * MIB < limit:
        return None
    return Exit(OOM_KILLED, launch.app.boot_seconds * 0.4, out_of_memory=True)
