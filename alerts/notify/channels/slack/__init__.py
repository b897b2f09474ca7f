"""Slack's incoming webhook: one attachment in the colour of the worst alert, its alerts as sections.

Slack answers 200 with `ok`; a wrong address or a channel that was archived is 403, 404 or 410 with a word, and trying again does not
help. With a bot's token (`bot_token` and `channel`, or Alertmanager's way of writing it) messages are updated in place: `bot.py`.
"""

from collections.abc import Mapping
from typing import Any

from alerts.fields import expect_fields, text
from alerts.notify.channels import Shared, Written, updating
from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import credentials, plain, secret_of
from alerts.notify.channels.slack.bot import ADDRESS, SlackBot
from alerts.notify.channels.slack.look import illustrated, shown
from alerts.notify.letter import letter
from alerts.notify.message import Message
from alerts.pictures.picture import Picture
from core.errors import Invalid

_FIELDS = (
    "send_resolved",
    "api_url",
    "api_url_file",
    "channel",
    "username",
    "icon_emoji",
    "icon_url",
    "http_config",
    "language",
    "bot_token",
    "bot_token_file",
    "update",
    "repeats",
    "picture",
)
_POSTS = "/chat.postMessage"


class SlackChannel(Posting):
    kind = "slack"
    product = "Slack"
    shows_pictures = True

    def __init__(self, name: str, url: str, *, extra: Mapping[str, str] | None = None, **usual: Any) -> None:
        super().__init__(name, url, **usual)
        self._extra = dict(extra or {})

    def content(self, message: Message) -> dict[str, Any]:
        return self._extra | shown(letter(message, self.language))

    def illustrated(self, message: Message, picture: Picture) -> dict[str, Any]:
        return illustrated(self.content(message), picture.caption(self.language), picture.url)

    def judged(self, answer: Answer) -> str:
        return answer.text or "ok"


class SlackBuilder:
    kind = "slack"
    sends_resolved = False

    def __call__(self, name: str, written: Written, shared: Shared) -> SlackChannel | SlackBot:
        expect_fields(written.values, _FIELDS, written.where)
        extra = {
            each: str(written.values[each]) for each in ("username", "icon_emoji", "icon_url") if each in written.values
        }
        bot = _bot(name, written, shared, extra)
        if bot:
            return bot
        if {"update", "repeats"} & set(written.values):
            raise Invalid(
                f"{written.where} only a bot_token can update; a webhook's message stays as it is.", field="update"
            )
        written_channel = str(written.values.get("channel", ""))
        # A template is rendered for each message; where that fails, the webhook knows its own channel.
        channel = {"channel": written_channel} if written_channel and "{{" not in written_channel else {}
        url = secret_of(written, shared, "api_url", default="slack_api_url")
        return SlackChannel(name, url, extra=channel | extra, **usual(written, shared))


def _bot(name: str, written: Written, shared: Shared, extra: dict[str, str]) -> SlackBot | None:
    token = secret_of(written, shared, "bot_token", optional=True)
    url = secret_of(written, shared, "api_url", default="slack_api_url", optional=True)
    if not token and url.endswith(_POSTS):
        # Alertmanager's way: the method's address, and the token as the authorization.
        token = credentials(written, shared).get("Authorization", "").removeprefix("Bearer ")
    if not token:
        return None
    base = url.removesuffix(_POSTS) if url.endswith(_POSTS) else plain(written, "api_url", ADDRESS)
    channel = text(written.values.get("channel"), written.where, "channel")
    return SlackBot(name, base, token=token, channel=channel, extra=extra, **updating.usual(written, shared))
