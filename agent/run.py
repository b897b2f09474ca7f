"""The agent as others see it: ask a question, follow its events, decide about its plan.

A run is a task of its own: who asked may go away and come back. Questions of one session are answered one after the other; all together are
bounded. A run that waits for approval holds nothing but a checkpoint, so it survives a restart; a run that a crash left in the middle is
marked failed at the next start, with a sentence, because nobody can know how far it came (a repair's own ledger does).
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from agent.events import RunEvent, Stream
from agent.graph import Graph, build
from agent.grounding import Units
from agent.hands import Hands
from agent.limits import Admission, Limits, check_question
from agent.memory import focus_after, history
from agent.models import Models, Voice
from agent.recall import Library, Recall
from agent.state import State
from agent.store import RunRecord, RunState, SessionRecord, Store
from agent.sweep import BATCH, BATCHES, Swept, expired_at, last_word
from agent.turn import Person, Sign, Turn
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, FirstmateError, Upstream
from core.language import Language, Text, detect
from core.logs import bind, get
from core.metrics import Metrics
from core.redact import Redactor

RECURSION = 60
Question = dict[str, Any] | None
"""What a run that waits asks of a human; None when it waits for nothing."""
KEEP = timedelta(days=30)
_log = get(__name__)
_LOST = Text(
    "The process stopped while this question was being answered. Ask it again; if a repair was under way, its plan's "
    "ledger says how far it came.",
    "回答这个问题时进程停止了。请重新提问；如果当时正在执行修复，方案的台账记录了执行到哪一步。",
)
_CANCELLED = Text("This question was cancelled.", "这个问题已被取消。")
_TOO_LONG = Text("The answer was not ready within {seconds:.0f} s.", "在 {seconds:.0f} 秒内没有得到答案。")
_BUG = Text(
    "The answer failed for a reason of our own; the log has it under run {id}.",
    "由于内部原因回答失败；日志中可按 run {id} 查找。",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came with a question besides its words."""

    alert: str
    max_docs: int


