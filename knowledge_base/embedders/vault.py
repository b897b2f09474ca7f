"""Vectors that were paid for once: kept in a file of their own by the hash of model and text, and only a cache.

It is SQLite beside the records and not a table among them, because it is asked from the threads that embed, may be thrown away at any
time, and must never make the database wait. A file that cannot be read is begun anew; a full disk costs the saving and nothing else. It is
bounded in rows: when it is full, what was asked for longest ago goes first, a tenth at a time.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.logs import get
from knowledge_base.embed import Embedder, Vectors

MAX_ROWS = 200_000
_ASKED_AT_ONCE = 500
_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID"
_log = get(__name__)

Row = NDArray[np.float16]


class Vault:
    def __init__(self, path: Path, now: Callable[[], float], max_rows: int = MAX_ROWS) -> None:
        self._path = path
        self._now = now
        self._max_rows = max_rows
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        found: dict[bytes, Row] = {}
        with self._lock:
            try:
                for some in _some(keys):
                    found.update(self._read(some))
            except sqlite3.Error as error:
                self._give_up(error)
        return found

    def put(self, rows: Mapping[bytes, Row]) -> None:
        with self._lock:
            try:
                with self._open() as file:
                    file.executemany(
                        "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                        [(key, row.astype("<f2").tobytes(), int(self._now())) for key, row in rows.items()],
                    )
                    self._make_room(file)
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _read(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Row]]:
        marks = ",".join("?" * len(keys))
        with self._open() as file:
            rows = file.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys).fetchall()  # noqa: S608 - question marks alone
            file.executemany("UPDATE vectors SET used = ? WHERE key = ?", [(int(self._now()), key) for key, _ in rows])
        for key, vector in rows:
            yield bytes(key), np.frombuffer(vector, dtype="<f2")

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self._path, timeout=1.0, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(_TABLE)
        return self._file

    def _make_room(self, file: sqlite3.Connection) -> None:
        (count,) = file.execute("SELECT count(*) FROM vectors").fetchone()
        if count > self._max_rows:
            surplus = count - self._max_rows + self._max_rows // 10
            oldest = "SELECT key FROM vectors ORDER BY used LIMIT ?"
            file.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (surplus,))  # noqa: S608 - a sentence of our own

    def _give_up(self, error: sqlite3.Error) -> None:
        _log.warning("kept vectors cannot be used", path=str(self._path.name), why=str(error))
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
            self._file = None
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            _remove(self._path)


class RememberingEmbedder:
    """An embedder that computes each text once. Rounded as they are kept, so that a row is the same the first time and after."""

    def __init__(self, embedder: Embedder, vault: Vault) -> None:
        self._embedder = embedder
        self._vault = vault

    @property
    def name(self) -> str:
        return self._embedder.name

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, 0), np.float32)
        keys = [self._key(text) for text in texts]
        known = self._vault.get(list(dict.fromkeys(keys)))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            rows = self._embedder.embed(list(missing.values())).astype(np.float16)
            new = dict(zip(missing, rows, strict=True))
            self._vault.put(new)
            known |= new
        return np.array([known[key] for key in keys], dtype=np.float32)

    def question(self, text: str) -> NDArray[np.float32]:
        key = self._key(text)
        known = self._vault.get([key]).get(key)
        if known is None:
            known = self._embedder.question(text).astype(np.float16)
            self._vault.put({key: known})
        return np.asarray(known, dtype=np.float32)

    def _key(self, text: str) -> bytes:
        return blake2b(f"{self.name}\0{text}".encode(errors="replace"), digest_size=16).digest()


def _some(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        yield keys[start : start + _ASKED_AT_ONCE]


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with suppress(OSError):
            path.with_name(name).unlink(missing_ok=True)
