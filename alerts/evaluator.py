"""The watch: every group of rules has its turns, every rule asks Prometheus one question a turn.

Turns lie on a grid of the group's interval, shifted by a fixed offset of the group's own, so that groups do not all ask at once and the
same group asks at the same moments after a restart. A turn that comes late is counted as missed, never made up in a burst. Rules of a
turn run side by side under one bound for all groups, and each is saved by itself, so a query that hangs delays nobody else's alert.

An alert moves only on an answer. A query that fails changes no state, and an answer over the group's limit ends nothing that fires; when
nothing is answered for a while, the watchdog's own alert says so. States live in memory and in the store, the store first: what could not
be saved did not happen, and is decided again next turn.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from alerts.arriving import INTAKE
from alerts.model import Alert, Change
from alerts.patience import survive, until_rung, within
from alerts.reading import Sample, Seen, advance, dropped, read
from alerts.rulebook.forests import Forests
from alerts.rules import Group, Rule
from alerts.store import AlertStore
from alerts.watchdog import UNREACHABLE, Watchdog
from core.clock import Clock
from core.errors import FirstmateError, Invalid, NotConfigured, Upstream
from core.logs import get
from core.metrics import Metrics

Health = Literal["unknown", "ok", "failing"]
Listener = Callable[[Change], None]
MAX_CONCURRENT = 8
OUTAGE_TOLERANCE = timedelta(hours=1)
_log = get(__name__)


class Queries(Protocol):
    """Whoever answers PromQL."""

    async def query(self, expr: str, at: datetime | None = None) -> Sequence[Sample]: ...


@dataclass(slots=True)
class RuleStatus:
    rule: Rule
    group: Group
    health: Health = "unknown"
    error: str = ""
    note: str = ""
    evaluated_at: datetime | None = None
    seconds: float = 0.0


class Evaluator:
    def __init__(
        self,
        *,
        groups: Sequence[Group],
        prometheus: Queries,
        store: AlertStore,
        clock: Clock,
        metrics: Metrics,
        listeners: Sequence[Listener] = (),
        timeout: float = 10.0,
        max_concurrent: int = MAX_CONCURRENT,
        unreachable_after: float = 60.0,
        external_url: str = "",
        forests: Forests | None = None,
        new_episode: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._groups = tuple(groups)
        self._prometheus = prometheus
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._listeners = tuple(listeners)
        self._timeout = timeout
        self._bound = asyncio.Semaphore(max_concurrent)
        self._external_url = external_url
        self._forests = forests
        self._new_episode = new_episode
        self._status = {rule.id: RuleStatus(rule, group) for group in groups for rule in group.rules}
        self._active: dict[str, dict[str, Alert]] = {}
        self._last_slot: dict[str, datetime] = {}
        self._watchdog = Watchdog(clock.now(), unreachable_after)
        self._own_turn = asyncio.Lock()
        self._replaced = asyncio.Event()

    @property
    def groups(self) -> tuple[Group, ...]:
        return self._groups

    @property
    def trouble(self) -> str:
        """Why nothing is being evaluated just now, empty when it is."""
        return self._watchdog.said

    @property
    def answered_at(self) -> datetime:
        return self._watchdog.answered_at

    def statuses(self) -> list[RuleStatus]:
        return list(self._status.values())

    def rule(self, rule_id: str) -> Rule | None:
        if rule_id == UNREACHABLE.id:
            return UNREACHABLE
        status = self._status.get(rule_id)
        return status.rule if status else None

    def active(self, rule_id: str) -> list[Alert]:
        return list(self._active.get(rule_id, {}).values())

    async def restore(self) -> None:
        """Take up the states of the last run, before the first turn. What is still in memory from an earlier watch is not believed."""
        now = self._clock.now()
        self._active, self._last_slot = {}, {}
        last = await self._store.last_evaluations()
        ended: list[Change] = []
        for alert in await self._store.active():
            if alert.rule_id == INTAKE:
                continue
            status = self._status.get(alert.rule_id)
            if status is None and alert.rule_id != UNREACHABLE.id:
                ended += dropped([alert], "rule_removed", now)
                continue
            unwatched = _unwatched(status.group, last, now) if status else timedelta(0)
            if alert.state == "pending" and unwatched > OUTAGE_TOLERANCE:
                ended += dropped([alert], "stale", now)
                continue
            # A pending alert owes the time nobody watched; a firing one fires until an answer says otherwise.
            owed = unwatched if alert.state == "pending" else timedelta(0)
            if status is None:
                self._watchdog.resume(alert.active_at)
            self._active.setdefault(alert.rule_id, {})[alert.fingerprint] = replace(
                alert, active_at=alert.active_at + owed
            )
        await self._commit(ended)

    async def reload(self, groups: Sequence[Group]) -> None:
        """Other rules from now on. One that stayed keeps its alerts and their progress; one that is gone lets go of its alerts."""
        known = {rule.id: self._status.get(rule.id) for group in groups for rule in group.rules}
        gone = [
            alert
            for rule_id, alerts in self._active.items()
            if rule_id not in known and rule_id != UNREACHABLE.id
            for alert in alerts.values()
        ]
        self._groups = tuple(groups)
        self._status = {rule.id: _carried_on(known[rule.id], rule, group) for group in groups for rule in group.rules}
        self._replaced.set()
        await self._commit(dropped(gone, "rule_removed", self._clock.now()))

    async def tick(self) -> int:
        """Give every group whose turn has come its turn, and say how many had one."""
        due = [group for group in self._groups if self._last_slot.get(group.id) != group.slot(self._clock.now())]
        await asyncio.gather(*(self._turn(group) for group in due))
        return len(due)

    async def run(self) -> None:
        """A watcher for each group, until the rules are replaced; then watchers for the new ones."""
        while True:
            self._replaced.clear()
            await until_rung(self._replaced, [self._watch(group) for group in self._groups])

    async def _watch(self, group: Group) -> None:
        while True:
            if self._last_slot.get(group.id) != group.slot(self._clock.now()):
                await survive(self._turn(group), None, "a turn of a rule group failed", group=group.name)
            now = self._clock.now()
            await self._clock.sleep((group.slot(now) + group.interval - now).total_seconds())

    async def _turn(self, group: Group) -> None:
        started = self._clock.monotonic()
        at = group.slot(self._clock.now())
        self._count_missed(group, at)
        self._last_slot[group.id] = at
        outcomes = await asyncio.gather(
            *(self._evaluate(group, rule, at) for rule in group.rules), return_exceptions=True
        )
        for rule, outcome in zip(group.rules, outcomes, strict=True):
            if isinstance(outcome, BaseException) and rule.id in self._status:
                self._status[rule.id].health, self._status[rule.id].error = "failing", "an internal error, see the log"
                _log.error("a rule failed in an unforeseen way", rule=rule.name, exc_info=outcome)
        await self._close_turn(group, at)
        self._metrics.tick_seconds.observe(self._clock.monotonic() - started)

    async def _close_turn(self, group: Group, at: datetime) -> None:
        self._show_counts()
        await survive(self._evaluate_own(), None, "the watchdog could not take its turn")
        await survive(self._store.evaluated(group.id, at), None, "a turn could not be written down", group=group.name)

    def _count_missed(self, group: Group, at: datetime) -> None:
        last = self._last_slot.get(group.id)
        missed = (at - last) // group.interval - 1 if last else 0
        if missed > 0:
            self._metrics.missed_ticks.inc(missed)
            _log.warning("rule evaluations were missed", group=group.name, missed=missed)

    async def _evaluate(self, group: Group, rule: Rule, at: datetime) -> None:
        status = self._status.get(rule.id)
        if status is None:
            return  # removed while its group's turn was under way
        started = self._clock.monotonic()
        try:
            seen = await self.look(rule, at - group.query_offset)
            await self._settle(group, rule, seen, at)
            status.health, status.error, status.note = "ok", "", seen.note
        except FirstmateError as error:
            if status.error != error.sentence:
                _log.warning("a rule could not be evaluated", rule=rule.name, error=error.sentence)
            status.health, status.error = "failing", error.sentence
        finally:
            status.evaluated_at, status.seconds = at, self._clock.monotonic() - started
            self._metrics.rule_evaluations.labels(status.health).inc()

    async def look(self, rule: Rule, at: datetime) -> Seen:
        """What the rule finds at a moment: by its expression, or by what its forest has learnt. Nothing is changed by it."""
        if rule.forest is None:
            return Seen(await self._ask(rule.expr, at))
        if self._forests is None:
            raise NotConfigured("The isolation forest", "this process learns none")
        return await self._forests.look(rule, rule.forest, lambda expr: self._ask(expr, at))

    async def _ask(self, expr: str, at: datetime) -> Sequence[Sample]:
        async with self._bound:
            try:
                samples = await within(self._clock, self._timeout, self._prometheus.query(expr, at))
            except TimeoutError:
                error = Upstream("Prometheus", f"did not answer within {self._timeout:g} s", retryable=True)
                self._watchdog.failed(error.sentence)
                raise error from None
            except NotConfigured:
                raise
            except Upstream as error:
                self._watchdog.failed(error.sentence)
                raise
            except Invalid:
                # It refused the question, so it is there.
                self._watchdog.answered(self._clock.now())
                raise
        self._watchdog.answered(self._clock.now())
        return samples

    async def _settle(self, group: Group, rule: Rule, seen: Seen, at: datetime) -> None:
        readings = read(rule, seen.samples, self._external_url)
        active = self._active.get(rule.id, {})
        judged = {key: alert for key, alert in active.items() if not seen.says_nothing_of(alert)}
        changes = advance(rule, judged, readings, at, self._new_episode)
        standing = {**active, **{change.alert.fingerprint: change.alert for change in changes}}
        count = sum(1 for alert in standing.values() if alert.state in ("pending", "firing"))
        if 0 < group.limit < count:
            # An expression gone wrong says nothing: no alert begins by it, and none that fires is told to be well.
            await self._commit(dropped((one for one in active.values() if one.state == "pending"), "limit", at))
            raise Invalid(
                f"The rule {rule.name} has {count} alerts and its group allows {group.limit}: "
                "none begins, and those that fire stay as they are.",
                field="limit",
            )
        await self._commit(changes)

    async def _evaluate_own(self) -> None:
        # Groups end their turns at the same time; the watchdog's alert is one, so they take it in turn.
        async with self._own_turn:
            now = self._clock.now()
            active = self._active.get(UNREACHABLE.id, {})
            await self._commit(advance(UNREACHABLE, active, self._watchdog.readings(now), now, self._new_episode))

    async def _commit(self, changes: list[Change]) -> None:
        """The store first: only what is written down is believed and told."""
        await self._store.save(changes)
        for change in changes:
            alert = change.alert
            alerts = self._active.setdefault(alert.rule_id, {})
            if alert.state in ("pending", "firing"):
                alerts[alert.fingerprint] = alert
            else:
                alerts.pop(alert.fingerprint, None)
            for listener in self._listeners:
                listener(change)

    def _show_counts(self) -> None:
        states = Counter(alert.state for alerts in self._active.values() for alert in alerts.values())
        for state in ("pending", "firing"):
            self._metrics.alerts.labels(state).set(states[state])


def _carried_on(known: RuleStatus | None, rule: Rule, group: Group) -> RuleStatus:
    if known is None:
        return RuleStatus(rule, group)
    return replace(known, rule=rule, group=group)


def _unwatched(group: Group, last: dict[str, datetime], now: datetime) -> timedelta:
    """How long nobody asked, beyond the group's usual pause."""
    evaluated = last.get(group.id)
    return max(now - evaluated - group.interval, timedelta(0)) if evaluated else timedelta(0)
