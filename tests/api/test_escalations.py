"""Escalations in a whole house: from their file to an alert's history."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Invalid
from tests.acceptance.stage import START, product, settings_for
from tests.api.test_incidents import fires

ROUTES = """
route: {receiver: everybody}
receivers:
  - {name: everybody, log_configs: [{}]}
  - {name: boss, log_configs: [{}]}
"""
WRITTEN = """
escalations:
  - name: urgent
    matchers: [severity="critical"]
    steps: [{after: 30s, receiver: boss}]
"""


def written(folder: Path, escalations: str) -> dict[str, Any]:
    routes, file = folder / "routes.yaml", folder / "escalations.yaml"
    routes.write_text(ROUTES)
    file.write_text(escalations)
    return {"prometheus_url": "", "k8s_config_path": "", "alert_config": str(routes), "escalations": str(file)}


async def test_who_was_told_next_is_in_the_alerts_history(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", written(tmp_path, WRITTEN))
    async with product(settings, ManualClock(START)) as (house, http):
        key = await fires(house, "CrashLooping", severity="critical", namespace="shop")
        await house.alerts.notifier.restore()
        await house.alerts.escalator.restore()
        await house.alerts.escalator.tick()
        history = (await http.get(f"/api/v1/alerts/{key}/history")).json()["data"]
        told = [(one["receiver"], one["reason"]) for one in history["decisions"]]
        assert ("boss/log[0]", "escalated") in told
        assert [one["reason"] for one in history["deliveries"]] == ["escalated"]


async def test_an_alert_is_taken_for_a_while_and_whoever_was_told_hears_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", written(tmp_path, WRITTEN))
    clock = ManualClock(START)
    async with product(settings, clock) as (house, http):
        key = await fires(house, "CrashLooping", severity="critical", namespace="shop")
        await house.alerts.notifier.restore()
        await house.alerts.escalator.tick()
        taken = (await http.post(f"/api/v1/alerts/{key}/acknowledge", json={"hold": "2h"})).json()["data"]
        assert taken["acknowledged_until"] == (START + timedelta(hours=2)).isoformat()
        await house.alerts.escalator.tick()
        history = (await http.get(f"/api/v1/alerts/{key}/history")).json()["data"]
        assert [one["reason"] for one in history["deliveries"]] == ["escalated", "end_taken"]
        await clock.advance(7201)
        await house.alerts.escalator.tick()
        assert (await http.get(f"/api/v1/alerts/{key}")).json()["data"]["acknowledged_by"] is None
        for hold in ("1s", "soon", "99d"):
            assert (await http.post(f"/api/v1/alerts/{key}/acknowledge", json={"hold": hold})).status_code == 422


async def test_who_is_on_duty_is_told_for_any_moment(tmp_path: Path) -> None:
    rota = "rotas: [{name: night, receivers: [boss, everybody], start: 2026-03-02, location: Asia/Shanghai}]\n"
    settings = settings_for(tmp_path, "", tmp_path / "none", written(tmp_path, rota + WRITTEN))
    async with product(settings, ManualClock(START)) as (_, http):
        now = (await http.get("/api/v1/escalations/duty")).json()["data"]
        assert (now["at"], now["rotas"][0]["now"]["receiver"]) == (START.isoformat(), "boss")
        assert now["rotas"][0]["now"]["to"] == "2026-03-09T09:00:00+08:00"
        later = await http.get("/api/v1/escalations/duty", params={"at": "2026-03-09T09:00:00+08:00", "turns": 3})
        (one,) = later.json()["data"]["rotas"]
        assert [one["now"]["receiver"], *(turn["receiver"] for turn in one["next"])] == [
            "everybody",
            "boss",
            "everybody",
        ]
        assert (await http.get("/api/v1/escalations/duty", params={"turns": 99})).status_code == 422
        assert (await http.get("/api/v1/escalations/duty", headers={"Authorization": "Bearer no"})).status_code == 401


async def test_a_receiver_that_is_not_there_keeps_the_house_from_starting(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", written(tmp_path, WRITTEN.replace("boss", "bos")))
    with pytest.raises(Invalid, match=r"no receiver bos .*Did you mean boss"):
        async with product(settings, ManualClock(START)):
            pass
