"""Logs of a live cluster, only where they can matter: of what is in trouble, and of one healthy pod of each program around it.

A program that is well may be the one that says what is wrong: its calls are refused, its password is not taken, its table is read-only.
Which programs are asked is decided by how near they are to trouble: those that talk to or are called by something in trouble first,
then those about which there is a warning, then the others of the namespace.
"""

import asyncio
from collections.abc import Iterable, Sequence

from core.errors import FirstmateError, Forbidden, Upstream
from tools.collect.gathered import HOW, Gathered
from tools.collect.kinds import SYSTEM
from tools.engines.diagnosis import Component, Gap
from tools.engines.graph import Graph
from tools.engines.logs.digest import digest
from tools.engines.objects import Object, dig, is_ready, name_of, namespace_of, restarts, rows, statuses
from tools.engines.program import Program
from tools.engines.snapshot import LogKey, Snapshot
from tools.ports import Cluster

MAX_LOG_PODS = 12
MAX_BESIDE = 16
"""Programs that are well and are heard too."""
LOG_LINES = 200


async def read_logs(cluster: Cluster, snapshot: Snapshot, found: Gathered) -> None:
    troubled = _troubled(snapshot.present_pods())
    wanted = [key for pod in troubled[:MAX_LOG_PODS] for key in _logs_of(pod)]
    wanted += [key for pod in _witnesses(snapshot, troubled)[:MAX_BESIDE] for key in _running(pod)]
    await asyncio.gather(*(_read(cluster, key, found, snapshot.namespace) for key in dict.fromkeys(wanted)))


async def _read(cluster: Cluster, key: LogKey, found: Gathered, home: str | None) -> None:
    def refused(why: str, how: str) -> Gap:
        return Gap(what=str(key), why=why, how=how, neighbour=home not in {None, key.namespace})

    try:
        text = await cluster.logs(key.namespace, key.pod, key.container, previous=key.previous, tail=LOG_LINES)
    except Forbidden as error:
        found.gaps.append(refused(error.sentence, "grant get on pods/log"))
    except Upstream as error:
        found.gaps.append(refused(error.sentence, HOW["Kubernetes"]))
    except FirstmateError:
        return  # the container never ran, or its log was rotated away: the pod's status already says so
    else:
        found.logs[key] = digest(text.splitlines())
        found.listener.log(key, text)
        found.listener.step(str(key))


def _troubled(pods: Iterable[Object]) -> list[Object]:
    return [pod for pod in pods if not is_ready(pod) or any(map(restarts, statuses(pod)))]


def _witnesses(snapshot: Snapshot, troubled: Sequence[Object]) -> list[Object]:
    """A ready pod of each program that may have something to say, the nearest to trouble first."""
    sick = {snapshot.maker_of(pod) for pod in troubled}
    near = _near(snapshot, sick)
    warned = {event.name for event in snapshot.events if event.type == "Warning"}
    heard = [one for one in snapshot.programs if one.component not in sick and one.namespace != SYSTEM]

    def distance(program: Program) -> tuple[int, int, str]:
        is_warned = any(name_of(pod) in warned for pod in program.pods)
        away = 0 if program.component in near else 1 if is_warned else 2
        return away, int(program.namespace != snapshot.namespace), program.component.name

    ready = (next(filter(is_ready, program.pods), None) for program in sorted(heard, key=distance))
    return [pod for pod in ready if pod is not None]


def _near(snapshot: Snapshot, sick: set[Component]) -> set[Component]:
    if not sick:
        return set()
    graph = Graph(snapshot)
    return set(graph.suffering(*sick)) | {
        one.component for one in snapshot.programs if set(graph.suffering(one.component)) & sick
    }


def _logs_of(pod: Object) -> list[LogKey]:
    place = (namespace_of(pod), name_of(pod))
    keys = []
    for status in rows(pod, "status", "containerStatuses") + rows(pod, "status", "initContainerStatuses"):
        name = str(status.get("name"))
        if restarts(status):
            keys.append(LogKey(*place, name, True))
        if dig(status, "state", "running") and not status.get("ready"):
            keys.append(LogKey(*place, name, False))
    return keys


def _running(pod: Object) -> list[LogKey]:
    return [
        LogKey(namespace_of(pod), name_of(pod), str(status.get("name")))
        for status in rows(pod, "status", "containerStatuses")
        if dig(status, "state", "running")
    ]
