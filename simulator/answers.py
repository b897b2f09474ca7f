"""The way up of a pass: what becomes of the requests, from the callees to their callers.

Each pod answers with what it spent, waited and could not serve; each call is judged from its client's side, endpoint by endpoint, because
one slow pod of three makes a third of the calls slow and not all of them a little.
"""

from __future__ import annotations

import numpy as np

from simulator import capacity, clocks
from simulator.apps import App, Route
from simulator.conditions import Conditions, Kind
from simulator.flow import CONNECT_SECONDS, NEVER, CallFlow, Flow, GroupFlow, RouteFlow
from simulator.latency import TIGHT, Part, below
from simulator.links import Links, Way
from simulator.network import Outcome, Target
from simulator.noise import Floats
from simulator.retries import attempts_made

BASE_ERRORS = 0.0004  # bugs and broken clients: no service is without
HANGING_SECONDS = 60.0
RESET_SHARE = 0.4  # of a tick's requests at a process that was killed in it


class Answers:
    def __init__(self, flow: Flow, conditions: Conditions, links: Links) -> None:
        self._flow = flow
        self._conditions = conditions
        self._links = links
        self._zero = np.zeros_like(flow.times)
        self._slow = set(conditions.places(Kind.SLOW_ANSWERS))
        self._disks = set(conditions.places(Kind.DISK_BUSY))

    def answer(self, flow: GroupFlow, calls: dict[str, list[CallFlow]], pool_before: Floats) -> None:
        """Judge the calls of a group of pods, then say how each of its routes answers."""
        app = flow.group.app
        if self._disks:
            flow.disk = self._pressing(Kind.DISK_BUSY, flow)
        for made in (made for each in calls.values() for made in each):
            self.judge(made)
        if not app.consumes:
            flow.pool = (self._workers_busy(flow, calls) + 2 * pool_before) / 3
        for path, rate in flow.rates.items():
            flow.routes[path] = self._serve(flow, app.route(path), rate, calls[path])

    def _workers_busy(self, flow: GroupFlow, calls: dict[str, list[CallFlow]]) -> Floats:
        """Work at hand over workers; a third of a change is felt in each pass, so that it comes to rest."""
        app = flow.group.app
        served = 1 - capacity.shed_share(flow.utilisation)
        work = [
            rate
            * served
            * (app.route(path).cpu_ms / 1000 + self._idle(flow, app.route(path)) + _waits(calls[path], self._zero))
            for path, rate in flow.rates.items()
        ]
        return sum(work, self._zero) / app.concurrency

    def _own_seconds(self, flow: GroupFlow, route: Route) -> Floats:
        cpu = route.cpu_ms / 1000
        on_cpu = cpu * capacity.slowdown(flow.utilisation) + capacity.stall(cpu, flow.group.cpu_limit)
        return on_cpu + self._idle(flow, route)

    def _idle(self, flow: GroupFlow, route: Route) -> Floats:
        """Waiting for what is neither CPU nor another program."""
        waits = self._zero + route.wait_ms / 1000
        if flow.group.app.is_durable and self._disks:
            waits = waits * capacity.disk_stretch(flow.disk)
        if self._slow:
            waits = waits + self._pressing(Kind.SLOW_ANSWERS, flow)
        return waits

    def _pressing(self, kind: Kind, flow: GroupFlow) -> Floats:
        return sum((self._conditions.total(kind, each, self._flow.times) for each in flow.group.places), self._zero)

    def _serve(self, flow: GroupFlow, route: Route, rate: Floats, calls: list[CallFlow]) -> RouteFlow:
        """What becomes of the requests of one route at one pod."""
        shed = capacity.turned_away(flow.utilisation, flow.pool)
        queued = capacity.queueing(flow.utilisation) + capacity.pool_wait(flow.pool)
        elapsed = self._own_seconds(flow, route) + queued
        served = RouteFlow(route, rate, Part(self._zero, self._zero))
        trouble = flow.group.trouble
        hung = (1 - shed) * trouble.hangs
        broken = (1 - shed - hung) * max(BASE_ERRORS, trouble.errors)
        _add(served, "500", broken, elapsed)
        if trouble.hangs:
            _add(served, NEVER, hung, self._zero + HANGING_SECONDS, TIGHT)
        _add(served, "503", shed, self._zero + capacity.SHED_SECONDS, TIGHT)
        alive = 1 - shed - hung - broken
        for made in calls:
            if made.call.required:
                alive = _fail(served, flow.group.app, made, alive, elapsed)
            elapsed = elapsed + _wait(made)
        served.ok = Part(np.maximum(alive, 0.0), elapsed)
        return served

    def judge(self, made: CallFlow) -> None:
        """How a call ends, seen from its caller: on its way, or by what it gets from those it comes to."""
        target = made.target
        if target.obstacles:
            made.refused = self._zero + target.stopped(Outcome.REFUSED)
            made.timeout = self._zero + target.stopped(Outcome.TIMED_OUT)
            made.error = self._zero + target.stopped(Outcome.FAILED)
            made.missing = self._zero + target.stopped(Outcome.MISSING)
        made.latency = made.error_latency = made.server_latency = self._zero + CONNECT_SECONDS
        if target.through:
            self._take_answers(made)

    def _take_answers(self, made: CallFlow) -> None:
        reset = _reset_share(made.target)
        if reset:
            made.refused = made.refused + made.target.through * reset
        sums = _Sums(self._zero)
        caller = self._flow.groups[made.group] if made.group >= 0 else None
        for index, share in made.target.shares.items():
            callee = self._flow.groups[index]
            way = self._links.way(caller.group if caller else None, callee.group)
            if callee.group.app.checks_tokens:
                share = _turned_away(made, share, self._links.ahead(caller.group if caller else None, callee.group))
            sums.add(made, callee.routes.get(made.call.route), share * (1 - reset), way)
            if way is not None:
                _resend(made, caller, callee, share, way)
        sums.conclude(made)


