"""A client of our own HTTP API, for the command line.

It finds the server: the one that was named, else the one that said in the data folder that it runs on this machine, else one that it
starts itself on a free loopback port and stops at the end. Events are read as they come; a broken stream is taken up again from the
last event by its number.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from core.config import load
from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotFound, Unauthenticated, Upstream

KNOWN: dict[int, type[FirstmateError]] = {
    401: Unauthenticated,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    403: Forbidden,
}
TIMEOUT = httpx.Timeout(600.0, connect=5.0)
MAX_RECONNECTS = 5
RUNNING = "server.json"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Client:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str) -> Any:
        return await self._call("GET", path, None)

    async def post(self, path: str, body: dict[str, Any], language: str = "en") -> Any:
        return await self._call("POST", path, body, language)

    async def delete(self, path: str) -> Any:
        return await self._call("DELETE", path, None)

    async def upload(self, files: Sequence[tuple[str, bytes]], params: dict[str, Any]) -> Any:
        """Files for the knowledge base; also where none was taken, what became of each."""
        parts = [("files", (name, raw, "application/octet-stream")) for name, raw in files]
        response = await self._sent(
            lambda: self._http.post("/api/v1/assistant/upload-knowledge-file", files=parts, params=params)
        )
        if response.status_code == 422 and "files" in response.json().get("details", {}):
            return response.json()["details"]
        return _data(response)

    async def ask(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The events of a new run, until it ends or waits for a word."""
        seen, run_id = 0, ""
        async for event in self._events("POST", "/assistant/query", {**body, "stream": True}, 0):
            seen, run_id = event["seq"], event["run_id"]
            yield event
            if event["type"] == "run_finished":
                return
        async for event in self.follow(run_id, seen):
            yield event

    async def follow(self, run_id: str, after: int) -> AsyncIterator[dict[str, Any]]:
        for _ in range(MAX_RECONNECTS):
            async for event in self._events("GET", f"/assistant/runs/{run_id}/events", None, after):
                after = event["seq"]
                yield event
                if event["type"] == "run_finished":
                    return
        raise Upstream("Firstmate", f"broke off the events of run {run_id} {MAX_RECONNECTS} times", retryable=True)

    async def _events(self, method: str, path: str, body: Any, after: int) -> AsyncIterator[dict[str, Any]]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(after)} if after else {})
        try:
            async with self._http.stream(method, f"/api/v1{path}", json=body, headers=headers) as response:
                if response.status_code >= 400:
                    await response.aread()
                    raise _error(response)
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield orjson.loads(line[5:])
        except httpx.RemoteProtocolError:
            return  # cut off: the caller takes the stream up again after the last event it has seen
        except httpx.HTTPError as error:
            raise Upstream(
                "Firstmate", f"could not be reached at {self._http.base_url}: {error}", retryable=True
            ) from error

    async def _call(self, method: str, path: str, body: Any, language: str = "en") -> Any:
        headers = {"Accept-Language": language}
        return _data(await self._sent(lambda: self._http.request(method, f"/api/v1{path}", json=body, headers=headers)))

    async def _sent(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        try:
            return await send()
        except httpx.HTTPError as error:
            raise Upstream(
                "Firstmate", f"could not be reached at {self._http.base_url}: {error}", retryable=True
            ) from error


def _data(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise _error(response)
    return response.json()["data"]


def _error(response: httpx.Response) -> FirstmateError:
    try:
        sentence = str(response.json()["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        sentence = f"answered {response.status_code} and no sentence"
        return Upstream("Firstmate", sentence, retryable=False, status=response.status_code)
    return KNOWN.get(response.status_code, FirstmateError)(sentence)


@asynccontextmanager
async def connect(server: str, token: str) -> AsyncIterator[Client]:
    if server:
        if not token:
            raise Invalid("A server was named and no token: set FIRSTMATE_TOKEN or --token.", field="FIRSTMATE_TOKEN")
        async with _client(server, token) as client:
            yield client
        return
    running = await running_server()
    if running:
        sys.stderr.write(f"asking {running['url']}\n")
        # Its own token and no other: one meant for a server that was named is not sent to one that was found.
        async with _client(running["url"], running["token"]) as client:
            yield client
        return
    from api.server import temporary_server

    async with temporary_server(load()) as (url, own_token), _client(url, own_token) as client:
        yield client


@asynccontextmanager
async def _client(url: str, token: str) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT) as http:
        yield Client(http)


async def running_server() -> dict[str, str] | None:
    running = _running_here()
    return running if running and await _answers(running["url"]) else None


def _running_here() -> dict[str, str] | None:
    # Whoever named a folder means that one; only where none is named may the demo's be meant.
    own = (load().settings.data_dir,)
    for folder in own if "FIRSTMATE_DATA_DIR" in os.environ else (*own, Path(".var/demo")):
        note = folder / RUNNING
        try:
            if not _is_ours(note.stat()):
                continue  # written by somebody else: it may lead anywhere
            read: dict[str, str] = orjson.loads(note.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            continue  # nobody has said that it runs from this folder
        if urlsplit(read.get("url", "")).hostname in LOOPBACK and read.get("token"):
            return read
    return None


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid() and not found.st_mode & 0o077


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2.0) as http:
            return (await http.get(f"{url}/api/v1/health/live")).status_code == 200
    except httpx.HTTPError:
        return False
