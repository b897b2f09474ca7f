"""What stands around the victim and outlives it: a Prometheus, people's receivers, and a sender of alerts, on loopback.

Each alert is told of in a loop that only its own news moves on: it begins, waits until its beginning was heard (and, where it is grave,
until it was escalated), ends, waits until its end was heard, and begins again. So one message that is lost holds its alert up for ever,
and the test sees it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

WAYS = {"ill": ("/phone", "/board"), "grave": ("/phone", "/chief/1", "/chief/2"), "post": ("/phone",)}
"""Who hears of a beginning, by what an alert's pod is called."""
ENDS = {**WAYS, "grave": ("/phone",)}
Handler = Callable[[str, dict[str, str], bytes], Awaitable[bytes | None]]
"""Path, headers and body in; the whole answer out, or None to hang up without one."""


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = await handler(first.split()[1], headers, body)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


def answered(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)


def as_json(value: Any) -> bytes:
    return answered(200, orjson.dumps(value))


@dataclass
class Series:
    """A Prometheus that knows one metric, `trouble`, and which pods have it just now."""

    pods: set[str] = field(default_factory=set)

    async def __call__(self, path: str, _headers: dict[str, str], body: bytes) -> bytes:
        expr = parse_qs(urlsplit(path).query or body.decode()).get("query", [""])[0]
        if "trouble" not in expr:
            return as_json({"status": "success", "data": {"resultType": "vector", "result": []}})
        grave = expr == 'trouble{grave="yes"}'
        result = [
            {"metric": {"__name__": "trouble", "pod": pod, "namespace": "shop"}, "value": [0, "1"]}
            for pod in sorted(self.pods)
            if pod.startswith("grave") == grave
        ]
        return as_json({"status": "success", "data": {"resultType": "vector", "result": result}})


@dataclass(frozen=True)
class Got:
    way: str
    key: str
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        read: dict[str, Any] = orjson.loads(self.body)
        return read


@dataclass
class Receivers:
    """Keeps all that came, by its key; and answers well, badly, late or not at all, having read it in each case."""

    chance: random.Random
    misbehaves: float = 0.3
    got: list[Got] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, path: str, headers: dict[str, str], body: bytes) -> bytes | None:
        self.got.append(Got(path, headers["idempotency-key"], body))
        self._news.set()
        if self.chance.random() >= self.misbehaves:
            return answered(200, b"ok")
        return await self._misbehave()

    async def _misbehave(self) -> bytes | None:
        match self.chance.randrange(4):
            case 0:
                return answered(500, b"I am not well")
            case 1:
                return b"as you like it\r\n\r\n"
            case 2:
                return None
        await asyncio.sleep(1.5)
        return answered(200, b"ok, at last")

    async def until(self, heard: Callable[[], bool]) -> None:
        while not heard():
            self._news.clear()
            await self._news.wait()

    def of(self, way: str, pod: str) -> list[tuple[str, str]]:
        """Status and beginning of one alert as this way heard of it, each key once."""
        return [
            (item["status"], item["startsAt"])
            for got in distinct(self.got)
            if got.way.startswith(way)
            for item in got.said["alerts"]
            if item["labels"]["pod"] == pod
        ]


def distinct(got: list[Got]) -> list[Got]:
    """As a receiver sees it that drops every key it has seen."""
    first: dict[tuple[str, str], Got] = {}
    for each in got:
        first.setdefault((each.way, each.key), each)
    return list(first.values())


@dataclass
class Sender:
    """Posts to Alertmanager's API as Prometheus does: until it is answered with 200, and not again after that."""

    url: str
    token: str
    client: httpx.AsyncClient
    acknowledged: int = 0
    refused: list[int] = field(default_factory=list)

    async def post(self, pod: str, **times: str) -> None:
        labels = {"alertname": "Posted", "pod": pod, "namespace": "mail", "severity": "warning"}
        while not await self._once([{"labels": labels, **times}]):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.05)
        self.acknowledged += 1

    async def _once(self, alerts: list[dict[str, Any]]) -> bool:
        with suppress(httpx.HTTPError):
            headers = {"Authorization": f"Bearer {self.token}"}
            answer = await self.client.post(f"{self.url}/api/v2/alerts", json=alerts, headers=headers)
            if answer.status_code == 200:
                return True
            self.refused.append(answer.status_code)
        return False


@dataclass
class World:
    series: Series
    receivers: Receivers
    sender: Sender
    chance: random.Random
    is_over: bool = False
    told: dict[str, int] = field(default_factory=dict)
    """How many times each alert has begun and ended."""

    async def watched(self, pod: str) -> None:
        """An alert of a rule: there as long as its series is."""

        async def begin() -> None:
            self.series.pods.add(pod)

        async def end() -> None:
            self.series.pods.discard(pod)

        await self._live(pod, begin, end)

    async def posted(self, pod: str) -> None:
        async def begin() -> None:
            await self.sender.post(pod, startsAt=_now())

        async def end() -> None:
            await self.sender.post(pod, endsAt=_now())

        await self._live(pod, begin, end)

    async def _live(self, pod: str, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> None:
        while not self.is_over:
            times = self.told.setdefault(pod, 0)
            await begin()
            await self._heard(pod, "firing", times + 1)
            await end()
            await self._heard(pod, "resolved", times + 1)
            self.told[pod] = times + 1
            await asyncio.sleep(self.chance.random() * 0.5)

    async def _heard(self, pod: str, status: str, times: int) -> None:
        ways = WAYS[pod.partition("-")[0]] if status == "firing" else ENDS[pod.partition("-")[0]]

        def heard() -> bool:
            return all(self._count(way, pod, status) >= times for way in ways)

        await self.receivers.until(heard)

    def _count(self, way: str, pod: str, status: str) -> int:
        return len({began for said, began in self.receivers.of(way, pod) if said == status})


def _now() -> str:
    return datetime.now(UTC).isoformat()
