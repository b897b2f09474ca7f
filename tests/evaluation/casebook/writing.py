"""A scene as a bundle on disk, in one of the forms in which bundles come."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.evaluation.casebook import voices
from tests.evaluation.casebook.model import Object, Pod, stamp
from tests.evaluation.casebook.objects import objects_of
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.telemetry import alert_json, files_of, matrix

CLUSTER_WIDE = ("Node", "PersistentVolume", "StorageClass", "Namespace", "PriorityClass")


def write(scene: Scene, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    objects = [one for one in objects_of(scene) if _is_in(scene, one)]
    meta: Object = {"taken_at": stamp(scene.taken_at), "cluster": scene.style.cluster}
    if scene.sources.only_namespace or scene.dice.random() < 0.2:
        meta["namespace"] = scene.namespace
    _put(folder / "meta.json", json.dumps(meta))
    if scene.sources.objects:
        LAYOUTS[scene.sources.layout](folder, objects)
    if scene.sources.logs:
        _write_logs(scene, folder)
    for name, rows in files_of(scene, scene.sources.metrics).items():
        _put(folder / "metrics" / f"{name}.json", json.dumps(matrix(rows)))
    if scene.sources.alerts:
        _put(folder / "alerts.json", json.dumps([alert_json(one, scene.taken_at) for one in scene.alerts]))
    if scene.sources.probes and scene.probes:
        _put(folder / "probes.json", json.dumps(scene.probes))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _is_in(scene: Scene, one: Object) -> bool:
    sources = scene.sources
    kind, namespace = one["kind"], one["metadata"].get("namespace")
    if (
        (sources.only and kind not in sources.only)
        or kind in sources.without
        or (kind == "Event" and not sources.events)
    ):
        return False
    return (
        not sources.only_namespace
        or namespace in scene.namespaces
        or kind in CLUSTER_WIDE
        or (kind == "Event" and namespace == "default")
    )


def _listed(objects: list[Object]) -> Object:
    return {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}


def _by(objects: list[Object], key: Callable[[Object], Any]) -> dict[Any, list[Object]]:
    found: dict[Any, list[Object]] = defaultdict(list)
    for one in objects:
        found[key(one)].append(one)
    return found


def _plural(kind: str) -> str:
    low = kind.lower()
    if low.endswith("s"):
        return low if low == "endpoints" else f"{low}es"
    return f"{low[:-1]}ies" if low.endswith("y") else f"{low}s"


def _as_lists(folder: Path, objects: list[Object]) -> None:
    for kind, found in _by(objects, lambda one: one["kind"]).items():
        _put(folder / "objects" / f"{_plural(kind)}.json", json.dumps(_listed(found)))


def _as_kinds(folder: Path, objects: list[Object]) -> None:
    for (namespace, kind), found in _by(
        objects, lambda one: (one["metadata"].get("namespace", "cluster"), one["kind"])
    ).items():
        _put(folder / "objects" / namespace / f"{_plural(kind)}.json", json.dumps(_listed(found)))


def _as_yaml(folder: Path, objects: list[Object]) -> None:
    for kind, found in _by(objects, lambda one: one["kind"]).items():
        text = yaml.dump(_listed(found), Dumper=_Dumper, sort_keys=False)
        _put(folder / "objects" / f"{kind.lower()}.yaml", text)


def _as_each(folder: Path, objects: list[Object]) -> None:
    for one in objects:
        meta = one["metadata"]
        _put(
            folder / "objects" / meta.get("namespace", "_cluster") / one["kind"].lower() / f"{meta['name']}.json",
            json.dumps(one),
        )


def _as_dump(folder: Path, objects: list[Object]) -> None:
    """As `kubectl cluster-info dump --output-directory` lays it out; what that leaves out lies beside it as an extra list."""
    kinds = {
        "Pod": "pods",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "DaemonSet": "daemonsets",
        "Service": "services",
        "Event": "events",
        "ReplicationController": "replication-controllers",
    }
    dumped = [one for one in objects if one["kind"] in kinds and one["metadata"].get("namespace")]
    for (namespace, kind), found in _by(dumped, lambda one: (one["metadata"]["namespace"], one["kind"])).items():
        listed = {
            "kind": f"{kind}List",
            "apiVersion": found[0]["apiVersion"],
            "metadata": {"resourceVersion": "1"},
            "items": found,
        }
        _put(folder / namespace / f"{kinds[kind]}.json", json.dumps(listed, indent=4))
    _put(
        folder / "nodes.json",
        json.dumps(
            {
                "kind": "NodeList",
                "apiVersion": "v1",
                "metadata": {},
                "items": [one for one in objects if one["kind"] == "Node"],
            },
            indent=4,
        ),
    )
    ids = {id(one) for one in dumped}
    rest = [one for one in objects if one["kind"] != "Node" and id(one) not in ids]
    for kind, found in _by(rest, lambda one: one["kind"]).items():
        _put(folder / "objects" / f"{_plural(kind)}.json", json.dumps(_listed(found)))


_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BASE):  # type: ignore[misc]
    """As kubectl prints: what is shared is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


