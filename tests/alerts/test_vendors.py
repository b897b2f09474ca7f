"""Each vendor's own manners: what it is sent, how it is signed, and what its answers mean."""

import asyncio
import contextlib
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from requests.adapters import BaseAdapter

from alerts.notify.channels import Channel, Shared, Written
from alerts.notify.channels.apprise import AppriseChannel
from alerts.notify.channels.dingtalk import DingTalkChannel
from alerts.notify.channels.dingtalk import signature as dingtalk_signature
from alerts.notify.channels.feishu import FeishuChannel
from alerts.notify.channels.feishu import signature as feishu_signature
from alerts.notify.channels.settings import credentials
from alerts.notify.channels.slack import SlackChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.channels.wecom import MAX_BYTES, WeComChannel
from alerts.notify.workshop import build_channels
from alerts.routing.config import parse_config
from core.clock import ManualClock
from core.errors import Invalid, Upstream
from core.redact import Redactor
from tests.alerts.night import EVENING
from tests.alerts.test_channels import KEY, URL, VENDORS, Server, alert, client_of, good, message, refusal

Make = Callable[[Server, ManualClock], Channel]
MAKERS: dict[str, Make] = {
    "slack": lambda server, clock: SlackChannel("s", URL, clock=clock, client=client_of(server)),
    "feishu": lambda server, clock: FeishuChannel("f", URL, clock=clock, secret="robot", client=client_of(server)),
    "dingtalk": lambda server, clock: DingTalkChannel("d", URL, clock=clock, secret="robot", client=client_of(server)),
    "wecom": lambda server, clock: WeComChannel("w", URL, clock=clock, client=client_of(server)),
}
GOOD = {"slack": b"ok", "feishu": b'{"code": 0}', "dingtalk": b'{"errcode": 0}', "wecom": b'{"errcode": 0}'}
FEISHU_VECTOR = "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
DINGTALK_VECTOR = "tGWkA5eQOQNCNPDgphtxIoNLO+/gD8Lcb705KQoRzeY="
MARKUP: dict[str, Callable[[dict[str, Any]], str]] = {
    "slack": lambda body: body["text"] + str(body["attachments"][0]["blocks"]),
    "feishu": lambda body: str(body["card"]["elements"]),
    "dingtalk": lambda body: str(body["markdown"]["text"]),
    "wecom": lambda body: str(body["markdown"]["content"]),
}
"""Where each vendor reads markup; a title that it shows as it is may hold anything."""
HOSTILE = "<!channel> *bold* [click](http://evil.example) & `x` <@U1>"


async def sent(kind: str, *alerts: Any) -> dict[str, Any]:
    server = Server(body=GOOD[kind])
    channel = MAKERS[kind](server, ManualClock(EVENING))
    await channel.send(message(*alerts), key="k")
    body: dict[str, Any] = orjson.loads(server.requests[0].content)
    return body


@pytest.mark.parametrize(
    ("kind", "answer", "retryable"),
    [
        ("slack", Server(status=404, body=b"no_service"), False),
        ("slack", Server(status=429, headers={"retry-after": "30"}), True),
        ("feishu", Server(body=b'{"code": 19024, "msg": "Key Words Not Found"}'), False),
        ("feishu", Server(body=b'{"code": 11232, "msg": "too many request"}'), True),
        ("feishu", Server(body=b"<html>busy</html>"), True),
        ("dingtalk", Server(body=b'{"errcode": 310000, "errmsg": "sign not match"}'), False),
        ("dingtalk", Server(body=b'{"errcode": 130101, "errmsg": "send too fast"}'), True),
        ("wecom", Server(body=b'{"errcode": 93000, "errmsg": "invalid webhook url"}'), False),
        ("wecom", Server(body=b'{"errcode": 45009, "errmsg": "api freq out of limit"}'), True),
        ("wecom", Server(body=b"[]"), True),
    ],
)
async def test_a_refusal_says_whether_trying_again_can_help(kind: str, answer: Server, retryable: bool) -> None:
    with pytest.raises(Upstream) as refused:
        await MAKERS[kind](answer, ManualClock(EVENING)).send(message(), key="k")
    assert refused.value.retryable is retryable
    assert "s3cret" not in refused.value.sentence


