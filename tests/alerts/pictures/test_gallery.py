"""A picture comes soon, or never: one answer to each question, whatever Prometheus does, and addresses that only we can write."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from alerts.pictures import gallery as module
from alerts.pictures.gallery import DEADLINE, MAX_A_MINUTE, REST, Gallery
from alerts.pictures.links import LASTS, Links
from alerts.pictures.painter import Chart
from alerts.pictures.question import Question
from alerts.pictures.tables import PictureRow
from core.clock import ManualClock
from core.database import Database
from core.errors import FirstmateError, Upstream
from tests.alerts.night import EVENING, soon

END = EVENING.timestamp()
QUESTION = Question("Busy", "x", END - 3_600, END, END - 60, series=({"pod": "a"},), threshold=5.0, operator=">")
DOWN = Upstream("Prometheus", "refused the connection", retryable=True)
LINKS = Links("a-key-for-tests-only", "https://mate.example.com/")


@dataclass(frozen=True)
class Series:
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]] = tuple((END - 3_600 + 15 * at, float(at)) for at in range(240))


@dataclass
class Prometheus:
    series: list[Series] = field(default_factory=lambda: [Series({"pod": "a"})])
    error: FirstmateError | None = None
    hangs: bool = False
    asked: list[str] = field(default_factory=list)

    async def query(self, expr: str, at: datetime | None = None) -> list[Series]:  # noqa: ARG002 - as it is asked
        self.asked.append(expr)
        return self.series

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> list[Series]:  # noqa: ARG002 - as it is asked
        self.asked.append(expr)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.series


@dataclass
class Room:
    gallery: Gallery
    prometheus: Prometheus
    clock: ManualClock
    database: Database

    async def count(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(select(func.count()).select_from(PictureRow)) or 0


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    clock, prometheus = ManualClock(EVENING), Prometheus()
    gallery = Gallery(database=database, prometheus=prometheus, clock=clock, links=LINKS)
    yield Room(gallery, prometheus, clock, database)
    await gallery.close()


async def test_a_question_is_answered_once_and_the_picture_stays_as_it_was(room: Room) -> None:
    first, second = await asyncio.gather(room.gallery.show(QUESTION), room.gallery.show(QUESTION))
    assert first is not None
    assert first == second
    room.prometheus.series = [Series({"pod": "other"})]
    room.clock = ManualClock(EVENING + timedelta(hours=3))
    assert await room.gallery.show(QUESTION) == first
    assert len(room.prometheus.asked) == 1


async def test_another_process_is_given_the_picture_that_is_there(room: Room) -> None:
    first = await room.gallery.show(QUESTION)
    other = Gallery(database=room.database, prometheus=Prometheus(error=DOWN), clock=room.clock, links=LINKS)
    assert await other.show(QUESTION) == first
    await other.close()


async def test_a_message_without_a_question_has_no_picture(room: Room) -> None:
    assert await room.gallery.show(None) is None
    assert room.prometheus.asked == []


async def test_prometheus_that_hangs_costs_a_message_five_seconds_and_its_picture(room: Room) -> None:
    room.prometheus.hangs = True
    showing = asyncio.create_task(room.gallery.show(QUESTION))
    await soon(lambda: room.prometheus.asked)
    await room.clock.advance(DEADLINE - 0.1)
    assert not showing.done()
    await room.clock.advance(0.1)
    assert await showing is None
    # Sent again, it goes without again, though Prometheus is well by now; the next message need not wait for a while.
    room.prometheus.hangs = False
    assert await room.gallery.show(QUESTION) is None
    assert await room.gallery.show(replace(QUESTION, end=END + 1)) is None
    await room.clock.advance(REST)
    assert await room.gallery.show(replace(QUESTION, end=END + 2)) is not None


@pytest.mark.parametrize(
    "prometheus", [Prometheus(error=DOWN), Prometheus(series=[]), Prometheus(series=[Series({"pod": "a"}, ())])]
)
async def test_without_an_answer_or_a_sample_there_is_no_picture(database: Database, prometheus: Prometheus) -> None:
    gallery = Gallery(database=database, prometheus=prometheus, clock=ManualClock(EVENING), links=LINKS)
    assert await gallery.show(QUESTION) is None
    await gallery.close()


async def test_a_painter_that_fails_takes_no_message_with_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "paint", lambda _chart: 1 / 0)
    assert await room.gallery.show(QUESTION) is None


async def test_records_that_cannot_be_read_take_no_message_with_them(room: Room) -> None:
    async with room.database.write() as session:
        await session.run_sync(lambda sync: PictureRow.metadata.tables["alert_pictures"].drop(sync.connection()))
    assert await room.gallery.show(QUESTION) is None


async def test_in_a_storm_only_so_many_are_painted_a_minute(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "paint", lambda _chart: b"png")
    storm = [replace(QUESTION, title=f"Busy {number}") for number in range(MAX_A_MINUTE + 5)]
    shown = [await room.gallery.show(question) for question in storm]
    assert sum(each is not None for each in shown) == MAX_A_MINUTE
    await room.clock.advance(60)
    assert await room.gallery.show(replace(QUESTION, title="later")) is not None


async def test_what_is_kept_is_bounded_in_number_and_age(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 3)
    monkeypatch.setattr(module, "paint", lambda _chart: b"png")
    for number in range(6):
        await room.gallery.show(replace(QUESTION, title=f"Busy {number}"))
        await room.clock.advance(1)
    assert await room.count() == 3
    assert (await room.gallery.show(replace(QUESTION, title="Busy 5"))) is not None
    await room.clock.advance(LASTS)
    await room.gallery.show(replace(QUESTION, title="a week later"))
    assert await room.count() == 1


async def test_an_alert_of_our_own_prometheus_is_asked_for_its_series_first(room: Room) -> None:
    sent = replace(QUESTION, series=({"pod": "a", "severity": "warning"},), whole="x > 5")
    assert await room.gallery.show(sent) is not None
    assert room.prometheus.asked == ["x > 5", replace(QUESTION, whole="").promql]
    room.prometheus.series = [Series({"pod": "of another cluster"})]
    assert await room.gallery.show(replace(sent, title="other")) is None


async def test_what_is_painted_has_passed_the_redactor(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[str] = []

    def noted(chart: Chart) -> bytes:
        painted.append(f"{chart.title} {chart.lines[0].name}")
        return b"png"

    monkeypatch.setattr(module, "paint", noted)
    clean = Gallery(
        database=room.database,
        prometheus=room.prometheus,
        clock=room.clock,
        links=LINKS,
        redact=lambda text: str(text).replace("Busy", "***"),
    )
    await clean.show(QUESTION)
    assert painted == ["*** a"]
    await clean.close()


async def test_a_signed_address_leads_to_the_picture_until_it_runs_out(room: Room) -> None:
    picture = await room.gallery.show(QUESTION)
    assert picture is not None
    assert picture.url.startswith(f"https://mate.example.com/api/v1/alerts/pictures/{QUESTION.id}-")
    token = picture.url.rpartition("/")[2].removesuffix(".png")
    assert await room.gallery.fetch(token) == picture.png
    for place in range(len(token)):
        changed = token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :]
        assert await room.gallery.fetch(changed) is None
    await room.clock.advance(LASTS - 1)
    assert await room.gallery.fetch(token) == picture.png
    await room.clock.advance(1)
    assert await room.gallery.fetch(token) is None


async def test_a_picture_that_there_is_not_has_no_page_either(room: Room) -> None:
    token = LINKS.url("0" * 32, END).rpartition("/")[2].removesuffix(".png")
    assert await room.gallery.fetch(token) is None
    assert await room.gallery.fetch("") is None


def test_another_key_signs_other_addresses_and_without_an_address_outside_there_is_none() -> None:
    token = LINKS.url("0" * 32, END).rpartition("/")[2].removesuffix(".png")
    assert LINKS.read(token, EVENING) == "0" * 32
    assert Links("another-key-altogether", LINKS.public_url).read(token, EVENING) is None
    assert Links("a-key-for-tests-only", "").url("0" * 32, END) == ""
