"""How a lesson is worded: whole where there is something to say, honest where there is not, bounded where there is too much."""

from datetime import timedelta, timezone

import pytest

from knowledge_base.cases.case import Component, Sighting, Words
from knowledge_base.cases.lesson import Ending, Lesson, Note, Repair
from knowledge_base.cases.telling import MAX_ALERTS, MAX_LINE, MAX_LOGS, MAX_NOTES, MAX_QUOTES, told
from tests.knowledge_base.cases.fakes import MINUTE, NOON, both, finding, lesson


def sighted(name: str, summary: str = "") -> Sighting:
    return Sighting(name=name, summary=both(summary) if summary else Words())


def test_each_alert_is_a_line_of_the_symptom_once_and_in_its_order() -> None:
    alerts = [sighted("A", "first"), sighted("B"), sighted("A", "again"), sighted("C", "third")]
    body, _ = told(lesson(alerts=alerts, finding=None))
    assert body.symptom("en").splitlines() == ["A: first", "B", "C: third"]
    assert body.symptom("zh").splitlines() == ["A：first", "B", "C：third"]


def test_a_chinese_case_is_punctuated_as_chinese_is() -> None:
    body, _ = told(lesson())
    for text in (body.cause("zh"), body.fix("zh")):
        assert "。" in text
        assert not text.endswith(".")


def test_a_fault_without_a_name_is_called_by_its_id() -> None:
    body, _ = told(lesson(finding=finding(name=Words())))
    assert "(oom_killed, 90% sure)" in body.cause("en")


def test_without_a_diagnosis_the_component_is_the_incidents_own() -> None:
    _, facts = told(lesson(finding=None))
    assert facts.component == Component(namespace="shop", name="cart")
    assert (facts.fault, facts.quotes, facts.logs) == ("", [], [])


def test_a_repair_that_did_not_help_is_no_fix_and_no_repair_time() -> None:
    tried = Repair(plan="p", title="Scale out", helped=False, verdict="It did not help", ended_at=NOON + MINUTE)
    body, facts = told(lesson(repair=tried))
    assert body.fix("en") == "Tried without success: Scale out."
    assert body.proof("en").startswith("It did not help\n")
    assert (facts.plan, facts.times.repaired) == ("p", None)


def test_what_people_noted_stands_beside_the_repair() -> None:
    notes = [Note(by="ann", text="cache too big", at=NOON), Note(by="bob", text="told the team", at=NOON)]
    body, _ = told(lesson(notes=notes))
    assert body.fix("en").splitlines()[1:] == ["ann noted: cache too big", "bob noted: told the team"]
    assert body.fix("zh").splitlines()[1:] == ["ann 记录：cache too big", "bob 记录：told the team"]


def test_logs_are_kept_as_templates_once() -> None:
    _, facts = told(lesson(finding=finding(logs=["took 5 ms at 10.0.0.1", "took 7 ms at 10.0.0.2", "other thing"])))
    assert facts.logs == ["took * ms at *", "other thing"]


def test_of_too_much_the_first_is_kept() -> None:
    many = Lesson(
        incident="a1",
        title=both("many"),
        alerts=[sighted(f"A{number}", "x" * 10) for number in range(100)],
        finding=finding(
            quotes=[finding().quotes[0]] * 50, logs=[f"line of {chr(97 + number % 26) * 20}" for number in range(100)]
        ),
        notes=[Note(by="ann", text=f"{number} " + "y" * 9_000, at=NOON) for number in range(50)],
        endings=[Ending(alert=f"A{number}", at=NOON) for number in range(100)],
    )
    body, facts = told(many)
    assert (len(facts.alerts), len(facts.quotes), len(facts.logs)) == (MAX_ALERTS, MAX_QUOTES, MAX_LOGS)
    lines = body.fix("en").splitlines()
    assert len(lines) == MAX_NOTES
    assert len(lines[0]) <= MAX_LINE + len("ann noted: ")
    assert len(body.proof("en").splitlines()) == MAX_NOTES


@pytest.mark.parametrize(
    ("namespace", "fault", "tags"),
    [("shop", "oom_killed", ["oom_killed", "shop"]), ("", "oom_killed", ["oom_killed"]), ("a b", "", ["a-b"])],
)
def test_namespace_and_fault_are_its_first_tags(namespace: str, fault: str, tags: list[str]) -> None:
    found = finding(fault=fault) if fault else None
    assert told(lesson(namespace=namespace, finding=found))[0].tags == tags


def test_times_are_told_in_utc_whatever_zone_they_come_in() -> None:
    east = (NOON + MINUTE).astimezone(timezone(timedelta(hours=8)))
    body, _ = told(lesson(repair=None, endings=[Ending(alert="A", at=east)]))
    assert body.proof("en") == "A ended at 2026-05-12 12:01:00 UTC."
