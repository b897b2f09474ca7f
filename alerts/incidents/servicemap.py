"""Who calls whom and what runs where, as incidents need it: plain names, from whoever can read a cluster.

`ServiceMap` is data, made once per reading and asked by place. `Surroundings` keeps the latest one and reads it again in the
background, with a bound on the time that it takes. A reading that fails leaves the one before in force for a while, since who calls
whom changes slowly; then nothing is claimed any more. Whoever shows an incident says with it whether the map was there, and what it
lacks.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts.patience import survive, within
from core.clock import Clock
from core.errors import FirstmateError, Upstream
from core.logs import get

Place = tuple[str, str]
"""Namespace and workload."""
EVERY = 120.0
PATIENCE = 30.0
KEEP = timedelta(minutes=15)
MAX_CALLS = 100
MAX_HOSTED = 300
MAX_MISSING = 10
_log = get(__name__)


@dataclass(frozen=True)
class ServiceMap:
    calls: Mapping[Place, tuple[tuple[Place, Place], ...]] = field(default_factory=dict)
    """Of each place the calls that begin or end there, as caller and called."""
    runs_on: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    makers: Mapping[Place, Place] = field(default_factory=dict)
    services: Mapping[Place, Place] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def calls_of(self, namespace: str, workload: str) -> list[str]:
        return [f"{_show(caller)}>{_show(called)}" for caller, called in self.calls.get((namespace, workload), ())]

    def hosts_of(self, namespace: str, workload: str, node: str) -> list[str]:
        """What a workload has in common with the machines it runs on, and a machine with all that runs on it."""
        place = namespace, workload
        if workload:
            return [f"{each}>{_show(place)}" for each in sorted(self.runs_on.get(place, ()))[:MAX_CALLS]]
        return [f"{node}>{_show(each)}" for each in self.hosts.get(node, ())] if node else []

    def maker_of(self, namespace: str, pod: str) -> str:
        return self.makers.get((namespace, pod), ("", ""))[1]

    def behind(self, namespace: str, service: str) -> str:
        """The workload of the same namespace that answers for a Service."""
        where, name = self.services.get((namespace, service), ("", ""))
        return name if where == namespace else ""


UNKNOWN = ServiceMap()


def service_map(
    calls: Iterable[tuple[Place, Place]],
    runs_on: Mapping[Place, frozenset[str]],
    makers: Mapping[Place, Place],
    services: Mapping[Place, Place],
    missing: Iterable[str] = (),
) -> ServiceMap:
    """Indexed by place, and each list cut where an alert's keys would become too many."""
    ends: dict[Place, list[tuple[Place, Place]]] = defaultdict(list)
    for call in sorted(set(calls)):
        for end in dict.fromkeys(call):
            ends[end].append(call)
    hosts: dict[str, list[Place]] = defaultdict(list)
    for place, nodes in sorted(runs_on.items()):
        for node in nodes:
            hosts[node].append(place)
    return ServiceMap(
        calls={place: tuple(known[:MAX_CALLS]) for place, known in ends.items()},
        runs_on=runs_on,
        hosts={node: tuple(known[:MAX_HOSTED]) for node, known in hosts.items()},
        makers=makers,
        services=services,
        missing=tuple(missing)[:MAX_MISSING],
    )


class Surroundings:
    def __init__(self, read: Callable[[], Awaitable[ServiceMap]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._map = UNKNOWN
        self._read_at: datetime | None = None
        self._trouble = "it has not been read yet"

    @property
    def present(self) -> ServiceMap:
        return self._map if self._is_fresh() else UNKNOWN

    def to_json(self) -> dict[str, Any]:
        known = self.present
        return {
            "known": self._is_fresh(),
            "read_at": self._read_at.isoformat() if self._read_at else None,
            "calls": len({call for calls in known.calls.values() for call in calls}),
            "missing": [*([self._trouble] if self._trouble else []), *known.missing],
        }

    async def look(self) -> None:
        try:
            self._map = await within(self._clock, PATIENCE, _coroutine(self._read))
        except TimeoutError:
            self._trouble = f"it could not be read within {PATIENCE:.0f} s"
        except FirstmateError as error:
            self._trouble = error.sentence
        else:
            self._read_at, self._trouble = self._clock.now(), ""
            return
        _log.warning("the service map could not be read", error=self._trouble, since=str(self._read_at))

    async def run(self) -> None:
        while True:
            await survive(self.look(), None, "the service map could not be read")
            await self._clock.sleep(EVERY)

    def _is_fresh(self) -> bool:
        return self._read_at is not None and self._clock.now() - self._read_at <= KEEP


async def unread() -> ServiceMap:
    """For whoever has no cluster to read."""
    raise Upstream("The service map", "nothing is configured that it could be read from", retryable=False)


async def _coroutine(read: Callable[[], Awaitable[ServiceMap]]) -> ServiceMap:
    return await read()


def _show(place: Place) -> str:
    return "/".join(place)
