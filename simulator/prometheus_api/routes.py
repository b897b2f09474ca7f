"""The routes: which path is answered by what."""

import time
from collections.abc import Callable
from datetime import datetime

from starlette.routing import Route

from simulator.prometheus_api.answers import api_route, plain
from simulator.prometheus_api.catalogue import Catalogue
from simulator.prometheus_api.importing import Importer
from simulator.prometheus_api.queries import Queries
from simulator.prometheus_api.series import Catalog
from simulator.prometheus_api.status import Status
from simulator.promql.tsdb import Tsdb

NOT_ENABLED = "Lifecycle API is not enabled.\n"
NO_RECEIVER = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"
BOTH = ("GET", "POST")


def routes(
    tsdb: Tsdb,
    now: Callable[[], datetime],
    catalogue: Catalogue,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Route]:
    """`monotonic` measures real time for timeouts; `now` is the time of the world that the samples come from."""
    queries, series = Queries(tsdb, now, monotonic), Catalog(tsdb, now)
    return [
        api_route("/api/v1/query", queries.query, *BOTH),
        api_route("/api/v1/query_range", queries.query_range, *BOTH),
        api_route("/api/v1/query_exemplars", queries.exemplars, *BOTH),
        api_route("/api/v1/format_query", queries.format_query, *BOTH),
        api_route("/api/v1/series", series.series, *BOTH),
        api_route("/api/v1/labels", series.label_names, *BOTH),
        api_route("/api/v1/label/{name}/values", series.label_values, "GET"),
        *_about_itself(Status(tsdb, now, catalogue)),
        Route("/api/v1/import/prometheus", Importer(tsdb, now).endpoint, methods=["POST"]),
        Route("/api/v1/write", plain(NO_RECEIVER, 404), methods=["POST"]),
        Route("/federate", series.federate, methods=["GET"]),
        Route("/-/healthy", plain("Prometheus Server is Healthy.\n"), methods=["GET", "HEAD"]),
        Route("/-/ready", plain("Prometheus Server is Ready.\n"), methods=["GET", "HEAD"]),
        Route("/-/reload", plain(NOT_ENABLED, 403), methods=["POST", "PUT"]),
        Route("/-/quit", plain(NOT_ENABLED, 403), methods=["POST", "PUT"]),
    ]


def _about_itself(status: Status) -> list[Route]:
    return [
        api_route("/api/v1/metadata", status.metadata, "GET"),
        api_route("/api/v1/targets", status.targets, "GET"),
        api_route("/api/v1/targets/metadata", status.target_metadata, "GET"),
        api_route("/api/v1/scrape_pools", status.scrape_pools, "GET"),
        api_route("/api/v1/rules", status.rules, "GET"),
        api_route("/api/v1/alerts", status.alerts, "GET"),
        api_route("/api/v1/alertmanagers", status.alertmanagers, "GET"),
        api_route("/api/v1/status/buildinfo", status.buildinfo, "GET"),
        api_route("/api/v1/status/config", status.config, "GET"),
        api_route("/api/v1/status/flags", status.flags, "GET"),
        api_route("/api/v1/status/runtimeinfo", status.runtimeinfo, "GET"),
        api_route("/api/v1/status/tsdb", status.tsdb, "GET"),
        api_route("/api/v1/status/walreplay", status.walreplay, "GET"),
    ]
