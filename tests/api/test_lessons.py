"""How an incident becomes a case: looked at while it goes on, written when it is over, whatever happens to the process."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.model import Alert, Change, Transition, fingerprint
from api.lessons import watch
from api.lessons.watch import LOOK_BACK, LOOKS, Lessons
from core.database import Database
from core.errors import Upstream
from knowledge_base.cases.book import KEPT, CaseBook
from knowledge_base.cases.case import Case, Component
from knowledge_base.cases.lesson import Finding, Lesson
from knowledge_base.cases.records import Filter
from tests.alerts.night import Night
from tests.knowledge_base.cases.fakes import book_on, finding
from tools.autofix.plan import LedgerEntry, Plan

MINUTE = timedelta(minutes=1)


@dataclass
class Examiner:
    """A diagnosis as the test wants it."""

    answers: list[Finding | Exception | None] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, namespace: str, workload: str) -> Finding | None:
        self.asked.append((namespace, workload))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Repairs:
    plans: list[Plan] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)

    async def list(self, _state: None, _limit: int) -> tuple[list[Plan], int]:
        return self.plans, len(self.plans)

    async def ledger(self, _plan_id: str) -> Sequence[LedgerEntry]:
        return self.entries


class Scene:
    def __init__(self, database: Database) -> None:
        self.night = Night(database, [])
        self.clock, self.desk = self.night.clock, self.night.desk
        self.book: CaseBook = book_on(database, self.clock)
        self.examiner, self.repairs = Examiner(), Repairs()
        self.lessons = self.watcher()

    def watcher(self) -> Lessons:
        """As a process that has just begun has it."""
        return Lessons(self.book, self.desk, self.repairs, self.examiner, self.clock)

    def after(self, seconds: float) -> str:
        return (self.night.start + timedelta(seconds=seconds)).isoformat()

    async def fires(self, name: str, **labels: str) -> Alert:
        labels = {"alertname": name, "severity": "critical", **labels}
        at = self.clock.now()
        said = {"summary": f"{name} fires"}
        alert = Alert(fingerprint(labels), "r", name, labels, said, "firing", 1, f"{at:%H%M%S}", at, at)
        return await self._heard(alert, Transition("inactive", "firing", "seen", at))

    async def ends(self, alert: Alert, because: str = "gone") -> Alert:
        at = self.clock.now()
        over = replace(await self.desk.get(alert.fingerprint), state="resolved", resolved_at=at, ended_because=because)
        return await self._heard(over, Transition("firing", "resolved", because, at))

    async def _heard(self, alert: Alert, move: Transition) -> Alert:
        change = Change(alert, move)
        await self.night.store.save([change])
        self.night.incidents.put(change)
        await self.night.incidents.tick()
        return alert

    async def incident_of(self, alert: Alert) -> str:
        found = await self.desk.incidents.of_alert(alert.fingerprint)
        assert found is not None
        return found.id

    async def cases(self) -> list[Case]:
        return list((await self.book.page(Filter()))[0])

    async def case(self) -> Case:
        (case,) = await self.cases()
        return case


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database = Database(f"sqlite:///{tmp_path / 'night.db'}")
    await database.create_tables()
    yield Scene(database)
    await database.close()


async def oom(scene: Scene) -> Alert:
    return await scene.fires("ContainerOOM", namespace="shop", deployment="cart")


async def incident(scene: Scene, name: str = "ContainerOOM", **labels: str) -> str:
    """One that began, was looked at, and ended."""
    alert = await scene.fires(name, **({"namespace": "shop", "deployment": "cart"} | labels))
    await scene.lessons.tick()
    await scene.clock.advance(300)
    await scene.ends(alert)
    assert await scene.lessons.tick() == 1
    return await scene.incident_of(alert)


async def test_an_incident_that_ends_becomes_a_case(scene: Scene) -> None:
    scene.examiner.answers = [finding()]
    alert = await oom(scene)
    await scene.lessons.tick()
    assert await scene.cases() == []
    await scene.clock.advance(60)
    await scene.desk.acknowledge(alert.fingerprint, "ann", "looking at the cache")
    await scene.clock.advance(240)
    await scene.ends(alert)
    await scene.lessons.tick()
    case = await scene.case()
    assert case.incident == case.id == await scene.incident_of(alert)
    assert (case.body.title("en"), case.state) == ("ContainerOOM in shop/cart", "draft")
    assert "The container needs more memory" in case.body.cause("en")
    assert case.body.fix("en") == "ann noted: looking at the cache"
    assert case.body.proof("en") == "ContainerOOM ended at 2026-03-02 21:05:00 UTC."
    assert (case.facts.fault, case.facts.people, case.facts.times.seconds) == ("oom_killed", ["ann"], 300)
    assert case.facts.times.acknowledged == scene.night.start + MINUTE
    assert scene.examiner.asked == [("shop", "cart")]


async def test_the_next_turn_has_nothing_to_do_and_a_new_process_neither(scene: Scene) -> None:
    await incident(scene)
    assert await scene.lessons.tick() == 0
    assert await scene.watcher().tick() == 0


async def test_what_ended_while_nobody_was_there_is_made_up_at_the_next_start(scene: Scene) -> None:
    scene.examiner.answers = [finding()]
    alert = await oom(scene)
    await scene.lessons.tick()
    await scene.clock.advance(300)
    await scene.ends(alert)  # and the process dies before its next turn
    await scene.clock.advance(3600)
    assert await scene.watcher().tick() == 1
    case = await scene.case()
    assert (case.facts.fault, case.facts.times.closed) == ("oom_killed", scene.night.start + 5 * MINUTE)


async def test_it_is_looked_at_again_until_a_cause_is_sure(scene: Scene) -> None:
    unsure, other = finding(confidence=0.4), finding(fault="memory_leak", confidence=0.3)
    scene.examiner.answers = [unsure, other, None, finding()]
    alert = await oom(scene)
    for wait in (0.0, 1.0, 59.0, 300.0, 600.0):
        await scene.clock.advance(wait)
        await scene.lessons.tick()
    assert len(scene.examiner.asked) == len(LOOKS)
    await scene.ends(alert)
    await scene.lessons.tick()
    facts = (await scene.case()).facts
    assert (facts.fault, facts.confidence) == ("oom_killed", 0.4)


async def test_a_storm_of_incidents_is_no_storm_of_questions(scene: Scene) -> None:
    for number in range(9):
        await scene.fires("ContainerOOM", namespace=f"team-{number}", deployment="cart")
    await scene.lessons.tick()
    assert len(scene.examiner.asked) == 2
    for _ in range(10):
        await scene.lessons.tick()
    assert len(set(scene.examiner.asked)) == len(scene.examiner.asked) == 9


async def test_many_that_end_together_all_get_their_case(scene: Scene) -> None:
    alerts = [await scene.fires("ContainerOOM", namespace=f"team-{number}") for number in range(25)]
    await scene.clock.advance(60)
    for alert in alerts:
        await scene.ends(alert)
    assert [await scene.lessons.tick() for _ in range(3)] == [20, 5, 0]


async def test_a_long_past_is_looked_through_page_by_page(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE", 2)
    monkeypatch.setattr(watch, "AT_ONCE", 3)
    for number in range(7):
        await scene.ends(await scene.fires("ContainerOOM", namespace=f"team-{number}"))
    lessons = scene.watcher()
    assert [await lessons.tick() for _ in range(4)] == [3, 3, 1, 0]
    assert await scene.watcher().tick() == 0


async def test_what_ended_longer_ago_than_a_week_is_left_alone(scene: Scene) -> None:
    await scene.ends(await oom(scene))
    await scene.clock.advance((LOOK_BACK + MINUTE).total_seconds())
    assert await scene.watcher().tick() == 0
    assert await scene.cases() == []


async def test_what_is_past_its_time_is_swept_now_and_then_and_not_each_turn(scene: Scene) -> None:
    await incident(scene)
    await scene.clock.advance((KEPT + MINUTE).total_seconds())
    await scene.lessons.tick()
    assert await scene.cases() == []
    await incident(scene)
    await scene.lessons.tick()
    assert len(await scene.cases()) == 1


async def test_a_turn_that_fails_is_said_and_the_next_one_is_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = await oom(scene)
    await scene.ends(alert)
    with monkeypatch.context() as broken:
        broken.setattr(scene.book, "write", failing)
        assert await scene.lessons.tick() == 0
    assert await scene.lessons.tick() == 1


async def test_an_incident_that_cannot_be_written_down_keeps_no_other_from_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await oom(scene)
    bad = await scene.incident_of(first)
    other = await scene.fires("Slow", namespace="pay")
    await scene.ends(first)
    await scene.ends(other)
    write = scene.book.write

    async def picky(lesson: Lesson, *, ended: bool) -> Case | None:
        if lesson.incident == bad:
            raise Upstream("The database", "is full", retryable=True)
        return await write(lesson, ended=ended)

    monkeypatch.setattr(scene.book, "write", picky)
    assert await scene.lessons.tick() == 1


async def failing(*_told: object, **_more: object) -> None:
    raise Upstream("The database", "is full", retryable=True)


async def test_what_people_call_an_incident_is_what_its_case_is_called(scene: Scene) -> None:
    scene.examiner.answers = [finding()]
    alert = await scene.fires("ContainerOOM", namespace="shop", pod="cart-n67vrzgw6l-x2x9q")
    await scene.lessons.tick()
    await scene.ends(alert)
    await scene.lessons.tick()
    assert (await scene.case()).body.title("en") == "ContainerOOM in shop/cart"
    named = await scene.fires("Slow", namespace="pay")
    await scene.desk.incidents.entitle(await scene.incident_of(named), "The release of noon", "ann")
    await scene.ends(named)
    await scene.lessons.tick()
    assert {case.body.title("zh") for case in await scene.cases()} >= {"The release of noon"}


async def test_a_cluster_that_does_not_answer_costs_the_cause_and_not_the_case(scene: Scene) -> None:
    scene.examiner.answers = [Upstream("Kubernetes", "refused the connection", retryable=True)]
    await incident(scene)
    assert (await scene.case()).body.cause("en").startswith("Not established")


async def test_an_end_that_nobody_saw_is_not_called_well(scene: Scene) -> None:
    alert = await oom(scene)
    await scene.ends(alert, "expired")
    await scene.lessons.tick()
    assert "nobody saw it end" in (await scene.case()).body.proof("en")


async def test_an_incident_whose_alerts_people_have_closed_is_closed(scene: Scene) -> None:
    alert = await scene.fires("Flapping", namespace="shop")
    other = await scene.fires("Other", namespace="pay")
    await scene.lessons.tick()
    await scene.desk.close(alert.fingerprint, "bob", "known, ticket 12")
    assert [await scene.lessons.tick() for _ in range(2)] == [1, 0]
    case = await scene.case()
    assert case.incident == await scene.incident_of(alert) != await scene.incident_of(other)
    assert "closed by bob" in case.body.proof("en")
    assert "known, ticket 12" in case.body.fix("en")


async def test_an_incident_that_goes_on_is_told_anew_when_it_ends(scene: Scene) -> None:
    key = await incident(scene)
    again = await oom(scene)
    assert await scene.incident_of(again) == key
    await scene.lessons.tick()
    await scene.clock.advance(60)
    await scene.ends(again)
    assert await scene.lessons.tick() == 1
    case = await scene.case()
    assert (case.version, case.facts.times.closed) == (2, scene.night.start + 6 * MINUTE)


async def test_what_flowed_into_another_incident_makes_no_case_of_its_own(scene: Scene) -> None:
    one, other = await oom(scene), await scene.fires("DiskFull", node="n1")
    scene.examiner.answers = [finding(), finding()]
    await scene.lessons.tick()
    into, gone = await scene.incident_of(one), await scene.incident_of(other)
    await scene.desk.incidents.merge(into, [gone], "ann")
    await scene.lessons.tick()
    assert await scene.book.of_incident(gone) is None
    for alert in (one, other):
        await scene.ends(alert)
    await scene.lessons.tick()
    assert (await scene.case()).incident == into


async def test_a_case_whose_incident_is_merged_afterwards_goes(scene: Scene) -> None:
    into, gone = await incident(scene), await incident(scene, "DiskFull", namespace="", deployment="", node="n1")
    assert len(await scene.cases()) == 2
    await scene.desk.incidents.merge(into, [gone], "ann")
    await scene.lessons.tick()
    assert (await scene.case()).incident == into


async def test_an_incident_names_the_cases_like_it_and_not_its_own(scene: Scene) -> None:
    elsewhere = Component(kind="Deployment", namespace="pay", name="api")
    scene.examiner.answers = [finding(), finding(component=elsewhere)]
    before = await incident(scene)
    now = await incident(scene, namespace="pay", deployment="api")
    found = await scene.lessons.similar(now)
    assert [one.case.id for one in found] == [before]
    assert {view.name for view in found[0].views} >= {"alert", "logs"}


async def test_the_repair_that_was_carried_out_is_the_fix_and_its_cause_the_cause(scene: Scene) -> None:
    scene.examiner.answers = [finding(fault="memory_leak", confidence=0.7)]
    alert = await oom(scene)
    await scene.lessons.tick()
    await scene.clock.advance(120)
    plan = repair(scene, alert)
    scene.repairs.plans = [plan.model_copy(update={"id": "other", "state": "failed"}), plan]
    scene.repairs.entries = [entry(scene, "succeeded")]
    await scene.clock.advance(60)
    await scene.ends(alert)
    await scene.lessons.tick()
    case = await scene.case()
    assert (case.facts.fault, case.facts.plan, case.facts.people) == ("oom_killed", "plan-1", ["ann"])
    assert case.body.fix("en") == "Raise the limit. memory 64Mi -> 128Mi. Approved by ann."
    assert case.body.proof("en").startswith("It helped: ✓ ready\n")
    assert case.facts.times.repaired == scene.night.start + 2 * MINUTE


@pytest.mark.parametrize(("wait", "cases"), [(0, 0), (29 * 60, 0), (31 * 60, 1)])
async def test_a_case_waits_for_the_outcome_of_its_repair_but_not_for_ever(
    scene: Scene, wait: float, cases: int
) -> None:
    alert = await oom(scene)
    await scene.clock.advance(60)
    scene.repairs.plans = [repair(scene, alert).model_copy(update={"state": "verifying"})]
    await scene.ends(alert)
    assert await scene.lessons.tick() == 0
    await scene.clock.advance(wait)
    await scene.lessons.tick()
    assert len(await scene.cases()) == cases
    if cases:
        return
    scene.repairs.plans = [repair(scene, alert).model_copy(update={"created_at": scene.night.start + MINUTE})]
    assert await scene.lessons.tick() == 1
    assert (await scene.case()).facts.plan == "plan-1"


async def test_a_repair_of_another_time_or_place_is_none_of_its_own(scene: Scene) -> None:
    early = repair(scene, None)
    await scene.clock.advance(60)
    alert = await oom(scene)
    elsewhere = early.reason.model_copy(update={"component": early.reason.component.model_copy(update={"name": "api"})})
    scene.repairs.plans = [early, repair(scene, None).model_copy(update={"reason": elsewhere})]
    await scene.ends(alert)
    await scene.lessons.tick()
    assert (await scene.case()).facts.plan == ""


def repair(scene: Scene, alert: Alert | None) -> Plan:
    now = scene.clock.now()
    thing: dict[str, Any] = {"kind": "Deployment", "namespace": "shop", "name": "cart"}
    target = {**thing, "context": "c", "uid": "u", "resource_version": "1", "digest": "d"}
    step = {
        "action": "patch",
        "target": target,
        "arguments": {},
        "idempotency_key": "k",
        "summary": "memory 64Mi -> 128Mi",
    }
    approval = {"plan_hash": "h", "approver": "ann", "via": "http", "note": "", "at": now, "expires_at": now}
    why = {"fault": "oom_killed", "component": thing, "statement": "It needs more.", "confidence": 0.9}
    return Plan.model_validate(
        {
            "id": "plan-1", "title": "Raise the limit", "for": {**why, "alert": alert.fingerprint if alert else None},
            "context": "c", "namespace": "shop", "remedy": "raise_memory_limit", "steps": [step], "undo": [], "verify": [],
            "hold_seconds": 1, "risk": "low", "blast_radius": "", "expected_effect": "",
            "evidence": [{"source": "kubernetes", "ref": "Pod", "quote": "OOMKilled"}], "diff": "", "hash": "h",
            "language": "en", "proposed_by": "ann", "created_at": now, "expires_at": now, "state": "succeeded",
            "state_reason": "It helped: ✓ ready", "approval": approval,
        }
    )  # fmt: skip


def entry(scene: Scene, subject: str) -> LedgerEntry:
    return LedgerEntry(
        seq=1,
        at=scene.clock.now(),
        kind="transition",
        subject=subject,
        phase="verifying",
        sentence="",
        by="",
        detail={},
    )
