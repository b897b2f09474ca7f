"""One contract for every channel, and the webhook's own manners."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
import structlog

from alerts.model import Alert, State
from alerts.notify.channels import Channel
from alerts.notify.channels.dingtalk import DingTalkChannel
from alerts.notify.channels.feishu import FeishuChannel
from alerts.notify.channels.log import LogChannel
from alerts.notify.channels.slack import SlackChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.channels.wecom import WeComChannel
from alerts.notify.message import MAX_ALERTS, Message, compose
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
    headers: dict[str, str] = field(default_factory=dict)
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


def webhook(server: Server, clock: ManualClock, url: str = URL) -> WebhookChannel:
    return WebhookChannel(url, clock=clock, timeout=10, client=client_of(server))


CHANNELS: dict[str, Callable[[ManualClock], Channel]] = {
    "log": lambda _clock: LogChannel(),
    "webhook": lambda clock: webhook(Server(), clock),
    "slack": lambda clock: SlackChannel("team/slack[0]", URL, clock=clock, client=client_of(Server(body=b"ok"))),
    "feishu": lambda clock: FeishuChannel(
        "team/feishu[0]", URL, clock=clock, client=client_of(Server(body=b'{"code": 0}'))
    ),
    "dingtalk": lambda clock: DingTalkChannel(
        "team/dingtalk[0]", URL, clock=clock, client=client_of(Server(body=b'{"errcode": 0}'))
    ),
    "wecom": lambda clock: WeComChannel(
        "team/wecom[0]", URL, clock=clock, client=client_of(Server(body=b'{"errcode": 0}'))
    ),
}


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest, clock: ManualClock) -> Channel:
    return CHANNELS[request.param](clock)


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


@pytest.mark.parametrize(("header", "wait"), [("30", 30.0), ("999999", 3600.0), ("soon", None)])
async def test_what_the_receiver_asks_to_wait_is_handed_on_within_bounds(
    clock: ManualClock, header: str, wait: float | None
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
