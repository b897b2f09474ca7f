"""Watches: the store's log, seen through one client's namespace and selectors.

The store's ring is the queue: a watch holds a position in it and no events of its own, so a slow client costs nothing and
one that falls too far behind gets the 410 that tells it to list again. An object that a change brings into the selector
arrives as ADDED, one that leaves it as DELETED with its last visible state, as the real watch cache does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from simulator.kubernetes_api.call import Call, accepted_form
from simulator.kubernetes_api.reads import View, resource_version, view_of
from simulator.kubernetes_api.status import bad_request, expired, version_too_large
from simulator.store import Change, Store, TooOld

Object = dict[str, Any]
Seen = tuple[str, Object]

DEFAULT_TIMEOUT = 1_800
MAX_TIMEOUT = 3_600
BOOKMARK_SECONDS = 30.0
_INITIAL_END = "k8s.io/initial-events-end"


@dataclass(slots=True)
class Watcher:
    """One client's view of one kind; `show` puts an object into the form the client reads."""

    store: Store
    kind: str
    visible: View
    show: Callable[[Object], Object]
    bookmark: Callable[[int, bool], Object]
    bookmarks: bool = False

    async def lines(self, since: int | None, seconds: float, mark_initial: bool = False) -> AsyncIterator[bytes]:
        """JSON lines until the time is over. `since` None starts with all that is there now, as ADDED."""
        clock = asyncio.get_running_loop().time
        end, next_bookmark = clock() + seconds, clock() + BOOKMARK_SECONDS
        version = self.store.version if since is None else since
        for obj in self._present() if since is None else ():
            yield self._line("ADDED", self.show(obj))
        if mark_initial:
            yield self._line("BOOKMARK", self.bookmark(version, True))
        while (now := clock()) < end:
            try:
                changes = self.store.changes_since(version)
            except TooOld as error:
                yield self._line("ERROR", expired(str(error)).body())
                return
            for change in changes:
                if seen := self.seen(change):
                    yield self._line(seen[0], self.show(seen[1]))
                version = change.version
            if self.bookmarks and now >= next_bookmark:
                next_bookmark = now + BOOKMARK_SECONDS
                yield self._line("BOOKMARK", self.bookmark(version, False))
            await self.store.wait(version, min(end - now, BOOKMARK_SECONDS))

    def seen(self, change: Change) -> Seen | None:
        """What this client sees of a change; nothing when it concerns neither what it saw nor what it may see."""
        if change.kind != self.kind:
            return None
        before = change.previous is not None and self.visible(change.previous)
        after = change.type != "DELETED" and self.visible(change.object)
        if after:
            return ("MODIFIED" if before else "ADDED"), change.object
        if not before or change.previous is None:
            return None
        last = change.object if change.type == "DELETED" else change.previous
        return "DELETED", {**last, "metadata": {**last["metadata"], "resourceVersion": str(change.version)}}

    def _present(self) -> list[Object]:
        return [obj for obj in self.store.list(self.kind) if self.visible(obj)]

    @staticmethod
    def _line(event: str, obj: Object) -> bytes:
        return orjson.dumps({"type": event, "object": obj}) + b"\n"


def watch(call: Call) -> Response:
    timeout = call.number("timeoutSeconds") or DEFAULT_TIMEOUT
    asked = resource_version(call)
    if asked > call.store.version:
        raise version_too_large(asked, call.store.version)
    initial = call.flag("sendInitialEvents")
    if initial and call.param("resourceVersionMatch") != "NotOlderThan":
        raise bad_request("sendInitialEvents: Forbidden: resourceVersionMatch must be NotOlderThan")
    since = None if initial or not asked else asked
    lines = watcher_of(call).lines(since, min(max(timeout, 1), MAX_TIMEOUT), mark_initial=initial)
    return StreamingResponse(lines, media_type="application/json")


def watcher_of(call: Call) -> Watcher:
    as_table = accepted_form(call.request) == "table"

    def show(obj: Object) -> Object:
        version = obj["metadata"]["resourceVersion"]
        return call.table([obj], {"resourceVersion": version}) if as_table else call.shown(obj)

    def bookmark(version: int, initial: bool) -> Object:
        metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial:
            metadata["annotations"] = {_INITIAL_END: "true"}
        if as_table:
            return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "rows": []}
        return {"kind": call.resource.kind, "apiVersion": call.resource.api_version, "metadata": metadata}

    return Watcher(
        call.store, call.resource.kind, view_of(call), show, bookmark, bookmarks=call.flag("allowWatchBookmarks")
    )
