"""The simulated world's time.

The clock moves only when somebody moves it: `World.advance` sets it to the instant being computed, so every object, event, log line
and sample written during a step carries the simulated time, never the machine's. With a speed above zero a pacer asks `due()` how
much simulated time the machine's monotonic clock has earned since the last question and advances the world by that much; with speed
zero no machine clock is ever read and two runs with the same calls are the same to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimClock:
    def __init__(self, start: datetime, speed: float = 0.0, monotonic: Callable[[], float] | None = None) -> None:
        if start.tzinfo is None:
            raise ValueError("the start of the simulated clock needs a time zone")
        if speed < 0:
            raise ValueError("the speed of the simulated clock cannot be negative")
        if speed > 0 and monotonic is None:
            raise ValueError("a clock that runs by itself needs a monotonic clock to run by")
        self.speed = speed
        self._now = start.astimezone(UTC)
        self._monotonic = monotonic
        self._last = monotonic() if monotonic and speed > 0 else 0.0

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        if seconds < 0:
            raise ValueError("simulated time does not run backwards")
        self._now += timedelta(seconds=seconds)
        return self._now

    def set(self, moment: datetime) -> None:
        self.advance((moment - self._now).total_seconds())

    @property
    def runs_by_itself(self) -> bool:
        """Whether there is a monotonic clock to run by; such a clock may also be set to stand still for a while."""
        return self._monotonic is not None

    def set_speed(self, speed: float) -> None:
        """From now on; what was earned at the old speed and not asked for yet is let go."""
        if self._monotonic is None:
            raise ValueError("a clock that runs by itself needs a monotonic clock to run by")
        if speed < 0:
            raise ValueError("the speed of the simulated clock cannot be negative")
        self.speed = speed
        self._last = self._monotonic()

    def due(self) -> float:
        """Simulated seconds earned on the monotonic clock since the last call; nothing while time stands still."""
        if self._monotonic is None or self.speed == 0:
            return 0.0
        present = self._monotonic()
        earned = (present - self._last) * self.speed
        self._last = present
        return earned


def rfc3339(moment: datetime) -> str:
    """To the second, as the API server writes most times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time; a ValueError names what is wrong with it."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
