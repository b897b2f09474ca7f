"""Whose turn it is: people in order, relieved at one hour of the rota's own time zone, and exceptions to that.

Shifts are counted in days of the wall clock, not in hours that have passed: a week with a change to summer time is still handed over at
nine. Of exceptions that overlap the last one written holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from alerts.fields import duration, expect_fields, listed, mapping, text, texts
from alerts.fields import zone as read_zone
from core.errors import Invalid

_FIELDS = ("name", "receivers", "start", "every", "handover", "location", "overrides", "holidays")
_OVERRIDE = ("receiver", "from", "to")
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Override:
    receiver: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    name: str
    receivers: tuple[str, ...]
    start: date
    days: int = 7
    handover: time = time(9)
    zone: tzinfo = UTC
    overrides: tuple[Override, ...] = ()
    holidays: tuple[str, ...] = ()
    """Names of time intervals in the file of routes; they are shown, and move nobody's turn."""

    def on_duty(self, at: datetime) -> str:
        return self.turn(at)[0]

    def relief(self, day: date) -> datetime:
        """That day's handover: of an hour that clocks skip the one after it, of one that comes twice the first."""
        return datetime.combine(day, self.handover, self.zone).astimezone(UTC)

    def turn(self, at: datetime) -> tuple[str, bool]:
        """Who it is, and whether by an override."""
        for override in reversed(self.overrides):
            if override.begins <= at < override.ends:
                return override.receiver, True
        local = at.astimezone(self.zone)
        # Before the hour of relief it is still yesterday's shift.
        day = local.date() - (DAY if at < self.relief(local.date()) else timedelta(0))
        return self.receivers[(day - self.start).days // self.days % len(self.receivers)], False

    def named(self) -> set[str]:
        return {*self.receivers, *(override.receiver for override in self.overrides)}


def read_rota(entry: Any, where: str) -> Rota:
    entry = mapping(entry, where, "a rota as a mapping")
    expect_fields(entry, _FIELDS, where)
    name = text(entry.get("name"), where, "name")
    where = f"{where.removesuffix(':')} {name!r}:"
    receivers = texts(entry.get("receivers"), where, "receivers")
    if not receivers:
        raise Invalid(f"{where} receivers must name at least one.", field="receivers")
    every = duration(entry, "every", where, WEEK)
    if every < DAY or every % DAY:
        raise Invalid(f"{where} every must be whole days, like 1d or 1w.", field="every")
    zone = read_zone(entry.get("location"), where)
    return Rota(
        name=name,
        receivers=tuple(receivers),
        start=_moment(entry, "start", where).date(),
        days=every // DAY,
        handover=_hour(entry.get("handover", "09:00"), where),
        zone=zone,
        overrides=tuple(_override(each, zone, where) for each in listed(entry.get("overrides"), where, "overrides")),
        holidays=tuple(texts(entry.get("holidays"), where, "holidays")),
    )


def _override(entry: Any, zone: tzinfo, where: str) -> Override:
    entry = mapping(entry, where, "overrides as mappings of receiver, from and to")
    expect_fields(entry, _OVERRIDE, where)
    begins, ends = (_in_zone(_moment(entry, name, where), zone) for name in ("from", "to"))
    if begins >= ends:
        raise Invalid(f"{where} an override's from must be before its to.", field="overrides")
    return Override(text(entry.get("receiver"), where, "receiver"), begins, ends)


def _moment(entry: Mapping[str, Any], name: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(str(entry.get(name)))
    except ValueError:
        raise Invalid(f"{where} {name} must be written as 2026-03-02 or 2026-03-02T09:00.", field=name) from None


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _hour(value: Any, where: str) -> time:
    try:
        return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 - an hour of no day and no zone
    except ValueError:
        raise Invalid(f"{where} handover must be written as HH:MM.", field="handover") from None