def _turned_away(made: CallFlow, share: float, ahead: Floats | None) -> float:
    """Let in whose clock can be believed; gives the share that is left."""
    if ahead is None:
        return share
    away = share * clocks.rejected(ahead)
    if away.any():
        made.error = made.error + away
        made.unbelieved = away if made.unbelieved is None else made.unbelieved + away
        made.ahead = float(ahead[-1])
    return share - float(away[-1])


class _Sums:
    """The endpoints of a Service, averaged by their share of its requests."""

    def __init__(self, zero: Floats) -> None:
        self.zero = zero
        self.is_delayed = False
        self.good, self.latency, self.server = zero, zero, zero
        self.timeout, self.error, self.error_time = zero, zero, zero

    def add(self, made: CallFlow, served: RouteFlow | None, share: float, way: Way | None) -> None:
        if served is None:
            self.error = self.error + share
            return
        seconds, error_seconds, reached = served.ok.mean, served.failure_latency, self.zero + share
        if way is not None:
            self.is_delayed = True
            seconds, error_seconds = seconds + way.seconds, error_seconds + way.seconds
            given_up = way.given_up(made.call.timeout)
            self.timeout = self.timeout + share * given_up
            reached = share * (1 - given_up)
        good = reached * served.ok.share
        late = 1 - below(made.call.timeout, seconds)
        late_errors = np.where(error_seconds > made.call.timeout, 1.0, 0.0) * reached * served.failed
        errors = reached * served.failed - late_errors
        self.timeout = self.timeout + good * late + late_errors
        self.error = self.error + errors
        self.error_time = self.error_time + errors * error_seconds
        self.good = self.good + good
        self.latency = self.latency + good * seconds
        self.server = self.server + good * served.ok.mean

    def conclude(self, made: CallFlow) -> None:
        good = np.maximum(self.good, 1e-9)
        made.timeout = made.timeout + self.timeout
        made.error = made.error + self.error
        made.latency = np.where(self.good > 0, self.latency / good, CONNECT_SECONDS)
        # One and the same where nothing is in the way, so that it need not be measured twice.
        made.server_latency = made.latency
        if self.is_delayed:
            made.server_latency = np.where(self.good > 0, self.server / good, CONNECT_SECONDS)
        made.error_latency = self.error_time / np.maximum(self.error, 1e-9)


def _reset_share(target: Target) -> float:
    backend = target.backend
    return RESET_SHARE * backend.resets / (backend.addresses + backend.resets) if backend and backend.resets else 0.0


def _resend(made: CallFlow, caller: GroupFlow | None, callee: GroupFlow, share: float, way: Way) -> None:
    """Each side sends its half of the lost packets again."""
    again = made.rate * share * way.resent / 2
    callee.retransmits = callee.retransmits + again / len(callee.group.members)
    if caller is not None:
        caller.retransmits = caller.retransmits + again / len(caller.group.members)


def _waits(calls: list[CallFlow], zero: Floats) -> Floats:
    return sum((_wait(made) for made in calls), zero)


def _wait(made: CallFlow) -> Floats:
    """The seconds that a request spends on a call and its repetitions, where it gets over it."""
    fine = np.minimum(made.latency, made.call.timeout)
    if made.call.attempts == 1 and made.call.required:
        return made.times * fine
    failed = made.failed
    lost_time = _failing_seconds(made)
    again = attempts_made(failed, made.call.attempts) - 1
    if made.call.required:
        return made.times * (fine + again * lost_time)
    return made.times * ((1 - made.lost) * fine + made.lost * lost_time + again * lost_time)


def _failing_seconds(made: CallFlow) -> Floats:
    """How long a failed attempt takes."""
    total = (
        (made.refused + made.missing) * CONNECT_SECONDS
        + made.timeout * made.call.timeout
        + made.error * np.minimum(made.error_latency, made.call.timeout)
    )
    return total / np.maximum(made.failed, 1e-12)


def _add(served: RouteFlow, code: str, share: Floats, latency: Floats, spread: float | None = None) -> None:
    part = Part(share, latency) if spread is None else Part(share, latency, spread)
    served.failures.setdefault(code, []).append(part)


def survival(failed: Floats, times: Floats) -> Floats:
    """The share of requests that get over a call they make so many times; less than once means only some make it."""
    good: Floats = 1 - np.minimum(failed, 1.0)
    return np.where(times >= 1, good**times, 1 - times * (1 - good))


def _fail(served: RouteFlow, app: App, made: CallFlow, alive: Floats, elapsed: Floats) -> Floats:
    """A required call that fails ends the request; an edge says so with its own codes."""
    lost = alive * (1 - survival(made.lost, made.times))
    per_failure = lost / np.maximum(made.failed, 1e-12)
    earlier = elapsed + (made.call.attempts - 1) * _failing_seconds(made)
    refused, timeout, error, missing = ("503", "504", "502", "404") if app.is_edge else ("500", "504", "500", "500")
    _add(served, refused, per_failure * made.refused, earlier + CONNECT_SECONDS)
    _add(served, timeout, per_failure * made.timeout, earlier + made.call.timeout, TIGHT)
    _add(served, error, per_failure * made.error, earlier + made.error_latency)
    _add(served, missing, per_failure * made.missing, earlier + CONNECT_SECONDS)
    return alive - lost
