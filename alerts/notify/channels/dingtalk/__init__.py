"""A DingTalk group's robot: a Markdown message, signed when the robot wants it.

The signature is an HMAC over time and secret, keyed by the secret, and travels in the address. DingTalk answers 200 with an `errcode`:
130101 (too many messages, for the rest of a minute) and -1 (busy) pass, what else is not 0 stays wrong. A message holds 20,000 bytes.
"""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from alerts.notify.channels.markdown import image, markdown
from alerts.notify.channels.post import Answer, errcode_of
from alerts.notify.channels.posting import Robot, RobotBuilder
from alerts.notify.letter import letter
from alerts.notify.message import Message
from alerts.pictures.picture import Picture

MAX_BYTES = 18_000
_MAY_PASS = frozenset({-1, 130101})


class DingTalkChannel(Robot):
    kind = "dingtalk"
    product = "DingTalk"
    shows_pictures = True

    def content(self, message: Message) -> dict[str, Any]:
        return self._with("", message)

    def illustrated(self, message: Message, picture: Picture) -> dict[str, Any]:
        return self._with(image(picture.url, picture.caption(self.language)), message)

    def _with(self, picture: str, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        return {"msgtype": "markdown", "markdown": {"title": read.title, "text": markdown(read, MAX_BYTES, picture)}}

    def address(self, message: Message) -> str:  # noqa: ARG002 - one address for all
        if not self.secret:
            return self.url
        now = str(int(self.clock.now().timestamp() * 1000))
        joint = "&" if "?" in self.url else "?"
        return self.url + joint + urlencode({"timestamp": now, "sign": signature(now, self.secret)})

    def judged(self, answer: Answer) -> str:
        return errcode_of(self.system, answer, _MAY_PASS)


dingtalk = RobotBuilder(DingTalkChannel)


def signature(timestamp: str, secret: str) -> str:
    made = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
