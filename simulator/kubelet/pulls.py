"""How a container gets its image: it lies on the node already, or it is pulled, or it is waited for with ever longer pauses."""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind
from simulator.kubelet.runs import ContainerRun, Phase, PodRun
from simulator.kubelet.station import POD_SYNC_SECONDS, Station, spec_of
from simulator.objects import Object, namespace_of
from simulator.registry import MIB, credentials, host_of, is_valid, normal

BACKOFF_FIRST = 10.0
BACKOFF_LIMIT = 300.0
PULL_MIB_PER_SECOND = 60.0


class Pulls:
    def __init__(self, station: Station) -> None:
        self._station = station
        # (node, image) already pulled; the machines come with the images of the common servers on their disks.
        baked = [name for name in station.registry.references() if host_of(name) not in station.registry.private]
        self._present = {(node, name) for node in station.nodes for name in baked}

    def begin(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        reference = container.reference
        policy = spec_of(pod, container).get("imagePullPolicy") or "IfNotPresent"
        if not is_valid(reference):
            message = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": invalid reference format'
            self._refuse(pod, container, "InspectFailed", "InvalidImageName", message)
        elif policy != "Always" and (run.node, normal(reference)) in self._present:
            self._say(pod, container, "Pulled", f'Container image "{reference}" already present on machine')
            container.image = self._station.registry.find(reference)
            self._create_next(run, container)
        elif policy == "Never":
            message = f'Container image "{reference}" is not present with pull policy of Never'
            self._refuse(pod, container, "ErrImageNeverPull", "ErrImageNeverPull", message)
        else:
            self._say(pod, container, "Pulling", f'Pulling image "{reference}"')
            container.wait(Phase.PULLING, self._station.after(self._seconds(run, container)))

    def end(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        image = self._station.registry.find(container.reference)
        failure = self._failure(pod, container)
        if image is None or failure is not None:
            self._failed(pod, container, failure or "")
            return
        seconds = f"{self._seconds(run, container):.3f}s"
        message = (
            f'Successfully pulled image "{container.reference}" in {seconds} ({seconds} including waiting). '
            f"Image size: {image.size_bytes} bytes."
        )
        self._say(pod, container, "Pulled", message)
        self._present.add((run.node, image.reference))
        container.image = image
        container.pull_attempts = 0
        self._create_next(run, container)

    def back_off(self, pod: Object, _run: PodRun, container: ContainerRun) -> None:
        message = f'Back-off pulling image "{container.reference}"'
        self._say(pod, container, "BackOff", message)
        self._station.say(pod, "Warning", "Failed", "Error: ImagePullBackOff", container)
        container.hold(Phase.PULL_BACKOFF, self._next_look(), "ImagePullBackOff", message)

    def look_again(self, pod: Object, run: PodRun, container: ContainerRun) -> None:
        """The kubelet looks in now and then; the back-off has passed, or it says so again."""
        if container.retry_at and container.retry_at > self._station.now():
            self.back_off(pod, run, container)
        else:
            self.begin(pod, run, container)

    def forget(self, node: str) -> list[str]:
        """The images of a node are collected as garbage; which ones there were."""
        gone = sorted(name for place, name in self._present if place == node)
        self._present = {each for each in self._present if each[0] != node}
        return gone

    def _failure(self, pod: Object, container: ContainerRun) -> str | None:
        station = self._station
        named = [each.get("name", "") for each in pod["spec"].get("imagePullSecrets") or []]
        secrets = (station.store.get("Secret", namespace_of(pod), name) for name in named)
        opened = credentials(secret for secret in secrets if secret is not None)
        is_limited = station.conditions.holds(Kind.RATE_LIMITED, host_of(container.reference))
        return station.registry.failure(container.reference, opened, is_limited=is_limited)

    def _failed(self, pod: Object, container: ContainerRun, failure: str) -> None:
        container.image = None
        container.pull_attempts += 1
        said = f'Failed to pull image "{container.reference}": {failure}'
        self._station.say(pod, "Warning", "Failed", said, container)
        self._station.say(pod, "Warning", "Failed", "Error: ErrImagePull", container)
        container.retry_at = self._station.after(backoff(container.pull_attempts))
        container.hold(Phase.PULL_ERROR, self._next_look(), "ErrImagePull", failure)

    def _refuse(self, pod: Object, container: ContainerRun, event: str, reason: str, message: str) -> None:
        container.image = None
        self._station.say(pod, "Warning", event, message, container)
        self._station.say(pod, "Warning", "Failed", f"Error: {reason}", container)
        container.hold(Phase.PULL_REFUSED, self._next_look(), reason, message)

    def _create_next(self, run: PodRun, container: ContainerRun) -> None:
        seconds = 0.2 + 0.4 * self._station.jitter(run, "create", container.restarts)
        container.wait(Phase.STARTING, self._station.after(seconds))

    def _seconds(self, run: PodRun, container: ContainerRun) -> float:
        image = self._station.registry.find(container.reference)
        jitter = self._station.jitter(run, "pull", container.pull_attempts)
        if image is None:
            return 0.7 + jitter
        return 0.6 + image.size_bytes / MIB / PULL_MIB_PER_SECOND * (0.8 + 0.4 * jitter)

    def _next_look(self) -> datetime:
        return self._station.after(POD_SYNC_SECONDS)

    def _say(self, pod: Object, container: ContainerRun, reason: str, message: str) -> None:
        self._station.say(pod, "Normal", reason, message, container)


def backoff(attempts: int) -> float:
    return float(min(BACKOFF_FIRST * 2 ** min(attempts - 1, 10), BACKOFF_LIMIT))
