"""A Feishu group's robot: an interactive card, signed when the robot wants it.

Feishu answers 200 to almost everything; what it thinks is in the body's `code`. 9499 and 19024 (a request that is wrong, or misses the
robot's keyword) stay wrong; 19021 (the signature's time) and 11232 (too many messages) pass. The signature is an HMAC over time and
secret, with an empty message, as Feishu has it.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Answer, Poster, host_of
from alerts.notify.channels.settings import secret_of
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message
from core.clock import Clock
from core.errors import Upstream
from core.language import Language

_COLOURS = {"critical": "red", "error": "red", "warning": "orange", "info": "blue"}
_MAY_PASS = frozenset({11232, 19021})
_MARKUP = str.maketrans({sign: f"&#{ord(sign)};" for sign in "*~<>[]()_`"})


class FeishuChannel:
    kind = "feishu"

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        secret: str = "",
        language: Language = "zh",
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        redact: Callable[[Any], Any] = lambda body: body,
    ) -> None:
        self.name = name
        self._url = url
        self._secret = secret
        self._clock = clock
        self._language = language
        self._redact = redact
        self._system = f"Feishu at {host_of(url, 'url')}"
        self._poster = Poster(self._system, clock, timeout, client)

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - a robot's address has no place for a key
        body = self._redact({"msg_type": "interactive", "card": card(letter(message, self._language))})
        signed = {**self._signature(), **body}
        return self._judged(await self._poster.post(self._url, orjson.dumps(signed), {}))

    async def close(self) -> None:
        await self._poster.close()

    def _signature(self) -> dict[str, str]:
        if not self._secret:
            return {}
        now = str(int(self._clock.now().timestamp()))
        return {"timestamp": now, "sign": signature(now, self._secret)}

    def _judged(self, answer: Answer) -> str:
        try:
            said = orjson.loads(answer.body)
            code = int(said.get("code", said.get("StatusCode", 0)))
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            raise Upstream(self._system, f"answered nonsense: {answer.text[:100]}", retryable=True) from None
        if code == 0:
            return "ok"
        words = f"refused the message ({code}): {str(said.get('msg', ''))[:200]}"
        raise Upstream(self._system, words, retryable=code in _MAY_PASS)


class FeishuBuilder:
    kind = "feishu"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> FeishuChannel:
        expect_fields(
            written.values, ("send_resolved", "url", "url_file", "secret", "secret_file", "language"), written.where
        )
        return FeishuChannel(
            name,
            secret_of(written, shared, "url"),
            clock=shared.clock,
            secret=secret_of(written, shared, "secret", optional=True),
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
        )


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
