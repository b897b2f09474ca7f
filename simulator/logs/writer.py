"""What the programs of the shop say: on start, on a request, on a dependency that fails, under memory or CPU pressure.

The lines are a sample of the traffic that the flow really has at that moment, at most a few a tick for each container; which ones is
drawn from a generator seeded by the time alone, so equal worlds write equal files.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from simulator import capacity
from simulator.apps import App
from simulator.flow import CallFlow, Flow, GroupFlow, RouteFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.logs.book import LogBook
from simulator.logs.styles import Fields, render
from simulator.network import Member

LINES_PER_TICK = 2
TIGHT_MEMORY = 0.88
NEGLIGIBLE = 1e-4


class LogWriter:
    def __init__(self, book: LogBook, seed: int) -> None:
        self._book = book
        self._seed = seed

    def started(self, run: PodRun, container: ContainerRun, app: App | None, at: datetime) -> None:
        self._book.open(run, container)
        if app is None:
            self._book.write(run, container, at, f"{container.name} started")
            return
        version = container.image.version if container.image else ""
        for message, fields in _greeting(app, version):
            self._write(run, container, app, at, "info", message, fields)

    def ready(self, run: PodRun, container: ContainerRun, app: App | None, at: datetime) -> None:
        if app is not None:
            self._write(run, container, app, at, "info", _ready_message(app), {})

    def tick(self, flow: Flow, now: datetime, seconds: float) -> None:
        chance = random.Random(f"{self._seed}/{now.timestamp()}")
        calls: dict[int, list[CallFlow]] = {}
        for call in flow.calls:
            calls.setdefault(call.group, []).append(call)
        for index, group in enumerate(flow.groups):
            for member in group.group.members:
                self._speak(member, group, calls.get(index, []), _Moment(now, seconds, chance))

    def _speak(self, member: Member, group: GroupFlow, calls: list[CallFlow], moment: _Moment) -> None:
        app = group.group.app
        said: list[tuple[datetime, str, str, Fields]] = []
        for served in group.routes.values():
            said += _requests(app, served, moment)
        count = len(group.group.members)
        said += [line for call in calls for line in _dependency(call, moment, count)]
        said += _pressure(member, group, moment)
        for at, level, message, fields in sorted(said, key=lambda each: each[0]):
            self._write(member.run, member.container, app, at, level, message, fields)

    def _write(
        self, run: PodRun, container: ContainerRun, app: App, at: datetime, level: str, message: str, fields: Fields
    ) -> None:
        self._book.write(run, container, at, render(app.log_style, at, level, message, fields))


class _Moment:
    """A tick's span of time and its dice."""

    def __init__(self, now: datetime, seconds: float, chance: random.Random) -> None:
        self.now = now
        self.seconds = seconds
        self.chance = chance

    def sometime(self) -> datetime:
        return self.now - timedelta(seconds=self.chance.random() * self.seconds)

    def how_many(self, expected: float, limit: int = LINES_PER_TICK) -> int:
        """A whole number around an expectation, at most the limit."""
        whole, rest = divmod(min(expected, float(limit)), 1)
        return int(whole) + (self.chance.random() < rest)


def _greeting(app: App, version: str) -> list[tuple[str, Fields]]:
    if app.log_style == "redis":
        return [
            (f"Redis version={version}, bits=64, modified=0, pid=1, just started", {}),
            ("Running mode=standalone, port=6379.", {}),
        ]
    if app.log_style == "postgres":
        return [
            (f"starting PostgreSQL {version} on x86_64-pc-linux-gnu, 64-bit", {}),
            (f'listening on IPv4 address "0.0.0.0", port {app.port}', {}),
        ]
    if app.log_style == "rabbitmq":
        return [(f"Starting RabbitMQ {version} on Erlang 26.2.3", {}), (f"started TCP listener on [::]:{app.port}", {})]
    first: tuple[str, Fields] = (f"starting {app.name}", {"version": version})
    return [first, ("configuration loaded", {"source": "environment"})]


def _ready_message(app: App) -> str:
    if app.log_style in ("redis", "postgres"):
        return {
            "redis": "Ready to accept connections tcp",
            "postgres": "database system is ready to accept connections",
        }[app.log_style]
    return "Server startup complete" if app.log_style == "rabbitmq" else f"listening on :{app.port}"


