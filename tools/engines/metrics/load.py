"""How much processor each program uses, may use and is kept from using, from whichever sources tell it.

Usage and throttling come as metrics, a limit from the template or as a metric, a share of the limit ready-made from some exporters, and one
sample of usage from the objects of the metrics API (what `kubectl top` shows). A container that started a moment ago is left out: every
program is busy while it starts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tools.engines.diagnosis import Component
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import Shift, level, shift
from tools.engines.objects import Object, dig, name_of, namespace_of, rows, statuses, when
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Series

NEAR_LIMIT = 0.8
HELD_BACK = 0.2
STARTING = 180.0
MAY_EXCEED = 1.15


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
    held = {_key(one): one for one in scene.of("cpu_throttled").get(who, ())}
    seen: set[tuple[str, str]] = set()
    for one in scene.of("cpu_usage").get(who, ()):
        seen.add(_key(one))
        limit = _limit(scene, program, one)
        yield _load(one, level(one.points), limit, held.get(_key(one)), is_share=False)
    for one in scene.of("cpu_share").get(who, ()):
        if _key(one) not in seen:
            seen.add(_key(one))
            yield _load(one, level(one.points), None, held.get(_key(one)), is_share=True)
    levels = [one for one in scene.of("cpu_level").get(who, ()) if _key(one) not in seen]
    unit = _unit([(max(value for _, value in one.points), _limit(scene, program, one)) for one in levels])
    for one in levels:
        seen.add(_key(one))
        yield _unnamed(scene, program, one, held.get(_key(one)), unit)
    for key, one in held.items():
        if key not in seen:
            yield Load(key[0], key[1], None, None, None, level(one.points), shift(one.points), None, one)


def _unit(tops: list[tuple[float, float | None]]) -> float | None:
    """Cores, hundredths of the limit (as a negative number) or thousandths of a core: whichever is possible under the limits."""
    known = [(top, limit) for top, limit in tops if limit]
    if not known:
        return None
    if all(top <= MAY_EXCEED * limit for top, limit in known):
        return 1.0
    if all(top <= 100 * MAY_EXCEED for top, _ in known):
        return -0.01
    return 0.001 if all(top / 1000 <= MAY_EXCEED * limit for top, limit in known) else None


def _unnamed(scene: Scene, program: Program, one: Series, held: Series | None, unit: float | None) -> Load:
    """Of a series whose name tells no unit."""
    value = level(one.points)
    if unit is None:
        return replace(_load(one, value, None, held, is_share=False), used=None)
    if unit < 0:
        return _load(one, -unit * value, None, held, is_share=True)
    return _load(one, unit * value, _limit(scene, program, one), held, is_share=False)


def _load(one: Series, value: float, limit: float | None, held: Series | None, *, is_share: bool) -> Load:
    pod, container = _key(one)
    share = value if is_share else value / limit if limit else None
    used = None if is_share else value
    held_back = level(held.points) if held else None
    return Load(pod, container, used, limit, share, held_back, shift(one.points), one, held)


def _key(one: Series) -> tuple[str, str]:
    return one.labels.get("pod", ""), one.labels.get("container", "")


def _limit(scene: Scene, program: Program, one: Series) -> float | None:
    name = one.labels.get("container", "")
    pod = next((pod for pod in program.pods if name_of(pod) == one.labels.get("pod")), None)
    found = _cores(rows(pod, "spec", "containers") or program.containers, name)
    if found is not None:
        return found
    told = [
        other.points[-1][1] for other in scene.of("cpu_limit").get(program.component, ()) if _key(other) == _key(one)
    ]
    return told[0] if told and told[0] > 0 else None


def _cores(containers: Iterable[Object], name: str) -> float | None:
    """The limit of one container; of the whole pod where none is named and each has one."""
    limits = [(str(row.get("name")), parse(dig(row, "resources", "limits", "cpu"))) for row in containers]
    if name:
        return next((limit for own, limit in limits if own == name and limit), None)
    known = [limit for _, limit in limits if limit]
    return sum(known) if known and len(known) == len(limits) else None


def _sampled(scene: Scene, program: Program) -> Iterator[Load]:
    """What the metrics API said once: an object a pod."""
    for pod in program.pods:
        sample = scene.snapshot.get("PodMetrics", namespace_of(pod), name_of(pod))
        for row in rows(sample, "containers") if sample else ():
            name = str(row.get("name"))
            used = parse(dig(row, "usage", "cpu"))
            limit = _cores(rows(pod, "spec", "containers"), name)
            if used is not None:
                source = f"PodMetrics {namespace_of(pod)}/{name_of(pod)} containers[{name}].usage.cpu"
                share = used / limit if limit else None
                yield Load(name_of(pod), name, used, limit, share, None, None, None, None, source)


def service_shift(scene: Scene, who: Component, signal: str) -> tuple[Series, Shift] | None:
    """The largest rise of a signal among all that speak of a program."""
    moved = [(one, found) for one in scene.of(signal).get(who, ()) if (found := shift(one.points, scene.onset))]
    return max(moved, key=lambda pair: pair[1].score, default=None)
