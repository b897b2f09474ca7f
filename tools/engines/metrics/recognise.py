"""Any matrix of Prometheus, whatever its file and metric are called, as signals that the engines know, in base units, of named things.

The metric's own name decides where the table knows it, else the words of its name and of the file's. Whether a counter is still raw is
seen from the name being there (a rate has lost it) and from the numbers themselves. Units that no name tells are decided for all series of
a metric at once, because a slow service must not turn its milliseconds into seconds. What nobody can name is left out; nothing is guessed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tools.engines.metrics import words
from tools.engines.metrics.derive import derived
from tools.engines.metrics.expression import is_expression, meant_by
from tools.engines.metrics.histograms import Bucket, quantiles
from tools.engines.metrics.numbers import Points, cleaned, only_grows, rates, scaled, summed
from tools.engines.metrics.roles import Form, known
from tools.engines.metrics.sides import by_side
from tools.engines.metrics.whose import ENTITY, same, whose
from tools.engines.snapshot import Series, Signal

Raw = tuple[str, Mapping[str, Any], Sequence[Any]]
"""The name of the file (without its ending), the labels, and the pairs of time and value."""
MAX_SERIES = 50_000
MOST_CORES = 16.0
_ADDED_UP = """
cpu_usage cpu_periods cpu_held_periods cpu_held_seconds cpu_waiting io_waiting requests errors calls failed_calls
edge_requests edge_errors drops retransmits retries timeouts network_in network_out packets_in packets_out disk_read
disk_written cache_hits cache_misses db_queries db_slow node_drops node_retransmits node_segments node_packets
node_network_in node_network_out node_disk_time node_disk_operations node_disk_bytes connect_failures connections_opened
pool_used pool_pending pool_most db_connections done threads_blocked node_cpu_waiting node_io_waiting heap heap_most
cpu_limit cpu_request memory_request
"""
_SUMMED = frozenset(_ADDED_UP.split())
# Names under which this product itself writes down what it asked for, where no other reading is meant by them.
OURS = frozenset({
    "cpu_throttled", "cpu_waiting", "failed_calls", "call_latency", "served_latency", "reserved", "busiest", "node_cpu", "node_disk_busy",
    "node_retransmit_share", "node_clock_offset", "cache_misses", "cache_hits", "calls", "drops", "replicas", "queue", "threads",
    "open_files",
})  # fmt: skip
_SPELT_CODES = """
code response_code status status_code http_status_code grpc_code grpc_status http_response_status_code
rpc_grpc_status_code envoy_response_code_class response_code_class outcome classification span_status
"""
_APART = frozenset({"__name__", "le", "quantile", "mode", "cpu"})
_CODES = tuple(_SPELT_CODES.split())
_BAD_CODE = re.compile(
    r"^(5\d\d|5xx|5|STATUS_CODE_ERROR|SERVER_ERROR|failure|error|Internal|Unavailable|Unknown|DeadlineExceeded|ResourceExhausted|Aborted|13|14|4)$",
    re.IGNORECASE,
)
_REQUESTS = {"requests": "errors", "calls": "failed_calls", "edge_requests": "edge_errors"}
_AVERAGED = re.compile(r"(?:^|_)(?:rate|irate|per_sec(?:ond)?|per_s|qps|rps|ps)(?:_|$)|rate\(|\d[ms]$|:rate")


@dataclass(slots=True)
class _Read:
    """One series with its role, before it is put together with others."""

    name: str
    signal: Signal
    form: Form
    scale: float | None
    labels: dict[str, str]
    points: Points
    is_share: bool = False
    is_worded: bool = False
    """Whether only its words told what it is."""
    le: str = ""
    mode: str = ""


def recognise(series: Iterable[Raw]) -> dict[Signal, list[Series]]:
    by_name: dict[tuple[str, Signal, Form], list[_Read]] = defaultdict(list)
    for number, (stem, labels, points) in enumerate(series):
        if number >= MAX_SERIES:
            break
        read = _read(stem, labels, points)
        if read:
            by_name[(read.name, read.signal, read.form)].append(read)
    found: dict[Signal, list[Series]] = defaultdict(list)
    parts: dict[str, dict[str, list[_Read]]] = defaultdict(lambda: defaultdict(list))
    for (name, _, form), group in by_name.items():
        if form in {"bucket", "sum", "count"}:
            parts[re.sub(r"_(bucket|sum|count)$", "", name)][form] += group
            continue
        for signal, one in _settled(group):
            found[signal].append(one)
    for name, pieces in parts.items():
        _from_histogram(name, pieces, found)
    return derived(by_side(_without_doubles(found)))


def _read(stem: str, labels: Any, points: Any) -> _Read | None:
    if not isinstance(labels, Mapping) or not isinstance(points, Sequence):
        return None
    told = {str(key): str(value) for key, value in labels.items() if isinstance(value, str | int | float)}
    # container="POD" is the pause container, which does nothing but hold the network.
    if (
        told.get("container") == "POD"
        or told.get("container_name") == "POD"
        or told.get("image", "").startswith("pause")
    ):
        return None
    clean = cleaned(points)
    if not clean:
        return None
    own = told.get("__name__", "")
    if not own and is_expression(stem):
        return _by_expression(stem, told, clean)
    if not own and stem in OURS:
        return _Read(stem, stem, "gauge", 1.0, _labels(told), clean, mode=_mode(told))
    name = own or stem
    role = known(own, told) if own else known(_plain(stem), told)
    if role:
        if role.form == "ignored":
            return None
        form = role.form
        is_raw = form != "gauge" and ((bool(own) and not _AVERAGED.search(own)) or only_grows(clean) or "le" in told)
        if (form == "counter" and not is_raw) or (
            form in {"bucket", "sum", "count"} and "le" not in told and not is_raw
        ):
            form = "gauge"
        return _Read(name, role.signal, form, role.scale, _labels(told), clean, le=told.get("le", ""), mode=_mode(told))
    return _by_words(own, stem, told, clean)


def _by_expression(text: str, told: dict[str, str], points: Points) -> _Read | None:
    meant = meant_by(text)
    if meant is None:
        return _by_words("", text, told, points)
    labels = _labels(told)
    if meant.quantile:
        labels.setdefault("quantile", meant.quantile)
    signal = meant.signal
    if signal == "cpu_share" and max(value for _, value in points) * meant.scale > 20:
        return _Read(text, signal, "gauge", 0.01, labels, points)
    return _Read(text, signal, "gauge", meant.scale, labels, points)


def _plain(stem: str) -> str:
    """A file's name without what was done to the metric that it is named for."""
    name = re.sub(r"^(?:rate|irate|sum|avg|max|min|increase)[_(]+", "", stem)
    return re.sub(r"(?:[_-](?:rate|irate|sum|avg|max|by_pod|\d+[ms]))+$", "", name)


