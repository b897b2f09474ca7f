"""A small Redis of our own, with as much of the Query Engine as the index speaks and not a word more.

It speaks RESP2 over a real socket, so that everything between our call and the wire is the real client's; it notes every command; and it
refuses what it does not know, so that a query which changes has to be looked at. Searching is brute force over what the hashes hold. What
it cannot show is how a real engine behaves: for that the same tests run against one where there is one.
"""

import asyncio
import contextlib
import math
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

Reply = object
_WORDS = r"(?P<maybe>~?)@terms:\((?P<terms>[^)]*)\) "
_FILTERS = r"(?P<filters>(?:@\w+:\{[\w|]+\} ?)+)"
_NEAREST = r"=>\[KNN (?P<k>\d+) @vec \$vector AS vector_distance\]"
_QUERY = re.compile(rf"^\(?(?:{_WORDS})?\(?{_FILTERS}\)?\)?(?:{_NEAREST})?$")
_FILTER = re.compile(r"@(\w+):\{([\w|]+)\}")


class Refused(Exception):
    """An error reply."""


@dataclass
class Index:
    prefix: str
    dimensions: int


@dataclass
class Connection:
    watched: dict[bytes, int] = field(default_factory=dict)
    queued: list[list[bytes]] | None = None


class FakeRedis:
    def __init__(self, modules: tuple[str, ...] = ("search",)) -> None:
        self.commands: list[list[bytes]] = []
        self.keys: dict[bytes, object] = {}
        self.changes: dict[bytes, int] = {}
        self.indexes: dict[str, Index] = {}
        self.aliases: dict[str, str] = {}
        self.modules = modules
        self.now = 1_000_000
        self.hangs = False
        self.before: Callable[[list[bytes]], None] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0)

    def sent(self, name: str) -> list[list[str]]:
        """As text; vectors and packs as their sizes."""
        return [[_shown(part) for part in one] for one in self.commands if one[0].decode().upper() == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while command := await _command(reader):
                if self.hangs:
                    await asyncio.sleep(60)
                writer.write(_encoded(self._answer(connection, command)))
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _answer(self, connection: Connection, command: list[bytes]) -> Reply:
        name = command[0].decode().upper()
        if self.before:
            self.before(command)
        if connection.queued is not None and name not in {"EXEC", "DISCARD"}:
            connection.queued.append(command)
            return "+QUEUED"
        if name == "EXEC":
            return self._exec(connection)
        if name == "WATCH":
            connection.watched |= {key: self.changes.get(key, 0) for key in command[1:]}
            return "+OK"
        if name in {"UNWATCH", "DISCARD"}:
            connection.watched, connection.queued = {}, None
            return "+OK"
        if name == "MULTI":
            connection.queued = []
            return "+OK"
        return self._run(command)

    def _exec(self, connection: Connection) -> Reply:
        queued, watched = connection.queued or [], connection.watched
        connection.queued, connection.watched = None, {}
        if any(self.changes.get(key, 0) != then for key, then in watched.items()):
            return None
        return [self._run(command) for command in queued]

    def _run(self, command: list[bytes]) -> Reply:
        self.commands.append(command)
        name = command[0].decode().upper().replace(".", "_").replace(" ", "_")
        handler = getattr(self, f"_do_{name.lower()}", None)
        if handler is None:
            return Refused(f"unknown command '{command[0].decode()}'")
        if name.startswith("FT_") and "search" not in self.modules:
            return Refused(f"unknown command '{command[0].decode()}', with args beginning with:")
        try:
            return handler(*command[1:])
        except Refused as error:
            return error

    # What every Redis can

    def _do_ping(self) -> Reply:
        return "+PONG"

    def _do_client(self, *_: bytes) -> Reply:
        return "+OK"

    def _do_select(self, *_: bytes) -> Reply:
        return "+OK"

    def _do_info(self, *_: bytes) -> Reply:
        return b"redis_version:8.2.0\r\n"

    def _do_module(self, *_: bytes) -> Reply:
        return [[b"name", name.encode(), b"ver", 80_200] for name in self.modules]

    def _do_time(self) -> Reply:
        return [str(self.now).encode(), b"0"]

    def _do_get(self, key: bytes) -> Reply:
        return self.keys.get(key)

    def _do_set(self, key: bytes, value: bytes, *options: bytes) -> Reply:
        if b"NX" in [one.upper() for one in options] and key in self.keys:
            return None
        self._put(key, value)
        return "+OK"

    def _do_expire(self, key: bytes, _: bytes) -> Reply:
        return int(key in self.keys)

    def _do_del(self, *keys: bytes) -> Reply:
        return sum(self._gone(key) for key in keys)

    def _do_unlink(self, *keys: bytes) -> Reply:
        return self._do_del(*keys)

    def _do_hset(self, key: bytes, *pairs: bytes) -> Reply:
        self._put(key, self._hash(key) | dict(zip(pairs[::2], pairs[1::2], strict=True)))
        return len(pairs) // 2

    def _do_hget(self, key: bytes, name: bytes) -> Reply:
        return self._hash(key).get(name)

    def _do_hmget(self, key: bytes, *names: bytes) -> Reply:
        return [self._hash(key).get(name) for name in names]

    def _do_hgetall(self, key: bytes) -> Reply:
        return [part for pair in self._hash(key).items() for part in pair]

    def _do_hdel(self, key: bytes, *names: bytes) -> Reply:
        held = self._hash(key)
        self._put(key, {name: value for name, value in held.items() if name not in names})
        return len(held) - len(self._hash(key))

    def _do_hincrby(self, key: bytes, name: bytes, by: bytes) -> Reply:
        value = int(self._hash(key).get(name, b"0")) + int(by)
        self._put(key, self._hash(key) | {name: str(value).encode()})
        return value

    def _do_zadd(self, key: bytes, score: bytes, member: bytes) -> Reply:
        self._put(key, self._hash(key) | {member: score})
        return 1

    def _do_zrange(self, key: bytes, *_: bytes) -> Reply:
        return [part for pair in self._hash(key).items() for part in pair]

    def _do_zrem(self, key: bytes, member: bytes) -> Reply:
        return self._do_hdel(key, member)

    def _hash(self, key: bytes) -> dict[bytes, bytes]:
        held = self.keys.get(key, {})
        assert isinstance(held, dict)
        return held

    def _put(self, key: bytes, value: object) -> None:
        self.keys[key] = value
        self.changes[key] = self.changes.get(key, 0) + 1

    def _gone(self, key: bytes) -> int:
        self.changes[key] = self.changes.get(key, 0) + 1
        return int(self.keys.pop(key, None) is not None)

    # What the Query Engine can

    def _do_ft__list(self) -> Reply:
        return [name.encode() for name in self.indexes]

    def _do_ft_create(self, name: bytes, *rest: bytes) -> Reply:
        words = [part.decode() for part in rest]
        if name.decode() in self.indexes:
            raise Refused("Index already exists")
        dimensions = int(words[words.index("DIM") + 1]) if "DIM" in words else 0
        self.indexes[name.decode()] = Index(words[words.index("PREFIX") + 2], dimensions)
        return "+OK"

    def _do_ft_info(self, name: bytes) -> Reply:
        return [b"index_name", self._resolved(name).encode()]

    def _do_ft_aliasupdate(self, alias: bytes, name: bytes) -> Reply:
        if name.decode() not in self.indexes:
            raise Refused("Unknown index name (or name is an alias itself)")
        self.aliases[alias.decode()] = name.decode()
        return "+OK"

    def _do_ft_dropindex(self, name: bytes) -> Reply:
        del self.indexes[self._resolved(name)]
        return "+OK"

    def _do_ft_search(self, name: bytes, query: bytes, *rest: bytes) -> Reply:
        words = [part.decode() for part in rest]
        begin, most = (int(word) for word in words[words.index("LIMIT") + 1 : words.index("LIMIT") + 3])
        found, _ = self._found(name, query.decode())
        answer: list[Reply] = [len(found)]
        fields = _named(rest, b"RETURN")
        for key, held in found[begin : begin + most]:
            answer += [key, [part for one in fields if one in held for part in (one, held[one])]]
        return answer

    def _do_ft_aggregate(self, name: bytes, query: bytes, *rest: bytes) -> Reply:
        vector = np.frombuffer(rest[rest.index(b"PARAMS") + 3], np.float32)
        found, near = self._found(name, query.decode(), vector)
        rows: list[Reply] = [len(found)]
        for key, held in found:
            distance = 1.0 - near[key]
            row = [b"vector_distance", f"{distance:.12g}".encode()]
            row += [part for one in _named(rest, b"LOAD") if one in held for part in (one, held[one])]
            rows.append([*row, b"vector_similarity", f"{(2 - distance) / 2:.12g}".encode()])
        return rows

    def _found(
        self, name: bytes, query: str, vector: np.ndarray | None = None
    ) -> tuple[list[tuple[bytes, dict[bytes, bytes]]], dict[bytes, float]]:
        index = self.indexes[self._resolved(name)]
        asked = _QUERY.match(query)
        if asked is None:
            raise Refused(f"Syntax error in {query}")
        rows = [(key, self._hash(key)) for key in self.keys if key.startswith(index.prefix.encode())]
        for label, allowed in _FILTER.findall(asked["filters"]):
            rows = [row for row in rows if set(row[1][label.encode()].decode().split("|")) & set(allowed.split("|"))]
        terms = [term.strip() for term in (asked["terms"] or "").split("|") if term.strip()]
        scores = _scores(terms, rows) if terms else {}
        if asked["k"] is None:
            kept = [row for row in rows if not terms or scores[row[0]] > 0]
            return sorted(kept, key=lambda row: -scores.get(row[0], 0.0)), {}
        assert vector is not None
        assert len(vector) == index.dimensions
        near = {key: _cosine(held[b"vec"], vector) for key, held in rows if b"vec" in held}
        kept = sorted((row for row in rows if row[0] in near), key=lambda row: -near[row[0]])
        return kept[: int(asked["k"])], near

    def _resolved(self, name: bytes) -> str:
        found = self.aliases.get(name.decode(), name.decode())
        if found not in self.indexes:
            raise Refused("Unknown index name")
        return found


def _scores(terms: list[str], rows: list[tuple[bytes, dict[bytes, bytes]]]) -> dict[bytes, float]:
    """BM25, as an engine has it: with its own idea of lengths and rarity."""
    words = {key: Counter(held[b"terms"].decode().split()) for key, held in rows}
    lengths = {key: sum(counts.values()) for key, counts in words.items()}
    mean = sum(lengths.values()) / max(1, len(lengths))
    scores = dict.fromkeys(words, 0.0)
    for term in terms:
        holding = [key for key, counts in words.items() if counts[term]]
        rarity = math.log(1 + (len(words) - len(holding) + 0.5) / (len(holding) + 0.5))
        for key in holding:
            count = words[key][term]
            scores[key] += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[key] / mean))
    return scores


