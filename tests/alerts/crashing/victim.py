"""The product as a process that is made to be killed: the real `serve`, and places where it ends itself as `kill -9` would.

Importing the product takes longer than the life of a victim. So one process imports it once and forks a life for each line that it
reads; a life begins with an empty memory all the same, because nothing of the product was built before the fork. The waits that are
meant for machines and people (leases, back-off, turns of escalation) are shortened here, and nothing else is changed. A test must not
import this: its own process would have them shortened too.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import orjson

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
from api.server import run_server  # noqa: E402
from core.config import load  # noqa: E402
from core.database import Database  # noqa: E402
from tests.alerts.crashing.places import PLACES  # noqa: E402
from tests.dying import on_turn  # noqa: E402


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


if __name__ == "__main__":
    main()
