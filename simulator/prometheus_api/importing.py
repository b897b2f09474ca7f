"""Histories from outside: exposition text, plain or gzipped, read while it arrives.

Everything is read and checked before the first sample is kept, so a refused import leaves nothing behind. Within a request the samples
of a series may come in any order; they are sorted. What would have to go before samples that the series already has is refused.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from simulator.foreign import REFUSED, is_from_elsewhere
from simulator.prometheus_api.answers import refusal
from simulator.prometheus_api.exposition import MOST_SAMPLES, Collected, Reader
from simulator.prometheus_api.queries import milliseconds
from simulator.promql.chunks import Times, Values
from simulator.promql.errors import BadData, OutOfOrder, PromqlError
from simulator.promql.golang import format_labels
from simulator.promql.tsdb import Block, Tsdb

PIECE = 1 << 18
OPEN_METRICS = "application/openmetrics-text"
GZIP = 16 + zlib.MAX_WBITS


class Importer:
    def __init__(self, tsdb: Tsdb, now: Callable[[], datetime], most_samples: int = MOST_SAMPLES) -> None:
        self._tsdb = tsdb
        self._now = now
        self._most_samples = most_samples

    async def endpoint(self, request: Request) -> Response:
        if is_from_elsewhere(request.method, request.headers):
            return PlainTextResponse(f"{REFUSED}\n", 403)
        try:
            in_seconds = request.headers.get("content-type", "").startswith(OPEN_METRICS)
            reader = Reader(milliseconds(self._now()), self._most_samples, in_seconds=in_seconds)
            async for piece in _pieces(request):
                await asyncio.to_thread(reader.feed, piece)
            reader.end()
            await asyncio.to_thread(self._keep, reader)
        except OutOfOrder as problem:
            return refusal(BadData(str(problem)))
        except PromqlError as problem:
            return refusal(problem)
        return Response(status_code=204)

    def _keep(self, reader: Reader) -> None:
        self._tsdb.import_blocks([_in_order(collected) for collected in reader.series.values()])


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body, unpacked, in pieces of bounded size however small it was packed."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise BadData(f"content encoding {encoding!r} is not supported: send gzip or plain text")
    unpack = _gunzip() if encoding == "gzip" else None
    waiting = bytearray()
    async for received in request.stream():
        for piece in (received,) if unpack is None else unpack(received):
            waiting += piece
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
    yield bytes(waiting)


def _gunzip() -> Callable[[bytes], Iterator[bytes]]:
    state = [zlib.decompressobj(GZIP)]

    def unpack(packed: bytes) -> Iterator[bytes]:
        if not packed:
            if not state[0].eof:
                raise BadData("the gzip stream is cut short")
            return
        piece = b""
        while packed or len(piece) == PIECE:
            if state[0].eof:  # one member may follow another
                state[0] = zlib.decompressobj(GZIP)
            try:
                piece = state[0].decompress(packed, PIECE)
            except zlib.error as problem:
                raise BadData(f"the body is not gzip: {problem}") from problem
            packed = state[0].unused_data if state[0].eof else state[0].unconsumed_tail
            yield piece

    return unpack


def _in_order(collected: Collected) -> Block:
    times = np.frombuffer(collected.times, dtype=np.int64)
    values = np.frombuffer(collected.values, dtype=np.float64)
    if (np.diff(times) <= 0).any():
        times, values = _sorted(collected, times, values)
    return Block(collected.labels, times, values)


def _sorted(collected: Collected, times: Times, values: Values) -> tuple[Times, Values]:
    """In order of time; the same sample twice is one, two values at one moment are an error."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    again = np.flatnonzero(np.diff(times) == 0)
    same = (values[again] == values[again + 1]) | (np.isnan(values[again]) & np.isnan(values[again + 1]))
    if not same.all():
        moment = int(times[again[~same][0]])
        raise BadData(f"two values for {format_labels(collected.labels)} at {moment} ms")
    kept = np.append(np.diff(times) > 0, True)
    return times[kept], values[kept]
