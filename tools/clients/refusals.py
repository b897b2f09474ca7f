"""An API server's refusals as errors of our own tree, each a sentence with the verb, the object and what to do about it."""

import json
from dataclasses import dataclass
from typing import Any

from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotFound, Upstream
from tools.clients.transport import SYSTEM, Reply

MAX_SAID = 600


@dataclass(frozen=True, slots=True)
class Act:
    """What was tried, in RBAC's words."""

    verb: str
    resource: str
    namespace: str | None = None
    name: str = ""
    kind: str = ""

    def __str__(self) -> str:
        what = f"{self.verb} {self.resource}"
        if self.name:
            what += f" {self.name}"
        return f"{what} in namespace {self.namespace}" if self.namespace else what


def refusal(reply: Reply, act: Act) -> FirstmateError:
    said = message(reply.body)
    if reply.status == 401:
        return Upstream(SYSTEM, f"does not accept the credentials in use: {said}", retryable=False, status=401)
    if reply.status == 403:
        return Forbidden(f"{SYSTEM} does not allow to {act}: {said}", permission=_permission(act))
    if reply.status == 404:
        where = f" in namespace {act.namespace}" if act.namespace else ""
        what = f"{act.kind or act.resource} {act.name}".rstrip()
        return NotFound(f"There is no {what}{where}.")
    if reply.status == 409:
        return Conflict(f"{SYSTEM} could not {act}, because it changed meanwhile: {said}")
    if reply.status in {400, 405, 413, 415, 422}:
        return Invalid(f"{SYSTEM} refused to {act}: {said}", field=field(reply.body))
    if reply.status == 410:
        return Upstream(SYSTEM, f"no longer has the page asked for: {said}", retryable=True, status=410)
    if reply.status == 429:
        wait = f"; it asks to wait {reply.retry_after} s" if reply.retry_after else ""
        return Upstream(SYSTEM, f"is being asked too much{wait}: {said}", retryable=True, status=429)
    return Upstream(
        SYSTEM, f"answered {reply.status} to {act}: {said}", retryable=reply.status >= 500, status=reply.status
    )


def message(body: bytes) -> str:
    """The sentence in a Status object, or the first line of whatever came."""
    status = _status(body)
    text = (
        str(status.get("message") or status.get("reason") or "") if status else body[:4_000].decode("utf-8", "replace")
    )
    text = " ".join(text.split()) or "no reason given"
    return text if len(text) <= MAX_SAID else text[:MAX_SAID] + " ..."


def field(body: bytes) -> str | None:
    causes = ((_status(body) or {}).get("details") or {}).get("causes") or []
    return str(causes[0].get("field")) if causes and causes[0].get("field") else None


def _status(body: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _permission(act: Act) -> str:
    return f"{act.verb} {act.resource}" + (f" in namespace {act.namespace}" if act.namespace else "")
