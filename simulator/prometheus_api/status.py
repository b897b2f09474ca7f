"""What a Prometheus says about itself: versions, flags, targets, metadata, rules; all of it about the simulated one."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from simulator.prometheus_api.answers import Answer
from simulator.prometheus_api.catalogue import Catalogue, MetricMetadata, Target
from simulator.prometheus_api.parameters import Parameters, invalid
from simulator.prometheus_api.queries import LONGEST_TIMEOUT_MS, QUERIES_AT_A_TIME
from simulator.prometheus_api.series import selector
from simulator.promql.evaluator import Limits
from simulator.promql.tsdb import RETENTION_MS, Labels, Tsdb

VERSION = "2.45.0"
CONFIG = "global:\n  scrape_interval: 15s\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n"
STATISTICS = 10
RULE_TYPES = ("", "alert", "record")


class Status:
    def __init__(self, tsdb: Tsdb, now: Callable[[], datetime], catalogue: Catalogue) -> None:
        self._tsdb = tsdb
        self._catalogue = catalogue
        self._started = now()

    async def metadata(self, parameters: Parameters) -> Answer:
        limit = parameters.whole("limit", "limit must be a number")
        wanted = parameters.first("metric")
        known = self._catalogue.metadata()
        names = [name for name in sorted(known) if not wanted or name == wanted]
        chosen = names if limit is None or limit < 0 else names[:limit]
        return Answer({name: [_described(known[name])] for name in chosen})

    async def targets(self, parameters: Parameters) -> Answer:
        state, pool = parameters.first("state").lower(), parameters.first("scrapePool")
        shown = [] if state == "dropped" else [_target(t) for t in self._catalogue.targets() if pool in ("", t.pool)]
        return Answer({"activeTargets": shown, "droppedTargets": []})

    async def target_metadata(self, parameters: Parameters) -> Answer:
        """By target, of the metrics that the store has from it."""
        limit = parameters.whole("limit", "limit must be a number")
        wanted, match = parameters.first("metric"), parameters.first("match_target")
        matchers = selector(match) if match else ()
        found: list[dict[str, Any]] = [
            {"target": dict(target.labels), **({} if wanted else {"metric": name}), **_described(known)}
            for target in self._catalogue.targets()
            if all(matcher.accepts_labels(target.labels) for matcher in matchers)
            for name, known in sorted(self._catalogue.metadata().items())
            if not wanted or name == wanted
        ]
        return Answer(found if limit is None or limit < 0 else found[:limit])

    async def scrape_pools(self, _: Parameters) -> Answer:
        return Answer({"scrapePools": sorted({target.pool for target in self._catalogue.targets()})})

    async def rules(self, parameters: Parameters) -> Answer:
        kind = parameters.first("type").lower()
        if kind not in RULE_TYPES:
            raise invalid("type", f'not supported value "{kind}"')
        return Answer({"groups": []})

    async def alerts(self, _: Parameters) -> Answer:
        return Answer({"alerts": []})

    async def alertmanagers(self, _: Parameters) -> Answer:
        return Answer({"activeAlertmanagers": [], "droppedAlertmanagers": []})

    async def buildinfo(self, _: Parameters) -> Answer:
        told = {"version": VERSION, "revision": "simulator", "branch": "HEAD"}
        return Answer(told | dict.fromkeys(("buildUser", "buildDate", "goVersion"), ""))

    async def config(self, _: Parameters) -> Answer:
        return Answer({"yaml": CONFIG})

    async def flags(self, _: Parameters) -> Answer:
        """Those that say how this one behaves."""
        limits = Limits()
        return Answer(
            {
                "enable-feature": "",
                "query.lookback-delta": _short(limits.lookback_ms),
                "query.max-concurrency": str(QUERIES_AT_A_TIME),
                "query.max-samples": str(limits.most_samples),
                "query.timeout": _short(LONGEST_TIMEOUT_MS),
                "storage.tsdb.retention.time": _short(RETENTION_MS),
                "web.enable-admin-api": "false",
                "web.enable-lifecycle": "false",
                "web.enable-remote-write-receiver": "false",
                "web.route-prefix": "/prometheus",
            }
        )

    async def runtimeinfo(self, _: Parameters) -> Answer:
        """`startTime` is when the world began to be served; what only a Go process has is nought."""
        started = _rfc3339(self._started)
        process = dict.fromkeys(("corruptionCount", "goroutineCount", "GOMAXPROCS"), 0) | {"GOGC": "", "GODEBUG": ""}
        loaded = {"reloadConfigSuccess": True, "lastConfigTime": started}
        retention = {"storageRetention": _short(RETENTION_MS)}
        return Answer({"startTime": started, "CWD": "/prometheus", **loaded, **process, **retention})

    async def tsdb(self, _: Parameters) -> Answer:
        held = self._tsdb.select_labels((), -(1 << 62), 1 << 62)
        extent = self._tsdb.extent()
        pairs = Counter(pair for labels in held for pair in labels)
        values = Counter(name for name, _ in pairs)
        sizes = Counter[str]()
        for name, value in pairs:
            sizes[name] += len(value.encode())
        return Answer(
            {
                "headStats": {
                    "numSeries": len(held),
                    "numLabelPairs": len(pairs),
                    "chunkCount": extent.chunks,
                    "minTime": extent.first_ms,
                    "maxTime": extent.last_ms,
                },
                "seriesCountByMetricName": _most(Counter(dict(labels).get("__name__", "") for labels in held)),
                "labelValueCountByLabelName": _most(values),
                "memoryInBytesByLabelName": _most(sizes),
                "seriesCountByLabelValuePair": _most(Counter(_paired(held))),
            }
        )

    async def walreplay(self, _: Parameters) -> Answer:
        return Answer({"min": 0, "max": 0, "current": 0})


def _paired(held: Iterable[Labels]) -> Iterable[str]:
    return (f"{name}={value}" for labels in held for name, value in labels)


def _most(counts: Counter[str]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "value": count} for name, count in ordered[:STATISTICS]]


def _described(known: MetricMetadata) -> dict[str, Any]:
    return {"type": known.type, "help": known.help, "unit": known.unit}


def _short(duration_ms: int) -> str:
    """In the largest unit that fits, as flags are written."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if duration_ms % size == 0:
            return f"{duration_ms // size}{unit}"
    return f"{duration_ms}ms"


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _target(target: Target) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered),
        "labels": dict(target.labels),
        "scrapePool": target.pool,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.last_error,
        "lastScrape": _rfc3339(target.last_scrape),
        "lastScrapeDuration": target.last_scrape_seconds,
        "health": target.health,
        "scrapeInterval": target.interval,
        "scrapeTimeout": target.timeout,
    }
