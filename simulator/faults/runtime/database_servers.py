"""A database or a cache that turns its clients away: somebody changed its settings and started it anew.

The change lies in the server's ConfigMap, which it reads when it starts; to change it back and to start it once more is the repair. A
target that is a client stands for the server it uses.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import ClassVar

from simulator.apps import App, Engine
from simulator.clock import rfc3339
from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused, existing
from simulator.faults.edits import Edit, change
from simulator.faults.reach import calls_of, calls_to, none_meets, stands
from simulator.network import Why
from simulator.network.logins import RESERVED, crowd
from simulator.objects import Object
from simulator.servers import GRANTS_FILE, settings
from simulator.world import World

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
DATABASES: tuple[Engine, ...] = ("postgres", "mysql")


class _OfServer(Fault):
    category = "runtime"
    repairs = ("patch_config", "rollback", "restart")
    engines: ClassVar[tuple[Engine, ...]] = DATABASES
    reasons: ClassVar[tuple[Why, ...]]

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        server = self._server(world, place)
        config = existing(world, "ConfigMap", Place(server.namespace, settings(server)))
        file, text = self._changed(world, server, dict(config.get("data") or {}), parameters)
        edits = (
            change(world.store, "ConfigMap", config, {**config, "data": {**config["data"], file: text}}),
            _restart(world, Place(server.namespace, server.name)),
        )
        return Injection(f"{file} of ConfigMap {settings(server)} changed and {server.name} restarted", edits)

    @abstractmethod
    def _changed(self, world: World, server: App, data: dict[str, str], parameters: Parameters) -> tuple[str, str]:
        """The file to write, and its text."""

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        server = self._server(world, place)
        at = Place(server.namespace, server.name)
        return stands(world, at) and none_meets(calls_to(world, at), *self.reasons)

    def component(self, world: World, place: Place) -> Component:
        server = self._server(world, place)
        return Component("Deployment", server.namespace, server.name)

    def suits(self, world: World, place: Place) -> bool:
        return self._find(world, place) is not None

    def _server(self, world: World, place: Place) -> App:
        found = self._find(world, place)
        if found is None:
            raise Refused(
                f"target: {place.name!r} neither is nor uses a server of the kind {' or '.join(self.engines)}"
            )
        return found

    def _find(self, world: World, place: Place) -> App | None:
        servers = {app.name: app for app in world.shop.apps if app.engine in self.engines}
        if place.name in servers:
            return servers[place.name]
        return next((servers[made.call.app] for made in calls_of(world, place) if made.call.app in servers), None)


class DbReadOnly(_OfServer):
    id = "db_read_only"
    title = "A database takes no changes"
    reasons = (Why.READ_ONLY,)

    def _changed(self, world: World, server: App, data: dict[str, str], parameters: Parameters) -> tuple[str, str]:  # noqa: ARG002
        option, value = ("read_only", "ON") if server.engine == "mysql" else ("default_transaction_read_only", "on")
        return server.config_file, with_option(data.get(server.config_file, ""), option, value)


class DbConnectionExhaustion(_OfServer):
    id = "db_connection_exhaustion"
    title = "A database takes fewer clients than there are"
    reasons = (Why.CROWDED,)
    parameters = (Parameter("max_connections", "whole", "how many it takes", "a third of what its clients want"),)

    def _changed(self, world: World, server: App, data: dict[str, str], parameters: Parameters) -> tuple[str, str]:
        most = int(parameters.get("max_connections") or _third(world, server))
        return server.config_file, with_option(data.get(server.config_file, ""), "max_connections", str(most))


class DbAuthRevoked(_OfServer):
    id = "db_auth_revoked"
    title = "The user of a database may no longer use its tables"
    reasons = (Why.NO_PERMISSION,)
    parameters = (Parameter("privileges", "text", "what to take away, as after REVOKE", "ALL"),)

    def _changed(self, world: World, server: App, data: dict[str, str], parameters: Parameters) -> tuple[str, str]:  # noqa: ARG002
        what = str(parameters.get("privileges") or "ALL")
        scope = f"{server.database}.*" if server.engine == "mysql" else "ALL TABLES IN SCHEMA public"
        user = f"'{server.account}'@'%'" if server.engine == "mysql" else server.account
        return GRANTS_FILE, f"{data.get(GRANTS_FILE, '')}REVOKE {what} ON {scope} FROM {user};\n"


class CacheAuthFailed(_OfServer):
    id = "cache_auth_failed"
    title = "A cache wants another password than its clients have"
    engines = ("redis",)
    reasons = (Why.BAD_LOGIN, Why.NO_LOGIN, Why.NEEDLESS_LOGIN)
    parameters = (Parameter("password", "text", "the password it wants", "a new one"),)

    def _changed(self, world: World, server: App, data: dict[str, str], parameters: Parameters) -> tuple[str, str]:  # noqa: ARG002
        wanted = str(parameters.get("password") or "rotated-in-haste")
        return server.config_file, with_option(data.get(server.config_file, ""), "requirepass", wanted, "{} {}")


def with_option(text: str, option: str, value: str, shape: str = "{} = {}") -> str:
    """A settings file with one option set, where it stood or at the end."""
    line = shape.format(option, value)
    lines = text.splitlines()
    kept = [line if each.replace("=", " ").split()[:1] == [option] else each for each in lines]
    return "\n".join(kept if line in kept else [*kept, line]) + "\n"


def _restart(world: World, place: Place) -> Edit:
    deployment = existing(world, "Deployment", place)
    return change(world.store, "Deployment", deployment, restarted(deployment, rfc3339(world.clock.now())))


def restarted(workload: Object, at: str) -> Object:
    """As `kubectl rollout restart` does it."""
    template = workload["spec"]["template"]
    annotations = {**(template["metadata"].get("annotations") or {}), RESTARTED_AT: at}
    template = {**template, "metadata": {**template["metadata"], "annotations": annotations}}
    return {**workload, "spec": {**workload["spec"], "template": template}}


def _third(world: World, server: App) -> int:
    """Of the connections that its clients want, beside those for administrators."""
    return max(crowd(world.topology().groups, server.name) // 3, 1) + RESERVED.get(server.engine, 0)
