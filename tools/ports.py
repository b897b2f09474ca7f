"""What collecting and repairing ask of the outside, as types and nothing else.

The clients in `tools.clients` fit these by shape. Naming the shape here keeps the collector and the repair machinery free of any vendor's
library, and lets a test stand in for a whole cluster with ten lines.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

Object = dict[str, Any]
PatchKind = Literal["strategic", "merge", "json", "apply"]


class Listing(Protocol):
    @property
    def items(self) -> list[Object]: ...
    @property
    def more(self) -> bool: ...


class Cluster(Protocol):
    @property
    def context(self) -> str: ...

    async def list(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Listing: ...

    async def get(self, kind: str, name: str, namespace: str | None = None) -> Object: ...

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail: int = 200,
        since_seconds: int | None = None,
    ) -> str: ...

    async def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        body: Any,
        *,
        how: PatchKind = "strategic",
        dry_run: bool = False,
    ) -> Object: ...


class Clusters(Protocol):
    @property
    def configured(self) -> bool: ...

    async def get(self, context: str = "") -> Cluster: ...


class Sample(Protocol):
    @property
    def labels(self) -> dict[str, str]: ...
    @property
    def value(self) -> float: ...


class RangeSeries(Protocol):
    @property
    def labels(self) -> dict[str, str]: ...
    @property
    def points(self) -> list[tuple[float, float]]: ...


class Prometheus(Protocol):
    @property
    def configured(self) -> bool: ...

    async def query(self, expr: str, at: datetime | None = None) -> Sequence[Sample]: ...

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Sequence[RangeSeries]: ...
