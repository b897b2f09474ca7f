"""Calls that a client repeats until its callee breaks of them.

The callee gets many times the requests, its clients get no more than before, and its answers fail: then one of them makes the load itself.
Which of several clients it is say its own log, its setting for retries, a change of it, or that its calls alone were multiplied. A callee
that is asked more and answers well has it from outside, or from a client that passes a cache by.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.language import Text
from tools.engines.analyzers.complained import called
from tools.engines.changes import last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.metrics.demand import Rise, is_exposed, quietly_asked, rises
from tools.engines.metrics.load import service_shift
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import Shift, level, shift
from tools.engines.metrics.slow import callees
from tools.engines.objects import kind_of, number_in, rows
from tools.engines.snapshot import Series, Snapshot

MULTIPLIED = 2.0
LEAST_CALLS = 1.0
FAILING = 0.1
MORE_ERRORS = 3.0
MANY = 3
OFTEN = 3
RETRY_WORDS = ("retry", "retries", "attempt", "backoff")
_SETTING = re.compile(r"retr(?:y|ies)|attempts", re.IGNORECASE)
_MAX_GUESSES = 3


@dataclass(frozen=True, slots=True)
class Multiplied:
    """The calls of one client to one callee, that rose without any more requests to the client."""

    client: Component
    server: Component
    calls: Series
    moved: Shift
    failing: float


def clients_that_repeat_themselves(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for server in dict.fromkeys([*rises(scene), *(one.server for one in multiplied(scene))]):
        clients = repeaters(scene, server)
        for client in clients:
            yield _finding(scene, client, server, len(clients))


def repeaters(scene: Scene, server: Component) -> list[Component]:
    """Who repeats its calls to a callee, if anybody does."""
    counted = [one for one in multiplied(scene) if one.server == server]
    changed = [one.client for one in counted if _changed(scene.snapshot, one.client)]
    failing = [one.client for one in counted if one.failing >= FAILING]
    if counted and not failing:
        # Whether its calls fail in the end says nobody; that it makes each of them many times it may say itself.
        return changed or [one.client for one in counted if _says_so(scene, one.client, server)]
    if failing:
        return _likeliest(scene, failing, server)
    rise = rises(scene).get(server)
    if not rise or not rise.moved.rose(MULTIPLIED, LEAST_CALLS) or _answers_well(scene, server):
        return []
    return _likeliest(scene, quietly_asked(scene, server) or _only_caller(scene, server), server)


def _only_caller(scene: Scene, server: Component) -> list[Component]:
    """Of a callee whose answers fail and whom nobody asks from outside: whoever asks it, measured or not."""
    callers = sorted(scene.callers_of.get(server, ()), key=str)
    failing = any(_rose(one) for one in scene.of("error_share").get(server, ()))
    alone = len(callers) == 1 and callers[0] not in rises(scene)
    return callers if alone and failing and not is_exposed(scene, server) else []


def multiplied(scene: Scene) -> Iterator[Multiplied]:
    for server, many in scene.of("calls").items():
        for series in many:
            client = scene.client(series.labels)
            moved = shift(series.points, scene.onset)
            if client is None or client == server or moved is None or not moved.rose(MULTIPLIED, LEAST_CALLS):
                continue
            if not _was_asked_for(scene, client, moved):
                yield Multiplied(client, server, series, moved, _failing(scene, series))


def changes_of(snapshot: Snapshot, who: Component, words: Sequence[str]) -> Iterator[Evidence]:
    """What of its last revision is about these words."""
    obj = snapshot.get(who.kind, who.namespace, who.name)
    rollout = last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
    for change in rollout.fields if rollout else ():
        if rollout and any(word in str(change).lower() for word in words):
            ref = f"{who} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
            yield evidence("change", ref, str(change), rollout.current.at, weight=0.5)


def _changed(snapshot: Snapshot, who: Component) -> list[Evidence]:
    return list(changes_of(snapshot, who, RETRY_WORDS))


def _likeliest(scene: Scene, clients: list[Component], server: Component) -> list[Component]:
    """Those that say so, else those that are set so, else all of a few."""
    saying = [one for one in clients if _says_so(scene, one, server)]
    set_so = [one for one in clients if list(_settings(scene, one))]
    chosen = saying or set_so or clients
    return chosen if len(chosen) <= _MAX_GUESSES else []


def _says_so(scene: Scene, client: Component, server: Component) -> list[Heard]:
    program = scene.program(client)
    lines = heard(scene.snapshot, program, "retries") if program else []
    return [one for one in lines if program and server in called(scene, program, one.said.target)]


def _settings(scene: Scene, client: Component) -> Iterator[Evidence]:
    """Its settings for many retries."""
    program = scene.program(client)
    for container in program.containers if program else ():
        for row in rows(container, "env"):
            name, value = str(row.get("name")), str(row.get("value") or "")
            if program and _SETTING.search(name) and (number_in(value) or 0) >= MANY:
                ref = f"{program.ref}.containers[{container.get('name')}].env[{name}]"
                yield evidence("kubernetes", ref, f"{name}={value}", weight=0.4)


def _answers_well(scene: Scene, server: Component) -> bool:
    """Whether its errors were measured, and are as few as ever."""
    told = [one for signal in ("error_share", "failed_share") for one in scene.of(signal).get(server, ())]
    return bool(told) and not any(level(one.points) >= FAILING or _rose(one) for one in told)


def _rose(share: Series) -> bool:
    moved = shift(share.points)
    return moved is not None and moved.rose(MORE_ERRORS)


def _was_asked_for(scene: Scene, who: Component, calls: Shift) -> bool:
    """Whether more requests came to the client, by as much or as many times as it calls more."""
    for asked in _asked(scene, who):
        if asked.times >= 0.5 * calls.times and asked.before > 0:
            return True
        if asked.after - asked.before >= 0.5 * (calls.after - calls.before):
            return True
    return False


def _asked(scene: Scene, who: Component) -> Iterator[Shift]:
    for signal in ("requests", "calls"):
        if found := service_shift(scene, who, signal):
            yield found[1]
    if rise := rises(scene).get(who):
        yield rise.moved


def _failing(scene: Scene, calls: Series) -> float:
    ends = {key: calls.labels[key] for key in ("client", "server") if key in calls.labels}
    failed = scene.snapshot.series("failed_calls", **ends)
    total = level(calls.points)
    return min(1.0, level(failed[0].points) / total) if failed and total > 0 else 0.0


def clients_that_say_they_retry(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """Their callee must be seen to get more requests than before, and not because they do: whose calls fail tries again, and that alone is
    no storm."""
    scene = scene_of(snapshot, graph)
    for program in snapshot.programs:
        lines = heard(snapshot, program, "retries")
        for callee in dict.fromkeys(who for one in lines for who in called(scene, program, one.said.target)):
            found = service_shift(scene, callee, "requests")
            if not found or not found[1].rose(MULTIPLIED) or _was_asked_for(scene, program.component, found[1]):
                continue
            if _calls_as_ever(scene, program.component, callee):
                continue
            if sum(one.said.count for one in lines) >= OFTEN:
                yield _says_that_it_retries(program.component, callee, lines, *found)


def _says_that_it_retries(
    who: Component, called: Component, lines: list[Heard], series: Series, moved: Shift
) -> Finding:
    quote = f"requests to {called.name} rose {moved.times:.1f} times"
    return Finding(
        "retry_storm",
        "performance",
        who,
        Text(
            f"{who} tries its calls to {called.name} again and again, and {quote}. Limit its retries and wait between them.",
            f"{who} 反复重试对 {called.name} 的调用，后者请求量升至 {moved.times:.1f} 倍。请限制重试次数并加入退避。",
        ),
        (*as_evidence(lines, 0.65), evidence("metric", series.query, quote, series.ended, weight=0.5)),
        harms=(called,),
    )


def _calls_as_ever(scene: Scene, client: Component, server: Component) -> bool:
    """Whether its calls were counted, and are no more than before."""
    own = [one for one in scene.of("calls").get(server, ()) if scene.client(one.labels) == client]
    return bool(own) and not any(moved.rose() for one in own if (moved := shift(one.points, scene.onset)))


def _finding(scene: Scene, client: Component, server: Component, rivals: int) -> Finding:
    snapshot = scene.snapshot
    counted = next((one for one in multiplied(scene) if (one.client, one.server) == (client, server)), None)
    rise = Rise(counted.calls, counted.moved) if counted else rises(scene)[server]
    fail_en = f", {counted.failing:.0%} of them fail" if counted and counted.failing else ""
    fail_zh = f"，其中 {counted.failing:.0%} 失败" if counted and counted.failing else ""
    moved, changed = rise.moved, _changed(snapshot, client)
    rate = f"{moved.before:.1f} -> {moved.after:.1f} a second"
    quote = f"{server.name} is asked {moved.times:.1f} times as often ({rate}){fail_en}, and {client.name} no more than before"
    weight = 0.75 if counted else 0.65
    return Finding(
        "retry_storm",
        "performance",
        client,
        Text(
            f"{client} repeats its calls to {server} until it breaks: {rate}{fail_en}, "
            "with no more requests of its own. Limit its retries and wait between them.",
            f"{client} 对 {server} 的重试放大了负载：每秒 {moved.before:.1f} -> {moved.after:.1f} 次{fail_zh}，"
            "而它自身收到的请求并未增加。请限制重试次数并加入退避。",
        ),
        (
            evidence("metric", rise.series.query, quote, moment(moved.onset), weight=weight / rivals**0.5),
            *as_evidence(_says_so(scene, client, server), 0.6),
            *_settings(scene, client),
            *changed,
        ),
        onset=moment(moved.onset),
        harms=downstream(scene, server),
        remedies=("rollback_rollout",) if changed else (),
    )


def downstream(scene: Scene, start: Component) -> tuple[Component, ...]:
    """A program and everyone that it calls, by however many steps."""
    calls, seen, queue = callees(scene), {start: None}, [start]
    while queue:
        for one in sorted(calls.get(queue.pop(), ()), key=str):
            if one not in seen:
                seen[one] = None
                queue.append(one)
    return tuple(seen)