@pytest.mark.parametrize("kind", MAKERS)
async def test_what_an_alert_says_cannot_become_markup(kind: str) -> None:
    written = MARKUP[kind](await sent(kind, alert(summary=HOSTILE)))
    assert "<!channel>" not in written
    # Slack's links are written in angle brackets, the others' as Markdown's.
    assert "<@U1>" not in written
    assert kind == "slack" or "[click](http://evil.example)" not in written


async def test_slack_gets_one_attachment_in_the_colour_of_the_worst() -> None:
    body = await sent("slack", alert("a", summary="a is down"), alert("b", summary="b is down"))
    (attachment,) = body["attachments"]
    assert attachment["color"] == "#b3261e"
    assert "*a is down*" in str(attachment["blocks"])
    ended = await sent("slack", alert("a", "resolved", summary="a is down"))
    assert ended["attachments"][0]["color"] == "#2e7d4f"


async def test_feishu_gets_a_card_that_is_signed_by_the_clock() -> None:
    body = await sent("feishu", alert(summary_zh="a 挂了", summary="a is down"))
    assert body["timestamp"] == str(int(EVENING.timestamp()))
    assert body["sign"] == feishu_signature(body["timestamp"], "robot")
    assert body["card"]["header"]["template"] == "red"
    assert "a 挂了" in str(body["card"]["elements"])


async def test_feishu_gets_as_many_alerts_as_its_card_holds_and_a_count_of_the_rest() -> None:
    long = [alert(f"{number:x}", summary="很长的说明_" * 90, description="更长*" * 200) for number in range(10)]
    body = await sent("feishu", *long)
    assert len(orjson.dumps(body)) < 20_000
    assert "… +" in str(body["card"]["elements"])


def test_signatures_are_what_the_vendors_documents_compute() -> None:
    # Worked out with openssl: printf '%s\n%s' TIME SECRET as the key (Feishu) or as the text keyed by the secret (DingTalk).
    assert feishu_signature("1599360473", "demo") == FEISHU_VECTOR
    assert dingtalk_signature("1599360473000", "SECdemo") == DINGTALK_VECTOR


async def test_dingtalk_is_signed_in_its_address() -> None:
    server = Server(body=GOOD["dingtalk"])
    await MAKERS["dingtalk"](server, ManualClock(EVENING)).send(message(), key="k")
    asked = server.requests[0].url.params
    assert asked["token"] == "s3cret-token"
    assert asked["sign"] == dingtalk_signature(asked["timestamp"], "robot")


async def test_wecom_gets_as_many_alerts_as_fit_and_a_count_of_the_rest() -> None:
    long = [alert(f"{number:x}", summary="很长的说明" * 60) for number in range(10)]
    text = (await sent("wecom", *long))["markdown"]["content"]
    assert len(text.encode()) <= MAX_BYTES
    assert "… +" in text


async def test_what_leaves_has_passed_the_redactor() -> None:
    redactor = Redactor("a-key-for-tests-only")
    server = Server(body=b"ok")
    channel = SlackChannel("s", URL, clock=ManualClock(EVENING), client=client_of(server), redact=redactor.value)
    await channel.send(message(alert(summary="password=hunter2-hunter2")), key="k")
    assert b"hunter2" not in server.requests[0].content


async def sent_by(kind: str, *alerts: Any, **said: Any) -> tuple[Server, dict[str, Any]]:
    server = good(kind)
    await VENDORS[kind].make(server, ManualClock(EVENING), **said).send(message(*alerts), key="k")
    body: dict[str, Any] = orjson.loads(server.requests[0].content)
    return server, body


