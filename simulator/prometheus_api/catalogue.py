"""What the API tells about metrics and targets beyond their samples; the world that produces the samples knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class MetricMetadata:
    type: Literal["counter", "gauge", "histogram", "summary", "info", "stateset", "unknown"]
    help: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One scraped endpoint as `/api/v1/targets` shows it. `labels` include job and instance."""

    pool: str
    url: str
    labels: Mapping[str, str]
    health: Literal["up", "down", "unknown"]
    last_scrape: datetime
    last_error: str = ""
    last_scrape_seconds: float = 0.0
    interval: str = "15s"
    timeout: str = "10s"
    discovered: Mapping[str, str] = field(default_factory=dict)


class Catalogue(Protocol):
    def metadata(self) -> Mapping[str, MetricMetadata]:
        """By metric name; for a histogram the name without _bucket, _sum and _count."""
        ...

    def targets(self) -> Sequence[Target]: ...
