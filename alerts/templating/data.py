"""What a message's template may speak of: Alertmanager's data, made from our message or read from JSON as `amtool` reads it."""

from collections.abc import Mapping
from typing import Any

import orjson

from alerts.templating.gotime import Time
from alerts.templating.values import KV, Alerts, Record, Value
from core.errors import Invalid

MAX_ALERTS = 1000
FIELDS = {
    "Receiver": 0,
    "Status": 0,
    "Alerts": 99,
    "GroupLabels": 99,
    "CommonLabels": 99,
    "CommonAnnotations": 99,
    "ExternalURL": 0,
}
_NO_TIME = "0001-01-01T00:00:00Z"


def data_of(body: Any) -> Record:
    """From Alertmanager's webhook body; the names' case does not matter, and what is left out is empty."""
    read = _named(body, "the data")
    alerts = read.get("alerts") or []
    if not isinstance(alerts, list) or len(alerts) > MAX_ALERTS:
        raise Invalid(f"The data's alerts must be a list of at most {MAX_ALERTS}.", field="alerts")
    values: dict[str, Value] = {
        "Receiver": _text(read, "receiver"),
        "Status": _text(read, "status"),
        "Alerts": Alerts(_alert(each) for each in alerts),
        "GroupLabels": _labels(read, "groupLabels"),
        "CommonLabels": _labels(read, "commonLabels"),
        "CommonAnnotations": _labels(read, "commonAnnotations"),
        "ExternalURL": _text(read, "externalURL"),
    }
    return Record("template.Data", values)


def read_data(written: bytes | str) -> Record:
    try:
        return data_of(orjson.loads(written))
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The data is not JSON: {error}.", field="data") from None


def sample() -> Record:
    """For a look at a template when there is no message yet: one alert that fires and one that is over."""
    shared = {"alertname": "HighLatency", "namespace": "shop", "severity": "critical"}
    summary = {"summary": "requests take longer than a second", "summary_zh": "请求耗时超过 1 秒"}
    times = ("2024-05-01T08:00:00Z", "2024-05-01T08:30:00Z")
    alerts = [
        {
            "status": status,
            "labels": {**shared, "pod": pod},
            "annotations": summary,
            "startsAt": times[0],
            "endsAt": times[1] if status == "resolved" else _NO_TIME,
            "generatorURL": f"http://firstmate.example/alerts/{pod}",
            "fingerprint": f"{number:016x}",
        }
        for number, (status, pod) in enumerate((("firing", "checkout-1"), ("resolved", "checkout-2")), 1)
    ]
    body = {
        "receiver": "team",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {"alertname": shared["alertname"]},
        "commonLabels": shared,
        "commonAnnotations": summary,
        "externalURL": "http://firstmate.example",
    }
    return data_of(body)


def _alert(body: Any) -> Record:
    read = _named(body, "an alert of the data")
    values: dict[str, Value] = {
        "Status": _text(read, "status"),
        "Labels": _labels(read, "labels"),
        "Annotations": _labels(read, "annotations"),
        "StartsAt": _time(read, "startsAt"),
        "EndsAt": _time(read, "endsAt"),
        "GeneratorURL": _text(read, "generatorURL"),
        "Fingerprint": _text(read, "fingerprint"),
    }
    return Record("template.Alert", values)


def _named(body: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Invalid(f"{what[0].upper()}{what[1:]} must be an object.", field="data")
    return {str(name).lower(): value for name, value in body.items()}


def _text(read: Mapping[str, Any], name: str) -> str:
    value = read.get(name.lower()) or ""
    if not isinstance(value, str):
        raise Invalid(f"The data's {name} must be a text.", field=name)
    return value


def _labels(read: Mapping[str, Any], name: str) -> KV:
    value = read.get(name.lower()) or {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Invalid(f"The data's {name} must be names and texts.", field=name)
    return KV(value)


def _time(read: Mapping[str, Any], name: str) -> Time:
    try:
        return Time.parse(_text(read, name) or _NO_TIME)
    except ValueError as error:
        raise Invalid(f"The data's {name} cannot be read: {error}.", field=name) from None
