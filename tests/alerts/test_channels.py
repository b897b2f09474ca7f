"""One contract for every channel, and the webhook's own manners."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote_plus

import httpx
import orjson
import pytest
import requests
import structlog
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from alerts.model import Alert, State
from alerts.notify.channels import Channel, ShortMemory
from alerts.notify.channels.apprise import AppriseChannel
from alerts.notify.channels.dingtalk import DingTalkChannel
from alerts.notify.channels.discord import DiscordChannel
from alerts.notify.channels.feishu import FeishuChannel
from alerts.notify.channels.feishu.app import FeishuApp
from alerts.notify.channels.log import LogChannel
from alerts.notify.channels.msteams import TeamsChannel, WorkflowChannel
from alerts.notify.channels.opsgenie import OpsgenieChannel
from alerts.notify.channels.pagerduty import PagerDutyChannel
from alerts.notify.channels.posting import Posting
from alerts.notify.channels.pushover import PushoverChannel
from alerts.notify.channels.slack import SlackChannel
from alerts.notify.channels.slack.bot import SlackBot
from alerts.notify.channels.telegram import TelegramChannel
from alerts.notify.channels.updating import Updating
from alerts.notify.channels.victorops import VictorOpsChannel
from alerts.notify.channels.webex import WebexChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.channels.wecom import WeComChannel
from alerts.notify.message import MAX_ALERTS, Message, compose
from alerts.notify.workshop import BUILDERS
from core.clock import ManualClock
from core.errors import Invalid, Upstream
from core.redact import Redactor
from tests.alerts.night import EVENING

URL = "https://hooks.example.com/alerts?token=s3cret-token"


def alert(pod: str = "a", state: State = "firing", **annotations: str) -> Alert:
    labels = {"alertname": "Trouble", "namespace": "shop", "pod": pod, "severity": "critical"}
    ended = EVENING if state == "resolved" else None
    return Alert(
        pod * 16,
        "r",
        "Trouble",
        labels,
        annotations,
        state,
        1.0,
        "e",
        EVENING,
        fired_at=EVENING,
        resolved_at=ended,
    )


def message(*alerts: Alert, reason: str = "first") -> Message:
    return compose(
        receiver="phone",
        reason=reason,
        group_key='{}:{alertname="Trouble"}',
        group_labels={"alertname": "Trouble"},
        alerts=alerts or (alert(summary="a is in trouble", summary_zh="a 出问题了"),),
        external_url="http://firstmate",
    )


@dataclass
class Server:
    """What the webhook's far side answers, and what it was sent."""

    status: int = 200
    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes = b"fine"
    error: Exception | None = None
    hangs: bool = False
    requests: list[httpx.Request] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return httpx.Response(self.status, headers=self.headers, stream=httpx.ByteStream(self.body))


def client_of(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(server.answer))


def webhook(server: Server, clock: ManualClock, url: str = URL, **said: Any) -> WebhookChannel:
    return WebhookChannel(url, clock=clock, timeout=10, client=client_of(server), **said)


@dataclass(frozen=True)
class Vendor:
    """A kind of channel, against a server of ours; `good` is what its vendor answers to a message it took."""

    make: Callable[..., Channel]
    good: bytes = b"ok"
    good_status: int = 200
    reads_answers: bool = True
    """Its vendor's answer has a form, so nonsense is seen to be some."""


def posting(make: type[Posting] | type[Updating], url: str = URL, **own: Any) -> Callable[..., Channel]:
    def made(server: Server, clock: ManualClock, **said: Any) -> Channel:
        return make(f"team/{make.kind}[0]", url, clock=clock, client=client_of(server), **own, **said)

    return made


def apprise(server: Server, clock: ManualClock, **said: Any) -> Channel:
    url = "jsons://hooks.example.com/alerts?token=s3cret-token"
    return AppriseChannel("team/apprise[0]", url, clock=clock, adapter=Wire(server), **said)


