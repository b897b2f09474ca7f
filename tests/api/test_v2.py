"""Alertmanager's API over HTTP: its shapes, its errors, its own client, and who may come in."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for

CONFIG = """
route:
  receiver: team
  routes: [{matchers: ['severity="critical"'], receiver: pager}]
receivers: [{name: team, log_configs: [{}]}, {name: pager, log_configs: [{}]}]
"""
ALERTS = "/api/v2/alerts"
LAMP = {"labels": {"alertname": "Lamp", "house": "1"}, "annotations": {"summary": "dark"}}


@pytest.fixture
def now() -> datetime:
    return START


@pytest.fixture
async def opened(tmp_path: Path, now: datetime) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    (tmp_path / "am.yml").write_text(CONFIG)
    more = {"prometheus_url": "", "k8s_config_path": "", "alert_config": tmp_path / "am.yml", "api_rate_limit": 600}
    async with product(settings_for(tmp_path, "", tmp_path / "none", more), ManualClock(now)) as pair:
        intake = asyncio.create_task(pair[0].alerts.intake.run())
        yield pair
        intake.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await intake


@pytest.fixture
def house(opened: tuple[House, httpx.AsyncClient]) -> House:
    return opened[0]


@pytest.fixture
def http(opened: tuple[House, httpx.AsyncClient]) -> httpx.AsyncClient:
    return opened[1]


def a_silence(**said: Any) -> dict[str, Any]:
    return {
        "matchers": [{"name": "alertname", "value": "Lamp", "isRegex": False, "isEqual": True}],
        "startsAt": START.isoformat(),
        "endsAt": (START + timedelta(hours=1)).isoformat(),
        "createdBy": "mei",
        "comment": "we know",
        **said,
    }


async def test_what_prometheus_sends_is_shown_and_ends_when_it_says_so(http: httpx.AsyncClient) -> None:
    sent = {
        **LAMP,
        "startsAt": START.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
    }
    assert (await http.post(ALERTS, json=[sent])).status_code == 200
    (shown,) = (await http.get(ALERTS)).json()
    assert shown["labels"] == LAMP["labels"]
    assert shown["receivers"] == [{"name": "team"}]
    assert shown["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}
    assert shown["generatorURL"] == "http://prometheus/graph"
    assert (await http.post(ALERTS, json=[{**sent, "endsAt": START.isoformat()}])).status_code == 200
    assert (await http.get(ALERTS)).json() == []


async def test_of_a_post_the_wrong_are_refused_by_a_sentence_and_the_good_are_taken(http: httpx.AsyncClient) -> None:
    answer = await http.post(ALERTS, json=[LAMP, {"labels": {}}])
    assert (answer.status_code, answer.json()) == (400, "An alert needs at least one label.")
    assert len((await http.get(ALERTS)).json()) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b'[{"labels": {"a": 1}}]', b'[{"labels": {"a": "b"}, "startsAt": "soon"}]', b"\xff"]
)
async def test_nonsense_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(ALERTS, content=body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)


async def test_a_silence_is_made_changed_and_ended(http: httpx.AsyncClient) -> None:
    made = (await http.post("/api/v2/silences", json=a_silence())).json()["silenceID"]
    changed = await http.post("/api/v2/silences", json=a_silence(id=made, comment="longer"))
    assert changed.json()["silenceID"] == made
    (shown,) = (await http.get("/api/v2/silences", params={"filter": 'alertname="Lamp"'})).json()
    assert (shown["status"]["state"], shown["comment"], shown["createdBy"]) == ("active", "longer", "mei")
    assert (await http.delete(f"/api/v2/silence/{made}")).status_code == 200
    assert (await http.get(f"/api/v2/silence/{made}")).json()["status"]["state"] == "expired"
    assert (await http.delete(f"/api/v2/silence/{made}")).status_code == 500
    assert (await http.get("/api/v2/silence/no-such")).status_code == 404


async def test_a_silence_that_would_cover_everything_is_refused(http: httpx.AsyncClient) -> None:
    everything = a_silence(matchers=[{"name": "alertname", "value": ".*", "isRegex": True}])
    answer = await http.post("/api/v2/silences", json=everything)
    assert answer.status_code == 400
    assert "everything" in answer.json()


async def test_a_silence_may_recur_in_hours_of_its_own(http: httpx.AsyncClient) -> None:
    hours = {
        "weekdays": ["sunday"],
        "times": [{"start_time": "02:00", "end_time": "04:00"}],
        "location": "Asia/Shanghai",
    }
    assert (await http.post("/api/v2/silences", json=a_silence(recurs=hours))).status_code == 200
    assert (await http.get("/api/v2/silences")).json()[0]["recurs"] == hours
    wrong = await http.post("/api/v2/silences", json=a_silence(recurs={"weekdays": ["someday"]}))
    assert (wrong.status_code, "someday" in wrong.json()) == (400, True)


async def test_the_token_may_come_as_a_password(house: House, http: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=http.base_url) as stranger:
        basic = base64.b64encode(f"prometheus:{house.admin_token}".encode()).decode()
        assert (await stranger.get(ALERTS)).status_code == 401
        assert (await stranger.get(ALERTS, headers={"Authorization": f"Basic {basic}"})).status_code == 200
        assert (await stranger.get(ALERTS, headers={"Authorization": "Basic bm9wZTpub3Bl"})).status_code == 401


async def test_a_reader_may_look_and_may_not_silence(house: House, http: httpx.AsyncClient) -> None:
    token = await house.doorkeeper.add("looker", "viewer", None)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await http.get(ALERTS, headers=headers)).status_code == 200
    assert (await http.post("/api/v2/silences", json=a_silence(), headers=headers)).status_code == 403
    assert (await http.post(ALERTS, json=[LAMP], headers=headers)).status_code == 403


async def test_many_posts_a_minute_are_no_flood(http: httpx.AsyncClient) -> None:
    answers = [await http.post(ALERTS, json=[LAMP]) for _ in range(700)]
    assert {answer.status_code for answer in answers} == {200}


class Amtool:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "amtool",
            f"--alertmanager.url={self._url}",
            "--no-version-check",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, err.decode()
        return out.decode()


@pytest.fixture
def amtool(house: House, http: httpx.AsyncClient) -> Amtool:
    return Amtool(str(http.base_url).replace("://", f"://amtool:{house.admin_token}@", 1))


@pytest.mark.real("alertmanager")
class TestAmtool:
    """It goes by the clock on the wall: it shows no silence that has run out by then."""

    @pytest.fixture
    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    async def test_adds_and_finds_alerts_and_silences(self, amtool: Amtool, house: House) -> None:
        await amtool("alert", "add", "alertname=Lamp", "house=1", "severity=critical", "--annotation=summary=dark")
        (alert,) = json.loads(await amtool("-o", "json", "alert", "query", "alertname=Lamp"))
        assert alert["receivers"] == [{"name": "pager"}]
        made = (await amtool("silence", "add", "alertname=Lamp", "-c", "we know", "-d", "2h", *since(house))).strip()
        (shown,) = json.loads(await amtool("-o", "json", "alert", "query", "--silenced"))
        assert shown["status"]["silencedBy"] == [made]
        assert (await amtool("silence", "query", "-q")).split() == [made]
        await amtool("silence", "update", made, "-d", "3h", "-c", "longer")
        assert (await house.alerts.silences.get(made)).comment == "longer"
        await amtool("silence", "expire", made)
        assert (await house.alerts.silences.get(made)).state(house.clock.now()) == "expired"

    async def test_asks_where_an_alert_would_go(self, amtool: Amtool) -> None:
        assert (await amtool("config", "routes", "test", "severity=critical")).strip() == "pager"
        assert (await amtool("config", "routes", "test", "severity=warning")).strip() == "team"
        assert "default-route  receiver: team" in await amtool("config", "routes", "show")
        assert "receiver: pager" in await amtool("config", "show")


def since(house: House) -> list[str]:
    """The house's clock stands still: what begins now on the wall has not begun there."""
    return ["--start", house.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")]