def _named(words: tuple[bytes, ...], by: bytes) -> list[bytes]:
    """The fields that follow a word and their count."""
    if by not in words:
        return []
    place = words.index(by) + 1
    return list(words[place + 1 : place + 1 + int(words[place])])


def _cosine(stored: bytes, vector: np.ndarray) -> float:
    one = np.frombuffer(stored, np.float32)
    return float(one @ vector / (np.linalg.norm(one) * np.linalg.norm(vector)))


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    line = await reader.readline()
    if not line:
        return []
    parts = []
    for _ in range(int(line[1:])):
        size = int((await reader.readline())[1:])
        parts.append((await reader.readexactly(size + 2))[:-2])
    return parts


def _encoded(reply: Reply) -> bytes:
    match reply:
        case None:
            return b"*-1\r\n"
        case Refused():
            return f"-ERR {reply}\r\n".encode()
        case str():
            return f"{reply}\r\n".encode()
        case int():
            return f":{reply}\r\n".encode()
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n%s" % (
                len(reply),
                b"".join(_encoded(one) if one is not None else b"$-1\r\n" for one in reply),
            )
    raise AssertionError(reply)


def _shown(part: bytes) -> str:
    return (
        part.decode() if part.isascii() and part.decode().isprintable() and len(part) < 400 else f"<{len(part)} bytes>"
    )


@asynccontextmanager
async def fake_redis(modules: tuple[str, ...] = ("search",)) -> AsyncIterator[FakeRedis]:
    server = FakeRedis(modules)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
