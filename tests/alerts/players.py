"""Two that play timelines: the real Alertmanager, in real seconds, and ours, in simulated ones.

Both get one configuration in which every timeline is a branch of its own, and the same posts at the same moments. What they told is
compared as it arrives at a receiver: Alertmanager's webhook body, with the second of its coming.
"""

import asyncio
import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from alerts.arriving import Arrival
from alerts.intake import Intake
from alerts.model import Alert
from alerts.notify.grouping import Group as Notices
from alerts.notify.grouping import Groups
from alerts.notify.message import Message
from alerts.notify.outbox import Outbox
from alerts.notify.pipeline import Notifier, Routing, build
from alerts.notify.receivers import Integration, way
from alerts.notify.records import Records
from alerts.routing.config import Config, parse_config
from alerts.routing.matchers import parse_matcher
from alerts.routing.silence import Silence
from alerts.silences import Silences
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from core.metrics import Metrics
from tests.alerts.timelines import LENGTH, RESOLVE_TIMEOUT, Event, Timeline, after, moments
from tests.services import free_port, process

STEP = 0.25
Group = tuple[str, str]
"""A receiver's way and a group's key: what is told of one group to one receiver has an order, all else has none."""


@dataclass(frozen=True)
class Told:
    second: float
    body: Mapping[str, Any]


@dataclass
class Heard:
    """Everything that receivers got, in the order of its coming."""

    said: dict[Group, list[Told]] = field(default_factory=lambda: defaultdict(list))

    def of(self, number: int) -> dict[Group, list[Told]]:
        return {group: told for group, told in self.said.items() if group[0].startswith(f"{number}-")}

    def note(self, name: str, second: float, body: Mapping[str, Any]) -> None:
        self.said[(name, str(body["groupKey"]))].append(Told(second, body))


def configuration(timelines: Sequence[Timeline], hook: str) -> str:
    branches = [_named(number, timeline.route) for number, timeline in enumerate(timelines)]
    for number, branch in enumerate(branches):
        branch["matchers"] = [f'timeline="{number}"']
    read = {
        "global": {"resolve_timeout": f"{RESOLVE_TIMEOUT}s"},
        "route": {"receiver": "nobody", "routes": branches},
        "receivers": [{"name": "nobody"}, *_receivers(timelines, branches, hook)],
        "inhibit_rules": [
            _bound(number, rule) for number, timeline in enumerate(timelines) for rule in timeline.inhibits
        ],
        "time_intervals": [
            {"name": f"{number}-{name}", "time_intervals": list(entries)}
            for number, timeline in enumerate(timelines)
            for name, entries in (timeline.intervals or {}).items()
        ],
    }
    return yaml.safe_dump(read, sort_keys=False)


