"""Rules over HTTP: as the users' own documents have them, and what those do not say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for

RULES = "/api/v1/alerts/rules"
DOCUMENTED = {
    "name": "High CPU Usage",
    "description": "Alert when CPU usage is high",
    "condition": "cpu_usage > 80",
    "duration": "5m",
    "severity": "warning",
    "labels": {"service": "training-service"},
    "annotations": {"summary": "High CPU usage detected"},
    "notification_channels": ["email", "dingtalk"],
}


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as pair:
        yield pair


@pytest.fixture
def http(opened: tuple[House, httpx.AsyncClient]) -> httpx.AsyncClient:
    return opened[1]


async def made(http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.post(RULES, json=DOCUMENTED)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_the_documented_calls_answer_with_their_documented_fields(http: httpx.AsyncClient) -> None:
    rule = await made(http)
    assert (rule["name"], rule["status"]) == ("High CPU Usage", "enabled")
    assert rule["created_at"]
    path = f"{RULES}/{rule['rule_id']}"
    changed = (await http.put(path, json={"condition": "cpu_usage > 85", "severity": "critical"})).json()["data"]
    assert (changed["expr"], changed["definition"]["severity"]) == ("cpu_usage > 85", "critical")
    assert (await http.post(f"{path}/disable")).json()["data"]["status"] == "disabled"
    enabled = (await http.post(f"{path}/enable")).json()["data"]
    assert (enabled["rule_id"], enabled["status"]) == (rule["rule_id"], "enabled")
    assert enabled["enabled_at"]
    assert (await http.get(f"/api/v1/rules/{rule['rule_id']}")).json()["data"]["rule_id"] == rule["rule_id"]
    assert len((await http.get(f"{path}/versions")).json()["data"]) == 4
    assert (await http.delete(path)).status_code == 200
    assert (await http.get(path)).status_code == 404


async def test_a_kept_rule_is_in_force_at_once_and_listed_with_those_of_files(http: httpx.AsyncClient) -> None:
    rule = await made(http)
    listed = {each["rule_id"]: each for each in (await http.get(RULES, params={"limit": 500})).json()["data"]["rules"]}
    assert listed[rule["rule_id"]]["health"] == "unknown"
    assert any(each.get("file") == "workloads.yaml" for each in listed.values())
    await http.post(f"{RULES}/{rule['rule_id']}/disable")
    again = {each["rule_id"]: each for each in (await http.get(RULES, params={"limit": 500})).json()["data"]["rules"]}
    assert again[rule["rule_id"]]["status"] == "disabled"


async def test_what_is_wrong_is_named_by_its_field(http: httpx.AsyncClient) -> None:
    rule = await made(http)
    path = f"{RULES}/{rule['rule_id']}"
    for body, named in (({"colour": "red"}, "colour"), ({"condition": "cpu >"}, "expr"), ({"severity": 7}, "severity")):
        answer = await http.put(path, json=body)
        assert (answer.status_code, named in answer.json()["message"]) == (422, True), answer.text
    late = await http.put(path, json={"version": 9, "severity": "info"})
    assert late.status_code == 409


async def test_a_rule_of_a_file_is_changed_in_its_file(http: httpx.AsyncClient) -> None:
    shipped = next(
        each for each in (await http.get(RULES, params={"limit": 500})).json()["data"]["rules"] if each.get("file")
    )
    answer = await http.put(f"{RULES}/{shipped['rule_id']}", json={"severity": "info"})
    assert (answer.status_code, shipped["file"] in answer.json()["message"]) == (409, True)


async def test_files_are_brought_in_and_taken_out(http: httpx.AsyncClient) -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m}, {alert: B, expr: up > 1}]}]"
    assert len((await http.post(f"{RULES}/import", json={"content": text})).json()["data"]) == 2
    out = await http.get(f"{RULES}/export")
    assert out.headers["content-type"].startswith("application/yaml")
    assert "alert: A" in out.text
    recording = "groups: [{name: g, rules: [{record: a, expr: up}]}]"
    refused = await http.post(f"{RULES}/import", json={"content": recording})
    assert (refused.status_code, "Firstmate writes no series" in refused.json()["message"]) == (422, True)


async def test_a_rule_is_tried_before_it_is_kept_and_an_outage_is_told(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{RULES}/backtest", json={"rule": DOCUMENTED, "days": 1})
    assert (answer.status_code, "PROMETHEUS_URL" in answer.json()["message"]) == (503, True)
    assert (await http.post(f"{RULES}/backtest", json={"days": 1})).status_code == 422
    tested = (await http.post(f"{RULES}/{(await made(http))['rule_id']}/test")).json()["data"]
    assert "PROMETHEUS_URL" in tested["error"]


async def test_a_viewer_may_look_and_try_and_not_change(
    opened: tuple[House, httpx.AsyncClient], http: httpx.AsyncClient
) -> None:
    headers = {"Authorization": f"Bearer {await opened[0].doorkeeper.add('looker', 'viewer', None)}"}
    assert (await http.get(RULES, headers=headers)).status_code == 200
    assert (await http.post(RULES, json=DOCUMENTED, headers=headers)).status_code == 403


async def test_a_forest_is_kept_shown_and_left_out_of_the_export_by_name(http: httpx.AsyncClient) -> None:
    forest = {"kind": "isolation_forest", "series": ["up", "down"], "by": ["pod"]}
    await made(http)
    kept = (await http.post(RULES, json={"name": "Odd pods", "detector": forest})).json()["data"]
    assert (kept["expr"], kept["definition"]["detector"]["series"][0]) == ("", {"expr": "up"})
    text = (await http.get(f"{RULES}/export")).text
    assert text.startswith("# Odd pods is left out: an isolation forest cannot be written as PromQL.\n")
    assert [rule["alert"] for rule in yaml.safe_load(text)["groups"][0]["rules"]] == ["High CPU Usage"]
    tested = (await http.post(f"{RULES}/{kept['rule_id']}/test")).json()["data"]
    assert "its usual is being learnt" in tested["error"]
    tried = await http.post(f"{RULES}/backtest", json={"rule_id": kept["rule_id"], "days": 1})
    assert (tried.status_code, "PROMETHEUS_URL" in tried.json()["message"]) == (503, True)


async def test_rules_are_found_by_name_and_paged(http: httpx.AsyncClient) -> None:
    await made(http)
    found = (await http.get(RULES, params={"name": "high cpu"})).json()["data"]
    assert (found["total"], [rule["name"] for rule in found["rules"]]) == (1, ["High CPU Usage"])
    pages = [(await http.get(RULES, params={"limit": 3, "offset": at})).json()["data"] for at in (0, 3)]
    assert pages[0]["total"] > 6
    assert len({rule["rule_id"] for page in pages for rule in page["rules"]}) == 6
    assert (await http.get(RULES, params={"health": "failing"})).json()["data"]["total"] == 0


@pytest.mark.real("prometheus")
async def test_a_rule_is_tested_before_it_is_saved(http: httpx.AsyncClient) -> None:
    await made(http)
    tests = """
evaluation_interval: 1m
tests:
  - input_series: [{series: 'queue{of="mail"}', values: "7x3"}]
    alert_rule_test: [{eval_time: 2m, alertname: Long queue, exp_alerts: [{exp_labels: {of: mail, severity: warning}}]}]
"""
    rule = {"name": "Long queue", "expr": "queue > 5", "severity": "warning"}
    asked = {"content": tests, "rule": rule}
    assert (await http.post(f"{RULES}/unit-test", json=asked)).json()["data"]["passed"]
    alone = (await http.post(f"{RULES}/unit-test", json={"content": tests})).json()["data"]
    assert (alone["passed"], "Long queue" in alone["said"]) == (False, True)
