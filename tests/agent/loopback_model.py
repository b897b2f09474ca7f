"""A loopback endpoint with OpenAI's chat API; the model's name decides what it does, well or badly."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}


class Endpoint:
    """Keeps what it was asked; `script` holds the replies of the model called `scripted`, one a call."""

    def __init__(self, *script: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.script = list(script)
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])

    @property
    def models(self) -> list[str]:
        return [str(body["model"]) for body in self.asked]

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        match body["model"]:
            case "500":
                return JSONResponse({"error": {"message": "boom"}}, 500)
            case "429":
                return JSONResponse({"error": {"message": "slow down"}}, 429, headers={"retry-after": "0"})
            case "401":
                return JSONResponse({"error": {"message": "bad key"}}, 401)
            case "html":
                return PlainTextResponse("<html>welcome</html>", media_type="text/html")
            case "hang":
                await asyncio.sleep(30)
        return StreamingResponse(self._stream(body), media_type="text/event-stream")

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        match body["model"]:
            case "cut":
                yield _event({"role": "assistant", "content": "The first half of"})
                return
            case "stuck":
                yield _event({"role": "assistant", "content": "The first"})
                await asyncio.sleep(30)
            case "empty":
                reply: Any = ""
            case "unknown-tool":
                reply = [("drop_everything", "{}")]
            case "bad-json":
                reply = [(body["tools"][0]["function"]["name"] if body.get("tools") else "x", '{"namespace": ')]
            case _:
                reply = self.script.pop(0) if self.script else "Nothing more to say."
        for event in _reply(reply):
            yield event


def _reply(reply: Any) -> list[str]:
    if isinstance(reply, str):
        words = [_event({"content": f"{word} "}) for word in reply.split(" ")] if reply else []
        return [_event({"role": "assistant", "content": ""}), *words, *_end("stop")]
    calls = [
        {"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(reply)
    ]
    return [_event({"role": "assistant", "tool_calls": calls}), *_end("tool_calls")]


def _end(reason: str) -> list[str]:
    usage = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}
    return [_event({}, reason), f"data: {json.dumps(usage)}\n\n", "data: [DONE]\n\n"]


def _event(delta: dict[str, Any], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"
