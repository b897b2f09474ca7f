"""The alert tools through the Toolbox, as every road calls them."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.tools import AlertTools
from core.clock import ManualClock
from core.errors import Forbidden, Invalid, NotFound
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from tests.alerts.night import REFUSED, Begin, Night, rules
from tools.spec import Caller, Toolbox

MEI = Caller("mei", "operator", "test")
EXTRA = 'keep_firing_for: 1m\n        annotations: {runbook: oom_killed, summary_zh: "{{ $labels.pod }} 出问题了"}'


def toolbox(night: Night, metrics: Metrics, redactor: Redactor) -> Toolbox:
    return Toolbox(AlertTools(night.desk).all(), clock=night.clock, redactor=redactor, metrics=metrics)


class Desk:
    """A firing alert, and the tools to ask about it."""

    def __init__(self, night: Night, box: Toolbox) -> None:
        self.night = night
        self.box = box
        self.fingerprint = next(iter(night.latest))

    async def call(
        self, name: str, language: Language = "en", caller: Caller = MEI, **arguments: Any
    ) -> dict[str, Any]:
        return await self.box.call(name, arguments, caller, language)


@pytest.fixture
async def desk(begin: Begin, metrics: Metrics, redactor: Redactor, clock: ManualClock) -> Desk:
    del clock
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(15)
    return Desk(night, toolbox(night, metrics, redactor))


async def test_alerts_are_listed_with_a_summary_one_can_read_aloud(desk: Desk) -> None:
    result = await desk.call("list_alerts", state="firing")
    assert result["summary"].startswith("Alerts: 1 firing. Trouble [warning, firing, ")
    assert result["summary"].endswith("a is at 1")
    assert result["data"]["total"] == 1
    assert result["source"] == [{"system": "Firstmate alerts", "query": "alerts?state=firing&limit=20&offset=0"}]
    assert result["missing"] == []


async def test_no_alert_is_said_plainly_in_the_readers_language(desk: Desk) -> None:
    assert (await desk.call("list_alerts", state="resolved"))["summary"] == "No alert is known as resolved."
    assert (await desk.call("list_alerts", "zh", state="resolved"))["summary"] == "没有已恢复的告警。"
    graver = await desk.call("list_alerts", state="firing", severity="critical", namespace="quiet")
    assert graver["summary"] == "No critical alert is firing in namespace quiet."
    assert (await desk.call("list_alerts", "zh", state="firing", namespace="quiet"))["summary"] == (
        "命名空间 quiet 中没有正在触发的告警。"
    )


async def test_while_prometheus_is_silent_the_answer_says_how_old_it_is(desk: Desk) -> None:
    desk.night.prometheus.error = REFUSED
    await desk.night.until(30)
    (missing,) = (await desk.call("list_alerts"))["missing"]
    assert missing["why"] == "Prometheus refused the connection"
    assert missing["what"].startswith("what alerts did since 2026-03-02 2")


async def test_one_alert_comes_with_its_question_its_moves_and_who_was_told(desk: Desk) -> None:
    data = (await desk.call("get_alert", fingerprint=desk.fingerprint[:8]))["data"]
    assert data["expr"] == "trouble"
    assert [(move["before"], move["after"], move["reason"]) for move in data["moves"]] == [
        ("inactive", "firing", "the condition holds")
    ]
    assert [(telling["receiver"], telling["reason"]) for telling in data["tellings"]] == [
        ("phone", "first message about this group")
    ]


async def test_an_alert_is_told_in_chinese_to_who_asks_in_chinese(desk: Desk) -> None:
    result = await desk.call("get_alert", "zh", fingerprint=desk.fingerprint)
    assert "正在触发" in result["summary"]
    assert result["data"]["moves"][0]["reason"] == "条件成立"
    assert result["data"]["tellings"][0]["reason"] == "该组的首次通知"


async def test_acknowledging_needs_an_operator_and_signs_the_callers_name(desk: Desk) -> None:
    viewer = Caller("guest", "viewer", "test")
    with pytest.raises(Forbidden):
        await desk.call("acknowledge_alert", caller=viewer, fingerprint=desk.fingerprint)
    result = await desk.call("acknowledge_alert", fingerprint=desk.fingerprint, note="on it")
    assert result["data"]["acknowledged_by"] == "mei"
    assert "acknowledged by mei" in result["summary"]
    assert "taken by mei" in (await desk.call("list_alerts"))["summary"]


async def test_an_alert_is_taken_for_a_while_where_that_is_said(desk: Desk) -> None:
    await desk.call("acknowledge_alert", fingerprint=desk.fingerprint, hold="2h")
    alert = await desk.night.desk.get(desk.fingerprint)
    assert alert.acknowledged_until == desk.night.clock.now() + timedelta(hours=2)
    with pytest.raises(Invalid, match="not a duration"):
        await desk.call("acknowledge_alert", fingerprint=desk.fingerprint, hold="a while")


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("list_alerts", {"sate": "firing"}, "sate"),
        ("list_alerts", {"state": "burning"}, "state"),
        ("list_alerts", {"limit": 1000}, "limit"),
        ("get_alert", {}, "fingerprint"),
        ("get_alert", {"fingerprint": "x" * 101}, "fingerprint"),
        ("acknowledge_alert", {"fingerprint": "a", "note": "x" * 3000}, "note"),
    ],
)
async def test_a_wrong_argument_is_refused_by_name(
    desk: Desk, name: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.call(name, **arguments)
    assert refused.value.details["field"] == field


async def test_an_unknown_alert_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.call("get_alert", fingerprint="nope")


def test_the_schemas_are_small(desk: Desk) -> None:
    size = sum(len(str(tool.input.model_json_schema())) + len(tool.description) for tool in desk.box.all())
    assert size < 2500
