"""A Feishu group's robot: an interactive card, signed when the robot wants it.

Feishu answers 200 to almost everything; what it thinks is in the body's `code`. 9499 and 19024 (a request that is wrong, or misses the
robot's keyword) stay wrong; 19021 (the signature's time) and 11232 (too many messages) pass. The signature is an HMAC over time and
secret, with an empty message, as Feishu has it.
"""

import base64
import hashlib
import hmac
from typing import Any

import orjson

from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Robot, RobotBuilder
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message
from core.errors import Upstream

_COLOURS = {"critical": "red", "error": "red", "warning": "orange", "info": "blue"}
_MAY_PASS = frozenset({11232, 19021})
_MARKUP = str.maketrans({sign: f"&#{ord(sign)};" for sign in "*~<>[]()_`"})


class FeishuChannel(Robot):
    kind = "feishu"
    product = "Feishu"

    def content(self, message: Message) -> dict[str, Any]:
        return {"msg_type": "interactive", "card": card(letter(message, self.language))}

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


feishu = RobotBuilder(FeishuChannel)


def signature(timestamp: str, secret: str) -> str:
    made = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(made.digest()).decode()


def card(read: Letter) -> dict[str, Any]:
    colour = _COLOURS.get(read.severity, "orange") if read.status == "firing" else "green"
    texts = [facts_line(read.shared), *(_entry(entry) for entry in read.entries), read.more]
    elements: list[dict[str, Any]] = [
        {"tag": "div", "text": {"tag": "lark_md", "content": text}} for text in texts if text
    ]
    elements.append({"tag": "note", "elements": [{"tag": "plain_text", "content": read.footer}]})
    return {
        "config": {"wide_screen_mode": True},
        "header": {"template": colour, "title": {"tag": "plain_text", "content": read.title}},
        "elements": elements,
    }


def _entry(entry: Entry) -> str:
    link = f" [→]({entry.link})" if entry.link.startswith(("http://", "https://")) and ")" not in entry.link else ""
    lines = [
        f"**{escaped(entry.summary)}**{link}",
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        escaped(entry.since),
    ]
    return "\n".join(line for line in lines if line)


def escaped(text: str) -> str:
    return text.translate(_MARKUP)
