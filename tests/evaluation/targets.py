"""What to break, chosen from what the world itself says that it runs; no workload is known here by its name."""

import random
from collections.abc import Sequence
from typing import Any

import httpx

from tests.evaluation.score import Case


async def choose(world: httpx.AsyncClient, per_fault: int, seed: int) -> list[Case]:
    """So many targets for each fault of the simulator's catalogue, as unlike as there are workloads for."""
    busy = {
        (one["namespace"], one["name"])
        for one in (await _json(world, "/-/state"))["services"]
        if one["rps"] > 0 and one["ready"] == one["wanted"] > 0
    }
    deployments = [one for one in (await _json(world, "/apis/apps/v1/deployments"))["items"] if _place(one) in busy]
    services = [one for one in (await _json(world, "/api/v1/services"))["items"] if _serves(one, deployments)]
    places = {"Deployment": sorted(map(_place, deployments)), "Service": sorted(map(_place, services))}
    used: dict[tuple[str, str], int] = {}
    dice = random.Random(seed)
    chosen = []
    for fault in sorted((await _json(world, "/-/faults/catalogue"))["faults"], key=lambda one: str(one["id"])):
        for place in _unlike(places[fault["target"]], used, per_fault, dice):
            used[place] = used.get(place, 0) + 1
            chosen.append(Case(str(fault["id"]), str(fault["target"]), *place))
    return chosen


def _unlike(
    places: Sequence[tuple[str, str]], used: dict[tuple[str, str], int], count: int, dice: random.Random
) -> list[tuple[str, str]]:
    """Those first that were broken least so far; among equals the dice."""
    shuffled = dice.sample(places, len(places))
    return sorted(shuffled, key=lambda place: used.get(place, 0))[:count]


def _serves(service: dict[str, Any], deployments: Sequence[dict[str, Any]]) -> bool:
    selector = (service["spec"].get("selector") or {}).items()
    return bool(selector) and any(
        selector <= one["spec"]["template"]["metadata"]["labels"].items()
        for one in deployments
        if one["metadata"]["namespace"] == service["metadata"]["namespace"]
    )


def _place(one: dict[str, Any]) -> tuple[str, str]:
    return str(one["metadata"]["namespace"]), str(one["metadata"]["name"])


async def _json(world: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await world.get(path)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
