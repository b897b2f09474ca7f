"""What the programs of the shop say: on start, on a request, on a dependency that fails, under memory or CPU pressure.

The lines are a sample of the traffic that the flow really has at that moment, at most a few a tick for each container; which ones is
drawn from a generator seeded by the time alone, so equal worlds write equal files.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from simulator import clocks
from simulator.apps import App, Language
from simulator.conditions import Conditions, Kind, node_place
from simulator.flow import NEVER, CallFlow, Flow, GroupFlow, RouteFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.logs import doorways, servers
from simulator.logs.book import LogBook
from simulator.logs.chances import Chance, Line, Moment
from simulator.logs.phrases import in_tongue
from simulator.logs.styles import Fields, render
from simulator.network import Member, Outcome, Why, say
from simulator.network.ingress import Doorway
from simulator.programs.complaints import complaint
from simulator.programs.ends import Line as LastLine
from simulator.programs.ends import Note

LINES_PER_TICK = 2
TIGHT_MEMORY = 0.88
NEGLIGIBLE = 1e-4


class LogWriter:
    def __init__(self, book: LogBook, seed: int, conditions: Conditions) -> None:
        self._book = book
        self._conditions = conditions
        self._seed = seed
        self._flow: Flow | None = None
        self._chances: list[list[Chance]] = []

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
            message, fields = _ready_message(app, container.image.version if container.image else "")
            self._write(run, container, app, at, "info", message, fields)

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
            self._chances = [_chances(flow, index, group, seconds) for index, group in enumerate(flow.groups)]
        moment = Moment(now, seconds, random.Random(f"{self._seed}/{now.timestamp()}"))
        for group, chances in zip(flow.groups, self._chances, strict=True):
            for member in group.group.members:
                self._speak(member, group, chances, moment)

    def at_the_door(self, flow: Flow, doors: Sequence[Doorway], now: datetime, seconds: float) -> None:
        """What the ingress controller's pods write of the customers."""
        moment = Moment(now, seconds, random.Random(f"{self._seed}/door/{now.timestamp()}"))
        chances = doorways.chances(flow, seconds, len(doors))
        for door in doors:
            said = [each.tell(moment) for each in chances for _ in range(moment.how_many(each.expected, each.limit))]
            for at, _, line, _ in sorted(said, key=lambda each: each[0]):
                self._book.write(door.run, door.container, at, line)

    def _speak(self, member: Member, group: GroupFlow, chances: list[Chance], moment: Moment) -> None:
        said = _pressure(member, group, moment)
        draw = moment.chance.random
        for chance in chances:
            # Nearly every kind of line is rare, and one draw says that it is not told.
            if chance.expected >= 1:
                said += [chance.tell(moment) for _ in range(moment.how_many(chance.expected, chance.limit))]
            elif draw() < chance.expected:
                said.append(chance.tell(moment))
        app = group.group.app
        if len(said) > 1:
            said.sort(key=lambda each: each[0])
        for at, level, message, fields in said:
            self._write(member.run, member.container, app, at, level, message, fields)

    def _write(
        self, run: PodRun, container: ContainerRun, app: App, at: datetime, level: str, message: str, fields: Fields
    ) -> None:
        shown = at + timedelta(seconds=self._ahead(run.node, at))
        self._book.write(
            run, container, at, render(app.log_style, shown, level, in_tongue(app.tongue, message), fields)
        )

    def _ahead(self, node: str, at: datetime) -> float:
        """A program writes the time that its node believes in."""
        place = node_place(node)
        if not self._conditions.holds(Kind.CLOCK_OFFSET, place):
            return 0.0
        return float(self._conditions.total(Kind.CLOCK_OFFSET, place, np.array([at.timestamp()]))[0])


def _calls_of(flow: Flow, index: int) -> list[CallFlow]:
    return [call for call in flow.calls if call.group == index]


def _arriving(flow: Flow, group: GroupFlow) -> list[CallFlow]:
    """Calls that have found the Service before this group, whether they are let in or not."""
    return [call for call in flow.calls if call.target.backend and call.target.backend.key in group.group.services]


