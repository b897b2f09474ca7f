"""The disk under a database or a broker has no time left: somebody else on the same machine wears it out.

Statements wait for the disk and not for CPU; the machine shows a busy disk and time spent waiting for it. A pod that is put on its feet
again gets another volume, which is why deleting it helps. Named by a client, the fault hits the database that the client uses.
"""

from __future__ import annotations

from datetime import datetime

from simulator.apps import App
from simulator.conditions import Kind
from simulator.faults.base import RISE, Component, Fault, Injection, Parameter, Parameters, Place, Refused
from simulator.faults.performance.bound import is_rid_of, press_each
from simulator.faults.performance.pod_network import of_pod, share_of
from simulator.world import World

BUSY = 0.993


class DiskIoSaturated(Fault):
    id = "disk_io_saturated"
    title = "The disk of a database or broker is busy with other things nearly all the time"
    category = "performance"
    repairs = ("delete_pod", "restart")
    parameters = (Parameter("share", "number", "of the disk's time that is gone, from 0 to 1", str(BUSY)), RISE)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        return press_each(
            world, _durable(world, place), {Kind.DISK_BUSY: share_of(parameters, BUSY)}, of_pod, parameters
        )

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_rid_of(world, _durable(world, place), injection)

    def component(self, world: World, place: Place) -> Component:
        return Component(self.target_kind, *_durable(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(_stores(world, place))


def _durable(world: World, place: Place) -> Place:
    found = _stores(world, place)
    if not found:
        raise Refused(f"target: {place.name!r} neither keeps data nor asks anybody who does")
    return Place(found[0].namespace, found[0].name)


def _stores(world: World, place: Place) -> list[App]:
    """The program itself if it keeps data, or those it calls that do."""
    app = next((each for each in world.shop.apps if (each.namespace, each.name) == tuple(place)), None)
    if app is None:
        return []
    called = [world.shop.app(call.app) for route in app.routes for call in route.calls]
    return [each for each in (app, *called) if each.is_durable]
