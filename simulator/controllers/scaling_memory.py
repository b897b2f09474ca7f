"""What the autoscaler remembers between two looks: its recent recommendations, the steps it took, and when it looked last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOVES_KEPT = timedelta(minutes=30)


@dataclass
class Remembered:
    recommended: list[tuple[datetime, int]] = field(default_factory=list)
    moves: list[tuple[datetime, int]] = field(default_factory=list)
    last: datetime | None = None

    def recent(self, since: datetime) -> list[int]:
        return [size for at, size in self.recommended if at >= since]

    def forget(self, before: datetime) -> None:
        self.recommended = [(at, size) for at, size in self.recommended if at >= before]
        self.moves = [(at, change) for at, change in self.moves if at >= before - MOVES_KEPT]


class ScalingMemory:
    """By the uid of the autoscaler's object."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered] = {}

    def of(self, uid: str) -> Remembered:
        return self._known.setdefault(uid, Remembered())
