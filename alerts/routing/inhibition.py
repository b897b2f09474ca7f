"""While the building is dark, nobody is told of its lamps: alerts that keep others from being told.

A rule's source alert, while it fires, inhibits every target alert that agrees with it in the rule's labels (an absent label agrees with an
absent one). An alert that is both source and target never inhibits another that is both, so that nothing silences itself. Sources are kept
by the labels they must agree in: asking costs one look a rule, however many alerts fire.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.model import Alert
from alerts.routing.matchers import Matchers, all_match

Agreed = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InhibitRule:
    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()

    def agreed(self, labels: Mapping[str, str]) -> Agreed:
        return tuple(labels.get(name, "") for name in self.equal)


class Inhibitor:
    """What fires now, sorted by what it would keep quiet."""

    def __init__(self, rules: Iterable[InhibitRule], firing: Iterable[Alert] = ()) -> None:
        self._rules = tuple(rules)
        self._sources: list[dict[Agreed, dict[str, Alert]]] = [{} for _ in self._rules]
        for alert in firing:
            self.put(alert)

    def put(self, alert: Alert) -> None:
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if not all_match(rule.source, alert.labels):
                continue
            agreeing = sources.setdefault(rule.agreed(alert.labels), {})
            if alert.state == "firing":
                agreeing[alert.fingerprint] = alert
            else:
                agreeing.pop(alert.fingerprint, None)
            if not agreeing:
                del sources[rule.agreed(alert.labels)]

    def inhibits(self, alert: Alert, now: datetime) -> Alert | None:
        """The alert that keeps this one from being told, the longest firing first; one that was to end by now does not."""
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if not all_match(rule.target, alert.labels):
                continue
            both = all_match(rule.source, alert.labels)
            able = [
                source
                for source in sources.get(rule.agreed(alert.labels), {}).values()
                if source.as_of(now).state == "firing" and not (both and all_match(rule.target, source.labels))
            ]
            if able:
                return min(able, key=lambda source: (source.starts_at, source.fingerprint))
        return None
