"""The knowledge base in a process that is made to be killed, while it reads folders or takes what people bring.

Importing it takes longer than a life lasts. So one process imports it once and forks a life for each line that it reads; a life begins
with an empty memory all the same, for nothing was built before the fork.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson

from core.clock import SystemClock
from core.database import Database
from core.metrics import Metrics
from knowledge_base.knowledge import Knowledge
from knowledge_base.segment import Segmenter
from knowledge_base.sources.kept import Fate, Incoming
from knowledge_base.store import Store
from tests.dying import Die, after, at_commit, before, on_turn

PLACES: dict[str, Callable[[Die], None]] = {
    "read and not staged": before(Store, "stage"),
    "staged": after(Store, "stage"),
    "before a commit": at_commit("before_commit"),
    "after a commit": at_commit("after_commit"),
    "all staged and not switched": before(Store, "switch"),
    "switched and not tidied": after(Store, "switch"),
    "while it tidies": after(Store, "_past"),
    "tidied": after(Store, "tidy"),
}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    Segmenter().warm()  # the dictionary, which is read once and never changed
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(orjson.loads(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def live(order: dict[str, Any]) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    if order["place"]:
        PLACES[order["place"]](on_turn(order["turn"]))
    try:
        asyncio.run(work(order))
    finally:
        sys.stdout.flush()
        os._exit(0)


async def work(order: dict[str, Any]) -> None:
    database = Database(order["database"])
    base = Knowledge(database=database, clock=SystemClock(), folders=[Path(order["folder"])], metrics=Metrics())
    await base.refresh()
    await base.add(brought(order["brought"]))
    await asyncio.to_thread(Path(order["done"]).touch)
    await database.close()


async def brought(texts: dict[str, str]) -> AsyncIterator[Incoming | Fate]:
    for name, text in texts.items():
        yield Incoming(name=name, raw=text.encode(), collection="wiki", by="ann")


if __name__ == "__main__":
    main()
