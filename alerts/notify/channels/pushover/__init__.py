"""Pushover: a notification on somebody's phone. While an alert fires it is an emergency, repeated until somebody acknowledges it there.

That is Alertmanager's habit too (priority 2, again each minute for an hour), and the file may say otherwise. Pushover answers 400 with
its errors for what stays wrong, 429 when the month's messages are used up. Title, message and address hold 250, 1,024 and 512 characters.
"""

from typing import Any

from alerts.durations import parse_duration
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import expect, plain, secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.errors import Invalid

ADDRESS = "https://api.pushover.net/1/messages.json"
EMERGENCY = 2
_FIELDS = (
    "user_key",
    "user_key_file",
    "token",
    "token_file",
    "title",
    "message",
    "url",
    "url_title",
    "device",
    "sound",
    "priority",
    "retry",
    "expire",
    "ttl",
    "html",
)


class PushoverChannel(Posting):
    kind = "pushover"
    product = "Pushover"

    def __init__(
        self,
        name: str,
        url: str = ADDRESS,
        *,
        user_key: str,
        token: str,
        said: dict[str, Any] | None = None,
        **usual: Any,
    ) -> None:
        """`said`: priority, sound, device, retry and expire in seconds, as far as the file says them."""
        super().__init__(name, url, **usual)
        self._keys = {"token": token, "user": user_key}
        self._said = said or {}

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        priority = int(self._said.get("priority", EMERGENCY if message.status == "firing" else 0))
        again = {"retry": self._said.get("retry", 60), "expire": self._said.get("expire", 3600)}
        rest = {name: self._said[name] for name in ("sound", "device", "ttl") if self._said.get(name)}
        return {
            "title": read.title[:250],
            "message": read.plain().partition("\n")[2].strip()[:1024] or read.title[:1024],
            "url": read.link[:512],
            "priority": priority,
            **(again if priority == EMERGENCY else {}),
            **rest,
        }

    def sealed(self, content: dict[str, Any], key: str) -> dict[str, Any]:  # noqa: ARG002 - there is no place for a key
        return {**self._keys, **content}


class PushoverBuilder:
    kind = "pushover"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> PushoverChannel:
        expect(written, *_FIELDS)
        said: dict[str, Any] = {each: plain(written, each) for each in ("sound", "device")}
        for each in ("retry", "expire", "ttl"):
            if plain(written, each):
                said[each] = int(parse_duration(plain(written, each), each).total_seconds())
        priority = plain(written, "priority")
        if priority and priority not in ("-2", "-1", "0", "1", "2"):
            raise Invalid(f"{written.where} priority must be from -2 to 2.", field="priority")
        return PushoverChannel(
            name,
            user_key=secret_of(written, shared, "user_key"),
            token=secret_of(written, shared, "token"),
            said={**said, **({"priority": int(priority)} if priority else {})},
            **usual(written, shared),
        )
