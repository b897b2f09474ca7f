"""What a namespace keeps saying: its events as patterns, and the errors in its logs and events, counted.

Both are for a first look. An event is counted under its kind and reason with what varies masked, so that forty pods that cannot be
scheduled are one line. Nothing is judged here: what a pattern means is the diagnosis's part.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pydantic import BaseModel

from tools.engines.logs.patterns import mask
from tools.engines.snapshot import Event, Snapshot

MAX_ROWS = 50
MAX_NAMED = 5
_ERRORS = {"fatal", "error"}


class EventPattern(BaseModel):
    reason: str
    type: str
    kind: str
    pattern: str
    count: int
    objects: list[str]
    first: datetime | None = None
    last: datetime | None = None
    example: str


class ErrorLine(BaseModel):
    source: str
    where: list[str]
    pattern: str
    level: str
    count: int
    first: datetime | None = None
    last: datetime | None = None
    example: str


def event_patterns(snapshot: Snapshot) -> list[EventPattern]:
    """Warnings first, and there the frequent before the rare."""
    found: dict[tuple[str, str, str, str], list[Event]] = defaultdict(list)
    for event in snapshot.events:
        if event.at is None or event.at >= snapshot.window.start:
            found[(event.type, event.kind, event.reason, mask(event.message))].append(event)
    told = [_event_pattern(key[3], events) for key, events in found.items()]
    return sorted(told, key=lambda one: (one.type != "Warning", -one.count, one.reason))


def error_lines(snapshot: Snapshot) -> list[ErrorLine]:
    told = [*_logged(snapshot), *_warned(snapshot)]
    return sorted(told, key=lambda one: (one.level != "fatal", -one.count, one.pattern))


def _event_pattern(pattern: str, events: Sequence[Event]) -> EventPattern:
    latest = events[-1]
    return EventPattern(
        reason=latest.reason,
        type=latest.type,
        kind=latest.kind,
        pattern=pattern,
        count=sum(event.count for event in events),
        objects=list(dict.fromkeys(f"{event.namespace}/{event.name}" for event in reversed(events)))[:MAX_NAMED],
        first=_first(event.at for event in events),
        last=latest.at,
        example=latest.message,
    )


def _logged(snapshot: Snapshot) -> Iterator[ErrorLine]:
    found: dict[str, list[tuple[str, ErrorLine]]] = defaultdict(list)
    for key, log in snapshot.logs.items():
        for one in log.patterns:
            if one.level in _ERRORS:
                said = ErrorLine(
                    source="log", where=[], pattern=one.template, level=one.level, count=one.count,
                    first=one.first, last=one.last, example=one.example,
                )  # fmt: skip
                found[one.template].append((f"{key.namespace}/{key.pod}", said))
    for lines in found.values():
        places = list(dict.fromkeys(place for place, _ in lines))
        told = lines[0][1]
        yield told.model_copy(
            update={
                "where": places[:MAX_NAMED],
                "count": sum(line.count for _, line in lines),
                "first": _first(line.first for _, line in lines),
                "last": _last(line.last for _, line in lines),
            }
        )


def _warned(snapshot: Snapshot) -> Iterator[ErrorLine]:
    for one in event_patterns(snapshot):
        if one.type == "Warning":
            yield ErrorLine(
                source="event", where=one.objects, pattern=f"{one.reason}: {one.pattern}", level="error", count=one.count,
                first=one.first, last=one.last, example=one.example,
            )  # fmt: skip


def _first(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at), default=None)


def _last(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at), default=None)
