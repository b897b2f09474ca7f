"""Metrics, alerts and probes of a bundle, in the forms in which Prometheus, Alertmanager and people write them.

The envelope is whatever somebody saved: the whole answer, its data, or the bare list. Each member that is of another form is left out,
and only a file of which nothing can be read is a gap.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from tools.bundle.folder import File, Refusals
from tools.bundle.items import whole
from tools.bundle.limits import MAX_ALERTS, MAX_METRIC_FILE, MAX_METRIC_TEXT, MAX_PROBES, MAX_SERIES, MAX_TEXT
from tools.engines.metrics.derive import derived
from tools.engines.metrics.numbers import cleaned
from tools.engines.metrics.recognise import Raw, recognise
from tools.engines.objects import dig, mapping, rows, when
from tools.engines.snapshot import Alert, Probe, Series, Signal
from tools.queries import QUERIES

MAX_DEPTH = 8
_LISTS = (("data", "result"), ("result",), ("data",))
_INNER = ("data", "result", "results")
_GOOD = frozenset({"true", "ok", "success", "up", "pass", "passed", "1"})


def value_of(file: File, refusals: Refusals) -> Any:
    """A file's value, or None and a reason."""
    if file.size > MAX_METRIC_FILE:
        refusals.add(file.name, f"larger than {MAX_METRIC_FILE >> 20} MB")
        return None
    try:
        return whole(file.path)
    except ValueError as error:
        refusals.add(file.name, f"no JSON: {error}")
    except OSError as error:
        refusals.add(file.name, error.strerror or str(error))
    return None


def members(value: Any, name: str) -> list[Any]:
    """A list, wherever it lies: itself, or below data, or below its own name."""
    for _ in range(4):
        if isinstance(value, list):
            return value
        if not isinstance(value, dict):
            return []
        value = value.get(name) or value.get("data") or value.get("items")
    return []


def metrics(found: Iterable[File], refusals: Refusals) -> dict[Signal, list[Series]]:
    """Recognised by their names; those that a collection of ours wrote say themselves which signal they are."""
    own: dict[Signal, list[Series]] = {}
    return derived({**recognise(series(found, refusals, own)), **own})


def series(found: Iterable[File], refusals: Refusals, own: dict[Signal, list[Series]]) -> Iterator[Raw]:
    """What has to be recognised; what has not is put into `own`."""
    room, left = MAX_METRIC_TEXT, MAX_SERIES
    for file in found:
        if file.size > room or left <= 0:
            refusals.add(
                file.name, f"of metrics no more than {MAX_SERIES} series in {MAX_METRIC_TEXT >> 20} MB are read"
            )
            continue
        value, before = value_of(file, refusals), left
        room -= file.size
        signal = dig(value, "signal")
        if isinstance(signal, str) and signal in QUERIES:
            own.setdefault(signal, []).extend(_own(value, left))
            left -= len(own[signal])
            continue
        for one in islice(series_in(file.stem, value), left):
            left -= 1
            yield one
        if left == before and value is not None and not _is_answer(value):
            said = dig(value, "error")
            refusals.add(file.name, f"Prometheus said: {said}" if isinstance(said, str) else "no answer of Prometheus")


def _own(value: Any, most: int) -> Iterator[Series]:
    for row in rows(value, "data", "result")[: max(0, most)]:
        points = cleaned(row.get("values") or ())
        if points:
            yield Series(_texts(row, "metric"), points, str(row.get("query") or ""))


def _is_answer(value: Any) -> bool:
    return any(isinstance(one, list) for one in (value, *(dig(value, *path) for path in _LISTS)))


def series_in(stem: str, value: Any, depth: int = 0) -> Iterator[Raw]:
    """The series of an answer of Prometheus: the whole answer, only its data, or only its result; a file may hold several."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from series_in(stem, one, depth + 1)
    elif isinstance(dig(value, "metric"), dict):
        points = value.get("values") or ([value["value"]] if value.get("value") else [])
        if isinstance(points, list):
            yield stem, value["metric"], points
    elif isinstance(value, dict):
        inner = next((value[key] for key in _INNER if isinstance(value.get(key), dict | list)), None)
        if inner is not None:
            yield from series_in(str(value.get("name") or stem), inner, depth + 1)
            return
        for name, answer in value.items():  # several answers in one file, each under its name
            if isinstance(answer, dict | list):
                yield from series_in(str(name), answer, depth + 1)


def alerts(value: Any) -> list[Alert]:
    found = []
    for row in members(value, "alerts"):
        inner = dig(row, "alerts")
        rows = inner if isinstance(inner, list) else [row]
        found += [_alert(one) for one in rows if isinstance(dig(one, "labels"), dict)]
    return found[:MAX_ALERTS]


def _alert(row: dict[str, Any]) -> Alert:
    labels, state = _texts(row, "labels"), dig(row, "status", "state") or row.get("state") or row.get("status")
    ends = _moment(row.get("endsAt"))
    return Alert(
        name=labels.get("alertname", ""),
        labels=labels,
        annotations=_texts(row, "annotations"),
        state="active" if state in (None, "firing", {}) else str(state),
        starts_at=_moment(row.get("startsAt")) or _moment(row.get("activeAt")),
        ends_at=ends,
    )


def _texts(row: Any, name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in mapping(row, name).items()}


def _moment(text: Any) -> datetime | None:
    found = when(text)
    # Alertmanager writes the year 1 for a time that is not known.
    return found if found and found.year > 1970 else None


def probes(value: Any) -> list[Probe]:
    return [_probe(row) for row in members(value, "probes")[:MAX_PROBES] if isinstance(dig(row, "kind"), str)]


def _probe(row: dict[str, Any]) -> Probe:
    ok = row.get("ok")
    return Probe(
        kind=row["kind"].lower(),
        target=str(row.get("target") or ""),
        ok=ok if isinstance(ok, bool) else str(ok).lower() in _GOOD,
        origin=str(row.get("from") or ""),
        service=str(row.get("service") or ""),
        detail=str(row.get("detail") or "")[:MAX_TEXT],
        at=when(row.get("at")),
    )
