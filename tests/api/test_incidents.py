"""Incidents over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.model import Alert, Change, Transition, fingerprint
from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for

INCIDENTS = "/api/v1/incidents"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as pair:
        yield pair


async def fires(house: House, name: str, **labels: str) -> str:
    labels = {"alertname": name, **labels}
    at = START - timedelta(minutes=1)
    one = Alert(fingerprint(labels), "r", name, labels, {}, "firing", 1, f"e-{name}", at, fired_at=at)
    change = Change(one, Transition("inactive", "firing", "seen", at))
    await house.alerts.evaluator._store.save([change])
    house.alerts.incidents.put(change)
    await house.alerts.incidents.tick()
    return one.fingerprint


async def data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_incidents_are_listed_opened_merged_split_and_named(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, http = opened
    crash = await fires(house, "CrashLooping", deployment="api", namespace="shop")
    await fires(house, "ReplicasMissing", deployment="api", namespace="shop")
    disk = await fires(house, "DiskFull", node="n1")
    listed = await data(await http.get(INCIDENTS, params={"state": "open", "namespace": "shop"}))
    assert listed["total"] == 1
    shop = listed["incidents"][0]["id"]
    other = (await data(await http.get(f"/api/v1/alerts/{disk}")))["incident"]
    merged = await data(await http.post(f"{INCIDENTS}/{shop}/merge", json={"incidents": [other]}))
    assert merged["alerts"] == 3
    back = await data(await http.post(f"{INCIDENTS}/{shop}/split", json={"alerts": [disk]}))
    assert back["id"] == other
    await data(await http.post(f"{INCIDENTS}/{shop}/title", json={"title": "The release of noon"}))
    one = await data(await http.get(f"{INCIDENTS}/{shop}"))
    assert one["title"] == "The release of noon"
    assert crash in {member["fingerprint"] for member in one["members"]}


async def test_who_merged_and_why_is_told_and_can_be_undone(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, http = opened
    crash = await fires(house, "CrashLooping", deployment="api", namespace="shop")
    disk = await fires(house, "DiskFull", node="n1")
    into, other = [(await data(await http.get(f"/api/v1/alerts/{key}")))["incident"] for key in (crash, disk)]
    body = {"incidents": [other], "note": "the same release"}
    await data(await http.post(f"{INCIDENTS}/{into}/merge", json=body))
    one = await data(await http.get(f"{INCIDENTS}/{into}"))
    assert [member["why"] for member in one["members"] if member["fingerprint"] == disk] == ["by hand by admin"]
    assert one["service_map"]["known"] is False
    assert one["service_map"]["missing"]
    (row,) = (await data(await http.get(f"{INCIDENTS}/{into}/arrangements")))["arrangements"]
    assert (row["what"], row["by"], row["note"], row["others"]) == ("merge", "admin", "the same release", [other])
    undone = await data(await http.post(f"{INCIDENTS}/{into}/undo", json={"arrangement": row["id"], "note": "no"}))
    assert (undone["undone_by"], undone["undone_note"]) == ("admin", "no")
    assert (await data(await http.get(f"/api/v1/alerts/{disk}")))["incident"] == other
    assert (await http.post(f"{INCIDENTS}/{into}/undo", json={"arrangement": row["id"]})).status_code == 409
    assert (await http.post(f"{INCIDENTS}/{into}/undo", json={})).status_code == 404


async def test_what_is_not_there_and_what_is_not_asked_well(opened: tuple[House, httpx.AsyncClient]) -> None:
    _, http = opened
    assert (await http.get(f"{INCIDENTS}/ffff")).status_code == 404
    for path, body in (("merge", {"incidents": []}), ("split", {"alerts": ["x"]}), ("title", {})):
        assert (await http.post(f"{INCIDENTS}/ffff/{path}", json=body)).status_code in (400, 422)
    assert (await http.get(INCIDENTS, params={"state": "asleep"})).status_code in (400, 422)
    assert (await http.get(INCIDENTS, headers={"Authorization": "Bearer wrong"})).status_code == 401
