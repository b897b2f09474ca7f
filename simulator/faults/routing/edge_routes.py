"""The way in is wrong: the gateway's table has a wrong upstream for a path, or none, or the Ingress names a Service that is not there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator.apps import App
from simulator.clock import rfc3339
from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
)
from simulator.faults.edits import change
from simulator.faults.reach import Made, calls
from simulator.faults.routing.service_selector_mismatch import behind_service
from simulator.faults.runtime.database_servers import restarted
from simulator.network.route_table import routes_in, table_in, written
from simulator.objects import Object, name_of, namespace_of, with_spec
from simulator.servers import settings
from simulator.world import World

MODES = ("wrong-service", "wrong-name", "no-route")


class GatewayMisroute(Fault):
    id = "gateway_misroute"
    title = "The gateway's table has the wrong upstream, or none, for the path of a program"
    category = "routing"
    repairs = ("patch_config", "rollback")
    parameters = (Parameter("mode", "text", f"one of {', '.join(MODES)}", "wrong-service"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        mode = str(parameters.get("mode") or MODES[0])
        if mode not in MODES:
            raise Refused(f"params: mode must be one of {', '.join(MODES)}")
        gateway = _gateway(world, place)
        config = existing(world, "ConfigMap", Place(gateway.namespace, settings(gateway)))
        table = routes_in(config["data"][gateway.config_file])
        paths = {made.call.route for made in _calls_through(world, gateway) if made.call.app == place.name}
        lost = [route for route in table if any(path.startswith(str(route["path"])) for path in paths)]
        if not lost:
            raise Refused(f"target: the table of {gateway.name!r} has no route to {place.name!r}")
        text = written(_misrouted(table, lost, place, mode, world, gateway))
        at = Place(gateway.namespace, gateway.name)
        deployment = existing(world, "Deployment", at)
        edits = (
            change(world.store, "ConfigMap", config, {**config, "data": {**config["data"], gateway.config_file: text}}),
            change(world.store, "Deployment", deployment, restarted(deployment, rfc3339(world.clock.now()))),
        )
        return Injection(f"routes to {place.name} in ConfigMap {settings(gateway)} changed ({mode})", edits)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        gateway = _gateway(world, place)
        made = [each for each in _calls_through(world, gateway) if each.call.app == place.name]
        # What runs may still have the table that it read at its start.
        rolled = is_fully_available(world, Place(gateway.namespace, gateway.name))
        return rolled and bool(made) and all(each.comes_to(place) for each in made)

    def component(self, world: World, place: Place) -> Component:
        return behind_service(world, place)

    def suits(self, world: World, place: Place) -> bool:
        found = next((app for app in world.shop.apps if _is_gateway(app)), None)
        made = _calls_through(world, found) if found else []
        return any(each.call.app == place.name and each.call.required for each in made)


def _misrouted(
    table: list[dict[str, Any]], lost: list[dict[str, Any]], place: Place, mode: str, world: World, gateway: App
) -> list[dict[str, Any]]:
    if mode == "no-route":
        return [route for route in table if route not in lost]
    if mode == "wrong-name":
        wrong = f"http://{place.name}-v2:{world.shop.app(place.name).port}"
    else:
        others = [app for app in world.shop.apps if _is_called(gateway, app) and app.name != place.name]
        if not others:
            raise Refused(f"target: {gateway.name!r} calls nobody but {place.name!r}")
        wrong = f"http://{others[0].name}:{others[0].port}"
    return [{**route, "upstream": wrong} if route in lost else route for route in table]


def _is_called(gateway: App, app: App) -> bool:
    return any(call.app == app.name for route in gateway.routes for call in route.calls)


def _is_gateway(app: App) -> bool:
    return app.is_edge and app.config_path.endswith("/routes.yaml")


def _gateway(world: World, place: Place) -> App:
    for app in world.shop.apps:
        if _is_gateway(app):
            return app
    raise Refused(f"target: no gateway with a table of routes leads to {place.name!r}")


def _calls_through(world: World, gateway: App) -> list[Made]:
    made = [each for each in calls(world) if each.caller.app.name == gateway.name]
    return [each for each in made if table_in(each.caller.files) is not None]


class IngressBackendMissing(Fault):
    id = "ingress_backend_missing"
    title = "An Ingress names a Service that is not there"
    category = "routing"
    repairs = ("patch_config", "create_object")
    parameters = (Parameter("service", "text", "the Service to name", "the present one with -v2"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        ingress = _ingress_of(world, place)
        before = _backends(ingress)[0]
        after = str(parameters.get("service") or f"{before}-v2")
        if world.store.get("Service", namespace_of(ingress), after) is not None:
            raise Refused(f"params: there is a Service {after!r}")
        changed = with_spec(ingress, rules=[_renamed(rule, before, after) for rule in ingress["spec"]["rules"]])
        edit = change(world.store, "Ingress", ingress, changed)
        said = f"backend of Ingress {name_of(ingress)} set from {before} to {after}"
        return Injection(said, (edit,), notes={"namespace": namespace_of(ingress), "name": name_of(ingress)})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        ingress = world.store.get("Ingress", injection.notes["namespace"], injection.notes["name"])
        if ingress is None:
            return False
        return all(world.store.get("Service", namespace_of(ingress), name) for name in _backends(ingress))

    def component(self, world: World, place: Place) -> Component:
        ingress = _ingress_of(world, place)
        return Component("Ingress", namespace_of(ingress), name_of(ingress))

    def suits(self, world: World, place: Place) -> bool:  # noqa: ARG002  # there is one way in, whatever is behind
        return world.store.count("Ingress") > 0


def _ingress_of(world: World, place: Place) -> Object:
    """The one that leads to this program, or the one that leads in: everybody behind it is lost with it."""
    ingresses = world.store.list("Ingress")
    leading = [each for each in ingresses if place.name in _backends(each)]
    if not ingresses:
        raise Refused("target: there is no Ingress")
    return (leading or ingresses)[0]


def _paths(rule: Object) -> list[Object]:
    return list((rule.get("http") or {}).get("paths") or [])


def _backends(ingress: Object) -> list[str]:
    paths = [path for rule in ingress["spec"].get("rules") or [] for path in _paths(rule)]
    return [path["backend"]["service"]["name"] for path in paths if "service" in path.get("backend", {})]


def _renamed(rule: Object, before: str, after: str) -> Object:
    def renamed(path: Object) -> Object:
        service = path["backend"].get("service") or {}
        if service.get("name") != before:
            return path
        return {**path, "backend": {"service": {**service, "name": after}}}

    return {**rule, "http": {"paths": [renamed(path) for path in _paths(rule)]}}
