"""What a service's requests came to, seen where its module takes `requests` from: the module's own name for it leads to a watched one.

Nothing else in the process is touched. The watched one follows no redirect, bounds each request and the sum of them, reads an answer up
to a few kilobytes, and notes status and Retry-After. What it notes belongs to the message that is being sent, also in a thread.
"""

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter

from alerts.notify.channels.post import MAX_RETRY_AFTER, may_pass

MAX_ANSWER = 64 * 1024
_PLACES = {"get": ("params",), "post": ("data", "json"), "put": ("data",), "patch": ("data",)}
"""What these take by place after the address."""
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@dataclass
class Seen:
    """The requests of one message."""

    timeout: float
    ends_at: float
    adapter: BaseAdapter | None = None
    delivered: bool = False
    statuses: list[int] = field(default_factory=list)
    failed: str = ""
    retry_after: float | None = None

    @property
    def refusal(self) -> int | None:
        """The worst that was said; what may pass outweighs a last word, for then trying again helps somebody."""
        refused = [status for status in self.statuses if not 200 <= status < 300]
        return next((status for status in refused if may_pass(status)), refused[0] if refused else None)

    @property
    def status(self) -> int | None:
        return self.refusal or (self.statuses[-1] if self.statuses else None)

    @property
    def may_pass(self) -> bool:
        return bool(self.failed) or self.refusal is None or may_pass(self.refusal)

    def words(self, timeout: float) -> str:
        match self.failed:
            case "timeout":
                return f"did not answer within {timeout:g} s"
            case "":
                return f"answered {self.refusal}" if self.refusal else "was not told: the service's own check failed"
        return f"could not be reached ({self.failed})"


_seen: ContextVar[Seen | None] = ContextVar("apprise_seen", default=None)


class Watch:
    def __init__(self, timeout: float, whole: float, adapter: BaseAdapter | None) -> None:
        self._timeout = timeout
        self._whole = whole
        self._adapter = adapter

    @staticmethod
    def can_see(service: Any) -> bool:
        return hasattr(_module(service), "requests")

    @classmethod
    def over(cls, service: Any, timeout: float, whole: float, adapter: BaseAdapter | None = None) -> "Watch":
        module = _module(service)
        if not isinstance(module.requests, Watched):
            module.requests = Watched()
        return cls(timeout, whole, adapter)

    def see(self, notify: Callable[[str, str, str], bool], *words: str) -> Seen:
        """To be called in the thread that sends."""
        seen = Seen(self._timeout, time.monotonic() + self._whole, self._adapter)
        noting = _seen.set(seen)
        try:
            seen.delivered = notify(*words)
        except Exception as error:  # noqa: BLE001 - the edge of a library with two hundred services: a fault of one is a failure told
            seen.failed = seen.failed or type(error).__name__
        finally:
            _seen.reset(noting)
        return seen


class WatchedSession(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: an address that moves is a setting to change."""

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        seen = _seen.get() or Seen(10.0, time.monotonic() + 10.0)
        left = seen.ends_at - time.monotonic()
        if left <= 0:
            seen.failed = "timeout"
            raise requests.Timeout("no time is left for this message")
        timeout = min(seen.timeout, left)
        if seen.adapter is not None:
            self.mount("https://", seen.adapter)
            self.mount("http://", seen.adapter)
        bounds = {"timeout": timeout, "allow_redirects": False, "stream": True}
        try:
            answer = super().request(method, url, *args, **{**options, **bounds})
            _read_some(answer, time.monotonic() + timeout)
        except requests.Timeout:
            seen.failed = "timeout"
            raise
        except requests.RequestException as error:
            seen.failed = type(error).__name__
            raise
        _note(seen, answer)
        return answer


class Watched:
    """Stands where a module has `requests`: its methods are watched, everything else is the library's."""

    Session = WatchedSession
    session = WatchedSession

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            places = _PLACES.get(name, ())
            return lambda url, *args, **options: self.request(
                name, url, **dict(zip(places, args, strict=False)), **options
            )
        return getattr(requests, name)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:
        with WatchedSession() as session:
            return session.request(method, url, *args, **options)


def _module(service: Any) -> Any:
    return sys.modules[type(service).__module__]


def _note(seen: Seen, answer: requests.Response) -> None:
    seen.statuses.append(answer.status_code)
    wait = answer.headers.get("Retry-After", "")
    if wait.isdecimal():
        seen.retry_after = min(float(wait), MAX_RETRY_AFTER)


def _read_some(answer: requests.Response, until: float) -> None:
    read = b""
    for chunk in answer.iter_content(4096):
        read += chunk
        if len(read) >= MAX_ANSWER or time.monotonic() > until:
            break
    # The response is whole for whoever reads on: this is where the library keeps what it has read.
    answer._content = read  # noqa: SLF001
    answer.close()
