"""The assistant over a WebSocket: JSON messages in, the run's events out.

A client shows who it is by the Authorization header or, where a browser cannot set one, by a first message of type `auth`. Messages:
`query`, `decision`, `resume` (a run's events from a sequence number), `ping`. What does not parse or fit is answered with an `error`
message that names the field, and the connection stays. A client that goes away loses nothing: its run goes on and can be read again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from api import approvals, conversations
from api.deps import demand
from api.schemas import assistant as schemas
from api.wiring import House
from core.errors import FirstmateError, Invalid, Unauthenticated
from core.logs import get
from tools.spec import Caller, parse

router = APIRouter(tags=["assistant"])
MAX_MESSAGE = 64 * 1024
MAX_FOLLOWED = 8
AUTH_SECONDS = 10
_log = get(__name__)


@router.websocket("/assistant/stream")
async def stream(socket: WebSocket) -> None:
    await socket.accept()
    house: House = socket.app.state.house
    talk = Conversation(socket, house)
    try:
        async with asyncio.timeout(AUTH_SECONDS):
            await talk.authenticate()
        await talk.serve()
    except WebSocketDisconnect:
        return
    except (Unauthenticated, TimeoutError):
        await socket.close(code=4401, reason="a valid token is needed")
    finally:
        talk.stop()


class Conversation:
    def __init__(self, socket: WebSocket, house: House) -> None:
        self._socket = socket
        self._house = house
        self._caller: Caller | None = None
        self._following: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()
        self._handlers: dict[str, tuple[type[BaseModel], Callable[[Any], Awaitable[None]]]] = {
            "query": (schemas.SocketQuery, self._query),
            "decision": (schemas.SocketDecision, self._decide),
            "resume": (schemas.SocketResume, self._resume),
        }

    async def authenticate(self) -> None:
        scheme, _, token = self._socket.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = await self._token_message()
        self._caller = await self._house.doorkeeper.who(token, "websocket")
        if self._caller is None:
            await self._error(Unauthenticated("This token is unknown or has expired."))
            raise Unauthenticated("unknown token")
        await self._send({"type": "ready", "data": {"name": self._caller.name, "role": self._caller.role}})

    async def serve(self) -> None:
        while True:
            try:
                message = await self._receive()
                await self._handle(message)
            except FirstmateError as error:
                await self._error(error)

    def stop(self) -> None:
        for task in self._following:
            task.cancel()

    async def _token_message(self) -> str:
        try:
            message = await self._receive()
            if message.get("type") != "auth":
                return await self._refuse_first()
            return parse(schemas.SocketAuth, _data_of(message)).token
        except Invalid as error:
            await self._error(error)
            raise Unauthenticated("no token") from error

    async def _refuse_first(self) -> str:
        raise Invalid("The first message must be of type auth.", field="type", allowed=["auth"])

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if not isinstance(kind, str):
            raise Invalid("The field type must be text.", field="type", allowed=[*self._handlers, "ping"])
        if kind == "ping":
            return await self._send({"type": "pong", "data": {}})
        if kind not in self._handlers:
            raise Invalid(f"Unknown message type {kind!r}.", field="type", allowed=[*self._handlers, "ping"])
        model, handler = self._handlers[kind]
        await handler(parse(model, _data_of(message)))
        return None

    async def _query(self, asked: schemas.SocketQuery) -> None:
        body = schemas.Query(
            question=asked.query,
            session_id=asked.session_id,
            mode=asked.mode,
            alert=asked.alert,
            language=asked.language,
        )
        run = await conversations.start(self._house, body, self._known())
        self._follow(run.id, 0)

    async def _decide(self, asked: schemas.SocketDecision) -> None:
        approver = demand(self._known(), "write")
        await approvals.decide_in_run(
            self._house, asked.run_id, asked.plan_id, asked.hash, asked.approved, approver, asked.note
        )

    async def _resume(self, asked: schemas.SocketResume) -> None:
        await conversations.run_of(self._house, asked.run_id, self._known())
        self._follow(asked.run_id, asked.after)

    def _follow(self, run_id: str, after: int) -> None:
        if len(self._following) >= MAX_FOLLOWED:
            raise Invalid(f"This connection already follows {MAX_FOLLOWED} runs.", field="type")
        task = asyncio.create_task(self._forward(run_id, after), name=f"follow {run_id}")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _forward(self, run_id: str, after: int) -> None:
        # A client that has gone is noticed by the receiving side, which then stops this task.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            try:
                async for event in self._house.agent.events(run_id, after=after):
                    await self._send(event.to_json())
            except FirstmateError as error:
                await self._error(error)

    async def _receive(self) -> dict[str, Any]:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1000))
        text = received.get("text")
        if text is None:
            raise Invalid("A message must be text, not bytes.", field="message")
        if len(text) > MAX_MESSAGE:
            raise Invalid(f"A message may have at most {MAX_MESSAGE} characters.", field="message")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Invalid(f"The message is not JSON: {error}.", field="message") from error
        if not isinstance(message, dict):
            raise Invalid("The message must be a JSON object with type and data.", field="message")
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(orjson.dumps(message).decode())

    async def _error(self, error: FirstmateError) -> None:
        data = {"message": error.sentence, "kind": error.kind, "code": error.code, "details": error.details}
        await self._send({"type": "error", "data": data})

    def _known(self) -> Caller:
        if self._caller is None:
            raise Unauthenticated("A token is needed first.")
        return self._caller


def _data_of(message: dict[str, Any]) -> dict[str, Any]:
    data = message.get("data")
    if not isinstance(data, dict):
        raise Invalid("The field data must be an object.", field="data")
    return data
