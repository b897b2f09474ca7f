"""What is told of one incident: its alerts, what people did and wrote, the repair that was carried out, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alerts.desk import AlertDesk
from alerts.incidents.incident import Incident
from alerts.incidents.member import Member
from alerts.model import UNSEEN_ENDS, Alert, Transition
from api.lessons.finding import recorded
from core.errors import NotFound
from knowledge_base.cases.case import Sighting, Times, Words
from knowledge_base.cases.lesson import Ending, Finding, Lesson, Note, Repair
from tools.autofix.plan import RUNNING, LedgerEntry, Plan


class Plans(Protocol):
    """What of the repairs is read here."""

    async def list(self, state: None, limit: int, /) -> tuple[Sequence[Plan], int]: ...

    async def ledger(self, plan_id: str, /) -> Sequence[LedgerEntry]: ...


MAX_ALERTS = 10
MAX_PLANS = 50
DONE = ("succeeded", "failed", "undone")
_DEEDS = ("acknowledged", "assigned", "closed")


@dataclass(frozen=True, slots=True)
class Witness:
    """One alert of the incident with what happened to it in that time."""

    member: Member
    alert: Alert | None
    """As it is now, if it still speaks of this very firing."""
    labels: dict[str, str]
    summary: Words
    deeds: tuple[Transition, ...]


class Gathering:
    def __init__(self, desk: AlertDesk, repairs: Plans) -> None:
        self._desk = desk
        self._repairs = repairs

    async def lesson(self, incident: str, finding: Finding | None) -> tuple[Lesson, bool]:
        """With it, whether a repair of it is still going on: then its outcome is yet to come."""
        found, members = await self._desk.incidents.get(incident)
        if finding and found.workload.startswith(finding.component.name):
            # Of a workload by its ReplicaSet's name the diagnosis knows better.
            found = replace(found, workload=finding.component.name)
        seen = [await self._witness(member, found) for member in members[:MAX_ALERTS]]
        plans = await self._plans(found, finding, {member.fingerprint for member in members})
        plan = min((one for one in plans if one.state in DONE), key=lambda one: DONE.index(one.state), default=None)
        lesson = Lesson(
            incident=found.id,
            title=Words(en=found.title("en"), zh=found.title("zh")),
            namespace=found.namespace,
            workload=found.workload,
            alerts=[
                Sighting(name=one.member.name, severity=one.member.severity, labels=one.labels, summary=one.summary)
                for one in seen
            ],
            finding=_finding(finding, plan),
            repair=await self._repair(plan) if plan else None,
            notes=_notes(seen),
            endings=[ending for one in seen if (ending := _ending(one))],
            people=_people(seen, plan),
            times=_times(found, seen),
        )
        return lesson, any(one.state in RUNNING for one in plans)

    async def _witness(self, member: Member, incident: Incident) -> Witness:
        try:
            alert = await self._desk.get(member.fingerprint)
            moves = await self._desk.transitions(member.fingerprint)
        except NotFound:
            return Witness(member, None, {}, Words(), ())
        end = incident.resolved_at
        deeds = [
            move
            for move in moves
            if move.after in _DEEDS and member.starts_at <= move.at and (not end or move.at <= end)
        ]
        summary = Words(en=alert.annotation("summary", "en"), zh=alert.annotation("summary", "zh"))
        same = alert if alert.episode == member.episode else None
        return Witness(member, same, dict(alert.labels), summary, tuple(deeds))

    async def _plans(self, incident: Incident, finding: Finding | None, fingerprints: set[str]) -> list[Plan]:
        """The repairs of its time that were for one of its alerts or for its component, the latest first."""
        plans, _ = await self._repairs.list(None, MAX_PLANS)
        its_time = [plan for plan in plans if _is_of_its_time(plan, incident)]
        return [plan for plan in its_time if _is_for(plan, incident, finding, fingerprints)]

    async def _repair(self, plan: Plan) -> Repair:
        ledger = await self._repairs.ledger(plan.id)
        ended = [entry.at for entry in ledger if entry.kind == "transition" and entry.subject == plan.state]
        return Repair(
            plan=plan.id,
            title=plan.title,
            steps=[step.summary for step in plan.steps],
            helped=plan.state == "succeeded",
            verdict=plan.state_reason,
            approved_by=plan.approval.approver if plan.approval else plan.proposed_by,
            ended_at=ended[-1] if ended else None,
        )


def _is_of_its_time(plan: Plan, incident: Incident) -> bool:
    return plan.created_at >= incident.first_at and (
        not incident.resolved_at or plan.created_at <= incident.resolved_at
    )


def _is_for(plan: Plan, incident: Incident, finding: Finding | None, fingerprints: set[str]) -> bool:
    if plan.reason.alert in fingerprints:
        return True
    thing = plan.reason.component
    found = finding.component if finding else None
    names = {(incident.namespace, incident.workload), (found.namespace, found.name) if found else ("", "")}
    return bool(thing.name) and (thing.namespace or "", thing.name) in names


def _finding(finding: Finding | None, plan: Plan | None) -> Finding | None:
    """What was repaired with success is what it was, whatever was thought before."""
    if plan is None or (finding and (plan.state != "succeeded" or finding.fault == plan.reason.fault)):
        return finding
    why = plan.reason
    said = Words(en=why.statement, zh=why.statement)
    return recorded(why.fault, why.component, said, why.confidence, plan.evidence, finding.logs if finding else ())


def _notes(seen: Sequence[Witness]) -> list[Note]:
    notes = {
        (move.by, move.note): Note(by=move.by, text=move.note, at=move.at)
        for one in seen
        for move in one.deeds
        if move.note.strip()
    }
    return sorted(notes.values(), key=lambda note: note.at)


def _people(seen: Sequence[Witness], plan: Plan | None) -> list[str]:
    approver = [plan.approval.approver] if plan and plan.approval else []
    return sorted({*approver, *(move.by for one in seen for move in one.deeds)})


def _ending(one: Witness) -> Ending | None:
    member, alert = one.member, one.alert
    if member.ends_at:
        seen = not (alert and alert.ended_because in UNSEEN_ENDS)
        return Ending(alert=member.name, at=member.ends_at, seen=seen)
    if alert and alert.closed_by and alert.closed_at:
        return Ending(alert=member.name, at=alert.closed_at, closed_by=alert.closed_by)
    return None


def _times(incident: Incident, seen: Sequence[Witness]) -> Times:
    began = [one.alert.active_at for one in seen if one.alert]
    taken = [move.at for one in seen for move in one.deeds if move.after == "acknowledged"]
    return Times(
        began=min([*began, incident.first_at]),
        detected=incident.first_at,
        acknowledged=min(taken, default=None),
        closed=incident.resolved_at or _closed_by_hand(seen),
    )


def _closed_by_hand(seen: Sequence[Witness]) -> datetime | None:
    ends = [ending.at for one in seen if (ending := _ending(one))]
    return max(ends, default=None) if len(ends) == len(seen) else None