class Agent:
    def __init__(
        self,
        *,
        hands: Hands,
        models: Models,
        checkpoints: Path,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        redactor: Redactor,
        sign: Sign,
        units: Units,
        library: Library,
        limits: Limits | None = None,
    ) -> None:
        """`units` says what a text speaks of, as the search of the pages reads it: what an answer says is held against pages with it."""
        self.limits = limits or Limits()
        self._hands = hands
        self._models = models
        self._checkpoints = checkpoints
        self._store = Store(database, clock)
        self._clock = clock
        self._metrics = metrics
        self._redactor = redactor
        self._sign = sign
        self._units = units
        self.recall = Recall(library, units, clock)
        self._admission = Admission(self.limits)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._turns: dict[str, asyncio.Lock] = {}
        self._closing = AsyncExitStack()
        self._saver: AsyncSqliteSaver | None = None
        self._compiled: Graph | None = None

    async def start(self) -> None:
        self._checkpoints.parent.mkdir(parents=True, exist_ok=True)
        connection = await self._closing.enter_async_context(aiosqlite.connect(self._checkpoints))
        # None: only the serializer's own list of safe types is ever built from what is stored.
        self._saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        await self._saver.setup()
        self._compiled = build(self._saver)
        await self._hands.start()
        self._closing.push_async_callback(self._hands.close)

    async def recover(self) -> None:
        """After a crash: say of each run that was under way that it is lost. Only for the one process that owns the conversations."""
        for run_id in await self._store.interrupted():
            if run_id not in self._tasks:
                await self._mark_lost(run_id)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._closing.aclose()

    async def ask(
        self,
        question: str,
        *,
        session_id: str | None = None,
        mode: str = "auto",
        caller_name: str,
        caller_role: str,
        language: Language | None = None,
        alert: str | None = None,
        max_docs: int = 5,
    ) -> RunRecord:
        """Begin to answer; the record says under which ids."""
        asked = self._redactor.text(check_question(question, mode, caller_role, self.limits))
        run_id = secrets.token_hex(12)
        session = session_id or await self.new_session(caller_name)
        self._admission.enter(run_id, session)
        try:
            await self._store.session(session, last=1)
            run = self._record(run_id, session, asked, mode, language or detect(asked), caller_name, caller_role)
            await self._store.begin(run)
        except BaseException:
            self._admission.leave(run_id)
            raise
        stream = self._open(run_id)
        stream.add("run_started", {"question": asked, "session_id": session, "mode": mode, "language": run.language})
        self._spawn(run, stream, Asked(alert or "", max_docs))
        return run

    async def decide(self, run_id: str, approved: bool, *, by: str, role: str = "operator", note: str = "") -> None:
        """Go on with a run that waits; the approval itself was recorded by the caller, where its right to approve was checked."""
        if asking := self._tasks.get(run_id):
            await asyncio.wait({asking})  # it has asked, and is still writing down that it did
        run = await self._store.run(run_id)
        if run.state != "waiting":
            raise _not_waiting(run)
        if not await self._store.move(run_id, "waiting", "running"):  # somebody else answered at the same moment
            raise _not_waiting(run)
        # Never turned away: the word is recorded already, and a full house must not keep it from being heard.
        self._admission.admit(run_id, run.session_id)
        stream = await self._reopen(run_id)
        plan = (await self._values(run_id)).get("plan") or {}
        stream.add("approval_recorded", {"plan_id": plan.get("id"), "approved": approved, "by": by})
        decision = {"approved": approved, "by": by, "role": role, "note": note, "evidence": []}
        self._spawn(run, stream, Command(resume=decision))

    async def events(self, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """What happened and what happens, until the run is over or waits for a decision."""
        stream = self._streams.get(run_id)
        if stream is not None:
            async for event in stream.follow(after):
                yield event
            return
        await self._store.run(run_id)
        for event in await self._store.events(run_id, after):
            yield event

    async def run(self, run_id: str) -> RunRecord:
        return await self._store.run(run_id)

    async def session(self, session_id: str) -> SessionRecord:
        return await self._store.session(session_id)

    async def sessions(self, owner: str) -> list[SessionRecord]:
        return await self._store.sessions(owner)

    async def new_session(self, owner: str = "", session_id: str | None = None) -> str:
        return await self._store.new_session(owner, session_id)

    async def waiting_for(self, plan_id: str) -> list[str]:
        """The runs that wait for a word on this plan: two conversations may have been shown the same one."""
        return await self._store.waiting_for(plan_id)

    async def asks_about(self, run_id: str) -> str | None:
        """The plan that this run waits for a word on; None when it waits for none."""
        run = await self._store.run(run_id)
        return run.plan_id if run.state == "waiting" else None

    async def sweep(self, keep: timedelta = KEEP) -> Swept:
        """End the runs whose plan has expired, and delete what is older than `keep`; bounded, and safe to call at any time."""
        expired = await self._end_expired(self._clock.now())
        before = self._clock.now() - keep
        runs = sessions = 0
        for _ in range(BATCHES):
            gone = await self._store.delete_runs(before, BATCH)
            for run_id in gone:
                await self._forget(run_id)
                self._streams.pop(run_id, None)
            runs += len(gone)
            if len(gone) < BATCH:
                break
        for _ in range(BATCHES):
            left = await self._store.delete_sessions(before, BATCH)
            sessions += left
            if left < BATCH:
                break
        return Swept(expired, runs, sessions)

    async def cancel(self, run_id: str) -> None:
        """Stop a run; one that waits for approval is given up, and nothing was applied."""
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return
        run = await self._store.run(run_id)
        if not await self._store.move(run_id, "waiting", "running"):
            raise Conflict(f"The run {run_id} is over; it is {run.state}.", expected="running", found=run.state)
        stream = await self._reopen(run_id)
        await self._fail(run, stream, _CANCELLED(_language(run)), "cancelled")
        await self._forget(run_id)

    def describe(self) -> dict[str, Any]:
        """For the health page: which models, how the tools' connection is, how much is under way."""
        return {
            "models": self._models.names,
            "offline": self._models.offline,
            "hands": self._hands.state,
            "runs": len(self._tasks),
        }

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # one run ---------------------------------------------------------------------------------------------------------------------

    def _spawn(self, run: RunRecord, stream: Stream, given: Asked | Command[Any]) -> None:
        stream.active = True
        self._tasks[run.id] = asyncio.create_task(self._drive(run, stream, given), name=f"run-{run.id}")

    async def _drive(self, run: RunRecord, stream: Stream, given: Asked | Command[Any]) -> None:
        started = self._clock.monotonic()
        lock = self._turns.setdefault(run.session_id, asyncio.Lock())
        try:
            async with lock, asyncio.timeout(self.limits.run_seconds):
                with bind(run_id=run.id):
                    values, question = await self._walk(run, stream, given)
                await self._end(
                    run, stream, values, question, started
                )  # before the next question of the session begins
        except TimeoutError:
            await self._fail(run, stream, _TOO_LONG(_language(run), seconds=self.limits.run_seconds), "timeout")
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(run, stream, _CANCELLED(_language(run)), "cancelled"))
        except FirstmateError as error:
            await self._fail(run, stream, error.sentence, error.kind)
        except Exception:  # noqa: BLE001 - the edge of the run: a bug is logged with its run, and the person is told that it failed
            _log.exception("run failed", run_id=run.id)
            await self._fail(run, stream, _BUG(_language(run), id=run.id), "error")
        finally:
            self._leave(run)

    async def _walk(self, run: RunRecord, stream: Stream, given: Asked | Command[Any]) -> tuple[State, Question]:
        config = _config(run.id)
        turn = await self._turn(run, stream, resumed=isinstance(given, Command))
        first = await self._first(run, given) if isinstance(given, Asked) else given
        await self._graph.ainvoke(first, config, context=turn, durability="exit")
        snapshot = await self._graph.aget_state(config)
        question: Question = snapshot.interrupts[0].value if snapshot.interrupts else None
        return _values(snapshot.values), question

    async def _first(self, run: RunRecord, asked: Asked) -> State:
        # Read when the run's turn has come, so that it remembers the questions it waited for.
        known = await self._store.session(run.session_id, last=2 * self.limits.history_turns + 2)
        earlier = [message for message in known.messages if message.run_id != run.id]
        past = history(earlier, self.limits)
        return {
            "question": run.question,
            "mode": run.mode,
            "alert": asked.alert,
            "max_docs": asked.max_docs,
            "hops": 0,
            "focus": known.focus,
            "history": past,
        }

    async def _turn(self, run: RunRecord, stream: Stream, resumed: bool) -> Turn:
        async def emit(kind: Any, data: dict[str, Any]) -> None:
            stream.add(kind, data)
            await asyncio.sleep(0)  # let readers see it before the next one is made

        async def save() -> None:
            await self._store.add_events(stream.unstored())

        language = _language(run)
        before = await self._values(run.id) if resumed else {}
        return Turn(
            stream=stream,
            hands=self._hands,
            voice=Voice(self._models, language, emit),
            clock=self._clock,
            limits=self.limits,
            language=language,
            asker=Person(run.caller_name, run.caller_role),
            sign=self._sign,
            save=save,
            units=self._units,
            recall=self.recall,
            calls=len(before.get("steps", [])),
            evidence=len(before.get("evidence", [])),
        )

    async def _end(self, run: RunRecord, stream: Stream, values: State, question: Question, started: float) -> None:
        state: RunState = "waiting" if question else "finished"
        route = str((values.get("route") or {}).get("route", ""))
        seconds = self._clock.monotonic() - started
        answer = str((values.get("answer") or {}).get("text", ""))
        plan_id = str((values.get("plan") or {}).get("id", ""))
        await self._store.end(run.id, state, route=route, answer=answer, focus=focus_after(values), plan_id=plan_id)
        # Told only now: whoever answers the moment it is asked must find that the run waits.
        if question:
            stream.add("approval_required", question)
        stream.add("run_finished", {"state": state, "seconds": round(seconds, 3)})
        await self._store.add_events(stream.unstored())
        self._metrics.runs.labels(route, state).inc()
        self._metrics.run_seconds.labels(route).observe(seconds)
        stream.close()
        if state == "finished":
            await self._forget(run.id)

    async def _fail(self, run: RunRecord, stream: Stream, sentence: str, kind: str) -> None:
        stream.add("error", {"message": sentence, "kind": kind})
        stream.add("run_finished", {"state": "failed", "seconds": (self._clock.now() - run.started_at).total_seconds()})
        self._metrics.runs.labels("", "failed").inc()
        try:
            await self._store.end(run.id, "failed", error=sentence)
            await self._store.add_events(stream.unstored())
        except Upstream as error:
            _log.warning("a failed run could not be written down", run_id=run.id, reason=error.sentence)
        finally:
            stream.close()

    async def _end_expired(self, now: datetime) -> int:
        ended, last = 0, ""
        for _ in range(BATCHES):
            waiting = await self._store.waiting_before(now, last, BATCH)
            for run_id in waiting:
                values = await self._values(run_id)
                if (not values.get("plan") or expired_at(values, now)) and await self._end_in_vain(run_id, values):
                    ended += 1
            if len(waiting) < BATCH:
                break
            last = waiting[-1]
        return ended

    async def _end_in_vain(self, run_id: str, values: State) -> bool:
        """Finish a run that nobody answered; False if somebody did at this very moment."""
        if not await self._store.move(run_id, "waiting", "running"):
            return False
        run = await self._store.run(run_id)
        stream = await self._reopen(run_id)
        answer = last_word(values, len(values.get("evidence", [])) + 1, self._clock.now(), _language(run))
        for each in answer["evidence"][-1:]:
            stream.add("evidence", dict(each))
        stream.add("answer", answer)
        stream.add("run_finished", {"state": "finished", "seconds": 0.0})
        await self._store.end(run_id, "finished", answer=str(answer["text"]))
        await self._store.add_events(stream.unstored())
        stream.close()
        self._metrics.runs.labels(run.route, "expired").inc()
        await self._forget(run_id)
        return True

    async def _forget(self, run_id: str) -> None:
        """Drop the checkpoint of a run that will not go on."""
        if self._saver is not None:
            await self._saver.adelete_thread(run_id)

    async def _mark_lost(self, run_id: str) -> None:
        run = await self._store.run(run_id)
        stream = await self._reopen(run_id)
        await self._fail(run, stream, _LOST(_language(run)), "interrupted")

    def _leave(self, run: RunRecord) -> None:
        self._tasks.pop(run.id, None)
        self._admission.leave(run.id)
        if not self._admission.others_in(run.session_id):
            self._turns.pop(run.session_id, None)

    # streams and checkpoints ------------------------------------------------------------------------------------------------------

    def _open(self, run_id: str, earlier: list[RunEvent] | None = None) -> Stream:
        stream = Stream(run_id, self._clock, earlier or [], self.limits.events_a_run)
        self._streams[run_id] = stream
        for old in [each for each, known in self._streams.items() if not known.active and each != run_id]:
            if len(self._streams) <= self.limits.runs_remembered:
                break
            del self._streams[old]
        return stream

    async def _reopen(self, run_id: str) -> Stream:
        known = self._streams.get(run_id)
        return known if known is not None else self._open(run_id, await self._store.events(run_id))

    async def _values(self, run_id: str) -> State:
        return _values((await self._graph.aget_state(_config(run_id))).values)

    @property
    def _graph(self) -> Graph:
        if self._compiled is None:
            raise Upstream("The assistant", "is not started yet", retryable=True)
        return self._compiled

    def _record(
        self, run_id: str, session: str, question: str, mode: str, language: Language, name: str, role: str
    ) -> RunRecord:
        return RunRecord(
            id=run_id,
            session_id=session,
            question=question,
            mode=mode,
            language=language,
            caller_name=name,
            caller_role=role,
            state="running",
            route="",
            answer="",
            error="",
            started_at=self._clock.now(),
            finished_at=None,
        )


def _not_waiting(run: RunRecord) -> Conflict:
    said = f"The run {run.id} does not wait for a decision; it is {run.state if run.state != 'waiting' else 'decided'}."
    return Conflict(said, expected="waiting", found=run.state)


def _config(run_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run_id}, "recursion_limit": RECURSION}


def _language(run: RunRecord) -> Language:
    return "zh" if run.language == "zh" else "en"


def _values(found: Any) -> State:
    values: State = found
    return values
