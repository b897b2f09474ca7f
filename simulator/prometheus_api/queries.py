"""Queries: parameters become a question to the engine, which is answered in a thread.

Two queries run at a time, so that the loop keeps serving; a query that outlives its `timeout` ends itself at the next look at the deadline.
What it cost is counted in samples. The timings beside them are zero: real time is none of the simulated world's.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.prometheus_api.answers import Answer
from simulator.prometheus_api.parameters import MOST_POINTS, Parameters, invalid
from simulator.prometheus_api.rendering import result_data
from simulator.promql.engine import Conditions, Engine, Result, checked
from simulator.promql.errors import BadData, ParseFailed
from simulator.promql.evaluator import Usage
from simulator.promql.parse import prettify
from simulator.promql.tsdb import Tsdb

QUERIES_AT_A_TIME = 2
LONGEST_TIMEOUT_MS = 120_000
EVER_MS = 1 << 62
TIMINGS = ("evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime", "execTotalTime")

Evaluate = Callable[[Conditions], Result]


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Queries:
    def __init__(self, tsdb: Tsdb, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._tsdb = tsdb
        self._engine = Engine(tsdb)
        self._now = now
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(QUERIES_AT_A_TIME)

    async def query(self, parameters: Parameters) -> Answer:
        moment = parameters.time_ms("time", default=milliseconds(self._now()))
        query = parameters.first("query")
        try:
            return await self._evaluated(parameters, lambda given: self._engine.instant(query, moment, given))
        except ParseFailed as problem:
            raise invalid("query", str(problem)) from problem

    async def query_range(self, parameters: Parameters) -> Answer:
        start, end = parameters.time_ms("start"), parameters.time_ms("end")
        if end < start:
            raise invalid("end", "end timestamp must not be before start time")
        step = parameters.duration_ms("step")
        if step <= 0:
            raise invalid(
                "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        if (end - start) / step > MOST_POINTS:
            raise BadData(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        query, step_ms = parameters.first("query"), max(1, int(step))
        return await self._evaluated(parameters, lambda given: self._engine.range(query, start, end, step_ms, given))

    async def exemplars(self, parameters: Parameters) -> Answer:
        """There are none: the programs of the shop send no traces along with their metrics."""
        start, end = parameters.time_ms("start", default=-EVER_MS), parameters.time_ms("end", default=EVER_MS)
        if end < start:
            raise BadData("end timestamp must not be before start timestamp")
        checked(parameters.first("query"))
        return Answer([])

    async def format_query(self, parameters: Parameters) -> Answer:
        try:
            return Answer(prettify(parameters.first("query")))
        except ParseFailed as problem:
            raise invalid("query", str(problem)) from problem

    async def _evaluated(self, parameters: Parameters, evaluate: Evaluate) -> Answer:
        """The deadline counts from the request's arrival, waiting for a turn included."""
        horizon = self._tsdb.newest_ms  # what the world appends while this waits or runs is not part of the answer
        allowed = parameters.duration_ms("timeout") if parameters.first("timeout") else LONGEST_TIMEOUT_MS
        deadline = self._monotonic() + min(allowed, LONGEST_TIMEOUT_MS) / 1000
        usage = Usage()
        given = Conditions(lambda: self._monotonic() > deadline, _lookback(parameters), usage, horizon)

        def work() -> dict[str, Any]:
            data = result_data(evaluate(given))
            return data | {"stats": _stats(usage)} if parameters.first("stats") else data

        async with self._turns:
            return Answer(await asyncio.to_thread(work))


def _lookback(parameters: Parameters) -> int | None:
    if not parameters.first("lookback_delta"):
        return None
    try:
        return int(parameters.duration_ms("lookback_delta")) or None
    except BadData as problem:
        reason = str(problem).partition(": ")[2]
        raise BadData(f"error parsing lookback delta duration: {reason}") from problem


def _stats(usage: Usage) -> dict[str, Any]:
    samples = {"totalQueryableSamples": usage.queried, "peakSamples": usage.peak}
    return {"timings": dict.fromkeys(TIMINGS, 0), "samples": samples}
