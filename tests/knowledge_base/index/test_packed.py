"""Terms as numbers: what is measured from packs is what the local index measures."""

import numpy as np
import pytest

from knowledge_base.index.local import LocalIndex
from knowledge_base.index.packed import Stock, length, measure, numbers, packed, packed_page, telling, token
from knowledge_base.index.port import Filters
from tests.knowledge_base.index.fakes import Document, document, hold, question

SHELF = (
    document("disk", "The disk of the node is full, and full again.", "Remove images with exit code 137."),
    document("disk", "节点的磁盘已满。", "删除旧镜像。", language="zh"),
    document("quota", "命名空间的配额已用尽。", language="zh"),
    document("tls", "Renew the certificate of the ingress."),
)


@pytest.mark.parametrize(
    "text", ["disk full 137 images", "磁盘满了 certificate", "renew ingress 配额", "full full full"]
)
async def test_packs_measure_as_the_local_index_does(text: str) -> None:
    local = LocalIndex()
    await hold(local, *SHELF)
    found = await local.candidates(question(text), Filters(), 50)
    passages = {(one.id, place): passage for one in SHELF for place, passage in enumerate(one.passages)}
    packs = [packed(passages[one.document, one.position].terms) for one in found.entries]
    measured = measure(question(text), stock(SHELF), packs, [about(one.page) for one in found.entries])
    np.testing.assert_allclose(measured.keywords, found.keywords, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(measured.passage, found.passage, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(measured.page, found.page, rtol=1e-5, atol=1e-6)
    assert list(measured.technical) == list(found.technical)


def stock(shelf: tuple[Document, ...]) -> Stock:
    every = [passage.terms for one in shelf for passage in one.passages]
    terms = {term for passage in every for term in passage}
    return Stock(len(every), sum(map(len, every)), {term: sum(term in passage for passage in every) for term in terms})


def about(page: str) -> bytes:
    return packed_page((one.language, packed(part.terms)) for one in SHELF if one.page == page for part in one.passages)


def test_a_token_is_one_plain_word_whatever_the_term() -> None:
    for term in ("~oom", "runtime/cgo", "内存", "a|b} @x:{*}", "", "cart-7d9f"):
        assert token(term).isalnum()
        assert token(term).isascii()
        assert len(token(term)) == 11


def test_a_pack_knows_its_terms_and_its_length() -> None:
    assert length(packed(["disk", "full", "disk"])) == 3
    assert len(numbers(packed(["disk", "full", "disk"]))) == 2
    assert len(numbers(packed([]))) == 0


def test_a_page_is_the_same_however_it_was_put_together() -> None:
    first, second = packed(["disk", "full"]), packed(["full", "磁盘"])
    at_once = packed_page([("en", first), ("zh", second)])
    assert packed_page([("zh", second)], packed_page([("en", first)])) == at_once


def test_of_a_long_question_the_rarest_known_terms_are_looked_for() -> None:
    told = Stock(100, 1000, {"disk": 90, "ledger": 1, "full": 10})
    asked = question("disk full ledger nowhere")
    assert telling(asked, told, 2) == ["ledger", "full"]
