"""Sample sets for the comparison with a real Prometheus: seeded, and ugly on purpose.

`shop` is two hours at 15 s with everything that bends PromQL's rules: counter resets, gaps, stale markers, NaN and infinities, series
that begin late, scrapes that fall between the seconds. `cluster` is a day at 60 s with labels to join on.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from simulator.promql.chunks import STALE_NAN
from simulator.promql.tsdb import Labels, Tsdb

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

Samples = list[tuple[int, float]]
SeriesData = tuple[Labels, Samples]
Value = Callable[[], float]


@dataclass(frozen=True)
class Span:
    """The moments at which the expressions of a set are asked for: single ones, and ranges of (start, end, step)."""

    instants: Sequence[int]
    ranges: Sequence[tuple[int, int, int]]


SPANS = {
    "shop": Span(
        instants=(START_MS + 31 * MINUTE_MS + 7_123, START_MS + 70 * MINUTE_MS, START_MS + 119 * MINUTE_MS),
        ranges=(
            (START_MS - 3 * MINUTE_MS, START_MS + 2 * HOUR_MS + 9 * MINUTE_MS, 73_000),
            (START_MS + 40 * MINUTE_MS + 500, START_MS + 55 * MINUTE_MS, 15_000),
        ),
    ),
    "cluster": Span(
        instants=(START_MS - 5 * HOUR_MS, START_MS + HOUR_MS),
        ranges=((START_MS - 22 * HOUR_MS, START_MS + 2 * HOUR_MS, 11 * MINUTE_MS),),
    ),
}


def labels_of(name: str, **labels: str) -> Labels:
    return tuple(sorted({"__name__": name, **labels}.items()))


def all_series() -> list[SeriesData]:
    return [*_shop(random.Random(11)), *_cluster(random.Random(12))]


def filled(series: Sequence[SeriesData]) -> Tsdb:
    tsdb = Tsdb()
    for labels, samples in series:
        for t_ms, value in samples:
            tsdb.append_many(t_ms, [(labels, value)])
    return tsdb


def _shop(rng: random.Random) -> Iterator[SeriesData]:
    for number, (job, instance) in enumerate((job, str(i)) for job in ("api", "web") for i in range(3)):
        offset = 1_234 * number
        for code in ("200", "404", "500"):
            yield labels_of("http_requests_total", job=job, instance=instance, code=code), _counter(rng, offset)
        yield from _histogram(rng, offset, job, instance)
        yield labels_of("queue_depth", job=job, instance=instance), _with_holes(rng, _walk(rng, offset))
        yield labels_of("up", job=job, instance=instance), _at(offset, lambda: float(rng.random() > 0.1))
        yield labels_of("build_info", job=job, instance=instance, version=f"1.{number % 4}"), _at(offset, lambda: 1.0)
    for sensor in "abc":
        yield labels_of("temperature", sensor=sensor), _with_specials(rng, _walk(rng, 77, scale=0.37))
    for pod in range(4):
        yield labels_of("short_lived", pod=f"p{pod}", job="api"), _short_lived(rng, pod)
    yield labels_of("lonely"), [(START_MS + 69 * MINUTE_MS, 42.5)]
    yield labels_of("quota", job="api"), _at(0, lambda: 0.75)
    yield labels_of("quota", job="batch"), _at(0, lambda: 0.25)
    yield labels_of("constant", job="api"), _at(0, lambda: 7.0)
    yield labels_of("large", job="api"), [(START_MS + i * 15_000, v) for i, v in enumerate((1e100, 1.0, -1e100) * 100)]
    for bound in ("abc", "0.5", "1"):
        yield labels_of("odd_bucket", le=bound, job="api"), _at(0, lambda: 3.0)
    for bound, count in (("0.1", 1.0), ("0.10", 2.0), ("1", 4.0), ("+Inf", 5.0)):
        yield labels_of("twice_bucket", le=bound, job="api"), _at(0, iter([count] * 480).__next__)


def _at(offset: int, value: Value, step: int = 15_000, count: int = 480) -> Samples:
    return [(START_MS + offset + i * step, value()) for i in range(count)]


def _counter(rng: random.Random, offset: int) -> Samples:
    total = rng.choice((0.0, 3.0, 100_000.0))
    samples = []
    for i in range(480):
        total = 0.0 if rng.random() < 0.008 else total + rng.choice((0, 0, 1, 2, 17, 0.5))
        if rng.random() > 0.03:
            samples.append((START_MS + offset + i * 15_000 + rng.randrange(40), total))
    return samples


def _walk(rng: random.Random, offset: int, scale: float = 3.0) -> Samples:
    level = 10.0
    samples = []
    for i in range(480):
        level += rng.gauss(0, scale)
        samples.append((START_MS + offset + i * 15_000, level))
    return samples


def _with_holes(rng: random.Random, samples: Samples) -> Samples:
    """A gap longer than the lookback, a stretch that ends with a stale marker, a few NaN."""
    gap, stale = rng.randrange(50, 150), rng.randrange(200, 300)
    kept = [*samples[:gap], *samples[gap + 27 : stale], (samples[stale][0], STALE_NAN), *samples[stale + 12 :]]
    return [(t, math.nan if rng.random() < 0.01 else value) for t, value in kept]


def _with_specials(rng: random.Random, samples: Samples) -> Samples:
    return [(t, rng.choice((math.inf, -math.inf, math.nan)) if rng.random() < 0.01 else v) for t, v in samples]


def _short_lived(rng: random.Random, pod: int) -> Samples:
    begin = pod * 90
    samples = [(START_MS + (begin + i) * 15_000, float(rng.randrange(5))) for i in range(110)]
    return [*samples, (START_MS + (begin + 110) * 15_000, STALE_NAN)]


def _histogram(rng: random.Random, offset: int, job: str, instance: str) -> Iterator[SeriesData]:
    bounds = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
    counts = [0.0] * len(bounds)
    rows: list[Samples] = [[] for _ in bounds]
    sums: Samples = []
    for i in range(480):
        t = START_MS + offset + i * 15_000
        for _ in range(rng.randrange(6)):
            value = rng.expovariate(3)
            for b, bound in enumerate(bounds):
                counts[b] += value <= float(bound)
        for b, row in enumerate(rows):
            row.append((t, counts[b]))
        sums.append((t, counts[-1] * 0.3))
    for bound, row in zip(bounds, rows, strict=True):
        yield labels_of("request_seconds_bucket", job=job, instance=instance, le=bound), row
    yield labels_of("request_seconds_sum", job=job, instance=instance), sums
    yield labels_of("request_seconds_count", job=job, instance=instance), rows[-1]


def _cluster(rng: random.Random) -> Iterator[SeriesData]:
    for number in range(8):
        pod = {"namespace": f"ns{number % 2}", "pod": f"pod-{number}"}
        node = f"node-{number % 3}"
        yield labels_of("kube_pod_info", **pod, node=node, host_ip=f"10.0.0.{number % 3}"), _day(lambda: 1.0)
        yield labels_of("container_cpu_usage_seconds_total", **pod, container="app"), _burned(rng)
        yield (
            labels_of("container_memory_working_set_bytes", **pod, container="app"),
            _day(lambda: rng.randrange(10**8) * 1.0),
        )
        yield (
            labels_of("kube_pod_container_resource_limits", **pod, container="app", resource="memory", unit="byte"),
            _day(lambda: 2.0**27),
        )
        phase = "Running" if number != 5 else "Pending"
        yield labels_of("kube_pod_status_phase", **pod, phase=phase), _day(lambda: 1.0)
        yield (
            labels_of("kube_pod_container_status_restarts_total", **pod, container="app"),
            _day(iter(range(10**6)).__next__),
        )
    for number in range(3):
        yield labels_of("kube_node_info", node=f"node-{number}", kernel=f"6.{number}"), _day(lambda: 1.0)


def _day(value: Value) -> Samples:
    return [(START_MS - 22 * HOUR_MS + i * MINUTE_MS, float(value())) for i in range(24 * 60)]


def _burned(rng: random.Random) -> Samples:
    total = 0.0

    def more() -> float:
        nonlocal total
        total += rng.random()
        return total

    return _day(more)
