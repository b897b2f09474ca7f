"""How a program answers a check of its health, in the words of the one who asks.

A check passes when the program listens on the port, speaks the protocol, knows the path and answers in time. The answer is None then, else
what the kubelet reports: the error of its HTTP client, a status code, or what a command has written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.objects import Object
from simulator.programs import commands
from simulator.programs.launch import Launch
from simulator.programs.process import Process
from simulator.programs.shell import is_script, run

HEALTH_PATHS = ("/healthz", "/livez", "/readyz", "/health", "/ready", "/metrics", "/ping")
HOPELESS = 0.5  # the share of requests that get no answer at all
AWAITING = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
# What is not HTTP answers a request for a page in its own way.
GIBBERISH = {
    "redis": "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"-ERR unknown command 'GET'\"",
    "postgres": "EOF",
    "rabbitmq": 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "AMQP\\x00\\x00\\t\\x01"',
}
CLIENTS = ("redis-cli", "pg_isready", "psql", "rabbitmq-diagnostics", "rabbitmqctl", "curl", "wget")


@dataclass(frozen=True)
class Patient:
    """Who is asked: the process behind the port in question, if there is one, at the pod's address."""

    ip: str
    process: Process | None
    launch: Launch  # of the container that the check belongs to
    dice: float  # this check's own number between nought and one


@dataclass(frozen=True)
class Check:
    """A probe's handler with its port as a number."""

    spec: Object
    port: int
    timeout: float


def answer(patient: Patient, check: Check) -> str | None:
    for handler, ask in _HANDLERS.items():
        if handler in check.spec:
            return ask(patient, check)
    return None


def is_late(patient: Patient, check: Check) -> bool:
    """A check costs next to nothing: under load it gets through until the queue is hopeless."""
    process = patient.process
    if process is None:
        return False
    return (
        process.takes_no_connection
        or process.lag > check.timeout
        or patient.dice < (process.shed - HOPELESS) / (1 - HOPELESS)
    )


def _http(patient: Patient, check: Check) -> str | None:
    action = check.spec["httpGet"]
    scheme, path = str(action.get("scheme") or "HTTP").lower(), str(action.get("path") or "/")
    where = f"{action.get('host') or patient.ip}:{check.port}"
    process = patient.process
    if process is None:
        return f'Get "{scheme}://{where}{path}": dial tcp {where}: connect: connection refused'
    failure = AWAITING if is_late(patient, check) else _misunderstood(process, scheme)
    if failure is not None:
        return f'Get "{scheme}://{where}{path}": {failure}'
    status = _status(process, path)
    return None if status < 400 else f"HTTP probe failed with statuscode: {status}"


def _misunderstood(process: Process, scheme: str) -> str | None:
    app = process.app
    if app is None:  # a tool speaks whatever its manifest says
        return None
    if app.protocol == "tcp":
        return (
            GIBBERISH.get(app.log_style, "EOF")
            if scheme == "http"
            else "tls: first record does not look like a TLS handshake"
        )
    return "http: server gave HTTP response to HTTPS client" if scheme == "https" else None


def _status(process: Process, path: str) -> int:
    app, bare = process.app, path.partition("?")[0]
    if app is None or bare in HEALTH_PATHS:
        return 200
    known = {route.path for route in app.routes if route.method == "GET"}
    return 200 if bare in known else 404


def _tcp(patient: Patient, check: Check) -> str | None:
    """The kernel opens the connection, whatever state the program is in."""
    if patient.process is not None:
        return None
    return f"dial tcp {check.spec['tcpSocket'].get('host') or patient.ip}:{check.port}: connect: connection refused"


def _grpc(patient: Patient, check: Check) -> str | None:
    where = f"{patient.ip}:{check.port}"
    if patient.process is None or is_late(patient, check):
        return f'timeout: failed to connect service "{where}" within {check.timeout:g}s: context deadline exceeded'
    return (
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
        'rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: http2: frame too large"'
    )


def _exec(patient: Patient, check: Check) -> str | None:
    command = tuple(str(each) for each in check.spec["exec"].get("command") or ())
    missing = commands.missing(patient.launch, command[0]) if command else ""
    if missing:
        return (
            f"rpc error: code = Unknown desc = failed to exec in container: failed to start exec: OCI runtime exec failed: "
            f"exec failed: unable to start container process: {missing}: unknown"
        )
    if command and command[0].rpartition("/")[2] in CLIENTS:
        return _client(patient, check, command)
    launch = Launch(**{**patient.launch.__dict__, "command": command, "args": ()})
    end = run(launch) if is_script(launch) else None
    return "\n".join(str(each) for each in end.lines) if end and end.code else None


def _client(patient: Patient, check: Check, command: tuple[str, ...]) -> str | None:
    """A program's own client asks it over its port."""
    if is_late(patient, check):
        return f'command "{" ".join(command)}" timed out'
    return None if patient.process is not None else f"{command[0]}: could not connect: Connection refused"


_HANDLERS: dict[str, Callable[[Patient, Check], str | None]] = {
    "httpGet": _http,
    "tcpSocket": _tcp,
    "grpc": _grpc,
    "exec": _exec,
}