def _by_words(own: str, stem: str, told: dict[str, str], points: Points) -> _Read | None:
    reading = words.first_known((own, stem, f"{stem}_{own}")) or words.first_known(
        (told.get("metric", ""), told.get("kpi_name", ""))
    )
    if reading is None:
        return None
    labels = _labels(told)
    if reading.quantile:
        labels.setdefault("quantile", f"0.{reading.quantile[1:]}")
    signal = reading.signal
    if "node" in labels and not any(
        labels.get(key) for key in ("pod", "container", "service", "workload", "client", "server")
    ):
        signal = words.side_of_a_node(signal)
    if "client" in labels and signal in {"latency", "requests", "errors"}:
        signal = {"latency": "call_latency", "requests": "calls", "errors": "failed_calls"}[signal]
    is_raw = reading.is_counter and (bool(own) or only_grows(points))
    # What only grows and looks like processor time is a counter, whatever it is called.
    form: Form = "counter" if is_raw or (signal in {"cpu", "requests", "errors"} and only_grows(points)) else "gauge"
    return _Read(
        own or stem, signal, form, reading.scale, labels, points, reading.is_share, is_worded=True, mode=_mode(told)
    )


def _labels(told: Mapping[str, str]) -> dict[str, str]:
    found = whose(told)
    if not any(key in found for key in ENTITY):
        # Nobody that is known: kept apart from others by whatever it says of itself.
        found = {**{key: value for key, value in told.items() if key not in _APART}, **found}
    code = next((told[key] for key in _CODES if told.get(key)), "")
    return {**found, "code": code} if code else found


