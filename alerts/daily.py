"""One day of alerts in numbers: what a team looks at in the morning.

A day is one of a time zone, from midnight to midnight there, so it may have 23 or 25 hours. The day that is not over yet is told as far as
it has come. It is compared with the day before, because a number alone says little.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from alerts.incidents.incident import Incident, rank
from alerts.statistics import Episode, summary
from core.errors import Invalid

HOUR = timedelta(hours=1)
MAX_NAMES = 10
MAX_INCIDENTS = 20


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    zone: tzinfo
    zone_name: str
    start: datetime
    end: datetime
    """Midnight, or now where midnight has not come."""

    @property
    def before(self) -> "Day":
        return _day(self.date - timedelta(days=1), self.zone, self.zone_name, self.start)


def day_of(wanted: date | None, zone: tzinfo, zone_name: str, now: datetime) -> Day:
    today = now.astimezone(zone).date()
    found = wanted or today
    if not date(2000, 1, 1) <= found <= today:
        raise Invalid(f"date must be a day that has begun, at the latest {today}.", field="date")
    return _day(found, zone, zone_name, now)


def report(day: Day, episodes: Sequence[Episode], earlier: int, incidents: Sequence[Incident]) -> dict[str, Any]:
    """`earlier` is how many fired the day before."""
    told = summary(episodes, day.start, day.end, "name")
    unwanted = ("trend", "groups", "group_by", "noisiest")
    return {
        "date": day.date.isoformat(),
        "zone": day.zone_name,
        **{name: value for name, value in told.items() if name not in unwanted},
        "by_severity": dict(sorted(told["by_severity"].items(), key=lambda item: (rank(item[0]), item[0]))),
        "by_namespace": dict(Counter(one.namespace or "-" for one in episodes).most_common(MAX_NAMES)),
        "noisiest": dict(list(told["noisiest"].items())[:MAX_NAMES]),
        "day_before": earlier,
        "still_firing": sum(1 for one in episodes if one.resolved_at is None or one.resolved_at >= day.end),
        "hours": _hours(day, episodes),
        "incidents": [each.to_json() for each in incidents[:MAX_INCIDENTS]],
    }


def _hours(day: Day, episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    counted = Counter(((one.fired_at - day.start) // HOUR, one.severity) for one in episodes)
    length = _midnight(day.date + timedelta(days=1), day.zone) - day.start
    return [
        {
            "hour": f"{(day.start + HOUR * place).astimezone(day.zone):%H:%M}",
            "by_severity": {severity: count for (at, severity), count in sorted(counted.items()) if at == place},
        }
        for place in range(-(-length // HOUR))
    ]


def _day(wanted: date, zone: tzinfo, zone_name: str, now: datetime) -> Day:
    start, midnight = _midnight(wanted, zone), _midnight(wanted + timedelta(days=1), zone)
    return Day(wanted, zone, zone_name, start, min(midnight, max(now, start)))


def _midnight(of: date, zone: tzinfo) -> datetime:
    return datetime.combine(of, time(), zone).astimezone(UTC)