KEY = "s3cret-key-of-ours"
BASE = "https://hooks.example.com"
VENDORS = {
    "webhook": Vendor(lambda server, clock, **said: webhook(server, clock, **said), reads_answers=False),
    "slack": Vendor(posting(SlackChannel), reads_answers=False),
    "feishu": Vendor(posting(FeishuChannel), b'{"code": 0}'),
    "dingtalk": Vendor(posting(DingTalkChannel), b'{"errcode": 0}'),
    "wecom": Vendor(posting(WeComChannel), b'{"errcode": 0}'),
    "pagerduty": Vendor(posting(PagerDutyChannel, BASE, routing_key=KEY), good_status=202, reads_answers=False),
    "opsgenie": Vendor(posting(OpsgenieChannel, BASE, api_key=KEY), good_status=202, reads_answers=False),
    "telegram": Vendor(posting(TelegramChannel, BASE, token=KEY, chat={"chat_id": -1}), reads_answers=False),
    "pushover": Vendor(posting(PushoverChannel, BASE, user_key=KEY, token=KEY), reads_answers=False),
    "victorops": Vendor(posting(VictorOpsChannel, BASE, api_key=KEY, routing_key="team"), reads_answers=False),
    "discord": Vendor(posting(DiscordChannel), b"", good_status=204, reads_answers=False),
    "msteams": Vendor(posting(TeamsChannel), b"1"),
    "msteamsv2": Vendor(posting(WorkflowChannel), good_status=202, reads_answers=False),
    "webex": Vendor(posting(WebexChannel, BASE, room="r", credentials={"Authorization": KEY}), reads_answers=False),
    "slack_bot": Vendor(
        posting(SlackBot, BASE, token=KEY, channel="C1", memory=ShortMemory()),
        b'{"ok": true, "channel": "C1", "ts": "1"}',
    ),
    "feishu_app": Vendor(
        posting(FeishuApp, BASE, app_id="a", app_secret=KEY, chat="oc_1", memory=ShortMemory()),
        b'{"code": 0, "tenant_access_token": "t-s3cret", "expire": 7200, "data": {"message_id": "om_1"}}',
    ),
    "apprise": Vendor(apprise, reads_answers=False),
}
TWO_ROADS = {"slack_bot": "slack", "feishu_app": "feishu"}
"""Kinds that are reached in a second way."""
HAND_ON_THE_KEY = {"webhook"}
"""Elsewhere there is no place for it: what has an entity of the group's own name takes a second message for the same one."""


