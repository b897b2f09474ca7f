"""A number that was asked for: which metric holds it, which labels name the object, the PromQL over both, and the answer in words.

Nothing is assumed of an estate. First find_metrics says which of the common instrumentation's names exist; then, for requests, a look at
a few series says by which labels they name a workload and a status; then one query asks for the number. What does not exist is named.
Containers are measured by the kubelet, whose labels are the same everywhere, so the look is not needed there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.reading import Reading
from agent.wording import MAX_ROWS, cite, failed, missing_lines
from core.language import Language, Text

Output = Mapping[str, Any]
SPAN = "5m"
_WORKLOAD_LABELS = ("service", "deployment", "workload", "app", "app_kubernetes_io_name", "job")
_CODE_LABELS = ("code", "status", "status_code", "http_status_code", "http_response_status_code", "response_code")
_SECONDS = (
    "http_request_duration_seconds_bucket",
    "http_server_request_duration_seconds_bucket",
    "http_server_requests_seconds_bucket",
)
_COUNTS = (
    "http_requests_total",
    "http_server_requests_seconds_count",
    "http_request_duration_seconds_count",
    "http_server_request_duration_seconds_count",
)


@dataclass(frozen=True, slots=True)
class Measure:
    what: Text
    unit: Text
    metrics: tuple[str, ...]
    of_containers: bool = False


MEASURES: dict[str, Measure] = {
    "latency": Measure(Text("p{quantile} latency", "p{quantile} 延迟"), Text("s", "秒"), _SECONDS),
    "requests": Measure(Text("Request rate", "请求速率"), Text("requests/s", "次/秒"), _COUNTS),
    "errors": Measure(Text("Error rate (5xx)", "错误率（5xx）"), Text("%", "%"), _COUNTS),
    "cpu": Measure(Text("CPU use", "CPU 使用"), Text("cores", "核"), ("container_cpu_usage_seconds_total",), True),
    "memory": Measure(
        Text("Memory use", "内存使用"), Text("MiB", "MiB"), ("container_memory_working_set_bytes",), True
    ),
    "restarts": Measure(
        Text("Restarts", "重启次数"), Text("restarts", "次"), ("kube_pod_container_status_restarts_total",), True
    ),
}
_OF = Text(" of {subject}", "（{subject}）")
_IN = Text(" in namespace {namespace}", "（命名空间 {namespace}）")
_ASIDE = Text(" ({told})", "（{told}）")
_EACH = Text("{head}, highest first:", "{head}，由高到低：")
_ONE = Text("{head}: {value}", "{head}：{value}")
_NO_METRIC = Text(
    "{head} cannot be told: Prometheus has none of the metrics {names}.",
    "无法给出{head}：Prometheus 中没有指标 {names}。",
)
_NO_SERIES = Text(
    "{head} cannot be told: no series of {metric} is about it.", "无法给出{head}：{metric} 中没有与之对应的序列。"
)
_NO_CODE = Text(
    "{head} cannot be told: the series of {metric} carry no status code.",
    "无法给出{head}：{metric} 的序列没有状态码标签。",
)
_NO_VALUE = Text("{head}: no number now ({why})", "{head}：目前没有数值（{why}）")
_IDLE = Text("no requests in the last {span}", "最近 {span} 没有请求")


def finding(reading: Reading) -> dict[str, Any]:
    """The arguments of find_metrics for this measure."""
    return {"regex": "|".join(MEASURES[reading.measure].metrics)}


def next_query(reading: Reading, outputs: Sequence[Output]) -> dict[str, Any] | None:
    """The arguments of the next query_metrics, or None when there is nothing more to ask."""
    metric = _metric(reading, outputs)
    if not metric:
        return None
    if MEASURES[reading.measure].of_containers:
        return _asked(reading, _of_containers(reading, metric))
    look = _look(reading, metric)
    seen = _answered(outputs, look)
    if seen is None:
        return {"expr": look}
    labels = _labels(seen)
    expr = _of_requests(reading, metric, labels) if labels else ""
    return _asked(reading, expr) if expr else None


def say(reading: Reading, outputs: Sequence[Output], language: Language) -> list[str]:
    measure = MEASURES[reading.measure]
    head = _head(reading, measure, language)
    broken = next((output for output in outputs if not output.get("ok")), None)
    if broken is not None:
        return [cite(failed(broken, language), _marks(broken))]
    found = next((output for output in outputs if output.get("tool") == "find_metrics"), None)
    metric = _metric(reading, outputs)
    if found is None or not metric:
        names = (", " if language == "en" else "、").join(measure.metrics)
        return [cite(_NO_METRIC(language, head=head, names=names), _marks(found or {}))]
    last = next(output for output in reversed(outputs) if output.get("tool") == "query_metrics")
    if last["arguments"].get("expr") == _look(reading, metric):
        why = _NO_CODE if _labels(last) else _NO_SERIES
        return [cite(why(language, head=head, metric=metric), _marks(last)), *_gaps(outputs, language)]
    return [*_numbers(reading, last, head, language), *_gaps(outputs, language)]


def pods_of(name: str) -> str:
    """A pattern for the pods of a workload called so, and of none whose name only begins alike; or for the pod itself."""
    plain = name.replace(".", "[.]")
    return f"{plain}-[a-z0-9]{{6,10}}-[a-z0-9]{{5}}|{plain}-[a-z0-9]{{5}}|{plain}-[0-9]+|{plain}"


def _metric(reading: Reading, outputs: Sequence[Output]) -> str:
    known = {
        str(row.get("name"))
        for output in outputs
        if output.get("tool") == "find_metrics" and output.get("ok")
        for row in (output.get("data") or {}).get("metrics") or []
    }
    return next((name for name in MEASURES[reading.measure].metrics if name in known), "")


def _asked(reading: Reading, expr: str) -> dict[str, Any]:
    return {"expr": expr, "last": reading.window} if reading.window else {"expr": expr}


def _where(*parts: str) -> str:
    inside = ",".join(part for part in parts if part)
    return f"{{{inside}}}" if inside else ""


def _is(label: str, value: str) -> str:
    return f'{label}="{value}"' if value else ""


def _pod(name: str) -> str:
    return f'pod=~"{pods_of(name)}"' if name else ""


def _of_containers(reading: Reading, metric: str) -> str:
    place = (_is("namespace", reading.namespace), _pod(reading.name))
    if reading.measure == "restarts":
        return f"topk(10, sum by (namespace, pod) ({metric}{_where(*place)}))"
    containers = _where('container!=""', *place)
    series = f"{metric}{containers}"
    if reading.measure == "memory":
        return f"topk(10, sum by (namespace, pod) ({series}) / 1024 / 1024)"
    return f"topk(10, sum by (namespace, pod) (rate({series}[{SPAN}])))"


def _look(reading: Reading, metric: str) -> str:
    """A few series that may be about the object, whatever label it stands in."""
    place = _is("namespace", reading.namespace)
    if not reading.name:
        return f"topk(3, {metric}{_where(place)})"
    named = [_where(place, _is(label, reading.name)) for label in _WORKLOAD_LABELS]
    return f"topk(3, {' or '.join(metric + each for each in [*named, _where(place, _pod(reading.name))])})"


def _answered(outputs: Sequence[Output], expr: str) -> Output | None:
    asked = (output for output in outputs if output.get("tool") == "query_metrics")
    return next((output for output in asked if output["arguments"].get("expr") == expr), None)


def _labels(output: Output) -> dict[str, str]:
    data = output.get("data") or {}
    first = next(iter(data.get("series") or []), None)
    return {**(data.get("common") or {}), **(first.get("labels") or {})} if first else {}


def _of_requests(reading: Reading, metric: str, labels: Mapping[str, str]) -> str:
    named = next((label for label in _WORKLOAD_LABELS if reading.name and labels.get(label) == reading.name), "")
    is_pod = not named and bool(reading.name)
    subject = _pod(reading.name) if is_pod else _is(named, reading.name)
    place = [_is("namespace", reading.namespace), subject]
    group = "" if reading.name else next((label for label in _WORKLOAD_LABELS if label in labels), "")
    by = f" by (namespace, {group})" if group else ""
    if reading.measure == "errors":
        return _error_ratio(metric, place, labels, by)
    rate = f"rate({metric}{_where(*place)}[{SPAN}])"
    if reading.measure == "latency":
        quantile = f"0.{reading.quantile or '95'}"
        return f"topk(10, histogram_quantile({quantile}, sum by ({f'namespace, {group}, le' if group else 'le'}) ({rate})))"
    return f"topk(10, sum{by} ({rate}))"


def _error_ratio(metric: str, place: Sequence[str], labels: Mapping[str, str], by: str) -> str:
    code = next((label for label in _CODE_LABELS if label in labels), "")
    if not code:
        return ""
    failures = _where(*place, f'{code}=~"5.."')
    failing = f"sum{by} (rate({metric}{failures}[{SPAN}]))"
    every = f"sum{by} (rate({metric}{_where(*place)}[{SPAN}]))"
    # Where nothing failed there may be no series of failures at all: that is zero, and not unknown.
    return f"topk(10, ({failing} or 0 * {every}) / {every})"


def _head(reading: Reading, measure: Measure, language: Language) -> str:
    what = measure.what(language, quantile=reading.quantile or "95")
    place = f"{reading.namespace}/" if reading.namespace else ""
    if reading.name:
        return what + _OF(language, subject=f"{place}{reading.name}")
    return what + (_IN(language, namespace=reading.namespace) if reading.namespace else "")


def _numbers(reading: Reading, output: Output, head: str, language: Language) -> list[str]:
    marks = _marks(output)
    series = (output.get("data") or {}).get("series") or []
    if reading.window and series:
        unit = MEASURES[reading.measure].unit(language)
        head += f" [{unit}]" if unit != "%" else ""
    if reading.window or not series:
        return [cite(_ONE(language, head=head, value=output.get("summary", "")), marks)]
    if len(series) == 1:
        told = _told(series[0])
        of = _ASIDE(language, told=told) if told not in ("", reading.name) else ""
        return [cite(_line(reading, head + of, series[0], language), marks)]
    lines = [cite(_line(reading, f"- {_told(one) or head}", one, language), marks) for one in series[:MAX_ROWS]]
    return [cite(_EACH(language, head=head), marks), *lines]


def _told(series: Mapping[str, Any]) -> str:
    labels = {key: value for key, value in (series.get("labels") or {}).items() if key not in ("__name__", "namespace")}
    place = (series.get("labels") or {}).get("namespace", "")
    return "/".join(part for part in (place, *labels.values()) if part)


def _line(reading: Reading, head: str, series: Mapping[str, Any], language: Language) -> str:
    value = series.get("last")
    if value is None:
        idle = reading.measure in ("latency", "errors")
        why = _IDLE(language, span=SPAN) if idle else str(series.get("note") or "NaN")
        return _NO_VALUE(language, head=head, why=why)
    unit = MEASURES[reading.measure].unit(language)
    shown = f"{value:.2%}" if unit == "%" else f"{_short(float(value))} {unit}"
    return _ONE(language, head=head, value=re.sub(r"\.?0+%$", "%", shown) if "." in shown and unit == "%" else shown)


def _short(value: float) -> str:
    if value == int(value):
        return str(int(value))
    places = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 4
    return f"{value:.{places}f}"


def _gaps(outputs: Sequence[Output], language: Language) -> list[str]:
    return [cite(line, _marks(output)) for output in outputs for line in missing_lines(output, language)]


def _marks(output: Output) -> list[str]:
    return [str(each) for each in output.get("evidence") or []]
