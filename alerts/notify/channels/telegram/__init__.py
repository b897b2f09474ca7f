"""A Telegram bot: one message in its small HTML, in which three characters must be escaped.

The bot's token is part of the address, so only the host is ever shown. Telegram says 429 with `retry_after` in the body, and 400 or 403
for a chat that is not there or does not want us. A message holds 4,096 characters; whole alerts are left out rather than cut in their
markup.
"""

import html
import re
from typing import Any

import orjson

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import MAX_RETRY_AFTER, Answer
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import expect, plain, secret_of
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message
from core.errors import Invalid, Upstream

ADDRESS = "https://api.telegram.org"
MAX_TEXT = 4_096
_FIELDS = (
    "bot_token",
    "bot_token_file",
    "chat_id",
    "message",
    "api_url",
    "disable_notifications",
    "parse_mode",
    "message_thread_id",
)


class TelegramChannel(Posting):
    kind = "telegram"
    product = "Telegram"

    def __init__(
        self, name: str, url: str = ADDRESS, *, token: str, chat: dict[str, Any], quiet: bool = False, **usual: Any
    ) -> None:
        """`chat` says where in Telegram: chat_id and perhaps message_thread_id."""
        super().__init__(name, url, **usual)
        self._token = token
        self._chat = chat
        self._quiet = quiet

    async def send(self, message: Message, *, key: str) -> str:
        try:
            return await super().send(message, key=key)
        except Upstream as error:
            if error.status == 429:
                _hand_on_the_wait(error)
            raise

    def content(self, message: Message) -> dict[str, Any]:
        text = shown(letter(message, self.language))
        preview = {"is_disabled": True}
        said = {"text": text, "parse_mode": "HTML", "disable_notification": self._quiet}
        return {**self._chat, **said, "link_preview_options": preview}

    def address(self, message: Message) -> str:  # noqa: ARG002 - one address for all
        return f"{self.url.rstrip('/')}/bot{self._token}/sendMessage"

    def judged(self, answer: Answer) -> str:  # noqa: ARG002 - an error has its status
        return "ok"


class TelegramBuilder:
    kind = "telegram"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> TelegramChannel:
        expect(written, *_FIELDS)
        quiet = written.values.get("disable_notifications", False)
        chat = {each: written.values[each] for each in ("chat_id", "message_thread_id") if each in written.values}
        if not isinstance(chat.get("chat_id"), (int, str)) or not chat["chat_id"]:
            raise Invalid(f"{written.where} chat_id is missing.", field="chat_id")
        return TelegramChannel(
            name,
            plain(written, "api_url", ADDRESS, "telegram_api_url"),
            token=secret_of(written, shared, "bot_token", default="telegram_bot_token"),
            chat=chat,
            quiet=quiet is True,
            **usual(written, shared),
        )


def shown(read: Letter) -> str:
    """As many alerts as fit whole; what is left out is counted. The user's own words, if too long, lose their markup first."""
    if read.body is not None:
        return read.body if len(read.body) <= MAX_TEXT else escaped(re.sub(r"<[^>]*>", "", read.body)[:MAX_TEXT])
    head = f"<b>{escaped(read.title[:500])}</b>" + (
        f"\n{escaped(facts_line(read.shared)[:500])}" if read.shared else ""
    )
    entries = [_entry(entry) for entry in read.entries]
    for count in range(len(entries), -1, -1):
        left = len(entries) - count
        cut = [f"… +{left}"] if left else []
        more = [escaped(read.more)] if read.more else []
        text = "\n\n".join([head, *entries[:count], *cut, *more, escaped(read.footer)])
        if len(text) <= MAX_TEXT:
            return text
    return head


def escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _entry(entry: Entry) -> str:
    link = f' <a href="{html.escape(entry.link)}">→</a>' if entry.link.startswith(("http://", "https://")) else ""
    lines = [
        f"<b>{escaped(entry.summary)}</b>{link}",
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        f"<i>{escaped(entry.since)}</i>",
    ]
    return "\n".join(line for line in lines if line)


def _hand_on_the_wait(error: Upstream) -> None:
    """Telegram asks in the body how long to wait."""
    try:
        said = orjson.loads(error.said.partition(": ")[2])
        error.details["retry_after"] = min(float(said["parameters"]["retry_after"]), MAX_RETRY_AFTER)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return
