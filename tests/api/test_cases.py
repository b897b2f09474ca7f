"""Cases over HTTP: listed, put right, judged, confirmed and rejected, by those who may."""

from pathlib import Path
from typing import Any

import httpx

from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for
from tests.knowledge_base.cases.fakes import finding, lesson

API = "/api/v1"
CASE = f"{API}/cases/a1"


def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json().get("data")


async def test_people_work_with_cases_over_http(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as (house, http):
        await house.cases.write(lesson("a1"), ended=True)
        await house.cases.write(lesson("a2", finding=finding(logs=[])), ended=True)
        eve = {"Authorization": f"Bearer {await house.doorkeeper.add('eve', 'viewer', None)}"}
        await _reads(http)
        await _may_not(http, eve)
        await _changes(http)
        await _judges(http)
        await _is_found_by_the_tool(http)
        await _rejects(http, eve)


async def _reads(http: httpx.AsyncClient) -> None:
    listed = data(await http.get(f"{API}/cases", params={"language": "zh", "limit": 1}))
    assert (listed["total"], len(listed["cases"])) == (2, 1)
    one = data(await http.get(CASE, params={"language": "zh"}))
    assert (one["title"], one["seconds"], one["my_rating"]) == ("shop/cart 的 OOM", 840, None)
    assert data(await http.get(f"{API}/cases", params={"q": "raise MEMORY", "namespace": "shop"}))["total"] == 2
    assert data(await http.get(f"{API}/cases", params={"alert": "None"}))["total"] == 0
    data(await http.get(f"{API}/cases/ffff"), 404)
    data(await http.get(f"{API}/cases", params={"state": "rejected"}), 422)
    data(await http.get(f"{API}/incidents/abc/similar"), 404)


async def _may_not(http: httpx.AsyncClient, eve: dict[str, str]) -> None:
    for method, path, body in (
        ("POST", "/confirm", {}),
        ("POST", "/rate", {"stars": 5}),
        ("DELETE", "", {}),
        ("PUT", "", {"version": 1}),
    ):
        data(await http.request(method, CASE + path, json=body, headers=eve), 403)
    assert data(await http.get(CASE, headers=eve))["version"] == 1


async def _changes(http: httpx.AsyncClient) -> None:
    changed = data(await http.put(CASE, json={"version": 1, "title": "The cache grew", "tags": ["cache"]}))
    assert (changed["title"], changed["version"]) == ("The cache grew", 2)
    data(await http.put(CASE, json={"version": 1, "title": "Another"}), 409)
    for wrong in ({"version": 2, "titel": "x"}, {"version": 2, "tags": ["two words"]}, {"title": "x"}):
        data(await http.put(CASE, json=wrong), 422)
    assert [one["id"] for one in data(await http.get(f"{API}/cases", params={"tag": "cache"}))["cases"]] == ["a1"]


async def _judges(http: httpx.AsyncClient) -> None:
    assert data(await http.post(f"{CASE}/rate", json={"helpful": True}))["my_rating"] == 5
    rated = data(await http.post(f"{CASE}/rate", json={"stars": 2}))
    assert (rated["ratings"], rated["stars"], data(await http.get(CASE))["my_rating"]) == (1, 2.0, 2)
    for wrong in ({}, {"stars": 6}, {"stars": 3, "helpful": True}, {"star": 3}):
        data(await http.post(f"{CASE}/rate", json=wrong), 422)
    assert data(await http.post(f"{CASE}/confirm"))["confirmed_by"] == "admin"
    rows = data(await http.get(f"{CASE}/versions"))["versions"]
    assert [(row["what"], row["by"]) for row in rows] == [
        ("confirmed", "admin"),
        ("edited", "admin"),
        ("made", "firstmate"),
    ]


async def _is_found_by_the_tool(http: httpx.AsyncClient) -> None:
    told = data(await http.post(f"{API}/tools/similar_incidents", json={"logs": ["cannot allocate 7 bytes"]}))
    assert [case["id"] for case in told["data"]["cases"]] == ["a1"]


async def _rejects(http: httpx.AsyncClient, eve: dict[str, str]) -> None:
    assert data(await http.delete(CASE)) == {"id": "a1", "deleted": True}
    data(await http.get(CASE, headers=eve), 404)
    assert data(await http.get(f"{API}/cases"))["total"] == 1
