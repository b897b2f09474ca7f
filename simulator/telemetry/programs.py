"""What the programs say about themselves beside their requests: the process, its pools, and what databases, caches and brokers count.

A program of the shop exports what the client library of its language exports. Busy workers and connections follow from how long requests
take (Little's law), so that a slow callee shows as a full pool in its caller before anything fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import caches
from simulator.apps import App
from simulator.flow import CallFlow, GroupFlow
from simulator.noise import Floats
from simulator.promql.tsdb import Labels
from simulator.telemetry.cadvisor import MOST_DESCRIPTORS, THREADS
from simulator.telemetry.counters import Row
from simulator.telemetry.labels import labelled

_BY_LANGUAGE = {
    "go": "go_goroutines",
    "java": "jvm_threads_live_threads",
    "python": "process_threads",
    "node": "nodejs_active_handles_total",
}
_REDIS = (
    "redis_keyspace_hits_total",
    "redis_keyspace_misses_total",
    "redis_commands_processed_total",
    "redis_expired_keys_total",
)
_POSTGRES = ("pg_stat_database_xact_commit", "pg_stat_database_xact_rollback", "pg_stat_database_blks_read")


def pools(app: App) -> list[str]:
    """The databases, caches and brokers to which a program keeps connections."""
    called = (call for route in app.routes for call in route.calls if not call.route.startswith("/"))
    return list(dict.fromkeys(call.app for call in called))


def counter_rows(app: App, base: dict[str, str]) -> list[Row]:
    rows = [Row(labelled("process_cpu_seconds_total", base), is_whole=False)]
    if app.log_style == "redis":
        rows += [Row(labelled(name, base)) for name in _REDIS]
    if app.log_style == "postgres":
        rows += [Row(labelled(name, base, datname="shop")) for name in _POSTGRES]
    return rows


def counter_rates(flow: GroupFlow) -> Floats:
    """Increments a second of `counter_rows`, for one pod."""
    app, rate = flow.group.app, flow.rate
    increments = [flow.cores]
    if app.log_style == "redis":
        hit = caches.hit_share(flow.group.env)
        stored = rate * (1 - hit)
        increments += [rate * hit, rate * (1 - hit), rate + stored, stored * (1 - hit)]
    if app.log_style == "postgres":
        failed = sum((served.rate * served.failed for served in flow.routes.values()), np.zeros_like(rate))
        increments += [rate - failed, failed, rate * 0.8]
    return np.asarray(increments)


def gauge_labels(app: App, base: dict[str, str]) -> list[Labels]:
    names = ["process_resident_memory_bytes", "process_open_fds", "process_max_fds"]
    if app.language in _BY_LANGUAGE:
        names.append(_BY_LANGUAGE[app.language])
    names += _own_names(app)
    labels = [labelled(name, base) for name in names]
    for pool in pools(app):
        labels.append(labelled("db_client_connections_usage", base, pool_name=pool, state="used"))
        labels.append(labelled("db_client_connections_pending_requests", base, pool_name=pool))
        labels.append(labelled("db_client_connections_max", base, pool_name=pool))
    return labels


def _own_names(app: App) -> list[str]:
    if app.log_style == "redis":
        return ["redis_connected_clients", "redis_memory_used_bytes", "redis_db_keys", "redis_up"]
    if app.protocol == "http":
        return ["http_requests_in_flight", "http_worker_pool_size"]
    return []


@dataclass(frozen=True)
class Use:
    """What one pod has in hand: requests, and calls to each of its pools."""

    busy: Floats
    connections: dict[str, Floats]


def use(flow: GroupFlow, calls: list[CallFlow]) -> Use:
    members = len(flow.group.members)
    connections = {name: np.zeros_like(flow.cores) for name in pools(flow.group.app)}
    for made in calls:
        if made.call.app in connections:
            took = np.minimum(made.latency, made.call.timeout) * (1 - made.timeout) + made.call.timeout * made.timeout
            connections[made.call.app] = connections[made.call.app] + made.rate * took / members
    return Use(flow.pool * flow.group.app.concurrency, connections)


def gauges(
    app: App, env_keys: float, used: Use, resident: Floats, clients: Floats, lost: tuple[float, float] = (0.0, 0.0)
) -> list[Floats]:
    """Values of `gauge_labels`; `clients` are the connections that others keep to it, `lost` its idle threads and descriptors."""
    zero = np.zeros_like(resident)
    busy = np.floor(used.busy)
    opened = 12 + 2 * (6 + busy) + lost[1]
    values = [resident, opened, zero + MOST_DESCRIPTORS]
    if app.language in _BY_LANGUAGE:
        values.append(THREADS[app.language] + 14 + 2 * busy + lost[0])
    if app.log_style == "redis":
        values += [clients, resident * 0.82, zero + env_keys, zero + 1]
    elif app.protocol == "http":
        values += [busy, zero + app.concurrency]
    for name in pools(app):
        wanted = used.connections.get(name, zero)
        values += [
            np.ceil(np.minimum(wanted, app.pool)),
            np.floor(np.maximum(wanted - app.pool, 0.0)),
            zero + app.pool,
        ]
    return values
