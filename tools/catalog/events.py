"""Events, grouped: the same reason about the same object is one row with a count, the newest first."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel

from tools.catalog.reading import age
from tools.engines.diagnosis import Window
from tools.engines.snapshot import Event, Object, Snapshot

MAX_MESSAGE = 300
_VARIES = re.compile(r"\b[0-9a-f]{8,}\b|\d+")


class EventGroup(BaseModel):
    type: str
    reason: str
    about: str
    message: str
    count: int
    last_seen: datetime | None
    age: str


def grouped(events: Iterable[Object], now: datetime) -> list[EventGroup]:
    window = Window(start=now - timedelta(hours=1), end=now)
    groups: dict[tuple[str, str, str], list[Event]] = {}
    for event in Snapshot(objects=list(events), taken_at=now, window=window).events:
        groups.setdefault((_about(event), event.reason, _VARIES.sub("#", event.message)), []).append(event)
    found = [_group(members, now) for members in groups.values()]
    return sorted(found, key=lambda group: (group.type != "Warning", -(group.last_seen or window.start).timestamp()))


def _group(members: list[Event], now: datetime) -> EventGroup:
    last = members[-1]
    message = " ".join(last.message.split())
    return EventGroup(
        type=last.type,
        reason=last.reason,
        about=_about(last),
        message=message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + " ...",
        count=sum(event.count for event in members),
        last_seen=last.at,
        age=age(last.at, now),
    )


def _about(event: Event) -> str:
    place = f"{event.namespace}/" if event.namespace else ""
    return f"{event.kind} {place}{event.name}"
