"""The index in Redis's Query Engine, for stores that outgrow one process or are shared by several.

The engine names the passages to look at: the nearest by vector (FT.AGGREGATE over HNSW, with the words as an optional part, which every
engine since 2.10 understands) and the best by words (FT.SEARCH), in each language by itself. What is measured of them is worked out
here from what is kept beside each passage (see `packed`), so that figures are those of the local index. All of one question is read
from one state: the figures' stamp is read before and after, and a search that fell into a change is made again.

Every call has an end: a server that hangs costs a question a second and a half, and then says so.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import Upstream
from core.language import Language
from knowledge_base.index.packed import Stock, measure, number, telling, token
from knowledge_base.index.port import (
    LANGUAGES,
    Candidates,
    Entry,
    Filters,
    Passages,
    Question,
    Shown,
    none_of,
)
from knowledge_base.index.redis_build import Builder, Facts
from knowledge_base.index.redis_keys import Version, read_entry

SECONDS = 1.5
MOST_TERMS = 48
TRIES = 3
_FIELDS = ["entry", "packed"]
_SYSTEM = "Redis"


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    pack: bytes
    similarity: float

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The order of the store, which decides between equals."""
        return self.entry.page, self.entry.language, self.entry.document, self.entry.position


class RedisIndex:
    name = "redis"

    def __init__(self, client: Any, root: str) -> None:
        self._client = client
        self._builder = Builder(client, root)
        self._version: Version | None = None
        self._passages = 0

    def __len__(self) -> int:
        return self._passages

    async def update(self, shown: Sequence[Shown], read: Passages) -> None:
        async with _told():
            version, facts = await self._builder.bring(shown, read)
        self._version, self._passages = version, facts.passages

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        async with _told(), asyncio.timeout(SECONDS):
            for _ in range(TRIES):
                found = await self._once(question, filters, count)
                if found is not None:
                    return found
        raise Upstream(_SYSTEM, "changed its knowledge index during every try of a search", retryable=True)

    async def keep_up(self) -> None:
        async with _told():
            await self._builder.tidy()

    async def wipe(self) -> None:
        """Take everything away that is kept under this installation's name."""
        async with _told():
            await self._builder.wipe()
        self._version, self._passages = None, 0

    async def close(self) -> None:
        await self._client.aclose()

    async def _once(self, question: Question, filters: Filters, count: int) -> Candidates | None:
        version = self._version or await self._resolved()
        facts, stock = await self._stock(version, question)
        if facts is None:
            self._version = None
            return None
        rows, among = await self._rows(version, facts, _Asked(question, stock, filters, count))
        if rows is None:
            return None
        pages = await self._pages(version, rows)
        return await asyncio.to_thread(_candidates, question, stock, rows, pages, among)

    async def _resolved(self) -> Version:
        found = await self._builder.current()
        if found is None:
            raise Upstream(_SYSTEM, "holds no index of the knowledge", retryable=True)
        self._version, self._passages = found[0], found[1].passages
        return found[0]

    async def _stock(self, version: Version, question: Question) -> tuple[Facts | None, Stock]:
        terms = list(dict.fromkeys(question.terms))
        pipe = self._client.pipeline(transaction=False)
        pipe.hgetall(version.facts)
        if terms:
            pipe.hmget(version.df, [f"{number(term):010x}" for term in terms])
        found, *counts = await pipe.execute()
        facts = Facts.read(found)
        frequency = {term: int(value or 0) for term, value in zip(terms, counts[0] if counts else (), strict=True)}
        return facts, Stock(facts.passages if facts else 0, facts.length if facts else 0, frequency)

    async def _rows(self, version: Version, facts: Facts, asked: "_Asked") -> tuple[list[_Row] | None, int]:
        pipe = self._client.pipeline(transaction=False)
        pipe.hget(version.facts, "shown")
        searches = list(asked.searches(facts.dimensions))
        for command, arguments in searches:
            pipe.execute_command(command, version.name, *arguments)
        pipe.hget(version.facts, "shown")
        before, *found, after = await pipe.execute()
        if not before == after == facts.shown.encode():
            return None, 0
        rows: dict[tuple[str, str, str, int], _Row] = {}
        for (command, _), answer in zip(searches[:-1], found[:-1], strict=True):
            for row in _aggregated(answer) if command == "FT.AGGREGATE" else _searched(answer):
                known = rows.get(row.key)
                rows[row.key] = row if known is None or row.similarity > known.similarity else known
        return [rows[key] for key in sorted(rows)], int(found[-1][0])

    async def _pages(self, version: Version, rows: Sequence[_Row]) -> list[bytes]:
        names = list(dict.fromkeys(row.entry.page for row in rows))
        if not names:
            return []
        found: dict[str, bytes | None] = dict(zip(names, await self._client.hmget(version.about, names), strict=True))
        return [found[row.entry.page] or b"\0" for row in rows]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as searches of the engine; nothing in them is text of anybody's."""

    question: Question
    stock: Stock
    filters: Filters
    count: int

    def searches(self, dimensions: int) -> Iterator[tuple[str, list[Any]]]:
        """The last one counts what the filters let through."""
        terms = " ".join(token(term) for term in telling(self.question, self.stock, MOST_TERMS))
        languages = [one for one in LANGUAGES if self.filters.language in {None, one}]
        for language in languages:
            if terms:
                yield "FT.SEARCH", self._by_words(terms, language)
            if dimensions and self.question.vector.size == dimensions and self.question.vector.any():
                yield "FT.AGGREGATE", self._by_vector(terms or token(""), language)
        yield "FT.SEARCH", [_filter(languages, self.filters.tags), "DIALECT", "2", "LIMIT", "0", "0"]

    def _by_words(self, terms: str, language: Language) -> list[Any]:
        from redisvl.query import TextQuery

        query = TextQuery(
            terms,
            "terms",
            filter_expression=_filter([language], self.filters.tags),
            return_fields=_FIELDS,
            # Twice as many: whole pages are looked at, too, and their passages may have few words each.
            num_results=2 * self.count,
            return_score=False,
            stopwords=None,
        )
        return [str(query.verbatim().query_string()), *query.get_args()[1:]]

    def _by_vector(self, terms: str, language: Language) -> list[Any]:
        from redisvl.query import AggregateHybridQuery

        query = AggregateHybridQuery(
            terms,
            "terms",
            np.asarray(self.question.vector, "<f4").tobytes(),
            "vec",
            filter_expression=_filter([language], self.filters.tags),
            num_results=self.count,
            return_fields=_FIELDS,
            stopwords=None,
        )
        parameters = [part for name, value in query.params.items() for part in (name, value)]
        return [*query.verbatim().build_args(), "PARAMS", str(len(parameters)), *parameters]