def _named(number: int, route: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(route)
    if "receiver" in own:
        own["receiver"] = f"{number}-{own['receiver']}"
    for key in ("mute_time_intervals", "active_time_intervals"):
        if key in own:
            own[key] = [f"{number}-{name}" for name in own[key]]
    if "routes" in own:
        own["routes"] = [_named(number, each) for each in own["routes"]]
    return own


def _receivers(timelines: Sequence[Timeline], branches: Sequence[Mapping[str, Any]], hook: str) -> list[dict[str, Any]]:
    found = []
    for timeline, branch in zip(timelines, branches, strict=True):
        for name in sorted(set(_names(branch))):
            hears = name.split("-", 1)[1] not in timeline.silent_ends
            webhooks = [
                {"url": f"{hook}/{way(name, 'webhook', place)}", "send_resolved": hears}
                for place in range(timeline.ways)
            ]
            found.append({"name": name, "webhook_configs": webhooks})
    return found


def _names(route: Mapping[str, Any]) -> Iterator[str]:
    if "receiver" in route:
        yield route["receiver"]
    for each in route.get("routes", ()):
        yield from _names(each)


def _bound(number: int, rule: Mapping[str, Any]) -> dict[str, Any]:
    own = f'timeline="{number}"'
    return {**rule, **{side: [own, *rule[side]] for side in ("source_matchers", "target_matchers")}}


def happening(timelines: Sequence[Timeline], second: float) -> Iterator[tuple[int, Event]]:
    for number, timeline in enumerate(timelines):
        yield from ((number, event) for event in timeline.events if event.at == second)


def arrival(number: int, event: Event, start: datetime) -> Arrival:
    """An end names no beginning, as a sender that has forgotten it."""
    now = after(start, event.at)
    ends_at = now if event.kind == "ends" else None if event.lasts is None else after(now, event.lasts)
    begun = now - timedelta(seconds=event.since) if event.kind == "fires" else None
    labels = {**event.labels, "timeline": str(number)}
    return Arrival(labels, {"summary": f"seen at {event.at}"}, begun, ends_at)


class KeptGroups(Groups):
    """Groups that stay when they are empty, as Alertmanager's do for up to half a minute.

    Ours are forgotten at once, so that what fires later is told after its group_wait and not whenever the old group's turn had been. In
    a comparison of all else that one difference is put back; it has a test of its own.
    """

    def due(self, now: datetime) -> list[Notices]:
        found = super().due(now)
        for group in found:
            if not group.members:
                self.looked_at(group, now)
        return [group for group in found if group.members]

    def settle(self, group: Notices, told: Iterable[Alert]) -> None:
        super().settle(group, told)
        self._groups[group.id] = group


class Ours:
    """The real routing, pipeline, silences and outbox on a real database; only the seconds are not."""

    def __init__(self, database: Database, config: Config, start: datetime, *, keeps_groups: bool) -> None:
        self.heard = Heard()
        self._start = start
        self._clock = clock = ManualClock(start)
        store, records = AlertStore(database), Records(database)
        ways = {
            name: tuple(
                Integration(way(name, each.kind, place), each.kind, each.send_resolved is not False)
                for place, each in enumerate(receiver.channels)
            )
            for name, receiver in config.receivers.items()
        }
        routing = Routing(config, ways)
        if keeps_groups:
            routing.groups = KeptGroups(config.route, config.receivers)
        numbers = itertools.count()
        self._silences = Silences(database, clock, lambda: f"silence-{next(numbers)}")
        self._names: dict[tuple[int, str], str] = {}
        channels = [_Ear(each.name, self._hear) for several in ways.values() for each in several]
        self._outbox = Outbox(channels=channels, records=records, clock=clock, metrics=Metrics(), random=lambda: 0.5)
        self._written = False
        pipeline = build(
            store=store, records=records, routing=routing, silences=self._silences, written=self._note_written
        )
        self._notifier = Notifier(pipeline=pipeline, routing=routing, store=store, records=records, clock=clock)
        self._intake = Intake(
            store=store, clock=clock, patience=lambda: config.resolve_timeout, listeners=[self._notifier.put]
        )

    async def play(self, timelines: Sequence[Timeline]) -> Heard:
        waiting = moments(timelines)
        for step in range(int(LENGTH / STEP) + 1):
            second = step * STEP
            while waiting and waiting[0] <= second:
                await self._happen(list(happening(timelines, waiting.pop(0))))
            await self._turn()
            await self._clock.advance(STEP)
        return self.heard

    async def _happen(self, events: list[tuple[int, Event]]) -> None:
        posted = [arrival(number, event, self._start) for number, event in events if event.kind in ("fires", "ends")]
        taking = asyncio.create_task(self._intake.take(posted))
        await asyncio.sleep(0)
        await self._intake.tick()
        await taking
        for number, event in events:
            if event.kind == "silence":
                made = await self._silences.save(_silence(number, event, self._start), "ops")
                self._names[number, event.name] = made.id
            elif event.kind == "unsilence":
                await self._silences.expire(self._names[number, event.name], "ops")

    async def _turn(self) -> None:
        await self._intake.tick()
        await self._notifier.tick()
        while self._written:
            self._written = False
            await self._outbox.tick()

    def _note_written(self) -> None:
        self._written = True

    def _hear(self, name: str, message: Message) -> None:
        self.heard.note(name, (self._clock.now() - self._start).total_seconds(), message.webhook_body())


@dataclass
class _Ear:
    name: str
    hear: Any
    kind: str = "webhook"

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - a channel's shape
        self.hear(self.name, message)
        return "ok"

    async def close(self) -> None:
        return None


def _silence(number: int, event: Event, start: datetime) -> Silence:
    now = after(start, event.at)
    assert event.lasts is not None
    matchers = tuple(map(parse_matcher, (f'timeline="{number}"', *event.matchers)))
    return Silence("", matchers, now, after(now, event.lasts), now, "ops", "told by a test")


class Theirs:
    """Debian's Alertmanager on loopback, and a server that hears what it tells."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.heard = Heard()
        self.start = datetime.now(UTC)

    def play(self, timelines: Sequence[Timeline], written: str, hook_port: int) -> Heard:
        (self._folder / "alertmanager.yml").write_text(written)
        port = free_port()
        command = [
            "prometheus-alertmanager",
            f"--config.file={self._folder / 'alertmanager.yml'}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ]
        with (
            listening(hook_port, self._hear),
            process(command, port=port, folder=self._folder),
            httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v2", timeout=10) as http,
        ):
            self._play(http, timelines)
        return self.heard

    def _play(self, http: httpx.Client, timelines: Sequence[Timeline]) -> None:
        self.start = _whole(datetime.now(UTC) + timedelta(seconds=0.3))
        names: dict[tuple[int, str], str] = {}
        for second in moments(timelines):
            self._wait(second)
            events = list(happening(timelines, second))
            posted = [arrival(number, event, self.start) for number, event in events if event.kind in ("fires", "ends")]
            http.post("/alerts", json=[_sent(each) for each in posted]).raise_for_status()
            for number, event in events:
                if event.kind == "silence":
                    body = _silence(number, event, self.start).to_json(self.start)
                    wanted = {key: body[key] for key in ("matchers", "startsAt", "endsAt", "createdBy", "comment")}
                    answer = http.post("/silences", json=wanted).raise_for_status()
                    names[number, event.name] = answer.json()["silenceID"]
                elif event.kind == "unsilence":
                    http.delete(f"/silence/{names[number, event.name]}").raise_for_status()
        self._wait(LENGTH)

    def _wait(self, second: float) -> None:
        time.sleep(max(0.0, (after(self.start, second) - datetime.now(UTC)).total_seconds()))

    def _hear(self, path: str, body: Mapping[str, Any]) -> None:
        self.heard.note(path, (datetime.now(UTC) - self.start).total_seconds(), body)


def _whole(at: datetime) -> datetime:
    """What is read back in milliseconds must be written in them."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _sent(one: Arrival) -> dict[str, Any]:
    times = {"startsAt": one.starts_at, "endsAt": one.ends_at}
    return {"labels": dict(one.labels), "annotations": dict(one.annotations)} | {
        name: at.isoformat() for name, at in times.items() if at
    }


@contextmanager
def listening(port: int, hear: Any) -> Iterator[None]:
    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hear(self.path.removeprefix("/"), body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024
        """Hundreds of groups speak at once, and one that is turned away comes again a whole second later."""

    server = Server(("127.0.0.1", port), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def play_both(timelines: Sequence[Timeline], database: Database, folder: Path) -> tuple[Heard, Heard]:
    """Theirs first, and ours from the very same moment, so that both have the same minute and weekday."""
    port = free_port()
    written = configuration(timelines, f"http://127.0.0.1:{port}")
    theirs = Theirs(folder)
    await asyncio.to_thread(theirs.play, timelines, written, port)
    ours = await Ours(database, parse_config(written, "timelines"), theirs.start, keeps_groups=True).play(timelines)
    return theirs.heard, ours
