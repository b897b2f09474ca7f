"""A bundle's folder as a Snapshot. One part after the other, each by its own reader; what is absent or refused is said in the gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tools.bundle import archive, logs, objects, telemetry, times
from tools.bundle.folder import File, Refusals, files
from tools.bundle.limits import MAX_GAPS, MAX_TEXT
from tools.engines.diagnosis import Gap
from tools.engines.objects import dig, is_ready, rows
from tools.engines.program import Program
from tools.engines.references import references
from tools.engines.snapshot import Snapshot

_SINGLE = frozenset({"meta.json", "alerts.json", "probes.json"})
_OBJECTS = frozenset({"json", "yaml", "yml"})
_HOW = {
    "objects": "kubectl get -o json, or firstmate collect",
    "logs": "add logs/<namespace>/<pod>/<container>.log",
    "metrics": "add answers of query_range under metrics/",
    "alerts": "add alerts.json",
    "probes": "add probes.json",
}
# What tells again, from outside, what objects, logs and metrics tell by themselves: told when missing, and no reason to doubt.
_SECOND = frozenset({"alerts", "probes"})
# What an engine cannot do without, and what its absence leaves unsaid.
DECIDING = ("Pod", "Node", "Service", "Event")
SINCE = timedelta(hours=1)


def read_bundle(root: Path, namespace: str | None = None, since: timedelta = SINCE) -> Snapshot:
    """What lies in the folder or the archive; a folder that is none is a Snapshot of nothing with a gap that says so."""
    refusals = Refusals()
    if not archive.is_archive(root):
        return _read(root, namespace, since, refusals)
    with archive.unpacked(root, refusals) as folder:
        return _read(folder, namespace, since, refusals)


def _read(root: Path, namespace: str | None, since: timedelta, refusals: Refusals) -> Snapshot:
    found = files(root, refusals) if root.is_dir() else []
    if not root.is_dir():
        refusals.add(
            str(root), "is no folder and no .tar.gz, .tgz, .tar or .zip" if root.exists() else "does not exist"
        )
    single = {file.name: file for file in found if file.name in _SINGLE}
    meta = _single(single, "meta.json", refusals)
    held = objects.load((file for file in found if _is_objects(file)), refusals)
    everything = held.all()
    digests = logs.digests((file for file in found if logs.is_log(file)), everything, refusals)
    metrics = telemetry.metrics((file for file in found if _is_metrics(file)), refusals)
    alerts = telemetry.alerts(_single(single, "alerts.json", refusals))
    seen = {
        "objects": times.newest_of_objects(everything),
        "metrics": times.newest_of_metrics(metrics),
        "logs": times.newest_of_logs(digests),
        "alerts": times.newest_of_alerts(alerts),
    }
    told = times.moment(meta.get("taken_at") if isinstance(meta, dict) else None)
    taken_at, skew = times.settled(told, seen, datetime.now(UTC))
    snapshot = Snapshot(
        objects=everything,
        taken_at=taken_at,
        window=times.window(taken_at, since, metrics),
        namespace=namespace or _text(meta, "namespace") or None,
        context=_text(meta, "cluster"),
        logs=digests,
        metrics=metrics,
        alerts=alerts,
        probes=telemetry.probes(_single(single, "probes.json", refusals)),
        gaps=[*_told(meta), *_absent(found, single, held.kinds), *refusals.gaps(), *skew],
        kinds_read=held.read_in_full() & _in_full(meta, held.listed),
    )
    return replace(snapshot, gaps=[*snapshot.gaps, *_unread_references(snapshot, held.kinds)])


def _single(single: dict[str, File], name: str, refusals: Refusals) -> Any:
    return telemetry.value_of(single[name], refusals) if name in single else None


def _text(meta: Any, name: str) -> str:
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""


def _told(meta: Any) -> Iterator[Gap]:
    """What could not be read when the bundle was collected, as the collection wrote it down."""
    for row in rows(meta, "gaps")[:MAX_GAPS]:
        what, why, how = (str(row.get(name) or "")[:MAX_TEXT] for name in ("what", "why", "how"))
        yield Gap(
            what=what,
            why=why,
            how=how,
            neighbour=row.get("neighbour") is True,
            deciding=row.get("deciding") is not False,
        )


def _in_full(meta: Any, listed: set[str]) -> frozenset[str]:
    """The kinds that were collected in full, where the collection wrote that down; else whatever is a list."""
    told = dig(meta, "kinds_read")
    return frozenset(str(kind) for kind in told) if isinstance(told, list) else frozenset(listed)


def _is_objects(file: File) -> bool:
    return file.ending in _OBJECTS and file.parts[0] not in ("metrics", "logs") and file.name not in _SINGLE


def _is_metrics(file: File) -> bool:
    return file.parts[0] == "metrics" and file.ending == "json"


def _absent(found: Sequence[File], single: dict[str, File], kinds: set[str]) -> Iterator[Gap]:
    there = {
        "objects": bool(kinds - {"Event", ""}),
        "logs": any(logs.is_log(file) for file in found),
        "metrics": any(_is_metrics(file) for file in found),
        "alerts": "alerts.json" in single,
        "probes": "probes.json" in single,
    }
    for part, is_there in there.items():
        if not is_there:
            yield Gap(what=part, why="the bundle has none", how=_HOW[part], deciding=part not in _SECOND)
    missing = [kind for kind in DECIDING if kind not in kinds]
    if missing and there["objects"]:
        yield Gap(what=f"{', '.join(missing)} objects", why="the bundle has none", how="add them under objects/")


def _unread_references(snapshot: Snapshot, kinds: set[str]) -> Iterator[Gap]:
    """Kinds that programs refer to and of which nothing was collected, so that nobody can say whether what they name is there."""
    named: dict[str, bool] = {}
    for program in snapshot.programs:
        doubtful = not _runs(program)
        for one in references(program):
            if not one.optional and one.kind not in kinds:
                named[one.kind] = named.get(one.kind, False) or doubtful
    for deciding in (True, False):
        if missing := sorted(kind for kind, is_deciding in named.items() if is_deciding is deciding):
            why = "programs refer to them, and the bundle has none"
            how = "add them under objects/, of Secrets the keys"
            yield Gap(what=f"{', '.join(missing)} objects", why=why, how=how, deciding=deciding)


def _runs(program: Program) -> bool:
    """All its pods are ready, which they could not be without what they refer to."""
    return bool(program.pods) and all(is_ready(pod) for pod in program.pods)
