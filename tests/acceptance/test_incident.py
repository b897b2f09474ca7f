"""One incident, from the break to the all-clear, through the product's own doors, for each fault that the world can have.

A fault is injected into the simulated cluster; an alert fires; asked about it, the agent explains with evidence and proposes a repair; a
human approves; the repair is carried out and verified; the alert resolves and the world says that the fault is gone.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.stage import Stage, last, of_type, stage
from tools.spec import Caller


@dataclass(frozen=True)
class Incident:
    fault: str
    alert: str
    question: str
    within: float = 420


INCIDENTS = [
    Incident("incorrect_image_reference", "KubePodImagePull", "Explain this alert and propose a repair"),
    Incident("oom_killed", "KubeContainerOOMKilled", "解释这条告警，并给出修复方案"),
    Incident("service_selector_mismatch", "KubeServiceWithoutEndpoints", "What is wrong here? Fix it."),
    Incident("pod_cpu_overload", "ContainerCpuNearLimit", "为什么会触发这条告警？请修复", within=600),
]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as scene:
        await scene.pass_time(60)
        yield scene


async def broken_workload(scene: Stage) -> dict[str, Any]:
    faults: list[dict[str, Any]] = (await scene.world.get("/-/faults")).json()["faults"]
    return faults[-1]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.fault)
async def test_an_incident_is_seen_explained_repaired_and_over(scene: Stage, incident: Incident) -> None:
    assert await scene.firing() == []
    await scene.inject(incident.fault)
    target = (await broken_workload(scene))["target"]

    alert = await scene.until_firing(incident.alert, incident.within)
    told = await scene.ask(incident.question, alert=alert["fingerprint"])

    diagnosis = last(told, "diagnosis")
    cause = diagnosis["causes"][0]
    assert cause["fault"] == incident.fault
    assert (cause["component"]["namespace"], cause["component"]["name"]) == (target["namespace"], target["name"])
    assert cause["evidence"]
    assert diagnosis["healthy"] is False
    assert_backed(told)

    required = last(told, "approval_required")
    assert required["diff"]
    assert last(told, "run_finished")["state"] == "waiting"
    before = await scene.get(f"/autofix/plans/{required['plan_id']}")
    assert before["plan"]["state"] == "proposed"

    run_id, seen = told[0]["run_id"], told[-1]["seq"]
    answer = await scene.decide(run_id, required, approved=True)
    assert answer.status_code == 200, answer.text
    after = await scene.follow(run_id, seen)
    assert last(after, "approval_recorded") == {"plan_id": required["plan_id"], "approved": True, "by": "admin"}
    assert of_type(after, "tool_finished")[-1]["ok"], after
    assert last(after, "run_finished")["state"] == "finished"
    assert_backed(after)

    plan = (await scene.get(f"/autofix/plans/{required['plan_id']}"))["plan"]
    assert plan["state"] == "succeeded"
    resolved = await scene.until_quiet(alert["fingerprint"])
    assert resolved["ends_at"]
    assert (await broken_workload(scene))["healed"]
    assert {"firing", "resolved"} <= {
        move["to"] for move in (await scene.get(f"/alerts/{alert['fingerprint']}/history"))["transitions"]
    }
    case = await taught(scene, alert["fingerprint"])
    assert (case["fault"], case["plan"]) == (incident.fault, required["plan_id"])
    assert case["component"]["name"] == target["name"]


async def taught(scene: Stage, fingerprint: str) -> dict[str, Any]:
    """The incident has become a case, with the cause that was repaired and the repair that helped."""
    while await scene.house.alerts.incidents.tick():
        pass
    await scene.house.lessons.tick()
    incident = await scene.house.desk.incidents.of_alert(fingerprint)
    assert incident is not None
    case = await scene.get(f"/cases/{incident.id}?language=en")
    assert case["state"] == "draft"
    assert "✓" in case["proof"]
    facts: dict[str, Any] = case["facts"]
    assert facts["quotes"]
    assert facts["times"]["repaired"]
    assert "admin" in facts["people"]
    return facts


def assert_backed(events: list[dict[str, Any]]) -> None:
    """Every statement of an answer rests on evidence that the same answer shows."""
    for answer in of_type(events, "answer"):
        known = {one["id"] for one in answer["evidence"]}
        assert answer["statements"]
        for statement in answer["statements"]:
            assert statement["evidence"], statement
            assert set(statement["evidence"]) <= known
        assert answer["unsupported"] == []


@pytest.fixture
async def waiting(scene: Stage) -> tuple[Stage, str, int, dict[str, Any]]:
    """An incident that has come as far as the question whether to go ahead."""
    await scene.inject("service_selector_mismatch")
    alert = await scene.until_firing("KubeServiceWithoutEndpoints")
    told = await scene.ask("解释并修复", alert=alert["fingerprint"])
    return scene, told[0]["run_id"], told[-1]["seq"], last(told, "approval_required")


async def writes(scene: Stage) -> list[dict[str, Any]]:
    """What was really written to the cluster, as its API server tells it."""
    entries: list[dict[str, Any]] = (await scene.world.get("/-/audit")).json()["entries"]
    return [entry for entry in entries if not entry["dryRun"]]


Waiting = tuple[Stage, str, int, dict[str, Any]]


async def test_a_refused_repair_changes_nothing_and_the_answer_says_who_refused(waiting: Waiting) -> None:
    scene, run_id, seen, required = waiting
    assert (await scene.decide(run_id, required, approved=False, note="我先看看")).status_code == 200
    after = await scene.follow(run_id, seen)
    assert "admin" in last(after, "answer")["text"]
    assert of_type(after, "tool_started") == []
    assert await writes(scene) == []
    assert (await scene.get(f"/autofix/plans/{required['plan_id']}"))["plan"]["state"] == "rejected"


async def test_a_second_answer_finds_nobody_waiting(waiting: Waiting) -> None:
    scene, run_id, seen, required = waiting
    await scene.decide(run_id, required, approved=False)
    await scene.follow(run_id, seen)
    again = await scene.decide(run_id, required, approved=True)
    assert again.status_code == 409
    assert "answered already" in again.json()["message"]
    assert await writes(scene) == []


async def test_an_approval_of_another_plan_than_was_shown_is_refused(waiting: Waiting) -> None:
    scene, run_id, _, required = waiting
    other = {**required, "hash": "0" * 64}
    answer = await scene.decide(run_id, other, approved=True)
    assert answer.status_code == 409
    assert await writes(scene) == []
    # Nothing is lost: the right word may still be said.
    assert (await scene.get(f"/assistant/runs/{run_id}"))["asks_about"] == required["plan_id"]


async def test_an_approval_that_comes_too_late_changes_nothing_and_the_conversation_is_told(waiting: Waiting) -> None:
    scene, run_id, seen, required = waiting
    await scene.pass_time(scene.house.settings.approval_minutes * 60 + 60)
    answer = await scene.decide(run_id, required, approved=True)
    assert answer.status_code == 409
    assert "expired" in answer.json()["message"]
    after = await scene.follow(run_id, seen)
    assert last(after, "run_finished")["state"] == "finished"
    assert "expired" in last(after, "answer")["text"]
    assert await writes(scene) == []


async def test_an_approval_for_an_object_that_changed_meanwhile_is_void(waiting: Waiting) -> None:
    scene, run_id, seen, required = waiting
    target = (await broken_workload(scene))["target"]
    path = f"/api/v1/namespaces/{target['namespace']}/services/{target['name']}"
    patched = await scene.world.patch(
        path,
        json={"metadata": {"labels": {"touched-by": "somebody"}}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert patched.status_code == 200
    before = await writes(scene)
    answer = await scene.decide(run_id, required, approved=True)
    assert answer.status_code == 409
    after = await scene.follow(run_id, seen)
    assert last(after, "run_finished")["state"] == "finished"
    assert answer.json()["message"] in last(after, "answer")["text"]
    assert await writes(scene) == before


async def test_a_plan_is_not_applied_without_an_approval_by_any_door(waiting: Waiting) -> None:
    scene, _, _, required = waiting
    body = {"plan_id": required["plan_id"], "hash": required["hash"]}
    by_route = await scene.http.post(
        f"/api/v1/autofix/plans/{required['plan_id']}/apply", json={"hash": required["hash"]}
    )
    by_tool = await scene.http.post(
        "/api/v1/tools/apply_plan", json={"plan_id": body["plan_id"], "plan_hash": body["hash"]}
    )
    assert {by_route.status_code, by_tool.status_code} <= {403, 409}
    assert await writes(scene) == []


async def test_a_word_that_was_taken_down_but_not_heard_can_be_said_again(waiting: Waiting) -> None:
    scene, run_id, seen, required = waiting
    # As after a crash between the two halves of a decision: the approval is recorded, the conversation still waits.
    await scene.house.repairs.approve(required["plan_id"], required["hash"], Caller("admin", "admin", "http"), "")
    answer = await scene.decide(run_id, required, approved=True)
    assert answer.status_code == 200, answer.text
    after = await scene.follow(run_id, seen)
    assert (await scene.get(f"/autofix/plans/{required['plan_id']}"))["plan"]["state"] == "succeeded"
    assert last(after, "run_finished")["state"] == "finished"


async def test_of_two_conversations_about_one_plan_the_one_that_was_answered_goes_on(waiting: Waiting) -> None:
    scene, first, seen, required = waiting
    alert = (await scene.firing())[0]
    told = await scene.ask("解释并修复", alert=alert["fingerprint"])
    second = last(told, "approval_required")
    assert second["plan_id"] == required["plan_id"]
    answer = await scene.decide(first, required, approved=True)
    assert answer.status_code == 200, answer.text
    after = await scene.follow(first, seen)
    assert of_type(after, "tool_finished")[-1]["ok"]
    other = await scene.follow(told[0]["run_id"], told[-1]["seq"])
    assert "another conversation" in last(other, "answer")["text"]
    applied = [entry for entry in await writes(scene) if entry["verb"] == "patch"]
    assert len(applied) == 1
