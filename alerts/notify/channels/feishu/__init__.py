"""A Feishu group's robot: an interactive card, signed when the robot wants it.

Feishu answers 200 to almost everything; what it thinks is in the body's `code`. 9499 and 19024 (a request that is wrong, or misses the
robot's keyword) stay wrong; 19021 (the signature's time) and 11232 (too many messages) pass. The signature is an HMAC over time and
secret, with an empty message, as Feishu has it. An app's bot (`app_id`, `app_secret`, `chat_id`) can update its cards: `app.py`.
"""

import base64
import hashlib
import hmac
from typing import Any

import orjson

from alerts.fields import expect_fields, text
from alerts.notify.channels import Shared, Written, updating
from alerts.notify.channels.feishu.app import ADDRESS, FeishuApp
from alerts.notify.channels.feishu.look import card, illustrated
from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Robot
from alerts.notify.channels.settings import plain, secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message
from alerts.pictures.picture import Picture
from core.errors import Upstream

_APP = (
    "send_resolved",
    "api_url",
    "app_id",
    "app_secret",
    "app_secret_file",
    "chat_id",
    "language",
    "update",
    "repeats",
    "picture",
)
_MAY_PASS = frozenset({11232, 19021})


class FeishuChannel(Robot):
    kind = "feishu"
    product = "Feishu"
    shows_pictures = True

    def content(self, message: Message) -> dict[str, Any]:
        return {"msg_type": "interactive", "card": card(letter(message, self.language))}

    def illustrated(self, message: Message, picture: Picture) -> dict[str, Any]:
        shown = illustrated(card(letter(message, self.language)), picture.caption(self.language), picture.url)
        return {"msg_type": "interactive", "card": shown}

    def sealed(self, content: dict[str, Any], key: str) -> dict[str, Any]:  # noqa: ARG002 - a robot's address has no place for a key
        if not self.secret:
            return content
        now = str(int(self.clock.now().timestamp()))
        return {"timestamp": now, "sign": signature(now, self.secret), **content}

    def judged(self, answer: Answer) -> str:
        try:
            said = orjson.loads(answer.body)
            code = int(said.get("code", said.get("StatusCode", 0)))
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            raise Upstream(self.system, f"answered nonsense: {answer.text[:100]}", retryable=True) from None
        if code == 0:
            return "ok"
        words = f"refused the message ({code}): {str(said.get('msg', ''))[:200]}"
        raise Upstream(self.system, words, retryable=code in _MAY_PASS)


class FeishuBuilder:
    """A robot by its address, or an app by its id: only the app can update what it has posted."""

    kind = "feishu"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> FeishuChannel | FeishuApp:
        if "app_id" not in written.values:
            return FeishuChannel.written(name, written, shared)
        expect_fields(written.values, _APP, written.where)
        return FeishuApp(
            name,
            plain(written, "api_url", ADDRESS),
            app_id=secret_of(written, shared, "app_id"),
            app_secret=secret_of(written, shared, "app_secret"),
            chat=text(written.values.get("chat_id"), written.where, "chat_id"),
            **updating.usual(written, shared),
        )


def signature(timestamp: str, secret: str) -> str:
    made = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
