"""Which tools a question needs, decided from its reading and from what was returned so far.

A road is one rule: which intent it serves and which calls it makes. The first rule that applies and whose tools are offered wins. A rule
may first have to find where an object lives; then the next hop goes on from the rows that were found. Arguments are fitted to the schema
that the tool declares, so a tool that knows no such field never gets it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent import measuring
from agent.reading import Reading

Schemas = Mapping[str, Mapping[str, Any]]
Output = Mapping[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Service")


@dataclass(frozen=True, slots=True)
class Call:
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


def next_calls(reading: Reading, question: str, outputs: Sequence[Output], offered: Schemas) -> list[Call]:
    """The next calls, fitted; nothing when it is time to answer."""
    wanted = _follow_up(reading, outputs) if outputs else _first(reading, question)
    done = {(output.get("tool"), repr(output.get("arguments"))) for output in outputs}
    fitted = [Call(call.tool, fit(call.arguments, offered[call.tool])) for call in wanted if call.tool in offered]
    return [call for call in fitted if (call.tool, repr(call.arguments)) not in done and _complete(call, offered)]


def is_measured(reading: Reading, outputs: Sequence[Output]) -> bool:
    """Whether these outputs came by the road of a number that was asked for."""
    return bool(reading.measure) and bool(outputs) and outputs[0].get("tool") == "find_metrics"


def fit(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    known = schema.get("properties", {})
    return {name: value for name, value in arguments.items() if name in known and value not in ("", None)}


def located(outputs: Sequence[Output], name: str) -> Mapping[str, Any] | None:
    """The row of an object found by an earlier list: the exact name first, then a name that begins with it."""
    rows = [
        {**row, "kind": (output.get("data") or {}).get("kind", "")}
        for output in outputs
        if output.get("tool") == "list_objects" and output.get("ok")
        for row in (output.get("data") or {}).get("rows", [])
        if (output.get("data") or {}).get("kind") != "Namespace"
    ]
    exact = [row for row in rows if row.get("name") == name]
    begins = [row for row in rows if str(row.get("name", "")).startswith(f"{name}-")]
    return next(iter([*exact, *begins]), None)


def _is_namespace(outputs: Sequence[Output], name: str) -> bool:
    """Whether a list of namespaces holds this very name."""
    spaces = [data for output in outputs for data in [output.get("data") or {}] if data.get("kind") == "Namespace"]
    return any(row.get("name") == name for data in spaces for row in data.get("rows", []))


def _complete(call: Call, offered: Schemas) -> bool:
    return set(offered[call.tool].get("required", [])) <= set(call.arguments)


def _first(reading: Reading, question: str) -> list[Call]:
    for applies, calls in _RULES:
        if applies(reading):
            return calls(reading, question)
    return _overall("")


def _overall(namespace: str) -> list[Call]:
    """How all of it stands: the objects, and the alerts that may contradict them, those about to fire among them."""
    states = [Call("list_alerts", {"state": state, "namespace": namespace}) for state in ("firing", "pending")]
    return [Call("cluster_overview", {"namespace": namespace}), *states]


def _find(reading: Reading) -> list[Call]:
    kinds = [reading.kind] if reading.kind and reading.kind != "Service" else ["Deployment", "Pod"]
    return [Call("list_objects", {"kind": kind, "name": reading.name}) for kind in kinds]


def _logs(reading: Reading, _question: str) -> list[Call]:
    if reading.name and reading.namespace:
        return [_read_logs(reading, reading.name, reading.namespace)]
    if reading.name:
        return _find(reading)
    return [Call("list_objects", {"kind": "Pod", "namespace": reading.namespace})]


def _read_logs(reading: Reading, name: str, namespace: str) -> Call:
    return Call("read_logs", {"name": name, "namespace": namespace, "last": reading.window or "1h"})


def _metrics(reading: Reading, _question: str) -> list[Call]:
    return [Call("find_metrics", measuring.finding(reading))]


def _object(reading: Reading, _question: str) -> list[Call]:
    if reading.name and reading.namespace and reading.kind:
        return [Call("get_object", {"kind": reading.kind, "name": reading.name, "namespace": reading.namespace})]
    if reading.name and reading.namespace:
        where = {"name": reading.name, "namespace": reading.namespace}
        return [Call("list_objects", {"kind": kind, **where}) for kind in ("Deployment", "Pod")]
    if reading.name:
        spaces = [] if reading.kind else [Call("list_objects", {"kind": "Namespace", "name": reading.name})]
        return [*_find(reading), *spaces]
    return [Call("list_objects", {"kind": reading.kind, "namespace": reading.namespace})]


def _alerts(reading: Reading, _question: str) -> list[Call]:
    if reading.alert:
        return [Call("get_alert", {"fingerprint": reading.alert})]
    return [Call("list_alerts", {"state": "firing", "namespace": reading.namespace})]


def _subject(reading: Reading) -> dict[str, Any]:
    return {"namespace": reading.namespace, "name": reading.name, "alert": reading.alert}


_Rule = tuple[Callable[[Reading], bool], Callable[[Reading, str], list[Call]]]
_RULES: tuple[_Rule, ...] = (
    (lambda r: bool(r.expr), lambda r, _: [Call("query_metrics", {"expr": r.expr, "last": r.window})]),
    (lambda r: r.wants("value"), _metrics),
    (lambda r: r.wants("logs"), _logs),
    (lambda r: r.wants("fix") and bool(r.namespace), lambda r, _: [Call("diagnose", _subject(r)), Call("propose_fix", _subject(r))]),
    (lambda r: r.wants("howto") and not (r.sure or r.namespace or r.kind), lambda _, q: [Call("search_knowledge", {"query": q})]),
    (lambda r: r.wants("alerts") or bool(r.alert), _alerts),
    (lambda r: r.wants("why") and bool(r.namespace), lambda r, _: [Call("diagnose", _subject(r))]),
    (lambda r: r.wants("metrics") and bool(r.measure), _metrics),
    (lambda r: bool(r.kind or r.name), _object),
    (lambda r: bool(r.namespace), lambda r, _: _overall(r.namespace)),
)  # fmt: skip


def _follow_up(reading: Reading, outputs: Sequence[Output]) -> list[Call]:
    if is_measured(reading, outputs):
        query = measuring.next_query(reading, outputs)
        return [Call("query_metrics", query)] if query else []
    row = located(outputs, reading.name) if reading.name else None
    if reading.wants("logs"):
        target = row or _troubled(outputs)
        return [_read_logs(reading, str(target["name"]), str(target.get("namespace") or ""))] if target else []
    if (row is None or row["name"] != reading.name) and _is_namespace(outputs, reading.name):
        is_wrong = reading.wants("why", "fix")
        return [Call("diagnose", {"namespace": reading.name})] if is_wrong else _overall(reading.name)
    if row is None or any(output.get("tool") == "get_object" for output in outputs):
        return []
    if reading.wants("why", "fix"):
        subject = {**_subject(reading), "namespace": row.get("namespace")}
        fixes = [Call("propose_fix", subject)] if reading.wants("fix") else []
        return [Call("diagnose", subject), *fixes]
    where = {"kind": reading.kind or row.get("kind"), "name": row["name"], "namespace": row.get("namespace")}
    return [Call("get_object", where)]


def _troubled(outputs: Sequence[Output]) -> Mapping[str, Any] | None:
    rows = [
        row
        for output in outputs
        for row in (output.get("data") or {}).get("rows", [])
        if output.get("tool") == "list_objects"
    ]
    return next((row for row in rows if row.get("why")), rows[0] if rows else None)
