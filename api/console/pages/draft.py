"""A silence as it is typed into a form, and the silence that it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.durations import parse_duration
from alerts.routing.matchers import Matcher, Matchers, parse_matchers
from alerts.routing.silence import Silence, ordered
from alerts.routing.tree import CHANNELS
from core.errors import Invalid

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NO_CONDITION = frozenset({CHANNELS})


@dataclass(frozen=True, slots=True)
class Hours:
    """When in the week one that recurs holds."""

    weekdays: Sequence[str] = ()
    begins: str = ""
    ends: str = ""
    zone: str = ""

    def written(self) -> dict[str, Any]:
        """As an interval of the configuration file. Over midnight it is two ranges, as it must be there."""
        whole: dict[str, Any] = {"weekdays": list(self.weekdays)} if self.weekdays else {}
        begins, ends = self.begins.strip() or "00:00", self.ends.strip() or "24:00"
        spans = [(begins, ends)] if begins < ends else [(begins, "24:00"), ("00:00", ends)]
        whole["times"] = [{"start_time": a, "end_time": b} for a, b in spans if a != b]
        return whole | ({"location": self.zone.strip()} if self.zone.strip() else {})


@dataclass(frozen=True, slots=True)
class Draft:
    matchers: str
    lasts: str
    comment: str = ""
    hours: Hours | None = None
    of: Silence | None = None
    """The one that is changed; None for a new one."""

    def silence(self, now: datetime, by: str) -> Silence:
        length = parse_duration(self.lasts.strip(), "lasts")
        if length <= timedelta(0):
            raise Invalid("A silence must last some time.", field="lasts")
        if not self.comment.strip():
            raise Invalid("Say in the comment why: whoever comes after you will ask.", field="comment")
        starts = self.of.starts_at if self.of and self.of.state(now) != "expired" else now
        return Silence(
            id=self.of.id if self.of else "",
            matchers=read_matchers(self.matchers),
            starts_at=starts,
            ends_at=max(now, starts) + length,
            updated_at=now,
            created_by=by,
            comment=self.comment.strip(),
            recurs=self.hours.written() if self.hours else None,
        )


def read_matchers(text: str) -> Matchers:
    """One a line, or with commas between."""
    found = [matcher for line in text.splitlines() if line.strip() for matcher in parse_matchers(line)]
    if not found:
        raise Invalid('Write at least one matcher, as name="value".', field="matchers")
    return ordered(found)


def exactly(labels: Mapping[str, str]) -> str:
    """The matchers of one alert and no other; one may then take lines out."""
    kept = ordered(Matcher(name, value) for name, value in labels.items() if name not in _NO_CONDITION)
    return "\n".join(map(str, kept))


def hours_of(recurs: Mapping[str, Any] | None) -> Hours | None:
    """What the form can show of hours; other kinds (days of the month, months, several spans) are left as they are written."""
    if recurs is None or set(recurs) - {"weekdays", "times", "location"}:
        return None
    times = recurs.get("times") or [{"start_time": "00:00", "end_time": "24:00"}]
    days = [str(day).lower() for day in recurs.get("weekdays") or ()]
    if len(times) != 1 or any(day not in WEEKDAYS for day in days):
        return None
    return Hours(days, times[0]["start_time"], times[0]["end_time"], str(recurs.get("location") or ""))
