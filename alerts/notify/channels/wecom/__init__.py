"""A WeCom group's robot: a Markdown message of at most 4,096 bytes.

It answers 200 with an `errcode`: 45009 (too many messages in a minute) and -1 (busy) pass, what else is not 0 stays wrong.
"""

from collections.abc import Callable
from typing import Any

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

MAX_BYTES = 4_000
_MAY_PASS = frozenset({-1, 45009})


class WeComChannel:
    kind = "wecom"

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        language: Language = "zh",
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        redact: Callable[[Any], Any] = lambda body: body,
    ) -> None:
        self.name = name
        self._url = url
        self._language = language
        self._redact = redact
        self._system = f"WeCom at {host_of(url, 'url')}"
        self._poster = Poster(self._system, clock, timeout, client)

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - a robot's address has no place for a key
        body = {"msgtype": "markdown", "markdown": {"content": markdown(letter(message, self._language), MAX_BYTES)}}
        answer = await self._poster.post(self._url, orjson.dumps(self._redact(body)), {})
        return errcode_of(self._system, answer, _MAY_PASS)

    async def close(self) -> None:
        await self._poster.close()


class WeComBuilder:
    kind = "wecom"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> WeComChannel:
        expect_fields(written.values, ("send_resolved", "url", "url_file", "language"), written.where)
        return WeComChannel(
            name,
            secret_of(written, shared, "url"),
            clock=shared.clock,
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
        )
