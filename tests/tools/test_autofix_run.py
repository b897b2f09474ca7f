"""A repair from proposal to end: what is stored, who may decide, what is checked, when it is undone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotFound, Upstream
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import fingerprint
from tests.tools.cluster import FakeSample, in_time
from tests.tools.objects import NS, Object, at
from tests.tools.workshop import ALERT, ALICE, BOB, VIEWER, Workshop, bad_image, lost_service, workshop
from tools.autofix.plan import plan_hash
from tools.autofix.tables import ApprovalRow, PlanRow
from tools.autofix.verify import speaks_of
from tools.catalog.diagnose import DiagnoseTools
from tools.catalog.repair import RepairTools
from tools.collect import Collector
from tools.spec import Toolbox


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service()) as made:
        yield made


@pytest.fixture
async def images(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, bad_image()) as made:
        yield made


async def test_a_proposal_is_rehearsed_stored_and_changes_nothing(shop: Workshop) -> None:
    plan = await shop.proposed()
    assert shop.cluster.writes == []
    assert plan == await shop.repairs.get(plan.id)
    assert (plan.state, plan.risk, plan.remedy) == ("proposed", "low", "set_service_selector")
    assert "-    app: baker-v2\n+    app: baker" in plan.diff
    assert plan.undo[0].arguments == {"selector": {"app": "baker-v2"}}
    assert plan.hash == plan_hash(plan)
    assert plan.expires_at == shop.clock.now() + timedelta(seconds=1800)
    assert f"Deployment {NS}/shopfront" in plan.blast_radius


async def test_a_plan_shows_the_fields_of_its_contract(shop: Workshop) -> None:
    shown = (await shop.proposed()).model_dump(mode="json")
    assert {
        "id",
        "title",
        "for",
        "steps",
        "risk",
        "blast_radius",
        "expected_effect",
        "verify",
        "undo",
        "diff",
        "hash",
    } <= set(shown)
    assert shown["for"]["fault"] == "service_selector_mismatch"
    assert {"context", "kind", "namespace", "name", "uid", "resource_version"} <= set(shown["steps"][0]["target"])
    assert {"action", "target", "arguments", "idempotency_key"} <= set(shown["steps"][0])


async def test_the_whole_road_ends_in_success_with_a_row_for_every_step(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.applied(await shop.approved())
    assert plan.state == "succeeded"
    assert shop.cluster.find("Service", "baker")["spec"]["selector"] == {"app": "baker"}
    assert await shop.rows(plan) == [
        "transition proposed",
        "transition approved proposed",
        "transition applying approved",
        "step do sending",
        "step do done",
        "transition verifying applying",
        "check verification held",
        "transition succeeded verifying",
    ]


async def test_the_words_come_in_the_language_of_the_one_who_asked(shop: Workshop) -> None:
    plan = await shop.proposed(language="zh")
    assert "选择器" in plan.title
    with pytest.raises(Forbidden, match="尚未批准"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)


async def test_a_rollback_restores_the_template_that_worked(images: Workshop) -> None:
    images.mends()
    plan = await images.applied(await images.approved())
    assert (plan.state, plan.remedy) == ("succeeded", "rollback_rollout")
    restored = images.cluster.find("Deployment", "baker")["spec"]["template"]["spec"]["containers"][0]
    assert restored["image"] == "reg.example/baker:1.0"


async def test_what_does_not_help_is_undone_and_says_so(shop: Workshop) -> None:
    plan = await shop.applied(await shop.approved())
    assert plan.state == "undone"
    assert "did not help" in plan.state_reason
    assert shop.cluster.find("Service", "baker")["spec"]["selector"] == {"app": "baker-v2"}
    assert [row for row in await shop.rows(plan) if row.startswith("step")] == [
        "step do sending",
        "step do done",
        "step undo sending",
        "step undo done",
    ]


async def test_an_undo_does_not_run_over_somebody_elses_change(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.after_patch = lambda obj: obj["spec"].update(selector={"app": "third"})
    done = await shop.applied(plan)
    assert done.state == "failed"
    assert "somebody else" in done.state_reason
    assert shop.cluster.find("Service", "baker")["spec"]["selector"] == {"app": "third"}


async def test_a_person_takes_back_what_succeeded(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.applied(await shop.approved())
    undone = await in_time(shop.clock, shop.repairs.undo(plan.id, ALICE))
    assert undone.state == "undone"
    assert shop.cluster.find("Service", "baker")["spec"]["selector"] == {"app": "baker-v2"}


async def test_an_alert_is_verified_by_its_own_expression(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved(namespace="", alert=ALERT.fingerprint)
    assert [check.kind for check in plan.verify] == ["objects_ready", "alert_cleared"]
    assert (await shop.applied(plan)).state == "succeeded"
    assert ALERT.expr in shop.prometheus.asked


async def test_an_alert_that_still_holds_undoes_a_repair_that_looks_ready(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved(alert=ALERT.fingerprint)
    shop.prometheus.samples = [FakeSample({"namespace": NS, "service": "baker"})]
    shop.cluster.after_patch = lambda _obj: shop.cluster.find("EndpointSlice", "baker-x").update(
        endpoints=[{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]
    )
    assert (await shop.applied(plan)).state == "undone"


async def test_an_alert_about_something_else_does_not_count(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved(alert=ALERT.fingerprint)
    mend = shop.cluster.after_patch

    def only_the_miller_is_left(obj: Object) -> None:
        mend(obj)
        shop.prometheus.samples = [FakeSample({"namespace": NS, "service": "miller"})]

    shop.cluster.after_patch = only_the_miller_is_left
    assert (await shop.applied(plan)).state == "succeeded"


async def test_prometheus_away_during_verification_is_not_called_success_nor_undone(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved(alert=ALERT.fingerprint)
    shop.prometheus.error = Upstream("Prometheus", "refused the connection", retryable=True)
    done = await shop.applied(plan)
    assert done.state == "failed"
    assert "could not be verified" in done.state_reason
    assert "Prometheus refused the connection" in done.state_reason
    assert shop.cluster.find("Service", "baker")["spec"]["selector"] == {"app": "baker"}


async def test_a_cluster_that_goes_away_during_verification_is_not_undone_blindly(shop: Workshop) -> None:
    plan = await shop.approved()
    down = Upstream("The Kubernetes API server", "did not answer", retryable=True)
    shop.cluster.after_patch = lambda _obj: shop.cluster.read_errors.update({"*": down})
    done = await shop.applied(plan)
    assert (done.state, len(shop.cluster.writes)) == ("failed", 1)
    assert "did not answer" in done.state_reason


async def test_a_hold_that_breaks_starts_again(images: Workshop) -> None:
    images.mends()
    plan = await images.approved()
    applied = images.repairs.apply(plan.id, plan.hash, ALICE)
    start = images.clock.now()
    assert (await in_time(images.clock, applied)).state == "succeeded"
    assert (images.clock.now() - start).total_seconds() >= plan.hold_seconds


async def test_nothing_is_applied_without_an_approval(shop: Workshop) -> None:
    plan = await shop.proposed()
    with pytest.raises(Forbidden, match="not approved yet"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    assert shop.cluster.writes == []


async def test_a_refused_plan_is_never_applied(shop: Workshop) -> None:
    plan = await shop.proposed()
    refused = await shop.repairs.reject(plan.id, plan.hash, BOB, "not on a Friday")
    assert (refused.state, "not on a Friday" in refused.state_reason) == ("rejected", True)
    with pytest.raises(Conflict, match="rejected"):
        await shop.repairs.approve(plan.id, plan.hash, BOB)
    with pytest.raises(Conflict, match="rejected"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    assert shop.cluster.writes == []


async def test_an_expired_plan_is_neither_approved_nor_applied(shop: Workshop) -> None:
    plan = await shop.approved()
    await shop.clock.advance(1801)
    with pytest.raises(Conflict, match="expired"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    other = await shop.proposed()
    await shop.clock.advance(1801)
    with pytest.raises(Conflict, match="expired"):
        await shop.repairs.approve(other.id, other.hash, BOB)
    assert shop.cluster.writes == []


async def test_a_second_answer_is_told_of_the_first(shop: Workshop) -> None:
    plan = await shop.approved()
    with pytest.raises(Conflict, match="approved by bob"):
        await shop.repairs.approve(plan.id, plan.hash, ALICE)


async def test_an_approval_is_used_once(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved()
    await shop.applied(plan)
    with pytest.raises(Conflict, match="succeeded"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    assert len(shop.cluster.writes) == 1


async def test_two_who_apply_at_once_apply_once(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved()

    async def both() -> list[object]:
        calls = [shop.repairs.apply(plan.id, plan.hash, who) for who in (ALICE, BOB)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = await in_time(shop.clock, both())
    assert sum(isinstance(result, FirstmateError) for result in results) == 1
    assert len(shop.cluster.writes) == 1


async def test_an_approval_names_this_very_plan(shop: Workshop) -> None:
    plan = await shop.proposed()
    with pytest.raises(Conflict, match="hash"):
        await shop.repairs.approve(plan.id, "0" * 64, BOB)
    approved = await shop.repairs.approve(plan.id, plan.hash, BOB)
    with pytest.raises(Conflict, match="hash"):
        await shop.repairs.apply(approved.id, "0" * 64, ALICE)
    assert shop.cluster.writes == []


async def test_a_status_that_moves_between_look_and_rehearsal_is_looked_at_again(shop: Workshop) -> None:
    shop.cluster.restless = 3
    plan = await shop.proposed()
    assert plan.state == "proposed"
    assert plan.steps[0].target.resource_version == "103"


async def test_an_object_that_never_rests_is_told_as_a_conflict(shop: Workshop) -> None:
    shop.cluster.restless = 100
    with pytest.raises(Conflict, match="has been modified"):
        await shop.proposed()
    assert shop.cluster.restless == 96


async def test_a_plan_for_an_object_that_changed_is_void(shop: Workshop) -> None:
    plan = await shop.proposed()
    shop.cluster.touch("Service", "baker")["spec"]["selector"] = {"app": "baker-v3"}
    with pytest.raises(Conflict, match="void") as refused:
        await shop.repairs.approve(plan.id, plan.hash, BOB)
    assert (refused.value.details["expected"], refused.value.details["found"]) == ("100", "101")
    assert (await shop.repairs.get(plan.id)).state == "superseded"


async def test_a_change_after_the_approval_voids_it_too(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.touch("Service", "baker")["metadata"]["labels"] = {"edited": "yes"}
    with pytest.raises(Conflict, match="void"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    assert shop.cluster.writes == []


async def test_another_object_of_the_same_name_is_not_the_target(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.find("Service", "baker")["metadata"].update(uid="another", resourceVersion="7")
    with pytest.raises(Conflict):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)


async def test_status_that_moves_on_does_not_void_an_approval(images: Workshop) -> None:
    images.mends()
    plan = await images.approved()
    images.cluster.touch("Deployment", "baker")["status"]["readyReplicas"] = 0
    assert (await images.applied(plan)).state == "succeeded"


async def test_a_deleted_target_is_told(shop: Workshop) -> None:
    plan = await shop.proposed()
    shop.cluster.objects.remove(shop.cluster.find("Service", "baker"))
    with pytest.raises(NotFound):
        await shop.repairs.approve(plan.id, plan.hash, BOB)
    assert (await shop.repairs.get(plan.id)).state == "superseded"


async def test_the_api_server_away_at_the_approval_decides_nothing(shop: Workshop) -> None:
    plan = await shop.proposed()
    shop.clusters.error = Upstream("The Kubernetes API server", "refused the connection", retryable=True)
    with pytest.raises(Upstream):
        await shop.repairs.approve(plan.id, plan.hash, BOB)
    assert (await shop.repairs.get(plan.id)).state == "proposed"


async def test_a_viewer_decides_nothing(shop: Workshop) -> None:
    plan = await shop.proposed()
    for call in (shop.repairs.approve, shop.repairs.reject, shop.repairs.apply):
        with pytest.raises(Forbidden):
            await call(plan.id, plan.hash, VIEWER)
    with pytest.raises(Forbidden):
        await shop.proposed(caller=VIEWER)


async def test_a_plan_edited_in_the_database_is_refused(shop: Workshop) -> None:
    plan = await shop.approved()
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        body = dict(row.body)
        body["steps"] = [{**body["steps"][0], "arguments": {"selector": {"app": "thief"}}}]
        row.body = body
    with pytest.raises(Conflict, match="hash"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)


async def test_an_approval_written_past_the_api_proves_nothing(shop: Workshop) -> None:
    plan = await shop.approved()
    async with shop.database.write() as session:
        row = await session.get(ApprovalRow, plan.id)
        assert row is not None
        row.proof = fingerprint("a guess", plan.id)
    with pytest.raises(Forbidden, match="not for this very plan"):
        await shop.repairs.apply(plan.id, plan.hash, ALICE)
    assert shop.cluster.writes == []


async def test_the_same_proposal_twice_is_one_plan(shop: Workshop) -> None:
    first, second = await shop.proposed(), await shop.proposed()
    assert first.id == second.id
    assert (await shop.repairs.list())[1] == 1


async def test_a_newer_proposal_supersedes_the_older_for_the_same_target(shop: Workshop) -> None:
    first = await shop.proposed()
    shop.cluster.touch("Service", "baker")["metadata"]["labels"] = {"edited": "yes"}
    second = await shop.proposed()
    assert first.id != second.id
    assert (await shop.repairs.get(first.id)).state == "superseded"


async def test_the_guard_speaks_at_the_proposal_and_again_at_apply(tmp_path: Path, clock: ManualClock) -> None:
    async with workshop(tmp_path, clock, lost_service()) as shop:
        plan = await shop.approved()
        shop.policy = type(shop.policy)(protected_namespaces=(NS,))
        shop.restarted()
        with pytest.raises(Forbidden) as refused:
            await shop.repairs.apply(plan.id, plan.hash, ALICE)
        assert refused.value.details["rule"] == "protected_namespaces"
        with pytest.raises(Forbidden):
            await shop.proposed()
        assert shop.cluster.writes == []


async def test_an_unsure_cause_is_not_repaired(tmp_path: Path, clock: ManualClock) -> None:
    async with workshop(tmp_path, clock, lost_service(), least_confidence=0.99) as shop:
        with pytest.raises(Forbidden) as refused:
            await shop.proposed()
        assert refused.value.details["rule"] == "least_confidence"


async def test_a_dry_run_that_is_refused_stores_no_plan(shop: Workshop) -> None:
    async def denied(*_args: object, **_more: object) -> dict[str, object]:
        raise Forbidden("You may not patch services.", permission="patch services")

    shop.cluster.patch = denied  # type: ignore[method-assign]
    with pytest.raises(Forbidden, match="may not patch"):
        await shop.proposed()
    assert (await shop.repairs.list())[1] == 0


async def test_what_to_repair_must_be_named_and_known(shop: Workshop) -> None:
    with pytest.raises(Invalid, match="namespace"):
        await shop.proposed(namespace="")
    with pytest.raises(NotFound, match="no alert"):
        await shop.proposed(alert="beef")
    with pytest.raises(NotFound, match="No cause"):
        await shop.proposed(name="miller")
    with pytest.raises(NotFound):
        await shop.repairs.get("plan-none")


async def test_a_cause_that_only_a_person_can_remove_says_what_to_do(tmp_path: Path, clock: ManualClock) -> None:
    objects = bad_image()
    objects[-1]["message"] = 'Failed to pull image "x": unauthorized'
    async with workshop(tmp_path, clock, objects) as shop:
        with pytest.raises(NotFound, match="A person has to act"):
            await shop.proposed()


async def test_who_waits_may_go_away_and_the_repair_goes_on(shop: Workshop) -> None:
    mended = asyncio.Event()
    shop.mends()
    mend = shop.cluster.after_patch

    def mend_and_tell(obj: Object) -> None:
        mend(obj)
        mended.set()

    shop.cluster.after_patch = mend_and_tell
    plan = await shop.approved()
    waiting = asyncio.create_task(shop.repairs.apply(plan.id, plan.hash, ALICE))
    await mended.wait()
    waiting.cancel()
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "succeeded"


async def test_who_goes_away_right_at_the_start_leaves_nothing_hanging(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved()
    waiting = asyncio.create_task(shop.repairs.apply(plan.id, plan.hash, ALICE))
    deadline = 2000
    while not shop.repairs._running and deadline:
        deadline -= 1
        await asyncio.wait({waiting}, timeout=0.001)
    waiting.cancel()
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "succeeded"


async def test_a_listener_that_fails_does_not_stop_a_repair(shop: Workshop) -> None:
    async def gone(_message: str) -> None:
        raise ConnectionError("closed")

    shop.mends()
    plan = await shop.approved()
    assert (await in_time(shop.clock, shop.repairs.apply(plan.id, plan.hash, ALICE, gone))).state == "succeeded"


def toolbox(shop: Workshop) -> Toolbox:
    collector = Collector(shop.clusters, shop.prometheus, shop.clock)
    tools = [*DiagnoseTools(collector, NS).all(), *RepairTools(shop.repairs).all()]
    return Toolbox(tools, clock=shop.clock, redactor=Redactor("a-key-for-tests-only"), metrics=Metrics())


async def test_no_tool_can_approve(shop: Workshop) -> None:
    assert sorted(tool.name for tool in toolbox(shop).all()) == ["apply_plan", "diagnose", "propose_fix", "undo_plan"]


async def test_the_tools_walk_the_road_with_a_persons_approval_between(shop: Workshop) -> None:
    shop.mends()
    tools = toolbox(shop)
    found = await tools.call("diagnose", {}, VIEWER)
    assert found["data"]["causes"][0]["fault"] == "service_selector_mismatch"
    plan = (await tools.call("propose_fix", {"namespace": NS}, ALICE, "zh"))["data"]
    arguments = {"plan_id": plan["id"], "plan_hash": plan["hash"]}
    with pytest.raises(Forbidden):
        await tools.call("apply_plan", arguments, ALICE)
    await shop.repairs.approve(plan["id"], plan["hash"], BOB)
    done = await in_time(shop.clock, tools.call("apply_plan", arguments, ALICE))
    assert done["data"]["state"] == "succeeded"
    undone = await in_time(shop.clock, tools.call("undo_plan", {"plan_id": plan["id"]}, ALICE, "zh"))
    assert "已撤销" in undone["summary"]


@pytest.mark.parametrize(("language", "sentence"), [("en", "No cause was found"), ("zh", "没有找到原因")])
async def test_diagnose_says_in_words_when_it_found_no_cause(shop: Workshop, language: str, sentence: str) -> None:
    slow = shop.cluster.find("Pod", "baker-rs1-bcdfg")
    slow["status"]["conditions"][0].update(status="False", lastTransitionTime=at(10))
    shop.cluster.find("Service", "baker")["spec"]["selector"] = {"app": "baker"}
    found = await toolbox(shop).call("diagnose", {"namespace": NS}, VIEWER, language)  # type: ignore[arg-type]
    assert sentence in found["summary"]


@pytest.mark.parametrize(
    ("sample", "same"),
    [
        ({"namespace": NS, "pod": "baker-bcdfg24567-hjklm"}, True),
        ({"namespace": NS, "pod": "baker-bcdfg24567-nnnnn"}, True),
        ({"namespace": NS, "pod": "baker-redis-bcdfg24567-hjklm"}, False),
        ({"namespace": "elsewhere", "pod": "baker-bcdfg24567-hjklm"}, False),
        ({"__name__": "up", "namespace": NS, "reason": "any"}, True),
    ],
)
def test_the_same_trouble_in_a_new_pod_of_the_workload_is_still_the_alert(sample: dict[str, str], same: bool) -> None:
    alert = {"alertname": "X", "namespace": NS, "pod": "baker-bcdfg24567-hjklm"}
    assert speaks_of(sample, alert, "baker") is same


async def test_an_api_server_that_is_down_is_named_and_nothing_is_called_healthy(shop: Workshop) -> None:
    shop.cluster.read_errors["*"] = Upstream("The Kubernetes API server", "refused the connection", retryable=True)
    found = await toolbox(shop).call("diagnose", {"namespace": NS}, VIEWER)
    assert found["data"]["healthy"] is None
    assert "cannot be judged" in found["summary"]
    assert "The Kubernetes API server refused the connection" in found["summary"]
    with pytest.raises(Upstream, match="The Kubernetes API server"):
        await shop.proposed()
