"""Who is on duty now and who comes next, for every rota: what a person asks before going home.

The turns ahead are found by walking the moments at which anything can change (the hours of relief, the beginnings and ends of overrides),
and joining those between which nobody changes. A day on which the rota's holidays fall is named, so that whoever is next sees it; the turn
itself goes on, because somebody has to be on duty on a holiday too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from alerts.escalation.rota import DAY, Rota
from alerts.routing.intervals import TimeInterval

AHEAD = timedelta(days=400)
MAX_TURNS = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """An unbroken time of one receiver, from when it is known to when it is handed over."""

    receiver: str
    begins: datetime
    ends: datetime | None
    """None: nobody else comes within what is looked ahead."""
    override: bool = False
    holidays: tuple[str, ...] = ()

    def to_json(self, rota: Rota) -> dict[str, Any]:
        return {
            "receiver": self.receiver,
            "from": _local(self.begins, rota),
            "to": _local(self.ends, rota) if self.ends else None,
            "override": self.override,
            "holidays": list(self.holidays),
        }


def duty(
    rotas: Mapping[str, Rota], at: datetime, calendars: Mapping[str, TimeInterval], turns: int = 2
) -> list[dict[str, Any]]:
    return [
        {
            "rota": name,
            "location": str(rota.zone),
            "handover": rota.handover.strftime("%H:%M"),
            "every_days": rota.days,
            "receivers": list(rota.receivers),
            "unknown_holidays": [each for each in rota.holidays if each not in calendars],
            "now": found[0].to_json(rota),
            "next": [turn.to_json(rota) for turn in found[1:]],
            "overrides": [
                {"receiver": one.receiver, "from": _local(one.begins, rota), "to": _local(one.ends, rota)}
                for one in rota.overrides
                if one.ends > at
            ][:MAX_TURNS],
        }
        for name, rota in sorted(rotas.items())
        for found in [ahead(rota, at, calendars, turns)]
    ]


def ahead(rota: Rota, at: datetime, calendars: Mapping[str, TimeInterval], turns: int = 2) -> list[Turn]:
    """The turn at that moment and those after it; the first begins when it is asked for."""
    found: list[Turn] = []
    begins, who = at, rota.turn(at)
    for moment in _changes(rota, at):
        if rota.turn(moment) == who:
            continue
        found.append(_turn(rota, who, begins, moment, calendars))
        if len(found) == turns:
            return found
        begins, who = moment, rota.turn(moment)
    return [*found, _turn(rota, who, begins, None, calendars)]


def _turn(
    rota: Rota, who: tuple[str, bool], begins: datetime, ends: datetime | None, calendars: Mapping[str, TimeInterval]
) -> Turn:
    return Turn(who[0], begins, ends, who[1], _holidays(rota, begins, ends or begins + DAY, calendars))


def _changes(rota: Rota, at: datetime) -> Iterator[datetime]:
    """Moments after this one at which the receiver may change, in their order."""
    edges = sorted({edge for one in rota.overrides for edge in (one.begins, one.ends) if at < edge <= at + AHEAD})
    day = at.astimezone(rota.zone).date() - DAY
    last = at + AHEAD
    while True:
        relief = rota.relief(day)
        while edges and edges[0] <= relief:
            yield edges.pop(0)
        if relief > last:
            return
        if relief > at:
            yield relief
        day += DAY


def _holidays(rota: Rota, begins: datetime, ends: datetime, calendars: Mapping[str, TimeInterval]) -> tuple[str, ...]:
    """Days of this turn on which one of the rota's calendars holds at noon, as `2026-10-01 national`."""
    found: list[str] = []
    day = begins.astimezone(rota.zone).date()
    while len(found) < MAX_TURNS and (noon := datetime.combine(day, time(12), rota.zone)) < ends:
        names = [name for name in rota.holidays if name in calendars and calendars[name].contains(noon)]
        if names and noon >= begins:
            found.append(f"{day.isoformat()} {', '.join(names)}")
        day += DAY
    return tuple(found)


def _local(at: datetime, rota: Rota) -> str:
    return at.astimezone(rota.zone).isoformat()


def lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """For a terminal: one line for now and one for each turn after it."""
    for rota in found:
        yield f"{rota['rota']} ({rota['location']}, handed over at {rota['handover']})"
        for word, turn in [("now", rota["now"]), *(("then", turn) for turn in rota["next"])]:
            until = turn["to"][:16].replace("T", " ") if turn["to"] else "no change in sight"
            marks = [*(["override"] if turn["override"] else []), *turn["holidays"]]
            yield f"  {word:<5}{turn['receiver']} until {until}" + (f" ({'; '.join(marks)})" if marks else "")


def moment(value: datetime | None, now: datetime) -> datetime:
    return (value or now).astimezone(UTC)
