"""A collection written as a bundle: to a folder beside the one that was named, which takes its name only when it is whole.

Every text goes through the redactor, whose key is made for the one bundle and kept nowhere, so the same password has one pseudonym
throughout and nobody can go back from it. Files are for their owner alone. A list of a kind is one file, be it empty: that there is no
Secret is a fact, and a file that is not there says nothing.
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from core.errors import Conflict, Invalid
from core.redact import Redactor
from tools.engines.diagnosis import Gap
from tools.engines.objects import kind_of
from tools.engines.snapshot import Alert, LogKey, Series, Snapshot

_UNSAFE = str.maketrans(dict.fromkeys("/\\:\x00", "_"))


class BundleWriter:
    """The folder while it is being filled."""

    def __init__(self, root: Path, redactor: Redactor) -> None:
        self._root = root
        self._redactor = redactor

    def log(self, key: LogKey, text: str) -> None:
        ending = ".previous.log" if key.previous else ".log"
        place = ("logs", key.namespace, key.pod, f"{key.container}{ending}")
        self._put(place, self._redactor.text(text).encode("utf-8", errors="replace"))

    def snapshot(self, snapshot: Snapshot) -> None:
        self._json(("meta.json",), _meta(snapshot))
        by_kind: dict[str, list[Any]] = defaultdict(list)
        for kind in sorted(snapshot.kinds_read):
            by_kind[kind] = []
        for obj in snapshot.objects:
            by_kind[kind_of(obj) or "Unknown"].append(self._redactor.value(obj))
        for kind, found in by_kind.items():
            listed = {"apiVersion": "v1", "kind": f"{kind}List", "metadata": {}, "items": found}
            self._json(("objects", f"{kind}.json"), listed)
        for signal, series in snapshot.metrics.items():
            self._json(("metrics", f"{signal}.json"), _matrix(signal, series))
        self._json(("alerts.json",), self._redactor.value([_alert(one) for one in snapshot.alerts]))
        self._json(("probes.json",), [])

    def _json(self, place: tuple[str, ...], value: Any) -> None:
        self._put(place, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))

    def _put(self, place: tuple[str, ...], raw: bytes) -> None:
        path = self._root.joinpath(*(_safe(part) for part in place))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(raw)


def _safe(part: str) -> str:
    """A name from a cluster as the name of a file; no server should give another, and none may lead out of the folder."""
    name = part.translate(_UNSAFE)
    return name if name.strip(".") else f"_{name}"


@contextmanager
def writing(folder: Path, redactor: Redactor) -> Iterator[BundleWriter]:
    """The bundle is there when the block ends well, and nothing is there when it does not."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Invalid(f"{folder} is no folder.", field="output")
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty, and a bundle is written into a folder of its own.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield BundleWriter(partial, redactor)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _meta(snapshot: Snapshot) -> dict[str, Any]:
    meta: dict[str, Any] = {"taken_at": snapshot.taken_at.isoformat(), "cluster": snapshot.context}
    if snapshot.namespace:
        meta["namespace"] = snapshot.namespace
    return meta | {
        "kinds_read": sorted(snapshot.kinds_read),
        "window": {"start": snapshot.window.start.isoformat(), "end": snapshot.window.end.isoformat()},
        "gaps": [_gap(one) for one in snapshot.gaps],
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return gap.model_dump()


def _matrix(signal: str, series: Iterable[Series]) -> dict[str, Any]:
    """An answer of query_range, with the name that the signal has among engines beside it."""
    found = list(series)
    queries = sorted({one.query for one in found})
    result = [
        {"metric": dict(one.labels), "values": [[at, repr(value)] for at, value in one.points], "query": one.query}
        for one in found
    ]
    data = {"resultType": "matrix", "result": result}
    return {"status": "success", "signal": signal, "queries": queries, "data": data}


def _alert(alert: Alert) -> Mapping[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": alert.starts_at.isoformat() if alert.starts_at else None,
        "endsAt": alert.ends_at.isoformat() if alert.ends_at else None,
        "status": {"state": alert.state},
    }
