"""How fast a vendor takes messages, kept so that it need not refuse them: DingTalk shuts a robot out for minutes that spoke too often.

A bucket holds as many tokens as a rate allows, and a spent token comes back when the rate's time has passed: so no window of that length,
wherever it begins, sees more messages than the rate. A message takes the next token that will be free, which is a booking: it
waits in the outbox until then, in the order of its group, and nothing is dropped. Nor does a newer message take the place of one that
waits: ends that the older one tells would be told by nobody, and an end may not come without its beginning.

Bookings are forgotten by a restart; what was waiting then is due at its booked time and takes a token like any other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.errors import Invalid

PUBLISHED: Mapping[str, str] = {"dingtalk": "20/m", "wecom": "20/m", "feishu": "100/m, 5/s", "slack": "1/s"}
"""What vendors say they take from one robot or webhook; the others say nothing that holds for everybody, or answer 429 in time."""
MAX_COUNT = 1_000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"([1-9]\d{0,3})\s*/\s*([smhd])")


@dataclass(frozen=True, slots=True)
class Rate:
    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """The rates of one address. Two ways with the same `address` (a hash) share their tokens."""

    address: str
    written: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    rates: tuple[Rate, ...]
    spent: tuple[datetime, ...] = ()
    """When the last tokens were or will be spent, the oldest first."""

    def take(self, now: datetime) -> tuple["Bucket", datetime]:
        """The bucket without one token, and when that token may be used: now, or when it will have come back."""
        back = [self.spent[-rate.count] + rate.per for rate in self.rates if len(self.spent) >= rate.count]
        at = max([now, *back])
        kept = max(rate.count for rate in self.rates)
        return replace(self, spent=(*self.spent, at)[-kept:]), at


def read_rates(written: object, where: str) -> tuple[Rate, ...]:
    """`20/m`, or several (`100/m, 5/s`) that all hold; `none` for none."""
    text = str(written).strip()
    if text == "none":
        return ()
    found = [_RATE.fullmatch(each.strip()) for each in text.split(",")]
    rates = [Rate(int(match[1]), timedelta(seconds=_SECONDS[match[2]])) for match in found if match]
    if len(rates) != len(found) or any(rate.count > MAX_COUNT for rate in rates):
        raise Invalid(
            f"{where} rate_limit must be written as 20/m, with s, m, h or d, several by commas, at most {MAX_COUNT}; or none.",
            field="rate_limit",
        )
    return tuple(rates)


@dataclass
class Pace:
    """Who may send when. Buckets outlive a change of the file, so that a reload is no way around a vendor's limit."""

    limits: Mapping[str, Limit] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _booked: dict[str, set[int]] = field(default_factory=dict)

    def replace(self, limits: Mapping[str, Limit]) -> None:
        addresses = {limit.address for limit in limits.values()}
        self.limits = limits
        self._booked = {}
        self._buckets = {address: bucket for address, bucket in self._buckets.items() if address in addresses}

    def turn(self, way: str, message: int, now: datetime) -> datetime | None:
        """None if this message may go now, else when it may. Whoever comes back at that time has kept its booking."""
        limit = self.limits.get(way)
        if limit is None or not limit.rates:
            return None
        booked = self._booked.setdefault(way, set())
        if message in booked:
            booked.remove(message)
            return None
        known = self._buckets.get(limit.address, Bucket(limit.rates))
        self._buckets[limit.address], at = replace(known, rates=limit.rates).take(now)
        if at <= now:
            return None
        booked.add(message)
        return at

    def waiting(self, way: str) -> int:
        return len(self._booked.get(way, ()))

    def words(self, way: str) -> str:
        limit = self.limits.get(way)
        return f"waits its turn: this address takes {limit.written}" if limit else ""
