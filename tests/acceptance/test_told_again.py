"""Over HTTP: an answer from the shipped pages, told again, counted, and forgotten when it is told to be."""

from pathlib import Path

import pytest

from core.clock import ManualClock
from tests.acceptance.stage import START, product
from tests.acceptance.test_systems import QUESTION, ask, bare


async def test_an_answer_is_told_again_counted_and_cleared(tmp_path: Path) -> None:
    async with product(bare(tmp_path), ManualClock(START)) as (house, http):
        first, again = await ask(http, QUESTION), await ask(http, QUESTION)
        assert first["metadata"]["cached"] is None
        assert again["metadata"]["cached"]["question"] == QUESTION
        assert again["sources"] == first["sources"]
        stats = (await http.get("/api/v1/cache/stats")).json()["data"]["answers"]
        assert (stats["entries"], stats["asked"], stats["found"], stats["hit_rate"]) == (1, 2, 1, 0.5)
        speed = (await http.get("/api/v1/cache/performance")).json()["data"]
        assert speed["p95_ms"] is not None
        assert (await http.get("/api/v1/cache/health")).json()["data"]["healthy"]
        assert (await http.get("/api/v1/cache/config")).json()["data"]["backend"] == "memory"
        for path, cleared in (
            ("clear?service=rca", 0),
            ("clear?pattern=dns", 0),
            ("clear?service=all&pattern=oomkilled", 1),
        ):
            done = (await http.post(f"/api/v1/cache/{path}")).json()["data"]
            assert done["cleared"] == cleared
        await ask(http, QUESTION)
        token = await house.doorkeeper.add("looker", "viewer", None)
        looking = {"Authorization": f"Bearer {token}"}
        assert (await http.delete("/api/v1/cache", headers=looking)).status_code == 403
        assert (await http.get("/api/v1/cache/stats", headers=looking)).status_code == 200
        assert (await http.delete("/api/v1/cache")).json()["data"]["cleared"] == 1


@pytest.mark.parametrize("path", ["clear?service=nobody", f"clear?pattern={'x' * 300}"])
async def test_what_is_unknown_is_refused_by_name(tmp_path: Path, path: str) -> None:
    async with product(bare(tmp_path), ManualClock(START)) as (_, http):
        assert (await http.post(f"/api/v1/cache/{path}")).status_code == 422
