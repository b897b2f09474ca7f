"""What the programs of the shop say: on start, on a request, on a dependency that fails, under memory or CPU pressure.

The lines are a sample of the traffic that the flow really has at that moment, at most a few a tick for each container; which ones is
drawn from a generator seeded by the time alone, so equal worlds write equal files.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from simulator import capacity
from simulator.apps import App, Language
from simulator.flow import CallFlow, Flow, GroupFlow, RouteFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.logs.book import LogBook
from simulator.logs.styles import Fields, render
from simulator.network import Member, Outcome, Why, say
from simulator.programs.ends import Line as LastLine
from simulator.programs.ends import Note

LINES_PER_TICK = 2
TIGHT_MEMORY = 0.88
NEGLIGIBLE = 1e-4
SLOW_STATEMENT = 0.25  # seconds; what log_min_duration_statement is set to


class LogWriter:
    def __init__(self, book: LogBook, seed: int) -> None:
        self._book = book
        self._seed = seed
        self._flow: Flow | None = None
        self._chances: list[list[_Chance]] = []

    def started(self, run: PodRun, container: ContainerRun, app: App | None, at: datetime) -> None:
        self._book.open(run, container)
        if app is None:
            if container.exit is None:
                self._book.write(run, container, at, f"{container.name} started")
            return
        version = container.image.version if container.image else ""
        for message, fields in _greeting(app, version)[: 1 if container.exit else None]:
            self._write(run, container, app, at, "info", message, fields)

    def ready(self, run: PodRun, container: ContainerRun, app: App | None, at: datetime) -> None:
        if app is not None:
            self._write(run, container, app, at, "info", _ready_message(app), {})

    def said(self, run: PodRun, container: ContainerRun, lines: Sequence[LastLine], at: datetime) -> None:
        """What a process writes itself, in its logger's style or past it."""
        app = container.image.app if container.image else None
        for line in lines:
            if isinstance(line, Note) and app is not None:
                self._write(run, container, app, at, line.level, line.message, line.fields)
            else:
                self._book.write(run, container, at, line.message if isinstance(line, Note) else line)

    def tick(self, flow: Flow, now: datetime, seconds: float) -> None:
        """A flow that lasts for several ticks is read once."""
        if flow is not self._flow:
            self._flow = flow
            self._chances = [
                _chances(group, _calls_of(flow, index), seconds) for index, group in enumerate(flow.groups)
            ]
        moment = _Moment(now, seconds, random.Random(f"{self._seed}/{now.timestamp()}"))
        for group, chances in zip(flow.groups, self._chances, strict=True):
            for member in group.group.members:
                self._speak(member, group, chances, moment)

    def _speak(self, member: Member, group: GroupFlow, chances: list[_Chance], moment: _Moment) -> None:
        said = [
            chance.tell(moment) for chance in chances for _ in range(moment.how_many(chance.expected, chance.limit))
        ]
        said += _pressure(member, group, moment)
        app = group.group.app
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

    def how_many(self, expected: float, limit: int) -> int:
        """A whole number around an expectation, at most the limit."""
        if expected >= limit:
            return limit
        whole = int(expected)
        return whole + (self.chance.random() < expected - whole)


Line = tuple[datetime, str, str, Fields]


@dataclass(frozen=True)
class _Chance:
    """One kind of line: how many are to be expected from each pod in a tick, and how one is told."""

    expected: float
    limit: int
    tell: Callable[[_Moment], Line]


def _calls_of(flow: Flow, index: int) -> list[CallFlow]:
    return [call for call in flow.calls if call.group == index]


def _chances(group: GroupFlow, calls: list[CallFlow], seconds: float) -> list[_Chance]:
    app = group.group.app
    chances: list[_Chance] = []
    for served in group.routes.values():
        chances += _server_notes(app, served, seconds) if app.protocol == "tcp" else _requests(app, served, seconds)
    for call in calls:
        chances += _dependency(call, app.language, seconds, len(group.group.members))
    return [chance for chance in chances if chance.expected > NEGLIGIBLE]


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


