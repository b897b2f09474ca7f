"""An index that goes away: the question is answered all the same, and everything is as before when it comes back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core.errors import Upstream
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Candidates, Filters, Passages, Question, Shown
from knowledge_base.index.spare import EVERY, SparedIndex
from tests.knowledge_base.index.fakes import Document, Reading, document, question

DISK = document("disk", "The disk is full.")
TLS = document("tls", "Renew the certificate.")


class Elsewhere(LocalIndex):
    """In memory like the spare, and away when the test says so."""

    name = "elsewhere"

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = 0

    async def update(self, shown: Sequence[Shown], read: Passages) -> None:
        self._answer()
        await super().update(shown, read)

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        self._answer()
        return await super().candidates(question, filters, count)

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise Upstream("Elsewhere", "is away", retryable=True)


class House:
    def __init__(self) -> None:
        self.elsewhere = Elsewhere()
        self.documents: tuple[Document, ...] = (DISK,)
        self.read = 0
        self.index = SparedIndex(self.elsewhere, self.reread)

    @asynccontextmanager
    async def reread(self) -> AsyncIterator[tuple[list[Shown], Passages]]:
        self.read += 1
        yield [one.shown for one in self.documents], Reading(self.documents)

    async def update(self, *documents: Document) -> None:
        self.documents = documents
        await self.index.update([one.shown for one in documents], Reading(documents))

    async def found(self, text: str) -> list[str]:
        return [one.page for one in (await self.index.candidates(question(text), Filters(), 5)).entries]


async def test_while_it_answers_nothing_is_held_twice() -> None:
    house = House()
    await house.update(DISK)
    assert await house.found("disk full") == ["disk"]
    assert (house.index.name, house.read, house.index._spare) == ("elsewhere", 0, None)


async def test_the_question_that_it_fails_is_answered_from_the_database() -> None:
    house = House()
    await house.update(DISK, TLS)
    house.elsewhere.away = True
    assert await house.found("renew the certificate") == ["tls"]
    assert "away" in house.index.trouble
    assert house.index.name == "local, because elsewhere is away"
    assert len(house.index) == 2


async def test_while_it_is_away_it_is_left_in_peace_and_the_spare_is_built_once() -> None:
    house = House()
    await house.update(DISK)
    house.elsewhere.away = True
    for _ in range(5):
        await house.found("disk")
    assert house.elsewhere.asked == 2
    assert house.read == 1


async def test_what_changes_meanwhile_is_found_at_once() -> None:
    house = House()
    await house.update(DISK)
    house.elsewhere.away = True
    await house.found("disk")
    await house.update(DISK, TLS)
    assert await house.found("renew the certificate") == ["tls"]


async def test_a_change_that_it_does_not_take_is_taken_by_the_spare() -> None:
    house = House()
    house.elsewhere.away = True
    await house.update(DISK, TLS)
    assert await house.found("renew the certificate") == ["tls"]
    assert house.read == 0


async def test_when_it_is_back_it_holds_what_changed_and_the_spare_is_let_go_of() -> None:
    house = House()
    await house.update(DISK)
    house.elsewhere.away = True
    await house.update(DISK, TLS)
    for _ in range(EVERY):
        await house.index.keep_up()
    assert house.index.trouble
    house.elsewhere.away = False
    for _ in range(EVERY):
        await house.index.keep_up()
    assert (house.index.trouble, house.index._spare) == ("", None)
    assert await house.found("renew the certificate") == ["tls"]
    assert house.index.name == "elsewhere"
