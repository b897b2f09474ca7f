"""One process keeps the watch over one data folder.

The loops that evaluate, send, repair and take up what a crash left belong to exactly one process: two of them would send twice and call
each other's work lost. The lock is the operating system's own, held by an open file, so it goes with the process however that ends.
Commands that only ask (a temporary server, MCP on standard input) build the same house and never take it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import Conflict

LOCK = "watch.lock"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(
                f"Another Firstmate keeps the watch over {folder}; stop it, or give this one its own FIRSTMATE_DATA_DIR."
            ) from error
        yield