async def test_pagerduty_opens_one_event_for_a_group_and_closes_the_same() -> None:
    _, opened = await sent_by("pagerduty", alert("a", summary="a is down"))
    _, closed = await sent_by("pagerduty", alert("a", "resolved", summary="a is down"))
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == hashlib.sha256(b'{}:{alertname="Trouble"}').hexdigest()
    assert opened["routing_key"] == closed["routing_key"] == KEY
    assert opened["payload"]["severity"] == "critical"
    assert opened["payload"]["summary"] == "[FIRING:1] Trouble - a is down"
    assert opened["client_url"] == "http://firstmate"


async def test_pagerduty_takes_from_the_file_what_is_plain_there() -> None:
    said = {"severity": "info", "component": "shop"}
    _, body = await sent_by("pagerduty", alert(), said=said)
    assert (body["payload"]["severity"], body["payload"]["component"]) == ("info", "shop")


async def test_opsgenie_opens_and_closes_by_one_alias() -> None:
    opened, body = await sent_by("opsgenie", alert("a"))
    closed, _ = await sent_by("opsgenie", alert("a", "resolved"))
    assert opened.requests[0].url.path == "/v2/alerts"
    assert closed.requests[0].url.path == f"/v2/alerts/{body['alias']}/close"
    assert closed.requests[0].url.params["identifierType"] == "alias"
    assert opened.requests[0].headers["authorization"] == f"GenieKey {KEY}"
    assert body["priority"] == "P1"


async def test_victorops_opens_and_recovers_one_entity() -> None:
    opened, first = await sent_by("victorops", alert("a"))
    _, second = await sent_by("victorops", alert("a", "resolved"))
    assert opened.requests[0].url.path == f"/{KEY}/team"
    assert (first["message_type"], second["message_type"]) == ("CRITICAL", "RECOVERY")
    assert first["entity_id"] == second["entity_id"]


async def test_pushover_rings_until_somebody_answers_and_tells_an_end_quietly() -> None:
    _, ringing = await sent_by("pushover", alert("a"))
    _, ended = await sent_by("pushover", alert("a", "resolved"))
    assert (ringing["priority"], ringing["retry"], ringing["expire"]) == (2, 60, 3600)
    assert ended["priority"] == 0
    assert "retry" not in ended
    assert len(ringing["message"]) <= 1024


async def test_telegram_gets_whole_alerts_within_its_bounds_and_no_foreign_markup() -> None:
    _, body = await sent_by("telegram", *[alert(f"{number:x}", summary=HOSTILE * 12) for number in range(10)])
    assert len(body["text"]) <= 4096
    assert "<!channel>" not in body["text"]
    assert "… +" in body["text"]
    assert body["text"].count("<b>") == body["text"].count("</b>")


async def test_telegram_asks_for_patience_in_its_body() -> None:
    answer = b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 35}}'
    error = await refusal("telegram", Server(status=429, body=answer), ManualClock(EVENING))
    assert (error.retryable, error.details["retry_after"]) == (True, 35.0)


async def test_discord_mentions_nobody() -> None:
    _, body = await sent_by("discord", alert(summary="@everyone look"))
    assert body["allowed_mentions"] == {"parse": []}
    assert body["embeds"][0]["color"] == 0xB3261E


async def test_a_teams_connector_refuses_with_a_good_status() -> None:
    limited = await refusal(
        "msteams", good("msteams", body=b"Microsoft Teams endpoint returned HTTP error 429"), ManualClock(EVENING)
    )
    wrong = await refusal(
        "msteams", good("msteams", body=b"Bad payload received by generic incoming webhook."), ManualClock(EVENING)
    )
    assert (limited.retryable, wrong.retryable) == (True, False)


async def test_apprise_tells_several_services_apart_by_what_they_answered() -> None:
    error = await refusal("apprise", Server(status=403), ManualClock(EVENING))
    assert error.sentence == "JSON (by apprise) answered 403"


