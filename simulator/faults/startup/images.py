"""A new version whose image does not come to the node, or does not run there: who refuses it makes the difference."""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind
from simulator.faults.base import Fault, Injection, Parameters, Place, existing, first_container, press, with_pod_spec
from simulator.faults.edits import change
from simulator.faults.workloads import edit_container, is_steady, next_version, program
from simulator.objects import Object
from simulator.registry import host_of
from simulator.world import World


class _NewImage(Fault):
    category = "startup"
    repairs = ("rollback", "patch_workload")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_steady(world, place)

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and world.registry.find(_image(world, place)) is not None


def _image(world: World, place: Place) -> str:
    return str(first_container(existing(world, "Deployment", place))["image"])


def _publish_next(world: World, place: Place, architecture: str = "amd64") -> str:
    app = program(world, place)
    return world.registry.publish(app, next_version(_image(world, place)), architecture=architecture)


class ImageRegistryDnsFailure(_NewImage):
    id = "image_registry_dns_failure"
    title = "The image is to come from a registry whose name no name server knows"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        before = _image(world, place)
        host = host_of(before)
        path = before.removeprefix(f"{host}/")
        after = f"{_slip(host)}/{path}"
        return edit_container(world, place, f"image set from {before} to {after}", image=after)


def _slip(host: str) -> str:
    """Two letters in the middle of the first label change places."""
    label, dot, rest = host.partition(".")
    middle = max(len(label) // 2, 1)
    swapped = label[: middle - 1] + label[middle : middle + 1] + label[middle - 1] + label[middle + 1 :]
    return f"{swapped if swapped != label else label + 'x'}{dot}{rest}"


class MissingImagePullSecret(_NewImage):
    id = "missing_image_pull_secret"
    title = "A new version is rolled out without the login to its private registry"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        deployment = existing(world, "Deployment", place)
        image = _publish_next(world, place)
        changed = _with_image(with_pod_spec(deployment, imagePullSecrets=None), image)
        said = f"image set to {image}, imagePullSecrets removed"
        return Injection(said, (change(world.store, "Deployment", deployment, changed),))

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and host_of(_image(world, place)) in world.registry.private


def _with_image(workload: Object, image: str) -> Object:
    template = workload["spec"]["template"]
    first, *others = template["spec"]["containers"]
    spec = {**template["spec"], "containers": [{**first, "image": image}, *others]}
    return {**workload, "spec": {**workload["spec"], "template": {**template, "spec": spec}}}


class ImagePullRateLimited(_NewImage):
    id = "image_pull_rate_limited"
    title = "The registry turns anonymous pulls away while a new version is rolled out"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        image = _publish_next(world, place)
        pressed = press(world, Kind.RATE_LIMITED, host_of(image), 1.0, parameters)
        edited = edit_container(world, place, f"image set to {image}", image=image)
        return Injection(f"{edited.change}; {pressed.change}", edited.edits, pressed.pressures)

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and host_of(_image(world, place)) not in world.registry.private


class ImageArchitectureMismatch(_NewImage):
    id = "image_architecture_mismatch"
    title = "A new version was built for another processor than the nodes have"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        image = _publish_next(world, place, "arm64")
        return edit_container(world, place, f"image set to {image}, which is built for arm64 alone", image=image)


FAULTS: tuple[Fault, ...] = (
    ImageRegistryDnsFailure(),
    MissingImagePullSecret(),
    ImagePullRateLimited(),
    ImageArchitectureMismatch(),
)
