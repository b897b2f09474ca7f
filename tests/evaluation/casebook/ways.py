"""The register of ways: for each fault of the catalogue, the functions that bring it about in a scene.

`@way("fault_id", wants=(...), flavours=(...))` over `def name(scene: Scene) -> Answer`. `wants` are features the application must have
(mysql, postgres, mongo, cache, queue, worker, or a language), `flavours` the kinds of cluster where it can happen.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.evaluation.casebook.model import Answer
from tests.evaluation.casebook.scene import Scene

Build = Callable[[Scene], Answer]


@dataclass(frozen=True)
class Way:
    fault: str
    build: Build
    wants: tuple[str, ...] = ()
    flavours: tuple[str, ...] = ()


WAYS: dict[str, list[Way]] = {}


def way(fault: str, *, wants: tuple[str, ...] = (), flavours: tuple[str, ...] = ()) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        WAYS.setdefault(fault, []).append(Way(fault, build, wants, flavours))
        return build

    return register
