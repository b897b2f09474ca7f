"""What comes after an escalation: an acknowledgement whose time has run out, and the end that those who were told are told of.

Who was woken by a step hears once, on the same way, that the alert is over or that somebody has taken or closed it, unless its policy or
the way wants no ends. The message and the mark that it was told are one transaction, and of two who think they keep the watch the second
finds the mark made. When an acknowledgement runs out, what was taken is nobody's again, and those who were told that it was taken are owed
an end anew.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import exists, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.escalation.policy import Escalations
from alerts.escalation.tables import EscalationRow
from alerts.model import Alert
from alerts.notify.message import MAX_ALERTS, compose
from alerts.notify.pipeline import Routing
from alerts.notify.receivers import Integration
from alerts.notify.records import Decision, Records
from alerts.store import AlertStore, Span
from alerts.tables import AlertRow
from core.clock import Clock
from core.database import Database
from core.errors import Conflict

AT_ONCE = 500
Key = tuple[str, str, str, str]
_ROW = EscalationRow
_KEY = (_ROW.fingerprint, _ROW.episode, _ROW.step, _ROW.way)


@dataclass(frozen=True, slots=True)
class Owed:
    """One step that was told, and what there is to tell now: `why` is resolved, taken or closed, `by` is who did it.

    Without an alert nothing of it is left in the records that could be told.
    """

    key: Key
    receiver: str
    alert: Alert | None
    why: str
    by: str = ""


class Afterwards:
    def __init__(
        self,
        *,
        store: AlertStore,
        records: Records,
        routing: Routing,
        database: Database,
        clock: Clock,
        external_url: str = "",
        written: Callable[[], None] = lambda: None,
        changed: Callable[[Alert], None] = lambda _alert: None,
    ) -> None:
        self._store = store
        self._records = records
        self._routing = routing
        self._database = database
        self._clock = clock
        self._external_url = external_url
        self._written = written
        self._changed = changed

    async def lapse(self) -> int:
        """Give up what was taken for a time that is over, and say how many alerts that were."""
        lapsed = await self._store.lapse(self._clock.now(), AT_ONCE)
        if not lapsed:
            return 0
        firings = [(alert.fingerprint, alert.episode) for alert in lapsed]
        async with self._database.write() as session:
            again = tuple_(_ROW.fingerprint, _ROW.episode).in_(firings) & (_ROW.ended_why == "taken")
            await session.execute(update(_ROW).where(again).values(ended_at=None, ended_why=""))
        for alert in lapsed:
            self._changed(alert)
        return len(lapsed)

    async def tell_ends(self, escalations: Escalations) -> int:
        """Tell whoever was told of a step how it ended, and say how many messages that were."""
        told = 0
        together: dict[tuple[str, str, str, str, str], list[Owed]] = defaultdict(list)
        for owed in await self._owed():
            together[owed.key[2], owed.key[3], owed.receiver, owed.why, owed.by].append(owed)
        for (step, way, receiver, _, _), all_owed in sorted(together.items()):
            is_wanted = escalations.tells_ends(step) and self._hears_ends(receiver, way)
            for start in range(0, len(all_owed), MAX_ALERTS):
                at = self._clock.now() + timedelta(microseconds=told)
                told += await self._tell(all_owed[start : start + MAX_ALERTS], at, is_wanted=is_wanted)
        return told

    async def _owed(self) -> list[Owed]:
        alert = AlertRow
        nobodys = (alert.state == "firing", alert.acknowledged_by.is_(None), alert.closed_by.is_(None))
        goes_on = exists().where(alert.fingerprint == _ROW.fingerprint, alert.episode == _ROW.episode, *nobodys)
        query = select(*_KEY, _ROW.receiver).where(_ROW.ended_at.is_(None), ~goes_on)
        async with self._database.read() as session:
            rows = (await session.execute(query.order_by(_ROW.at, *_KEY).limit(AT_ONCE))).all()
        present = {alert.fingerprint: alert for alert in await self._store.with_fingerprints(row[0] for row in rows)}
        past = {row[:2] for row in rows if row[0] in present and present[row[0]].episode != row[1]}
        spans = await self._store.spans(past)
        return [
            _owed((row[0], row[1], row[2], row[3]), row[4], _then(present.get(row[0]), row[1], spans)) for row in rows
        ]

    async def _tell(self, owed: list[Owed], at: datetime, *, is_wanted: bool) -> int:
        first, keys = owed[0], [each.key for each in owed]
        alerts = [_as_told(each.alert, each.why, each.by) for each in owed if each.alert]
        if not is_wanted or not alerts:
            async with self._database.write() as session:
                await _mark(session, keys, first.why, at)
            return 0
        message = compose(
            receiver=first.receiver,
            reason=f"end_{first.why}",
            group_key=first.key[2],
            group_labels={},
            alerts=alerts,
            external_url=self._external_url,
        )

        async def mark(session: AsyncSession) -> bool:
            done = await _mark(session, keys, first.why, at)
            if 0 < done < len(keys):
                raise Conflict("Some of these ends were told by another.", expected=str(len(keys)), found=str(done))
            return done > 0

        if await self._records.tell_if(_decision(first, alerts, at), replace(message, taken_by=first.by), mark):
            self._written()
            return 1
        return 0

    def _hears_ends(self, receiver: str, way: str) -> bool:
        ways: tuple[Integration, ...] = tuple(self._routing.receivers.get(receiver, ()))
        return any(each.name == way and each.sends_resolved for each in ways)


def _then(alert: Alert | None, episode: str, spans: Mapping[tuple[str, str], Span]) -> Alert | None:
    """The alert as it was at the end of that firing, where its row tells of a later one already."""
    if alert is None or alert.episode == episode:
        return alert
    # Whatever was forgotten of it, it ended at the latest when the later one began.
    span = spans.get((alert.fingerprint, episode), Span())
    return replace(
        alert,
        state="resolved",
        episode=episode,
        fired_at=span.fired_at or alert.fired_at,
        resolved_at=span.resolved_at or alert.active_at,
    )


def _owed(key: Key, receiver: str, alert: Alert | None) -> Owed:
    if alert is not None and alert.state == "firing":
        if alert.closed_by:
            return Owed(key, receiver, alert, "closed", alert.closed_by)
        return Owed(key, receiver, alert, "taken", alert.acknowledged_by or "")
    return Owed(key, receiver, alert, "resolved")


def _as_told(alert: Alert, why: str, by: str) -> Alert:
    """With who has it among its annotations, where receivers of Alertmanager's body look."""
    name = "closed_by" if why == "closed" else "acknowledged_by"
    return replace(alert, annotations={**alert.annotations, name: by}) if by else alert


def _decision(first: Owed, alerts: list[Alert], at: datetime) -> Decision:
    about = tuple(sorted({alert.fingerprint for alert in alerts}))
    is_over = first.why == "resolved"
    return Decision(
        group_key=first.key[2],
        receiver=first.key[3],
        reason=f"end_{first.why}",
        told=True,
        firing=() if is_over else about,
        resolved=about if is_over else (),
        at=at,
        last_at=at,
    )


async def _mark(session: AsyncSession, keys: list[Key], why: str, at: datetime) -> int:
    statement = update(_ROW).where(tuple_(*_KEY).in_(keys), _ROW.ended_at.is_(None)).values(ended_at=at, ended_why=why)
    return len((await session.execute(statement.returning(_ROW.fingerprint))).all())
