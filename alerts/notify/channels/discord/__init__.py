"""A Discord channel's webhook: one embed in the colour of the worst alert, which mentions nobody whatever an alert says.

Discord answers 204, or 429 with a Retry-After; an embed's title holds 256 characters and its text 4,096.
"""

from typing import Any

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import expect, plain, secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message

MAX_BYTES = 4_000
_COLOURS = {"critical": 0xB3261E, "error": 0xB3261E, "warning": 0xE8A317, "info": 0x3B6FB6}
_CALM = 0x2E7D4F
_FIELDS = ("webhook_url", "webhook_url_file", "title", "message", "content", "username", "avatar_url")


class DiscordChannel(Posting):
    kind = "discord"
    product = "Discord"

    def __init__(self, name: str, url: str, *, said: dict[str, str] | None = None, **usual: Any) -> None:
        super().__init__(name, url, **usual)
        self._said = said or {}

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        colour = _COLOURS.get(read.severity, _COLOURS["warning"]) if read.status == "firing" else _CALM
        embed = {"title": read.title[:256], "description": markdown(read, MAX_BYTES), "color": colour}
        return {**self._said, "embeds": [embed], "allowed_mentions": {"parse": []}}


class DiscordBuilder:
    kind = "discord"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> DiscordChannel:
        expect(written, *_FIELDS)
        said = {each: plain(written, each) for each in ("content", "username", "avatar_url")}
        url = secret_of(written, shared, "webhook_url")
        return DiscordChannel(
            name, url, said={each: value for each, value in said.items() if value}, **usual(written, shared)
        )
