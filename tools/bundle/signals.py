"""Metrics, alerts and probes of a bundle, out of the few forms in which tools write them."""

from collections.abc import Iterator
from typing import Any

from tools.bundle.limits import MAX_ALERTS, MAX_PROBES
from tools.engines.metrics.recognise import Raw
from tools.engines.objects import mapping, when
from tools.engines.snapshot import Alert, Probe


def series_in(stem: str, document: Any) -> Iterator[Raw]:
    """The series of an answer of Prometheus: the whole answer, only its data, or only its result; a file may hold several."""
    if isinstance(document, list):
        for one in document:
            yield from series_in(stem, one)
    elif isinstance(document, dict):
        if isinstance(document.get("metric"), dict):
            points = document.get("values") or ([document["value"]] if document.get("value") else [])
            if isinstance(points, list):
                yield stem, document["metric"], points
            return
        for key in ("data", "result", "results"):
            if isinstance(document.get(key), dict | list):
                yield from series_in(str(document.get("query") or document.get("name") or stem), document[key])
                return
        for name, inner in document.items():  # several answers in one file, each under its name
            if isinstance(inner, dict | list):
                yield from series_in(str(name), inner)


def alerts_in(document: Any) -> list[Alert]:
    return [_alert(row) for row in _rows(document, "alerts")[:MAX_ALERTS]]


def probes_in(document: Any) -> list[Probe]:
    return [_probe(row) for row in _rows(document, "probes")[:MAX_PROBES]]


def _rows(document: Any, key: str) -> list[dict[str, Any]]:
    """A list, wherever it lies: itself, or below data, or below its own name."""
    for _ in range(4):
        if isinstance(document, list):
            return [row for row in document if isinstance(row, dict)]
        if not isinstance(document, dict):
            return []
        document = document.get(key) or document.get("data") or document.get("items")
    return []


def _alert(row: dict[str, Any]) -> Alert:
    labels = {str(key): str(value) for key, value in mapping(row, "labels").items()}
    state = row.get("state") or mapping(row, "status").get("state") or row.get("status")
    return Alert(
        name=labels.get("alertname") or str(row.get("name") or row.get("alertname") or ""),
        labels=labels,
        annotations={str(key): str(value) for key, value in mapping(row, "annotations").items()},
        state=str(state) if isinstance(state, str) else "active",
        starts_at=when(row.get("startsAt")) or when(row.get("activeAt")) or when(row.get("starts_at")),
        ends_at=when(row.get("endsAt")) or when(row.get("ends_at")),
    )


def _probe(row: dict[str, Any]) -> Probe:
    return Probe(
        kind=str(row.get("kind") or ""),
        target=str(row.get("target") or ""),
        ok=row.get("ok") is True,
        origin=str(row.get("from") or ""),
        service=str(row.get("service") or ""),
        detail=str(row.get("detail") or "")[:2_000],
        at=when(row.get("at")),
    )
