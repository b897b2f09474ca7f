"""A cluster of ten objects in memory: patches are applied and checked as an API server does, failures are played from a script."""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from core.clock import ManualClock
from core.errors import Conflict, FirstmateError, Invalid, NotFound
from tests.tools.objects import NS, Object
from tools.engines.objects import kind_of, name_of, namespace_of

T = TypeVar("T")


@dataclass
class FakeListing:
    items: list[Object]
    more: bool = False


@dataclass
class AppliedThen:
    """The change is stored, and then the answer is lost."""

    error: FirstmateError


class FakeCluster:
    context = "here"

    def __init__(self, *objects: Object) -> None:
        self.objects = [{"kind": "Namespace", "metadata": {"name": NS}}, *(copy.deepcopy(obj) for obj in objects)]
        self.writes: list[tuple[str, Any]] = []
        self.listed: list[tuple[str, str | None]] = []
        self.stored: list[str] = []
        self.patch_script: list[FirstmateError | AppliedThen | None] = []
        self.read_errors: dict[str, FirstmateError] = {}
        self.log_text: str | FirstmateError = "line\n"
        self.after_patch: Callable[[Object], None] = lambda _obj: None
        self.restless = 0  # so many rehearsals come upon an object that has moved since it was read

    def find(self, kind: str, name: str) -> Object:
        for obj in self.objects:
            if kind_of(obj) == kind and name_of(obj) == name:
                return obj
        raise NotFound(f"There is no {kind} {name}.")

    def touch(self, kind: str, name: str) -> Object:
        obj = self.find(kind, name)
        obj["metadata"]["resourceVersion"] = str(int(obj["metadata"]["resourceVersion"]) + 1)
        return obj

    async def list(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> FakeListing:
        del fields
        self.listed.append((kind, namespace))
        self._may_read(kind, f"{namespace}/*" if namespace else f"{kind} everywhere")
        found = [obj for obj in self.objects if kind_of(obj) == kind and namespace in {None, namespace_of(obj)}]
        key, _, value = labels.partition("=")
        if key:
            found = [obj for obj in found if obj["metadata"].get("labels", {}).get(key) == value]
        return FakeListing(copy.deepcopy(found[:limit]), len(found) > limit)

    async def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        del namespace
        self._may_read(kind)
        return copy.deepcopy(self.find(kind, name))

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail: int = 200,
        since_seconds: int | None = None,
    ) -> str:
        del namespace, pod, container, previous, tail, since_seconds
        if isinstance(self.log_text, FirstmateError):
            raise self.log_text
        return self.log_text

    async def patch(
        self, kind: str, name: str, namespace: str | None, body: Any, *, how: str = "strategic", dry_run: bool = False
    ) -> Object:
        del namespace, how
        if dry_run and self.restless:
            self.restless -= 1
            self.touch(kind, name)
        obj = self.find(kind, name)
        after = copy.deepcopy(obj)
        for operation in body:
            _operate(after, operation)
        if after["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        if dry_run:
            return after
        self.writes.append((name, body))
        planned = self.patch_script.pop(0) if self.patch_script else None
        if isinstance(planned, FirstmateError):
            raise planned
        obj.clear()
        obj.update(after)
        self.touch(kind, name)
        self.stored.append(f"{kind}/{name}")
        self.after_patch(obj)
        if planned:
            raise planned.error
        return copy.deepcopy(obj)

    def _may_read(self, kind: str, *also: str) -> None:
        for key in (kind, "*", *also):
            if key in self.read_errors:
                raise self.read_errors[key]


def _operate(obj: Object, operation: Object) -> None:
    *way, last = operation["path"].strip("/").split("/")
    holder: Any = obj
    for part in way:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    if operation["op"] == "test":
        if holder[last] != operation["value"]:
            raise Invalid("the test in the patch failed")
    else:
        holder[last] = copy.deepcopy(operation["value"])


@dataclass
class FakeClusters:
    cluster: FakeCluster
    configured: bool = True
    error: FirstmateError | None = None

    async def get(self, context: str = "") -> FakeCluster:
        del context
        if self.error:
            raise self.error
        return self.cluster


@dataclass
class FakeSample:
    labels: dict[str, str]
    value: float = 1.0


@dataclass
class FakeSeries:
    labels: dict[str, str]
    points: list[tuple[float, float]]


@dataclass
class FakePrometheus:
    samples: list[FakeSample] = field(default_factory=list)
    ranges: dict[str, list[FakeSeries]] = field(default_factory=dict)
    configured: bool = True
    error: FirstmateError | None = None
    asked: list[str] = field(default_factory=list)

    async def query(self, expr: str, at: datetime | None = None) -> list[FakeSample]:
        del at
        self.asked.append(expr)
        if self.error:
            raise self.error
        return self.samples

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> list[FakeSeries]:
        del start, end, step
        self.asked.append(expr)
        if self.error:
            raise self.error
        found = next((found for word, found in self.ranges.items() if word in expr), [])
        return [one for one in found if _is_asked_for(one.labels.get("namespace"), expr)]


def _is_asked_for(namespace: str | None, expr: str) -> bool:
    asked = re.search(r'namespace=(~?)("(?:[^"\\]|\\.)*")', expr)
    if asked is None or namespace is None:
        return True
    wanted = json.loads(asked.group(2))
    return bool(re.fullmatch(wanted, namespace)) if asked.group(1) else namespace == wanted


async def in_time(clock: ManualClock, work: Coroutine[Any, Any, T], seconds: float = 900) -> T:
    """Run something that sleeps on a manual clock, moving the clock until it is done."""
    task = asyncio.ensure_future(work)
    for _ in range(int(seconds)):
        # Real turns of the loop let the database's thread answer; only then does the clock move on.
        for _ in range(20):
            await asyncio.sleep(0)
        done, _pending = await asyncio.wait({task}, timeout=0.002)
        if done:
            return task.result()
        await clock.advance(1)
    task.cancel()
    raise AssertionError("it did not end in time")