LAYOUTS: dict[str, Callable[[Path, list[Object]], None]] = {
    "lists": _as_lists,
    "kinds": _as_kinds,
    "yaml": _as_yaml,
    "each": _as_each,
    "dump": _as_dump,
}


def _write_logs(scene: Scene, folder: Path) -> None:
    if scene.sources.layout == "dump":
        _dump_logs(scene, folder)
    for program in scene.programs if scene.sources.layout != "dump" else ():
        for pod in program.pods:
            for container in pod.template["spec"]["containers"]:
                _write_log(scene, folder, pod, container["name"])
    for (pod, container, previous), entries in scene.said.items():
        mains = {one["name"] for one in pod.template["spec"]["containers"]}
        is_written = pod.program in scene.programs and (scene.sources.layout == "dump" or container in mains)
        if previous or not is_written:
            _put(_path(folder, pod, container, previous=previous), _text(entries))


def _path(folder: Path, pod: Pod, container: str, *, previous: bool = False) -> Path:
    return folder / "logs" / pod.namespace / pod.name / f"{container}{'.previous' if previous else ''}.log"


def _text(entries: list[tuple[datetime, list[str]]]) -> str:
    return "".join(f"{line}\n" for _, lines in sorted(entries, key=lambda entry: entry[0]) for line in lines)


def _dump_logs(scene: Scene, folder: Path) -> None:
    """All containers of a pod in one file, as `kubectl cluster-info dump` has them."""
    for pod in (pod for program in scene.programs for pod in program.pods):
        parts = []
        for container in [*pod.template["spec"].get("initContainers", ()), *pod.template["spec"]["containers"]]:
            name = f"container {container['name']} of pod {pod.namespace}/{pod.name}"
            entries = _entries(scene, pod, container["name"])
            parts.append(f"==== START logs for {name} ====\n{_text(entries)}==== END logs for {name} ====\n")
        if pod.node:
            _put(folder / pod.namespace / pod.name / "logs.txt", "".join(parts))


def _write_log(scene: Scene, folder: Path, pod: Pod, container: str) -> None:
    entries = _entries(scene, pod, container)
    if entries:
        _put(_path(folder, pod, container), _text(entries))


def _entries(scene: Scene, pod: Pod, container: str) -> list[tuple[datetime, list[str]]]:
    entries = list(scene.said.get((pod, container, False), ()))
    if (pod.silent or pod.node is None) and not entries:
        return []
    is_main = container == pod.program.main
    state = pod.states.get(container)
    if is_main and not pod.silent and (state is None or "running" in state.now):
        entries += _ordinary(scene, pod, state.now["running"]["startedAt"] if state else None)
    return entries


def _ordinary(scene: Scene, pod: Pod, started: str | None) -> list[tuple[datetime, list[str]]]:
    """What it says when all is well: its start, if that is recent, and chatter until the look."""
    program, dice = pod.program, scene.dice
    begun = datetime.fromisoformat(started.replace("Z", "+00:00")) if started else (pod.started or pod.created)
    said: list[tuple[datetime, str, str]] = []
    if scene.taken_at - begun < timedelta(hours=3):
        at = begun
        for level, text in voices.start(program, dice):
            at += timedelta(seconds=dice.uniform(0.05, 0.9))
            said.append((at, level, text))
    first = max(begun + timedelta(seconds=8), scene.taken_at - timedelta(minutes=40))
    for _ in range(dice.randrange(8, 26)):
        at = first + (scene.taken_at - first) * dice.random()
        said.append((at, *voices.chatter(program, dice)))
    return [
        (at, voices.line(program, at, level, [text], dice, scene.style.zone))
        for at, level, text in said
        if at < (pod.mute_since or scene.taken_at)
    ]
