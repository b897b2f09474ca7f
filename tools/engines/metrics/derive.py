"""Signals that follow from others: shares out of parts and wholes, a machine's busy processors out of their modes.

What is worked out is added, and what it was worked out from stays. A signal that a source gives directly is not worked out again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tools.engines.metrics.numbers import Points, combined, summed
from tools.engines.metrics.whose import node_of, same
from tools.engines.snapshot import Series, Signal

Found = dict[Signal, list[Series]]
_SHARES: tuple[tuple[Signal, Signal, Signal], ...] = (
    # what, part, whole
    ("cpu_throttled", "cpu_held_periods", "cpu_periods"),
    ("error_share", "errors", "requests"),
    ("failed_share", "failed_calls", "calls"),
    ("node_retransmit_share", "node_retransmits", "node_segments"),
    ("node_disk_wait", "node_disk_time", "node_disk_operations"),
)
_RATIO = 1.0


def derived(found: Found) -> Found:
    for what, part, whole in _SHARES:
        if part in found and whole in found and what not in found:
            found[what] = _shares(found[part], found[whole])
    if "cpu_held" in found and "cpu_throttled" not in found:
        found["cpu_throttled"] = [one for one in found["cpu_held"] if max(value for _, value in one.points) <= _RATIO]
    if "cpu_quota" in found and "cpu_limit" not in found:
        found["cpu_limit"] = [one for one in found["cpu_quota"] if one.last > 0]
    if "node_cpu_modes" in found:
        _from_modes(found)
    if "node_cpu" not in found and "node_cpu_share" in found:
        found["node_cpu"] = found["node_cpu_share"]
    if "node_memory_total" in found and "node_memory_free" in found:
        found.setdefault("node_memory_share", _taken(found["node_memory_free"], found["node_memory_total"]))
    if "memory" not in found:
        fallback = found.get("memory_all") or found.get("memory_rss")
        if fallback:
            found["memory"] = fallback
    return {signal: series for signal, series in found.items() if series}


def _shares(parts: Sequence[Series], wholes: Sequence[Series]) -> list[Series]:
    whole_of = {same(one.labels): one for one in wholes}
    made = []
    for part in parts:
        whole = whole_of.get(same(part.labels))
        points = combined(part.points, whole.points, "/") if whole else []
        if points:
            made.append(Series(part.labels, points, part.query))
    return made


def _taken(free: Sequence[Series], total: Sequence[Series]) -> list[Series]:
    return [
        Series(one.labels, [(at, 1 - value) for at, value in one.points], one.query) for one in _shares(free, total)
    ]


def _from_modes(found: Found) -> None:
    """Every second of every processor was spent in one mode; what was not idle and no waiting was work."""
    given = frozenset(found)
    by_node: dict[str, dict[str, list[Series]]] = defaultdict(lambda: defaultdict(list))
    for one in found["node_cpu_modes"]:
        by_node[node_of(one.labels)][one.labels.get("mode", "")].append(one)
    for modes in by_node.values():
        sums = {mode: summed([one.points for one in many]) for mode, many in modes.items() if mode}
        labels = {key: value for key, value in next(iter(modes.values()))[0].labels.items() if key != "mode"}
        query = next(iter(modes.values()))[0].query
        for signal, wanted in (
            ("node_cpu", ("idle", "iowait")),
            ("node_iowait", ("iowait",)),
            ("node_steal", ("steal",)),
        ):
            points = _share_of(sums, wanted) if signal not in given else []
            if points:
                level = [(at, 1 - value) for at, value in points] if signal == "node_cpu" else points
                found.setdefault(signal, []).append(Series(labels, level, query))


def _share_of(modes: Mapping[str, Points], wanted: Sequence[str]) -> Points:
    parts = [modes[mode] for mode in wanted if mode in modes]
    if not parts or "idle" not in modes or len(modes) < 2:
        return []
    return combined(summed(parts), summed(list(modes.values())), "/")