def _requests(app: App, served: RouteFlow, moment: _Moment) -> list[tuple[datetime, str, str, Fields]]:
    """A few of the requests of a route, good and bad in proportion; what fails is written more faithfully than what works."""
    expected = float(served.rate[0]) * moment.seconds
    if app.protocol == "tcp":
        return _server_notes(app, served, moment)
    failed = float(served.failed[0])
    lines = [_request(app, served, "200", moment) for _ in range(moment.how_many(expected * (1 - failed) * 0.05, 1))]
    for code, parts in served.failures.items():
        share = float(sum(part.share[0] for part in parts))
        if expected * share < NEGLIGIBLE:
            continue
        lines += [_request(app, served, code, moment) for _ in range(moment.how_many(expected * share * 0.5))]
    return lines


def _request(app: App, served: RouteFlow, code: str, moment: _Moment) -> tuple[datetime, str, str, Fields]:
    chance = moment.chance
    if code == "200":
        seconds = float(served.ok.mean[0])
    else:
        parts = served.failures[code]
        seconds = float(max(parts, key=lambda part: float(part.share[0])).mean[0])
    path = served.route.example.replace("{n}", str(chance.randint(1, 9_000)))
    fields: Fields = {
        "method": served.route.method,
        "path": path,
        "status": int(code),
        "duration_ms": max(round(seconds * 1000 * chance.lognormvariate(-0.06, 0.35)), 1),
    }
    if app.log_style == "access":
        fields["client"] = f"203.0.113.{chance.randint(2, 250)}"
    message = "job done" if app.consumes and code == "200" else "job failed" if app.consumes else "request"
    return moment.sometime(), "info" if code == "200" else "error", message, fields


def _server_notes(app: App, served: RouteFlow, moment: _Moment) -> list[tuple[datetime, str, str, Fields]]:
    """Databases and brokers do not write every request; they note what is slow or turned away, and their housekeeping."""
    slow = float(served.ok.mean[0])
    if slow > 0.25 and moment.chance.random() < 0.5:
        statement = served.route.example.replace("{n}", str(moment.chance.randint(1, 9_000)))
        return [(moment.sometime(), "warn", f"duration: {slow * 1000:.3f} ms  statement: {statement}", {})]
    if moment.chance.random() < moment.seconds / 300:
        note = {
            "redis": "100 changes in 300 seconds. Saving...",
            "postgres": "checkpoint complete: wrote 48 buffers (0.3%)",
        }
        return [
            (
                moment.sometime(),
                "info",
                note.get(app.log_style, "rabbit on node: memory in use is below the watermark"),
                {},
            )
        ]
    return []


def _dependency(call: CallFlow, moment: _Moment, pods: int) -> list[tuple[datetime, str, str, Fields]]:
    """The client's side of a call that failed, with the words of its network library."""
    per_pod = float(call.rate[0]) * moment.seconds / max(pods, 1)
    if per_pod * float(call.failed[0]) < NEGLIGIBLE:
        return []
    host, port = call.target.host, call.target.port
    url = f"{host}:{port}{call.call.route if call.call.route.startswith('/') else ''}"
    reasons = {
        call.target.refusal: float(call.refused[0]),
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)": float(call.timeout[0]),
        "unexpected status 5xx from upstream": float(call.error[0]),
    }
    lines: list[tuple[datetime, str, str, Fields]] = []
    for reason, share in reasons.items():
        for _ in range(moment.how_many(per_pod * share * 0.5)):
            fields: Fields = {"dependency": call.call.app, "url": url, "error": reason}
            level = "error" if call.call.required else "warn"
            lines.append((moment.sometime(), level, "dependency call failed", fields))
    return lines


def _pressure(member: Member, group: GroupFlow, moment: _Moment) -> list[tuple[datetime, str, str, Fields]]:
    """What a program notices of its own limits."""
    lines: list[tuple[datetime, str, str, Fields]] = []
    limit = group.group.memory_limit_mib
    used = member.container.memory_mib
    if limit and used > TIGHT_MEMORY * limit:
        fields: Fields = {"rss_mib": round(used), "limit_mib": round(limit)}
        lines.append((moment.sometime(), "warn", "memory is tight, forced a full collection", fields))
    waiting = float(capacity.queueing(group.utilisation)[0])
    if waiting > 0:
        busy: Fields = {"in_flight": group.group.app.concurrency, "queue_wait_ms": round(waiting * 1000)}
        lines.append((moment.sometime(), "warn", "worker pool saturated, requests are waiting", busy))
    return lines