class Wire(BaseAdapter):
    """The far side for a library that is synchronous."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url, body = str(request.url), request.body or b""
        self.server.requests.append(
            httpx.Request(request.method or "", url, content=body, headers=dict(request.headers))
        )
        if self.server.hangs or self.server.error:
            raise requests.ConnectTimeout if self.server.hangs else requests.ConnectionError(f"cannot connect to {url}")
        answer = requests.Response()
        answer.status_code, answer.raw = (
            self.server.status,
            HTTPResponse(BytesIO(self.server.body), preload_content=False),
        )
        answer.headers.update(self.server.headers)
        return answer

    def close(self) -> None:
        return None


def good(kind: str, **said: Any) -> Server:
    vendor = VENDORS[kind]
    return Server(**{"status": vendor.good_status, "body": vendor.good, **said})


def seen_by(server: Server) -> str:
    """What a person is shown of a message, whatever its markup."""
    return " ".join(unquote_plus(request.content.decode()) for request in server.requests)


async def refusal(kind: str, server: Server, clock: ManualClock) -> Upstream:
    channel = VENDORS[kind].make(server, clock)
    with pytest.raises(Upstream) as refused:
        await channel.send(message(), key="k")
    await channel.close()
    return refused.value


def test_every_kind_that_can_be_configured_keeps_the_contract() -> None:
    by_hand = {"log", "email"}  # the log cannot fail, and mail speaks no HTTP: tests of its own in test_vendors
    assert {TWO_ROADS.get(kind, kind) for kind in VENDORS} | by_hand == set(BUILDERS)


@pytest.mark.parametrize("kind", VENDORS)
async def test_a_channel_that_hangs_is_given_up_and_may_be_tried_again(kind: str, clock: ManualClock) -> None:
    channel = VENDORS[kind].make(Server(hangs=True), clock)
    sending = asyncio.create_task(channel.send(message(), key="k"))
    await clock.advance(10)
    with pytest.raises(Upstream, match="did not answer within 10 s") as refused:
        await sending
    assert refused.value.retryable
    await channel.close()


@pytest.mark.parametrize("kind", VENDORS)
@pytest.mark.parametrize(("status", "retryable"), [(500, True), (503, True), (400, False), (404, False), (302, False)])
async def test_a_channel_tells_a_refusal_that_may_pass_from_a_last_word(
    kind: str, status: int, retryable: bool, clock: ManualClock
) -> None:
    server = good(kind, status=status, headers={"location": "https://elsewhere.example.com/"})
    error = await refusal(kind, server, clock)
    assert (error.retryable, error.status) == (retryable, status)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", VENDORS)
async def test_a_channel_hands_on_how_long_it_is_to_wait(kind: str, clock: ManualClock) -> None:
    error = await refusal(kind, good(kind, status=429, headers={"Retry-After": "17"}), clock)
    assert (error.retryable, error.details.get("retry_after")) == (True, 17.0)


@pytest.mark.parametrize("kind", [kind for kind, vendor in VENDORS.items() if vendor.reads_answers])
async def test_a_channel_takes_nonsense_for_a_failure(kind: str, clock: ManualClock) -> None:
    error = await refusal(kind, good(kind, body=b"<html>hello</html>"), clock)
    assert "hello" in error.sentence


@pytest.mark.parametrize("kind", VENDORS)
async def test_a_channel_shows_no_secret_in_an_error_or_a_log(kind: str, clock: ManualClock) -> None:
    with structlog.testing.capture_logs() as lines:
        refused = await refusal(kind, Server(status=500, body=b"no"), clock)
        unreachable = await refusal(kind, Server(error=httpx.ConnectError(f"cannot connect to {URL}")), clock)
    assert "s3cret" not in str(lines) + refused.sentence + unreachable.sentence
    assert unreachable.retryable


@pytest.mark.parametrize("kind", VENDORS)
async def test_a_channel_hides_what_a_system_blurted_out(kind: str, clock: ManualClock, redactor: Redactor) -> None:
    server = good(kind)
    channel = VENDORS[kind].make(server, clock, redact=redactor.value)
    await channel.send(message(alert(summary="password=hunter2-hunter2 was tried")), key="k")
    assert "hunter2" not in seen_by(server)
    assert "was tried" in seen_by(server)
    await channel.close()


@pytest.mark.parametrize("kind", sorted(set(VENDORS) - {"webhook"}))
@pytest.mark.parametrize(("language", "words"), [("en", "a is in trouble"), ("zh", "a 出问题了")])
async def test_a_channel_speaks_the_readers_language(kind: str, language: Any, words: str, clock: ManualClock) -> None:
    server = good(kind)
    channel = VENDORS[kind].make(server, clock, language=language)
    await channel.send(message(), key="k")
    assert words in str(orjson.loads(server.requests[-1].content))
    await channel.close()


@pytest.mark.parametrize("kind", sorted(HAND_ON_THE_KEY))
async def test_a_channel_hands_on_the_key_where_there_is_a_place_for_it(kind: str, clock: ManualClock) -> None:
    server = good(kind)
    await VENDORS[kind].make(server, clock).send(message(), key="key-1")
    assert server.requests[0].headers["idempotency-key"] == "key-1"


@pytest.fixture(params=["log", *VENDORS])
def channel(request: pytest.FixtureRequest, clock: ManualClock) -> Channel:
    kind = request.param
    return LogChannel() if kind == "log" else VENDORS[kind].make(good(kind), clock)


async def test_a_channel_sends_and_says_in_a_few_words_how_it_went(channel: Channel) -> None:
    said = await channel.send(message(), key="k1")
    assert 0 < len(said) < 100
    await channel.close()


async def test_a_channel_sends_an_end_as_well_as_a_beginning(channel: Channel) -> None:
    assert await channel.send(message(alert(state="resolved"), reason="resolved"), key="k2")
    await channel.close()


async def test_a_channels_name_is_stable_and_short_and_holds_no_secret(channel: Channel) -> None:
    assert channel.name == channel.name
    assert 0 < len(channel.name) <= 255
    assert "s3cret" not in channel.name
    assert channel.kind in channel.name


async def test_a_channel_writes_no_secret_into_the_log(channel: Channel) -> None:
    with structlog.testing.capture_logs() as lines:
        await channel.send(message(), key="k3")
    assert "s3cret" not in str(lines)


async def test_a_channel_takes_a_message_without_annotations_and_one_of_many_alerts(channel: Channel) -> None:
    many = [alert(f"{number:x}") for number in range(MAX_ALERTS + 50)]
    for sent in (message(alert()), message(*many)):
        assert await channel.send(sent, key="k4")


def test_a_stored_message_comes_back_as_it_was() -> None:
    sent = message(alert("a"), alert("b", "resolved"))
    assert Message.from_json(orjson.loads(orjson.dumps(sent.to_json()))) == sent


def test_of_too_many_alerts_the_firing_ones_are_kept_and_the_rest_counted() -> None:
    ended = [alert(f"a{number:04}", "resolved") for number in range(MAX_ALERTS)]
    sent = message(*ended, alert("z"))
    assert sent.truncated == 1
    assert "z" in [item.labels["pod"] for item in sent.items]


@pytest.mark.parametrize(
    ("language", "line"), [("en", "[FIRING:1] Trouble - a is in trouble"), ("zh", "[告警中:1] Trouble - a 出问题了")]
)
async def test_the_log_speaks_the_readers_language(language: Any, line: str) -> None:
    with structlog.testing.capture_logs() as lines:
        await LogChannel(language).send(message(), key="k")
    assert lines[0]["event"] == line


async def test_the_webhook_body_is_alertmanagers_version_4(clock: ManualClock) -> None:
    server = Server()
    await webhook(server, clock).send(message(alert("a"), alert("b", "resolved")), key="k")
    assert orjson.loads(server.requests[0].content) == {
        "receiver": "phone",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": alert("a").labels,
                "annotations": {},
                "startsAt": "2026-03-02T21:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://firstmate/alerts/aaaaaaaaaaaaaaaa",
                "fingerprint": "aaaaaaaaaaaaaaaa",
            },
            {
                "status": "resolved",
                "labels": alert("b").labels,
                "annotations": {},
                "startsAt": "2026-03-02T21:00:00Z",
                "endsAt": "2026-03-02T21:00:00Z",
                "generatorURL": "http://firstmate/alerts/bbbbbbbbbbbbbbbb",
                "fingerprint": "bbbbbbbbbbbbbbbb",
            },
        ],
        "groupLabels": {"alertname": "Trouble"},
        "commonLabels": {"alertname": "Trouble", "namespace": "shop", "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://firstmate",
        "version": "4",
        "groupKey": '{}:{alertname="Trouble"}',
        "truncatedAlerts": 0,
    }


async def test_the_webhook_hands_on_the_idempotency_key(clock: ManualClock) -> None:
    server = Server()
    await webhook(server, clock).send(message(), key="key-1")
    (request,) = server.requests
    assert (request.method, request.headers["idempotency-key"], request.headers["content-type"]) == (
        "POST",
        "key-1",
        "application/json",
    )


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(500, True), (503, True), (429, True), (408, True), (400, False), (401, False), (404, False), (301, False)],
)
async def test_a_refusal_that_may_pass_is_told_from_one_that_is_final(
    clock: ManualClock, status: int, retryable: bool
) -> None:
    server = Server(status, {"location": "http://elsewhere"}, b"no\nthanks")
    with pytest.raises(Upstream) as refused:
        await webhook(server, clock).send(message(), key="k")
    assert refused.value.retryable is retryable
    assert refused.value.sentence == f"The webhook at hooks.example.com answered {status}: no thanks"
    assert len(server.requests) == 1


@pytest.mark.parametrize(("header", "wait"), [("30", 30.0), ("999999", 3600.0), ("soon", None), (b"\xb2", None)])
async def test_what_the_receiver_asks_to_wait_is_handed_on_within_bounds(
    clock: ManualClock, header: str | bytes, wait: float | None
) -> None:
    server = Server(503, {"retry-after": header})
    with pytest.raises(Upstream) as refused:
        await webhook(server, clock).send(message(), key="k")
    assert refused.value.details.get("retry_after") == wait


async def test_a_receiver_that_cannot_be_reached_may_come_back_and_its_address_stays_secret(clock: ManualClock) -> None:
    server = Server(error=httpx.ConnectError(f"cannot connect to {URL}"))
    with pytest.raises(Upstream) as refused:
        await webhook(server, clock).send(message(), key="k")
    assert refused.value.retryable
    assert "s3cret" not in refused.value.sentence


async def test_a_receiver_that_hangs_is_given_up_after_the_timeout(clock: ManualClock) -> None:
    sending = asyncio.create_task(webhook(Server(hangs=True), clock).send(message(), key="k"))
    await clock.advance(10)
    with pytest.raises(Upstream, match="did not answer within 10 s"):
        await sending


async def test_an_endless_answer_is_read_no_further_than_a_few_kilobytes(clock: ManualClock) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 1024
            yield b"x" * 1024

    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, content=endless())

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(Upstream) as refused:
        await WebhookChannel(URL, clock=clock, client=client).send(message(), key="k")
    assert read <= 8192
    assert len(refused.value.sentence) < 500


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "hooks.example.com", "http://", "http://[x", ""])
def test_only_http_addresses_are_taken(clock: ManualClock, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        WebhookChannel(url, clock=clock)
    assert "webhook address" in refused.value.sentence


async def test_two_webhooks_on_one_host_have_different_names(clock: ManualClock) -> None:
    names = {webhook(Server(), clock, f"http://hooks.example.com:9000/{path}").name for path in "ab"}
    assert len(names) == 2
    assert all(name.startswith("webhook:hooks.example.com:9000:") for name in names)


async def test_a_secret_in_what_a_system_said_does_not_reach_the_receiver(
    clock: ManualClock, redactor: Redactor
) -> None:
    sent: list[bytes] = []

    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    async def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=nothing())

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    channel = WebhookChannel(URL, clock=clock, client=client, redact=redactor.value)
    await channel.send(message(alert(summary="cannot pull from https://bot:hunter2hunter2@registry.example")), key="k")
    assert b"hunter2" not in sent[0]
    assert b"registry.example" in sent[0]
