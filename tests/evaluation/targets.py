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
    services = (await _json(world, "/api/v1/services"))["items"]
    # What an answer has to name: a Deployment itself, and for a Service the workload that it should lead to.
    behind = {
        "Deployment": {_place(one): _place(one) for one in deployments},
        "Service": {_place(one): backs[0] for one in services if len(backs := _backing(one, deployments)) == 1},
    }
    used: dict[tuple[str, str], int] = {}
    dice = random.Random(seed)
    chosen = []
    for fault in sorted((await _json(world, "/-/faults/catalogue"))["faults"], key=lambda one: str(one["id"])):
        target = str(fault["target"])
        for place in _unlike(sorted(behind[target]), used, per_fault, dice):
            used[place] = used.get(place, 0) + 1
            component = "Deployment {}/{}".format(*behind[target][place])
            chosen.append(Case(str(fault["id"]), target, *place, component))
    return chosen


def _unlike(
    places: Sequence[tuple[str, str]], used: dict[tuple[str, str], int], count: int, dice: random.Random
) -> list[tuple[str, str]]:
    """Those first that were broken least so far; among equals the dice."""
    shuffled = dice.sample(places, len(places))
    return sorted(shuffled, key=lambda place: used.get(place, 0))[:count]


def _backing(service: dict[str, Any], deployments: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    selector = (service["spec"].get("selector") or {}).items()
    return [
        _place(one)
        for one in deployments
        if one["metadata"]["namespace"] == service["metadata"]["namespace"]
        and selector
        and selector <= one["spec"]["template"]["metadata"]["labels"].items()
    ]


def _place(one: dict[str, Any]) -> tuple[str, str]:
    return str(one["metadata"]["namespace"]), str(one["metadata"]["name"])


async def _json(world: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await world.get(path)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
