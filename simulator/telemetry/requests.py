"""HTTP instrumentation of the programs, and the edges between them as a service graph shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.apps import App
from simulator.flow import CONNECT_SECONDS, CallFlow, GroupFlow
from simulator.latency import LE, SPREAD, TIGHT, Part, buckets, buckets_now, mean, merged
from simulator.noise import Floats
from simulator.telemetry.counters import Row
from simulator.telemetry.labels import labelled

CODES = ("200", "404", "500", "502", "503", "504")


def is_instrumented(app: App) -> bool:
    return app.protocol == "http" and not app.consumes and bool(app.routes)


def http_rows(app: App, base: dict[str, str]) -> list[Row]:
    rows = []
    for route in app.routes:
        labels = {**base, "method": route.method, "route": route.path}
        rows += _histogram_rows("http_request_duration_seconds", labels)
        for code in CODES:
            rows.append(Row(labelled("http_requests_total", labels, code=code), is_late=code != "200"))
    if app.is_edge:
        strays = {**base, "method": "GET", "route": "unmatched"}
        rows.append(Row(labelled("http_requests_total", strays, code="404"), is_late=True))
    return rows


def http_rates(flow: GroupFlow) -> Floats:
    """Increments a second of `http_rows`, for one pod of the group."""
    if len(flow.cores) == 1:
        return np.array(_http_now(flow))[:, None]
    blocks = []
    for route in flow.group.app.routes:
        served = flow.routes.get(route.path)
        if served is None:
            blocks.append(np.zeros((len(LE) + 2 + len(CODES), len(flow.cores))))
            continue
        codes = [served.rate * (served.ok.share if code == "200" else served.share(code)) for code in CODES]
        blocks.append(np.vstack([_histogram_rates(served.rate, served.parts), np.asarray(codes)]))
    if flow.group.app.is_edge:
        strays = flow.strays if flow.strays is not None else np.zeros_like(flow.cores)
        blocks.append(np.broadcast_to(strays, flow.cores.shape)[None, :])
    return np.vstack(blocks)


def _http_now(flow: GroupFlow) -> list[float]:
    rates: list[float] = []
    for route in flow.group.app.routes:
        served = flow.routes.get(route.path)
        if served is None:
            rates += [0.0] * (len(LE) + 2 + len(CODES))
            continue
        rate = float(served.rate[0])
        failures = [part for parts in served.failures.values() for part in parts]
        rates += buckets_now(rate, [served.ok, *failures])
        shares = {code: sum(float(part.share[0]) for part in parts) for code, parts in served.failures.items()}
        shares["200"] = float(served.ok.share[0])
        rates += [rate * shares.get(code, 0.0) for code in CODES]
    if flow.group.app.is_edge:
        rates.append(0.0 if flow.strays is None else float(np.ravel(flow.strays)[0]))
    return rates


def job_rows(app: App, base: dict[str, str]) -> list[Row]:
    labels = {**base, "queue": app.consumes}
    return [Row(labelled("jobs_processed_total", labels, outcome=each)) for each in ("done", "failed")]


def job_rates(flow: GroupFlow) -> Floats:
    served = flow.routes.get(flow.group.app.routes[0].path)
    if served is None:
        return np.zeros((2, len(flow.cores)))
    return np.asarray([served.rate * served.ok.share, served.rate * served.failed])


def edge_rows(client: str, client_namespace: str, server: str, server_namespace: str) -> list[Row]:
    base = {
        "job": "tempo",
        "client": client,
        "server": server,
        "client_service_namespace": client_namespace,
        "server_service_namespace": server_namespace,
    }
    return [
        Row(labelled("traces_service_graph_request_total", base)),
        Row(labelled("traces_service_graph_request_failed_total", base)),
        *_histogram_rows("traces_service_graph_request_server_seconds", base),
        *_histogram_rows("traces_service_graph_request_client_seconds", base),
    ]


def edge_rates(calls: Sequence[CallFlow]) -> Floats:
    """All calls from one program to one Service together."""
    blocks = [_call_rates(call) for call in calls]
    return np.asarray(sum(blocks[1:], blocks[0]))


def _call_rates(call: CallFlow) -> Floats:
    failed = call.failed
    failures = [
        Part(np.minimum(call.refused, failed), failed * 0 + CONNECT_SECONDS, SPREAD),
        Part(np.minimum(call.error + call.missing, failed), call.error_latency, SPREAD),
        Part(np.minimum(call.timeout, failed), failed * 0 + call.call.timeout, TIGHT),
    ]
    histogram = _histogram_now if len(failed) == 1 else _histogram_rates
    seen = histogram(call.rate, [Part(1 - failed, call.latency, SPREAD), *failures])
    served = seen
    if call.server_latency is not call.latency:
        served = histogram(call.rate, [Part(1 - failed, call.server_latency, SPREAD), *failures])
    return np.concatenate([call.rate[None, :], (call.rate * failed)[None, :], served, seen])


def _histogram_rows(name: str, labels: dict[str, str]) -> list[Row]:
    return [
        *(Row(labelled(f"{name}_bucket", labels, le=bound)) for bound in LE),
        Row(labelled(f"{name}_sum", labels), is_whole=False),
        Row(labelled(f"{name}_count", labels)),
    ]


def _histogram_now(rate: Floats, parts: list[Part]) -> Floats:
    return np.array(buckets_now(float(rate[0]), parts))[:, None]


def _histogram_rates(rate: Floats, parts: list[Part]) -> Floats:
    parts = merged(parts)
    counted = buckets(rate, parts)
    return np.vstack([counted, rate * mean(parts), counted[-1]])
