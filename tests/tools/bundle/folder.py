"""Writing the files of a bundle in a test's folder, in few words."""

import json
from pathlib import Path
from typing import Any

from tools.bundle.read import read_bundle
from tools.engines.snapshot import Snapshot

TAKEN = "2026-03-02T09:00:00Z"


def written(root: Path, **parts: Any) -> Path:
    """A bundle whose parts are given by their path with `__` for a slash and without an ending; text and bytes are written as they are."""
    for name, value in parts.items():
        put(root, name.replace("__", "/") + ".json", value)
    return root


def put(root: Path, name: str, value: Any) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, bytes):
        path.write_bytes(value)
    else:
        path.write_text(value if isinstance(value, str) else json.dumps(value))


def snapshot_of(root: Path, **parts: Any) -> Snapshot:
    return read_bundle(written(root, **{"meta": {"taken_at": TAKEN}, **parts}))


def listing(kind: str, *items: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "items": list(items)}


def pod(name: str = "baker-1", **more: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "town"}, **more}


def whys(snapshot: Snapshot, what: str) -> list[str]:
    return [gap.why for gap in snapshot.gaps if what in gap.what]