def _chances(flow: Flow, index: int, group: GroupFlow, seconds: float) -> list[Chance]:
    app = group.group.app
    chances: list[Chance] = []
    for served in group.routes.values():
        chances += servers.notes(app, served, seconds) if app.engine else _requests(app, served, seconds)
    for call in _calls_of(flow, index):
        chances += _dependency(call, app.language, seconds, len(group.group.members))
    if app.engine:
        chances += servers.complaints(group, _arriving(flow, group), seconds)
    return [chance for chance in chances if chance.expected > NEGLIGIBLE]


def _greeting(app: App, version: str) -> list[tuple[str, Fields]]:
    if app.engine:
        return servers.greeting(app, version)
    return [(f"starting {app.name}", {"version": version}), ("configuration loaded", {"source": "environment"})]


def _ready_message(app: App, version: str) -> tuple[str, Fields]:
    return servers.ready(app, version) if app.engine else (f"listening on :{app.port}", {})


def _requests(app: App, served: RouteFlow, seconds: float) -> list[Chance]:
    """A few of the requests of a route, good and bad in proportion; what fails is written more faithfully than what works."""
    expected = float(served.rate[0]) * seconds
    good = min(expected * float(served.ok.share[0]) * 0.04, 0.6)
    chances = [Chance(good, 1, partial(_request, app, served, "200", float(served.ok.mean[0])))]
    for code, parts in served.failures.items():
        if code == NEVER:
            continue
        share = float(sum(part.share[0] for part in parts))
        latency = float(max(parts, key=lambda part: float(part.share[0])).mean[0])
        told = partial(_request, app, served, code, latency)
        chances.append(Chance(expected * share * 0.5, LINES_PER_TICK, told))
    return chances


def _request(app: App, served: RouteFlow, code: str, latency: float, moment: Moment) -> Line:
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


def _dependency(call: CallFlow, language: Language, seconds: float, pods: int) -> list[Chance]:
    """The client's side of a call that failed, with the words of its network library."""
    expected = float(call.rate[0]) * seconds / max(pods, 1)
    host, port = call.target.host, call.target.port
    url = f"{host}:{port}{call.call.route if call.call.route.startswith('/') else ''}"
    reasons = _reasons(call, language)
    level = "error" if call.call.required else "warn"

    def failure(reason: str, moment: Moment) -> Line:
        fields: Fields = {"dependency": call.call.app, "url": url, "error": reason}
        return moment.sometime(), level, "dependency call failed", fields

    return [Chance(expected * share * 0.5, LINES_PER_TICK, partial(failure, reason)) for reason, share in reasons]


def _reasons(call: CallFlow, language: Language) -> list[tuple[str, float]]:
    """What the client says, with the share of its calls of which it says so."""
    stopped = call.target.stopped
    unbelieved = 0.0 if call.unbelieved is None else float(call.unbelieved[0])
    answered = (
        (Why.RESET, float(call.refused[0]) - stopped(Outcome.REFUSED)),
        (Why.NO_ANSWER, float(call.timeout[0]) - stopped(Outcome.TIMED_OUT)),
        (Why.SERVER_ERROR, float(call.error[0]) - stopped(Outcome.FAILED) - unbelieved),
    )
    on_the_way = [(each.words, each.share) for each in call.target.obstacles]
    if unbelieved:
        on_the_way.append((f"unexpected status 401 Unauthorized: {clocks.complaint(call.ahead)}", unbelieved))
    return on_the_way + [(say(language, why, call.target.facts), share) for why, share in answered if share > 0]


def _pressure(member: Member, group: GroupFlow, moment: Moment) -> list[Line]:
    """What a program notices of its own limits."""
    lines: list[Line] = []
    note = complaint(group.group.app, member.container.process) if member.container.process else None
    if note is not None:
        lines.append((moment.sometime(), note.level, note.message, {**note.fields}))
    limit = group.group.memory_limit_mib
    used = member.container.memory_mib
    if limit and used > TIGHT_MEMORY * limit:
        fields: Fields = {"rss_mib": round(used), "limit_mib": round(limit)}
        lines.append((moment.sometime(), "warn", "memory is tight, forced a full collection", fields))
    if group.waiting > 0:
        busy: Fields = {"in_flight": group.group.app.concurrency, "queue_wait_ms": round(group.waiting * 1000)}
        lines.append((moment.sometime(), "warn", "worker pool saturated, requests are waiting", busy))
    return lines
