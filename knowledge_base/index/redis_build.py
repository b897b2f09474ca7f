"""How the index in Redis changes, so that a search never sees a part and several replicas do the work once.

A great change is built beside what is in force as a version of its own; then the alias is moved, and the old version is dropped after a
grace in which searches that began on it end. A small change goes into the version in force as one transaction, which the engine indexes
as it is applied. Whoever changes holds a lock that runs out by itself; a version that a killed builder left half done is dropped like
an old one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from core.errors import Upstream
from core.logs import get
from knowledge_base.index.packed import length, numbers, packed_page
from knowledge_base.index.port import Passages, Shown
from knowledge_base.index.redis_keys import LAYOUT, Kept, Version, fields, fingerprint, schema
from knowledge_base.store import StoredPassage

SMALL = 50
"""Documents that go into the version in force; more are built beside it."""
GRACE = 120
"""Seconds before what was replaced, or left by a killed builder, is dropped."""
LOCKED = 60
"""Seconds that a lock holds without a sign of its holder; a batch of writing takes far less."""
PATIENCE = 900
"""Seconds to wait for another replica's building."""
_LOOK = 0.2
_AT_ONCE = 500
_log = get(__name__)


Documents = Sequence[tuple[Shown, Sequence[StoredPassage]]]


@dataclass(frozen=True, slots=True)
class Facts:
    shown: str
    passages: int
    length: int
    dimensions: int

    @classmethod
    def read(cls, found: Mapping[bytes, bytes]) -> "Facts | None":
        if found.get(b"layout") != str(LAYOUT).encode():
            return None
        return cls(found[b"shown"].decode(), int(found[b"passages"]), int(found[b"length"]), int(found[b"dimensions"]))

    def written(self) -> dict[str, str | int]:
        figures = {"passages": self.passages, "length": self.length, "dimensions": self.dimensions}
        return {"layout": LAYOUT, "shown": self.shown, **figures}


@dataclass
class _Sum:
    """What passages that come or go change in the figures of all."""

    df: Counter[int] = field(default_factory=Counter)
    passages: int = 0
    length: int = 0

    def add(self, pack: bytes, sign: int = 1) -> None:
        for number in numbers(pack).tolist():
            self.df[number] += sign
        self.passages += sign
        self.length += sign * length(pack)


@dataclass
class _Draft:
    """Documents as they are written; made in a thread, because packing their terms is work."""

    version: Version
    dimensions: int
    total: _Sum = field(default_factory=_Sum)
    docs: dict[str, Kept] = field(default_factory=dict)
    hashes: dict[str, dict[str, bytes | str]] = field(default_factory=dict)
    packs: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, documents: Documents) -> "_Draft":
        for shown, passages in documents:
            kept = Kept.of(shown, len(passages))
            held = [fields(shown, place, passage, self.dimensions) for place, passage in enumerate(passages)]
            self.docs[shown.id] = kept
            self.packs[shown.id] = [_bytes(one["packed"]) for one in held]
            self.hashes |= dict(zip(self.version.keys(shown.id, kept), held, strict=True))
            for pack in self.packs[shown.id]:
                self.total.add(pack)
        return self

    def pages(self, pages: dict[str, bytes]) -> None:
        """Adds what these documents say to what is known of their pages."""
        for document, kept in self.docs.items():
            packs = [(kept.language, pack) for pack in self.packs[document]]
            pages[kept.page] = packed_page(packs, pages.get(kept.page, b"\0"))

    def queue(self, pipe: Any) -> None:
        for document, kept in self.docs.items():
            pipe.hset(self.version.docs, document, kept.written())
        for key, held in self.hashes.items():
            pipe.hset(key, mapping=held)


