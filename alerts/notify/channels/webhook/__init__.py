"""Alertmanager's webhook: a POST of its JSON body, for every receiver that was ever written for it.

Only http and https; redirects are not followed (an address that moves is a setting to change, not a place to send alerts to unasked); the
answer is read up to a few kilobytes and no further. 408, 425, 429 and 5xx, a refused connection and a timeout may pass, any other
status is the receiver's last word. A Retry-After is handed to whoever plans the next attempt. The address may hold a token, so only
its host is ever shown.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from alerts.fields import expect_fields, read_text, text
from alerts.notify.channels import Shared, Written
from alerts.notify.message import Message
from alerts.patience import within
from core.clock import Clock
from core.errors import Invalid, Upstream

MAX_ANSWER = 4096
MAX_RETRY_AFTER = 3600.0
_MAY_PASS = frozenset({408, 425, 429})


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
    ) -> None:
        """`redact` is what every body passes before it leaves: labels and annotations quote what systems said."""
        host = _checked_host(url)
        self._url = url
        self._clock = clock
        self._timeout = timeout
        self._redact = redact
        self._name = name or f"webhook:{host}:{hashlib.sha256(url.encode()).hexdigest()[:6]}"
        self._system = f"The webhook at {host}"
        self._client = client or httpx.AsyncClient(timeout=timeout, follow_redirects=False)

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message, *, key: str) -> str:
        try:
            status, headers, said = await within(self._clock, self._timeout, self._post(message, key))
        except (TimeoutError, httpx.TimeoutException):
            raise Upstream(self._system, f"did not answer within {self._timeout:g} s", retryable=True) from None
        except httpx.HTTPError as error:
            # The error's own text may quote the address, and the address may hold a token.
            raise Upstream(self._system, f"could not be reached ({type(error).__name__})", retryable=True) from None
        if 200 <= status < 300:
            return f"HTTP {status}"
        raise self._refusal(status, headers, said)

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, message: Message, key: str) -> tuple[int, Mapping[str, str], str]:
        request = self._client.build_request(
            "POST",
            self._url,
            content=orjson.dumps(self._redact(message.webhook_body())),
            headers={
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "Firstmate",
                "Idempotency-Key": key,
            },
        )
        answer = await self._client.send(request, stream=True)
        try:
            return answer.status_code, answer.headers, await _read_some(answer)
        finally:
            await answer.aclose()

    def _refusal(self, status: int, headers: Mapping[str, str], said: str) -> Upstream:
        retryable = status in _MAY_PASS or status >= 500
        words = f"answered {status}" + (f": {said}" if said else "")
        error = Upstream(self._system, words, retryable=retryable, status=status)
        wait = headers.get("retry-after", "")
        if retryable and wait.isdigit():
            error.details["retry_after"] = min(float(wait), MAX_RETRY_AFTER)
        return error


class WebhookBuilder:
    kind = "webhook"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> WebhookChannel:
        expect_fields(written.values, ("send_resolved", "url", "url_file", "http_config", "max_alerts"), written.where)
        return WebhookChannel(
            _url(written, shared), clock=shared.clock, timeout=shared.timeout, redact=shared.redact, name=name
        )


def _url(written: Written, shared: Shared) -> str:
    file = written.values.get("url_file")
    if file:
        return read_text(Path(text(file, written.where, "url_file")), "file of a webhook's address").strip()
    return shared.secret(text(written.values.get("url"), written.where, "url"))


async def _read_some(answer: httpx.Response) -> str:
    read = b""
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) >= MAX_ANSWER:
            break
    return " ".join(read[:MAX_ANSWER].decode("utf-8", "replace").split())[:300]


def _checked_host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise Invalid("A webhook address is not a URL.", field="WEBHOOK_URLS") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid("A webhook address must begin with http:// or https:// and name a host.", field="WEBHOOK_URLS")
    return f"{parts.hostname}{port}"
