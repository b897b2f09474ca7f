"""How much processor each program uses, may use and is kept from using, from whichever sources tell it.

Usage and throttling come as metrics, a limit from the template or as a metric, a share of the limit ready-made from some exporters, and one
sample of usage from the objects of the metrics API (what `kubectl top` shows). A container that started a moment ago is left out: every
program is busy while it starts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.engines.diagnosis import Component
from tools.engines.metrics.cores import allowed, key_of, limit_of, usage
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import NO_BEFORE, Shift, level, shift
from tools.engines.objects import Object, dig, name_of, namespace_of, rows, statuses, when
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Series

NEAR_LIMIT = 0.8
HELD_BACK = 0.2
STARTING = 180.0


@dataclass(frozen=True, slots=True)
class Load:
    """One container of one pod, now: cores used, cores allowed, the share of both and of the periods in which it was held back."""

    pod: str
    container: str
    used: float | None
    limit: float | None
    share: float | None
    held_back: float | None
    moved: Shift | None
    usage: Series | None
    throttling: Series | None
    source: str = ""
    """Where the sample stands that no series gave."""

    @property
    def is_at_its_limit(self) -> bool:
        if self.share is None or self.share < NEAR_LIMIT:
            return self.held_back is not None and self.held_back >= 2 * HELD_BACK
        return self.held_back is None or self.held_back >= HELD_BACK

    @property
    def is_held_back_now(self) -> bool:
        """In many periods, and not always: some programs are held back all their lives, and nobody minds."""
        if self.throttling is None or self.held_back is None or self.held_back < HELD_BACK:
            return False
        moved = shift(self.throttling.points)
        return moved is None or moved.samples < NO_BEFORE or moved.rose(1.5)


def loads(scene: Scene, program: Program) -> list[Load]:
    young = {name_of(pod) for pod in program.pods if _is_young(scene, pod)}
    measured = [load for load in _measured(scene, program) if load.pod not in young]
    return measured or [load for load in _sampled(scene, program) if load.pod not in young]


def _is_young(scene: Scene, pod: Object) -> bool:
    started = [when(dig(status, "state", "running", "startedAt")) for status in statuses(pod)]
    latest = max((at for at in started if at), default=None)
    return latest is not None and 0 <= (scene.snapshot.taken_at - latest).total_seconds() < STARTING


def _measured(scene: Scene, program: Program) -> Iterator[Load]:
    who = program.component
    held = {key_of(one): one for one in scene.of("cpu_throttled").get(who, ())}
    seen: set[tuple[str, str]] = set()
    for one in usage(scene).get(who, ()):
        seen.add(key_of(one))
        yield _load(program, one, limit_of(scene, program, one), held.get(key_of(one)), is_share=False)
    for one in scene.of("cpu_share").get(who, ()):
        if key_of(one) not in seen:
            seen.add(key_of(one))
            yield _load(program, one, limit_of(scene, program, one), held.get(key_of(one)), is_share=True)
    for one in scene.of("cpu_level").get(who, ()):
        if key_of(one) not in seen:
            seen.add(key_of(one))
            yield replace(_load(program, one, None, held.get(key_of(one)), is_share=False), used=None)
    for key, one in held.items():
        if key not in seen:
            name = key[1] or _only_container(program)
            yield Load(key[0], name, None, None, None, level(one.points), shift(one.points), None, one)


def _load(program: Program, one: Series, limit: float | None, held: Series | None, *, is_share: bool) -> Load:
    pod, container = key_of(one)
    value = level(one.points)
    share = value if is_share else value / limit if limit else None
    used = (value * limit if limit else None) if is_share else value
    held_back = level(held.points) if held else None
    name = container or _only_container(program)
    return Load(pod, name, used, limit, share, held_back, shift(one.points), one, held)


def _only_container(program: Program) -> str:
    """Where nobody tells containers apart there is often but one."""
    return str(program.containers[0].get("name") or "") if len(program.containers) == 1 else ""


def _sampled(scene: Scene, program: Program) -> Iterator[Load]:
    """What the metrics API said once: an object a pod."""
    for pod in program.pods:
        sample = scene.snapshot.get("PodMetrics", namespace_of(pod), name_of(pod))
        for row in rows(sample, "containers") if sample else ():
            name = str(row.get("name"))
            used = parse(dig(row, "usage", "cpu"))
            limit = allowed(rows(pod, "spec", "containers"), name)
            if used is not None:
                source = f"PodMetrics {namespace_of(pod)}/{name_of(pod)} containers[{name}].usage.cpu"
                share = used / limit if limit else None
                yield Load(name_of(pod), name, used, limit, share, None, None, None, None, source)


def service_shift(scene: Scene, who: Component, signal: str) -> tuple[Series, Shift] | None:
    """The largest rise of a signal among all that speak of a program."""
    moved = [(one, found) for one in scene.of(signal).get(who, ()) if (found := shift(one.points, scene.onset))]
    return max(moved, key=lambda pair: pair[1].score, default=None)