async def test_apprise_is_refused_for_now_while_an_earlier_message_hangs() -> None:
    clock, far = ManualClock(EVENING), StuckServer()
    channel = AppriseChannel("a/apprise[0]", "jsons://h.example.com/x", clock=clock, adapter=far, timeout=10)
    first = asyncio.create_task(channel.send(message(), key="k"))
    await asyncio.to_thread(far.asked.wait, 5)
    await clock.advance(30)
    with pytest.raises(Upstream, match="within 30 s"):
        await first
    with pytest.raises(Upstream, match="busy with an earlier message"):
        await channel.send(message(), key="k")
    far.goes_on.set()
    await channel.close()


class StuckServer(BaseAdapter):
    def __init__(self) -> None:
        super().__init__()
        self.asked, self.goes_on = threading.Event(), threading.Event()

    def send(self, *_: Any, **__: Any) -> requests.Response:
        self.asked.set()
        self.goes_on.wait(10)
        raise requests.ConnectionError

    def close(self) -> None:
        return None


async def test_apprise_speaks_to_a_real_server_and_reads_no_endless_answer() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = AppriseChannel("a/apprise[0]", f"json://127.0.0.1:{port}/hook", clock=ManualClock(EVENING))
    assert await channel.send(message(), key="k") == "HTTP 200"
    assert asked[0].startswith(b"POST /hook")
    await channel.close()
    server.close()


