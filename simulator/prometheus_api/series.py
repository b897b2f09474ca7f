"""Which series, labels and values there are, and the newest samples of series for another Prometheus to take."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from simulator.prometheus_api.answers import TRUNCATED, Answer
from simulator.prometheus_api.exposition import written
from simulator.prometheus_api.parameters import Parameters, invalid, read_parameters
from simulator.prometheus_api.queries import EVER_MS, milliseconds
from simulator.promql.aggregate import LABEL_NAME
from simulator.promql.chunks import is_stale
from simulator.promql.errors import BadData, ParseFailed
from simulator.promql.evaluator import Limits
from simulator.promql.golang import quote
from simulator.promql.matchers import Matcher
from simulator.promql.parse import parse_selector
from simulator.promql.tsdb import Labels, Series, Tsdb

NOTHING_ASKED = "match[] must contain at least one non-empty matcher"
NO_MATCHER = "must contain at least one non-empty matcher"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

Selection = tuple[Matcher, ...]


class Catalog:
    def __init__(self, tsdb: Tsdb, now: Callable[[], datetime]) -> None:
        self._tsdb = tsdb
        self._now = now

    async def series(self, parameters: Parameters) -> Answer:
        if not parameters.all("match[]"):
            raise BadData("no match[] parameter provided")
        try:
            found = await self._matched(parameters)
        except BadData as problem:
            raise invalid("match[]", str(problem)) if str(problem) == NOTHING_ASKED else problem from problem
        return _limited([dict(labels) for labels in found], parameters)

    async def label_names(self, parameters: Parameters) -> Answer:
        return _limited(sorted({name for labels in await self._matched(parameters) for name, _ in labels}), parameters)

    async def label_values(self, parameters: Parameters) -> Answer:
        wanted = parameters.first("path:name")
        if not LABEL_NAME.fullmatch(wanted):
            raise BadData(f"invalid label name: {quote(wanted)}")
        found = {value for labels in await self._matched(parameters) for name, value in labels if name == wanted}
        return _limited(sorted(found), parameters)

    async def federate(self, request: Request) -> Response:
        """The newest sample of each series that is asked for, as exposition text."""
        parameters = await read_parameters(request)
        try:
            selections = [selector(text) for text in parameters.all("match[]")]
        except BadData as problem:
            return PlainTextResponse(f"{problem}\n", 400)
        now = milliseconds(self._now())
        start = now - Limits().lookback_ms
        series = {one.labels: one for chosen in selections for one in self._tsdb.select(chosen, start, now)}
        lines = _federated([series[labels] for labels in sorted(series, key=_by_name)])
        return Response("".join(lines), media_type=EXPOSITION)

    async def _matched(self, parameters: Parameters) -> list[Labels]:
        start, end = parameters.time_ms("start", default=-EVER_MS), parameters.time_ms("end", default=EVER_MS)
        selections: list[Selection] = [selector(text) for text in parameters.all("match[]")] or [()]
        return await asyncio.to_thread(self._found, selections, start, end)

    def _found(self, selections: Sequence[Selection], start: int, end: int) -> list[Labels]:
        if len(selections) == 1:
            return self._tsdb.select_labels(selections[0], start, end)
        found = {labels for matchers in selections for labels in self._tsdb.select_labels(matchers, start, end)}
        return sorted(found)


def _limited(found: Sequence[Any], parameters: Parameters) -> Answer:
    """At most `limit` of them; 0 is no limit."""
    limit = parameters.whole("limit", "limit must be a number") or 0
    if limit < 0:
        raise BadData("limit must be non-negative")
    return Answer(found[:limit], [TRUNCATED]) if 0 < limit < len(found) else Answer(found)


def selector(text: str) -> Selection:
    try:
        return parse_selector(text)
    except ParseFailed as problem:
        if str(problem).endswith(NO_MATCHER):
            raise BadData(NOTHING_ASKED) from problem
        raise invalid("match[]", str(problem)) from problem


def _by_name(labels: Labels) -> tuple[str, Labels]:
    return dict(labels).get("__name__", ""), labels


def _federated(series: Sequence[Series]) -> Iterator[str]:
    alive = [one for one in series if not is_stale(one.values[-1:])[0]]
    for name, together in groupby(alive, key=lambda one: dict(one.labels).get("__name__", "")):
        yield f"# TYPE {name} untyped\n"
        for one in together:
            yield written(one.labels, float(one.values[-1]), int(one.times[-1]))
