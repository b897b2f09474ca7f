import asyncio

import pytest

import api.health
from api.health import Health
from core.clock import ManualClock
from core.errors import NotConfigured, Upstream


async def fine() -> str:
    return "2.42.0"


async def down() -> str:
    raise Upstream("Prometheus", "refused the connection", retryable=True)


async def unset() -> str:
    raise NotConfigured("Redis", "set REDIS_URL")


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_each_part_is_told_by_itself(clock: ManualClock) -> None:
    health = Health({"database": fine, "prometheus": down, "redis": unset}, clock, "1.0")
    await health.check()
    report = health.report()
    parts = report["components"]
    assert (parts["database"]["status"], parts["database"]["details"]) == ("healthy", "2.42.0")
    assert (parts["prometheus"]["status"], parts["prometheus"]["details"]) == (
        "unhealthy",
        "Prometheus refused the connection",
    )
    assert parts["redis"]["status"] == "not_configured"
    assert report["status"] == "degraded"


async def test_what_is_not_set_up_is_no_failure(clock: ManualClock) -> None:
    health = Health({"database": fine, "redis": unset}, clock, "1.0")
    await health.check()
    assert health.report()["status"] == "healthy"


async def test_before_the_first_check_nothing_is_claimed(clock: ManualClock) -> None:
    report = Health({"database": fine}, clock, "1.0").report()
    assert report["components"]["database"]["status"] == "unknown"


async def test_a_part_that_hangs_is_said_to_hang_and_does_not_delay_the_others(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health({"database": fine, "cluster": hangs}, clock, "1.0")
    monkeypatch.setattr(api.health, "CHECK_SECONDS", 0.02)
    await health.check()
    parts = health.report()["components"]
    assert parts["database"]["status"] == "healthy"
    assert "did not answer" in parts["cluster"]["details"]
