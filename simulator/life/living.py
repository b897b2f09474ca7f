"""Acts by the calendar, in the past while a world grows up and in its present."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from simulator.apps import App
from simulator.conditions import Kind, Pressure, app_place
from simulator.events import Source
from simulator.flow import Flow
from simulator.kubelet import ContainerRun, PodRun
from simulator.life import jobs, people
from simulator.life.calendar import Calendar, Happening
from simulator.life.chatter import Chatter, scanners
from simulator.life.waves import Swell, Wave
from simulator.noise import uniform
from simulator.objects import name_of

if TYPE_CHECKING:
    from simulator.world import World

ROLLED_OUT_AFTER = timedelta(minutes=3)
NIGHT_OVER_AFTER = timedelta(minutes=8)  # the longest of the nightly jobs
KERNEL_SAYS = "unregister_netdevice: waiting for {device} to become free. Usage count = 1"


@dataclass(frozen=True)
class Past:
    """A moment before the start at which something changed."""

    at: datetime
    happening: Happening | None = None  # None: a nightly job

    @property
    def settled_at(self) -> datetime:
        return self.at + (ROLLED_OUT_AFTER if self.happening else NIGHT_OVER_AFTER)


class Life:
    def __init__(self, world: World) -> None:
        self._world = world
        self._seed = world.seed
        self._calendar = Calendar(world.seed)
        self._work = jobs.NightWork(world.shop, world.conditions)
        self._chatter = Chatter(world.book, world.seed, self._is_crawled)
        self._seen = world.clock.now()
        self._crawler = Wave(1.0, base=1.0, calendar=self._calendar, swell=self._crawl)
        self._make_waves()

    def next_due(self) -> datetime:
        return self._calendar.next(self._seen)

    def act(self) -> None:
        """Do what has come due since the last time."""
        now = self._world.clock.now()
        for happening in self._calendar.between(self._seen, now):
            self.do(happening)
        self._seen = now
        if self._work.follow(self._world.runs(), now):
            self._world.disturb()

    def do(self, happening: Happening) -> None:
        world, name, now = self._world, happening.name, self._world.clock.now()
        if happening.kind == "release":
            people.release(world.store, world.registry, world.shop, self._seed, name, now)
        elif happening.kind == "settings":
            people.touch_settings(world.store, world.shop, self._seed, name, now)
        elif happening.kind == "restart":
            self._restart(name)
        elif happening.kind == "kernel":
            self._hear_kernel(name)

    def past(self, after: datetime, until: datetime) -> list[Past]:
        """What has left its traces in the objects of the week before the start, in order; that of older nights is in the metrics."""
        traces = [
            Past(each.at, each)
            for each in self._calendar.between(after, until - NIGHT_OVER_AFTER)
            if each.kind in ("release", "restart", "settings")
        ]
        jobs.press_past(self._world.shop, self._world.conditions, until)
        first_night = max(after, until - timedelta(days=jobs.NIGHTS_KEPT))
        nights = {
            at for night in jobs.nights(self._world.shop) for at in night.moments(first_night, until - NIGHT_OVER_AFTER)
        }
        return sorted([*traces, *(Past(at) for at in nights)], key=lambda each: each.at)

    def begin_nights(self, born: datetime) -> None:
        """The nightly jobs are there; from now on they start by themselves."""
        jobs.create(self._world.store, self._world.shop, born, self._world.clock.now())

    def wake(self) -> None:
        """The past is over: what came due in it has been done."""
        self._seen = self._world.clock.now()

    def stray(self, flow: Flow) -> None:
        """Scanners knock at the edge and ask for what is not there."""
        for group in flow.groups:
            if group.group.app.is_edge and group.rates:
                group.strays = scanners(self._seed, flow.times) / len(group.group.members)

    def speak(self, flow: Flow, now: datetime, seconds: float) -> None:
        self._chatter.tick(flow, now, seconds)

    def _make_waves(self) -> None:
        shop, conditions = self._world.shop, self._world.conditions
        busiest = max(shop.entries, key=lambda entry: entry.share)
        conditions.press(Pressure(Kind.SURGE, busiest.route), self._crawler)
        for app in self._blippable():
            blip = Wave(0.0, calendar=self._calendar, swell=_Blip(self._seed, app, self._blippable()))
            conditions.press(Pressure(Kind.SLOW_ANSWERS, app_place(app.namespace, app.name)), blip)

    def _blippable(self) -> list[App]:
        return [app for app in self._world.shop.apps if app.protocol == "http" and not app.is_edge and not app.consumes]

    def _crawl(self, happening: Happening) -> Swell | None:
        if happening.kind != "crawler":
            return None
        height, length = (uniform(self._seed, f"{happening.name}/{what}") for what in ("height", "length"))
        return Swell(0.15 + 0.2 * height, 900 + 1500 * length)

    def _is_crawled(self, now: datetime) -> bool:
        return bool(self._crawler.at(np.array([now.timestamp()]))[0] > 1.01)

    def _restart(self, name: str) -> None:
        """One process of a program that has others ends, and is started again."""
        candidates = [
            (run, container)
            for run in self._world.runs()
            for container in run
            if run.is_ready and run.stops_at is None and _may_end(container)
        ]
        running = [each[1].image.app.name for each in candidates if each[1].image and each[1].image.app]
        alone = {app for app in running if running.count(app) < 2}
        chosen = [each for each, app in zip(candidates, running, strict=True) if app not in alone]
        if chosen:
            run, container = chosen[int(uniform(self._seed, f"{name}/pod") * len(chosen))]
            self._end(run, container)

    def _end(self, run: PodRun, container: ContainerRun) -> None:
        self._chatter.last_words(run, container, self._world.clock.now())
        self._world.kubelet.kill(run, container, "Error", 1)

    def _hear_kernel(self, name: str) -> None:
        nodes = self._world.store.list("Node")
        node = nodes[int(uniform(self._seed, f"{name}/node") * len(nodes))]
        device = f"veth{int(uniform(self._seed, f'{name}/device') * 0xFFFFFFF):07x}"
        source = Source("kernel-monitor", name_of(node))
        said = KERNEL_SAYS.format(device=device)
        self._world.events.record(node, "Node", "Warning", "UnregisterNetDevice", said, source)


def _may_end(container: ContainerRun) -> bool:
    app = container.image.app if container.image else None
    return app is not None and app.protocol == "http" and not app.is_edge and app.replicas > 1


@dataclass(frozen=True)
class _Blip:
    """Which of the slow moments are this program's."""

    seed: int
    app: App
    among: list[App]

    def __call__(self, happening: Happening) -> Swell | None:
        if happening.kind != "blip":
            return None
        chosen = self.among[int(uniform(self.seed, f"{happening.name}/app") * len(self.among))]
        if chosen is not self.app:
            return None
        height, length = (uniform(self.seed, f"{happening.name}/{what}") for what in ("height", "length"))
        return Swell(0.05 + 0.1 * height, 25 + 40 * length)
