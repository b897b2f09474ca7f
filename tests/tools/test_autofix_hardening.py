"""Repairs when the database, the clock, a rival or an intruder plays a part: what is taken up, what is refused, what is never written."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import logs
from core.clock import ManualClock
from core.errors import Forbidden, Invalid, Upstream
from core.metrics import Metrics
from core.redact import Redactor
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, in_time
from tests.tools.objects import NS, Object, deployment, endpoint_slice, pod, replica_set, service
from tests.tools.workshop import ALICE, BOB, VIEWER, Killed, Workshop, lost_service, workshop
from tools.autofix.plan import Plan, plan_hash
from tools.autofix.run import RESUME_SECONDS, TRIES, UNHEARD_SECONDS
from tools.autofix.tables import ApprovalRow, PlanRow
from tools.catalog.diagnose import DiagnoseTools
from tools.collect import Collector
from tools.engines.snapshot import Snapshot
from tools.spec import Toolbox

LOCKED = Upstream("The database", "could not do this: database is locked", retryable=True)


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service()) as made:
        made.mends()
        yield made


async def left_at_the_start(shop: Workshop, **more: Any) -> Plan:
    """An approved plan whose process died right after it was started, before any step."""
    plan = await shop.approved(**more)
    store = shop.repairs._store
    move = store.move

    async def dying(plan_id: str, what: str, **rest: Any) -> Plan:
        await move(plan_id, what, **rest)  # type: ignore[arg-type]
        raise Killed

    store.move = dying  # type: ignore[assignment, method-assign]
    with pytest.raises(Killed):
        await shop.applied(plan)
    return plan


async def taken_up(shop: Workshop, plan: Plan) -> Plan:
    assert await shop.restarted().resume() == [plan.id]
    await in_time(shop.clock, shop.repairs.settle())
    return await shop.repairs.get(plan.id)


# What has to be true before a repair is taken up.


@pytest.mark.parametrize("spoiled", ["removed", "unused", "another's", "forged"])
async def test_a_plan_under_way_without_a_valid_used_approval_is_stopped(shop: Workshop, spoiled: str) -> None:
    plan = await left_at_the_start(shop)
    async with shop.database.write() as session:
        row = await session.get(ApprovalRow, plan.id)
        assert row is not None
        if spoiled == "removed":
            await session.delete(row)
        elif spoiled == "unused":
            row.used_at = None
        elif spoiled == "another's":
            row.plan_hash = "0" * 64
        else:
            row.approver = "mallory"
    done = await taken_up(shop, plan)
    assert (done.state, shop.cluster.writes) == ("failed", [])
    assert "no valid approval" in done.state_reason


@pytest.mark.parametrize("state", ["applying", "undoing"])
async def test_a_plan_that_was_edited_under_way_is_stopped(shop: Workshop, state: str) -> None:
    plan = await left_at_the_start(shop)
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        steps = [{**step, "arguments": {"selector": {"app": "thief"}}} for step in row.body["steps"]]
        row.body, row.state = {**row.body, "steps": steps}, state
    done = await taken_up(shop, plan)
    assert (done.state, shop.cluster.writes) == ("failed", [])


async def test_a_row_that_says_applying_is_not_an_approval(shop: Workshop) -> None:
    plan = await shop.proposed()
    async with shop.database.write() as session:
        row = await session.get(PlanRow, plan.id)
        assert row is not None
        row.state = "applying"
    done = await taken_up(shop, plan)
    assert (done.state, shop.cluster.writes) == ("failed", [])


async def test_an_approval_that_expired_before_anything_was_done_is_not_taken_up(shop: Workshop) -> None:
    plan = await left_at_the_start(shop)
    await shop.clock.advance(shop.policy.approval_seconds)
    done = await taken_up(shop, plan)
    assert (done.state, shop.cluster.writes) == ("failed", [])
    assert "expired before anything was done" in done.state_reason


async def test_what_was_begun_in_time_is_finished_after_the_approval_expired(shop: Workshop) -> None:
    plan = await left_at_the_start(shop)
    await shop.repairs._store.note(plan.id, "step", plan.steps[0].idempotency_key, "sending", "")
    await shop.clock.advance(shop.policy.approval_seconds)
    assert (await taken_up(shop, plan)).state == "succeeded"


# What an error interrupts.


def fails_while_verifying(shop: Workshop, error: Exception, times: int) -> None:
    store, left = shop.repairs._store, times
    note = store.note

    async def failing(plan_id: str, kind: str, *rest: Any, **more: Any) -> None:
        nonlocal left
        if kind == "check" and left:
            left -= 1
            raise error
        await note(plan_id, kind, *rest, **more)

    store.note = failing  # type: ignore[method-assign]


@pytest.mark.parametrize("error", [LOCKED, KeyError("expr")], ids=["the database is locked", "a bug"])
async def test_a_repair_that_an_error_interrupted_is_taken_up_again(shop: Workshop, error: Exception) -> None:
    plan = await shop.approved()
    fails_while_verifying(shop, error, times=2)
    assert (await shop.applied(plan)).state == "verifying"
    loop = asyncio.create_task(shop.repairs.run())
    await in_time(shop.clock, until(shop, plan, "succeeded"))
    loop.cancel()
    assert len(shop.cluster.writes) == 1


async def until(shop: Workshop, plan: Plan, state: str) -> None:
    while (await shop.repairs.get(plan.id)).state != state:
        await shop.clock.sleep(1)


async def test_an_interruption_is_logged_with_what_was_wrong(shop: Workshop, redactor: Redactor) -> None:
    stream = io.StringIO()
    logs.configure("INFO", json=True, redactor=redactor, stream=stream)
    plan = await shop.approved()
    fails_while_verifying(shop, KeyError("expr"), times=1)
    await shop.applied(plan)
    said = stream.getvalue()
    assert "a repair was interrupted" in said
    assert "expr" in said


async def test_a_process_about_to_go_sees_an_interrupted_repair_through(shop: Workshop) -> None:
    plan = await shop.approved()
    fails_while_verifying(shop, LOCKED, times=1)
    await shop.applied(plan)
    await in_time(shop.clock, shop.repairs.settle())
    assert (await shop.repairs.get(plan.id)).state == "succeeded"


async def test_an_error_that_never_ends_is_handed_to_a_person(shop: Workshop) -> None:
    plan = await shop.approved()
    fails_while_verifying(shop, Invalid("the expression makes no sense"), times=1000)
    await shop.applied(plan)
    await in_time(shop.clock, shop.repairs.settle(), 3000)
    done = await shop.repairs.get(plan.id)
    assert done.state == "failed"
    assert f"interrupted {TRIES} times" in done.state_reason
    assert "makes no sense" in done.state_reason


async def test_resuming_as_often_as_one_likes_runs_a_repair_once(shop: Workshop) -> None:
    plan = await left_at_the_start(shop)
    shop.restarted()
    taken = await asyncio.gather(*(shop.repairs.resume() for _ in range(5)))
    assert [one for names in taken for one in names] == [plan.id]
    assert await shop.repairs.resume() == []
    await in_time(shop.clock, shop.repairs.settle())
    rows = await shop.rows(plan)
    assert rows.count("step do sending") == rows.count("check verification held") == 1


async def test_a_repair_at_work_in_another_process_is_left_to_it_until_it_falls_silent(shop: Workshop) -> None:
    plan = await left_at_the_start(shop)
    watching = shop.restarted()
    assert await watching.resume(only_orphans=True) == []
    await shop.clock.advance(shop.policy.verify_seconds + plan.hold_seconds + UNHEARD_SECONDS)
    assert await watching.resume(only_orphans=True) == [plan.id]
    await in_time(shop.clock, watching.settle())


async def test_the_loop_outlives_a_database_that_is_away(shop: Workshop) -> None:
    plan = await shop.approved()
    fails_while_verifying(shop, LOCKED, times=1)
    await shop.applied(plan)
    store = shop.repairs._store
    unfinished, turns = store.unfinished, 0

    async def away_at_first() -> list[Plan]:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise LOCKED
        return await unfinished()

    store.unfinished = away_at_first  # type: ignore[method-assign]
    loop = asyncio.create_task(shop.repairs.run())
    began = shop.clock.now()
    await in_time(shop.clock, until(shop, plan, "succeeded"))
    loop.cancel()
    assert shop.clock.now() - began >= timedelta(seconds=3 * RESUME_SECONDS)


# What is written down.


async def test_what_systems_said_is_redacted_before_it_is_stored(shop: Workshop) -> None:
    secret = "hunter2-hunter2"
    shop.cluster.find("Service", "baker")["spec"]["selector"] = {"app": "baker-v2", "password": secret}
    assert secret not in str((await shop.proposed()).evidence)


async def test_no_row_of_a_repair_holds_a_secret_that_a_system_said(shop: Workshop) -> None:
    plan = await shop.approved()
    shop.cluster.patch_script = [Forbidden("denied: token=abcdefgh12345678 is not known")]
    await shop.applied(plan)
    told = [row.sentence for row in await shop.repairs.ledger(plan.id)]
    told.append((await shop.repairs.get(plan.id)).state_reason)
    assert "abcdefgh12345678" not in "".join(told)
    assert "denied" in told[-1]


# What is shown is what is approved.


async def test_a_plan_shows_what_taking_it_back_would_change(shop: Workshop) -> None:
    plan = await shop.proposed()
    assert "-    app: baker-v2\n+    app: baker" in plan.diff
    assert "-    app: baker\n+    app: baker-v2" in plan.undo_diff


@pytest.mark.parametrize("shown", ["title", "risk", "diff", "undo_diff"])
async def test_an_approval_is_for_what_was_shown(shop: Workshop, shown: str) -> None:
    plan = await shop.proposed()
    assert plan_hash(plan.model_copy(update={shown: "high"})) != plan.hash


# Rivals.


async def test_any_number_who_look_right_after_an_expiry_all_get_an_answer(shop: Workshop) -> None:
    plan = await shop.proposed()
    await shop.clock.advance(shop.policy.approval_seconds + 1)
    seen = await asyncio.gather(*(shop.repairs.list() for _ in range(4)))
    assert [[one.state for one in found] for found, _ in seen] == [["expired"]] * 4
    assert (await shop.rows(plan)).count("transition expired proposed") == 1


def two_lost_services() -> list[Object]:
    second = [deployment("miller"), service("miller", {"app": "miller-v2"}), endpoint_slice("miller", 0)]
    new = replica_set(second[0], 1, ready=1, minutes_ago=500)
    return [*lost_service(), *second, new, pod(new)]


async def test_plans_started_side_by_side_cannot_exceed_the_hourly_bound_together(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with workshop(tmp_path, clock, two_lost_services(), changes_per_hour=1, least_confidence=0.1) as shop:
        plans = [await shop.approved(name=name) for name in ("baker", "miller")]
        assert len({plan.id for plan in plans}) == 2
        both = (shop.repairs.apply(plan.id, plan.hash, ALICE) for plan in plans)

        async def at_once() -> list[Plan | BaseException]:
            return list(await asyncio.gather(*both, return_exceptions=True))

        refused = [one for one in await in_time(clock, at_once()) if isinstance(one, BaseException)]
        assert [type(one) for one in refused] == [Forbidden]
        assert refused[0].details["rule"] == "changes_per_hour"  # type: ignore[attr-defined]
        assert [await shop.repairs._store.changes_lately(), len({name for name, _ in shop.cluster.writes})] == [2, 1]


# One cluster from the first look to the last write, and a loop that stays free.


class TurningClusters(FakeClusters):
    """The current context is turned to another cluster right after it was asked for."""

    def __init__(self, first: FakeCluster, then: FakeCluster) -> None:
        super().__init__(first)
        first.context, then.context = "first", "then"
        self._by_name = {"first": first, "then": then}
        self._current = "first"

    async def get(self, context: str = "") -> FakeCluster:
        found = self._by_name[context or self._current]
        self._current = "then"
        return found


async def test_a_plan_is_made_for_the_cluster_that_was_looked_at(shop: Workshop) -> None:
    other = FakeCluster(*lost_service())
    shop.clusters = TurningClusters(shop.cluster, other)
    shop.restarted()
    plan = await shop.proposed()
    assert (plan.context, plan.steps[0].target.context) == ("first", "first")


class Watched(Snapshot):
    """A snapshot that knows in which threads it was thought about."""

    def workloads(self, namespace: str | None = None) -> Iterator[Object]:
        THREADS.add(threading.get_ident())
        return super().workloads(namespace)


THREADS: set[int] = set()


class WatchedCollector(Collector):
    async def collect(self, *args: Any, **more: Any) -> Snapshot:
        found = await super().collect(*args, **more)
        return Watched(**{field.name: getattr(found, field.name) for field in fields(found)})


async def test_a_diagnosis_never_thinks_on_the_event_loop(shop: Workshop) -> None:
    collector = WatchedCollector(shop.clusters, FakePrometheus(), shop.clock)
    box = Toolbox(DiagnoseTools(collector, NS).all(), clock=shop.clock, redactor=Redactor("k" * 32), metrics=Metrics())
    THREADS.clear()
    await box.call("diagnose", {}, VIEWER)
    assert THREADS
    assert threading.get_ident() not in THREADS


async def test_neither_a_proposal_nor_a_verification_searches_for_causes_on_the_event_loop(shop: Workshop) -> None:
    collector = WatchedCollector(shop.clusters, shop.prometheus, shop.clock)
    shop.repairs._planner._collector = shop.repairs._verifier._collector = collector
    THREADS.clear()
    plan = await shop.proposed()
    thought = set(THREADS)
    THREADS.clear()
    await shop.repairs.approve(plan.id, plan.hash, BOB)
    await shop.applied(plan)
    assert thought
    assert THREADS
    assert threading.get_ident() not in thought | THREADS