def _mode(told: Mapping[str, str]) -> str:
    return told.get("mode") or told.get("state") or ""


def _settled(group: list[_Read]) -> Iterable[tuple[Signal, Series]]:
    """The series of one metric: counters made rates, units decided together, parts of one thing added up."""
    for read in group:
        if read.form == "counter":
            read.points = rates(read.points)
    group = [read for read in group if read.points]
    if not group:
        return
    signal, scale = _with_unit(group)
    if signal == "cpu_usage" or signal.startswith("memory"):
        group = _of_containers(group)
    yield from _together(group, signal, scale)
    if signal in _REQUESTS:
        bad = [read for read in group if _BAD_CODE.match(read.labels.get("code", ""))]
        if any(read.labels.get("code") for read in group):
            yield from _together(bad, _REQUESTS[signal], scale)


def _with_unit(group: list[_Read]) -> tuple[Signal, float]:
    signal, scale, is_share = group[0].signal, group[0].scale, group[0].is_share
    if not group[0].is_worded:
        return signal, scale if scale is not None else 1.0
    top = max(value for read in group for _, value in read.points)
    if signal.removeprefix("node_") == "cpu":
        return _of_cpu(
            signal, scale, top, [read.labels for read in group if read.name == "cpu_usage"], is_share=is_share
        )
    if signal.removeprefix("node_") == "memory" and is_share:
        return signal.replace("memory", "memory_share"), scale or (0.01 if top > 1.5 else 1.0)
    if signal == "errors" and is_share:
        return "error_share", scale or (0.01 if top > 1 else 1.0)
    if scale is not None:
        return signal, scale
    if signal.removeprefix("node_") in words.IN_SECONDS:
        middle = median(value for read in group for _, value in read.points)
        return signal, 1e-3 if middle > 5 else 1.0
    if signal.removeprefix("node_") in words.SHARES:
        return signal, 0.01 if top > 1.0 else 1.0
    if signal.removeprefix("node_") in words.IN_BYTES:
        return _of_bytes(signal, top)
    return signal, 1.0


def _of_cpu(
    signal: Signal, scale: float | None, top: float, named: list[dict[str, str]], *, is_share: bool
) -> tuple[Signal, float]:
    node = "node_" if signal.startswith("node_") else ""
    if is_share:
        return f"{node}cpu_share", scale if scale is not None else (0.01 if top > 1.5 else 1.0)
    if scale is not None:
        return f"{node}cpu_usage", scale
    if named and all({"namespace", "pod", "container"} == set(labels) for labels in named) and top <= MOST_CORES:
        return f"{node}cpu_usage", 1.0  # as this product writes it
    return f"{node}cpu_level", 1.0


def _of_bytes(signal: Signal, top: float) -> tuple[Signal, float]:
    if signal.endswith("memory") and top <= 1.0:
        return signal.replace("memory", "memory_share"), 1.0
    if signal.endswith("memory") and top <= 100.0:
        return signal.replace("memory", "memory_share"), 0.01
    # Nobody has a program of a few thousand bytes.
    return signal, 1.0 if top > 1e5 else 2.0**20


def _of_containers(group: list[_Read]) -> list[_Read]:
    """A pod's total beside its containers is the same again; so are the machine's own slices."""
    parted = {(read.labels.get("namespace"), read.labels.get("pod")) for read in group if read.labels.get("container")}
    return [
        read
        for read in group
        if read.labels.get("container")
        or (read.labels.get("namespace"), read.labels.get("pod")) not in parted
    ]  # fmt: skip


