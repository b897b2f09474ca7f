"""`firstmate alerts`: what it says of files, and a receiver that is tried over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for

ROUTES = "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'env:NOT_SET_HERE'}]}]\n"


def checked(*files: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alerts", "check", *map(str, files)])
    return done.exit_code, done.output


def test_good_files_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    rules, routes = tmp_path / "rules.yaml", tmp_path / "am.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]")
    routes.write_text(ROUTES)
    code, said = checked(rules, routes)
    assert code == 0
    assert "1 rules in 1 groups" in said
    assert "1 routes, 1 receivers" in said


def test_a_bad_file_is_told_by_its_place_and_the_others_are_checked_all_the_same(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yml", tmp_path / "good.yml"
    bad.write_text(ROUTES.replace("receiver: a}", "receiver: b}"))
    good.write_text(ROUTES)
    code, said = checked(bad, tmp_path / "gone.yml", good)
    assert code == 1
    assert "names the receiver 'b', which is not there" in said
    assert "cannot be read" in said
    assert "1 routes" in said


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "am.yml").write_text("route: {receiver: team}\nreceivers: [{name: team, log_configs: [{}]}]")
    more = {"prometheus_url": "", "k8s_config_path": "", "alert_config": tmp_path / "am.yml"}
    async with product(settings_for(tmp_path, "", tmp_path / "none", more), ManualClock(START)) as (_, client):
        yield client


async def test_a_receiver_is_shown_and_tried_over_http(http: httpx.AsyncClient) -> None:
    (shown,) = (await http.get("/api/v1/alerts/receivers")).json()["data"]
    assert shown == {"name": "team", "ways": [{"name": "team/log[0]", "kind": "log", "sends_resolved": True}]}
    (outcome,) = (await http.post("/api/v1/alerts/receivers/team/test")).json()["data"]
    assert (outcome["way"], outcome["delivered"]) == ("team/log[0]", True)
    assert (await http.post("/api/v1/alerts/receivers/nobody/test")).status_code == 404
