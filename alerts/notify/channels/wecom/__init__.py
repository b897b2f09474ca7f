"""A WeCom group's robot: a Markdown message of at most 4,096 bytes.

It answers 200 with an `errcode`: 45009 (too many messages in a minute) and -1 (busy) pass, what else is not 0 stays wrong.
"""

from typing import Any

from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.post import Answer, errcode_of
from alerts.notify.channels.posting import Robot, RobotBuilder
from alerts.notify.letter import letter
from alerts.notify.message import Message

MAX_BYTES = 4_000
_MAY_PASS = frozenset({-1, 45009})


class WeComChannel(Robot):
    kind = "wecom"
    product = "WeCom"
    signs = False

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        # A title that is the user's has no place of its own here.
        head = f"### {read.title[:200]}\n\n" if read.body is not None and read.words.get("title") else ""
        return {"msgtype": "markdown", "markdown": {"content": head + markdown(read, MAX_BYTES - len(head.encode()))}}

    def judged(self, answer: Answer) -> str:
        return errcode_of(self.system, answer, _MAY_PASS)


wecom = RobotBuilder(WeComChannel)
