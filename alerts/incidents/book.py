"""The book of incidents: listens to what happens to alerts, writes it down, and lets people put things right.

Alerts are heard at once and written in a turn of their own, many in one transaction, so that nothing of this delays the evaluator. What is
heard and not yet written is lost with the process; after a restart it is read again from the alerts themselves. Everything is decided on
what the database says inside the transaction that changes it, so people may merge and split on any replica.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.incidents import arrangements, records
from alerts.incidents.arrangements import MAX_NOTE, Arrangement, remember
from alerts.incidents.grouping import MAX_MEMBERS, WINDOW, MemberId, assign, incident_id
from alerts.incidents.incident import Incident
from alerts.incidents.member import Member, member_of
from alerts.incidents.records import Filter
from alerts.incidents.servicemap import Surroundings, unread
from alerts.incidents.tables import IncidentMemberRow, IncidentRow
from alerts.model import Change
from alerts.patience import Bell, survive
from alerts.store import AlertStore
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from core.logs import get

LOOK = 5.0
AT_ONCE = 500
MAX_HEARD = 50_000
LOOK_BACK = timedelta(days=1)
MAX_PAGE = 500
MAX_TITLE = 200
_log = get(__name__)


class IncidentBook:
    def __init__(
        self,
        database: Database,
        store: AlertStore,
        clock: Clock,
        window: timedelta = WINDOW,
        around: Surroundings | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._window = window
        self.around = around or Surroundings(unread, clock)
        self._heard: dict[MemberId, Member] = {}
        self._has_missed = False
        self._bell = Bell(clock)

    def put(self, change: Change) -> None:
        """The listener of whoever raises alerts: beginnings and ends are what matters here."""
        if not change.transition or not records.belongs(change.alert):
            return
        if len(self._heard) >= MAX_HEARD:
            self._has_missed = True
            return
        member = member_of(change.alert, self.around.present)
        self._heard[member.id] = member
        self._bell.ring()

    async def restore(self) -> None:
        """What fires and is in no incident, what fired and ended before it was written down, and what ended unheard."""
        active = [alert for alert in await self._store.active() if alert.state == "firing"]
        self._heard |= {member.id: member for member in (member_of(alert, self.around.present) for alert in active)}
        self._has_missed = False
        now = self._clock.now()
        async with self._database.read() as session:
            missing = await records.unwritten(session, self._store, now - LOOK_BACK, MAX_HEARD)
        self._heard |= {member.id: member for member in missing}
        async with self._database.write() as session:
            await records.lock(session)
            ended = await records.overlooked(session, now)
            there = await records.known(session, ended)
            await records.end(session, ended)
            await records.sum_up(session, {member.incident for member in there.values()})

    async def tick(self) -> int:
        """Write down what was heard, and say how many alerts that were."""
        if self._has_missed:
            await self.restore()
        heard = dict(sorted(self._heard.items(), key=lambda item: item[1].starts_at)[:AT_ONCE])
        if not heard:
            return 0
        async with self._database.write() as session:
            await records.lock(session)
            await self._write(session, heard)
        # What was said of the same alert meanwhile is news, and stays.
        for key, member in heard.items():
            if self._heard.get(key) is member:
                del self._heard[key]
        return len(heard)

    async def run(self) -> None:
        while True:
            done = await survive(self.tick(), 0, "incidents could not be written down")
            await (self._clock.sleep(0) if done and self._heard else self._bell.pause(LOOK))

    async def list(self, wanted: Filter, limit: int = 50, offset: int = 0) -> tuple[Sequence[Incident], int]:
        if not 1 <= limit <= MAX_PAGE or offset < 0:
            raise Invalid(f"limit must be 1 to {MAX_PAGE} and offset not negative.", field="limit")
        async with self._database.read() as session:
            return await records.page(session, wanted, limit, offset)

    async def get(self, incident: str) -> tuple[Incident, Sequence[Member]]:
        """The incident with its members, the first to fire first."""
        async with self._database.read() as session:
            found = await _there(session, incident)
            members = await records.members_of(session, [incident])
        return found, sorted(members, key=lambda one: (one.starts_at, one.fingerprint))

    async def merge(self, into: str, others: Sequence[str], by: str, note: str = "") -> Incident:
        """The others' alerts are of this incident from now on; the others remain as what they were merged into."""
        _check_note(note)
        async with self._database.write() as session:
            await records.lock(session)
            found = [await _present(session, each) for each in dict.fromkeys([into, *others])]
            if len(found) < 2:
                raise Invalid("Name at least one other incident.", field="incidents")
            if sum(each.size for each in found) > MAX_MEMBERS:
                raise Invalid(f"An incident has at most {MAX_MEMBERS} alerts.", field="incidents")
            gone = [each.id for each in found[1:]]
            moved = await records.members_of(session, gone)
            for each in gone:
                await records.flow_into(session, each, into)
            await records.sign(session, moved, by)
            await remember(session, "merge", into, gone, moved, by=by, at=self._clock.now(), note=note)
            await records.sum_up(session, [into], arranged_by=by[:255], arranged_at=self._clock.now())
            merged = await _there(session, into)
        _log.info("incidents were merged", incident=into, others=gone, by=by)
        return merged

    async def split(self, incident: str, fingerprints: Sequence[str], by: str, note: str = "") -> Incident:
        """These alerts are an incident of their own; the one they came from, if they are all that had flowed in from it."""
        _check_note(note)
        wanted = set(fingerprints)
        async with self._database.write() as session:
            await records.lock(session)
            await _present(session, incident)
            members = await records.members_of(session, [incident])
            chosen = [member for member in members if member.fingerprint in wanted]
            _refuse_odd_choice(members, chosen, wanted)
            new = await self._name_of(session, incident, members, chosen)
            at = self._clock.now()
            await records.move(session, chosen, new, origin=new)
            await records.sign(session, chosen, by)
            await remember(session, "split", incident, [new], chosen, by=by, at=at, note=note)
            await records.sum_up(session, [incident, new], arranged_by=by[:255], arranged_at=at)
            made = await _there(session, new)
        _log.info("an incident was split", incident=incident, new=new, alerts=len(chosen), by=by)
        return made

    async def undo(self, incident: str, arrangement: int | None, by: str, note: str = "") -> Arrangement:
        """Take back the last merge or split of this incident, or the one that is named; what came later by itself stays where it is.

        What people have taken back is theirs as much as what they did: no later alert puts it together again.
        """
        _check_note(note)
        async with self._database.write() as session:
            await records.lock(session)
            await _there(session, incident)
            found = await arrangements.standing(session, incident, arrangement)
            at = self._clock.now()
            touched = await arrangements.take_back(session, found)
            await records.sum_up(session, touched, arranged_by=by[:255], arranged_at=at)
            await records.lay_down_empty(session, found.others, found.incident)
            undone = await arrangements.close(session, found, by=by, at=at, note=note)
        _log.info("an arrangement of incidents was undone", incident=incident, arrangement=found.id, by=by)
        return undone

    async def arrangements(self, incident: str, limit: int = 50, offset: int = 0) -> tuple[Sequence[Arrangement], int]:
        """What people did about this incident, the latest first."""
        if not 1 <= limit <= MAX_PAGE or offset < 0:
            raise Invalid(f"limit must be 1 to {MAX_PAGE} and offset not negative.", field="limit")
        async with self._database.read() as session:
            await _there(session, incident)
            return await arrangements.page(session, incident, limit, offset)

    async def entitle(self, incident: str, title: str | None, by: str) -> Incident:
        """None gives back the title that is made of the alerts."""
        named = title.strip() if title else None
        if named is not None and len(named) > MAX_TITLE:
            raise Invalid(f"The title is longer than {MAX_TITLE} characters.", field="title")
        async with self._database.write() as session:
            await records.lock(session)
            found = await _present(session, incident)
            row = IncidentRow
            await session.execute(update(row).where(row.id == incident).values(title=named or None))
        _log.info("an incident was named", incident=incident, title=named, by=by)
        return replace(found, named=named or None)

    async def of_alert(self, fingerprint: str) -> Incident | None:
        """The latest incident that the alert was in."""
        member = IncidentMemberRow
        query = select(member.incident).where(member.fingerprint == fingerprint).order_by(member.starts_at.desc())
        async with self._database.read() as session:
            found = await session.scalar(query.limit(1))
            return await _there(session, found) if found else None

    async def _write(self, session: AsyncSession, heard: dict[MemberId, Member]) -> None:
        there = await records.known(session, heard)
        ended = {key: heard[key].ends_at for key in there}
        await records.end(session, {key: at for key, at in ended.items() if at is not None})
        await records.mark(session, ((member, member.incident) for member in there.values()))
        touched = {member.incident for member in there.values()}
        arrivals = [member for key, member in heard.items() if key not in there]
        if arrivals:
            touched |= await self._assign(session, arrivals)
        await records.sum_up(session, touched)

    async def _assign(self, session: AsyncSession, arrivals: Sequence[Member]) -> set[str]:
        since = min(member.starts_at for member in arrivals)
        near = await records.in_reach(session, since, self._window)
        incidents = await records.standing(session, {member.incident for member in near})
        plan = assign(arrivals, near, incidents, self._window)
        return await records.put_together(session, plan, arrivals)

    async def _name_of(
        self, session: AsyncSession, incident: str, members: Sequence[Member], chosen: Sequence[Member]
    ) -> str:
        origins = {member.origin for member in chosen}
        came_in = [member for member in members if member.origin in origins]
        if len(origins) == 1 and incident not in origins and len(came_in) == len(chosen):
            before = await records.incident_rows(session, origins)
            if before and before[0].state == "merged":
                return before[0].id
        return incident_id((member.id for member in chosen), salt=self._clock.now().isoformat())


async def _there(session: AsyncSession, incident: str) -> Incident:
    row = await session.get(IncidentRow, incident, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no incident {incident[:100]}.")
    return records.incident(row)


async def _present(session: AsyncSession, incident: str) -> Incident:
    found = await _there(session, incident)
    if found.state == "merged":
        raise Conflict(
            f"The incident {found.id} was merged into {found.merged_into}.", expected="open or resolved", found="merged"
        )
    return found


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE:
        raise Invalid(f"The note is longer than {MAX_NOTE} characters.", field="note")


def _refuse_odd_choice(members: Sequence[Member], chosen: Sequence[Member], wanted: set[str]) -> None:
    strange = sorted(wanted - {member.fingerprint for member in chosen})
    if strange or not wanted:
        named = strange[0][:100] if strange else "nothing"
        raise Invalid(f"{named} is no alert of this incident.", field="alerts")
    if len(chosen) == len(members):
        raise Invalid("At least one alert must stay in the incident.", field="alerts")
