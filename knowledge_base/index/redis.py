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
from knowledge_base.index.packed import Measured, Stock, measure, number, telling, token
from knowledge_base.index.port import (
    LANGUAGES,
    Candidates,
    Entry,
    Filters,
    Passages,
    Question,
    Scores,
    Shown,
    none_of,
)
from knowledge_base.index.redis_build import Builder, Facts
from knowledge_base.index.redis_keys import Version, read_entry

SECONDS = 1.5
MOST_TERMS = 48
WHOLE_PAGES = 8
TRIES = 3
_FIELDS = ["entry", "packed", "half"]
_SYSTEM = "Redis"


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    pack: bytes
    half: bytes

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
        asked = _Asked(question, stock, filters, count)
        rows, among = await self._rows(version, facts, asked)
        if rows is None:
            return None
        about = await self._about(version, rows)
        whole = await self._whole(version, facts, asked, rows, about)
        if whole is None:
            return None
        return await asyncio.to_thread(_candidates, question, stock, whole, about, among)

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
        rows: list[_Row] = []
        for (command, _), answer in zip(searches[:-1], found[:-1], strict=True):
            rows.extend(_aggregated(answer) if command == "FT.AGGREGATE" else _searched(answer))
        return _each_once(rows), int(found[-1][0])

    async def _about(self, version: Version, rows: Sequence[_Row]) -> dict[str, bytes]:
        names = list(dict.fromkeys(row.entry.page for row in rows))
        found = await self._client.hmget(version.about, names) if names else ()
        return {name: said or b"\0" for name, said in zip(names, found, strict=True)}

    async def _whole(
        self, version: Version, facts: Facts, asked: "_Asked", rows: list[_Row], about: Mapping[str, bytes]
    ) -> list[_Row] | None:
        """With the other passages of the pages that answer most, since pages are ranked, too."""
        best = await asyncio.to_thread(_best_pages, asked, rows, about)
        if not best:
            return rows
        pipe = self._client.pipeline(transaction=False)
        for language, pages in best.items():
            pipe.execute_command("FT.SEARCH", version.name, *asked.of_pages(pages, language))
        pipe.hget(version.facts, "shown")
        *found, after = await pipe.execute()
        if after != facts.shown.encode():
            return None
        return _each_once([*rows, *(row for answer in found for row in _searched(answer))])


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

    def of_pages(self, pages: Sequence[str], language: Language) -> list[Any]:
        wanted = f"@page:{{{'|'.join(token(page) for page in pages)}}} {_filter([language], self.filters.tags)}"
        return [wanted, "RETURN", str(len(_FIELDS)), *_FIELDS, "DIALECT", "2", "LIMIT", "0", str(2 * self.count)]

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
    yield from map(_row, answer[2::2])


def _aggregated(answer: Sequence[Any]) -> Iterator[_Row]:
    yield from map(_row, answer[1:])


def _row(pairs: Sequence[bytes]) -> _Row:
    held = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return _Row(read_entry(held[b"entry"]), held[b"packed"], held.get(b"half") or b"")


def _each_once(rows: Sequence[_Row]) -> list[_Row]:
    found = {row.key: row for row in rows}
    return [found[key] for key in sorted(found)]


def _similarity(vector: Scores, rows: Sequence[_Row]) -> Scores:
    """Cosine with each; a passage without a vector that can be compared is like nothing."""
    found = np.zeros(len(rows), np.float32)
    for place, row in enumerate(rows):
        if vector.size and len(row.half) == 2 * vector.size:
            found[place] = np.frombuffer(row.half, "<f2").astype(np.float32) @ vector
    return found


def _best_pages(asked: _Asked, rows: Sequence[_Row], about: Mapping[str, bytes]) -> dict[Language, list[str]]:
    """In each language by themselves; equals in the order of the store."""
    best: dict[Language, list[str]] = {}
    if not rows:
        return best
    measured = _measured(asked.question, asked.stock, rows, about)
    for place in np.argsort(-measured.page, kind="stable"):
        one = rows[int(place)].entry
        pages = best.setdefault(one.language, [])
        if measured.page[place] > 0 and one.page not in pages and len(pages) < WHOLE_PAGES:
            pages.append(one.page)
    return {language: pages for language, pages in best.items() if pages}


def _measured(question: Question, stock: Stock, rows: Sequence[_Row], about: Mapping[str, bytes]) -> Measured:
    return measure(question, stock, [row.pack for row in rows], [about[row.entry.page] for row in rows])


def _candidates(
    question: Question, stock: Stock, rows: Sequence[_Row], about: Mapping[str, bytes], among: int
) -> Candidates:
    if not rows:
        return none_of(among)
    measured = _measured(question, stock, rows, about)
    return Candidates(
        entries=tuple(row.entry for row in rows),
        keywords=measured.keywords,
        similarity=_similarity(question.vector, rows),
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