def _filter(languages: Sequence[Language], tags: frozenset[str]) -> str:
    return " ".join([f"@lang:{{{'|'.join(languages)}}}", *(f"@tags:{{{token(tag)}}}" for tag in sorted(tags))])


def _searched(answer: Sequence[Any]) -> Iterator[_Row]:
    for pairs in answer[2::2]:
        held = _held(pairs)
        yield _Row(read_entry(held[b"entry"]), held[b"packed"], 0.0)


def _aggregated(answer: Sequence[Any]) -> Iterator[_Row]:
    for pairs in answer[1:]:
        held = _held(pairs)
        similarity = 2.0 * float(held[b"vector_similarity"]) - 1.0
        yield _Row(read_entry(held[b"entry"]), held[b"packed"], max(0.0, similarity))


def _held(pairs: Sequence[bytes]) -> Mapping[bytes, bytes]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def _candidates(
    question: Question, stock: Stock, rows: Sequence[_Row], pages: Sequence[bytes], among: int
) -> Candidates:
    if not rows:
        return none_of(among)
    measured = measure(question, stock, [row.pack for row in rows], pages)
    return Candidates(
        entries=tuple(row.entry for row in rows),
        keywords=measured.keywords,
        similarity=np.array([row.similarity for row in rows], np.float32),
        passage=measured.passage,
        page=measured.page,
        technical=measured.technical,
        among=among,
    )


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Whatever ails Redis, in one kind of error and without what was sent to it."""
    from redis.exceptions import RedisError
    from redisvl.exceptions import RedisVLError

    try:
        yield
    except TimeoutError:
        raise Upstream(_SYSTEM, f"did not answer within {SECONDS:g} s", retryable=True) from None
    except (RedisError, RedisVLError, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise Upstream(_SYSTEM, f"failed: {type(error).__name__}: {said}", retryable=True) from error
