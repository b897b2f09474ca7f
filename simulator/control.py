"""The doors behind the scenery: inject and remove faults, move the clock, look at the state, read who wrote what.

Everything a test or a demo needs that a real cluster would not offer is here under ``/-/``, so that nothing of it hides in the Kubernetes
or Prometheus paths. Bodies are small, fields are checked by name, and every refusal is one sentence that names the field. A browser may
only change something from the simulator's own page: what a foreign site sends is refused before it is read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import yaml
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.clock import rfc3339
from simulator.faults import FAULTS, Place, Refused
from simulator.faults.ledger import known
from simulator.foreign import refusal_of
from simulator.kubernetes_api.identity import PEOPLE
from simulator.scenarios.plays import Plays
from simulator.state import state
from simulator.variants import variant
from simulator.world import World

LARGEST_BODY = 64_000
LONGEST_ADVANCE = 8 * 86_400.0
FASTEST = 3_600.0
# Between two slices of a long advance other requests get their turn.
SLICE_SECONDS = 30.0


Handler = Callable[[Request], Awaitable[Response]]


class Control:
    def __init__(self, world: World, audit: deque[dict[str, Any]], plays: Plays | None = None) -> None:
        self._world = world
        self._audit = audit
        self._plays = plays or Plays(world, variant(world.shop, 0)[1])
        self._ledger = self._plays.ledger
        self._moving = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            _route("/-/healthy", self.healthy, "GET"),
            _route("/-/clock", self.clock, "GET"),
            _route("/-/clock", self.advance_clock, "POST"),
            _route("/-/faults", self.faults, "GET"),
            _route("/-/faults", self.inject, "POST"),
            _route("/-/faults/catalogue", self.catalogue, "GET"),
            _route("/-/faults/catalogue/{id}/targets", self.targets, "GET"),
            _route("/-/faults/{id}", self.remove, "DELETE"),
            _route("/-/scenarios", self.scenarios, "GET"),
            _route("/-/scenarios", self.play, "POST"),
            _route("/-/scenarios/{id}", self.scenario, "GET"),
            _route("/-/state", self.state, "GET"),
            _route("/-/audit", self.audit, "GET"),
            _route("/-/kubeconfig", self.kubeconfig, "GET"),
        ]

    async def advance(self, seconds: float) -> datetime:
        """Move the world on, slice by slice, never two movers at once."""
        async with self._moving:
            left = seconds
            while left > 0:
                step = min(left, SLICE_SECONDS)
                self._plays.advance(self._world.clock.now() + timedelta(seconds=step))
                left -= step
                await asyncio.sleep(0)
            return self._world.clock.now()

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def clock(self, _request: Request) -> Response:
        return _json({"now": _precise(self._world.clock.now()), "speed": self._world.clock.speed})

    async def advance_clock(self, request: Request) -> Response:
        """Wind the clock on, or say how fast it is to run by itself, or both."""
        body = await _body(request, {"advance", "speed"})
        seconds = (
            _number(body, "advance", LONGEST_ADVANCE, "of seconds ")
            if "speed" not in body or "advance" in body
            else 0.0
        )
        if "speed" in body:
            self._set_speed(_number(body, "speed", FASTEST, ""))
        return _json({"now": _precise(await self.advance(seconds)), "speed": self._world.clock.speed})

    def _set_speed(self, speed: float) -> None:
        if not self._world.clock.runs_by_itself:
            raise Refused("speed: this world was started without a clock that runs by itself; wind it with advance")
        self._world.clock.set_speed(speed)

    async def faults(self, _request: Request) -> Response:
        return _json({"faults": self._injected()})

    def _injected(self) -> list[dict[str, Any]]:
        return [self._ledger.describe(entry) for entry in self._ledger.entries()]

    async def targets(self, request: Request) -> Response:
        """Where this fault could be injected."""
        fault = known(request.path_params["id"])
        places = self._ledger.places(fault)
        return _json({"targets": [{"kind": fault.target_kind, **place._asdict()} for place in places]})

    async def inject(self, request: Request) -> Response:
        body = await _body(request, {"fault", "target", "params"})
        fault, place = self._wanted(body)
        parameters = _mapping(body, "params") if body.get("params") is not None else {}
        async with self._moving:
            entry = self._ledger.inject(fault, place, parameters)
        return _json(self._ledger.describe(entry), 201)

    def _wanted(self, body: dict[str, Any]) -> tuple[str, Place]:
        """What the caller names; what is left out is the simulator's choice."""
        fault = _text(body, "fault", "fault") if body.get("fault") is not None else ""
        if body.get("target") is None:
            return self._ledger.choose(fault)
        if not fault:
            raise Refused("fault: must be named when a target is")
        target = _mapping(body, "target")
        _only(target, {"kind", "namespace", "name"}, "target.")
        namespace = "" if target.get("kind") == "Node" else _text(target, "namespace", "target.namespace")
        return fault, Place(namespace, _text(target, "name", "target.name"))

    async def catalogue(self, _request: Request) -> Response:
        listed = [
            {
                "id": fault.id,
                "title": fault.title,
                "category": fault.category,
                "target": fault.target_kind,
                "repairs": list(fault.repairs),
                "params": [
                    {"name": each.name, "type": each.kind, "help": each.help, "default": each.default}
                    for each in fault.parameters
                ],
            }
            for fault in FAULTS.values()
        ]
        return _json({"faults": listed})

    async def remove(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        async with self._moving:
            entry = self._ledger.remove(wanted)
        if entry is None:
            return _error(404, f"id: no fault {wanted[:50]!r} is injected")
        return _json(self._ledger.describe(entry))

    async def scenarios(self, _request: Request) -> Response:
        return _json({"scenarios": self._plays.listed(), "playing": self._plays.playing()})

    async def play(self, request: Request) -> Response:
        """Begin a scenario in this world, which stays what it is: only what happens in it is the scenario's."""
        body = await _body(request, {"scenario"})
        wanted = _text(body, "scenario", "scenario")
        async with self._moving:
            return _json(self._plays.begin(wanted).describe(), 201)

    async def scenario(self, request: Request) -> Response:
        """How far it has come, with the right answer."""
        found = self._plays.told(request.path_params["id"])
        if found is None:
            return _error(404, f"id: no scenario {request.path_params['id'][:50]!r} is being played")
        return _json(found)

    async def state(self, _request: Request) -> Response:
        return _json({**state(self._world), "faults": self._injected(), "playing": self._plays.playing()})

    async def audit(self, _request: Request) -> Response:
        return _json({"entries": list(self._audit)})

    async def kubeconfig(self, request: Request) -> Response:
        return PlainTextResponse(kubeconfig(str(request.base_url).rstrip("/")), media_type="application/yaml")


def kubeconfig(server: str) -> str:
    """A context for each of the people that the cluster knows. kubectl sends no token over plain HTTP, so it is told whom to be as well;
    the groups are left to the server, because `--as` takes another's name but keeps the groups that a kubeconfig gives.
    """
    users = [{"name": name, "user": {"token": name, "as": name}} for name in PEOPLE]
    names = {name: "simulated" if name == "operator" else f"simulated-{name}" for name in PEOPLE}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "simulated", "cluster": {"server": server}}],
            "users": users,
            "contexts": [
                {"name": shown, "context": {"cluster": "simulated", "user": name, "namespace": "default"}}
                for name, shown in names.items()
            ],
            "current-context": "simulated",
        },
        sort_keys=False,
    )


