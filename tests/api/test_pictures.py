"""A picture that was sent is fetched by its signed address alone, whoever fetches it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from alerts.arriving import INTAKE, Arrival
from alerts.model import Alert, fingerprint
from alerts.pictures.question import Question
from api.wiring import House
from core.clock import ManualClock
from core.config import Settings
from tests.acceptance.stage import START, product, settings_for
from tests.alerts.pictures.test_gallery import Series

ENDS = START.timestamp()
QUESTION = Question("Busy", "x", ENDS - 3_600, ENDS, ENDS - 60, series=({"pod": "a"},))


class Prometheus:
    async def query_range(self, *_asked: Any) -> Sequence[Series]:
        return [Series({"pod": "a"}, [(ENDS - 3_600 + 60 * at, float(at)) for at in range(60)])]


def at_home(tmp_path: Path, **said: Any) -> Settings:
    usual = {"prometheus_url": "", "k8s_config_path": "", "public_url": "https://mate.example.com", **said}
    return settings_for(tmp_path, "", tmp_path / "none", usual)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    async with product(at_home(tmp_path), ManualClock(START)) as (house, client):
        house.alerts.gallery._prometheus = Prometheus()  # type: ignore[assignment]
        yield house, client


async def path_of(house: House) -> str:
    picture = await house.alerts.gallery.show(QUESTION)
    assert picture is not None
    return urlsplit(picture.url).path


async def test_a_vendors_server_fetches_it_without_a_login(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, client = opened
    del client.headers["authorization"]
    answer = await client.get(await path_of(house))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert (await client.get("/api/v1/alerts")).status_code == 401


async def test_what_was_not_signed_here_is_nowhere(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, client = opened
    path = await path_of(house)
    changed = path.replace(QUESTION.id, replace(QUESTION, title="Other").id)
    for wrong in (changed, path.replace(".png", "0.png"), "/api/v1/alerts/pictures/x.png"):
        assert (await client.get(wrong)).status_code == 404


async def test_an_address_that_has_run_out_is_nowhere(opened: tuple[House, httpx.AsyncClient]) -> None:
    house, client = opened
    path = await path_of(house)
    clock = house.clock
    assert isinstance(clock, ManualClock)
    await clock.advance(timedelta(days=8).total_seconds())
    assert (await client.get(path)).status_code == 404


async def test_the_house_asks_about_alerts_that_its_own_prometheus_sent(tmp_path: Path) -> None:
    async with product(at_home(tmp_path, prometheus_url="http://127.0.0.1:1"), ManualClock(START)) as (house, _):
        link = "http://127.0.0.1:1/graph?g0.expr=up+%3D%3D+0"
        labels = {"alertname": "Down", "instance": "a"}
        sent = Arrival(labels, {}, START, None, link)
        alert = Alert(fingerprint(labels), INTAKE, "Down", labels, {}, "firing", 0, "e", START, fired_at=START)
        asks = house.alerts.notifier._pipeline.stages[-1]._asks  # type: ignore[attr-defined]
        question = await asks([replace(alert, generator_url=sent.generator_url)], START)
        assert (question.whole, question.threshold) == ("up == 0", 0.0)
