"""One incident from the fault to the repair, in simulated time, through the product's own doors.

The first alert that fires is what a person would be woken by, so it is what the question is about, whichever component it names. The answer
must name the fault and the component that was really broken; the plan it leads to is approved as it stands. Repaired means that the plan
ended well by its own verification and that the world agrees.
"""

import tempfile
from pathlib import Path
from typing import Any

from tests.acceptance.stage import Stage, of_type, stage
from tests.evaluation.score import Case, Outcome

WARM_SECONDS = 180
STEP = 15
ALERT_WITHIN = 900
HEALED_WITHIN = 300
# A slow machine must not look like a system that is down.
PATIENT: dict[str, Any] = {"prometheus_timeout": 20.0, "k8s_timeout": 20.0}
QUESTION = "What is the cause of this alert, and how do we repair it?"


async def play(case: Case) -> Outcome:
    outcome = Outcome(case)
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), **PATIENT) as scene:
            try:
                await _play(scene, case, outcome)
            except AssertionError as error:
                outcome.trouble = str(error)[:160]
    return outcome


async def healthy_alerts(scene: Stage, seconds: float) -> list[str]:
    """Names of the alerts that fired while nothing was wrong."""
    for _ in range(int(seconds / STEP)):
        await scene.world_clock(STEP)
        await scene.clock.advance(STEP)
        await scene.house.alerts.evaluator.tick()
    alerts = (await scene.get("/alerts?limit=500"))["alerts"]
    return [str(one["name"]) for one in alerts if one["state"] in {"firing", "resolved"}]


async def _play(scene: Stage, case: Case, outcome: Outcome) -> None:
    await scene.pass_time(WARM_SECONDS)
    began = scene.clock.now()
    await scene.inject(case.fault, kind=case.kind, namespace=case.namespace, name=case.name)
    alert = await _first_alert(scene)
    if alert is None:
        outcome.trouble = f"no alert within {ALERT_WITHIN} s"
        return
    outcome.alert = str(alert["name"])
    outcome.alerted_after = (scene.clock.now() - began).total_seconds()
    events = await scene.ask(QUESTION, alert=alert["fingerprint"])
    _read(events, outcome)
    required = of_type(events, "approval_required")
    if not required:
        outcome.trouble = _why(events)
        return
    run_id = str(events[0]["run_id"])
    answer = await scene.decide(run_id, required[-1], approved=True)
    if answer.status_code != 200:
        outcome.trouble = f"the approval was answered with {answer.status_code}"
        return
    await scene.follow(run_id, int(events[-1]["seq"]))
    plan = (await scene.get(f"/autofix/plans/{required[-1]['plan_id']}"))["plan"]
    if plan["state"] != "succeeded":
        outcome.trouble = f"the plan ended {plan['state']}"
        return
    done = (scene.clock.now() - began).total_seconds()
    if await _healed(scene):
        outcome.repaired_after = done
    else:
        outcome.trouble = f"not healed {HEALED_WITHIN} s after the plan succeeded"


async def _first_alert(scene: Stage) -> dict[str, Any] | None:
    for _ in range(ALERT_WITHIN // STEP):
        await scene.pass_time(STEP)
        firing = await scene.firing()
        if firing:
            return min(firing, key=lambda one: str(one["starts_at"]))
    return None


def _read(events: list[dict[str, Any]], outcome: Outcome) -> None:
    causes = [cause for diagnosis in of_type(events, "diagnosis") for cause in diagnosis["causes"]]
    if causes:
        component = causes[0]["component"]
        outcome.said_fault = str(causes[0]["fault"])
        outcome.said_component = f"{component['kind']} {component['namespace']}/{component['name']}"


async def _healed(scene: Stage) -> bool:
    for _ in range(HEALED_WITHIN // STEP):
        faults = (await scene.world.get("/-/faults")).json()["faults"]
        if all(fault["healed"] for fault in faults):
            return True
        await scene.pass_time(STEP)
    return False


def _why(events: list[dict[str, Any]]) -> str:
    said = [str(event["message"]) for event in (*of_type(events, "error"), *of_type(events, "warning"))]
    return f"no repair was proposed: {said[-1][:120]}" if said else "no repair was proposed"
