"""Slack by a bot's token: `chat.postMessage`, and `chat.update` of the same message as its group changes.

Slack answers 200 with `ok` true or false and the reason as a word. Too many requests are 429 with a Retry-After. The channel's id in
the answer is what an update wants, whatever the channel was called.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from alerts.notify.channels.slack.look import escaped, illustrated, shown
from alerts.notify.channels.updating import Gone, Updating
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.errors import Upstream

ADDRESS = "https://slack.com/api"
_MAY_PASS = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "thread_not_found"})


class SlackBot(Updating):
    kind = "slack"
    product = "Slack"

    def __init__(
        self, name: str, url: str, *, token: str, channel: str, extra: Mapping[str, str] | None = None, **usual: Any
    ) -> None:
        super().__init__(name, url, **usual)
        self._token = token
        self._channel = channel
        self._extra = dict(extra or {})

    async def post(self, message: Message, key: str) -> Mapping[str, str]:  # noqa: ARG002 - Slack has no place for a key
        said = await self._say(
            "chat.postMessage", {**self._extra, "channel": self._channel, **self._shown(message)}, message
        )
        return {"channel": str(said.get("channel", "")), "ts": str(said.get("ts", ""))}

    async def update(self, mark: Mapping[str, str], message: Message) -> None:
        await self._say("chat.update", {**self._shown(message), **mark}, message)

    async def reply(self, mark: Mapping[str, str], text: str, key: str) -> None:  # noqa: ARG002 - Slack has no place for a key
        said = {"text": escaped(str(self.redact(text)))}
        place = {"channel": mark["channel"], "thread_ts": mark["ts"], "reply_broadcast": True}
        await self._call("chat.postMessage", {**self._extra, **place, **said})

    def _shown(self, message: Message) -> dict[str, Any]:
        body: dict[str, Any] = self.redact(shown(letter(message, self.language)))
        return body

    async def _say(self, method: str, plain: dict[str, Any], message: Message) -> dict[str, Any]:
        """With its picture; without, where Slack refuses it, for Slack fetches the picture while it reads the message."""
        picture = await self.pictures.show(message.question)
        if picture is None or not picture.url:
            return await self._call(method, plain)
        try:
            return await self._call(method, illustrated(plain, picture.caption(self.language), picture.url))
        except Upstream as error:
            if error.retryable:
                raise
            return await self._call(method, plain)

    async def _call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json; charset=utf-8"}
        answer = await self.poster.post(f"{self.url}/{method}", orjson.dumps(body), headers)
        try:
            said: dict[str, Any] = orjson.loads(answer.body)
            is_fine, why = said["ok"] is True, str(said.get("error", ""))[:100]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise Upstream(self.system, f"answered nonsense: {answer.text[:100]}", retryable=True) from None
        if is_fine:
            return said
        if why in _GONE:
            raise Gone
        raise Upstream(self.system, f"refused the message: {why}", retryable=why in _MAY_PASS)