class Builder:
    def __init__(self, client: Any, root: str) -> None:
        self._client = client
        self._root = root

    async def bring(self, shown: Sequence[Shown], read: Passages) -> tuple[Version, Facts]:
        """The version that holds just these documents, made by whoever comes first."""
        wanted, waited = fingerprint(shown), 0.0
        while waited < PATIENCE:
            found = await self.current()
            if found and found[1].shown == wanted:
                return found
            async with self._lock() as mine:
                if mine:
                    await self._change(mine, shown, read, wanted)
                    continue
            await asyncio.sleep(_LOOK)
            waited += _LOOK
        raise Upstream("Redis", "holds no finished index of the knowledge after a long wait", retryable=True)

    async def current(self) -> tuple[Version, Facts] | None:
        name = await self._in_force()
        if name is None:
            return None
        facts = Facts.read(await self._client.hgetall(Version(name).facts))
        return (Version(name), facts) if facts else None

    async def tidy(self) -> None:
        """Drop versions that are not in force and that nobody has worked on for a while."""
        now, name = await self._now(), await self._in_force()
        for member, touched in await self._client.zrange(f"{self._root}:versions", 0, -1, withscores=True):
            if member.decode() != name and now - touched > GRACE:
                await self._drop(Version(member.decode()))

    async def wipe(self) -> None:
        for member, _ in await self._client.zrange(f"{self._root}:versions", 0, -1, withscores=True):
            await self._drop(Version(member.decode()))
        await self._client.unlink(f"{self._root}:versions", f"{self._root}:lock")

    async def _change(self, mine: "_Lock", shown: Sequence[Shown], read: Passages, wanted: str) -> None:
        found = await self.current()
        if found and found[1].shown == wanted:
            return
        if found and await self._amended(mine, found, shown, read, wanted):
            return
        await self._build(mine, shown, read, wanted)
        await self.tidy()

    # Beside what is in force

    async def _build(self, mine: "_Lock", shown: Sequence[Shown], read: Passages, wanted: str) -> None:
        version, known = Version(f"{self._root}:v{token_hex(6)}"), {one.revision: one for one in shown}
        total, dimensions = _Sum(), -1
        pages: dict[str, bytes] = {}
        # Those with vectors first: the first ones say how long a vector is, and without one there is no place for any.
        async for batch in read(sorted(known, key=lambda revision: not known[revision].compared)):
            documents = [(known[revision], passages) for revision, passages in batch.items()]
            if dimensions < 0:
                dimensions = _dimensions(documents)
                await self._create(version, dimensions)
            await self._touch(mine, version)
            draft = await asyncio.to_thread(_Draft(version, dimensions, total).add, documents)
            await asyncio.to_thread(draft.pages, pages)
            pipe = self._client.pipeline(transaction=False)
            draft.queue(pipe)
            await pipe.execute()
        if dimensions < 0:
            dimensions = 0
            await self._create(version, dimensions)
        await self._finish(mine, version, Facts(wanted, total.passages, total.length, dimensions), (total, pages))

    async def _finish(
        self, mine: "_Lock", version: Version, facts: Facts, rest: tuple[_Sum, Mapping[str, bytes]]
    ) -> None:
        total, pages = rest
        await self._write_map(version.about, iter(pages.items()))
        await self._write_map(version.df, ((f"{number:010x}", str(count)) for number, count in total.df.items()))
        await self._client.hset(version.facts, mapping=facts.written())
        # What is replaced was last worked on long ago: its grace begins now.
        for one in (version, *map(Version, filter(None, [await self._in_force()]))):
            await self._touch(mine, one)
        await self._client.execute_command("FT.ALIASUPDATE", self._root, version.name)
        _log.info("the knowledge index in Redis was built", version=version.name, passages=facts.passages)

    async def _create(self, version: Version, dimensions: int) -> None:
        from redisvl.index import AsyncSearchIndex
        from redisvl.schema import IndexSchema

        index = AsyncSearchIndex(IndexSchema.from_dict(schema(version, dimensions)), redis_client=self._client)
        await self._client.zadd(f"{self._root}:versions", {version.name: await self._now()})
        await index.create(overwrite=False)

    async def _write_map(self, key: str, pairs: Iterator[tuple[str, bytes | str]]) -> None:
        for some in _some(pairs):
            await self._client.hset(key, mapping=dict(some))

    # Into what is in force

    async def _amended(
        self, mine: "_Lock", found: tuple[Version, Facts], shown: Sequence[Shown], read: Passages, wanted: str
    ) -> bool:
        version, facts = found
        held = {key.decode(): Kept.read(value) for key, value in (await self._client.hgetall(version.docs)).items()}
        there = {one.id for one in shown}
        fresh = [one for one in shown if one.id not in held or not held[one.id].holds(one)]
        gone = {document: kept for document, kept in held.items() if document not in there}
        if len(fresh) + len(gone) > SMALL or len(fresh) >= len(shown):
            return False
        documents = await _read(fresh, read)
        if any(_dimensions([one]) not in {0, facts.dimensions} for one in documents):
            return False
        draft = await asyncio.to_thread(_Draft(version, facts.dimensions).add, documents)
        old = gone | {one.id: held[one.id] for one in fresh if one.id in held}
        after = {document: kept for document, kept in held.items() if document not in gone} | draft.docs
        change = _Amendment(draft, old, await self._about(after, draft, old), wanted)
        await mine.renew()
        return await self._applied(change)

    async def _about(self, after: Mapping[str, Kept], draft: _Draft, old: Mapping[str, Kept]) -> dict[str, bytes]:
        """The pages that change, from their documents old and new; nothing for a page that goes."""
        pages = {kept.page for kept in (*old.values(), *draft.docs.values())}
        about = dict.fromkeys(pages, b"")
        for document, kept in after.items():
            if kept.page in pages:
                packs = draft.packs.get(document) or await self._packs(draft.version, document, kept)
                said = [(kept.language, pack) for pack in packs]
                about[kept.page] = packed_page(said, about[kept.page] or b"\0")
        return about

    async def _packs(self, version: Version, document: str, kept: Kept) -> list[bytes]:
        pipe = self._client.pipeline(transaction=False)
        for key in version.keys(document, kept):
            pipe.hget(key, "packed")
        return [pack for pack in await pipe.execute() if pack]

    async def _applied(self, change: "_Amendment") -> bool:
        from redis.exceptions import WatchError

        version = change.draft.version
        async with self._client.pipeline(transaction=True) as pipe:
            # Whoever else changes this version writes its facts.
            await pipe.watch(version.facts)
            for document, kept in change.old.items():
                for pack in await self._packs(version, document, kept):
                    change.draft.total.add(pack, -1)
            pipe.multi()
            change.queue(pipe)
            try:
                await pipe.execute()
            except WatchError:
                return False
        return True

    # Small things

    async def _drop(self, version: Version) -> None:
        from redis.exceptions import ResponseError

        try:
            await self._client.execute_command("FT.DROPINDEX", version.name)
        except ResponseError as error:
            _log.info("a version of the knowledge index had no index", version=version.name, why=str(error))
        docs = await self._client.hgetall(version.docs)
        keys = [key for id_, value in docs.items() for key in version.keys(id_.decode(), Kept.read(value))]
        for some in _some(iter(keys)):
            await self._client.unlink(*some)
        await self._client.unlink(version.docs, version.about, version.df, version.facts)
        await self._client.zrem(f"{self._root}:versions", version.name)

    async def _in_force(self) -> str | None:
        from redis.exceptions import ResponseError

        try:
            found = await self._client.execute_command("FT.INFO", self._root)
        except ResponseError as error:
            if _unknown_index(str(error)):
                return None
            raise
        pairs = dict(zip(found[::2], found[1::2], strict=False))
        return str(pairs[b"index_name"].decode())

    async def _touch(self, mine: "_Lock", version: Version) -> None:
        await mine.renew()
        await self._client.zadd(f"{self._root}:versions", {version.name: await self._now()})

    async def _now(self) -> int:
        """The server's clock: replicas' need not agree."""
        return int((await self._client.time())[0])

    @asynccontextmanager
    async def _lock(self) -> AsyncIterator["_Lock | None"]:
        lock = _Lock(self._client, f"{self._root}:lock", token_hex(8))
        mine = await lock.take()
        try:
            yield lock if mine else None
        finally:
            if mine:
                await lock.release()


