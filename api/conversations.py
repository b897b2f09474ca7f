"""Asking in somebody's name: whose conversation it is, and who may read or go on with it.

A conversation belongs to the caller who began it; an administrator may read all. A client may name a conversation itself: the first
question under a new name begins it.
"""

from agent.store import RunRecord, SessionRecord
from api.schemas.assistant import Query
from api.wiring import House
from core.errors import Conflict, Forbidden, NotFound
from tools.spec import Caller


async def start(house: House, asked: Query, caller: Caller) -> RunRecord:
    if asked.session_id is not None:
        await _own_session(house, asked.session_id, caller)
    return await house.agent.ask(
        asked.question,
        session_id=asked.session_id,
        mode=asked.mode,
        caller_name=caller.name,
        caller_role=caller.role,
        language=asked.language,
        alert=asked.alert,
        max_docs=asked.max_context_docs,
    )


async def begin(house: House, session_id: str | None, caller: Caller) -> str:
    if session_id is None:
        return await house.agent.new_session(caller.name)
    await _own_session(house, session_id, caller)
    return session_id


async def run_of(house: House, run_id: str, reader: Caller) -> RunRecord:
    run = await house.agent.run(run_id)
    _permit(run.caller_name, reader)
    return run


async def session_of(house: House, session_id: str, reader: Caller) -> SessionRecord:
    session = await house.agent.session(session_id)
    _permit(session.owner, reader)
    return session


async def _own_session(house: House, session_id: str, caller: Caller) -> None:
    try:
        await session_of(house, session_id, caller)
    except NotFound:
        try:
            await house.agent.new_session(caller.name, session_id)
        except Conflict:
            # Two first questions under one name: whoever came first owns it, and the other is checked like anybody.
            await session_of(house, session_id, caller)


def _permit(owner: str, reader: Caller) -> None:
    if owner != reader.name and reader.role != "admin":
        raise Forbidden("This conversation belongs to somebody else.", permission="admin")
