"""Vectors from an OpenAI-compatible endpoint: in batches, a few at a time, tried again where trying again can help.

Texts go out in batches that are bounded in number and in characters, because endpoints refuse the whole request for one batch too large.
429, 408 and 5xx, a refused connection and a time-out may pass and are tried again, after what Retry-After says or a pause that doubles;
any other status is the endpoint's last word. A question is asked once and with little patience: somebody waits for it, and words alone
find most pages. After a failed one the endpoint is left in peace for a while, so that an outage does not slow every search.

What comes back is checked before it is believed: as many rows as texts, each under its index, finite, of one length.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from core.errors import Upstream
from knowledge_base.embed import Vectors

BATCH_TEXTS = 64
BATCH_CHARACTERS = 60_000
MAX_TEXT = 8_000
MAX_ANSWER = 64 * 1024 * 1024
AT_ONCE = 4
ATTEMPTS = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LEFT_IN_PEACE = 30.0
_MAY_PASS = frozenset({408, 425, 429})
SYSTEM = "The embeddings endpoint"


@dataclass(frozen=True, slots=True)
class Address:
    base_url: str
    model: str
    api_key: str
    timeout: float = 30.0
    question_timeout: float = 3.0

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or "?"


@dataclass(frozen=True, slots=True)
class Pulse:
    """How time is told and passed in a thread: `monotonic` and `sleep` of the time module, or a test's."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class EndpointEmbedder:
    def __init__(self, address: Address, pulse: Pulse, transport: httpx.BaseTransport | None = None) -> None:
        self._address = address
        self._pulse = pulse
        headers = {"Authorization": f"Bearer {address.api_key}"} if address.api_key else {}
        self._client = httpx.Client(headers=headers, follow_redirects=False, transport=transport)
        self._lock = threading.Lock()
        self._peace_until = -math.inf

    @property
    def name(self) -> str:
        return f"endpoint/{self._address.model}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        batches = list(_batches(texts))
        if len(batches) < 2:
            parts = [self._patiently(batch) for batch in batches]
        else:
            with ThreadPoolExecutor(min(AT_ONCE, len(batches))) as pool:
                parts = list(pool.map(self._patiently, batches))
        if not parts:
            return np.zeros((0, 0), np.float32)
        if len({part.shape[1] for part in parts}) > 1:
            raise _nonsense("rows of different lengths").error
        return np.concatenate(parts)

    def question(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            if self._pulse.monotonic() < self._peace_until:
                raise Upstream(SYSTEM, "did not answer a moment ago", retryable=True)
        try:
            row: NDArray[np.float32] = self._once([text[:MAX_TEXT]], self._address.question_timeout)[0]
        except _Failed as failed:
            with self._lock:
                self._peace_until = self._pulse.monotonic() + LEFT_IN_PEACE
            raise failed.error from None
        return row

    def close(self) -> None:
        self._client.close()

    def _patiently(self, texts: Sequence[str]) -> Vectors:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(texts, self._address.timeout)
            except _Failed as failed:
                if attempt == ATTEMPTS or not failed.error.retryable:
                    raise failed.error from None
                self._pulse.sleep(failed.pause or min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))
        raise AssertionError("the last attempt returns or raises")

    def _once(self, texts: Sequence[str], timeout: float) -> Vectors:
        return _vectors(self._post({"model": self._address.model, "input": list(texts)}, timeout), len(texts))

    def _post(self, body: dict[str, Any], timeout: float) -> Any:
        url = f"{self._address.base_url.rstrip('/')}/embeddings"
        try:
            with self._client.stream("POST", url, json=body, timeout=timeout) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refusal(self._address.host, answer)
                return _read(answer)
        except httpx.TimeoutException:
            raise _Failed(
                _upstream(self._address.host, f"did not answer within {timeout:g} s", may_pass=True)
            ) from None
        except httpx.HTTPError as error:
            said = f"could not be reached ({type(error).__name__})"
            raise _Failed(_upstream(self._address.host, said, may_pass=True)) from None


class _Failed(Exception):
    def __init__(self, error: Upstream, pause: float = 0.0) -> None:
        super().__init__(error.sentence)
        self.error = error
        self.pause = pause


def _upstream(host: str, said: str, *, may_pass: bool, status: int | None = None) -> Upstream:
    return Upstream(f"{SYSTEM} at {host}", said, retryable=may_pass, status=status)


def _refusal(host: str, answer: httpx.Response) -> _Failed:
    status = answer.status_code
    may_pass = status in _MAY_PASS or status >= 500
    pause = answer.headers.get("Retry-After", "")
    wait = min(float(pause), LONGEST_PAUSE) if pause.isascii() and pause.isdigit() else 0.0
    return _Failed(_upstream(host, f"answered with status {status}", may_pass=may_pass, status=status), wait)


def _read(answer: httpx.Response) -> Any:
    import orjson

    held = bytearray()
    for chunk in answer.iter_bytes():
        held += chunk
        if len(held) > MAX_ANSWER:
            raise _nonsense(f"more than {MAX_ANSWER // 1024 // 1024} MiB")
    try:
        return orjson.loads(held)
    except orjson.JSONDecodeError:
        raise _nonsense("no JSON") from None


def _vectors(answer: Any, wanted: int) -> Vectors:
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) != wanted:
        raise _nonsense("not one vector for each text")
    try:
        placed = {row["index"]: row["embedding"] for row in rows}
        found = np.array([placed[place] for place in range(wanted)], dtype=np.float32)
    except (KeyError, TypeError, ValueError):
        raise _nonsense("vectors that cannot be read") from None
    if found.ndim != 2 or not found.shape[1] or not np.isfinite(found).all():
        raise _nonsense("vectors that cannot be read")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(lengths == 0, 1.0, lengths), dtype=np.float32)


def _nonsense(what: str) -> _Failed:
    return _Failed(Upstream(SYSTEM, f"answered with {what}", retryable=False))


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    held: list[str] = []
    size = 0
    for text in texts:
        short = text[:MAX_TEXT]
        if held and (len(held) == BATCH_TEXTS or size + len(short) > BATCH_CHARACTERS):
            yield held
            held, size = [], 0
        held.append(short)
        size += len(short)
    if held:
        yield held
