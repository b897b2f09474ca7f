"""Prometheus, or anything that speaks its HTTP API, behind one typed face.

prometheus-api-client does the talking (see `promwire`). It is synchronous, so its calls run in a small pool of threads of their own and
share one pool of connections; the caller's wait is bounded even where a thread's is not yet.

An answer is what Prometheus has: no series is an empty list, never a zero. Warnings (a store that did not answer a federated query, say)
travel with the answer.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from core.clock import Clock
from core.errors import Invalid, NotConfigured, Upstream

if TYPE_CHECKING:
    from tools.clients.promwire import Wire

SYSTEM = "Prometheus"
THREADS = 8
MAX_EXPR = 10_000
MAX_POINTS = 11_000
_GRACE = 0.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    labels: dict[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    labels: dict[str, str]
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class MetricHelp:
    type: str
    help: str


class Answer(list[T]):
    """A list, with what the server warned about while making it."""

    def __init__(self, items: Iterable[T] = (), warnings: Iterable[str] = ()) -> None:
        super().__init__(items)
        self.warnings = list(warnings)


class Prometheus:
    def __init__(self, url: str, token: str = "", timeout: float = 10.0, *, clock: Clock) -> None:
        self._url = url.strip().rstrip("/")
        self._token = token
        self._timeout = timeout
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        self._wire: Wire | None = None
        self._opening = asyncio.Lock()

    @property
    def configured(self) -> bool:
        return bool(self._url)

    @property
    def url(self) -> str:
        """The address as it may be shown: without user and password."""
        parts = urlsplit(self._url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    async def query(self, expr: str, at: datetime | None = None) -> Answer[Sample]:
        """An instant query; what has no sample is not in the answer."""
        _check(expr)
        params = {"timeout": f"{self._timeout:g}s"} | ({"time": f"{at.timestamp():.3f}"} if at else {})
        wire = await self._open()
        return await self._in_thread(
            wire, lambda: wire.ask(lambda library: library.custom_query(expr, params=params), _samples)
        )

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Answer[Series]:
        _check(expr)
        if end < start:
            raise Invalid("The end of the range is before its start.", field="end")
        if step <= 0 or (end - start).total_seconds() / step > MAX_POINTS:
            raise Invalid(f"The step must be positive and give at most {MAX_POINTS} points.", field="step")
        params = {"timeout": f"{self._timeout:g}s"}
        wire = await self._open()

        def call(library: Any) -> Any:
            return library.custom_query_range(expr, start, end, f"{step:g}", params=params)

        return await self._in_thread(wire, lambda: wire.ask(call, _series))

    async def names(self, match: str | None = None) -> Answer[str]:
        """Names of all metrics, or of those that a series selector matches."""
        params = {"match[]": match} if match else {}
        wire = await self._open()
        return await self._in_thread(wire, lambda: wire.ask(lambda library: library.all_metrics(params=params), _names))

    async def metadata(self) -> dict[str, MetricHelp]:
        """What exporters say about their metrics."""
        wire = await self._open()
        rows = await self._in_thread(wire, lambda: wire.ask(lambda library: library.get_metric_metadata(""), list))
        return {str(row["metric_name"]): MetricHelp(str(row["type"]), str(row["help"])) for row in rows}

    async def ready(self) -> str:
        """The server's version, where it answers queries at all."""
        await self.query("vector(1)")
        wire = await self._open()
        try:
            read = await self._in_thread(wire, lambda: wire.ask(lambda _: self._build(wire), _version))
        except Upstream as error:
            # Some servers that speak the query API have no page about themselves.
            if error.status == 404:
                return "unknown"
            raise
        return read[0]

    async def close(self) -> None:
        # Threads that still wait end at their own deadline; nobody waits for them here.
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._wire is not None:
            self._wire.close()

    def _build(self, wire: "Wire") -> Any:
        # The library has no call for it; its session, with its bounds, has.
        url, headers = f"{self._url}/api/v1/status/buildinfo", wire.library.headers
        return wire.session.get(url, headers=headers, timeout=self._timeout).json()

    async def _in_thread(self, wire: "Wire", work: Callable[[], tuple[list[T], list[str]]]) -> Answer[T]:
        try:
            async with asyncio.timeout(self._timeout + _GRACE):
                items, warnings = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError as error:
            raise wire.slow() from error
        return Answer(items, warnings)

    async def _open(self) -> "Wire":
        if not self.configured:
            raise NotConfigured(SYSTEM, "set PROMETHEUS_URL.")
        async with self._opening:
            if self._wire is None:
                self._wire = await asyncio.to_thread(self._connect)
            return self._wire

    def _connect(self) -> "Wire":
        from tools.clients.promwire import Wire

        return Wire(self._url, self._token, self._timeout, self._clock.monotonic, THREADS)


def _check(expr: str) -> None:
    if not expr.strip():
        raise Invalid("The expression is empty.", field="expr")
    if len(expr) > MAX_EXPR:
        raise Invalid(f"The expression is longer than {MAX_EXPR} characters.", field="expr")


def _samples(result: Any) -> list[Sample]:
    if len(result) == 2 and not isinstance(result[0], dict):
        # A scalar is one pair, and has no labels.
        return [_sample({}, result)]
    if any("values" in one for one in result):
        raise Invalid(
            "This expression gives a range for each series; wrap it in a function or ask for a range.", field="expr"
        )
    return [_sample(one["metric"], one["value"]) for one in result]


def _sample(labels: dict[str, str], pair: Any) -> Sample:
    return Sample(dict(labels), float(pair[1]), datetime.fromtimestamp(float(pair[0]), UTC))


def _series(result: Any) -> list[Series]:
    return [Series(dict(one["metric"]), [(float(t), float(v)) for t, v in one["values"]]) for one in result]


def _names(result: Any) -> list[str]:
    return [str(name) for name in result]


def _version(read: Any) -> list[str]:
    return [str(read["data"]["version"])]
