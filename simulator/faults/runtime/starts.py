"""Programs that end as soon as they are started, for what they find: a variable missing, settings nobody can read, their port taken."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    Repair,
    existing,
    first_container,
    with_pod_spec,
)
from simulator.faults.edits import change
from simulator.faults.workloads import edit, edit_container, is_steady, program, restart
from simulator.objects import Object
from simulator.servers import settings
from simulator.world import World


class _Start(Fault):
    category = "runtime"
    repairs: ClassVar[tuple[Repair, ...]] = ("rollback", "patch_workload")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_steady(world, place)


class MissingEnvVar(_Start):
    id = "missing_env_var"
    title = "A variable that the program needs is no longer set"
    parameters = (Parameter("variable", "text", "the variable to take away", "the first that it cannot do without"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        container = first_container(existing(world, "Deployment", place))
        needed = _needed(world, place, container)
        name = str(parameters.get("variable") or next(iter(needed), ""))
        if name not in needed:
            raise Refused(
                f"params: {place.name} does not need variable {name!r}; it needs {', '.join(needed) or 'none'}"
            )
        env = [each for each in container["env"] if each["name"] != name]
        return edit_container(world, place, f"variable {name} of container {container['name']} removed", env=env)

    def suits(self, world: World, place: Place) -> bool:
        if not super().suits(world, place):
            return False
        return bool(_needed(world, place, first_container(existing(world, "Deployment", place))))


def _needed(world: World, place: Place, container: Object) -> list[str]:
    present = {each["name"] for each in container.get("env") or []}
    return [name for name in program(world, place).needs if name in present]


class ConfigParseError(_Start):
    id = "config_parse_error"
    title = "The program's settings file has a line that it cannot read"
    repairs: ClassVar[tuple[Repair, ...]] = ("patch_config", "rollback")

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        app = program(world, place)
        config = existing(world, "ConfigMap", Place(place.namespace, settings(app)))
        text = broken(app.config_file, str(config["data"][app.config_file]))
        changed = {**config, "data": {**config["data"], app.config_file: text}}
        edited = change(world.store, "ConfigMap", config, changed)
        said = f"ConfigMap {settings(app)} edited, {place.name} restarted"
        return Injection(said, (edited, restart(world, place)))

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and program(world, place).config_file.endswith((".yaml", ".json"))


def broken(name: str, text: str) -> str:
    """The file with one slip in the middle: a comma lost, a tab or a colon too many."""
    lines = text.splitlines()
    middle = len(lines) // 2
    if name.endswith(".json"):
        middle = next(number for number, line in enumerate(lines) if line.rstrip().endswith(","))
        lines[middle] = lines[middle].rstrip().removesuffix(",")
    else:
        lines[middle] = f"{lines[middle]} : on"
    return "\n".join(lines) + "\n"


class ServiceSidecarPortConflict(_Start):
    id = "service_sidecar_port_conflict"
    title = "A sidecar takes the port on which the program wants to listen"
    parameters = (Parameter("port", "whole", "the port that the sidecar listens on", "the program's own"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        port = int(parameters.get("port") or program(world, place).port)
        tool = next(reference for reference in world.registry.references() if "/nginx:" in reference)
        sidecar = {"name": "metrics-agent", "image": tool, "args": [f"--port={port}"]}
        containers = [sidecar, *deployment["spec"]["template"]["spec"]["containers"]]
        return edit(
            world,
            place,
            f"sidecar metrics-agent added on port {port}",
            with_pod_spec(deployment, containers=containers),
        )


FAULTS: tuple[Fault, ...] = (MissingEnvVar(), ConfigParseError(), ServiceSidecarPortConflict())
