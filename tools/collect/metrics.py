"""Range queries and alerts of a live Prometheus: one query a signal, all side by side, over one window."""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime

from core.errors import FirstmateError
from tools.collect.gathered import HOW, Gathered
from tools.engines.diagnosis import Gap, Window
from tools.engines.objects import namespace_of
from tools.engines.snapshot import Alert, Series, Signal
from tools.ports import Prometheus, RangeSeries
from tools.queries import QUERIES

POINTS = 120
LEAST_STEP = 15.0
MAX_ALERTS = 500
# Every cluster with pods has these; without them nobody can say that nothing is wrong.
EXPECTED: tuple[Signal, ...] = ("cpu_usage", "memory")
FIRING = 'ALERTS{alertstate="firing"}'
SINCE = "ALERTS_FOR_STATE"
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
_OWN = frozenset({"__name__", "alertstate"})


async def read_metrics(
    prometheus: Prometheus, places: Sequence[str], window: Window, found: Gathered, *, beside: bool = False
) -> None:
    if not prometheus.configured:
        if not beside:
            found.gaps.append(Gap(what="metrics", why="Prometheus is not configured", how="set PROMETHEUS_URL"))
        return
    where = f" in {', '.join(places)}" if beside else ""
    if found.deaf:
        found.gaps.append(Gap(what=f"metrics{where}", why=found.deaf, how=HOW["Prometheus"], neighbour=beside))
        return
    # What names no namespace spoke of the neighbours already.
    asked = {signal: _expression(text, places) for signal, text in QUERIES.items() if "%s" in text or not beside}
    failed = await _ask(prometheus, asked, window, found)
    found.gaps += [
        Gap(what=f"metrics{where} ({', '.join(signals)})", why=why, how=HOW["Prometheus"], neighbour=beside)
        for why, signals in failed.items()
    ]


async def _ask(
    prometheus: Prometheus, asked: Mapping[Signal, str], window: Window, found: Gathered
) -> dict[str, list[str]]:
    """Everything side by side; what failed, by its reason."""
    step = max(LEAST_STEP, (window.end - window.start).total_seconds() / POINTS)

    async def one(signal: Signal, expr: str) -> Sequence[RangeSeries] | FirstmateError:
        answer = await _attempt(prometheus.query_range(expr, window.start, window.end, step))
        found.listener.step(f"metrics: {signal}")
        return answer

    answers = await asyncio.gather(*(one(signal, expr) for signal, expr in asked.items()))
    failed: dict[str, list[str]] = {}
    for (signal, expr), answer in zip(asked.items(), answers, strict=True):
        if isinstance(answer, FirstmateError):
            failed.setdefault(answer.sentence, []).append(signal)
        else:
            found.metrics.setdefault(signal, []).extend(_series(answer, expr))
    if len(failed) and not found.metrics:
        found.deaf = next(iter(failed))
    return failed


async def read_alerts(prometheus: Prometheus, found: Gathered) -> None:
    """The alerts that fire, as Prometheus keeps them in series of its own."""
    if not prometheus.configured or found.deaf:
        return
    try:
        firing, since = await asyncio.gather(prometheus.query(FIRING), prometheus.query(SINCE))
    except FirstmateError as error:
        found.gaps.append(Gap(what="alerts", why=error.sentence, how=HOW["Prometheus"]))
        return
    began = {_identity(one.labels): one.value for one in since}
    for sample in firing[:MAX_ALERTS]:
        if "alertname" in sample.labels:
            labels = {key: value for key, value in sample.labels.items() if key not in _OWN}
            at = began.get(_identity(sample.labels))
            starts = datetime.fromtimestamp(at, UTC) if at and 0 < at < 1e11 else None
            found.alerts.append(Alert(labels["alertname"], labels, {}, starts_at=starts))


def _identity(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, value in labels.items() if key not in _OWN)


def note_missing_samples(found: Gathered, namespace: str | None, *, beside: bool = False) -> None:
    if not any(obj.get("kind") == "Pod" and namespace in {None, namespace_of(obj)} for obj in found.objects):
        return
    where = f" in {namespace}" if beside else ""
    for signal in EXPECTED:
        held = found.metrics.get(signal)
        if held is not None and not any(namespace in {None, one.labels.get("namespace")} for one in held):
            why = "Prometheus answered, and has no samples of it for these pods"
            how = "scrape the kubelet's /metrics/cadvisor"
            found.gaps.append(Gap(what=f"metrics{where} ({signal})", why=why, how=how, neighbour=beside))


async def _attempt(call: Awaitable[Sequence[RangeSeries]]) -> Sequence[RangeSeries] | FirstmateError:
    try:
        return await call
    except FirstmateError as error:
        return error


def _expression(template: str, places: Sequence[str]) -> str:
    if len(places) == 1:
        return template.replace("%s", f",namespace={json.dumps(places[0])}")
    pattern = "|".join(_META.sub(r"\\\1", place) for place in places)
    return template.replace("%s", f",namespace=~{json.dumps(pattern)}" if places else "")


def _series(answer: Sequence[RangeSeries], query: str) -> list[Series]:
    read = [
        Series(dict(one.labels), [(at, value) for at, value in one.points if not math.isnan(value)], query)
        for one in answer
    ]
    return [one for one in read if one.points]
