"""Doors beside the API's own: its page, the watch's lock, and the words of people that reach more than one conversation."""

from pathlib import Path

import pytest

from api.app import create_app
from api.ownership import owned
from api.wiring import build, running
from core.clock import ManualClock
from core.config import Settings
from core.errors import Conflict
from tests.acceptance.stage import START, product, settings_for


def bare(folder: Path) -> Settings:
    """Settings with neither Prometheus nor cluster."""
    return settings_for(folder, "", folder / "none", {"prometheus_url": "", "k8s_config_path": ""})


async def test_the_apis_page_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with product(bare(tmp_path), ManualClock(START)) as (_, http):
        page = await http.get("/docs")
        described = (await http.get("/openapi.json")).json()
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "/api/v1/assistant/query" in described["paths"]


def test_two_processes_do_not_keep_one_watch(tmp_path: Path) -> None:
    with owned(tmp_path), pytest.raises(Conflict, match="Another Firstmate"), owned(tmp_path):
        raise AssertionError("both have the watch")
    with owned(tmp_path):
        pass  # the first one has let it go


async def test_a_house_that_only_asks_may_stand_beside_one_that_keeps_the_watch(tmp_path: Path) -> None:
    settings = bare(tmp_path)
    async with (
        build(settings, ManualClock(START)) as serving,
        running(serving),
        build(settings, ManualClock(START)) as asking,
    ):
        assert create_app(asking, background=False, console=False) is not None
        with pytest.raises(Conflict, match="Another Firstmate"):
            async with running(asking):
                raise AssertionError("both have the watch")
