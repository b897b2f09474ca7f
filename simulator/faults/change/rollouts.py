"""What a pipeline or a hand changed: a version that does not do, a common setting that nobody can read."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
)
from simulator.faults.edits import change
from simulator.faults.runtime.processes import Ailment
from simulator.faults.workloads import is_steady, restart
from simulator.objects import Object
from simulator.programs.configuration import wrong
from simulator.programs.defects import Defect
from simulator.registry import Registry
from simulator.world import World


class BadRollout(Ailment):
    id = "bad_rollout"
    title = "A new version answers many requests with an error, or crashes"
    category = "change"
    parameters = (
        Parameter("error_share", "number", "the share of the requests that fail", "0.35"),
        Parameter("crashes_after", "number", "instead: the seconds after which each process dies"),
    )

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:  # noqa: ARG002
        if "crashes_after" in parameters:
            return Defect(crashes_after=float(parameters["crashes_after"]))
        return Defect(error_share=min(float(parameters.get("error_share") or 0.35), 1.0))


class BadConfigChange(Fault):
    id = "bad_config_change"
    title = "A common setting is changed to a value that no program can read, and breaks each one at its next restart"
    category = "change"
    repairs = ("patch_config",)
    parameters = (
        Parameter("key", "text", "the setting", "LOG_LEVEL"),
        Parameter("value", "text", "its new value", "verbose-ish"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        config = _common(world, place)
        key, value = str(parameters.get("key") or "LOG_LEVEL"), str(parameters.get("value") or "verbose-ish")
        if not _breaks(world.registry, existing(world, "Deployment", place), {key: value}):
            raise Refused(f"params: {place.name} can read {key}={value!r}")
        edited = change(world.store, "ConfigMap", config, {**config, "data": {**config["data"], key: value}})
        said = f"{key} of ConfigMap {world.shop.settings} set to {value!r}, {place.name} restarted"
        return Injection(said, (edited, restart(world, place)))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        data = _common(world, place)["data"]
        return is_steady(world, place) and not _breaks(world.registry, existing(world, "Deployment", place), data)

    def component(self, world: World, place: Place) -> Component:
        return Component("ConfigMap", place.namespace, world.shop.settings)

    def suits(self, world: World, place: Place) -> bool:
        deployment = world.store.get("Deployment", *place)
        return deployment is not None and any(
            "configMapRef" in each for each in first_container(deployment).get("envFrom") or []
        )


def _common(world: World, place: Place) -> Object:
    return existing(world, "ConfigMap", Place(place.namespace, world.shop.settings))


def _breaks(registry: Registry, deployment: Object, env: dict[str, str]) -> bool:
    """Whether the program would stumble over these variables."""
    image = registry.find(str(first_container(deployment)["image"]))
    return image is not None and image.app is not None and wrong(image.app, env, {}) is not None


FAULTS: tuple[Fault, ...] = (BadRollout(), BadConfigChange())
