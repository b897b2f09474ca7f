"""Rows of the agent: short transactions, and the one place that moves a run from state to state.

A run moves by compare-and-set: an answer to an approval is taken once, however many people give it at the same moment.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from agent.events import EventType, RunEvent
from agent.tables import AgentEvent, AgentMessage, AgentRun, AgentSession
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, NotFound

RunState = Literal["running", "waiting", "finished", "failed"]
MAX_TITLE = 80


@dataclass(frozen=True, slots=True)
class RunRecord:
    id: str
    session_id: str
    question: str
    mode: str
    language: str
    caller_name: str
    caller_role: str
    state: str
    route: str
    answer: str
    error: str
    started_at: datetime
    finished_at: datetime | None
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str
    run_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SessionRecord:
    id: str
    owner: str
    title: str
    created_at: datetime
    updated_at: datetime
    focus: dict[str, str]
    messages: list[Message] = field(default_factory=list)


class Store:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def new_session(self, owner: str, session_id: str | None = None) -> str:
        now = self._clock.now()
        row = AgentSession(
            id=session_id or secrets.token_hex(12), owner=owner, focus={}, created_at=now, updated_at=now
        )
        try:
            async with self._database.write() as rows:
                rows.add(row)
        except IntegrityError as error:
            raise Conflict(f"The session {row.id} was begun by somebody else at this moment.") from error
        return row.id

    async def session(self, session_id: str, last: int | None = None) -> SessionRecord:
        """The session with its messages, oldest first; only the `last` ones if that is given."""
        async with self._database.read() as rows:
            found = await rows.get(AgentSession, session_id)
            if found is None:
                raise NotFound(f"There is no session {session_id}.")
            wanted = select(AgentMessage).where(AgentMessage.session_id == session_id).order_by(AgentMessage.id.desc())
            messages = list(await rows.scalars(wanted.limit(last or 1000)))
        said = [Message(row.role, row.text, row.run_id, row.at) for row in reversed(messages)]
        return SessionRecord(
            found.id, found.owner, found.title, found.created_at, found.updated_at, dict(found.focus), said
        )

    async def sessions(self, owner: str, limit: int = 50) -> list[SessionRecord]:
        async with self._database.read() as rows:
            wanted = select(AgentSession).where(AgentSession.owner == owner).order_by(AgentSession.updated_at.desc())
            found = list(await rows.scalars(wanted.limit(limit)))
        return [SessionRecord(row.id, row.owner, row.title, row.created_at, row.updated_at, {}) for row in found]

    async def begin(self, run: RunRecord) -> None:
        async with self._database.write() as rows:
            rows.add(AgentRun(**{name: getattr(run, name) for name in RunRecord.__slots__}))
            rows.add(self._message(run.session_id, run.id, "user", run.question))
            session = await rows.get_one(AgentSession, run.session_id)
            session.title = session.title or run.question[:MAX_TITLE]
            session.updated_at = run.started_at

    async def run(self, run_id: str) -> RunRecord:
        async with self._database.read() as rows:
            row = await rows.get(AgentRun, run_id)
        if row is None:
            raise NotFound(f"There is no run {run_id}.")
        return RunRecord(**{name: getattr(row, name) for name in RunRecord.__slots__})

    async def move(self, run_id: str, before: RunState, after: RunState) -> bool:
        """True for the one caller that moved it."""
        change = update(AgentRun).where(AgentRun.id == run_id, AgentRun.state == before).values(state=after)
        async with self._database.write() as rows:
            moved = cast("CursorResult[Any]", await rows.execute(change))
        return moved.rowcount == 1

    async def end(
        self,
        run_id: str,
        state: RunState,
        *,
        route: str = "",
        answer: str = "",
        error: str = "",
        focus: dict[str, str] | None = None,
        plan_id: str = "",
    ) -> None:
        """`plan_id` is the plan that a waiting run asks about."""
        now = self._clock.now()
        async with self._database.write() as rows:
            run = await rows.get_one(AgentRun, run_id)
            run.state, run.error, run.plan_id = state, error, plan_id or run.plan_id
            run.route, run.answer = route or run.route, answer or run.answer
            run.finished_at = None if state == "waiting" else now
            session = await rows.get_one(AgentSession, run.session_id)
            session.updated_at = now
            session.focus = session.focus if focus is None else focus
            if said := answer or error:
                rows.add(self._message(run.session_id, run_id, "assistant", said))

    async def add_events(self, events: Sequence[RunEvent]) -> None:
        if not events:
            return
        async with self._database.write() as rows:
            rows.add_all(AgentEvent(run_id=e.run_id, seq=e.seq, type=e.type, at=e.at, data=e.data) for e in events)

    async def events(self, run_id: str, after: int = 0) -> list[RunEvent]:
        wanted = select(AgentEvent).where(AgentEvent.run_id == run_id, AgentEvent.seq > after).order_by(AgentEvent.seq)
        async with self._database.read() as rows:
            found = list(await rows.scalars(wanted))
        return [RunEvent(cast("EventType", row.type), row.run_id, row.seq, row.at, row.data) for row in found]

    async def interrupted(self) -> list[str]:
        """Runs that a stopped process left in the middle."""
        async with self._database.read() as rows:
            return list(await rows.scalars(select(AgentRun.id).where(AgentRun.state == "running")))

    async def waiting_for(self, plan_id: str) -> list[str]:
        """Runs that wait for a human's word on this plan, the oldest first."""
        wanted = select(AgentRun.id).where(AgentRun.state == "waiting", AgentRun.plan_id == plan_id)
        async with self._database.read() as rows:
            return list(await rows.scalars(wanted.order_by(AgentRun.started_at)))

    async def waiting_before(self, moment: datetime, after: str, limit: int) -> list[str]:
        """Runs that have waited since before that moment, in the order of their ids, from the one after `after`."""
        wanted = select(AgentRun.id).where(
            AgentRun.state == "waiting", AgentRun.started_at < moment, AgentRun.id > after
        )
        async with self._database.read() as rows:
            return list(await rows.scalars(wanted.order_by(AgentRun.id).limit(limit)))

    async def delete_runs(self, moment: datetime, limit: int) -> list[str]:
        """Delete some of the runs that were over before that moment, with all that was said in them; which they were."""
        over = select(AgentRun.id).where(AgentRun.state.in_(("finished", "failed")), AgentRun.started_at < moment)
        async with self._database.write() as rows:
            ids = list(await rows.scalars(over.order_by(AgentRun.started_at).limit(limit)))
            for table, column in (
                (AgentEvent, AgentEvent.run_id),
                (AgentMessage, AgentMessage.run_id),
                (AgentRun, AgentRun.id),
            ):
                await rows.execute(delete(table).where(column.in_(ids)))
        return ids

    async def delete_sessions(self, moment: datetime, limit: int) -> int:
        """Delete some of the conversations that nobody has gone on with since that moment, and that have no run left."""
        runs = select(AgentRun.id).where(AgentRun.session_id == AgentSession.id)
        old = select(AgentSession.id).where(AgentSession.updated_at < moment, ~runs.exists())
        async with self._database.write() as rows:
            ids = list(await rows.scalars(old.limit(limit)))
            await rows.execute(delete(AgentMessage).where(AgentMessage.session_id.in_(ids)))
            await rows.execute(delete(AgentSession).where(AgentSession.id.in_(ids)))
        return len(ids)

    async def counts(self) -> dict[str, int]:
        async with self._database.read() as rows:
            found = await rows.execute(select(AgentRun.state, func.count()).group_by(AgentRun.state))
            return {str(row[0]): int(row[1]) for row in found.all()}

    def _message(self, session_id: str, run_id: str, role: str, text: str) -> AgentMessage:
        return AgentMessage(session_id=session_id, run_id=run_id, role=role, text=text, at=self._clock.now())
