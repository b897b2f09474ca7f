"""Two more sample sets for the comparison, made of what scrapes and exporters do wrong.

`odd` is an hour and a half of series that share no rhythm: each is scraped at its own interval and phase, with holes, resets to
anything but zero, counters that start below zero, buckets in every disorder. `fleet` is a shop of many label combinations, some of
which lack a label, for aggregations and joins. Neither has stale markers, so that both can be loaded from OpenMetrics text.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence

from tests.simulator.promql_data import HOUR_MS, MINUTE_MS, START_MS, Samples, SeriesData, Span, labels_of

ODD_MS = START_MS - 96 * HOUR_MS
FLEET_MS = START_MS - 72 * HOUR_MS

ODD_SPANS = {
    "odd": Span(
        instants=(ODD_MS + 13 * MINUTE_MS + 77, ODD_MS + 47 * MINUTE_MS, ODD_MS + 89 * MINUTE_MS + 999),
        ranges=(
            (ODD_MS - 4 * MINUTE_MS, ODD_MS + 98 * MINUTE_MS, 61_000),
            (ODD_MS + 30 * MINUTE_MS + 1, ODD_MS + 36 * MINUTE_MS, 7_000),
        ),
    ),
    "fleet": Span(
        instants=(FLEET_MS + 55 * MINUTE_MS, FLEET_MS + 119 * MINUTE_MS),
        ranges=((FLEET_MS + 9 * MINUTE_MS, FLEET_MS + 2 * HOUR_MS + 7 * MINUTE_MS, 4 * MINUTE_MS),),
    ),
}

Value = Callable[[], float]
Buckets = Sequence[tuple[str, float]]

DISORDERLY: dict[str, Buckets] = {
    "falling": (("0.1", 9.0), ("0.5", 4.0), ("1", 11.0), ("2", 10.0), ("+Inf", 12.0)),
    "negative": (("-10", 1.0), ("-1", 3.0), ("0", 5.0), ("1", 9.0), ("+Inf", 9.0)),
    "all_below": (("-10", 4.0), ("-1", 6.0), ("+Inf", 6.0)),
    "open": (("0.1", 1.0), ("0.5", 4.0), ("1", 8.0)),
    "only_inf": (("+Inf", 7.0),),
    "two": (("1", 3.0), ("+Inf", 7.0)),
    "unfilled": (("1", 0.0), ("2", 0.0), ("+Inf", 0.0)),
    "gap": (("1", 2.0), ("2", 2.0), ("4", 2.0), ("8", 6.0), ("+Inf", 6.0)),
    "spelled": (("1", 2.0), ("1.0", 3.0), ("1e0", 1.0), ("5", 9.0), ("+Inf", 11.0), ("Inf", 2.0)),
    "unknown": (("1", math.nan), ("2", 4.0), ("+Inf", 8.0)),
    "endless": (("1", 2.0), ("2", math.inf), ("+Inf", math.inf)),
    "shrinking": (("1", -3.0), ("2", -2.0), ("+Inf", -1.0)),
    "tiny": (("1e-9", 1.0), ("1e-8", 3.0), ("0.0000001", 9.0), ("+Inf", 10.0)),
}


def odd_series() -> list[SeriesData]:
    return [*_odd(random.Random(21)), *_disorder(), *_fleet(random.Random(22))]


def open_metrics(series: Sequence[SeriesData]) -> str:
    lines = [
        f"{_written(labels)} {_number(value)} {t_ms / 1000:.3f}\n"
        for labels, samples in sorted(series, key=lambda one: one[0])
        for t_ms, value in samples
    ]
    return "".join(lines) + "# EOF\n"


def exposition(series: Sequence[SeriesData]) -> str:
    """The same samples as the import takes them: times in milliseconds."""
    lines = [f"{_written(labels)} {_number(value)} {t}\n" for labels, samples in series for t, value in samples]
    return "".join(lines)


def _written(labels: Sequence[tuple[str, str]]) -> str:
    given = dict(labels)
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels if name != "__name__")
    return given["__name__"] + "{" + pairs + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")


def _odd(rng: random.Random) -> Iterator[SeriesData]:
    for number, interval in enumerate((7_000, 15_000, 30_000, 61_000, 97_000)):
        target = {"rhythm": str(interval // 1000), "phase": str(number * 777)}
        yield labels_of("ticks_total", **target), _holed(rng, _resetting(rng, interval, number * 777))
        yield labels_of("level", **target), _holed(rng, _sampled(interval, number * 777, lambda: rng.gauss(0, 50)))
        yield labels_of("steps", **target), _sampled(interval, number * 777, lambda: float(rng.randrange(-3, 4)))
        yield labels_of("flag", **target), _sampled(interval, number * 131, lambda: float(rng.random() > 0.4))
    yield labels_of("drifting"), _drifting(rng)
    yield labels_of("from_below_total"), _sampled(20_000, 0, iter(range(-40, 10_000)).__next__)
    yield labels_of("sawtooth_total"), _sampled(15_000, 5, iter([float(i % 9) for i in range(1000)]).__next__)
    yield labels_of("twice"), [(ODD_MS + 46 * MINUTE_MS, 4.0), (ODD_MS + 46 * MINUTE_MS + 30_000, 9.0)]
    yield labels_of("once"), [(ODD_MS + 46 * MINUTE_MS, 4.0)]
    yield labels_of("ramp"), _sampled(15_000, 0, iter(range(100_000, 200_000)).__next__)
    yield labels_of("tiny_steps"), _sampled(15_000, 0, lambda: rng.random() * 1e-12)
    yield labels_of("huge_steps"), _sampled(15_000, 0, lambda: rng.random() * 1e300)
    yield labels_of("special"), _sampled(15_000, 0, lambda: rng.choice((math.inf, -math.inf, math.nan, 0.0, -0.0, 1.5)))
    yield labels_of("now_seconds"), _sampled(30_000, 0, lambda: float(rng.randrange(-(10**9), 4 * 10**9)))
    for text in ("plain", "a.b", "ünïcode", 'q"uote', "back\\slash", "a\nb"):
        yield labels_of("texts", text=text, kind="t"), _sampled(60_000, 0, lambda: 1.0)


def _sampled(interval: int, phase: int, value: Value) -> Samples:
    return [(ODD_MS + phase + i * interval, float(value())) for i in range(90 * MINUTE_MS // interval)]


def _resetting(rng: random.Random, interval: int, phase: int) -> Samples:
    total = float(rng.randrange(1000))

    def more() -> float:
        nonlocal total
        total = rng.random() * 5 if rng.random() < 0.02 else total + rng.choice((0.0, 1.0, 2.5, 100.0))
        return total

    return _sampled(interval, phase, more)


def _holed(rng: random.Random, samples: Samples) -> Samples:
    """Three holes, one of them longer than the lookback, and single scrapes missed here and there."""
    size = max(2, len(samples) // 30)
    starts = [rng.randrange(len(samples) * part // 4, len(samples) * (part + 1) // 4) for part in (0, 1, 2)]
    long = samples[starts[1]][0]
    return [
        (t, value)
        for i, (t, value) in enumerate(samples)
        if not any(start <= i < start + size for start in starts)
        and not long <= t < long + 6 * MINUTE_MS
        and rng.random() > 0.04
    ]


def _drifting(rng: random.Random) -> Samples:
    """A scrape that is later each time, as a clock that runs slow shows it."""
    moment = ODD_MS
    samples = []
    for i in range(200):
        moment += 15_000 + i * 71 + rng.randrange(200)
        samples.append((moment, float(i * i)))
    return samples


def _disorder() -> Iterator[SeriesData]:
    for name, buckets in DISORDERLY.items():
        for bound, count in buckets:
            yield (
                labels_of("disorder_bucket", shape=name, le=bound),
                _sampled(30_000, 0, _growing(count)),
            )
    yield labels_of("disorder_bucket", shape="named", le="low"), _sampled(30_000, 0, lambda: 1.0)
    yield labels_of("disorder_bucket", shape="without"), _sampled(30_000, 0, lambda: 1.0)


def _growing(rate: float) -> Value:
    """`rate` more with each scrape, so that rates of the buckets keep their shape."""
    total = rate

    def more() -> float:
        nonlocal total
        total += rate
        return total - rate

    return more


def _fleet(rng: random.Random) -> Iterator[SeriesData]:
    for region in ("eu", "us"):
        for service in ("cart", "search", "pay"):
            for replica in range(3):
                place = {"region": region, "service": service, "replica": str(replica)}
                if service == "pay" and region == "us" and replica < 2:
                    place.pop(("region", "replica")[replica])
                yield labels_of("busy_ratio", **place), _minutes(lambda: rng.randrange(1000) / 1000)
                yield labels_of("served_total", **place, code=str(200 + replica)), _minutes(_summing(rng))
            weight = float(rng.randrange(1, 9))
            yield (
                labels_of("weight", region=region, service=service, owner=f"team-{weight:g}"),
                _minutes(
                    lambda weight=weight: weight  # type: ignore[misc]
                ),
            )
        yield labels_of("region_info", region=region, continent=region.upper(), __tmp="x"), _minutes(lambda: 1.0)
    yield labels_of("owner_info", owner="team-3", region="eu", page="yes"), _minutes(lambda: 1.0)
    yield labels_of("owner_info", owner="team-5", region="us"), _minutes(lambda: 1.0)
    for level in ("0.5", "0.9", "0.99"):
        yield labels_of("latency_seconds", quantile=level, service="cart"), _minutes(lambda: rng.expovariate(4))


def _minutes(value: Value) -> Samples:
    return [(FLEET_MS + i * MINUTE_MS, float(value())) for i in range(120)]


def _summing(rng: random.Random) -> Value:
    total = 0.0

    def more() -> float:
        nonlocal total
        total += rng.randrange(50)
        return total

    return more
