"""How each part is, checked beside the requests.

A loop asks every part in turn, each under its own timeout, and keeps what it said and when. A request only reads what is kept, so
the health page answers at once even while a part hangs. A part that is not set up is no failure: it says how to set it up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from core.clock import Clock
from core.errors import FirstmateError, NotConfigured
from core.logs import get

Status = Literal["healthy", "unhealthy", "not_configured", "unknown"]
Check = Callable[[], Awaitable[str]]
CHECK_SECONDS = 5.0
EVERY_SECONDS = 15.0
_log = get(__name__)


class Component(BaseModel):
    status: Status
    details: str
    response_time: float | None = None
    checked_at: datetime | None = None


class Health:
    def __init__(self, checks: Mapping[str, Check], clock: Clock, version: str) -> None:
        self._checks = checks
        self._clock = clock
        self._version = version
        self._started = clock.monotonic()
        self._known = {name: Component(status="unknown", details="not checked yet") for name in checks}

    async def run(self) -> None:
        while True:
            await self.check()
            await self._clock.sleep(EVERY_SECONDS)

    async def check(self) -> None:
        await asyncio.gather(*(self._one(name, check) for name, check in self._checks.items()))

    def report(self) -> dict[str, Any]:
        worst = any(part.status == "unhealthy" for part in self._known.values())
        return {
            "status": "degraded" if worst else "healthy",
            "timestamp": self._clock.now().isoformat(),
            "version": self._version,
            "uptime": round(self._clock.monotonic() - self._started, 1),
            "components": {name: part.model_dump(mode="json") for name, part in self._known.items()},
        }

    async def _one(self, name: str, check: Check) -> None:
        started = self._clock.monotonic()
        status, details = await _asked(name, check)
        before = self._known[name].status
        if status != before and "unhealthy" in (status, before):
            _log.warning("component changed", component=name, before=before, now=status, details=details)
        self._known[name] = Component(
            status=status,
            details=details,
            response_time=round(self._clock.monotonic() - started, 4),
            checked_at=self._clock.now(),
        )


async def _asked(name: str, check: Check) -> tuple[Status, str]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return "healthy", await check()
    except NotConfigured as error:
        return "not_configured", error.sentence
    except FirstmateError as error:
        return "unhealthy", error.sentence
    except TimeoutError:
        return "unhealthy", f"{name} did not answer within {CHECK_SECONDS:.0f} s"
