"""A Deployment's image is set to a tag that nobody has ever pushed."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
    is_fully_available,
    with_container,
)
from simulator.faults.edits import change
from simulator.world import World


class IncorrectImageReference(Fault):
    id = "incorrect_image_reference"
    title = "The image of a Deployment is set to a reference that the registry does not have"
    category = "startup"
    repairs = ("rollback", "patch_workload")
    parameters = (
        Parameter("tag", "text", "the tag to set; it must not exist", "the present tag with a slip of the keyboard"),
        Parameter("image", "text", "a whole reference to set instead of a tag"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        container = first_container(deployment)
        before = str(container["image"])
        repository, _, tag = before.rpartition(":")
        after = str(parameters.get("image") or f"{repository}:{parameters.get('tag') or _slip(tag)}")
        if world.registry.find(after) is not None:
            raise Refused(f"params: image {after!r} exists, so it would not fail")
        changed = with_container(deployment, {**container, "image": after})
        said = f"image of container {container['name']} set from {before} to {after}"
        return Injection(said, (change(world.store, "Deployment", deployment, changed),))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        deployment = world.store.get("Deployment", *place)
        if deployment is None:
            return False
        is_known = world.registry.find(str(first_container(deployment)["image"])) is not None
        return is_known and is_fully_available(world, place)


def _slip(tag: str) -> str:
    """The next version that was announced and never built."""
    head, dot, last = tag.rpartition(".")
    return f"{head}{dot}{int(last) + 1}-rc" if last.isdigit() else f"{tag}-rc"
