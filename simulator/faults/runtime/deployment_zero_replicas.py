"""A Deployment is scaled to nothing: it is healthy by its own account, and nobody answers."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import Injection, Parameters, Place, is_fully_available
from simulator.faults.change.scaled_down import Resized
from simulator.world import World


class DeploymentZeroReplicas(Resized):
    id = "deployment_zero_replicas"
    title = "A Deployment is scaled to zero"
    category = "runtime"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002  # there is one zero
        return self.resize(world, place, 0)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)
