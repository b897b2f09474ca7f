"""How many cores every container uses, whatever the metric is called: one reading for all engines that ask.

A name such as `cpu_usage` tells no unit. What is possible under the limits does: all series of the metric are cores, hundredths of their
limits or thousandths of a core, and the first of these that hardly any of them contradicts is meant. Without a limit anywhere small
numbers are cores, because an idle program uses less than half of one, and hundredths or thousandths of nothing are nobody's load.
"""

from collections import defaultdict
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from tools.engines.diagnosis import Component
from tools.engines.metrics.numbers import scaled
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import Shift, mean_of, shift
from tools.engines.objects import Object, dig, name_of, rows
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Series

MAY_EXCEED = 1.15
NEARLY_ALL = 0.95
IDLE = 0.5
Owned = dict[Component, list[Series]]
Tops = list[tuple[float, float | None]]

_USAGE: "WeakKeyDictionary[Scene, Owned]" = WeakKeyDictionary()


def usage(scene: Scene) -> Owned:
    """Cores used, a series a container (or a pod, where nobody tells containers apart)."""
    if scene not in _USAGE:
        _USAGE[scene] = _usage(scene)
    return _USAGE[scene]


def usage_shift(scene: Scene, who: Component) -> Shift | None:
    """Of all pods of a program together."""
    return shift(mean_of(one.points for one in usage(scene).get(who, ())), scene.onset)


def key_of(one: Series) -> tuple[str, str]:
    return one.labels.get("pod", ""), one.labels.get("container", "")


def limit_of(scene: Scene, program: Program, one: Series) -> float | None:
    """The cores that a series' container may use: by its pod, by the template, by the exporter of objects."""
    pod = next((pod for pod in program.pods if name_of(pod) == one.labels.get("pod")), None)
    found = allowed(rows(pod, "spec", "containers") or program.containers, one.labels.get("container", ""))
    if found is not None:
        return found
    told = [
        other.points[-1][1]
        for other in scene.of("cpu_limit").get(program.component, ())
        if key_of(other) == key_of(one)
    ]
    return told[0] if told and told[0] > 0 else None


def allowed(containers: Iterable[Object], name: str) -> float | None:
    """The limit of one container; of the whole pod where none is named and each has one."""
    limits = [(str(row.get("name")), parse(dig(row, "resources", "limits", "cpu"))) for row in containers]
    if name:
        return next((limit for own, limit in limits if own == name and limit), None)
    known = [limit for _, limit in limits if limit]
    return sum(known) if known and len(known) == len(limits) else None


def _usage(scene: Scene) -> Owned:
    found: Owned = defaultdict(list)
    for who, many in scene.of("cpu_usage").items():
        found[who] += many
    for who, many in scene.of("cpu_process").items():
        if who not in found:
            found[who] += many
    levels = [
        (who, program, one)
        for who, many in scene.of("cpu_level").items()
        if who not in found and (program := scene.program(who))
        for one in many
    ]
    tops = [(max(value for _, value in one.points), limit_of(scene, program, one)) for _, program, one in levels]
    unit = _unit(tops)
    for (who, _, one), (_, limit) in zip(levels, tops, strict=True):
        cores = unit if unit is None or unit > 0 else limit and -unit * limit
        if cores:
            found[who].append(Series(one.labels, scaled(one.points, cores), one.query))
    return found


def _unit(tops: Tops) -> float | None:
    """Cores, thousandths of a core, or (as a negative number) hundredths of the limit; None where that cannot be known."""
    known = [(top, limit) for top, limit in tops if limit]
    if not known:
        return 1.0 if tops and sorted(top for top, _ in tops)[len(tops) // 4] <= IDLE else None
    if _fit(known, 1.0):
        return 1.0
    if _fit([(top, 1.0) for top, _ in known], 0.01):
        return -0.01
    return 0.001 if _fit(known, 0.001) else None


def _fit(known: list[tuple[float, float]], unit: float) -> bool:
    """Whether hardly any is above what it may use."""
    return sum(unit * top <= MAY_EXCEED * limit for top, limit in known) >= NEARLY_ALL * len(known)
