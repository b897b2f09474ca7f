"""From a folder of files to a Snapshot: each file by its place, whatever is missing or broken by name.

The layout is the product's own, or the one that `kubectl cluster-info dump --output-directory` writes; a JSON or YAML file in any other
place is taken for objects. Absence is never taken for health: each part and each kind that decides and is not there becomes a gap.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from tools.bundle.files import TEXT, Notes, Unreadable, document, shown, walk
from tools.bundle.limits import MAX_EVENTS, MAX_OBJECTS, MAX_SERIES, Budget
from tools.bundle.logs import is_dumped, key_of, read_dumped, read_log
from tools.bundle.objects import Shelf
from tools.bundle.signals import alerts_in, probes_in, series_in
from tools.engines.diagnosis import Gap, Window
from tools.engines.logs.digest import LogDigest
from tools.engines.metrics.recognise import Raw, recognise
from tools.engines.objects import Object, dig, rows, when
from tools.engines.snapshot import Alert, LogKey, Probe, Snapshot

SINCE = timedelta(hours=1)
SKEW = timedelta(minutes=5)
# What an engine cannot do without, and what its absence leaves unsaid.
DECIDING = ("Pod", "Node", "Service", "Event")
_KINDS_BY_FILE = {
    "pods": "Pod",
    "nodes": "Node",
    "services": "Service",
    "events": "Event",
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "replica-sets": "ReplicaSet",
    "daemonsets": "DaemonSet",
    "statefulsets": "StatefulSet",
    "replication-controllers": "ReplicationController",
    "endpoints": "Endpoints",
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pvcs": "PersistentVolumeClaim",
    "persistentvolumes": "PersistentVolume",
    "pvs": "PersistentVolume",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "namespaces": "Namespace",
}


@dataclass(slots=True)
class _Found:
    root: Path
    notes: Notes = field(default_factory=Notes)
    budget: Budget = field(default_factory=Budget)
    shelf: Shelf = field(default_factory=Shelf)
    logs: dict[LogKey, LogDigest] = field(default_factory=dict)
    series: list[Raw] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    meta: Object = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


def read_bundle(root: Path, namespace: str | None = None, since: timedelta = SINCE) -> Snapshot:
    """What lies in the folder; a folder that is none is a Snapshot of nothing with a gap that says so."""
    found = _Found(root)
    if not root.is_dir():
        found.notes.add(str(root), "is no folder" if root.exists() else "does not exist")
    else:
        for path in walk(root, found.notes, found.budget):
            _take(found, path)
    return _snapshot(found, namespace, since)


def _take(found: _Found, path: PurePosixPath) -> None:
    part = _part(path)
    found.seen.add(part)
    if part == "logs":
        _take_log(found, path)
    elif part in _TAKERS:
        try:
            _TAKERS[part](found, path, document(found.root, path, found.budget))
        except Unreadable as error:
            found.notes.add(shown(path), str(error))


def _part(path: PurePosixPath) -> str:
    """Which part of a bundle a file is, by its place; the empty string for what is none."""
    if path.parts[0] == "logs" or is_dumped(path):
        return "logs"
    if path.suffix not in TEXT:
        return ""
    if path.parts[0] == "metrics":
        return "metrics"
    return path.stem if len(path.parts) == 1 and path.stem in {"meta", "alerts", "probes"} else "objects"


def _take_log(found: _Found, path: PurePosixPath) -> None:
    if is_dumped(path):
        found.logs.update(read_dumped(found.root, path, found.notes, found.budget))
        return
    key = key_of(path)
    if key is None:
        found.notes.add(shown(path), "is no log by its place: logs/<namespace>/<pod>/<container>[.previous].log")
        return
    log = read_log(found.root, path, found.notes, found.budget)
    if log is not None:
        found.logs[key] = log


def _take_objects(found: _Found, path: PurePosixPath, said: Any) -> None:
    if not found.shelf.put(said, _KINDS_BY_FILE.get(path.stem, "")) and not _is_empty_list(said):
        found.notes.add(shown(path), "holds no object")


def _is_empty_list(said: Any) -> bool:
    return said == [] or (isinstance(said, dict) and said.get("items") in ([], None) and "kind" in said)


def _take_metrics(found: _Found, path: PurePosixPath, said: Any) -> None:
    before = len(found.series)
    for one in series_in(path.stem, said):
        if len(found.series) >= MAX_SERIES:
            found.notes.add(shown(path), f"the bundle has more than {MAX_SERIES} series; only the first were read")
            return
        found.series.append(one)
    if len(found.series) == before and not isinstance(dig(said, "data", "result"), list):
        found.notes.add(shown(path), "is no answer of Prometheus's query_range")


def _take_alerts(found: _Found, _path: PurePosixPath, said: Any) -> None:
    found.alerts += alerts_in(said)


def _take_probes(found: _Found, _path: PurePosixPath, said: Any) -> None:
    found.probes += probes_in(said)


def _take_meta(found: _Found, _path: PurePosixPath, said: Any) -> None:
    found.meta = said if isinstance(said, dict) else {}


_TAKERS: dict[str, Callable[[_Found, PurePosixPath, Any], None]] = {
    "objects": _take_objects,
    "metrics": _take_metrics,
    "alerts": _take_alerts,
    "probes": _take_probes,
    "meta": _take_meta,
}


def _snapshot(found: _Found, namespace: str | None, since: timedelta) -> Snapshot:
    objects = found.shelf.all()
    told = when(found.meta.get("taken_at"))
    newest = _newest(found, objects)
    taken_at = told or newest or datetime.fromtimestamp(0, UTC)
    metrics = recognise(found.series)
    place = namespace or found.meta.get("namespace")
    return Snapshot(
        objects=objects,
        taken_at=taken_at,
        window=_window(taken_at, newest or taken_at, found.series, since),
        namespace=place if isinstance(place, str) and place else None,
        context=str(found.meta.get("cluster") or ""),
        logs=found.logs,
        metrics=metrics,
        gaps=[*_absent(found, objects), *_doubts(found, told, newest), *found.notes.told()],
        alerts=found.alerts,
        probes=found.probes,
        kinds_read=frozenset(found.shelf.listed),
    )


def _window(taken_at: datetime, newest: datetime, series: Iterable[Raw], since: timedelta) -> Window:
    """As far back as asked, and further where what was collected ended earlier or the metrics begin earlier."""
    times = [at for _, _, points in series if points for at in (_at(points[0]), _at(points[-1])) if at]
    start = min([taken_at - since, min(taken_at, newest) - since, *([min(times)] if times else [])])
    end = min(taken_at, max(times)) if times else taken_at
    return Window(start=start, end=max(start, end))


def _at(point: Any) -> datetime | None:
    value = point[0] if isinstance(point, list | tuple) and point else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _absent(found: _Found, objects: list[Object]) -> Iterator[Gap]:
    for part, how in (
        ("objects", "kubectl get -o json, or firstmate collect"),
        ("logs", "add logs/<namespace>/<pod>/<container>.log"),
        ("metrics", "add answers of query_range under metrics/"),
        ("alerts", "add alerts.json"),
        ("probes", "add probes.json"),
    ):
        if part not in found.seen:
            yield Gap(what=part, why="the bundle has none", how=how)
    held = {str(obj.get("kind")) for obj in objects} | found.shelf.listed
    missing = [kind for kind in DECIDING if kind not in held]
    if objects and missing:
        yield Gap(what=f"{', '.join(missing)} objects", why="the bundle has none", how="add them under objects/")


def _doubts(found: _Found, told: datetime | None, newest: datetime | None) -> Iterator[Gap]:
    if not told:
        when_told = f"the newest time in it, {newest.isoformat()}, is taken" if newest else "it has no time at all"
        yield Gap(what="the time at which the bundle was taken", why=f"meta.json does not say it; {when_told}")
    elif newest and newest > told + SKEW:
        why = f"something in the bundle is {(newest - told).total_seconds():.0f} s later than the time at which it was taken"
        yield Gap(what="times", why=why, how="compare the clocks of the nodes and of who took the bundle")
    if found.shelf.dropped_events:
        yield Gap(
            what="events", why=f"only the {MAX_EVENTS} that matter most are kept, {found.shelf.dropped_events} are not"
        )
    if found.shelf.dropped_objects:
        yield Gap(what="objects", why=f"only the first {MAX_OBJECTS} are kept, {found.shelf.dropped_objects} are not")


def _newest(found: _Found, objects: Iterable[Object]) -> datetime | None:
    """The latest moment that anything in the bundle speaks of: events, conditions, starts, samples."""
    times: dict[str, None] = {}
    for obj in objects:
        for value in _times(obj):
            if isinstance(value, str):
                times[value] = None
    moments = [at for at in map(when, sorted(times)[-200:]) if at]
    moments += [at for _, _, points in found.series if points and (at := _at(points[-1]))]
    return max(moments, default=None)


def _times(obj: Object) -> Iterator[Any]:
    yield dig(obj, "metadata", "creationTimestamp")
    yield from (obj.get("lastTimestamp"), obj.get("eventTime"), dig(obj, "series", "lastObservedTime"))
    for condition in rows(obj, "status", "conditions"):
        yield condition.get("lastTransitionTime")
    for status in rows(obj, "status", "containerStatuses"):
        yield dig(status, "state", "running", "startedAt")
        yield dig(status, "lastState", "terminated", "finishedAt")
