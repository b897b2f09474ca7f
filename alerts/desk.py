"""The room's front desk: what everybody else may ask about alerts, and the one thing people do to them.

Lists are filtered and paged in SQL. A fingerprint may be given by its first characters, as long as they mean one alert. Acknowledging stops
repeats, not the alert: it ends when its condition does.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from alerts.daily import MAX_INCIDENTS, day_of, report
from alerts.durations import show_duration
from alerts.evaluator import Evaluator, RuleStatus
from alerts.feed import Feed
from alerts.fields import zone as read_zone
from alerts.incidents.book import IncidentBook
from alerts.incidents.records import Filter as Incidents
from alerts.model import STATES, Alert, Status, Transition
from alerts.notify.records import Decision, Delivery, Records
from alerts.statistics import MAX_EPISODES, GroupBy, summary
from alerts.store import MAX_PAGE, AlertStore, Filter
from core.clock import Clock
from core.errors import Conflict, Invalid, NotFound, near_misses

MAX_NOTE = 2000
SHORTEST_HOLD, LONGEST_HOLD = timedelta(minutes=1), timedelta(days=30)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
LONGEST = timedelta(days=400)


class AlertDesk:
    def __init__(
        self,
        *,
        store: AlertStore,
        records: Records,
        evaluator: Evaluator,
        feed: Feed,
        clock: Clock,
        incidents: IncidentBook,
    ) -> None:
        self._store = store
        self._records = records
        self._evaluator = evaluator
        self._feed = feed
        self._clock = clock
        self.incidents = incidents
        """Listed, merged and split there."""

    async def list(
        self,
        state: str | None = None,
        severity: str | None = None,
        limit: int = 50,
        offset: int = 0,
        *,
        name: str | None = None,
        namespace: str | None = None,
        status: Status | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[list[Alert], int]:
        """A page of alerts, the most pressing first, and how many there are in all."""
        if state is not None and state not in STATES:
            raise Invalid(f"There is no alert state {state}.", field="state", allowed=STATES)
        if not 1 <= limit <= MAX_PAGE or offset < 0:
            raise Invalid(f"limit must be 1 to {MAX_PAGE} and offset not negative.", field="limit")
        wanted = Filter(state, severity, name, namespace, status, since, until)
        return await self._store.page(wanted, limit, offset)

    async def get(self, fingerprint: str) -> Alert:
        wanted = fingerprint.strip().lower()
        found = await self._store.starting_with(wanted, 10) if re.fullmatch(r"[0-9a-f]{1,16}", wanted) else []
        meant = sorted({alert.fingerprint for alert in found})
        if len(meant) > 1:
            raise Invalid(f"{wanted} means more than one alert.", field="fingerprint", allowed=meant)
        if found:
            return found[0]
        raise NotFound(f"There is no alert {fingerprint[:100]}.", near=await self._near(fingerprint[:100]))

    async def acknowledge(self, fingerprint: str, by: str, note: str = "", hold: timedelta | None = None) -> Alert:
        """The first to take a firing alert has it, for good or for a while; whoever has it may say anew for how long."""
        if len(note) > MAX_NOTE:
            raise Invalid(f"The note is longer than {MAX_NOTE} characters.", field="note")
        if hold is not None and not SHORTEST_HOLD <= hold <= LONGEST_HOLD:
            raise Invalid("An alert is taken for 1m to 30d, or until it ends.", field="hold")
        alert, now = await self.get(fingerprint), self._clock.now()
        until = now + hold if hold else None
        if await self._store.acknowledge(alert, by, note, now, until) or (
            until != alert.acknowledged_until and await self._store.prolong(alert, by, note, now, until)
        ):
            taken = await self.get(alert.fingerprint)
            self._feed.publish(taken)
            return taken
        present = await self.get(alert.fingerprint)
        if present.state != "firing":
            raise Conflict(
                f"The alert {present.name} is {present.state}; only a firing alert can be acknowledged.",
                expected="firing",
                found=present.state,
            )
        return present

    async def assign(self, fingerprint: str, to: str | None, by: str) -> Alert:
        """Whose it is from now on; None takes it from whoever had it. It stops nothing."""
        alert = await self.get(fingerprint)
        return await self._attended(alert, await self._store.assign(alert, to, by, self._clock.now()), "assigned")

    async def close(self, fingerprint: str, by: str, reason: str = "") -> Alert:
        """Nobody is told of it any more; when it has ended by itself and fires again, that is news."""
        if len(reason) > MAX_NOTE:
            raise Invalid(f"The reason is longer than {MAX_NOTE} characters.", field="reason")
        alert = await self.get(fingerprint)
        if alert.closed_by:
            return alert
        return await self._attended(alert, await self._store.close(alert, by, reason, self._clock.now()), "closed")

    async def _attended(self, alert: Alert, done: bool, what: str) -> Alert:
        present = await self.get(alert.fingerprint)
        if not done and present.state != "firing":
            raise Conflict(
                f"The alert {present.name} is {present.state}; only a firing alert can be {what}.",
                expected="firing",
                found=present.state,
            )
        self._feed.publish(present)
        return present

    async def history(self, start: datetime, end: datetime, group_by: GroupBy = "severity") -> dict[str, Any]:
        """A stretch of time in numbers."""
        if not start < end or end - start > LONGEST:
            raise Invalid(f"start_time must be before end_time, and at most {LONGEST.days} days.", field="start_time")
        return summary(await self._store.episodes(start, end, MAX_EPISODES), start, end, group_by)

    async def daily(self, wanted: date | None, zone: str) -> dict[str, Any]:
        """One day of a time zone, beside the day before; today as far as it has come."""
        day = day_of(wanted, read_zone(zone, "zone:", "zone"), zone or "UTC", self._clock.now())
        episodes = await self._store.episodes(day.start, day.end - _TICK, MAX_EPISODES)
        before = await self._store.episodes(day.before.start, day.start - _TICK, MAX_EPISODES)
        incidents, _ = await self.incidents.list(Incidents(since=day.start, until=day.end - _TICK), MAX_INCIDENTS)
        return report(day, episodes, len(before), incidents)

    async def transitions(self, fingerprint: str) -> Sequence[Transition]:
        return await self._store.transitions((await self.get(fingerprint)).fingerprint)

    async def decisions(self, fingerprint: str) -> Sequence[Decision]:
        """Why it was told, and why it was not."""
        return await self._records.decisions_about((await self.get(fingerprint)).fingerprint)

    async def deliveries(self, fingerprint: str) -> Sequence[Delivery]:
        return await self._records.deliveries_about((await self.get(fingerprint)).fingerprint)

    async def latest_deliveries(self) -> dict[str, Delivery]:
        """What came of the last message to each way of each receiver."""
        return await self._records.latest_deliveries()

    async def facts(self, fingerprint: str) -> tuple[str, str, dict[str, str]] | None:
        """Name, expression and labels, for whoever must ask the same question again; None where no query raised it."""
        try:
            alert = await self.get(fingerprint)
        except NotFound:
            return None
        rule = self._evaluator.rule(alert.rule_id)
        return (alert.name, rule.expr, alert.labels) if rule and rule.expr else None

    def changes(self) -> AsyncIterator[Alert]:
        return self._feed.follow()

    @property
    def trouble(self) -> str:
        """Why the alerts shown here may be out of date, empty when they are not."""
        return self._evaluator.trouble

    @property
    def answered_at(self) -> datetime:
        return self._evaluator.answered_at

    def rules(self) -> Sequence[dict[str, Any]]:
        return [self._rule(status) for status in self._evaluator.statuses()]

    def expression(self, alert: Alert) -> str:
        rule = self._evaluator.rule(alert.rule_id)
        return rule.expr if rule else ""

    async def statistics(self) -> dict[str, Any]:
        since = self._clock.now() - _DAY
        counts = await self._store.counts(since)
        decisions, deliveries = await self._records.counts(since)
        healths = [status.health for status in self._evaluator.statuses()]
        return {
            "by_state": {state: counts.by_state.get(state, 0) for state in STATES if state != "inactive"},
            "firing_by_severity": counts.firing_by_severity,
            "firing_by_name": counts.firing_by_name,
            "last_24h": {
                "fired": counts.fired_since,
                "resolved": counts.resolved_since,
                "decisions": decisions,
                "deliveries": deliveries,
            },
            "rules": {"total": len(healths), "failing": healths.count("failing")},
            "evaluation": {"trouble": self._evaluator.trouble, "answered_at": self._evaluator.answered_at.isoformat()},
        }

    def _rule(self, status: RuleStatus) -> dict[str, Any]:
        rule = status.rule
        active = self._evaluator.active(rule.id)
        states = {alert.state for alert in active}
        return {
            "id": rule.id,
            "name": rule.name,
            "group": status.group.name,
            "file": rule.source,
            "interval": show_duration(status.group.interval),
            "expr": rule.expr,
            "for": show_duration(rule.terms.hold),
            "keep_firing_for": show_duration(rule.terms.keep_firing),
            "severity": rule.labels.get("severity", "none"),
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "state": next((state for state in ("firing", "pending") if state in states), "inactive"),
            "alerts": len(active),
            "health": status.health,
            "error": status.error,
            "note": status.note,
            "evaluated_at": status.evaluated_at.isoformat() if status.evaluated_at else None,
            "seconds": round(status.seconds, 6),
        }

    async def _near(self, wanted: str) -> Sequence[str]:
        """A person may have given a name in place of a fingerprint, or slipped in one character of it."""
        known = await self._store.known()
        by_name = [alert for alert in known if alert.name.lower() == wanted.strip().lower()]
        if not by_name:
            likely = near_misses(wanted, [*(alert.fingerprint for alert in known), *(alert.name for alert in known)])
            by_name = [alert for alert in known if alert.fingerprint in likely or alert.name in likely]
        return [f"{alert.fingerprint} ({alert.name})" for alert in by_name[:3]]
