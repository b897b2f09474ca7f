"""The Kubernetes REST API of the simulated cluster.

`routes` gives the Starlette routes over a Store; `Hooks` is what it asks of the world. `defaulted` fills an object as the
server does before storing it, `admit` also asks admission and raises its Failure, `marked` is deletion with manners,
`usage` is what counts against a quota: these are for controllers that write to the store themselves.
"""

from __future__ import annotations

from simulator.kubernetes_api.admission import admit, usage
from simulator.kubernetes_api.defaults import defaulted
from simulator.kubernetes_api.deletion import DeleteOptions, marked
from simulator.kubernetes_api.hooks import ContainerUsage, Hooks
from simulator.kubernetes_api.resources import RESOURCES, RESOURCES_BY_KIND, Resource
from simulator.kubernetes_api.routes import routes
from simulator.kubernetes_api.status import Failure

__all__ = [
    "RESOURCES",
    "RESOURCES_BY_KIND",
    "ContainerUsage",
    "DeleteOptions",
    "Failure",
    "Hooks",
    "Resource",
    "admit",
    "defaulted",
    "marked",
    "routes",
    "usage",
]
