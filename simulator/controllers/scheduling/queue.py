"""Those who wait to be placed: whose turn it is, how long after a failure, and whether anything has changed that could help.

A pod that could not be placed is tried again when something that scheduling depends on has changed, but not sooner than after a back-off
that doubles from one second to ten; at the latest it is looked at again after five minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.controllers.scheduling.board import Board, priority
from simulator.objects import Object, labels_of, name_of, short_hash, uid_of

FIRST = 1.0
LONGEST = 10.0
AT_THE_LATEST = timedelta(minutes=5)


@dataclass(frozen=True)
class Attempt:
    """The last one that failed; `seen` stands for what the cluster looked like then."""

    count: int
    at: datetime
    seen: str

    @property
    def earliest(self) -> datetime:
        return self.at + timedelta(seconds=min(FIRST * 2 ** min(self.count - 1, 10), LONGEST))


class Queue:
    def __init__(self) -> None:
        self._failed: dict[str, Attempt] = {}
        self._chosen: dict[str, datetime] = {}  # since when a pod that has its node waits for its volumes

    def awaits_volumes_since(self, pod: Object, now: datetime) -> datetime:
        return self._chosen.setdefault(uid_of(pod), now)

    def gave_up(self, pod: Object) -> None:
        self._chosen.pop(uid_of(pod), None)

    def due(self, pod: Object, seen: str, now: datetime) -> bool:
        attempt = self._failed.get(uid_of(pod))
        if attempt is None:
            return True
        return now >= self.next_try(pod, seen)

    def next_try(self, pod: Object, seen: str) -> datetime:
        attempt = self._failed[uid_of(pod)]
        return attempt.at + AT_THE_LATEST if attempt.seen == seen else attempt.earliest

    def failed(self, pod: Object, seen: str, now: datetime) -> None:
        before = self._failed.get(uid_of(pod))
        self._failed[uid_of(pod)] = Attempt(before.count + 1 if before else 1, now, seen)

    def keep_only(self, waiting: Iterable[Object]) -> None:
        uids = {uid_of(pod) for pod in waiting}
        self._failed = {uid: attempt for uid, attempt in self._failed.items() if uid in uids}
        self._chosen = {uid: since for uid, since in self._chosen.items() if uid in uids}


def in_order(pods: Iterable[Object]) -> list[Object]:
    """The most important first, then who has waited longest."""
    return sorted(pods, key=lambda pod: (-priority(pod), pod["metadata"]["creationTimestamp"], name_of(pod)))


def picture(board: Board) -> str:
    """A hash of everything that decides where pods can go; it stays while only statuses move."""
    nodes = [[spot.name, labels_of(spot.node), spot.node.get("spec"), spot.allocatable] for spot in board.spots]
    pods = [[spot.name, [[uid_of(pod), labels_of(pod)] for pod in spot.pods]] for spot in board.spots]
    claims = [
        [name_of(each), each["spec"].get("volumeName"), (each.get("status") or {}).get("phase")]
        for kind in ("PersistentVolumeClaim", "PersistentVolume")
        for each in board.store.list(kind)
    ]
    classes = [name_of(each) for each in board.store.list("StorageClass")]
    return short_hash([nodes, pods, claims, classes])
