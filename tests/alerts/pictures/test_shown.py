"""How each vendor is given a picture, and that none of them ever loses a message for it."""

import base64
import hashlib
from dataclasses import replace
from email.message import EmailMessage
from typing import Any, cast

import httpx
import orjson
import pytest

from alerts.notify.channels import Channel, Shared
from alerts.notify.channels.dingtalk import DingTalkChannel
from alerts.notify.channels.email import EmailChannel, Post, _below
from alerts.notify.channels.feishu import FeishuChannel
from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.slack import SlackChannel
from alerts.notify.channels.slack.look import illustrated
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.channels.wecom import WeComChannel
from alerts.notify.letter import letter
from alerts.notify.message import Message
from alerts.notify.workshop import build_channels
from alerts.pictures.asking import Asks
from alerts.pictures.picture import NoPictures, Picture
from alerts.pictures.question import Question
from alerts.routing.config import parse_config
from core.clock import ManualClock
from core.errors import Invalid
from tests.alerts.night import EVENING, Begin, rules
from tests.alerts.test_channels import URL, Server, client_of, message

QUESTION = Question("Busy & <b>", "x", EVENING.timestamp() - 3_600, EVENING.timestamp(), EVENING.timestamp())
ADDRESS = "https://mate.example.com/api/v1/alerts/pictures/t.png"
PNG = b"\x89PNG and so on"
ROBOTS: dict[str, Any] = {
    "slack": SlackChannel,
    "feishu": FeishuChannel,
    "dingtalk": DingTalkChannel,
    "wecom": WeComChannel,
    "webhook": WebhookChannel,
}
GOOD = {
    "slack": b"ok",
    "feishu": b'{"code": 0}',
    "dingtalk": b'{"errcode": 0}',
    "wecom": b'{"errcode": 0}',
    "webhook": b"",
}


class Album:
    """Has a picture for every message."""

    def __init__(self, url: str = ADDRESS) -> None:
        self._url = url

    async def show(self, question: Question | None) -> Picture | None:
        return Picture("id", PNG, question or QUESTION, self._url)


def robot(kind: str, server: Server, pictures: Any) -> Channel:
    given: dict[str, Any] = {"clock": ManualClock(EVENING), "client": client_of(server), "pictures": pictures}
    made = ROBOTS[kind](URL, name="r", **given) if kind == "webhook" else ROBOTS[kind]("r", URL, **given)
    return cast("Channel", made)


async def sent(kind: str, pictures: Any, said: Message | None = None) -> list[httpx.Request]:
    server = Server(body=GOOD[kind])
    await robot(kind, server, pictures).send(said or message(), key="k")
    return server.requests


def bodies(requests: list[httpx.Request]) -> list[Any]:
    return [orjson.loads(request.content) for request in requests]


async def test_slack_shows_it_under_the_title() -> None:
    ((body),) = bodies(await sent("slack", Album()))
    blocks = body["attachments"][0]["blocks"]
    assert blocks[1] == {"type": "image", "alt_text": QUESTION.caption("en"), "image_url": ADDRESS}


async def test_slack_that_cannot_fetch_it_gets_the_message_without() -> None:
    server = Server(body=b"ok")
    answers = iter((400, 200))

    async def answer(request: httpx.Request) -> httpx.Response:
        server.requests.append(request)
        return httpx.Response(next(answers), stream=httpx.ByteStream(b"invalid_blocks"))

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    channel = SlackChannel("r", URL, clock=ManualClock(EVENING), client=client, pictures=Album())
    assert "without its picture" in await channel.send(message(), key="k")
    assert [b"image_url" in request.content for request in server.requests] == [True, False]


async def test_dingtalk_shows_it_in_its_markdown() -> None:
    ((body),) = bodies(await sent("dingtalk", Album()))
    assert f"]({ADDRESS})" in body["markdown"]["text"]
    assert "![Busy & \\<b\\>" in body["markdown"]["text"]


async def test_feishu_gets_a_button_that_leads_to_it() -> None:
    ((body),) = bodies(await sent("feishu", Album()))
    assert [each["actions"][0]["url"] for each in body["card"]["elements"] if each["tag"] == "action"] == [ADDRESS]


async def test_wecom_gets_it_after_the_first_message_and_not_again() -> None:
    words, picture = bodies(await sent("wecom", Album("")))
    assert words["msgtype"] == "markdown"
    assert picture["image"] == {
        "base64": base64.b64encode(PNG).decode(),
        "md5": hashlib.md5(PNG, usedforsecurity=False).hexdigest(),
    }
    assert len(await sent("wecom", Album(), message(reason="repeat"))) == 1


