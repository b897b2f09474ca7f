"""The scenarios that are shipped, one file each; see `scenario.py` for what they say and `reading.py` for how they are read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from simulator.scenarios.reading import Unreadable, parse, read
from simulator.scenarios.scenario import Scenario

FOLDER = Path(__file__).parent

__all__ = ["Scenario", "Unreadable", "parse", "read", "shipped"]


@cache
def shipped() -> dict[str, Scenario]:
    """All of them by id, in the order of their ids."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.yaml"))}
