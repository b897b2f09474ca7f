"""When a bundle was taken, the window it speaks of, and whether its clocks agree.

The collector's word counts. Where it is missing the newest time in the data stands for it; where the data go on after it, or end long
before it, the clocks differ and that is told, because an age that is wrong turns an old trouble into a new one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.engines.diagnosis import Gap, Window
from tools.engines.logs.digest import LogDigest
from tools.engines.objects import Object, dig, mapping, rows, when
from tools.engines.snapshot import Alert, LogKey, Series

SKEW = timedelta(minutes=2)
STALE = timedelta(minutes=15)
LONGEST = timedelta(days=30)
ZONES = timedelta(hours=14)
"""The farthest that a local clock without a zone can be ahead of UTC."""
_FIRST = datetime(2014, 1, 1, tzinfo=UTC)  # before there was a Kubernetes nothing happened in one
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


def moment(value: Any) -> datetime | None:
    """A time in text or in seconds since 1970; None where it is neither, or none that a cluster could have seen."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = datetime.fromtimestamp(value, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            return None
    found = when(value)
    return found if found and _FIRST < found < _LAST else None


def newest_of_objects(objects: Iterable[Object]) -> datetime | None:
    return _newest(moment(text) for obj in objects for text in _told(obj))


def newest_of_metrics(metrics: Mapping[str, Sequence[Series]]) -> datetime | None:
    return _newest(moment(one.points[-1][0]) for found in metrics.values() for one in found if one.points)


def newest_of_logs(logs: Mapping[LogKey, LogDigest]) -> datetime | None:
    return _zoned(one.last for one in logs.values())


def newest_of_alerts(alerts: Iterable[Alert]) -> datetime | None:
    return _zoned(one.starts_at for one in alerts)


def _zoned(stamps: Iterable[datetime | None]) -> datetime | None:
    return _newest(at if at and at.tzinfo else None for at in stamps)


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at), default=None)


def _told(obj: Object) -> Iterator[Any]:
    """The times at which something was seen to happen. What is still to come (an end of grace, a next run) is none."""
    for name in ("lastTimestamp", "deprecatedLastTimestamp", "eventTime", "firstTimestamp", "deprecatedFirstTimestamp"):
        yield obj.get(name)
    yield dig(obj, "metadata", "creationTimestamp")
    yield dig(obj, "series", "lastObservedTime")
    yield dig(obj, "spec", "renewTime")
    for condition in rows(obj, "status", "conditions"):
        yield condition.get("lastTransitionTime")
        yield condition.get("lastHeartbeatTime")
        yield condition.get("lastUpdateTime")
    for status in rows(obj, "status", "containerStatuses"):
        for state in ("state", "lastState"):
            for kept in mapping(status, state).values():
                yield dig(kept, "startedAt")
                yield dig(kept, "finishedAt")


def first_of_metrics(metrics: Mapping[str, Sequence[Series]]) -> datetime | None:
    firsts = (moment(one.points[0][0]) for found in metrics.values() for one in found if one.points)
    return min((at for at in firsts if at), default=None)


def window(end: datetime, since: timedelta, metrics: Mapping[str, Sequence[Series]]) -> Window:
    first = first_of_metrics(metrics)
    start = end - since
    if first and end - LONGEST < first < start:
        start = first
    return Window(start=start, end=end)


def settled(
    told: datetime | None, seen: Mapping[str, datetime | None], otherwise: datetime
) -> tuple[datetime, list[Gap]]:
    """The moment at which it was taken, `otherwise` where nothing in it tells, and what does not agree with it."""
    known = {source: at for source, at in seen.items() if at}
    newest = max(known.values(), default=None)
    if told is None:
        why = "meta.json does not say when the bundle was taken" + (
            "; the newest time in it was used" if newest else ", nor does anything in it; the time of reading was used"
        )
        how = 'write {"taken_at": RFC 3339} into meta.json'
        return newest or otherwise, [Gap(what="taken_at", why=why, how=how, deciding=newest is None)]
    ahead = {source: at - told for source, at in known.items() if at - told > SKEW}
    how = "set the clocks by one source of time"
    if ahead.keys() == {"logs"} and ahead["logs"] <= ZONES:
        why = f"logs are {_span(ahead['logs'])} ahead of taken_at: their programs may write local time without a zone"
        return told, [Gap(what="clocks", why=why, how="let programs log in UTC or with a zone", deciding=False)]
    if ahead:
        leads = ", ".join(f"{source} ({_span(lead)} ahead)" for source, lead in ahead.items())
        return told, [Gap(what="clocks", why=f"later than taken_at: {leads}", how=how)]
    metrics = known.get("metrics")
    if metrics and newest and told - newest > STALE:
        why = f"nothing in the bundle is newer than {_span(told - newest)} before taken_at; its newest time was used"
        return newest, [Gap(what="clocks", why=why, how=how)]
    return told, []


def _span(difference: timedelta) -> str:
    seconds = int(difference.total_seconds())
    return f"{seconds // 3600} h" if seconds >= 7200 else f"{seconds // 60} min"
