"""The watch over incidents: looks at those that go on, and makes a case of each that has ended or that people have closed.

Nothing is remembered that a restart needs: what is to be done is what the incidents and the cases say, so an incident that ended while
nobody was there, or just before a crash, gets its case in the first turn after. A diagnosis is made early and, where it finds nothing sure,
twice more; few at a time, because a storm of incidents must not become a storm of questions to the cluster.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.desk import AlertDesk
from alerts.incidents.incident import Incident
from alerts.incidents.records import Filter
from alerts.patience import survive
from api.lessons.finding import Examine
from api.lessons.gathering import Gathering, Plans
from core.clock import Clock
from core.errors import FirstmateError
from core.logs import get
from knowledge_base.cases.book import CaseBook, Similar
from knowledge_base.cases.case import Case
from knowledge_base.cases.lesson import Finding
from knowledge_base.cases.likening import asked_of
from knowledge_base.cases.records import Standing

LOOK = 5.0
LOOK_BACK = timedelta(days=7)
OVERLAP = timedelta(minutes=10)
SWEEP = timedelta(hours=6)
PATIENCE = timedelta(minutes=30)
"""With a repair that goes on after the alerts have ended."""
AT_ONCE = 20
OPEN = 100
PAGE = 200
DIAGNOSES = 2
"""In one turn."""
LOOKS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
"""When an incident is looked at, counted from when it was first met; no more, once the cause is this sure:"""
SURE = 0.6
_log = get(__name__)


@dataclass(slots=True)
class _Look:
    met_at: datetime
    done: int = 0

    def is_due(self, now: datetime) -> bool:
        return self.done < len(LOOKS) and now >= self.met_at + LOOKS[self.done]


class Lessons:
    def __init__(self, book: CaseBook, desk: AlertDesk, repairs: Plans, examine: Examine, clock: Clock) -> None:
        self._book = book
        self._desk = desk
        self._gathering = Gathering(desk, repairs)
        self._examine = examine
        self._clock = clock
        self._looks: dict[str, _Look] = {}
        self._since: datetime | None = None
        self._swept_at: datetime | None = None

    async def run(self) -> None:
        while True:
            await survive(self.tick(), None, "lessons could not be written down")
            await self._clock.sleep(LOOK)

    async def tick(self) -> int:
        """One turn; says how many cases were made or made anew."""
        made = await self._finish()
        await self._look()
        await self._sweep()
        return made

    async def similar(self, incident: str, limit: int = 5) -> list[Similar]:
        """Past cases like this incident; its own is none of them."""
        lesson, _ = await self._gathering.lesson(incident, await self._known(incident))
        return await self._book.similar(asked_of(lesson), limit, without=incident)

    async def _finish(self) -> int:
        now = self._clock.now()
        since = self._since or now - LOOK_BACK
        todo = [*await self._unwritten(since), *await self._closed_by_hand()]
        made = [
            await survive(self._book_case(one), None, "a case could not be written down", incident=one.id)
            for one in todo[:AT_ONCE]
        ]
        await self._let_go(since)
        if len(todo) < AT_ONCE and None not in made:
            self._since = now - OVERLAP
        return sum(1 for one in made if one)

    async def _unwritten(self, since: datetime) -> list[Incident]:
        """Of what has ended since then the first that have no case as they should; looked through page by page."""
        todo: list[Incident] = []
        offset, total = 0, 1
        while offset < total and len(todo) < AT_ONCE:
            ended, total = await self._desk.incidents.list(Filter("resolved", since=since), PAGE, offset)
            standing = await self._book.standing([one.id for one in ended])
            todo += [one for one in ended if _is_to_do(one, standing.get(one.id))]
            offset += PAGE
        return todo

    async def _let_go(self, since: datetime) -> None:
        """What has flowed into another incident is told there."""
        merged, _ = await self._desk.incidents.list(Filter("merged", since=since), PAGE)
        for each, standing in (await self._book.standing([one.id for one in merged])).items():
            if standing.is_machines or standing.state == "open":
                await self._book.release(each)

    async def _book_case(self, incident: Incident) -> bool | None:
        """None: not yet, because its alerts ended while a repair is still being verified, which is what its fix will be."""
        self._looks.pop(incident.id, None)
        lesson, is_being_repaired = await self._gathering.lesson(incident.id, await self._known(incident.id))
        ended = lesson.times.closed
        if is_being_repaired and ended and self._clock.now() < ended + PATIENCE:
            return None
        return await self._book.write(lesson, ended=True) is not None

    async def _closed_by_hand(self) -> list[Incident]:
        """Incidents that still fire, and all of whose firing alerts somebody has closed."""
        alerts, _ = await self._desk.list(status="closed", limit=OPEN)
        ids = sorted({alert.incident for alert in alerts if alert.incident})
        standing = await self._book.standing(ids)
        closed = {alert.fingerprint for alert in alerts}
        found = []
        for each in ids:
            incident, members = await self._desk.incidents.get(each)
            over = all(one.ends_at or one.fingerprint in closed for one in members)
            if incident.state == "open" and over and (each not in standing or standing[each].state == "open"):
                found.append(incident)
        return found

    async def _look(self) -> None:
        now = self._clock.now()
        present, _ = await self._desk.incidents.list(Filter("open"), OPEN)
        for gone in set(self._looks) - {one.id for one in present}:
            del self._looks[gone]
        standing = await self._book.standing([one.id for one in present])
        for one in present:
            self._looks.setdefault(one.id, _Look(now))
        wanted = [one for one in present if self._looks[one.id].is_due(now) and _is_unsure(standing.get(one.id))]
        for one in wanted[:DIAGNOSES]:
            self._looks[one.id].done += 1
            await self._note(one)

    async def _note(self, incident: Incident) -> None:
        before = await self._known(incident.id)
        found = await self._diagnosed(incident)
        if found is None or (before and before.confidence >= found.confidence):
            found = before
        lesson, _ = await self._gathering.lesson(incident.id, found)
        await self._book.write(lesson, ended=False)

    async def _diagnosed(self, incident: Incident) -> Finding | None:
        try:
            return await self._examine(incident.namespace, incident.workload)
        except FirstmateError as error:
            _log.info("an incident could not be diagnosed for its case", incident=incident.id, reason=error.sentence)
            return None

    async def _known(self, incident: str) -> Finding | None:
        case = await self._book.of_incident(incident)
        return _finding(case) if case else None

    async def _sweep(self) -> None:
        now = self._clock.now()
        if self._swept_at is None or now >= self._swept_at + SWEEP:
            await self._book.sweep()
            self._swept_at = now


def _is_to_do(incident: Incident, standing: Standing | None) -> bool:
    """It has no case, or one that was made before it went on."""
    if standing is None or standing.state == "open":
        return True
    ended = incident.resolved_at
    return standing.is_machines and ended is not None and (standing.closed is None or standing.closed < ended)


def _is_unsure(standing: Standing | None) -> bool:
    return standing is None or (standing.state == "open" and standing.confidence < SURE)


def _finding(case: Case) -> Finding | None:
    """What its case already holds of a diagnosis."""
    facts = case.facts
    if not facts.fault:
        return None
    return Finding(
        fault=facts.fault,
        name=facts.name,
        component=facts.component,
        statement=facts.statement,
        confidence=facts.confidence,
        quotes=facts.quotes,
        logs=facts.logs,
    )
