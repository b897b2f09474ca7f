"""What databases, caches and brokers write: how they come up, what they keep house with, whom they turn away."""

from __future__ import annotations

from functools import partial

from simulator.apps import App
from simulator.flow import CallFlow, GroupFlow, RouteFlow
from simulator.logs.chances import Chance, Line, Moment
from simulator.logs.styles import Fields
from simulator.network import Facts, Why
from simulator.network.dialects import server_says

SLOW_STATEMENT = 0.25  # seconds; what log_min_duration_statement is set to
COMPLAINTS_PER_TICK = 2
HOUSEKEEPING: dict[str, tuple[str, Fields]] = {
    "redis": ("100 changes in 300 seconds. Saving...", {}),
    "postgres": ("checkpoint complete: wrote 48 buffers (0.3%)", {}),
    "mysql": ("Buffer pool(s) dump completed", {"code": "MY-011944"}),
    "rabbitmq": ("memory in use is below the watermark", {}),
}
_PG_HBA = 'Connection matched file "/var/lib/postgresql/data/pg_hba.conf" line 128: "host all all all scram-sha-256"'


def greeting(app: App, version: str) -> list[tuple[str, Fields]]:
    if app.engine == "redis":
        started = f"Redis version={version}, bits=64, modified=0, pid=1, just started"
        return [(started, {}), (f"Running mode=standalone, port={app.port}.", {})]
    if app.engine == "postgres":
        starting = f"starting PostgreSQL {version} on x86_64-pc-linux-gnu, 64-bit"
        return [(starting, {}), (f'listening on IPv4 address "0.0.0.0", port {app.port}', {})]
    if app.engine == "mysql":
        starting = f"/usr/sbin/mysqld (mysqld {version}) starting as process 1"
        return [(starting, {"code": "MY-010116"}), ("InnoDB initialization has started.", {"code": "MY-013576"})]
    return [(f"Starting RabbitMQ {version} on Erlang 26.2.3", {}), (f"started TCP listener on [::]:{app.port}", {})]


def ready(app: App, version: str) -> tuple[str, Fields]:
    if app.engine == "mysql":
        said = (
            f"/usr/sbin/mysqld: ready for connections. Version: '{version}'  socket: '/var/run/mysqld/mysqld.sock'  "
            f"port: {app.port}  MySQL Community Server - GPL."
        )
        return said, {"code": "MY-010931"}
    said = {
        "redis": "Ready to accept connections tcp",
        "postgres": "database system is ready to accept connections",
    }.get(app.engine, "Server startup complete")
    return said, {}


def notes(app: App, served: RouteFlow, seconds: float) -> list[Chance]:
    """Servers do not write every request; they note what is slow, and their housekeeping."""
    slow = float(served.ok.mean[0])

    def statement(moment: Moment) -> Line:
        text = served.route.example.replace("{n}", str(moment.chance.randint(1, 9_000)))
        return moment.sometime(), "info", f"duration: {slow * 1000:.3f} ms  statement: {text}", {}

    def note(moment: Moment) -> Line:
        message, fields = HOUSEKEEPING[app.engine]
        return moment.sometime(), "info", message, fields

    tells_slow = app.engine == "postgres" and slow > SLOW_STATEMENT
    return [Chance(0.5 if tells_slow else 0.0, 1, statement), Chance(seconds / 300, 1, note)]


def complaints(server: GroupFlow, arriving: list[CallFlow], seconds: float) -> list[Chance]:
    """A line for the clients that the server turned away, where its kind writes one."""
    chances = []
    for made in arriving:
        expected = float(made.rate[0]) * seconds / max(len(server.group.members), 1)
        for obstacle in made.target.obstacles:
            said = complaint(server.group.app, obstacle.why, made.target.facts)
            if said is not None:
                tell = partial(_tell, *said)
                chances.append(Chance(expected * obstacle.share * 0.5, COMPLAINTS_PER_TICK, tell))
    return chances


def _tell(level: str, message: str, fields: Fields, moment: Moment) -> Line:
    return moment.sometime(), level, message, fields


def complaint(app: App, why: Why, facts: Facts) -> tuple[str, str, Fields] | None:
    """Level, message and fields; caches and, of much, MySQL write nothing."""
    said = server_says(app.engine, why, facts)
    if said is None or app.engine == "redis":
        return None
    if app.engine == "postgres":
        detail = f"\nDETAIL:  {_PG_HBA}" if why is Why.BAD_LOGIN else ""
        return "fatal" if said.severity == "FATAL" else "error", f"{said.text}{detail}", {}
    if app.engine == "mysql":
        return ("info", said.text, {"code": "MY-010926"}) if why is Why.BAD_LOGIN else None
    if why is Why.BAD_LOGIN:
        peer = f"{facts.source} -> {facts.ip}:{facts.port}"
        refused = f"PLAIN login refused: user '{facts.user}' - invalid credentials"
        return "error", f"Error on AMQP connection <0.1120.0> ({peer}, state: starting):\n{refused}", {}
    return "error", said.text, {}
