"""From a live cluster to a Snapshot, in few calls and within bounds; what fails becomes a gap with its reason while the rest goes on."""

from tools.collect.collector import Collector
from tools.collect.gathered import Listener
from tools.collect.kinds import KINDS
from tools.collect.logs import MAX_LOG_PODS

__all__ = ["KINDS", "MAX_LOG_PODS", "Collector", "Listener"]
