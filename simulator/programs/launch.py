"""Everything a process gets to see when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.apps import App, Tool


@dataclass(frozen=True)
class Launch:
    image: str  # the reference, as the pod names it
    app: App | None
    tool: Tool | None
    env: Mapping[str, str]
    # What is mounted into the container: the path of a file and its text.
    files: Mapping[str, str]
    command: tuple[str, ...]
    args: tuple[str, ...]
    ports_taken: frozenset[int]
    runs_here: bool  # the image is built for the node's architecture
    may_write: bool = True  # to its data directory
    dice: float = 0.5  # this start's own number between nought and one

    @property
    def words(self) -> tuple[str, ...]:
        return self.command + self.args


@dataclass(frozen=True)
class Refusal:
    """The runtime could not even start the process."""

    message: str
    exit_code: int = 128
