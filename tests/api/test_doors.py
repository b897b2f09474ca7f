"""Doors beside the API's own: its page, the watch's lock, and the words of people that reach more than one conversation."""

from pathlib import Path

import pytest

from api.app import create_app
from api.client import RUNNING
from api.ownership import owned
from api.server import run_server
from api.wiring import build, running
from core.clock import ManualClock
from core.config import Settings, load
from core.errors import Conflict
from tests.acceptance.stage import START, product, settings_for
from tests.services import free_port


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
    with owned(tmp_path):
        async with (
            build(settings, ManualClock(START)) as serving,
            running(serving),
            build(settings, ManualClock(START)) as asking,
        ):
            assert create_app(asking, background=False, console=False) is not None


async def test_a_second_server_is_refused_in_one_sentence_and_leaves_the_first_ones_note(tmp_path: Path) -> None:
    note = tmp_path / "data" / RUNNING
    loaded = load(environ={}, env="testing", port=free_port(), data_dir=tmp_path / "data")
    with owned(tmp_path / "data"):
        note.write_text("the first one's")
        with pytest.raises(Conflict, match="Another Firstmate"):
            await run_server(loaded)
    assert note.read_text() == "the first one's"