def _together(group: list[_Read], signal: Signal, scale: float) -> Iterable[tuple[Signal, Series]]:
    if signal not in _SUMMED:
        for read in group:
            labels = {**read.labels, **({"mode": read.mode} if read.mode else {})}
            yield signal, Series(labels, scaled(read.points, scale), _query(read.name, read.labels))
        return
    things: dict[tuple[tuple[str, str], ...], list[_Read]] = defaultdict(list)
    for read in group:
        things[same(read.labels)].append(read)
    for thing, reads in things.items():
        labels = dict(thing)
        points = scaled(summed([read.points for read in reads]), scale)
        yield signal, Series(labels, points, _query(reads[0].name, labels))


def _query(name: str, labels: Mapping[str, str]) -> str:
    if is_expression(name):
        return name
    shown = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "code")
    return f"{name}{{{shown}}}" if shown else name


def _from_histogram(name: str, pieces: Mapping[str, list[_Read]], found: dict[Signal, list[Series]]) -> None:
    buckets: dict[tuple[tuple[str, str], ...], list[Bucket]] = defaultdict(list)
    for read in pieces.get("bucket", ()):
        buckets[same(read.labels)].append((read.le, rates(read.points)))
    signal, scale = _signal_of(pieces)
    for thing, rows in buckets.items():
        for quantile, points in quantiles(rows).items():
            labels = {**dict(thing), "quantile": quantile}
            found[signal].append(Series(labels, scaled(points, scale), _query(f"{name}_bucket", labels)))
    counts = _totals(pieces.get("count") or [read for read in pieces.get("bucket", ()) if _is_last(read.le)])
    sums = _totals(pieces.get("sum", ()))
    for thing, points in counts.items():
        rate = {"latency": "requests", "call_latency": "calls", "edge_latency": "edge_requests"}.get(signal)
        if rate:
            found[rate].append(Series(dict(thing), points, _query(f"{name}_count", dict(thing))))
        mean = _mean(sums.get(thing, []), points)
        if mean and thing not in buckets:
            labels = {**dict(thing), "quantile": "mean"}
            found[signal].append(Series(labels, scaled(mean, scale), _query(name, labels)))
    if signal in {"latency", "call_latency"}:
        _bad_counts(name, pieces.get("count", ()), signal, found)


def _is_last(bound: str) -> bool:
    return bound.lstrip("+").lower() == "inf"


def _bad_counts(name: str, reads: Iterable[_Read], signal: Signal, found: dict[Signal, list[Series]]) -> None:
    bad = [read for read in reads if _BAD_CODE.match(read.labels.get("code", ""))]
    for thing, points in _totals(bad).items():
        kind = "errors" if signal == "latency" else "failed_calls"
        found[kind].append(Series(dict(thing), points, _query(f"{name}_count", dict(thing))))


def _signal_of(pieces: Mapping[str, list[_Read]]) -> tuple[Signal, float]:
    first = next(read for reads in pieces.values() for read in reads)
    return first.signal, first.scale or 1.0


def _totals(reads: Iterable[_Read]) -> dict[tuple[tuple[str, str], ...], Points]:
    things: dict[tuple[tuple[str, str], ...], list[Points]] = defaultdict(list)
    for read in reads:
        rate = rates(read.points)
        if rate:
            things[same(read.labels)].append(rate)
    return {thing: summed(many) for thing, many in things.items()}


def _mean(sums: Points, counts: Points) -> Points:
    many = dict(counts)
    return [(at, value / many[at]) for at, value in sums if many.get(at, 0.0) > 0]


def _without_doubles(found: Mapping[Signal, list[Series]]) -> dict[Signal, list[Series]]:
    """One thing told by two files: put together where their times do not overlap, else the one with more samples."""
    kept: dict[Signal, list[Series]] = {}
    for signal, many in found.items():
        things: dict[tuple[tuple[str, str], ...], Series] = {}
        for one in many:
            key = tuple(sorted(one.labels.items()))
            things[key] = _joined(things[key], one) if key in things else one
        kept[signal] = list(things.values())
    return kept


def _joined(first: Series, second: Series) -> Series:
    early, late = sorted((first, second), key=lambda one: one.points[0][0])
    if early.points[-1][0] < late.points[0][0]:
        return Series(first.labels, [*early.points, *late.points], first.query)
    return first if len(first.points) >= len(second.points) else second
