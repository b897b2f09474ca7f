"""The routes. Each handler turns parameters into a question to the engine or the store and the answer into an envelope.

Evaluation runs in a thread, two queries at a time, so that the loop keeps serving; a query that outlives its `timeout` ends
itself at the next look at the deadline. One wrapper turns the promql errors into Prometheus's error shape.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.prometheus_api.catalogue import Catalogue, Target
from simulator.prometheus_api.exposition import read_exposition
from simulator.prometheus_api.parameters import MOST_POINTS, Parameters, invalid, read_body, read_parameters
from simulator.prometheus_api.rendering import result_data
from simulator.promql.aggregate import LABEL_NAME
from simulator.promql.engine import Engine, Result
from simulator.promql.errors import BadData, OutOfOrder, ParseFailed, PromqlError
from simulator.promql.golang import quote
from simulator.promql.matchers import Matcher
from simulator.promql.parse import parse_selector, prettify
from simulator.promql.tsdb import Labels, Tsdb

Handler = Callable[[Parameters], Awaitable[Any]]
Evaluate = Callable[[Callable[[], bool]], Result]

QUERIES_AT_A_TIME = 2
LONGEST_TIMEOUT_MS = 120_000
LARGEST_IMPORT = 32_000_000
EVER_MS = 1 << 62
VERSION = "2.45.0"
CONFIG = "global:\n  scrape_interval: 15s\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n"


def routes(
    tsdb: Tsdb,
    now: Callable[[], datetime],
    catalogue: Catalogue,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Route]:
    """`monotonic` measures real time for timeouts; `now` is the time of the world that the samples come from."""
    api = _Api(tsdb, now, catalogue, monotonic)
    return [
        _api_route("/api/v1/query", api.query, "GET", "POST"),
        _api_route("/api/v1/query_range", api.query_range, "GET", "POST"),
        _api_route("/api/v1/format_query", api.format_query, "GET", "POST"),
        _api_route("/api/v1/series", api.series, "GET", "POST"),
        _api_route("/api/v1/labels", api.label_names, "GET", "POST"),
        _api_route("/api/v1/label/{name}/values", api.label_values, "GET"),
        _api_route("/api/v1/metadata", api.metadata, "GET"),
        _api_route("/api/v1/targets", api.targets, "GET"),
        _api_route("/api/v1/rules", api.rules, "GET"),
        _api_route("/api/v1/alerts", api.alerts, "GET"),
        _api_route("/api/v1/status/buildinfo", api.buildinfo, "GET"),
        _api_route("/api/v1/status/config", api.config, "GET"),
        Route("/api/v1/import/prometheus", api.import_samples, methods=["POST"]),
        Route("/-/healthy", _plain("Prometheus Server is Healthy.\n"), methods=["GET", "HEAD"]),
        Route("/-/ready", _plain("Prometheus Server is Ready.\n"), methods=["GET", "HEAD"]),
    ]


def _api_route(path: str, handler: Handler, *methods: str) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            parameters = await read_parameters(request)
            parameters.fields.extend(("path:" + name, value) for name, value in request.path_params.items())
            return _json({"status": "success", "data": await handler(parameters)})
        except PromqlError as problem:
            return _refusal(problem)

    return Route(path, endpoint, methods=list(methods))


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _refusal(problem: PromqlError) -> Response:
    return _json({"status": "error", "errorType": problem.kind, "error": str(problem)}, problem.status)


def _plain(text: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(text)

    return endpoint


class _Api:
    def __init__(
        self, tsdb: Tsdb, now: Callable[[], datetime], catalogue: Catalogue, monotonic: Callable[[], float]
    ) -> None:
        self._tsdb = tsdb
        self._engine = Engine(tsdb)
        self._now = now
        self._catalogue = catalogue
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(QUERIES_AT_A_TIME)

    async def query(self, parameters: Parameters) -> Any:
        moment = parameters.time_ms("time", default=self._now_ms())
        query = parameters.first("query")
        try:
            return await self._evaluated(parameters, lambda late: self._engine.instant(query, moment, late))
        except ParseFailed as problem:
            raise invalid("query", str(problem)) from problem

    async def query_range(self, parameters: Parameters) -> Any:
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
        return await self._evaluated(parameters, lambda late: self._engine.range(query, start, end, step_ms, late))

    async def _evaluated(self, parameters: Parameters, evaluate: Evaluate) -> dict[str, Any]:
        """The deadline counts from the request's arrival, waiting for a turn included."""
        allowed = min(parameters.duration_ms("timeout"), LONGEST_TIMEOUT_MS) if parameters.first("timeout") else None
        deadline = self._monotonic() + (LONGEST_TIMEOUT_MS if allowed is None else allowed) / 1000

        def work() -> dict[str, Any]:
            return result_data(evaluate(lambda: self._monotonic() > deadline))

        async with self._turns:
            return await asyncio.to_thread(work)

    async def format_query(self, parameters: Parameters) -> str:
        try:
            return prettify(parameters.first("query"))
        except ParseFailed as problem:
            raise invalid("query", str(problem)) from problem

    async def series(self, parameters: Parameters) -> list[dict[str, str]]:
        if not parameters.all("match[]"):
            raise BadData("no match[] parameter provided")
        return [dict(labels) for labels in self._matched(parameters)]

    async def label_names(self, parameters: Parameters) -> list[str]:
        return sorted({name for labels in self._matched(parameters) for name, _ in labels})

    async def label_values(self, parameters: Parameters) -> list[str]:
        wanted = parameters.first("path:name")
        if not LABEL_NAME.fullmatch(wanted):
            raise BadData(f"invalid label name: {quote(wanted)}")
        return sorted({value for labels in self._matched(parameters) for name, value in labels if name == wanted})

    def _matched(self, parameters: Parameters) -> list[Labels]:
        start, end = parameters.time_ms("start", default=-EVER_MS), parameters.time_ms("end", default=EVER_MS)
        selections: list[tuple[Matcher, ...]] = [_selector(text) for text in parameters.all("match[]")] or [()]
        found = {labels for matchers in selections for labels in self._tsdb.select_labels(matchers, start, end)}
        return sorted(found)

    async def metadata(self, parameters: Parameters) -> dict[str, Any]:
        limit = parameters.whole("limit", "limit must be a number")
        wanted = parameters.first("metric")
        known = self._catalogue.metadata()
        names = [name for name in sorted(known) if not wanted or name == wanted]
        chosen = names if limit is None or limit < 0 else names[:limit]
        return {
            name: [{"type": known[name].type, "help": known[name].help, "unit": known[name].unit}] for name in chosen
        }

    async def targets(self, parameters: Parameters) -> dict[str, Any]:
        state = parameters.first("state").lower()
        active = [] if state == "dropped" else [_target(one) for one in self._catalogue.targets()]
        return {"activeTargets": active, "droppedTargets": []}

    async def rules(self, _: Parameters) -> dict[str, Any]:
        return {"groups": []}

    async def alerts(self, _: Parameters) -> dict[str, Any]:
        return {"alerts": []}

    async def buildinfo(self, _: Parameters) -> dict[str, str]:
        return {
            "version": VERSION,
            "revision": "simulator",
            "branch": "HEAD",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }

    async def config(self, _: Parameters) -> dict[str, str]:
        return {"yaml": CONFIG}

    async def import_samples(self, request: Request) -> Response:
        try:
            body = await read_body(request, LARGEST_IMPORT)
            await asyncio.to_thread(self._import, body, self._now_ms())
        except UnicodeDecodeError:
            return _refusal(BadData("the body is not UTF-8"))
        except OutOfOrder as problem:
            return _refusal(BadData(str(problem)))
        except PromqlError as problem:
            return _refusal(problem)
        return Response(status_code=204)

    def _import(self, body: bytes, now_ms: int) -> None:
        """All lines are read before the first sample is kept; then in time order, one append for each moment."""
        samples = sorted(read_exposition(body.decode(), now_ms), key=lambda sample: sample[1])
        refused: list[OutOfOrder] = []
        for moment, together in groupby(samples, key=lambda sample: sample[1]):
            try:
                self._tsdb.append_many(moment, [(labels, value) for labels, _, value in together])
            except OutOfOrder as problem:
                refused.append(problem)
        if refused:
            raise OutOfOrder(f"{refused[0]} (refused at {len(refused)} moments)")

    def _now_ms(self) -> int:
        return round(self._now().timestamp() * 1000)


def _selector(text: str) -> tuple[Matcher, ...]:
    try:
        return parse_selector(text)
    except ParseFailed as problem:
        raise invalid("match[]", str(problem)) from problem


def _target(target: Target) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered),
        "labels": dict(target.labels),
        "scrapePool": target.pool,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.last_error,
        "lastScrape": target.last_scrape.isoformat().replace("+00:00", "Z"),
        "lastScrapeDuration": target.last_scrape_seconds,
        "health": target.health,
        "scrapeInterval": target.interval,
        "scrapeTimeout": target.timeout,
    }