def _requests(app: App, served: RouteFlow, seconds: float) -> list[_Chance]:
    """A few of the requests of a route, good and bad in proportion; what fails is written more faithfully than what works."""
    expected = float(served.rate[0]) * seconds
    good = expected * float(served.ok.share[0]) * 0.05
    chances = [_Chance(good, 1, partial(_request, app, served, "200", float(served.ok.mean[0])))]
    for code, parts in served.failures.items():
        share = float(sum(part.share[0] for part in parts))
        latency = float(max(parts, key=lambda part: float(part.share[0])).mean[0])
        told = partial(_request, app, served, code, latency)
        chances.append(_Chance(expected * share * 0.5, LINES_PER_TICK, told))
    return chances


def _request(app: App, served: RouteFlow, code: str, latency: float, moment: _Moment) -> Line:
    chance = moment.chance
    path = served.route.example.replace("{n}", str(chance.randint(1, 9_000)))
    fields: Fields = {
        "method": served.route.method,
        "path": path,
        "status": int(code),
        "duration_ms": max(round(latency * 1000 * chance.lognormvariate(-0.06, 0.35)), 1),
    }
    if app.log_style == "access":
        fields["client"] = f"203.0.113.{chance.randint(2, 250)}"
    message = "job done" if app.consumes and code == "200" else "job failed" if app.consumes else "request"
    return moment.sometime(), "info" if code == "200" else "error", message, fields


HOUSEKEEPING = {
    "redis": "100 changes in 300 seconds. Saving...",
    "postgres": "checkpoint complete: wrote 48 buffers (0.3%)",
    "rabbitmq": "memory in use is below the watermark",
}


def _server_notes(app: App, served: RouteFlow, seconds: float) -> list[_Chance]:
    """Databases and brokers do not write every request; they note what is slow, and their housekeeping."""
    slow = float(served.ok.mean[0])

    def statement(moment: _Moment) -> Line:
        text = served.route.example.replace("{n}", str(moment.chance.randint(1, 9_000)))
        return moment.sometime(), "warn", f"duration: {slow * 1000:.3f} ms  statement: {text}", {}

    def note(moment: _Moment) -> Line:
        return moment.sometime(), "info", HOUSEKEEPING[app.log_style], {}

    return [_Chance(0.5 if slow > SLOW_STATEMENT else 0.0, 1, statement), _Chance(seconds / 300, 1, note)]


def _dependency(call: CallFlow, language: Language, seconds: float, pods: int) -> list[_Chance]:
    """The client's side of a call that failed, with the words of its network library."""
    expected = float(call.rate[0]) * seconds / max(pods, 1)
    host, port = call.target.host, call.target.port
    url = f"{host}:{port}{call.call.route if call.call.route.startswith('/') else ''}"
    reasons = _reasons(call, language)
    level = "error" if call.call.required else "warn"

    def failure(reason: str, moment: _Moment) -> Line:
        fields: Fields = {"dependency": call.call.app, "url": url, "error": reason}
        return moment.sometime(), level, "dependency call failed", fields

    return [_Chance(expected * share * 0.5, LINES_PER_TICK, partial(failure, reason)) for reason, share in reasons]


def _reasons(call: CallFlow, language: Language) -> list[tuple[str, float]]:
    """What the client says, with the share of its calls of which it says so."""
    stopped = call.target.stopped
    answered = (
        (Why.RESET, float(call.refused[0]) - stopped(Outcome.REFUSED)),
        (Why.NO_ANSWER, float(call.timeout[0]) - stopped(Outcome.TIMED_OUT)),
        (Why.SERVER_ERROR, float(call.error[0]) - stopped(Outcome.FAILED)),
    )
    on_the_way = [(each.words, each.share) for each in call.target.obstacles]
    return on_the_way + [(say(language, why, call.target.facts), share) for why, share in answered if share > 0]


def _pressure(member: Member, group: GroupFlow, moment: _Moment) -> list[Line]:
    """What a program notices of its own limits."""
    lines: list[Line] = []
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
