"""Root causes in the form that the users' own documents describe, made from the one diagnosis that every other road gives.

Nothing is analysed here a second time: `analyze` calls the same tool as the agent and renames what it said. The one thing added is which
of the named metrics moved together. `severity_threshold` hides causes that are less sure, and the summary counts what was hidden.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from api.schemas.rca import Analyze
from core.clock import Clock
from core.errors import FirstmateError
from core.language import Language, Text
from core.redact import Redactor
from tools.clients.prometheus import Prometheus
from tools.collect import Collector
from tools.engines.catalogue import FAULTS
from tools.engines.correlate import Curve, pairs
from tools.engines.deciding import DECIDES
from tools.engines.snapshot import Snapshot
from tools.engines.summaries import MAX_ROWS, error_lines, event_patterns
from tools.spec import Caller, Toolbox

POINTS = 120
HIGH, MEDIUM = 0.7, 0.4
_HOURS = Text("{hours} h", "{hours}小时")
_EFFECT = Text("mends {what}", "解决：{what}")
_ACTIONS: Mapping[str, Text] = {
    "rollback_rollout": Text("Go back to the revision that worked.", "回滚到上一个正常的版本。"),
    "raise_memory_limit": Text("Raise the memory limit.", "提高内存限制。"),
    "raise_cpu_limit": Text("Raise the CPU limit.", "提高 CPU 限制。"),
    "scale_out": Text("Run more replicas.", "增加副本数。"),
    "restore_replicas": Text("Restore the number of replicas that it had.", "恢复原有的副本数。"),
    "set_service_selector": Text("Correct the Service's selector.", "修正 Service 的选择器。"),
}
# Names that users know, as questions; any other name is taken for a metric's own.
_CURVES: Mapping[str, str] = {
    "cpu_usage": 'sum(rate(container_cpu_usage_seconds_total{container!="",container!="POD"%s}[5m]))',
    "memory_usage": 'sum(container_memory_working_set_bytes{container!="",container!="POD"%s})',
    "disk_io": 'sum(rate(container_fs_reads_bytes_total{pod!=""%s}[5m])) + sum(rate(container_fs_writes_bytes_total{pod!=""%s}[5m]))',
    "network_io": 'sum(rate(container_network_receive_bytes_total{pod!=""%s}[5m]))',
    "qps": 'sum(rate(http_requests_total{service!=""%s}[5m]))',
    "error_rate": 'sum(rate(http_requests_total{code=~"5..",service!=""%s}[5m]))',
    "response_time": 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service!=""%s}[5m])))',
}


class RootCauses:
    def __init__(
        self,
        toolbox: Toolbox,
        collector: Collector,
        prometheus: Prometheus,
        clock: Clock,
        redactor: Redactor,
        default_namespace: str,
    ) -> None:
        self._toolbox = toolbox
        self._collector = collector
        self._prometheus = prometheus
        self._clock = clock
        self._redactor = redactor
        self._default = default_namespace

    async def analyze(self, ask: Analyze, caller: Caller, language: Language) -> dict[str, Any]:
        began = self._clock.monotonic()
        namespace = ask.namespace or self._default
        since = max(300, round(ask.time_window_hours * 3600))
        asked = {"namespace": namespace, "name": ask.name, "since_seconds": since}
        result, (curves, unread) = await asyncio.gather(
            self._toolbox.call("diagnose", asked, caller, language), self._curves(ask.metrics, namespace, since)
        )
        found = result["data"]
        hidden = _sources_hidden(ask)
        causes = [_cause(one, found, hidden, language) for one in found["causes"]]
        shown = [one for one in causes if one["confidence_score"] >= ask.severity_threshold]
        return {
            "analysis_id": f"rca-{self._clock.now():%Y%m%d-%H%M%S}",
            "namespace": namespace,
            "time_window": _HOURS(language, hours=ask.time_window_hours),
            "analysis_timestamp": found["taken_at"],
            "root_causes": shown,
            "correlations": _correlations(curves, language),
            "summary": _summary(found, causes, len(shown), round(self._clock.monotonic() - began, 3)),
            "missing": [*result["missing"], *unread],
            "message": result["summary"],
            "diagnosis": found,
        }

    async def quick(self, namespace: str, caller: Caller, language: Language) -> dict[str, Any]:
        """The last quarter of an hour in a few lines."""
        asked = {"namespace": namespace or self._default, "since_seconds": 900}
        result = await self._toolbox.call("diagnose", asked, caller, language)
        found = result["data"]
        return {
            "namespace": asked["namespace"],
            "healthy": found["healthy"],
            "diagnosis": result["summary"],
            "critical_issues": [one["statement"] for one in found["causes"]],
            "symptoms": [one["statement"] for one in found["symptoms"]][:10],
            "recommendations": [row for one in found["causes"] for row in _recommendations(one, language)],
            "missing": result["missing"],
            "timestamp": found["taken_at"],
        }

    async def event_patterns(self, namespace: str, hours: float) -> dict[str, Any]:
        snapshot, told = await self._read(namespace, hours)
        return told | self._rows("patterns", [one.model_dump(mode="json") for one in event_patterns(snapshot)])

    async def error_summary(self, namespace: str, hours: float) -> dict[str, Any]:
        snapshot, told = await self._read(namespace, hours)
        rows = [one.model_dump(mode="json") for one in error_lines(snapshot)]
        return told | self._rows("errors", rows) | {"occurrences": sum(row["count"] for row in rows)}

    async def metrics(self) -> dict[str, Any]:
        names = await self._prometheus.names()
        return {"metrics": sorted(names), "count": len(names), "timestamp": self._clock.now().isoformat()}

    async def _read(self, namespace: str, hours: float) -> tuple[Snapshot, dict[str, Any]]:
        place = namespace or self._default
        snapshot = await self._collector.collect(None if place == "*" else place, since_seconds=round(hours * 3600))
        missing = [self._redactor.value(gap.model_dump(mode="json")) for gap in snapshot.gaps]
        return snapshot, {"namespace": place, "timestamp": snapshot.taken_at.isoformat(), "missing": missing}

    def _rows(self, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: self._redactor.value(rows[:MAX_ROWS]), "count": len(rows), "shown": min(len(rows), MAX_ROWS)}

    async def _curves(
        self, names: Sequence[str], namespace: str, since: int
    ) -> tuple[dict[str, Curve], list[dict[str, str]]]:
        if not names:
            return {}, []
        if not self._prometheus.configured:
            return {}, [{"what": "correlations", "why": "Prometheus is not configured", "how": "set PROMETHEUS_URL"}]
        end = self._clock.now()
        wanted = list(dict.fromkeys(names))
        answers = await asyncio.gather(*(self._curve(name, namespace, end, since) for name in wanted))
        curves = {name: curve for name, (curve, _) in zip(wanted, answers, strict=True) if curve}
        unread = [
            {"what": f"correlations ({name})", "why": why, "how": "see GET /api/v1/rca/metrics for the names there are"}
            for name, (curve, why) in zip(wanted, answers, strict=True)
            if not curve
        ]
        return curves, unread

    async def _curve(self, name: str, namespace: str, end: datetime, since: int) -> tuple[Curve, str]:
        where = "" if namespace == "*" else f",namespace={json.dumps(namespace)}"
        expr = _CURVES.get(name, 'sum({__name__="' + name + '"%s})').replace("%s", where)
        try:
            found = await self._prometheus.query_range(
                expr, end - timedelta(seconds=since), end, max(15, since / POINTS)
            )
        except FirstmateError as error:
            return [], error.sentence
        return (found[0].points, "") if found else ([], "no samples")


def _sources_hidden(ask: Analyze) -> set[str]:
    return {name for name, wanted in (("log", ask.include_logs), ("event", ask.include_events)) if not wanted}


def _cause(cause: dict[str, Any], found: dict[str, Any], hidden: set[str], language: Language) -> dict[str, Any]:
    fault, component = cause["fault"], cause["component"]
    suffering = [one for one in found["symptoms"] if one["caused_by"] == cause["rank"]]
    return {
        "cause_id": f"{fault}-{cause['rank']:03d}",
        "cause_type": fault,
        "category": cause["category"],
        "title": FAULTS[fault].title(language) if fault in FAULTS else fault,
        "description": cause["statement"],
        "confidence_score": cause["confidence"],
        "severity": _severity(cause["confidence"], bool(suffering or cause["affected"])),
        "component": component,
        "affected_resources": [_resource(one) for one in (component, *cause["affected"])],
        "recommendations": _recommendations(cause, language),
        "supporting_evidence": [_evidence(one) for one in cause["evidence"] if one["source"] not in hidden],
    }


def _severity(confidence: float, hurts: bool) -> str:
    if confidence >= HIGH:
        return "high" if hurts else "medium"
    return "medium" if confidence >= MEDIUM else "low"


def _resource(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": one["kind"].lower(), "name": one["name"], "namespace": one["namespace"]}


def _recommendations(cause: dict[str, Any], language: Language) -> list[dict[str, Any]]:
    """The repairs that the planner knows, then what to look at: never a repair that nobody could carry out."""
    priority = "high" if cause["confidence"] >= HIGH else "medium"
    told = [
        {
            "action": remedy,
            "description": _ACTIONS[remedy](language) if remedy in _ACTIONS else remedy,
            "priority": priority,
            "estimated_impact": _EFFECT(language, what=FAULTS[cause["fault"]].title(language)),
        }
        for remedy in cause["remedies"]
    ]
    decide = DECIDES.get(cause["fault"])
    if decide:
        look = {"action": "look", "description": decide(language), "priority": "low", "estimated_impact": ""}
        told.append(look)
    return told


def _evidence(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": one["source"], "source": one["ref"], "description": one["quote"], "timestamp": one["at"]}


def _correlations(curves: Mapping[str, Curve], language: Language) -> list[dict[str, Any]]:
    return [
        {
            "metric_pair": [pair.one, pair.other],
            "correlation_coefficient": pair.coefficient,
            "strength": pair.strength(language),
            "description": pair.said(language),
            "points": pair.points,
        }
        for pair in pairs(curves)
    ]


def _summary(found: dict[str, Any], causes: Sequence[dict[str, Any]], shown: int, seconds: float) -> dict[str, Any]:
    affected = {(one["type"], one["namespace"], one["name"]) for cause in causes for one in cause["affected_resources"]}
    return {
        "total_issues_detected": len(causes),
        "high_priority_issues": sum(one["severity"] == "high" for one in causes),
        "medium_priority_issues": sum(one["severity"] == "medium" for one in causes),
        "below_threshold": len(causes) - shown,
        "affected_resources_count": len(affected),
        "healthy": found["healthy"],
        "analysis_duration": seconds,
    }
