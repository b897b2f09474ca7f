"""The product as a process that is made to be killed: the real `serve`, and places where it ends itself as `kill -9` would.

Importing the product takes longer than the life of a victim. So one process imports it once and forks a life for each line that it reads;
a life begins with an empty memory all the same, because nothing of the product was built before the fork. The waits that are meant for
machines and people (leases, back-off, turns of escalation) are shortened here, and nothing else is changed.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy
from sqlalchemy.orm import Session

import alerts.escalation.escalator
import alerts.notify.outbox
import api.lease

# Before the wiring is imported, which takes these by name.
api.lease.LENGTH, api.lease.RENEW, api.lease.GIVE_UP = 0.2, 0.1, 0.15
alerts.escalation.escalator.LOOK = 0.2
alerts.notify.outbox.FIRST_PAUSE, alerts.notify.outbox.LONGEST_PAUSE = 0.1, 0.5

import api.app  # noqa: E402
import api.console.page  # noqa: E402
import api.wiring  # noqa: E402
from alerts.incidents.book import IncidentBook  # noqa: E402
from alerts.notify.records import Records  # noqa: E402
from alerts.store import AlertStore  # noqa: E402
from api.server import run_server  # noqa: E402
from core.config import load  # noqa: E402
from core.database import Database  # noqa: E402

Die = Callable[[], None]


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(orjson.loads(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def live(order: dict[str, Any]) -> None:
    """One life: settings, where to log, and perhaps a place to die at."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    usual = Database.__init__.__kwdefaults__ or {}
    usual["timeout"] = order["patience"]
    if order["place"]:
        PLACES[order["place"]](on_turn(order["turn"]))
    try:
        asyncio.run(run_server(load(environ=order["settings"])))
    finally:
        sys.stdout.flush()
        os._exit(1)


def on_turn(turn: int) -> Die:
    """Dies when it is called for the so-manieth time."""
    left = turn

    def die() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def before(owner: type, name: str, *, only: str = "") -> Callable[[Die], None]:
    return functools.partial(_wrap, owner, name, only, before=True)


def after(owner: type, name: str, *, only: str = "") -> Callable[[Die], None]:
    return functools.partial(_wrap, owner, name, only, before=False)


def _wrap(owner: type, name: str, only: str, die: Die, *, before: bool) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        is_meant = not only or only in args
        if before and is_meant:
            die()
        given = await method(*args, **kwargs)
        if not before and is_meant:
            die()
        return given

    setattr(owner, name, wrapped)


def at_commit(event: str) -> Callable[[Die], None]:
    return lambda die: sqlalchemy.event.listen(Session, event, lambda _session: die())


PLACES: dict[str, Callable[[Die], None]] = {
    "evaluated and not saved": before(AlertStore, "save"),
    "saved and nobody told": after(AlertStore, "save"),
    "before a commit": at_commit("before_commit"),
    "after a commit": at_commit("after_commit"),
    "decided and not in the outbox": before(Records, "tell"),
    "in the outbox and not sent": after(Records, "tell"),
    "sent and not marked": before(Records, "mark", only="sent"),
    "marked": after(Records, "mark", only="sent"),
    "a step decided and not written": before(Records, "tell_once"),
    "a step written and not sent": after(Records, "tell_once"),
    "an incident written": after(IncidentBook, "_write"),
}
"""Between any two things that must not come apart."""


if __name__ == "__main__":
    main()
