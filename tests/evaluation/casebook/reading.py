"""A bundle as the product reads it: through `tools.bundle` where that is there, else through the few lines below."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from tests.evaluation.casebook.model import Object
from tools.engines.diagnosis import Gap, Window
from tools.engines.logs.digest import digest
from tools.engines.metrics.recognise import recognise
from tools.engines.snapshot import Alert, LogKey, Probe, Snapshot

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(folder: Path) -> Snapshot:
    if find_spec("tools.bundle") is None:
        return _read(folder)
    found: Snapshot = import_module("tools.bundle").read(folder)
    return found


def _read(folder: Path) -> Snapshot:
    meta = json.loads((folder / "meta.json").read_text())
    taken_at = datetime.fromisoformat(meta["taken_at"])
    listed: set[str] = set()
    objects = list(_objects(folder, listed))
    logs = {_key(path, folder): digest(path.read_text().splitlines()) for path in sorted(folder.glob("logs/*/*/*.log"))}
    alerts = json.loads(_text(folder / "alerts.json") or "[]")
    probes = json.loads(_text(folder / "probes.json") or "[]")
    return Snapshot(
        objects=objects,
        taken_at=taken_at,
        window=Window(start=taken_at - timedelta(hours=1), end=taken_at),
        namespace=meta.get("namespace"),
        logs=logs,
        metrics=recognise(_series(folder)),
        gaps=_gaps(folder, objects),
        alerts=[_alert(one) for one in alerts],
        probes=[_probe(one) for one in probes],
        kinds_read=frozenset(listed),
    )


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _objects(folder: Path, listed: set[str]) -> Iterator[Object]:
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".yaml") or path.relative_to(folder).parts[0] in ("metrics", "logs"):
            continue
        if path.name in ("meta.json", "alerts.json", "probes.json"):
            continue
        text = path.read_text()
        found = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_LOADER)  # noqa: S506
        items = found["items"] if str(found["kind"]).endswith("List") else [found]
        if str(found["kind"]).endswith("List"):
            listed |= {one["kind"] for one in items}
        yield from items


def _key(path: Path, folder: Path) -> LogKey:
    _, namespace, pod, name = path.relative_to(folder).parts
    container = name.removesuffix(".log")
    return LogKey(namespace, pod, container.removesuffix(".previous"), container.endswith(".previous"))


def _series(folder: Path) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for path in sorted(folder.glob("metrics/*.json")):
        for one in json.loads(path.read_text())["data"]["result"]:
            yield path.stem, one["metric"], one["values"]


def _gaps(folder: Path, objects: list[Object]) -> list[Gap]:
    kinds = {one["kind"] for one in objects}
    missing = [name for name in ("logs", "metrics", "alerts.json", "probes.json") if not (folder / name).exists()]
    missing += [kind for kind in ("Pod", "Event", "Node", "Service") if kind not in kinds]
    return [Gap(what=one, why="not in the bundle") for one in missing]


def _alert(one: Object) -> Alert:
    at = datetime.fromisoformat(one["startsAt"])
    return Alert(one["labels"]["alertname"], one["labels"], one["annotations"], one["status"]["state"], at)


def _probe(one: Object) -> Probe:
    at = datetime.fromisoformat(one["at"]) if one.get("at") else None
    return Probe(
        one["kind"], one["target"], one["ok"], one.get("from") or "", one.get("service", ""), one["detail"], at
    )
