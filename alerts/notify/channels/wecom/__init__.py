"""A WeCom group's robot: a Markdown message of at most 4,096 bytes.

A picture is a message of its own, with the bytes in it: sent after the words, where they are the first about these alerts, and never a
reason to send the words again. It answers 200 with an `errcode`: 45009 (too many messages in a minute) and -1 (busy) pass, what else is
not 0 stays wrong.
"""

import base64
import hashlib
from typing import Any

from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.post import Answer, errcode_of
from alerts.notify.channels.posting import Robot, RobotBuilder
from alerts.notify.letter import letter
from alerts.notify.message import Message
from alerts.patience import survive
from alerts.pictures.picture import Picture

MAX_BYTES = 4_000
_MAY_PASS = frozenset({-1, 45009})


class WeComChannel(Robot):
    kind = "wecom"
    product = "WeCom"
    signs = False

    async def send(self, message: Message, *, key: str) -> str:
        said = await super().send(message, key=key)
        picture = await self.pictures.show(message.question) if message.reason in ("first", "test") else None
        if picture is None:
            return said
        posted = self.post(_image(picture), message, key)
        return f"{said}, picture: {await survive(posted, 'not taken', 'WeCom did not take a picture')}"

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        # A title that is the user's has no place of its own here.
        head = f"### {read.title[:200]}\n\n" if read.body is not None and read.words.get("title") else ""
        return {"msgtype": "markdown", "markdown": {"content": head + markdown(read, MAX_BYTES - len(head.encode()))}}

    def judged(self, answer: Answer) -> str:
        return errcode_of(self.system, answer, _MAY_PASS)


def _image(picture: Picture) -> dict[str, Any]:
    proof = hashlib.md5(picture.png, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": base64.b64encode(picture.png).decode(), "md5": proof}}


wecom = RobotBuilder(WeComChannel)
