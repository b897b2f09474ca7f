"""One scenario through the whole product in simulated time: the watch, the question, the plan, the repair.

The first alert that fires after the onset is what a person would be woken by, so it is what the question is about, whichever component it
names. Where none fires until the end, the question is about the place of the answer, so that diagnosis is judged without detection too. The
plan that comes of it is approved as it stands; where several things are broken, it is asked again about what is left. Repaired means that
the plans ended well by their own verification and that the world agrees.
"""

import tempfile
from pathlib import Path
from typing import Any

from simulator.scenarios.herrings import LEFT_BEHIND
from simulator.scenarios.player import Player, stage
from simulator.scenarios.scenario import Scenario
from tests.acceptance.stage import of_type
from tests.evaluation.arena import STEP, Arena, arena
from tests.evaluation.verdict import Right, Verdict, judge, verb_of

HEALED_WITHIN = 300
SOON = 60
ALERT_QUESTION = "What is the cause of this alert, and how do we repair it?"
PLACE_QUESTION = "What is wrong in namespace {place}, and how do we repair it?"
ANYWHERE_QUESTION = "What is wrong in the cluster, and how do we repair it?"


async def examine(scenario: Scenario, seed: int = 0, prepared: Path | None = None) -> Verdict:
    verdict = Verdict(scenario.id, scenario.category, [answer.fault for answer in scenario.answers])
    with tempfile.TemporaryDirectory() as folder:
        async with arena(stage(scenario, seed=seed), Path(folder), prepared) as scene:
            if scenario.is_control:
                await _watch_calm(scene, verdict)
            else:
                await _watch_trouble(scene, verdict)
    return verdict


async def _watch_calm(scene: Arena, verdict: Verdict) -> None:
    """Nothing is wrong: every alert is a false one, and so is every cause."""
    while scene.seconds < scene.player.scenario.lasts:
        await scene.pass_time(STEP)
    verdict.false_alarms = _names(_relevant(await scene.alerts()))
    said = await scene.use("diagnose", namespace="*")
    _read(scene.player, verdict, [said["data"]])


async def _watch_trouble(scene: Arena, verdict: Verdict) -> None:
    onset = scene.player.scenario.onset or 0.0
    while scene.seconds < onset:
        await scene.pass_time(min(STEP, onset - scene.seconds))
    before = _relevant(await scene.alerts())
    verdict.false_alarms = _names(before)
    alert = await _first_alert(scene, {str(one["fingerprint"]) for one in before})
    if alert is not None:
        verdict.detected_after = scene.seconds - onset
        events = await scene.ask(ALERT_QUESTION, alert=alert["fingerprint"])
    else:
        events = await scene.ask(_question(scene.player))
    _read(scene.player, verdict, of_type(events, "diagnosis") or [await _diagnosed(scene)])
    for left in range(len(scene.player.scenario.answers) - 1, -1, -1):
        verdict.trouble = await _repair(scene, verdict, events)
        if verdict.trouble:
            return
        done = scene.seconds
        if await _healed(scene, HEALED_WITHIN if left == 0 else SOON):
            verdict.repaired_after = done - onset
            return
        if left:
            events = await scene.ask(_question(scene.player))
    verdict.trouble = f"not healed {HEALED_WITHIN} s after the plan succeeded"


async def _first_alert(scene: Arena, known: set[str]) -> dict[str, Any] | None:
    while scene.seconds < scene.player.scenario.lasts:
        await scene.pass_time(STEP)
        fresh = [one for one in _relevant(await scene.firing()) if str(one["fingerprint"]) not in known]
        if fresh:
            return fresh[0]
    return None


async def _diagnosed(scene: Arena) -> dict[str, Any]:
    """By the tool, where the question took a road on which nothing is diagnosed: that is the assistant's fault, not the engine's."""
    used = await scene.use("diagnose", namespace=_place(scene.player) or "*")
    found: dict[str, Any] = used["data"]
    return found


def _question(player: Player) -> str:
    place = _place(player)
    return PLACE_QUESTION.format(place=place) if place else ANYWHERE_QUESTION


def _place(player: Player) -> str:
    """Of the first thing that is not mended; nothing for what stands in no namespace."""
    broken = {entry.fault.id for entry in player.unhealed()}
    places = [component.namespace for answer, component in player.answers() if answer.fault in broken]
    return next(iter(places), "")


def _read(player: Player, verdict: Verdict, diagnoses: list[dict[str, Any]]) -> None:
    right = [
        Right(answer.fault, f"{part.kind} {f'{part.namespace}/' if part.namespace else ''}{part.name}")
        for answer, part in player.answers()
    ]
    judge(verdict, diagnoses, right, player.scenario.never_faults, player.never_components())


async def _repair(scene: Arena, verdict: Verdict, events: list[dict[str, Any]]) -> str:
    """Approve the plan that was proposed and follow it to its end; what went wrong, or nothing."""
    required = of_type(events, "approval_required")
    if not required:
        return _why(events)
    plan_id = str(required[-1]["plan_id"])
    plan = (await scene.get(f"/autofix/plans/{plan_id}"))["plan"]
    verdict.verbs += [verb_of(str(step["action"])) for step in plan["steps"]]
    verdict.acceptable = set(verdict.verbs) <= set(scene.player.scenario.acceptable_repairs)
    refused = await scene.approve(str(events[0]["run_id"]), required[-1], int(events[-1]["seq"]))
    if refused:
        return refused
    ended = (await scene.get(f"/autofix/plans/{plan_id}"))["plan"]["state"]
    return "" if ended == "succeeded" else f"the plan ended {ended}"


async def _healed(scene: Arena, within: float) -> bool:
    until = scene.seconds + within
    while not scene.player.is_healed():
        if scene.seconds >= until:
            return False
        await scene.pass_time(STEP)
    return True


def _relevant(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An alert about a herring is true, and says nothing about the trouble: it counts neither way."""
    return [one for one in alerts if not any(name in str(one["labels"]) for name in LEFT_BEHIND)]


def _names(alerts: list[dict[str, Any]]) -> list[str]:
    return sorted({str(one["name"]) for one in alerts})


def _why(events: list[dict[str, Any]]) -> str:
    said = [str(event["message"]) for event in (*of_type(events, "error"), *of_type(events, "warning"))]
    return f"no repair was proposed: {said[-1][:120]}" if said else "no repair was proposed"
