"""One POST to a vendor, and what its answer means.

Only http and https; redirects are not followed (an address that moves is a setting to change, not a place to send alerts to unasked); the
answer is read up to a few kilobytes and no further. 408, 425, 429 and 5xx, a refused connection and a timeout may pass, any other status is
the receiver's last word. A Retry-After is handed to whoever plans the next attempt. The address may hold a token, so only its host is
ever shown, and no error of the network library, which may quote it, is passed on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import orjson

from alerts.patience import within
from core.clock import Clock
from core.errors import Invalid, Upstream

MAX_ANSWER = 4096
MAX_RETRY_AFTER = 3600.0
_MAY_PASS = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return " ".join(self.body.decode("utf-8", "replace").split())[:300]


class Poster:
    """To one vendor, by one client with its connections."""

    def __init__(
        self,
        system: str,
        clock: Clock,
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self._max_answer = max_answer
        self._system = system
        self._clock = clock
        self._timeout = timeout
        self._client = client or httpx.AsyncClient(timeout=timeout, follow_redirects=False)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """An answer of success; anything else is an Upstream error."""
        answer = await self.ask("POST", url, content, headers)
        if 200 <= answer.status < 300:
            return answer
        raise self.refusal(answer)

    async def ask(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Whatever was answered: some vendors say in the body why they refuse."""
        try:
            return await within(self._clock, self._timeout, self._send(method, url, content, headers))
        except (TimeoutError, httpx.TimeoutException):
            raise Upstream(self._system, f"did not answer within {self._timeout:g} s", retryable=True) from None
        except httpx.HTTPError as error:
            raise Upstream(self._system, f"could not be reached ({type(error).__name__})", retryable=True) from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        usual = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "Firstmate"}
        request = self._client.build_request(method, url, content=content, headers={**usual, **headers})
        answer = await self._client.send(request, stream=True)
        try:
            return Answer(answer.status_code, answer.headers, await _read_some(answer, self._max_answer))
        finally:
            await answer.aclose()

    def refusal(self, answer: Answer) -> Upstream:
        retryable = may_pass(answer.status)
        words = f"answered {answer.status}" + (f": {answer.text}" if answer.text else "")
        error = Upstream(self._system, words, retryable=retryable, status=answer.status)
        wait = answer.headers.get("retry-after", "")
        if retryable and wait.isdecimal():
            error.details["retry_after"] = min(float(wait), MAX_RETRY_AFTER)
        return error


def may_pass(status: int) -> bool:
    return status in _MAY_PASS or status >= 500


def host_of(url: str, field: str) -> str:
    """What may be shown of an address; an address that is none is refused."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise Invalid(f"{field} is not a URL.", field=field) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{field} must begin with http:// or https:// and name a host.", field=field)
    return f"{parts.hostname}{port}"


def errcode_of(system: str, answer: Answer, may_pass: frozenset[int]) -> str:
    """What a robot thinks of a message stands in the body, under `errcode`."""
    try:
        said = orjson.loads(answer.body)
        code = int(said["errcode"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Upstream(system, f"answered nonsense: {answer.text[:100]}", retryable=True) from None
    if code == 0:
        return "ok"
    raise Upstream(
        system, f"refused the message ({code}): {str(said.get('errmsg', ''))[:200]}", retryable=code in may_pass
    )


async def _read_some(answer: httpx.Response, most: int) -> bytes:
    read = b""
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) >= most:
            break
    return read[:most]
