"""The book of cases: what becomes of a lesson, and what people do with it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from knowledge_base.cases.book import KEPT, CaseBook, Edit
from knowledge_base.cases.case import Case, Component, Facts, Sighting
from knowledge_base.cases.lesson import Ending, Note, Repair
from knowledge_base.cases.likening import Asked
from knowledge_base.cases.records import Filter
from knowledge_base.cases.tables import CaseRatingRow, CaseRow, CaseVersionRow
from tests.knowledge_base.cases.fakes import MINUTE, NOON, book_on, both, database_in, finding, lesson

TABLES = (CaseRow.__table__, CaseVersionRow.__table__, CaseRatingRow.__table__)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await database_in(tmp_path)
    yield database
    await database.close()


@pytest.fixture
def book(database: Database) -> CaseBook:
    return book_on(database)


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def made(book: CaseBook, incident: str = "a1", **changed: object) -> Case:
    case = await book.write(lesson(incident, **changed), ended=True)
    assert case is not None
    return case


async def test_a_case_says_symptom_cause_fix_proof_and_times_in_both_languages(book: CaseBook) -> None:
    case = await made(book)
    assert (case.id, case.incident, case.state, case.made_by) == ("a1", "a1", "draft", "firstmate")
    body = case.body
    assert body.symptom("en").splitlines() == [
        "ContainerOOM: cart was killed",
        "Log: fatal: cannot allocate 4096 bytes",
    ]
    assert "The container needs more memory than its limit. (Out of memory, 90% sure)" in body.cause("en")
    assert "容器所需内存超过限制。（内存溢出，置信度 90%）" in body.cause("zh")
    assert body.fix("en") == "Raise the memory limit. limits.memory 64Mi -> 128Mi. Approved by ann."
    assert body.fix("zh") == "Raise the memory limit。limits.memory 64Mi -> 128Mi。由 ann 批准。"
    assert body.proof("en").splitlines() == ["It helped: ✓ all ready", "ContainerOOM ended at 2026-05-12 12:14:00 UTC."]
    assert case.facts.times.repaired == NOON + 9 * MINUTE
    assert case.to_json("en")["seconds"] == 14 * 60
    assert body.tags == ["oom_killed", "shop"]


async def test_a_step_that_only_says_the_repairs_title_is_not_said_twice(book: CaseBook) -> None:
    one = Repair(plan="p", title="Roll back", steps=["Roll back."], helped=True, approved_by="ann")
    assert (await made(book, repair=one)).body.fix("en") == "Roll back. Approved by ann."
    tried = one.model_copy(update={"helped": False})
    assert (await made(book, "a2", repair=tried)).body.fix("en") == "Tried without success: Roll back."


async def test_several_alerts_of_one_name_end_once_with_the_last(book: CaseBook) -> None:
    ends = [Ending(alert="A", at=NOON + MINUTE), Ending(alert="A", at=NOON), Ending(alert="B", at=NOON)]
    proof = (await made(book, repair=None, endings=ends)).body.proof("en")
    assert proof.splitlines() == ["A ended at 2026-05-12 12:01:00 UTC.", "B ended at 2026-05-12 12:00:00 UTC."]


async def test_what_was_not_recorded_is_said_to_be_missing(book: CaseBook) -> None:
    case = await made(book, finding=None, repair=None, endings=[])
    assert case.body.cause("en").startswith("Not established")
    assert case.body.fix("zh").startswith("没有记录")
    assert case.body.proof("en") == "Nothing shows that it is over."


async def test_an_end_that_nobody_saw_and_one_by_hand_are_told_as_what_they_are(book: CaseBook) -> None:
    ends = [Ending(alert="A", at=NOON, seen=False), Ending(alert="B", at=NOON, closed_by="bob")]
    proof = (await made(book, repair=None, endings=ends)).body.proof("en")
    assert "nobody saw it end" in proof
    assert "closed by bob" in proof
    assert "still fired" in proof


async def test_secrets_are_gone_before_anything_is_stored(book: CaseBook, tmp_path: Path) -> None:
    notes = [Note(by="ann", text="set DB_PASSWORD=hunter2hunter2", at=NOON)]
    case = await made(book, notes=notes, finding=finding(logs=["login failed: password=hunter2hunter2"]))
    await book.edit(case.id, Edit(fix="use token=hunter2hunter2 now"), "bob")
    await book.remember(Edit(title="api_key=hunter2hunter2 leaked"), Facts(), "bob")
    assert "hunter2hunter2" not in (await book.get(case.id)).model_dump_json()
    assert b"hunter2hunter2" not in stored(tmp_path)


async def test_the_same_lesson_twice_is_one_case_and_no_new_version(book: CaseBook) -> None:
    await made(book)
    assert await book.write(lesson(), ended=True) is None
    assert (await book.page(Filter()))[1] == 1
    assert (await book.versions("a1"))[1] == 1


async def test_while_an_incident_goes_on_its_case_is_nowhere_shown(book: CaseBook) -> None:
    await book.write(lesson(), ended=False)
    assert (await book.page(Filter()))[1] == 0
    assert await book.similar(Asked(alerts=["ContainerOOM"])) == []
    with pytest.raises(NotFound):
        await book.get("a1")
    kept = await book.of_incident("a1")
    assert kept is not None
    assert (kept.state, kept.facts.fault) == ("open", "oom_killed")
    await made(book)
    assert (await book.get("a1")).version == 1


async def test_an_incident_that_goes_on_and_ends_again_makes_a_new_version(book: CaseBook) -> None:
    await made(book)
    assert await book.write(lesson(title=both("half told")), ended=False) is None
    again = await made(book, title=both("ended again"))
    assert (again.version, again.body.title("en")) == (2, "ended again")
    assert [each.what for each in (await book.versions("a1"))[0]] == ["made", "made"]


async def test_what_a_person_has_touched_the_machine_leaves_alone(book: CaseBook) -> None:
    case = await made(book)
    await book.edit(case.id, Edit(cause="A cache without a bound."), "bob", version=1)
    assert await book.write(lesson(title=both("ended again")), ended=True) is None
    assert (await book.get(case.id)).body.cause("zh") == "A cache without a bound."


async def test_an_edit_keeps_the_other_language_of_what_came_back_unchanged(book: CaseBook) -> None:
    case = await made(book)
    changed = await book.edit(case.id, Edit(title="Cache grew", cause=case.body.cause("zh")), "bob", version=1)
    assert changed.body.cause == case.body.cause
    assert (changed.body.title("zh"), changed.version) == ("Cache grew", 2)
    rows, total = await book.versions(case.id)
    assert [(row.version, row.what, row.by) for row in rows] == [(2, "edited", "bob"), (1, "made", "firstmate")]
    assert rows[1].body.title("en") == "OOM in shop/cart"
    assert total == 2


async def test_an_edit_that_changes_nothing_is_no_version(book: CaseBook) -> None:
    case = await made(book)
    assert (await book.edit(case.id, Edit(title=case.body.title("en")), "bob")).version == 1


async def test_an_edit_of_an_older_version_is_refused(book: CaseBook) -> None:
    case = await made(book)
    await book.edit(case.id, Edit(title="one"), "bob", version=1)
    with pytest.raises(Conflict):
        await book.edit(case.id, Edit(title="two"), "ann", version=1)
    assert (await book.get(case.id)).body.title("en") == "one"


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (Edit(title=" "), "title"),
        (Edit(title="x" * 201), "title"),
        (Edit(fix="x" * 8_001), "fix"),
        (Edit(tags=["two words"]), "tags"),
        (Edit(tags=[f"t{n}" for n in range(21)]), "tags"),
    ],
)
async def test_what_is_too_much_is_refused_by_its_field(book: CaseBook, edit: Edit, field: str) -> None:
    await made(book)
    with pytest.raises(Invalid) as refused:
        await book.edit("a1", edit, "bob")
    assert refused.value.details["field"] == field


async def test_a_person_has_one_rating_and_may_change_it(book: CaseBook) -> None:
    await made(book)
    await book.rate("a1", 1, "ann")
    await book.rate("a1", 4, "bob")
    rated = await book.rate("a1", 5, "ann")
    assert (rated.ratings, rated.stars) == (2, 4.5)
    assert (await book.rating("a1", "ann"), await book.rating("a1", "eve")) == (5, None)
    with pytest.raises(Invalid):
        await book.rate("a1", 6, "ann")


async def test_confirming_says_who_and_once(book: CaseBook) -> None:
    await made(book)
    await book.confirm("a1", "ann")
    again = await book.confirm("a1", "bob")
    assert (again.state, again.confirmed_by, again.version) == ("confirmed", "ann", 2)


async def test_ratings_and_a_confirmation_move_the_order_at_once(book: CaseBook) -> None:
    await made(book, "a1")
    await made(book, "a2")
    asked = Asked(alerts=["ContainerOOM"], component="cart", namespace="shop")
    assert [one.case.id for one in await book.similar(asked)] == ["a1", "a2"]
    await book.rate("a2", 5, "ann")
    assert [one.case.id for one in await book.similar(asked)] == ["a2", "a1"]
    await book.confirm("a1", "bob")
    assert [one.case.id for one in await book.similar(asked)] == ["a1", "a2"]


async def test_a_rejected_case_is_gone_with_all_it_said_and_not_made_again(book: CaseBook, database: Database) -> None:
    await made(book, title=both("unmistakable"))
    await book.rate("a1", 5, "ann")
    await book.reject("a1", "bob")
    for asked in (book.get("a1"), book.versions("a1"), book.reject("a1", "bob")):
        with pytest.raises(NotFound):
            await asked
    assert await book.write(lesson(), ended=True) is None
    assert await book.similar(Asked(alerts=["ContainerOOM"])) == []
    async with database.read() as session:
        left = [str(row) for table in TABLES for row in await session.execute(select(table))]
    assert len(left) == 1
    assert "unmistakable" not in left[0]


async def test_a_told_lesson_is_a_draft_that_is_found(book: CaseBook) -> None:
    facts = Facts(alerts=[Sighting(name="CertExpires")], component=Component(namespace="edge", name="proxy"))
    case = await book.remember(Edit(title="Certificate ran out", fix="Renew it"), facts, "ann")
    assert (case.state, case.made_by, case.incident) == ("draft", "ann", None)
    (found,) = await book.similar(Asked(text="the certificate of the proxy ran out"))
    assert found.case.id == case.id
    with pytest.raises(Invalid):
        await book.remember(Edit(symptom="no title"), facts, "ann")


async def test_the_list_is_filtered_and_paged_by_the_database(book: CaseBook) -> None:
    for number in range(5):
        await made(book, f"a{number}", title=both(f"Number-{number} of them"))
    await book.confirm("a3", "ann")
    await book.edit("a4", Edit(tags=["dns", "night"]), "ann")
    for wanted, ids in (
        (Filter(state="confirmed"), {"a3"}),
        (Filter(tag="night"), {"a4"}),
        (Filter(tag="nigh"), set()),
        (Filter(text="number-2 THEM"), {"a2"}),
        (Filter(alert="ContainerOOM", text="100%"), set()),
        (Filter(namespace="shop"), {f"a{n}" for n in range(5)}),
    ):
        assert {case.id for case in (await book.page(wanted))[0]} == ids, wanted
    page, total = await book.page(Filter(), 2, 4)
    assert (len(page), total) == (1, 5)
    with pytest.raises(Invalid):
        await book.page(Filter(), 201)


async def test_of_an_incident_that_became_a_part_of_another_only_what_people_touched_is_left(book: CaseBook) -> None:
    await book.write(lesson("a1"), ended=False)
    for name in ("a2", "a3", "a4"):
        await made(book, name)
    await book.rate("a3", 4, "ann")
    await book.edit("a4", Edit(title="ours"), "ann")
    for name in ("a1", "a2", "a3", "a4", "none"):
        await book.release(name)
    assert {case.id for case in (await book.page(Filter()))[0]} == {"a3", "a4"}
    assert await book.of_incident("a1") is None
    assert [one.case.id for one in await book.similar(Asked(alerts=["ContainerOOM"]))] == ["a3", "a4"]


async def test_what_nobody_looked_at_is_forgotten_in_the_end(database: Database) -> None:
    clock = ManualClock(NOON)
    book = book_on(database, clock)
    for name in ("a1", "a2", "a3"):
        await made(book, name)
    await book.confirm("a2", "ann")
    await book.rate("a3", 2, "ann")
    await clock.advance((KEPT + timedelta(days=1)).total_seconds())
    assert await book.sweep() == 1
    assert {case.id for case in (await book.page(Filter()))[0]} == {"a2", "a3"}


async def test_a_second_process_finds_what_the_first_one_wrote(database: Database) -> None:
    one, other = book_on(database), book_on(database)
    assert await other.similar(Asked(alerts=["ContainerOOM"])) == []
    await made(one)
    assert [found.case.id for found in await other.similar(Asked(alerts=["ContainerOOM"]))] == ["a1"]