async def test_wecom_that_takes_no_picture_has_taken_the_message() -> None:
    server = Server()
    answers = iter((b'{"errcode": 0}', b'{"errcode": 45009}'))

    async def answer(request: httpx.Request) -> httpx.Response:
        server.requests.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(next(answers)))

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    channel = WeComChannel("r", URL, clock=ManualClock(EVENING), client=client, pictures=Album())
    assert await channel.send(message(), key="k") == "ok, picture: not taken"
    assert len(server.requests) == 2


async def test_the_webhook_has_it_in_a_header_and_alertmanagers_body_as_it_is() -> None:
    (with_it,), (without,) = await sent("webhook", Album()), await sent("webhook", NoPictures())
    assert with_it.headers["firstmate-picture"] == ADDRESS
    assert "firstmate-picture" not in without.headers
    assert with_it.content == without.content


@pytest.mark.parametrize("kind", ["slack", "feishu", "dingtalk", "webhook"])
async def test_without_an_address_outside_a_message_is_as_it_was(kind: str) -> None:
    (with_it,), (without,) = await sent(kind, Album("")), await sent(kind, NoPictures())
    assert with_it.content == without.content


def mail(picture: Picture | None) -> EmailMessage:
    post = Post("mail.example.com", 25, "mate@example.com", ("mei@example.com",))
    channel = EmailChannel("r", post, clock=ManualClock(EVENING))
    return channel._mail(letter(message(), "en"), "group", "key", picture)


def test_a_mail_carries_it_beside_its_html_and_says_what_it_shows() -> None:
    made = mail(Picture("id", PNG, QUESTION))
    assert [part.get_content_type() for part in made.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    page, image = list(made.walk())[3:]
    assert image["Content-ID"] == "<id@example.com>"
    assert image.get_content_disposition() == "inline"
    assert image.get_payload(decode=True) == PNG
    text = page.get_content()
    assert '<img src="cid:id@example.com" alt="Chart of Busy &amp; &lt;b&gt;, 20:00-21:00 UTC"' in text


def test_a_mail_without_one_is_as_it_was() -> None:
    kinds = [part.get_content_type() for part in mail(None).walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


CONFIG = (
    "{{route: {{receiver: a}}, receivers: [{{name: a, {kind}_configs: [{{{field}: '{url}', picture: {wanted}}}]}}]}}"
)


@pytest.mark.parametrize(("wanted", "shown"), [("true", True), ("false", False)])
async def test_a_receiver_may_want_none(wanted: str, shown: bool) -> None:
    written = CONFIG.format(kind="wecom", field="url", url=URL, wanted=wanted)
    _, (channel,) = build_channels(parse_config(written, "am.yml"), Shared(ManualClock(EVENING), pictures=Album()))
    assert (await cast("WeComChannel", channel).pictures.show(QUESTION) is not None) is shown
    await channel.close()


def test_a_word_that_is_neither_is_refused() -> None:
    written = CONFIG.format(kind="slack", field="api_url", url=URL, wanted="'sometimes'")
    with pytest.raises(Invalid, match="picture must be true or false"):
        build_channels(parse_config(written, "am.yml"), Shared(ManualClock(EVENING)))


def asks(question: Question | None) -> Asks:
    async def asked(_alerts: Any, _now: Any) -> Question | None:
        return question

    return cast("Asks", asked)


async def test_the_question_is_settled_with_the_decision_and_kept_through_retries(begin: Begin) -> None:
    night = await begin(rules())
    night.pipeline.stages[-1]._asks = asks(QUESTION)  # type: ignore[attr-defined]
    night.at(0).sees("a")
    await night.until(15)
    night.pipeline.stages[-1]._asks = asks(None)  # type: ignore[attr-defined]
    await night.restart()
    ((told, _),) = night.phone.got
    assert told.question == QUESTION
    (delivery,) = await night.desk.deliveries(next(iter(night.latest)))
    assert delivery.message.question == QUESTION


def test_beside_the_users_own_words_it_stands_at_their_end() -> None:
    assert _below("<body><p>mine</p></body>", "<img>") == "<body><p>mine</p><img></body>"
    assert _below("<p>mine</p>", "<img>") == "<p>mine</p><img>"
    assert _below(" ", "<img>") == ""
    own = replace(letter(message(), "en"), body="mine" * 50)
    assert markdown(own, 100, "![c](u)").endswith("\n\n![c](u)")
    assert len(markdown(own, 100, "![c](u)")) == 100
    attached = {"attachments": [{"title": "mine"}]}
    assert illustrated(attached, "c", "u") == {"attachments": [{"image_url": "u", "title": "mine"}]}
    chosen = {"attachments": [{"image_url": "theirs"}]}
    assert illustrated(chosen, "c", "u") == chosen


def test_what_is_past_its_time_says_nothing_of_its_picture_either() -> None:
    assert replace(message(), question=QUESTION).bare().question is None