@dataclass(frozen=True, slots=True)
class _Amendment:
    draft: _Draft
    old: Mapping[str, Kept]
    about: Mapping[str, bytes]
    wanted: str

    def queue(self, pipe: Any) -> None:
        version, total = self.draft.version, self.draft.total
        for document, kept in self.old.items():
            pipe.hdel(version.docs, document)
            if kept.passages:
                pipe.unlink(*version.keys(document, kept))
        self.draft.queue(pipe)
        for page, about in self.about.items():
            if about:
                pipe.hset(version.about, page, about)
            else:
                pipe.hdel(version.about, page)
        for number, change in total.df.items():
            if change:
                pipe.hincrby(version.df, f"{number:010x}", change)
        pipe.hincrby(version.facts, "passages", total.passages)
        pipe.hincrby(version.facts, "length", total.length)
        pipe.hset(version.facts, "shown", self.wanted)


class _Lock:
    def __init__(self, client: Any, key: str, token: str) -> None:
        self._client = client
        self._key = key
        self._token = token

    async def take(self) -> bool:
        return bool(await self._client.set(self._key, self._token, nx=True, ex=LOCKED))

    async def renew(self) -> None:
        if await self._client.get(self._key) != self._token.encode():
            raise Upstream("Redis", "gave the building of the knowledge index to another replica", retryable=True)
        await self._client.expire(self._key, LOCKED)

    async def release(self) -> None:
        if await self._client.get(self._key) == self._token.encode():
            await self._client.delete(self._key)


async def _read(shown: Sequence[Shown], read: Passages) -> Documents:
    known = {one.revision: one for one in shown}
    found: list[tuple[Shown, Sequence[StoredPassage]]] = []
    async for batch in read(list(known)):
        found.extend((known[revision], passages) for revision, passages in batch.items())
    return found


def _dimensions(documents: Documents) -> int:
    sizes = (passage.vector.size for one, passages in documents if one.compared for passage in passages)
    return next((size for size in sizes if size), 0)


def _some(items: Iterator[Any]) -> Iterator[list[Any]]:
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) == _AT_ONCE:
            yield held
            held = []
    if held:
        yield held


def _unknown_index(said: str) -> bool:
    return any(words in said.lower() for words in ("unknown index", "no such index", "index not found"))


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
