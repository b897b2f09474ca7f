"""A hundred further services (SMS, phones, chats) by the library apprise, which knows how each of them is spoken to.

It is imported when a file names it and not before (half a second, 25 MB). It is synchronous, so each channel has one thread of its own:
a service that hangs delays nobody else, and behind a message that is still on its way the next is refused for now instead of queued. It
tells only success or failure, so its requests are watched (`watch.py`), which also keeps them from following redirects and from waiting
for ever. A failure of which nothing is seen may pass. Only services that are spoken to over HTTP are taken: what writes to this
machine's own log or desktop, opens other ports, or reads files named in its address is refused. Its own log, which quotes addresses, is
not listened to.
"""

import importlib
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests.adapters import BaseAdapter

from alerts.fields import expect_fields
from alerts.notify.channels import UNREAD, Shared, Written
from alerts.notify.channels.apprise.watch import Seen, Watch
from alerts.notify.channels.settings import secret_of
from alerts.notify.channels.threads import Threads
from alerts.notify.letter import Letter, letter
from alerts.notify.message import Message
from core.clock import Clock
from core.errors import Invalid, Upstream
from core.language import Language

REQUESTS_A_MESSAGE = 3
"""A service that is asked several times for one message (a login, several telephones) may take as many times as long."""
SLOWEST = 1.0
_READS_FILES = frozenset({"keyfile", "subfile", "template"})
_OPENS_MORE = frozenset({"fcm", "vapid", "nostr", "apprise", "apprises"})
_KINDS = {"critical": "failure", "error": "failure", "warning": "warning", "info": "info"}


class AppriseChannel:
    kind = "apprise"

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        language: Language = "en",
        timeout: float = 10.0,
        redact: Callable[[Any], Any] = lambda body: body,
        where: str = "apprise_configs:",
        adapter: BaseAdapter | None = None,
    ) -> None:
        self.name = name
        self._service = opened(url, where)
        self._language = language
        self._timeout = timeout
        self._redact = redact
        self._system = f"{self._service.service_name} (by apprise)"
        self._watch = Watch.over(self._service, timeout, REQUESTS_A_MESSAGE * timeout, adapter)
        self._threads = Threads(self._system, clock, REQUESTS_A_MESSAGE * timeout, 1)

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - apprise has no place for a key
        title, body, kind = self._words(message)
        seen = await self._threads.call(self._watch.see, self._notify, title, body, kind)
        return self._judged(seen)

    async def close(self) -> None:
        self._threads.close()

    def _words(self, message: Message) -> tuple[str, str, str]:
        read: Letter = letter(message, self._language)
        title = str(self._redact(read.title))
        body = str(self._redact(read.plain())).removeprefix(title).strip()
        kind = _KINDS.get(read.severity, "warning") if read.status == "firing" else "success"
        return title, body or title, kind

    def _notify(self, title: str, body: str, kind: str) -> bool:
        library = importlib.import_module("apprise")
        text = library.NotifyFormat.TEXT
        return bool(
            self._service.notify(title=title, body=body, notify_type=library.NotifyType(kind), body_format=text)
        )

    def _judged(self, seen: Seen) -> str:
        if seen.delivered:
            return f"HTTP {seen.status}" if seen.status else "sent"
        error = Upstream(self._system, seen.words(self._timeout), retryable=seen.may_pass, status=seen.status)
        if seen.may_pass and seen.retry_after is not None:
            error.details["retry_after"] = seen.retry_after
        raise error


class AppriseBuilder:
    kind = "apprise"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> AppriseChannel:
        expect_fields(written.values, ("send_resolved", "url", "url_file", "language"), written.where)
        url = secret_of(written, shared, "url")
        return AppriseChannel(
            name,
            "jsons://secret.invalid" if url == UNREAD else url,
            clock=shared.clock,
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
            where=written.where,
        )


def opened(url: str, where: str) -> Any:
    """The service that an address means; whatever is wrong with one is said without it."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    library = importlib.import_module("apprise")
    schema, parameters = _parts(url)
    if schema in _OPENS_MORE or _READS_FILES & parameters:
        raise Invalid(f"{where} url: a service that reads files or opens other connections is not taken.", field="url")
    asset = library.AppriseAsset(
        app_id="Firstmate", app_desc="Firstmate", secure_logging=True, http_redirects=False, storage_mode="memory"
    )
    service = library.Apprise.instantiate(url, asset=asset)
    if service is None:
        raise Invalid(f"{where} url is no address that apprise understands ({schema[:20]}://...).", field="url")
    if not Watch.can_see(service):
        raise Invalid(
            f"{where} url: {schema[:20]}:// is not spoken over HTTP, and only such services are taken.", field="url"
        )
    service.retry = 0
    service.overflow_mode = library.OverflowMode.TRUNCATE
    service.request_rate_per_sec = min(service.request_rate_per_sec, SLOWEST)
    return service


def _parts(url: str) -> tuple[str, set[str]]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", set()
    return parts.scheme.lower(), {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
