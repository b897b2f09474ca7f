"""WIP"""

from collections.abc import Mapping, Sequence

from simulator.prometheus_api.catalogue import MetricMetadata, Target


class NothingKnown:
    def metadata(self) -> Mapping[str, MetricMetadata]:
        return {}

    def targets(self) -> Sequence[Target]:
        return []