def _route(path: str, handler: Handler, method: str) -> Route:
    async def endpoint(request: Request) -> Response:
        refused = refusal_of(method, request.headers)
        if refused is not None:
            return _error(*refused)
        try:
            return await handler(request)
        except Refused as refusal:
            return _error(422, str(refusal))

    return Route(path, endpoint, methods=[method])


async def _body(request: Request, fields: set[str]) -> dict[str, Any]:
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise Refused(f"body: larger than {LARGEST_BODY} bytes")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"body: is not JSON ({error})") from error
    if not isinstance(body, dict):
        raise Refused("body: must be a JSON object")
    _only(body, fields, "")
    return body


def _only(mapping: dict[str, Any], fields: set[str], prefix: str) -> None:
    for name in mapping:
        if name not in fields:
            raise Refused(f"{prefix}{str(name)[:50]}: unknown field; known are {', '.join(sorted(fields))}")


def _text(mapping: dict[str, Any], name: str, shown: str) -> str:
    value = mapping.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 253:
        raise Refused(f"{shown}: must be a text of 1 to 253 characters")
    return value


def _mapping(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    value = mapping.get(name)
    if not isinstance(value, dict):
        raise Refused(f"{name}: must be a JSON object")
    return value


def _number(mapping: dict[str, Any], name: str, most: float, of_what: str) -> float:
    value = mapping.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise Refused(f"{name}: must be a number {of_what}from 0 to {most:g}")
    return float(value)


def _precise(moment: datetime) -> str:
    return rfc3339(moment) if not moment.microsecond else moment.isoformat().replace("+00:00", "Z")


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _error(status: int, sentence: str) -> Response:
    return _json({"error": sentence}, status)
