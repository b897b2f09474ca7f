"""What the Kubernetes API needs from the world around it.

The API owns no clock, no controllers and no containers. It asks the time for timestamps and ages, kicks the controllers
after each write so that they act before the next request, reads the lines a container has written, and hands over an
audit entry for each write. Three things it leaves to controllers, as a real API server does: a pod with a
deletionTimestamp is removed by its kubelet when its grace has passed (`Store.delete`); an object with the finalizer
`foregroundDeletion` or `orphan` waits for the garbage collector to see to its dependents and drop the finalizer; a
Namespace in phase Terminating is emptied and then loses `spec.finalizers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class ContainerUsage(NamedTuple):
    """What one running container uses at this moment."""

    node: str
    namespace: str
    pod: str
    container: str
    cores: float
    memory_bytes: float


class Hooks(Protocol):
    def now(self) -> datetime: ...

    def kick(self) -> None:
        """Something was written: let the controllers look."""

    def read_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        previous: bool,
        tail_lines: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> str | None:
        """The container's lines, each ended by a newline; None when the asked container never ran."""

    def usage(self) -> Iterable[ContainerUsage]:
        """Every running container, for the resource metrics."""

    def audit(self, entry: dict[str, Any]) -> None:
        """One write request: time, verb, path, user, dryRun, status."""
