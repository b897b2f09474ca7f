"""A Webex space: one Markdown message by a bot, whose token the file gives under `http_config.authorization`, as Alertmanager has it.

Webex answers 429 with a Retry-After; 401 and 404 are its last word. A message holds 7,439 bytes.
"""

from typing import Any

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import expect, plain
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.errors import Invalid

ADDRESS = "https://webexapis.com/v1/messages"
MAX_BYTES = 7_000


class WebexChannel(Posting):
    kind = "webex"
    product = "Webex"

    def __init__(self, name: str, url: str = ADDRESS, *, room: str, **usual: Any) -> None:
        super().__init__(name, url, **usual)
        self._room = room

    def content(self, message: Message) -> dict[str, Any]:
        return {"roomId": self._room, "markdown": markdown(letter(message, self.language), MAX_BYTES)}


class WebexBuilder:
    kind = "webex"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> WebexChannel:
        expect(written, "api_url", "room_id", "message")
        made = usual(written, shared)
        if not made["credentials"]:
            raise Invalid(
                f"{written.where} http_config.authorization is missing: the bot's token.", field="http_config"
            )
        room = plain(written, "room_id")
        if not room:
            raise Invalid(f"{written.where} room_id is missing.", field="room_id")
        return WebexChannel(name, plain(written, "api_url", ADDRESS, "webex_api_url"), room=room, **made)
