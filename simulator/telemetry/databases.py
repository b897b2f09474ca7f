"""What the exporters of databases and brokers show of their clients and settings: as the server was started, and who is logged in now."""

from __future__ import annotations

import numpy as np

from simulator.apps import Engine
from simulator.flow import CallFlow, Flow, GroupFlow
from simulator.network import Group
from simulator.network.logins import Server, pool_of, server_of
from simulator.telemetry.labels import Sample, labelled
from simulator.telemetry.meters import target_labels

_OWN_SESSIONS: dict[Engine, int] = {"postgres": 4, "mysql": 1}  # of the server itself and its exporter


def samples(flow: Flow) -> list[Sample]:
    found: list[Sample] = []
    for group in flow.groups:
        if group.group.app.engine in _SHOWN:
            found += _of_server(flow, group)
    return found


def _of_server(flow: Flow, group: GroupFlow) -> list[Sample]:
    app, server = group.group.app, server_of(group.group)
    clients = connected(flow, group.group, server) + _OWN_SESSIONS.get(app.engine, 0)
    values = _SHOWN[app.engine](server, clients)
    found = []
    for member in group.group.members:
        base = target_labels(member.run, member.pod, app.port)
        found += [(labelled(name, base), value) for name, value in values.items()]
    return found


def _postgres(server: Server, clients: float) -> dict[str, float]:
    return {
        "pg_settings_max_connections": server.most,
        "pg_settings_superuser_reserved_connections": server.most - server.places,
        "pg_settings_default_transaction_read_only": server.is_read_only,
        "pg_stat_activity_count": clients,
        "pg_up": 1.0,
    }


def _mysql(server: Server, clients: float) -> dict[str, float]:
    return {
        "mysql_global_status_threads_connected": clients,
        "mysql_global_variables_max_connections": server.most,
        "mysql_global_variables_read_only": server.is_read_only,
        "mysql_up": 1.0,
    }


def _rabbitmq(_server: Server, clients: float) -> dict[str, float]:
    return {"rabbitmq_connections": clients, "rabbitmq_channels": clients}


_SHOWN = {"postgres": _postgres, "mysql": _mysql, "rabbitmq": _rabbitmq}


def connected(flow: Flow, server: Group, settings: Server) -> float:
    """Connections that clients hold: what their pools want, as far as they come in and there are places."""
    wanted: dict[int, float] = {}
    for call in flow.calls:
        if call.target.backend is not None and call.target.backend.key in server.services:
            wanted[call.group] = max(wanted.get(call.group, 0.0), _pooled(flow, call))
    return float(np.floor(min(sum(wanted.values()), settings.places)))


def _pooled(flow: Flow, call: CallFlow) -> float:
    client = flow.groups[call.group].group
    return pool_of(client) * len(client.members) * call.target.let_in
