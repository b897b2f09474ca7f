"""The wire to Prometheus: prometheus-api-client on a session that keeps the promises the library leaves open.

It never tries again by itself (a caller's timeout must mean what it says), it reads a body against a deadline and a size (`requests` would
read for ever from a server that sends a byte a second), it follows no redirect (the token must not travel, and a login page is not an
answer), and it turns a refusal into the sentence that Prometheus really said. Everything here blocks and belongs in a thread; the module is
imported at the first query.
"""

import io
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter

from core.errors import FirstmateError, Invalid, NotConfigured, Upstream

SYSTEM = "Prometheus"
MAX_BODY = 32 * 1024 * 1024
MAX_SAID = 600
_CHUNK = 64 * 1024
_CONNECT = 5.0

T = TypeVar("T")


class Wire:
    def __init__(self, url: str, token: str, timeout: float, monotonic: Callable[[], float], size: int) -> None:
        self._url = url
        self._timeout = timeout
        self._monotonic = monotonic
        self._heard = threading.local()
        self.session = requests.Session()
        self.session.stream = True
        self.session.hooks["response"] = [self._read]
        self.library = PrometheusConnect(
            url,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            session=self.session,
            timeout=(min(_CONNECT, timeout), timeout),
        )
        # After the library, which mounts an adapter that tries three times.
        self.session.mount(url, HTTPAdapter(pool_connections=1, pool_maxsize=size, max_retries=0))

    def ask(self, call: Callable[[PrometheusConnect], Any], read: Callable[[Any], T]) -> tuple[T, list[str]]:
        """What `read` makes of the answer, and the warnings that came with it."""
        self._heard.warnings = []
        try:
            return read(call(self.library)), self._heard.warnings
        except FirstmateError:
            raise
        except requests.exceptions.JSONDecodeError as error:
            raise self._failed("answered with something that is not JSON") from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise self.slow() from error
        except (
            requests.exceptions.InvalidSchema,
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
        ) as error:
            raise NotConfigured(SYSTEM, f"PROMETHEUS_URL is no address that can be asked ({error}).") from error
        except requests.exceptions.SSLError as error:
            raise self._failed(f"could not prove who it is (TLS): {_short(error)}", retryable=False) from error
        except requests.ConnectionError as error:
            raise self._failed(f"could not be reached: {_short(error)}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._failed(f"broke off: {_short(error)}") from error
        except (PrometheusApiClientException, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise self._failed("answered with JSON that is not a Prometheus answer") from error

    def slow(self) -> Upstream:
        return self._failed(f"did not answer within {self._timeout:g} s")

    def close(self) -> None:
        self.library.close()

    def _failed(self, said: str, *, retryable: bool = True, status: int | None = None) -> Upstream:
        return Upstream(SYSTEM, said, retryable=retryable, status=status)

    def _read(self, response: requests.Response, **_sent: Any) -> requests.Response:
        """Called with the headers there and the body not yet read."""
        try:
            body = self._body(response.raw)
        except BaseException:
            response.close()
            raise
        if response.status_code != 200:
            raise self._refusal(response, body)
        if b'"warnings"' in body:
            self._heard.warnings.extend(_warnings(body))
        whole = requests.Response()
        whole.status_code = response.status_code
        whole.headers = response.headers
        whole.url = response.url
        whole.encoding = "utf-8"
        whole.raw = io.BytesIO(body)
        return whole

    def _body(self, raw: urllib3.HTTPResponse) -> bytes:
        parts: list[bytes] = []
        size, deadline = 0, self._monotonic() + self._timeout
        while chunk := raw.read1(_CHUNK, decode_content=True):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BODY:
                raise self._failed(f"answered with more than {MAX_BODY} bytes; ask for less", retryable=False)
            if self._monotonic() > deadline:
                raise self.slow()
        return b"".join(parts)

    def _refusal(self, response: requests.Response, body: bytes) -> FirstmateError:
        status, (kind, said) = response.status_code, _said(body)
        if status in {400, 422} and kind in {"bad_data", "execution"}:
            return Invalid(f"{SYSTEM} refused the query: {said}", field="expr")
        if 300 <= status < 400:
            where = response.headers.get("Location", "another address")
            return self._failed(
                f"sends on to {where[:200]}; set PROMETHEUS_URL to where it ends", retryable=False, status=status
            )
        if status in {401, 403}:
            return self._failed(
                f"answered {status}: it does not accept PROMETHEUS_TOKEN", retryable=False, status=status
            )
        if status == 404:
            return self._failed(
                f"has no {response.url.partition('?')[0]}; check PROMETHEUS_URL", retryable=False, status=404
            )
        return self._failed(
            f"answered {status}: {said}", retryable=status >= 500 or status in {408, 429}, status=status
        )


def _said(body: bytes) -> tuple[str, str]:
    try:
        read = orjson.loads(body)
        return str(read.get("errorType", "")), str(read.get("error", "no reason given"))[:MAX_SAID]
    except (ValueError, AttributeError):
        text = " ".join(body[:4_000].decode("utf-8", "replace").split())
        return "", text[:MAX_SAID] or "no reason given"


def _warnings(body: bytes) -> list[str]:
    read = orjson.loads(body)
    return [str(one)[:MAX_SAID] for one in read.get("warnings") or ()] if isinstance(read, dict) else []


def _short(error: BaseException) -> str:
    """The innermost reason: requests wraps it three times, pool address and all."""
    reason: Any = error
    while isinstance(reason, BaseException):
        inner = getattr(reason, "reason", None) or (reason.args[0] if reason.args else None)
        if not isinstance(inner, BaseException):
            break
        reason = inner
    text = str(getattr(reason, "strerror", None) or reason)
    # urllib3 says "<object at 0x...>: Failed to establish ...".
    return text.rpartition(">: ")[2][:300]
