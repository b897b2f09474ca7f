"""What every index promises, whichever it is: the same pages and the same questions to each."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Filters, Index
from knowledge_base.search import SearchAnswer, search
from tests.conftest import NEEDS
from tests.knowledge_base.index.fakes import SEGMENTER, document, hold, question, redis_index, shipped
from tests.knowledge_base.index.redis_fake import fake_redis

OOM = document(
    "oom",
    "The container was killed because it reached its memory limit.",
    "Raise the limit and watch the working set.",
    tags=["memory"],
)
OOM_ZH = document("oom", "容器内存溢出，被系统终止。", "提高内存上限并观察用量。", language="zh", tags=["memory"])
DISK = document("disk", "The disk of the node is full: remove old images.", tags=["node", "night"])
TLS = document(
    "tls", "The certificate of the ingress has expired; renew it with the issuer.", tags=["ingress", "night"]
)
QUOTA = document("quota", "命名空间的配额已用尽，新的 Pod 无法创建。", language="zh", tags=["quota"])
SHELF = (DISK, OOM, OOM_ZH, QUOTA, TLS)
QUESTIONS = (
    "container killed for memory",
    "what to do when a disk is full",
    "probe fails on the wrong port",
    "exit code 137",
    "how do I cook rice",
    "镜像拉取失败怎么办",
    "容器内存溢出",
    "配额用尽",
    "数据库只读",
    "今天天气如何",
)


@asynccontextmanager
async def local() -> AsyncIterator[Index]:
    yield LocalIndex()


@asynccontextmanager
async def redis_with_our_engine() -> AsyncIterator[Index]:
    async with fake_redis() as server, redis_index(f"redis://127.0.0.1:{server.port}") as made:
        yield made


@asynccontextmanager
async def real_redis() -> AsyncIterator[Index]:
    if not REDIS_URL:
        pytest.skip(f"{NEEDS}Query Engine: set REDIS_URL to a Redis 8, or a Redis Stack 7.4, that tests may write to")
    async with redis_index(REDIS_URL) as made:
        yield made


REDIS_URL = os.environ.get("REDIS_URL", "")
KINDS = {"local": local, "redis, our engine": redis_with_our_engine, "redis, REDIS_URL": real_redis}


@pytest_asyncio.fixture(params=list(KINDS))
async def index(request: pytest.FixtureRequest) -> AsyncIterator[Index]:
    async with KINDS[request.param]() as made:
        yield made


async def answer(index: Index, text: str, filters: Filters | None = None) -> SearchAnswer:
    return await search(index, question(text), 5, SEGMENTER, filters)


async def pages(index: Index, text: str, filters: Filters | None = None) -> list[str]:
    return [hit.page for hit in (await answer(index, text, filters)).hits]


async def test_an_empty_index_says_that_it_is_empty(index: Index) -> None:
    assert len(index) == 0
    assert "no pages" in (await answer(index, "disk full")).reason


@pytest.mark.parametrize(
    ("text", "page", "language"),
    [
        ("which container reached its memory limit?", "oom", "en"),
        ("remove old images from the node", "disk", "en"),
        ("renew an expired certificate", "tls", "en"),
        ("容器内存溢出", "oom", "zh"),
        ("命名空间配额用尽", "quota", "zh"),
    ],
)
async def test_the_right_page_comes_first_in_either_language(index: Index, text: str, page: str, language: str) -> None:
    await hold(index, *SHELF)
    first = (await answer(index, text)).hits[0]
    assert (first.page, first.language) == (page, language)


async def test_a_page_answers_for_its_translation(index: Index) -> None:
    await hold(index, OOM, OOM_ZH)
    found = await index.candidates(question("killed container, watch", "zh"), Filters(), 10)
    chinese = [place for place, one in enumerate(found.entries) if one.language == "zh"]
    assert any(found.page[place] > found.passage[place] for place in chinese)


async def test_each_language_has_its_own_best(index: Index) -> None:
    many = [document(f"full-{number:02}", f"The disk of machine {number} is full.") for number in range(20)]
    await hold(index, *many, QUOTA)
    found = await index.candidates(question("disk full 配额"), Filters(), 2)
    assert "quota" in {one.page for one in found.entries}


async def test_filters_let_through_what_bears_every_tag_in_the_language(index: Index) -> None:
    await hold(index, *SHELF)
    asked = question("full disk 磁盘 certificate 内存 memory limit")
    night = await index.candidates(asked, Filters(tags=frozenset({"night"})), 10)
    both = await index.candidates(asked, Filters(tags=frozenset({"night", "node"})), 10)
    chinese = await index.candidates(asked, Filters(language="zh", tags=frozenset({"memory"})), 10)
    assert {one.page for one in night.entries} == {"disk", "tls"}
    assert {one.page for one in both.entries} == {"disk"}
    assert {one.document for one in chinese.entries} == {"oom-zh"}
    assert (night.among, both.among, chinese.among) == (2, 1, 2)


@pytest.mark.parametrize("tag", ["nowhere", "a|b", "night}", "*", "-@text:{x}", "磁盘 满", 'say "hi"'])
async def test_filters_that_nothing_passes_are_told_from_a_question_that_nothing_answers(
    index: Index, tag: str
) -> None:
    await hold(index, *SHELF)
    filtered = await answer(index, "full disk", Filters(tags=frozenset({tag})))
    unknown = await answer(index, "zebra")
    assert filtered.nothing_found
    assert "filters" in filtered.reason
    assert "filters" not in unknown.reason


async def test_what_was_deleted_is_found_no_more(index: Index) -> None:
    await hold(index, *SHELF)
    await hold(index, *(one for one in SHELF if one is not TLS))
    assert "tls" not in await pages(index, "renew an expired certificate")
    assert len(index) == 6


async def test_what_was_changed_is_found_as_it_is_now(index: Index) -> None:
    await hold(index, *SHELF)
    changed = document("tls", "Ask the bank desk for a new signing key.")
    assert await hold(index, DISK, OOM, OOM_ZH, QUOTA, changed) == ["tls-en"]
    assert await pages(index, "bank desk signing key") == ["tls"]
    assert "tls" not in await pages(index, "renew the certificate of the ingress")


async def test_the_last_page_can_go_and_another_come(index: Index) -> None:
    await hold(index, DISK)
    await hold(index)
    assert len(index) == 0
    await hold(index, TLS)
    assert await pages(index, "renew the certificate") == ["tls"]


async def test_the_same_question_twice_has_the_same_answer(index: Index) -> None:
    await hold(index, *SHELF)
    assert await answer(index, "full night memory 内存") == await answer(index, "full night memory 内存")


async def test_text_that_looks_like_a_query_is_text(index: Index) -> None:
    await hold(index, document("odd", "Escape @terms:{*} and (a|b)=>[KNN 3 @v $v] -x ~y with a backslash \\."), DISK)
    assert (await pages(index, "@terms:{*} (a|b)=>[KNN 3 @v $v] backslash"))[:1] == ["odd"]


async def test_searches_during_changes_see_a_whole_store(index: Index) -> None:
    old = [document(f"old-{number}", f"Restart the ledger number {number} by hand.") for number in range(8)]
    new = [document(f"new-{number}", f"Restart the ledger number {number} by script.") for number in range(8)]
    await hold(index, *old)
    seen: list[set[str]] = []

    async def searching() -> None:
        while len(seen) < 40:
            found = await index.candidates(question("restart the ledger"), Filters(), 20)
            seen.append({one.page[:3] for one in found.entries})
            assert len(found) == 8

    async def changing() -> None:
        for shelf in (new, old, new, old, new):
            await hold(index, *shelf)

    await asyncio.gather(searching(), searching(), changing())
    assert all(len(pages) == 1 for pages in seen)


async def test_another_index_gives_the_same_answers(index: Index) -> None:
    """The same first hit always, and of the first five at least four in common."""
    shelf = shipped(12)
    reference = LocalIndex()
    await hold(reference, *shelf)
    await hold(index, *shelf)
    for text in QUESTIONS:
        mine, theirs = await answer(index, text), await answer(reference, text)
        assert mine.nothing_found == theirs.nothing_found, text
        assert [hit.page for hit in mine.hits[:1]] == [hit.page for hit in theirs.hits[:1]], text
        same = {(hit.page, hit.heading) for hit in mine.hits} & {(hit.page, hit.heading) for hit in theirs.hits}
        assert len(same) >= 0.8 * len(theirs.hits), text
