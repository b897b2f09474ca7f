"""A DingTalk group's robot: a Markdown message, signed when the robot wants it.

The signature is an HMAC over time and secret, keyed by the secret, and travels in the address. DingTalk answers 200 with an `errcode`:
130101 (too many messages, for the rest of a minute) and -1 (busy) pass, what else is not 0 stays wrong. A message holds 20,000 bytes.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.markdown import markdown
from alerts.notify.channels.post import Poster, errcode_of, host_of
from alerts.notify.channels.settings import secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.clock import Clock
from core.language import Language

MAX_BYTES = 18_000
_MAY_PASS = frozenset({-1, 130101})


class DingTalkChannel:
    kind = "dingtalk"

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
        self._system = f"DingTalk at {host_of(url, 'url')}"
        self._poster = Poster(self._system, clock, timeout, client)

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - a robot's address has no place for a key
        read = letter(message, self._language)
        body = {"msgtype": "markdown", "markdown": {"title": read.title, "text": markdown(read, MAX_BYTES)}}
        answer = await self._poster.post(self._signed_url(), orjson.dumps(self._redact(body)), {})
        return errcode_of(self._system, answer, _MAY_PASS)

    async def close(self) -> None:
        await self._poster.close()

    def _signed_url(self) -> str:
        if not self._secret:
            return self._url
        now = str(int(self._clock.now().timestamp() * 1000))
        joint = "&" if "?" in self._url else "?"
        return self._url + joint + urlencode({"timestamp": now, "sign": signature(now, self._secret)})


class DingTalkBuilder:
    kind = "dingtalk"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> DingTalkChannel:
        expect_fields(
            written.values, ("send_resolved", "url", "url_file", "secret", "secret_file", "language"), written.where
        )
        return DingTalkChannel(
            name,
            secret_of(written, shared, "url"),
            clock=shared.clock,
            secret=secret_of(written, shared, "secret", optional=True),
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
        )


def signature(timestamp: str, secret: str) -> str:
    made = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
