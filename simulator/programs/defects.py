"""What can be wrong with a build: faults of the program's own, which every process of that build has from its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """Nothing is wrong by default."""

    crashes_after: float | None = None  # seconds of life
    error_share: float = 0.0  # of the requests, answered with a server error
    leaks_mib: float = 0.0  # a minute
    leaks_threads: float = 0.0  # a minute
    leaks_descriptors: float = 0.0  # a minute
    hangs_after: float | None = None  # seconds until its threads wait for each other

    @property
    def is_sound(self) -> bool:
        return self == SOUND


SOUND = Defect()
