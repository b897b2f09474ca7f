"""Bundles of any size, written to a folder in a moment: programs with their pods, Services and events, one of them in trouble, and logs."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.tools.bundle.folder import TAKEN, listing, put
from tests.tools.objects import NS, Object, at, deployment, endpoint_slice, event, pod, replica_set, service, waiting

OBJECTS_EACH = 6
LINE = "2026-03-02T08:{:02d}:{:02d}.{:03d}Z INFO served request id={:06x} in {} ms\n"


def write_estate(root: Path, objects: int, *, events: int = 0, log_bytes: int = 0, logs: int = 200) -> Path:
    made = [one for place in range(max(1, objects // OBJECTS_EACH)) for one in _program(place)]
    by_kind: dict[str, list[Object]] = {}
    for one in made:
        by_kind.setdefault(one["kind"], []).append(one)
    for kind, found in by_kind.items():
        put(root, f"objects/{kind}.json", listing(f"{kind}List", *found))
    put(root, "meta.json", {"taken_at": TAKEN, "namespace": NS})
    if events:
        _write_events(root / "objects/events.json", events)
    if log_bytes:
        _write_logs(root, by_kind["Pod"], log_bytes, logs)
    return root


def _program(place: int) -> list[Object]:
    owner = deployment(f"baker-{place}", replicas=1, available=int(place > 0))
    new = replica_set(owner, 1)
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": at(1)}}
    sick: dict[str, Any] = {"ready": False, "restartCount": 9, "state": waiting("CrashLoopBackOff"), "lastState": ended}
    one = pod(new, **({} if place else sick))
    name = owner["metadata"]["name"]
    return [owner, new, one, service(name), endpoint_slice(name, int(place > 0)), event(one, "Pulled", "pulled")]


def _write_events(path: Path, count: int) -> None:
    """As one List, an event after the other, so that writing takes no more memory than reading should."""
    with path.open("w") as file:
        file.write('{"kind": "EventList", "apiVersion": "v1", "items": [')
        for number in range(count):
            about = {"kind": "Pod", "namespace": NS, "name": f"baker-{number % 5000}"}
            one = {
                "metadata": {"name": f"e{number}", "namespace": NS},
                "involvedObject": about,
                "reason": "Unhealthy",
                "message": f"Readiness probe failed: HTTP probe failed with statuscode: 503 ({number})",
                "type": "Warning" if number % 50 == 0 else "Normal",
                "lastTimestamp": f"2026-03-02T08:{number // 60 % 60:02d}:{number % 60:02d}Z",
            }
            file.write(("," if number else "") + json.dumps(one))
        file.write("]}")


def _write_logs(root: Path, pods: list[Object], size: int, count: int) -> None:
    block = "".join(LINE.format(n // 60 % 60, n % 60, n % 1000, n * 7919, n % 97) for n in range(20_000)).encode()
    each = size // count
    for one in islice(pods, count):
        path = root / "logs" / NS / one["metadata"]["name"] / "app.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            left = each
            while left > 0:
                left -= file.write(block[: min(left, len(block))])


@dataclass(frozen=True, slots=True)
class Run:
    seconds: float
    processor: float
    """Seconds of it."""
    megabytes: float
    """The most memory that the process had."""
    answers: list[dict[str, Any]]


def diagnosed(*bundles: Path) -> Run:
    """`firstmate diagnose --json` in a process of its own, as a person runs it."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "api.cli", "diagnose", "--json", *map(str, bundles)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    took = time.perf_counter() - began
    return Run(
        took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, [json.loads(line) for line in out.splitlines()]
    )
