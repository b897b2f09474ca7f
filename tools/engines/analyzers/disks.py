"""Disks that have no time left, and who keeps them busy: the program whose own disk it is, or that moves most bytes on the machine.

Who began to write or read many times as much is the one; where no time before was measured, who moves many times as much as all others
there. Where nobody's bytes are measured, the program that keeps its data on that machine suffers, and is named.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.language import Text
from tools.engines.alarms import about, alarms
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.roles_of import is_store
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import NO_BEFORE, level, shift
from tools.engines.metrics.slow import latencies
from tools.engines.snapshot import Series, Snapshot

BUSY = 0.85
ALWAYS = 0.97
LEAST_BYTES = 2e6
FAR_MORE = 10.0


@dataclass(frozen=True, slots=True)
class Full:
    """A disk without time, and who is to answer for it."""

    who: Component
    busy: Series
    said: str
    bytes: Series | None = None


def disks_without_time(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for full in _full_disks(scene):
        who, series, said = full.who, full.busy, full.said
        slow = latencies(scene).get(who)
        proof = [evidence("metric", series.query, said, series.ended, weight=0.65)]
        if slow:
            proof.append(
                evidence("metric", slow[0].series.query, slow[0].took, moment(slow[0].moved.onset), weight=0.6)
            )
        if full.bytes:
            quote = f"{who.name} moves {level(full.bytes.points) / 1e6:.0f} MB a second"
            proof.append(evidence("metric", full.bytes.query, quote, full.bytes.ended, weight=0.5))
        moved = shift(series.points)
        yield Finding(
            "disk_io_saturated",
            "performance",
            who,
            Text(
                f"The disk under {who} has no time left: {said}. Find who else writes to it, or move {who.name} to a faster one.",
                f"{who} 所用磁盘已饱和：{said}。请排查还有谁在读写该磁盘，或将 {who.name} 迁到更快的磁盘。",
            ),
            tuple(proof),
            onset=moment(moved.onset) if moved else None,
        )


def busy_machines(scene: Scene) -> Iterator[tuple[str, Series]]:
    for node, many in scene.at_nodes("node_disk_busy").items():
        busy = [one for one in many if _is_saturated(one)]
        if busy:
            yield node, busy[0]


def _full_disks(scene: Scene) -> Iterator[Full]:
    for who, many in scene.of("disk_busy").items():
        busy = [one for one in many if _is_saturated(one)]
        if busy:
            yield Full(who, busy[0], f"its disk is busy {level(busy[0].points):.0%} of the time")
    for node, series in busy_machines(scene):
        said = f"the disk of {node} is busy {level(series.points):.0%} of the time"
        writer = _began_to_move(scene, node) or _moves_far_more(scene, node)
        if writer:
            yield Full(writer[0], series, f"{said}, and {writer[0].name} writes or reads most", writer[1])
            continue
        keepers = [who for who in scene.on_node(node) if (program := scene.program(who)) and is_store(program)]
        slow = [who for who in keepers if who in latencies(scene)]
        yield from (Full(who, series, said) for who in slow or (keepers if len(keepers) == 1 else []))
    yield from _told_of(scene)


def _told_of(scene: Scene) -> Iterator[Full]:
    """Machines whose disk only an alert tells of, where one program began to write or read many times as much."""
    measured = set(scene.at_nodes("node_disk_busy"))
    told = about(alarms(scene), "disk_io") if scene.snapshot.alerts else {}
    for node, many in told.items():
        fresh = [alarm for alarm in many if not alarm.is_old]
        writer = (
            _began_to_move(scene, node.name) if fresh and node.kind == "Node" and node.name not in measured else None
        )
        if writer:
            who, series = writer
            moves = f"{who.name} moves {level(series.points) / 1e6:.0f} MB a second, many times as much as before"
            yield Full(who, series, f"alert {fresh[0].alert.name} about {node.name}, and {moves}")


def _moved_on(scene: Scene, node: str) -> Iterator[tuple[Component, Series]]:
    """The bytes that each program's pods on a machine write and read."""
    for who in scene.on_node(node):
        for signal in ("disk_written", "disk_read"):
            yield from ((who, one) for one in scene.of(signal).get(who, ()) if scene.is_on(one, node))


def _began_to_move(scene: Scene, node: str) -> tuple[Component, Series] | None:
    """Who began to write or read many times as much as before, and more than anybody else there."""
    grown = [
        (moved.after, str(who), who, one)
        for who, one in _moved_on(scene, node)
        if (moved := shift(one.points)) and moved.rose(3.0, LEAST_BYTES)
    ]
    return max(grown, key=lambda row: row[:2])[2:] if grown else None


def _moves_far_more(scene: Scene, node: str) -> tuple[Component, Series] | None:
    """Without a time before: who moves many times as many bytes as all others together."""
    total: dict[Component, float] = {}
    most: dict[Component, Series] = {}
    for who, one in _moved_on(scene, node):
        if len(one.points) >= NO_BEFORE:
            return None
        total[who] = total.get(who, 0.0) + level(one.points)
        most[who] = max(most.get(who, one), one, key=lambda series: level(series.points))
    first = max(total, key=lambda who: (total[who], str(who)), default=None)
    if first is None or total[first] < max(LEAST_BYTES, FAR_MORE * (sum(total.values()) - total[first])):
        return None
    return first, most[first]


def _is_saturated(series: Series) -> bool:
    moved, now = shift(series.points), level(series.points)
    if now < BUSY:
        return False
    return moved is None or moved.samples < 8 or moved.rose(1.3) or now >= ALWAYS
