"""What a collection has so far, with the gaps that say what it has not."""

from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import FirstmateError, Forbidden
from tools.engines.diagnosis import Gap
from tools.engines.logs.digest import LogDigest
from tools.engines.neighbours import Directory
from tools.engines.objects import Object
from tools.engines.snapshot import Alert, LogKey, Series, Signal

HOW = {
    "Kubernetes": "check K8S_CONFIG_PATH and that the API server can be reached",
    "Prometheus": "check PROMETHEUS_URL and that it can be reached",
}
NOT_ALLOWED = "grant this right; deploy/rbac/read.yaml holds all that a diagnosis reads"


def _no_step(_what: str) -> None:
    return None


def _no_log(_key: LogKey, _text: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who wants to be told while a collection goes on: of each step, and of each log as it came."""

    step: Callable[[str], None] = _no_step
    log: Callable[[LogKey, str], None] = _no_log


@dataclass(slots=True)
class Gathered:
    listener: Listener = field(default_factory=Listener)
    objects: list[Object] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    """Those that were listed in full."""
    cut: set[str] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    logs: dict[LogKey, LogDigest] = field(default_factory=dict)
    metrics: dict[Signal, list[Series]] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    services: Directory = field(default_factory=Directory)
    deaf: str = ""  # why Prometheus is not asked any further

    def calls(self) -> list[tuple[str, str]]:
        found = self.metrics.get("calls", ())
        return [(series.labels.get("client", ""), series.labels.get("server", "")) for series in found]


def gap(what: str, error: FirstmateError, system: str) -> Gap:
    return Gap(what=what, why=error.sentence, how=how_to_close(error, system))


def how_to_close(error: FirstmateError, system: str) -> str:
    return NOT_ALLOWED if isinstance(error, Forbidden) else HOW[system]
