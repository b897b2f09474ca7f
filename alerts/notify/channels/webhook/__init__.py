"""Alertmanager's webhook: a POST of its JSON body, for every receiver that was ever written for it.

The body has no place for a picture and is not given one; whoever asks for it (`picture: true`) finds its address in a header.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Poster, host_of
from alerts.notify.channels.settings import credentials, secret_of
from alerts.notify.message import Message
from alerts.pictures.picture import NoPictures, Pictures
from core.clock import Clock


class WebhookChannel:
    kind = "webhook"

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        redact: Callable[[Any], Any] = lambda body: body,
        name: str = "",
        credentials: Mapping[str, str] | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """`redact` is what every body passes before it leaves: labels and annotations quote what systems said."""
        host = host_of(url, "A webhook address")
        self._url = url
        self._redact = redact
        self._pictures = pictures or NoPictures()
        self._credentials = dict(credentials or {})
        self._name = name or f"webhook:{host}:{hashlib.sha256(url.encode()).hexdigest()[:6]}"
        self._poster = Poster(f"The webhook at {host}", clock, timeout, client)

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message, *, key: str) -> str:
        body = orjson.dumps(self._redact(message.webhook_body()))
        picture = await self._pictures.show(message.question)
        shown = {"Firstmate-Picture": picture.url} if picture and picture.url else {}
        headers = {**self._credentials, "Idempotency-Key": key, **shown}
        answer = await self._poster.post(self._url, body, headers)
        return f"HTTP {answer.status}"

    async def close(self) -> None:
        await self._poster.close()


class WebhookBuilder:
    kind = "webhook"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> WebhookChannel:
        expect_fields(
            written.values, ("send_resolved", "url", "url_file", "http_config", "max_alerts", "picture"), written.where
        )
        return WebhookChannel(
            secret_of(written, shared, "url"),
            clock=shared.clock,
            timeout=shared.timeout,
            redact=shared.redact,
            name=name,
            credentials=credentials(written, shared),
            pictures=written.pictures(shared, usually=False),
        )
