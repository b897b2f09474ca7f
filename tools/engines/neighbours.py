"""Which other namespaces have to be read before anybody can say what is wrong in one.

Trouble shows where it is felt, and its cause may be one or two calls away in somebody else's namespace. Two things tell where calls go:
addresses in the environment of workloads, and the call counts of a service graph, which name programs and not places. A directory of the
cluster's Services turns such a name into a namespace. What is called comes first and nearest first, because a cause lies that way; who
calls is worth reading for who suffers. A name that could stand for several places, or for none that could be read, is not guessed at.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.engines.objects import Object, containers, kind_of, name_of, namespace_of, rows

# Within a cluster: service.namespace, alone or followed by .svc and the cluster's domain. Other names are of the outside.
_ADDRESS = re.compile(r"(?<![a-z0-9.-])[a-z0-9-]+\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]+)?)?(?=[:/,;?\s]|$)")
_MAKERS = {"Deployment", "StatefulSet", "DaemonSet"}
MAX_VALUE = 2000


@dataclass(frozen=True, slots=True)
class Directory:
    """The namespaces of each Service name; `unread` says why it is not the whole cluster's, if it is not."""

    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread: str = ""

    @classmethod
    def of(cls, services: Iterable[Object], unread: str = "") -> "Directory":
        places: dict[str, list[str]] = defaultdict(list)
        for service in services:
            places[name_of(service)].append(namespace_of(service))
        return cls(places, unread)

    def knows(self, namespace: str) -> bool:
        return bool(self.unread) or any(namespace in there for there in self.places.values())


@dataclass(frozen=True, slots=True)
class Around:
    """Namespaces not read yet, nearest first; `lost` are names that are called and stand in no one namespace, with the reason."""

    called: list[str]
    callers: list[str]
    lost: dict[str, str]


def around(
    objects: Sequence[Object], calls: Iterable[tuple[str, str]], read: Sequence[str], directory: Directory
) -> Around:
    """`read` are the namespaces whose objects are here, the one that was asked about first."""
    calls = list(calls)
    here = {name_of(obj) for obj in _programs(objects) if namespace_of(obj) in read}
    home = {name_of(obj) for obj in _programs(objects) if namespace_of(obj) == read[0]}
    called = dict.fromkeys(place for place in _addressed(objects) if directory.knows(place))
    lost: dict[str, str] = {}
    for name in _reached(home, calls):
        places = () if name in here else directory.places.get(name, ())
        if len(places) == 1:
            called[places[0]] = None
        elif len(places) > 1:
            lost[name] = f"there is one in each of {', '.join(sorted(places)[:5])}"
        elif name not in here and directory.unread:
            lost[name] = directory.unread
    clients = dict.fromkeys(client for client, server in calls if server in home and client not in here)
    callers = dict.fromkeys(places[0] for name in clients if len(places := directory.places.get(name, ())) == 1)
    return Around(_new(called, read), [place for place in _new(callers, read) if place not in called], lost)


def _programs(objects: Iterable[Object]) -> Iterator[Object]:
    return (obj for obj in objects if kind_of(obj) == "Service" or kind_of(obj) in _MAKERS)


def _addressed(objects: Iterable[Object]) -> Iterator[str]:
    for workload in objects:
        for container in containers(workload) if kind_of(workload) in _MAKERS else ():
            for variable in rows(container, "env"):
                value = variable.get("value")
                if isinstance(value, str) and ":" in value and len(value) <= MAX_VALUE:
                    yield from _ADDRESS.findall(value)


def _reached(starts: Iterable[str], calls: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Every name that these call, directly or through others, nearest first."""
    by_client: dict[str, dict[str, None]] = defaultdict(dict)
    for client, server in calls:
        by_client[client][server] = None
    seen, level = set(starts), sorted(starts)
    while level:
        level = list(dict.fromkeys(server for name in level for server in by_client[name] if server not in seen))
        seen.update(level)
        yield from level


def _new(places: Iterable[str], read: Sequence[str]) -> list[str]:
    return [place for place in places if place not in read]
