"""Marks: what counts as right, for one fault, two faults, a healthy cluster and one that cannot be known."""

from datetime import UTC, datetime

from tests.evaluation.casebook.cases import Case
from tests.evaluation.casebook.judging import Mark, judge, reliability
from tests.evaluation.casebook.model import Answer, Component
from tests.evaluation.casebook.table import failures, report
from tools.engines.diagnosis import Cause, Diagnosis, Evidence, Gap, Window
from tools.engines.diagnosis import Component as Named

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CART = Component("Deployment", "cart", "shop")
ANSWER = Answer("oom_killed", CART, frozenset({"objects"}))


def said(*causes: tuple[str, str], healthy: bool | None = False, gaps: int = 0) -> Diagnosis:
    made = [
        Cause(
            rank=place,
            fault=fault,
            category="runtime",
            component=Named(kind="Deployment", namespace="shop", name=name),
            confidence=1 - place / 10,
            statement="",
            evidence=[Evidence(source="event", ref="x", quote="y")],
        )
        for place, (fault, name) in enumerate(causes, 1)
    ]
    return Diagnosis(
        subject="shop",
        window=Window(start=NOW, end=NOW),
        taken_at=NOW,
        healthy=healthy,
        causes=made,
        gaps=[Gap(what="logs", why="none")] * gaps,
    )


def mark(diagnosis: Diagnosis, *answers: Answer, category: str = "runtime") -> Mark:
    return judge(Case("a", 1, (), category), answers, diagnosis)


def test_fault_and_component_have_to_be_right_together() -> None:
    assert mark(said(("oom_killed", "cart")), ANSWER).first
    assert not mark(said(("oom_killed", "pay"), ("bad_command", "cart")), ANSWER).first


def test_component_and_fault_are_counted_apart() -> None:
    found = mark(said(("oom_killed", "pay"), ("bad_command", "cart")), ANSWER)
    assert (found.ranks, found.component_ranks, found.fault_ranks) == ([0], [2], [1])


def test_third_place_is_among_three_and_fourth_is_not() -> None:
    others = [("bad_command", name) for name in ("a", "b", "c")]
    assert mark(said(*others[:2], ("oom_killed", "cart")), ANSWER).among_three
    assert not mark(said(*others, ("oom_killed", "cart")), ANSWER).among_three


def test_another_name_for_the_same_fault_or_place_is_as_right() -> None:
    lenient = Answer(
        "oom_killed", CART, frozenset(), also=frozenset({"memory_leak"}), places=frozenset({"Deployment shop/pay"})
    )
    assert mark(said(("memory_leak", "pay")), lenient).first
    assert not mark(said(("deadlock", "pay")), lenient).first


def test_of_two_faults_both_have_to_come_first() -> None:
    other = Answer("bad_command", Component("Deployment", "pay", "shop"), frozenset())
    assert mark(said(("bad_command", "pay"), ("oom_killed", "cart")), ANSWER, other, category="double").first
    assert not mark(
        said(("bad_command", "pay"), ("deadlock", "x"), ("oom_killed", "cart")), ANSWER, other, category="double"
    ).first


def test_a_control_is_right_without_any_cause() -> None:
    assert mark(said(healthy=True), category="control").first
    assert not mark(said(("oom_killed", "cart")), category="control").first


def test_what_cannot_be_known_must_not_be_called_healthy_and_needs_a_gap() -> None:
    assert mark(said(healthy=None, gaps=1), ANSWER, category="removed").first
    assert not mark(said(healthy=True, gaps=1), ANSWER, category="removed").first
    assert not mark(said(healthy=None), ANSWER, category="removed").first


def test_a_crash_is_never_right() -> None:
    assert not Mark("a", "control", [], error="ValueError: x").first


def test_calibration_compares_what_was_said_with_what_was_right() -> None:
    marks = [Mark("a", "runtime", ["x"], said=["x"], ranks=[rank], confidence=0.8) for rank in (1, 1, 0, 1)]
    bins, brier, error = reliability(marks)
    assert [(one.count, round(one.right, 2)) for one in bins] == [(4, 0.75)]
    assert round(error, 2) == 0.05
    assert round(brier, 3) == 0.19


def test_the_report_counts_by_category_and_tells_failures() -> None:
    good, bad = mark(said(("oom_killed", "cart")), ANSWER), mark(said(("deadlock", "cart")), ANSWER)
    text = report([good, bad], by_fault=True)
    assert "50%" in text
    assert "oom_killed" in text
    assert len(failures([good, bad])) == 1
    assert "deadlock of Deployment shop/cart" in failures([good, bad])[0]
