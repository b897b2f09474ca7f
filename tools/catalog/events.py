"""Events, grouped: the same reason and message about the pods of one workload is one row with a count, the newest first."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from tools.catalog.reading import age
from tools.catalog.terse import Terse
from tools.engines.diagnosis import Window
from tools.engines.objects import Object
from tools.engines.snapshot import Event, Snapshot

MAX_MESSAGE = 300
_VARIES = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,}\b|\d+")
_POD_SUFFIX = re.compile(r"(?:-[a-z0-9]{6,10})?-[a-z0-9]{5}$|-\d+$")


class EventGroup(Terse):
    type: str
    reason: str = ""
    about: str
    message: str = ""
    count: int
    last_seen: datetime | None = None
    age: str = ""


def grouped(events: Iterable[Object], now: datetime) -> list[EventGroup]:
    window = Window(start=now - timedelta(hours=1), end=now)
    groups: dict[tuple[str, str, str, str], list[Event]] = {}
    for event in Snapshot(objects=list(events), taken_at=now, window=window).events:
        said = _VARIES.sub("#", event.message.replace(event.name, "@"))
        groups.setdefault((event.namespace, _family(event), event.reason, said), []).append(event)
    found = [_group(members, now) for members in groups.values()]
    return sorted(found, key=lambda group: (group.type != "Warning", -(group.last_seen or window.start).timestamp()))


def _group(members: list[Event], now: datetime) -> EventGroup:
    last = members[-1]
    message = " ".join(last.message.split())
    others = len({event.name for event in members}) - 1
    return EventGroup(
        type=last.type,
        reason=last.reason,
        about=f"{last.kind} {last.namespace}/{last.name}" + (f" (+{others})" if others else ""),
        message=message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + " ...",
        count=sum(event.count for event in members),
        last_seen=last.at,
        age=age(last.at, now),
    )


def _family(event: Event) -> str:
    """The pods of one workload are one family."""
    return f"{event.kind} {_POD_SUFFIX.sub('', event.name) if event.kind == 'Pod' else event.name}"