@pytest.mark.parametrize(
    "url",
    [
        "syslog://",
        "dbus://",
        "macosx://",
        "windows://",
        "gnome://",
        "mqtt://broker/topic",
        "mailto://user:s3cret@example.com",
        "file:///etc/passwd",
        "fcm://project/device?keyfile=http://169.254.169.254/",
        "workflows://host/a/b/?template=/etc/passwd",
        "nonsense",
        "http://[",
        "json://",
    ],
)
def test_apprise_takes_only_services_over_http_and_shows_no_address_in_its_refusal(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        AppriseChannel("a/apprise[0]", url, clock=ManualClock(EVENING), where="am.yml:")
    assert refused.value.sentence.startswith("am.yml: url")
    assert "s3cret" not in refused.value.sentence
    assert "169.254" not in refused.value.sentence


def test_apprise_is_not_loaded_before_a_file_names_it() -> None:
    script = "import sys, alerts.notify.workshop; print('apprise' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


ALERTMANAGERS = """
global: {opsgenie_api_key: k, victorops_api_key: k, http_config: {follow_redirects: true}}
route: {receiver: team}
receivers:
  - name: team
    pagerduty_configs:
      - {routing_key: r, severity: '{{ .CommonLabels.severity }}', details: {firing: '{{ template "x" . }}'}, client: ops}
    opsgenie_configs: [{message: '{{ .GroupLabels.alertname }}', responders: [{name: a, type: team}], priority: P2}]
    telegram_configs: [{bot_token: t, chat_id: -100, parse_mode: HTML, disable_notifications: true}]
    pushover_configs: [{user_key: u, token: t, retry: 2m, expire: 1h, priority: '1', sound: siren}]
    victorops_configs: [{routing_key: team, message_type: WARNING}]
    discord_configs: [{webhook_url: 'https://discord.com/api/webhooks/1/x', title: '{{ .Status }}'}]
    msteams_configs: [{webhook_url: 'https://teams.example.com/x'}]
    msteamsv2_configs: [{webhook_url: 'https://teams.example.com/y'}]
    webex_configs: [{room_id: r, http_config: {authorization: {credentials: t}}}]
    webhook_configs: [{url: 'https://x', http_config: {basic_auth: {username: me, password: p}}}]
    apprise_configs: [{url: 'ntfys://topic'}]
"""


async def test_a_file_of_alertmanagers_own_receivers_is_taken_as_it_is() -> None:
    receivers, channels = build_channels(parse_config(ALERTMANAGERS, "am.yml"), Shared(ManualClock(EVENING)))
    assert [each.kind for each in receivers["team"]] == [channel.kind for channel in channels]
    assert len(channels) == 11
    for channel in channels:
        await channel.close()


async def test_a_webhook_says_who_we_are_as_the_file_has_it() -> None:
    server = Server()
    written = Written({"http_config": {"basic_auth": {"username": "me", "password": "p"}}}, {}, "am.yml:")
    who = credentials(written, Shared(ManualClock(EVENING)))
    await WebhookChannel(URL, clock=ManualClock(EVENING), client=client_of(server), credentials=who).send(
        message(), key="k"
    )
    assert server.requests[0].headers["authorization"] == "Basic bWU6cA=="


FILE = """
global: {smtp_smarthost: "mail.example.com:587", smtp_from: "mate@example.com", slack_api_url: "env:SLACK"}
route: {receiver: team}
receivers:
  - name: team
    email_configs: [{to: "mei@example.com, tom@example.com", send_resolved: true}]
    slack_configs: [{channel: "#shop"}, {api_url_file: "%s"}]
    feishu_configs: [{url: "https://open.feishu.cn/x", secret: "env:ROBOT", language: zh}]
    dingtalk_configs: [{url: "https://oapi.dingtalk.com/x"}]
    wecom_configs: [{url: "https://qyapi.weixin.qq.com/x"}]
"""


def test_channels_are_built_from_the_file_with_its_global_settings_and_references(tmp_path: Path) -> None:
    (tmp_path / "slack").write_text("https://hooks.slack.com/two\n")
    known = {"env:SLACK": "https://hooks.slack.com/one", "env:ROBOT": "robot"}
    shared = Shared(ManualClock(EVENING), secret=lambda reference: known.get(reference, reference))
    receivers, channels = build_channels(parse_config(FILE % (tmp_path / "slack"), "am.yml"), shared)
    assert [(each.name, each.sends_resolved) for each in receivers["team"]] == [
        ("team/email[0]", True),
        ("team/slack[0]", False),
        ("team/slack[1]", False),
        ("team/feishu[0]", True),
        ("team/dingtalk[0]", True),
        ("team/wecom[0]", True),
    ]
    assert len(channels) == 6


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("slack_configs: [{channel: a}]", "api_url is missing"),
        ("slack_configs: [{api_url: 'ftp://x'}]", "http://"),
        ("email_configs: [{to: a@b.c}]", "smarthost"),
        ("email_configs: [{to: nobody, from: a@b.c, smarthost: 'h:25'}]", "no e-mail address"),
        ("email_configs: [{to: a@b.c, from: a@b.c, smarthost: 'h:25', require_tls: maybe}]", "true or false"),
        ("feishu_configs: [{url: 'https://x', language: fr}]", "en or zh"),
        ("dingtalk_configs: [{urll: 'https://x'}]", "Did you mean url"),
        ("wecom_configs: [{}]", "url is missing"),
        ("pagerduty_configs: [{service_key: x}]", "write its key as routing_key"),
        ("pagerduty_configs: [{}]", "routing_key is missing"),
        ("pagerduty_configs: [{routing_key: k, severity: bad}]", "severity must be critical"),
        ("telegram_configs: [{bot_token: x}]", "chat_id is missing"),
        ("webex_configs: [{room_id: r}]", "authorization is missing"),
        ("victorops_configs: [{api_key: k, routing_key: r, message_type: LOUD}]", "message_type must be"),
        ("pushover_configs: [{user_key: u, token: t, priority: 7}]", "priority must be"),
        ("sns_configs: [{topic_arn: x}]", "apprise_configs"),
        ("wechat_configs: [{}]", "wecom_configs"),
        ("apprise_configs: [{url: 'syslog://'}]", "only such services are taken"),
        ("webhook_configs: [{url: 'https://x', http_config: {proxy_url: 'http://p'}}]", "unknown field proxy_url"),
    ],
)
def test_what_a_channel_cannot_use_is_refused_by_its_place(config: str, complaint: str) -> None:
    text = f"{{route: {{receiver: a}}, receivers: [{{name: a, {config}}}]}}"
    with pytest.raises(Invalid, match=complaint):
        build_channels(parse_config(text, "am.yml"), Shared(ManualClock(EVENING)))
