"""What is said to Redis, word for word, and how its index changes: by whom, how much of it, and what is left behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from core.errors import NotConfigured, Upstream
from knowledge_base.index.choice import Wish, chosen
from knowledge_base.index.packed import token
from knowledge_base.index.port import Filters
from knowledge_base.index.redis import RedisIndex
from knowledge_base.index.redis_build import GRACE
from tests.knowledge_base.index.fakes import Document, Reading, document, hold, question
from tests.knowledge_base.index.redis_fake import FakeRedis, fake_redis

DISK = document("disk", "The disk of the node is full.", tags=["node"])
DISK_ZH = document("disk", "节点的磁盘已满。", language="zh", tags=["node"])
TLS = document("tls", "Renew the certificate, sailor.")
MANY = tuple(document(f"page-{number:02}", f"Ledger number {number} is late.") for number in range(60))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeRedis]:
    async with fake_redis() as running:
        yield running


@pytest_asyncio.fixture
async def index(server: FakeRedis) -> AsyncIterator[RedisIndex]:
    made = await opened(server)
    yield made
    await made.close()


async def opened(server: FakeRedis) -> RedisIndex:
    made = await chosen(Wish(url=f"redis://127.0.0.1:{server.port}", owner="one"))
    assert made is not None
    return made


async def found(index: RedisIndex, text: str, filters: Filters | None = None) -> list[str]:
    return [one.page for one in (await index.candidates(question(text), filters or Filters(), 20)).entries]


def version(server: FakeRedis) -> str:
    return server.aliases["firstmate:kb:one"]


async def test_the_index_is_made_over_hashes_with_words_as_they_are(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK)
    name = version(server)
    assert server.sent("FT.CREATE") == [
        [
            *f"FT.CREATE {name} ON HASH PREFIX 1 {name}:p: SCORE 1.0 STOPWORDS 0 SCHEMA".split(),
            *["terms", "TEXT", "WEIGHT", "1", "NOSTEM", "lang", "TAG", "SEPARATOR", ","],
            *["page", "TAG", "SEPARATOR", ",", "tags", "TAG", "SEPARATOR", "|"],
            *["vec", "VECTOR", "HNSW", "14", "TYPE", "FLOAT32", "DIM", "512", "DISTANCE_METRIC", "COSINE"],
            *["M", "16", "EF_CONSTRUCTION", "200", "EF_RUNTIME", "200", "EPSILON", "0.01"],
        ]
    ]
    assert server.sent("FT.ALIASUPDATE") == [["FT.ALIASUPDATE", "firstmate:kb:one", name]]


async def test_a_question_is_two_searches_a_language_and_a_count(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK, TLS)
    server.commands.clear()
    await index.candidates(question("sailor full"), Filters(language="en", tags=frozenset({"node"})), 20)
    name, tag = version(server), token("node")
    word = f"{token('full')} | {token('sailor')} | {token('~full')}"
    words, count, whole = server.sent("FT.SEARCH")
    assert words == [
        *("FT.SEARCH", name, f"@terms:({word}) (@lang:{{en}} @tags:{{{tag}}})"),
        *[
            "VERBATIM",
            "SCORER",
            "BM25STD",
            "RETURN",
            "3",
            "entry",
            "packed",
            "half",
            "DIALECT",
            "2",
            "LIMIT",
            "0",
            "40",
        ],
    ]
    assert count == ["FT.SEARCH", name, f"@lang:{{en}} @tags:{{{tag}}}", "DIALECT", "2", "LIMIT", "0", "0"]
    assert whole[2] == f"@page:{{{token('disk')}}} @lang:{{en}} @tags:{{{tag}}}"
    assert whole[3:] == ["RETURN", "3", "entry", "packed", "half", "DIALECT", "2", "LIMIT", "0", "40"]
    (near,) = server.sent("FT.AGGREGATE")
    assert near[:3] == [
        *("FT.AGGREGATE", name),
        f"(~@terms:({word}) (@lang:{{en}} @tags:{{{tag}}}))=>[KNN 20 @vec $vector AS vector_distance]",
    ]
    assert near[3:10] == ["VERBATIM", "SCORER", "BM25STD", "ADDSCORES", "LOAD", "3", "entry"]
    assert near[-10:] == [
        *["SORTBY", "2", "@hybrid_score", "DESC", "MAX", "20", "PARAMS", "2", "vector"],
        "<2048 bytes>",
    ]


async def test_nothing_that_anybody_wrote_is_part_of_a_command_but_as_a_value(
    server: FakeRedis, index: RedisIndex
) -> None:
    odd = document("odd", "FLUSHALL @terms:{*} 磁盘 =>[KNN 1 @vec $v]", tags=["a|b}", "*"])
    await hold(index, odd)
    await found(index, odd.texts[0], Filters(tags=frozenset({"a|b}"})))
    for command in [*server.sent("FT.SEARCH"), *server.sent("FT.AGGREGATE")]:
        assert set("*'\"\\;") & set(command[2]) == set()
        assert "flushall" not in command[2].lower()
        assert command[2].isascii()


async def test_a_small_change_is_one_transaction_in_the_version_in_force(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK, DISK_ZH, TLS)
    before = version(server)
    assert await hold(index, DISK, DISK_ZH, document("tls", "Ask the bank.", "Twice.")) == ["tls-en"]
    assert version(server) == before
    assert len(server.sent("FT.CREATE")) == 1
    assert (await found(index, "bank twice")).count("tls") == 2
    assert len(index) == 4


async def test_what_is_known_of_all_passages_follows_every_change(server: FakeRedis, index: RedisIndex) -> None:
    shelf: list[Document] = [DISK, DISK_ZH, TLS]
    for change in (document("tls", "Ask the bank.", "Twice."), document("tls", "Renew."), document("new", "Ledger.")):
        shelf = [one for one in shelf if one.id != change.id] + [change]
        await hold(index, *shelf)
    amended = facts(server, version(server))
    fresh = await chosen(Wish(url=f"redis://127.0.0.1:{server.port}", owner="two"))
    assert fresh is not None
    await hold(fresh, *shelf)
    assert amended == facts(server, server.aliases["firstmate:kb:two"])
    await fresh.close()


def facts(server: FakeRedis, name: str) -> dict[str, object]:
    """Everything beside the passages, without what has come down to nothing."""
    kept: dict[str, object] = {}
    for part in ("facts", "docs", "about", "df"):
        held = server.keys[f"{name}:{part}".encode()]
        assert isinstance(held, dict)
        kept[part] = {key: value for key, value in held.items() if value != b"0"}
    passages = {key.decode().removeprefix(name) for key in server.keys if key.startswith(f"{name}:p:".encode())}
    return kept | {"passages": passages}


async def test_a_great_change_is_built_beside_and_the_old_version_goes_after_a_grace(
    server: FakeRedis, index: RedisIndex
) -> None:
    await hold(index, *MANY)
    before = version(server)
    await hold(index, *(document(one.page, f"{one.texts[0]} Again.") for one in MANY))
    assert version(server) != before
    assert before in server.indexes
    server.now += GRACE + 1
    await index.keep_up()
    assert list(server.indexes) == [version(server)]
    assert not [key for key in server.keys if key.decode().startswith(before)]


async def test_the_grace_of_a_version_begins_when_it_is_replaced(server: FakeRedis, index: RedisIndex) -> None:
    reader = await opened(server)
    await hold(index, *MANY)
    assert await found(reader, "ledger late")
    server.now += 10 * GRACE
    before = version(server)
    await hold(index, *(document(one.page, f"{one.texts[0]} Again.") for one in MANY))
    assert before in server.indexes
    assert await found(reader, "ledger late")
    await reader.close()


async def test_pages_without_vectors_take_none_from_the_others(index: RedisIndex) -> None:
    await hold(index, *(replace(one, compared=False) for one in MANY), TLS)
    found = await index.candidates(question("renew certificate"), Filters(), 20)
    assert found.similarity.max() > 0


async def test_vectors_of_another_embedder_are_compared_no_more(index: RedisIndex) -> None:
    await hold(index, DISK, TLS)
    reading = Reading([DISK, TLS])
    await index.update([DISK.shown, replace(TLS.shown, compared=False)], reading)
    found = await index.candidates(question("renew certificate"), Filters(), 20)
    assert reading.asked == [TLS.id]
    assert not found.similarity[[one.page == "tls" for one in found.entries]].any()


async def test_searches_go_on_in_the_old_version_while_a_new_one_is_built(index: RedisIndex) -> None:
    await hold(index, *MANY[:3])
    building = asyncio.create_task(
        hold(index, *(document(f"done-{number}", "Ledger is late.") for number in range(60)))
    )
    seen: list[set[str]] = []
    while not building.done():
        seen.append({page[:4] for page in await found(index, "ledger late")})
    seen.append({page[:4] for page in await found(index, "ledger late")})
    assert seen[0] == {"page"}
    assert seen[-1] == {"done"}
    assert all(len(pages) == 1 for pages in seen)


async def test_replicas_that_see_the_same_store_build_one_index(server: FakeRedis) -> None:
    replicas = [await opened(server) for _ in range(3)]
    await asyncio.gather(*(hold(one, *MANY[:8]) for one in replicas))
    assert len(server.sent("FT.CREATE")) == 1
    for one in replicas:
        assert len(await found(one, "ledger late")) == 8
        await one.close()


async def test_a_replica_that_was_not_told_finds_the_new_version_by_itself(server: FakeRedis) -> None:
    builder, reader = await opened(server), await opened(server)
    await hold(builder, *MANY)
    assert len(await found(reader, "ledger late")) >= 20
    await hold(builder, TLS)
    server.now += GRACE + 1
    await builder.keep_up()
    assert await found(reader, "renew certificate") == ["tls"]
    await builder.close()
    await reader.close()


async def test_what_a_killed_builder_left_is_dropped_and_built_again(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, TLS)
    killed = await opened(server)
    reading = Reading(MANY)

    async def broken(revisions: list[str]) -> AsyncIterator[object]:
        async for batch in reading(revisions):
            yield batch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await killed.update([one.shown for one in MANY], broken)  # type: ignore[arg-type]
    assert await found(index, "renew certificate") == ["tls"]
    assert len(server.indexes) == 2
    server.now += GRACE + 1
    await index.keep_up()
    assert list(server.indexes) == [version(server)]
    await hold(index, *MANY)
    assert len(index) == 60
    await killed.close()


async def test_a_change_by_two_at_once_loses_neither_count(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK, TLS)
    interfered: list[bool] = []

    def interfere(command: list[bytes]) -> None:
        if command[0] == b"EXEC" and not interfered:
            interfered.append(True)
            server._run([b"HSET", f"{version(server)}:facts".encode(), b"shown", b"another"])

    server.before = interfere
    await hold(index, DISK, document("tls", "Ask the bank."))
    assert interfered
    assert len(index) == 2
    assert "tls" in await found(index, "ask the bank")


async def test_another_size_of_vectors_is_built_anew(server: FakeRedis, index: RedisIndex) -> None:
    mute = Document("tls", TLS.texts, compared=False)
    await hold(index, mute)
    assert "DIM" not in server.sent("FT.CREATE")[0]
    assert await found(index, "renew certificate") == ["tls"]
    await hold(index, mute, DISK)
    assert "DIM" in server.sent("FT.CREATE")[1]
    assert set(await found(index, "disk full, renew certificate")) == {"disk", "tls"}


async def test_a_server_that_was_emptied_says_so(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK)
    server.keys.clear()
    server.indexes.clear()
    server.aliases.clear()
    with pytest.raises(Upstream, match="holds no index"):
        await found(index, "disk")


async def test_a_server_that_hangs_costs_a_bounded_time(
    server: FakeRedis, index: RedisIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(index, DISK)
    monkeypatch.setattr("knowledge_base.index.redis.SECONDS", 0.05)
    server.hangs = True
    with pytest.raises(Upstream, match="did not answer within"):
        await found(index, "disk")


async def test_a_server_that_is_gone_is_told_without_what_was_asked(server: FakeRedis, index: RedisIndex) -> None:
    await hold(index, DISK)
    await server.stop()
    with pytest.raises(Upstream) as told:
        await found(index, "a secret word")
    assert "secret" not in told.value.sentence
    assert told.value.retryable


async def test_the_choice_is_redis_where_it_has_the_engine_and_memory_elsewhere() -> None:
    async with fake_redis(modules=("ReJSON",)) as plain:
        url = f"redis://127.0.0.1:{plain.port}"
        assert await chosen(Wish(url=url)) is None
        with pytest.raises(NotConfigured, match="no Query Engine"):
            await chosen(Wish("redis", url=url))
    assert await chosen(Wish()) is None
    assert await chosen(Wish("local", url="redis://127.0.0.1:1")) is None
    with pytest.raises(NotConfigured, match="REDIS_URL"):
        await chosen(Wish("redis"))


async def test_another_database_than_the_first_cannot_hold_it(server: FakeRedis) -> None:
    assert await chosen(Wish(url=f"redis://127.0.0.1:{server.port}/3")) is None


async def test_a_server_that_is_away_at_the_start_is_taken_at_its_word_later() -> None:
    made = await chosen(Wish(url="redis://127.0.0.1:1"))
    assert made is not None
    await made.close()
